"""Text of frames as Python objects; equal cells share one object."""

from __future__ import annotations

from typing import Any

import numpy as np

REPEATED = 4  # fewest cells per different one for which sharing objects pays
AT_ONCE = 10_000  # cells
BYTES_AT_ONCE = 2**24  # of text: a small Parquet file may hold a long cell many times


def text_objects(series: Any) -> np.ndarray:
    """The cells (N,) of a polars series of text as objects, None if null.

    Numpy's own text would make every cell as long as the longest, and lose trailing NULs.

    >>> import polars as pl
    >>> text_objects(pl.Series(["4", None, "4\\0"])).tolist()
    ['4', None, '4\\x00']
    """
    found = np.empty(len(series), dtype=object)
    size = (series.str.len_bytes().sum() or 0) / BYTES_AT_ONCE
    is_large = len(series) >= AT_ONCE or size > 1
    repeats = is_large and series.approx_n_unique() * REPEATED < len(series)
    same: dict[str | None, str | None] = {}
    at_once = max(1, min(AT_ONCE, int(len(series) / size))) if size > 1 else AT_ONCE
    for start in range(0, len(series), at_once):
        cells = series.slice(start, at_once).to_list()
        found[start : start + at_once] = (
            list(map(same.setdefault, cells, cells)) if repeats else cells
        )
    return found
