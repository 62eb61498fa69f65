"""New rows from a model, free or completing what is known."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
import torch

from chainrule import missing
from chainrule.errors import SchemaError, ShapeError, whole_number
from chainrule.model import Model
from chainrule.progress import progress_bar
from chainrule.rng import generator_from
from chainrule.table import (
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
from chainrule.table.index import names_of_mapping
from chainrule.table.notation import Notation, NotRead, read_cells

BATCH_ROWS = 10_000  # rows drawn at once, so that memory does not grow with n times the columns


Cells = tuple[torch.Tensor, torch.Tensor]  # codes, and which of them are known


def sample(
    model: Model,
    n: int,
    *,
    given: Any = None,
    temperature: float = 1.0,
    seed: int | torch.Generator | None = None,
    other: str | None = None,
    to: str | os.PathLike[str] | Sink | None = None,
) -> Any:
    """n rows as the kind of table the model was fitted to.

    Args:
        model: the fitted model.
        n: number of rows.
        given: known cells to keep, the others are drawn: a dict of one value a column, or a table of one row or n rows with
            holes (NaN, None).
        temperature: 1 samples the model; towards 0 the likeliest value of each step.
        seed: an integer, a generator, or None for system entropy.
        other: what stands in a cell that is drawn as a rare label, one of those that no file names; None leaves it empty. It is
            as frequent as the model holds all rare labels of the column together likely. A column that may hold it is text.
        to: a path of CSV or Parquet, or another sink, to which rows are written, 10,000 at a time.

    Raises:
        SchemaError: a given cell that its column cannot hold, or a label that it never had; ``other`` is a label of a column.
    """
    parts = _parts(model, n, given=given, temperature=temperature, seed=seed, other=other)
    if to is None:
        found = list(parts)
        columns = {name: _joined([part[name] for part in found]) for name in found[0]}
        return to_container(columns, model.schema, other=other)
    sink, schema = sink_of(to), replace(model.schema, container="polars")
    return sink.take(to_container(part, schema, as_text=sink.as_text, other=other) for part in parts)


def _parts(
    model: Model,
    n: int,
    *,
    given: Any,
    temperature: float,
    seed: int | torch.Generator | None,
    other: str | None,
) -> Iterator[dict[str, np.ndarray]]:
    """n rows in parts of at most 10,000, each as columns by name in the table's own values; arguments as of ``sample``."""
    _require_no_label(model.schema, other)
    asked, evidence = (None, None) if given is None else _evidence(model, given)
    generator, rows = generator_from(seed), whole_number(n, "n", least=0, what="a whole number of rows")
    if evidence is not None and len(evidence[0]) not in (1, rows):
        raise ShapeError(f"given has {len(evidence[0])} rows of values for {rows} rows to draw; pass 1 or {rows}")
    # Bits and categories draw the same in the network's own precision, and faster; numbers need the digits of float64.
    plain = all(column.has_levels for column in model.schema.columns)
    network = model.bare() if plain else model.in_float64()
    with progress_bar("drawing rows", rows) as advance:
        for start in range(0, max(rows, 1), BATCH_ROWS):
            part = slice(start, min(start + BATCH_ROWS, rows))
            known = evidence
            if evidence is not None and len(evidence[0]) > 1:
                known = (evidence[0][part], evidence[1][part])
            drawn = missing.draw(model.schema, network, part.stop - start, known, temperature, generator)
            codes = drawn.cpu().double()
            if known is not None:  # a given number comes back as it was, not as the network's precision has it
                codes = torch.where(known[1], known[0], codes)
            columns = decode(codes.numpy(), model.schema, other=other)
            if asked is not None and evidence is not None:
                columns = _as_given(columns, model.schema, asked, evidence, start)
            yield columns
            advance(part.stop - start)


def _evidence(model: Model, given: Any) -> tuple[Table, Cells]:
    """The table of given cells, and their codes."""
    row = _with_dates(given_row(given), model.schema) if isinstance(given, Mapping) else given
    asked = read_table(row, reading=model.schema.reading)
    codes = encode(asked, model.schema, warn=False, strict=True)
    check_given(asked, model.schema, codes)
    model.require_evidence(codes.observed, name="given")
    codes = missing.given(model.schema, codes)
    return asked, (torch.from_numpy(codes.values), torch.from_numpy(codes.observed))


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    masked = any(isinstance(part, np.ma.MaskedArray) for part in parts)
    return np.ma.concatenate(parts) if masked else np.concatenate(parts)


def _as_given(
    columns: dict[str, np.ndarray],
    schema: Schema,
    asked: Table,
    evidence: Cells,
    start: int,
) -> dict[str, np.ndarray]:
    """Columns, of rows from ``start`` on, in which numbers and labels that no code names stand as they were given."""
    at = column_positions(asked, schema)
    for k, column in enumerate(schema.columns):
        if column.is_flag or column.name not in at:
            continue
        own = cells_of_column(asked, at[column.name], column, schema)
        found = column.restored_cells(evidence[0][:, k].numpy(), own, asked.where)
        if found is None:
            continue
        known, own, cells = evidence[1][:, k].numpy() & found[0], found[1], columns[column.name]
        if known.any():
            rows = (start + np.arange(len(cells))) % len(known)
            given = known[rows]
            is_wider = own.dtype.kind == "O" and cells.dtype.kind != "O"
            cells = cells.astype(object) if column.holds_labels or is_wider else cells.copy()
            cells[given] = own[rows % len(own)][given]
            columns[column.name] = whole_array(cells.tolist()) if is_wider and _are_whole(cells) else cells
    return columns


def _are_whole(cells: np.ndarray) -> bool:
    return not np.ma.isMaskedArray(cells) and all(isinstance(cell, int) for cell in cells.tolist())


def given_row(given: Mapping[str, Any]) -> Table:
    """One row of the cells that a dict names."""
    columns = [objects_of([value]) for value in given.values()]
    names, index = names_of_mapping(list(given))
    return Table(names, tuple(columns), "given", named=True, index=index)


def _with_dates(row: Table, schema: Schema) -> Table:
    """The row with dates of ISO 8601 read, if their column's own notation does not read them: they have one meaning."""
    columns, by_name = list(row.columns), {column.name: column for column in schema.own}
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
                f"other = {other!r}: column {column.name!r} has a label of that name; choose another word"
            )
