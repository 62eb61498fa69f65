"""Text files of rows: which separator, whether the first line names the columns, and that every line is as long."""

from __future__ import annotations

import csv
import gzip
import io
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.errors import FormatError, SchemaError
from chainrule.table.reading import USUAL_WORDS, MissingWords
from chainrule.table.schema import first_repeated
from chainrule.table.words import BOOLEANS, UNKNOWN

SEPARATORS = (
    "\t",
    ";",
    ",",
    " ",
)  # in this sequence: a comma is likelier inside a name than a tab, a space than a comma
LONGEST_FIELD = 131_072  # characters; what Python's reader takes
DECIMAL_COMMA = re.compile(r"[-+]?([0-9]+|[0-9]{1,3}([. '\u00a0\u202f][0-9]{3})+),[0-9]+")
TYPED_AT_ONCE = 256  # columns that are tried as numbers together, each in memory twice meanwhile


@dataclass(frozen=True)
class Text:
    """The columns of a text file as polars frames, as written and by what they hold, and whether its first line names them.

    Attributes:
        raw: the cells as written, without the spaces around them, null where they are missing.
        named: whether the first line names the columns.
        missing: how many cells of which word are missing, by column, of those that have any.
    """

    raw: Any
    named: bool
    missing: dict[str, dict[str, int]]

    @property
    def frame(self) -> Any:
        """The columns as numbers, booleans and dates, where all known cells are."""
        return typed_frame(self.raw)


def read_text(path: Path, header: bool | None = None, words: MissingWords = USUAL_WORDS) -> Text:
    """The columns of a CSV or other separated text file, plain or gzipped, in UTF-8.

    Words for unknown (empty, NA, nan, null, none, in any case) are missing cells; spaces around a cell do not count.
    The separator is a tab, semicolon, comma or space, whichever first gives the first two lines the same number of
    fields. Blank lines at the end do not count; in a file of one column a blank line elsewhere is an unknown cell.

    Args:
        path: the file.
        header: whether its first line names the columns; None: it does unless each of its fields could be a value
            (a number, true, false, or a word for unknown). Names 0, 1, 2, … of three columns or more are names.
        words: which words are missing cells.

    Raises:
        FormatError: the file is empty, no UTF-8 text, damaged, or a line is longer or shorter than the first.
        SchemaError: a name stands twice.
    """
    data = _decoded(path)
    layout = _layout(path, data.split("\n", 2)[:2], header)
    if '"' in data:
        quotes = _Quotes(path, layout.separator)
        for number, line in enumerate(data.split("\n"), 1):
            quotes.read(line, number)
        quotes.require_closed()
    body = data.split("\n", 1)[1] if "\n" in data else ""
    return _known(_parse(path, body if layout.named else data, layout, 1 + layout.named), layout.named, words)


@dataclass(frozen=True)
class _Layout:
    separator: str
    fields: tuple[str, ...]  # of line 1
    named: bool


def text_parts(
    path: Path, header: bool | None = None, *, rows: int, words: MissingWords = USUAL_WORDS
) -> Iterator[tuple[int, Text]]:
    """As ``read_text``, in parts of about so many lines, each with the line at which it begins.

    Types are found part by part. Lines that quotes hold together stay in one part.

    Raises:
        FormatError, SchemaError: as ``read_text``, when the part with the fault is reached.
    """
    begin = next(_line_groups(path, 2, ""), None)
    if begin is None:
        raise FormatError(f"{path}: the file is empty")
    if not begin[0].strip(" "):
        raise FormatError(f"{path}: line 1 is empty")
    layout, first_line = _layout(path, begin[:2], header), 1
    for lines in _line_groups(path, rows, layout.separator):
        if layout.named and first_line == 1:
            lines, first_line = lines[1:], 2
        yield first_line, _known(_parse(path, "\n".join(lines), layout, first_line), layout.named, words)
        first_line += len(lines)


def _line_groups(path: Path, rows: int, separator: str) -> Iterator[list[str]]:
    """The file's lines in groups of at least ``rows`` that end outside of quotes; blank lines at the end are gone.

    Without a separator, quotes do not count.
    """
    opened = gzip.open if path.suffix.lower() == ".gz" else open
    lines: list[str] = []
    blank, number, quotes = 0, 0, _Quotes(path, separator)
    try:
        with opened(path, "rt", encoding="utf-8-sig") as file:  # whatever ends a line, "\n" is what is read
            for number, raw in enumerate(file, 1):
                line = raw.removesuffix("\n")
                if not line.strip(" ") and not quotes.opened:
                    blank += 1  # waits: at the end of the file it does not count
                    continue
                if not quotes.opened and len(lines) >= rows:
                    yield lines
                    lines = []
                lines += [""] * blank + [line]
                quotes.read(line, number)
                blank = 0
    except UnicodeDecodeError as error:
        raise _no_utf8(path, f"after line {number}", error) from error
    except (OSError, EOFError, zlib.error) as error:
        raise FormatError(f"{path}: cannot be read: {error}") from error
    quotes.require_closed()
    if lines:
        yield lines


