"""Ensembles: a mixture of networks over the same columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from typing_extensions import override

from chainrule.conditionals import Distribution
from chainrule.conditionals.distribution import choose
from chainrule.errors import EvidenceError, FormatError, ShapeError
from chainrule.networks.answers import Estimate
from chainrule.networks.average import AbstractAverage, AverageWalk, fitted_weights
from chainrule.networks.base import AbstractNetwork, check_pool
from chainrule.networks.columns import Columns
from chainrule.networks.committee import Committee
from chainrule.networks.latent_tree import LatentTree
from chainrule.networks.made import MADE
from chainrule.networks.nade import NADE
from chainrule.networks.orderless import OrderlessNADE
from chainrule.networks.orders import order_from_json, order_to_json
from chainrule.networks.rebuild import member_from_json, member_to_json
from chainrule.networks.walk import Walk
from chainrule.rng import Source, of_rows, one_each

SEVERAL_ORDERS = (
    "; each member has an order of its own: a fit with orders=1 has one, an OrderlessNADE takes "
    "any evidence"
)


class Ensemble(AbstractAverage):
    """p(x) = Σ_m π_m p_m(x): a mixture of networks, computed in float64.

    It averages likelihoods, not logits. Given cells G reweight each member by its likelihood of G.
    For observed cells O: p(O∖G | G) = Σ_m π_m p_m(G) p_m(O∖G | G) / Σ_m π_m p_m(G).

    EoNADE is an ensemble of one orderless network in several orders:
    ``Ensemble([net.with_order(o) for o in orders])``.

    Source: Uria, Murray & Larochelle, "A Deep and Tractable Density Estimator", ICML 2014,
    arXiv:1310.1757.

    Args:
        members: networks over equal columns; several may share parameters.
        weights: the members' weights, above zero; they are divided by their sum. Default: equal
            weights. See ``fit_weights``.

    Examples:
        >>> from chainrule.networks import NADE
        >>> from chainrule.rng import generator_from
        >>> orders = [0, 1, 2], [2, 1, 0]
        >>> generator = generator_from(0)
        >>> net = Ensemble([NADE(3, 2, order=order, generator=generator) for order in orders])
        >>> rows = torch.tensor([[0.0, 1.0, 1.0]])
        >>> bool(net.log_prob(rows) >= torch.stack([m.log_prob(rows) for m in net.members]).mean(0))
        True
    """

    def __init__(
        self,
        members: Sequence[AbstractNetwork],
        weights: Sequence[float] | torch.Tensor | None = None,
    ) -> None:
        super().__init__()
        self.set_members(members, weights, (AbstractNetwork,), "an ensemble")

    @property
    def order(self) -> torch.Tensor:  # type: ignore[override]
        """The order that all members share.

        Raises:
            EvidenceError: the members have different orders.
        """
        if not self._has_one_order:
            raise EvidenceError(
                "the members of this ensemble have several orders; ask a member for its own"
            )
        return self.networks[0].order

    @property
    def _has_one_order(self) -> bool:
        """Whether all members have the same order, those of nested ensembles included."""
        orders = [network.order for network in self.row_mixture()[0]]
        return all(torch.equal(order, orders[0]) for order in orders)

    @override
    def rows(self, x: torch.Tensor, given: torch.Tensor, asked: torch.Tensor) -> torch.Tensor:
        """log p(asked cells | given cells), (N,) nats; given cells reweight the mixture."""
        weight = self._posterior(x, given)  # (N, M)
        each = [network.rows(x, given, asked).double() for network in self.networks]
        logs = torch.stack(each, dim=1)  # (N, M)
        return (weight + logs).logsumexp(1).to(x.dtype)

    @override
    def cells(self, x: torch.Tensor, given: torch.Tensor, asked: torch.Tensor) -> torch.Tensor:
        """See the base class. The cells before a cell reweight the mixture.

        Raises:
            EvidenceError: the members have different orders, so "the cells before" differ too.
        """
        order = self.order
        cells = self._cells(x, order, given, asked)  # (N, M, D)
        weight = running_weights(self._posterior(x, given), cells)
        return (weight + cells).logsumexp(1).to(x.dtype)[:, order.argsort()]

    @override
    def begin(self, x: torch.Tensor, given: torch.Tensor) -> Walk:
        """The members' walks together; each step reweights the members.

        Unless any evidence will do, the given cells come first in the order, and the walk reads
        them on its way.

        Raises:
            EvidenceError: the members have different orders.
        """
        _ = self.order
        before = given if self.any_evidence else torch.zeros_like(given)
        return _Walk(
            self._posterior(x, before),
            [network.begin(x, before) for network in self.networks],
            reads_given=not self.any_evidence,
        )

    @override
    def complete(
        self,
        values: torch.Tensor,
        given: torch.Tensor,
        temperature: float,
        generator: Source,
        asked: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """See the base class. Each row draws a member by its weight given those cells.

        That member then draws the row.
        """
        uniform = one_each(len(values), generator).to(values.device)
        chosen, _ = choose(self._posterior(values, given) / temperature, uniform)  # (n,)
        x = values.clone()
        for number, network in enumerate(self.networks):
            rows = (chosen == number).nonzero()[:, 0]
            asked_rows = None if asked is None else asked[rows]
            source = of_rows(generator, rows)
            x[rows] = network.complete(values[rows], given[rows], temperature, source, asked_rows)
        return x

    @override
    def distribution(self, x: torch.Tensor, column: int, given: torch.Tensor) -> Distribution:
        """p(x_column | given cells), batched over N: the mixture, reweighted by the given cells."""
        components = [network.distribution(x, column, given) for network in self.networks]
        prior = self.log_weight.expand(len(x), -1)
        logs = [
            _evidence(*each, x, column, given)
            for each in zip(self.networks, components, strict=True)
        ]
        return Distribution.mixture(normalised(prior + torch.stack(logs, dim=1), prior), components)

    @override
    def distributions(self, x: torch.Tensor) -> list[Distribution]:
        """See the base class. Each distribution is a mixture, reweighted by the cells before it.

        Raises:
            EvidenceError: the members have different orders.
        """
        order = self.order
        everything = torch.ones(x.shape, dtype=torch.bool, device=x.device)
        cells = self._cells(x, order, ~everything, everything)  # (N, M, D)
        weight = running_weights(self.log_weight, cells)[:, :, order.argsort()]
        components = [network.distributions(x) for network in self.networks]
        return [
            Distribution.mixture(weight[:, :, k], [each[k] for each in components])
            for k in range(len(self.columns))
        ]

    @override
    def marginal_estimate(
        self, x: torch.Tensor, observed: torch.Tensor, n_draws: int, generator: torch.Generator
    ) -> Estimate:
        """log p(observed cells), (N,): the mixture of the members' estimates, with its error."""
        each = [
            network.marginal_estimate(x, observed, n_draws, generator) for network in self.networks
        ]
        logs = self.log_weight + torch.stack([one.value.double() for one in each], dim=1)  # (N, M)
        errors = torch.stack([one.standard_error.double() for one in each], dim=1)
        error = (normalised(logs, self.log_weight.expand_as(logs)).exp() * errors).norm(dim=1)
        return Estimate(logs.logsumexp(1).to(x.dtype), error.to(x.dtype))

    @override
    def features(
        self, x: torch.Tensor, pool: str = "last", *, observed: torch.Tensor | None = None
    ) -> torch.Tensor:
        """The members' representations, concatenated to (N, sum of their widths).

        ``observed`` is for orderless members only.
        """
        check_pool(pool)
        x, options = self.check_rows(x, observed), {}
        if observed is not None:
            options = {"observed": observed}
        return torch.cat([network.features(x, pool, **options) for network in self.networks], dim=1)

    @override
    def one_order_networks(self, number: int = 1, seed: int = 1) -> list[AbstractNetwork]:
        """The one-order networks of all members; the ensemble itself if it has one order."""
        if not self.any_evidence and self._has_one_order:
            return [self]
        return [
            one for network in self.networks for one in network.one_order_networks(number, seed)
        ]

    @override
    def row_mixture(self) -> tuple[list[AbstractNetwork], torch.Tensor]:
        """The members and their log-weights (M,), with nested ensembles flattened."""
        networks, weights = [], []
        for network, log_weight in zip(self.networks, self.log_weight, strict=True):
            members, logs = network.row_mixture()
            networks += members
            weights.append(log_weight + logs)
        return networks, torch.cat(weights)

    @override
    def gradient_part(self) -> AbstractNetwork:
        """The ensemble of the members that gradients train, or the only such member."""
        members = [number for number, each in enumerate(self.networks) if each.has_gradients]
        if len(members) in (0, len(self.networks)):
            return self
        networks = [self.networks[number] for number in members]
        if len(networks) == 1:
            return networks[0]
        return Ensemble(networks, self.log_weight[members].exp())

    @torch.no_grad()
    def fit_weights(self, x: torch.Tensor, observed: torch.Tensor | None = None) -> Ensemble:
        """Sets the weights that maximise the likelihood of validation rows x (N, D).

        The method is expectation maximisation. ``observed`` is as for ``log_prob``.
        """
        x = self.check_rows(x)
        if len(x) == 0:
            raise ShapeError("x has no rows; weights are fitted on at least one")
        each = [network.log_prob(x, observed).double() for network in self.networks]
        logs = torch.stack(each, dim=1)  # (N, M)
        self.log_weight.copy_(fitted_weights(self.log_weight, logs))
        return self

    @override
    def require_evidence(
        self,
        given: torch.Tensor,
        *,
        name: str,
        remedy: str = "",
        names: Sequence[str] | None = None,
    ) -> None:
        """Raises EvidenceError unless every member conditions exactly on these given cells."""
        for number, network in enumerate(self.networks):
            try:
                network.require_evidence(given, name=name, remedy=remedy, names=names)
            except EvidenceError as error:
                several = "" if self.loss_is_estimate else SEVERAL_ORDERS
                raise EvidenceError(f"member {number} of the ensemble: {error}{several}") from error

    @override
    def config(self) -> dict[str, Any]:
        """The members' classes and constructor arguments, as JSON; the state holds the weights."""
        members: list[dict[str, Any]] = []
        owners: dict[tuple[int, ...], int] = {}  # the first orderless member with these parameters
        for number, member in enumerate(self.networks):
            owner = number
            if isinstance(member, OrderlessNADE):
                owner = owners.setdefault(tuple(map(id, member.parameters())), number)
            if owner < number:
                members.append({"like": owner, "order": order_to_json(member.order)})
            else:
                members.append(member_to_json(member))
        return {"members": members}

    @classmethod
    @override
    def from_config(cls, columns: Columns, config: Mapping[str, Any]) -> Ensemble:
        members: list[AbstractNetwork] = []
        for spec in config["members"]:
            if "like" in spec:
                if not 0 <= spec["like"] < len(members):
                    raise FormatError(
                        f"member {len(members)} shares the parameters of member {spec['like']}, "
                        "which is not before it"
                    )
                like = members[spec["like"]]
                if not isinstance(like, OrderlessNADE):
                    raise FormatError(
                        f"member {len(members)} shares the parameters of member {spec['like']}, "
                        "which has one order"
                    )
                members.append(like.with_order(order_from_json(spec["order"])))
            else:
                members.append(member_from_json(spec, columns, NETWORKS))
        return cls(members)

    def _posterior(self, x: torch.Tensor, given: torch.Tensor) -> torch.Tensor:
        """Log-weights (N, M) of the members given the given cells, normalised by row, float64."""
        prior = self.log_weight.expand(len(x), -1)
        if not bool(given.any()):
            return prior
        nothing = torch.zeros_like(given)
        logs = torch.stack(
            [network.rows(x, nothing, given).double() for network in self.networks], dim=1
        )
        return normalised(prior + logs, prior)

    def _cells(
        self, x: torch.Tensor, order: torch.Tensor, given: torch.Tensor, asked: torch.Tensor
    ) -> torch.Tensor:
        """Every member's log-likelihood of each cell (N, M, D), in the shared order, float64."""
        each = [network.cells(x, given, asked) for network in self.networks]
        return torch.stack(each, dim=1).double()[:, :, order]


