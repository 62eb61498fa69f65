"""Tables as codes (N, D) with masks of the observed cells (N, D), and back."""

from __future__ import annotations

import datetime
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule.errors import SchemaError, nearest, printable
from chainrule.table.columns import AbstractColumn, Binary, Categorical
from chainrule.table.frames.build import build
from chainrule.table.frames.cells import cells_of_native, types_of
from chainrule.table.frames.column_index import matched
from chainrule.table.frames.polars_types import frame_of
from chainrule.table.inference.text_columns import require_same_notation
from chainrule.table.schema import Schema
from chainrule.table.table import Table
from chainrule.table.text.notation import Notation, NotRead, read_cells, require_read, written
from chainrule.table.values.cells import is_observed, objects_of
from chainrule.table.values.types import Type

WRITTEN = (str, datetime.time, datetime.timedelta)  # cells that a notation has read


@dataclass(frozen=True)
class Codes:
    """The input of networks: a table as numbers.

    Attributes:
        values: float64 codes (N, D), zero if a cell has none.
        observed: bool (N, D), the cells that have a code.
        outside: bool (N, D), cells that their column cannot hold: a 2 among bits, text among
            numbers. They share the probability ``outside_share`` of their column, and networks do
            not see them.
    """

    values: np.ndarray
    observed: np.ndarray
    outside: np.ndarray = None  # type: ignore[assignment]  # by default none

    def __post_init__(self) -> None:
        if self.outside is None:
            object.__setattr__(self, "outside", np.zeros(self.observed.shape, dtype=bool))

    def __len__(self) -> int:
        return len(self.values)

    @property
    def observed_or_outside(self) -> np.ndarray:
        """The cells (N, D) that are not missing."""
        return self.observed | self.outside

    @property
    def complete(self) -> bool:
        """Whether no cell is missing."""
        return bool(self.observed_or_outside.all())

    def take(self, rows: np.ndarray | slice) -> Codes:
        """Selects rows."""
        return Codes(self.values[rows], self.observed[rows], self.outside[rows])


def encode(
    table: Table,
    schema: Schema,
    *,
    warn: bool = True,
    absent_is_fine: Sequence[str] = (),
    strict: bool = False,
) -> Codes:
    """Codes of a table with the columns of the schema.

    Columns are matched by name if the table has names, else by position. An absent column is
    unknown in every row; it causes a warning unless ``warn`` is off or ``absent_is_fine`` names it.

    Raises:
        SchemaError: extra columns, a wrong number of unnamed columns, or, if ``strict``, a value
            that its column cannot hold.
    """
    values = np.full((len(table), len(schema.columns)), np.nan)
    for k, codes in encode_columns(
        table, schema, warn=warn, absent_is_fine=absent_is_fine, strict=strict
    ):
        values[:, k] = codes
    observed, outside = np.isfinite(values), np.isinf(values)
    values[~observed] = 0.0
    return Codes(values, observed, outside)


def encode_columns(
    table: Table,
    schema: Schema,
    *,
    warn: bool = True,
    absent_is_fine: Sequence[str] = (),
    strict: bool = True,
) -> Iterator[tuple[int, np.ndarray]]:
    """As ``encode``, one column at a time: its number in the schema, and its codes (N,).

    Codes are NaN if unknown, and infinite if the column cannot hold the cell.
    """
    found = checked_positions(table, schema, warn, absent_is_fine)
    for k, column in enumerate(schema.columns):
        flag_of = column.flag_of if isinstance(column, Binary) else None
        name = flag_of or column.name
        if name not in found:
            continue
        source = schema.columns[schema.number(name)]
        cells = cells_of_column(table, found[name], source, schema, strict=strict)
        codes = source.encode(cells, table.where, strict=strict)
        if isinstance(column, Binary) and column.is_flag:  # known wherever its column is there
            present, missing = column.flag_code(missing=False), column.flag_code(missing=True)
            yield k, np.where(np.isnan(codes), missing, present)
        else:
            yield k, codes


