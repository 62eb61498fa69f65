"""Text files of rows: which separator, whether the first line names the columns, and that every line is as long."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.errors import FormatError, SchemaError
from chainrule.table.schema import first_repeated
from chainrule.table.words import BOOLEANS, UNKNOWN

SEPARATORS = (
    "\t",
    ";",
    ",",
    " ",
)  # in this sequence: a comma is likelier inside a name than a tab, a space than a comma


@dataclass(frozen=True)
class Text:
    """The columns of a text file as polars frames, as written and by what they hold, and whether its first line names them."""

    raw: Any
    named: bool

    @property
    def frame(self) -> Any:
        """The columns as numbers, booleans and dates, where all known cells are."""
        import polars as pl

        return pl.DataFrame([typed(column) for column in self.raw.get_columns()])


def read_text(path: Path, header: bool | None = None) -> Text:
    """The columns of a CSV or other separated text file, plain or gzipped, in UTF-8.

    Words for unknown (empty, NA, nan, null, none, in any case) are missing cells; spaces around a cell do not count.
    The separator is a tab, semicolon, comma or space, whichever first gives the first two lines the same number of
    fields. Blank lines at the end do not count; in a file of one column a blank line elsewhere is an unknown cell.

    Args:
        path: the file.
        header: whether its first line names the columns; None: it does unless each of its fields could be a value
            (a number, true, false, or a word for unknown). Names 0, 1, 2, … of three columns or more are names.

    Raises:
        FormatError: the file is empty, no UTF-8 text, damaged, or a line is longer or shorter than the first.
        SchemaError: a name stands twice.
    """
    data = _decoded(path)
    layout = _layout(path, data.split("\n", 2)[:2], header)
    body = data.split("\n", 1)[1] if "\n" in data else ""
    return Text(_parse(path, body if layout.named else data, layout, 1 + layout.named), layout.named)


@dataclass(frozen=True)
class _Layout:
    separator: str
    fields: tuple[str, ...]  # of line 1
    named: bool


def text_parts(path: Path, header: bool | None = None, *, rows: int) -> Iterator[tuple[int, Text]]:
    """As ``read_text``, in parts of about so many lines, each with the line at which it begins.

    Types are found part by part. Lines that quotes hold together stay in one part.

    Raises:
        FormatError, SchemaError: as ``read_text``, when the part with the fault is reached.
    """
    layout, first_line = None, 1
    for lines in _line_groups(path, rows):
        if layout is None:
            if not lines[0].strip():
                raise FormatError(f"{path}: line 1 is empty")
            layout = _layout(path, lines[:2], header)
            if layout.named:
                lines, first_line = lines[1:], 2
        yield first_line, Text(_parse(path, "\n".join(lines), layout, first_line), layout.named)
        first_line += len(lines)
    if layout is None:
        raise FormatError(f"{path}: the file is empty")


def _line_groups(path: Path, rows: int) -> Iterator[list[str]]:
    """The file's lines in groups of at least ``rows`` that end outside of quotes; blank lines at the end are gone."""
    opened = gzip.open if path.suffix.lower() == ".gz" else open
    lines: list[str] = []
    blank, quotes = 0, 0
    try:
        with opened(path, "rt", encoding="utf-8-sig", newline="") as file:
            for raw in file:
                line = raw.removesuffix("\n").removesuffix("\r")
                if not line.strip():
                    blank += 1  # waits: at the end of the file it does not count
                    continue
                if quotes % 2 == 0 and len(lines) >= rows:
                    yield lines
                    lines = []
                lines += [""] * blank + [line]
                blank, quotes = 0, quotes + line.count('"')
    except UnicodeDecodeError as error:
        raise FormatError(f"{path}: not UTF-8 text: {error}") from error
    except (OSError, EOFError, zlib.error) as error:
        raise FormatError(f"{path}: cannot be read: {error}") from error
    if lines:
        yield lines


def _layout(path: Path, lines: list[str], header: bool | None) -> _Layout:
    separator = _separator(path, lines)
    fields = _fields(path, lines[0].rstrip(" ") if separator == " " else lines[0], separator)
    named = _names_columns(fields) if header is None else header
    if named and (repeated := first_repeated(fields)) is not None:
        raise SchemaError(f"{path}: column name {repeated!r} appears twice in line 1; rename one of them")
    return _Layout(separator, tuple(fields), named)


