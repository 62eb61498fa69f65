"""Dates and times: one integer at their own resolution; day, week and year are inputs for other columns."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.table.cells import Where, as_datetimes, as_ticks, require_countable
from chainrule.table.exact import is_large, on_line
from chainrule.table.kinds.masses import atom_codes as atom_codes
from chainrule.table.kinds.masses import is_mass as is_mass
from chainrule.table.kinds.masses import log_scale as log_scale
from chainrule.table.kinds.numbers import exact, range_of, rounded, scale_of
from chainrule.table.schema import UNITS, Column
from chainrule.table.telling import is_shared_difference

BEFORE_D = (
    1000  # the origin lies at most so many days before the first date, and is a multiple of that, but for its phase
)
FEW_BEFORE_D = 2**15  # the same where all dates are those of few rows
LEAST_BEFORE = 16  # steps that the origin may lie before it, however long they are
FIRST, LAST = (
    np.datetime64("0001-01-01"),
    np.datetime64("9999-12-31"),
)  # what calendars can write; draws beyond are moved there
COARSER = "ms"  # the unit of microseconds that lie too far apart for float64
PERIODS_S = (86_400.0, 7 * 86_400.0, 365.2425 * 86_400.0)  # day, week, year


def infer(name: str, values: np.ndarray, dtype: str, reason: str, *, where: Where, min_count: int) -> Column:
    """The column these dates make: at the coarsest unit of which all are multiples, counted from a midnight before the first.

    A step of several units is one where no fewer than ``min_count`` rows make it.
    """
    dates = as_datetimes(name, values, where)
    require_countable(name, dates, values, where)
    known = dates[~np.isnat(dates)]
    unit = next(
        unit for unit in UNITS if bool((known.astype(f"datetime64[{unit}]") == known).all()) or unit == UNITS[-1]
    )
    step, midnight, codes = _counted(known, unit, min_count)
    if is_large(codes):
        unit = COARSER
        step, midnight, codes = _counted(known, unit, min_count)
    center, spread = scale_of(name, codes, min_count=min_count)
    low, high = range_of(codes, center, spread, min_count=min_count)
    seconds = np.timedelta64(step, unit) / np.timedelta64(1, "s")
    span = float(codes.max() - codes.min()) * seconds
    periods = tuple(period / seconds for period in PERIODS_S if seconds < period / 2 and span > period)
    scale: dict[str, Any] = {"center": center, "spread": spread, "low": low, "high": high}
    grid: dict[str, Any] = {"step": float(step), "decimals": None, "origin": exact(midnight)}
    cut = ", to which they are cut off" if bool((known.astype(f"datetime64[{unit}]") != known).any()) else ""
    reason = f"{reason}, in steps of {step} {unit}{cut}"
    return Column(
        name=name, kind="datetime", dtype=dtype, reason=reason, rows=len(known), unit=unit, periods=periods, **grid, **scale
    )  # fmt: skip


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


def encode(column: Column, values: np.ndarray, where: Where, *, strict: bool = True) -> np.ndarray:
    """Codes (N,) float64, NaN where unknown; what is no date raises, or unless ``strict`` is infinite."""
    ticks, rest = as_ticks(column.name, values, column.unit, where, strict=strict)
    outside = np.isinf(rest)
    steps, left = np.divmod(ticks - int(column.origin), int(column.step or 1))
    left = (left + np.where(outside, np.nan, rest)) / float(column.step or 1)  # of a step, NaN where unknown
    codes = np.where(np.isnan(left), np.nan, steps + (left > 0.5))
    return np.where(outside, np.inf, rounded(column, codes, left > 0, values, where))


def decode(column: Column, codes: np.ndarray) -> np.ndarray:
    """Values (N,) as numpy datetimes of the column's unit."""
    ends = [int(end.astype(f"datetime64[{column.unit}]").astype(np.int64)) for end in (FIRST, LAST)]
    ticks = on_line(column.origin, column.step or 1, codes)
    return np.clip(ticks, ends[0], ends[1]).astype(np.int64).astype(f"datetime64[{column.unit}]")
