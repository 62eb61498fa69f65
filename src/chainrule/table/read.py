"""Any table into columns: arrays, data frames, and paths of .npy, .npz, CSV and Parquet files."""

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

from chainrule.errors import FormatError, SchemaError, printable, unknown_choice
from chainrule.machine import free_bytes
from chainrule.table.cells import as_labels, is_number, label_of
from chainrule.table.exact import LARGEST_EXACT
from chainrule.table.frames import build, cells_of, types_of
from chainrule.table.index import ColumnIndex, names_and_index
from chainrule.table.once import as_file
from chainrule.table.parquet import read_parquet, readable, scan_parquet
from chainrule.table.reading import NOTHING_SAID, Reading
from chainrule.table.schema import CONTAINERS, first_repeated
from chainrule.table.strings import text_objects
from chainrule.table.text import read_text, text_parts
from chainrule.table.types import Type, cells_word, own_value
from chainrule.table.values import Encoded

COMPLEX = "complex numbers; pass their real and imaginary parts as columns of their own"
PART_ROWS = 50_000
PART_CELLS = 50_000_000  # of a part of a Parquet file, however few its rows then are
TEXT = (".csv", ".txt", ".tsv", ".data")


@dataclass(frozen=True)
class Table:
    """Named columns of equal length, with enough of their origin to say where a cell stood.

    Attributes:
        names: of the columns, in order.
        columns: their cells, (N,) each, as numpy has them.
        source: what messages call the table.
        container: what it came in: "numpy", "pandas", "polars" or "pyarrow".
        named: whether columns are matched by name, not by position.
        first_line: the line of row 0 in a text file.
        first_row: how many rows of the file are before row 0, where the table is a part of one.
        types: the columns' types as the container has them; by default numpy's.
        frame: the frame or array itself, to give back with holes filled.
        rows: how many there are, where columns are read when asked for.
        index: what a pandas frame calls its columns, where that is not their names.
        numbers: those of the rows, where only some were taken.
        text: of a text file, a polars frame of its cells as they are written, so that labels do not depend on what else
            is in a column.
        reading: what was said of how the table is written.
        missing: of a text file, how many cells of which word count as missing, by column.
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
    reading: Reading = NOTHING_SAID
    missing: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    def __len__(self) -> int:
        if self.rows is not None:
            return self.rows
        return len(self.columns[0]) if len(self.columns) else 0

    def labels(self, position: int) -> np.ndarray:
        """A column's cells (N,) as labels: of a text file as they are written, else as they are."""
        text = self.as_written(position)
        return self.columns[position] if text is None else text_objects(text)

    def as_written(self, position: int) -> Any:
        """A column of a text file as a polars series of its cells as they are written; None of other tables."""
        if self.text is not None:
            return self.text.to_series(position).alias("")  # methods take a name such as ^a$ for a pattern
        return self.columns.as_written(position) if isinstance(self.columns, AbstractColumns) else None

    @cached_property
    def dtypes(self) -> tuple[str, ...]:
        """The type of each column, as the container writes it."""
        if self.types is not None:
            return tuple(kind.dtype for kind in self.types)
        return tuple(str(values.dtype) for values in self.columns)

    @cached_property
    def categories(self) -> Mapping[str, tuple[Encoded, ...]]:
        """The labels of columns that have a type of labels, in its own order, encoded."""
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
        """What the table itself calls its columns."""
        return list(self.names) if self.index is None else [self.index.label(name) for name in self.names]

    def take(self, rows: np.ndarray) -> Table:
        """Some of the rows, by number; messages name them as before."""
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
        """The type of a column, without the labels that only rows have that are not taken."""
        kind = self.type_of(position)
        if not kind.categories:
            return kind
        cells = self.columns[position]
        every, some = ({label for label in as_labels(part) if label is not None} for part in (cells, cells[rows]))
        gone = every - some
        return replace(kind, categories=tuple(c for c in kind.categories if label_of(own_value(c)) not in gone))

    def where(self, row: int) -> str:
        """A row as messages name it: rows count from 0, lines of a file from 1."""
        row = row if self.numbers is None else int(self.numbers[row])
        name = f"row {self.first_row + row}"
        return name if self.first_line is None else f"{name} (line {self.first_line + row} of {printable(self.source)})"


class AbstractColumns(Sequence[np.ndarray]):
    """Columns that are made when they are asked for; a leaf says how many there are and how one is made."""

    @abstractmethod
    def column(self, index: int) -> np.ndarray:
        """The cells (N,) of a column."""

    def as_written(self, index: int) -> Any:
        """A column of a text file as a polars series of its cells as they are written; None of other files."""
        return None

    @overload
    def __getitem__(self, index: int) -> np.ndarray: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[np.ndarray]: ...

    def __getitem__(self, index: int | slice) -> np.ndarray | Sequence[np.ndarray]:
        numbers = range(len(self))[index]  # an IndexError where there is none
        return self.column(numbers) if isinstance(numbers, int) else [self.column(k) for k in numbers]