def _parse(path: Path, data: str, layout: _Layout, first_line: int) -> Any:
    """The rows of text as a polars frame of text; spaces around cells and words for unknown are gone."""
    import polars as pl

    names = list(layout.fields) if layout.named else [f"x{k}" for k in range(len(layout.fields))]
    if layout.separator == " ":
        data = "\n".join(line.rstrip(" ") for line in data.split("\n"))
    if not data and first_line > 1:
        return pl.DataFrame({name: [] for name in names}, schema=dict.fromkeys(names, pl.String))
    _require_rectangular(path, data, layout, first_line)
    try:
        source = io.BytesIO(data.encode())
        frame = pl.read_csv(source, has_header=False, separator=layout.separator, infer_schema=False, new_columns=names)
    except pl.exceptions.PolarsError as error:
        raise FormatError(f"{path}: not a readable table: {error}") from error
    return pl.DataFrame([_known(column) for column in frame.get_columns()])


def _known(column: Any) -> Any:
    text = column.str.strip_chars()
    return text.set(text.str.to_lowercase().is_in(list(UNKNOWN)), None)


def typed(text: Any) -> Any:
    """A polars column of text as what all its known cells are: integers, numbers, booleans, dates, times, or else text.

    Digits that begin with a zero, as 01007 does, are text: as a number they would lose it.
    """
    import polars as pl

    known = text.len() - text.null_count()
    if not known or bool(text.str.contains(r"^[+-]?0[0-9]").any()):  # as zip codes are written, and no number
        return text
    for cast in (
        lambda t: t.cast(pl.Int64, strict=False),
        lambda t: t.cast(pl.Float64, strict=False),
        lambda t: t.str.to_lowercase().replace_strict(
            {"true": True, "false": False}, default=None, return_dtype=pl.Boolean
        ),
        lambda t: t.str.to_date("%Y-%m-%d", strict=False),
        lambda t: t.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us", strict=False),
        lambda t: t.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="us", strict=False),
        lambda t: t.str.to_datetime("%Y-%m-%d %H:%M", time_unit="us", strict=False),
    ):
        found = cast(text)
        if found.len() - found.null_count() == known:
            return found
    return text


def _decoded(path: Path) -> str:
    try:
        packed = path.read_bytes()
        data = gzip.decompress(packed) if path.suffix.lower() == ".gz" else packed
    except (OSError, EOFError, zlib.error) as error:
        raise FormatError(f"{path}: cannot be read: {error}") from error
    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n").rstrip("\n ")
    except UnicodeDecodeError as error:
        raise FormatError(f"{path}: not UTF-8 text: {error}") from error
    if not text:
        raise FormatError(f"{path}: the file is empty")
    if not text.split("\n", 1)[0].strip():
        raise FormatError(f"{path}: line 1 is empty")
    return text


def _fields(path: Path, line: str, separator: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=separator))
    except csv.Error as error:
        raise FormatError(f"{path}: not a readable table: {error}") from error


def _separator(path: Path, lines: list[str]) -> str:
    counts = {s: [len(_fields(path, line.rstrip(" "), s)) for line in lines] for s in SEPARATORS}
    for agrees in (lambda c: min(c) > 1 and len(set(c)) == 1, lambda c: min(c) > 1):
        for separator in SEPARATORS:
            if agrees(counts[separator]):
                return separator
    return next((s for s in SEPARATORS[:-1] if counts[s][0] > 1), ",")


def _names_columns(fields: list[str]) -> bool:
    if len(fields) > 2 and fields == [str(k) for k in range(len(fields))]:
        return True
    return not all(_could_be_value(field.strip().lower()) for field in fields)


def _could_be_value(word: str) -> bool:
    if word in UNKNOWN or word in BOOLEANS:
        return True
    try:
        float(word)
    except ValueError:
        return False
    return True


def _require_rectangular(path: Path, data: str, layout: _Layout, first_line: int) -> None:
    """Every line must have as many fields as the first; a reader would fill short lines silently."""
    if '"' in data:
        try:
            lengths = [max(1, len(row)) for row in csv.reader(io.StringIO(data), delimiter=layout.separator)]
        except csv.Error as error:
            raise FormatError(f"{path}: not a readable table: {error}") from error
        counts = np.array(lengths)
    else:
        raw = np.frombuffer(f"{data}\n".encode(), dtype=np.uint8)
        starts = np.concatenate([[0], np.flatnonzero(raw == ord("\n"))[:-1]])
        counts = np.add.reduceat(raw == ord(layout.separator), starts, dtype=np.int32) + 1
    width = len(layout.fields)
    if len(wrong := np.flatnonzero(counts != width)):
        line = int(wrong[0])
        raise FormatError(f"{path}: line {line + first_line} has {counts[line]} field(s) where line 1 has {width}")
