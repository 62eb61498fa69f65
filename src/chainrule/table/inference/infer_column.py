"""Infers the kind of one column: its guess, or the kind that the user asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from shlex import quote
from typing import Any

import numpy as np

from chainrule.errors import SchemaError
from chainrule.table.columns import (
    COLUMNS,
    AbstractColumn,
    Binary,
    Categorical,
    Cells,
    Datetime,
    Integer,
    Real,
)
from chainrule.table.columns.categorical import with_count
from chainrule.table.columns.integer import resolves
from chainrule.table.inference.large_integers import large_integers
from chainrule.table.inference.text_columns import (
    Written,
    remedy,
    within_day,
    written_column,
)
from chainrule.table.inference.written_bounds import with_bounds_read
from chainrule.table.statistics.column import ColumnStatistics
from chainrule.table.table import Table
from chainrule.table.text.findings import Doubt
from chainrule.table.text.notation import Notation
from chainrule.table.text.number_notation import NumberNotation
from chainrule.table.text.times import AbstractTimes
from chainrule.table.values.cells import (
    COMPLEX,
    as_numbers,
    is_number,
    is_observed,
    label_counts,
    label_of,
    looks,
    shown,
)
from chainrule.table.values.distinct import Distinct
from chainrule.table.values.exact_integers import integers_of, is_large

FEWEST_FOR_ID = 20  # fewest rows that can show an id
MOSTLY_NUMBERS = 0.8  # least share of numbers among labels that makes the others mistakes
FEWEST_DATES = 20  # different values, all of which are dates, that are not by chance
FIRST_DATE, LAST_DATE = 1900_01_01, 2100_12_31
FREE_TEXT_SHARE = 0.2  # least share of rows with listed levels; otherwise labels are free text


@dataclass(frozen=True)
class Options:
    """The kinds that the user asked for, and the number of rows that make a level."""

    kinds: Mapping[str, Any]
    min_count: int


def infer_column(
    table: Table,
    position: int,
    values: Distinct,
    options: Options,
    every: ColumnStatistics | None = None,
) -> tuple[AbstractColumn | str, Notation | None]:
    """The column or the reason to leave it out, and its notation if not plain.

    Args:
        table: the table.
        position: the position of the column.
        values: the cells of the table's column at that position.
        options: what the user asked for.
        every: the statistics of all rows, if the table's rows stand for them.
    """
    name, dtype = table.names[position], table.dtypes[position]
    requested = options.kinds.get(name)
    if names_labels(table, name, dtype) or (
        requested is not None and requested["kind"] in ("categorical", "leave out")
    ):
        written = None
    else:
        written = written_column(
            table,
            position,
            values,
            min_count=options.min_count,
            as_numbers=requested is not None and requested["kind"] in (Integer.kind, Real.kind),
        )
    if isinstance(written, Doubt):
        if requested is None:
            labels = _labels_in(every, values)
            return _labels(table, name, labels, dtype, options, written.reason), None
        if requested["kind"] != "binary":
            raise SchemaError(f"column {name!r}: {written.reason}")
    guess = _guessed if requested is None else _as_requested
    if not isinstance(written, Written):
        return guess(table, name, values, dtype, options, None, every), None
    found = guess(
        table, name, Distinct(written.cells), written.dtype, options, written.notation, None
    )
    if isinstance(found, Categorical):  # keys, which are labels as they are written
        labels = _labels_in(every, Distinct(table.labels(position)))
        return _labels(table, name, labels, dtype, options), None
    if isinstance(written.notation, AbstractTimes) and isinstance(found, Integer | Real):
        found = within_day(found, written.notation)
    if written.note and isinstance(found, AbstractColumn):
        found = replace(found, reason=f"{found.reason}; {written.note}")
    return found, written.notation


def _guessed(
    table: Table,
    name: str,
    column: Distinct,
    dtype: str,
    options: Options,
    notation: Notation | None,
    every: ColumnStatistics | None,
) -> AbstractColumn | str:
    labels = _labels_in(every, column)
    if names_labels(table, name, dtype):
        return _labels(table, name, labels, dtype, options)
    look, where, least_count = looks(column), table.where, options.min_count
    values = column.values
    written_as = None if notation is None else notation.describe()
    if look == "empty":
        return "no known value"
    if look == "boolean":
        return Binary.infer(
            name,
            as_numbers(name, values, where),
            dtype,
            "true or false",
            boolean=True,
            text=table.as_written(table.names.index(name)),
        )
    if look == "complex":
        raise SchemaError(f"column {name!r} holds {COMPLEX}")
    if look == "nested":
        return "lists and structures are not modelled; spread them over columns"
    if look == "duration":
        return "durations finer than microseconds are not modelled; round them to microseconds"
    if look == "datetime":
        return Datetime.infer(
            name, values, dtype, written_as or "dates", where=where, min_count=least_count
        )
    if look == "label":
        return _labels(table, name, labels, dtype, options)
    what = written_as or "numbers"
    numbers = as_numbers(name, values, where)
    known = numbers[~np.isnan(numbers)]
    if not len(known):
        return "no known value"
    if Binary.accepts(numbers) and not isinstance(notation, AbstractTimes):
        return Binary.infer(
            name, numbers, dtype, "0 or 1" if written_as is None else f"0 or 1, {written_as}"
        )
    if is_large(numbers) and (whole := integers_of(values[~np.isnan(numbers)])) is not None:
        return _large(name, values, whole, dtype, options, written_as, every)
    if (merged := _merged(name, column)) is not None:
        return merged
    rows, different = _counted(known, every)
    if not Integer.accepts(numbers):
        return Real.infer(
            name, numbers, dtype, f"{what}, {different} different", min_count=least_count
        )
    are_dates = written_as is None and _are_dates(known)
    are_times = isinstance(notation, AbstractTimes)
    has_unit = isinstance(notation, NumberNotation) and bool(notation.unit)
    if _is_id(known, rows, different) and not (are_dates or are_times or has_unit):
        return "an id: whole numbers, all different in a narrow range"
    reason = f"{'' if are_times else 'whole '}{what}, {different} different"
    found = Integer.infer(name, numbers, dtype, reason, min_count=least_count)
    if are_dates:
        found = replace(found, reason=f"{found.reason}; {_as_dates(name)}")
    return found


def _merged(name: str, column: Distinct) -> str | None:
    """Why a column of decimals is left out whose different numbers float64 does not tell apart."""
    if column.values.dtype.kind != "O" or not any(type(cell) is Decimal for cell in column.cells):
        return None
    exact = set(column.cells[is_observed(column.cells)].tolist())  # equal numbers are one
    floats = len(set(map(float, exact)))
    if floats == len(exact):
        return None
    return (
        f"decimals of more digits than float64 holds, in which {len(exact)} different ones become "
        f"{floats}; subtract an amount that they share, or say kinds={{{name!r}: 'real'}} for "
        "numbers to 15 digits, or 'categorical' for labels"
    )


def _are_dates(known: np.ndarray) -> bool:
    """Whether known integers (n,) are dates such as 20241231: they are few of all such numbers."""
    values = np.unique(known)
    if len(values) < FEWEST_DATES or values[0] < FIRST_DATE or values[-1] > LAST_DATE:
        return False
    days = values.astype(np.int64)
    years, months, days = days // 10_000, days // 100 % 100, days % 100
    if not ((months >= 1) & (months <= 12) & (days >= 1)).all():
        return False
    begins = (12 * (years - 1970) + months - 1).astype("datetime64[M]")
    lengths = (begins + 1).astype("datetime64[D]") - begins.astype("datetime64[D]")
    return bool((days <= lengths.astype(np.int64)).all())


def _as_dates(name: str) -> str:
    """How to have dates read that are written as whole numbers."""
    flag = quote(f"{name}=%Y%m%d")
    return (
        f"all look like dates, such as 20241231: date_format={{{name!r}: '%Y%m%d'}} (--date-format "
        f"{flag}) reads them in a file, and in a frame once they are text"
    )


def _as_requested(
    table: Table,
    name: str,
    column: Distinct,
    dtype: str,
    options: Options,
    notation: Notation | None,
    every: ColumnStatistics | None,
) -> AbstractColumn | str:
    requested = with_bounds_read(options.kinds[name], notation, name)
    kind, reason = requested["kind"], "as you said"
    if notation is not None:
        reason += f", {notation.describe()}"
    if kind == "leave out":
        return reason
    if looks(column) == "empty":
        return "no known value"
    categories = table.categories.get(name, ())
    cells = Cells(
        name,
        column.values,
        dtype,
        table.where,
        options.min_count,
        categories,
        requested,
        _labels_in(every, column) if kind == "categorical" else None,
        table.as_written(table.names.index(name)) if kind == Binary.kind else None,
        notation,
    )
    return COLUMNS[kind].as_requested(cells, reason)


def _large(
    name: str,
    values: np.ndarray,
    whole: np.ndarray,
    dtype: str,
    options: Options,
    written_as: str | None,
    every: ColumnStatistics | None,
) -> AbstractColumn | str:
    """The column of integers too large for float64.

    They are labels, ids, integers that count from one of them, or continuous.
    """
    count = {"min_count": options.min_count}
    found = large_integers(whole, fewest=FEWEST_FOR_ID, **count)
    rows, different = _counted(whole, every)
    if found.what == "ids" or _is_id(whole, rows, different):
        return (
            f"an id: {found.words}, all different; kinds={{{name!r}: 'real'}} takes it for a "
            "quantity"
        )
    reason = (
        f"{found.words}{'' if written_as is None else f', {written_as}'}, {different} different"
    )
    if found.what == "keys":
        column = Categorical.infer(
            name, values, dtype, f"keys, {reason}", min_count=options.min_count
        )
        listed = 0 if column is None else _listed_rows(column, label_counts(values))
        if column is None or listed < FREE_TEXT_SHARE * len(whole):
            return f"keys, {reason}, of which hardly any has {options.min_count} rows"
        return column
    if resolves(whole, **count):
        return Integer.infer(name, whole, dtype, reason, min_count=options.min_count)
    return Real.infer(
        name,
        whole,
        dtype,
        f"{reason}; continuous, as float64 has 15 digits",
        min_count=options.min_count,
    )


def _labels(
    table: Table,
    name: str,
    values: Distinct,
    dtype: str,
    options: Options,
    doubt: str | None = None,
) -> AbstractColumn | str:
    """A column of labels, or the reason to leave it out.

    ``doubt`` is why the labels were not read as numbers or dates.
    """
    listing = {"min_count": options.min_count, "categories": table.categories.get(name, ())}
    if not names_labels(table, name, dtype):
        _require_no_stray(table, name, values)
    reason = with_count("labels", values, options.min_count) + (f"; {doubt}" if doubt else "")
    column = Categorical.infer(name, values, dtype, reason, **listing)
    if column is None:
        return doubt or f"labels of which none has {options.min_count} rows"
    counts = label_counts(values)
    rows = counts.total()
    if _listed_rows(column, counts) / rows < FREE_TEXT_SHARE and rows >= FEWEST_FOR_ID:
        return doubt or f"free text: {len(counts)} different labels in {rows} rows"
    return column


def _listed_rows(column: Categorical, counts: Counter[str]) -> int:
    """Number of rows with a listed level, among the counts of all labels."""
    return sum(counts[label] for label in set(map(label_of, column.levels)))


def names_labels(table: Table, name: str, dtype: str) -> bool:
    """Whether the column's own type is one of labels."""
    return name in table.categories or dtype.startswith(("Categorical", "dictionary"))


