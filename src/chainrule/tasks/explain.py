"""Which cells of a table are odd, and what was expected there."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import torch

from chainrule.conditionals import Distribution
from chainrule.errors import whole_number
from chainrule.missing import is_flag
from chainrule.model import Model
from chainrule.table import (
    Sink,
    Table,
    column_positions,
    log_outside,
    log_scales,
    notation_in,
    objects_of,
    outside_distance,
)
from chainrule.table.frames import build, like_named
from chainrule.tasks.answer import Batch, Part, answer, parts
from chainrule.tasks.conditional import expected_words
from chainrule.tasks.outside import conditional_given
from chainrule.tasks.score import chain_terms

LN2 = math.log(2)
SAME = 1e-9  # nats within which values are as likely
LEAST_TAIL = 2.0**-1000  # about where float64 ends
BATCH_ROWS = 256  # quadrature takes hundreds of values a row


def explain(model: Model, table: Any, *, relative: bool = True, strict: bool = False) -> Any:
    """The surprise of each cell in bits, as a frame of the table's shape, index and column names; NaN where unknown.

    −log2 p(cell | all other known cells of its row). Relative, its expectation under the same conditional is taken away, both
    of the standardised codes, so that columns of 2 and of 500 levels compare and units do not matter: 0 is as surprising as
    usual, 10 is odd. Not relative, it is in the table's units. A cell that holds what its column cannot has the bits of ε, the
    probability of all such cells (see ``score``).

    Args:
        model: the fitted model.
        table: rows of the columns that were fitted.
        relative: take the expected surprise away.
        strict: refuse cells that hold what their column cannot; nothing is left for them.

    Raises:
        SchemaError: where ``strict``, such a cell.
        EvidenceError: a network of one order, but for columns of few values.
    """
    surprise = _relative_surprise if relative else _surprise

    def of(part: Part) -> np.ndarray:
        return part.rows.each(partial(surprise, strict=strict), "explaining", rows=BATCH_ROWS)

    return answer(model, table, lambda part: _by_name(part, of(part)), give=_alike, strict=strict, ranges=False)


def terms(model: Model, table: Any, *, strict: bool = False) -> Any:
    """The terms of the chain rule, −log2 p(cell | cells before it in the order), as a frame of the table's shape.

    They are bits in the table's units; each row's sum is −log2 p(row). An unknown cell has NaN.

    Args:
        model: the fitted model.
        table: rows of the columns that were fitted.
        strict: refuse cells that hold what their column cannot; nothing is left for them.

    Raises:
        SchemaError: where ``strict``, such a cell.
        EvidenceError: as ``score``, and for an ensemble of several orders, where a cell has no term of its own.
    """

    def of(part: Part) -> dict[str, np.ndarray]:
        bits = -chain_terms(part.rows, strict=strict) / LN2
        return _by_name(part, np.where(part.rows.codes.known, bits, np.nan))

    return answer(model, table, of, give=_alike, strict=strict, ranges=False)


def tails(model: Model, table: Any, *, strict: bool = False, to: str | os.PathLike[str] | Sink | None = None) -> Any:
    """The bits that ``oddest`` goes by, of every cell, as a frame of the table's shape; NaN where unknown.

    −log2 of the probability of a value that is no likelier than the cell's, given the rest of its row. A cell of 10 bits is
    one that a thousandth of such rows would have, in any column. A cell that holds what its column cannot has 1000 bits.

    Args:
        model: the fitted model.
        table: rows of the columns that were fitted.
        strict: refuse cells that hold what their column cannot.
        to: a path of CSV or Parquet, or another sink, to which the frame is written.

    Raises:
        SchemaError: where ``strict``, such a cell.
        EvidenceError: a network of one order, but for columns of few values.
    """

    def of(part: Part) -> dict[str, np.ndarray]:
        return _by_name(part, tail_bits(part.rows)[0])

    return answer(model, table, of, give=_alike, to=to, strict=strict, ranges=False)


def _by_name(part: Part, bits: np.ndarray) -> dict[str, np.ndarray]:
    """Bits (n, D) as columns that the table itself has, by its names; NaN where the model has no such column."""
    table, schema = part.table, part.rows.model.schema
    columns = {name: np.full(len(bits), np.nan) for name in table.names}
    at = column_positions(table, schema)
    for column in schema.own:
        if column.name in at:
            columns[table.names[at[column.name]]] = bits[:, schema.number(column.name)]
    return columns


def _alike(table: Table, columns: dict[str, np.ndarray]) -> Any:
    return like_named(table.frame, columns, table.container)


def _surprise(batch: Batch, *, strict: bool) -> np.ndarray:
    """The surprise of each cell, (n, D) bits in the table's units, NaN where unknown."""
    schema, codes, bits = batch.model.schema, batch.codes, np.full(batch.codes.values.shape, np.nan)
    for k, rows, distribution, x in _cells(batch):
        bits[rows, k] = -distribution.log_prob(x).cpu().numpy() / LN2
    inside = bits - log_scales(schema, codes.values, strict=strict) / LN2
    return np.where(codes.outside, -log_outside(schema) / LN2, inside)


