"""Cells as numbers: what every kind of column over numbers reads first."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from chainrule.errors import SchemaError
from chainrule.table.words import BOOLEANS, UNKNOWN


def as_numbers(name: str, values: np.ndarray, where: Callable[[int], str]) -> np.ndarray:
    """Each value as a number, NaN where unknown, (N,) float64; ``where(row)`` names a row in messages.

    Raises:
        SchemaError: a value that is no finite number, nor true, false or a word for unknown.
    """
    if values.dtype.kind in "biuf":
        numbers = values.astype(np.float64)
    else:
        numbers = np.array([_number(str(value).strip().lower()) for value in values], dtype=np.float64)
    wrong = np.flatnonzero(np.isinf(numbers))
    if len(wrong):
        row = int(wrong[0])
        raise SchemaError(
            f"column {name!r}: value {shown(values, row)} at {where(row)} is not a number; this version models binary and "
            f"numeric columns only: recode the column or leave it out"
        )
    return numbers


def shown(values: np.ndarray, row: int) -> str:
    """A cell as messages show it."""
    value = values[row].item() if isinstance(values[row], np.generic) else values[row]
    return repr(value)


def _number(word: str) -> float:
    if word in UNKNOWN:
        return np.nan
    if word in BOOLEANS:
        return BOOLEANS[word]
    try:
        return float(word)
    except ValueError:
        return np.inf
