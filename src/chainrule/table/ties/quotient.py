"""Quotients of two columns, rounded, such as a rate, a percentage or a price per piece."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from typing_extensions import override

from chainrule.errors import SchemaError
from chainrule.table.ties.base import AbstractTie, are_whole, larger, up


@dataclass(frozen=True)
class QuotientTie(AbstractTie):
    """|c − a / b| <= slack, where each of a, b and c is scale · code + offset, and b > 0.

    ``columns`` are those of a, b and c. ``slack`` is half a rounding step of c. Codes of b whose
    number is not above zero say nothing of the others.

    Attributes:
        scales, offsets: integers, one each for a, b and c.
        slack: an integer.

    Examples:
        >>> import numpy as np
        >>> rate = QuotientTie((0, 1, 2), (20, 1, 2), (0, 0, 0), 1)  # to one decimal
        >>> x, known = np.array([[2.0, 3.0, 0.0]]), np.array([[True, True, False]])
        >>> rate.interval(2, x, known)
        (array([7.]), array([7.]))
    """

    columns: tuple[int, ...]
    scales: tuple[int, ...]
    offsets: tuple[int, ...]
    slack: int
    share: float = 1.0
    text: str = ""

    def __post_init__(self) -> None:
        self.require()
        if not len(self.columns) == len(self.scales) == len(self.offsets) == 3:
            raise SchemaError(f"tie {self.text!r}: a quotient has three columns")
        if not are_whole(self.scales, least=1) or not are_whole(self.offsets):
            raise SchemaError(
                f"tie {self.text!r}: scales {self.scales} and offsets {self.offsets} are not "
                "integers, scales above zero"
            )
        if not are_whole((self.slack,), least=0):
            raise SchemaError(f"tie {self.text!r}: slack {self.slack!r} is no integer from 0 on")

    @override
    def shifted(self, by: Mapping[int, int]) -> Self:
        parts = zip(self.columns, self.scales, self.offsets, strict=True)
        offsets = tuple(offset - scale * by.get(column, 0) for column, scale, offset in parts)
        return replace(self, offsets=offsets)

    @override
    def _interval(self, column: int, codes: dict[int, Any]) -> tuple[Any, Any, Any]:
        numbers = {
            k: codes[k] * scale + offset
            for k, scale, offset in zip(self.columns, self.scales, self.offsets, strict=True)
            if k in codes
        }
        at = self.columns.index(column)
        scale, offset = self.scales[at], self.offsets[at]
        dividend, divisor, quotient = self.columns
        if column == divisor:
            return self._divisor(numbers[dividend], numbers[quotient], scale, offset)
        b = numbers[divisor]
        says = b > 0  # (N,)
        if column == dividend:
            c = numbers[quotient]
            low = up(b * (c - self.slack) - offset, scale)
            return low, (b * (c + self.slack) - offset) // scale, says
        a = numbers[dividend]
        b[~says] = 1.0
        low = up(a - b * (self.slack + offset), b * scale)
        return low, (a + b * (self.slack - offset)) // (b * scale), says

    def _divisor(self, a: Any, c: Any, scale: int, offset: int) -> tuple[Any, Any, Any]:
        """The range of b > 0 with b · (c − slack) <= a <= b · (c + slack)."""
        low, negative_high = up(a * 0 + 1 - offset, scale), a * 0 - math.inf
        for number, side in ((a, c + self.slack), (-a, self.slack - c)):  # number <= b · side
            size = abs(side)
            size[side == 0] = 1.0
            least = up(number - offset * size, size * scale)  # if side > 0
            least[side <= 0] = -math.inf
            low = larger(low, least)
            negative_most = up(number + offset * size, size * scale)  # if side < 0
            negative_most[side >= 0] = -math.inf
            negative_most[(side == 0) & (number > 0)] = math.inf  # no b does
            negative_high = larger(negative_high, negative_most)
        return low, -negative_high, a == a
