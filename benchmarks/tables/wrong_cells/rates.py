"""Plants mistakes in 1, 3 and 5 % of the cells: the share of false findings at an fdr of 0.1.

Usage: python -m benchmarks.tables.wrong_cells.rates [--table NAME] [--protocol NAME]
       [--rates 0.01,0.03,0.05] [--seeds 101,102] [--try]

The tables are those on which choices are made. The protocols have kinds of mistakes that the model
knows (rounded) and kinds that it does not (another row, drift, tens). It writes
benchmarks/results/false_share.json, unless --try is given.
"""

from __future__ import annotations

import argparse
import warnings
from typing import Any

from benchmarks import record
from benchmarks.tables.wrong_cells import measure, tables

PROTOCOLS = ("rounded", "another row", "drift", "tens")
MOST_FALSE = 1.5 * measure.FDR
LEAST_RECALL = 0.5  # as a share of the precision at k


def main() -> None:
    """Prints a line for each table, protocol, rate and seed, and the totals."""
    names = [name for name in tables.NUMBERS if name in tables.CHOICE_HALF]
    parser = argparse.ArgumentParser()
    parser.add_argument("--table", choices=names, action="append")
    parser.add_argument("--protocol", choices=PROTOCOLS, action="append")
    parser.add_argument("--rates", default="0.01,0.03,0.05")
    parser.add_argument("--seeds", default="101")
    parser.add_argument("--try", action="store_true", dest="is_try")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    seen = []
    for protocol in asked.protocol or PROTOCOLS:
        for name in asked.table or names:
            for rate in map(float, asked.rates.split(",")):
                for seed in map(int, asked.seeds.split(",")):
                    seen.append(measure.of_rate(name, protocol, rate, seed))
                    print(_as_line(seen[-1]), flush=True)
                    if not asked.is_try:
                        record.write_part("false_share", protocol, seen[-1:])
    print(f"all: {_together(seen)}")


def _as_line(row: dict[str, Any]) -> str:
    return (
        f"{row['what']:46} {row['found']:3} found of {row['errors']:3}, false "
        f"{row['false share']:.2f}, recall {row['recall']:.2f}, precision at k "
        f"{row['precision at k']:.2f}, {row['seconds']:.0f} s"
    )


def _together(rows: list[dict[str, Any]]) -> str:
    """The share of false findings of all tables together, and whether recall is enough."""
    found = sum(row["found"] for row in rows)
    false = sum(row["found"] * row["false share"] for row in rows)
    enough = sum(row["recall"] >= LEAST_RECALL * row["precision at k"] for row in rows)
    share = false / max(found, 1)
    return (
        f"{share:.3f} of {found} findings false (at most {MOST_FALSE:.2f}), recall at least half "
        f"of precision at k in {enough} of {len(rows)}"
    )


if __name__ == "__main__":
    main()
