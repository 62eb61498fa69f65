"""The tables whose rows the page opens: the one it began with, and CSV files dropped on it."""

from __future__ import annotations

import math
import os
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.errors import ChainruleError, ShapeError
from chainrule.model import Model
from chainrule.review.cells import polars_frame
from chainrule.table import Codes, Table, encode, read_table

OWN = 0  # the number of the table that the page begins with
MOST_DROPPED = 4  # tables that are held; each holds its rows in memory
MOST_BYTES = 50_000_000  # of a table that is dropped on the page
UNNAMED = "the table"


class TextRows:
    """The rows of a table, as codes and as text.

    Attributes:
        name: what the page calls it, such as "wines.csv".
        table: the table.
        codes: its codes (N, D).
    """

    def __init__(self, name: str, table: Table, codes: Codes, names: list[str]) -> None:
        self.name, self.table, self.codes, self._names = name, table, codes, names
        self._texts = texts_of(polars_frame(table), names)

    def __len__(self) -> int:
        return len(self._texts)

    @classmethod
    def of(cls, table: Any, model: Model, name: str | None = None) -> TextRows:
        """Reads a table, which has the model's columns.

        Raises:
            SchemaError: it has not.
        """
        read = read_table(table, reading=model.schema.reading)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            codes = encode(read, model.schema, warn=False)
        if name is None:
            name = Path(table).name if isinstance(table, str | os.PathLike) else UNNAMED
        return cls(name, read, codes, [str(c.name) for c in model.schema.columns_without_flags])

    def row(self, number: int) -> dict[str, str | None]:
        """One row's cells by name.

        Raises:
            ShapeError: there is no such row.
        """
        if not 0 <= number < len(self):
            raise ShapeError(f"row {number} of a table of {len(self)} rows; rows count from 0")
        return dict(zip(self._names, self._texts[number], strict=True))

    def has(self, name: str, text: str) -> bool:
        """Whether a cell of a column is this text."""
        at = self._names.index(name)
        return any(row[at] == text for row in self._texts)


class Tables:
    """The tables by number. ``OWN`` is the one that the page begins with; the others were dropped.

    The newest few of the dropped tables are held.
    """

    def __init__(self, model: Model, table: Any) -> None:
        self._model, self._last = model, OWN
        self._held = {} if table is None else {OWN: TextRows.of(table, model)}

    @property
    def listed(self) -> list[dict[str, Any]]:
        """The number, name and rows of each table."""
        return [{"table": k, "name": t.name, "rows": len(t)} for k, t in self._held.items()]

    def get(self, table: int) -> TextRows | None:
        """The table of this number; None if the page began without one.

        Raises:
            ShapeError: a table that is no longer held, or never was.
        """
        if table != OWN and table not in self._held:
            raise ShapeError(f"table {table} is not held any more; drop its file again")
        return self._held.get(table)

    def row(self, table: int, number: int) -> dict[str, str | None]:
        """One row's cells by name.

        Raises:
            ShapeError: there is no such row or table.
        """
        held = self.get(table)
        if held is None:
            raise ShapeError(f"row {number} of a table of 0 rows; rows count from 0")
        return held.row(number)

    def add(self, text: bytes, name: str) -> int:
        """Reads a CSV file, and returns the number of its table.

        Raises:
            FormatError: the file is no CSV.
            SchemaError: it lacks the model's columns.
            ShapeError: it is too large.
        """
        if len(text) > MOST_BYTES:
            raise ShapeError(f"{name}: {len(text):,} bytes; the page takes {MOST_BYTES:,}")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "table.csv"
            path.write_bytes(text)
            try:
                found = TextRows.of(path, self._model, name)
            except ChainruleError as error:  # a reader knows no temporary file
                raise type(error)(str(error).replace(str(path), name)) from error
        self._last += 1
        self._held[self._last] = found
        dropped = [number for number in self._held if number != OWN]
        for number in dropped[:-MOST_DROPPED]:
            del self._held[number]
        return self._last


def texts_of(frame: Any, names: list[str]) -> list[list[str | None]]:
    """The cells of some columns of a polars frame, as the page shows them; None if missing."""
    columns = [
        [_text(cell) for cell in frame[name].to_list()]
        if name in frame.columns
        else [None] * len(frame)
        for name in names
    ]
    return [list(row) for row in zip(*columns, strict=True)]


def _text(cell: Any) -> str | None:
    """All digits of a number; None if it is missing."""
    if isinstance(cell, float):
        return None if math.isnan(cell) else np.format_float_positional(cell, trim="-")
    return None if cell is None else str(cell)
