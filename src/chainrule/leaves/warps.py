"""Warps: strictly increasing smooth maps from a column's numbers to an unbounded scale.

Each method computes with numpy arrays, or with tensors if ``xp`` is torch. Results have the dtype
of the input, which is floating-point. NaN stays NaN.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from typing_extensions import override

from chainrule.errors import ShapeError
from chainrule.leaves.leaf import AbstractLeaf, leaf_from_json


class AbstractWarp(AbstractLeaf, ABC):
    """A strictly increasing smooth map g from (low, high) onto all numbers.

    A distribution of z = g(x) gives one of x: a density gains the factor g'(x), and an interval of
    x has the mass of the interval between the warped ends. No warp at all is None, not a leaf.
    """

    @property
    def low(self) -> float:
        """The lower end of the numbers that have an image; −inf if there is none."""
        return -math.inf

    @property
    def high(self) -> float:
        """The upper end of the numbers that have an image; inf if there is none."""
        return math.inf

    @property
    def steepest(self) -> float | None:
        """The number from which the slope falls on either side; None if there is no such one."""
        return None

    def forward(self, x: Any, xp: Any = np) -> Any:
        """g(x), (...); −inf at and below ``low``, inf at and above ``high``."""
        below, above = x <= self.low, x >= self.high
        found = self._forward(xp.where(below | above, self._middle, x), xp)
        return xp.where(below, -math.inf, xp.where(above, math.inf, found))

    @abstractmethod
    def inverse(self, z: Any, xp: Any = np) -> Any:
        """The x (...) with g(x) = z (...); ``low`` for −inf and ``high`` for inf."""

    def log_slope(self, x: Any, xp: Any = np) -> Any:
        """log g'(x), (...); −inf at and beyond the ends, where there is no density."""
        beyond = (x <= self.low) | (x >= self.high)
        found = self._log_slope(xp.where(beyond, self._middle, x), xp)
        return xp.where(beyond, -math.inf, found)

    def difference(self, x: Any, step: float, xp: Any = np) -> Any:
        """g(x + step/2) − g(x − step/2), (...), exact where the two are nearly equal.

        It is inf if one edge lies at or beyond an end, and 0 if both lie beyond the same end.
        """
        lower, upper = x - step / 2, x + step / 2
        below, above = lower <= self.low, upper >= self.high
        middle = self._safe_middle(step)
        found = self._difference(xp.where(below | above, middle, x), step, xp)
        found = xp.where(below | above, math.inf, found)
        return xp.where((upper <= self.low) | (lower >= self.high), 0.0, found)

    @abstractmethod
    def _forward(self, x: Any, xp: Any) -> Any:
        """g(x) for x within (low, high)."""

    @abstractmethod
    def _log_slope(self, x: Any, xp: Any) -> Any:
        """log g'(x) for x within (low, high)."""

    @abstractmethod
    def _difference(self, x: Any, step: float, xp: Any) -> Any:
        """The difference if both edges lie within (low, high)."""

    @property
    @abstractmethod
    def _middle(self) -> float:
        """A number within (low, high), which replaces others before a formula is computed."""

    def _safe_middle(self, step: float) -> float:
        """The same, as the middle of an interval of length ``step``."""
        return self._middle


@dataclass(frozen=True)
class Log(AbstractWarp):
    """z = log((x − origin) / unit), for numbers above the origin that span decades.

    Args:
        origin: the lower end, which has no image.
        unit: the distance from the origin at which z is 0.

    Examples:
        >>> Log().forward(np.array([0.0, 1.0, 100.0])).round(3).tolist()
        [-inf, 0.0, 4.605]
    """

    origin: float = 0.0
    unit: float = 1.0

    def __post_init__(self) -> None:
        _check_numbers(origin=self.origin)
        _check_above_zero(unit=self.unit)

    @property
    @override
    def low(self) -> float:
        return self.origin

    @property
    @override
    def steepest(self) -> float:
        return self.origin

    @override
    def _forward(self, x: Any, xp: Any) -> Any:
        return xp.log((x - self.origin) / self.unit)

    @override
    def inverse(self, z: Any, xp: Any = np) -> Any:
        with _quiet(xp):
            return self.origin + self.unit * xp.exp(z)

    @override
    def _log_slope(self, x: Any, xp: Any) -> Any:
        return -xp.log(x - self.origin)

    @override
    def _difference(self, x: Any, step: float, xp: Any) -> Any:
        return xp.log1p(step / (x - step / 2 - self.origin))

    @property
    @override
    def _middle(self) -> float:
        return self.origin + self.unit

    @override
    def _safe_middle(self, step: float) -> float:
        return self.origin + step


