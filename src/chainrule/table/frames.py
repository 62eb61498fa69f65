"""Data frames in and out: the types of their columns, frames built anew, and frames with holes filled."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.errors import SchemaError, unknown_choice
from chainrule.table.cells import label_of, objects_of
from chainrule.table.exact import LARGEST_EXACT, integer_of, type_range

# What pandas raises where a type cannot hold values (the last two of types that others bring), or a time zone is not known:
# the column is then of the type that pandas finds for it.
CANNOT_HOLD = (TypeError, ValueError, KeyError, NotImplementedError, OverflowError)


def cells_of(series: Any) -> np.ndarray:
    """The values (N,) of a narwhals series: numbers, booleans, numpy datetimes (UTC where there is a zone), or objects."""
    import narwhals as nw

    pandas = str(series.implementation.name) == "PANDAS"
    if isinstance(series.dtype, nw.Datetime) and series.dtype.time_zone is not None:
        series = series.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    if (whole := _whole_cells(series)) is not None:
        return whole
    if isinstance(series.dtype, nw.Decimal):
        series = series.cast(nw.Float64)
    if isinstance(series.dtype, nw.Categorical | nw.Enum) and not pandas:
        series = series.cast(nw.String)
    nested = isinstance(series.dtype, nw.List | nw.Array | nw.Struct)
    values = objects_of(series.to_list()) if nested else series.to_numpy()
    return values.astype("datetime64[D]") if series.dtype == nw.Date and values.dtype.kind == "M" else values


def _whole_cells(series: Any) -> np.ndarray | None:
    """The cells (N,) of integers as objects, where numpy's types have no place for them or floats would round them."""
    import narwhals as nw

    wide = isinstance(series.dtype, nw.Int128 | nw.UInt128)
    if not (wide or isinstance(series.dtype, nw.Decimal) or (series.dtype.is_integer() and series.null_count())):
        return None
    least, most = series.min(), series.max()
    if least is None or (not wide and max(abs(least), abs(most)) < LARGEST_EXACT):
        return None if not wide else objects_of(series.to_list())
    return objects_of(series.to_list())


def dtypes_of(frame: Any, container: str) -> tuple[str, ...]:
    """The type of each column, as its container writes it, without the labels that some types name."""
    if container == "pandas":
        return tuple(f"{d}, ordered" if getattr(d, "ordered", False) else str(d) for d in frame.dtypes)
    if container == "polars":
        return tuple(
            str(dtype).split("(")[0] if str(dtype).startswith("Enum") else str(dtype) for dtype in frame.dtypes
        )
    return tuple(str(field.type) for field in frame.schema)


def categories_of(frame: Any, container: str) -> dict[str, tuple[str, ...]]:
    """The labels of columns whose type names them, in its order."""
    if container == "pandas":
        import pandas as pd

        types = [(str(name), dtype) for name, dtype in zip(frame.columns, frame.dtypes, strict=True)]
        return {n: tuple(map(label_of, d.categories)) for n, d in types if isinstance(d, pd.CategoricalDtype)}
    if container == "polars":
        return {n: tuple(d.categories) for n, d in frame.schema.items() if str(d).startswith("Enum")}
    return {}


def build(
    columns: Mapping[str, np.ndarray],
    dtypes: Mapping[str, str],
    container: str,
    categories: Mapping[str, Sequence[Any]] | None = None,
) -> Any:
    """A frame of these columns (N,) in these types; masked cells are missing. "numpy" gives an array (N, D).

    ``categories`` are the labels of types that name them. A type that the container does not know, or that cannot hold the
    values, is left to the container.
    """
    if container == "numpy":
        return _stacked(list(columns.values()))
    if container == "pandas":
        import pandas as pd

        made = {n: _pandas(v, dtypes.get(n), (categories or {}).get(n)) for n, v in columns.items()}
        return pd.DataFrame(made)
    if container == "polars":
        import polars as pl

        labels = categories or {}
        types = {name: _polars_type(dtypes.get(name), labels.get(name)) for name in columns}
        return pl.DataFrame([_polars(name, values, types[name]) for name, values in columns.items()])
    if container == "pyarrow":
        import pyarrow as pa

        return pa.table({name: _arrow(values, _arrow_type(dtypes.get(name))) for name, values in columns.items()})
    raise SchemaError(unknown_choice("container", container, ["numpy", "pandas", "polars", "pyarrow"]))


