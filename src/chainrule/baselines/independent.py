"""Independent columns: the least any density must beat."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from chainrule.baselines.base import AbstractBaseline
from chainrule.networks.columns import Columns, ColumnSpec


class IndependentColumns(AbstractBaseline):
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

    def require_exact(
        self, known: torch.Tensor, *, name: str, remedy: str = "", names: Sequence[str] | None = None
    ) -> None:
        """Nothing is refused: whatever cells are known, the others are as likely as ever."""

    def walk(self, x: torch.Tensor) -> Iterator[torch.Tensor]:
        """The parameters (n, width) of each column, whatever x (n, D) holds."""
        for column in range(len(self.columns)):
            yield self.output_bias[self.columns.param_rows(column)].expand(len(x), -1)

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
