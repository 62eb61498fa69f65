"""What pictures ask of a model: a column's distribution, and the codes of a table's cells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule.conditionals import Distribution
from chainrule.errors import SchemaError, ShapeError
from chainrule.missing import is_flag
from chainrule.model import Model
from chainrule.table import Codes, encode, read_table
from chainrule.tasks.answer import Batch
from chainrule.tasks.conditional import distribution_of
from chainrule.tasks.sample import given_codes

ENOUGH = 20  # rows that have the given cells, which are then shown alone


def require_cells(given: Any) -> None:
    """Raises ShapeError unless given cells are a mapping."""
    if given is not None and not isinstance(given, Mapping):
        raise ShapeError(f"given = {given!r}: pass known cells by column, such as {{'age': 30}}")


def distribution(model: Model, column: int, given: Mapping[str, Any] | None) -> Distribution:
    """p(column | given cells), of one row."""
    require_cells(given)
    if given and model.schema.columns[column].name in given:
        name = model.schema.columns[column].name
        raise SchemaError(f"given has a value for {name!r}, the column that is drawn; leave it out")
    width = len(model.schema.columns)
    codes = Codes(np.zeros((1, width)), np.zeros((1, width), dtype=bool))
    if given:
        codes = given_codes(model, given)
    return distribution_of(Batch.of(model, codes), column)


def cells_of(
    model: Model, table: Any, column: int, given: Mapping[str, Any] | None
) -> tuple[np.ndarray, bool]:
    """The codes (N,) of a column's known cells that it can hold; none without a table.

    They are those of the rows that have the given cells, if these are at least 20, which the second
    result says. Otherwise they are those of all rows.
    """
    if table is None:
        return np.zeros(0), False
    read = read_table(table, reading=model.schema.reading)
    codes = encode(read, model.schema, warn=False)
    known = codes.observed[:, column]
    if given:
        wanted = given_codes(model, given)
        asked = wanted.observed[0] & ~is_flag(model.schema)
        equal = codes.observed[:, asked] & (codes.values[:, asked] == wanted.values[0, asked])
        if (known & equal.all(1)).sum() >= ENOUGH:
            return codes.values[known & equal.all(1), column], True
    return codes.values[known, column], False


def in_words(given: Mapping[str, Any] | None) -> str:
    """The given cells as a part of a title."""
    return ", given " + ", ".join(f"{k} = {v}" for k, v in given.items()) if given else ""
