"""A table's rows for training: encoded column by column, in memory or in memory-mapped files."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch

from chainrule.errors import EvidenceError, SchemaError, ShapeError
from chainrule.rng import generator_from
from chainrule.table import Schema, Table, encode_columns
from chainrule.training.batches import Rows
from chainrule.training.groups import Groups

LEAST_SHARE = 1e-12  # rows with a smaller share of the heaviest row's weight get a warning
# In standard deviations. Squares of larger numbers overflow float32, and likelihoods become NaN.
FARTHEST = 1e12
NONE_BEYOND: Mapping[int, np.ndarray] = MappingProxyType({})


def encoded(
    table: Table,
    schema: Schema,
    splits: Sequence[np.ndarray],
    *,
    learns_from_missing: bool = False,
    weight: np.ndarray | None = None,
    folder: Path | None = None,
    strict: bool = False,
    also: Callable[[int, np.ndarray], None] | None = None,
    beyond: Mapping[int, np.ndarray] = NONE_BEYOND,
) -> list[Rows]:
    """Encodes some rows of a table for each split, in float32; only one column is read at a time.

    Args:
        table: the table.
        schema: its columns.
        splits: the row numbers of each split, int64 (n,).
        learns_from_missing: whether missing cells are allowed.
        weight: how much each row of the table counts, (N,).
        folder: a folder for memory-mapped files; None keeps the codes in memory.
        strict: leave no probability for values that columns cannot hold.
        also: called with each column's number and its codes (N,) in float64, NaN where unknown.
        beyond: the rows whose cells lie beyond a column's bounds, by the column's number. Such
            cells count as missing, and have the probability of all of them together.

    Raises:
        SchemaError: no rows, a value that its column cannot have, a cell too far from the others.
        EvidenceError: a missing cell, if none is allowed.
    """
    if len(table) == 0:
        raise SchemaError(f"{table.source}: no rows")
    width = len(schema.columns)
    x = [
        _array(folder, f"x{number}", (len(split), width), np.float32)
        for number, split in enumerate(splits)
    ]
    observed = [
        _array(folder, f"o{number}", (len(split), width), np.bool_)
        for number, split in enumerate(splits)
    ]
    scale_nats = np.zeros(len(table))
    missing: dict[int, np.ndarray] = {}
    columns_in_table = set()
    for k, codes in encode_columns(table, schema, strict=not beyond):
        column = schema.columns[k]
        if k in beyond:
            codes[beyond[k]] = np.nan
            scale_nats[beyond[k]] -= math.log(column.outside_share)
        has_code = ~np.isnan(codes)
        columns_in_table.add(k)
        if also is not None:
            also(k, codes)
        if not has_code.all():
            missing[k] = np.flatnonzero(~has_code)
        codes = np.where(has_code, codes, 0.0)
        _require_near(table, schema, k, codes)
        scale_nats -= np.where(has_code, column.log_unit(codes, strict=strict), 0)
        for number, split in enumerate(splits):
            x[number][:, k] = codes[split]
            observed[number][:, k] = has_code[split]
    complete = not missing and len(columns_in_table) == width
    if not (complete or learns_from_missing):
        _refuse_missing(table, schema, missing, columns_in_table)
    found = []
    for number, split in enumerate(splits):
        rows = Rows(torch.from_numpy(x[number]), scale_nats=torch.from_numpy(scale_nats[split]))
        if not complete:
            rows = replace(rows, observed=torch.from_numpy(observed[number]))
        if weight is not None:
            rows = replace(rows, weight=torch.from_numpy(_of_mean_1(weight[split])).float())
        found.append(rows)
    return found


def checked_weight(sample_weight: object, rows: int) -> np.ndarray | None:
    """The weights (N,) in float64, the largest scaled into [1/2, 1) so that no sum overflows.

    Raises:
        ShapeError: not one number for each row; a number that is negative or not finite; only
            zeros.
    """
    if sample_weight is None:
        return None
    try:
        given = np.asarray(sample_weight)
        weight = given.astype(np.float64) if given.dtype.kind != "c" else None
    except (TypeError, ValueError) as error:
        raise ShapeError(
            f"sample_weight: pass ({rows},) numbers, not {type(sample_weight).__name__}"
        ) from error
    if weight is None:
        raise ShapeError(f"sample_weight: pass ({rows},) real numbers; these are complex")
    if weight.shape != (rows,):
        raise ShapeError(
            f"sample_weight has shape {weight.shape}; the table has {rows} rows: pass ({rows},)"
        )
    if not np.isfinite(weight).all() or (weight < 0).any() or not weight.any():
        raise ShapeError("sample_weight: pass finite numbers, zero or more, not all of them zero")
    scaled = np.ldexp(weight, -np.frexp(weight.max())[1])  # by a power of two, which rounds nothing
    light = int(((weight > 0) & (scaled < LEAST_SHARE)).sum())
    if light:
        warnings.warn(
            f"sample_weight: {light} row(s) weigh less than {LEAST_SHARE:g} of the heaviest, "
            f"{weight.max():g}: beside it they count for nothing; correct the weights, or give "
            "these rows zero",
            stacklevel=5,
        )
    return scaled


def _of_mean_1(weight: np.ndarray) -> np.ndarray:
    """Weights (n,) of a split divided by their mean; the table's largest may be far larger."""
    scaled = np.ldexp(weight, -np.frexp(weight.max(initial=0.0))[1])
    return scaled / (scaled[scaled > 0].mean() if scaled.any() else 1.0)


def split(
    rows: int,
    fraction: float | None,
    generator: torch.Generator,
    groups: Groups | None = None,
) -> list[np.ndarray]:
    """Row numbers for training and for validation; a single row serves as both.

    Args:
        rows: the number of rows.
        fraction: the share of the rows to hold out; None holds out none, and has one split.
        generator: draws the rows.
        groups: the groups of the rows, each of which is held out whole or not at all.
    """
    every = np.arange(rows)
    if fraction is None:
        return [every]
    if groups is not None:
        return groups.split(fraction, generator)
    if rows < 2:
        return [every, every]
    order = torch.randperm(rows, generator=generator).numpy()
    held = min(max(1, round(fraction * rows)), rows - 1)
    return [order[held:], order[:held]]


def rows_held_out(
    rows: int, training: Mapping[str, Any], groups: Groups | None = None
) -> np.ndarray:
    """The rows that a fit with this record held out, numbered without rows of weight zero."""
    seed: int = training["seed"]
    return split(rows, training["config"]["valid_fraction"], generator_from(seed), groups)[1]


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
            f"{table.source}: column {column.name!r} lies {standard[far[0]]:.2g} standard "
            f"deviations from the mean at {table.where(int(far[0]))}; correct that cell or leave "
            "it empty"
        )


def _refuse_missing(
    table: Table, schema: Schema, missing: dict[int, np.ndarray], columns_in_table: set[int]
) -> None:
    absent = [k for k in range(len(schema.columns)) if k not in columns_in_table]
    rows = np.arange(len(table)) if absent else np.unique(np.concatenate(list(missing.values())))
    row = int(rows[0])
    k = absent[0] if absent else min(k for k, at in missing.items() if row in at)
    raise EvidenceError(
        f"{table.source}: column {schema.columns[k].name!r} is unknown at {table.where(row)}; a "
        f"fixed-order network learns from complete rows only: fill or drop the {len(rows)} row(s) "
        "with missing cells, or pass network='orderless'"
    )
