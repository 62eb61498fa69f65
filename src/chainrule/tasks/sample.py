"""New rows from a model, free or completing what is known."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from chainrule.errors import SchemaError, ShapeError, whole_number
from chainrule.model import Model
from chainrule.networks import AbstractNetwork, OrderlessNADE
from chainrule.progress import progress_bar
from chainrule.rng import generator_from
from chainrule.table import (
    Schema,
    Table,
    cells_of_column,
    check_given,
    decode,
    encode,
    objects_of,
    places,
    read_table,
    require_ending,
    to_container,
    whole_array,
    write_parts,
)
from chainrule.table.index import names_of_mapping

BATCH_ROWS = 10_000  # rows drawn at once, so that memory does not grow with n times the columns


def sample_parts(
    model: Model,
    n: int,
    *,
    given: Any = None,
    temperature: float = 1.0,
    seed: int | torch.Generator | None = None,
    other: str | None = None,
) -> Iterator[dict[str, np.ndarray]]:
    """n rows in parts of at most 10,000, each as columns by name in the table's own values.

    Args:
        model: the fitted model.
        n: number of rows.
        given: known cells to keep, the others are drawn: a dict of one value a column, or a table of one row or n rows with
            holes (NaN, None).
        temperature: 1 samples the model; towards 0 the likeliest value of each step.
        seed: an integer, a generator, or None for system entropy.
        other: what stands in a cell that is drawn as a rare label, one of those that no file names; None leaves it empty. It is
            as frequent as the model holds all rare labels of the column together likely. A column that may hold it is text.

    Raises:
        SchemaError: a given cell that its column cannot hold, or a label that it never had; ``other`` is a label of a column.
    """
    _require_no_label(model.schema, other)
    evidence, asked = None, None
    if given is not None:
        asked = read_table(given_row(given) if isinstance(given, Mapping) else given, reading=model.schema.reading)
        codes = encode(asked, model.schema, warn=False, strict=True)
        check_given(asked, model.schema, codes)
        model.require_evidence(codes.observed, name="given")
        observed = codes.observed.copy()
        for k in range(len(model.schema.columns)):  # a hole is a cell to draw, not one that is missing
            if (flag := model.flag_of(k)) is not None:
                observed[:, flag] &= codes.observed[:, k]
        evidence = (torch.from_numpy(codes.values), torch.from_numpy(observed))
    generator = generator_from(seed)
    rows = whole_number(n, "n", least=0, what="a whole number of rows")
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
            drawn = _drawn(model, network, part.stop - start, known, temperature, generator)
            codes_drawn = drawn.cpu().double()
            if known is not None:  # a given number comes back as it was, not as the network's precision has it
                codes_drawn = torch.where(known[1], known[0], codes_drawn)
            columns = decode(codes_drawn.numpy(), model.schema, other=other)
            if asked is not None and evidence is not None:
                columns = _as_given(columns, model.schema, asked, evidence, start)
            yield columns
            advance(part.stop - start)


def _drawn(
    model: Model,
    network: AbstractNetwork,
    n: int,
    given: tuple[torch.Tensor, torch.Tensor] | None,
    temperature: float,
    generator: torch.Generator,
) -> torch.Tensor:
    """n rows (n, D). Of a table whose holes are modelled, first what is missing, then the cells that are not."""
    flags = model.schema.flags
    if not flags or not isinstance(network, OrderlessNADE):
        return network.sample(n, given=given, temperature=temperature, generator=generator)
    with torch.no_grad():
        n, values, known = network.check_draws(n, given, temperature)
        others = torch.ones_like(known)
        others[:, list(flags.values())] = False
        values = network.complete(values, known, temperature, generator, skipped=others)
        skipped = torch.zeros_like(known)
        for k, flag in flags.items():
            skipped[:, k] = (values[:, flag] == model.schema.flag_code(flag, missing=True)) & ~known[:, k]
            known = known.index_fill(1, torch.tensor([flag], device=known.device), True)
        return network.complete(values, known, temperature, generator, skipped=skipped)


def sample_columns(model: Model, n: int, **options: Any) -> dict[str, np.ndarray]:
    """n rows as columns by name, each (n,) in the table's own values; options as for ``sample_parts``."""
    parts = list(sample_parts(model, n, **options))
    return {name: _joined([part[name] for part in parts]) for name in parts[0]}


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    masked = any(isinstance(part, np.ma.MaskedArray) for part in parts)
    return np.ma.concatenate(parts) if masked else np.concatenate(parts)


def _as_given(
    columns: dict[str, np.ndarray],
    schema: Schema,
    asked: Table,
    evidence: tuple[torch.Tensor, torch.Tensor],
    start: int,
) -> dict[str, np.ndarray]:
    """Columns, of rows from ``start`` on, in which numbers and labels that no code names stand as they were given."""
    at = places(asked, schema)
    for k, column in enumerate(schema.columns):
        if column.is_flag or column.name not in at:
            continue
        own = cells_of_column(asked, at[column.name], column, schema)
        found = column.given_back(evidence[0][:, k].numpy(), own, asked.where)
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


def sample(
    model: Model,
    n: int,
    *,
    given: Any = None,
    temperature: float = 1.0,
    seed: int | torch.Generator | None = None,
    other: str | None = None,
    to: str | os.PathLike[str] | None = None,
) -> Any:
    """n rows as the kind of table the model was fitted to; arguments as for ``sample_parts``.

    With ``to``, a path of CSV or Parquet, rows are written there part by part, and the path is returned.
    """
    options = {"given": given, "temperature": temperature, "seed": seed, "other": other}
    if to is None:
        return to_container(sample_columns(model, n, **options), model.schema, other=other)
    target = require_ending(to)
    return write_parts(to, sample_frames(model, n, as_text=target.suffix == ".csv", **options))


def sample_frames(model: Model, n: int, *, as_text: bool = False, **options: Any) -> Iterator[Any]:
    """n rows in parts, polars frames; options as for ``sample_parts``.

    ``as_text``: numbers and dates that the fitted table wrote in a notation of its own are text in that notation.
    """
    schema = replace(model.schema, container="polars")
    other = options.get("other")
    parts = sample_parts(model, n, **options)
    return (to_container(columns, schema, as_text=as_text, other=other) for columns in parts)


def _require_no_label(schema: Schema, other: str | None) -> None:
    for column in schema.columns:
        if other is not None and column.has_unlisted and other in column.level_names:
            raise SchemaError(
                f"other = {other!r}: column {column.name!r} has a label of that name; choose another word"
            )
