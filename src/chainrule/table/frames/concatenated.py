"""Rows of frames and arrays: some of them, and those of several together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def taken(frame: Any, rows: np.ndarray) -> Any:
    """Some rows, by number, of an array or a pandas, polars or Arrow frame."""
    if isinstance(frame, np.ndarray):
        return frame[rows]
    import narwhals as nw

    return nw.from_native(frame, eager_only=True)[rows, :].to_native()


def concatenated(frames: Sequence[Any], container: str) -> Any:
    """The rows of arrays or frames of one container, with the types that hold all of them.

    >>> import polars as pl
    >>> parts = [pl.DataFrame({"a": [1]}), pl.DataFrame({"a": [2.5]})]
    >>> concatenated(parts, "polars")["a"].to_list()
    [1.0, 2.5]
    """
    if container == "numpy":
        return np.concatenate(frames)
    if container == "pandas":
        import pandas as pd

        return pd.concat(list(frames), ignore_index=True)
    if container == "pyarrow":
        import pyarrow as pa

        return pa.concat_tables(list(frames), promote_options="permissive")
    import polars as pl

    return pl.concat(list(frames), how="vertical_relaxed")
