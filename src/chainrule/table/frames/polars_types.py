"""Polars types as a schema stores them, and polars columns of these types."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from chainrule.table.frames.fork_safety import require_polars
from chainrule.table.values.cells import label_of, objects_of
from chainrule.table.values.exact_integers import type_range
from chainrule.table.values.types import (
    Type,
    as_cells,
    as_decimals,
    as_integers,
    as_times,
    cells_word,
    known_values,
    own_value,
    unmasked,
    with_new,
    within,
)

MOST_DIGITS = 38  # of decimals


def type_of(series: Any) -> Type:
    """The type of a series."""
    import polars as pl

    if isinstance(series.dtype, pl.Enum):
        return Type("Enum", categories=tuple(series.dtype.categories))
    if isinstance(series.dtype, pl.Object):
        return Type("Object", cells_word(series.to_numpy()))
    return Type(str(series.dtype))


def dtype_of(kind: Type) -> Any:
    """The polars dtype of a type, or the nearest one for types of pandas and Arrow.

    None if this version of polars lacks it.
    """
    import polars as pl

    text = kind.dtype
    if text == "Enum":
        return pl.Enum([label_of(own_value(category)) for category in kind.categories])
    if found := re.fullmatch(r"Datetime\(time_unit='(\w+)', time_zone=(?:None|'([^']*)')\)", text):
        return pl.Datetime(found[1], found[2])  # type: ignore[arg-type]
    if found := re.fullmatch(r"Duration\(time_unit='(\w+)'\)", text):
        return pl.Duration(found[1])  # type: ignore[arg-type]
    if found := re.fullmatch(r"Decimal\(precision=(None|\d+), scale=(\d+)\)", text):
        return pl.Decimal(None if found[1] == "None" else int(found[1]), int(found[2]))
    if text.startswith("Categorical"):
        return _categorical(text)
    found_type = getattr(pl, text, None)
    if isinstance(found_type, type) and issubclass(found_type, pl.DataType):
        return found_type
    return _nearest(text.removesuffix("[pyarrow]"), kind.cells)


def _nearest(text: str, cells: str) -> Any:
    """The polars dtype for a pandas or Arrow type of numbers, dates or times.

    None for other types.
    """
    import polars as pl

    if found := re.fullmatch(
        r"datetime64\[(\w+)(?:, (.+))?\]|timestamp\[(\w+)(?:, tz=(.+))?\]", text
    ):
        unit, zone = found[1] or found[3], found[2] or found[4]
        return pl.Datetime("ms" if unit == "s" else unit, _zone(zone))  # type: ignore[arg-type]
    if found := re.fullmatch(r"(?:datetime|Timestamp)\[(.+)\]", cells):
        return pl.Datetime("us", _zone(found[1]))
    if found := re.fullmatch(r"decimal\d+\((\d+), (\d+)\)", text):
        return pl.Decimal(min(int(found[1]), MOST_DIGITS), int(found[2]))
    if found := re.fullmatch(r"Decimal\((\d+)\)", cells):
        return pl.Decimal(MOST_DIGITS, int(found[1]))
    if found := re.fullmatch(r"(?:timedelta64|duration)\[(\w+)\]", text):
        return pl.Duration("ms" if found[1] == "s" else found[1])  # type: ignore[arg-type]
    names = {
        "float": "Float32",
        "halffloat": "Float16",
        "date32[day]": "Date",
        "date64[ms]": "Date",
        **dict.fromkeys(("time32[s]", "time32[ms]", "time64[us]", "time64[ns]"), "Time"),
    }
    if cells == "date" or text in names:
        return getattr(pl, names.get(text, "Date"), None)
    number = re.fullmatch(r"(u?)(int|float)(8|16|32|64)", text)
    return (
        getattr(pl, f"{number[1].upper()}{number[2].title()}{number[3]}", None) if number else None
    )


def _zone(name: str | None) -> str | None:
    """A time zone as polars takes it.

    Polars knows offsets of whole hours only, under names with the opposite sign.
    """
    if name is None or not (found := re.fullmatch(r"(?:UTC)?([+-])(\d\d):(\d\d)", name)):
        return name
    return f"Etc/GMT{'-' if found[1] == '+' else '+'}{int(found[2])}" if found[3] == "00" else "UTC"


def _categorical(text: str) -> Any:
    import polars as pl

    attributes = dict(re.findall(r'(name|namespace|physical)="?(\w*)"?', text))
    if found := re.search(r'Categories\("(.*)"\)', text):
        attributes["name"] = found[1]
    if not attributes or not hasattr(pl, "Categories"):
        return pl.Categorical()
    physical = getattr(pl, attributes.get("physical", "UInt32"))
    return pl.Categorical(
        pl.Categories(attributes["name"], attributes.get("namespace", ""), physical)
    )  # type: ignore[call-arg]


def made(name: str, values: np.ndarray, dtype: Any, cells: str = "") -> Any:
    """A series of values (N,) in a type, with masked values missing.

    If the type cannot hold them, polars chooses one. New labels follow those of an Enum.
    """
    import polars as pl

    if dtype is None:
        return _as_it_is(name, values)
    try:
        found = _made("", values, dtype, cells)  # its methods take a name such as ^a$ for a pattern
    except (pl.exceptions.PolarsError, TypeError, ValueError, OverflowError):
        return _as_it_is(name, values)
    return _as_it_is(name, values) if found is None else found.alias(name)


def _made(name: str, values: np.ndarray, dtype: Any, cells: str) -> Any:
    import polars as pl

    plain, missing = unmasked(values)
    if isinstance(dtype, pl.Enum):
        categories, found = with_new(dtype.categories.to_list(), known_values(values))
        texts = [label_of(category) for category in categories]
        return pl.Series(name, _texts(found), dtype=pl.Enum(texts))
    if dtype.is_integer():
        least, most = (pl.select(end).item() for end in (dtype.min(), dtype.max()))
        whole = as_integers(values, least, most)
        return pl.Series(name, whole.tolist() if whole.dtype.kind == "O" else whole, dtype=dtype)
    if isinstance(dtype, pl.Decimal):
        return pl.Series(
            name, as_decimals(values, dtype.scale, dtype.precision or MOST_DIGITS), dtype=dtype
        )
    if dtype.is_float() and plain.dtype.kind in "iuf":
        numpy_type = getattr(np, str(dtype).lower())
        numbers = pl.Series(name, within(plain, np.dtype(numpy_type))).cast(dtype)
        return numbers.set(pl.Series(missing), None) if missing.any() else numbers
    if isinstance(dtype, pl.Datetime) and plain.dtype.kind == "M":
        return _times(name, plain, missing, dtype)
    if dtype == pl.String or isinstance(dtype, pl.Categorical):
        return pl.Series(name, _texts(known_values(values)), dtype=pl.String).cast(dtype)
    if isinstance(dtype, pl.Object) or dtype is pl.Object:
        return pl.Series(name, as_cells(values, cells).tolist(), dtype=pl.Object)
    return _as_it_is(name, values).cast(dtype)


def _texts(values: Sequence[Any]) -> list[str | None]:
    return [None if value is None else label_of(value) for value in values]


def _times(name: str, plain: np.ndarray, missing: np.ndarray, dtype: Any) -> Any:
    import polars as pl

    zone = dtype.time_zone
    times = as_times(plain.astype("datetime64[us]"), dtype.time_unit, zone is not None)
    series = pl.Series(name, times)
    if missing.any():
        series = series.set(pl.Series(missing), None)
    if zone is not None:
        require_polars()
        series = series.dt.replace_time_zone("UTC").dt.convert_time_zone(zone)
    return series.cast(dtype)


def _as_it_is(name: str, values: np.ndarray) -> Any:
    import polars as pl

    masked = isinstance(values, np.ma.MaskedArray) and bool(np.ma.getmaskarray(values).any())
    if values.dtype.kind == "M":
        series = pl.Series(name, np.ma.getdata(values).astype("datetime64[us]"))
        return series.set(pl.Series(np.ma.getmaskarray(values)), None) if masked else series
    if not masked and values.dtype.kind != "O":
        return pl.Series(name, np.ma.getdata(values))
    cells = values.tolist()
    if any(isinstance(cell, int) and abs(cell) >= 2**63 for cell in cells):
        return _large(name, cells)
    try:
        found = pl.Series(name, cells, strict=False)
    except (pl.exceptions.PolarsError, TypeError, ValueError):
        found = None
    nested = found is None or isinstance(found.dtype, pl.Object) or found.dtype.is_nested()
    return pl.Series(name, _texts(cells), dtype=pl.String) if nested else found


def from_pandas(name: str, series: Any) -> Any:
    """Converts a pandas series to polars; types that polars lacks become text."""
    import narwhals as nw
    import pandas as pd

    dtype = series.dtype
    if isinstance(dtype, pd.CategoricalDtype) and all(
        isinstance(label, str) for label in dtype.categories
    ):
        dtype = dtype.categories.dtype
    elif isinstance(dtype, pd.SparseDtype):
        series = series.sparse.to_dense()
    elif (
        isinstance(dtype, pd.CategoricalDtype | pd.PeriodDtype | pd.IntervalDtype)
        or dtype.kind == "O"
    ):
        cells = known_values(series.astype(object).to_numpy())
        if not isinstance(dtype, pd.StringDtype | pd.ArrowDtype):
            return _as_it_is(name, objects_of(cells))
    return nw.from_native(series.rename(name), series_only=True).to_polars()


def frame_of(columns: Iterable[Any]) -> Any:
    """A frame of polars series with different names, which stay as they are.

    From a list of series polars makes ``column_3`` of an empty name.
    """
    import polars as pl

    return pl.DataFrame({column.name: column for column in columns})


def as_csv_has_it(frame: Any) -> Any:
    """Converts bytes, times of day and nested values to text, so that CSV can hold the frame."""
    import polars as pl

    columns = [
        pl.Series(column.name, _texts(column.to_list()), dtype=pl.String)
        if column.dtype in (pl.Binary, pl.Time, pl.Object) or column.dtype.is_nested()
        else column
        for column in frame.get_columns()
    ]
    return frame_of(columns)


def _large(name: str, cells: Sequence[Any]) -> Any:
    """Integers beyond 64 bits in a type that holds them, or as text."""
    import polars as pl

    known = [cell for cell in cells if cell is not None]
    if all(isinstance(cell, int) for cell in known):
        if min(known) >= 0 and max(known) < 2**64:
            return pl.Series(name, cells, dtype=pl.UInt64)
        if max(map(abs, known)) < 2**127:
            return pl.Series(name, cells, dtype=pl.Int128)
    return pl.Series(name, _texts(cells), dtype=pl.String)


def integer_type(dtype: str) -> Any:
    """The polars integer type for columns of text of this type, of 64 or 128 bits.

    None for other types.
    """
    import polars as pl

    if type_range(dtype) is None:
        return None
    return {"uint64": pl.UInt64, "int128": pl.Int128}.get(dtype.lower(), pl.Int64)
