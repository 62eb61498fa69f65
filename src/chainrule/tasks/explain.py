"""Which cells of a table are odd, and what was expected there."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch

from chainrule.conditionals import Distribution, MixtureDistribution
from chainrule.errors import ShapeError, whole_number
from chainrule.model import Model
from chainrule.table import (
    Codes,
    Table,
    encode,
    log_scales,
    notation_in,
    objects_of,
    places,
    read_parts,
    read_table,
)
from chainrule.table.frames import build, like
from chainrule.tasks.batches import batches
from chainrule.tasks.conditional import expected_words
from chainrule.tasks.score import chain_terms

LN2 = math.log(2)
SAME = 1e-9  # nats within which values are as likely
LEAST_TAIL = 2.0**-1000  # about where float64 ends
BATCH_ROWS = 256  # quadrature takes hundreds of values a row


def explain(model: Model, table: Any, *, relative: bool = True, chain: bool = False, tail: bool = False) -> Any:
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
        tail: instead, −log2 of the probability of a value that is no likelier than the cell's, given the rest of its row: a cell
            of 10 bits is one that a thousandth of such rows would have, in any column. It is what ``oddest`` goes by.

    Raises:
        EvidenceError: a network of one order, but for the chain or columns of few values.
        ShapeError: both the chain and the tail.
    """
    table = read_table(table, reading=model.schema.reading)
    columns = explain_columns(model, table, relative=relative, chain=chain, tail=tail)
    return like(table.frame, columns, table.container)


def explain_columns(
    model: Model, table: Table, *, relative: bool = True, chain: bool = False, tail: bool = False
) -> dict[str, np.ndarray]:
    """As ``explain``, as columns by name, (N,) bits each."""
    if chain and tail:
        raise ShapeError("chain and tail: pass one of them")
    codes = encode(table, model.schema, warn=not table.first_row)
    bits = tail_bits(model, codes)[0] if tail else surprise(model, codes, relative=relative, chain=chain)
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
    for rows, k, distribution, x in _cells(model, codes):
        found = -distribution.log_prob(x)
        if relative:
            values, weights = distribution.quadrature()
            found = found + torch.where(weights > 0, weights * distribution.at(values), 0).sum(1)
        bits[rows, k] = found.cpu().numpy() / LN2
    return bits if relative else bits - log_scales(model.schema, codes.values) / LN2


def tail_bits(model: Model, codes: Codes) -> tuple[np.ndarray, np.ndarray]:
    """−log2 of the probability of a value no likelier than each cell's, and its relative surprise, (N, D) bits each.

    Of numbers the first is a sum over the conditional's quadrature, whose values are some hundreds, and at least what the
    mixture's parts have farther out than the cell; NaN where unknown.
    """
    tail, relative = np.full(codes.values.shape, np.nan), np.full(codes.values.shape, np.nan)
    for rows, k, distribution, x in _cells(model, codes):
        logs, (values, weights) = distribution.log_prob(x), distribution.quadrature()
        each = distribution.at(values)
        p = torch.maximum((weights * (each <= logs[:, None] + SAME)).sum(1), distribution.farther(x))
        expected = torch.where(weights > 0, weights * each, 0).sum(1)
        tail[rows, k] = -p.clamp(LEAST_TAIL, 1).log2().cpu().numpy()
        relative[rows, k] = (expected - logs).cpu().numpy() / LN2
    return tail, relative


def _cells(
    model: Model, codes: Codes
) -> Iterator[tuple[np.ndarray, int, Distribution | MixtureDistribution, torch.Tensor]]:
    """Of each column and batch of rows those (n,) whose cell is known, what the rest of them says of it, and its codes."""
    for batch in batches(model, codes, "explaining", rows=BATCH_ROWS):
        numbers = np.arange(len(codes))[batch.rows]
        for k in range(len(model.schema.columns)):
            asked = batch.observed[:, k]
            if bool(asked.any()):
                x = batch.x[asked]
                yield numbers[asked.cpu().numpy()], k, batch.network.conditional(x, k, batch.observed[asked]), x[:, k]


def oddest(model: Model, table: Any, *, top: int = 20) -> Any:
    """The oddest cells, oddest first, as a frame of ``top`` rows: row, column, found, bits, expected.

    Odd is a cell whose value, or one that is no likelier, hardly any row has whose other cells are the same. ``bits`` is −log2
    of that probability: 10 is one row in a thousand, and where all is as the model has it, a table of n cells has about n / 1000
    of 10 bits or more. ``row`` counts from 0. ``expected`` says what p(cell | other cells of the row) holds likely: the likeliest
    levels, or the middle 90 % of numbers. A CSV or Parquet file is read in parts, of which one is in memory.
    """
    return oddest_of(model, read_parts(table, reading=model.schema.reading), top=top)


def oddest_of(model: Model, parts: Iterable[Table], *, top: int = 20) -> Any:
    """As ``oddest``, of the parts of a table."""
    top = whole_number(top, "top", least=0, what="how many cells to show")
    found, container = [], "polars"
    for part in parts:
        container = "pandas" if part.container == "pandas" else "polars"
        found.append(_oddest_columns(model, part, top))
    columns = {name: np.concatenate([each[name] for each in found]) for name in found[0]}
    order = np.lexsort((-columns.pop("relative"), -columns["bits"]))[:top]
    return build({name: cells[order] for name, cells in columns.items()}, {}, container)


def _oddest_columns(model: Model, table: Table, top: int) -> dict[str, np.ndarray]:
    codes = encode(table, model.schema, warn=not table.first_row)
    bits, relative = tail_bits(model, codes)
    flags = [k for k, column in enumerate(model.schema.columns) if column.flag_of is not None]
    bits[:, flags] = np.nan
    order = np.lexsort((-relative.ravel(), -bits.ravel()))[: min(top, int((~np.isnan(bits)).sum()))]
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
        "relative": relative[rows, columns],  # decides between cells so odd that float64 has no smaller tail
        "expected": objects_of(expected),
    }


def _cell(table: Table, model: Model, name: str, row: int) -> str:
    place = places(table, model.schema)[name]
    if (
        table.text is not None
        and notation_in(table, model.schema.columns[model.schema.number(name)], model.schema) is not None
    ):
        return str(table.text.to_series(place)[row])
    value = table.columns[place][row]
    return f"{value:.10g}" if isinstance(value, float | np.floating) else str(value)
