"""Tables without some of their cells, or with numbers where they have text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from chainrule.table.table import Table
from chainrule.table.values.cells import as_numbers, is_number, is_observed


def blanked(table: Table, cells: Mapping[int, np.ndarray]) -> Table:
    """The table with some cells missing.

    Args:
        table: the table.
        cells: the cells (N,) to leave out, bool, by the position of their column.
    """
    columns, text = list(table.columns), table.text
    for position, mask in cells.items():
        if not mask.any():
            continue
        columns[position] = _without(columns[position], mask)
        if text is not None:
            import polars as pl

            series = text.to_series(position)
            kept = pl.Series("", ~mask)
            nothing = pl.Series("", [None], dtype=series.dtype)
            text = text.with_columns(series.zip_with(kept, nothing).alias(series.name))
    return replace(table, columns=tuple(columns), text=text, frame=None)


def read_as_numbers(table: Table, positions: Iterable[int]) -> Table:
    """The table with columns of text that hold nothing but numbers read as numbers."""
    columns = list(table.columns)
    for position in positions:
        known = is_observed(columns[position])
        if all(map(is_number, columns[position][known].tolist())):
            columns[position] = as_numbers("", columns[position], str)
    return replace(table, columns=tuple(columns))


def _without(values: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Cells (N,) of which some are missing, as their type allows."""
    if values.dtype.kind in "fmM":
        found = values.copy()
        found[mask] = np.nan if values.dtype.kind == "f" else np.array("NaT", values.dtype)
        return found
    if values.dtype.kind in "iu" and np.abs(values).max(initial=0) < 2**53:
        return np.where(mask, np.nan, values.astype(np.float64))
    found = values.astype(object)
    found[mask] = None
    return found
