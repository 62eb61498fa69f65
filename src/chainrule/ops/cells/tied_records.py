"""Tied columns as the kernels read them: a few integers and floats for each."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from chainrule.ops.cells.records import MONTH_DAYS, UNWARPED, Warp

# The kinds of a base: one whose only range has all its mass, a mixture, and a calendar.
WHOLE, MIXTURE, CALENDAR = range(3)
KIND, COLUMN, START, TIES, ORDERED, SIZE, CENTRED, ATOMS, WIDTH, WARP = range(10)
WEEKDAY, MONTHS, SLOTS, BINS, POINTS, FIELDS = range(10, 16)
LEAST, MOST, BASE_LEAST, BASE_MOST, CENTER, SPREAD, LEAST_SCALE, LOW, HIGH = range(9)
WARP_A, WARP_B, DAY_LEAST, DAY_MOST, LEAST_WEIGHT = range(9, 14)
FIRST_ATOM = 14  # months follow the atoms, then the points of the warp

# A thread's buffer: numbers of the row, …
SHIFT, LOG_NORM, OF_COMPONENTS = range(3)
# … numbers of each component, …
LOGIT, DELTA, SCALE, BY_RHO, WITHIN, WITHIN_DELTA, WITHIN_SCALE, JOINT, JOINT_DELTA, JOINT_SCALE = (
    range(10)
)
PER_COMPONENT = 10
# … of each tie, before the slopes of its range, …
USED, INSIDE, VALUE, LOG_WEIGHT, PRIOR, DUE, PER_TIE = range(7)
# … and of a month: the components' masses of its days and σ of its edges, then each day's.
EDGES = MONTH_DAYS + 1
PER_DAY = 3  # mass, e^(weight − largest weight), slope by the mass


@dataclass(frozen=True)
class TiedRecord:
    """A tied column, in numbers.

    Attributes:
        kind: the kind of the base, without its atoms.
        ties: the number of ties.
        is_ordered: whether ranges of several values mean anything.
        width: the number of the base's parameters.
        limits: the smallest and the largest code.
        least: the least weight of the base.
        atoms: the atoms of the base.
        base_limits: the limits of what the atoms surround.
        size: the number of components.
        is_centred: whether a shift and a stretch follow the parameters of the components.
        center: subtracted from images of numbers.
        spread: divides the difference.
        least_scale: the floor of the scales.
        bounds: of the mixture, in standardised units.
        warp: the map of numbers to the scale of the mixture.
        days: the first and the last possible day of a calendar.
        weekday: the weekday of day 0; Monday is 0.
        months: the first days of the months, and of the month after.
        slots: codes of a day.
        bins: parts of a day with a logit each; 1 for none.
    """

    kind: int
    ties: int
    is_ordered: bool
    width: int
    limits: tuple[float, float]
    least: float = 0.0
    atoms: tuple[float, ...] = ()
    base_limits: tuple[float, float] = (-math.inf, math.inf)
    size: int = 0
    is_centred: bool = False
    center: float = 0.0
    spread: float = 1.0
    least_scale: float = 0.0
    bounds: tuple[float, float] = (-math.inf, math.inf)
    warp: Warp = UNWARPED
    days: tuple[float, float] = (-math.inf, math.inf)
    weekday: int = 0
    months: tuple[float, ...] = ()
    slots: int = 1
    bins: int = 1


@dataclass(frozen=True)
class TiedRecords:
    """The tied columns of a row.

    Attributes:
        records: a record for each of them.
        columns: their positions in a row of codes.
        starts: the first parameter of each: its weights, the ends of its ranges, then the base's.
    """

    records: tuple[TiedRecord, ...]
    columns: tuple[int, ...]
    starts: tuple[int, ...]

    @cached_property
    def integers(self) -> np.ndarray:
        """Int64 (columns, FIELDS), with the fields KIND … POINTS."""
        rows = []
        for each, column, start in zip(self.records, self.columns, self.starts, strict=True):
            row = [each.kind, column, start, each.ties, each.is_ordered, each.size]
            row += [each.is_centred, len(each.atoms), each.width, each.warp.kind, each.weekday]
            row += [max(len(each.months) - 1, 0), each.slots, each.bins]
            rows.append([*row, len(each.warp.points)])
        return np.array(rows, np.int64).reshape(len(rows), FIELDS)

    @cached_property
    def floats(self) -> np.ndarray:
        """Float64 (columns, any): the fields LEAST …, atoms, months, points, padded with NaN."""
        rows = []
        for each in self.records:
            row = [*each.limits, *each.base_limits, each.center, each.spread, each.least_scale]
            row += [*each.bounds, *each.warp.numbers, *each.days, each.least, *each.atoms]
            rows.append([*row, *each.months, *each.warp.flat_points])
        most = max((len(row) for row in rows), default=FIRST_ATOM)
        padded = [row + [math.nan] * (most - len(row)) for row in rows]
        return np.array(padded, np.float64).reshape(len(rows), most)

    @cached_property
    def buffer_size(self) -> int:
        """The number of floats of a thread's buffer."""
        return max((_size_of(each) for each in self.records), default=0)


def _size_of(record: TiedRecord) -> int:
    size = OF_COMPONENTS + PER_COMPONENT * record.size + record.ties * (PER_TIE + record.width)
    if record.kind != CALENDAR:
        return size
    return size + record.size * (MONTH_DAYS + EDGES) + PER_DAY * MONTH_DAYS
