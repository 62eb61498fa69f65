"""Real, synthetic and held-out rows as numbers, column by column on common terms."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from chainrule.arguments import MIN_COUNT
from chainrule.errors import SchemaError
from chainrule.table import (
    AbstractColumn,
    Schema,
    Table,
    cells_of_column,
    column_positions,
    infer_schema,
    read_table,
)
from chainrule.table.values.cells import datetimes_if_any, labels_of_different, numbers_if_any
from chainrule.table.values.distinct import Distinct

FEW_ROWS = 100  # fewer real rows make a label of each value: nothing of them is stored
NO_BIT = "(neither 0 nor 1)"
NUMBER, DATE, LABEL = "number", "date", "label"


@dataclass(frozen=True)
class Column:
    """A column that all tables have.

    Attributes:
        source: the column as ``fit`` would infer it from the real rows.
        kind: "number", "date" (counted in seconds) or "label".
        labels: the labels of all tables, those of real rows first, the most frequent one first.
        known: number of labels that real rows have.
    """

    source: AbstractColumn
    kind: str
    labels: tuple[str, ...] = ()
    known: int = 0

    @property
    def name(self) -> str:
        """The column's name."""
        return self.source.name

    @property
    def is_label(self) -> bool:
        """Whether cells are labels, which have no order."""
        return self.kind == LABEL


@dataclass(frozen=True)
class Rows:
    """A table as numbers.

    Attributes:
        values: (N, D) float64, NaN if missing: numbers, seconds since 1970, or numbers of labels.
        wrong: the rows of cells that are no value of their column's kind, such as text among
            numbers, by the column's number. ``values`` has NaN there, or a label of its own.
        table: the table itself, for messages.
    """

    values: np.ndarray
    wrong: Mapping[int, np.ndarray] = field(default_factory=dict)
    table: Table | None = None

    def __len__(self) -> int:
        return len(self.values)

    def some(self, most: int, generator: np.random.Generator) -> Rows:
        """At most so many rows, drawn without repetition; all of them keep their order."""
        if len(self) <= most:
            return self
        chosen = generator.choice(len(self), most, replace=False, shuffle=False)
        return Rows(self.values[np.sort(chosen)])


@dataclass(frozen=True)
class Tables:
    """The tables to compare, with the columns of the real one.

    Attributes:
        columns: the columns that are compared.
        schema: the schema of the real rows.
        ignored: columns of the synthetic table that the real one lacks.
    """

    columns: tuple[Column, ...]
    schema: Schema
    real: Rows
    synthetic: Rows
    holdout: Rows | None
    ignored: tuple[str, ...] = ()

    def some(self, most: int, seed: int) -> Tables:
        """At most so many rows of each table, drawn by the seed."""
        parts = [
            None if rows is None else rows.some(most, np.random.default_rng((seed, k)))
            for k, rows in enumerate((self.real, self.synthetic, self.holdout))
        ]
        assert parts[0] is not None
        assert parts[1] is not None
        return replace(self, real=parts[0], synthetic=parts[1], holdout=parts[2])

    def number(self, name: str) -> int:
        """The number of the column of this name, which exists."""
        return [column.name for column in self.columns].index(name)


def tables_of(
    real: Any, synthetic: Any, holdout: Any = None, *, kinds: Mapping[str, Any] | Schema | None
) -> Tables:
    """Reads the tables, with the columns that ``fit`` would model in the real one.

    Raises:
        SchemaError: a table without rows, a column that a table lacks, or one whose cells are
            written differently than in the real table.
    """
    first = real if isinstance(real, Table) else read_table(real, source="the real table")
    least = MIN_COUNT if len(first) >= FEW_ROWS else 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # the result lists what is left out
        schema = infer_schema(first, kinds=kinds, min_count=least)
    given = {"the synthetic table": synthetic}
    if holdout is not None:
        given["the held-out table"] = holdout
    others = [
        other
        if isinstance(other, Table)
        else read_table(other, source=source, reading=schema.reading)
        for source, other in given.items()
    ]
    if not first.named:
        others = [replace(table, named=False) for table in others]
    for table in (first, *others):
        _require_columns(table, schema, first)
    read = [_cells(table, schema) for table in (first, *others)]
    columns, parts = [], [_Part(table) for table in (first, *others)]
    for k, source in enumerate(schema.columns_without_flags):
        columns.append(_column(source, k, [cells[k] for cells in read], parts))
    rows = [part.rows() for part in parts]
    extra = set(schema.table_names)
    ignored = tuple(name for name in others[0].names if name not in extra) if first.named else ()
    return Tables(
        tuple(columns), schema, rows[0], rows[1], rows[2] if len(rows) > 2 else None, ignored
    )


