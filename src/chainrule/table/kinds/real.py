"""Real columns: numbers, standardised; their likelihood is a density in the table's own units."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from chainrule.errors import SchemaError
from chainrule.table.kinds.numbers import as_numbers
from chainrule.table.schema import Column


def infer(name: str, numbers: np.ndarray, dtype: str) -> Column:
    """The column these numbers make, NaN where unknown: their mean, standard deviation and range of codes.

    A column of one value has that value's size as its scale; a power of two as a factor of all values changes no code.
    """
    known = numbers[~np.isnan(numbers)]
    center, spread = float(known.mean()), float(known.std())
    if not (math.isfinite(center) and math.isfinite(spread)):
        raise SchemaError(f"column {name!r}: values up to {np.abs(known).max():.3g} overflow; rescale the column")
    if spread <= 1e-12 * abs(center):  # rounding, not variation
        spread = abs(center) or 1.0
    codes = (known - center) / spread
    return Column(name, "real", (), dtype, center, spread, float(codes.min()), float(codes.max()))


def encode(column: Column, values: np.ndarray, where: Callable[[int], str]) -> np.ndarray:
    """Codes (N,) float64, NaN where unknown."""
    return (as_numbers(column.name, values, where) - column.center) / column.spread


def decode(column: Column, codes: np.ndarray) -> np.ndarray:
    """Values (N,) float64, or float32 where the column was; integers come back as numbers between."""
    values = codes * column.spread + column.center
    return values.astype(np.float32) if column.dtype == "float32" else values


def log_scale(column: Column) -> float:
    """What a cell's log-density in codes gains by being one in the table's units: −log of the unit."""
    return -math.log(column.spread)
