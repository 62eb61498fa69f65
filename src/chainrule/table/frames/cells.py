"""The cells of a frame's columns as numpy arrays, and the types of the columns."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.table.frames import arrow_types, pandas_types, polars_types
from chainrule.table.frames.fork_safety import require_polars
from chainrule.table.frames.text_objects import text_objects
from chainrule.table.values.cells import objects_of
from chainrule.table.values.exact_integers import LARGEST_EXACT
from chainrule.table.values.types import Type


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
        floats = series.cast(nw.Float64)
        if floats.n_unique() < series.n_unique():  # more digits than float64 holds
            return objects_of(series.to_list())
        series = floats
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


def cells_of_native(series: Any) -> np.ndarray:
    """Returns ``cells_of`` a series of pandas, polars or Arrow."""
    import narwhals as nw

    return cells_of(nw.from_native(series, series_only=True))


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
