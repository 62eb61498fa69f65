"""Data frames in and out: the types of their columns, frames built anew, and frames with holes filled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from chainrule.errors import SchemaError, unknown_choice
from chainrule.table import arrow_types, pandas_types, polars_types
from chainrule.table.cells import objects_of
from chainrule.table.exact import LARGEST_EXACT, type_range
from chainrule.table.forked import require_polars
from chainrule.table.strings import text_objects
from chainrule.table.types import Type, as_cells, as_integers, cells_word


def cells_of(series: Any) -> np.ndarray:
    """The values (N,) of a narwhals series: numbers, booleans, numpy datetimes (UTC where there is a zone), or objects."""
    import narwhals as nw

    pandas = str(series.implementation.name) == "PANDAS"
    if polars := str(series.implementation.name) == "POLARS":
        series = series.alias("")  # methods take a name such as ^a$ for a pattern
    if isinstance(series.dtype, nw.Datetime) and series.dtype.time_zone is not None:
        if polars:
            require_polars()
        series = series.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    if (whole := _whole_cells(series)) is not None:
        return whole
    if isinstance(series.dtype, nw.Decimal):
        series = series.cast(nw.Float64)
    if isinstance(series.dtype, nw.Categorical | nw.Enum):
        if pandas:
            return pandas_types.category_cells(series.to_native())
        series = _dictionary_values(series) if str(series.implementation.name) == "PYARROW" else series.cast(nw.String)
    if polars and series.dtype == nw.String:
        return text_objects(series.to_native())
    nested = isinstance(series.dtype, nw.List | nw.Array | nw.Struct)
    values = objects_of(series.to_list()) if nested else series.to_numpy()
    return values.astype("datetime64[D]") if series.dtype == nw.Date and values.dtype.kind == "M" else values


def _dictionary_values(series: Any) -> Any:
    """An Arrow series of the values of its dictionary."""
    import narwhals as nw

    native = series.to_native()
    return nw.from_native(native.cast(native.type.value_type), series_only=True)


def _whole_cells(series: Any) -> np.ndarray | None:
    """The cells (N,) of integers as objects, where numpy's types have no place for them or floats would round them."""
    import narwhals as nw

    wide = isinstance(series.dtype, nw.Int128 | nw.UInt128)
    if not (wide or isinstance(series.dtype, nw.Decimal) or (series.dtype.is_integer() and series.null_count())):
        return None
    least, most = series.min(), series.max()
    if not wide and (least is None or max(abs(least), abs(most)) < LARGEST_EXACT):
        return None
    return objects_of(series.to_list())


def types_of(frame: Any, container: str) -> tuple[Type, ...]:
    """The type of each column of a frame."""
    if container == "pandas":
        return tuple(pandas_types.type_of(frame.iloc[:, k]) for k in range(frame.shape[1]))
    if container == "polars":
        return tuple(map(polars_types.type_of, frame.get_columns()))
    return tuple(map(arrow_types.type_of, frame.columns))


def build(columns: Mapping[str, np.ndarray], types: Mapping[str, Type], container: str) -> Any:
    """A frame of these columns (N,) in these types; masked cells are missing. "numpy" gives an array (N, D).

    A type that the container does not know, or that cannot hold the values, is left to the container.
    """
    if container == "numpy":
        return _array(columns, types)
    if container == "pandas":
        import pandas as pd

        return pd.DataFrame({name: pandas_types.made(values, types.get(name)) for name, values in columns.items()})
    if container == "polars":
        import polars as pl

        return pl.DataFrame([_polars(name, values, types.get(name)) for name, values in columns.items()])
    if container == "pyarrow":
        import pyarrow as pa

        return pa.table({name: _arrow(values, types.get(name)) for name, values in columns.items()})
    raise SchemaError(unknown_choice("container", container, ["numpy", "pandas", "polars", "pyarrow"]))


def replaced(
    frame: Any,
    columns: Mapping[str, np.ndarray],
    holes: Mapping[str, np.ndarray],
    container: str,
    names: Sequence[str],
) -> Any:
    """A copy of a frame or array whose holes (N,) bool have these values (N,); every other cell, the index and all types stay.

    Columns are found by their place among the names of the table, which a frame of pandas may call otherwise.
    """
    parts = [(names.index(name), columns[name], holes[name]) for name in columns if holes[name].any()]
    if container == "numpy":
        return _filled_array(frame, parts)
    if container == "pandas":
        frame = frame.copy()
        for place, values, own in parts:
            frame.isetitem(place, _filled_pandas(frame.iloc[:, place], values, own))
        return frame
    if container == "polars":
        for place, values, own in parts:
            filled = _filled_polars(frame.to_series(place), values, own)
            frame = frame.clone().replace_column(place, filled)  # not by its name, which might be a pattern
        return frame
    for place, values, own in parts:
        field = frame.schema.field(place)
        frame = frame.set_column(place, field, _filled_arrow(frame.column(place), values, own))
    return frame