def _relative_surprise(batch: Batch, *, strict: bool) -> np.ndarray:
    """The surprise of each cell less its expectation, (n, D) bits, NaN where unknown.

    A cell has two surprises: whether its column can hold it, and which value it has if so. Each is less
    its own expectation. A cell that its column cannot hold has the first alone, −log ε − H(ε).
    """
    bits = np.full(batch.codes.values.shape, np.nan)
    for k, rows, distribution, x in _cells(batch):
        share = 0.0 if strict else batch.model.schema.columns[k].outside_share
        held, beyond = -math.log1p(-share), -math.log(share) if share else math.inf
        entropy = (1 - share) * held + share * beyond if share else 0.0
        inside = held - distribution.log_prob(x) - _expected(distribution)
        found = torch.where(batch.outside[:, k][rows], beyond, inside) - entropy
        bits[rows, k] = found.cpu().numpy() / LN2
    return bits


def _expected(distribution: Distribution) -> torch.Tensor:
    """The expected surprise (N,) of a value that the column can hold, nats."""
    values, weights = distribution.quadrature()
    return -torch.where(weights > 0, weights * distribution.log_prob_grid(values), 0).sum(1)


def tail_bits(rows: Batch) -> tuple[np.ndarray, np.ndarray]:
    """−log2 of the probability of a value no likelier than each cell's, and its relative surprise, (n, D) bits each.

    Of numbers the first is a sum over the conditional's quadrature, whose values are some hundreds, and at least what the
    mixture's parts have farther out than the cell; NaN where unknown. Of cells that hold what their column cannot it is the most
    that there is.
    """
    both = rows.each(_tail_bits, "explaining", rows=BATCH_ROWS)
    return both[:, 0], both[:, 1]


def _tail_bits(batch: Batch) -> np.ndarray:
    """As ``tail_bits``, (n, 2, D)."""
    found = np.full((len(batch), 2, len(batch.model.schema.columns)), np.nan)
    for k, rows, distribution, x in _cells(batch):
        logs, (values, weights) = distribution.log_prob(x), distribution.quadrature()
        each = distribution.log_prob_grid(values)
        p = torch.maximum((weights * (each <= logs[:, None] + SAME)).sum(1), distribution.tail_bound(x))
        expected = torch.where(weights > 0, weights * each, 0).sum(1)
        found[rows, 0, k] = -p.clamp(LEAST_TAIL, 1).log2().cpu().numpy()
        found[rows, 1, k] = (expected - logs).cpu().numpy() / LN2
    found[:, 0][batch.codes.outside], found[:, 1][batch.codes.outside] = -math.log2(LEAST_TAIL), 0.0
    return found