def _require_columns(table: Table, schema: Schema, real: Table) -> None:
    """Raises SchemaError unless the table has rows, and the columns that are compared."""
    if len(table) == 0:
        raise SchemaError(f"{table.source}: no rows; there is nothing to compare")
    if not table.named:
        if len(table.names) != len(schema.table_names):
            raise SchemaError(
                f"{table.source}: {len(table.names)} columns, where {real.source} has "
                f"{len(schema.table_names)}; give both the same columns, or names"
            )
        return
    at = column_positions(table, schema)
    names = [column.name for column in schema.columns_without_flags]
    if absent := [name for name in names if name not in at]:
        whole = "the schema" if table is real else real.source
        raise SchemaError(
            f"{table.source}: lacks the column(s) {', '.join(map(repr, absent))} of {whole}; add "
            "them, or leave them out of both tables"
        )


def _cells(table: Table, schema: Schema) -> list[np.ndarray]:
    """The cells of each compared column, as its kind expects them."""
    at = column_positions(table, schema)
    return [
        cells_of_column(table, at[column.name], column, schema, strict=False)
        for column in schema.columns_without_flags
    ]


@dataclass
class _Part:
    """A table whose columns are being converted."""

    table: Table
    columns: list[np.ndarray] = field(default_factory=list)
    wrong: dict[int, np.ndarray] = field(default_factory=dict)

    def add(self, values: np.ndarray, wrong: np.ndarray, instead: float = np.nan) -> None:
        if wrong.any():
            self.wrong[len(self.columns)] = np.flatnonzero(wrong)
        self.columns.append(np.where(wrong, instead, values))

    def rows(self) -> Rows:
        return Rows(np.stack(self.columns, axis=1), self.wrong, self.table)


def _column(source: AbstractColumn, k: int, cells: list[np.ndarray], parts: list[_Part]) -> Column:
    """Converts one column of all tables."""
    if source.holds_dates:
        for part, values in zip(parts, cells, strict=True):
            part.add(*_seconds(values))
        return Column(source, DATE)
    if not source.has_levels:
        for part, values in zip(parts, cells, strict=True):
            numbers = numbers_if_any(values)
            part.add(numbers, np.isinf(numbers))
        return Column(source, NUMBER)
    if not source.holds_labels:  # bits, whatever their cells look like
        for part, values in zip(parts, cells, strict=True):
            codes = source.encode(values, part.table.where, strict=False)
            part.add(codes, np.isinf(codes), instead=float(len(source.level_names)))
        names, rows = (*source.level_names, NO_BIT), parts[0].columns[-1]
        return Column(source, LABEL, names, sum(bool((rows == code).any()) for code in (0, 1)))
    labels, known = _labels([Distinct(values) for values in cells], parts)
    return Column(source, LABEL, labels, known)


def _seconds(cells: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Dates as seconds since 1970, and marks of cells that are no dates."""
    dates, wrong = datetimes_if_any(cells)
    dates = dates.astype("datetime64[us]")
    seconds = dates.astype(np.int64) / 1e6
    return np.where(np.isnat(dates), np.nan, seconds), wrong


def _labels(cells: list[Distinct], parts: list[_Part]) -> tuple[tuple[str, ...], int]:
    """Numbers the labels of all tables; returns them, and how many of them are real ones."""
    names = [labels_of_different(each) for each in cells]
    counts: dict[str, int] = {}
    for name, count in zip(names[0], cells[0].counts.tolist(), strict=True):
        if name is not None:
            counts[name] = counts.get(name, 0) + count
    ranked = sorted(counts, key=lambda name: -counts[name])
    code = {name: float(k) for k, name in enumerate(ranked)}
    for part, each, own in zip(parts, cells, names, strict=True):
        codes = [
            np.nan if name is None else code.setdefault(name, float(len(code))) for name in own
        ]
        found = np.array(codes, dtype=np.float64)[each.codes]
        part.add(found, np.zeros(len(found), dtype=bool))
    return tuple(code), len(ranked)
