"""Warns of cells unlike those of the training rows, once a column, however a table is chunked."""

from __future__ import annotations

import math
import re
import warnings
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Any

import numpy as np

from chainrule.errors import SchemaError, nearest
from chainrule.table.codes import Codes, column_positions, encode
from chainrule.table.columns import AbstractColumn, AbstractNumbers, Categorical
from chainrule.table.frames.streams import is_stream
from chainrule.table.read import read_chunks, read_table
from chainrule.table.schema import Schema
from chainrule.table.table import Table
from chainrule.table.values.cells import as_labels, label_of, shown
from chainrule.table.values.types import own_value

LONGEST = 80  # characters of a cell that a warning shows
SHOWN = 3  # labels that a warning names
COMPARED = 30  # most frequent labels that are compared with the levels letter by letter
KEPT = 10_000  # different labels that are counted by name
# Least share of common letters, and of letters, in a label that may be a misspelt level.
SIMILAR, SIMILAR_LETTERS = 0.8, 4
CHANCE = 1e-3  # a less probable count is no chance
# Distances outside the training rows' range, in widths of it: a nearer cell is ignored, and even a
# single farther one causes a warning.
BEYOND, FAR = 0.1, 1.0


def encode_chunks(
    table: Any,
    schema: Schema,
    *,
    whole: bool = False,
    strict: bool = False,
    absent_is_fine: Collection[str] = (),
    ranges: bool = True,
) -> Iterator[tuple[Table, Codes]]:
    """Yields the chunks of a table with their codes.

    Ends with a warning for each column that needs one.

    Args:
        table: a frame, array or path, or an iterator of chunks.
        schema: the columns.
        whole: read a file as one chunk.
        strict: raise an error for cells that their column cannot hold.
        absent_is_fine: columns that may be absent, and whose cells cause no warning.
        ranges: whether to report numbers outside the range of the training rows.
    """
    notes = [_Note(column, ranges) for column in schema.columns]
    for chunk in _chunks_of(table, schema, whole):
        codes = encode(
            chunk,
            schema,
            warn=not chunk.first_row,
            absent_is_fine=list(absent_is_fine),
            strict=strict,
        )
        at = column_positions(chunk, schema)
        for k, note in enumerate(notes):
            if (
                position := at.get(note.column.name)
            ) is not None and note.column.name not in absent_is_fine:
                note.add(
                    chunk, position, codes.values[:, k], codes.observed[:, k], codes.outside[:, k]
                )
        yield chunk, codes
    for note in notes:
        for message in note.messages():
            warnings.warn(message, UserWarning, stacklevel=2)


def _chunks_of(table: Any, schema: Schema, whole: bool) -> Iterator[Table]:
    if isinstance(table, Iterator) and not is_stream(table):
        return table
    return (
        iter([read_table(table, reading=schema.reading)])
        if whole
        else read_chunks(table, reading=schema.reading)
    )


def check_given(table: Table, schema: Schema, codes: Codes) -> None:
    """Warns of given numbers outside the training range, and of labels that may be rare.

    Raises:
        SchemaError: a label that no training row has, or a misspelt one.
    """
    at = column_positions(table, schema)
    for k, column in enumerate(schema.columns):
        if column.is_flag or (position := at.get(column.name)) is None:
            continue
        observed, values = codes.observed[:, k], codes.values[:, k]
        if isinstance(column, Categorical):
            rows = np.flatnonzero(observed & column.is_unlisted(values))
            if len(rows):
                _check_labels(table, column, as_labels(table.labels(position)[rows]), rows)
        elif isinstance(column, AbstractNumbers):
            beyond = np.flatnonzero(observed & (column.range_excess(values) > 0))
            if len(beyond):
                row = int(beyond[0])
                which = f"value {_short(shown(table.columns[position], row))}{_at(table, row)}"
                more = f" and {len(beyond) - 1} more lie" if len(beyond) > 1 else " lies"
                warnings.warn(
                    f"{table.source}: column {column.name!r}: {which}{more} outside the range of "
                    f"the training rows, {column.range_as_text}; for other cells it counts as the "
                    "nearer end",
                    UserWarning,
                    stacklevel=3,
                )


