"""Converts tables to codes and back. Knows no torch.

Each name is imported when it is first used, so that what needs one of them begins at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chainrule.first_use import imported_on_use

if TYPE_CHECKING:
    from chainrule.table.codes import Codes as Codes
    from chainrule.table.codes import as_fitted as as_fitted
    from chainrule.table.codes import cells_of_column as cells_of_column
    from chainrule.table.codes import column_positions as column_positions
    from chainrule.table.codes import decode as decode
    from chainrule.table.codes import encode as encode
    from chainrule.table.codes import encode_columns as encode_columns
    from chainrule.table.codes import in_manner_of as in_manner_of
    from chainrule.table.codes import log_outside as log_outside
    from chainrule.table.codes import log_scales as log_scales
    from chainrule.table.codes import masses as masses
    from chainrule.table.codes import notation_in as notation_in
    from chainrule.table.codes import relabelled as relabelled
    from chainrule.table.codes import to_container as to_container
    from chainrule.table.columns import COLUMNS as COLUMNS
    from chainrule.table.columns import AbstractColumn as AbstractColumn
    from chainrule.table.columns import AbstractLevels as AbstractLevels
    from chainrule.table.columns import AbstractNumbers as AbstractNumbers
    from chainrule.table.columns import Binary as Binary
    from chainrule.table.columns import Categorical as Categorical
    from chainrule.table.columns import Datetime as Datetime
    from chainrule.table.columns import Integer as Integer
    from chainrule.table.columns import Real as Real
    from chainrule.table.columns.disclosure import is_of_few as is_of_few
    from chainrule.table.files.missing_words import describe_missing as describe_missing
    from chainrule.table.files.numpy_files import array_names as array_names
    from chainrule.table.files.write import Sink as Sink
    from chainrule.table.files.write import csv_chunks as csv_chunks
    from chainrule.table.files.write import sink_of as sink_of
    from chainrule.table.files.write import write_chunks as write_chunks
    from chainrule.table.files.write import write_parts as write_parts
    from chainrule.table.fills import Fills as Fills
    from chainrule.table.fills import filled as filled
    from chainrule.table.fills import filled_frames as filled_frames
    from chainrule.table.infer import infer_schema as infer_schema
    from chainrule.table.lazy import is_read_in_parts as is_read_in_parts
    from chainrule.table.lazy import read_table_lazily as read_table_lazily
    from chainrule.table.outside import beyond_bounds as beyond_bounds
    from chainrule.table.outside import on_nearest_steps as on_nearest_steps
    from chainrule.table.outside import outside_distance as outside_distance
    from chainrule.table.outside import with_broken_bounds as with_broken_bounds
    from chainrule.table.read import read_chunks as read_chunks
    from chainrule.table.read import read_table as read_table
    from chainrule.table.schema import LeftOut as LeftOut
    from chainrule.table.schema import Schema as Schema
    from chainrule.table.statistics.table_statistics import TableStatistics as TableStatistics
    from chainrule.table.table import Table as Table
    from chainrule.table.text.reading_options import Reading as Reading
    from chainrule.table.unlike_training import check_given as check_given
    from chainrule.table.unlike_training import encode_chunks as encode_chunks
    from chainrule.table.values.cells import as_numbers as as_numbers
    from chainrule.table.values.cells import cells_as_text as cells_as_text
    from chainrule.table.values.cells import exact_numbers as exact_numbers
    from chainrule.table.values.cells import objects_of as objects_of
    from chainrule.table.values.exact_integers import whole_array as whole_array

_HOMES = {
    "AbstractColumn": "columns",
    "AbstractLevels": "columns",
    "AbstractNumbers": "columns",
    "Binary": "columns",
    "COLUMNS": "columns",
    "Categorical": "columns",
    "Codes": "codes",
    "Datetime": "columns",
    "Fills": "fills",
    "Integer": "columns",
    "LeftOut": "schema",
    "Reading": "text.reading_options",
    "Real": "columns",
    "Schema": "schema",
    "Sink": "files.write",
    "Table": "table",
    "TableStatistics": "statistics.table_statistics",
    "array_names": "files.numpy_files",
    "as_fitted": "codes",
    "as_numbers": "values.cells",
    "beyond_bounds": "outside",
    "cells_as_text": "values.cells",
    "cells_of_column": "codes",
    "check_given": "unlike_training",
    "column_positions": "codes",
    "csv_chunks": "files.write",
    "decode": "codes",
    "describe_missing": "files.missing_words",
    "encode": "codes",
    "encode_chunks": "unlike_training",
    "encode_columns": "codes",
    "exact_numbers": "values.cells",
    "filled": "fills",
    "filled_frames": "fills",
    "in_manner_of": "codes",
    "infer_schema": "infer",
    "is_of_few": "columns.disclosure",
    "is_read_in_parts": "lazy",
    "log_outside": "codes",
    "log_scales": "codes",
    "masses": "codes",
    "notation_in": "codes",
    "objects_of": "values.cells",
    "on_nearest_steps": "outside",
    "outside_distance": "outside",
    "read_chunks": "read",
    "read_table": "read",
    "read_table_lazily": "lazy",
    "relabelled": "codes",
    "sink_of": "files.write",
    "to_container": "codes",
    "whole_array": "values.exact_integers",
    "with_broken_bounds": "outside",
    "write_chunks": "files.write",
    "write_parts": "files.write",
}

__all__ = [
    "COLUMNS",
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
    "on_nearest_steps",
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

__getattr__ = imported_on_use(__name__, _HOMES)
