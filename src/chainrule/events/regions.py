"""Regions: sets of codes of one column, as listed codes or as intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np


@dataclass(frozen=True)
class Levels:
    """Some of the codes 0, 1, … of a column whose values can be listed.

    Attributes:
        inside: for each code, whether it is in the region.
    """

    inside: tuple[bool, ...]

    @property
    def is_empty(self) -> bool:
        """Whether no code is in the region."""
        return not any(self.inside)

    @property
    def is_whole(self) -> bool:
        """Whether every code is in the region."""
        return all(self.inside)

    @property
    def count(self) -> float:
        """How many codes are in the region."""
        return float(sum(self.inside))

    def contains(self, codes: np.ndarray) -> np.ndarray:
        """Marks the codes (N,) in the region."""
        return np.array(self.inside)[codes.astype(np.int64)]

    def codes(self) -> np.ndarray:
        """The codes in the region, ascending."""
        return np.flatnonzero(self.inside).astype(np.float64)

    def outside(self) -> Levels:
        """The other codes."""
        return Levels(tuple(not each for each in self.inside))

    def common(self, other: Region) -> Levels:
        """The codes in this region and in another one of the column."""
        assert isinstance(other, Levels)
        return Levels(tuple(a and b for a, b in zip(self.inside, other.inside, strict=True)))

    def united(self, other: Region) -> Levels:
        """The codes in this region or in another one of the column."""
        assert isinstance(other, Levels)
        return Levels(tuple(a or b for a, b in zip(self.inside, other.inside, strict=True)))


@dataclass(frozen=True)
class Intervals:
    """Numbers in some closed intervals of codes, ascending and apart.

    An open end is the float next to it, as ``after`` gives it.

    Attributes:
        ends: (low, high) of each interval; the outermost may be infinite.
        is_grid: whether codes are whole numbers.
    """

    ends: tuple[tuple[float, float], ...]
    is_grid: bool

    @classmethod
    def of(cls, ends: Sequence[tuple[float, float]], is_grid: bool) -> Intervals:
        """Returns the union of intervals; empty ones are left out, and those that touch joined."""
        kept: list[tuple[float, float]] = []
        for low, high in sorted(ends):
            if low > high or low == math.inf or high == -math.inf:
                continue
            if kept and low <= after(kept[-1][1], is_grid):
                kept[-1] = kept[-1][0], max(kept[-1][1], high)
            else:
                kept.append((low, high))
        return cls(tuple(kept), is_grid)

    @property
    def is_empty(self) -> bool:
        """Whether no number is in the region."""
        return not self.ends

    @property
    def is_whole(self) -> bool:
        """Whether every number is in the region."""
        return self.ends == ((-math.inf, math.inf),)

    @property
    def count(self) -> float:
        """How many codes are in the region; infinite unless it is a bounded part of a grid."""
        if not self.is_grid:
            return math.inf if any(low < high for low, high in self.ends) else len(self.ends)
        return sum(high - low + 1 for low, high in self.ends)

    def contains(self, codes: np.ndarray) -> np.ndarray:
        """Marks the codes (N,) in the region."""
        found = np.zeros(len(codes), dtype=bool)
        for low, high in self.ends:
            found |= (low <= codes) & (codes <= high)
        return found

    def codes(self) -> np.ndarray:
        """The codes in the region, ascending, if its count is finite."""
        if not self.ends:
            return np.zeros(0)
        if not self.is_grid:
            return np.array([low for low, _ in self.ends])
        return np.concatenate([np.arange(low, high + 1) for low, high in self.ends])

    def outside(self) -> Intervals:
        """The other numbers."""
        starts = [-math.inf, *(after(high, self.is_grid) for _, high in self.ends)]
        stops = [*(before(low, self.is_grid) for low, _ in self.ends), math.inf]
        return Intervals.of(list(zip(starts, stops, strict=True)), self.is_grid)

    def common(self, other: Region) -> Intervals:
        """The numbers in this region and in another one of the column."""
        assert isinstance(other, Intervals)
        ends = [(max(a[0], b[0]), min(a[1], b[1])) for a in self.ends for b in other.ends]
        return Intervals.of(ends, self.is_grid)

    def united(self, other: Region) -> Intervals:
        """The numbers in this region or in another one of the column."""
        assert isinstance(other, Intervals)
        return Intervals.of([*self.ends, *other.ends], self.is_grid)


Region: TypeAlias = Levels | Intervals


def after(code: float, is_grid: bool) -> float:
    """The next code: one more on a grid, else the next float."""
    return code + 1 if is_grid else math.nextafter(code, math.inf)


def before(code: float, is_grid: bool) -> float:
    """The code before: one less on a grid, else the previous float."""
    return code - 1 if is_grid else math.nextafter(code, -math.inf)


def partition(regions: Sequence[Region]) -> list[tuple[Region, tuple[bool, ...]]]:
    """Divides a column's codes so that each piece lies inside or outside of each region.

    Returns pairs of a piece and, for each region, whether the piece is inside of it.
    """
    pieces: dict[tuple[bool, ...], Region] = {}
    for piece in _elementary(regions):
        at = piece.codes()[:1] if isinstance(piece, Levels) else _inner(piece)
        truth = tuple(bool(region.contains(at)[0]) for region in regions)
        known = pieces.get(truth)
        pieces[truth] = piece if known is None else known.united(piece)
    return [(piece, truth) for truth, piece in pieces.items()]


def _elementary(regions: Sequence[Region]) -> list[Region]:
    """Pieces of which no region has only a part."""
    first = regions[0]
    if isinstance(first, Levels):
        one = np.eye(len(first.inside), dtype=bool)
        return [Levels(tuple(row)) for row in one.tolist()]
    starts = {-math.inf}
    for region in regions:
        assert isinstance(region, Intervals)
        for low, high in region.ends:
            starts |= {low, after(high, first.is_grid)}
    edges = sorted(starts - {math.inf})
    stops = [*(before(edge, first.is_grid) for edge in edges[1:]), math.inf]
    return [
        Intervals(((low, high),), first.is_grid)
        for low, high in zip(edges, stops, strict=True)
        if low <= high
    ]


def _inner(piece: Region) -> np.ndarray:
    """A code of an interval."""
    assert isinstance(piece, Intervals)
    low, high = piece.ends[0]
    return np.array([low if low > -math.inf else high if high < math.inf else 0.0])
