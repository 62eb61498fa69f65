"""Data frames in and out: types of columns, new frames, and frames with missing cells filled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from chainrule.errors import SchemaError, unknown_choice
from chainrule.table.frames import arrow_types, pandas_types, polars_types
from chainrule.table.frames.fork_safety import require_polars
from chainrule.table.frames.text_objects import text_objects
from chainrule.table.values.cells import objects_of
from chainrule.table.values.exact_integers import LARGEST_EXACT, type_range
from chainrule.table.values.types import Type, as_cells, as_integers, cells_word


def cells_of(series: Any) -> np.ndarray:
    """The values (N,) of a narwhals series: numbers, booleans, numpy datetimes or objects.

    Datetimes with a zone are converted to UTC.
    """
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
        series = (
            _dictionary_values(series)
            if str(series.implementation.name) == "PYARROW"
            else series.cast(nw.String)
        )
    if polars and series.dtype == nw.String:
        return text_objects(series.to_native())
    nested = isinstance(series.dtype, nw.List | nw.Array | nw.Struct)
    values = objects_of(series.to_list()) if nested else series.to_numpy()
    return (
        values.astype("datetime64[D]")
        if series.dtype == nw.Date and values.dtype.kind == "M"
        else values
    )


def _dictionary_values(series: Any) -> Any:
    """An Arrow series decoded from its dictionary."""
    import narwhals as nw

    native = series.to_native()
    return nw.from_native(native.cast(native.type.value_type), series_only=True)


def _whole_cells(series: Any) -> np.ndarray | None:
    """Integers (N,) as objects, if numpy has no type for them or floats would round them."""
    import narwhals as nw

    wide = isinstance(series.dtype, nw.Int128 | nw.UInt128)
    if not (
        wide
        or isinstance(series.dtype, nw.Decimal)
        or (series.dtype.is_integer() and series.null_count())
    ):
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
    """A frame of columns (N,) in these types, with masked cells missing.

    "numpy" gives an array (N, D).

    The container chooses a type if it does not know one, or if the type cannot hold the values.
    """
    if container == "numpy":
        return _array(columns, types)
    if container == "pandas":
        import pandas as pd

        return pd.DataFrame(
            {name: pandas_types.made(values, types.get(name)) for name, values in columns.items()}
        )
    if container == "polars":
        import polars as pl

        return pl.DataFrame(
            [_polars(name, values, types.get(name)) for name, values in columns.items()]
        )
    if container == "pyarrow":
        import pyarrow as pa

        return pa.table({name: _arrow(values, types.get(name)) for name, values in columns.items()})
    raise SchemaError(
        unknown_choice("container", container, ["numpy", "pandas", "polars", "pyarrow"])
    )


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
        return _filled_array(frame, filled_columns)
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


def like(frame: Any, columns: Mapping[str, np.ndarray], container: str) -> Any:
    """A frame of other columns (N,) with this frame's index; "numpy" gives an array.

    Numbers keep their own type.
    """
    if container == "numpy":
        return _array(columns, {})
    made = build(columns, {}, container)
    if container == "pandas":
        made.index = frame.index
    return made


def like_named(frame: Any, columns: Mapping[str, np.ndarray], container: str) -> Any:
    """As ``like``, for one new column per column of the frame, with the frame's column labels."""
    made = like(frame, columns, container)
    if container == "pandas":
        made.columns = frame.columns
    return made


def as_polars(frame: Any, names: Sequence[str]) -> Any:
    """Converts a pandas or Arrow frame to polars, with these column names."""
    import polars as pl

    if hasattr(frame, "iloc"):
        return pl.DataFrame(
            [polars_types.from_pandas(name, frame.iloc[:, k]) for k, name in enumerate(names)]
        )
    columns = zip(names, map(arrow_types.as_polars_takes_it, frame.columns), strict=True)
    return pl.DataFrame([pl.Series(name, column) for name, column in columns])


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


