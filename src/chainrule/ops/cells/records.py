"""Columns as the kernels read them: a few integers and floats for each."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

# The kinds of a column's conditional, and the fields of a record as the kernels read it.
BERNOULLI, CATEGORICAL, GAUSSIAN, LOGISTIC, LAPLACE, DISCRETIZED, CALENDAR = range(7)
KIND, COLUMN, START, SIZE, ATOMS, RARE, BOUNDS, WARP, WEEKDAY, MONTHS, SLOTS, BINS = range(12)
CENTRED, POINTS, FIELDS = 12, 13, 14
CENTER, SPREAD, LEAST_SCALE, LEAST, MOST, LOW, HIGH, WARP_A, WARP_B, CAP, RARE_NATS = range(11)
FIRST_ATOM = 11  # the first days of months follow the atoms, then the points of the warp

WEEKDAYS, MONTH_DAYS = 7, 31

HAS_LEAST, HAS_MOST, HAS_LOW, HAS_HIGH = 1, 2, 4, 8  # bits of BOUNDS
TRUNCATED = HAS_LOW + HAS_HIGH
NO_WARP, LOG, SYMMETRIC_LOG, LOGIT, QUANTILES = range(5)  # values of WARP
PER_POINT = 3  # x, its image and the slope there
FIXED, LEARNED = 1, 2  # values of RARE: the logit of the unlisted code

# Strips of a thread's buffer, before those of the components.
PICKED = 0
COMPONENTS = 1
# e^logit, or e^(logit + log-mass) within bounds; log-joint, its slopes by δ and ρ; the log-mass's
PER_COMPONENT = 6
CENTRED_STRIPS = 2  # after those of the components: the shift and the stretch
# A calendar has more strips after those of its components: first of the dates of its rows, …
BEGIN, OWN, LAST, FROM, UNTIL, BIN, FIRST_WEEKDAY, ROTATED = range(8)
OF_DATES = ROTATED + WEEKDAYS
# … then of the days of their months, and of the days of each component
BEST, SUM, MASS, LOGIT = (MONTH_DAYS * number for number in range(4))
OF_DAYS = 4 * MONTH_DAYS
DAYS_PER_COMPONENT = MONTH_DAYS + MONTH_DAYS + 1  # the log-mass of each day; edges

# The kinds of pieces of an encoding, and the fields of a piece.
IDENTITY, ONE_HOT, STANDARDISED, EQUALS, PERIODIC, PIECEWISE, FLAG, WARPED = range(8)
PIECE_KIND, PIECE_COLUMN, PIECE_START, PIECE_WIDTH = range(4)


@dataclass(frozen=True)
class Warp:
    """A monotone map of numbers, in numbers.

    Attributes:
        kind: one of the kinds of warps.
        numbers: origin and unit, center and unit, or least and most.
        points: those of QUANTILES: x, its image and the slope there, by x.
    """

    kind: int = NO_WARP
    numbers: tuple[float, float] = (0.0, 1.0)
    points: tuple[tuple[float, float, float], ...] = ()

    @property
    def flat_points(self) -> tuple[float, ...]:
        """The numbers of all points."""
        return tuple(number for point in self.points for number in point)


UNWARPED = Warp()


@dataclass(frozen=True)
class Record:
    """The conditional of one column, in numbers.

    Attributes:
        kind: one of the kinds above.
        size: the number of listed codes of a categorical column, or of components of a mixture.
        atoms: the atoms of a number, in codes.
        rare: 0 without an unlisted code, else FIXED or LEARNED.
        rare_nats: log(rows + 1) if FIXED, log(rare levels + 1) if LEARNED.
        cap: how far the unlisted code's logit may exceed the smallest listed one.
        center: subtracted from a number.
        spread: divides the difference.
        least_scale: the floor of the scales.
        least: the smallest number, or None.
        most: the largest number, or None.
        low: the end of the mixture's support in standardised units, or None.
        high: its upper end, or None.
        warp: the map of numbers to the scale of the mixture.
        weekday: of a calendar, the weekday of day 0; Monday is 0.
        months: of a calendar, the first days of its months, and of the month after.
        slots: codes of a day.
        bins: parts of a day with a logit each; 1 for none.
        centred: whether a shift and the logarithm of a stretch follow the other parameters.
    """

    kind: int
    size: int = 1
    atoms: tuple[float, ...] = ()
    rare: int = 0
    rare_nats: float = 0.0
    cap: float = 0.0
    center: float = 0.0
    spread: float = 1.0
    least_scale: float = 0.0
    least: float | None = None
    most: float | None = None
    low: float | None = None
    high: float | None = None
    warp: Warp = UNWARPED
    weekday: int = 0
    months: tuple[float, ...] = ()
    slots: int = 1
    bins: int = 1
    centred: bool = False


@dataclass(frozen=True)
class Records:
    """The records of some columns of a row.

    Attributes:
        records: a record for each of these columns.
        columns: the positions of these columns in a row of codes.
        starts: the first parameter of each column.
    """

    records: tuple[Record, ...]
    columns: tuple[int, ...]
    starts: tuple[int, ...]

    @cached_property
    def integers(self) -> np.ndarray:
        """Int64 (columns, FIELDS), with the fields KIND … POINTS."""
        rows = []
        for record, column, start in zip(self.records, self.columns, self.starts, strict=True):
            ends = (record.least, record.most, record.low, record.high)
            bits = (HAS_LEAST, HAS_MOST, HAS_LOW, HAS_HIGH)
            bounds = sum(bit for bit, end in zip(bits, ends, strict=True) if end is not None)
            row = [record.kind, column, start, record.size, len(record.atoms), record.rare, bounds]
            months = max(len(record.months) - 1, 0)
            row += [record.warp.kind, record.weekday, months, record.slots, record.bins]
            rows.append([*row, record.centred, len(record.warp.points)])
        return np.array(rows, np.int64).reshape(len(rows), FIELDS)

    @cached_property
    def floats(self) -> np.ndarray:
        """Float32 (columns, any): the fields CENTER …, atoms, months, points, padded with NaN."""
        rows = []
        for each in self.records:
            ends = (each.least, each.most, each.low, each.high)
            bounds = [math.nan if end is None else end for end in ends]
            row = [each.center, each.spread, each.least_scale, *bounds, *each.warp.numbers]
            row += [each.cap, each.rare_nats, *each.atoms, *each.months, *each.warp.flat_points]
            rows.append(row)
        most = max((len(row) for row in rows), default=FIRST_ATOM)
        padded = [row + [math.nan] * (most - len(row)) for row in rows]
        return np.array(padded, np.float32).reshape(len(rows), most)

    @cached_property
    def buffer_strips(self) -> int:
        """The number of strips of a thread's buffer."""
        return COMPONENTS + max((_strips_of(each) for each in self.records), default=0)