def replaced(frame: Any, columns: Mapping[str, np.ndarray], holes: Mapping[str, np.ndarray], container: str) -> Any:
    """A copy of a frame or array whose holes (N,) bool have these values (N,); every other cell, the index and all types stay."""
    if container == "numpy":
        names = [f"x{k}" for k in range(frame.shape[1])]
        return _filled_array(frame, [(names.index(name), columns[name], holes[name]) for name in columns])
    if container == "pandas":
        frame = frame.copy()
        for name, values in columns.items():
            place = list(map(str, frame.columns)).index(name)
            series = frame.iloc[:, place]
            if holes[name].any():
                frame.isetitem(place, _filled_pandas(series, values, holes[name]))
        return frame
    if container == "polars":
        import polars as pl

        for name, values in columns.items():
            if holes[name].any():
                series = frame.get_column(name)
                if isinstance(series.dtype, pl.Enum):
                    new = sorted(set(values[holes[name]].tolist()) - set(series.dtype.categories))
                    series = series.cast(pl.Enum([*series.dtype.categories, *new])) if new else series
                filled = _polars(name, values, series.dtype)
                frame = frame.with_columns(filled.zip_with(pl.Series(holes[name]), series).alias(name))
        return frame
    import pyarrow as pa
    import pyarrow.compute

    if_else = getattr(pyarrow.compute, "if_else")  # noqa: B009  # made at import, unknown to type checkers
    for name, values in columns.items():
        if holes[name].any():
            place = frame.schema.get_field_index(name)
            own = frame.column(name)
            filled = _arrow(values, own.type)
            if pa.types.is_dictionary(own.type):
                own, filled = own.cast(own.type.value_type), filled.cast(own.type.value_type)
                chosen = if_else(pa.array(holes[name]), filled, own).cast(frame.schema.field(place).type)
            else:
                chosen = if_else(pa.array(holes[name]), filled, own)
            frame = frame.set_column(place, frame.schema.field(place), chosen)
    return frame


def like(frame: Any, columns: Mapping[str, np.ndarray], container: str) -> Any:
    """A frame of other columns (N,) with the index of this one, of numbers in their own type; "numpy" gives an array."""
    if container == "numpy":
        return _stacked(list(columns.values()))
    made = build(columns, {}, container)
    if container == "pandas":
        made.index = frame.index
        if list(map(str, frame.columns)) == list(columns):
            made.columns = frame.columns
    return made


def as_polars(frame: Any) -> Any:
    """A pandas or Arrow frame as a polars one."""
    import narwhals as nw

    return nw.from_native(frame, eager_only=True).to_polars()


def _filled_pandas(series: Any, values: np.ndarray, holes: np.ndarray) -> Any:
    """A pandas series with its holes filled, in its type; labels that a type does not name yet are added to it."""
    import pandas as pd

    if isinstance(series.dtype, pd.CategoricalDtype):
        own = {label_of(category): category for category in series.cat.categories}
        chosen = [own.get(label_of(value), value) for value in values[holes].tolist()]
        missing = list(dict.fromkeys(value for value in chosen if label_of(value) not in own))
        series = series.cat.add_categories(missing) if missing else series.copy()
        series.iloc[np.flatnonzero(holes)] = chosen
        return series
    filled = _pandas(values, str(series.dtype))
    filled.index = series.index
    return series.where(~holes, filled)


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
    array = array.copy()
    if array.dtype.kind in "US":  # of a fixed length, which fills may exceed
        array = array.astype(object)
    for place, values, holes in parts:
        array[holes, place] = values[holes]
    return array


def _whole(values: np.ndarray) -> np.ndarray:
    """Numbers rounded to integers, as a type of integers has to have them."""
    return np.round(values).astype(np.int64) if values.dtype.kind == "f" else values


def _pandas(values: np.ndarray, dtype: str | None, categories: Any = None) -> Any:
    import pandas as pd

    if dtype is not None and dtype.lower().startswith(("int", "uint")):
        values = _whole(values)
    if values.dtype.kind == "M":
        if dtype == "object":
            return pd.Series(objects_of(values.tolist()), dtype=object)
        values = values.astype("datetime64[us]")
    masked = isinstance(values, np.ma.MaskedArray) and bool(np.ma.getmaskarray(values).any())
    series = pd.Series(objects_of(values.tolist()) if masked else np.ma.getdata(values))
    if dtype is None:
        return series
    try:
        if dtype.startswith("category"):
            return series.astype(pd.CategoricalDtype(categories, ordered=dtype.endswith("ordered")))
        if dtype.startswith("datetime64") and "," in dtype:
            zone = dtype.split(",")[1].strip(" ]")
            return (
                pd.to_datetime(series)
                .dt.tz_localize("UTC")
                .dt.tz_convert(zone)
                .astype(pd.api.types.pandas_dtype(dtype))
            )
        return series.astype(pd.api.types.pandas_dtype(dtype))
    except CANNOT_HOLD:
        return series


