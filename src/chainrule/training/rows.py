"""A table as rows to train on: encoded column by column, in memory or in memory-mapped files."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from chainrule.errors import EvidenceError, SchemaError, ShapeError
from chainrule.rng import generator_from
from chainrule.table import Schema, Table, encode_columns
from chainrule.training.batches import Rows

LEAST_SHARE = 1e-12  # of the heaviest row
FARTHEST = 1e12  # standard deviations: beyond, squares leave the range of float32 and likelihoods are no numbers


def encoded(
    table: Table,
    schema: Schema,
    parts: Sequence[np.ndarray],
    *,
    learns_from_missing: bool = False,
    weight: np.ndarray | None = None,
    folder: Path | None = None,
    strict: bool = False,
    also: Callable[[int, np.ndarray], None] | None = None,
) -> list[Rows]:
    """Some rows of a table in each part, as codes in float32; one column at a time is in memory beside them.

    Args:
        table: the table.
        schema: its columns.
        parts: row numbers, int64 (n,) each.
        learns_from_missing: whether unknown cells are allowed.
        weight: how much each row of the table counts, (N,).
        folder: where memory-mapped files are made instead of arrays in memory.
        strict: likelihoods in the table's units are over what columns can hold; nothing is left for other cells.
        also: is called with each column's number and its codes (N,) in float64, NaN where unknown.

    Raises:
        SchemaError: no rows, a value its column cannot have, a cell too far from the others.
        EvidenceError: an unknown cell, where none is allowed.
    """
    if len(table) == 0:
        raise SchemaError(f"{table.source}: no rows")
    width = len(schema.columns)
    x = [_array(folder, f"x{number}", (len(part), width), np.float32) for number, part in enumerate(parts)]
    seen = [_array(folder, f"o{number}", (len(part), width), np.bool_) for number, part in enumerate(parts)]
    scale_nats = np.zeros(len(table))
    holes: dict[int, np.ndarray] = {}
    filled = set()
    for k, codes in encode_columns(table, schema):
        known = ~np.isnan(codes)
        filled.add(k)
        if also is not None:
            also(k, codes)
        if not known.all():
            holes[k] = np.flatnonzero(~known)
        codes = np.where(known, codes, 0.0)
        _require_near(table, schema, k, codes)
        scale_nats -= np.where(known, schema.columns[k].log_unit(codes, strict=strict), 0)
        for number, part in enumerate(parts):
            x[number][:, k] = codes[part]
            seen[number][:, k] = known[part]
    complete = not holes and len(filled) == width
    if not (complete or learns_from_missing):
        _refuse_holes(table, schema, holes, filled)
    found = []
    for number, part in enumerate(parts):
        own = None if weight is None else torch.from_numpy(_of_mean_1(weight[part])).float()
        observed = None if complete else torch.from_numpy(seen[number])
        found.append(Rows(torch.from_numpy(x[number]), observed, own, torch.from_numpy(scale_nats[part])))
    return found


def checked_weight(sample_weight: object, rows: int) -> np.ndarray | None:
    """Weights (N,) float64, the largest from 1/2 to 1, so that no sum of them overflows; None where none are given.

    Raises:
        ShapeError: as many numbers as rows they are not, finite and zero or more, one of them above zero.
    """
    if sample_weight is None:
        return None
    try:
        given = np.asarray(sample_weight)
        weight = given.astype(np.float64) if given.dtype.kind != "c" else None
    except (TypeError, ValueError) as error:
        raise ShapeError(f"sample_weight: pass ({rows},) numbers, not {type(sample_weight).__name__}") from error
    if weight is None:
        raise ShapeError(f"sample_weight: pass ({rows},) real numbers; these are complex")
    if weight.shape != (rows,):
        raise ShapeError(f"sample_weight has shape {weight.shape}; the table has {rows} rows: pass ({rows},)")
    if not np.isfinite(weight).all() or (weight < 0).any() or not weight.any():
        raise ShapeError("sample_weight: pass finite numbers, zero or more, not all of them zero")
    scaled = np.ldexp(weight, -np.frexp(weight.max())[1])  # by a power of two, which rounds nothing
    light = int(((weight > 0) & (scaled < LEAST_SHARE)).sum())
    if light:
        warnings.warn(
            f"sample_weight: {light} row(s) weigh less than {LEAST_SHARE:g} of the heaviest, {weight.max():g}: beside it they "
            f"count for nothing; correct the weights, or give these rows zero",
            stacklevel=4,
        )
    return scaled


def _of_mean_1(weight: np.ndarray) -> np.ndarray:
    """Weights (n,) divided by their mean; of the rows held out or kept alone, whose largest may be far below that of all."""
    scaled = np.ldexp(weight, -np.frexp(weight.max(initial=0.0))[1])
    return scaled / (scaled[scaled > 0].mean() if scaled.any() else 1.0)


def split(rows: np.ndarray, fraction: float, generator: torch.Generator) -> list[np.ndarray]:
    """Row numbers to train on and to validate with; a single row serves as both."""
    if len(rows) < 2:
        return [rows, rows]
    order = torch.randperm(len(rows), generator=generator).numpy()
    held = min(max(1, round(fraction * len(rows))), len(rows) - 1)
    return [rows[order[held:]], rows[order[:held]]]


def rows_held_out(rows: int, training: Mapping[str, Any]) -> np.ndarray:
    """Which of so many rows a fit of this record held out for validation; rows of weight zero do not count among them."""
    return split(np.arange(rows), training["config"]["valid_fraction"], generator_from(training["seed"]))[1]


def _array(folder: Path | None, name: str, shape: tuple[int, int], dtype: type) -> np.ndarray:
    if folder is None or 0 in shape:
        return np.zeros(shape, dtype)
    return np.memmap(folder / name, dtype=dtype, mode="w+", shape=shape)


def _require_near(table: Table, schema: Schema, k: int, codes: np.ndarray) -> None:
    column = schema.columns[k]
    center, spread = column.code_scale
    standard = (codes - center) / spread
    far = np.flatnonzero(~(np.abs(standard) <= FARTHEST))
    if len(far):
        raise SchemaError(
            f"{table.source}: column {column.name!r} lies {standard[far[0]]:.2g} standard deviations from the mean at "
            f"{table.where(int(far[0]))}; correct that cell or leave it empty"
        )


def _refuse_holes(table: Table, schema: Schema, holes: dict[int, np.ndarray], filled: set[int]) -> None:
    absent = [k for k in range(len(schema.columns)) if k not in filled]
    rows = np.arange(len(table)) if absent else np.unique(np.concatenate(list(holes.values())))
    row = int(rows[0])
    k = absent[0] if absent else min(k for k, at in holes.items() if row in at)
    raise EvidenceError(
        f"{table.source}: column {schema.columns[k].name!r} is unknown at {table.where(row)}; a fixed-order network learns from "
        f"complete rows only: fill or drop the {len(rows)} row(s) with holes, or pass network='orderless'"
    )