class _Quotes:
    """Whether a field in quotes goes on at the end of a line, as lines are read; one that never ends is an error.

    A quote opens a field only where one begins; elsewhere it is a character like others.
    """

    def __init__(self, path: Path, separator: str) -> None:
        self.opened = 0  # the line of the field that goes on; 0 for none
        self._path, self._separator, self._length = path, separator, 0

    def read(self, line: str, number: int) -> None:
        """Takes the next line."""
        if self._separator and '"' in line and (self.opened or not _is_plain(line, self._separator)):
            inside, begins, k = bool(self.opened), not self.opened, 0
            while k < len(line):
                if inside and line[k] == '"':
                    inside, k = line[k + 1 : k + 2] == '"', k + 1  # a doubled quote is one in the field
                elif not inside and line[k] == '"' and begins:
                    inside = True
                begins = line[k : k + 1] == self._separator
                k += 1
            self.opened = (self.opened or number) if inside else 0
        self._length = self._length + len(line) if self.opened else 0
        if self._length > LONGEST_FIELD:
            self.require_closed()

    def require_closed(self) -> None:
        """Raises FormatError where a field goes on."""
        if self.opened:
            raise FormatError(
                f"{self._path}: line {self.opened} opens a quote that is not closed, at least within {LONGEST_FIELD:,} "
                f"characters; close it, or put the field into quotes and double those in it"
            )


def _is_plain(line: str, separator: str) -> bool:
    """Whether every quote begins or ends a field of this line: what most lines are, and quickly told."""
    return '"' not in line or _plain_lines(separator).fullmatch(line) is not None


@cache
def _plain_lines(separator: str) -> re.Pattern[str]:
    field = rf'(?:[^"{separator}]*+|"[^"]*+")'
    return re.compile(f"{field}(?:{separator}{field})*+")


def _no_utf8(path: Path, where: str, error: UnicodeDecodeError) -> FormatError:
    if error.object[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return FormatError(f"{path}: UTF-16 text; save it as UTF-8, as `iconv -f UTF-16 -t UTF-8` does")
    return FormatError(
        f"{path}: not UTF-8 text {where}: {error.reason}; save it as UTF-8, as `iconv -f LATIN1 -t UTF-8` does of old files"
    )


def _layout(path: Path, lines: list[str], header: bool | None) -> _Layout:
    separator = _separator(path, lines)
    fields = _fields(path, lines[0].rstrip(" ") if separator == " " else lines[0], separator)
    quotes = _Quotes(path, separator)
    quotes.read(lines[0], 1)
    if quotes.opened:
        raise FormatError(
            f"{path}: line 1 opens a quote that it does not close; the first row has to stand on one line"
        )
    named = _names_columns(fields) if header is None else header
    if named:  # a column without a name has the one that polars gives it
        fields = [name or f"column_{k}" for k, name in enumerate(fields)]
    if named and (repeated := first_repeated(fields)) is not None:
        raise SchemaError(f"{path}: column name {repeated!r} appears twice in line 1; rename one of them")
    return _Layout(separator, tuple(fields), named)


def _parse(path: Path, data: str, layout: _Layout, first_line: int) -> Any:
    """The rows of text as a polars frame of text."""
    import polars as pl

    names = list(layout.fields) if layout.named else [f"x{k}" for k in range(len(layout.fields))]
    if layout.separator == " ":
        data = "\n".join(line.rstrip(" ") for line in data.split("\n"))
    if not data and first_line > 1:
        return pl.DataFrame({name: [] for name in names}, schema=dict.fromkeys(names, pl.String))
    count = _require_rectangular(path, data, layout, first_line)
    options: dict[str, Any] = {"separator": layout.separator, "has_header": False, "infer_schema": False}
    frame = pl.DataFrame()
    if '"' not in data or all(_is_plain(line, layout.separator) for line in data.split("\n")):
        with suppress(pl.exceptions.PolarsError):
            frame = pl.read_csv(io.BytesIO(data.encode()), new_columns=names, **options)
    if len(frame) != count:  # quotes or line ends within fields, as in 5" pipe, which polars refuses or takes otherwise
        rows = [row or [""] for row in csv.reader(io.StringIO(data), delimiter=layout.separator)]
        frame = pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")
    return frame


def _each(columns: Sequence[Any], of: Callable[[Any, int], Any]) -> list[Any]:
    """An expression of each of these polars series and its number, by one query: a thousand columns take no thousand of them.

    They have numbers for names meanwhile: polars takes a name such as ^a$ for a pattern.
    """
    import polars as pl

    frame = pl.DataFrame([column.alias(str(k)) for k, column in enumerate(columns)])
    found = frame.select(of(pl.col(str(k)), k) for k in range(len(columns))).get_columns()
    return [each.alias(column.name) for each, column in zip(found, columns, strict=True)]


def _known(frame: Any, named: bool, words: MissingWords) -> Text:
    """A frame of text without the spaces around cells, and with null for what is missing; and what was, counted."""
    import polars as pl

    columns = frame.get_columns()
    if not columns:
        return Text(frame, named, {})
    of_columns = [sorted(words.of(column.name)) for column in columns]
    text = _each(columns, lambda t, _: t.str.strip_chars())
    missing = _each(text, lambda t, k: t.str.to_lowercase().is_in(of_columns[k]).fill_null(True))
    counts = {t.name: _counted(t.filter(m)) for t, m in zip(text, missing, strict=True) if m.any()}
    raw = [t.set(m, None) if m.any() else t for t, m in zip(text, missing, strict=True)]
    return Text(pl.DataFrame(raw), named, counts)


def _counted(words: Any) -> dict[str, int]:
    """How often each word stands in a polars series of text, the most frequent first."""
    return dict(words.fill_null("").value_counts(sort=True).iter_rows())


def typed(text: Any) -> Any:
    """A polars series of text as what all its known cells are; see ``typed_frame``."""
    return typed_frame(text.to_frame()).to_series()


def typed_frame(frame: Any) -> Any:
    """A polars frame of text, each column as what all its known cells are: integers, numbers, booleans, dates, times, or text.

    Digits that begin with a zero, as 01007 does, are text: as a number they would lose it.
    """
    import polars as pl

    casts: tuple[Callable[[Any], Any], ...] = (
        lambda t: t.cast(pl.Int64, strict=False),
        lambda t: t.cast(pl.Float64, strict=False),
        lambda t: t.str.to_lowercase().replace_strict(
            {"true": True, "false": False}, default=None, return_dtype=pl.Boolean
        ),
        lambda t: t.str.to_date("%Y-%m-%d", strict=False),
        lambda t: t.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us", strict=False),
        lambda t: t.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="us", strict=False),
        lambda t: t.str.to_datetime("%Y-%m-%d %H:%M", time_unit="us", strict=False),
        lambda t: t.str.to_datetime("%Y-%m-%dT%H:%M", time_unit="us", strict=False),
    )
    columns, unknown = list(frame.get_columns()), [column.null_count() for column in frame.get_columns()]
    for start in range(0, len(columns), TYPED_AT_ONCE):
        left = [k for k in range(len(columns))[start : start + TYPED_AT_ONCE] if unknown[k] < len(frame)]
        if left:  # as zip codes are written, and no number
            zeros = _each([columns[k] for k in left], lambda t, _: t.str.contains(r"^[+-]?0[0-9]").any())
            left = [k for k, found in zip(left, zeros, strict=True) if not found.item()]
        for cast in casts:
            if not left:
                break
            found = _each([columns[k] for k in left], lambda t, _, cast=cast: cast(t))
            for k, column in zip(left, found, strict=True):
                if column.null_count() == unknown[k]:
                    columns[k] = column
            left = [k for k, column in zip(left, found, strict=True) if column.null_count() > unknown[k]]
    return pl.DataFrame(columns)


