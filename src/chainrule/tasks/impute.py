"""Fills missing cells: with a draw, the most probable value, or the mean.

Observed cells keep every bit.
"""

from __future__ import annotations

import os
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch

from chainrule.errors import ShapeError, unknown_choice, whole_number
from chainrule.missing import present
from chainrule.model import Model
from chainrule.networks.listed import listed_only
from chainrule.rng import generator_from
from chainrule.table import Fills, Sink, column_positions, filled, filled_frames
from chainrule.table.frames.build import like_named
from chainrule.tasks.answer import Batch, Chunk, answer, chunks
from chainrule.tasks.conditional import distribution_of, level_probabilities, quantiles_of
from chainrule.tasks.outside import completed

HOW = ("draw", "best", "mean")
BATCH_ROWS = 4096
REDRAWS = 20  # how often a row is drawn again because an unlisted label was drawn


class Imputed(NamedTuple):
    """A table without missing cells, and the interval ends of each filled number.

    Other cells are NaN.
    """

    table: Any
    low: Any
    high: Any


def impute(
    model: Model,
    table: Any,
    *,
    how: str = "draw",
    n_draws: int = 1,
    interval: float | None = None,
    seed: int | torch.Generator | None = None,
    strict: bool = False,
    to: str | os.PathLike[str] | Sink | None = None,
) -> Any:
    """Returns the table with its missing cells filled, of the same kind, types and index.

    Known cells keep every bit.

    Args:
        model: the fitted model.
        table: rows with missing cells.
        how: "draw" draws all missing cells of a row jointly, given its known cells and that labels
            are listed ones. "best" fills each cell separately with the most probable listed level,
            or the median of numbers. "mean" fills numbers with their mean, and levels as "best".
        n_draws: how many tables to draw; more than one come as a list.
        interval: a probability such as 0.9; the ends of this interval of p(cell | known cells) are
            returned for each number, too.
        seed: seeds the draws; None is system entropy.
        strict: refuse cells whose values their columns cannot hold. Otherwise these cells stay as
            they are, and count as unknown.
        to: a path of CSV or Parquet, to which the table is written. A file is then read, filled and
            written in chunks. From text to CSV, known cells keep their text.

    Returns:
        A table, or the path it was written to; a list of tables for several draws; with
        ``interval`` an ``Imputed(table, low, high)``.

    Raises:
        EvidenceError: missing cells that a network of one order cannot fill.
    """
    if how not in HOW:
        raise ShapeError(unknown_choice("how", how, HOW))
    n_draws = whole_number(n_draws, "n_draws", least=1, what="how many tables to draw")
    if how != "draw" and n_draws > 1:
        raise ShapeError(f"n_draws = {n_draws}: how={how!r} gives one table; draw for several")
    if interval is not None and not 0 < interval < 1:
        raise ShapeError(f"interval = {interval!r}: pass a probability above 0 and below 1")
    fill = (
        partial(drawn, generator=generator_from(seed))
        if how == "draw"
        else partial(guessed, how=how)
    )
    if to is not None:
        if n_draws > 1 or interval is not None:
            raise ShapeError("to= writes one table: ask for one draw, and for intervals without it")
        frames = partial(filled_frames, schema=model.schema)
        return answer(
            model, table, lambda chunk: fill(chunk.rows), frames=frames, to=to, strict=strict
        )
    (chunk,) = chunks(model, table, whole=True, strict=strict)
    tables = [filled(chunk.table, model.schema, fill(chunk.rows)) for _ in range(n_draws)]
    result = tables if n_draws > 1 else tables[0]
    return result if interval is None else Imputed(result, *_intervals(chunk, interval))


def drawn(rows: Batch, generator: torch.Generator) -> Fills:
    """Draws the missing cells of each row jointly, given its known ones."""
    found, empty = rows.codes.values.copy(), ~rows.codes.observed_or_outside
    some = np.flatnonzero(empty.any(1))
    asked = rows.over(present(rows.model.schema, rows.codes.take(some), empty[some]))
    rows.model.require_evidence(asked.codes.observed_or_outside, name="known")
    if len(some):
        found[some] = asked.each(partial(_listed, generator=generator), "filling", rows=BATCH_ROWS)
    return Fills(found, empty)


def _listed(batch: Batch, *, generator: torch.Generator) -> np.ndarray:
    """Returns codes (n, D) with the missing cells drawn, given that every drawn label is a listed
    one.

    Rows with an unlisted label are drawn again, which is exact. After ``REDRAWS`` times, the few
    remaining rows are drawn cell by cell from the conditionals restricted to listed levels.
    """
    network, asked = batch.network, ~(batch.observed | batch.outside)
    found, again = (
        batch.x.clone(),
        torch.ones(len(batch.x), dtype=torch.bool, device=batch.x.device),
    )
    for trial in range(REDRAWS + 1):
        if trial == REDRAWS:
            network = listed_only(network)
        x, observed, outside = (each[again] for each in (batch.x, batch.observed, batch.outside))
        found[again] = completed(network, x, observed, outside, generator)
        if network.columns.all_evidence:
            break
        again = (asked & ~network.columns.is_evidence(found)).any(1)
        if not bool(again.any()):
            break
    return found.cpu().numpy()


def guessed(rows: Batch, how: str) -> Fills:
    """Fills each missing cell separately: the most probable listed level.

    Numbers get the median, or the mean if ``how`` is "mean".
    """
    schema, codes = rows.model.schema, rows.codes
    found, empty = codes.values.copy(), ~codes.observed_or_outside
    for column in schema.columns_without_flags:
        k = schema.number(column.name)
        some = np.flatnonzero(empty[:, k])
        if not len(some):
            continue
        asked = rows.take(some)
        if column.has_levels:
            p = asked.each(partial(level_probabilities, column=k), "conditioning")[
                :, : len(column.level_names)
            ]
            found[some, k] = p.argmax(1)
        elif how == "best":
            found[some, k] = asked.each(
                partial(quantiles_of, column=k, quantiles=(0.5,)), "conditioning"
            )[:, 0]
        else:
            found[some, k] = asked.each(partial(_means, column=k), "filling")
    return Fills(found, empty, means=how == "mean")


def _means(batch: Batch, *, column: int) -> np.ndarray:
    return distribution_of(batch, column).mean().cpu().numpy()


def _intervals(chunk: Chunk, interval: float) -> tuple[Any, Any]:
    """Returns the interval ends of each filled number, as two frames of the table's shape.

    Other cells are NaN.
    """
    table, rows, schema = chunk.table, chunk.rows, chunk.rows.model.schema
    at, quantiles = column_positions(table, schema), ((1 - interval) / 2, (1 + interval) / 2)
    ends: list[dict[str, np.ndarray]] = [
        {name: np.full(len(rows), np.nan) for name in table.names} for _ in range(2)
    ]
    for column in schema.columns_without_flags:
        k = schema.number(column.name)
        some = np.flatnonzero(~rows.codes.observed_or_outside[:, k])
        if column.kind in ("binary", "categorical") or column.name not in at or not len(some):
            continue
        found = rows.take(some).each(
            partial(quantiles_of, column=k, quantiles=quantiles), "conditioning"
        )
        for side in range(2):
            cells = column.decode(found[:, side])
            whole = ends[side][table.names[at[column.name]]]
            if cells.dtype.kind == "M":
                whole = whole.astype(cells.dtype)  # NaN is NaT
            whole[some] = cells
            ends[side][table.names[at[column.name]]] = whole
    return like_named(table.frame, ends[0], table.container), like_named(
        table.frame, ends[1], table.container
    )
