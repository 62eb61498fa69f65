"""Text files as lines, unpacked and decoded as they are read, in bounded memory.

Text within quotes does not change.
"""

from __future__ import annotations

import gzip
import io
import re
import zlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import BinaryIO, cast

from chainrule.errors import FormatError
from chainrule.machine import free_bytes

LONGEST_FIELD = 131_072  # characters; the limit of Python's reader
LONGEST_LINE = 2**25  # characters; a longer line is no table's
CHUNK_CHARACTERS = 2**25  # a chunk ends after so many, however few its lines are
BLOCK_CHARACTERS = 2**20  # parsed at a time from a text in memory
BUFFER = 2**20  # bytes
CELL_BYTES = 24  # of a cell in memory and of its code
WHOLE_COPIES = 8  # memory of a text that is read whole, in multiples of its bytes
DAMAGED = (OSError, EOFError, zlib.error)
LINE_END = re.compile(r"\r\n|\r|\n")
SPACES = "".join(c for c in map(chr, range(0x3001)) if c.isspace() and c not in "\r\n")


def opened(path: Path) -> BinaryIO:
    """Opens a text file, unpacked while it is read."""
    return cast(BinaryIO, gzip.open(path, "rb") if is_packed(path) else path.open("rb"))


def is_packed(path: Path) -> bool:
    """Whether the name is that of a gzipped file."""
    return path.suffix.lower() == ".gz"


def unpacked_bytes(path: Path, most: int) -> int:
    """The unpacked size of a text file, or any number above ``most`` if it is larger.

    A packed file is unpacked and counted.

    Raises:
        FormatError: it cannot be unpacked.
    """
    if not is_packed(path):
        return path.stat().st_size
    found = 0
    try:
        with opened(path) as file:
            while found <= most and (chunk := file.read(BUFFER)):
                found += len(chunk)
    except DAMAGED as error:
        raise FormatError(f"{path}: cannot be read: {error}") from error
    return found


def held_bytes(path: Path, most: int) -> int:
    """About the bytes of a text that is read whole: its own, and those of its cells and codes.

    Cells are counted at its begin. The result is any number above ``most`` if it is larger.

    Raises:
        FormatError: it cannot be unpacked.
    """
    size = unpacked_bytes(path, most)
    try:
        with opened(path) as file:
            begin = file.read(BUFFER)
    except DAMAGED as error:
        raise FormatError(f"{path}: cannot be read: {error}") from error
    separators = max(map(begin.count, (b",", b";", b"\t"))) or begin.count(b" ")
    cells = begin.count(b"\n") + separators
    return size + size * cells * CELL_BYTES // max(len(begin), 1)


def read_whole(path: Path) -> str:
    """The text of a file, with its line ends unchanged.

    Raises:
        FormatError: no UTF-8 text, a damaged file, or one that does not fit into memory.
    """
    free = free_bytes()
    most = None if free is None else free // WHOLE_COPIES
    size = None if is_packed(path) else path.stat().st_size
    chunks: list[bytes] = []
    found = 0
    try:
        if size is None or most is None or size <= most:
            with opened(path) as file:
                while (most is None or found <= most) and (chunk := file.read(BUFFER)):
                    chunks.append(chunk)
                    found += len(chunk)
    except DAMAGED as error:
        raise FormatError(f"{path}: cannot be read: {error}") from error
    if most is not None and max(found, size or 0) > most:
        chunks.clear()
        has = f"{size:,} bytes" if size is not None else f"unpacks to more than {most:,} bytes"
        raise FormatError(
            f"{path}: {has}; read whole it takes about {WHOLE_COPIES} times as much, and {free:,} "
            "bytes of memory are free: pass fewer rows, or use a function that reads a file in "
            "chunks (fit, score, oddest, and impute and sample into a file)"
        )
    data = b"".join(chunks)
    chunks.clear()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = 1 + data.count(b"\n", 0, error.start)
        raise no_utf8(path, f"in line {line}", error) from error


