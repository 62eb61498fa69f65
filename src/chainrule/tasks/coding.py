"""Between a table and what networks read: codes, and tables made of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from chainrule.errors import SchemaError, ShapeError
from chainrule.missing import missing
from chainrule.model import Model
from chainrule.table import AbstractColumn, decode, encode, read_table, to_container


def codes(model: Model, table: Any) -> np.ndarray:
    """What the model's network reads of a table, (N, D) float64: a column for each of the schema's, NaN where nothing is read.

    A bit is 0 for the more frequent value of its column, which may be 1; a label is its place in the ``levels``, one more
    where it is not listed; a number is counted in steps of its grid, or standardised. Columns that say where cells are missing
    are among them. NaN stands where a cell is unknown, or holds what its column cannot.

    Networks do not read NaN: pass ``torch.from_numpy(codes)`` and, where there are holes, ``observed=~torch.isnan(codes)``.

    Raises:
        SchemaError: columns that the model does not have.
    """
    found = encode(read_table(table, reading=model.schema.reading), model.schema)
    return np.where(found.observed, found.values, np.nan)


def table(model: Model, codes: Any) -> Any:
    """The rows that codes (N, D) stand for, as the kind of table the model was fitted to; the inverse of ``codes``.

    Numbers come back up to rounding, and unknown cells as missing: NaN, labels that are not listed, cells that their flag
    calls missing.

    Args:
        model: the fitted model.
        codes: an array or a tensor, as ``codes`` and the network's ``sample`` return them.

    Raises:
        ShapeError: another number of columns.
        SchemaError: a code that its column does not have, named by column and row.
    """
    given = codes.detach().cpu().numpy() if isinstance(codes, torch.Tensor) else np.asarray(codes)
    schema = model.schema
    if given.ndim != 2 or given.shape[1] != len(schema.columns) or given.dtype.kind not in "biuf":
        raise ShapeError(f"codes are {given.dtype} of shape {given.shape}; pass numbers (N, {len(schema.columns)})")
    values, known = np.zeros(given.shape), ~np.isnan(given.astype(np.float64))
    for k, column in enumerate(schema.columns):
        values[known[:, k], k] = _checked(column, given[known[:, k], k], np.flatnonzero(known[:, k]))
    cells = decode(values, schema, hide=False)
    hidden = ~known | missing(schema, values, known)
    for column in schema.own:
        if (own := hidden[:, schema.number(column.name)]).any():
            cells[column.name] = np.ma.masked_array(cells[column.name], own)
    return to_container(cells, schema)


def _checked(column: AbstractColumn, codes: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Codes (n,) of a column in float64, atoms as they are in that precision."""
    found = codes.astype(np.float64)
    wrong, rule = column.wrong_codes(found)
    if wrong.any():
        k = int(np.flatnonzero(wrong)[0])
        raise SchemaError(
            f"column {column.name!r}: code {found[k]:g} at row {rows[k]} {rule}; density.codes makes codes of a table"
        )
    for atom in column.atom_codes():
        found[codes == np.asarray(atom, dtype=codes.dtype if codes.dtype.kind == "f" else np.float64)] = atom
    return found
