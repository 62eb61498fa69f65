"""Binary columns: booleans or 0/1, constant ones included; code 0 is the more frequent value."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from chainrule.errors import SchemaError
from chainrule.table.kinds.numbers import as_numbers, shown
from chainrule.table.schema import Column


def takes(numbers: np.ndarray) -> bool:
    """Whether all known numbers are 0 or 1."""
    return bool(((numbers == 0) | (numbers == 1) | np.isnan(numbers)).all())


def infer(name: str, numbers: np.ndarray, dtype: str) -> Column:
    """The column these numbers make, NaN where unknown; unknown cells do not count."""
    ones, zeros = int((numbers == 1).sum()), int((numbers == 0).sum())
    return Column(name, "binary", (1, 0) if ones > zeros else (0, 1), dtype)


def encode(column: Column, values: np.ndarray, where: Callable[[int], str]) -> np.ndarray:
    """Codes (N,) float64, NaN where unknown."""
    bits = as_numbers(column.name, values, where)
    wrong = np.flatnonzero(~((bits == 0) | (bits == 1) | np.isnan(bits)))
    if len(wrong):
        row = int(wrong[0])
        raise SchemaError(
            f"column {column.name!r}: value {shown(values, row)} at {where(row)} is not 0 or 1 (or true/false), as all were when "
            f"the model was fitted: correct it, or leave the cell empty"
        )
    return bits if column.levels == (0, 1) else 1 - bits


def decode(column: Column, codes: np.ndarray) -> np.ndarray:
    """Values (N,) in the column's own dtype; text columns give 0 and 1."""
    values = np.asarray(column.levels)[codes.astype(np.int64)]
    dtype = np.dtype(column.dtype) if column.dtype in _NUMBERS else np.dtype("int64")
    return values.astype(dtype)


def log_scale(column: Column) -> float:
    """Zero: a mass has no units."""
    return 0.0


_NUMBERS = {"bool", *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)), "float32", "float64"}
