"""A table: named columns of equal length, read from anything."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, overload

import numpy as np
from typing_extensions import override

from chainrule.errors import printable
from chainrule.table.frames.column_index import ColumnIndex
from chainrule.table.frames.text_objects import text_objects
from chainrule.table.text.reading_options import DEFAULT_READING, Reading
from chainrule.table.values.cells import as_labels, label_of
from chainrule.table.values.json_values import Encoded
from chainrule.table.values.types import Type, cells_word, own_value


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
        gone = set(as_labels(cells)) - set(as_labels(cells[rows]))
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