def _polars(name: str, values: np.ndarray, kind: Type | None) -> Any:
    if kind is None:
        return polars_types.made(name, values, None)
    return polars_types.made(name, values, polars_types.dtype_of(kind), kind.cells)


def _arrow(values: np.ndarray, kind: Type | None) -> Any:
    return arrow_types.made(
        values, None if kind is None else arrow_types.dtype_of(kind.dtype), kind
    )


def _array(columns: Mapping[str, np.ndarray], types: Mapping[str, Type]) -> np.ndarray:
    """Columns as an array (N, D), in their common type if it holds the values."""
    kinds = {types[name].dtype for name in columns if name in types}
    own = None
    if len(kinds) == 1 and set(columns) <= set(types):
        with suppress(TypeError):
            own = np.dtype(kinds.pop())
    if own is not None and own.kind == "O":
        return np.stack(
            [as_cells(values, types[name].cells) for name, values in columns.items()], axis=1
        )
    array = _stacked(list(columns.values()))
    if own is not None and own.kind in "US":
        return _of_text(array, own.kind)
    if own is None or own.kind not in "biuf" or array.dtype.kind not in "biuf":
        return array
    if own.kind in "biu" and array.dtype.kind == "f" and np.isnan(array).any():
        return array  # the type cannot hold missing cells
    if own.kind in "iu":
        ends = np.iinfo(own)
        array = np.stack(
            [as_integers(values, int(ends.min), int(ends.max)) for values in array.T], axis=1
        )
    return array.astype(own)


def _stacked(columns: Sequence[np.ndarray]) -> np.ndarray:
    if any(isinstance(values, np.ma.MaskedArray) for values in columns):
        columns = [
            np.ma.filled(v.astype(np.float64), np.nan)
            if v.dtype.kind in "bf"
            or (v.dtype.kind in "iu" and not _would_round([v], np.dtype(np.float64)))
            else objects_of(v.tolist())
            for v in columns
        ]
    kinds = {values.dtype.kind for values in columns}
    if kinds <= set("biuf") or len(kinds) == 1:
        whole = [values for values in columns if values.dtype.kind in "iu"]
        if not whole or not _would_round(
            whole, np.result_type(*(values.dtype for values in columns))
        ):
            return np.stack(columns, axis=1) if columns else np.empty((0, 0))
    return np.stack([objects_of(values.tolist()) for values in columns], axis=1)


def _would_round(columns: Sequence[np.ndarray], dtype: np.dtype[Any]) -> bool:
    """Whether that type would round integers in the columns."""
    return dtype.kind == "f" and any(
        len(values) and max(abs(int(values.min())), abs(int(values.max()))) >= LARGEST_EXACT
        for values in columns
    )


def _filled_array(
    array: np.ndarray, filled_columns: Sequence[tuple[int, np.ndarray, np.ndarray]]
) -> np.ndarray:
    own, array = array.dtype.kind, array.copy()
    if own in "US":  # text of fixed length, which fills may exceed
        array = array.astype(object)
    for place, values, missing in filled_columns:
        known = cells_word(array[~missing, place])
        array[missing, place] = as_cells(values[missing], known) if known else values[missing]
    return _of_text(array, own) if own in "US" else array


def _of_text(cells: np.ndarray, kind: str) -> np.ndarray:
    """Cells (N, D) as an array of text, or of bytes for kind "S", as wide as needed."""
    texts = [
        cell if isinstance(cell, str | bytes) else str(cell) for cell in cells.ravel().tolist()
    ]
    if kind == "S":
        texts = [text if isinstance(text, bytes) else text.encode() for text in texts]
    return np.array(texts, dtype=kind).reshape(cells.shape)


def integer_type(dtype: str) -> Any:
    """The polars integer type for columns of text of this type, of 64 or 128 bits.

    None for other types.
    """
    import polars as pl

    if type_range(dtype) is None:
        return None
    return {"uint64": pl.UInt64, "int128": pl.Int128}.get(dtype.lower(), pl.Int64)
