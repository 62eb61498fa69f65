"""From a table to its schema: every guess visible."""

from __future__ import annotations

from chainrule.errors import SchemaError
from chainrule.table.kinds import binary
from chainrule.table.read import Table
from chainrule.table.schema import Schema


def infer_schema(table: Table) -> Schema:
    """The schema of a table. This version knows binary columns; another value is a SchemaError with row and column."""
    if len(table) == 0:
        raise SchemaError(f"{table.source}: no rows; a model needs at least one")
    columns = [binary.infer(name, values, table.where) for name, values in zip(table.names, table.columns, strict=True)]
    return Schema(tuple(columns), table.container)