def _cells(batch: Batch) -> Iterator[tuple[int, np.ndarray, Distribution, torch.Tensor]]:
    """Each column: which rows (n,) have a known cell there, what the rest of them says of it, and the m cells' codes.

    Where the cell holds what its column cannot, that is some code.
    """
    x_all = batch.network.columns.filled(batch.x, batch.observed)
    for k in range(len(batch.model.schema.columns)):
        asked = batch.observed[:, k] | batch.outside[:, k]
        if bool(asked.any()):
            x, observed, outside = x_all[asked], batch.observed[asked], batch.outside[asked]
            yield k, asked.cpu().numpy(), conditional_given(batch.network, x, k, observed, outside), x[:, k]


def oddest(model: Model, table: Any, *, top: int = 20, strict: bool = False) -> Any:
    """The oddest cells, oddest first, as a frame of ``top`` rows: row, column, found, bits, expected.

    A cell is odd if, given the rest of its row, a value this unlikely or less likely is rare. ``bits`` is −log2 of that
    probability: 10 is one row in a thousand, and where all is as the model has it, a table of n cells has about n / 1000
    of 10 bits or more. ``row`` counts from 0. ``expected`` says what p(cell | other cells of the row) holds likely: the likeliest
    levels, or the middle 90 % of numbers. A CSV or Parquet file is read in parts, of which one is in memory.

    A cell that holds what its column cannot, a 2 among bits or text among numbers, comes before all others, with 1000 bits, and
    of such cells those first that lie farthest from what the column can hold. That is an order, and no likelihood: ``log_prob``
    has the same probability for all of a column's. ``strict`` refuses them.
    """
    top = whole_number(top, "top", least=0, what="how many cells to show")
    found, container = [], "polars"
    for part in parts(model, table, strict=strict, ranges=False):
        container = "pandas" if part.table.container == "pandas" else "polars"
        found.append(_oddest_columns(part, top))
    columns = {name: np.concatenate([each[name] for each in found]) for name in found[0]}
    order = np.lexsort((-columns.pop("relative"), -columns["bits"], -columns.pop("distance")))[:top]
    return build({name: cells[order] for name, cells in columns.items()}, {}, container)


def _oddest_columns(part: Part, top: int) -> dict[str, np.ndarray]:
    table, schema = part.table, part.rows.model.schema
    bits, relative = tail_bits(part.rows)
    distance = outside_distance(table, schema, part.rows.codes)
    bits[:, is_flag(schema)] = np.nan
    odd = np.lexsort((-relative.ravel(), -bits.ravel(), -distance.ravel()))
    order = odd[: min(top, int((~np.isnan(bits)).sum()))]
    rows, columns = np.unravel_index(order, bits.shape)
    expected = [""] * len(rows)
    for k in sorted(set(columns.tolist())):
        of_column = np.flatnonzero(columns == k)
        asked = part.rows.take(rows[of_column])
        for place, words in zip(of_column, expected_words(asked, k), strict=True):
            expected[place] = words
    at, names = column_positions(table, schema), schema.names
    labels = table.labels_of_columns
    called = {name: labels[k] if table.named else name for name, k in at.items()}
    found = [_cell(part, at, names[k], row) for row, k in zip(rows.tolist(), columns.tolist(), strict=True)]
    return {
        "row": rows + table.first_row,
        "column": objects_of([called[names[k]] for k in columns.tolist()]),
        "found": objects_of(found),
        "bits": bits[rows, columns],
        "relative": relative[rows, columns],  # decides between cells so odd that float64 has no smaller tail
        "distance": distance[rows, columns],  # above zero where the column cannot hold the value
        "expected": objects_of(expected),
    }


def _cell(part: Part, at: dict[str, int], name: str, row: int) -> str:
    """A cell as the table writes it, numbers to ten digits."""
    table, schema = part.table, part.rows.model.schema
    if table.text is not None and notation_in(table, schema.columns[schema.number(name)], schema) is not None:
        return str(table.text.to_series(at[name])[row])
    value = table.columns[at[name]][row]
    return f"{value:.10g}" if isinstance(value, float | np.floating) else str(value)
