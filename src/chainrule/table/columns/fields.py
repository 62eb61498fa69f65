"""Fields of a column as JSON holds them, read and checked."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from chainrule.table.exact import LARGEST_EXACT

Level = str | int | float | bool


def whole(value: Any) -> int:
    """An integer; a boolean is none."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{value!r} is no integer")
    return value


def number(value: Any) -> float:
    """A float, or the integer itself where a float would round it."""
    return value if isinstance(value, int) and abs(value) >= LARGEST_EXACT else float(value)


def numbers(values: Any) -> tuple[float, ...]:
    """As ``number``, each of several."""
    return tuple(map(number, values))


def level(value: Any) -> Level:
    """The value of a level: text, a number or a boolean."""
    if not isinstance(value, str | int | float | bool):
        raise TypeError(f"level {value!r}")
    return value


def levels(values: Any) -> tuple[Level, ...]:
    """As ``level``, each of several."""
    return tuple(map(level, values))


def optional(read: Callable[[Any], Any], value: Any) -> Any:
    """What ``read`` makes of a value; None of null."""
    return None if value is None else read(value)


def is_finite(value: float) -> bool:
    """Whether float64 holds the number, if only rounded."""
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond float64
        return False