def _polars(name: str, values: np.ndarray, wanted: Any) -> Any:
    import polars as pl

    if wanted is not None and wanted.is_integer():
        values = _whole(values)
    masked = isinstance(values, np.ma.MaskedArray) and bool(np.ma.getmaskarray(values).any())
    if values.dtype.kind == "M":
        series = pl.Series(name, np.ma.getdata(values).astype("datetime64[us]"))
        if masked:
            series = series.set(pl.Series(np.ma.getmaskarray(values)), None)
    elif masked or values.dtype.kind == "O":
        cells = values.tolist()
        if any(isinstance(cell, int) and abs(cell) >= 2**63 for cell in cells):
            dtype = _integers(cells)
            cells = cells if dtype != pl.String else [None if cell is None else label_of(cell) for cell in cells]
            series = pl.Series(name, cells, dtype=dtype)
        else:
            series = pl.Series(name, cells, strict=False)
    else:
        series = pl.Series(name, np.ma.getdata(values))
    if wanted is None or series.dtype == wanted:
        return series
    zone = getattr(wanted, "time_zone", None)
    try:
        if zone is not None:
            series = series.dt.replace_time_zone("UTC").dt.convert_time_zone(zone)
        return series.cast(wanted)
    except pl.exceptions.PolarsError:
        return series


def _integers(cells: Sequence[Any]) -> Any:
    """The polars type of cells that are integers or missing; that of text where they are not, or too large for any."""
    import polars as pl

    known = [integer_of(cell) for cell in cells if cell is not None]
    whole = [number for number in known if number is not None]
    if len(whole) == len(known) and min(whole) >= 0 and max(whole) < 2**64:
        return pl.UInt64
    fits = len(whole) == len(known) and max(map(abs, whole)) < 2**127
    return pl.Int128 if fits else pl.String


def integer_type(dtype: str) -> Any:
    """The polars type of integers of the columns of text that had this one: of 64 bits, or of 128; None of other types."""
    import polars as pl

    if type_range(dtype) is None:
        return None
    return {"uint64": pl.UInt64, "int128": pl.Int128}.get(dtype.lower(), pl.Int64)


def _polars_type(dtype: str | None, categories: Sequence[Any] | None = None) -> Any:
    import polars as pl

    if dtype is None or dtype.startswith("Decimal"):
        return None
    if dtype == "Enum":
        return pl.Enum(list(categories or []))
    if dtype.startswith("Datetime"):
        found = re.fullmatch(r"Datetime\(time_unit='(\w+)', time_zone=(?:None|'([^']*)')\)", dtype)
        return None if found is None else pl.Datetime(found[1], found[2])  # type: ignore[arg-type]
    found_type = getattr(pl, dtype, None)
    return found_type if isinstance(found_type, type) and issubclass(found_type, pl.DataType) else None


def _arrow(values: np.ndarray, wanted: Any) -> Any:
    import pyarrow as pa

    if wanted is not None and pa.types.is_integer(wanted):
        values = _whole(values)
    mask = np.ma.getmaskarray(values) if isinstance(values, np.ma.MaskedArray) else None
    plain = np.ma.getdata(values)
    if plain.dtype.kind == "M" and np.datetime_data(plain.dtype)[0] not in ("D", "s", "ms", "us", "ns"):
        plain = plain.astype("datetime64[s]")
    if plain.dtype.kind == "O" and any(isinstance(cell, int) and abs(cell) >= 2**63 for cell in plain.tolist()):
        known = plain if mask is None else plain[~mask]
        unsigned = all(isinstance(cell, int) and 0 <= cell < 2**64 for cell in known.tolist() if cell is not None)
        array = pa.array(plain, mask=mask, type=pa.uint64() if unsigned else pa.decimal256(76))
    else:
        array = pa.array(plain, mask=mask)
    if wanted is None or array.type == wanted:
        return array
    try:
        if pa.types.is_dictionary(wanted):
            return array.cast(wanted.value_type).dictionary_encode().cast(wanted)
        if pa.types.is_timestamp(wanted) and wanted.tz is not None:
            array = array.cast(pa.timestamp(wanted.unit)).cast(pa.timestamp(wanted.unit, "UTC"))
        return array.cast(wanted)
    except (
        pa.ArrowInvalid,
        pa.ArrowNotImplementedError,
    ):  # values that the type cannot hold, or a cast that Arrow lacks
        return array


def _arrow_type(dtype: str | None) -> Any:
    import pyarrow as pa

    if dtype is None:
        return None
    if dtype.startswith("dictionary"):
        return pa.dictionary(pa.int32(), pa.string())
    if found := re.fullmatch(r"timestamp\[(\w+)(?:, tz=(.+))?\]", dtype):
        return pa.timestamp(found[1], found[2])
    aliases = {"date32[day]": "date32", "date64[ms]": "date64", "double": "float64", "float": "float32"}
    try:
        return pa.type_for_alias(aliases.get(dtype, dtype))
    except ValueError:
        return None