class _Taken(AbstractColumns):
    """Some rows of the columns of a table."""

    def __init__(self, table: Table, rows: np.ndarray) -> None:
        self._table, self._rows = table, rows

    def __len__(self) -> int:
        return len(self._table.columns)

    def as_written(self, index: int) -> Any:
        """The cells of the rows that were taken, as they are written."""
        text = self._table.as_written(index)
        return None if text is None else text[self._rows]

    def column(self, index: int) -> np.ndarray:
        """The cells of the rows that were taken."""
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
    """The columns of a table, which every function of chainrule takes instead of a path or frame.

    Text that writes numbers as 1.234,50 €, 4.1% or (12.5), or dates as 31.12.2024, is recognised where all cells of a column
    can be read in one way only. Where they can be read in two, say which.

    Args:
        table: an ndarray (N, D), a pandas, polars or Arrow frame, or a path of .npy, .npz, .csv (also .gz) or .parquet.
        array: which array of an .npz file; by default its only one.
        header: whether the first line of a text file names the columns; None looks whether it could be a row.
        source: what messages call an array or frame that has no path.
        decimal: the decimal mark of numbers in text, "." or ","; or by column: ``{"price": ","}``.
        thousands: what parts their thousands: ",", ".", "'" or " ", or "" for nothing; or by column.
        date_format: how dates are written, as ``"%d/%m/%Y"``; or by column. Columns that are not written so are read as ever.
        na_values: words that are missing cells, in any case, besides the usual ones (nothing, NA, N/A, NaN, null, None, NaT);
            with the empty word among them there are no others: ``""`` leaves NA a label. Or by column: ``{"country": ""}``.
            In frames and arrays they count only if they are said, and "-999" or "1900-01-01" is that number or date there.
        reading: these four, where they were put together before.

    Raises:
        FileNotFoundError: there is no such file.
        FormatError: the file is empty, damaged, ragged, or of an unknown type.
        SchemaError: names stand twice, or the array does not have two axes; no such mark, format or column.

    Examples:
        >>> import polars as pl
        >>> from chainrule import infer_schema
        >>> prices = pl.DataFrame({"price": ["1.234,50 €", "12,00 €"]})
        >>> print(infer_schema(read_table(prices, na_values="-")))
        price  real  numbers written 1.234,50 €, 2 different, multiples of 0.5
    """
    said = Reading.told(decimal=decimal, thousands=thousands, date_format=date_format, na_values=na_values)
    reading = reading or said
    if isinstance(table, Table):
        if said != NOTHING_SAID:
            raise SchemaError(f"{table.source}: is read already; say how it is written where it is read first")
        return _require_same_words(table, reading)
    if isinstance(table, (str, os.PathLike)):
        with as_file(Path(table)) as (path, _):
            found = called(_read_path(path, array, header, reading), path, Path(table))
    elif isinstance(table, np.ndarray):
        found = without_words(_from_array(table, source or "the array"), reading)
    else:
        found = without_words(_from_frame(table, source or "the table"), reading)
    said.require_names(found.names, found.source)
    return found


def read_parts(
    table: Any, *, header: bool | None = None, rows: int = PART_ROWS, reading: Reading | None = None
) -> Iterator[Table]:
    """A table in parts of about so many rows, never more in memory: of CSV and Parquet files. Others are one part.

    Raises:
        As ``read_table``, when the part with the fault is reached.
    """
    reading = reading or NOTHING_SAID
    if not isinstance(table, (str, os.PathLike)):
        yield read_table(table, header=header, reading=reading)
        return
    with as_file(Path(table)) as (path, _):
        for part in _path_parts(path, header, rows, reading):
            yield called(part, path, Path(table))


