"""From tables to codes and back. Knows no torch."""

from __future__ import annotations

from chainrule.table.cells import as_numbers, exact_numbers, objects_of
from chainrule.table.codes import (
    Codes,
    as_fitted,
    cells_as_text,
    cells_of_column,
    column_as_text,
    decode,
    decode_column,
    encode,
    encode_columns,
    in_manner_of,
    level_names,
    log_outside,
    log_scales,
    log_scales_of,
    masses,
    masses_of,
    mean_values,
    notation_in,
    other_name,
    places,
    relabelled,
    to_container,
)
from chainrule.table.exact import whole_array
from chainrule.table.filled import Fills, filled, filled_frames
from chainrule.table.infer import MIN_COUNT, infer_schema
from chainrule.table.lazy import read_table_lazily
from chainrule.table.missing import describe_missing
from chainrule.table.notes import check_given, encode_parts
from chainrule.table.outside import outside_distance
from chainrule.table.read import Table, array_names, read_parts, read_table
from chainrule.table.reading import Reading
from chainrule.table.schema import Column, LeftOut, Schema
from chainrule.table.telling import is_of_few
from chainrule.table.write import Sink, csv_parts, sink_of, write_parts

__all__ = [
    "MIN_COUNT",
    "Codes",
    "Column",
    "Fills",
    "LeftOut",
    "Reading",
    "Schema",
    "Sink",
    "Table",
    "array_names",
    "as_fitted",
    "as_numbers",
    "cells_as_text",
    "cells_of_column",
    "check_given",
    "column_as_text",
    "csv_parts",
    "decode",
    "decode_column",
    "describe_missing",
    "encode",
    "encode_columns",
    "encode_parts",
    "exact_numbers",
    "filled",
    "filled_frames",
    "in_manner_of",
    "infer_schema",
    "is_of_few",
    "level_names",
    "log_outside",
    "log_scales",
    "log_scales_of",
    "masses",
    "masses_of",
    "mean_values",
    "notation_in",
    "objects_of",
    "other_name",
    "outside_distance",
    "places",
    "read_parts",
    "read_table",
    "read_table_lazily",
    "relabelled",
    "sink_of",
    "to_container",
    "whole_array",
    "write_parts",
]