def _require_no_stray(table: Table, name: str, column: Distinct) -> None:
    """Raises SchemaError if most labels are numbers: a column of numbers with a few wrong cells."""
    wrong = no_numbers(column)
    known = int(column.counts[is_observed(column.cells)].sum())
    numbers = known - int(column.counts[wrong].sum())
    if wrong.any() and numbers >= MOSTLY_NUMBERS * known:
        row, cells = int(column.first[wrong][0]), column.cells[wrong]
        raise SchemaError(
            f"column {name!r}: value {shown(cells, 0)} at {table.where(row)} is not a "
            f"number, as {numbers} of {known} are: {remedy(name, (str(cells[0]),))}"
        )


def no_numbers(column: Distinct) -> np.ndarray:
    """Marks the different known cells (V,) that are no numbers.

    Digits with a leading zero are none, except where most whole numbers are as long: all of them
    are then codes, such as 01007 and 94110, and no cell is marked.
    """
    wrong = is_observed(column.cells)
    wrong[wrong] = [not is_number(cell) for cell in column.cells[wrong]]
    if not wrong.any():
        return wrong
    words, rows = list(map(str, column.cells.tolist())), column.counts
    of_zero = Counter(len(word) for word, is_one in zip(words, wrong, strict=True)
                      if is_one and word[:1] == "0" and word.isdecimal())  # fmt: skip
    if of_zero:
        length = of_zero.most_common(1)[0][0]
        digits = np.array([word.isdecimal() for word in words], dtype=bool)
        as_long = digits & np.array([len(word) == length for word in words], dtype=bool)
        if rows[as_long].sum() >= MOSTLY_NUMBERS * rows[is_observed(column.cells)].sum():
            return np.zeros(len(wrong), dtype=bool)
    return wrong


def _counted(known: np.ndarray, every: ColumnStatistics | None) -> tuple[int, int]:
    """The number of known rows, and of different values in them."""
    if every is None or every.numbers is None:
        return len(known), len(np.unique(known))
    return every.known, every.numbers.different


def _labels_in(every: ColumnStatistics | None, column: Distinct) -> Distinct:
    """The different cells in all rows, or those of a column that has all."""
    if every is None:
        return column
    if every.numbers is not None:
        values, weights = every.numbers.values, every.numbers.weights
        return Distinct.counted(values, weights, np.zeros(len(values), dtype=np.int64))
    return column if every.labels is None else every.labels.distinct


def _is_id(known: np.ndarray, rows: int, different: int) -> bool:
    """Whether integers identify rows: all differ in a range where chance would have repeated one.

    n draws from R integers are all different with a probability of about exp(−n² / 2R). Integers
    are ids if this is below e^−10.
    """
    span = float(int(known.max()) - int(known.min())) + 1
    return rows >= FEWEST_FOR_ID and different == rows and span <= rows * rows / 20
