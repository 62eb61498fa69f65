"""Reads tables into columns: arrays, data frames, and .npy, .npz, CSV and Parquet files."""

from __future__ import annotations

import math
import os
from abc import abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, overload

import numpy as np
from typing_extensions import override

from chainrule.errors import FormatError, SchemaError, printable, unknown_choice
from chainrule.machine import free_bytes
from chainrule.table.files.parquet import read_parquet, readable, scan_parquet
from chainrule.table.files.pipes import as_file
from chainrule.table.files.text_files import read_text, text_chunks
from chainrule.table.frames.build import build, cells_of, types_of
from chainrule.table.frames.column_index import ColumnIndex, names_and_index
from chainrule.table.frames.text_objects import text_objects
from chainrule.table.schema import CONTAINERS, first_repeated
from chainrule.table.text.reading_options import DEFAULT_READING, Reading
from chainrule.table.values.cells import as_labels, is_number, label_of
from chainrule.table.values.exact_integers import LARGEST_EXACT
from chainrule.table.values.json_values import Encoded
from chainrule.table.values.types import Type, cells_word, own_value

COMPLEX = "complex numbers; pass their real and imaginary parts as columns of their own"
CHUNK_ROWS = 50_000
CHUNK_CELLS = 50_000_000  # most cells in a chunk of a Parquet file, however few its rows are
TEXT = (".csv", ".txt", ".tsv", ".data")


@dataclass(frozen=True)
class Table:
    """Named columns of equal length, with enough of their origin to name a cell in messages.

    Attributes:
        names: names of the columns, in order.
        columns: their cells, (N,) each, as numpy arrays.
        source: the name of the table in messages.
        container: "numpy", "pandas", "polars" or "pyarrow".
        named: whether columns are matched by name; otherwise by position.
        first_line: the line of row 0 in a text file.
        first_row: number of rows of the file before row 0, if the table is a chunk of it.
        types: the columns' types in the container; numpy's by default.
        frame: the original frame or array, returned when missing cells are filled.
        rows: number of rows, if columns are read on request.
        index: a pandas frame's labels of the columns, if they differ from the names.
        numbers: the numbers of the rows, if only some were taken.
        text: for a text file, a polars frame of its cells as written; labels then do not depend on
            the other cells of a column.
        reading: the user's options for reading the table.
        missing: for a text file, counts of the words for missing cells, by column.
    """

    names: tuple[str, ...]
    columns: Sequence[np.ndarray]
    source: str
    container: str = "numpy"
    named: bool = False
    first_line: int | None = None
    first_row: int = 0
    types: tuple[Type, ...] | None = None
    frame: Any = None
    rows: int | None = None
    index: ColumnIndex | None = None
    numbers: np.ndarray | None = None
    text: Any = None
    reading: Reading = DEFAULT_READING
    missing: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    def __len__(self) -> int:
        if self.rows is not None:
            return self.rows
        return len(self.columns[0]) if len(self.columns) else 0

    def labels(self, position: int) -> np.ndarray:
        """A column's cells (N,) as labels: as written in a text file, else unchanged."""
        text = self.as_written(position)
        return self.columns[position] if text is None else text_objects(text)

    def as_written(self, position: int) -> Any:
        """A column of a text file as a polars series of its cells as written.

        None for other tables.
        """
        if self.text is not None:
            return self.text.to_series(position).alias("")  # polars takes ^a$ for a pattern
        return (
            self.columns.as_written(position) if isinstance(self.columns, AbstractColumns) else None
        )

    @cached_property
    def dtypes(self) -> tuple[str, ...]:
        """The type of each column, as the container writes it."""
        if self.types is not None:
            return tuple(kind.dtype for kind in self.types)
        return tuple(str(values.dtype) for values in self.columns)

    @cached_property
    def categories(self) -> Mapping[str, tuple[Encoded, ...]]:
        """The labels named by the types of columns, in their order, encoded."""
        named = zip(self.names, self.types or (), strict=False)
        return {name: kind.categories for name, kind in named if kind.categories}

    def type_of(self, position: int) -> Type:
        """The type of a column."""
        if self.types is not None:
            return self.types[position]
        values = self.columns[position]
        return Type(str(values.dtype), cells_word(values))

    @property
    def labels_of_columns(self) -> list[Any]:
        """The table's own labels of its columns."""
        return (
            list(self.names)
            if self.index is None
            else [self.index.label(name) for name in self.names]
        )

    def take(self, rows: np.ndarray) -> Table:
        """Selects rows by number; messages keep their names."""
        return replace(
            self,
            columns=_Taken(self, rows),
            rows=len(rows),
            numbers=rows,
            text=None,
            frame=None,
            types=tuple(self._type_of_some(k, rows) for k in range(len(self.columns))),
        )

    def _type_of_some(self, position: int, rows: np.ndarray) -> Type:
        """The type of a column, without labels that occur only in rows that were not taken."""
        kind = self.type_of(position)
        if not kind.categories:
            return kind
        cells = self.columns[position]
        every, some = (
            {label for label in as_labels(each) if label is not None}
            for each in (cells, cells[rows])
        )
        gone = every - some
        return replace(
            kind, categories=tuple(c for c in kind.categories if label_of(own_value(c)) not in gone)
        )

    def where(self, row: int) -> str:
        """The name of a row in messages: rows count from 0, lines of a file from 1."""
        row = row if self.numbers is None else int(self.numbers[row])
        name = f"row {self.first_row + row}"
        return (
            name
            if self.first_line is None
            else f"{name} (line {self.first_line + row} of {printable(self.source)})"
        )