def cells_of_column(
    table: Table, position: int, column: AbstractColumn, schema: Schema, *, strict: bool = True
) -> np.ndarray:
    """The cells (N,) of a column as its kind expects them: labels as written, parsed numbers and
    dates.

    Raises:
        SchemaError: the column is written differently in the fitted table. If ``strict``, a single
            such cell is an error too; otherwise it is a ``NotRead``.
    """
    if column.holds_labels:
        return table.labels(position) if column.reads_as_written else table.columns[position]
    notation = notation_in(table, column, schema)
    if notation is None:
        require_same_notation(table, position, column.name, None)
        return table.columns[position]
    text = table.as_written(position)
    if text is not None and (parsed := notation.parse(text)).null_count() == text.null_count():
        return cells_of_native(parsed)
    cells = read_cells(notation, table.labels(position), schema.reading.missing.of(column.name))
    if cells.dtype.kind == "O":
        wrong = sum(isinstance(cell, NotRead) for cell in cells)
        known = int(is_observed(cells).sum())
        if wrong and 2 * wrong >= known:  # so many cells suggest another notation
            require_same_notation(table, position, column.name, notation)
    if strict:
        require_read(column.name, notation, cells, table.where)
    return cells


def notation_in(table: Table, column: AbstractColumn, schema: Schema) -> Notation | None:
    """How a table writes a column: as the fitted table did, but for what was said of this one."""
    if column.holds_labels or column.is_flag:
        return None
    return table.reading.notation(
        column.name, column.notation, schema.reading, dates=column.holds_dates
    )


def decode(
    values: np.ndarray, schema: Schema, *, hide: bool = True, other: str | None = None
) -> dict[str, np.ndarray]:
    """The table's own columns by name, in its own values, from codes (N, D).

    A cell that its flag marks as missing is masked, unless ``hide`` is off. An unlisted label is
    masked, or becomes ``other``, which makes the column text.
    """
    found = {}
    missing: dict[str, np.ndarray] = {}
    for k, column in enumerate(schema.columns):
        if isinstance(column, Binary) and column.flag_of is not None:
            missing[column.flag_of] = values[:, k] == column.flag_code(missing=True)
            continue
        cells = column.decode(values[:, k])
        if other is not None and column.has_unlisted:
            cells = objects_of([*column.level_names, other])[values[:, k].astype(np.int64)]
        hidden = missing.get(column.name) if hide else None
        found[column.name] = (
            np.ma.masked_array(cells, hidden) if hidden is not None and hidden.any() else cells
        )
    return found


def log_scales(schema: Schema, values: np.ndarray, *, strict: bool = False) -> np.ndarray:
    """Each cell's log-likelihood in values minus that in codes (N, D), (N, D) nats.

    It is −log of the cell's unit, plus log(1 − ε). ε is ``outside_share``, the probability of cells
    that the column cannot hold; ``strict`` sets it to 0.
    """
    return np.stack(
        [c.log_unit(values[:, k], strict=strict) for k, c in enumerate(schema.columns)], axis=1
    )


def log_outside(schema: Schema) -> np.ndarray:
    """log ε of each column (D,): the log-likelihood of a cell that the column cannot hold.

    −∞ if ε is 0.
    """
    with np.errstate(divide="ignore"):
        return np.log([column.outside_share for column in schema.columns])


def masses(schema: Schema, values: np.ndarray) -> np.ndarray:
    """Marks the cells of codes (N, D) that have a mass; the others have a density."""
    return np.stack([c.is_mass(values[:, k]) for k, c in enumerate(schema.columns)], axis=1)


def to_container(
    columns: dict[str, np.ndarray],
    schema: Schema,
    *,
    as_text: bool = False,
    other: str | None = None,
) -> Any:
    """Columns as a table of the schema's container and types: an array (N, D), or a pandas, polars
    or Arrow frame.

    Numbers and dates that were text are text in the same notation; ``as_text`` applies this to
    files as well, and to their words for false and true. ``other`` is a label that stands for all
    unlisted ones, if there may be such.
    """
    text = {
        column.name: found
        for column in schema.columns_without_flags
        if column.name in columns
        and (as_text or column.is_text)
        and (found := column.in_text(columns[column.name])) is not None
    }
    types = {
        column.name: column.type
        for column in schema.columns
        if column.is_text or column.name not in text
    }
    for column in schema.columns:
        if other is None or not isinstance(column, Categorical) or not column.has_unlisted:
            continue
        # A type that is not text cannot hold the other label; a type of labels must name it.
        if not column.has_text_levels:
            del types[column.name]
        elif column.categories:
            types[column.name] = replace(column.type, categories=(*column.categories, other))
    return relabelled(build(columns | text, types, schema.container), schema)


def relabelled(frame: Any, schema: Schema) -> Any:
    """A frame whose columns have the names of the fitted table, if the container allows them."""
    if schema.index is not None and schema.container == "pandas":
        names = list(frame.columns)
        fitted_names = set(schema.table_names)
        plain = replace(schema.index, types=(Type("object"),), multi=False)
        frame.columns = (schema.index if fitted_names.issuperset(names) else plain).of(names)
    return frame


