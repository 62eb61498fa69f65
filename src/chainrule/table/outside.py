"""Cells that hold what their column cannot: how far they lie from what it can."""

from __future__ import annotations

import numpy as np

from chainrule.table.cells import numbers_if_any
from chainrule.table.codes import Codes, cells_of_column, places
from chainrule.table.read import Table
from chainrule.table.schema import Column, Schema

LEAST_DISTANCE = 1e-300  # above zero, which is that of all other cells


def outside_distance(table: Table, schema: Schema, codes: Codes) -> np.ndarray:
    """How far each cell (N, D) of a table that was encoded lies outside its column: 0 where it does not.

    Of bits in units of one, of numbers in standard deviations, infinite where the cell is no finite number. It puts such cells in
    an order, and is no likelihood.
    """
    found, at = np.zeros(codes.values.shape), places(table, schema)
    for k, column in enumerate(schema.columns):
        rows = np.flatnonzero(codes.outside[:, k])
        if len(rows):
            cells = cells_of_column(table, at[column.name], column, schema, strict=False)[rows]
            found[rows, k] = np.maximum(_distance(column, cells), LEAST_DISTANCE)
    return found


def _distance(column: Column, cells: np.ndarray) -> np.ndarray:
    """As ``outside_distance``, of cells (n,) of one column."""
    if column.kind == "datetime":  # what is no date lies nowhere
        return np.full(len(cells), np.inf)
    numbers = numbers_if_any(cells)
    if column.kind == "binary":
        nearest, unit = np.clip(np.round(numbers), 0, 1), 1.0
    elif column.kind == "integer":
        least, most = (
            end if bound is None else bound for end, bound in ((-np.inf, column.least), (np.inf, column.most))
        )
        nearest, unit = np.clip(np.round(numbers), least, most), column.spread * (column.step or 1.0)
    else:
        step = column.step or 1.0
        nearest, unit = float(column.origin + column.center * step), column.spread * step
    with np.errstate(invalid="ignore", over="ignore"):
        return np.nan_to_num(np.abs(numbers - nearest) / unit, nan=np.inf, posinf=np.inf)