def _check_labels(
    table: Table, column: Categorical, labels: list[str | None], rows: np.ndarray
) -> None:
    """Checks the labels of rows that are not among the column's levels; see ``check_given``.

    A type that names its labels vouches for them. Its labels without a training row may be given.
    Its other labels may be rare, and cause no error.
    """
    levels = column.level_names
    empty = {label_of(own_value(category)) for category in column.categories}
    rare: list[str] = []
    first = {
        str(label): row
        for label, row in zip(reversed(labels), reversed(rows.tolist()), strict=True)
    }
    for name, row in sorted(first.items(), key=lambda each: each[1]):  # each label once
        if name in empty or (
            column.unlisted and not any(_resembles(name, level) for level in levels)
        ):
            rare += [name] if name in empty or not empty else []
            continue
        message = f"{table.source}: column {column.name!r}: {name!r}{_at(table, row)}"
        near = nearest(name, levels)
        hint = f" (nearest: {near!r})" if near else ""
        if not column.unlisted:
            few = "" if near else f"; its labels are {_some(levels)}"
            raise SchemaError(
                f"{message} is a label that no training row has{hint}: correct it, or leave the "
                f"cell out{few}"
            )
        raise SchemaError(
            f"{message} is none of the column's labels{hint}: correct it, or leave the cell out. "
            "Labels of fewer than min_count rows cannot be distinguished from ones that were "
            "never seen"
        )
    if rare:
        warnings.warn(
            f"{table.source}: column {column.name!r}: {_some(list(dict.fromkeys(rare)))}: none of "
            "the labels that the model lists; taken for labels of fewer than min_count training "
            "rows, which are no evidence for other cells",
            UserWarning,
            stacklevel=4,
        )


