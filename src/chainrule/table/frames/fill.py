"""Frames and arrays with their missing cells filled; everything else stays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.table.frames import arrow_types, pandas_types, polars_types
from chainrule.table.frames.arrays import filled_array
from chainrule.table.values.cells import objects_of
from chainrule.table.values.types import as_cells


def replaced(
    frame: Any,
    columns: Mapping[str, np.ndarray],
    asked: Mapping[str, np.ndarray],
    container: str,
    names: Sequence[str],
) -> Any:
    """A copy of a frame or array with these values (N,) in the cells (N,) asked for.

    All other cells, the index and all types that can hold the values stay. Columns are found by
    their position among the table's names, since a pandas frame may use other labels.
    """
    filled_columns = [
        (names.index(name), columns[name], asked[name]) for name in columns if asked[name].any()
    ]
    if container == "numpy":
        return filled_array(frame, filled_columns)
    if container == "pandas":
        frame = frame.copy()
        for position, values, cells in filled_columns:
            frame.isetitem(position, _filled_pandas(frame.iloc[:, position], values, cells))
        return frame
    if container == "polars":
        for position, values, cells in filled_columns:
            filled = _filled_polars(frame.to_series(position), values, cells)
            # By position, since the name might be a pattern.
            frame = frame.clone().replace_column(position, filled)
        return frame
    for position, values, cells in filled_columns:
        filled = _filled_arrow(frame.column(position), values, cells)
        field = frame.schema.field(position).with_type(filled.type)  # a type of nulls holds none
        frame = frame.set_column(position, field, filled)
    return frame


def _filled_pandas(series: Any, values: np.ndarray, asked: np.ndarray) -> Any:
    """A pandas series with its missing cells filled, in its type; a category gains new labels."""
    import pandas as pd

    rows = np.flatnonzero(asked)
    if isinstance(series.dtype, pd.CategoricalDtype):
        filled = pandas_types.categorical(values[rows].tolist(), series.dtype)
        series = series.astype(filled.dtype)  # a copy, with the new labels
        series.iloc[rows] = filled.array
        return series
    filled = pandas_types.made(values[rows], pandas_types.type_of(series))
    if isinstance(series.dtype, pd.SparseDtype):  # does not accept single cells
        cells = series.sparse.to_dense()
        cells.iloc[rows] = filled.sparse.to_dense().to_numpy()
        return cells.astype(series.dtype)
    if filled.dtype != series.dtype:  # the type cannot hold them
        whole = pd.Series(objects_of([None] * len(series)), index=series.index, dtype=object)
        whole.iloc[rows] = filled.array
        return series.where(~asked, whole)
    series = series.copy()
    series.iloc[rows] = filled.array
    return series


def _filled_polars(series: Any, values: np.ndarray, asked: np.ndarray) -> Any:
    import polars as pl

    kind = polars_types.type_of(series)
    if isinstance(series.dtype, pl.Object):  # polars' functions do not support it
        cells = [
            b if is_asked else a
            for a, b, is_asked in zip(
                series.to_list(), as_cells(values, kind.cells), asked, strict=True
            )
        ]
        return pl.Series(series.name, cells, dtype=pl.Object)
    candidates = values.copy()
    if values.dtype.kind == "O":
        candidates[~asked] = None  # only filled cells must have the type
    filled = polars_types.made(series.name, candidates, series.dtype)
    if isinstance(series.dtype, pl.Enum) and filled.dtype != series.dtype:
        series = series.cast(filled.dtype)
    if filled.dtype != series.dtype:  # the type cannot hold them
        return (
            pl.select(pl.when(pl.Series(asked)).then(filled).otherwise(series))
            .to_series()
            .alias(series.name)
        )
    return filled.zip_with(pl.Series(asked), series).alias(series.name)


def _filled_arrow(column: Any, values: np.ndarray, asked: np.ndarray) -> Any:
    import pyarrow as pa
    import pyarrow.compute

    dtype = column.type
    filled = arrow_types.made(values, dtype, arrow_types.type_of(column))
    if filled.type != dtype:  # the type cannot hold them
        return _chosen(asked, filled, column.cast(filled.type))
    if pa.types.is_dictionary(dtype):
        indices = pa.array(
            np.where(asked, np.arange(len(asked)) + len(asked), np.arange(len(asked)))
        )
        whole = pa.chunked_array([*column.chunks, filled], dtype).unify_dictionaries()
        return whole.take(indices)
    return _chosen(asked, filled, column)


def _chosen(asked: np.ndarray, filled: Any, column: Any) -> Any:
    import pyarrow as pa
    import pyarrow.compute

    try:
        found = getattr(pyarrow.compute, "if_else")(pa.array(asked), filled, column)  # noqa: B009  # made at import
        if found.type == column.type:
            return found
    except pa.ArrowException:  # Arrow has no such function for some types
        pass
    cells = zip(column.to_pylist(), filled.to_pylist(), asked, strict=True)
    return arrow_types.from_cells([b if is_asked else a for a, b, is_asked in cells], column.type)
