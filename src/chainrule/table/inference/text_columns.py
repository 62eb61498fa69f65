"""Columns of text that hold numbers, dates or times in a notation of their own."""

from __future__ import annotations

import numbers
import warnings
from dataclasses import dataclass, replace
from shlex import quote
from typing import Any

import numpy as np

from chainrule.errors import SchemaError, printable
from chainrule.table.columns import AbstractColumn, Integer, Real
from chainrule.table.columns.evident_bounds import between
from chainrule.table.frames.cells import cells_of_native
from chainrule.table.frames.fork_safety import require_polars
from chainrule.table.table import Table
from chainrule.table.text.clock_notation import clock_of_frame
from chainrule.table.text.date_notation import DateNotation
from chainrule.table.text.detect import LOOKED_AT, detect, may_be_written
from chainrule.table.text.findings import MOSTLY, Doubt, Found
from chainrule.table.text.notation import Notation, read_cells
from chainrule.table.text.number_notation import NumberNotation
from chainrule.table.text.reading_options import ColumnReading
from chainrule.table.text.times import AbstractTimes
from chainrule.table.text.unread_numbers import limit_of
from chainrule.table.values.cells import is_observed, looks
from chainrule.table.values.distinct import Distinct

PLAIN = NumberNotation(most_decimals=1)


@dataclass(frozen=True)
class Written:
    """The values of a column of text.

    Attributes:
        cells: numbers or datetimes (N,), as a numpy array.
        notation: the notation in which they are written.
        dtype: the type of the column: of its values in a text file, of the text in a frame. Times
            stay text, since no type of numbers shows them.
        note: what else the reason of the column says.
    """

    cells: np.ndarray
    notation: Notation
    dtype: str
    note: str = ""


def written_column(
    table: Table, position: int, column: Distinct, *, min_count: int, as_numbers: bool = False
) -> Written | Doubt | None:
    """The numbers or dates in a column of text, or why they are not read.

    None if it holds labels, or numbers and dates that every program reads. A reason discloses
    nothing of fewer than ``min_count`` cells. ``column`` has the cells at that position, which the
    user takes for numbers if ``as_numbers``.

    Raises:
        SchemaError: most cells are in one notation, and some are not.
    """
    name, values = table.names[position], column.values
    text, options = table.as_written(position), table.reading.of(name)
    is_file = text is not None
    if values.dtype.kind in "mO" and not is_file:
        known = is_observed(column.cells)
        times = clock_of_frame(column.cells[known], column.counts[known], min_count)
        if times is not None:
            read = times.read(column.cells)[column.codes]
            return Written(read, times, table.dtypes[position])
    is_plain = is_file and looks(column) != "label"
    if is_plain and not options:
        return None
    text = text if is_file else text_of(table, name, column)
    found = (
        None
        if text is None
        else detect(name, text, options, min_count=min_count, as_numbers=as_numbers)
    )
    if found is None or (isinstance(found, Doubt) and not is_plain):
        return found
    if (
        isinstance(found, Doubt)
        or found.notation is None
        or _is_label(found.notation, is_file=is_file)
        or (is_plain and not _is_requested(found, options))
    ):
        return None
    if found.strays:
        raise _not_all(table, name, text, found.notation, found.strays)
    note = _unmarked(table, name, text, found) if found.unmarked else ""
    if not is_file:
        read = read_cells(found.notation, values, table.reading.missing.of(name))
        return Written(read, found.notation, table.dtypes[position], note)
    parsed = found.notation.parse(text)
    dtype = "String" if isinstance(found.notation, AbstractTimes) else str(parsed.dtype)
    return Written(cells_of_native(parsed), found.notation, dtype, note)


def _unmarked(table: Table, name: str, text: Any, found: Found) -> str:
    """How many numbers without a unit count as those with it; warns of them, and shows one."""
    assert isinstance(found.notation, NumberNotation)
    is_bare, unit = text.is_in(list(found.unmarked)).fill_null(False), found.notation.suffix.strip()
    row, count = int(is_bare.arg_max()), int(is_bare.sum())
    said = f"{count} without {unit!r} count{'s' if count == 1 else ''} as such"
    warnings.warn(
        printable(
            f"column {name!r}: value {text[row]!r} at {table.where(row)} has no {unit!r}, as "
            f"{len(text.drop_nulls()) - count} of {len(text.drop_nulls())} have; {said}: correct "
            "what is in another unit"
        ),
        UserWarning,
        stacklevel=6,
    )
    return said


