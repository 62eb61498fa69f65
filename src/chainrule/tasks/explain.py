"""Which cells of a table are odd, and which values were expected there."""

from __future__ import annotations

import math
import os
from typing import Any

import numpy as np
import torch

from chainrule.arguments import cells_to_show
from chainrule.conditionals import Distribution
from chainrule.missing import is_flag
from chainrule.model import Model
from chainrule.table import (
    Sink,
    Table,
    column_positions,
    log_outside,
    log_scales,
    masses,
    notation_in,
    objects_of,
    outside_distance,
)
from chainrule.table.frames.build import build, like_named
from chainrule.table.text.times import AbstractTimes
from chainrule.tasks.answer import Batch, Chunk, answer, chunks
from chainrule.tasks.conditional import expected_words
from chainrule.tasks.each_cell import each_cell
from chainrule.tasks.score import chain_terms

LN2 = math.log(2)
SAME = 1e-9  # values count as equally likely within this many nats
RANKED_BY = ("distance", "bits", "relative")  # columns of odd cells, largest first
UNSHOWN = ("distance", "relative")  # those that are not shown
LEAST_TAIL = 2.0**-1000  # near the smallest positive float64


def explain(
    model: Model,
    table: Any,
    *,
    relative: bool = True,
    strict: bool = False,
    to: str | os.PathLike[str] | Sink | None = None,
) -> Any:
    """Returns how much more surprising each cell is than expected, in bits, as a frame.

    The frame has the table's shape, index and column names. The surprise is −log2 p(cell | all
    other known cells of its row), and NaN for unknown cells. For a value that its column cannot
    hold it is −log2 ε, where ε is the probability of all such values together (see ``score``). With
    ``relative``, the expected surprise is subtracted, both for standardised codes. Columns of 2 and
    of 500 levels then compare, and units do not matter: 0 is as surprising as usual, 10 is odd.
    Without it, surprises are in the table's units. ``oddest`` and the command ``chainrule explain``
    have other bits, those of ``tails``.

    Args:
        model: the fitted model.
        table: rows of the columns that were fitted.
        relative: subtract the expected surprise.
        strict: refuse cells whose values their columns cannot hold, and reserve no probability for
            them.
        to: a path of CSV or Parquet, an empty folder for a file for each part, or another sink, to
            which the frame is written. A file is read in parts, one in memory at a time, with or
            without it.

    Raises:
        SchemaError: such a cell, with ``strict``.
        EvidenceError: a network of one order, except for columns of few values.
    """
    surprise = _relative_surprise if relative else _surprise

    def of(chunk: Chunk) -> np.ndarray:
        return surprise(chunk.rows, strict=strict)

    return answer(
        model,
        table,
        lambda chunk: _by_name(chunk, of(chunk)),
        give=_alike,
        to=to,
        strict=strict,
        ranges=False,
        in_parts=True,
    )


def terms(model: Model, table: Any, *, strict: bool = False) -> Any:
    """Returns the terms of the chain rule, −log2 p(cell | cells before it in the order).

    The frame has the table's shape. Terms are bits in the table's units; each row sums to −log2
    p(row). An unknown cell has NaN. In a column of which the model knows how probable missing cells
    are, each cell's term includes whether it is missing.

    Args:
        model: the fitted model.
        table: rows of the columns that were fitted.
        strict: refuse cells whose values their columns cannot hold, and reserve no probability for
            them.

    Raises:
        SchemaError: such a cell, with ``strict``.
        EvidenceError: as ``score``. Also an ensemble of several orders, where a cell has no term of
            its own.
    """

    def of(chunk: Chunk) -> dict[str, np.ndarray]:
        bits, rows = -chain_terms(chunk.rows, strict=strict) / LN2, chunk.rows
        known = rows.codes.observed_or_outside
        for column, flag in rows.model.schema.flags.items():
            bits[:, column] += bits[:, flag]
            known[:, column] |= known[:, flag]
        return _by_name(chunk, np.where(known, bits, np.nan))

    return answer(model, table, of, give=_alike, strict=strict, ranges=False, in_parts=True)


def tails(
    model: Model,
    table: Any,
    *,
    strict: bool = False,
    to: str | os.PathLike[str] | Sink | None = None,
) -> Any:
    """Returns the bits by which ``oddest`` ranks, for every cell, as a frame of the table's shape.

    NaN where unknown.

    They are −log2 of the probability, given the rest of the row, of a value at most as likely as
    the cell's. About one in a thousand such cells has 10 bits or more, in any column. A cell whose
    value its column cannot hold has 1000 bits.

    Args:
        model: the fitted model.
        table: rows of the columns that were fitted.
        strict: refuse cells whose values their columns cannot hold.
        to: a path of CSV or Parquet, or another sink, to which the frame is written.

    Raises:
        SchemaError: such a cell, with ``strict``.
        EvidenceError: a network of one order, except for columns of few values.
    """

    def of(chunk: Chunk) -> dict[str, np.ndarray]:
        return _by_name(chunk, tail_bits(chunk.rows)[0])

    return answer(model, table, of, give=_alike, to=to, strict=strict, ranges=False, in_parts=True)


