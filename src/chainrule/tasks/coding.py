"""Conversion between a table and the codes that networks read."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from chainrule.errors import SchemaError, ShapeError
from chainrule.missing import missing
from chainrule.model import Model
from chainrule.table import AbstractColumn, decode, encode, read_table, to_container


def codes(model: Model, table: Any) -> np.ndarray:
    """Returns the codes of a table, (N, D) float64: a column for each of the schema's, NaN where
    there is no code.

    The code of a bit is 0 for the more frequent value of its column, which may be 1. The code of a
    label is its index in ``levels``; unlisted labels share the next index. Numbers are counted in
    steps of their grid, or standardised. Columns that flag missing cells are included. NaN stands
    for an unknown cell, and for a value that the column cannot hold.

    Networks do not read NaN. Pass ``torch.from_numpy(codes)``, and with missing cells also
    ``observed=~torch.isnan(codes)``.

    Raises:
        SchemaError: columns that the model does not have.
    """
    encoded = encode(read_table(table, reading=model.schema.reading), model.schema)
    return np.where(encoded.observed, encoded.values, np.nan)


def table(model: Model, codes: Any) -> Any:
    """Returns the rows of codes (N, D), as the kind of table the model was fitted to.

    This is the inverse of ``codes``.

    Numbers are equal up to rounding. NaN, unlisted labels and cells flagged as missing become
    missing cells.

    Args:
        model: the fitted model.
        codes: an array or a tensor, as ``codes`` and the network's ``sample`` return them.

    Raises:
        ShapeError: a wrong number of columns.
        SchemaError: a code that its column does not have, named by column and row.
    """
    given = codes.detach().cpu().numpy() if isinstance(codes, torch.Tensor) else np.asarray(codes)
    schema = model.schema
    if given.ndim != 2 or given.shape[1] != len(schema.columns) or given.dtype.kind not in "biuf":
        raise ShapeError(
            f"codes are {given.dtype} of shape {given.shape}; pass numbers (N, "
            f"{len(schema.columns)})"
        )
    values, observed = np.zeros(given.shape), ~np.isnan(given.astype(np.float64))
    for k, column in enumerate(schema.columns):
        values[observed[:, k], k] = _checked(
            column, given[observed[:, k], k], np.flatnonzero(observed[:, k])
        )
    cells = decode(values, schema, hide=False)
    missing_cells = ~observed | missing(schema, values, observed)
    for column in schema.columns_without_flags:
        if (is_hidden := missing_cells[:, schema.number(column.name)]).any():
            cells[column.name] = np.ma.masked_array(cells[column.name], is_hidden)
    return to_container(cells, schema)


def _checked(column: AbstractColumn, codes: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Returns a column's codes (n,) in float64; atoms get their exact codes."""
    found = codes.astype(np.float64)
    wrong, rule = column.wrong_codes(found)
    if wrong.any():
        k = int(np.flatnonzero(wrong)[0])
        raise SchemaError(
            f"column {column.name!r}: code {found[k]:g} at row {rows[k]} {rule}; density.codes "
            "makes codes of a table"
        )
    for atom in column.atom_codes():
        found[
            codes == np.asarray(atom, dtype=codes.dtype if codes.dtype.kind == "f" else np.float64)
        ] = atom
    return found