def like(frame: Any, columns: Mapping[str, np.ndarray], container: str) -> Any:
    """A frame of other columns (N,) with the index of this one, of numbers in their own type; "numpy" gives an array."""
    if container == "numpy":
        return _array(columns, {})
    made = build(columns, {}, container)
    if container == "pandas":
        made.index = frame.index
    return made


def alike(frame: Any, columns: Mapping[str, np.ndarray], container: str) -> Any:
    """As ``like``, of a column for each of the frame's, in its order; they are called as the frame calls its own."""
    made = like(frame, columns, container)
    if container == "pandas":
        made.columns = frame.columns
    return made


def as_polars(frame: Any, names: Sequence[str]) -> Any:
    """A pandas or Arrow frame as a polars one, whose columns have these names."""
    import polars as pl

    if hasattr(frame, "iloc"):
        return pl.DataFrame([polars_types.from_pandas(name, frame.iloc[:, k]) for k, name in enumerate(names)])
    columns = zip(names, map(arrow_types.as_polars_takes_it, frame.columns), strict=True)
    return pl.DataFrame([pl.Series(name, column) for name, column in columns])


def _filled_pandas(series: Any, values: np.ndarray, holes: np.ndarray) -> Any:
    """A pandas series with its holes filled, in its type; labels that a type does not name yet are added to it."""
    import pandas as pd

    rows = np.flatnonzero(holes)
    if isinstance(series.dtype, pd.CategoricalDtype):
        filled = pandas_types.categorical(values[rows].tolist(), series.dtype)
        series = series.astype(filled.dtype)  # a copy, with the labels that are new
        series.iloc[rows] = filled.array
        return series
    filled = pandas_types.made(values[rows], pandas_types.type_of(series))
    if isinstance(series.dtype, pd.SparseDtype):  # which takes no single cells
        cells = series.sparse.to_dense()
        cells.iloc[rows] = filled.sparse.to_dense().to_numpy()
        return cells.astype(series.dtype)
    if filled.dtype != series.dtype:  # which cannot hold them
        whole = pd.Series(objects_of([None] * len(series)), index=series.index, dtype=object)
        whole.iloc[rows] = filled.array
        return series.where(~holes, whole)
    series = series.copy()
    series.iloc[rows] = filled.array
    return series


def _filled_polars(series: Any, values: np.ndarray, holes: np.ndarray) -> Any:
    import polars as pl

    kind = polars_types.type_of(series)
    if isinstance(series.dtype, pl.Object):  # which no function takes apart
        cells = [
            b if hole else a for a, b, hole in zip(series.to_list(), as_cells(values, kind.cells), holes, strict=True)
        ]
        return pl.Series(series.name, cells, dtype=pl.Object)
    blank = values.copy()
    if values.dtype.kind == "O":
        blank[~holes] = None  # only what is filled has to have the type
    filled = polars_types.made(series.name, blank, series.dtype)
    if isinstance(series.dtype, pl.Enum) and filled.dtype != series.dtype:
        series = series.cast(filled.dtype)
    if filled.dtype != series.dtype:  # which cannot hold them
        return pl.select(pl.when(pl.Series(holes)).then(filled).otherwise(series)).to_series().alias(series.name)
    return filled.zip_with(pl.Series(holes), series).alias(series.name)


def _filled_arrow(column: Any, values: np.ndarray, holes: np.ndarray) -> Any:
    import pyarrow as pa
    import pyarrow.compute

    own = column.type
    filled = arrow_types.made(values, own, arrow_types.type_of(column))
    if filled.type != own:  # which cannot hold them
        return _chosen(holes, filled, column.cast(filled.type))
    if pa.types.is_dictionary(own):
        places = pa.array(np.where(holes, np.arange(len(holes)) + len(holes), np.arange(len(holes))))
        whole = pa.chunked_array([*column.chunks, filled], own).unify_dictionaries()
        return whole.take(places)
    return _chosen(holes, filled, column)