def _by_name(chunk: Chunk, bits: np.ndarray) -> dict[str, np.ndarray]:
    """Returns bits (n, D) as columns named as in the table.

    Columns that the model does not have are NaN.
    """
    table, schema = chunk.table, chunk.rows.model.schema
    columns = {name: np.full(len(bits), np.nan) for name in table.names}
    at = column_positions(table, schema)
    for column in schema.columns_without_flags:
        if column.name in at:
            columns[table.names[at[column.name]]] = bits[:, schema.number(column.name)]
    return columns


def _alike(table: Table, columns: dict[str, np.ndarray]) -> Any:
    return like_named(table.frame, columns, table.container)


def _surprise(rows: Batch, *, strict: bool) -> np.ndarray:
    """Returns the surprise of each cell, (n, D) bits in the table's units, NaN where unknown."""
    schema, codes, bits = rows.model.schema, rows.codes, np.full(rows.codes.values.shape, np.nan)
    x = _filled(rows)

    def of(row: np.ndarray, column: np.ndarray, distribution: Distribution) -> None:
        bits[row, column] = -distribution.log_prob(x[row, column]).cpu().numpy() / LN2

    each_cell(rows, codes.observed_or_outside, of, "explaining")
    inside = bits - log_scales(schema, codes.values, strict=strict) / LN2
    return np.where(codes.outside, -log_outside(schema) / LN2, inside)


def _relative_surprise(rows: Batch, *, strict: bool) -> np.ndarray:
    """Returns the surprise of each cell minus its expectation, (n, D) bits, NaN where unknown.

    The surprise has two terms: whether the column can hold the value, and which value it is. Each
    term is reduced by its expectation. A value that the column cannot hold has only the first one,
    −log ε − H(ε).
    """
    codes, nats = rows.codes, np.full(rows.codes.values.shape, np.nan)
    x = _filled(rows)

    def of(row: np.ndarray, column: np.ndarray, distribution: Distribution) -> None:
        found = -distribution.log_prob(x[row, column]) - _expected(distribution)
        nats[row, column] = found.cpu().numpy()

    each_cell(rows, codes.observed_or_outside, of, "explaining")
    first = [(0.0, 0.0)] * len(rows.model.schema.columns)
    if not strict:
        first = [_first_term(column.outside_share) for column in rows.model.schema.columns]
    held, beyond = np.array(first).T
    return np.where(codes.outside, beyond, held + nats) / LN2


def _first_term(share: float) -> tuple[float, float]:
    """Returns the surprise that a column can hold a value, and that it cannot, minus expectation.

    Args:
        share: the probability ε that it cannot.
    """
    if not share:
        return 0.0, math.inf
    held, beyond = -math.log1p(-share), -math.log(share)
    entropy = (1 - share) * held + share * beyond
    return held - entropy, beyond - entropy


def _expected(distribution: Distribution) -> torch.Tensor:
    """Returns the expected surprise of a value that the column can hold, (N,) nats."""
    values, weights = distribution.quadrature()
    return -torch.where(weights > 0, weights * distribution.log_prob_grid(values), 0).sum(1)


def tail_bits(rows: Batch) -> tuple[np.ndarray, np.ndarray]:
    """Returns each cell's tail in bits and its relative surprise, (n, D) bits each.

    The tail is −log2 of the probability of a value at most as likely as the cell's. For numbers the
    probability is a sum over the some hundred values of the conditional's quadrature. It is at
    least the cell's own, and the mixture components' mass beyond the cell. Unknown cells have NaN.
    Cells whose values their columns cannot hold have the largest number of bits.
    """
    found = np.full((2, *rows.codes.values.shape), np.nan)
    x, has_mass = _filled(rows), torch.from_numpy(masses(rows.model.schema, rows.codes.values))

    def of(row: np.ndarray, column: np.ndarray, distribution: Distribution) -> None:
        own = has_mass[row, column].to(x.device)
        found[0, row, column], found[1, row, column] = bits_of(distribution, x[row, column], own)

    each_cell(rows, rows.codes.observed_or_outside, of, "explaining")
    tail, relative = found
    tail[rows.codes.outside], relative[rows.codes.outside] = -math.log2(LEAST_TAIL), 0.0
    return tail, relative


