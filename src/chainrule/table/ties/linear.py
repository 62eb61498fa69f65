"""Sums, differences, copies, ratios and orders: bounds of a weighted sum of codes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from typing_extensions import override

from chainrule.errors import SchemaError
from chainrule.table.ties.base import AbstractTie, are_whole, up


@dataclass(frozen=True)
class LinearTie(AbstractTie):
    """least <= Σ coefficient · code <= most.

    Both are the same for an equation, such as a sum of columns. They are a rounding step apart for
    a ratio that is rounded. An order, such as A <= B, has one of them.

    Attributes:
        coefficients: an integer for each column.

    Examples:
        >>> import numpy as np
        >>> gross = LinearTie((0, 1, 2), (1, -1, -1), 0.0, 0.0, text="gross = net + tax")
        >>> x, known = np.array([[0.0, 100.0, 19.0]]), np.array([[False, True, True]])
        >>> gross.interval(0, x, known)
        (array([119.]), array([119.]))
    """

    columns: tuple[int, ...]
    coefficients: tuple[int, ...]
    least: float = -math.inf
    most: float = math.inf
    share: float = 1.0
    text: str = ""

    def __post_init__(self) -> None:
        self.require()
        if len(self.columns) < 2 or len(self.columns) != len(self.coefficients):
            raise SchemaError(
                f"tie {self.text!r}: {len(self.coefficients)} coefficients for "
                f"{len(self.columns)} columns, of which there are at least two"
            )
        if not are_whole(self.coefficients) or 0 in self.coefficients:
            raise SchemaError(
                f"tie {self.text!r}: coefficients {self.coefficients} are not integers other than 0"
            )
        ends = self.least, self.most
        is_number = all(isinstance(end, int | float) for end in ends)
        if not is_number or not self.least <= self.most or all(map(math.isinf, ends)):
            raise SchemaError(f"tie {self.text!r}: no sum lies from {self.least} to {self.most}")

    @property
    def is_equation(self) -> bool:
        """Whether the other codes determine the code times its coefficient."""
        return self.least == self.most

    @property
    @override
    def is_exact(self) -> bool:
        return self.is_equation

    @property
    @override
    def is_monotone(self) -> bool:
        return True

    @override
    def shifted(self, by: Mapping[int, int]) -> Self:
        weighted = zip(self.columns, self.coefficients, strict=True)
        moved = sum(weight * by.get(column, 0) for column, weight in weighted)
        return replace(self, least=self.least + moved, most=self.most + moved)

    @override
    def _interval(self, column: int, codes: dict[int, Any]) -> tuple[Any, Any, Any]:
        weight = dict(zip(self.columns, self.coefficients, strict=True))
        rest = sum(weight[other] * code for other, code in codes.items())  # (N,)
        ends = (self.least, self.most) if weight[column] > 0 else (-self.most, -self.least)
        rest = rest if weight[column] > 0 else -rest
        size = abs(weight[column])
        low = rest * 0 - math.inf if math.isinf(ends[0]) else up(ends[0] - rest, size)
        high = rest * 0 + math.inf if math.isinf(ends[1]) else (ends[1] - rest) // size
        return low, high, rest == rest
