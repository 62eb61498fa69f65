"""The grid of a column of dates: steps from a first one, by the clocks of a zone if it has one.

A grid has a phase: daily readings at 07:30 are days, not multiples of 90 minutes. Steps of months
count from a moment of each month, or of its last day.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from chainrule.table.columns.disclosure import is_shared_difference
from chainrule.table.columns.grid import FEW, FEW_DIFFERENT
from chainrule.table.values.exact_integers import on_line
from chainrule.table.values.wall_time import Offsets, offsets_of

UNITS = ("D", "h", "m", "s", "ms", "us")  # coarse to fine; finer times are truncated
MONTH = "M"
UNIT_S = {
    MONTH: 365.2425 / 12 * 86_400.0,
    "D": 86_400.0,
    "h": 3600.0,
    "m": 60.0,
    "s": 1.0,
    "ms": 1e-3,
    "us": 1e-6,
}
DAY_S = 86_400
# Steps that clocks and calendars suggest: weeks, days, and what divides a day, an hour, a minute.
NATURAL_S = (
    *(7 * DAY_S, DAY_S, 43_200, 28_800, 21_600, 14_400, 10_800, 7200, 3600),
    *(1800, 1200, 900, 720, 600, 360, 300, 240, 180, 120, 60, 30, 20, 15, 12, 10, 6, 5, 4, 3, 2, 1),
)
MOST_TRIED = 2**12  # grid points among which a bound is sought
AGAIN = 0.25  # of a step, by which a time that clocks show again counts as off the grid
FEWEST_MONTHS = 3  # different months that show steps of months
LAST_OF_ALL = 28 * DAY_S  # moments of a month up to here are in every month
# The range of calendars; draws beyond are clipped to it.
FIRST, LAST = np.datetime64("0001-01-01"), np.datetime64("9999-12-31")


@dataclass(frozen=True)
class DateGrid:
    """Dates at every step, counted from ``origin``.

    Attributes:
        unit: resolution, in numpy's words, of step and origin.
        step: distance of neighbouring grid points, in units.
        origin: the date of code 0, in units since 1970; in wall time if there is a zone.
        zone: the zone whose clocks the steps follow; "" for UTC, or dates without a zone.
        shift: seconds from the begin of a month, if steps are months; negative for its last day,
            seconds from the begin of the month after it.
        is_wall: whether codes count wall times, of which a day has as many as any other, and not
            instants. A time that clocks show again then counts as the first, as if it were off the
            grid.
    """

    unit: str
    step: int
    origin: int
    zone: str = ""
    shift: int = 0
    is_wall: bool = False

    @property
    def ticks_unit(self) -> str:
        """The resolution of the dates themselves."""
        return "s" if self.unit == MONTH else self.unit

    @property
    def seconds(self) -> float:
        """The step in seconds; the mean of months."""
        return self.step * UNIT_S[self.unit]

    @property
    def is_of_days(self) -> bool:
        """Whether the dates are days without a time."""
        return self.unit == "D" or (
            self.unit == MONTH and not self.zone and self.shift % DAY_S == 0
        )

    @property
    def slots(self) -> int:
        """Grid points of each day; 0 if a code tells no day."""
        if self.unit == MONTH or DAY_S % self.seconds:
            return 0
        slots = round(DAY_S / self.seconds)
        since = self.origin * round(UNIT_S[self.unit] * 10**6) % (DAY_S * 10**6)
        return slots if since < self.seconds * 10**6 else 0

    def is_even(self, low: float, high: float) -> bool:
        """Whether codes up to ``high`` count days alone: clocks skip and repeat no grid point."""
        if self._offsets is None or self.is_wall:
            return True
        moved = self._moved()
        ends = np.array([min(low, 0.0), max(high, 0.0)])
        first, last = np.searchsorted(self._first_of_next() + moved[1:], ends, side="right")
        return not moved[first : last + 1].any()

    @property
    def first_day(self) -> int:
        """The day of code 0, in days since 1970."""
        return self.origin * round(UNIT_S[self.unit] * 10**6) // (DAY_S * 10**6)

    def counted(self, ticks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The last grid point (N,) up to each date, and the rest (N,) as a share of a step.

        Args:
            ticks: dates (N,) in UTC, int64 counts of ``ticks_unit``.
        """
        if self.unit == MONTH:
            wall = ticks if self._offsets is None else self._offsets.to_wall(ticks, 1)
            months = months_of(wall - self.shift)
            left = (wall - self.shift - begin_of(months)) / UNIT_S[MONTH]
            codes, rest = np.divmod(months - self.origin, self.step)
            return codes, (rest + np.minimum(left, 1.0)) / self.step
        if self._offsets is None:
            codes, rest = np.divmod(ticks - self.origin, self.step)
            return codes, rest / self.step
        if self.is_wall:
            wall = self._offsets.to_wall(ticks, self._per_second)
            codes, rest = np.divmod(wall - self.origin, self.step)
            return codes, np.maximum(rest / self.step, np.where(self.is_again(ticks), AGAIN, 0.0))
        piece = np.searchsorted(self._offsets.ends * self._per_second, ticks, side="right")
        wall = ticks + self._offsets.seconds[piece] * self._per_second
        codes, rest = np.divmod(wall - self.origin, self.step)
        return codes + self._moved()[piece], rest / self.step

    def is_again(self, ticks: np.ndarray) -> np.ndarray:
        """Whether clocks show each date (N,) again, if it is they that the grid counts."""
        if not self.is_wall or self._offsets is None:
            return np.zeros(len(ticks), dtype=bool)
        wall = self._offsets.to_wall(ticks, self._per_second)
        return self._offsets.to_utc(wall, self._per_second) != ticks

    def dates(self, codes: np.ndarray) -> np.ndarray:
        """The dates (N,) of codes (N,), rounded to the grid and clipped to the calendar, in UTC."""
        low, high = (end.astype(f"datetime64[{self.unit}]").astype(int) for end in (FIRST, LAST))
        offset: np.ndarray | int = 0
        if self._offsets is not None and self.unit != MONTH and not self.is_wall:
            codes = np.round(np.nan_to_num(codes, posinf=1e18, neginf=-1e18)).clip(-1e18, 1e18)
            moved = self._moved()
            piece = np.searchsorted(self._first_of_next() + moved[1:], codes, side="right")
            codes = codes - moved[piece]
            offset = self._offsets.seconds[piece] * self._per_second
        ticks = np.clip(on_line(self.origin, self.step, codes), low, high).astype(np.int64)
        if self.unit == MONTH:
            ticks = begin_of(ticks) + self.shift
            if self._offsets is not None:
                ticks = self._offsets.to_utc(ticks, 1)
            if self.is_of_days:
                return (ticks // DAY_S).astype("datetime64[D]")
        elif self._offsets is not None and self.is_wall:
            ticks = self._offsets.to_utc(ticks, self._per_second)
        ticks = ticks - offset
        return ticks.astype(f"datetime64[{self.ticks_unit}]")

    @property
    def _offsets(self) -> Offsets | None:
        return offsets_of(self.zone) if self.zone else None

    @property
    def _per_second(self) -> int:
        return round(1 / UNIT_S[self.unit])

    def _first_of_next(self) -> np.ndarray:
        """The first grid point at or after each change of clocks, in the wall time after it."""
        assert self._offsets is not None
        walls = (self._offsets.ends + self._offsets.seconds[1:]) * self._per_second
        return -((self.origin - walls) // self.step)

    def _moved(self) -> np.ndarray:
        """What codes add to the count of steps in wall time, for each piece of offsets, (P,).

        Codes count instants: a wall time that clocks skip has none, and one that they show twice
        has two. The piece of the origin adds nothing.
        """
        assert self._offsets is not None
        walls = (self._offsets.ends + self._offsets.seconds[:-1]) * self._per_second
        last = -((self.origin - walls) // self.step)
        moved = np.concatenate([[0], np.cumsum(last - self._first_of_next())])
        at = np.searchsorted(self._offsets.ends * self._per_second, self.origin, side="right")
        return moved - moved[at]

    @property
    def step_as_text(self) -> str:
        """The step in the coarsest unit that divides it."""
        if self.unit == MONTH:
            return f"{self.step} {self.unit}"
        ticks = self.step * round(UNIT_S[self.unit] * 10**6)  # exact microseconds
        sizes = {each: round(UNIT_S[each] * 10**6) for each in UNITS}
        unit = next(each for each, size in sizes.items() if ticks % size == 0)
        return f"{ticks // sizes[unit]:g} {unit}"

    def describe(self) -> str:
        """The step in words, with its phase.

        >>> DateGrid("m", 1440, 450, "Europe/Berlin").describe()
        'steps of 1 D, at 07:30 in Europe/Berlin'
        """
        words = [f"steps of {self.step_as_text}"]
        rest = self.shift % DAY_S
        if self.unit == MONTH:
            words.append("the last day" if self.shift < 0 else f"day {self.shift // DAY_S + 1}")
        elif self.seconds % DAY_S == 0:
            rest = round(self.origin * UNIT_S[self.unit]) % DAY_S
        if rest:
            text = str(np.datetime64(rest, "s"))[11:].removesuffix(":00")
            words.append(f"at {text}")
        return ", ".join(words) + (f" in {self.zone}" if self.zone else "")


def natural_first(grid: DateGrid, first: int, earliest: int, zone: str = "") -> float:
    """The first code of a year, or of a month for days and parts of them, if it lies between a
    bound that was rounded outwards and the earliest code; otherwise the bound, as a float. Years
    and months begin by the clocks of the zone.

    >>> natural_first(DateGrid("D", 1, 0), 19720, 19724)  # 2023-12-29, 2024-01-02
    19723.0
    """
    if not 0 < earliest - first <= MOST_TRIED:
        return float(min(first, earliest))
    dates = grid.dates(np.arange(first, earliest + 1)).astype("datetime64[s]")
    offsets = offsets_of(zone) if zone else None
    if offsets is not None:
        dates = offsets.to_wall(dates.astype(np.int64), 1).astype("datetime64[s]")
    for unit, longest in (("Y", 7 * DAY_S), (MONTH, DAY_S)):
        periods = dates.astype(f"datetime64[{unit}]")
        if periods[0] < periods[-1] and grid.seconds <= longest:
            return float(first + np.argmax(periods == periods[-1]))
    return float(first)


def months_of(ticks: np.ndarray) -> np.ndarray:
    """Months since 1970 (N,) of dates (N,) in seconds since 1970."""
    return ticks.astype("datetime64[s]").astype("datetime64[M]").astype(np.int64)


def begin_of(months: np.ndarray) -> np.ndarray:
    """Begins of months (N,), counted from 1970, in seconds since 1970."""
    return months.astype("datetime64[M]").astype("datetime64[s]").astype(np.int64)


def holds(unit: str, dates: np.ndarray) -> bool:
    """Whether all dates (N,) are multiples of a unit."""
    return bool((dates.astype(f"datetime64[{unit}]") == dates).all())


def found_grid(dates: np.ndarray, unit: str, zone: str, *, min_count: int) -> DateGrid:
    """The coarsest grid of known dates (N,) in UTC: its origin lies within a step of 1970.

    At most one date in a thousand may lie off it, as for numbers. A step that fewer than
    ``min_count`` rows show is replaced by a natural one that divides it.
    """
    ticks = dates.astype(f"datetime64[{unit}]").astype(np.int64)
    found = DateGrid(unit, *_step_of(ticks, unit, min_count))
    by_clocks = _by_clocks(dates, unit, zone, min_count)
    if by_clocks is not None:
        local, wall = by_clocks
        is_of_days = local.seconds % DAY_S == 0
        if local.seconds > found.seconds or (is_of_days and local.seconds == found.seconds):
            found, ticks = local, wall
    if UNIT_S[unit] >= 1:
        seconds = ticks * round(UNIT_S[found.unit])
        months = _months(seconds, found.zone or "", min_count)
        if months is not None and months.seconds > found.seconds:
            return months
    return found


def wall_grid(dates: np.ndarray, unit: str, zone: str, *, min_count: int) -> DateGrid | None:
    """The coarsest grid of the wall times of known dates (N,) in UTC, whose codes count them.

    None without a zone, or if clocks show more than a thousandth of the dates a second time.
    """
    by_clocks = _by_clocks(dates, unit, zone, min_count)
    if by_clocks is None:
        return None
    grid = replace(by_clocks[0], is_wall=True)
    _, left = grid.counted(dates.astype(f"datetime64[{grid.unit}]").astype(np.int64))
    return grid if (left > 0).mean() <= FEW else None


def _by_clocks(
    dates: np.ndarray, unit: str, zone: str, min_count: int
) -> tuple[DateGrid, np.ndarray] | None:
    """The coarsest grid in wall time, and the wall times (N,); None if no clocks are known."""
    offsets = offsets_of(zone) if zone else None
    if offsets is None:
        return None
    fine = unit if UNIT_S[unit] < 1 else "s"
    ticks = dates.astype(f"datetime64[{fine}]").astype(np.int64)
    wall = offsets.to_wall(ticks, round(1 / UNIT_S[fine]))
    return DateGrid(fine, *_step_of(wall, fine, min_count), zone), wall


def _step_of(ticks: np.ndarray, unit: str, min_count: int) -> tuple[int, int]:
    """The step of integers (N,) in a unit, and the phase: the rest of each after whole steps."""
    values, counts = np.unique(ticks, return_counts=True)
    if len(ticks) < min_count:
        return 1, 0
    step = _shared_step(values, counts, min_count)
    natural = [round(s / UNIT_S[unit]) for s in NATURAL_S if s >= UNIT_S[unit]]
    if step is None:
        whole = int(np.gcd.reduce(values - values[0]))
        step = next((s for s in natural[1:] if whole % s == 0), 1)
    for coarser in (s for s in natural if s > step):
        off = _of_most(values % coarser)[1]
        if off.any() and _are_few(off, counts):
            inner = _shared_step(values[~off], counts[~off], min_count)
            step = inner if inner is not None and inner % coarser == 0 else coarser
            return step, int(values[~off][0] % step)
    return step, int(values[0] % step)


def _months(seconds: np.ndarray, zone: str, min_count: int) -> DateGrid | None:
    """Steps of months, if dates (N,), in seconds of wall time, are at one moment of theirs."""
    values, counts = np.unique(seconds, return_counts=True)
    months = months_of(values)
    for from_end in (0, 1):
        moment, off = _of_most(values - begin_of(months + from_end))
        least, most = (-DAY_S, 0) if from_end else (0, LAST_OF_ALL)
        if least <= moment < most and (not off.any() or _are_few(off, counts)):
            on = ~off
            if len(np.unique(months[on])) < FEWEST_MONTHS or counts[on].sum() < min_count:
                return None
            counted, which = np.unique(months[on] + from_end, return_inverse=True)
            rows = np.bincount(which, weights=counts[on]).astype(np.int64)
            step = _shared_step(counted, rows, min_count) or 1
            return DateGrid(MONTH, step, int(counted[0] % step), zone, int(moment))
    return None


def _shared_step(values: np.ndarray, counts: np.ndarray, min_count: int) -> int | None:
    """The greatest common divisor of the differences, if ``min_count`` rows show it."""
    since = values - values[0]
    step = int(np.gcd.reduce(since))
    if step <= 1:
        return 1 if step else None
    return step if is_shared_difference(since, counts, min_count=min_count) else None


def _of_most(values: np.ndarray) -> tuple[int, np.ndarray]:
    """The value that most of the values (V,) are, if there is one, and which differ from it.

    Only a value that all but a few share is of use, and the middle one of those sorted is this.
    """
    middle = len(values) // 2
    most = int(np.partition(values, middle)[middle])
    return most, values != most


def _are_few(off: np.ndarray, counts: np.ndarray) -> bool:
    """Whether the values marked are few enough to be rounded to the grid of the others."""
    return bool(
        counts[off].sum() <= FEW * counts.sum() and FEW_DIFFERENT * off.sum() <= (~off).sum()
    )