@dataclass(frozen=True)
class SymmetricLog(AbstractWarp):
    """z = sign(x − center) · log(1 + |x − center| / unit), for numbers with two long tails.

    Args:
        center: the number at which z is 0.
        unit: the distance from the center up to which the map is nearly linear.

    Examples:
        >>> SymmetricLog().forward(np.array([-9.0, 0.0, 99.0])).round(3).tolist()
        [-2.303, 0.0, 4.605]
    """

    center: float = 0.0
    unit: float = 1.0

    def __post_init__(self) -> None:
        _check_numbers(center=self.center)
        _check_above_zero(unit=self.unit)

    @property
    @override
    def steepest(self) -> float:
        return self.center

    @override
    def _forward(self, x: Any, xp: Any) -> Any:
        away = x - self.center
        return xp.sign(away) * xp.log1p(xp.abs(away) / self.unit)

    @override
    def inverse(self, z: Any, xp: Any = np) -> Any:
        with _quiet(xp):
            return self.center + self.unit * xp.sign(z) * xp.expm1(xp.abs(z))

    @override
    def _log_slope(self, x: Any, xp: Any) -> Any:
        return -xp.log(self.unit + xp.abs(x - self.center))

    @override
    def _difference(self, x: Any, step: float, xp: Any) -> Any:
        away = xp.abs(x - self.center)
        nearer = away - step / 2  # below 0 if the interval holds the center
        aside = xp.log1p(step / (self.unit + xp.clip(nearer, 0, None)))
        across = xp.log1p((away + step / 2) / self.unit)
        across = across + xp.log1p(xp.clip(-nearer, 0, None) / self.unit)
        return xp.where(nearer < 0, across, aside)

    @property
    @override
    def _middle(self) -> float:
        return self.center


@dataclass(frozen=True)
class Logit(AbstractWarp):
    """z = log((x − least) / (most − x)), for shares of a whole.

    Args:
        least: the lower end, which has no image.
        most: the upper end, which has none either.

    Examples:
        >>> Logit().forward(np.array([0.0, 0.5, 0.9])).round(3).tolist()
        [-inf, 0.0, 2.197]
    """

    least: float = 0.0
    most: float = 1.0

    def __post_init__(self) -> None:
        _check_numbers(least=self.least, most=self.most)
        if self.least >= self.most:
            raise ShapeError(f"least = {self.least!r} is not below most = {self.most!r}")

    @property
    @override
    def low(self) -> float:
        return self.least

    @property
    @override
    def high(self) -> float:
        return self.most

    @override
    def _forward(self, x: Any, xp: Any) -> Any:
        return xp.log((x - self.least) / (self.most - x))

    @override
    def inverse(self, z: Any, xp: Any = np) -> Any:
        small = xp.exp(-xp.abs(z))
        away = (self.most - self.least) * small / (1 + small)  # from the nearer end
        return xp.where(z < 0, self.least + away, self.most - away)

    @override
    def _log_slope(self, x: Any, xp: Any) -> Any:
        below, above = x - self.least, self.most - x
        return math.log(self.most - self.least) - xp.log(below) - xp.log(above)

    @override
    def _difference(self, x: Any, step: float, xp: Any) -> Any:
        below, above = x - step / 2 - self.least, self.most - x - step / 2
        inside = (below > 0) & (above > 0)  # if the step is longer than the range, nothing is
        below, above = xp.where(inside, below, step), xp.where(inside, above, step)
        return xp.log1p(step / below) + xp.log1p(step / above)

    @property
    @override
    def _middle(self) -> float:
        return self.least + (self.most - self.least) / 2