@dataclass
class _Note:
    """The counts behind the warnings about one column."""

    column: AbstractColumn
    ranges: bool
    known: int = 0
    labels: Counter[str] = field(default_factory=Counter)  # unlisted ones
    unlisted: int = 0
    outside: int = 0
    first_outside: str = ""
    beyond: int = 0
    farthest: float = 0.0
    first_beyond: str = ""

    def add(
        self,
        table: Table,
        position: int,
        values: np.ndarray,
        observed: np.ndarray,
        outside: np.ndarray,
    ) -> None:
        """Counts the cells of a chunk by their codes (N,), observed and outside."""
        column = self.column
        self.known += int(observed.sum())
        if outside.any():
            row = int(np.flatnonzero(outside)[0])
            self.first_outside = self.first_outside or _cell(table, position, row)
            self.outside += int(outside.sum())
        if isinstance(column, Categorical):
            rows = np.flatnonzero(observed & column.is_unlisted(values))
            self.unlisted += len(rows)
            for label in as_labels(table.labels(position)[rows]) if len(rows) else ():
                if label in self.labels or len(self.labels) < KEPT:
                    self.labels[str(label)] += 1
        elif isinstance(column, AbstractNumbers) and self.ranges:
            beyond = np.where(observed, column.range_excess(values), 0)
            rows = np.flatnonzero(beyond > BEYOND)
            if len(rows):
                row = int(rows[0])
                self.first_beyond = self.first_beyond or _cell(table, position, row)
                self.beyond, self.farthest = (
                    self.beyond + len(rows),
                    max(self.farthest, float(beyond.max())),
                )

    def messages(self) -> Iterator[str]:
        """The warnings."""
        column = self.column
        if self.outside:
            cells = f"{_cells(self.outside)} no value of the column, such as {self.first_outside}"
            held = f"its values are {column.domain_as_text}"
            yield (
                f"column {column.name!r}: {cells}: {held}; that counts as outside, and as unknown "
                "for other cells"
            )
        if (
            isinstance(column, Categorical)
            and self.unlisted
            and (message := self._of_labels(column))
        ):
            yield f"column {column.name!r}: {message}"
        if (
            isinstance(column, AbstractNumbers)
            and self.beyond
            and (self.farthest > FAR or self._is_much(self.beyond, 2))
        ):
            cells, lie = ("cell", "lies") if self.beyond == 1 else ("cells", "lie")
            yield (
                f"column {column.name!r}: {self.beyond} {cells}, such as {self.first_beyond}, "
                f"{lie} outside the range of the training rows, {column.range_as_text}; for other "
                "cells that counts as the nearer end"
            )

    def _of_labels(self, column: Categorical) -> str | None:
        """The warning about unlisted labels; None if they may be those of few training rows."""
        levels = column.level_names
        frequent = [label for label, _ in self.labels.most_common(COMPARED)]
        folded = {_folded(level) for level in levels}
        wrong = {label for label in self.labels if _folded(label) in folded}
        wrong |= {label for label in frequent if any(_resembles(label, level) for level in levels)}
        if not column.unlisted or self._is_much(self.unlisted, column.unlisted_rows):
            count = self.unlisted
            chosen = sorted(frequent, key=lambda label: label not in wrong)
        elif wrong:
            count = sum(self.labels[label] for label in wrong)
            chosen = sorted(wrong, key=lambda label: -self.labels[label])
        else:
            return None
        words = []
        for label in chosen[:SHOWN]:
            near = nearest(label, levels)
            words.append(f"{label!r} (nearest: {near!r})" if near else repr(label))
        different = len(self.labels) if count == self.unlisted else len(chosen)
        more = f" and {different - len(words)} more" if different > len(words) else ""
        rest = ", like labels of fewer than min_count training rows" if column.unlisted else ""
        return (
            f"{_cells(count)} none of its labels: {', '.join(words)}{more}; that counts as "
            f"unlisted{rest}"
        )

    def _is_much(self, count: int, training: int) -> bool:
        """Whether ``count`` known cells are clearly more than ``training`` rows make likely.

        It uses Chernoff's bound on the probability of so many.
        """
        share, found = (training + 1) / (self.column.rows + 2), count / self.known
        if found <= share:
            return False
        rest = (1 - found) * math.log((1 - found) / (1 - share)) if found < 1 else 0.0
        return -self.known * (found * math.log(found / share) + rest) < math.log(CHANCE)


def _resembles(label: str, level: str) -> bool:
    """Whether a label may be a misspelt level: other capitals, signs or a few letters.

    Labels with other digits are other labels.

    >>> _resembles("Female ", "female"), _resembles("femal", "female")
    (True, True)
    >>> _resembles("class 10", "class 1"), _resembles("UK", "US")
    (False, False)
    """
    one, other = _folded(label), _folded(level)
    if one == other:
        return True
    if min(len(one), len(other)) < SIMILAR_LETTERS or re.findall(r"\d+", one) != re.findall(
        r"\d+", other
    ):
        return False
    matcher = SequenceMatcher(None, one, other)
    return (
        matcher.real_quick_ratio() >= SIMILAR
        and matcher.quick_ratio() >= SIMILAR
        and matcher.ratio() >= SIMILAR
    )


def _folded(label: str) -> str:
    return re.sub(r"[\W_]+", "", label).casefold() or label


def _cell(table: Table, position: int, row: int) -> str:
    return f"{_short(shown(table.columns[position], row))} at {table.where(row)}"


def _short(word: str) -> str:
    return word if len(word) <= LONGEST else f"{word[:LONGEST]}…"


def _cells(count: int) -> str:
    return f"{count} cell{'s hold' if count > 1 else ' holds'}"


def _at(table: Table, row: int) -> str:
    """The row of a given cell, if there are several rows."""
    return f" at {table.where(row)}" if len(table) > 1 else ""


def _some(names: list[str], most: int = 6) -> str:
    return ", ".join(map(repr, names[:most])) + (
        f" and {len(names) - most} more" if len(names) > most else ""
    )
