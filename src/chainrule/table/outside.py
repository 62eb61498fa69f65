"""Cells that their column cannot hold: their distance from the values that it can."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from chainrule.errors import printable
from chainrule.table.codes import Codes, cells_of_column, column_positions, encode_columns
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


def on_nearest_steps(table: Table, schema: Schema, codes: Codes) -> Codes:
    """Codes of a table in which cells off their column's grid have the nearest code.

    Ties are judged by it: a sum is no less broken if its digits are wrong, too.
    """
    values, observed = codes.values.copy(), codes.observed.copy()
    at = column_positions(table, schema)
    for k, column in enumerate(schema.columns):
        rows = np.flatnonzero(codes.outside[:, k])
        if len(rows):
            cells = cells_of_column(table, at[column.name], column, schema, strict=False)[rows]
            near = column.nearest_codes(cells, table.where)
            is_near = np.isfinite(near)
            values[rows[is_near], k] = near[is_near]
            observed[rows[is_near], k] = True
    return Codes(values, observed, codes.outside & ~observed)


def beyond_bounds(table: Table, schema: Schema) -> dict[int, np.ndarray]:
    """The rows whose numbers or dates lie beyond their column's bounds, by the column's number.

    Raises:
        SchemaError: a cell that its column cannot hold for another reason.
    """
    found, at = {}, column_positions(table, schema)
    for k, codes in encode_columns(table, schema, strict=False):
        rows, column = np.flatnonzero(np.isinf(codes)), schema.columns[k]
        if len(rows):
            cells = cells_of_column(table, at[column.name], column, schema, strict=False)
            if not column.is_beyond_bounds(cells[rows]).all():
                column.encode(cells, table.where)  # says what is wrong
            found[k] = rows
    return found


def with_broken_bounds(schema: Schema, table: Table, beyond: Mapping[int, np.ndarray]) -> Schema:
    """The schema whose columns leave the share of these rows to cells beyond their bounds."""
    columns = list(schema.columns)
    for k, rows in beyond.items():
        column = columns[k] = replace(columns[k], broken=len(rows) / (len(table) + 1))
        warnings.warn(
            printable(
                f"{table.source}: column {column.name!r}: {len(rows)} cell(s) are not among the "
                f"{column.domain_as_text} of the training rows, first at "
                f"{table.where(int(rows[0]))}; they share the probability {column.broken:.2g}. "
                "Declare wider bounds ('least', 'most') if such values are to be expected"
            ),
            stacklevel=5,
        )
    return replace(schema, columns=tuple(columns))
