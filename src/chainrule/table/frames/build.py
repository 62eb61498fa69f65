"""New frames of columns, in any container and with any types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.errors import SchemaError, unknown_choice
from chainrule.table.frames import arrow_types, pandas_types, polars_types
from chainrule.table.frames.arrays import array_of
from chainrule.table.values.types import Type


def build(columns: Mapping[str, np.ndarray], types: Mapping[str, Type], container: str) -> Any:
    """A frame of columns (N,) in these types, with masked cells missing.

    "numpy" gives an array (N, D).

    The container chooses a type if it does not know one, or if the type cannot hold the values.
    """
    if container == "numpy":
        return array_of(columns, types)
    if container == "pandas":
        import pandas as pd

        return pd.DataFrame(
            {name: pandas_types.made(values, types.get(name)) for name, values in columns.items()}
        )
    if container == "polars":
        return polars_types.frame_of(
            _polars(name, values, types.get(name)) for name, values in columns.items()
        )
    if container == "pyarrow":
        import pyarrow as pa

        return pa.table({name: _arrow(values, types.get(name)) for name, values in columns.items()})
    raise SchemaError(
        unknown_choice("container", container, ["numpy", "pandas", "polars", "pyarrow"])
    )


def like(frame: Any, columns: Mapping[str, np.ndarray], container: str) -> Any:
    """A frame of other columns (N,) with this frame's index; "numpy" gives an array.

    Numbers keep their own type.
    """
    if container == "numpy":
        return array_of(columns, {})
    made = build(columns, {}, container)
    if container == "pandas":
        made.index = frame.index
    return made


def like_named(frame: Any, columns: Mapping[str, np.ndarray], container: str) -> Any:
    """As ``like``, for one new column per column of the frame, with the frame's column labels."""
    made = like(frame, columns, container)
    if container == "pandas":
        made.columns = frame.columns
    return made


def as_polars(frame: Any, names: Sequence[str]) -> Any:
    """Converts a pandas or Arrow frame to polars, with these column names."""
    import polars as pl

    if hasattr(frame, "iloc"):
        return polars_types.frame_of(
            polars_types.from_pandas(name, frame.iloc[:, k]) for k, name in enumerate(names)
        )
    columns = zip(names, map(arrow_types.as_polars_takes_it, frame.columns), strict=True)
    return polars_types.frame_of(pl.Series(name, column) for name, column in columns)


def _polars(name: str, values: np.ndarray, kind: Type | None) -> Any:
    if kind is None:
        return polars_types.made(name, values, None)
    return polars_types.made(name, values, polars_types.dtype_of(kind), kind.cells)


def _arrow(values: np.ndarray, kind: Type | None) -> Any:
    return arrow_types.made(
        values, None if kind is None else arrow_types.dtype_of(kind.dtype), kind
    )
