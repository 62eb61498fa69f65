"""Infers the schema of a table; every guess has a reason and can be overridden by name."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.errors import SchemaError, printable, unknown_choice
from chainrule.table.columns import (
    COLUMNS,
    AbstractColumn,
    Binary,
    Categorical,
)
from chainrule.table.columns.categorical import public_categories
from chainrule.table.frames.column_index import find
from chainrule.table.inference.infer_column import Options, infer_column
from chainrule.table.inference.text_columns import (
    require_format_of_some,
    with_doubtful_points,
)
from chainrule.table.schema import LeftOut, Schema
from chainrule.table.statistics.table_statistics import TableStatistics
from chainrule.table.table import Table
from chainrule.table.values.cells import is_observed, label_counts, looks
from chainrule.table.values.distinct import Distinct
from chainrule.table.values.types import Type


def infer_columns(
    seen: TableStatistics,
    *,
    kinds: Mapping[str, dict[str, Any]],
    min_count: int,
    strict: bool,
    missing: str,
) -> Schema:
    """The schema of a table without ties; see ``infer_schema``.

    Args:
        seen: the table's statistics.
        kinds: checked kinds of some columns by name.
        min_count: number of rows that make a level, an atom, or any stored number.
        strict: raise an error instead of a warning if columns would be left out.
        missing: "unknown" or "informative".
    """
    table, options = seen.some, Options(kinds, min_count)
    table.reading.require_names(table.names, table.source)
    if seen.rows == 0:
        raise SchemaError(f"{table.source}: no rows; a model needs at least one")
    columns, left_out, notations = [], [], []
    for position, name in enumerate(table.names):
        rows = seen.table_of(position, min_count=min_count)
        cells = Distinct(rows.columns[position])
        every = None if seen.columns is None else seen.columns[position]
        known = int(is_observed(cells.values).sum()) if every is None else every.known
        found = _known_in_few(seen, name, cells.values, known, options)
        notation = None
        if found is None:
            found, notation = infer_column(rows, position, cells, options, every)
        notations.append(notation)
        if isinstance(found, str):
            left_out.append(LeftOut(name, position, found))
            continue
        if missing == "informative" and known < seen.rows:
            columns.append(_flag(table, name, seen.rows - known, seen.rows))
        labels = None if every is None else every.labels
        counted = cells if labels is None else labels.distinct
        found = _of_type(found, table.type_of(position), counted, min_count)
        if every is not None:
            found = replace(found, rows=known)
        if labels is not None and labels.dropped and isinstance(found, Categorical):
            found = replace(
                found,
                unlisted=found.unlisted + labels.dropped,
                unlisted_rows=found.unlisted_rows + labels.dropped_rows,
            )
        columns.append(replace(found, notation=notation))
    require_format_of_some(table, notations)
    columns = with_doubtful_points(table, columns, notations)
    _warn_of_left_out(table, [out for out in left_out if out.name not in kinds], strict)
    if not columns:
        raise SchemaError(
            f"{table.source}: no column can be modelled: {left_out[0].name!r} is "
            f"{left_out[0].reason}"
        )
    return Schema(tuple(columns), table.container, tuple(left_out), table.index, table.reading)


def _flag(table: Table, name: str, missing: int, rows: int) -> Binary:
    """The binary column that marks the missing cells of a column."""
    flag = f"{name} is missing"
    while flag in table.names:
        flag += "*"
    reason = f"{missing} cells of {name!r} are missing"
    ones = np.array([1.0] if 2 * missing > rows else [0.0, 1.0])
    return Binary.infer(flag, ones, "bool", reason, boolean=True, flag_of=name)


def _warn_of_left_out(table: Table, unwanted: list[LeftOut], strict: bool) -> None:
    """Warns of columns that are left out unasked; raises SchemaError if ``strict``."""
    if not unwanted:
        return
    listed = "; ".join(f"{out.name!r} ({out.reason})" for out in unwanted)
    if strict:
        raise SchemaError(
            f"{table.source}: cannot model {listed}; drop them, say kinds={{{unwanted[0].name!r}: "
            "…}, or pass strict=False"
        )
    warnings.warn(printable(f"{table.source}: left out {listed}"), UserWarning, stacklevel=5)


def _of_type(column: AbstractColumn, kind: Type, values: Distinct, least: int) -> AbstractColumn:
    """Adds to a column the common type of its cells, and its type's labels with enough rows."""
    if column.holds_labels or not kind.categories:  # the column has counted its labels
        return replace(column, cells=kind.cells) if kind.cells else column
    counts = label_counts(values)
    return replace(
        column, cells=kind.cells, categories=public_categories(kind.categories, counts, least)
    )


def checked_kind(spec: Any, name: str) -> dict[str, Any]:
    """The kind of a column and its options; raises SchemaError if there is no such kind."""
    choices = [*COLUMNS, "leave out"]
    options: dict[str, Any] = {"kind": spec} if isinstance(spec, str) else dict(spec)
    if options.get("kind") not in choices:
        raise SchemaError(
            f"kinds[{name!r}]: {unknown_choice('kind', options.get('kind'), choices)}"
        )
    kind = COLUMNS.get(options["kind"], AbstractColumn)
    return kind.checked_options(options, f"kinds[{name!r}]")


def checked_kinds(kinds: Mapping[str, Any], table: Table) -> dict[str, dict[str, Any]]:
    """The kinds of columns by name, each with its options; raises SchemaError if one is wrong."""
    found = {}
    for key, spec in kinds.items():
        name = find(key, table.names, table.index)
        if name not in table.names:
            raise SchemaError(f"kinds: {unknown_choice('column', name, table.names)}")
        found[name] = checked_kind(spec, name)
    return found


def _known_in_few(
    seen: TableStatistics, name: str, values: np.ndarray, known: int, options: Options
) -> str | None:
    """The reason to leave out a column with so few known rows that it would disclose them."""
    if name in options.kinds or not 0 < known < options.min_count <= seen.rows:
        return None
    if looks(values) == "complex":
        return None  # complex numbers are refused later, with any number of rows
    return (
        f"known in {known} row{'s' if known > 1 else ''}, fewer than min_count = "
        f"{options.min_count}"
    )
