"""Dates and times: one integer at their own resolution.

Other columns also see day, week and year.
"""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
from typing_extensions import override

from chainrule.errors import SchemaError, unknown_choice
from chainrule.table.columns import fields
from chainrule.table.columns.base import Cells
from chainrule.table.columns.date_grid import (
    AGAIN,
    DAY_S,
    FIRST,
    LAST_OF_ALL,
    MONTH,
    UNIT_S,
    UNITS,
    DateGrid,
    found_grid,
    holds,
    natural_first,
    wall_grid,
)
from chainrule.table.columns.day_parts import day_parts_of
from chainrule.table.columns.evident_bounds import between, evident_steps
from chainrule.table.columns.grid import atoms_of, exact, others_of, range_of, scale_of
from chainrule.table.columns.numbers import AbstractNumbers, Steps
from chainrule.table.values.cells import (
    Where,
    as_datetimes,
    as_ticks,
    datetimes_if_any,
    objects_of,
    require_countable,
    shown,
)
from chainrule.table.values.exact_integers import is_large
from chainrule.table.values.json_values import zone_called
from chainrule.table.values.types import cells_word
from chainrule.table.values.wall_time import offsets_of, zone_in

# The origin lies at most so many days before the first date, and is a multiple of this up to
# the phase of the grid.
BEFORE_D = 1000
FEW_BEFORE_D = 2**15  # the same if few rows have a date
LEAST_BEFORE = 16  # steps that the origin may lie before the first date, however long they are
FINEST = {"us": "microseconds", "ms": "milliseconds"}  # units to which dates are cut off
COARSER = "ms"  # replaces microseconds that are too far apart for float64
HEAVY_DATE = 0.05  # least share of the rows of an atom; rarer dates are for the calendar
BY_CALENDAR = ", by weekday and day of the month"
PERIODS_S = (86_400.0, 7 * 86_400.0, 365.2425 * 86_400.0)  # day, week, year


@dataclass(frozen=True)
class _Counts:
    """Dates on a grid: their codes (N,), and how many are rounded to it."""

    grid: DateGrid
    codes: np.ndarray
    rounded: int


@dataclass(frozen=True)
class _Scale:
    """The atoms of codes, the codes that are no atoms (n,), their scale and the range of all."""

    name: str
    atoms: tuple[float, ...]
    others: np.ndarray
    center: float
    spread: float
    low: float
    high: float

    def day_parts(self, grid: DateGrid) -> int:
        """Parts of a day with a probability each; 0 without a calendar."""
        return day_parts_of(grid, self.others, self.low, self.high)


