"""Text files of rows: their separator, header and rectangular shape."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.arguments import first_repeated
from chainrule.errors import FormatError, SchemaError
from chainrule.table.files.lines import (
    LONGEST_FIELD,
    SPACES,
    Quotes,
    blocks_of,
    first_lines,
    is_plain,
    line_groups,
    lines_of,
    read_whole,
    with_one_line_end,
    without_blank_end,
)
from chainrule.table.files.missing_words import added
from chainrule.table.files.typed_text import each_column, typed, typed_frame
from chainrule.table.frames.fork_safety import require_polars
from chainrule.table.text.reading_options import USUAL_WORDS, MissingWords
from chainrule.table.values.reserved_words import BOOLEANS, UNKNOWN

# In this order: names contain commas more often than tabs, and spaces more often than commas.
SEPARATORS = ("\t", ";", ",", " ")
ROWS_AT_ONCE = 10_000  # rows that are lists in memory
DECIMAL_COMMA = re.compile(r"[-+]?([0-9]+|[0-9]{1,3}([. '\u00a0\u202f][0-9]{3})+),[0-9]+")


@dataclass(frozen=True)
class Text:
    """The columns of a text file as polars frames, as written and with types.

    Attributes:
        raw: the cells as written, stripped of spaces, null if missing.
        named: whether the first line names the columns.
        missing: counts of the words for missing cells, by column.
    """

    raw: Any
    named: bool
    missing: dict[str, dict[str, int]]

    @property
    def frame(self) -> Any:
        """The columns as numbers, booleans or dates if all known cells are."""
        return typed_frame(self.raw)


def read_text(path: Path, header: bool | None = None, words: MissingWords = USUAL_WORDS) -> Text:
    """Reads the columns of a CSV or other separated text file, plain or gzipped, in UTF-8.

    Words for missing cells (empty, NA, nan, null, none, in any case) are missing; spaces around a
    cell are ignored. The separator is the first of tab, semicolon, comma and space that gives the
    first two lines the same number of fields. Blank lines at the end are ignored; elsewhere in a
    file of one column a blank line is a missing cell.

    Args:
        path: the file.
        header: whether its first line names the columns. None: it does unless every field could be
            a value (a number, true, false, or a word for a missing cell). Names 0, 1, 2, … of three
            or more columns are names.
        words: the words for missing cells.

    Raises:
        FormatError: the file is empty, no UTF-8 text, damaged, or a line has a different number of
            fields than the first.
        SchemaError: a name appears twice.
    """
    import polars as pl

    require_polars()
    text = without_blank_end(read_whole(path))
    layout = layout_of(path, text, header)
    data = with_one_line_end(path, text, layout.separator)
    blocks = blocks_of(path, data, layout.separator, skipped=int(layout.named))
    # Only a single block is in memory several times.
    texts = [
        _known(_parse(path, block, layout, line), layout.named, words, '"' in block)
        for line, block in blocks
    ]
    if not texts:
        return _known(_parse(path, "", layout, 2), layout.named, words)
    missing: dict[str, dict[str, int]] = {}
    for text in texts:
        missing = added(missing, text.missing)
    return Text(pl.concat([text.raw for text in texts]), layout.named, missing)


@dataclass(frozen=True)
class Layout:
    """How a text file is laid out.

    Attributes:
        separator: the separator of fields.
        fields: the fields of line 1.
        named: whether line 1 names the columns.
    """

    separator: str
    fields: tuple[str, ...]
    named: bool

    @property
    def names(self) -> list[str]:
        """The names of the columns; without names they are x0, x1, …"""
        return list(self.fields) if self.named else [f"x{k}" for k in range(len(self.fields))]


def layout_of(path: Path, text: str, header: bool | None = None) -> Layout:
    """The layout of a text by its first two lines.

    Raises:
        FormatError, SchemaError: as ``read_text``.
    """
    lines = first_lines(text) if text.strip("\r\n ") else []
    return _layout(path, _required(path, lines), header)


def text_chunks(
    path: Path, header: bool | None = None, *, rows: int, words: MissingWords = USUAL_WORDS
) -> Iterator[tuple[int, Text]]:
    """As ``read_text``, in chunks of about ``rows`` lines, each with its first line number.

    Types are inferred per chunk. Lines joined by quotes stay in one chunk.

    Raises:
        FormatError, SchemaError: as ``read_text``, when the faulty chunk is reached.
    """
    require_polars()
    begin = _required(path, next(line_groups(path, 2, ""), [])[:2])
    layout, first_line = _layout(path, begin, header), 1
    for lines in line_groups(path, rows, layout.separator):
        if layout.named and first_line == 1:
            lines, first_line = lines[1:], 2
        data = "\n".join(lines)
        yield (
            first_line,
            _known(_parse(path, data, layout, first_line), layout.named, words, '"' in data),
        )
        first_line += len(lines)


def _layout(path: Path, lines: list[str], header: bool | None) -> Layout:
    separator = _separator(path, lines)
    fields = _fields(path, lines[0].rstrip(" ") if separator == " " else lines[0], separator)
    quotes = Quotes(path, separator)
    quotes.read(lines[0], 1)
    if quotes.opened:
        raise FormatError(
            f"{path}: line 1 opens a quote that it does not close; the first row has to stand on "
            "one line"
        )
    named = _names_columns(fields) if header is None else header
    if named:  # a column without a name gets polars' default name
        fields = [name or f"column_{k}" for k, name in enumerate(fields)]
    if named and (repeated := first_repeated(fields)) is not None:
        raise SchemaError(
            f"{path}: column name {repeated!r} appears twice in line 1; rename one of them"
        )
    return Layout(separator, tuple(fields), named)


def _parse(path: Path, data: str, layout: Layout, first_line: int) -> Any:
    """Parses rows to a polars frame of text."""
    import polars as pl

    names = layout.names
    if layout.separator == " ":
        data = "\n".join(line.rstrip(" ") for line in data.split("\n"))
    if not data and first_line > 1:
        return pl.DataFrame({name: [] for name in names}, schema=dict.fromkeys(names, pl.String))
    count = _require_rectangular(path, data, layout, first_line)
    options: dict[str, Any] = {
        "separator": layout.separator,
        "has_header": False,
        "infer_schema": False,
    }
    frame = pl.DataFrame()
    if '"' not in data or all(is_plain(line, layout.separator) for line in lines_of(data)):
        with suppress(pl.exceptions.PolarsError):
            frame = pl.read_csv(io.BytesIO(data.encode()), new_columns=names, **options)
    # Polars refuses or misreads some quotes and line ends within fields, as in 5" pipe.
    if len(frame) != count:
        schema, frames = dict.fromkeys(names, pl.String), []
        reader = csv.reader((f"{line}\n" for line in lines_of(data)), delimiter=layout.separator)
        while rows := [row or [""] for row in islice(reader, ROWS_AT_ONCE)]:
            frames.append(pl.DataFrame(rows, schema=schema, orient="row"))
        frame = pl.concat(frames)
    return frame


def _with_line_ends(written: Any, known: Any) -> Any:
    """Restores the line ends at the ends of cells in columns of text.

    Only quoted cells have them.
    """
    import polars as pl

    columns = known.get_columns()
    at_ends = r"^[\r\n]|[\r\n]$"
    found = each_column(
        written.get_columns(), lambda t, _: t.str.strip_chars(SPACES).str.contains(at_ends).any()
    )
    for k, has in enumerate(found):
        if has.item() and typed(columns[k]).dtype == pl.String:
            (whole,) = each_column([written.to_series(k)], lambda t, _: t.str.strip_chars(SPACES))
            (unknown,) = each_column([columns[k]], lambda t, _: t.is_null())
            columns[k] = whole.set(unknown, None)
    return pl.DataFrame(columns)


def _known(frame: Any, named: bool, words: MissingWords, quoted: bool = False) -> Text:
    """A frame of text, stripped of spaces, with null for missing cells, and the counts of these."""
    import polars as pl

    columns = frame.get_columns()
    if not columns:
        return Text(frame, named, {})
    of_columns = [sorted(words.of(column.name)) for column in columns]
    text = each_column(columns, lambda t, _: t.str.strip_chars())
    missing = each_column(
        text, lambda t, k: t.str.to_lowercase().is_in(of_columns[k]).fill_null(True)
    )
    counts = {t.name: _counted(t.filter(m)) for t, m in zip(text, missing, strict=True) if m.any()}
    raw = [t.set(m, None) if m.any() else t for t, m in zip(text, missing, strict=True)]
    known = pl.DataFrame(raw)
    return Text(_with_line_ends(frame, known) if quoted else known, named, counts)


def _counted(words: Any) -> dict[str, int]:
    """Counts of the words in a polars series of text, the most frequent first."""
    return dict(words.alias("").fill_null("").value_counts(sort=True).iter_rows())


def _required(path: Path, lines: list[str]) -> list[str]:
    """The first lines of a file; an error if the first one is empty."""
    if not lines:
        raise FormatError(f"{path}: the file is empty")
    if not lines[0].strip(" "):
        raise FormatError(f"{path}: line 1 is empty")
    return lines


def _fields(path: Path, line: str, separator: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=separator))
    except csv.Error as error:
        reason = (
            f"a field of more than {LONGEST_FIELD:,} characters; is a quote not closed?"
            if len(line) > LONGEST_FIELD
            else error
        )
        raise FormatError(f"{path}: not a readable table: {reason}") from error


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
    if word in UNKNOWN or word in BOOLEANS or DECIMAL_COMMA.fullmatch(word):
        return True
    try:
        float(word)
    except ValueError:
        return False
    return True


def _require_rectangular(path: Path, data: str, layout: Layout, first_line: int) -> int:
    """The number of rows; an error unless each has as many fields as line 1.

    A reader would silently fill short rows.
    """
    if '"' in data:
        reader = csv.reader((f"{line}\n" for line in lines_of(data)), delimiter=layout.separator)
        try:
            found = np.fromiter(
                ((max(1, len(row)), reader.line_num) for row in reader), dtype="i8,i8"
            )
        except csv.Error as error:
            raise FormatError(f"{path}: not a readable table: {error}") from error
        counts, ends = found["f0"], found["f1"]  # a row may have several lines
        lines = np.concatenate([[0], ends[:-1]])
    else:
        raw = np.frombuffer(f"{data}\n".encode(), dtype=np.uint8)
        starts = np.concatenate([[0], np.flatnonzero(raw == ord("\n"))[:-1]])
        counts = np.add.reduceat(raw == ord(layout.separator), starts, dtype=np.int32) + 1
        lines = np.arange(len(counts))
    width = len(layout.fields)
    if len(wrong := np.flatnonzero(counts != width)):
        row = int(wrong[0])
        raise FormatError(
            f"{path}: line {lines[row] + first_line} has {counts[row]} field(s) where line 1 has "
            f"{width}"
        )
    return len(counts)
