"""Cells that their column cannot hold: their distance from the values that it can."""

from __future__ import annotations

import numpy as np

from chainrule.table.codes import Codes, cells_of_column, column_positions
from chainrule.table.schema import Schema
from chainrule.table.table import Table

LEAST_DISTANCE = 1e-300  # above zero, the distance of all other cells


def outside_distance(table: Table, schema: Schema, codes: Codes) -> np.ndarray:
    """Distance of each cell (N, D) of an encoded table from the values of its column; 0 within it.

    Distances from bits are plain differences, those from numbers are in standard deviations. They
    are infinite if the cell is no finite number. They rank such cells, and are no likelihoods.
    """
    found, at = np.zeros(codes.values.shape), column_positions(table, schema)
    for k, column in enumerate(schema.columns):
        rows = np.flatnonzero(codes.outside[:, k])
        if len(rows):
            cells = cells_of_column(table, at[column.name], column, schema, strict=False)[rows]
            found[rows, k] = np.maximum(column.distance(cells), LEAST_DISTANCE)
    return found
