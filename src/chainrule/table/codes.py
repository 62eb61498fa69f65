"""A table as numbers and back: values (N, D) with what is observed (N, D)."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule.errors import SchemaError, printable
from chainrule.table.cells import label_of
from chainrule.table.frames import build
from chainrule.table.index import matched
from chainrule.table.kinds import KINDS
from chainrule.table.read import Table
from chainrule.table.schema import Column, Schema
from chainrule.table.types import Type


@dataclass(frozen=True)
class Codes:
    """What networks see of a table.

    Attributes:
        values: float64 codes (N, D), zero where there is none.
        observed: bool (N, D), the cells that have a code.
        outside: bool (N, D), the cells that hold what their column cannot: a 2 among bits, text among numbers. Beside the codes
            they are one value more, whose probability is ``Column.outside_share``. Networks do not see them.
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
    def known(self) -> np.ndarray:
        """The cells (N, D) that are not empty."""
        return self.observed | self.outside

    @property
    def complete(self) -> bool:
        """Whether every cell is known."""
        return bool(self.known.all())

    def take(self, rows: np.ndarray) -> Codes:
        """Some of the rows."""
        return Codes(self.values[rows], self.observed[rows], self.outside[rows])


def encode(
    table: Table, schema: Schema, *, warn: bool = True, absent_is_fine: Sequence[str] = (), strict: bool = False
) -> Codes:
    """Codes of a table whose columns are those of the schema.

    Columns are matched by name where the table has names, by position otherwise. A column that the table lacks is
    unknown in every row, with a warning unless ``warn`` is off or its name is in ``absent_is_fine``.

    Raises:
        SchemaError: extra columns, a wrong number of unnamed columns; where ``strict``, a value that its column cannot hold.
    """
    values = np.full((len(table), len(schema.columns)), np.nan)
    for k, codes in encode_columns(table, schema, warn=warn, absent_is_fine=absent_is_fine, strict=strict):
        values[:, k] = codes
    observed, outside = np.isfinite(values), np.isinf(values)
    values[~observed] = 0.0
    return Codes(values, observed, outside)


def encode_columns(
    table: Table, schema: Schema, *, warn: bool = True, absent_is_fine: Sequence[str] = (), strict: bool = True
) -> Iterator[tuple[int, np.ndarray]]:
    """As ``encode``, one column at a time: its number in the schema and its codes (N,), NaN where unknown, infinite outside."""
    found = _matched(table, schema, warn, absent_is_fine)
    for k, column in enumerate(schema.columns):
        name = column.flag_of or column.name
        if name not in found:
            continue
        as_written = column.kind == "categorical" and any(isinstance(level, str) for level in column.levels)
        cells = table.labels(found[name]) if as_written else table.columns[found[name]]
        if column.flag_of is None:
            yield k, KINDS[column.kind].encode(column, cells, table.where, strict=strict)
        else:  # a flag is known wherever its column is there
            own = schema.columns[schema.number(name)]
            missing = np.isnan(KINDS[own.kind].encode(own, cells, table.where, strict=strict))
            yield k, (missing if column.levels == (0, 1) else ~missing).astype(np.float64)


def decode(values: np.ndarray, schema: Schema, *, hide: bool = True) -> dict[str, np.ndarray]:
    """The table's own columns by name, in its own values, from codes (N, D).

    A cell that its flag calls missing is masked, unless ``hide`` is off.
    """
    found = {}
    missing: dict[str, np.ndarray] = {}
    for k, column in enumerate(schema.columns):
        if column.flag_of is not None:
            missing[column.flag_of] = values[:, k] == column.levels.index(1)
            continue
        cells = decode_column(column, values[:, k])
        hidden = missing.get(column.name) if hide else None
        found[column.name] = np.ma.masked_array(cells, hidden) if hidden is not None and hidden.any() else cells
    return found


def decode_column(column: Column, codes: np.ndarray) -> np.ndarray:
    """One column's values (N,), in the table's own, from its codes (N,)."""
    return KINDS[column.kind].decode(column, codes)


def mean_values(column: Column, codes: np.ndarray) -> np.ndarray:
    """One column's values (N,) from codes that may lie between those of its grid; whole where its type holds no others."""
    exact = isinstance(column.origin, int)  # integers that float64 does not hold
    if column.step is None or column.kind == "datetime" or "int" in column.dtype.lower() or exact:
        return decode_column(column, codes)
    return column.origin + codes * column.step


