"""Tables with their missing cells filled, in their own container or as frames; known cells do not
change.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule.errors import FormatError
from chainrule.table.codes import as_fitted, column_positions, in_manner_of, notation_in
from chainrule.table.frames.build import as_polars, build
from chainrule.table.frames.fill import replaced
from chainrule.table.frames.polars_types import frame_of
from chainrule.table.schema import Schema
from chainrule.table.table import Table
from chainrule.table.values.cells import objects_of

FIRST_CELLS = 1000  # known cells of a chunk that show the style of others
UNSIGNED = "^[1-9]|^[^+-].*[1-9]"  # numbers above zero without a plus


@dataclass(frozen=True)
class Fills:
    """The values that fill the missing cells of a table.

    Attributes:
        codes: (N, D) float64, used where a cell is missing.
        asked: the cells (N, D) to fill, bool.
        means: whether numbers are means, which may lie between the points of a grid.
    """

    codes: np.ndarray
    asked: np.ndarray
    means: bool = False

    def of(self, schema: Schema) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
        """Yields each column with cells to fill: its name, values (N,) for these, and the cells."""
        for k, column in enumerate(schema.columns):
            asked = self.asked[:, k]
            if not column.is_flag and asked.any():
                codes = self.codes[asked, k]
                filled = column.mean_values(codes) if self.means else column.decode(codes)
                values = np.empty(len(asked), dtype=filled.dtype)
                values[:] = filled[:1]
                values[asked] = filled
                yield column.name, values, asked


def filled(table: Table, schema: Schema, fills: Fills) -> Any:
    """The table with its missing cells filled, in its own container, types and index."""
    table = as_fitted(table, schema)
    return _filled(table, schema, _by_column(fills, schema))


def filled_frames(
    chunks: Iterable[tuple[Table, Fills]], as_text: bool, *, schema: Schema
) -> Iterator[Any]:
    """The chunks of a table with their missing cells filled, as polars frames of the same types.

    Columns of text files have the types of the schema in every chunk; left-out columns are text.
    With ``as_text`` all cells are text: known cells as written, filled ones in the same style.
    """
    like: dict[str, str] = {}
    for chunk, fills in chunks:
        table, columns = as_fitted(chunk, schema), _by_column(fills, schema)
        if as_text and table.text is not None:
            at = column_positions(table, schema)
            # A chunk without a known cell keeps the style of the last chunk that had one.
            for name, position in at.items():
                like.update((name, word) for word in _typical(table.text.to_series(position)))
            columns = {
                name: (_as_written(schema, name, values, like.get(name), table), asked)
                for name, (values, asked) in columns.items()
                if name in at
            }
            table = replace(table, container="polars", frame=table.text, text=None)
        elif table.text is not None:
            table = replace(table, container="polars", frame=_in_types(table, schema))
        elif table.container == "numpy":
            table = replace(table, container="polars", frame=_as_frame(table))
        done = _filled(table, schema, columns)
        yield done if table.container == "polars" else as_polars(done, table.names)


def _typical(text: Any) -> list[str]:
    """One known cell of a polars series of text, in whose style others are written; none if there
    is none. A cell above zero tells whether such cells have a plus, and one without decides.
    """
    known = text.alias("").drop_nulls().head(FIRST_CELLS)
    for pattern in (UNSIGNED, r"^\+"):
        if len(found := known.filter(known.str.contains(pattern)).head(1)):
            return found.to_list()
    return known.head(1).to_list()


def _by_column(fills: Fills, schema: Schema) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The values (N,) of each column with cells to fill, and these cells (N,)."""
    return {name: (values, asked) for name, values, asked in fills.of(schema)}


def _filled(
    table: Table, schema: Schema, columns: Mapping[str, tuple[np.ndarray, np.ndarray]]
) -> Any:
    at, fills, asked = column_positions(table, schema), {}, {}
    for name, (values, cells) in columns.items():
        if name in at:
            called = table.names[at[name]]
            fills[called], asked[called] = in_manner_of(table, schema, name, values), cells
    return replaced(table.frame, fills, asked, table.container, table.names)


def _as_written(
    schema: Schema, name: str, values: np.ndarray, like: str | None, table: Table
) -> np.ndarray:
    """Values (N,) as text objects, in their column's notation or the style of a known cell."""
    column = schema.columns[schema.number(name)]
    if (notation := notation_in(table, column, schema)) is not None:
        return objects_of(notation.write(values))
    return column.as_written(values, like or "")


def _in_types(chunk: Table, schema: Schema) -> Any:
    """The columns of a chunk of a text file in the schema's polars types; left-out columns are
    text.
    """
    import polars as pl

    at, columns = column_positions(chunk, schema), []
    frame = _as_frame(chunk) if chunk.container == "numpy" else chunk.frame
    column_at = {
        at[column.name]: column for column in schema.columns_without_flags if column.name in at
    }
    for position, name in enumerate(chunk.names):
        column = column_at.get(position)
        dtype = pl.String if column is None or column.is_text else column.polars_type()
        found = (chunk.text if dtype == pl.String else frame).to_series(position).alias(name)
        empty = found.null_count() == len(found)  # its type is unknown
        try:
            columns.append(
                pl.Series(name, [None] * len(found), dtype=dtype) if empty else found.cast(dtype)
            )
        except pl.exceptions.PolarsError as error:
            raise FormatError(
                f"{chunk.source}: column {name!r} cannot be written as {dtype} from "
                f"{chunk.where(0)} on: {error}; write CSV, which keeps cells as they are"
            ) from error
    return frame_of(columns)


def _as_frame(chunk: Table) -> Any:
    """The columns of an array, or of a text file without names, as a polars frame."""
    return build(dict(zip(chunk.names, chunk.columns, strict=True)), {}, "polars")
