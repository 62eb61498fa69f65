"""Independent columns: the baseline that every other density should beat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn
from typing_extensions import override

from chainrule.conditionals import Distribution
from chainrule.networks.columns import Columns, ColumnSpec
from chainrule.networks.fixed_order import AbstractFixedOrder
from chainrule.networks.walk import Walk


class IndependentColumns(AbstractFixedOrder):
    """p(x) = Π_k p(x_k): each column has its own parameters and depends on no other.

    Args:
        columns: a number of binary columns, or one item per column: a conditional, or a pair of a
            conditional and an encoding.

    Examples:
        >>> net = IndependentColumns(2)
        >>> net.initialize_from(torch.tensor([[0.0, 1.0], [0.0, 0.0]]))
        >>> net.log_prob(torch.tensor([[0.0, 1.0]])).exp()
        tensor([0.4167], grad_fn=<ExpBackward0>)
    """

    def __init__(self, columns: int | Sequence[ColumnSpec] | Columns) -> None:
        super().__init__(Columns.of(columns), None, None)
        self.output_bias = nn.Parameter(torch.zeros(sum(self.columns.param_widths)))

    @override
    def conditional_params(self, x: torch.Tensor) -> torch.Tensor:
        """The same parameters (N, P) for every row."""
        return self.output_bias.expand(len(x), -1)

    @property
    @override
    def any_evidence(self) -> bool:
        """True: no column depends on the given cells."""
        return True

    @override
    def accepts(self, given: torch.Tensor) -> torch.Tensor:
        """True for every row, bool (N,)."""
        return torch.ones(len(given), dtype=torch.bool, device=given.device)

    @override
    def require_evidence(
        self,
        given: torch.Tensor,
        *,
        name: str,
        remedy: str = "",
        names: Sequence[str] | None = None,
    ) -> None:
        """Does nothing: any evidence is accepted."""

    @override
    def distribution(self, x: torch.Tensor, column: int, given: torch.Tensor) -> Distribution:
        """p(x_column), batched over N, independent of the given cells."""
        return self.distributions(x)[column]

    @override
    def begin(self, x: torch.Tensor, given: torch.Tensor) -> Walk:
        return _Walk(self.distributions(x))

    @override
    def initialize_from(self, x: torch.Tensor) -> None:
        """Fits each column's parameters to codes x (N, D). This is the whole fit."""
        with torch.no_grad():
            self.output_bias.copy_(self.columns.initial_params(self.check_rows(x)))

    @override
    def config(self) -> dict[str, Any]:
        return {}

    @classmethod
    @override
    def from_config(cls, columns: Columns, config: Mapping[str, Any]) -> IndependentColumns:
        return cls(columns)


class _Walk:
    """The columns' distributions, each with n identical rows."""

    def __init__(self, distributions: Sequence[Distribution]) -> None:
        self._distributions = distributions

    def distribution(self, column: int) -> Distribution:
        """p(x_column)."""
        return self._distributions[column]

    def learn(self, column: int, values: torch.Tensor, rows: torch.Tensor) -> None:
        """Does nothing: other columns do not depend on this one."""

    def take(self, rows: torch.Tensor) -> _Walk:
        """See ``Walk``."""
        return _Walk([each.take(rows.cpu().numpy()) for each in self._distributions])
