"""Draws new rows from a model, unconditionally or given some cells."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
import torch

from chainrule import missing
from chainrule.arguments import require_rare, rows_to_draw
from chainrule.errors import SchemaError, ShapeError, whole_number
from chainrule.events import event_of, is_words
from chainrule.model import Model
from chainrule.networks import AbstractNetwork
from chainrule.networks.listed import listed_only
from chainrule.progress import progress_bar
from chainrule.rng import Source, fresh_seed, of_rows, row_source
from chainrule.table import (
    Codes,
    Schema,
    Sink,
    Table,
    cells_of_column,
    check_given,
    column_positions,
    decode,
    encode,
    objects_of,
    read_table,
    sink_of,
    to_container,
    whole_array,
)
from chainrule.table.frames.column_index import names_of_mapping
from chainrule.table.text.notation import Notation, NotRead, read_cells
from chainrule.tasks.asking.drawn_given import GivenEvent, listed_labels
from chainrule.tasks.outside import REDRAWS

BATCH_ROWS = 10_000  # rows drawn at a time, which bounds the memory
PURPOSE = 0  # draws of ``impute`` with the same seed are independent of those of ``sample``

Cells = tuple[torch.Tensor, torch.Tensor]  # codes, and the mask of given cells


def sample(
    model: Model,
    n: int,
    *,
    given: Any = None,
    temperature: float = 1.0,
    seed: int | Source | None = None,
    first_row: int = 0,
    rare: str = "other",
    other: str | None = None,
    to: str | os.PathLike[str] | Sink | None = None,
) -> Any:
    """Draws n rows, as the kind of table the model was fitted to.

    Args:
        model: the fitted model.
        n: number of rows.
        given: cells to keep, as a dict of one value per column, or as a table of one row or n rows
            with missing cells (NaN, None). The missing cells are drawn. Or an event that holds in
            every row: words such as "age > 60 and sex == 'Female'", a polars expression, or a dict
            with sets or intervals; see ``probability``. Rows then come from the pool by which
            events are answered; further ones are drawn within the event, and kept by their weights.
        temperature: 1 samples the model; towards 0 each step takes its most probable value.
        seed: an integer, a generator, or None for system entropy. With an integer, the draws of a
            row depend on the seed and on the row's number alone.
        first_row: the number of the first row. Rows 0 to 99 and rows from 100 on, drawn by two
            calls or processes with one seed, are those that one call draws, up to rounding.
        rare: what becomes of labels too rare to be listed, of which the model has no names. "other"
            draws them as often as the model says, so that frequent labels are as frequent as in the
            training rows. "omit" draws rows given that they have none: the rare labels' probability
            goes to the frequent ones.
        other: the text for a rare label; None leaves such cells empty. A column that may hold this
            text becomes text.
        to: a path of CSV or Parquet, or another sink, to which rows are written, 10,000 at a time.

    Raises:
        SchemaError: a given cell that its column cannot hold, or a label it never had; ``other`` is
            a label of a column.
        ShapeError: ``rare`` is neither "other" nor "omit", or "omit" with a text for ``other``; a
            temperature other than 1 with an event.
        ChainruleError: an event that has no probability.
    """
    require_rare(rare, other)
    first_row = whole_number(first_row, "first_row", least=0, what="the number of a row")
    seed = fresh_seed() if seed is None else seed
    sources = row_source(seed, purpose=PURPOSE, first_row=first_row)
    options = {"sources": sources, "other": other}
    if is_words(given):
        of = _given_event(model, given, temperature, seed, rare)
        chunks = _chunks_of_event(of, n, first_row=first_row, **options)
    else:
        options["temperature"] = temperature
        chunks = _chunks(model, n, given=given, listed=rare == "omit", **options)
    if to is None:
        found = list(chunks)
        columns = {name: _joined([chunk[name] for chunk in found]) for name in found[0]}
        return to_container(columns, model.schema, other=other)
    sink, schema = sink_of(to), replace(model.schema, container="polars")
    return sink.take(
        to_container(chunk, schema, as_text=sink.as_text, other=other) for chunk in chunks
    )


def _chunks(
    model: Model,
    n: int,
    *,
    given: Any,
    temperature: float,
    sources: Callable[[int, int], Source],
    other: str | None,
    listed: bool,
) -> Iterator[dict[str, np.ndarray]]:
    """Yields the n rows in chunks of at most 10,000: columns by name, in the table's values.

    The arguments are those of ``sample``; with ``listed``, all labels drawn are listed ones.
    ``sources`` gives the generator of rows ``start`` … ``stop`` - 1.
    """
    _require_no_label(model.schema, other)
    table, cells = (None, None) if given is None else _given_cells(model, given)
    rows = rows_to_draw(n)
    if cells is not None and len(cells[0]) not in (1, rows):
        raise ShapeError(
            f"given has {len(cells[0])} rows of values for {rows} rows to draw; pass 1 or {rows}"
        )
    # Levels are drawn equally well in the network's own precision, and faster. Numbers need the
    # digits of float64.
    plain = all(column.has_levels for column in model.schema.columns)
    network = model.bare() if plain else model.in_float64()
    with progress_bar("drawing rows", rows) as advance:
        for start in range(0, max(rows, 1), BATCH_ROWS):
            chunk = slice(start, min(start + BATCH_ROWS, rows))
            cells_of_chunk = cells
            if cells is not None and len(cells[0]) > 1:
                cells_of_chunk = (cells[0][chunk], cells[1][chunk])
            size = chunk.stop - start
            draw = _listed if listed else missing.draw
            source = sources(chunk.start, chunk.stop)
            drawn = draw(model.schema, network, size, cells_of_chunk, temperature, source)
            codes = drawn.cpu().double()
            if cells_of_chunk is not None:  # given numbers keep all their digits
                codes = torch.where(cells_of_chunk[1], cells_of_chunk[0], codes)
            columns = decode(codes.numpy(), model.schema, other=other)
            if table is not None and cells is not None:
                columns = _as_given(columns, model.schema, table, cells, start)
            yield columns
            advance(size)


def _given_event(
    model: Model, given: Any, temperature: float, seed: int | Source, rare: str
) -> GivenEvent:
    """Returns what draws rows given an event."""
    if temperature != 1:
        raise ShapeError(
            f"temperature = {temperature!r}: rows given an event are drawn as they are, at 1; give "
            "cells instead, or leave it out"
        )
    event = event_of(model.schema, given)
    listed = listed_labels(model.schema, rare=rare == "other")
    return GivenEvent(model, event, listed, seed if isinstance(seed, int) else 0)


def _chunks_of_event(
    of: GivenEvent,
    n: int,
    *,
    first_row: int,
    sources: Callable[[int, int], Source],
    other: str | None,
) -> Iterator[dict[str, np.ndarray]]:
    """Yields the n rows that an event allows in chunks, as ``_chunks`` does."""
    schema = of.model.schema
    _require_no_label(schema, other)
    rows = rows_to_draw(n)
    for start in range(0, max(rows, 1), BATCH_ROWS):
        stop = min(start + BATCH_ROWS, rows)
        codes = of.codes(first_row + start, stop - start, sources(start, stop))
        yield decode(codes, schema, other=other)


def _listed(
    schema: Schema,
    network: AbstractNetwork,
    n: int,
    given: Cells | None,
    temperature: float,
    generator: Source,
) -> torch.Tensor:
    """Draws what ``missing.draw`` draws, given that no drawn label is a rare one.

    Rows with a rare label are drawn again, which is exact. After ``REDRAWS`` times, the few
    remaining ones are drawn cell by cell from the listed labels.
    """
    drawn = missing.draw(schema, network, n, given, temperature, generator)
    for redraw in range(1, REDRAWS + 1):
        rows = torch.from_numpy(_with_rare(schema, drawn, given)).to(drawn.device)
        count = int(rows.sum())
        if count == 0:
            break
        of = network if redraw < REDRAWS else listed_only(network)
        some = given if given is None or len(given[0]) == 1 else (given[0][rows], given[1][rows])
        source = of_rows(generator, rows)
        drawn[rows] = missing.draw(schema, of, count, some, temperature, source)
    return drawn


def _with_rare(schema: Schema, drawn: torch.Tensor, given: Cells | None) -> np.ndarray:
    """Marks the rows (N,) in which a cell that is not given holds a rare label."""
    codes = drawn.cpu().double().numpy()
    is_given = np.zeros(codes.shape, dtype=bool)
    if given is not None:
        is_given |= given[1].cpu().numpy()
    hidden = is_given | missing.missing(schema, codes, np.ones_like(is_given))
    columns = enumerate(schema.columns)
    return np.any(
        [column.is_unlisted(codes[:, k]) & ~hidden[:, k] for k, column in columns], axis=0
    )


def given_codes(model: Model, given: Any) -> Codes:
    """Returns the codes of given cells: a dict of one value per column, or a table.

    Raises:
        SchemaError: a cell that its column cannot hold, or a label it never had.
        EvidenceError: cells that a network of one order cannot condition on.
    """
    return _given(model, given)[1]


def _given_cells(model: Model, given: Any) -> tuple[Table, Cells]:
    """Returns the table of given cells, and their codes."""
    table, codes = _given(model, given)
    return table, (torch.from_numpy(codes.values), torch.from_numpy(codes.observed))


def _given(model: Model, given: Any) -> tuple[Table, Codes]:
    row = _with_dates(given_row(given), model.schema) if isinstance(given, Mapping) else given
    table = read_table(row, reading=model.schema.reading)
    codes = encode(table, model.schema, warn=False, strict=True)
    check_given(table, model.schema, codes)
    model.require_evidence(codes.observed, name="given")
    return table, missing.given(model.schema, codes)


def _joined(chunks: list[np.ndarray]) -> np.ndarray:
    masked = any(isinstance(chunk, np.ma.MaskedArray) for chunk in chunks)
    return np.ma.concatenate(chunks) if masked else np.concatenate(chunks)


def _as_given(
    columns: dict[str, np.ndarray],
    schema: Schema,
    table: Table,
    given: Cells,
    start: int,
) -> dict[str, np.ndarray]:
    """Restores the given numbers and labels that no code represents, in columns of rows from
    ``start`` on.
    """
    positions = column_positions(table, schema)
    for k, column in enumerate(schema.columns):
        if column.is_flag or column.name not in positions:
            continue
        written = cells_of_column(table, positions[column.name], column, schema)
        restored = column.restored_cells(given[0][:, k].numpy(), written, table.where)
        if restored is None:
            continue
        is_restored, written = given[1][:, k].numpy() & restored[0], restored[1]
        cells = columns[column.name]
        if is_restored.any():
            rows = (start + np.arange(len(cells))) % len(is_restored)
            restored_rows = is_restored[rows]
            is_wider = written.dtype.kind == "O" and cells.dtype.kind != "O"
            cells = cells.astype(object) if column.holds_labels or is_wider else cells.copy()
            cells[restored_rows] = written[rows % len(written)][restored_rows]
            columns[column.name] = (
                whole_array(cells.tolist()) if is_wider and _are_whole(cells) else cells
            )
    return columns


def _are_whole(cells: np.ndarray) -> bool:
    return not np.ma.isMaskedArray(cells) and all(isinstance(cell, int) for cell in cells.tolist())


def given_row(given: Mapping[str, Any]) -> Table:
    """Returns a table of one row, with the cells that a dict names."""
    columns = [objects_of([value]) for value in given.values()]
    names, index = names_of_mapping(list(given))
    return Table(names, tuple(columns), "given", named=True, index=index)


def _with_dates(row: Table, schema: Schema) -> Table:
    """Reads dates of ISO 8601, which are unambiguous, if their column's notation does not."""
    columns, by_name = (
        list(row.columns),
        {column.name: column for column in schema.columns_without_flags},
    )
    for place, name in enumerate(row.names):
        column, cell = by_name.get(name), columns[place][0]
        notation = column.notation if column is not None and column.holds_dates else None
        if notation is not None and isinstance(cell, str) and _unread(notation, cell):
            with contextlib.suppress(ValueError):
                columns[place] = objects_of([datetime.fromisoformat(cell.strip())])
    return replace(row, columns=tuple(columns))


def _unread(notation: Notation, cell: str) -> bool:
    return isinstance(read_cells(notation, objects_of([cell]), frozenset())[0], NotRead)


def _require_no_label(schema: Schema, other: str | None) -> None:
    for column in schema.columns:
        if other is not None and column.has_unlisted and other in column.level_names:
            raise SchemaError(
                f"other = {other!r}: column {column.name!r} has a label of that name; "
                "choose another word"
            )