def no_utf8(path: Path, where: str, error: UnicodeDecodeError) -> FormatError:
    """The error for bytes that are no UTF-8 text."""
    if error.object[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return FormatError(
            f"{path}: UTF-16 text; save it as UTF-8, as `iconv -f UTF-16 -t UTF-8` does"
        )
    return FormatError(
        f"{path}: not UTF-8 text {where}: {error.reason}; save it as UTF-8, as `iconv -f LATIN1 -t "
        "UTF-8` does of old files"
    )


def first_lines(text: str, most: int = 2) -> list[str]:
    """The first lines of a text, with any line ends."""
    found, start = [], 0
    while len(found) < most and start <= len(text):
        end = LINE_END.search(text, start)
        found.append(text[start : end.start() if end else len(text)])
        if end is None:
            break
        start = end.end()
    return found


def lines_of(text: str) -> Iterator[str]:
    """The lines of a text that end with ``\\n``, one at a time, to save memory."""
    start = 0
    while (end := text.find("\n", start)) >= 0:
        yield text[start:end]
        start = end + 1
    yield text[start:]


def with_one_line_end(path: Path, text: str, separator: str) -> str:
    """The text with ``\\n`` at the end of every line; line ends within quotes belong to cells and
    stay.

    Raises:
        FormatError: a quote is opened and not closed.
    """
    if '"' not in text:
        return text.replace("\r\n", "\n").replace("\r", "\n")
    if "\r" not in text:
        return text
    quotes = Quotes(path, separator)
    lines = [line for line, _ in _joined(_split(io.StringIO(text, newline=""), path), quotes)]
    quotes.require_closed()
    return "\n".join(lines)


def blocks_of(
    path: Path, text: str, separator: str, *, skipped: int = 0
) -> Iterator[tuple[int, str]]:
    """Splits a text with ``\\n`` line ends into blocks of whole rows, each with its first line
    number.

    Args:
        path: the file of the text.
        text: the text.
        separator: the separator of fields.
        skipped: number of lines at the beginning that belong to no block.

    Raises:
        FormatError: a quote is opened and not closed.
    """
    quotes, quoted = Quotes(path, separator), '"' in text
    begin, line, number, start = 0, 1 + skipped, 0, 0
    while start <= len(text):
        if not quoted and number >= skipped:  # a block may end at any line end
            start = max(start, min(len(text), begin + BLOCK_CHARACTERS))
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        number += 1
        if quoted:
            quotes.read(text[start:end], number)
        start = end + 1
        if number == skipped:
            begin = start
        elif number > skipped and (
            end == len(text) or (not quotes.opened and end - begin >= BLOCK_CHARACTERS)
        ):
            if end == len(text):
                quotes.require_closed()
            block = text[begin:end]
            yield line, block
            line += block.count("\n") + 1
            begin = start


def without_blank_end(text: str) -> str:
    """Removes the blank lines at the end of a text."""
    end = LINE_END.search(text, len(text.rstrip("\r\n ")))
    return text if end is None else text[: end.start()]


def line_groups(path: Path, rows: int, separator: str) -> Iterator[list[str]]:
    """Yields a file's lines in groups of about ``rows`` that end outside of quotes.

    Blank lines at the end are dropped. Lines joined by quotes are several, joined by ``\\n``; other
    line ends within quotes stay. Without a separator quotes have no meaning. A group of very long
    lines is smaller.

    Raises:
        FormatError: no UTF-8 text, a damaged file, an endless line, or a quote that is not closed.
    """
    lines: list[str] = []
    blank, number, size, quotes = 0, 0, 0, Quotes(path, separator)
    try:
        with opened(path) as raw, io.TextIOWrapper(raw, encoding="utf-8-sig", newline="") as file:
            for line, inside in _joined(_split(file, path), quotes):
                number += 1
                if not line.strip(" ") and not inside:
                    blank += 1  # counts only if another line follows
                    continue
                if not inside and (len(lines) >= rows or size >= CHUNK_CHARACTERS) and lines:
                    yield lines
                    lines, size = [], 0
                lines += [""] * blank + [line]
                size += len(line)
                blank = 0
    except UnicodeDecodeError as error:
        raise no_utf8(path, f"after line {number}", error) from error
    except DAMAGED as error:
        raise FormatError(f"{path}: cannot be read: {error}") from error
    quotes.require_closed()
    if lines:
        yield lines


def _split(file: io.TextIOBase, path: Path) -> Iterator[tuple[str, str]]:
    """The lines of a text with their line ends; the last one may have none.

    Raises:
        FormatError: a line is too long for a table.
    """
    while line := file.readline(LONGEST_LINE):
        if len(line) == LONGEST_LINE:
            raise FormatError(
                f"{path}: a line of more than {LONGEST_LINE:,} characters; this is no table of text"
            )
        bare = line.rstrip("\r\n")
        yield bare, line[len(bare) :]


def _joined(lines: Iterator[tuple[str, str]], quotes: Quotes) -> Iterator[tuple[str, bool]]:
    """Yields lines that ``\\n`` joins again, each with whether it continues a quoted field.

    Line ends within quotes are part of the cell: ``\\r\\n`` keeps its ``\\r``, and a lone ``\\r``
    ends no line.
    """
    text, number, inside = "", 1, False
    for bare, end in lines:
        quotes.read(bare, number)
        if quotes.opened and end == "\r":
            text += bare + end
            continue
        yield text + bare + ("\r" if quotes.opened and end == "\r\n" else ""), inside
        text, number, inside = "", number + 1, bool(quotes.opened)
    if text:
        yield text, inside


class Quotes:
    """Tracks whether a quoted field continues at the end of a line; an endless one is an error.

    A quote opens a field only at its beginning; elsewhere it is an ordinary character.
    """

    def __init__(self, path: Path, separator: str) -> None:
        self.opened = 0  # the line of the open field; 0 for none
        self._path, self._separator, self._length = path, separator, 0

    def read(self, line: str, number: int) -> None:
        """Reads the next line."""
        if self._separator and '"' in line and (self.opened or not is_plain(line, self._separator)):
            inside, begins, k = bool(self.opened), not self.opened, 0
            while k < len(line):
                if inside and line[k] == '"':
                    inside, k = line[k + 1 : k + 2] == '"', k + 1  # "" is a quote in the field
                elif not inside and line[k] == '"' and begins:
                    inside = True
                begins = line[k : k + 1] == self._separator
                k += 1
            self.opened = (self.opened or number) if inside else 0
        self._length = self._length + len(line) if self.opened else 0
        if self._length > LONGEST_FIELD:
            self.require_closed()

    def require_closed(self) -> None:
        """Raises FormatError if a quoted field is still open."""
        if self.opened:
            raise FormatError(
                f"{self._path}: line {self.opened} opens a quote that is not closed, at least "
                f"within {LONGEST_FIELD:,} characters; close it, or put the field into quotes and "
                "double those in it"
            )


def is_plain(line: str, separator: str) -> bool:
    """Whether every quote begins or ends a field of this line, as in most lines.

    The test is fast.
    """
    return '"' not in line or _plain_lines(separator).fullmatch(line) is not None


@cache
def _plain_lines(separator: str) -> re.Pattern[str]:
    field = rf'(?:[^"{separator}]*+|"[^"]*+")'
    return re.compile(f"{field}(?:{separator}{field})*+")
