"""Converts tables to codes and back. Knows no torch.

What only a fit needs is imported when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chainrule.first_use import imported_on_use
from chainrule.table.codes import (
    Codes,
    as_fitted,
    cells_of_column,
    column_positions,
    decode,
    encode,
    encode_columns,
    in_manner_of,
    log_outside,
    log_scales,
    masses,
    notation_in,
    relabelled,
    to_container,
)
from chainrule.table.columns import (
    COLUMNS,
    AbstractColumn,
    AbstractLevels,
    AbstractNumbers,
    Binary,
    Categorical,
    Datetime,
    Integer,
    Real,
)
from chainrule.table.columns.disclosure import is_of_few
from chainrule.table.files.missing_words import describe_missing
from chainrule.table.files.numpy_files import array_names
from chainrule.table.files.write import Sink, csv_chunks, sink_of, write_chunks, write_parts
from chainrule.table.filled import Fills, filled, filled_frames
from chainrule.table.lazy import is_read_in_parts, read_table_lazily
from chainrule.table.outside import beyond_bounds, outside_distance, with_broken_bounds
from chainrule.table.read import read_chunks, read_table
from chainrule.table.schema import LeftOut, Schema
from chainrule.table.table import Table
from chainrule.table.text.reading_options import Reading
from chainrule.table.unlike_training import check_given, encode_chunks
from chainrule.table.values.cells import as_numbers, cells_as_text, exact_numbers, objects_of
from chainrule.table.values.exact_integers import whole_array

if TYPE_CHECKING:
    from chainrule.table.infer import infer_schema as infer_schema
    from chainrule.table.inference.infer import DEFAULT_TIES as DEFAULT_TIES
    from chainrule.table.inference.infer import MIN_COUNT as MIN_COUNT
    from chainrule.table.statistics.table_statistics import TableStatistics as TableStatistics

_LATER = {
    "DEFAULT_TIES": "inference.infer",
    "MIN_COUNT": "inference.infer",
    "TableStatistics": "statistics.table_statistics",
    "infer_schema": "infer",
}

__all__ = [
    "COLUMNS",
    "DEFAULT_TIES",
    "MIN_COUNT",
    "AbstractColumn",
    "AbstractLevels",
    "AbstractNumbers",
    "Binary",
    "Categorical",
    "Codes",
    "Datetime",
    "Fills",
    "Integer",
    "LeftOut",
    "Reading",
    "Real",
    "Schema",
    "Sink",
    "Table",
    "TableStatistics",
    "array_names",
    "as_fitted",
    "as_numbers",
    "beyond_bounds",
    "cells_as_text",
    "cells_of_column",
    "check_given",
    "column_positions",
    "csv_chunks",
    "decode",
    "describe_missing",
    "encode",
    "encode_chunks",
    "encode_columns",
    "exact_numbers",
    "filled",
    "filled_frames",
    "in_manner_of",
    "infer_schema",
    "is_of_few",
    "is_read_in_parts",
    "log_outside",
    "log_scales",
    "masses",
    "notation_in",
    "objects_of",
    "outside_distance",
    "read_chunks",
    "read_table",
    "read_table_lazily",
    "relabelled",
    "sink_of",
    "to_container",
    "whole_array",
    "with_broken_bounds",
    "write_chunks",
    "write_parts",
]

__getattr__ = imported_on_use(__name__, _LATER)
