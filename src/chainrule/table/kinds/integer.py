"""Integer columns: the code is the integer, or its multiple of a common step; every integer has a mass."""

from __future__ import annotations

import numpy as np

from chainrule.errors import SchemaError
from chainrule.table.cells import Where, as_numbers, numbers_if_any, shown
from chainrule.table.exact import (
    LARGEST_EXACT,
    counted,
    differences,
    is_large,
    on_line,
    type_range,
    within,
)
from chainrule.table.kinds.masses import is_mass as is_mass
from chainrule.table.kinds.masses import log_scale as log_scale
from chainrule.table.kinds.numbers import FARTHEST, atoms_of, exact, from_grid, rounded, scaled
from chainrule.table.schema import Column
from chainrule.table.telling import rounded_divisor, shared_divisor

TELLING = 20  # different values before a common divisor is taken for the step of the column


def bounds_of(dtype: str) -> tuple[int | None, int | None]:
    """The bounds that a type of integers declares: those of 8 and 16 bits, and zero for types without sign."""
    bounds = type_range(dtype)
    if bounds is None:
        return None, None
    few = bounds[1] - bounds[0] < 2**16
    return (bounds[0] if few or bounds[0] == 0 else None), (bounds[1] if few else None)


def takes(numbers: np.ndarray) -> bool:
    """Whether all known numbers are integers that float64 can tell apart."""
    return bool(takes_each(numbers).all()) and not is_large(numbers)


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
    """The column these numbers make.

    Args:
        name: what it is called.
        numbers: its cells (N,), NaN where unknown, or its known integers, int64 or objects of any size.
        dtype: the type it has in its table.
        reason: why it is taken to be of this kind.
        min_count: how many rows a value must have to be an atom, and a number of the column to be made of them.
        least, most: declared bounds, which take the tails; then codes are the integers themselves.

    Raises:
        SchemaError: a number that is no integer, or integers that lie too far apart for float64.
    """
    known = numbers
    if numbers.dtype.kind == "f":
        wrong = np.flatnonzero(~takes_each(numbers))
        if len(wrong):
            raise SchemaError(f"column {name!r}: value {numbers[wrong[0]]:g} at row {wrong[0]} is not an integer")
        if is_large(numbers):
            raise SchemaError(
                f"column {name!r}: floats up to {np.nanmax(np.abs(numbers)):g} hold no exact integers from 2^53 on; pass "
                f"kinds={{{name!r}: 'real'}}, or make integers of them"
            )
        known = numbers[~np.isnan(numbers)].astype(np.int64)
    bounded = least is not None or most is not None
    step = 1 if bounded else _step(known, min_count)
    if not resolves(known, step, min_count=min_count):
        raise SchemaError(
            f"column {name!r}: integers from {known.min()} to {known.max()} are more than float64 can tell apart; pass "
            f"kinds={{{name!r}: 'real'}} for numbers to 15 digits, 'categorical' for labels, or 'leave out'"
        )
    atoms = atoms_of(known, on_grid=True, min_count=min_count)
    is_atom = np.isin(known, np.array(atoms, dtype=known.dtype)) if atoms else np.zeros(len(known), dtype=bool)
    scale = scaled(name, known // step, is_atom, min_count=min_count, is_free=not bounded, least=min_count)
    return Column(
        name=name, kind="integer", dtype=dtype, reason=reason, step=exact(step), decimals=0,
        origin=exact(scale.pop("first") * step), atoms=atoms, least=least, most=most, rows=len(known), **scale,
    )  # fmt: skip


def resolves(known: np.ndarray, step: int | None = None, *, min_count: int) -> bool:
    """Whether float64 can tell known integers apart, when they are counted from one among them in steps."""
    if not len(known) or max(abs(int(known.min())), abs(int(known.max()))) < LARGEST_EXACT:
        return True
    step = _step(known, min_count) if step is None else step
    return len(known) >= min_count and (int(known.max()) - int(known.min())) // step < LARGEST_EXACT // 2


def takes_each(numbers: np.ndarray) -> np.ndarray:
    """Which of the numbers (N,) are integers, or unknown."""
    return np.isnan(numbers) | ((numbers == np.round(numbers)) & np.isfinite(numbers))


def bound_codes(column: Column) -> tuple[float | None, float | None]:
    """The codes of the declared bounds."""
    origin, step = int(column.origin), int(column.step or 1)
    least = None if column.least is None else -((origin - column.least) // step)
    most = None if column.most is None else (column.most - origin) // step
    # Beyond float64's integers a bound is as good as the nearest of its numbers.
    return tuple(c if c is None or abs(c) < LARGEST_EXACT else float(c) for c in (least, most))  # type: ignore[return-value]


def encode(column: Column, values: np.ndarray, where: Where, *, strict: bool = True) -> np.ndarray:
    """Codes (N,) float64, NaN where unknown; what the column cannot hold raises, or unless ``strict`` is infinite."""
    numbers = as_numbers(column.name, values, where) if strict else numbers_if_any(values)
    outside = np.zeros(len(numbers), dtype=bool)
    below, above = _beyond(column, numbers, values)
    with np.errstate(over="ignore"):
        far = np.abs(numbers / (column.spread * float(column.step or 1))) > FARTHEST
    for wrong, rule in (
        (~takes_each(numbers), "is not an integer, as all were when the model was fitted"),
        (below, f"is below the declared bound {column.least}"),
        (above, f"is above the declared bound {column.most}"),
        (far, "is too far from all others to have a likelihood"),
    ):
        outside |= wrong
        if strict and wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            raise SchemaError(
                f"column {column.name!r}: value {shown(values, row)} at {where(row)} {rule}: correct it, or leave the cell empty"
            )
    codes, between = counted(values, np.where(outside, np.nan, numbers), column.origin, column.step or 1)
    return np.where(outside, np.inf, rounded(column, codes, between, values, where))


def decode(column: Column, codes: np.ndarray) -> np.ndarray:
    """Values (N,): int64 where these are enough, or floats where the column's own dtype is of them."""
    if column.dtype.lower().startswith(("float", "double")):
        return from_grid(column, codes)
    return within(on_line(column.origin, column.step or 1, codes), column.dtype)


def atom_codes(column: Column) -> tuple[float, ...]:
    """The codes of the atoms."""
    values = np.array(column.atoms, dtype=object)
    steps = differences(values, values.astype(np.float64), column.origin) / float(column.step or 1)
    return tuple(np.round(steps).tolist())


def _step(known: np.ndarray, min_count: int) -> int:
    """The step of the column: that all integers are multiples of, where many values show it, or where they are too large else."""
    values, counts = np.unique(known, return_counts=True)
    large = len(known) > 0 and max(abs(int(values[0])), abs(int(values[-1]))) >= LARGEST_EXACT
    if len(values) < (2 if large else TELLING):
        return 1
    divisor, is_shared = shared_divisor(values, counts, min_count=min_count)
    return divisor if is_shared else rounded_divisor(divisor, max(abs(int(values[0])), abs(int(values[-1]))))


def _beyond(column: Column, numbers: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which cells (N,) lie below and above the declared bounds."""
    sides = []
    for bound, side in ((column.least, -1), (column.most, 1)):
        past = np.zeros(len(numbers)) if bound is None else side * differences(values, numbers, bound)
        sides.append(past > 0)
    return sides[0], sides[1]
