"""Binary columns: booleans or 0/1, constant ones included; code 0 is the more frequent value."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from chainrule.errors import SchemaError
from chainrule.table.schema import Column
from chainrule.table.words import BOOLEANS, UNKNOWN


def as_bits(name: str, values: np.ndarray, where: Callable[[int], str]) -> np.ndarray:
    """0.0, 1.0 or NaN (unknown) for each value, (N,) float64; ``where(row)`` names a row in messages."""
    if values.dtype.kind in "biuf":
        bits = values.astype(np.float64)
    else:
        bits = np.array([_bit(str(value).strip().lower()) for value in values], dtype=np.float64)
    wrong = np.flatnonzero(~((bits == 0) | (bits == 1) | np.isnan(bits)))
    if len(wrong):
        row = int(wrong[0])
        value = values[row].item() if isinstance(values[row], np.generic) else values[row]
        raise SchemaError(
            f"column {name!r}: value {value!r} at {where(row)} is not 0 or 1 (or true/false); "
            f"this version models binary columns only: recode the column or leave it out"
        )
    return bits


def _bit(word: str) -> float:
    if word in UNKNOWN:
        return np.nan
    if word in BOOLEANS:
        return BOOLEANS[word]
    try:
        return float(word)
    except ValueError:
        return np.inf


def infer(name: str, values: np.ndarray, where: Callable[[int], str]) -> Column:
    """The column these values make; unknown cells do not count."""
    bits = as_bits(name, values, where)
    ones, zeros = int((bits == 1).sum()), int((bits == 0).sum())
    return Column(name, "binary", (1, 0) if ones > zeros else (0, 1), str(values.dtype))


def encode(column: Column, values: np.ndarray, where: Callable[[int], str]) -> np.ndarray:
    """Codes (N,) float64, NaN where unknown."""
    bits = as_bits(column.name, values, where)
    return bits if column.levels == (0, 1) else 1 - bits


def decode(column: Column, codes: np.ndarray) -> np.ndarray:
    """Values (N,) in the column's own dtype; text columns give 0 and 1."""
    values = np.asarray(column.levels)[codes.astype(np.int64)]
    dtype = np.dtype(column.dtype) if column.dtype in _NUMBERS else np.dtype("int64")
    return values.astype(dtype)


_NUMBERS = {"bool", *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)), "float32", "float64"}
