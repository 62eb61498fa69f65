"""Encodings: how other columns see a value, as numbers that a network reads from an observed cell.

The distribution of the value itself belongs to the conditional; encodings do not know it.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from itertools import pairwise

import torch
from typing_extensions import override

from chainrule.conditionals.ranges import check_range, check_scale, check_warp, clamped
from chainrule.errors import ShapeError, whole_number
from chainrule.leaves.leaf import AbstractLeaf
from chainrule.leaves.warps import AbstractWarp

INSIDE = 0.25  # how far inside a warp's ends the numbers are that an encoding sees


class AbstractEncoding(AbstractLeaf, ABC):
    """A function from values (...) to network inputs (..., width), without parameters.

    ``a + b`` concatenates the inputs of a and b.
    """

    @property
    @abstractmethod
    def width(self) -> int:
        """Number of inputs that encode a value."""

    @abstractmethod
    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """Encodes values (...) as network inputs (..., width) of the same dtype."""

    def is_evidence(self, x: torch.Tensor) -> torch.Tensor:
        """Whether values x (...) are evidence for other columns, bool; all inputs are zero for the
        others.
        """
        return torch.ones_like(x, dtype=torch.bool)

    @property
    def is_one_hot(self) -> bool:
        """Whether ``encode`` sets only the input of the code; a network may then look up one row of
        weights.
        """
        return False

    @property
    def summands(self) -> tuple[AbstractEncoding, ...]:
        """The encodings whose inputs are concatenated."""
        return (self,)

    def __add__(self, other: AbstractEncoding) -> Joined:
        return Joined((*self.summands, *other.summands))


@dataclass(frozen=True)
class Identity(AbstractEncoding):
    """The value itself, such as a bit.

    Examples:
        >>> Identity().encode(torch.tensor([0.0, 1.0]))
        tensor([[0.],
                [1.]])
    """

    @property
    @override
    def width(self) -> int:
        return 1

    @override
    def encode(self, x: torch.Tensor) -> torch.Tensor:
        return x[..., None]


@dataclass(frozen=True)
class OneHot(AbstractEncoding):
    """One input for each of the codes 0 … values − 1: 1 at that code, else 0. Other codes give
    zeros.

    Examples:
        >>> OneHot(2).encode(torch.tensor([1.0, 2.0]))
        tensor([[0., 1.],
                [0., 0.]])
    """

    values: int

    def __post_init__(self) -> None:
        whole_number(self.values, "values", least=1, what="the number of codes")

    @property
    @override
    def width(self) -> int:
        return self.values

    @property
    @override
    def is_one_hot(self) -> bool:
        return True

    @override
    def encode(self, x: torch.Tensor) -> torch.Tensor:
        return (x[..., None] == torch.arange(self.values, device=x.device)).to(x.dtype)

    @override
    def is_evidence(self, x: torch.Tensor) -> torch.Tensor:
        """Codes below ``values``."""
        return x < self.values


@dataclass(frozen=True)
class Standardised(AbstractEncoding):
    """(g(x) − center) / spread, with x clamped to [low, high]; g is a warp, or the identity.

    The range is that of the training rows. Beyond it a network would extrapolate. An end of the
    warp has no image; a number there or beyond is moved ¼ inside.

    Args:
        center: subtracted from a value, or from its image.
        spread: divides the difference.
        low: replaces lower values; None for no bound.
        high: replaces higher values; None for no bound.
        warp: the map g, or None.

    Examples:
        >>> Standardised(10.0, 2.0, low=8.0, high=14.0).encode(torch.tensor([0.0, 9.0, 99.0]))
        tensor([[-1.0000],
                [-0.5000],
                [ 2.0000]])
    """

    center: float = 0.0
    spread: float = 1.0
    low: float | None = None
    high: float | None = None
    warp: AbstractWarp | None = None

    def __post_init__(self) -> None:
        check_scale(self.center, self.spread)
        check_range(self.low, self.high)
        check_warp(self.warp)
        low, high = self.range
        if low > high:
            raise ShapeError(f"low = {self.low!r}, high = {self.high!r}: {self.warp!r} ends before")

    @property
    def range(self) -> tuple[float, float]:
        """The range to which values are clamped; the ends may be infinite."""
        low = -math.inf if self.low is None else self.low
        high = math.inf if self.high is None else self.high
        if self.warp is not None:
            low, high = max(low, self.warp.low + INSIDE), min(high, self.warp.high - INSIDE)
        return low, high

    @property
    @override
    def width(self) -> int:
        return 1

    @override
    def encode(self, x: torch.Tensor) -> torch.Tensor:
        if self.warp is None:
            x = clamped(x, self.low, self.high)
        else:
            # In float64: float32 would round a number near an end, as 2^24 − ¼, to the end.
            x = self.warp.forward(x.double().clamp(*self.range), torch).to(x.dtype)
        return ((x - self.center) / self.spread)[..., None]


@dataclass(frozen=True)
class AtomFlags(AbstractEncoding):
    """One input for each of a few values: 1 if x equals it, else 0.

    Examples:
        >>> AtomFlags((0.0,)).encode(torch.tensor([0.0, 0.5]))
        tensor([[1.],
                [0.]])
    """

    values: tuple[float, ...]

    def __post_init__(self) -> None:
        values = self.values
        if not isinstance(values, list | tuple) or not values:
            raise ShapeError(f"values = {values!r}: pass the atoms, at least one")
        if not all(isinstance(v, int | float) and math.isfinite(v) for v in values) or len(
            set(values)
        ) < len(values):
            raise ShapeError(f"values = {values!r}: atoms are finite numbers, each named once")
        object.__setattr__(self, "values", tuple(sorted(float(v) for v in values)))

    @property
    @override
    def width(self) -> int:
        return len(self.values)

    @override
    def encode(self, x: torch.Tensor) -> torch.Tensor:
        return (x[..., None] == torch.tensor(self.values, dtype=x.dtype, device=x.device)).to(
            x.dtype
        )


@dataclass(frozen=True)
class Periodic(AbstractEncoding):
    """A sine and a cosine of the value for each period: its phase in a day, a week or a year.

    Args:
        periods: lengths in the units of codes, such as 24 and 168 for codes that count hours.

    Examples:
        >>> Periodic((24.0,)).encode(torch.tensor([0.0, 6.0, 24.0])).round(decimals=4).abs()
        tensor([[0., 1.],
                [1., 0.],
                [0., 1.]])
    """

    periods: tuple[float, ...]

    def __post_init__(self) -> None:
        if not isinstance(self.periods, list | tuple) or not all(
            isinstance(p, int | float) and 0 < p < math.inf for p in self.periods
        ):
            raise ShapeError(f"periods = {self.periods!r}: pass lengths above zero")
        object.__setattr__(self, "periods", tuple(float(p) for p in self.periods))

    @property
    @override
    def width(self) -> int:
        """Two for each period."""
        return 2 * len(self.periods)

    @override
    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """Sines, then cosines."""
        periods = torch.tensor(self.periods, dtype=torch.float64, device=x.device)
        angle = 2 * math.pi * (x.double()[..., None] / periods).frac()  # (..., periods)
        return torch.cat([angle.sin().to(x.dtype), angle.cos().to(x.dtype)], dim=-1)


@dataclass(frozen=True)
class PiecewiseLinear(AbstractEncoding):
    """One input for each interval between knots: the share of the interval below the value.

    An input is 0 left of its interval, 1 right of it, and rises linearly within. A layer over these
    inputs can form any piecewise linear function of the value. Trees form such functions easily;
    layers over the plain value learn them slowly.

    Source: Gorishniy, Rubachev & Babenko, "On Embeddings for Numerical Features in Tabular Deep
    Learning", NeurIPS 2022, arXiv:2203.05556 (piecewise linear encoding).

    Args:
        knots: ends of the intervals, in the units of codes, ascending; at least two.

    Examples:
        >>> PiecewiseLinear((0.0, 1.0, 3.0)).encode(torch.tensor([-1.0, 0.5, 2.0]))
        tensor([[0.0000, 0.0000],
                [0.5000, 0.0000],
                [1.0000, 0.5000]])
    """

    knots: tuple[float, ...]

    def __post_init__(self) -> None:
        knots = self.knots
        if not isinstance(knots, list | tuple) or len(knots) < 2:
            raise ShapeError(f"knots = {knots!r}: pass two numbers or more")
        if not all(isinstance(k, int | float) and math.isfinite(k) for k in knots) or any(
            a >= b for a, b in pairwise(knots)
        ):
            raise ShapeError(
                f"knots = {knots!r}: pass finite numbers, each larger than the one before"
            )
        if bool((torch.tensor(knots, dtype=torch.float32).diff() <= 0).any()):
            raise ShapeError(
                f"knots = {knots!r}: some are the same number in float32, in which networks compute"
            )
        object.__setattr__(self, "knots", tuple(float(k) for k in knots))

    @property
    @override
    def width(self) -> int:
        return len(self.knots) - 1

    @override
    def encode(self, x: torch.Tensor) -> torch.Tensor:
        knots = x.new_tensor(self.knots)
        return ((x[..., None] - knots[:-1]) / knots.diff()).clamp(0, 1)


@dataclass(frozen=True)
class Joined(AbstractEncoding):
    """The concatenated inputs of several encodings; ``a + b`` makes one.

    Examples:
        >>> (Standardised(spread=2.0) + AtomFlags((0.0,))).encode(torch.tensor([0.0, 4.0]))
        tensor([[0., 1.],
                [2., 0.]])
    """

    of: tuple[AbstractEncoding, ...]

    def __post_init__(self) -> None:
        if not isinstance(self.of, list | tuple) or not self.of:
            raise ShapeError(f"of = {self.of!r}: pass the encodings to join, at least one")
        for each in self.of:
            if not isinstance(each, AbstractEncoding) or isinstance(each, Joined):
                raise ShapeError(
                    f"of = {self.of!r}: {each!r} is no encoding to join; write a + b for encodings "
                    "a and b"
                )
        object.__setattr__(self, "of", tuple(self.of))

    @property
    @override
    def width(self) -> int:
        return sum(each.width for each in self.of)

    @property
    @override
    def summands(self) -> tuple[AbstractEncoding, ...]:
        return self.of

    @override
    def encode(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([each.encode(x) for each in self.of], dim=-1)

    @override
    def is_evidence(self, x: torch.Tensor) -> torch.Tensor:
        """Values that are evidence in at least one of the encodings."""
        return torch.stack([each.is_evidence(x) for each in self.of]).any(0)