@dataclass(frozen=True)
class Quantiles(AbstractWarp):
    """The smooth increasing map through some points (x, z), and straight lines beyond them.

    Between two points the map is a rational quadratic function, whose inverse has a closed form.
    The slopes at the points are those of Fritsch and Butland, so the map is continuously
    differentiable.

    Source: Gregory & Delbourgo, "Piecewise rational quadratic interpolation to monotonic data",
    IMA Journal of Numerical Analysis 2, 1982.

    Args:
        xs: numbers, ascending; at least two.
        zs: their images, ascending.

    Examples:
        >>> warp = Quantiles((0.0, 1.0, 9.0), (-1.0, 0.0, 1.0))
        >>> warp.forward(np.array([0.0, 1.0, 9.0])).tolist()
        [-1.0, 0.0, 1.0]
    """

    xs: tuple[float, ...]
    zs: tuple[float, ...]

    def __post_init__(self) -> None:
        for name in ("xs", "zs"):
            values = getattr(self, name)
            if not isinstance(values, list | tuple) or len(values) < 2:
                raise ShapeError(f"{name} = {values!r}: pass two numbers or more")
            if not all(isinstance(v, int | float) and math.isfinite(v) for v in values) or any(
                a >= b for a, b in pairwise(values)
            ):
                raise ShapeError(
                    f"{name} = {values!r}: pass finite numbers, each larger than the one before"
                )
            object.__setattr__(self, name, tuple(float(v) for v in values))
        if len(self.xs) != len(self.zs):
            raise ShapeError(f"xs has {len(self.xs)} numbers and zs {len(self.zs)}: pass pairs")
        assert self.slopes  # kept from here on, since PyTorch cannot compile its computation

    @cached_property
    def slopes(self) -> tuple[float, ...]:
        """dz/dx at the points."""
        width, rise = np.diff(self.xs), np.diff(self.zs)
        slope = rise / width
        left, right = width[:-1] + 2 * width[1:], 2 * width[:-1] + width[1:]
        inner = (left + right) / (left / slope[:-1] + right / slope[1:])
        return (float(slope[0]), *inner.tolist(), float(slope[-1]))

    def _interval(self, at: Any, ends: tuple[float, ...], xp: Any) -> tuple[Any, ...]:
        """The first point of each number's interval and the interval's numbers."""
        k = xp.searchsorted(_like(at, ends, xp), at, side="right") - 1
        k = xp.clip(k, 0, len(self.xs) - 2)
        xs, zs = _like(at, self.xs, xp), _like(at, self.zs, xp)
        slopes = _like(at, self.slopes, xp)
        return xs[k], zs[k], xs[k + 1] - xs[k], zs[k + 1] - zs[k], slopes[k], slopes[k + 1]

    @override
    def _forward(self, x: Any, xp: Any) -> Any:
        first, z, width, rise, start, end = self._interval(x, self.xs, xp)
        t, slope = xp.clip((x - first) / width, 0, 1), rise / width
        bent = slope + (start + end - 2 * slope) * t * (1 - t)
        found = z + rise * (slope * t * t + start * t * (1 - t)) / bent
        below, above = x < self.xs[0], x > self.xs[-1]
        found = xp.where(below, self.zs[0] + self.slopes[0] * (x - self.xs[0]), found)
        return xp.where(above, self.zs[-1] + self.slopes[-1] * (x - self.xs[-1]), found)

    @override
    def inverse(self, z: Any, xp: Any = np) -> Any:
        x, first, width, rise, start, end = self._interval(z, self.zs, xp)
        share, slope = xp.clip((z - first) / rise, 0, 1), rise / width
        bend = share * (start + end - 2 * slope)
        a, b, c = slope - start + bend, start - bend, -slope * share
        root = xp.sqrt(xp.clip(b * b - 4 * a * c, 0, None))
        found = x + width * xp.clip(-2 * c / (b + root), 0, 1)
        below, above = z < self.zs[0], z > self.zs[-1]
        found = xp.where(below, self.xs[0] + (z - self.zs[0]) / self.slopes[0], found)
        return xp.where(above, self.xs[-1] + (z - self.zs[-1]) / self.slopes[-1], found)

    @override
    def _log_slope(self, x: Any, xp: Any) -> Any:
        first, _, width, rise, start, end = self._interval(x, self.xs, xp)
        t, slope = xp.clip((x - first) / width, 0, 1), rise / width
        bent = slope + (start + end - 2 * slope) * t * (1 - t)
        above = end * t * t + 2 * slope * t * (1 - t) + start * (1 - t) * (1 - t)
        return 2 * xp.log(slope) + xp.log(above) - 2 * xp.log(bent)

    @override
    def _difference(self, x: Any, step: float, xp: Any) -> Any:
        exact = x.astype(np.float64) if xp is np else x.double()
        found = self._forward(exact + step / 2, xp) - self._forward(exact - step / 2, xp)
        return found.astype(x.dtype) if xp is np else found.to(x.dtype)

    @property
    @override
    def _middle(self) -> float:
        return self.xs[0]


_WARPS: tuple[type[AbstractWarp], ...] = (Log, Logit, Quantiles, SymmetricLog)
WARPS: dict[str, type[AbstractWarp]] = {leaf.__name__: leaf for leaf in _WARPS}


def warp_from_json(spec: Mapping[str, object]) -> AbstractWarp:
    """Rebuilds a warp from the output of its ``to_json``.

    >>> warp_from_json({"kind": "Log", "origin": -0.5})
    Log(origin=-0.5, unit=1.0)
    """
    return leaf_from_json(spec, WARPS, "warp")


def _check_numbers(**numbers: float) -> None:
    for name, value in numbers.items():
        if not (isinstance(value, int | float) and math.isfinite(value)):
            raise ShapeError(f"{name} = {value!r}: pass a finite number")


def _check_above_zero(**numbers: float) -> None:
    for name, value in numbers.items():
        if not (isinstance(value, int | float) and 0 < value < math.inf):
            raise ShapeError(f"{name} = {value!r}: pass a number above zero")


def _quiet(xp: Any) -> AbstractContextManager[Any]:
    """No warning where numpy's result is infinite, as intended."""
    return np.errstate(over="ignore") if xp is np else nullcontext()


def _like(at: Any, values: tuple[float, ...], xp: Any) -> Any:
    """Numbers as an array of the same library and dtype."""
    return np.asarray(values, at.dtype) if xp is np else at.new_tensor(values)
