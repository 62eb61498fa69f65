"""Real columns: continuous numbers standardised, with a density in the table's own units, or numbers on a grid, with masses."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule.errors import SchemaError
from chainrule.table.cells import Where, as_numbers, numbers_if_any, shown
from chainrule.table.kinds.numbers import (
    MOST_STEPS,
    MOSTLY_ATOMS,
    atoms_of,
    from_grid,
    grid_of_most,
    knots_of,
    on_grid,
    onto_grid,
    origin_of,
    range_of,
    scale_of,
)
from chainrule.table.schema import Column

FARTHEST = 1e100  # standard deviations: beyond, likelihoods are no numbers in float64


def infer(name: str, numbers: np.ndarray, dtype: str, reason: str, *, min_count: int) -> Column:
    """The column these numbers make, NaN where unknown: the grid on which all lie but one in a thousand, if they do, the values
    that occur by themselves, and the scale of the others."""
    known = numbers[~np.isnan(numbers)]
    found = grid_of_most(known)
    if found is not None and len(known):
        step, decimals, odd = found
        if 0 < (known.max() - known.min()) / step < MOST_STEPS:
            off = np.isin(known, odd)
            reason = f"{reason}, multiples of {step:g}" + (f" but for {np.count_nonzero(off)}" if len(odd) else "")
            nearest = np.round(np.round(known / step) * step, decimals)
            return _stepped(name, np.where(off, nearest, known), dtype, reason, step, decimals, min_count)
    atoms = atoms_of(known, on_grid=False, min_count=min_count)
    others = known[~np.isin(known, atoms)]
    center, spread = scale_of(name, others if len(others) > MOSTLY_ATOMS * len(known) else known)
    _, apart = np.unique(((np.array(atoms) - center) / spread).astype(np.float32), return_index=True)
    atoms = tuple(atoms[k] for k in sorted(apart.tolist()))  # networks, in float32, must tell them apart
    low, high = range_of((known - center) / spread, 0.0, 1.0)
    scale: dict[str, Any] = {"center": center, "spread": spread, "low": low, "high": high}
    scale["knots"] = knots_of((known - center) / spread, window=min_count)
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
        codes = (numbers - column.center) / column.spread
    else:
        codes = onto_grid(column, numbers, values, where)
    return np.where(outside, np.inf, codes)


def decode(column: Column, codes: np.ndarray) -> np.ndarray:
    """Values (N,) float64, or float32 where the column was."""
    if column.step is not None:
        values = from_grid(column, codes)
    else:
        values = codes * column.spread + column.center
        for value, code in zip(column.atoms, atom_codes(column), strict=True):
            values = np.where(codes == code, value, values)
    return values.astype(np.float32) if column.dtype.lower() in ("float32", "float") else values


def atom_codes(column: Column) -> tuple[float, ...]:
    """The codes of the atoms."""
    values = np.array(column.atoms)
    return tuple((on_grid(column, values) if column.step else (values - column.center) / column.spread).tolist())


def log_scale(column: Column, codes: np.ndarray) -> np.ndarray:
    """What the log-likelihood of codes (N,) gains by being in the table's units: −log of the unit for a density."""
    return np.where(is_mass(column, codes), 0.0, -math.log(column.spread))


def is_mass(column: Column, codes: np.ndarray) -> np.ndarray:
    """Which codes (N,) have a mass: those on a grid, and atoms."""
    return np.full(len(codes), column.step is not None) | np.isin(codes, atom_codes(column))


def _stepped(
    name: str, known: np.ndarray, dtype: str, reason: str, step: float, decimals: int, min_count: int
) -> Column:
    atoms = atoms_of(known, on_grid=True, min_count=min_count)
    codes = np.round(known / step)
    first = origin_of(codes)
    codes = codes - first
    others = codes[~np.isin(known, atoms)]
    center, spread = scale_of(name, others if len(others) else codes)
    low, high = range_of(codes, center, spread)
    scale: dict[str, Any] = {"center": center, "spread": spread, "low": low, "high": high}
    scale["knots"] = knots_of(codes, window=min_count)
    return Column(
        name=name, kind="real", dtype=dtype, reason=reason, step=step, decimals=decimals, origin=first * step, atoms=atoms,
        rows=len(known), **scale,
    )  # fmt: skip
