"""Any table into columns: arrays, data frames, and paths of .npy, .npz, CSV and Parquet files."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.errors import FormatError, SchemaError, unknown_choice
from chainrule.table.schema import CONTAINERS, first_repeated
from chainrule.table.text import read_text


@dataclass(frozen=True)
class Table:
    """Named columns of equal length, with enough of their origin to say where a cell stood."""

    names: tuple[str, ...]
    columns: tuple[np.ndarray, ...]
    source: str
    container: str = "numpy"
    named: bool = False
    first_line: int | None = None  # the line of row 0 in a text file

    def __len__(self) -> int:
        return len(self.columns[0]) if self.columns else 0

    def where(self, row: int) -> str:
        """A row as messages name it: rows count from 0, lines of a file from 1."""
        return f"row {row}" if self.first_line is None else f"row {row} (line {self.first_line + row} of {self.source})"


def read_table(table: Any, *, array: str | None = None, header: bool | None = None, source: str | None = None) -> Table:
    """The columns of a table.

    Args:
        table: an ndarray (N, D), a pandas, polars or Arrow frame, or a path of .npy, .npz, .csv (also .gz) or .parquet.
        array: which array of an .npz file; by default its only one.
        header: whether the first line of a text file names the columns; None looks whether it could be a row.
        source: what messages call an array or frame that has no path.

    Raises:
        FileNotFoundError: there is no such file.
        FormatError: the file is empty, damaged, ragged, or of an unknown type.
        SchemaError: names stand twice, or the array does not have two axes.
    """
    if isinstance(table, Table):
        return table
    if isinstance(table, (str, os.PathLike)):
        return _read_path(Path(table), array, header)
    if isinstance(table, np.ndarray):
        return _from_array(table, source or "the array")
    return _from_frame(table, source or "the table")


def array_names(path: str | os.PathLike[str]) -> list[str]:
    """The names of the arrays in an .npz file."""
    with _open_npz(Path(path)) as arrays:
        return list(arrays.files)


def _read_path(path: Path, array: str | None, header: bool | None) -> Table:
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file")
    kind = next((s for s in reversed(path.name.lower().split(".")) if s != "gz"), "")
    kind = f".{kind}"
    if kind == ".npy":
        try:
            return _from_array(np.load(path, allow_pickle=False), str(path))
        except (ValueError, EOFError, OSError) as error:
            if isinstance(error, SchemaError):
                raise
            raise FormatError(f"{path}: not a readable .npy file: {error}") from error
    if kind == ".npz":
        return _from_npz(path, array)
    if kind in (".csv", ".txt", ".tsv", ".data"):
        text = read_text(path, header)
        named = text.names is not None
        names = text.names or _numbered(len(text.columns))
        return Table(names, text.columns, str(path), "polars" if named else "numpy", named, first_line=1 + named)
    if kind == ".parquet":
        import polars as pl

        try:
            return _from_frame(pl.read_parquet(path), str(path))
        except pl.exceptions.PolarsError as error:
            raise FormatError(f"{path}: not a readable Parquet file: {error}") from error
    raise FormatError(
        f"{path}: unknown type of file {path.suffix!r}; tables are .npy, .npz, .csv, .tsv, .txt, .data or .parquet"
    )


def _open_npz(path: Path) -> Any:
    try:
        arrays = np.load(path, allow_pickle=False)
    except Exception as error:  # zipfile and numpy raise a dozen kinds for a damaged archive
        if isinstance(error, FileNotFoundError):
            raise
        raise FormatError(f"{path}: not a readable .npz file: {error}") from error
    if not hasattr(arrays, "files"):
        raise FormatError(f"{path}: not an .npz archive; is it an .npy file?")
    return arrays


def _from_npz(path: Path, array: str | None) -> Table:
    with _open_npz(path) as arrays:
        names = list(arrays.files)
        if array is None and len(names) != 1:
            raise FormatError(f"{path}: holds the arrays {', '.join(names) or '(none)'}; say which one")
        name = array or names[0]
        if name not in names:
            raise FormatError(f"{path}: {unknown_choice('array', name, names)}")
        try:
            values = arrays[name]
        except Exception as error:  # a damaged member of the archive
            raise FormatError(f"{path}: array {name!r} cannot be read: {error}") from error
    return _from_array(values, f"{path} ({name})")


def _from_array(values: np.ndarray, source: str) -> Table:
    if values.ndim != 2:
        raise SchemaError(
            f"{source}: {values.ndim} axes of sizes {values.shape}; a table has two, (rows, columns): reshape it"
        )
    if values.shape[1] == 0:
        raise SchemaError(f"{source}: no columns")
    if isinstance(values, np.ma.MaskedArray):
        values = np.ma.filled(values.astype(np.float64), np.nan)
    return Table(_numbered(values.shape[1]), tuple(values.T), source)


def _numbered(columns: int) -> tuple[str, ...]:
    return tuple(f"x{k}" for k in range(columns))


def _from_frame(frame: Any, source: str) -> Table:
    import narwhals as nw

    try:
        wrapped = nw.from_native(frame, eager_only=True)
    except TypeError as error:
        kind = type(frame).__name__
        raise SchemaError(
            f"a {kind} is not a table; pass an ndarray, a pandas, polars or Arrow frame, or a path"
        ) from error
    except nw.exceptions.DuplicateError as error:
        repeated = first_repeated([str(name) for name in getattr(frame, "column_names", frame.columns)])
        raise SchemaError(f"{source}: column name {repeated!r} appears twice; rename one of them") from error
    names = tuple(map(str, wrapped.columns))
    if not names:
        raise SchemaError(f"{source}: no columns")
    columns = tuple(column.to_numpy() for column in wrapped.iter_columns())
    container = str(wrapped.implementation.name).lower()
    if container not in CONTAINERS:
        raise SchemaError(f"{source}: {container} frames are not known; pass a pandas, polars or Arrow frame")
    return Table(names, columns, source, container, named=True)
