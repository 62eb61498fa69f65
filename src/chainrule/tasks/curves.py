"""Increasing piecewise linear curves, as frozen values with JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.errors import FormatError


@dataclass(frozen=True)
class Curve:
    """A strictly increasing function: linear between its knots, and linear beyond either end.

    Attributes:
        x: the knots' positions, increasing.
        y: the function's values there, increasing.
        below: the slope left of the first knot, above zero.
        above: the slope right of the last knot, above zero.

    Examples:
        >>> Curve((0.0, 1.0), (0.0, 3.0), below=1.0, above=2.0)(np.array([-1.0, 0.5, 2.0])).tolist()
        [-1.0, 1.5, 5.0]
    """

    x: tuple[float, ...]
    y: tuple[float, ...]
    below: float
    above: float

    def __post_init__(self) -> None:
        x, y = np.asarray(self.x, dtype=np.float64), np.asarray(self.y, dtype=np.float64)
        slopes = np.asarray((self.below, self.above), dtype=np.float64)
        if x.ndim != 1 or x.shape != y.shape or not len(x):
            raise FormatError("a curve needs as many values as knots, at least one")
        if not all(np.isfinite(each).all() for each in (x, y, slopes)) or (slopes <= 0).any():
            raise FormatError("a curve has finite knots and slopes above zero")
        if (np.diff(x) <= 0).any() or (np.diff(y) <= 0).any():
            raise FormatError("the knots of a curve increase")

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Returns the function's values, of the shape of x."""
        inside = np.interp(x, self.x, self.y)
        beyond = np.where(x < self.x[0], (x - self.x[0]) * self.below, 0.0)
        return inside + np.where(x > self.x[-1], (x - self.x[-1]) * self.above, beyond)

    def to_json(self) -> dict[str, Any]:
        """The fields as a JSON object."""
        return {"x": list(self.x), "y": list(self.y), "below": self.below, "above": self.above}

    @classmethod
    def from_json(cls, spec: Mapping[str, Any]) -> Curve:
        """Returns the curve that ``to_json`` described.

        Raises:
            FormatError: the description is not a curve.
        """
        try:
            return cls(
                _numbers(spec["x"]), _numbers(spec["y"]), *_numbers([spec["below"], spec["above"]])
            )
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise FormatError(f"not a curve: {error}") from error


def _numbers(values: Sequence[Any]) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
