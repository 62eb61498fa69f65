"""Binary columns: booleans or 0/1, constant ones included; code 0 is the more frequent value."""

from __future__ import annotations

import numpy as np

from chainrule.errors import SchemaError
from chainrule.table.cells import Where, numbers_if_any, shown
from chainrule.table.kinds.masses import atom_codes as atom_codes
from chainrule.table.kinds.masses import is_mass as is_mass
from chainrule.table.kinds.masses import log_scale as log_scale
from chainrule.table.schema import Column


def takes(numbers: np.ndarray) -> bool:
    """Whether all known numbers are 0 or 1."""
    return bool(((numbers == 0) | (numbers == 1) | np.isnan(numbers)).all())


def infer(
    name: str, numbers: np.ndarray, dtype: str, reason: str, *, boolean: bool = False, flag_of: str | None = None
) -> Column:
    """The column these numbers make, NaN where unknown; unknown cells do not count. ``boolean``: they are false and true."""
    ones, zeros = int((numbers == 1).sum()), int((numbers == 0).sum())
    no, yes = (False, True) if boolean else (0, 1)
    levels = (yes, no) if ones > zeros else (no, yes)
    rows = 0 if flag_of is not None else ones + zeros
    return Column(name=name, kind="binary", dtype=dtype, reason=reason, levels=levels, rows=rows, flag_of=flag_of)


def encode(column: Column, values: np.ndarray, where: Where, *, strict: bool = True) -> np.ndarray:
    """Codes (N,) float64, NaN where unknown; what is no bit raises, or unless ``strict`` is infinite."""
    bits = numbers_if_any(values)
    wrong = ~((bits == 0) | (bits == 1) | np.isnan(bits))
    if strict and wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise SchemaError(
            f"column {column.name!r}: value {shown(values, row)} at {where(row)} is not 0 or 1 (or true/false), as all were when "
            f"the model was fitted: correct it, or leave the cell empty"
        )
    return np.where(wrong, np.inf, bits if column.levels == (0, 1) else 1 - bits)


def decode(column: Column, codes: np.ndarray) -> np.ndarray:
    """Values (N,): bool, or numbers 0 and 1 of the column's dtype."""
    values = np.asarray(column.levels)[codes.astype(np.int64)]
    if isinstance(column.levels[0], bool):
        return values
    dtype = column.dtype.lower()
    return values.astype(np.dtype(dtype) if dtype in _NUMBERS else np.dtype("int64"))


_NUMBERS = {*(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)), "float32", "float64"}
