"""Holes filled: drawn, best, or by the mean; observed cells stay as they are, to the bit."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from chainrule.errors import ChainruleError, FormatError, ShapeError, unknown_choice, whole_number
from chainrule.model import Model
from chainrule.networks.listed import listed_only
from chainrule.rng import generator_from
from chainrule.table import (
    Codes,
    Schema,
    Table,
    as_fitted,
    decode,
    encode_parts,
    encode_whole,
    in_manner_of,
    notation_in,
    objects_of,
    places,
    read_parts,
    read_table,
    require_ending,
    write_parts,
)
from chainrule.table.frames import alike, as_polars, build, replaced
from chainrule.tasks.batches import Batch, batches
from chainrule.tasks.conditional import distribution_of, level_probabilities, quantiles_of
from chainrule.tasks.outside import completed

HOW = ("draw", "best", "mean")
BATCH_ROWS = 4096
REDRAWS = 20  # of rows of which a hole came out as a label that is not listed, at most


class Imputed(NamedTuple):
    """A table without holes, and between which values each filled number lies with the asked probability; NaN elsewhere."""

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
    to: str | os.PathLike[str] | None = None,
) -> Any:
    """The table with its holes filled, of the same kind, types and index; what is known stays to the bit.

    Args:
        model: the fitted model.
        table: rows with holes.
        how: "draw": all holes of a row together from p(holes | known cells, labels are listed ones). "best": each hole on its
            own the most probable listed level, or the median of numbers. "mean": the mean of numbers, for categories as "best".
        n_draws: how many tables to draw; more than one come as a list.
        interval: with a probability such as 0.9, the ends of each number's interval p(cell | known cells) are returned, too.
        seed: of the draws; None is system entropy.
        strict: refuse cells that hold what their column cannot, instead of leaving them, unknown to those that are filled.
        to: a path of CSV or Parquet, to which the table is written; a file is then read, filled and written in parts, and from
            text to CSV what is known stays as it is written.

    Returns:
        A table, or the path it was written to; a list of tables for several draws; with an interval ``Imputed(table, low,
        high)``.

    Raises:
        EvidenceError: holes that a network of one order cannot fill.
    """
    if how not in HOW:
        raise ShapeError(unknown_choice("how", how, HOW))
    n_draws = whole_number(n_draws, "n_draws", least=1, what="how many tables to draw")
    if how != "draw" and n_draws > 1:
        raise ShapeError(f"n_draws = {n_draws}: how={how!r} gives one table; draw for several")
    if interval is not None and not 0 < interval < 1:
        raise ShapeError(f"interval = {interval!r}: pass a probability above 0 and below 1")
    if to is not None:
        if n_draws > 1 or interval is not None:
            raise ShapeError("to= writes one table: ask for one draw, and for intervals without it")
        return _impute_file(model, table, to, how, generator_from(seed), strict)
    table = as_fitted(read_table(table, reading=model.schema.reading), model.schema)
    codes = encode_whole(table, model.schema, strict=strict)
    if how == "draw":
        generator = generator_from(seed)
        filled = [_merged(model, table, codes, _drawn(model, codes, generator)) for _ in range(n_draws)]
    else:
        filled = [_merged(model, table, codes, _guessed(model, codes, how))]
    result = filled[0] if len(filled) == 1 else filled
    if interval is None:
        return result
    low, high = _intervals(model, table, codes, interval)
    return Imputed(result, low, high)


def _impute_file(
    model: Model, table: Any, to: str | os.PathLike[str], how: str, generator: torch.Generator, strict: bool
) -> Path:
    target = require_ending(to)
    if isinstance(table, (str, os.PathLike)) and target.exists() and target.samefile(table):
        raise ChainruleError(f"{to}: is also read; write to another file")

    as_text, read = target.suffix == ".csv", read_parts(table, reading=model.schema.reading)
    parts = impute_each(model, read, how=how, generator=generator, as_text=as_text, strict=strict)
    return write_parts(target, parts)


def impute_each(
    model: Model,
    parts: Iterable[Table],
    *,
    how: str,
    generator: torch.Generator,
    as_text: bool = False,
    strict: bool = False,
) -> Iterator[Any]:
    """As ``impute``, a polars frame for each part of a table; ``as_text``, of text files one of text, known cells as written.

    Otherwise the columns of text files have the types of the schema, and those left out are text, whatever a part holds.
    """
    written: dict[str, str] = {}
    fitted = (as_fitted(part, model.schema) for part in parts)
    for part, codes in encode_parts(fitted, model.schema, strict=strict):
        columns = _drawn(model, codes, generator) if how == "draw" else _guessed(model, codes, how)
        at = places(part, model.schema)
        if as_text and part.text is not None:
            for name, place in at.items():  # a part without a known cell is written as the last one that had any
                written.update((name, word) for word in part.text.to_series(place).alias("").drop_nulls().head(1))
            columns = {
                name: _as_written(model.schema, name, cells, written.get(name), part)
                for name, cells in columns.items()
                if name in at
            }
            part = replace(part, container="polars", frame=part.text, text=None)
        elif part.text is not None:
            part = replace(part, container="polars", frame=_in_types(model, part, at))
        elif part.container == "numpy":
            part = replace(part, container="polars", frame=_as_frame(part))
        done = _merged(model, part, codes, columns)
        yield done if part.container == "polars" else as_polars(done, part.names)


def _as_written(schema: Schema, name: str, values: np.ndarray, like: str | None, table: Table) -> np.ndarray:
    """Values (N,) as text, objects, in the notation of their column, or else in the manner of a known cell."""
    column = schema.columns[schema.number(name)]
    if (notation := notation_in(table, column, schema)) is not None:
        return objects_of(notation.write(values))
    return column.as_written(values, like or "")


def _in_types(model: Model, part: Table, at: Mapping[str, int]) -> Any:
    """The columns of a part of a text file as polars has them: in the types of the schema, what is left out as text."""
    import polars as pl

    frame, columns = _as_frame(part) if part.container == "numpy" else part.frame, []
    own = {at[column.name]: column for column in model.schema.own if column.name in at}
    for place, name in enumerate(part.names):
        column = own.get(place)
        dtype = pl.String if column is None or column.is_text else column.polars_type()
        found = (part.text if dtype == pl.String else frame).to_series(place).alias(name)
        empty = found.null_count() == len(found)  # text, whose type cannot be told
        try:
            columns.append(pl.Series(name, [None] * len(found), dtype=dtype) if empty else found.cast(dtype))
        except pl.exceptions.PolarsError as error:
            raise FormatError(
                f"{part.source}: column {name!r} cannot be written as {dtype} from {part.where(0)} on: {error}; write CSV, which "
                f"keeps cells as they are"
            ) from error
    return pl.DataFrame(columns)


def _as_frame(part: Table) -> Any:
    """The columns of an array, or of a text file without names, as a polars frame."""
    return build(dict(zip(part.names, part.columns, strict=True)), {}, "polars")


def _drawn(model: Model, codes: Codes, generator: torch.Generator) -> dict[str, np.ndarray]:
    values = codes.values.copy()
    holes = ~codes.known
    rows = np.flatnonzero(holes.any(1))
    known, flags = codes.observed[rows].copy(), [(k, model.flag_of(k)) for k in range(holes.shape[1])]
    x = values[rows].copy()
    for k, flag in flags:  # a cell that is filled is one that is there
        if flag is not None:
            there = model.schema.flag_code(flag, missing=False)
            x[holes[rows, k], flag], known[holes[rows, k], flag] = there, True
    asked = Codes(x, known, codes.outside[rows])
    model.require_evidence(asked.known, name="known")
    for batch in batches(model, asked, "filling", rows=BATCH_ROWS):
        values[rows[batch.rows]] = _listed(batch, generator).cpu().numpy()
    return decode(np.where(codes.observed, codes.values, values), model.schema, hide=False)


def _listed(batch: Batch, generator: torch.Generator) -> torch.Tensor:
    """Rows (n, D) whose holes are drawn, given that what is drawn of categories are listed levels.

    Rows in which it is not are drawn again, which is exact. After ``REDRAWS`` times the few that are left have each hole drawn
    from its conditional over listed levels, made whole.
    """
    network, holes = batch.network, ~(batch.observed | batch.outside)
    drawn, again = batch.x.clone(), torch.ones(len(batch.x), dtype=torch.bool, device=batch.x.device)
    for trial in range(REDRAWS + 1):
        if trial == REDRAWS:
            network = listed_only(network)
        x, observed, outside = (each[again] for each in (batch.x, batch.observed, batch.outside))
        drawn[again] = completed(network, x, observed, outside, generator)
        if network.columns.all_evidence:
            break
        again = (holes & ~network.columns.is_evidence(drawn)).any(1)
        if not bool(again.any()):
            break
    return drawn


def _guessed(model: Model, codes: Codes, how: str) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}
    for k, column in enumerate(model.schema.columns):
        rows = np.flatnonzero(~codes.known[:, k])
        if column.is_flag or not len(rows):
            continue
        part = codes.take(rows)
        if column.has_levels:
            p = level_probabilities(model, part, k)[:, : len(column.level_names)]
            filled = column.decode(p.argmax(1).astype(np.float64))
        elif how == "best":
            filled = column.decode(quantiles_of(model, part, k, (0.5,))[:, 0])
        else:
            means = np.empty(len(rows))
            for batch in batches(model, part, "filling"):
                means[batch.rows] = distribution_of(model, batch, k).mean().cpu().numpy()
            filled = column.mean_values(means)
        whole = np.empty(len(codes), dtype=filled.dtype)
        whole[:] = filled[:1]
        whole[rows] = filled
        found[column.name] = whole
    return found


def _merged(model: Model, table: Table, codes: Codes, columns: dict[str, np.ndarray]) -> Any:
    at = places(table, model.schema)
    holes, values = {}, {}
    for name, cells in columns.items():
        if name in at:
            own, number = table.names[at[name]], model.schema.number(name)
            cells = in_manner_of(table, model.schema, name, cells)
            holes[own], values[own] = ~codes.known[:, number], cells
    return replaced(table.frame, values, holes, table.container, table.names)


def _intervals(model: Model, table: Table, codes: Codes, interval: float) -> tuple[Any, Any]:
    at = places(table, model.schema)
    ends: list[dict[str, np.ndarray]] = [{name: np.full(len(codes), np.nan) for name in table.names} for _ in range(2)]
    for column in model.schema.own:
        k = model.schema.number(column.name)
        rows = np.flatnonzero(~codes.known[:, k])
        if column.has_levels or column.name not in at or not len(rows):
            continue
        part = codes.take(rows)
        found = quantiles_of(model, part, k, ((1 - interval) / 2, (1 + interval) / 2))
        for side in range(2):
            cells = column.decode(found[:, side])
            whole = ends[side][table.names[at[column.name]]]
            if cells.dtype.kind == "M":
                whole = np.full(len(codes), np.datetime64("NaT"), dtype=cells.dtype)
                ends[side][table.names[at[column.name]]] = whole
            whole[rows] = cells
    return alike(table.frame, ends[0], table.container), alike(table.frame, ends[1], table.container)
