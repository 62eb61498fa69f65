"""Seconds to fit a table, to score it, to explain it, and to fill its missing cells.

Usage: python -m benchmarks.tables.seconds

It writes benchmarks/results/seconds.json. The tables are in CHAINRULE_DATA. Each figure is from one
run, on a machine that may do other work: use them for planning, not for comparisons.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

import chainrule as cr
from benchmarks import record
from benchmarks.tables.data import folder

HOLES, FILLED_ROWS, COLUMNS, DRAWS = 0.2, 4000, 12, 20


def timed(what: Callable[[], Any]) -> tuple[Any, float]:
    """The result of a call, and its seconds."""
    began = time.perf_counter()
    return what(), time.perf_counter() - began


def main() -> None:
    """Prints a table and writes the results."""
    warnings.simplefilter("ignore")
    data, rows = folder(), []
    for name in ("titanic", "online_shoppers", "adult"):
        frame = pd.read_csv(data / f"{name}.csv.gz")
        if len(frame.columns) > COLUMNS and name == "adult":
            narrow = frame[frame.columns[:COLUMNS]].iloc[:15_000]
            rows += of_table("adult, 15,000 rows of 12 columns", narrow)
        rows += of_table(name, frame)
    for row in rows:
        print(f"{row['table']:34} {row['what']:44} {row['seconds']:8.2f} s")
    print(f"written to {record.write('seconds', rows)}")


def of_table(name: str, frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Fits a table and asks it everything."""
    density, fitted = timed(lambda: cr.fit(frame, seed=0, verbose=False))
    some = frame.iloc[:FILLED_ROWS]
    holes = some.mask(np.random.default_rng(0).random(some.shape) < HOLES)
    asked = {
        f"fit {len(frame):,} rows, effort standard": fitted,
        f"score {len(frame):,} rows": timed(lambda: density.log_prob(frame))[1],
        f"explain {len(some):,} rows": timed(lambda: density.explain(some))[1],
        f"fill {HOLES:.0%} missing cells of {len(some):,} rows, {DRAWS} draws": timed(
            lambda: density.impute(holes, n_draws=DRAWS, seed=0)
        )[1],
        f"fill them by the best guess, {len(some):,} rows": timed(
            lambda: density.impute(holes, how="best")
        )[1],
        f"draw {len(some):,} rows": timed(lambda: density.sample(len(some), seed=0))[1],
    }
    return [{"table": name, "what": what, "seconds": seconds} for what, seconds in asked.items()]


if __name__ == "__main__":
    main()
