"""Real columns: continuous numbers standardised, with a density in the table's own units, or numbers on a grid, with masses."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule.errors import SchemaError
from chainrule.table.cells import Where, as_numbers, numbers_if_any, shown
from chainrule.table.exact import differences, on_line, within
from chainrule.table.kinds.numbers import (
    FARTHEST,
    MOST_STEPS,
    MOSTLY_ATOMS,
    atoms_of,
    from_grid,
    grid_of_most,
    knots_of,
    on_grid,
    onto_grid,
    others_of,
    range_of,
    scale_of,
    scaled,
)
from chainrule.table.schema import Column


def infer(name: str, numbers: np.ndarray, dtype: str, reason: str, *, min_count: int) -> Column:
    """The column these numbers make: the grid on which all lie but one in a thousand, if they do, the values that occur by
    themselves, and the scale of the others.

    Args:
        name: what it is called.
        numbers: its cells (N,), NaN where unknown, or known integers of any size, int64 or objects, which are continuous then.
        dtype: the type it has in its table.
        reason: why it is taken to be of this kind.
        min_count: how many rows a value must have to be an atom, and a number of the column to be made of them.
    """
    whole = numbers.dtype.kind in "iO"
    known = numbers if whole else numbers[~np.isnan(numbers)]
    found = None if whole else grid_of_most(known, min_count=min_count)
    if found is not None and len(known):
        step, decimals, odd = found
        if 0 < (known.max() - known.min()) / step < MOST_STEPS:
            off = np.isin(known, odd)
            reason = f"{reason}, multiples of {step:g}" + (f" but for {np.count_nonzero(off)}" if len(odd) else "")
            nearest = np.round(np.round(known / step) * step, decimals)
            return _stepped(name, np.where(off, nearest, known), dtype, reason, step, decimals, min_count)
    atoms = atoms_of(known, on_grid=False, min_count=min_count)
    is_atom = np.isin(known, np.array(atoms, dtype=known.dtype)) if atoms else np.zeros(len(known), dtype=bool)
    # Whole numbers are counted from one of them: float64 then holds the differences.
    first = int(known[0]) if whole and len(known) else 0
    since = differences(known, known.astype(np.float64), first) if whole else known
    enough = max(min_count, math.floor(MOSTLY_ATOMS * len(known)) + 1)
    center, spread = scale_of(name, others_of(since, is_atom, least=enough), min_count=min_count, first=first)
    scale: dict[str, Any] = {"center": center, "spread": spread, "decimals": 0 if whole else None}
    column = Column(name=name, kind="real", dtype=dtype, reason=reason, atoms=atoms, **scale)
    _, apart = np.unique(np.array(atom_codes(column)).astype(np.float32), return_index=True)
    atoms = tuple(atoms[k] for k in sorted(apart.tolist()))  # networks, in float32, must tell them apart
    codes = _standard(column, known, known.astype(np.float64))
    scale["low"], scale["high"] = range_of(codes, 0.0, 1.0, min_count=min_count)
    scale["knots"] = knots_of(codes, window=min_count)
    return Column(name=name, kind="real", dtype=dtype, reason=reason, atoms=atoms, rows=len(known), **scale)


def encode(column: Column, values: np.ndarray, where: Where, *, strict: bool = True) -> np.ndarray:
    """Codes (N,) float64, NaN where unknown; numbers between the steps of a grid are rounded, with a warning.

    What is no finite number, or so far out that its likelihood is none, raises, or unless ``strict`` is infinite.
    """
    numbers = as_numbers(column.name, values, where) if strict else numbers_if_any(values)
    unit = column.spread * (column.step or 1.0)
    with np.errstate(over="ignore"):
        outside = np.abs(numbers / unit) > FARTHEST
    if strict and outside.any():
        row = int(np.flatnonzero(outside)[0])
        raise SchemaError(
            f"column {column.name!r}: value {shown(values, row)} at {where(row)} is too far from all others to have a "
            f"likelihood: correct it, or leave the cell empty"
        )
    numbers = np.where(outside, np.nan, numbers)
    if column.step is None:
        codes = _standard(column, values, numbers)
    else:
        codes = onto_grid(column, numbers, values, where)
    return np.where(outside, np.inf, codes)


def decode(column: Column, codes: np.ndarray) -> np.ndarray:
    """Values (N,) float64, or float32 where the column was; integers of its own type where all were whole numbers."""
    if column.step is not None:
        values = from_grid(column, codes)
    elif column.decimals == 0:
        return _whole(column, codes)
    else:
        values = codes * column.spread + column.center
        for value, code in zip(column.atoms, atom_codes(column), strict=True):
            values = np.where(codes == code, value, values)
    return values.astype(np.float32) if column.dtype.lower() in ("float32", "float") else values


def atom_codes(column: Column) -> tuple[float, ...]:
    """The codes of the atoms."""
    if column.step:
        return tuple(on_grid(column, np.array(column.atoms)).tolist())
    values = np.array(column.atoms, dtype=object)
    return tuple(_standard(column, values, values.astype(np.float64)).tolist())


def log_scale(column: Column, codes: np.ndarray) -> np.ndarray:
    """What the log-likelihood of codes (N,) gains by being in the table's units: −log of the unit for a density."""
    return np.where(is_mass(column, codes), 0.0, -math.log(column.spread))


def is_mass(column: Column, codes: np.ndarray) -> np.ndarray:
    """Which codes (N,) have a mass: those on a grid, and atoms."""
    return np.full(len(codes), column.step is not None) | np.isin(codes, atom_codes(column))


def _standard(column: Column, values: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """(value − center) / spread, (N,) float64."""
    return differences(values, numbers, column.center) / column.spread


def _whole(column: Column, codes: np.ndarray) -> np.ndarray:
    """Integers (N,) from standardised codes; atoms come back as they are."""
    rest = float(column.center - int(column.center))
    values = on_line(int(column.center), 1, codes * column.spread + rest)
    for value, code in zip(column.atoms, atom_codes(column), strict=True):
        if (codes == code).any():
            values = values if values.dtype.kind == "O" else values.astype(object)
            values[codes == code] = int(value)
    return within(values, column.dtype)


def _stepped(
    name: str, known: np.ndarray, dtype: str, reason: str, step: float, decimals: int, min_count: int
) -> Column:
    atoms = atoms_of(known, on_grid=True, min_count=min_count)
    steps, is_atom = np.round(known / step).astype(np.int64), np.isin(known, atoms)
    scale = scaled(name, steps, is_atom, min_count=min_count, least=min_count)
    return Column(
        name=name, kind="real", dtype=dtype, reason=reason, step=step, decimals=decimals,
        origin=float(scale.pop("first") * step), atoms=atoms, rows=len(known), **scale,
    )  # fmt: skip
