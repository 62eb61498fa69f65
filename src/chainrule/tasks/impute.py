"""Fills missing cells: with a draw, the most probable value, or the mean.

Observed cells keep every bit.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from chainrule.arguments import require_how
from chainrule.conditionals import Distribution
from chainrule.errors import ShapeError, whole_number
from chainrule.events import Event, event_of
from chainrule.missing import is_flag, present
from chainrule.model import Model
from chainrule.rng import Source, row_source
from chainrule.table import AbstractColumn, Fills, Sink, column_positions, filled, filled_frames
from chainrule.table.frames.build import like_named
from chainrule.table.values.cells import objects_of
from chainrule.tasks.answer import Batch, Chunk, answer, chunks
from chainrule.tasks.asking.filled_given import completed_given
from chainrule.tasks.conditional import level_probabilities_of
from chainrule.tasks.each_cell import Quantiles, each_cell
from chainrule.tasks.intervals import IntervalLevels, hidden_shares
from chainrule.tasks.outside import completed

BATCH_ROWS = 4096
PURPOSE = 1  # draws of ``sample`` with the same seed are independent of those of ``impute``


class Imputed(NamedTuple):
    """A table without missing cells, and the interval ends of each filled number.

    Other cells are NaN.

    Attributes:
        table: the filled table.
        low: the lower end of each filled number's interval.
        high: the upper end.

    Examples:
        >>> import chainrule as cr, numpy as np
        >>> first = np.random.default_rng(0).normal(size=300)
        >>> rows = np.stack([first, first + 0.1], axis=1)
        >>> density = cr.fit(rows, effort="quick", seed=0, verbose=False)
        >>> filled = density.impute(np.array([[1.0, np.nan]]), how="best", interval=0.9)
        >>> bool(filled.low[0, 1] <= filled.table[0, 1] <= filled.high[0, 1])
        True
        >>> filled.low[0, 0]  # a known cell has no interval
        np.float64(nan)
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
    seed: int | Source | None = None,
    first_row: int = 0,
    strict: bool = False,
    given: Any = None,
    to: str | os.PathLike[str] | Sink | None = None,
    levels: IntervalLevels | None = None,
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
        interval: a probability such as 0.9; the ends of the interval that holds the number with
            this probability are returned for each number, too.
        seed: an integer, a generator, or None for system entropy. With an integer, the draws of a
            row depend on the seed and on the row's number alone.
        first_row: the number of the table's first row, if it is a part of a larger one. The parts
            are then filled as the whole table is, up to rounding.
        strict: refuse cells whose values their columns cannot hold. Otherwise these cells stay as
            they are, and count as unknown.
        given: an event that holds in every filled row, as for ``probability``; with how="draw".
        to: a path of CSV or Parquet, to which the table is written. A file is then read, filled and
            written in chunks. From text to CSV, known cells keep their text.
        levels: what a fit keeps in ``training["intervals"]``: the central intervals of p(cell |
            known cells) that held as many held-out numbers. By default their level is ``interval``.

    Returns:
        A table, or the path it was written to; a list of tables for several draws; with
        ``interval`` an ``Imputed(table, low, high)``.

    Raises:
        EvidenceError: missing cells that a network of one order cannot fill.
        ChainruleError: a row in which ``given`` cannot hold, or hardly ever does.
    """
    require_how(how)
    if given is not None and how != "draw":
        raise ShapeError(f"how = {how!r}: cells are filled given an event by how='draw' alone")
    n_draws = whole_number(n_draws, "n_draws", least=1, what="how many tables to draw")
    if how != "draw" and n_draws > 1:
        raise ShapeError(f"n_draws = {n_draws}: how={how!r} gives one table; draw for several")
    if interval is not None and not 0 < interval < 1:
        raise ShapeError(f"interval = {interval!r}: pass a probability above 0 and below 1")
    first_row = whole_number(first_row, "first_row", least=0, what="the number of a row")
    fill, sources = partial(guessed, how=how), None
    if how == "draw":
        event = None if given is None else event_of(model.schema, given)
        fill = partial(drawn, event=event)
        sources = row_source(seed, purpose=PURPOSE, first_row=first_row)
    asked = 0  # rows, so far

    def with_draws(chunk: Chunk) -> Batch:
        if sources is None:
            return chunk.rows
        nonlocal asked
        start, asked = asked, asked + len(chunk.rows)
        return replace(chunk.rows, draws=sources(start, asked))

    if to is not None:
        if n_draws > 1 or interval is not None:
            raise ShapeError("to= writes one table: ask for one draw, and for intervals without it")
        frames = partial(filled_frames, schema=model.schema)
        return answer(
            model, table, lambda chunk: fill(with_draws(chunk)), frames=frames, to=to, strict=strict
        )
    (chunk,) = chunks(model, table, whole=True, strict=strict)
    rows = with_draws(chunk)  # each further draw goes on where the last one ended
    tables = [filled(chunk.table, model.schema, fill(rows)) for _ in range(n_draws)]
    result = tables if n_draws > 1 else tables[0]
    return result if interval is None else Imputed(result, *_intervals(chunk, interval, levels))


def drawn(rows: Batch, event: Event | None = None) -> Fills:
    """Draws the missing cells of each row jointly, given its known ones, from ``rows.draws``.

    With an event, it holds in each row that has missing cells.
    """
    codes, missing = rows.codes.values.copy(), ~rows.codes.observed_or_outside
    incomplete = np.flatnonzero(missing.any(1))
    given = present(rows.model.schema, rows.codes.take(incomplete), missing[incomplete])
    rows.model.require_evidence(given.observed_or_outside, name="known")
    if len(incomplete):
        codes[incomplete] = replace(rows.take(incomplete), codes=given).each(
            _completed if event is None else partial(completed_given, event=event),
            "filling",
            rows=BATCH_ROWS,
        )
    return Fills(codes, missing)


def _completed(rows: Batch) -> np.ndarray:
    assert rows.draws is not None
    found = completed(rows.network, rows.x, rows.observed, rows.outside, rows.draws)
    return found.cpu().numpy()


def guessed(rows: Batch, how: str) -> Fills:
    """Fills each missing cell separately: the most probable listed level.

    Numbers get the median, or the mean if ``how`` is "mean".
    """
    columns, codes = rows.model.schema.columns, rows.codes.values.copy()
    missing = ~rows.codes.observed_or_outside

    def median(row: np.ndarray, column: np.ndarray, values: np.ndarray) -> None:
        codes[row, column] = values[:, 0]

    medians = Quantiles((0.5,), median)

    def fill(row: np.ndarray, column: np.ndarray, distribution: Distribution) -> None:
        first = columns[column[0]]  # columns of equal conditionals have the same number of levels
        if first.has_levels:
            p = level_probabilities_of(distribution)
            codes[row, column] = p[:, : len(first.level_names)].argmax(1)
        elif how == "best":
            medians(row, column, distribution)
        else:
            codes[row, column] = mean_codes(columns, column, distribution)

    each_cell(rows, missing & ~is_flag(rows.model.schema), fill, "filling")
    medians.flush()
    return Fills(codes, missing, means=how == "mean")


def mean_codes(
    columns: Sequence[AbstractColumn], column: np.ndarray, distribution: Distribution
) -> np.ndarray:
    """Returns the codes (n,) of the mean values of cells.

    On a scale that is not linear, the mean value is that of the values within the range of the
    training rows; values beyond it count as its ends.

    Args:
        columns: the schema's columns.
        column: the number of each cell's column, int (n,).
        distribution: the distributions of the cells' codes.
    """
    codes = distribution.mean().cpu().numpy()
    for k in np.unique(column).tolist():
        bins = columns[k].mean_bins()
        if bins is None:
            continue
        some = np.flatnonzero(column == k)
        of = distribution.take(some)
        ends = [of.cdf(of.params.new_full((len(some),), end)).cpu().numpy() for end in bins[0]]
        below = np.stack([np.zeros(len(some)), *ends, np.ones(len(some))], axis=1)
        codes[some] = columns[k].codes_of_means(np.diff(below, axis=1) @ bins[1])
    return codes


def _intervals(chunk: Chunk, interval: float, levels: IntervalLevels | None) -> tuple[Any, Any]:
    """Returns the interval ends of each filled number, as two frames of the table's shape.

    Other cells are NaN.
    """
    table, rows, schema = chunk.table, chunk.rows, chunk.rows.model.schema
    positions = column_positions(table, schema)
    asked = ~rows.codes.observed_or_outside
    for k, column in enumerate(schema.columns):
        asked[:, k] &= not (column.is_flag or column.has_levels) and column.name in positions
    found = interval_codes(rows, asked, interval, levels)
    nothing = np.full(len(rows), np.nan)
    ends: list[dict[str, np.ndarray]] = [dict.fromkeys(table.names, nothing) for _ in found]
    for k in np.flatnonzero(asked.any(0)).tolist():
        column, of_column = schema.columns[k], asked[:, k]
        for side, columns in enumerate(ends):
            cells = column.shown(found[side, of_column, k])
            # NaN becomes NaT in a column of dates.
            name = table.names[positions[column.name]]
            if cells.dtype.kind == "O":  # times
                columns[name] = objects_of([None] * len(rows))
            else:
                columns[name] = nothing.astype(cells.dtype if cells.dtype.kind == "M" else float)
            columns[name][of_column] = cells
    low, high = (like_named(table.frame, columns, table.container) for columns in ends)
    return low, high


def interval_codes(
    rows: Batch, asked: np.ndarray, interval: float, levels: IntervalLevels | None
) -> np.ndarray:
    """Returns the ends (2, n, D) of the intervals of asked numbers, in codes; NaN elsewhere.

    Args:
        rows: the rows.
        asked: bool (n, D), cells of columns of numbers that the network does not know.
        interval: the probability of the intervals.
        levels: the levels at which they have it; by default the probability itself.
    """
    found, level = np.full((2, *asked.shape), np.nan), levels_of_rows(rows, interval, levels)
    for each in np.unique(level).tolist():
        some = np.flatnonzero((level == each) & asked.any(1))

        def keep(
            row: np.ndarray, column: np.ndarray, values: np.ndarray, some: np.ndarray = some
        ) -> None:
            found[:, some[row], column] = values.T

        ends_of = Quantiles(((1 - each) / 2, (1 + each) / 2), keep)
        each_cell(rows.take(some), asked[some], ends_of, "conditioning")
        ends_of.flush()
    return found


def levels_of_rows(rows: Batch, interval: float, levels: IntervalLevels | None) -> np.ndarray:
    """Returns the level (n,) of each row's intervals, by the share of its cells that are hidden."""
    if levels is None:
        return np.full(len(rows), interval)
    shares, which = np.unique(hidden_shares(rows), return_inverse=True)
    return np.array([levels(interval, share) for share in shares])[which]
