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
    missing: Mapping[str, np.ndarray],
    container: str,
    names: Sequence[str],
) -> Any:
    """A copy of a frame or array with these values (N,) in its missing cells (N,).

    All other cells, the index and all types stay. Columns are found by their position among the
    table's names, since a pandas frame may use other labels.
    """
    filled_columns = [
        (names.index(name), columns[name], missing[name]) for name in columns if missing[name].any()
    ]
    if container == "numpy":
        return filled_array(frame, filled_columns)
    if container == "pandas":
        frame = frame.copy()
        for place, values, own in filled_columns:
            frame.isetitem(place, _filled_pandas(frame.iloc[:, place], values, own))
        return frame
    if container == "polars":
        for place, values, own in filled_columns:
            filled = _filled_polars(frame.to_series(place), values, own)
            # By position, since the name might be a pattern.
            frame = frame.clone().replace_column(place, filled)
        return frame
    for place, values, own in filled_columns:
        field = frame.schema.field(place)
        frame = frame.set_column(place, field, _filled_arrow(frame.column(place), values, own))
    return frame


def _filled_pandas(series: Any, values: np.ndarray, missing: np.ndarray) -> Any:
    """A pandas series with its missing cells filled, in its type; a category gains new labels."""
    import pandas as pd

    rows = np.flatnonzero(missing)
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
        return series.where(~missing, whole)
    series = series.copy()
    series.iloc[rows] = filled.array
    return series


def _filled_polars(series: Any, values: np.ndarray, missing: np.ndarray) -> Any:
    import polars as pl

    kind = polars_types.type_of(series)
    if isinstance(series.dtype, pl.Object):  # polars' functions do not support it
        cells = [
            b if is_missing else a
            for a, b, is_missing in zip(
                series.to_list(), as_cells(values, kind.cells), missing, strict=True
            )
        ]
        return pl.Series(series.name, cells, dtype=pl.Object)
    blank = values.copy()
    if values.dtype.kind == "O":
        blank[~missing] = None  # only filled cells must have the type
    filled = polars_types.made(series.name, blank, series.dtype)
    if isinstance(series.dtype, pl.Enum) and filled.dtype != series.dtype:
        series = series.cast(filled.dtype)
    if filled.dtype != series.dtype:  # the type cannot hold them
        return (
            pl.select(pl.when(pl.Series(missing)).then(filled).otherwise(series))
            .to_series()
            .alias(series.name)
        )
    return filled.zip_with(pl.Series(missing), series).alias(series.name)


def _filled_arrow(column: Any, values: np.ndarray, missing: np.ndarray) -> Any:
    import pyarrow as pa
    import pyarrow.compute

    own = column.type
    filled = arrow_types.made(values, own, arrow_types.type_of(column))
    if filled.type != own:  # the type cannot hold them
        return _chosen(missing, filled, column.cast(filled.type))
    if pa.types.is_dictionary(own):
        places = pa.array(
            np.where(missing, np.arange(len(missing)) + len(missing), np.arange(len(missing)))
        )
        whole = pa.chunked_array([*column.chunks, filled], own).unify_dictionaries()
        return whole.take(places)
    return _chosen(missing, filled, column)


def _chosen(missing: np.ndarray, filled: Any, column: Any) -> Any:
    import pyarrow as pa
    import pyarrow.compute

    try:
        found = getattr(pyarrow.compute, "if_else")(pa.array(missing), filled, column)  # noqa: B009  # made at import
        if found.type == column.type:
            return found
    except pa.ArrowException:  # Arrow has no such function for some types
        pass
    cells = zip(column.to_pylist(), filled.to_pylist(), missing, strict=True)
    return arrow_types.from_cells(
        [b if is_missing else a for a, b, is_missing in cells], column.type
    )
