"""Cells of arrays and frames that the user's words make missing."""

from __future__ import annotations

import math
from collections.abc import Collection
from contextlib import suppress
from dataclasses import replace

import numpy as np
from typing_extensions import override

from chainrule.table.table import AbstractColumns, Table
from chainrule.table.text.reading_options import Reading
from chainrule.table.values.cells import is_number
from chainrule.table.values.distinct import Distinct
from chainrule.table.values.exact_integers import LARGEST_EXACT


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
        values = self._table.columns[index]
        words = self._table.reading.missing.of(self._table.names[index])
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
        column = Distinct(values)
        found = np.zeros(len(column.cells), dtype=bool)
        for row, cell in enumerate(column.cells.tolist()):
            if isinstance(cell, str):
                found[row] = cell.strip().lower() in words
            elif numbers and is_number(cell):
                found[row] = cell in numbers
        found = found[column.codes]
    return found


def _number(word: str) -> int | float | None:
    """The finite number that a word writes, exact if whole; None if it writes none."""
    for kind in (int, float):
        with suppress(ValueError):
            number = kind(word)
            return number if math.isfinite(number) else None
    return None
