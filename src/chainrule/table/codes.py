"""A table as numbers and back: values (N, D) with what is observed (N, D)."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from chainrule.errors import SchemaError, unknown_choice
from chainrule.table.kinds import KINDS
from chainrule.table.read import Table
from chainrule.table.schema import Schema

FRAMES: dict[str, Literal["pandas", "polars", "pyarrow"]] = {
    "pandas": "pandas",
    "polars": "polars",
    "pyarrow": "pyarrow",
}


@dataclass(frozen=True)
class Codes:
    """What networks see of a table: float64 codes (N, D), zero where unknown, and a bool mask (N, D) of known cells."""

    values: np.ndarray
    observed: np.ndarray

    def __len__(self) -> int:
        return len(self.values)

    @property
    def complete(self) -> bool:
        """Whether every cell is known."""
        return bool(self.observed.all())


def encode(table: Table, schema: Schema, *, warn: bool = True) -> Codes:
    """Codes of a table whose columns are those of the schema.

    Columns are matched by name where the table has names, by position otherwise. A column that the table lacks is
    unknown in every row, with a warning unless ``warn`` is off.

    Raises:
        SchemaError: extra columns, a wrong number of unnamed columns, or a value the column cannot have.
    """
    found = _matched(table, schema, warn)
    values = np.full((len(table), len(schema.columns)), np.nan)
    for k, column in enumerate(schema.columns):
        if column.name in found:
            values[:, k] = KINDS[column.kind].encode(column, found[column.name], table.where)
    observed = ~np.isnan(values)
    return Codes(np.where(observed, values, 0.0), observed)


def decode(values: np.ndarray, schema: Schema) -> dict[str, np.ndarray]:
    """Columns by name, in the table's own values, from codes (N, D)."""
    return {column.name: KINDS[column.kind].decode(column, values[:, k]) for k, column in enumerate(schema.columns)}


def log_scales(schema: Schema) -> np.ndarray:
    """What each known cell's log-likelihood in codes gains by being in the table's own units, (D,) nats."""
    return np.array([KINDS[column.kind].log_scale(column) for column in schema.columns])


def to_container(columns: dict[str, np.ndarray], container: str) -> Any:
    """Columns as the kind of table they came from: an ndarray (N, D), or a pandas, polars or Arrow frame."""
    if container == "numpy":
        return np.stack(list(columns.values()), axis=1)
    if container not in FRAMES:
        raise SchemaError(unknown_choice("container", container, ["numpy", *FRAMES]))
    import narwhals as nw

    return nw.from_dict(columns, backend=FRAMES[container]).to_native()


def _matched(table: Table, schema: Schema, warn: bool) -> dict[str, np.ndarray]:
    expected = len(schema.columns)
    if not table.named:
        if len(table.names) != expected:
            raise SchemaError(f"{table.source}: {len(table.names)} columns where the model has {expected}")
        return dict(zip(schema.names, table.columns, strict=True))
    if extra := [name for name in table.names if name not in set(schema.names)]:
        raise SchemaError(f"{table.source}: column(s) {_some(extra)} are not in the model; drop them before asking")
    if absent := [name for name in schema.names if name not in set(table.names)]:
        if len(absent) == expected:
            raise SchemaError(f"{table.source}: none of the model's {expected} columns is here")
        if warn:
            message = f"{table.source}: column(s) {_some(absent)} are absent and count as unknown"
            warnings.warn(message, UserWarning, stacklevel=3)
    return dict(zip(table.names, table.columns, strict=True))


def _some(names: list[str], most: int = 6) -> str:
    return ", ".join(map(repr, names[:most])) + (f" and {len(names) - most} more" if len(names) > most else "")
