"""Detects how a column writes times of day, or durations, without a date."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.table.text.clock_notation import clock_notation
from chainrule.table.text.clock_notation import match as clock_match
from chainrule.table.text.duration_notation import CALENDAR, duration_notation
from chainrule.table.text.duration_notation import match as duration_match
from chainrule.table.text.findings import FEW_WORDS, MANY_NUMBERS, MOSTLY, Doubt, Found, but_for

SEVERAL_WAYS = (
    "times written in several ways, as 07:30 and 07:30:00 or 7:30 PM, which are not read: write "
    "them all in one"
)
CALENDAR_PARTS = (
    "durations in years and months, which have no length in days and are not read: write them in "
    "months, or in days"
)


def may_be_time(cell: str) -> bool:
    """Whether a cell looks like a time with a colon, or an hour with am or pm.

    >>> may_be_time("7:30 pm"), may_be_time("7:5")
    (True, False)
    """
    return clock_match(cell) is not None


def may_be_duration(cell: str) -> bool:
    """Whether a cell looks like a duration in words or of ISO 8601.

    >>> may_be_duration("1h30"), may_be_duration("PT90M"), may_be_duration("12 kg")
    (True, True, False)
    """
    return (
        duration_match(cell, iso=False) is not None
        or duration_match(cell, iso=True) is not None
        or CALENDAR.fullmatch(cell) is not None
    )


def detect_times(name: str, cells: Any, weight: np.ndarray, min_count: int) -> Found | Doubt | None:
    """The notation of a column's times; None if it holds none. See ``detect``.

    Args:
        name: the name of the column, for messages.
        cells: a polars series of its different cells, the most frequent first.
        weight: the number of rows with each of these cells.
        min_count: fewest rows that share a fact in the reason of a doubt.
    """
    is_time = _marks(cells, weight, may_be_time)
    if is_time is None:
        return None
    times = [cell for cell, is_one in zip(cells.to_list(), is_time, strict=True) if is_one]
    notation = clock_notation(times, weight[is_time], min_count)
    if notation is None:
        return Doubt(SEVERAL_WAYS)
    if is_time.all():
        strays = cells.filter(notation.parse(cells).is_null()).head(FEW_WORDS + 1)
        return Found(notation, tuple(strays.to_list()))
    return _but_for(name, "times", cells, weight, is_time, min_count)


def detect_durations(
    name: str, cells: Any, weight: np.ndarray, min_count: int
) -> Found | Doubt | None:
    """The notation of a column's durations in words; None if it holds none, or one unit alone.

    Durations of one part each, some in hours and others in minutes, are read if there are many;
    the arguments are those of ``detect_times``.
    """
    is_duration = _marks(cells, weight, may_be_duration)
    if is_duration is None:
        return None
    texts = [cell for cell, is_one in zip(cells.to_list(), is_duration, strict=True) if is_one]
    if any(CALENDAR.fullmatch(cell) for cell in texts):
        return Doubt(CALENDAR_PARTS)
    notation = duration_notation(texts, weight[is_duration], min_count)
    if notation is None or (notation.is_single and len(texts) < MANY_NUMBERS):
        return None
    if is_duration.all():
        return Found(notation)
    return _but_for(name, "durations", cells, weight, is_duration, min_count)


def _marks(cells: Any, weight: np.ndarray, may_be: Callable[[str], bool]) -> np.ndarray | None:
    """Marks the cells that may be times; None if fewer than most rows have one.

    The first and the last cell decide quickly about other columns.
    """
    if not may_be(cells[0]) and not may_be(cells[-1]):
        return None
    found = np.fromiter(map(may_be, cells.to_list()), dtype=bool, count=len(cells))
    return found if weight[found].sum() >= MOSTLY * weight.sum() else None


def _but_for(
    name: str, what: str, cells: Any, weight: np.ndarray, read: np.ndarray, min_count: int
) -> Doubt | None:
    """A doubt about times among which a few words stand for missing cells."""
    if (~read).sum() <= FEW_WORDS and read.sum() >= MANY_NUMBERS:
        return Doubt(but_for(name, what, cells, weight, read, min_count))
    return None