@dataclass(frozen=True, kw_only=True)
class Datetime(AbstractNumbers):
    """Dates, or dates with times.

    Attributes:
        step: distance of neighbouring grid points, in units.
        unit: resolution, in numpy's words; "M" for steps of months.
        periods: day, week and year in steps, if the column spans them.
        zone: the zone whose clocks the steps follow, "" for none.
        shift: seconds from the begin of a month, if steps are months; see ``DateGrid``.
        atoms: codes with a probability of their own.
        is_constant: whether all dates are the same; the column then holds no other.
        day_parts: parts of a day with a probability each, if days are weighted by the calendar; 1
            for days alone, 0 without a calendar.
        least, most: codes of the first and the last possible date; None where there is no bound.
    """

    kind: ClassVar[str] = "datetime"
    options: ClassVar[tuple[str, ...]] = ("least", "most")
    holds_dates: ClassVar[bool] = True

    step: float
    unit: str
    periods: tuple[float, ...] = ()
    zone: str = ""
    shift: int = 0
    atoms: tuple[float, ...] = ()
    is_constant: bool = False
    day_parts: int = 0
    least: float | None = None
    most: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_whole_steps()
        self.require_atoms(self.atoms)
        if not all(fields.is_finite(period) and period > 0 for period in self.periods):
            raise SchemaError(f"column {self.name!r}: periods {self.periods} are not above zero")
        if self.day_parts < 0:
            raise SchemaError(f"column {self.name!r}: {self.day_parts} parts of a day")
        if self.unit not in UNIT_S:
            raise SchemaError(f"column {self.name!r}: {unknown_choice('unit', self.unit, UNIT_S)}")
        if self.zone and offsets_of(self.zone) is None:
            raise SchemaError(
                f"column {self.name!r}: its dates follow the clocks of {self.zone!r}, a zone that "
                "this machine does not know; install the package tzdata"
            )
        if not -DAY_S <= self.shift < LAST_OF_ALL:
            raise SchemaError(
                f"column {self.name!r}: a shift of {self.shift} s is not within every month"
            )
        if self.least is not None and self.most is not None and self.least > self.most:
            raise SchemaError(f"column {self.name!r}: no dates lie {self._bounds_as_text}")

    @classmethod
    def infer(
        cls, name: str, values: np.ndarray, dtype: str, reason: str, *, where: Where, min_count: int
    ) -> Self:
        """Makes the column of these dates, at the coarsest unit that divides all of them.

        The grid has the phase of the dates, by the clocks of their zone. Its step is a multiple of
        the unit only if at least ``min_count`` rows show it. The rows may show a first date, but no
        last one: tables go on.
        """
        dates = as_datetimes(name, values, where)
        require_countable(name, dates, values, where)
        known = dates[~np.isnat(dates)]
        unit = next(unit for unit in UNITS if holds(unit, known) or unit == UNITS[-1])
        zone = zone_in(cells_word(values) or dtype)
        grid = found_grid(known, unit, zone, min_count=min_count)
        counts = _counted(known, grid, min_count)
        if is_large(counts.codes):
            unit = COARSER
            grid = found_grid(known, unit, zone, min_count=min_count)
            counts = _counted(known, grid, min_count)
        # The same date in enough rows is no single row's.
        is_constant = len(known) >= min_count and bool(counts.codes.min() == counts.codes.max())
        scale, day_parts = _scale_of(name, counts, is_constant, min_count), 0
        if not is_constant:
            counts, scale, day_parts = _by_calendar(known, unit, zone, counts, scale, min_count)
        grid, codes, between = counts.grid, counts.codes, counts.rounded
        atoms, others = scale.atoms, scale.others
        span = float(codes.max() - codes.min()) * grid.seconds
        periods = tuple(
            period / grid.seconds
            for period in PERIODS_S
            if grid.seconds < period / 2 and span > period
        )
        but = f", but for {between}" if between else ""
        but += ", the same in all rows" if is_constant else ""
        calendar = BY_CALENDAR if day_parts else ""
        calendar += f", in {day_parts} parts of a day" if day_parts > 1 else ""
        cut = "" if holds(unit, known) else f", cut off to 1 {unit}"
        if cut:
            _warn_of_cut(name, dates, unit, where)
        first = None
        if not is_constant:
            least = evident_steps(others.astype(np.int64), min_count=min_count, has_zero=False)[0]
            if least is not None:
                first = natural_first(grid, int(least), int(codes.min()), zone)
        column = cls(
            name=name,
            dtype=dtype,
            reason=f"{reason}, in {grid.describe()}{but}{cut}{calendar}",
            rows=len(known),
            step=float(grid.step),
            origin=exact(grid.origin),
            center=scale.center,
            spread=scale.spread,
            low=scale.low,
            high=scale.high,
            unit=grid.unit,
            periods=periods,
            zone=grid.zone,
            shift=grid.shift,
            atoms=atoms,
            is_constant=is_constant,
            day_parts=day_parts,
            least=first,
        )
        column = replace(column, least=None) if column.are_bounds_far[0] else column
        return column._with_whole_days()._said()

    def _said(self) -> Self:
        """The column whose reason says its bounds."""
        words = self._bounds_as_text
        return replace(self, reason=f"{self.reason}, {words}") if words else self

    def _with_whole_days(self) -> Self:
        """The column whose bounds are moved outwards to whole days if it has a calendar."""
        if not self.day_parts:
            return self
        slots = self.grid.slots
        least = None if self.least is None else self.least - self.least % slots
        most = None if self.most is None else self.most - self.most % slots + slots - 1
        return replace(self, least=least, most=most)

    @classmethod
    @override
    def checked_options(cls, options: Mapping[str, Any], label: str) -> dict[str, Any]:
        """The bounds must be dates."""
        found = super().checked_options(options, label)
        for bound in ("least", "most"):
            if found.get(bound) is not None:
                found[bound] = _declared(found[bound], f"{label} {bound}")
        return found

    @classmethod
    @override
    def as_requested(cls, cells: Cells, reason: str) -> Self:
        """The column of these dates, within the user's bounds."""
        column = cls.infer(
            cells.name,
            cells.values,
            cells.dtype,
            reason,
            where=cells.where,
            min_count=cells.min_count,
        )
        bounds = cells.options.get("least"), cells.options.get("most")
        if bounds == (None, None):
            return column
        column = replace(
            column,
            reason=column.reason.removesuffix(f", {column._bounds_as_text}"),
            least=column._code_of(bounds[0], up=True),
            most=column._code_of(bounds[1], up=False),
        )
        column = column._with_whole_days()._said()
        column.encode(cells.values, cells.where)  # refuses dates beyond the declared bounds
        return column

    def _code_of(self, bound: np.datetime64 | None, *, up: bool) -> float | None:
        """The code of the nearest date of the grid within a declared bound, read by the clocks of
        the zone. A last day is possible up to its end.
        """
        if bound is None:
            return None
        grid, is_begin = self.grid, False
        if not up and np.datetime_data(bound.dtype)[0] == "D":
            bound, is_begin = bound + 1, True
        fine = max(1, round(1 / UNIT_S[grid.ticks_unit]))  # ticks in a second
        ticks = bound.astype(f"datetime64[{grid.ticks_unit}]").reshape(1)
        is_cut = bool(ticks[0] < bound)
        counts = ticks.astype(np.int64)
        offsets = offsets_of(self.zone) if self.zone else None
        if offsets is not None:
            counts = offsets.to_utc(counts, fine)
        steps, left = grid.counted(counts)
        if is_begin and left[0] == 0:  # the begin of what follows is not possible itself
            return float(steps[0] - 1)
        return float(steps[0] + (up and (bool(left[0] > 0) or is_cut)))

    def dates_around(self, moment: dt.datetime) -> tuple[float, float]:
        """The last code up to a moment, and the first from it on.

        A moment without a zone is read by the clocks of the column's own zone, if it has one.
        """
        zone = zone_in(self.cells) or zone_in(self.dtype)
        if moment.tzinfo is None and zone:
            moment = moment.replace(tzinfo=zone_called(zone))
        if moment.tzinfo is not None:
            clock = zone_called(self.zone) if self.zone else dt.UTC
            moment = moment.astimezone(clock).replace(tzinfo=None)
        at = np.datetime64(moment, "us")
        below, above = (self._code_of(at, up=up) for up in (False, True))
        assert below is not None
        assert above is not None
        return below, above

    @override
    def on_steps(self, values: np.ndarray, where: Where, *, strict: bool = True) -> Steps:
        """An hour that clocks show again is between steps, and counts as the first one.

        So does a part of a date that is finer than the column's type.
        """
        grid = self.grid
        ticks, rest = as_ticks(self.name, values, grid.ticks_unit, where, strict=strict)
        outside = np.isinf(rest)
        steps, of_grid = grid.counted(ticks)
        # The remainder as a share of a step, NaN if unknown.
        rest = np.where(outside, np.nan, rest)
        left = of_grid + rest * (UNIT_S[grid.ticks_unit] / grid.seconds)
        codes = np.where(np.isnan(left), np.nan, steps + (left > 0.5))
        other = (codes != self.center) | (left > 0)
        with np.errstate(invalid="ignore"):
            beyond = self.within_bounds(codes) != codes
        wrong = np.flatnonzero(((self.is_constant & other) | beyond) & ~np.isnan(codes))
        if strict and len(wrong):
            rule = f"is not {self.range_as_text}, as all were when the model was fitted"
            if not self.is_constant:
                rule = f"is not among the {self.domain_as_text}"
            raise SchemaError(
                f"column {self.name!r}: value {shown(values, int(wrong[0]))} at "
                f"{where(int(wrong[0]))} {rule}: correct it, or leave the cell empty"
            )
        outside[wrong] = True
        between = (left > 0) & ~outside
        off = between.copy()
        if (rows := np.flatnonzero(between)).size:
            off[rows] = self._are_off(ticks[rows], of_grid[rows], rest[rows])
        return Steps(codes, outside, between, off)

    def _are_off(self, ticks: np.ndarray, of_grid: np.ndarray, rest: np.ndarray) -> np.ndarray:
        """Whether dates (n,) between steps lie off the grid.

        An hour that clocks show again does not, nor what is cut off of a date that is too fine.

        Args:
            ticks: the dates.
            of_grid: their whole ticks beyond a step, as a share of a step.
            rest: what is left of a tick, as a share of a tick.
        """
        grid = self.grid
        is_resolution = grid.step == 1 and grid.unit not in (MONTH, "D")
        off = of_grid > np.where(grid.is_again(ticks), AGAIN, 0.0)
        return off | ((rest > 0) & (not is_resolution))

    @override
    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Numpy datetimes of the column's unit."""
        return self.grid.dates(codes)

    @property
    def grid(self) -> DateGrid:
        """The dates of the codes."""
        is_wall = bool(self.zone and self.day_parts)
        return DateGrid(self.unit, int(self.step), int(self.origin), self.zone, self.shift, is_wall)

    @override
    def mean_values(self, codes: np.ndarray) -> np.ndarray:
        """The nearest dates."""
        return self.decode(codes)

    @override
    def atom_codes(self) -> tuple[float, ...]:
        return self.atoms

    @property
    @override
    def range_as_text(self) -> str:
        """The only date of a constant column."""
        if not self.is_constant:
            return super().range_as_text
        return self.as_text(self.decode(np.array([self.center])))[0]

    @property
    @override
    def domain_as_text(self) -> str:
        if self.is_constant:
            return self.range_as_text
        found = f"dates and times {self._bounds_as_text}".rstrip()
        return f"{found}, in {self.grid.describe()}"

    @property
    @override
    def bound_codes(self) -> tuple[float | None, float | None]:
        """The only code of a constant column, or the bounds."""
        return (self.center, self.center) if self.is_constant else (self.least, self.most)

    @property
    def _bounds_as_text(self) -> str:
        """The bounds by the clocks of the zone, "" if there is none."""
        ends = (self.least, self.most)
        least, most = (None if end is None else self._in_words(end) for end in ends)
        return between(least, most)

    def _in_words(self, code: float) -> str:
        """A date without its last parts if they are zero."""
        date = self.decode(np.array([code])).astype("datetime64[us]")
        offsets = offsets_of(self.zone) if self.zone else None
        if offsets is not None:
            date = offsets.to_wall(date.astype(np.int64), 10**6).astype("datetime64[us]")
        words = str(date[0]).replace("T", " ")
        for ending in (".000000", ":00", " 00:00"):
            words = words.removesuffix(ending)
        return words

    @property
    @override
    def step_as_text(self) -> str:
        """The step with its unit."""
        return self.grid.step_as_text

    @override
    def is_beyond_bounds(self, cells: np.ndarray) -> np.ndarray:
        dates, wrong = datetimes_if_any(cells)
        return ~wrong & ~np.isnat(dates) & (self.bound_codes != (None, None))

    @override
    def distance(self, cells: np.ndarray) -> np.ndarray:
        """Infinite: other cells are not comparable with dates."""
        return np.full(len(cells), np.inf)

    @override
    def as_written(self, values: np.ndarray, like: str) -> np.ndarray:
        """Dates as text, with the digits and the separator of a known cell."""
        first = like or f"{0:{10 if self.grid.is_of_days else 19}}"
        digits = next((n for n in (10, 16, 19) if n >= len(first)), 26)
        text = np.datetime_as_string(values.astype("datetime64[us]")).tolist()
        return objects_of(
            [cell[:digits].replace("T", "T" if "T" in first else " ") for cell in text]
        )

    @override
    def polars_type(self) -> Any:
        import polars as pl

        return pl.Date if self.grid.is_of_days else pl.Datetime("us")

    @override
    def fields_to_json(self) -> dict[str, Any]:
        bounds = {"least": self.least, "most": self.most}
        found = {**self.scale_to_json(), "unit": self.unit, "periods": list(self.periods)}
        return found | {
            "zone": self.zone,
            "shift": self.shift,
            "atoms": list(self.atoms),
            "is_constant": self.is_constant,
            "day_parts": self.day_parts,
            **{name: end for name, end in bounds.items() if end is not None},
        }

    @classmethod
    @override
    def fields_from_json(cls, spec: Mapping[str, Any]) -> dict[str, Any]:
        return {
            **cls.scale_from_json(spec),
            "step": fields.number(spec["step"]),
            "unit": str(spec["unit"]),
            "periods": fields.numbers(spec["periods"]),
            "zone": str(spec.get("zone", "")),
            "shift": fields.whole(spec.get("shift", 0)),
            "atoms": fields.numbers(spec.get("atoms", ())),
            "day_parts": fields.whole(spec.get("day_parts", 0)),
            "is_constant": bool(spec.get("is_constant", False)),
            "least": fields.optional(float, spec.get("least")),
            "most": fields.optional(float, spec.get("most")),
        }


