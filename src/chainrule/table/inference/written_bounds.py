"""Bounds of a column that the user writes as its cells are written, such as 08:00 or 50 kg."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chainrule.errors import SchemaError
from chainrule.table.columns import COLUMNS, Integer, Real
from chainrule.table.columns.fields import is_written
from chainrule.table.text.notation import Notation, number_written

KINDS = (Integer.kind, Real.kind)


def with_bounds_read(
    options: Mapping[str, Any], notation: Notation | None, name: str
) -> Mapping[str, Any]:
    """The user's options for a column, with bounds of numbers that are text or times as numbers.

    Args:
        options: the options, the kind among them.
        notation: the column's notation; None if every program reads its cells.
        name: the name of the column.

    Raises:
        SchemaError: a bound that the notation does not read, or that the kind cannot have.
    """
    written = {
        bound: options[bound]
        for bound in ("least", "most")
        if options["kind"] in KINDS and is_written(options.get(bound))
    }
    if not written:
        return options
    numbers = {bound: _read(value, bound, notation, name) for bound, value in written.items()}
    kind = COLUMNS[options["kind"]]
    return kind.checked_options({**options, **numbers}, f"kinds[{name!r}]")


def _read(value: Any, bound: str, notation: Notation | None, name: str) -> float:
    number = number_written(notation, value)
    if number is None:
        what = "plain numbers" if notation is None else notation.describe()
        other = "" if notation is None else ", or text as the column has it"
        raise SchemaError(
            f"kinds[{name!r}] {bound} = {value!r}: the column holds {what}; pass a number{other}"
        )
    return int(number) if number == int(number) else number
