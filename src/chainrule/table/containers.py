"""Arrays and data frames as tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.arguments import first_repeated
from chainrule.errors import SchemaError
from chainrule.table.frames.build import build
from chainrule.table.frames.cells import cells_of, types_of
from chainrule.table.frames.column_index import names_and_index
from chainrule.table.schema import CONTAINERS
from chainrule.table.table import Table
from chainrule.table.values.cells import COMPLEX
from chainrule.table.values.exact_integers import LARGEST_EXACT


def _require_cells(names: Sequence[str], columns: Sequence[np.ndarray], source: str) -> None:
    """Raises SchemaError for columns of complex numbers or of records."""
    for name, values in zip(names, columns, strict=True):
        if values.dtype.kind == "c":
            raise SchemaError(f"{source}: column {name!r} holds {COMPLEX}")
        if values.dtype.kind == "V":
            raise SchemaError(
                f"{source}: column {name!r} holds records of type {values.dtype}; give each field "
                "a column"
            )


def from_array(values: np.ndarray, source: str) -> Table:
    """An array (N, D) as a table; masked cells are missing.

    Raises:
        SchemaError: it does not have two axes, or holds records or complex numbers.
    """
    if values.dtype.kind == "V":
        fields = (
            f"records of the fields {', '.join(map(repr, values.dtype.names))}"
            if values.dtype.names
            else "raw bytes"
        )
        raise SchemaError(
            f"{source}: an array of {fields}; pass a data frame, such as pandas.DataFrame(array)"
        )
    if values.ndim != 2:
        raise SchemaError(
            f"{source}: {values.ndim} axes of sizes {values.shape}; a table has two, (rows, "
            "columns): reshape it"
        )
    if values.shape[1] == 0:
        raise SchemaError(f"{source}: no columns")
    if isinstance(values, np.ma.MaskedArray) and values.dtype.kind != "c":
        values = _filled(values)
    names, columns = _numbered(values.shape[1]), tuple(values.T)
    _require_cells(names, columns, source)
    return Table(names, columns, source, frame=values)


def _filled(values: np.ma.MaskedArray) -> np.ndarray:
    """A masked array with NaN for masked cells; large integers become objects with None."""
    if (
        values.dtype.kind in "iu"
        and max(abs(int(values.min() or 0)), abs(int(values.max() or 0))) >= LARGEST_EXACT
    ):
        found = np.ma.getdata(values).astype(object)
        found[np.ma.getmaskarray(values)] = None
        return found
    return np.ma.filled(values.astype(np.float64), np.nan)


def without_names(table: Table) -> Table:
    """A text file without names, as an array of its columns."""
    array = build(dict(zip(table.names, table.columns, strict=True)), {}, "numpy")
    return replace(table, container="numpy", named=False, frame=array)


def _numbered(columns: int) -> tuple[str, ...]:
    return tuple(f"x{k}" for k in range(columns))


def from_frame(frame: Any, source: str, first_line: int | None = None) -> Table:
    """A pandas, polars or Arrow frame as a table.

    Raises:
        SchemaError: it is no such frame, has no columns, or a name appears twice.
    """
    import narwhals as nw

    frame = nw.to_native(frame, pass_through=True)
    if nw.dependencies.is_pandas_dataframe(frame):
        return _from_pandas(frame, source)
    if hasattr(frame, "columns") and (
        repeated := first_repeated([str(name) for name in _names_of(frame)])
    ):
        raise SchemaError(f"{source}: column name {repeated!r} appears twice; rename one of them")
    try:
        wrapped = nw.from_native(frame, eager_only=True)
    except TypeError as error:
        kind = type(frame).__name__
        raise SchemaError(
            f"a {kind} is not a table; pass an ndarray, a pandas, polars or Arrow frame, or a path"
        ) from error
    names = tuple(map(str, wrapped.columns))
    if not names:
        raise SchemaError(f"{source}: no columns")
    container = str(wrapped.implementation.name).lower()
    if container not in CONTAINERS:
        raise SchemaError(
            f"{source}: {container} frames are not known; pass a pandas, polars or Arrow frame"
        )
    columns = tuple(cells_of(series) for series in wrapped.iter_columns())
    _require_cells(names, columns, source)
    return Table(
        names,
        columns,
        source,
        container,
        named=True,
        first_line=first_line,
        types=types_of(frame, container),
        frame=frame,
    )


def _from_pandas(frame: Any, source: str) -> Table:
    """A pandas frame by the positions of its columns, whose labels may be anything."""
    import narwhals as nw

    try:
        names, index = names_and_index(frame)
    except ValueError as error:
        raise SchemaError(
            f"{source}: column name {error.args[0]!r} appears twice; rename one of them"
        ) from error
    if not names:
        raise SchemaError(f"{source}: no columns")
    by_name = nw.from_native(frame.set_axis(list(names), axis=1), eager_only=True)
    columns = tuple(cells_of(series) for series in by_name.iter_columns())
    _require_cells(names, columns, source)
    types = types_of(frame, "pandas")
    return Table(
        names, columns, source, "pandas", named=True, types=types, frame=frame, index=index
    )


def _names_of(frame: Any) -> Any:
    return getattr(frame, "column_names", frame.columns)
