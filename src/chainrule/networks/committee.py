"""Committees: networks that share one order, averaged conditional by conditional."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch

from chainrule.conditionals import Distribution
from chainrule.errors import ShapeError
from chainrule.networks.base import check_pool
from chainrule.networks.columns import Columns
from chainrule.networks.fixed_order import AbstractFixedOrder, AbstractParametric
from chainrule.networks.made import MADE
from chainrule.networks.members import AbstractOfMembers, fitted_weights
from chainrule.networks.nade import NADE
from chainrule.networks.rebuild import member_from_json, member_to_json

MEMBERS: dict[str, type[AbstractParametric]] = {"MADE": MADE, "NADE": NADE}


class Committee(AbstractOfMembers, AbstractFixedOrder):
    """p(x) = Π_k Σ_m π_m p_m(x_k | x_<k): the mean of the members' probabilities at every step of the order they share.

    A density of that order, exact and normalised as its members are, and conditioned on any prefix. Beside an ``Ensemble``,
    the mixture Σ_m π_m p_m(x) of whole rows: there the first cells of a row decide which member answers for the rest of it;
    here all answer for every cell, so that what each has learned by heart is averaged out of each conditional. Only
    members of one order can sit on a committee; several committees, each of its own order, make an ``Ensemble``.

    Source: deep ensembles (Lakshminarayanan, Pritzel & Blundell, NeurIPS 2017, arXiv:1612.01474) of each conditional; the
    linear opinion pool (Stone 1961).

    Args:
        members: a NADE or MADE each, over equal columns, all of one order.
        weights: of the members, above zero; they are divided by their sum. Default: all the same. See ``fit_weights``.

    Examples:
        >>> from chainrule.networks import NADE
        >>> from chainrule.rng import generator_from
        >>> net = Committee([NADE(3, hidden_size=size, generator=generator_from(size)) for size in (2, 4)])
        >>> rows = torch.tensor([[0.0, 1.0, 1.0]])
        >>> each = torch.stack([m.log_prob_columns(rows) for m in net.members])
        >>> bool(torch.allclose(net.log_prob_columns(rows), each.exp().mean(0).log()))
        True
    """

    def __init__(
        self, members: Sequence[AbstractParametric], weights: Sequence[float] | torch.Tensor | None = None
    ) -> None:
        super().__init__()
        self.take(members, weights, tuple(MEMBERS.values()), "a committee")
        for number, member in enumerate(members):
            if not torch.equal(member.order, self.order):
                raise ShapeError(
                    f"members[{number}] has another order than members[0]; pass order={self.order.tolist()[:8]}… to it, or "
                    "make an Ensemble, whose members may have several"
                )

    @property
    def order(self) -> torch.Tensor:  # type: ignore[override]
        """The order that all members share, int64 (D,)."""
        return self._all()[0].order

    def cells(self, x: torch.Tensor) -> torch.Tensor:
        """Log-likelihood (N, D) of each cell given the columns drawn before it: of the mean of the members' probabilities."""
        logs = torch.stack([member.cells(x) for member in self._all()], dim=1)  # (N, M, D)
        return (self.log_weight.to(logs.dtype)[:, None] + logs).logsumexp(1)

    def conditionals(self, x: torch.Tensor) -> list[Distribution]:
        """D distributions in column order, each batched over N: p(x_k | columns drawn before k), the members' mixture."""
        x = self.check_rows(x)
        each = [member.conditionals(x) for member in self._all()]
        weight = self.log_weight.to(each[0][0].params.dtype).expand(len(x), -1)
        return [Distribution.mixture(weight, parts) for parts in zip(*each, strict=True)]

    def walk(self, x: torch.Tensor) -> Iterator[torch.Tensor]:
        """For each step of the order the members' parameters (n, M, width), given what x (n, D) then holds of those before."""
        for params in zip(*(member.walk(x) for member in self._all()), strict=True):
            yield torch.stack(params, 1)

    def pick(self, column: int, params: torch.Tensor, uniform: torch.Tensor, temperature: float) -> torch.Tensor:
        """A column's values (n,), each drawn by a member."""
        log_weight = self.log_weight.expand(params.shape[:2])
        return Distribution(self.columns.conditionals[column], params, log_weight).draw(uniform, temperature)

    @torch.no_grad()
    def fit_weights(self, x: torch.Tensor) -> Committee:
        """Sets the weights to those of the highest likelihood on rows x (N, D), validation rows, by expectation maximisation."""
        x = self.check_rows(x)
        if len(x) == 0:
            raise ShapeError("x has no rows; weights are fitted on at least one")
        logs = torch.stack([member.cells(x).double() for member in self._all()], dim=2)  # (N, D, M)
        self.log_weight.copy_(fitted_weights(self.log_weight, logs.flatten(0, 1)))
        return self

    def features(self, x: torch.Tensor, pool: str = "last") -> torch.Tensor:
        """The members' representations side by side, (N, sum of their widths)."""
        check_pool(pool)
        x = self.check_rows(x)
        return torch.cat([member.features(x, pool) for member in self._all()], dim=1)

    def config(self) -> dict[str, Any]:
        """The members' classes and constructor arguments, as JSON; weights are a tensor of the state."""
        return {"members": [member_to_json(member) for member in self._all()]}

    @classmethod
    def from_config(cls, columns: Columns, config: Mapping[str, Any]) -> Committee:
        """The committee that ``config`` described, with fresh parameters."""
        return cls([member_from_json(spec, columns, MEMBERS) for spec in config["members"]])

    def _all(self) -> list[AbstractParametric]:
        return [member for member in self.members if isinstance(member, AbstractParametric)]
