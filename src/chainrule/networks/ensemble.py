"""Ensembles: a mixture of networks over the same columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from chainrule.conditionals import Distribution
from chainrule.conditionals.distribution import choose
from chainrule.errors import EvidenceError, FormatError, ShapeError
from chainrule.networks.base import AbstractNetwork, check_pool
from chainrule.networks.columns import Columns
from chainrule.networks.committee import Committee
from chainrule.networks.made import MADE
from chainrule.networks.members import AbstractOfMembers, fitted_weights
from chainrule.networks.nade import NADE
from chainrule.networks.orderless import OrderlessNADE
from chainrule.networks.orders import order_from_json, order_to_json
from chainrule.networks.rebuild import member_from_json, member_to_json
from chainrule.rng import uniforms


class Ensemble(AbstractOfMembers):
    """p(x) = Σ_m π_m p_m(x): log-mean-exp of the members' likelihoods in float64, never a mean of their logits.

    Evidence G reweights the members by how well each explains it: p(O∖G | G) = Σ π_m p_m(G) p_m(O∖G | G) / Σ π_m p_m(G).
    Several orders of one orderless network, ``Ensemble([net.with_order(o) for o in orders])``, are EoNADE.

    Source: Uria, Murray & Larochelle, "A Deep and Tractable Density Estimator", ICML 2014, arXiv:1310.1757.

    Args:
        members: networks over equal columns; several may share parameters.
        weights: of the members, above zero; they are divided by their sum. Default: all the same. See ``fit_weights``.

    Examples:
        >>> from chainrule.networks import NADE
        >>> from chainrule.rng import generator_from
        >>> orders = [0, 1, 2], [2, 1, 0]
        >>> net = Ensemble([NADE(3, hidden_size=2, order=order, generator=generator_from(0)) for order in orders])
        >>> rows = torch.tensor([[0.0, 1.0, 1.0]])
        >>> bool(net.log_prob(rows) >= torch.stack([m.log_prob(rows) for m in net.members]).mean(0))
        True
    """

    def __init__(
        self, members: Sequence[AbstractNetwork], weights: Sequence[float] | torch.Tensor | None = None
    ) -> None:
        super().__init__()
        self.take(members, weights, (AbstractNetwork,), "an ensemble")

    @property
    def order(self) -> torch.Tensor:  # type: ignore[override]
        """The order that all members share.

        Raises:
            EvidenceError: members of several orders.
        """
        orders = [member.order for member in self._all()]
        if not all(torch.equal(order, orders[0]) for order in orders):
            raise EvidenceError("the members of this ensemble have several orders; ask a member for its own")
        return orders[0]

    def log_prob(
        self, x: torch.Tensor, observed: torch.Tensor | None = None, given: torch.Tensor | None = None
    ) -> torch.Tensor:
        """log p(observed cells that are not given | given cells), (N,) nats, differentiable.

        Exact for the evidence that every member takes exactly.

        Raises:
            EvidenceError: evidence that some member cannot take.
            ShapeError: wrong shapes, or given cells that are not observed.
        """
        x, seen, evidence = self.check_evidence(x, observed, given)
        weight = self._posterior(x, evidence)  # (N, M)
        logs = torch.stack([member.log_prob(x, seen, evidence).double() for member in self._all()], dim=1)
        return (weight + logs).logsumexp(1).to(x.dtype)

    def log_prob_columns(self, x: torch.Tensor, observed: torch.Tensor | None = None) -> torch.Tensor:
        """Log-likelihood of each observed cell given those before it, (N, D) nats, where all members share one order.

        The members' weights run along: each cell's likelihood is their mixture, weighted by how they explained the cells before.

        Raises:
            EvidenceError: members of several orders; a cell then has no one set of cells before it.
        """
        x, order = self.check_rows(x), self.order
        cells = self._cells(x, order, observed)  # (N, M, D)
        weight = self.running(cells)
        return (weight + cells).logsumexp(1).to(x.dtype)[:, order.argsort()]

    def complete(
        self, values: torch.Tensor, known: torch.Tensor, temperature: float, generator: torch.Generator
    ) -> torch.Tensor:
        """Rows (n, D): for each a member by its weight given the evidence, then that member's draw."""
        uniform = uniforms(1, len(values), generator)[0].to(values.device)
        chosen, _ = choose(self._posterior(values, known) / temperature, uniform)  # (n,)
        x = values.clone()
        for number, member in enumerate(self._all()):
            rows = (chosen == number).nonzero()[:, 0]
            x[rows] = member.complete(values[rows], known[rows], temperature, generator)
        return x

    def conditional(self, x: torch.Tensor, column: int, observed: torch.Tensor | None = None) -> Distribution:
        """p(x_column | the other observed cells of each row), batched over N: the members' own, reweighted by the evidence."""
        x, column, known = self.check_column(x, column, observed)
        parts = [member.conditional(x, column, known) for member in self._all()]
        prior = self.log_weight.expand(len(x), -1)
        logs = [self._evidence(*each, x, column, known) for each in zip(self._all(), parts, strict=True)]
        return Distribution.mixture(self._normalised(prior + torch.stack(logs, dim=1), prior), parts)

    def conditionals(self, x: torch.Tensor) -> list[Distribution]:
        """D distributions in column order, each batched over N: p(x_k | columns drawn before k); members share one order."""
        x, order = self.check_rows(x), self.order
        cells = self._cells(x, order)  # (N, M, D)
        weight = self.running(cells)[:, :, order.argsort()]
        parts = [member.conditionals(x) for member in self._all()]
        return [Distribution.mixture(weight[:, :, k], [each[k] for each in parts]) for k in range(len(self.columns))]

    def features(self, x: torch.Tensor, pool: str = "last", *, observed: torch.Tensor | None = None) -> torch.Tensor:
        """The members' representations side by side, (N, sum of their widths); ``observed`` as members take it."""
        check_pool(pool)
        x, options = self.check_rows(x, observed), {} if observed is None else {"observed": observed}
        return torch.cat([member.features(x, pool, **options) for member in self._all()], dim=1)

    @property
    def loss_is_estimate(self) -> bool:
        """Whether an orderless network is among the members, or theirs."""
        return any(isinstance(part, OrderlessNADE) for part in self.modules())

    @torch.no_grad()
    def fit_weights(self, x: torch.Tensor, observed: torch.Tensor | None = None) -> Ensemble:
        """Sets the weights to those of the highest likelihood on rows x (N, D), validation rows, by expectation maximisation."""
        x = self.check_rows(x)
        if len(x) == 0:
            raise ShapeError("x has no rows; weights are fitted on at least one")
        logs = torch.stack([member.log_prob(x, observed).double() for member in self._all()], dim=1)  # (N, M)
        self.log_weight.copy_(fitted_weights(self.log_weight, logs))
        return self

    def require_exact(
        self, known: torch.Tensor, *, name: str, remedy: str = "", names: Sequence[str] | None = None
    ) -> None:
        """Raises EvidenceError unless every member takes these known cells exactly."""
        for number, member in enumerate(self._all()):
            try:
                member.require_exact(known, name=name, remedy=remedy, names=names)
            except EvidenceError as error:
                several = (
                    ""
                    if self.loss_is_estimate
                    else (
                        "; each member has an order of its own: a fit with orders=1 has one, an OrderlessNADE takes any evidence"
                    )
                )
                raise EvidenceError(f"member {number} of the ensemble: {error}{several}") from error

    def config(self) -> dict[str, Any]:
        """The members' classes and constructor arguments, as JSON; weights are a tensor of the state."""
        members: list[dict[str, Any]] = []
        owners: dict[tuple[int, ...], int] = {}  # the first orderless network that has these parameters
        for number, member in enumerate(self._all()):
            owner = number
            if isinstance(member, OrderlessNADE):
                owner = owners.setdefault(tuple(map(id, member.parameters())), number)
            if owner < number:
                members.append({"like": owner, "order": order_to_json(member.order)})
            else:
                members.append(member_to_json(member))
        return {"members": members}

    @classmethod
    def from_config(cls, columns: Columns, config: Mapping[str, Any]) -> Ensemble:
        """The ensemble that ``config`` described, with fresh parameters."""
        members: list[AbstractNetwork] = []
        for spec in config["members"]:
            if "like" in spec:
                if not 0 <= spec["like"] < len(members):
                    raise FormatError(
                        f"member {len(members)} shares the parameters of member {spec['like']}, which is not before it"
                    )
                like = members[spec["like"]]
                if not isinstance(like, OrderlessNADE):
                    raise FormatError(
                        f"member {len(members)} shares the parameters of member {spec['like']}, which has one order"
                    )
                members.append(like.with_order(order_from_json(spec["order"])))
            else:
                members.append(member_from_json(spec, columns, NETWORKS))
        return cls(members)

    def _all(self) -> list[AbstractNetwork]:
        return [member for member in self.members if isinstance(member, AbstractNetwork)]

    @staticmethod
    def _evidence(
        member: AbstractNetwork,
        part: Distribution,
        x: torch.Tensor,
        column: int,
        known: torch.Tensor,
    ) -> torch.Tensor:
        """log p_m(known) (N,), float64; where the member takes no such evidence, by p(known) = p(v, known) / p(v | known) of the
        column's likeliest value v, since ``part`` is its conditional."""
        try:
            return member.log_prob(x, observed=known).double()
        except EvidenceError:
            tried, whole = x.clone(), known.clone()
            tried[:, column], whole[:, column] = part.mode(), True
            return member.log_prob(tried, observed=whole).double() - part.log_prob(tried[:, column]).double()

    def _posterior(self, x: torch.Tensor, evidence: torch.Tensor) -> torch.Tensor:
        """Log-weights (N, M) of the members given the evidence, each row a distribution, float64."""
        prior = self.log_weight.expand(len(x), -1)
        if not bool(evidence.any()):
            return prior
        logs = torch.stack([member.log_prob(x, observed=evidence).double() for member in self._all()], dim=1)
        return self._normalised(prior + logs, prior)

    def _cells(self, x: torch.Tensor, order: torch.Tensor, observed: torch.Tensor | None = None) -> torch.Tensor:
        """Every member's log-likelihood of each cell (N, M, D), step after step of the order they share, float64."""
        return torch.stack([member.log_prob_columns(x, observed) for member in self._all()], dim=1).double()[
            :, :, order
        ]

    def running(self, cells: torch.Tensor) -> torch.Tensor:
        """Log-weights (N, M, D) of the members at every step, given the cells (N, M, D) before it in the order."""
        before = torch.cat([torch.zeros_like(cells[:, :, :1]), cells[:, :, :-1].cumsum(2)], dim=2)
        prior = self.log_weight[None, :, None].expand_as(cells)
        return self._normalised(prior + before, prior)

    def _normalised(self, joint: torch.Tensor, prior: torch.Tensor) -> torch.Tensor:
        """Log-weights that sum to one over the members; evidence that all give no probability says nothing about them."""
        possible = (joint > -torch.inf).any(1, keepdim=True)
        return torch.where(possible, joint, prior).log_softmax(1)


NETWORKS: dict[str, type[AbstractNetwork]] = {
    each.__name__: each for each in (Committee, Ensemble, MADE, NADE, OrderlessNADE)
}
