"""From a table to its schema: every guess visible, and overridable by name."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule.errors import SchemaError, unknown_choice, whole_number
from chainrule.table.cells import as_labels, as_numbers, is_number, is_unknown, label_of, looks, shown
from chainrule.table.detect import Doubt
from chainrule.table.kinds import KINDS, binary, categorical, datetime, integer, real
from chainrule.table.notation import Notation
from chainrule.table.read import Table, read_table
from chainrule.table.schema import Column, LeftOut, Schema
from chainrule.table.written import Written, remedy, require_format_of_some, with_doubtful_points, written_column

FEWEST_FOR_ID = 20  # rows below which nothing can be told to be an id
MOSTLY = 0.8  # share of numbers among labels from which the others are taken for mistakes
FREE_TEXT_SHARE = 0.2  # of the rows, in listed levels; below, labels are free text
MIN_COUNT = 5
MISSING = ("unknown", "informative")


@dataclass(frozen=True)
class Options:
    """How columns are taken: what the user said of them, and how many rows name a level."""

    kinds: Mapping[str, Any]
    min_count: int


def infer_schema(
    table: Any,
    *,
    kinds: Mapping[str, Any] | Schema | None = None,
    min_count: int = MIN_COUNT,
    strict: bool = False,
    missing: str = "unknown",
) -> Schema:
    """The schema of a table: the kind of each column, with the reason for it; ``print`` shows a line per column.

    Booleans, and numbers that are all 0 or 1, are binary; other numbers integer if all are, else real; dates datetime; the
    rest categorical. Columns that look like ids or free text, and columns without a value, are left out.

    Args:
        table: a ``Table``, or whatever ``read_table`` takes.
        kinds: the kind of some columns by name, instead of the guess: "binary", "categorical", "integer", "real",
            "datetime", or "leave out". An integer column with bounds is {"kind": "integer", "least": 0, "most": 9}.
            A whole schema, such as another density's, is taken as it is.
        min_count: rows a level needs to be listed, and a value to be an atom.
        strict: raise for columns that would be left out, instead of warning.
        missing: "informative" adds a binary column before each column with holes, which says where they are.

    Raises:
        SchemaError: no rows, no column that can be modelled, a value that the wanted kind cannot have, a name in
            ``kinds`` that the table lacks.
    """
    table = table if isinstance(table, Table) else read_table(table)
    if isinstance(kinds, Schema):
        return kinds
    kinds = _checked_kinds(kinds or {}, table)
    whole_number(min_count, "min_count", least=1, what="the rows that a level needs to be listed")
    if missing not in MISSING:
        raise SchemaError(unknown_choice("missing", missing, MISSING))
    table.reading.require_names(table.names, table.source)
    if len(table) == 0:
        raise SchemaError(f"{table.source}: no rows; a model needs at least one")
    columns, left_out, notations = [], [], []
    for position, name in enumerate(table.names):
        values = table.columns[position]
        found, notation = _infer(table, position, Options(kinds, min_count))
        notations.append(notation)
        if isinstance(found, str):
            left_out.append(LeftOut(name, position, found))
            continue
        holes = is_unknown(values)
        if missing == "informative" and bool(holes.any()):
            reason = f"{int(holes.sum())} cells of {name!r} are missing"
            flag = f"{name} is missing"
            while flag in table.names:
                flag += "*"
            columns.append(binary.infer(flag, holes.astype(np.float64), "bool", reason, boolean=True, flag_of=name))
        columns.append(replace(found, notation=notation))
    require_format_of_some(table, notations)
    columns = [with_doubtful_points(table, column, notations) for column in columns]
    unwanted = [out for out in left_out if out.name not in kinds]
    if unwanted:
        listed = "; ".join(f"{out.name!r} ({out.reason})" for out in unwanted)
        if strict:
            raise SchemaError(
                f"{table.source}: cannot model {listed}; drop them, say kinds={{{unwanted[0].name!r}: …}}, or pass strict=False"
            )
        warnings.warn(f"{table.source}: left out {listed}", UserWarning, stacklevel=3)
    if not columns:
        raise SchemaError(f"{table.source}: no column can be modelled: {left_out[0].name!r} is {left_out[0].reason}")
    return Schema(tuple(columns), table.container, tuple(left_out), table.numbered, table.reading)


def _checked_kinds(kinds: Mapping[str, Any], table: Table) -> dict[str, dict[str, Any]]:
    choices = [*KINDS, "leave out"]
    found = {}
    for key, spec in kinds.items():
        name = str(key)
        if name not in table.names:
            raise SchemaError(f"kinds: {unknown_choice('column', name, table.names)}")
        options: dict[str, Any] = {"kind": spec} if isinstance(spec, str) else dict(spec)
        if options.get("kind") not in choices:
            raise SchemaError(f"kinds[{name!r}]: {unknown_choice('kind', options.get('kind'), choices)}")
        allowed = ("kind", "least", "most") if options["kind"] == "integer" else ("kind",)
        for option in options:
            if option not in allowed:
                raise SchemaError(f"kinds[{name!r}]: {unknown_choice('option', option, allowed)}")
        for bound in ("least", "most"):
            if options.get(bound) is not None:
                options[bound] = whole_number(options[bound], f"kinds[{name!r}] {bound}", least=-(2**53))
        found[name] = options
    return found


def _infer(table: Table, position: int, options: Options) -> tuple[Column | str, Notation | None]:
    """The column, or the reason for which it is left out; and how its numbers or dates are written, where that is not plain."""
    name, values, dtype = table.names[position], table.columns[position], table.dtypes[position]
    told = options.kinds.get(name)
    if _names_labels(table, name, dtype) or (told is not None and told["kind"] in ("categorical", "leave out")):
        written = None
    else:
        written = written_column(table, position, min_count=options.min_count)
    if isinstance(written, Written):
        values, dtype, notation = written.cells, written.dtype, written.notation
    else:
        notation = None
    if told is not None:
        if isinstance(written, Doubt) and told["kind"] != "binary":
            raise SchemaError(f"column {name!r}: {written.reason}")
        return _as_told(table, name, values, dtype, options, notation), notation
    if isinstance(written, Doubt):
        return _labels(table, name, values, dtype, options, written.reason), None
    return _guessed(table, name, values, dtype, options, notation), notation


def _guessed(
    table: Table, name: str, values: np.ndarray, dtype: str, options: Options, notation: Notation | None
) -> Column | str:
    if _names_labels(table, name, dtype):
        return _labels(table, name, values, dtype, options)
    look, where, count = looks(values), table.where, {"min_count": options.min_count}
    manner = None if notation is None else notation.describe()
    if look == "empty":
        return "no known value"
    if look == "boolean":
        return binary.infer(name, as_numbers(name, values, where), dtype, "true or false", boolean=True)
    if look == "nested":
        return "lists and structures are not modelled; spread them over columns"
    if look == "duration":
        return "durations are not modelled; make numbers of them"
    if look == "datetime":
        return datetime.infer(name, values, dtype, manner or "dates", where=where)
    if look == "label":
        return _labels(table, name, values, dtype, options)
    what = manner or "numbers"
    numbers = as_numbers(name, values, where)
    known = numbers[~np.isnan(numbers)]
    if not len(known):
        return "no known value"
    if binary.takes(numbers):
        return binary.infer(name, numbers, dtype, "0 or 1" if manner is None else f"0 or 1, {manner}")
    different = len(np.unique(known))
    if not integer.takes(numbers):
        return real.infer(name, numbers, dtype, f"{what}, {different} different", **count)
    if _is_id(known, different):
        return "an id: whole numbers, all different in a narrow range"
    least, most = integer.bounds_of(dtype)
    reason = f"whole {what}, {different} different"
    return integer.infer(name, numbers, dtype, reason, least=least, most=most, **count)


def _as_told(
    table: Table, name: str, values: np.ndarray, dtype: str, options: Options, notation: Notation | None
) -> Column | str:
    told, where, count = options.kinds[name], table.where, {"min_count": options.min_count}
    kind, reason = told["kind"], "as you said" if notation is None else f"as you said, {notation.describe()}"
    if kind == "leave out":
        return reason
    if looks(values) == "empty":
        return "no known value"
    if kind == "categorical":
        labels = {"categories": table.categories.get(name, ()), **count}
        column = categorical.infer(name, values, dtype, _levels_reason(values, reason), **labels)
        return column or f"no label has {options.min_count} rows"
    if kind == "datetime":
        return datetime.infer(name, values, dtype, reason, where=where)
    numbers = as_numbers(name, values, where)
    if kind == "binary":
        if not binary.takes(numbers):
            row = int(np.flatnonzero((numbers != 0) & (numbers != 1) & ~np.isnan(numbers))[0])
            raise SchemaError(
                f"column {name!r}: value {numbers[row]:g} at {where(row)} is not 0 or 1, so it cannot be binary"
            )
        return binary.infer(name, numbers, dtype, reason, boolean=looks(values) == "boolean")
    if kind == "integer":
        wrong = np.flatnonzero(~integer.takes_each(numbers))
        if len(wrong):
            row = int(wrong[0])
            raise SchemaError(
                f"column {name!r}: value {numbers[row]:g} at {where(row)} is not an integer; pass kinds={{{name!r}: 'real'}}"
            )
        column = integer.infer(name, numbers, dtype, reason, least=told.get("least"), most=told.get("most"), **count)
        integer.encode(column, values, where)  # refuses what lies beyond the declared bounds
        return column
    return real.infer(name, numbers, dtype, reason, **count)


def _labels(
    table: Table, name: str, values: np.ndarray, dtype: str, options: Options, doubt: str | None = None
) -> Column | str:
    """A column of labels, or why it is left out; ``doubt`` is why they were not read as numbers or dates."""
    listing = {"min_count": options.min_count, "categories": table.categories.get(name, ())}
    if not _names_labels(table, name, dtype):
        _require_no_stray(table, name, values)
    reason = _levels_reason(values, "labels") + (f"; {doubt}" if doubt else "")
    column = categorical.infer(name, values, dtype, reason, **listing)
    if column is None:
        return doubt or f"labels of which none has {options.min_count} rows"
    labels = [label for label in as_labels(values) if label is not None]
    listed = set(map(label_of, column.levels))
    share = sum(label in listed for label in labels) / len(labels)
    if share < FREE_TEXT_SHARE and len(labels) >= FEWEST_FOR_ID:
        return doubt or f"free text: {len(set(labels))} different labels in {len(labels)} rows"
    return column


def _names_labels(table: Table, name: str, dtype: str) -> bool:
    """Whether the column's own type says that it holds labels."""
    return name in table.categories or dtype.startswith(("Categorical", "dictionary"))


def _require_no_stray(table: Table, name: str, values: np.ndarray) -> None:
    """Raises SchemaError where most labels are numbers: a column of numbers with a few wrong cells."""
    known = np.flatnonzero(~is_unknown(values))
    wrong = [row for row in known.tolist() if not is_number(values[row])]
    if wrong and len(known) - len(wrong) >= MOSTLY * len(known):
        raise SchemaError(
            f"column {name!r}: value {shown(values, wrong[0])} at {table.where(wrong[0])} is not a number, as "
            f"{len(known) - len(wrong)} of {len(known)} are: {remedy(name, (str(values[wrong[0]]),))}"
        )


def _levels_reason(values: np.ndarray, reason: str) -> str:
    different = len({label for label in as_labels(values) if label is not None})
    return f"{reason}, {different} different"


def _is_id(known: np.ndarray, different: int) -> bool:
    """Whether integers name the rows: all different, in a range where chance would have repeated one.

    n draws from R integers are all different with a probability of about exp(−n² / 2R); the range is taken for that of ids
    where this is below e^−10.
    """
    n, span = len(known), float(known.max() - known.min()) + 1
    return n >= FEWEST_FOR_ID and different == n and span <= n * n / 20
