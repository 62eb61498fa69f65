"""Dates and times: one integer at their own resolution; day, week and year are inputs for other columns."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.table.cells import Where, as_datetimes, as_ticks
from chainrule.table.kinds.masses import atom_codes as atom_codes
from chainrule.table.kinds.masses import is_mass as is_mass
from chainrule.table.kinds.masses import log_scale as log_scale
from chainrule.table.kinds.numbers import from_grid, onto_grid, range_of, scale_of
from chainrule.table.schema import UNITS, Column

BEFORE_D = (
    1000  # the origin lies at most so many days before the first date, and is a multiple of that, but for its phase
)
FIRST, LAST = (
    np.datetime64("0001-01-01"),
    np.datetime64("9999-12-31"),
)  # what calendars can write; draws beyond are moved there
PERIODS_S = (86_400.0, 7 * 86_400.0, 365.2425 * 86_400.0)  # day, week, year


def infer(name: str, values: np.ndarray, dtype: str, reason: str, *, where: Where) -> Column:
    """The column these dates make: at the coarsest unit of which all are multiples, counted from a midnight before the first."""
    dates = as_datetimes(name, values, where)
    known = dates[~np.isnat(dates)]
    unit = next(
        unit for unit in UNITS if bool((known.astype(f"datetime64[{unit}]") == known).all()) or unit == UNITS[-1]
    )
    ticks = known.astype(f"datetime64[{unit}]").astype(np.int64)
    midnight = known.min().astype("datetime64[D]").astype(f"datetime64[{unit}]").astype(np.int64)
    since = ticks - midnight  # in integers: ticks since 1970 may be more than float64 can tell apart
    step = int(np.gcd.reduce(since)) or 1
    # Not the first date itself, which may be a row's own: the grid goes on before it.
    most = int(np.timedelta64(BEFORE_D, "D") / np.timedelta64(step, unit)) or 1
    before = (int(midnight) // step) % most
    midnight = int(midnight) - before * step
    codes = (since // step + before).astype(np.float64)
    center, spread = scale_of(name, codes)
    low, high = range_of(codes, center, spread)
    seconds = np.timedelta64(step, unit) / np.timedelta64(1, "s")
    span = float(codes.max() - codes.min()) * seconds
    periods = tuple(period / seconds for period in PERIODS_S if seconds < period / 2 and span > period)
    scale: dict[str, Any] = {"center": center, "spread": spread, "low": low, "high": high}
    grid: dict[str, Any] = {"step": float(step), "decimals": None, "origin": float(midnight)}
    reason = f"{reason}, in steps of {step} {unit}"
    return Column(
        name=name, kind="datetime", dtype=dtype, reason=reason, rows=len(known), unit=unit, periods=periods, **grid, **scale
    )  # fmt: skip


def encode(column: Column, values: np.ndarray, where: Where, *, strict: bool = True) -> np.ndarray:
    """Codes (N,) float64, NaN where unknown; what is no date raises, or unless ``strict`` is infinite."""
    ticks = as_ticks(column.name, values, column.unit, where, strict=strict)
    outside = np.isinf(ticks)
    return np.where(outside, np.inf, onto_grid(column, np.where(outside, np.nan, ticks), values, where))


def decode(column: Column, codes: np.ndarray) -> np.ndarray:
    """Values (N,) as numpy datetimes of the column's unit."""
    ends = (end.astype(f"datetime64[{column.unit}]").astype(np.int64) for end in (FIRST, LAST))
    return np.clip(from_grid(column, codes), *ends).astype(np.int64).astype(f"datetime64[{column.unit}]")
