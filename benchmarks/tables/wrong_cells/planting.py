"""Mistakes in random cells: the five kinds of TabLint, kinds that nobody listed, other levels.

TabLint (James-Begin/TabLint, docs/PROOFREAD_PREREG.md) takes 3 % of the cells, its kinds in turn: a
decimal point moved by one place; the value of another row; an offset of three standard deviations;
a zero; the two leading digits transposed. A change below half a standard deviation becomes another
kind, or none if the value of another row is as near.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import polars as pl

RATE = 0.03
NEAR = 0.5  # standard deviations; nearer values are no mistake
KINDS = ("decimal", "swap", "offset", "zero", "transposition")
DRIFT_ROWS = 20  # rows of a smooth drift
DRIFT_HEIGHT = 3.0  # standard deviations at its middle


class Plant(Protocol):
    """A protocol: from values (N, D) to values with mistakes, and the kind of each cell, ""."""

    def __call__(
        self, values: np.ndarray, generator: np.random.Generator, rate: float = RATE
    ) -> tuple[np.ndarray, np.ndarray]:
        """Plants mistakes in a share of the cells."""
        ...


def tablint(
    values: np.ndarray, generator: np.random.Generator, rate: float = RATE
) -> tuple[np.ndarray, np.ndarray]:
    """TabLint's five kinds."""
    wrong, kinds = values.copy(), np.full(values.shape, "", dtype=object)
    rows, width = values.shape
    spread = values.std(0) + 1e-9
    cells = generator.choice(rows * width, int(rate * rows * width), replace=False)
    for turn, cell in enumerate(cells.tolist()):
        row, column = divmod(cell, width)
        found = _mistake(values, row, column, KINDS[turn % len(KINDS)], spread[column], generator)
        if found is not None:
            wrong[row, column], kinds[row, column] = found
    return wrong, kinds


def _mistake(
    values: np.ndarray,
    row: int,
    column: int,
    kind: str,
    spread: float,
    generator: np.random.Generator,
) -> tuple[float, str] | None:
    """The wrong value of a cell and its kind; None if it stays."""
    value = float(values[row, column])
    if kind == "transposition":
        swapped = leading_digits_transposed(value)
        if swapped is not None and abs(swapped - value) >= NEAR * spread:
            return swapped, kind
        kind = "decimal"
    if kind == "zero":
        if abs(value) >= NEAR * spread:
            return 0.0, kind
        kind = "offset"
    if kind == "decimal":
        moved = value * (10 if generator.random() < 0.5 else 0.1)
        if abs(moved - value) >= NEAR * spread:
            return moved, kind
        kind = "offset"
    if kind == "swap":
        other = float(values[generator.integers(len(values)), column])
        return (other, kind) if abs(other - value) >= NEAR * spread else None
    return value + (3 if generator.random() < 0.5 else -3) * spread, kind


def leading_digits_transposed(value: float) -> float | None:
    """The number with its two leading digits exchanged; None if they are equal.

    >>> leading_digits_transposed(-0.0123), leading_digits_transposed(2.0)
    (-0.0213, 0.2)
    """
    mantissa, exponent = f"{abs(value):.6e}".split("e")
    first, second, rest = mantissa[0], mantissa[2], mantissa[3:]
    if first == second:
        return None
    return float(f"{'-' if value < 0 else ''}{second}.{first}{rest}e{exponent}")


def rounded(
    values: np.ndarray, generator: np.random.Generator, rate: float = RATE
) -> tuple[np.ndarray, np.ndarray]:
    """TabLint's kinds, rounded to the decimals of the column: digits do not give them away."""
    wrong, kinds = tablint(values, generator, rate)
    for column in range(values.shape[1]):
        right = values[:, column]
        decimals = next((d for d in range(12) if (np.round(right, d) == right).all()), 12)
        wrong[:, column] = np.round(wrong[:, column], decimals)
    return wrong, np.where(wrong == values, "", kinds)


def another_row(
    values: np.ndarray, generator: np.random.Generator, rate: float = RATE
) -> tuple[np.ndarray, np.ndarray]:
    """The value of another random row."""
    other = values[generator.permutation(len(values))]
    other = np.stack([generator.permutation(column) for column in other.T], axis=1)
    return _where_far(values, other, "another row", generator, rate)


def tens(
    values: np.ndarray, generator: np.random.Generator, rate: float = RATE
) -> tuple[np.ndarray, np.ndarray]:
    """The nearest multiple of the power of ten next above the standard deviation."""
    unit = 10.0 ** np.ceil(np.log10(values.std(0) + 1e-9))
    return _where_far(values, np.round(values / unit) * unit, "tens", generator, rate)


def drift(
    values: np.ndarray, generator: np.random.Generator, rate: float = RATE
) -> tuple[np.ndarray, np.ndarray]:
    """A smooth bump over twenty rows of a column, until a share of the cells is wrong."""
    wrong, kinds = values.copy(), np.full(values.shape, "", dtype=object)
    spread = values.std(0) + 1e-9
    bump = DRIFT_HEIGHT * np.sin(np.pi * (np.arange(DRIFT_ROWS) + 1) / (DRIFT_ROWS + 1))
    while (kinds != "").sum() < rate * values.size:
        column = int(generator.integers(values.shape[1]))
        rows = int(generator.integers(len(values) - DRIFT_ROWS)) + np.arange(DRIFT_ROWS)
        if (kinds[rows, column] == "").all():
            wrong[rows, column] += bump * spread[column]
            kinds[rows[bump >= NEAR], column] = "drift"
    return wrong, kinds


def _where_far(
    values: np.ndarray, other: np.ndarray, kind: str, generator: np.random.Generator, rate: float
) -> tuple[np.ndarray, np.ndarray]:
    """Replaces a share of the cells, of those that this changes by half a standard deviation."""
    far = np.flatnonzero(np.abs(other - values) >= NEAR * (values.std(0) + 1e-9))
    chosen = generator.choice(far, min(int(rate * values.size), len(far)), replace=False)
    wrong, kinds = values.copy(), np.full(values.shape, "", dtype=object)
    wrong.flat[chosen], kinds.flat[chosen] = other.flat[chosen], kind
    return wrong, kinds


def other_levels(
    frame: pl.DataFrame, columns: list[str], generator: np.random.Generator
) -> tuple[pl.DataFrame, np.ndarray]:
    """3 % of the cells of some columns with another label, drawn as often as the column has it.

    The second result marks them, bool (N, columns).
    """
    cells = {name: frame[name].to_list() for name in columns}
    right = {name: list(values) for name, values in cells.items()}
    known = np.stack([frame[name].is_not_null().to_numpy() for name in columns], axis=1)
    chosen = generator.choice(
        np.flatnonzero(known), int(RATE * len(frame) * len(columns)), replace=False
    )
    wrong = np.zeros(known.shape, dtype=bool)
    for cell in chosen.tolist():
        row, column = divmod(cell, len(columns))
        name = columns[column]
        others = [each for each in right[name] if each is not None and each != right[name][row]]
        cells[name][row] = others[generator.integers(len(others))]
        wrong[row, column] = True
    return frame.with_columns(pl.Series(n, cells[n], frame[n].dtype) for n in columns), wrong


PROTOCOLS: dict[str, Plant] = {
    "tablint": tablint,
    "rounded": rounded,
    "another row": another_row,
    "drift": drift,
    "tens": tens,
}