def within_day(column: Integer | Real, notation: AbstractTimes) -> Integer | Real:
    """The column of a notation's times, none of which leaves the day; its bounds are said as times.

    Elapsed times keep the bounds that they show.
    """
    least, most = column.least, column.most
    reason = column.reason.removesuffix(f", {between(least, most)}")
    if notation.ends is not None:
        first, last = notation.ends
        least = first if least is None else max(least, first)
        most = last if most is None else min(most, last)
    shown = notation.write(np.array([least, most], dtype=object))
    words = "" if (least, most) == notation.ends else between(*shown)
    return replace(column, least=least, most=most, reason=", ".join(filter(None, (reason, words))))


def _is_label(notation: Notation, *, is_file: bool) -> bool:
    """Whether plain numbers are not read as such: in files they are already, and whole numbers
    that a frame holds as text are labels.
    """
    if not isinstance(notation, NumberNotation) or not notation.is_plain:
        return False
    return is_file or (notation.most_decimals == 0 and not notation.exponent)


def _is_requested(found: Found, options: ColumnReading) -> bool:
    """Whether the options imply this notation, so that it also applies to text that looks plain."""
    if isinstance(found.notation, DateNotation):
        return options.date_format is not None and found.notation.reads_as(
            DateNotation.from_format(options.date_format)
        )
    return (options.decimal, options.thousands) != (None, None) and (
        options.marks_are_own or not found.strays
    )


def require_format_of_some(table: Table, notations: list[Notation | None]) -> None:
    """Raises SchemaError if a date format for all columns matches none of them."""
    text = table.reading.date_format.get(None)
    if text is None:
        return
    wanted = DateNotation.from_format(text)
    if not any(isinstance(each, DateNotation) and each.reads_as(wanted) for each in notations):
        raise SchemaError(
            f"{table.source}: no column of text is written in the format of dates {text!r}; say "
            "another, or none"
        )


