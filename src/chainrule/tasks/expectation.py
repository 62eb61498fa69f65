"""Numbers to expect: how many rows, and the mean and quantiles of a column, given an event."""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import Any

import numpy as np

from chainrule.arguments import POOL_ROWS, require_quantiles, rows_to_draw
from chainrule.errors import ChainruleError, SchemaError
from chainrule.model import Model
from chainrule.table import AbstractColumn
from chainrule.tasks.asking.answers import PATHS, POOL, Interval
from chainrule.tasks.asking.measure import Measure, weighted_mean, weighted_share
from chainrule.tasks.asking.paths import SCRAMBLINGS
from chainrule.tasks.asking.pool import MICROSECONDS_A_DAY, CodedRows, values_as_numbers
from chainrule.tasks.probability import condition_of, probability

LEVEL = 0.95  # of the intervals


def expected_rows(
    model: Model, where: Any, *, rows: int, given: Any = None, draws: int = POOL_ROWS
) -> Interval:
    """Returns how many of so many rows an event is expected to hold in, with a 95 % interval.

    The interval is that of the expectation, by the draws. Tables of so many rows scatter more.

    Args:
        model: the fitted model.
        where: the event, as for ``probability``.
        rows: the rows of the table.
        given: an event that holds in all of these rows.
        draws: how many rows the pool has.

    Raises:
        SchemaError: an unknown column or label, or words that are not understood.
    """
    n = rows_to_draw(rows)
    found = probability(model, where, given=given, draws=draws)
    low, high = found.interval(LEVEL)
    return Interval(found.value * n, low * n, high * n, found.standard_error * n, found.method)


def mean(model: Model, column: Hashable, *, given: Any = None, draws: int = POOL_ROWS) -> Interval:
    """Returns the mean of a column given an event, with a 95 % interval.

    It is the mean of a pool of draws, or of weighted draws within a rare event. Missing cells do
    not count. Of truth values it is the share that is true, of dates a date. On a scale that is not
    linear, values beyond the range of the training rows count as its ends.

    Args:
        model: the fitted model.
        column: its name: a column of numbers, dates or truth values.
        given: an event that is known to hold, as for ``probability``.
        draws: how many rows the pool has.

    Raises:
        SchemaError: an unknown column, or one of labels.
    """
    number, spec = _asked(model, column, "mean")
    rows, present = _rows(model, number, given, draws)
    values = values_as_numbers(model.schema, number, _within_range(spec, rows.codes(number)))
    present &= ~np.isnan(values)
    value, error = _weighted_mean(rows, np.where(present, values, 0.0), present)
    half = error * _students(SCRAMBLINGS - 1 if rows.weights is not None else present.sum() - 1)
    method = POOL if rows.weights is None else PATHS
    middle, low, high = (_as_cell(spec, each) for each in (value, value - half, value + half))
    return Interval(middle, low, high, error, method)


def quantile(
    model: Model, column: Hashable, q: float, *, given: Any = None, draws: int = POOL_ROWS
) -> Interval:
    """Returns a quantile of a column given an event, with a 95 % interval.

    It is the smallest value that at least a share q of a pool of draws does not exceed, or of
    weighted draws within a rare event. Missing cells do not count. The ends of the interval are the
    quantiles at the ends of the interval of that share.

    Args:
        model: the fitted model.
        column: its name: a column of numbers or dates.
        q: a probability above 0 and below 1, such as 0.9.
        given: an event that is known to hold, as for ``probability``.
        draws: how many rows the pool has.

    Raises:
        SchemaError: an unknown column, or one of labels.
        ShapeError: q is not above 0 and below 1.
    """
    require_quantiles([q])
    number, spec = _asked(model, column, "quantile")
    rows, present = _rows(model, number, given, draws)
    codes = rows.codes(number)
    weights = present * (1.0 if rows.weights is None else rows.weights)
    order = np.argsort(codes, kind="stable")
    shares = weights[order].cumsum() / weights.sum()

    def at(share: float) -> float:
        place = min(int(np.searchsorted(shares, share - 1e-12)), len(order) - 1)
        return float(codes[order][place])

    found = at(q)
    if rows.weights is None:
        error = math.sqrt(q * (1 - q) / present.sum())
    else:
        error = weighted_share(rows, present & (codes <= found)).standard_error
    half = error * _students(SCRAMBLINGS - 1 if rows.weights is not None else present.sum() - 1)
    ends = (found, at(max(q - half, 0.0)), at(min(q + half, 1.0)))
    value, low, high = (_cell(spec.decode(np.array([end]))[0]) for end in ends)
    method = POOL if rows.weights is None else PATHS
    return Interval(value, low, high, math.nan, method)


def _asked(model: Model, column: Hashable, what: str) -> tuple[int, AbstractColumn]:
    number = model.schema.number(column)
    spec = model.schema.columns[number]
    is_number = all(isinstance(level, int | float) for level in getattr(spec, "levels", ()))
    if not is_number or (what == "quantile" and spec.has_levels):
        raise SchemaError(
            f"column {spec.name!r} has labels, which have no {what}; ask for the probability of "
            f"each, as {spec.name} == {spec.level_names[0]!r}"
        )
    return number, spec


def _rows(model: Model, number: int, given: Any, draws: int) -> tuple[CodedRows, np.ndarray]:
    """Returns rows drawn given an event, and which of them (N,) have the column's cell."""
    rows = Measure(model, draws).rows_given(condition_of(model, given))
    missing = rows.missing(number)
    present = np.ones(len(rows), dtype=bool) if missing is None else ~missing
    if not present.any():
        raise ChainruleError(
            f"given: column {model.schema.columns[number].name!r} is missing in all rows drawn; "
            "widen the condition"
        )
    return rows, present


def _within_range(spec: AbstractColumn, codes: np.ndarray) -> np.ndarray:
    """Codes (N,), moved into the training rows' range on a scale that is not linear."""
    if getattr(spec, "warp", None) is None:
        return codes
    low, high = (getattr(spec, end) for end in ("low", "high"))
    return np.where(np.isin(codes, spec.atom_codes()), codes, np.clip(codes, low, high))


def _weighted_mean(rows: CodedRows, values: np.ndarray, present: np.ndarray) -> tuple[float, float]:
    """Returns the mean of values (N,) in some rows, and its standard error."""
    if rows.weights is None:
        some = values[present]
        spread = float(some.std(ddof=1)) if len(some) > 1 else math.inf
        return float(some.mean()), spread / math.sqrt(len(some))
    value, _, error = weighted_mean(rows.weights * present, values)
    return value, error


def _students(freedom: int) -> float:
    """Returns the half width of a 95 % interval in standard errors."""
    from scipy import stats

    return float(stats.t.ppf((1 + LEVEL) / 2, max(freedom, 1)))


def _as_cell(spec: AbstractColumn, number: float) -> Any:
    """Returns a number as it is, or as a date if the column has dates, of which it counts days."""
    if not spec.holds_dates:
        return number
    return np.datetime64(round(number * MICROSECONDS_A_DAY), "us").item()


def _cell(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