def _strips_of(record: Record) -> int:
    """The number of strips from that of the first component on."""
    if record.kind in (BERNOULLI, CATEGORICAL):
        return 0
    if record.kind != CALENDAR:
        return PER_COMPONENT * record.size + CENTRED_STRIPS * record.centred
    return (PER_COMPONENT + DAYS_PER_COMPONENT) * record.size + OF_DATES + OF_DAYS


@dataclass(frozen=True)
class Piece:
    """Some inputs of one column, in numbers.

    Attributes:
        kind: one of the kinds of pieces.
        width: the number of inputs.
        numbers: center, spread, low and high if STANDARDISED; the values if EQUALS; the periods
            if PERIODIC, in float32, then what they lack; each interval's start and length if
            PIECEWISE; the limit of values that are evidence if FLAG; center, spread, low, high,
            the warp's kind, its two numbers, its number of points and these if WARPED.
    """

    kind: int
    width: int
    numbers: tuple[float, ...] = ()


@dataclass(frozen=True)
class Pieces:
    """The pieces of all columns.

    Attributes:
        pieces: the pieces.
        columns: the column of each piece.
        starts: the first input of each piece.
    """

    pieces: tuple[Piece, ...]
    columns: tuple[int, ...]
    starts: tuple[int, ...]

    @cached_property
    def integers(self) -> np.ndarray:
        """Int64 (pieces, 4), with the fields PIECE_KIND …"""
        rows = [
            [piece.kind, column, start, piece.width]
            for piece, column, start in zip(self.pieces, self.columns, self.starts, strict=True)
        ]
        return np.array(rows, np.int64).reshape(len(rows), 4)

    @cached_property
    def floats(self) -> np.ndarray:
        """Float32: the numbers of each piece, padded with zeros."""
        most = max((max(piece.width, len(piece.numbers)) for piece in self.pieces), default=1)
        rows = [[*piece.numbers, *[0.0] * (most - len(piece.numbers))] for piece in self.pieces]
        return np.array(rows, np.float32).reshape(len(rows), most)
