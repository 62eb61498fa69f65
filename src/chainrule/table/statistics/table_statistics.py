"""What a schema needs to know of all rows of a table: statistics of columns, and some rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from typing_extensions import override

from chainrule.errors import SchemaError
from chainrule.table.containers import from_array, from_frame
from chainrule.table.frames.concatenated import concatenated, taken
from chainrule.table.statistics.column import ColumnStatistics
from chainrule.table.table import AbstractColumns, Table

MOST_ROWS = 2**18  # of a table whose rows are all kept; of a larger one, so many random ones are
MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))  # of splitmix64
GOLDEN = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class TableStatistics:
    """What the rows of a table, or of some of its parts, show; the statistics of parts can be
    joined.

    A table of up to ``MOST_ROWS`` rows is kept as it is. Of a larger one so many rows are kept,
    chosen by their numbers, so that the choice is the same whatever its parts are.

    Attributes:
        some: the rows that are kept, in their order.
        rows: the number of all rows.
        columns: the statistics of each column in all rows; None if all rows are kept.

    Examples:
        >>> import polars as pl
        >>> whole = pl.DataFrame({"x": range(100)})
        >>> parts = [from_frame(whole[:60], "a"), from_frame(whole[60:], "b")]
        >>> seen = TableStatistics.joined([TableStatistics.of(part) for part in parts])
        >>> seen.rows, seen.is_whole, len(seen.some)
        (100, True, 100)
    """

    some: Table
    rows: int
    columns: tuple[ColumnStatistics, ...] | None = None

    @classmethod
    def of(cls, table: Table, *, first_row: int | None = None) -> Self:
        """The statistics of a table, or of a part whose first row has this number in it.

        Its columns are read one at a time.

        Raises:
            SchemaError: an infinite number.
        """
        start = table.first_row if first_row is None else first_row
        table = replace(table, first_row=start)
        if len(table) <= MOST_ROWS:
            return cls(table, len(table))
        chosen = _chosen(np.arange(start, start + len(table)))
        return cls(_taken(table, chosen), len(table), _columns_of(table))

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """The statistics of several parts, in the order of their rows.

        Raises:
            SchemaError: the parts have different columns.
        """
        if len(parts) == 1:
            return parts[0]
        for part in parts:
            if part.some.names != parts[0].some.names:
                raise SchemaError(
                    f"{part.some.source}: columns {', '.join(map(repr, part.some.names))}, where "
                    f"{parts[0].some.source} has {', '.join(map(repr, parts[0].some.names))}: give "
                    "all parts the same columns in the same order"
                )
        total = sum(part.rows for part in parts)
        if total <= MOST_ROWS:
            return cls(_joined([part.some for part in parts]), total)
        numbers = np.concatenate([part._numbers for part in parts])
        chosen = _chosen(numbers)
        some = _taken(_joined([part.some for part in parts]), chosen)
        some = replace(some, numbers=numbers[chosen], first_row=0)
        columns = zip(*(part._columns for part in parts), strict=True)
        return cls(some, total, tuple(ColumnStatistics.joined(each) for each in columns))

    @property
    def is_whole(self) -> bool:
        """Whether all rows are kept."""
        return self.columns is None

    def table_of(self, position: int, *, min_count: int) -> Table:
        """A table whose column at a position stands for all rows; its other columns do not matter.

        Args:
            position: the position of the column.
            min_count: number of rows that make a level.
        """
        column = None if self.columns is None else self.columns[position]
        if column is None or column.numbers is None or self.some.reading.of(self.name(position)):
            return self.some
        values = column.numbers.standing_for(MOST_ROWS, least=min_count)
        return replace(
            self.some, columns=_One(self.some, position, values), rows=len(values), text=None,
            numbers=None,
        )  # fmt: skip

    def name(self, position: int) -> str:
        """The name of the column at a position."""
        return self.some.names[position]

    @property
    def _numbers(self) -> np.ndarray:
        """The numbers in the table of the rows that are kept."""
        own = self.some.numbers
        return self.some.first_row + (np.arange(len(self.some)) if own is None else own)

    @property
    def _columns(self) -> tuple[ColumnStatistics, ...]:
        return _columns_of(self.some) if self.columns is None else self.columns


class _One(AbstractColumns):
    """The columns of a table, of which one is replaced."""

    def __init__(self, table: Table, position: int, values: np.ndarray) -> None:
        self._table, self._position, self._values = table, position, values

    @override
    def __len__(self) -> int:
        return len(self._table.columns)

    @override
    def column(self, index: int) -> np.ndarray:
        return self._values if index == self._position else self._table.columns[index]


def _columns_of(table: Table) -> tuple[ColumnStatistics, ...]:
    return tuple(ColumnStatistics.of(table, k) for k in range(len(table.names)))


def _chosen(numbers: np.ndarray) -> np.ndarray:
    """The positions of at most ``MOST_ROWS`` of rows with these numbers (n,), ascending."""
    if len(numbers) <= MOST_ROWS:
        return np.arange(len(numbers))
    keys = (numbers.astype(np.uint64) + np.uint64(1)) * GOLDEN
    for factor, shift in zip(MIX, (30, 27), strict=True):
        keys = (keys ^ (keys >> np.uint64(shift))) * factor
    keys ^= keys >> np.uint64(31)
    return np.sort(np.argpartition(keys, MOST_ROWS)[:MOST_ROWS])


def _taken(table: Table, rows: np.ndarray) -> Table:
    """Some rows of a table, read column by column and kept."""
    written = table.as_written(0) is not None
    columns = tuple(table.columns[k][rows] for k in range(len(table.names)))
    text: Any = None
    if written:
        import polars as pl

        series = [table.as_written(k)[rows].alias(n) for k, n in enumerate(table.names)]
        text = pl.DataFrame(series)
    return replace(
        table,
        columns=columns,
        types=tuple(map(table.type_of, range(len(columns)))),
        rows=None,
        numbers=rows if table.numbers is None else table.numbers[rows],
        text=text,
        frame=None if table.frame is None or written else taken(table.frame, rows),
    )


def _joined(tables: Sequence[Table]) -> Table:
    """The rows of several tables of the same columns."""
    first = tables[0]
    frame = concatenated([table.frame for table in tables], first.container)
    make = from_array if first.container == "numpy" else from_frame
    return replace(make(frame, first.source), reading=first.reading)
