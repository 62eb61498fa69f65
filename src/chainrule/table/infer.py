"""The schema of a table: a guess for each column, and the ties between columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from chainrule.arguments import DEFAULT_TIES, MIN_COUNT, require_inference
from chainrule.table.inference.infer import checked_kinds, infer_columns
from chainrule.table.lazy import read_table_lazily
from chainrule.table.schema import Schema
from chainrule.table.statistics.table_statistics import TableStatistics
from chainrule.table.table import Table
from chainrule.table.tied import with_ties, without


def infer_schema(
    table: Any,
    *,
    kinds: Mapping[str, Any] | Schema | None = None,
    min_count: int = MIN_COUNT,
    strict: bool = False,
    missing: str = "unknown",
    ties: str | Sequence[str | tuple[str, str]] = DEFAULT_TIES,
) -> Schema:
    """Infers the schema of a table: the kind of each column, and the reason for it.

    ``print`` shows a line per column. Booleans, and numbers that are all 0 or 1, are binary. Other
    numbers are integer if all of them are integers, else real. Dates are datetime, and everything
    else is categorical. Columns that look like ids or free text, and columns without a value, are
    left out.

    Args:
        table: a ``Table``, an argument of ``read_table``, or the ``TableStatistics`` of a table or
            its parts. Above 262,144 rows, numbers stand for their neighbours, and ties are sought
            in random rows.
        kinds: the kind of some columns by name, instead of the guess: "binary", "categorical",
            "integer", "real", "datetime", or "leave out". An integer column with bounds is {"kind":
            "integer", "least": 0, "most": 9}. A whole schema, such as another density's, is used
            unchanged, except for ties that ``ties`` leaves out.
        min_count: number of rows that make a level, an atom, or any stored number. A column known
            in fewer rows is left out, unless the table is smaller.
        strict: raise an error instead of a warning if columns would be left out.
        missing: "informative" adds a binary column before each column with missing cells, which
            marks them.
        ties: "auto" finds relations between columns that hold in at least 95 % of the rows, such
            as gross = net + tax; "none" does not. A list finds them but for those in it, each as
            ``print`` shows it, or as a pair of names of which no tie has both.

    Raises:
        SchemaError: no rows, no column that can be modelled, a value that the requested kind cannot
            have, a name in ``kinds`` that the table lacks, or a tie that was not found.

    Examples:
        >>> import polars as pl
        >>> table = pl.DataFrame({"age": [*range(20, 60)] * 3, "city": ["Bern", "Oslo"] * 60})
        >>> print(infer_schema(table))
        age   integer      whole numbers, 40 different, from 0 on
        city  categorical  labels, 2 different
    """
    seen = statistics_of(table)
    table = seen.some
    require_inference(min_count, missing, ties)
    left_out = () if isinstance(ties, str) else ties
    if isinstance(kinds, Schema):
        kept = () if ties == "none" else without(kinds.ties, kinds, left_out)
        return replace(kinds, ties=tuple(kept))
    checked = checked_kinds(kinds or {}, table)
    schema = infer_columns(seen, kinds=checked, min_count=min_count, strict=strict, missing=missing)
    if ties == "none":
        return schema
    return with_ties(schema, seen, kinds=checked, min_count=min_count, left_out=left_out)


def statistics_of(table: Any) -> TableStatistics:
    """The statistics of a table, or of an argument of ``read_table``."""
    if isinstance(table, TableStatistics):
        return table
    return TableStatistics.of(table if isinstance(table, Table) else read_table_lazily(table))