class _Walk(AverageWalk):
    """The members' walks; each member is weighted by its likelihood of the cells learned.

    Args:
        log_weight: the members' log-weights, (n, M).
        walks: one walk per member.
        reads_given: whether given cells were left out of ``begin``, so that they are learned, too.
    """

    def __init__(
        self, log_weight: torch.Tensor, walks: Sequence[Walk], *, reads_given: bool
    ) -> None:
        super().__init__(log_weight, walks)
        self._reads_given = reads_given

    @override
    def learn(self, column: int, values: torch.Tensor, rows: torch.Tensor) -> None:
        """Reweights the members by their likelihoods of the values, then passes these to them."""
        rows = torch.ones_like(rows) if self._reads_given else rows
        logs = [walk.distribution(column).log_prob(values).double() for walk in self.walks]
        gain = torch.where(rows[:, None], torch.stack(logs, dim=1), 0)  # (n, M)
        self.log_weight = normalised(self.log_weight + gain, self.log_weight)
        super().learn(column, values, rows)


def running_weights(log_weight: torch.Tensor, cells: torch.Tensor) -> torch.Tensor:
    """Log-weights (N, M, D) of the components at every step, given the cells before it.

    Args:
        log_weight: the log-weights before the first step, (M,) or (N, M).
        cells: log-likelihoods (N, M, D) of the cells under each component, in step order.
    """
    before = torch.cat([torch.zeros_like(cells[:, :, :1]), cells[:, :, :-1].cumsum(2)], dim=2)
    prior = log_weight[..., None].expand_as(cells)
    return normalised(prior + before, prior)


def normalised(joint: torch.Tensor, prior: torch.Tensor) -> torch.Tensor:
    """Log-weights (N, M, …), normalised over M; the prior where all joint densities are zero."""
    possible = (joint > -torch.inf).any(1, keepdim=True)
    return torch.where(possible, joint, prior).log_softmax(1)


def _evidence(
    network: AbstractNetwork,
    component: Distribution,
    x: torch.Tensor,
    column: int,
    given: torch.Tensor,
) -> torch.Tensor:
    """log p(given cells) (N,), float64.

    If the network cannot condition on the given cells exactly, Bayes' rule gives
    p(given) = p(v, given) / p(v | given). Here v is the mode of ``component``, which is the
    network's p(x_column | given).
    """
    nothing = torch.zeros_like(given)
    if bool(network.accepts(given).all()):
        return network.rows(x, nothing, given).double()
    tried, asked = x.clone(), given.clone()
    tried[:, column], asked[:, column] = component.mode(), True
    joint = network.rows(tried, nothing, asked).double()
    return joint - component.log_prob(tried[:, column]).double()


NETWORKS: dict[str, type[AbstractNetwork]] = {
    each.__name__: each for each in (Committee, Ensemble, LatentTree, MADE, NADE, OrderlessNADE)
}
