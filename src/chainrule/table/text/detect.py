"""Detects the notation of a column of text.

It must read all cells, and no other notation may read them differently.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainrule.errors import SchemaError
from chainrule.table.text.date_notation import DateNotation
from chainrule.table.text.detect_dates import STYLED, detect_dates, may_be_date
from chainrule.table.text.detect_numbers import detect_numbers, may_be_amount
from chainrule.table.text.detect_times import (
    detect_durations,
    detect_times,
    may_be_duration,
    may_be_time,
)
from chainrule.table.text.detect_units import detect_units, may_have_unit
from chainrule.table.text.findings import Doubt, Found
from chainrule.table.text.reading_options import ColumnReading
from chainrule.table.text.unread_numbers import (
    doubt_of_limits,
    doubt_of_several,
    may_be_unread,
)

LOOKED_AT = 200  # cells that decide whether a column is examined further


def detect(
    name: str,
    text: Any,
    options: ColumnReading,
    *,
    min_count: int = 1,
    as_numbers: bool = False,
) -> Found | Doubt | None:
    """The notation of a column of text; None if it holds neither numbers, dates nor times.

    Args:
        name: the name of the column, for messages.
        text: a polars series of its cells, stripped of spaces, null if unknown.
        options: the user's options for its notation.
        min_count: fewest cells that share a fact in the reason, since models store reasons.
        as_numbers: whether the user says that the column holds numbers.

    Raises:
        SchemaError: a cell that is not in the date format given for this column.
    """
    import polars as pl

    known = text.rename("cell").drop_nulls()
    some = known.gather_every(max(1, len(known) // LOOKED_AT)).to_list()
    if not some or not (options or may_be_written(some)):
        return None
    counts = known.value_counts(sort=True)  # the most frequent cells come first
    cells, weight = counts.to_series(0), counts.to_series(1).to_numpy()
    if options.date_format is not None:
        dates = DateNotation.from_format(options.date_format)
        read = dates.parse(cells).is_not_null().to_numpy()
        if read.all():
            return Found(dates.closest(cells.head(STYLED)))
        if options.date_format_is_own:
            stray = cells.filter(pl.Series(~read)).item(0)
            raise SchemaError(
                f"column {name!r}: value {stray!r} is not a date in the format "
                f"{options.date_format!r}; correct it, leave the cell empty, or say another format"
            )
    found = detect_numbers(name, cells, weight, options, min_count)
    for times in (detect_times, detect_durations):
        found = times(name, cells, weight, min_count) if found is None else found
    if found is None:
        found = detect_units(name, cells, weight, options, min_count, as_numbers=as_numbers)
    found = detect_dates(name, cells, weight, min_count) if found is None else found
    if isinstance(found, Found):
        return found
    limits = doubt_of_limits(cells, weight, min_count)
    found = found if limits is None else limits
    return doubt_of_several(cells, weight) if found is None else found


def may_be_written(cells: Sequence[str]) -> bool:
    """Whether half of some cells look like numbers, dates or times in any notation.

    It recognises labels without polars.
    """
    return 2 * sum(map(_may_be_written, cells)) >= len(cells)


def _may_be_written(cell: str) -> bool:
    looks_like = (
        may_be_amount,
        may_have_unit,
        may_be_time,
        may_be_duration,
        may_be_date,
        may_be_unread,
    )
    return any(map(str.isdigit, cell)) and any(shape(cell) for shape in looks_like)
