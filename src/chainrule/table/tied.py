"""Adds the ties between a table's columns to its schema, and grids to the columns that they tie."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import singledispatch
from typing import Any

import numpy as np

from chainrule.errors import SchemaError, unknown_choice
from chainrule.table.codes import cells_of_column, column_positions, encode_columns
from chainrule.table.columns import (
    AbstractColumn,
    AbstractLevels,
    Binary,
    Datetime,
    Integer,
    Real,
)
from chainrule.table.columns.date_grid import MONTH as MONTHS
from chainrule.table.columns.date_grid import UNIT_S
from chainrule.table.inference.written_bounds import with_bounds_read
from chainrule.table.schema import Schema
from chainrule.table.statistics.table_statistics import TableStatistics
from chainrule.table.table import Table
from chainrule.table.text.times import AbstractTimes
from chainrule.table.ties import AbstractTie
from chainrule.table.ties.equations import exact
from chainrule.table.ties.find import find
from chainrule.table.ties.sheet import DATE, LABEL, MONTH, NUMBER, Sheet, Variable
from chainrule.table.values.exact_integers import LARGEST_EXACT

MOST_COLUMNS = 128  # of a table in which ties are sought
MOST_CELLS = 2**24  # codes that a search keeps; of larger tables it reads evenly spaced rows
# In the range of a column that gets a grid for its ties: float32 holds as many whole codes. A wider
# column of few decimals takes no part, and its reason says so.
MOST_CODES = 2**24
SAID_DECIMALS = 4  # of amounts of money; measured numbers have more, and seldom ties


def with_ties(
    schema: Schema,
    seen: TableStatistics,
    *,
    kinds: Mapping[str, Mapping[str, Any]],
    min_count: int,
    left_out: Sequence[str | tuple[str, str]] = (),
) -> Schema:
    """The schema with the ties that the table shows.

    A column of continuous numbers with few decimals gets the grid of its decimals if it has a tie.
    Its numbers then have masses. A column with more than ``MOST_CODES`` steps of its last decimal
    takes no part, and its reason says so if it has few decimals.

    Tables of bits alone, such as images, have no ties: networks over them are those of the lecture,
    with a sigmoid for each column. Nor do tables of more than ``MOST_COLUMNS`` columns, since pairs
    and triples are many.

    Args:
        schema: the schema of the table, without ties.
        seen: the statistics of the table; ties are sought in the rows that they keep.
        kinds: the kinds, with options, that the user asked for, by name.
        min_count: smallest number of rows behind a stored number.
        left_out: ties that are not wanted: texts, or pairs of names.

    Raises:
        SchemaError: a tie or a column in ``left_out`` that there is not.
    """
    found, wide = _found(schema, seen.some, min_count)
    ties = without(found, schema, left_out)
    columns, by = list(schema.columns), {}
    for number, words in wide.items():
        columns[number] = replace(columns[number], reason=f"{columns[number].reason}, {words}")
    for number in sorted({number for tie in ties for number in tie.columns}):
        column = columns[number]
        if isinstance(column, Real) and column.is_continuous:
            options = kinds.get(column.name, {})
            columns[number] = gridded = _gridded(schema, seen, column, options, min_count)
            by[number] = -round(gridded.origin / (gridded.step or 1.0))
    return replace(schema, columns=tuple(columns), ties=tuple(tie.shifted(by) for tie in ties))


def _found(
    schema: Schema, table: Table, min_count: int
) -> tuple[tuple[AbstractTie, ...], dict[int, str]]:
    """The ties that the table shows, and what keeps columns from having some, by their numbers.

    Both are empty for tables in which no ties are sought.
    """
    if len(schema.columns) > MOST_COLUMNS:
        return (), {}
    if all(isinstance(column, Binary) for column in schema.columns):
        return (), {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # encoding for a fit warns of the same cells
        sheet, wide = _sheet_of(schema, table)
    return find(sheet, min_count=min_count), wide


def _sheet_of(schema: Schema, table: Table) -> tuple[Sheet, dict[int, str]]:
    """Codes of some or all rows, of the columns that may have ties; which columns are too wide."""
    most = max(MOST_CELLS // max(len(schema.columns), 1), 1)
    if len(table) > most:
        table = table.take(np.linspace(0, len(table) - 1, most).astype(np.int64))
    codes, variables, wide = np.full((len(table), len(schema.columns)), np.nan), [], {}
    for number, found in encode_columns(table, schema, warn=False, strict=False):
        column = schema.columns[number]
        found = np.where(np.isfinite(found) & ~column.is_unlisted(found), found, np.nan)
        if isinstance(column, Real) and column.is_continuous:
            variable, found = _by_decimals(column, number, found)
            if variable is None and (words := _too_wide(column, found)):
                wide[number] = words
        else:
            variable = variable_of(column, number)
        if variable is not None:
            codes[:, number] = found
            variables.append(variable)
    return Sheet(tuple(variables), codes), wide


@singledispatch
def variable_of(column: AbstractColumn, number: int) -> Variable | None:
    """A column with masses as a search for ties sees it; None if it takes no part.

    A new kind with ties registers a function: ``@variable_of.register(Kind)``.
    """
    return None


@variable_of.register(AbstractLevels)
def _of_levels(column: AbstractLevels, number: int) -> Variable | None:
    return Variable(number, column.name, LABEL)


@variable_of.register(Integer)
def _of_integers(column: Integer, number: int) -> Variable | None:
    step, origin = Fraction(int(column.step)), Fraction(int(column.origin))
    return Variable(number, column.name, NUMBER, step, origin, unit=_seconds(column))


@variable_of.register(Real)
def _of_numbers(column: Real, number: int) -> Variable | None:
    if column.step is None:
        return None
    step, origin = column.step, column.origin
    if column.decimals is not None:  # without the errors of sums of floats
        step, origin = (float(np.round(part, column.decimals)) or part for part in (step, origin))
    return Variable(number, column.name, NUMBER, exact(step), exact(origin), unit=_seconds(column))


def _seconds(column: AbstractColumn) -> int:
    """The seconds of the number 1 in a column of times; 0 in others."""
    notation = column.notation
    return notation.unit if isinstance(notation, AbstractTimes) else 0


@variable_of.register(Datetime)
def _of_dates(column: Datetime, number: int) -> Variable | None:
    step, origin = Fraction(int(column.step)), Fraction(int(column.origin))
    if column.unit == MONTHS:
        return None if column.shift else Variable(number, column.name, MONTH, step, origin)
    unit = Fraction(round(UNIT_S[column.unit] * 10**6), 10**6)
    return Variable(
        number, column.name, DATE, unit * step, unit * origin, has_zone=bool(column.zone)
    )


def _by_decimals(
    column: Real, number: int, codes: np.ndarray
) -> tuple[Variable | None, np.ndarray]:
    """Continuous numbers (N,) in units of their last decimal; None if they have too many."""
    if column.decimals is None or not len(codes):
        return None, codes
    known = ~np.isnan(codes)
    numbers = np.full(len(codes), np.nan)
    numbers[known] = np.round(
        column.decode(codes[known]).astype(np.float64) * 10.0**column.decimals
    )
    ends = numbers[known]
    if not len(ends) or np.abs(ends).max() >= LARGEST_EXACT or np.ptp(ends) >= MOST_CODES:
        return None, codes
    step = Fraction(1, 10**column.decimals)
    return Variable(number, column.name, NUMBER, step, is_list=False), numbers


def _too_wide(column: Real, codes: np.ndarray) -> str:
    """Says that continuous numbers (N,) of few decimals take no part; "" if they have many."""
    if column.decimals is None or not 1 <= column.decimals <= SAID_DECIMALS:
        return ""
    if np.isnan(codes).all():
        return ""
    return f"too many steps of {10.0**-column.decimals:g} for ties"


def _gridded(
    schema: Schema,
    seen: TableStatistics,
    column: Real,
    options: Mapping[str, Any],
    min_count: int,
) -> Real:
    """The column of continuous numbers on the grid of its decimals, with all its rows."""
    position = column_positions(seen.some, schema)[column.name]
    table = seen.table_of(position, min_count=min_count)
    cells = cells_of_column(table, position, column, schema, strict=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        codes = column.encode(cells, table.where, strict=False)
    known = column.decode(codes[np.isfinite(codes)]).astype(np.float64)
    options = with_bounds_read({"kind": column.kind, **options}, column.notation, column.name)
    gridded = column.on_decimals(
        known,
        min_count=min_count,
        scale=options.get("scale"),
        least=options.get("least"),
        most=options.get("most"),
    )
    return gridded if seen.is_whole else replace(gridded, rows=column.rows)


def without(
    ties: Sequence[AbstractTie], schema: Schema, left_out: Sequence[str | tuple[str, str]]
) -> list[AbstractTie]:
    """The ties but for those that the user does not want."""
    texts, pairs = set(), []
    for entry in left_out:
        if isinstance(entry, str):
            if not ties:
                raise SchemaError(f"ties: {entry!r} cannot be left out, the table shows no tie")
            if entry not in (known := [tie.text for tie in ties]):
                raise SchemaError(unknown_choice("tie", entry, known))
            texts.add(entry)
        elif isinstance(entry, Sequence) and len(entry) == 2:
            pairs.append({schema.number(name) for name in entry})
        else:
            raise SchemaError(f"ties: {entry!r} is neither the text of a tie nor a pair of names")
    return [
        tie
        for tie in ties
        if tie.text not in texts and not any(pair <= set(tie.columns) for pair in pairs)
    ]
