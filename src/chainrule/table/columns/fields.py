"""Reads and checks the JSON fields of a column."""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable
from typing import Any

from chainrule.table.values.exact_integers import LARGEST_EXACT

Level = str | int | float | bool


def whole(value: Any) -> int:
    """An integer; booleans are refused."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{value!r} is no integer")
    return value


def number(value: Any) -> float:
    """A float; the integer itself if a float would round it."""
    return value if isinstance(value, int) and abs(value) >= LARGEST_EXACT else float(value)


def numbers(values: Any) -> tuple[float, ...]:
    """Applies ``number`` to each value."""
    return tuple(map(number, values))


def level(value: Any) -> Level:
    """The value of a level: text, a number or a boolean."""
    if not isinstance(value, str | int | float | bool):
        raise TypeError(f"level {value!r}")
    return value


def levels(values: Any) -> tuple[Level, ...]:
    """Applies ``level`` to each value."""
    return tuple(map(level, values))


def is_written(value: Any) -> bool:
    """Whether a bound is one in the notation of a column: a time, a duration, or text with digits.

    >>> is_written("08:00"), is_written("a"), is_written(8)
    (True, False, False)
    """
    if isinstance(value, str):
        return any(map(str.isdecimal, value))
    return isinstance(value, datetime.time | datetime.timedelta)


def optional(read: Callable[[Any], Any], value: Any) -> Any:
    """Applies ``read`` to a value; null gives None."""
    return None if value is None else read(value)


def is_finite(value: float) -> bool:
    """Whether float64 holds the number, possibly rounded."""
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond float64
        return False
