"""Dates and times: one integer at their own resolution; day, week and year are inputs for other columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from chainrule.errors import SchemaError, unknown_choice
from chainrule.table.cells import Where, as_datetimes, as_ticks, objects_of, require_countable
from chainrule.table.columns import fields
from chainrule.table.columns.base import Cells
from chainrule.table.columns.grid import exact, range_of, scale_of
from chainrule.table.columns.numbers import AbstractNumbers
from chainrule.table.exact import is_large, on_line
from chainrule.table.telling import is_shared_difference

UNITS = ("D", "h", "m", "s", "ms", "us")  # coarse to fine; what is finer is cut off
# The origin lies at most so many days before the first date, and is a multiple of that, but for its phase.
BEFORE_D = 1000
FEW_BEFORE_D = 2**15  # the same where all dates are those of few rows
LEAST_BEFORE = 16  # steps that the origin may lie before it, however long they are
# What calendars can write; draws beyond are moved there.
FIRST, LAST = np.datetime64("0001-01-01"), np.datetime64("9999-12-31")
COARSER = "ms"  # the unit of microseconds that lie too far apart for float64
PERIODS_S = (86_400.0, 7 * 86_400.0, 365.2425 * 86_400.0)  # day, week, year


@dataclass(frozen=True, kw_only=True)
class Datetime(AbstractNumbers):
    """Dates, or dates with times.

    Attributes:
        step: distance of the grid, in units.
        unit: resolution, in numpy's words.
        periods: day, week and year in steps, as far as the column shows them.
    """

    kind: ClassVar[str] = "datetime"
    holds_dates: ClassVar[bool] = True

    step: float
    unit: str
    periods: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_whole_steps()
        if not all(fields.is_finite(period) and period > 0 for period in self.periods):
            raise SchemaError(f"column {self.name!r}: periods {self.periods} are not above zero")
        if self.unit not in UNITS:
            raise SchemaError(f"column {self.name!r}: {unknown_choice('unit', self.unit, UNITS)}")

    @classmethod
    def infer(cls, name: str, values: np.ndarray, dtype: str, reason: str, *, where: Where, min_count: int) -> Self:
        """The column that dates make: at the coarsest unit of which all are multiples.

        They are counted from a midnight before the first. The step is one unit, or several if no
        fewer than ``min_count`` rows make that.
        """
        dates = as_datetimes(name, values, where)
        require_countable(name, dates, values, where)
        known = dates[~np.isnat(dates)]
        unit = next(unit for unit in UNITS if _holds(unit, known) or unit == UNITS[-1])
        step, midnight, codes = _counted(known, unit, min_count)
        if is_large(codes):
            unit = COARSER
            step, midnight, codes = _counted(known, unit, min_count)
        center, spread = scale_of(name, codes, min_count=min_count)
        low, high = range_of(codes, center, spread, min_count=min_count)
        seconds = np.timedelta64(step, unit) / np.timedelta64(1, "s")
        span = float(codes.max() - codes.min()) * seconds
        periods = tuple(period / seconds for period in PERIODS_S if seconds < period / 2 and span > period)
        cut = "" if _holds(unit, known) else ", to which they are cut off"
        return cls(
            name=name,
            dtype=dtype,
            reason=f"{reason}, in steps of {step} {unit}{cut}",
            rows=len(known),
            step=float(step),
            origin=exact(midnight),
            center=center,
            spread=spread,
            low=low,
            high=high,
            unit=unit,
            periods=periods,
        )

    @classmethod
    def as_told(cls, cells: Cells, reason: str) -> Self:
        """The column of these dates."""
        return cls.infer(cells.name, cells.values, cells.dtype, reason, where=cells.where, min_count=cells.min_count)

    def encode(self, values: np.ndarray, where: Where, *, strict: bool = True) -> np.ndarray:
        """Codes (N,) of dates; those between the steps of the grid are rounded, with a warning."""
        ticks, rest = as_ticks(self.name, values, self.unit, where, strict=strict)
        outside = np.isinf(rest)
        steps, left = np.divmod(ticks - int(self.origin), int(self.step))
        left = (left + np.where(outside, np.nan, rest)) / float(self.step)  # of a step, NaN where unknown
        codes = np.where(np.isnan(left), np.nan, steps + (left > 0.5))
        self.warn_of_rounding(left > 0, values, where)
        return np.where(outside, np.inf, codes)

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Values (N,) as numpy datetimes of the column's unit."""
        ends = [int(end.astype(f"datetime64[{self.unit}]").astype(np.int64)) for end in (FIRST, LAST)]
        ticks = on_line(self.origin, self.step, codes)
        return np.clip(ticks, ends[0], ends[1]).astype(np.int64).astype(f"datetime64[{self.unit}]")

    def mean_values(self, codes: np.ndarray) -> np.ndarray:
        """The nearest dates."""
        return self.decode(codes)

    @property
    def held(self) -> str:
        """Dates and times."""
        return "dates and times"

    @property
    def step_as_text(self) -> str:
        """The step of the grid, with its unit."""
        return f"{self.step:g} {self.unit}"

    def distance(self, cells: np.ndarray) -> np.ndarray:
        """Infinite: what is no date lies nowhere."""
        return np.full(len(cells), np.inf)

    def as_written(self, values: np.ndarray, like: str) -> np.ndarray:
        """Dates as text, to as many digits as a known cell has, and parted as it is."""
        first = like or f"{0:{10 if self.unit == 'D' else 19}}"
        digits = next((n for n in (10, 16, 19) if n >= len(first)), 26)
        text = np.datetime_as_string(values.astype("datetime64[us]")).tolist()
        return objects_of([cell[:digits].replace("T", "T" if "T" in first else " ") for cell in text])

    def polars_type(self) -> Any:
        """Date, or Datetime."""
        import polars as pl

        return pl.Date if self.unit == "D" else pl.Datetime("us")

    def fields_to_json(self) -> dict[str, Any]:
        """The grid and its unit, the scale, and the periods."""
        return {**self.scale_to_json(), "unit": self.unit, "periods": list(self.periods)}

    @classmethod
    def fields_from_json(cls, spec: Mapping[str, Any]) -> dict[str, Any]:
        """The grid and its unit, the scale, and the periods."""
        return {
            **cls.scale_from_json(spec),
            "step": fields.number(spec["step"]),
            "unit": str(spec["unit"]),
            "periods": fields.numbers(spec["periods"]),
        }