def bits_of(
    distribution: Distribution, cells: torch.Tensor, has_mass: torch.Tensor
) -> tuple[np.ndarray, np.ndarray]:
    """The tail and the relative surprise (m,) of cells by their distributions, in bits.

    Args:
        distribution: of each cell, given the others of its row.
        cells: their codes (m,).
        has_mass: whether each has a mass instead of a density, bool (m,).
    """
    logs, (values, weights) = distribution.log_prob(cells), distribution.quadrature()
    each = distribution.log_prob_grid(values)
    p = torch.maximum(
        (weights * (each <= logs[:, None] + SAME)).sum(1), distribution.tail_bound(cells)
    )
    p = torch.maximum(p, torch.where(has_mass, logs.exp(), 0))
    expected = torch.where(weights > 0, weights * each, 0).sum(1)
    tail = -p.clamp(LEAST_TAIL, 1).log2().cpu().numpy()
    return tail, (expected - logs).cpu().numpy() / LN2


def _filled(rows: Batch) -> torch.Tensor:
    """Returns codes (n, D). Unknown cells, and those outside, have an arbitrary one."""
    return rows.network.columns.filled(rows.x, rows.observed)


def oddest(model: Model, table: Any, *, top: int = 20, strict: bool = False) -> Any:
    """Returns the oddest cells, oddest first, as a frame of ``top`` rows: row, column, found, bits,
    expected.

    A cell is odd if, given the rest of its row, a value this unlikely or less likely is rare.
    ``bits`` is −log2 of that probability: 10 is one row in a thousand. If the model is right, about
    n / 1000 of n cells have 10 bits or more. ``row`` counts from 0. ``expected`` names the most
    probable levels given the rest of the row, or the middle 90 % of numbers. A CSV or Parquet file
    is read in chunks, one in memory at a time.

    A cell whose value its column cannot hold comes before all others, with 1000 bits. Examples are
    a 2 among bits and text among numbers. Such cells are ranked by how far they lie from what the
    column can hold. That ranking is not a likelihood: ``log_prob`` gives all such values of a
    column the same probability. ``strict`` refuses them.
    """
    top = cells_to_show(top)
    found, container = [], "polars"
    for chunk in chunks(model, table, strict=strict, ranges=False):
        container = "pandas" if chunk.table.container == "pandas" else "polars"
        found.append(_oddest_columns(chunk, top))
    columns = {name: np.concatenate([each[name] for each in found]) for name in found[0]}
    order = np.lexsort([-columns[name] for name in reversed(RANKED_BY)])[:top]
    named = {name: cells for name, cells in columns.items() if name not in UNSHOWN}
    return build({name: cells[order] for name, cells in named.items()}, {}, container)


def oddest_of_parts(
    model: Model, table: Any, *, to: Sink, top: int = 20, strict: bool = False
) -> Any:
    """Gives a sink the ``top`` oddest cells of each part, with the columns of ``RANKED_BY``."""

    def of(chunk: Chunk) -> dict[str, np.ndarray]:
        return _oddest_columns(chunk, top)

    return answer(model, table, of, to=to, strict=strict, ranges=False)


def _oddest_columns(chunk: Chunk, top: int) -> dict[str, np.ndarray]:
    """Returns the columns of a chunk's ``top`` oddest cells, and by what they are ranked."""
    table, schema = chunk.table, chunk.rows.model.schema
    bits, relative = tail_bits(chunk.rows)
    distance = outside_distance(table, schema, chunk.rows.codes)
    bits[:, is_flag(schema)] = np.nan
    odd = np.lexsort((-relative.ravel(), -bits.ravel(), -distance.ravel()))
    order = odd[: min(top, int((~np.isnan(bits)).sum()))]
    rows, columns = np.unravel_index(order, bits.shape)
    at, names = column_positions(table, schema), schema.names
    labels = table.labels_of_columns
    called = {name: labels[k] if table.named else name for name, k in at.items()}
    found = [
        cell_as_written(chunk, at, names[k], row)
        for row, k in zip(rows.tolist(), columns.tolist(), strict=True)
    ]
    return {
        "row": rows + table.first_row,
        "column": objects_of([called[names[k]] for k in columns.tolist()]),
        "found": objects_of(found),
        "bits": bits[rows, columns],
        # ranks cells whose tails are all below the smallest float64
        "relative": relative[rows, columns],
        # above zero where the column cannot hold the value
        "distance": distance[rows, columns],
        "expected": objects_of(expected_words(chunk.rows, rows, columns)),
    }


def cell_as_written(chunk: Chunk, at: dict[str, int], name: str, row: int) -> str:
    """Returns a cell as the table writes it, numbers to ten digits."""
    table, schema = chunk.table, chunk.rows.model.schema
    notation = notation_in(table, schema.columns[schema.number(name)], schema)
    if table.text is not None and notation is not None:
        return str(table.text.to_series(at[name])[row])
    value = table.columns[at[name]][row]
    if isinstance(notation, AbstractTimes) and (number := notation.number(value)) is not None:
        return str(notation.write(np.array([number]))[0])
    return f"{value:.10g}" if isinstance(value, float | np.floating) else str(value)
