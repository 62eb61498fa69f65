"""Independent columns: the least any density must beat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from chainrule.conditionals import Distribution
from chainrule.networks.columns import Columns, ColumnSpec
from chainrule.networks.fixed_order import AbstractFixedOrder
from chainrule.networks.walk import Walk


class IndependentColumns(AbstractFixedOrder):
    """p(x) = Π_k p(x_k): every column on its own, one set of parameters each.

    Args:
        columns: a number of binary columns, or a conditional (or a pair of one and an encoding) per column.

    Examples:
        >>> net = IndependentColumns(2)
        >>> net.initialize_from(torch.tensor([[0.0, 1.0], [0.0, 0.0]]))
        >>> net.log_prob(torch.tensor([[0.0, 1.0]])).exp()
        tensor([0.4167], grad_fn=<ExpBackward0>)
    """

    def __init__(self, columns: int | Sequence[ColumnSpec] | Columns) -> None:
        super().__init__(Columns.of(columns), None, None)
        self.output_bias = nn.Parameter(torch.zeros(sum(self.columns.param_widths)))

    def conditional_params(self, x: torch.Tensor) -> torch.Tensor:
        """The same parameters (N, P) for every row."""
        return self.output_bias.expand(len(x), -1)

    @property
    def any_evidence(self) -> bool:
        """True: whatever cells are known, the others are as likely as ever."""
        return True

    def takes(self, known: torch.Tensor) -> torch.Tensor:
        """True of each row, bool (N,)."""
        return torch.ones(len(known), dtype=torch.bool, device=known.device)

    def require_evidence(
        self, known: torch.Tensor, *, name: str, remedy: str = "", names: Sequence[str] | None = None
    ) -> None:
        """Nothing is refused."""

    def distribution(self, x: torch.Tensor, column: int, known: torch.Tensor) -> Distribution:
        """p(x_column), batched over N, whatever is known."""
        return self.distributions(x)[column]

    def begin(self, x: torch.Tensor, known: torch.Tensor) -> Walk:
        """A walk that learns nothing."""
        return _Walk(self.distributions(x))

    def initialize_from(self, x: torch.Tensor) -> None:
        """Sets each column's parameters from codes x (N, D): this is the whole fit."""
        with torch.no_grad():
            self.output_bias.copy_(self.columns.initial_params(self.check_rows(x)))

    def config(self) -> dict[str, Any]:
        """Constructor arguments besides the columns, as JSON."""
        return {}

    @classmethod
    def from_config(cls, columns: Columns, config: Mapping[str, Any]) -> IndependentColumns:
        """The network that ``config`` described."""
        return cls(columns)


class _Walk:
    """The columns' distributions, each with n equal rows."""

    def __init__(self, distributions: Sequence[Distribution]) -> None:
        self._distributions = distributions

    def distribution(self, column: int) -> Distribution:
        """p(x_column)."""
        return self._distributions[column]

    def learn(self, column: int, values: torch.Tensor, rows: torch.Tensor) -> None:
        """Nothing: other columns do not depend on it."""
