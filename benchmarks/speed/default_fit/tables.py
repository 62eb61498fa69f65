"""The tables of the parts: real ones by name, and mixed ones of any number of columns."""

from __future__ import annotations

import numpy as np
import polars as pl

from benchmarks.tables.data import KINDS, some_rows

OTHER_ROWS = 2_000  # held-out rows, at most
TRAIN_SHARE = 0.75  # of a table with fewer rows than are asked for


def kinds_of(name: str) -> dict[str, str]:
    """The kinds that a user of a table would give."""
    return KINDS.get(name, {})


def split(name: str, rows: int, seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """So many rows to fit, and others; of a small table, three quarters and the rest."""
    frame = some_rows(name, rows + OTHER_ROWS, seed)
    is_small = len(frame) < rows + OTHER_ROWS
    train = min(rows, round(TRAIN_SHARE * len(frame))) if is_small else rows
    return frame[:train], frame[train : train + OTHER_ROWS]


def mixed(rows: int, columns: int, *, seed: int = 0) -> pl.DataFrame:
    """Columns that depend on each other: by turns numbers, labels, whole numbers, flags, amounts.

    An amount is zero in half of the rows.
    """
    rng = np.random.default_rng(seed)
    common, found = rng.normal(size=rows), {}
    for k in range(columns):
        x = 0.7 * common + rng.normal(size=rows)
        forms = (
            x,
            np.array([f"level {v}" for v in range(8)])[np.clip(2 * x + 4, 0, 7).astype(int)],
            np.round(10 * np.exp(0.5 * x)).astype(int),
            x > 0.5,
            np.where(x > 0, np.round(100 * np.exp(x), 2), 0.0),
        )
        found[f"c{k}"] = forms[k % len(forms)]
    return pl.DataFrame(found)


def with_holes(frame: pl.DataFrame, share: float, *, seed: int = 0) -> pl.DataFrame:
    """The frame without this share of its cells."""
    missing = np.random.default_rng(seed).random(frame.shape) < share
    columns = [
        column.set(pl.Series(missing[:, k]), None) for k, column in enumerate(frame.get_columns())
    ]
    return pl.DataFrame(columns)
