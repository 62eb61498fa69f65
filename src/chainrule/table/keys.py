"""Whole numbers too large for float64: whether they name things or count them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chainrule.table.exact import LARGEST_EXACT

MOSTLY_LARGE = 0.5  # share of the known values that are too large, from which the column may be one of names
SPARSE = 10  # integers within the range for each different value, from which values that repeat are names
MOSTLY_LISTED = 0.5  # share of the rows whose value repeats enough to be listed, in names that lie close together


@dataclass(frozen=True)
class Large:
    """What the known integers of a column are: "ids", all different; "keys", which repeat; or "numbers"; and in words."""

    what: str
    words: str


def large_integers(known: np.ndarray, *, min_count: int, fewest: int) -> Large:
    """Whether integers (N,), int64 or objects, of which float64 cannot hold all, are ids, keys or numbers.

    A quantity of more than 15 digits hardly repeats, and chance picks no integer of a range of 2^53 twice. Such integers are keys
    if they repeat, and ids if all are different. Multiples of a large step, as dates in nanoseconds are, have fewer digits than
    they show.

    Args:
        known: the integers.
        min_count: rows that a label needs to be listed.
        fewest: rows below which nothing can be told to be an id.

    >>> large_integers(np.array([2**60 + 37 * k for k in range(20)] * 10), min_count=5, fewest=20).what
    'keys'
    """
    values, counts = np.unique(known, return_counts=True)
    size = max(abs(int(values[0])), abs(int(values[-1])))
    words = f"whole numbers of up to {len(str(size))} digits"
    unit = int(np.gcd.reduce(values)) or 1
    is_large = np.array([abs(value) // unit >= LARGEST_EXACT for value in values.tolist()], dtype=bool)
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
