"""Text of frames as Python objects; equal cells share one object."""

from __future__ import annotations

from typing import Any

import numpy as np

REPEATED = 4  # fewest cells per different one for which sharing objects pays
AT_ONCE = 10_000  # cells


def text_objects(series: Any) -> np.ndarray:
    """The cells (N,) of a polars series of text as objects, None if null.

    Numpy's own text would make every cell as long as the longest, and lose trailing NULs.

    >>> import polars as pl
    >>> text_objects(pl.Series(["4", None, "4\\0"])).tolist()
    ['4', None, '4\\x00']
    """
    found = np.empty(len(series), dtype=object)
    repeats = len(series) >= AT_ONCE and series.approx_n_unique() * REPEATED < len(series)
    same: dict[str | None, str | None] = {}
    for start in range(0, len(series), AT_ONCE):
        cells = series.slice(start, AT_ONCE).to_list()
        found[start : start + AT_ONCE] = (
            list(map(same.setdefault, cells, cells)) if repeats else cells
        )
    return found