def _declared(bound: Any, label: str) -> np.datetime64:
    """A declared bound: a date, or text of ISO 8601, in days if it names no time.

    Raises:
        SchemaError: it is no date.
    """
    dates, wrong = datetimes_if_any(objects_of([bound]))
    if wrong[0] or np.isnat(dates[0]):
        raise SchemaError(f"{label} = {bound!r}: pass a date such as 2024-12-31")
    date = dates[0].astype("datetime64[us]")
    day = date.astype("datetime64[D]")
    has_time = day != date or (isinstance(bound, str) and len(bound.strip()) > len("2024-12-31"))
    return date if has_time or isinstance(bound, dt.datetime) else day


def _warn_of_cut(name: str, dates: np.ndarray, unit: str, where: Where) -> None:
    """Warns that dates (N,), of which one is no multiple of the unit, are cut off to it."""
    row = int(np.flatnonzero((dates.astype(f"datetime64[{unit}]") != dates) & ~np.isnat(dates))[0])
    warnings.warn(
        f"column {name!r}: dates such as {str(dates[row]).replace('T', ' ')} at {where(row)} are "
        f"cut off to {FINEST[unit]}, which draws and fills have, too; to keep what is finer, pass "
        "whole numbers, such as counts from the first date",
        UserWarning,
        stacklevel=3,
    )