def column_positions(table: Table, schema: Schema) -> dict[str, int]:
    """The position of each of the schema's columns in a table: by name, or by order without
    names."""
    if not table.named:
        return {name: k for k, name in enumerate(schema.table_names)}
    if table.index is None and schema.index is None:
        return {name: k for k, name in enumerate(table.names)}
    found = matched(table.labels_of_columns, schema.table_names, schema.index)
    return {name: k for k, name in enumerate(found) if name is not None}


def as_fitted(table: Table, schema: Schema) -> Table:
    """Parses the numbers and dates of a text file by the schema's notation, in frame and
    columns."""
    at = column_positions(table, schema)
    if not table.named and len(table.names) != len(at):
        return table  # does not fit: ``encode`` raises the error
    notated = {
        at[column.name]: column
        for column in schema.columns_without_flags
        if notation_in(table, column, schema) and column.name in at
    }
    if table.text is None or not notated:
        return table
    import polars as pl

    series = list((table.frame if table.container == "polars" else table.text).get_columns())
    columns = list(table.columns)
    for position, column in notated.items():
        notation = notation_in(table, column, schema)
        text = table.text.to_series(position)
        parsed = text if column.is_text or notation is None else notation.parse(text)
        typed = parsed.cast(pl.Float64) if column.dtype.startswith("Float") else parsed
        series[position] = typed.alias(series[position].name)
        columns[position] = cells_of_native(series[position])
    if table.container == "polars":
        frame = frame_of(series)
        return replace(table, columns=tuple(columns), types=types_of(frame, "polars"), frame=frame)
    frame = build(dict(zip(table.names, columns, strict=True)), {}, table.container)
    return replace(table, columns=tuple(columns), types=None, frame=frame)


def in_manner_of(table: Table, schema: Schema, name: str, values: np.ndarray) -> np.ndarray:
    """Values (N,) of a column in the form of the table: text, or times, if its known cells are.

    Without known cells the fitted column decides.
    """
    column = schema.columns[schema.number(name)]
    notation = notation_in(table, column, schema)
    if notation is None or values.dtype.kind == "O":  # objects are text already
        return values
    cells = table.columns[column_positions(table, schema)[name]]
    known = cells[is_observed(cells)][:1]
    is_written = cells.dtype.kind == "m" or all(isinstance(cell, WRITTEN) for cell in known)
    if not is_written or not (len(known) or column.is_text):
        return values
    return written(notation, values, known[0] if len(known) else None)


def checked_positions(
    table: Table, schema: Schema, warn: bool, fine: Sequence[str]
) -> dict[str, int]:
    """The position in the table of each of the schema's columns.

    Args:
        table: the table, of which only the names are read.
        schema: the columns of a model.
        warn: whether to warn of columns that are absent, unless they are ``fine``.
        fine: columns whose absence is no matter.

    Raises:
        SchemaError: a column that the model has not, or none of its columns.
    """
    names = schema.table_names
    expected = len(names)
    if not table.named:
        if len(table.names) != expected:
            raise SchemaError(
                f"{table.source}: {len(table.names)} columns where the model has {expected}"
            )
        return column_positions(table, schema)
    at, expected_names = column_positions(table, schema), set(names)
    found = {position for name, position in at.items() if name in expected_names}
    if extra := [name for position, name in enumerate(table.names) if position not in found]:
        near = [(name, like) for name in extra if (like := nearest(name, names))]
        one = len(extra) == 1
        hint = ", ".join(
            f"nearest: {like!r}" if one else f"nearest to {name!r}: {like!r}"
            for name, like in near[:3]
        )
        raise SchemaError(
            f"{table.source}: column(s) {_some(extra)} are not in the model; drop them before "
            "asking" + (f" ({hint})" if hint else "")
        )
    modelled = [column.name for column in schema.columns_without_flags]
    if absent := [name for name in modelled if name not in at]:
        if len(absent) == len(modelled):
            raise SchemaError(
                f"{table.source}: none of the model's {len(modelled)} columns is here"
            )
        if warn and (missed := [name for name in absent if name not in fine]):
            message = f"{table.source}: column(s) {_some(missed)} are absent and count as unknown"
            warnings.warn(printable(message), UserWarning, stacklevel=3)
    return at


def _some(names: list[str], most: int = 6) -> str:
    return ", ".join(map(repr, names[:most])) + (
        f" and {len(names) - most} more" if len(names) > most else ""
    )
