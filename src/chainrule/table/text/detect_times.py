"""Detects how a column writes times of day, or elapsed times, without a date."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.table.text.clock_notation import CELL, clock_notation
from chainrule.table.text.findings import FEW_WORDS, MANY_NUMBERS, MOSTLY, Doubt, Found, but_for


def may_be_time(cell: str) -> bool:
    """Whether a cell looks like a time.

    >>> may_be_time("7:30 pm"), may_be_time("7:5")
    (True, False)
    """
    return CELL.fullmatch(cell) is not None


def detect_times(name: str, cells: Any, weight: np.ndarray, min_count: int) -> Found | Doubt | None:
    """The notation of a column's times; None if it holds none. See ``detect``.

    Args:
        name: the name of the column, for messages.
        cells: a polars series of its different cells, the most frequent first.
        weight: the number of rows with each of these cells.
        min_count: fewest rows that share a fact in the reason of a doubt.
    """
    if not may_be_time(cells[0]) and not may_be_time(cells[-1]):
        return None
    is_time = np.fromiter(map(may_be_time, cells.to_list()), dtype=bool, count=len(cells))
    if weight[is_time].sum() < MOSTLY * weight.sum():
        return None
    times = [cell for cell, is_one in zip(cells.to_list(), is_time, strict=True) if is_one]
    notation = clock_notation(times, weight[is_time], min_count)
    if notation is None:
        return Doubt(
            "times written in several ways, as 07:30 and 07:30:00 or 7:30 PM, which are not read: "
            "write them all in one"
        )
    if is_time.all():
        strays = cells.filter(notation.parse(cells).is_null()).head(FEW_WORDS + 1)
        return Found(notation, tuple(strays.to_list()))
    if len(cells) - len(times) <= FEW_WORDS and len(times) >= MANY_NUMBERS:
        return Doubt(but_for(name, "times", cells, weight, is_time, min_count))
    return None
