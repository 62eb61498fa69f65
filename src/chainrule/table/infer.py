"""From a table to its schema: every guess visible."""

from __future__ import annotations

import numpy as np

from chainrule.errors import SchemaError
from chainrule.table.kinds import binary, real
from chainrule.table.kinds.numbers import as_numbers
from chainrule.table.read import Table
from chainrule.table.schema import Column, Schema


def infer_schema(table: Table) -> Schema:
    """The schema of a table: a column of 0 and 1 (or true and false) is binary, of other numbers real.

    Raises:
        SchemaError: no rows, or a value that is no number, named by column and row.
    """
    if len(table) == 0:
        raise SchemaError(f"{table.source}: no rows; a model needs at least one")
    columns = [_infer(table, name, values) for name, values in zip(table.names, table.columns, strict=True)]
    return Schema(tuple(columns), table.container)


def _infer(table: Table, name: str, values: np.ndarray) -> Column:
    numbers = as_numbers(name, values, table.where)
    kind = binary if binary.takes(numbers) else real
    return kind.infer(name, numbers, str(values.dtype))
