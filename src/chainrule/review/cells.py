"""Cells of frames as text, and texts as values of a column's type."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.errors import SchemaError
from chainrule.table import Table, csv_chunks
from chainrule.table.files.fields import FieldText
from chainrule.table.files.text_files import Layout
from chainrule.table.files.typed_text import typed
from chainrule.table.frames import arrow_types, polars_types
from chainrule.table.frames.build import as_polars, build
from chainrule.table.values.cells import objects_of


def polars_cells(table: Table, position: int, rows: np.ndarray) -> Any:
    """Some cells (n,) of a column of a frame or array, as a polars series."""
    if table.container == "polars":
        return table.frame.to_series(position).gather(rows)
    if table.container == "pandas":
        return polars_types.from_pandas("", table.frame.iloc[rows, position])
    if table.container == "pyarrow":
        import polars as pl

        column = table.frame.column(position).take(rows)
        return pl.Series("", arrow_types.as_polars_takes_it(column))
    return build({"": table.columns[position][rows]}, {}, "polars").to_series(0)


def polars_frame(table: Table) -> Any:
    """A frame or array as a polars frame."""
    if table.container == "polars" and table.frame is not None:
        return table.frame
    if table.container in ("pandas", "pyarrow") and table.frame is not None:
        return as_polars(table.frame, table.names)
    return build(dict(zip(table.names, table.columns, strict=True)), {}, "polars")


def as_text(frame: Any, source: str) -> FieldText:
    """A polars frame as the CSV that chainrule writes; missing numbers are empty, as all cells."""
    import polars as pl

    # Columns are unnamed meanwhile, since polars takes a name such as ^a$ for a pattern.
    columns = {
        column.name: column.alias("").fill_nan(None) if column.dtype.is_float() else column
        for column in frame.get_columns()
    }
    written = "".join(csv_chunks(iter([pl.DataFrame(columns)])))
    return FieldText(written, Layout(",", tuple(frame.columns), named=True), source)


def texts_of(cells: Any) -> list[str]:
    """A polars series of cells as the CSV that chainrule writes has them; "" if missing."""
    import polars as pl

    # Beside a number no row is blank.
    frame = pl.DataFrame([pl.Series("row", range(len(cells))), cells.alias("cell")])
    return [fields[1].text for _, fields in as_text(frame, "the cells").rows()]


def values_of(texts: Sequence[str], dtype: Any) -> list[Any]:
    """Texts as values of a polars type; None for "" and for texts that the type cannot hold."""
    import polars as pl

    text = pl.Series([each.strip() or None for each in texts], dtype=pl.String)
    if dtype.is_numeric():
        found = text.cast(dtype, strict=False)
        if dtype.is_integer():  # "39.0" is an integer too
            whole = text.str.replace(r"\.0*$", "").cast(dtype, strict=False)
            found = found.fill_null(whole)
    elif dtype == pl.Boolean:
        found = text.str.to_lowercase().replace_strict(
            {"true": True, "false": False}, default=None, return_dtype=pl.Boolean
        )
    elif dtype.is_temporal():
        found = pl.concat([_time(each, dtype) for each in text.to_list()])
    else:
        return [each or None for each in texts]
    return found.to_list()


def as_array(values: Sequence[Any], dtype: Any) -> np.ndarray:
    """Values (n,) of a polars type as the array that frames take; unknown numbers are NaN."""
    import polars as pl

    series = pl.Series(values, dtype=dtype) if dtype.is_numeric() or dtype.is_temporal() else None
    if series is None or dtype.is_decimal() or (dtype.is_integer() and series.null_count()):
        return objects_of(list(values))
    if isinstance(dtype, pl.Datetime) and dtype.time_zone is not None:
        series = series.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    return series.to_numpy()


def _time(text: str | None, dtype: Any) -> Any:
    """A text as a polars series of one cell; null if it is no such time."""
    import polars as pl

    series = pl.Series([text], dtype=pl.String)
    if text is None:
        return series.cast(dtype)
    zone = getattr(dtype, "time_zone", None)
    if zone is not None:
        zoned = series.str.to_datetime("%Y-%m-%d %H:%M:%S%.f%:z", strict=False, time_unit="us")
        return zoned.dt.convert_time_zone(zone).cast(dtype)
    if dtype == pl.Time:
        return series.str.to_time("%H:%M:%S%.f", strict=False)
    found = typed(series)
    if not found.dtype.is_temporal():
        return pl.Series([None], dtype=dtype)
    return found.cast(dtype)


def require_type(position: int, before: Table, after: Table, where: str) -> None:
    """Raises SchemaError if a column of a frame has another type than before."""
    was, now = before.type_of(position).dtype, after.type_of(position).dtype
    if was != now:
        raise SchemaError(
            f"{where}: column {before.names[position]!r} of {before.source} holds {was}, which "
            f"cannot hold the new cell; change the column's type first, or correct the patch"
        )
