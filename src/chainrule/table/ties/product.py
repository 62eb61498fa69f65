"""Products of two columns, rounded, such as quantity times price."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from typing_extensions import override

from chainrule.table.ties.base import up
from chainrule.table.ties.scaled import AbstractScaledTie


@dataclass(frozen=True)
class ProductTie(AbstractScaledTie):
    """|c − a · b| <= slack, where each of a, b and c is scale · code + offset.

    ``columns`` are those of a, b and c. A discount of b percent multiplies a price by 100 − b, so
    the scales of factors may lie below zero. ``slack`` is half a rounding step of c, or 0 if every
    product lies on its grid.

    Attributes:
        scales, offsets: integers, one each for a, b and c; the scale of c is above zero.
        slack: an integer.

    Examples:
        >>> import numpy as np
        >>> total = ProductTie((0, 1, 2), (1, 1, 1), (0, 0, 0), 0)
        >>> x, known = np.array([[0.0, 25.0, 75.0]]), np.array([[False, True, True]])
        >>> total.interval(0, x, known)
        (array([3.]), array([3.]))
    """

    what: ClassVar[str] = "a product"
    signed: ClassVar[int] = 2

    @property
    @override
    def is_exact(self) -> bool:
        return self.slack == 0

    @override
    def _interval(self, column: int, codes: dict[int, Any]) -> tuple[Any, Any, Any]:
        numbers = self._numbers(codes)
        at = self.columns.index(column)
        scale, offset = self.scales[at], self.offsets[at]
        first, second, product = self.columns
        if column == product:
            middle = numbers[first] * numbers[second] - offset  # (N,)
            low, high = up(middle - self.slack, scale), (middle + self.slack) // scale
            return low, high, middle == middle
        factor, middle = numbers[second if column == first else first], numbers[product]
        if scale < 0:
            scale, offset, factor = -scale, -offset, -factor
        says = factor != 0  # (N,)
        sign = 1.0 * (factor > 0) - 1.0 * (factor <= 0)
        size, middle = factor * sign + ~says * 1.0, middle * sign
        low = up(middle - self.slack - offset * size, size * scale)
        high = (middle + self.slack - offset * size) // (size * scale)
        return low, high, says
