"""The fields of a text where they stand, so that some change and every other character stays."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from chainrule.errors import FormatError
from chainrule.table.files.lines import opened, read_whole, without_blank_end
from chainrule.table.files.text_files import Layout, layout_of

BOM = "\ufeff"
BLANKS = " \t"  # around a field without quotes; they stay when it is replaced


@dataclass(frozen=True)
class Field:
    """A field of a text.

    Attributes:
        start: where it begins, blanks included.
        first: where its own characters begin, or its opening quote.
        last: where these end.
        end: where it ends, blanks included.
        quoted: whether it stands in quotes.
        text: its cell, without quotes and the blanks around it.
    """

    start: int
    first: int
    last: int
    end: int
    quoted: bool
    text: str


@dataclass(frozen=True)
class FieldText:
    """A text of rows, and where its fields stand. Rows count from 0, after the names.

    Attributes:
        text: the text, without a byte order mark.
        layout: its separator and names.
        source: its name in messages.
        bom: whether it begins with a byte order mark.
    """

    text: str
    layout: Layout
    source: str = "the text"
    bom: bool = False

    def rows(self, wanted: Collection[int] | None = None) -> Iterator[tuple[int, list[Field]]]:
        """Yields the number and the fields of each row, or of each wanted row.

        Raises:
            FormatError: a wanted row has another number of fields than line 1, or a quote is not
                closed.
        """
        width = len(self.layout.fields)
        for row, start, end in self._records():
            if wanted is not None and row not in wanted:
                continue
            fields = self._fields(start, end)
            # Blanks at the end of a line are no fields where blanks separate.
            while self.layout.separator == " " and len(fields) > width and not fields[-1].text:
                fields.pop()
            if len(fields) != width:
                raise FormatError(
                    f"{self.source}: row {row} has {len(fields)} field(s) where line 1 has {width}"
                )
            yield row, fields

    def count(self) -> int:
        """The number of rows."""
        return sum(1 for _ in self._records())

    def spliced(self, cells: Mapping[Field, str]) -> str:
        """The text with other values in some of its fields; everything else stays."""
        parts, done = [], 0
        for field in sorted(cells, key=lambda field: field.start):
            start, end, new = self.replacement(field, cells[field])
            parts += [self.text[done:start], new]
            done = end
        return "".join([*parts, self.text[done:]])

    def replacement(self, field: Field, value: str) -> tuple[int, int, str]:
        """The range of characters that a new value replaces, and what stands there then.

        A field in quotes stays in quotes. Others get them where a reader needs them; blanks around
        the field then go, since a quote opens a field only at its beginning.
        """
        separator = self.layout.separator
        empty = not value and (separator == " " or len(self.layout.fields) == 1)
        marked = any(mark in value for mark in (separator, '"', "\r", "\n"))
        if not (field.quoted or empty or marked or value.strip(BLANKS) != value):
            return field.first, field.last, value
        quoted = '"' + value.replace('"', '""') + '"'
        if field.quoted:
            return field.first, field.last, quoted
        return field.start, field.end, quoted

    def _records(self) -> Iterator[tuple[int, int, int]]:
        """Yields each row's number, and where it begins and ends in the text."""
        stop = len(without_blank_end(self.text))
        row, done = -int(self.layout.named), 0
        while done < stop or row < 0:
            found = _record(self.layout.separator).match(self.text, done, stop)
            if found is None:
                line = 1 + self.text.count("\n", 0, done)
                raise FormatError(
                    f"{self.source}: line {line} opens a quote that is not closed; close it, or "
                    "put the field into quotes and double those in it"
                )
            if row >= 0:
                yield row, done, found.end(1)
            if found.end() == found.end(1):  # the last line, which has no line end here
                return
            row, done = row + 1, found.end()

    def _fields(self, start: int, end: int) -> list[Field]:
        fields, pattern = [], _field(self.layout.separator)
        while True:
            found = pattern.match(self.text, start, end)
            assert found is not None  # it matches the empty field
            fields.append(_located(found))
            if found.end() >= end:
                return fields
            start = found.end() + 1


def field_text(path: Path, header: bool | None = None) -> FieldText:
    """Reads a text file, plain or gzipped.

    Raises:
        FormatError: it is no UTF-8 text, empty, damaged, or too large for the memory.
        SchemaError: a name appears twice.
    """
    text = read_whole(path)
    with opened(path) as file:
        bom = file.read(len(BOM.encode())) == BOM.encode()
    return FieldText(text, layout_of(path, text, header), str(path), bom)


def _located(found: re.Match[str]) -> Field:
    (start, end), (quotes, rest) = found.span(), found.groups()
    if quotes is not None:
        inner = quotes[1:-1].replace('""', '"')
        if rest.strip(BLANKS):  # text behind the closing quote belongs to the cell
            return Field(start, start, end, end, True, inner + rest)
        return Field(start, start, end - len(rest), end, True, inner)
    text = found[0]
    first = end - len(text.lstrip(BLANKS))
    last = max(first, start + len(text.rstrip(BLANKS)))
    return Field(start, first, last, end, False, text.strip(BLANKS))


@cache
def _record(separator: str) -> re.Pattern[str]:
    """A row without its line end as group 1, then the line end."""
    other = rf"[^{separator}\r\n]*+"
    field = rf'(?:"(?:[^"]++|"")*+"{other}|(?!"){other})'
    return re.compile(rf"({field}(?:{separator}{field})*+)(?:\r\n|\r|\n|\Z)")


@cache
def _field(separator: str) -> re.Pattern[str]:
    """A field: its quotes and what follows them, or its characters."""
    other = rf"[^{separator}\r\n]*+"
    return re.compile(rf'("(?:[^"]++|"")*+")({other})|(?!"){other}')