def level_names(column: Column) -> list[str]:
    """What the codes of a binary or categorical column are called, in their sequence."""
    return [label_of(level) for level in column.levels]


def cells_as_text(values: np.ndarray) -> list[str]:
    """Values (N,) as a person reads them: numbers to five digits."""
    if values.dtype.kind == "f":
        return [f"{value:.5g}" for value in values.tolist()]
    return [str(value) for value in values]


def log_scales(schema: Schema, values: np.ndarray, *, strict: bool = False) -> np.ndarray:
    """What each cell's log-likelihood in codes (N, D) gains as one of the table, (N, D) nats: −log of its unit, and log(1 − ε).

    ε is what the column leaves for cells that it cannot hold, ``Column.outside_share``; ``strict``: nothing is left for them.
    """
    return np.stack([log_scales_of(c, values[:, k], strict=strict) for k, c in enumerate(schema.columns)], axis=1)


def log_scales_of(column: Column, codes: np.ndarray, *, strict: bool = False) -> np.ndarray:
    """As ``log_scales``, of one column (N,)."""
    return KINDS[column.kind].log_scale(column, codes) + (0.0 if strict else math.log1p(-column.outside_share))


def log_outside(schema: Schema) -> np.ndarray:
    """log ε of each column (D,): the log-likelihood of a cell that holds what its column cannot; −∞ where there is none."""
    with np.errstate(divide="ignore"):
        return np.log([column.outside_share for column in schema.columns])


def masses(schema: Schema, values: np.ndarray) -> np.ndarray:
    """Which cells of codes (N, D) have a mass, bool; the others have a density."""
    return np.stack([masses_of(c, values[:, k]) for k, c in enumerate(schema.columns)], axis=1)


def masses_of(column: Column, codes: np.ndarray) -> np.ndarray:
    """As ``masses``, of one column (N,)."""
    return KINDS[column.kind].is_mass(column, codes)


def to_container(columns: dict[str, np.ndarray], schema: Schema) -> Any:
    """Columns as the kind of table the schema is of, in its types: an ndarray (N, D), or a pandas, polars or Arrow frame."""
    made = build(columns, {column.name: column.type for column in schema.columns}, schema.container)
    return relabelled(made, schema)


def relabelled(frame: Any, schema: Schema) -> Any:
    """A frame whose columns of the schema are called as its table called them, as far as its container can."""
    if schema.index is not None and schema.container == "pandas":
        names = list(frame.columns)
        own = set(schema.table_names)
        plain = replace(schema.index, types=(Type("object"),), multi=False)
        frame.columns = (schema.index if own.issuperset(names) else plain).of(names)
    return frame


def places(table: Table, schema: Schema) -> dict[str, int]:
    """Where each of the schema's columns stands in a table that was encoded: by name, or of unnamed columns by position."""
    if not table.named:
        return {name: k for k, name in enumerate(schema.table_names)}
    if table.index is None and schema.index is None:
        return {name: k for k, name in enumerate(table.names)}
    found = matched(table.labels_of_columns, schema.table_names, schema.index)
    return {name: k for k, name in enumerate(found) if name is not None}


def _matched(table: Table, schema: Schema, warn: bool, fine: Sequence[str]) -> dict[str, int]:
    """Where in the table each of the schema's columns stands."""
    names = schema.table_names
    expected = len(names)
    if not table.named:
        if len(table.names) != expected:
            raise SchemaError(f"{table.source}: {len(table.names)} columns where the model has {expected}")
        return places(table, schema)
    at, expected_names = places(table, schema), set(names)
    found = {place for name, place in at.items() if name in expected_names}
    if extra := [name for place, name in enumerate(table.names) if place not in found]:
        raise SchemaError(f"{table.source}: column(s) {_some(extra)} are not in the model; drop them before asking")
    own = [column.name for column in schema.own]
    if absent := [name for name in own if name not in at]:
        if len(absent) == len(own):
            raise SchemaError(f"{table.source}: none of the model's {len(own)} columns is here")
        if warn and (missed := [name for name in absent if name not in fine]):
            message = f"{table.source}: column(s) {_some(missed)} are absent and count as unknown"
            warnings.warn(printable(message), UserWarning, stacklevel=3)
    return at


def _some(names: list[str], most: int = 6) -> str:
    return ", ".join(map(repr, names[:most])) + (f" and {len(names) - most} more" if len(names) > most else "")
