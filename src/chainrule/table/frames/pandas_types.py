"""Pandas types as a schema stores them, and pandas columns of these types."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from chainrule.table.frames import arrow_types
from chainrule.table.values.cells import objects_of
from chainrule.table.values.types import (
    Type,
    as_cells,
    as_integers,
    as_times,
    cells_word,
    encoded_labels,
    known_values,
    own_value,
    unmasked,
    with_new,
    within,
)

ARROW = "[pyarrow]"

# Errors of pandas if a type cannot hold values or is unknown; pandas then chooses a type.
CANNOT_HOLD = (TypeError, ValueError, KeyError, NotImplementedError, OverflowError, ImportError)


def type_of(series: Any) -> Type:
    """The type of a series or an index."""
    import pandas as pd

    dtype = series.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return Type(_text(dtype), categories=encoded_labels(dtype.categories))
    if isinstance(dtype, pd.ArrowDtype):
        return Type(_text(dtype), categories=arrow_types.categories_of(_arrow_array(series)))
    word = (
        cells_word(series.to_numpy()) if dtype.kind == "O" and isinstance(dtype, np.dtype) else ""
    )
    return Type(_text(dtype), word)


def category_cells(series: Any) -> np.ndarray:
    """The cells (N,) of a category.

    Dates and durations stay pandas objects, since they are labels.
    """
    categories = getattr(series.dtype, "categories", None)
    if categories is not None and categories.dtype.kind in "mM":
        return series.astype(object).to_numpy()
    return series.to_numpy()


def _arrow_array(series: Any) -> Any:
    import pyarrow as pa

    found = series.array.__arrow_array__()
    return found if isinstance(found, pa.ChunkedArray) else pa.chunked_array([found])


def _text(dtype: Any) -> str:
    """The name of a type as pandas writes it, with the type of categories and of stored text."""
    import pandas as pd

    if isinstance(dtype, pd.CategoricalDtype):
        return f"category[{_text(dtype.categories.dtype)}]" + (", ordered" if dtype.ordered else "")
    if isinstance(dtype, pd.ArrowDtype):
        return f"{dtype.pyarrow_dtype}{ARROW}"
    if isinstance(dtype, pd.StringDtype) and pd.api.types.pandas_dtype(str(dtype)) != dtype:
        return f"{dtype}, {dtype.storage}"
    return str(dtype)


def dtype_of(kind: Type) -> Any:
    """The pandas dtype of a type; None if this version of pandas lacks it."""
    try:
        return _parsed(kind)
    except CANNOT_HOLD:
        return None


def _parsed(kind: Type) -> Any:
    import pandas as pd

    text = kind.dtype
    if found := re.fullmatch(r"category(?:\[(.*)\])?(, ordered)?", text):
        labels = list(map(own_value, kind.categories))
        categories = pd.Index(
            labels, dtype=dtype_of(Type(found[1])) if found[1] else None, tupleize_cols=False
        )
        return pd.CategoricalDtype(categories, ordered=found[2] is not None)
    if text.endswith(ARROW):
        found_type = arrow_types.dtype_of(text.removesuffix(ARROW))
        return None if found_type is None else pd.ArrowDtype(found_type)
    if found := re.fullmatch(r"(string|str), (python|pyarrow)", text):
        return pd.StringDtype(found[2], na_value=pd.NA if found[1] == "string" else np.nan)  # type: ignore[arg-type]
    if found := re.fullmatch(r"Sparse\[(\w+), (.*)\]", text):
        subtype, fills = np.dtype(found[1]), {"nan": np.nan, "True": True, "False": False}
        return pd.SparseDtype(
            subtype, fills[found[2]] if found[2] in fills else subtype.type(found[2]).item()
        )
    return pd.api.types.pandas_dtype(text)


def made(values: np.ndarray, kind: Type | None) -> Any:
    """A series of values (N,) in a type, with masked values missing.

    If the type cannot hold them, pandas chooses one.
    """
    import pandas as pd

    dtype = None if kind is None else dtype_of(kind)
    if kind is None or dtype is None:
        return _as_it_is(values)
    try:
        if isinstance(dtype, np.dtype) and dtype.kind == "O":
            return pd.Series(as_cells(values, kind.cells), dtype=object)
        if isinstance(dtype, pd.SparseDtype):
            return made(values, Type(str(dtype.subtype))).astype(dtype)
        if isinstance(dtype, pd.ArrowDtype):
            array = arrow_types.made(values, dtype.pyarrow_dtype, kind)
            return pd.Series(pd.array(array, dtype=pd.ArrowDtype(array.type)))
        return _made(values, dtype)
    except CANNOT_HOLD:
        return _as_it_is(values)


def _made(values: np.ndarray, dtype: Any) -> Any:
    import pandas as pd

    plain, missing = unmasked(values)
    if isinstance(dtype, pd.CategoricalDtype):
        return categorical(known_values(values), dtype)
    if plain.dtype.kind == "M":
        return _times(plain, missing, dtype)
    if pd.api.types.is_integer_dtype(dtype):
        bounds = np.iinfo(getattr(dtype, "numpy_dtype", dtype))
        return pd.Series(as_integers(values, int(bounds.min), int(bounds.max))).astype(dtype)
    if pd.api.types.is_float_dtype(dtype) and plain.dtype.kind in "iuf":
        numbers = within(plain, getattr(dtype, "numpy_dtype", dtype))
        return pd.Series(np.where(missing, np.nan, numbers)).astype(dtype)
    return _as_it_is(values).astype(dtype)


def categorical(cells: list[Any], dtype: Any) -> Any:
    """A series of cells as a category; new labels follow those of the category."""
    import pandas as pd

    categories, found = with_new(list(dtype.categories), cells)
    if len(categories) > len(dtype.categories):
        index = pd.Index(categories, tupleize_cols=False)
        if index.dtype != dtype.categories.dtype:
            index = _in_type(index, dtype.categories.dtype)
        dtype = pd.CategoricalDtype(index, ordered=dtype.ordered)
    return pd.Series(objects_of(found), dtype=object).astype(dtype)


def _in_type(index: Any, dtype: Any) -> Any:
    try:
        changed = index.astype(dtype)
    except CANNOT_HOLD:
        return index
    return changed if list(changed) == list(index) else index


def _times(plain: np.ndarray, missing: np.ndarray, dtype: Any) -> Any:
    import pandas as pd

    zone = getattr(dtype, "tz", None)
    unit = getattr(dtype, "unit", None) or np.datetime_data(dtype)[0]
    times = np.where(missing, np.datetime64("NaT"), plain).astype("datetime64[us]")
    series = pd.Series(as_times(times, unit, zone is not None))
    if zone is not None:
        series = series.dt.tz_localize("UTC").dt.tz_convert(zone)
    return series.astype(dtype)


def _as_it_is(values: np.ndarray) -> Any:
    import pandas as pd

    masked = isinstance(values, np.ma.MaskedArray) and bool(np.ma.getmaskarray(values).any())
    plain = np.ma.getdata(values)
    if plain.dtype.kind == "M":
        plain = plain.astype("datetime64[us]")
        if masked:
            plain = np.where(np.ma.getmaskarray(values), np.datetime64("NaT"), plain)
        return pd.Series(plain)
    return pd.Series(objects_of(values.tolist()) if masked else plain)
