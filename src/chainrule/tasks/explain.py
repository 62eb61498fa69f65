"""Which cells of a table are odd, and what was expected there."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch

from chainrule.conditionals import Distribution
from chainrule.errors import ShapeError, whole_number
from chainrule.model import Model
from chainrule.table import (
    Codes,
    Table,
    encode_parts,
    log_outside,
    log_scales,
    notation_in,
    objects_of,
    outside_distance,
    places,
    read_parts,
    read_table,
)
from chainrule.table.frames import alike, build
from chainrule.tasks.batches import batches
from chainrule.tasks.conditional import expected_words
from chainrule.tasks.outside import conditional_given
from chainrule.tasks.score import chain_terms

LN2 = math.log(2)
SAME = 1e-9  # nats within which values are as likely
LEAST_TAIL = 2.0**-1000  # about where float64 ends
BATCH_ROWS = 256  # quadrature takes hundreds of values a row


def explain(
    model: Model,
    table: Any,
    *,
    relative: bool = True,
    chain: bool = False,
    tail: bool = False,
    strict: bool = False,
) -> Any:
    """The surprise of each cell in bits, as a frame of the table's shape, index and column names; NaN where unknown.

    −log2 p(cell | all other known cells of its row). Relative, its expectation under the same conditional is taken away, both
    of the standardised codes, so that columns of 2 and of 500 levels compare and units do not matter: 0 is as surprising as
    usual, 10 is odd. Not relative, it is in the table's units. A cell that holds what its column cannot has the bits of ε, the
    probability of all such cells (see ``score``), and of tails 1000, the most there are.

    Args:
        model: the fitted model.
        table: rows of the columns that were fitted.
        relative: take the expected surprise away.
        chain: instead, the terms −log2 p(cell | cells before it in the order), in the table's units: each row's sum is
            −log2 p(row).
        tail: instead, −log2 of the probability of a value that is no likelier than the cell's, given the rest of its row: a cell
            of 10 bits is one that a thousandth of such rows would have, in any column. It is what ``oddest`` goes by.
        strict: refuse cells that hold what their column cannot; nothing is left for them.

    Raises:
        SchemaError: where ``strict``, such a cell.
        EvidenceError: a network of one order, but for the chain or columns of few values.
        ShapeError: both the chain and the tail.
    """
    table = read_table(table, reading=model.schema.reading)
    (columns,) = explain_each(model, [table], relative=relative, chain=chain, tail=tail, strict=strict)
    return alike(table.frame, columns, table.container)


def explain_each(
    model: Model,
    parts: Iterable[Table],
    *,
    relative: bool = True,
    chain: bool = False,
    tail: bool = False,
    strict: bool = False,
) -> Iterator[dict[str, np.ndarray]]:
    """As ``explain``, of each part of a table in turn, as columns by name, (n,) bits each."""
    if chain and tail:
        raise ShapeError("chain and tail: pass one of them")
    for table, codes in encode_parts(parts, model.schema, strict=strict, ranges=False):  # bits say how odd a number is
        bits = (
            tail_bits(model, codes)[0]
            if tail
            else surprise(model, codes, relative=relative, chain=chain, strict=strict)
        )
        columns = {name: np.full(len(codes), np.nan) for name in table.names}
        at = places(table, model.schema)
        for column in model.schema.own:
            if column.name in at:
                columns[table.names[at[column.name]]] = bits[:, model.schema.number(column.name)]
        yield columns


def surprise(
    model: Model, codes: Codes, *, relative: bool = True, chain: bool = False, strict: bool = False
) -> np.ndarray:
    """The surprise of each cell, (N, D) bits, NaN where unknown; see ``explain``."""
    if chain:
        bits = -chain_terms(model, codes, strict=strict) / LN2
        return np.where(codes.known, bits, np.nan)
    bits = np.full(codes.values.shape, np.nan)
    for rows, k, distribution, x in _cells(model, codes):
        found = -distribution.log_prob(x)
        if relative:
            share = 0.0 if strict else model.schema.columns[k].outside_share
            own = torch.from_numpy(codes.outside[rows, k]).to(found.device)
            found = torch.where(own, -math.log(share) if share else math.inf, found - math.log1p(-share))
            found = found - _expected(distribution, share)
        bits[rows, k] = found.cpu().numpy() / LN2
    if relative:
        return bits
    inside = bits - log_scales(model.schema, codes.values, strict=strict) / LN2
    return np.where(codes.outside, -log_outside(model.schema) / LN2, inside)


def _expected(distribution: Distribution, share: float) -> torch.Tensor:
    """The expected surprise (N,) of a cell, nats, of which ``share`` have a value that the column cannot hold."""
    values, weights = distribution.quadrature()
    inside = -torch.where(weights > 0, weights * distribution.log_prob_grid(values), 0).sum(1)
    if not share:
        return inside
    return (1 - share) * (inside - math.log1p(-share)) - share * math.log(share)


def tail_bits(model: Model, codes: Codes) -> tuple[np.ndarray, np.ndarray]:
    """−log2 of the probability of a value no likelier than each cell's, and its relative surprise, (N, D) bits each.

    Of numbers the first is a sum over the conditional's quadrature, whose values are some hundreds, and at least what the
    mixture's parts have farther out than the cell; NaN where unknown. Of cells that hold what their column cannot it is the most
    that there is.
    """
    tail, relative = np.full(codes.values.shape, np.nan), np.full(codes.values.shape, np.nan)
    for rows, k, distribution, x in _cells(model, codes):
        logs, (values, weights) = distribution.log_prob(x), distribution.quadrature()
        each = distribution.log_prob_grid(values)
        p = torch.maximum((weights * (each <= logs[:, None] + SAME)).sum(1), distribution.tail_bound(x))
        expected = torch.where(weights > 0, weights * each, 0).sum(1)
        tail[rows, k] = -p.clamp(LEAST_TAIL, 1).log2().cpu().numpy()
        relative[rows, k] = (expected - logs).cpu().numpy() / LN2
    tail[codes.outside], relative[codes.outside] = -math.log2(LEAST_TAIL), 0.0
    return tail, relative


def _cells(model: Model, codes: Codes) -> Iterator[tuple[np.ndarray, int, Distribution, torch.Tensor]]:
    """Of each column and batch of rows those (n,) whose cell is known, what the rest of them says of it, and its codes: where
    the cell holds what its column cannot, some code."""
    for batch in batches(model, codes, "explaining", rows=BATCH_ROWS):
        numbers, x_all = np.arange(len(codes))[batch.rows], batch.network.columns.filled(batch.x, batch.observed)
        for k in range(len(model.schema.columns)):
            asked = batch.observed[:, k] | batch.outside[:, k]
            if bool(asked.any()):
                x, observed, outside = x_all[asked], batch.observed[asked], batch.outside[asked]
                yield (
                    numbers[asked.cpu().numpy()],
                    k,
                    conditional_given(batch.network, x, k, observed, outside),
                    x[:, k],
                )


def oddest(model: Model, table: Any, *, top: int = 20, strict: bool = False) -> Any:
    """The oddest cells, oddest first, as a frame of ``top`` rows: row, column, found, bits, expected.

    Odd is a cell whose value, or one that is no likelier, hardly any row has whose other cells are the same. ``bits`` is −log2
    of that probability: 10 is one row in a thousand, and where all is as the model has it, a table of n cells has about n / 1000
    of 10 bits or more. ``row`` counts from 0. ``expected`` says what p(cell | other cells of the row) holds likely: the likeliest
    levels, or the middle 90 % of numbers. A CSV or Parquet file is read in parts, of which one is in memory.

    A cell that holds what its column cannot, a 2 among bits or text among numbers, comes before all others, with 1000 bits, and
    of such cells those first that lie farthest from what the column can hold. That is an order, and no likelihood: ``log_prob``
    has the same probability for all of a column's. ``strict`` refuses them.
    """
    return oddest_of(model, read_parts(table, reading=model.schema.reading), top=top, strict=strict)


def oddest_of(model: Model, parts: Iterable[Table], *, top: int = 20, strict: bool = False) -> Any:
    """As ``oddest``, of the parts of a table."""
    top = whole_number(top, "top", least=0, what="how many cells to show")
    found, container = [], "polars"
    for part, codes in encode_parts(parts, model.schema, strict=strict, ranges=False):
        container = "pandas" if part.container == "pandas" else "polars"
        found.append(_oddest_columns(model, part, codes, top))
    columns = {name: np.concatenate([each[name] for each in found]) for name in found[0]}
    order = np.lexsort((-columns.pop("relative"), -columns["bits"], -columns.pop("distance")))[:top]
    return build({name: cells[order] for name, cells in columns.items()}, {}, container)


def _oddest_columns(model: Model, table: Table, codes: Codes, top: int) -> dict[str, np.ndarray]:
    bits, relative = tail_bits(model, codes)
    distance = outside_distance(table, model.schema, codes)
    flags = [k for k, column in enumerate(model.schema.columns) if column.is_flag]
    bits[:, flags] = np.nan
    odd = np.lexsort((-relative.ravel(), -bits.ravel(), -distance.ravel()))
    order = odd[: min(top, int((~np.isnan(bits)).sum()))]
    rows, columns = np.unravel_index(order, bits.shape)
    expected = [""] * len(rows)
    for k in sorted(set(columns.tolist())):
        of_column = np.flatnonzero(columns == k)
        part = codes.take(rows[of_column])
        for place, words in zip(of_column, expected_words(model, part, k), strict=True):
            expected[place] = words
    names = model.schema.names
    found = [_cell(table, model, names[k], row) for row, k in zip(rows.tolist(), columns.tolist(), strict=True)]
    called = _labels_in(table, model)
    return {
        "row": rows + table.first_row,
        "column": objects_of([called[names[k]] for k in columns.tolist()]),
        "found": objects_of(found),
        "bits": bits[rows, columns],
        "relative": relative[rows, columns],  # decides between cells so odd that float64 has no smaller tail
        "distance": distance[rows, columns],  # above zero where the column cannot hold the value
        "expected": objects_of(expected),
    }


def _labels_in(table: Table, model: Model) -> dict[str, Any]:
    """What a table itself calls the model's columns."""
    labels = table.labels_of_columns
    return {name: labels[k] if table.named else name for name, k in places(table, model.schema).items()}


def _cell(table: Table, model: Model, name: str, row: int) -> str:
    place = places(table, model.schema)[name]
    if (
        table.text is not None
        and notation_in(table, model.schema.columns[model.schema.number(name)], model.schema) is not None
    ):
        return str(table.text.to_series(place)[row])
    value = table.columns[place][row]
    return f"{value:.10g}" if isinstance(value, float | np.floating) else str(value)
