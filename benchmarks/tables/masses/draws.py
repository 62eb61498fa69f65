"""Whether drawn numbers are possible: within evident bounds, on the grid, as often at each end."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from benchmarks.tables.masses.cells import Cells, as_numbers
from benchmarks.tables.masses.tables import Bounds

NEAR = 1e-6  # of a cell's width; a number so near to a multiple is written as one


def figures(
    drawn: pl.DataFrame, train: pl.DataFrame, cells: Cells, bounds: Bounds
) -> dict[str, Any]:
    """The shares of drawn rows with an impossible number, and the shares of numbers at the ends.

    A number is impossible outside its bounds, or if it has more decimals than its column. An end is
    a bound that is finite; a number is at the end if it is in the end's rounding cell.
    """
    impossible = np.zeros(len(drawn), bool)
    columns: dict[str, dict[str, Any]] = {}
    for k, name in enumerate(cells.names):
        width = cells.widths[k]
        if not width or name not in bounds:
            continue
        ours, real = (as_numbers(part[name]).to_numpy() for part in (drawn, train))
        real = real[~np.isnan(real)]
        least, most = bounds[name]
        outside = np.zeros(len(ours), bool)
        outside |= ours < (-np.inf if least is None else least)
        outside |= ours > (np.inf if most is None else most)
        steps = real / width
        has_grid = np.mean(np.abs(steps - np.round(steps)) > _near(steps)) < 0.01
        steps = ours / width
        off = np.abs(steps - np.round(steps)) > _near(steps) if has_grid else outside & False
        impossible |= outside | off
        found: dict[str, Any] = {
            "outside": float(outside.mean()),
            "off the grid": float(off.mean()),
        }
        for word, end in (("least", least), ("most", most)):
            if end is not None:
                found[word] = _share(ours, real, end, width)
        columns[name] = found
    return {"rows": len(drawn), "impossible": float(impossible.mean()), "columns": columns}


def _near(steps: np.ndarray) -> np.ndarray:
    return np.maximum(NEAR, 2.0**-48 * np.abs(steps))


def _share(ours: np.ndarray, real: np.ndarray, end: float, width: float) -> dict[str, float]:
    """The shares of drawn and of real numbers at an end, and their difference in errors."""
    ours = ours[~np.isnan(ours)]
    drawn, own = (float((np.abs(part - end) < width / 2).mean()) for part in (ours, real))
    both = (drawn * len(ours) + own * len(real)) / (len(ours) + len(real))
    error = float(np.sqrt(max(both * (1 - both), 1e-12) * (1 / len(ours) + 1 / len(real))))
    return {"drawn": drawn, "table": own, "errors": (drawn - own) / error}
