"""Integer columns: the code is the integer, or its multiple of a common step; every integer has a mass."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.errors import SchemaError
from chainrule.table.cells import Where, as_numbers, numbers_if_any, shown
from chainrule.table.kinds.masses import is_mass as is_mass
from chainrule.table.kinds.masses import log_scale as log_scale
from chainrule.table.kinds.numbers import (
    LARGEST_EXACT,
    atoms_of,
    from_grid,
    grid,
    knots_of,
    on_grid,
    onto_grid,
    origin_of,
    range_of,
    scale_of,
)
from chainrule.table.schema import Column

TELLING = 20  # different values before a common divisor is taken for the step of the column


def bounds_of(dtype: str) -> tuple[int | None, int | None]:
    """The bounds that a type of integers declares: those of 8 and 16 bits, and zero for types without sign."""
    try:
        info = np.iinfo(np.dtype(dtype.lower().split("[")[0]))
    except (TypeError, ValueError):
        return None, None
    return (int(info.min) if info.bits <= 16 or info.min == 0 else None), (int(info.max) if info.bits <= 16 else None)


def takes(numbers: np.ndarray) -> bool:
    """Whether all known numbers are integers that float64 can tell apart."""
    known = numbers[~np.isnan(numbers)]
    return bool(((known == np.round(known)) & (np.abs(known) < LARGEST_EXACT)).all())


def infer(
    name: str,
    numbers: np.ndarray,
    dtype: str,
    reason: str,
    *,
    min_count: int,
    least: int | None = None,
    most: int | None = None,
) -> Column:
    """The column these numbers make, NaN where unknown.

    Args:
        name: what it is called.
        numbers: its cells (N,).
        dtype: the type it has in its table.
        reason: why it is taken to be of this kind.
        min_count: how many rows a value must have to be an atom.
        least, most: declared bounds, which take the tails; then codes are the integers themselves.
    """
    known = numbers[~np.isnan(numbers)]
    wrong = np.flatnonzero(~takes_each(numbers))
    if len(wrong):
        raise SchemaError(f"column {name!r}: value {numbers[wrong[0]]:g} at row {wrong[0]} is not an integer")
    bounded = least is not None or most is not None
    step = 1.0
    if not bounded and len(np.unique(known)) >= TELLING and (found := grid(known)):
        step = found[0]
    codes = known / step
    first = 0.0 if bounded else origin_of(codes)
    codes, origin = codes - first, first * step
    atoms = atoms_of(known, on_grid=True, min_count=min_count)
    others = codes[~np.isin(known, atoms)]
    center, spread = scale_of(name, others if len(others) else codes)
    low, high = range_of(codes, center, spread)
    scale: dict[str, Any] = {"center": center, "spread": spread, "low": low, "high": high}
    scale["knots"] = knots_of(codes, window=min_count)
    return Column(
        name=name, kind="integer", dtype=dtype, reason=reason, step=step, decimals=0, origin=origin, atoms=atoms,
        least=least, most=most, rows=len(known), **scale,
    )  # fmt: skip


def takes_each(numbers: np.ndarray) -> np.ndarray:
    """Which of the numbers (N,) are integers, or unknown."""
    return np.isnan(numbers) | ((numbers == np.round(numbers)) & (np.abs(numbers) < LARGEST_EXACT))


def encode(column: Column, values: np.ndarray, where: Where, *, strict: bool = True) -> np.ndarray:
    """Codes (N,) float64, NaN where unknown; what the column cannot hold raises, or unless ``strict`` is infinite."""
    numbers = as_numbers(column.name, values, where) if strict else numbers_if_any(values)
    outside = np.zeros(len(numbers), dtype=bool)
    for wrong, rule in (
        (~takes_each(numbers), "is not an integer, as all were when the model was fitted"),
        (numbers < (-np.inf if column.least is None else column.least), f"is below the declared bound {column.least}"),
        (numbers > (np.inf if column.most is None else column.most), f"is above the declared bound {column.most}"),
    ):
        outside |= wrong
        if strict and wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            raise SchemaError(
                f"column {column.name!r}: value {shown(values, row)} at {where(row)} {rule}: correct it, or leave the cell empty"
            )
    codes = onto_grid(column, np.where(outside, np.nan, numbers), values, where)
    return np.where(outside, np.inf, codes)


def decode(column: Column, codes: np.ndarray) -> np.ndarray:
    """Values (N,): int64, or in the column's own dtype where that is of numbers."""
    values = from_grid(column, codes)
    if column.dtype.lower().startswith(("float", "double")):
        return values
    return np.clip(values, -LARGEST_EXACT, LARGEST_EXACT).astype(np.int64)


def atom_codes(column: Column) -> tuple[float, ...]:
    """The codes of the atoms."""
    return tuple(on_grid(column, np.array(column.atoms)).tolist())