def _holds(unit: str, dates: np.ndarray) -> bool:
    """Whether all dates (N,) are multiples of a unit."""
    return bool((dates.astype(f"datetime64[{unit}]") == dates).all())


def _counted(known: np.ndarray, unit: str, min_count: int) -> tuple[int, int, np.ndarray]:
    """The step of known dates in a unit, the midnight they are counted from, and their codes (N,)."""
    ticks = known.astype(f"datetime64[{unit}]").astype(np.int64)
    midnight = int(known.min().astype("datetime64[D]").astype(f"datetime64[{unit}]").astype(np.int64))
    since = ticks - midnight  # in integers: ticks since 1970 may be more than float64 can tell apart
    step = int(np.gcd.reduce(since)) or 1
    if step > 1 and not is_shared_difference(*np.unique(since, return_counts=True), min_count=min_count):
        step = 1
    # Not the first date itself, which may be a row's own: the grid goes on before it.
    days = BEFORE_D if len(known) >= min_count else FEW_BEFORE_D
    most = max(int(np.timedelta64(days, "D") / np.timedelta64(step, unit)), LEAST_BEFORE)
    first = int(FIRST.astype(f"datetime64[{unit}]").astype(np.int64))
    before = max(0, min((midnight // step) % most, (midnight - first) // step))
    return step, midnight - before * step, (since // step + before).astype(np.float64)
