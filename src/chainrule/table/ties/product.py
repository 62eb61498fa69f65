"""Products of two columns, rounded, such as quantity times price."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from typing_extensions import override

from chainrule.errors import SchemaError
from chainrule.table.ties.base import AbstractTie, are_whole, up


@dataclass(frozen=True)
class ProductTie(AbstractTie):
    """|c − a · b| <= slack, where each of a, b and c is scale · code + offset.

    ``columns`` are those of a, b and c. ``slack`` is half a rounding step of c, or 0 if every
    product lies on its grid.

    Attributes:
        scales, offsets: integers, one each for a, b and c.
        slack: an integer.

    Examples:
        >>> import numpy as np
        >>> total = ProductTie((0, 1, 2), (1, 1, 1), (0, 0, 0), 0)
        >>> x, known = np.array([[0.0, 25.0, 75.0]]), np.array([[False, True, True]])
        >>> total.interval(0, x, known)
        (array([3.]), array([3.]))
    """

    columns: tuple[int, ...]
    scales: tuple[int, ...]
    offsets: tuple[int, ...]
    slack: int = 0
    share: float = 1.0
    text: str = ""

    def __post_init__(self) -> None:
        self.require()
        if not len(self.columns) == len(self.scales) == len(self.offsets) == 3:
            raise SchemaError(f"tie {self.text!r}: a product has three columns")
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
        first, second, product = self.columns
        if column == product:
            middle = numbers[first] * numbers[second] - offset  # (N,)
            low, high = up(middle - self.slack, scale), (middle + self.slack) // scale
            return low, high, middle == middle
        factor, middle = numbers[second if column == first else first], numbers[product]
        says = factor != 0  # (N,)
        sign = 1.0 * (factor > 0) - 1.0 * (factor <= 0)
        size, middle = factor * sign + ~says * 1.0, middle * sign
        low = up(middle - self.slack - offset * size, size * scale)
        high = (middle + self.slack - offset * size) // (size * scale)
        return low, high, says
