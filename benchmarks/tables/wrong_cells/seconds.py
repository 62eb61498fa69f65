"""Seconds to proofread all rows of adult by a model of some of them.

Usage: python -m benchmarks.tables.wrong_cells.seconds [--try]

It writes benchmarks/results/wrong_cells.json. The table is in CHAINRULE_DATA.
"""

from __future__ import annotations

import argparse
import time
import warnings

import chainrule as cr
from benchmarks import record
from benchmarks.tables.data import whole_table

FITTED_ROWS = 7_000


def main(words: list[str] | None = None) -> None:
    """Prints and writes the seconds."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tables.wrong_cells.seconds")
    parser.add_argument("--try", action="store_true", dest="is_try")
    asked = parser.parse_args(words)
    warnings.simplefilter("ignore")
    rows = whole_table("adult")
    some = rows.sample(FITTED_ROWS, seed=0, shuffle=True)
    density = cr.fit(some, effort="quick", seed=0, verbose=False)
    asked_rows = rows.head(2_000) if asked.is_try else rows
    began, began_cpu = time.perf_counter(), time.process_time()
    found = density.proofread(asked_rows)
    row = {
        "what": f"adult, {len(asked_rows):,} rows of {rows.width} columns",
        "findings": len(found),
        "seconds": time.perf_counter() - began,
        "processor seconds": time.process_time() - began_cpu,
    }
    print(row)
    if not asked.is_try:
        print(f"written to {record.write_part('wrong_cells', 'seconds', [row])}")


if __name__ == "__main__":
    main()
