"""How other columns see a value: the numbers by which a network reads a cell that is evidence.

How the value itself is distributed is the conditional's concern, of which encodings know nothing.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from itertools import pairwise

import torch

from chainrule.conditionals.leaf import AbstractLeaf
from chainrule.conditionals.ranges import check_range, check_scale, clamped
from chainrule.errors import ShapeError, whole_number


class AbstractEncoding(AbstractLeaf, ABC):
    """A function from values (...) to network inputs (..., width): a frozen value without parameters of its own.

    ``a + b`` gives the inputs of a, then those of b.
    """

    @property
    @abstractmethod
    def width(self) -> int:
        """How many inputs encode a value."""

    @abstractmethod
    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """Values (...) as network inputs (..., width) in their dtype."""

    def is_evidence(self, x: torch.Tensor) -> torch.Tensor:
        """Whether values x (...) say anything about other columns, bool; of those that do not, all inputs are zero."""
        return torch.ones_like(x, dtype=torch.bool)

    @property
    def is_one_hot(self) -> bool:
        """Whether ``encode`` sets one input, that of the code, so that a row of weights can be looked up instead."""
        return False

    @property
    def parts(self) -> tuple[AbstractEncoding, ...]:
        """The encodings whose inputs stand one after the other."""
        return (self,)

    def __add__(self, other: AbstractEncoding) -> Joined:
        return Joined((*self.parts, *other.parts))


@dataclass(frozen=True)
class Identity(AbstractEncoding):
    """The value itself, as of a bit.

    Examples:
        >>> Identity().encode(torch.tensor([0.0, 1.0]))
        tensor([[0.],
                [1.]])
    """

    @property
    def width(self) -> int:
        """One."""
        return 1

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """x, (..., 1)."""
        return x[..., None]


@dataclass(frozen=True)
class OneHot(AbstractEncoding):
    """One input for each of the codes 0 … values − 1, which is 1 at that code; any other code gives zeros, no evidence.

    Examples:
        >>> OneHot(2).encode(torch.tensor([1.0, 2.0]))
        tensor([[0., 1.],
                [0., 0.]])
    """

    values: int

    def __post_init__(self) -> None:
        whole_number(self.values, "values", least=1, what="the number of codes")

    @property
    def width(self) -> int:
        """One for each code."""
        return self.values

    @property
    def is_one_hot(self) -> bool:
        """The look-up is exact."""
        return True

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """1 at the code, else 0."""
        return (x[..., None] == torch.arange(self.values, device=x.device)).to(x.dtype)

    def is_evidence(self, x: torch.Tensor) -> torch.Tensor:
        """Codes below ``values``."""
        return x < self.values


@dataclass(frozen=True)
class Standardised(AbstractEncoding):
    """(x − center) / spread, x held within [low, high].

    The range is that of the training rows: beyond it a network would have to guess what a value means.

    Args:
        center: what is subtracted from a value.
        spread: what the difference is divided by.
        low: a value below is read as this; None for no bound.
        high: a value above is read as this; None for no bound.

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

    def __post_init__(self) -> None:
        check_scale(self.center, self.spread)
        check_range(self.low, self.high)

    @property
    def width(self) -> int:
        """One."""
        return 1

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """The standardised value, (..., 1)."""
        return ((clamped(x, self.low, self.high) - self.center) / self.spread)[..., None]


@dataclass(frozen=True)
class AtomFlags(AbstractEncoding):
    """One input for each of a few values, which is 1 where x equals it.

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
        if not all(isinstance(v, int | float) and math.isfinite(v) for v in values) or len(set(values)) < len(values):
            raise ShapeError(f"values = {values!r}: atoms are finite numbers, each named once")
        object.__setattr__(self, "values", tuple(sorted(float(v) for v in values)))

    @property
    def width(self) -> int:
        """One for each atom."""
        return len(self.values)

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """Which atom it is, if any."""
        return (x[..., None] == torch.tensor(self.values, dtype=x.dtype, device=x.device)).to(x.dtype)


@dataclass(frozen=True)
class Periodic(AbstractEncoding):
    """A sine and a cosine of the value for each period: where in a day, a week or a year it lies.

    Args:
        periods: lengths in the units of codes, such as 24 and 168 where a code is an hour.

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
    def width(self) -> int:
        """Two for each period."""
        return 2 * len(self.periods)

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """Sines, then cosines."""
        periods = torch.tensor(self.periods, dtype=torch.float64, device=x.device)
        angle = 2 * math.pi * (x.double()[..., None] / periods).frac()  # (..., periods)
        return torch.cat([angle.sin().to(x.dtype), angle.cos().to(x.dtype)], dim=-1)


@dataclass(frozen=True)
class PiecewiseLinear(AbstractEncoding):
    """One input for each stretch between knots: how much of it lies below the value.

    An input is 0 left of its stretch, 1 right of it, and rises linearly between. A layer over these inputs forms any
    piecewise linear function of the value, which trees can and layers over the value itself learn slowly.

    Source: Gorishniy, Rubachev & Babenko, "On Embeddings for Numerical Features in Tabular Deep Learning", NeurIPS 2022,
    arXiv:2203.05556 (piecewise linear encoding).

    Args:
        knots: where stretches meet, in the units of codes, ascending; at least two.

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
            raise ShapeError(f"knots = {knots!r}: pass finite numbers, each larger than the one before")
        if bool((torch.tensor(knots, dtype=torch.float32).diff() <= 0).any()):
            raise ShapeError(f"knots = {knots!r}: some are the same number in float32, in which networks compute")
        object.__setattr__(self, "knots", tuple(float(k) for k in knots))

    @property
    def width(self) -> int:
        """One for each stretch."""
        return len(self.knots) - 1

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """How much of each stretch lies below the value, from 0 to 1."""
        knots = x.new_tensor(self.knots)
        return ((x[..., None] - knots[:-1]) / knots.diff()).clamp(0, 1)


@dataclass(frozen=True)
class Joined(AbstractEncoding):
    """The inputs of several encodings, one after the other; what ``a + b`` makes.

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
                    f"of = {self.of!r}: {each!r} is no encoding to join; write a + b for encodings a and b"
                )
        object.__setattr__(self, "of", tuple(self.of))

    @property
    def width(self) -> int:
        """The sum of their widths."""
        return sum(each.width for each in self.of)

    @property
    def parts(self) -> tuple[AbstractEncoding, ...]:
        """``of``."""
        return self.of

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """Their inputs side by side."""
        return torch.cat([each.encode(x) for each in self.of], dim=-1)

    def is_evidence(self, x: torch.Tensor) -> torch.Tensor:
        """Where x is evidence to any of them."""
        return torch.stack([each.is_evidence(x) for each in self.of]).any(0)
