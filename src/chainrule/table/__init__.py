"""From tables to codes and back. Knows no torch."""

from __future__ import annotations

from chainrule.table.codes import Codes, decode, encode, log_scales, to_container
from chainrule.table.infer import infer_schema
from chainrule.table.read import Table, array_names, read_table
from chainrule.table.schema import Column, Schema

__all__ = [
    "Codes",
    "Column",
    "Schema",
    "Table",
    "array_names",
    "decode",
    "encode",
    "infer_schema",
    "log_scales",
    "read_table",
    "to_container",
]
