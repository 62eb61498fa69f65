"""Integers too large for float64: whether they are names or quantities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chainrule.table.values.exact_integers import LARGEST_EXACT

MOSTLY_LARGE = 0.5  # least share of too large values in a column of names
SPARSE = 10  # least number of integers in the range per different value if repeated ones are names
MOSTLY_LISTED = 0.5  # least share of rows with frequent values if the range is narrow


@dataclass(frozen=True)
class Large:
    """The role of a column's known integers: "ids", all different.

    "keys", which repeat; or "numbers".

    ``words`` describes them.
    """

    what: str
    words: str


def large_integers(known: np.ndarray, *, min_count: int, fewest: int) -> Large:
    """Whether integers (N,), int64 or objects, some beyond float64, are ids, keys or numbers.

    A quantity of more than 15 digits hardly repeats, and chance draws no integer twice from a range
    of 2^53. Such integers are keys if they repeat, and ids if all are different. Multiples of a
    large step, such as dates in nanoseconds, have fewer significant digits.

    Args:
        known: the integers.
        min_count: number of rows that make a level.
        fewest: number of rows below which integers are not called ids.

    >>> integers = np.array([2**60 + 37 * k for k in range(20)] * 10)
    >>> large_integers(integers, min_count=5, fewest=20).what
    'keys'
    """
    values, counts = np.unique(known, return_counts=True)
    size = max(abs(int(values[0])), abs(int(values[-1])))
    words = f"whole numbers of up to {len(str(size))} digits"
    unit = int(np.gcd.reduce(values)) or 1
    is_large = np.array(
        [abs(value) // unit >= LARGEST_EXACT for value in values.tolist()], dtype=bool
    )
    if counts[is_large].sum() < MOSTLY_LARGE * len(known):
        return Large("numbers", words)
    span = (int(values[-1]) - int(values[0])) // unit
    is_wide = span >= LARGEST_EXACT
    if len(values) == len(known):
        return Large("ids" if is_wide and len(known) >= fewest else "numbers", words)
    repeats = counts >= max(min_count, 2)
    listed = counts[repeats].sum() >= MOSTLY_LISTED * len(known)
    if is_wide or (listed and span >= SPARSE * len(values)) or (repeats.all() and len(values) > 1):
        return Large("keys", f"{words} that repeat")
    return Large("numbers", words)
