"""Which cells of a table are odd, and what was expected there."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch

from chainrule.errors import whole_number
from chainrule.model import Model
from chainrule.table import Codes, Table, encode, log_scales, objects_of, places, read_parts, read_table
from chainrule.table.frames import build, like
from chainrule.tasks.batches import batches
from chainrule.tasks.conditional import expected_words
from chainrule.tasks.score import chain_terms

LN2 = math.log(2)
BATCH_ROWS = 256  # quadrature takes hundreds of values a row


def explain(model: Model, table: Any, *, relative: bool = True, chain: bool = False) -> Any:
    """The surprise of each cell in bits, as a frame of the table's shape, index and column names; NaN where unknown.

    −log2 p(cell | all other known cells of its row). Relative, its expectation under the same conditional is taken away, both
    of the standardised codes, so that columns of 2 and of 500 levels compare and units do not matter: 0 is as surprising as
    usual, 10 is odd. Not relative, it is in the table's units.

    Args:
        model: the fitted model.
        table: rows of the columns that were fitted.
        relative: take the expected surprise away.
        chain: instead, the terms −log2 p(cell | cells before it in the order), in the table's units: each row's sum is
            −log2 p(row).

    Raises:
        EvidenceError: a network of one order, but for the chain or columns of few values.
    """
    table = read_table(table)
    return like(table.frame, explain_columns(model, table, relative=relative, chain=chain), table.container)


def explain_columns(model: Model, table: Table, *, relative: bool = True, chain: bool = False) -> dict[str, np.ndarray]:
    """As ``explain``, as columns by name, (N,) bits each."""
    codes = encode(table, model.schema, warn=not table.first_row)
    bits = surprise(model, codes, relative=relative, chain=chain)
    columns = {name: np.full(len(codes), np.nan) for name in table.names}
    at = places(table, model.schema)
    for column in model.schema.own:
        if column.name in at:
            columns[table.names[at[column.name]]] = bits[:, model.schema.number(column.name)]
    return columns


def surprise(model: Model, codes: Codes, *, relative: bool = True, chain: bool = False) -> np.ndarray:
    """The surprise of each cell, (N, D) bits, NaN where unknown; see ``explain``."""
    if chain:
        bits = -chain_terms(model, codes) / LN2
        return np.where(codes.observed, bits, np.nan)
    bits = np.full(codes.values.shape, np.nan)
    for batch in batches(model, codes, "explaining", rows=BATCH_ROWS):
        for k in range(len(model.schema.columns)):
            asked = batch.observed[:, k]
            if not bool(asked.any()):
                continue
            x, observed = batch.x[asked], batch.observed[asked]
            distribution = batch.network.conditional(x, k, observed)
            found = -distribution.log_prob(x[:, k])
            if relative:
                values, weights = distribution.quadrature()
                logs = distribution.at(values)
                found = found + torch.where(weights > 0, weights * logs, 0).sum(1)
            part = bits[batch.rows, k]
            part[asked.cpu().numpy()] = found.cpu().numpy() / LN2
            bits[batch.rows, k] = part
    return bits if relative else bits - log_scales(model.schema, codes.values) / LN2


def oddest(model: Model, table: Any, *, top: int = 20) -> Any:
    """The cells of highest relative surprise, oddest first, as a frame of ``top`` rows: row, column, found, bits, expected.

    ``row`` counts from 0. ``expected`` says what p(cell | other cells of the row) holds likely: the likeliest levels, or the
    middle 90 % of numbers. A CSV or Parquet file is read in parts, of which one is in memory.
    """
    return oddest_of(model, read_parts(table), top=top)


def oddest_of(model: Model, parts: Iterable[Table], *, top: int = 20) -> Any:
    """As ``oddest``, of the parts of a table."""
    top = whole_number(top, "top", least=0, what="how many cells to show")
    found, container = [], "polars"
    for part in parts:
        container = "pandas" if part.container == "pandas" else "polars"
        found.append(_oddest_columns(model, part, top))
    columns = {name: np.concatenate([each[name] for each in found]) for name in found[0]}
    order = np.argsort(-columns["bits"], kind="stable")[:top]
    return build({name: cells[order] for name, cells in columns.items()}, {}, container)


def _oddest_columns(model: Model, table: Table, top: int) -> dict[str, np.ndarray]:
    codes = encode(table, model.schema, warn=not table.first_row)
    bits = surprise(model, codes)
    flags = [k for k, column in enumerate(model.schema.columns) if column.flag_of is not None]
    bits[:, flags] = np.nan
    order = np.argsort(-bits, axis=None, kind="stable")[: min(top, int((~np.isnan(bits)).sum()))]
    rows, columns = np.unravel_index(order, bits.shape)
    expected = [""] * len(rows)
    for k in sorted(set(columns.tolist())):
        of_column = np.flatnonzero(columns == k)
        part = Codes(codes.values[rows[of_column]], codes.observed[rows[of_column]])
        for place, words in zip(of_column, expected_words(model, part, k), strict=True):
            expected[place] = words
    names = model.schema.names
    found = [_cell(table, model, names[k], row) for row, k in zip(rows.tolist(), columns.tolist(), strict=True)]
    return {
        "row": rows + table.first_row,
        "column": objects_of([names[k] for k in columns.tolist()]),
        "found": objects_of(found),
        "bits": bits[rows, columns],
        "expected": objects_of(expected),
    }


def _cell(table: Table, model: Model, name: str, row: int) -> str:
    value = table.columns[places(table, model.schema)[name]][row]
    return f"{value:.10g}" if isinstance(value, float | np.floating) else str(value)
