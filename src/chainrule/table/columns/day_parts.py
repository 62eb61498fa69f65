"""Whether dates know their calendar: weekdays, days of the month, and times of day."""

from __future__ import annotations

import math

import numpy as np

from chainrule.table.columns.date_grid import DateGrid

FEWEST_ROWS = 100
LEAST_DAYS, MOST_DAYS = 60, 12_000  # of the range; a shorter one has too few of each weekday
FINE = 2**24  # codes from which float32, in which networks train, loses the time of day
MOST_PARTS = 48  # grid points of a day that have a probability each; of more, hours do
HOURS = 24
GOLDEN = (5**0.5 - 1) / 2
GAIN = 5.0  # nats that held-out rows must gain, all together
WEEKDAYS, MONTH_DAYS = 7, 31
THURSDAY = 3  # 1970-01-01


def day_parts_of(grid: DateGrid, codes: np.ndarray, low: float, high: float) -> int:
    """The number of parts of a day with a probability each, 1 for days alone; 0 without a calendar.

    A calendar must make held-out dates more likely than even shares of all days in the range.

    Args:
        grid: the grid of the dates.
        codes: the codes of dates that are no atoms, (n,).
        low, high: the range of the codes.
    """
    slots = grid.slots
    if not slots or len(codes) < FEWEST_ROWS or max(abs(low), abs(high)) >= FINE:
        return 0
    if not grid.is_even(low, high):
        return 0
    day = np.floor(codes / slots)
    begin, end = math.floor(low / slots), math.floor(high / slots)
    if not LEAST_DAYS <= day.max() - day.min() <= end - begin <= MOST_DAYS:
        return 0
    every = np.arange(begin, end + 1)
    gains = any(
        _gain(part(day, grid.first_day), part(every, grid.first_day)) > GAIN
        for part in (_weekday, _month_day, _is_last)
    )
    parts = slots if slots <= MOST_PARTS else math.gcd(slots, HOURS)
    time, times = (np.floor((each % slots) * parts / slots) for each in (codes, np.arange(slots)))
    if parts > 1 and _gain(time.astype(int), times.astype(int)) > GAIN:
        return parts
    return int(gains)


def _weekday(day: np.ndarray, first: int) -> np.ndarray:
    return (day.astype(np.int64) + first + THURSDAY) % WEEKDAYS


def _month_day(day: np.ndarray, first: int) -> np.ndarray:
    dates = (day.astype(np.int64) + first).astype("datetime64[D]")
    return (dates - dates.astype("datetime64[M]")).astype(np.int64)


def _is_last(day: np.ndarray, first: int) -> np.ndarray:
    return (_month_day(day + 1, first) == 0).astype(np.int64)


def _gain(found: np.ndarray, even: np.ndarray) -> float:
    """Nats that classes (n,) gain by their smoothed shares in the other half of the rows.

    They gain relative to the shares among ``even`` (m,), which hold every class.
    """
    share = np.bincount(even) / len(even)
    # Rows may alternate, such as orders and payments; these halves follow no such pattern.
    is_first = np.arange(len(found)) * GOLDEN % 1 < 0.5
    halves = [np.bincount(found[half], minlength=len(share)) for half in (is_first, ~is_first)]
    total = 0.0
    for own, other in (halves, halves[::-1]):
        learned = (other + len(share) * share) / (other.sum() + len(share))
        has = own > 0
        total += float((own[has] * np.log(learned[has] / share[has])).sum())
    return total