def _chosen(holes: np.ndarray, filled: Any, column: Any) -> Any:
    import pyarrow as pa
    import pyarrow.compute

    try:
        found = getattr(pyarrow.compute, "if_else")(pa.array(holes), filled, column)  # noqa: B009  # made at import
        if found.type == column.type:
            return found
    except pa.ArrowException:  # of types for which Arrow has no such function
        pass
    cells = zip(column.to_pylist(), filled.to_pylist(), holes, strict=True)
    return arrow_types.from_cells([b if hole else a for a, b, hole in cells], column.type)


def _polars(name: str, values: np.ndarray, kind: Type | None) -> Any:
    if kind is None:
        return polars_types.made(name, values, None)
    return polars_types.made(name, values, polars_types.dtype_of(kind), kind.cells)


def _arrow(values: np.ndarray, kind: Type | None) -> Any:
    return arrow_types.made(values, None if kind is None else arrow_types.dtype_of(kind.dtype), kind)


def _array(columns: Mapping[str, np.ndarray], types: Mapping[str, Type]) -> np.ndarray:
    """Columns as an array (N, D), of the type that all had where that holds them."""
    kinds = {types[name].dtype for name in columns if name in types}
    own = None
    if len(kinds) == 1 and set(columns) <= set(types):
        with suppress(TypeError):
            own = np.dtype(kinds.pop())
    if own is not None and own.kind == "O":
        return np.stack([as_cells(values, types[name].cells) for name, values in columns.items()], axis=1)
    array = _stacked(list(columns.values()))
    if own is not None and own.kind in "US":
        return _of_text(array, own.kind)
    if own is None or own.kind not in "biuf" or array.dtype.kind not in "biuf":
        return array
    if own.kind in "biu" and array.dtype.kind == "f" and np.isnan(array).any():  # empty cells, which they cannot hold
        return array
    if own.kind in "iu":
        ends = np.iinfo(own)
        array = np.stack([as_integers(values, int(ends.min), int(ends.max)) for values in array.T], axis=1)
    return array.astype(own)


def _stacked(columns: Sequence[np.ndarray]) -> np.ndarray:
    if any(isinstance(values, np.ma.MaskedArray) for values in columns):
        columns = [
            np.ma.filled(v.astype(np.float64), np.nan)
            if v.dtype.kind in "bf" or (v.dtype.kind in "iu" and not _would_round([v], np.dtype(np.float64)))
            else objects_of(v.tolist())
            for v in columns
        ]
    kinds = {values.dtype.kind for values in columns}
    if kinds <= set("biuf") or len(kinds) == 1:
        whole = [values for values in columns if values.dtype.kind in "iu"]
        if not whole or not _would_round(whole, np.result_type(*(values.dtype for values in columns))):
            return np.stack(columns, axis=1) if columns else np.empty((0, 0))
    return np.stack([objects_of(values.tolist()) for values in columns], axis=1)


def _would_round(columns: Sequence[np.ndarray], dtype: np.dtype[Any]) -> bool:
    """Whether integers in columns would be rounded in that type."""
    return dtype.kind == "f" and any(
        len(values) and max(abs(int(values.min())), abs(int(values.max()))) >= LARGEST_EXACT for values in columns
    )


def _filled_array(array: np.ndarray, parts: Sequence[tuple[int, np.ndarray, np.ndarray]]) -> np.ndarray:
    own, array = array.dtype.kind, array.copy()
    if own in "US":  # of a fixed length, which fills may exceed
        array = array.astype(object)
    for place, values, holes in parts:
        known = cells_word(array[~holes, place])
        array[holes, place] = as_cells(values[holes], known) if known else values[holes]
    return _of_text(array, own) if own in "US" else array


def _of_text(cells: np.ndarray, kind: str) -> np.ndarray:
    """Cells (N, D) as an array of text, or of kind "S" of bytes, as wide as they are."""
    texts = [cell if isinstance(cell, str | bytes) else str(cell) for cell in cells.ravel().tolist()]
    if kind == "S":
        texts = [text if isinstance(text, bytes) else text.encode() for text in texts]
    return np.array(texts, dtype=kind).reshape(cells.shape)


def integer_type(dtype: str) -> Any:
    """The polars type of integers of the columns of text that had this one: of 64 bits, or of 128; None of other types."""
    import polars as pl

    if type_range(dtype) is None:
        return None
    return {"uint64": pl.UInt64, "int128": pl.Int128}.get(dtype.lower(), pl.Int64)