def _path_parts(path: Path, header: bool | None, rows: int, reading: Reading) -> Iterator[Table]:
    kind, start = kind_of(path), 0
    if kind in TEXT:
        for line, text in text_parts(path, header, rows=rows, words=reading.missing):
            part = _from_frame(text.frame, str(path), first_line=line)
            part = replace(part, first_row=start, text=text.raw, reading=reading, missing=text.missing)
            yield part if text.named else _unnamed(part)
            start += len(part)
    elif kind == ".parquet":
        with readable(str(path)):
            scan = scan_parquet(path)
            rows = max(1, min(rows, PART_CELLS // max(1, len(scan.collect_schema()))))
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
    """A table that was read from a copy, by the name of what was copied."""
    return table if path == name else replace(table, source=table.source.replace(str(path), str(name)))


def without_words(table: Table, reading: Reading) -> Table:
    """A table that is no text file, with what was said of it, and without its cells that were said to be missing."""
    table = replace(table, reading=reading)
    if not reading.missing:
        return table
    types = tuple(table.type_of(position) for position in range(len(table.names)))
    return replace(table, columns=_WithoutWords(table), rows=len(table), types=types)


class _WithoutWords(AbstractColumns):
    """The columns of a table, without the cells that stand for missing ones: words, and numbers or dates that they write."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def __len__(self) -> int:
        return len(self._table.columns)

    def column(self, index: int) -> np.ndarray:
        """A column, whose cells that stand for missing ones are None, NaN or NaT."""
        values, words = self._table.columns[index], self._table.reading.missing.of(self._table.names[index])
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
    """Which cells (N,) are one of these words in lower case, or the number or date that one writes."""
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
    """The number that a word writes, exactly where it is whole; None if it writes none, or none that is finite."""
    for kind in (int, float):
        with suppress(ValueError):
            number = kind(word)
            return number if math.isfinite(number) else None
    return None


def _require_same_words(table: Table, reading: Reading) -> Table:
    """Raises SchemaError for a text file that was read with the usual words for missing cells, where a model has others."""
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
        except Exception as error:  # numpy raises several kinds, and more where the file looks like an archive
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
    """What the name says of the file: its last ending but .gz."""
    return f".{next((s for s in reversed(path.name.lower().split('.')) if s != 'gz'), '')}"


def _open_npz(path: Path) -> Any:
    if path.exists() and not path.is_file():
        raise FormatError(f"{path}: not a file; an .npz archive is read more than once: write it to a file first")
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
        _require_room(path, name, arrays)
        try:
            values = arrays[name]
        except Exception as error:  # a damaged member of the archive
            raise FormatError(f"{path}: array {name!r} cannot be read: {error}") from error
    return _from_array(values, f"{path} ({name})")


def _require_room(path: Path, name: str, arrays: Any) -> None:
    """Raises FormatError where an array of an archive, by its own header, unpacks to more than there is memory free."""
    free = free_bytes()
    try:
        with arrays.zip.open(name if name in arrays.zip.namelist() else f"{name}.npy") as member:
            version = np.lib.format.read_magic(member)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, _, dtype = read(member)
            needed = math.prod(shape) * dtype.itemsize
    except Exception:  # whatever is damaged is told when the array itself is read
        return
    if free is not None and needed > free:
        raise FormatError(
            f"{path}: array {name!r} unpacks to {needed:,} bytes, and {free:,} bytes of memory are free; pass fewer rows"
        )


def _require_cells(names: Sequence[str], columns: Sequence[np.ndarray], source: str) -> None:
    """Raises SchemaError for columns of complex numbers, or of records: a part of each cell would be lost."""
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
            f"records of the fields {', '.join(map(repr, values.dtype.names))}" if values.dtype.names else "raw bytes"
        )
        raise SchemaError(f"{source}: an array of {fields}; pass a data frame, such as pandas.DataFrame(array)")
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
    """A masked array with NaN where it is masked; of integers that floats would round, with None and of objects."""
    if values.dtype.kind in "iu" and max(abs(int(values.min() or 0)), abs(int(values.max() or 0))) >= LARGEST_EXACT:
        found = np.ma.getdata(values).astype(object)
        found[np.ma.getmaskarray(values)] = None
        return found
    return np.ma.filled(values.astype(np.float64), np.nan)


def _unnamed(table: Table) -> Table:
    """A text file without names as an array of its columns."""
    array = build(dict(zip(table.names, table.columns, strict=True)), {}, "numpy")
    return replace(table, container="numpy", named=False, frame=array)


def _numbered(columns: int) -> tuple[str, ...]:
    return tuple(f"x{k}" for k in range(columns))


def _from_frame(frame: Any, source: str, first_line: int | None = None) -> Table:
    import narwhals as nw

    frame = nw.to_native(frame, pass_through=True)
    if nw.dependencies.is_pandas_dataframe(frame):
        return _from_pandas(frame, source)
    if hasattr(frame, "columns") and (repeated := first_repeated([str(name) for name in _names_of(frame)])):
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
        raise SchemaError(f"{source}: {container} frames are not known; pass a pandas, polars or Arrow frame")
    columns = tuple(cells_of(series) for series in wrapped.iter_columns())
    _require_cells(names, columns, source)
    return Table(
        names, columns, source, container, named=True, first_line=first_line, types=types_of(frame, container),
        frame=frame,
    )  # fmt: skip


def _from_pandas(frame: Any, source: str) -> Table:
    """A frame by the positions of its columns, which may be called by anything."""
    import narwhals as nw

    try:
        names, index = names_and_index(frame)
    except ValueError as error:
        raise SchemaError(f"{source}: column name {error.args[0]!r} appears twice; rename one of them") from error
    if not names:
        raise SchemaError(f"{source}: no columns")
    series = (frame.iloc[:, k].rename(name) for k, name in enumerate(names))
    columns = tuple(cells_of(nw.from_native(one, series_only=True)) for one in series)
    _require_cells(names, columns, source)
    types = types_of(frame, "pandas")
    return Table(names, columns, source, "pandas", named=True, types=types, frame=frame, index=index)


def _names_of(frame: Any) -> Any:
    return getattr(frame, "column_names", frame.columns)
