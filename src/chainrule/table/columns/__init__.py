"""The kinds of columns. Each leaf defines its codes, its units and its words. Knows no networks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chainrule.errors import FormatError, unknown_choice
from chainrule.table.columns.base import AbstractColumn, Cells, Measure
from chainrule.table.columns.binary import Binary
from chainrule.table.columns.categorical import Categorical
from chainrule.table.columns.datetime import Datetime
from chainrule.table.columns.integer import Integer
from chainrule.table.columns.levels import AbstractLevels
from chainrule.table.columns.numbers import AbstractNumbers
from chainrule.table.columns.real import Real

__all__ = [
    "COLUMNS",
    "AbstractColumn",
    "AbstractLevels",
    "AbstractNumbers",
    "Binary",
    "Categorical",
    "Cells",
    "Datetime",
    "Integer",
    "Measure",
    "Real",
    "column_from_json",
]

COLUMNS: dict[str, type[AbstractColumn]] = {
    leaf.kind: leaf
    for leaf in (
        Binary,
        Categorical,
        Datetime,
        Integer,
        Real,
    )
}


def column_from_json(spec: Mapping[str, Any]) -> AbstractColumn:
    """Rebuilds the column that ``to_json`` described.

    Examples:
        >>> spec = Binary(name="smoker", dtype="bool", levels=(False, True)).to_json()
        >>> column_from_json(spec).level_names
        ['False', 'True']
    """
    kind = spec["kind"]
    if kind not in COLUMNS:
        raise FormatError(f"column {spec['name']!r}: {unknown_choice('kind', kind, COLUMNS)}")
    return COLUMNS[kind].from_json(spec)
