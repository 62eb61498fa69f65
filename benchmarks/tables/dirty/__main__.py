"""Proofreads dirty tables with all defaults, and compares the findings with the clean tables.

Usage: python -m benchmarks.tables.dirty [--table hospital|flights] [--seeds 0,1,2] [--try]

It writes benchmarks/results/dirty.json, unless --try is given. The tables are in CHAINRULE_DATA,
below errors. No threshold is chosen by the truth: findings are those with q <= 0.1.
"""

from __future__ import annotations

import argparse
import warnings
from typing import Any

from benchmarks import record
from benchmarks.tables.dirty import measure


def main() -> None:
    """Prints a line for each table and seed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--table", choices=measure.TABLES, action="append")
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--try", action="store_true", dest="is_try")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    for name in asked.table or measure.TABLES:
        rows = []
        for seed in asked.seeds.split(","):
            rows.append(measure.of_table(name, int(seed)))
            print(_as_line(rows[-1]), flush=True)
        if not asked.is_try:
            record.write_part("dirty", name, rows)


def _as_line(row: dict[str, Any]) -> str:
    words = [f"{row['what']}: {row['found']} found, precision {row['precision']:.3f}"]
    for which in ("", " of known cells"):
        recall, errors = row[f"recall{which}"], row[f"errors{which}"]
        words.append(f"recall{which} {recall:.3f} of {errors}, F1 {row[f'F1{which}']:.3f}")
    words.append(f"repaired {row['repaired']:.3f}, {row['processor seconds']:.0f} processor s")
    columns = [f"  {name}: {text}" for name, text in row["by column"].items()]
    return "\n".join(["; ".join(words), *columns])


if __name__ == "__main__":
    main()