class AbstractColumns(Sequence[np.ndarray]):
    """Columns made on request; a leaf defines their number and how to make one."""

    @abstractmethod
    def column(self, index: int) -> np.ndarray:
        """The cells (N,) of a column."""

    def as_written(self, index: int) -> Any:
        """A column of a text file as a polars series of its cells as written.

        None for other files.
        """
        return None

    @overload
    def __getitem__(self, index: int) -> np.ndarray: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[np.ndarray]: ...

    @override
    def __getitem__(self, index: int | slice) -> np.ndarray | Sequence[np.ndarray]:
        numbers = range(len(self))[index]  # an IndexError where there is none
        return (
            self.column(numbers) if isinstance(numbers, int) else [self.column(k) for k in numbers]
        )


class _Taken(AbstractColumns):
    """Some rows of the columns of a table."""

    def __init__(self, table: Table, rows: np.ndarray) -> None:
        self._table, self._rows = table, rows

    @override
    def __len__(self) -> int:
        return len(self._table.columns)

    @override
    def as_written(self, index: int) -> Any:
        text = self._table.as_written(index)
        return None if text is None else text[self._rows]

    @override
    def column(self, index: int) -> np.ndarray:
        return self._table.columns[index][self._rows]


def read_table(
    table: Any,
    *,
    array: str | None = None,
    header: bool | None = None,
    source: str | None = None,
    decimal: str | Mapping[str, str] | None = None,
    thousands: str | Mapping[str, str] | None = None,
    date_format: str | Mapping[str, str] | None = None,
    na_values: str | Sequence[str] | Mapping[str, str | Sequence[str]] | None = None,
    reading: Reading | None = None,
) -> Table:
    """Reads the columns of a table; every function of chainrule also takes the result.

    Text may hold numbers such as 1.234,50 €, 4.1% or (12.5), and dates such as 31.12.2024. They are
    recognised if all cells of a column can be parsed in exactly one way. If there are two ways, an
    option must select one.

    Args:
        table: an ndarray (N, D), a pandas, polars or Arrow frame, or a path of .npy, .npz, .csv
            (also .gz) or .parquet.
        array: the name of the array in an .npz file; by default its only one.
        header: whether the first line of a text file names the columns; None decides by whether it
            could be a row.
        source: the name of an array or frame in messages.
        decimal: the decimal mark of numbers in text, "." or ","; or by column: ``{"price": ","}``.
        thousands: the mark between thousands: ",", ".", "'", " ", or "" for none; or by column.
        date_format: the format of dates, as ``"%d/%m/%Y"``; or by column. It does not affect
            columns in other formats.
        na_values: words for missing cells, in any case, besides the usual ones (empty, NA, N/A,
            NaN, null, None, NaT); or by column: ``{"country": ""}``. If the empty word is among
            them, they replace the usual ones: ``""`` makes NA a label. Frames and arrays have only
            the given words; there "-999" or "1900-01-01" also matches that number or date.
        reading: these four options, already combined.

    Raises:
        FileNotFoundError: there is no such file.
        FormatError: the file is empty, damaged, ragged, or of an unknown type.
        SchemaError: a name appears twice, the array does not have two axes, or there is no such
            mark, format or column.

    Examples:
        >>> import polars as pl
        >>> from chainrule import infer_schema
        >>> prices = pl.DataFrame({"price": ["1.234,50 €", "12,00 €"]})
        >>> print(infer_schema(read_table(prices, na_values="-")))
        price  real  numbers written 1.234,50 €, 2 different, multiples of 0.5
    """
    options = Reading.from_options(
        decimal=decimal, thousands=thousands, date_format=date_format, na_values=na_values
    )
    reading = reading or options
    if isinstance(table, Table):
        if options != DEFAULT_READING:
            raise SchemaError(
                f"{table.source}: is already read; pass these options to the call that reads it"
            )
        return _require_same_words(table, reading)
    if isinstance(table, (str, os.PathLike)):
        with as_file(Path(table)) as (path, _):
            found = called(_read_path(path, array, header, reading), path, Path(table))
    elif isinstance(table, np.ndarray):
        found = without_words(_from_array(table, source or "the array"), reading)
    else:
        found = without_words(_from_frame(table, source or "the table"), reading)
    options.require_names(found.names, found.source)
    return found


