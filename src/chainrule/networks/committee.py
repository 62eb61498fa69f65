"""Committees: the average of networks that share one order, conditional by conditional."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from typing_extensions import override

from chainrule.conditionals import Distribution
from chainrule.errors import ShapeError
from chainrule.networks.average import AbstractAverage, AverageWalk, fitted_weights
from chainrule.networks.columns import Columns
from chainrule.networks.fixed_order import AbstractFixedOrder, distribution_in_order
from chainrule.networks.made import MADE
from chainrule.networks.nade import NADE
from chainrule.networks.rebuild import member_from_json, member_to_json
from chainrule.networks.walk import Walk

MEMBERS: dict[str, type[AbstractFixedOrder]] = {"MADE": MADE, "NADE": NADE}


class Committee(AbstractAverage):
    """p(x) = Π_k Σ_m π_m p_m(x_k | x_<k): every conditional is the average of the members'.

    A committee is an exact, normalised density like its members. It conditions on any prefix of
    the order that the members share.

    An ``Ensemble`` mixes whole rows instead: p(x) = Σ_m π_m p_m(x). There, the first cells of a row
    decide which member predicts the others. Here, all members predict every cell, so every
    conditional averages out what single members overfit. Committees with different orders can be
    members of an ``Ensemble``.

    Source: deep ensembles (Lakshminarayanan, Pritzel & Blundell, NeurIPS 2017, arXiv:1612.01474),
    applied to each conditional; the linear opinion pool (Stone 1961).

    Args:
        members: networks, each a NADE or a MADE, over equal columns and with one order.
        weights: the members' weights, above zero; they are divided by their sum. Default: equal
            weights. See ``fit_weights``.

    Examples:
        >>> from chainrule.networks import NADE
        >>> from chainrule.rng import generator_from
        >>> sizes, generator = (2, 4), generator_from(0)
        >>> net = Committee([NADE(3, hidden_size=size, generator=generator) for size in sizes])
        >>> rows = torch.tensor([[0.0, 1.0, 1.0]])
        >>> each = torch.stack([m.log_prob_columns(rows) for m in net.members])
        >>> bool(torch.allclose(net.log_prob_columns(rows), each.exp().mean(0).log()))
        True
    """

    def __init__(
        self,
        members: Sequence[AbstractFixedOrder],
        weights: Sequence[float] | torch.Tensor | None = None,
    ) -> None:
        super().__init__()
        self.set_members(members, weights, tuple(MEMBERS.values()), "a committee")
        for number, member in enumerate(members):
            if not torch.equal(member.order, self.order):
                raise ShapeError(
                    f"members[{number}] has another order than members[0]; pass "
                    f"order={self.order.tolist()[:8]}… to it, or make an Ensemble, whose members "
                    "may have several"
                )

    @property
    def order(self) -> torch.Tensor:  # type: ignore[override]
        """The order that all members share, int64 (D,)."""
        return self.networks[0].order

    @override
    def cells(self, x: torch.Tensor, given: torch.Tensor, asked: torch.Tensor) -> torch.Tensor:
        each = [network.cells(x, given, asked) for network in self.networks]
        logs = torch.stack(each, dim=1)  # (N, M, D)
        weight = self.log_weight.to(logs.dtype)[:, None]  # (M, 1)
        return torch.where(asked, (weight + logs).logsumexp(1), 0)

    @override
    def begin(self, x: torch.Tensor, given: torch.Tensor) -> Walk:
        return AverageWalk(
            self.log_weight.expand(len(x), -1), [each.begin(x, given) for each in self.networks]
        )

    @override
    def distribution(self, x: torch.Tensor, column: int, given: torch.Tensor) -> Distribution:
        return distribution_in_order(self, x, column, given)

    @override
    def distributions(self, x: torch.Tensor) -> list[Distribution]:
        each = [network.distributions(x) for network in self.networks]
        weight = self.log_weight.to(each[0][0].params.dtype).expand(len(x), -1)
        return [Distribution.mixture(weight, of_column) for of_column in zip(*each, strict=True)]

    @override
    def require_evidence(
        self,
        given: torch.Tensor,
        *,
        name: str,
        remedy: str = "",
        names: Sequence[str] | None = None,
    ) -> None:
        self.networks[0].require_evidence(given, name=name, remedy=remedy, names=names)

    @torch.no_grad()
    def fit_weights(self, x: torch.Tensor) -> Committee:
        """Sets the weights that maximise the likelihood of validation rows x (N, D).

        The method is expectation maximisation.
        """
        x = self.check_rows(x)
        if len(x) == 0:
            raise ShapeError("x has no rows; weights are fitted on at least one")
        everything = torch.ones(x.shape, dtype=torch.bool, device=x.device)
        logs = [network.cells(x, ~everything, everything).double() for network in self.networks]
        logs = torch.stack(logs, dim=2)  # (N, D, M)
        self.log_weight.copy_(fitted_weights(self.log_weight, logs.flatten(0, 1)))
        return self

    @override
    def config(self) -> dict[str, Any]:
        """The members' classes and constructor arguments, as JSON; the state holds the weights."""
        return {"members": [member_to_json(network) for network in self.networks]}

    @classmethod
    @override
    def from_config(cls, columns: Columns, config: Mapping[str, Any]) -> Committee:
        return cls([member_from_json(spec, columns, MEMBERS) for spec in config["members"]])