def _decoded(path: Path) -> str:
    try:
        packed = path.read_bytes()
        data = gzip.decompress(packed) if path.suffix.lower() == ".gz" else packed
    except (OSError, EOFError, zlib.error) as error:
        raise FormatError(f"{path}: cannot be read: {error}") from error
    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        line = 1 + data.count(b"\n", 0, error.start)
        raise _no_utf8(path, f"in line {line}", error) from error
    end = text.find("\n", len(text.rstrip("\n ")))  # blank lines at the end do not count
    text = text if end < 0 else text[:end]
    if not text.strip("\n "):
        raise FormatError(f"{path}: the file is empty")
    if not text.split("\n", 1)[0].strip(" "):
        raise FormatError(f"{path}: line 1 is empty")
    return text


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


def _require_rectangular(path: Path, data: str, layout: _Layout, first_line: int) -> int:
    """How many rows there are. Each must have as many fields as line 1; a reader would fill short ones silently."""
    if '"' in data:
        reader = csv.reader(io.StringIO(data), delimiter=layout.separator)
        try:
            found = [(max(1, len(row)), reader.line_num) for row in reader]
        except csv.Error as error:
            raise FormatError(f"{path}: not a readable table: {error}") from error
        counts, ends = np.array(found).T  # a row may have several lines
        lines = np.concatenate([[0], ends[:-1]])
    else:
        raw = np.frombuffer(f"{data}\n".encode(), dtype=np.uint8)
        starts = np.concatenate([[0], np.flatnonzero(raw == ord("\n"))[:-1]])
        counts = np.add.reduceat(raw == ord(layout.separator), starts, dtype=np.int32) + 1
        lines = np.arange(len(counts))
    width = len(layout.fields)
    if len(wrong := np.flatnonzero(counts != width)):
        row = int(wrong[0])
        raise FormatError(f"{path}: line {lines[row] + first_line} has {counts[row]} field(s) where line 1 has {width}")
    return len(counts)