def text_of(table: Table, name: str, column: Distinct) -> Any:
    """The text of a frame's column as a polars series, null if missing.

    None if the column holds more than text and numbers.
    """
    import polars as pl

    if column.values.dtype.kind not in "OU":
        return None
    cells = column.cells.tolist()
    is_text = np.array([isinstance(cell, str) for cell in cells], dtype=bool)
    rows = np.flatnonzero(is_text[column.codes])
    some = column.values[rows[:: max(1, len(rows) // LOOKED_AT)]].tolist()
    some = [word for word in map(str.strip, some) if word]
    if not len(rows) or not (table.reading.of(name) or may_be_written(some)):
        return None
    require_polars()
    others = column.cells[is_observed(column.cells) & ~is_text].tolist()
    if not all(isinstance(cell, numbers.Real) and not isinstance(cell, bool) for cell in others):
        return None
    words = [cell if known else None for cell, known in zip(cells, is_text.tolist(), strict=True)]
    text = pl.Series(words, dtype=pl.String).str.strip_chars().gather(column.codes)
    unknown = text.str.to_lowercase().is_in(sorted(table.reading.missing.of(name))).fill_null(True)
    return text.set(unknown, None)


def _not_all(
    table: Table, name: str, text: Any, notation: Notation, strays: tuple[str, ...]
) -> SchemaError:
    wrong = (text.is_not_null() & notation.parse(text).is_null()).to_numpy()
    row, known = int(np.flatnonzero(wrong)[0]), int(text.is_not_null().sum())
    return SchemaError(
        f"column {name!r}: value {text[row]!r} at {table.where(row)} is not among "
        f"{notation.describe()}, as {known - wrong.sum()} of {known} are: {remedy(name, strays)}"
    )


def remedy(name: str, strays: tuple[str, ...]) -> str:
    """Advice for cells that differ from most of their column."""
    word = strays[0]
    missing, kind = quote(f"{name}={word}"), quote(f"{name}=categorical")
    number = limit_of(word)
    correct = (
        "correct it"
        if number is None
        else (f"write {number} and mark such cells in a column of their own")
    )
    return (
        f"{correct}, leave the cell empty, count it as missing by na_values={{{name!r}: "
        f"{word!r}}} (--na-values {missing}), or pass kinds={{{name!r}: 'categorical'}} (--kind "
        f"{kind})"
    )


def with_doubtful_points(
    table: Table, columns: list[AbstractColumn], notations: list[Notation | None]
) -> list[AbstractColumn]:
    """Adds a note to columns whose points may separate thousands.

    Three digits follow each of their points, in a file with decimal commas.
    """
    if not any(isinstance(each, NumberNotation) and each.decimal == "," for each in notations):
        return columns
    at = {name: k for k, name in enumerate(table.names)}
    return [_with_doubtful_points(table, column, at.get(column.name)) for column in columns]


def _with_doubtful_points(
    table: Table, column: AbstractColumn, position: int | None
) -> AbstractColumn:
    if not isinstance(column, Real) or column.notation is not None or position is None:
        return column
    text = table.as_written(position)
    if text is None or table.reading.of(column.name):
        return column
    if not text.alias("").drop_nulls().str.contains(r"^[+-]?[1-9][0-9]{0,2}\.[0-9]{3}$").all():
        return column
    name, flag = column.name, quote(f"{column.name}=.")
    note = (
        f"a point that separates thousands, as in 1.234, is read so by thousands={{{name!r}: '.'}} "
        f"(--thousands {flag})"
    )
    return replace(column, reason=f"{column.reason}; {note}")


def require_same_notation(table: Table, position: int, name: str, fitted: Notation | None) -> None:
    """Raises SchemaError for a column in a notation other than that of the fitted table.

    Args:
        table: a table that the model is asked about.
        position: the column's position in it.
        name: the column's name in the fitted table.
        fitted: its notation there; None if it was plain.
    """
    values, text = table.columns[position], table.as_written(position)
    if fitted is None and (values.dtype.kind not in "OU" or looks(values) != "label"):
        return
    text = text_of(table, name, Distinct(values)) if text is None else text
    if text is not None and fitted is None and _plain_share(values, text) >= MOSTLY:
        return  # the others lie outside; a few cells are no notation of a table
    found = None if text is None else detect(name, text, table.reading.of(name))
    if isinstance(found, Doubt) and found.readings:
        raise SchemaError(f"column {name!r}: {found.reason}")
    if not isinstance(found, Found) or (
        fitted is None and (found.notation is None or found.notation.is_plain)
    ):
        return
    other = PLAIN if found.notation is None or found.notation.is_plain else found.notation
    fitted_text = "plain ones" if fitted is None else fitted.describe()
    raise SchemaError(
        f"column {name!r}: {other.describe()} in {table.source}, where the fitted table has "
        f"{fitted_text}: {_options(name, other, fitted)}"
    )


def _plain_share(values: np.ndarray, text: Any) -> float:
    """The share of the known cells that every program reads as numbers, or that are no text."""
    import polars as pl

    written = text.alias("").drop_nulls()
    known = max(len(written), int(is_observed(values).sum()))
    plain = int(written.cast(pl.Float64, strict=False).is_not_null().sum())
    return (known - len(written) + plain) / known if known else 0.0


def _options(name: str, notation: Notation, fitted: Notation | None) -> str:
    """How to have a notation read, by options in Python and on the command line.

    No option reads times in another form, or numbers in another unit.
    """
    if isinstance(notation, AbstractTimes):
        return "write them as the fitted table does"
    if isinstance(notation, NumberNotation) and notation.unit:
        unit = fitted.unit if isinstance(fitted, NumberNotation) else ""
        if not unit:
            return f"write them without {notation.unit!r}"
        if unit != notation.unit:
            return f"convert them to {unit!r}"
    say = "say so to read_table, by "
    if isinstance(notation, DateNotation):
        return (
            f"{say}date_format={{{name!r}: {notation.format!r}}} (--date-format "
            f"{quote(name + '=' + notation.format)})"
        )
    marks = {"decimal": notation.decimal, "thousands": notation.thousands}
    marks = {option: mark for option, mark in marks.items() if mark}
    options = " and ".join(f"{option}={{{name!r}: {mark!r}}}" for option, mark in marks.items())
    flags = " ".join(f"--{option} {quote(name + '=' + mark)}" for option, mark in marks.items())
    return f"{say}{options} ({flags})"
