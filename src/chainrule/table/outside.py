"""Cells that hold what their column cannot: how far they lie from what it can."""

from __future__ import annotations

import numpy as np

from chainrule.table.codes import Codes, cells_of_column, places
from chainrule.table.read import Table
from chainrule.table.schema import Schema

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
            found[rows, k] = np.maximum(column.distance(cells), LEAST_DISTANCE)
    return found