def read_chunks(
    table: Any,
    *,
    header: bool | None = None,
    rows: int = CHUNK_ROWS,
    reading: Reading | None = None,
) -> Iterator[Table]:
    """Reads a CSV or Parquet file in chunks of about ``rows`` rows, one at a time.

    Other tables are one.

    Raises:
        As ``read_table``, when the faulty chunk is reached.
    """
    reading = reading or DEFAULT_READING
    if not isinstance(table, (str, os.PathLike)):
        yield read_table(table, header=header, reading=reading)
        return
    with as_file(Path(table)) as (path, _):
        for chunk in _path_chunks(path, header, rows, reading):
            yield called(chunk, path, Path(table))


def _path_chunks(path: Path, header: bool | None, rows: int, reading: Reading) -> Iterator[Table]:
    kind, start = kind_of(path), 0
    if kind in TEXT:
        for line, text in text_chunks(path, header, rows=rows, words=reading.missing):
            chunk = _from_frame(text.frame, str(path), first_line=line)
            chunk = replace(
                chunk, first_row=start, text=text.raw, reading=reading, missing=text.missing
            )
            yield chunk if text.named else _unnamed(chunk)
            start += len(chunk)
    elif kind == ".parquet":
        with readable(str(path)):
            scan = scan_parquet(path)
            rows = max(1, min(rows, CHUNK_CELLS // max(1, len(scan.collect_schema()))))
        while True:
            with readable(str(path)):
                frame = scan.slice(start, rows).collect()
            if start and not len(frame):
                break
            yield replace(without_words(_from_frame(frame, str(path)), reading), first_row=start)
            start += len(frame)
            if len(frame) < rows:
                break
    else:
        yield read_table(path, header=header, reading=reading)


def called(table: Table, path: Path, name: Path) -> Table:
    """Renames the source of a table that was read from a copy."""
    return (
        table if path == name else replace(table, source=table.source.replace(str(path), str(name)))
    )


def without_words(table: Table, reading: Reading) -> Table:
    """Adds the options to a table that is no text file, and removes cells that they make
    missing."""
    table = replace(table, reading=reading)
    if not reading.missing:
        return table
    types = tuple(table.type_of(position) for position in range(len(table.names)))
    return replace(table, columns=_WithoutWords(table), rows=len(table), types=types)


class _WithoutWords(AbstractColumns):
    """The columns of a table without the cells that match words for missing ones."""

    def __init__(self, table: Table) -> None:
        self._table = table

    @override
    def __len__(self) -> int:
        return len(self._table.columns)

    @override
    def column(self, index: int) -> np.ndarray:
        """Cells that stand for missing ones are None, NaN or NaT."""
        values, words = (
            self._table.columns[index],
            self._table.reading.missing.of(self._table.names[index]),
        )
        missing = _written_as(values, words)
        if not missing.any():
            return values
        kind = values.dtype.kind
        if kind in "iu":
            is_exact = max(abs(int(values.min())), abs(int(values.max()))) < LARGEST_EXACT
            kind, values = ("f", values.astype(np.float64)) if is_exact else ("O", values)
        values = values.copy() if kind in "fM" else values.astype(object)
        values[missing] = {"f": np.nan, "M": np.datetime64("NaT")}.get(kind)
        return values


def _written_as(values: np.ndarray, words: Collection[str]) -> np.ndarray:
    """Marks cells (N,) that are one of these words in lower case, or the value it writes."""
    kind, found = values.dtype.kind, np.zeros(len(values), dtype=bool)
    if kind in "iuf":
        for number in {_number(word) for word in words} - {None}:
            found |= values == number
    elif kind == "M":
        for word in words:
            with suppress(ValueError):
                found |= values == np.datetime64(word.upper())
    elif kind in "OU":
        numbers = {_number(word) for word in words} - {None}
        for row, cell in enumerate(values.tolist()):
            if isinstance(cell, str):
                found[row] = cell.strip().lower() in words
            elif numbers and is_number(cell):
                found[row] = cell in numbers
    return found


def _number(word: str) -> int | float | None:
    """The finite number that a word writes, exact if whole; None if it writes none."""
    for kind in (int, float):
        with suppress(ValueError):
            number = kind(word)
            return number if math.isfinite(number) else None
    return None


def _require_same_words(table: Table, reading: Reading) -> Table:
    """Raises SchemaError for a text file read without the model's words for missing cells."""
    if reading.missing and not table.reading.missing and table.as_written(0) is not None:
        raise SchemaError(
            f"{table.source}: other words are missing cells than in the table the model was fitted to; pass the path, or give "
            f"read_table the same na_values"
        )
    return table


def array_names(path: str | os.PathLike[str]) -> list[str]:
    """The names of the arrays in an .npz file."""
    with _open_npz(Path(path)) as arrays:
        return list(arrays.files)


def _read_path(path: Path, array: str | None, header: bool | None, reading: Reading) -> Table:
    kind = kind_of(path)
    if kind == ".npy":
        try:
            values = np.load(path, allow_pickle=False)
        except Exception as error:  # numpy raises several kinds
            raise FormatError(f"{path}: not a readable .npy file: {error}") from error
        if not isinstance(values, np.ndarray):
            raise FormatError(f"{path}: an archive of arrays; call it .npz")
        return without_words(_from_array(values, str(path)), reading)
    if kind == ".npz":
        return without_words(_from_npz(path, array), reading)
    if kind in TEXT:
        text = read_text(path, header, reading.missing)
        table = _from_frame(text.frame, str(path), first_line=1 + text.named)
        table = replace(table, text=text.raw, reading=reading, missing=text.missing)
        return table if text.named else _unnamed(table)
    if kind == ".parquet":
        return without_words(_from_frame(read_parquet(path), str(path)), reading)
    raise FormatError(
        f"{path}: unknown type of file {path.suffix!r}; tables are .npy, .npz, .csv, .tsv, .txt, .data or .parquet"
    )


def kind_of(path: Path) -> str:
    """The type of a file by its name: its last ending except .gz."""
    return f".{next((s for s in reversed(path.name.lower().split('.')) if s != 'gz'), '')}"


def _open_npz(path: Path) -> Any:
    if path.exists() and not path.is_file():
        raise FormatError(
            f"{path}: not a file; an .npz archive is read more than once: write it to a file first"
        )
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
            raise FormatError(
                f"{path}: holds the arrays {', '.join(names) or '(none)'}; say which one"
            )
        name = array or names[0]
        if name not in names:
            raise FormatError(f"{path}: {unknown_choice('array', name, names)}")
        _require_room(path, name, arrays)
        try:
            values = arrays[name]
        except Exception as error:  # a damaged member of the archive
            raise FormatError(f"{path}: array {name!r} cannot be read: {error}") from error
    return _from_array(values, f"{path} ({name})")


def _require_room(path: Path, name: str, arrays: Any) -> None:
    """Raises FormatError if an array of an archive does not fit into free memory."""
    free = free_bytes()
    try:
        with arrays.zip.open(name if name in arrays.zip.namelist() else f"{name}.npy") as member:
            version = np.lib.format.read_magic(member)
            read = (
                np.lib.format.read_array_header_1_0
                if version == (1, 0)
                else np.lib.format.read_array_header_2_0
            )
            shape, _, dtype = read(member)
            needed = math.prod(shape) * dtype.itemsize
    except Exception:  # reading the array itself reports any damage
        return
    if free is not None and needed > free:
        raise FormatError(
            f"{path}: array {name!r} unpacks to {needed:,} bytes, and {free:,} bytes of memory are free; pass fewer rows"
        )


def _require_cells(names: Sequence[str], columns: Sequence[np.ndarray], source: str) -> None:
    """Raises SchemaError for columns of complex numbers or of records."""
    for name, values in zip(names, columns, strict=True):
        if values.dtype.kind == "c":
            raise SchemaError(f"{source}: column {name!r} holds {COMPLEX}")
        if values.dtype.kind == "V":
            raise SchemaError(
                f"{source}: column {name!r} holds records of type {values.dtype}; give each field a column"
            )


def _from_array(values: np.ndarray, source: str) -> Table:
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
            f"{source}: {values.ndim} axes of sizes {values.shape}; a table has two, (rows, columns): reshape it"
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


def _unnamed(table: Table) -> Table:
    """A text file without names, as an array of its columns."""
    array = build(dict(zip(table.names, table.columns, strict=True)), {}, "numpy")
    return replace(table, container="numpy", named=False, frame=array)


def _numbered(columns: int) -> tuple[str, ...]:
    return tuple(f"x{k}" for k in range(columns))


def _from_frame(frame: Any, source: str, first_line: int | None = None) -> Table:
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
    series = (frame.iloc[:, k].rename(name) for k, name in enumerate(names))
    columns = tuple(cells_of(nw.from_native(one, series_only=True)) for one in series)
    _require_cells(names, columns, source)
    types = types_of(frame, "pandas")
    return Table(
        names, columns, source, "pandas", named=True, types=types, frame=frame, index=index
    )


def _names_of(frame: Any) -> Any:
    return getattr(frame, "column_names", frame.columns)
