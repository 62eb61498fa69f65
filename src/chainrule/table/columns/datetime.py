"""Dates and times: one integer at their own resolution.

Other columns also see day, week and year.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from typing_extensions import override

from chainrule.errors import SchemaError, unknown_choice
from chainrule.table.columns import fields
from chainrule.table.columns.base import Cells
from chainrule.table.columns.disclosure import is_shared_difference
from chainrule.table.columns.grid import exact, range_of, scale_of
from chainrule.table.columns.numbers import AbstractNumbers
from chainrule.table.values.cells import (
    Where,
    as_datetimes,
    as_ticks,
    objects_of,
    require_countable,
)
from chainrule.table.values.exact_integers import is_large, on_line

UNITS = ("D", "h", "m", "s", "ms", "us")  # coarse to fine; finer times are truncated
# The origin lies at most so many days before the first date, and is a multiple of this up to
# the phase of the grid.
BEFORE_D = 1000
FEW_BEFORE_D = 2**15  # the same if few rows have a date
LEAST_BEFORE = 16  # steps that the origin may lie before the first date, however long they are
# The range of calendars; draws beyond are clipped to it.
FIRST, LAST = np.datetime64("0001-01-01"), np.datetime64("9999-12-31")
COARSER = "ms"  # replaces microseconds that are too far apart for float64
PERIODS_S = (86_400.0, 7 * 86_400.0, 365.2425 * 86_400.0)  # day, week, year


@dataclass(frozen=True, kw_only=True)
class Datetime(AbstractNumbers):
    """Dates, or dates with times.

    Attributes:
        step: distance of neighbouring grid points, in units.
        unit: resolution, in numpy's words.
        periods: day, week and year in steps, if the column spans them.
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
    def infer(
        cls, name: str, values: np.ndarray, dtype: str, reason: str, *, where: Where, min_count: int
    ) -> Self:
        """Makes the column of these dates, at the coarsest unit that divides all of them.

        Codes count from a midnight before the first date. The step is a multiple of the unit only
        if at least ``min_count`` rows show it.
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
        periods = tuple(
            period / seconds for period in PERIODS_S if seconds < period / 2 and span > period
        )
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
    @override
    def as_requested(cls, cells: Cells, reason: str) -> Self:
        return cls.infer(
            cells.name,
            cells.values,
            cells.dtype,
            reason,
            where=cells.where,
            min_count=cells.min_count,
        )

    @override
    def encode(self, values: np.ndarray, where: Where, *, strict: bool = True) -> np.ndarray:
        """Dates between grid points are rounded, with a warning."""
        ticks, rest = as_ticks(self.name, values, self.unit, where, strict=strict)
        outside = np.isinf(rest)
        steps, left = np.divmod(ticks - int(self.origin), int(self.step))
        # The remainder as a share of a step, NaN if unknown.
        left = (left + np.where(outside, np.nan, rest)) / float(self.step)
        codes = np.where(np.isnan(left), np.nan, steps + (left > 0.5))
        self.warn_of_rounding(left > 0, values, where)
        return np.where(outside, np.inf, codes)

    @override
    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Numpy datetimes of the column's unit."""
        ends = [
            int(end.astype(f"datetime64[{self.unit}]").astype(np.int64)) for end in (FIRST, LAST)
        ]
        ticks = on_line(self.origin, self.step, codes)
        return np.clip(ticks, ends[0], ends[1]).astype(np.int64).astype(f"datetime64[{self.unit}]")

    @override
    def mean_values(self, codes: np.ndarray) -> np.ndarray:
        """The nearest dates."""
        return self.decode(codes)

    @property
    @override
    def domain_as_text(self) -> str:
        return "dates and times"

    @property
    @override
    def step_as_text(self) -> str:
        """The step with its unit."""
        return f"{self.step:g} {self.unit}"

    @override
    def distance(self, cells: np.ndarray) -> np.ndarray:
        """Infinite: other cells are not comparable with dates."""
        return np.full(len(cells), np.inf)

    @override
    def as_written(self, values: np.ndarray, like: str) -> np.ndarray:
        """Dates as text, with the digits and the separator of a known cell."""
        first = like or f"{0:{10 if self.unit == 'D' else 19}}"
        digits = next((n for n in (10, 16, 19) if n >= len(first)), 26)
        text = np.datetime_as_string(values.astype("datetime64[us]")).tolist()
        return objects_of(
            [cell[:digits].replace("T", "T" if "T" in first else " ") for cell in text]
        )

    @override
    def polars_type(self) -> Any:
        import polars as pl

        return pl.Date if self.unit == "D" else pl.Datetime("us")

    @override
    def fields_to_json(self) -> dict[str, Any]:
        return {**self.scale_to_json(), "unit": self.unit, "periods": list(self.periods)}

    @classmethod
    @override
    def fields_from_json(cls, spec: Mapping[str, Any]) -> dict[str, Any]:
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
    """The step of known dates in a unit, the midnight at which they begin, and codes (N,)."""
    ticks = known.astype(f"datetime64[{unit}]").astype(np.int64)
    midnight = int(
        known.min().astype("datetime64[D]").astype(f"datetime64[{unit}]").astype(np.int64)
    )
    since = ticks - midnight  # in integers: float64 may merge ticks since 1970
    step = int(np.gcd.reduce(since)) or 1
    if step > 1 and not is_shared_difference(
        *np.unique(since, return_counts=True), min_count=min_count
    ):
        step = 1
    # The grid begins earlier than the first date, which may belong to a single row.
    days = BEFORE_D if len(known) >= min_count else FEW_BEFORE_D
    most = max(int(np.timedelta64(days, "D") / np.timedelta64(step, unit)), LEAST_BEFORE)
    first = int(FIRST.astype(f"datetime64[{unit}]").astype(np.int64))
    before = max(0, min((midnight // step) % most, (midnight - first) // step))
    return step, midnight - before * step, (since // step + before).astype(np.float64)
