"""Quotients of two columns, rounded, such as a rate, a percentage or a price per piece."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from typing_extensions import override

from chainrule.table.ties.base import larger, up
from chainrule.table.ties.scaled import AbstractScaledTie


@dataclass(frozen=True)
class QuotientTie(AbstractScaledTie):
    """|c − a / b| <= slack, where each of a, b and c is scale · code + offset.

    ``columns`` are those of a, b and c. ``slack`` is half a rounding step of c. Codes of b whose
    number is zero say nothing of the others. An unknown b is taken to be positive where a and c
    leave both signs.

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

    what: ClassVar[str] = "a quotient"

    @override
    def _interval(self, column: int, codes: dict[int, Any]) -> tuple[Any, Any, Any]:
        numbers = self._numbers(codes)
        at = self.columns.index(column)
        scale, offset = self.scales[at], self.offsets[at]
        dividend, divisor, quotient = self.columns
        if column == divisor:
            return self._divisor(numbers[dividend], numbers[quotient], scale, offset)
        b = numbers[divisor]
        says, is_negative = b != 0, b < 0  # (N,)
        if column == dividend:
            middle, slack = b * numbers[quotient], abs(b) * self.slack
            return up(middle - slack - offset, scale), (middle + slack - offset) // scale, says
        a = numbers[dividend]
        a[is_negative] = -a[is_negative]
        b = abs(b)
        b[~says] = 1.0
        low = up(a - b * (self.slack + offset), b * scale)
        return low, (a + b * (self.slack - offset)) // (b * scale), says

    def _divisor(self, a: Any, c: Any, scale: int, offset: int) -> tuple[Any, Any, Any]:
        """The range of b, which is below zero if the quotient has not the sign of the dividend."""
        low, high = self._positive(a, c, scale, offset)
        is_below = ((a < 0) & (c >= self.slack)) | ((a > 0) & (c <= -self.slack))
        if bool(is_below.any()):
            other_low, other_high = self._positive(-a[is_below], c[is_below], scale, -offset)
            low[is_below], high[is_below] = -other_high, -other_low
        return low, high, a == a

    def _positive(self, a: Any, c: Any, scale: int, offset: int) -> tuple[Any, Any]:
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
        return low, -negative_high