def _counted(known: np.ndarray, grid: DateGrid, min_count: int) -> _Counts:
    """Counts known dates on their grid, from an origin before the first of them."""
    ticks = known.astype(f"datetime64[{grid.ticks_unit}]").astype(np.int64)
    first = int(grid.counted(ticks)[0].min())
    # The grid begins earlier than the first date, which may belong to a single row.
    days = BEFORE_D if len(known) >= min_count else FEW_BEFORE_D
    most = max(int(days * DAY_S / grid.seconds), LEAST_BEFORE)
    least = int(FIRST.astype(f"datetime64[{grid.unit}]").astype(np.int64))
    before = max(0, min(first % most, first + (grid.origin - least) // grid.step))
    grid = replace(grid, origin=grid.origin + (first - before) * grid.step)
    codes, left = grid.counted(ticks)
    return _Counts(grid, (codes + (left > 0.5)).astype(np.float64), int((left > 0).sum()))


def _scale_of(name: str, counts: _Counts, is_constant: bool, min_count: int) -> _Scale:
    """The atoms of counted dates, and the scale of the others."""
    codes = counts.codes
    atoms = () if is_constant else atoms_of(codes, min_count=min_count, heavy=HEAVY_DATE)
    others = others_of(codes, np.isin(codes, atoms), least=min_count)
    center, spread = scale_of(name, others, min_count=min_count)
    low, high = range_of(codes, center, spread, min_count=min_count)
    return _Scale(name, atoms, others, center, spread, low, high)


def _by_calendar(
    known: np.ndarray, unit: str, zone: str, counts: _Counts, scale: _Scale, min_count: int
) -> tuple[_Counts, _Scale, int]:
    """Known dates by the clocks of their zone if they have a calendar, and the parts of a day.

    The days of a calendar are those of the zone. Dates in coarser steps than their wall times have
    none. Without a calendar, counts and scale are returned as they are.
    """
    grid = wall_grid(known, unit, zone, min_count=min_count)
    if grid is None:
        is_local = offsets_of(zone) is None
        return counts, scale, scale.day_parts(counts.grid) if is_local else 0
    if grid.seconds < counts.grid.seconds:
        return counts, scale, 0
    walls = _counted(known, grid, min_count)
    scale_of_walls = _scale_of(scale.name, walls, is_constant=False, min_count=min_count)
    day_parts = scale_of_walls.day_parts(walls.grid)
    return (walls, scale_of_walls, day_parts) if day_parts else (counts, scale, 0)
