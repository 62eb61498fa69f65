"""Plants mistakes in 400 rows of each table, and asks how many are among the first findings.

Usage: python -m benchmarks.tables.wrong_cells [--half choice|report|both] [--protocol NAME]
       [--seeds 701,702] [--rivals] [--try]

It writes benchmarks/results/wrong_cells.json, unless --try is given. TabLint's seeds are 701 to 705
for numbers and 901 to 905 for labels. Choices are made on seeds from 101 on, and on the choice half
of the tables alone. The tables are in CHAINRULE_DATA.
"""

from __future__ import annotations

import argparse
import warnings
from collections import defaultdict
from typing import Any

import numpy as np

from benchmarks import record
from benchmarks.tables.wrong_cells import measure, planting, tables

SEEDS = {"numbers": range(701, 706), "labels": range(901, 906)}
PROTOCOLS = (*planting.PROTOCOLS, "labels")


def main() -> None:
    """Prints a line for each table, protocol and seed, and their means."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--half", choices=("choice", "report", "both"), default="choice")
    parser.add_argument("--protocol", choices=PROTOCOLS, action="append")
    parser.add_argument("--seeds")
    parser.add_argument("--rivals", action="store_true")
    parser.add_argument("--try", action="store_true", dest="is_try")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    means: dict[tuple[str, str], list[float]] = defaultdict(list)
    for protocol in asked.protocol or PROTOCOLS:
        for name in _tables(protocol, asked.half):
            for seed in _seeds(protocol, asked.seeds):
                row = _measured(name, protocol, seed, asked.rivals)
                print(_as_line(row), flush=True)
                means[protocol, name].append(row["precision at k"])
                if not asked.is_try:
                    facts = {"choice_half": list(tables.CHOICE_HALF)}
                    record.write_part("wrong_cells", protocol, [row], **facts)
    for (protocol, name), each in means.items():
        print(f"{protocol:12} {name:16} mean precision at k {np.mean(each):.3f} of {len(each)}")


def _tables(protocol: str, half: str) -> list[str]:
    names = tables.LEVELS if protocol == "labels" else tables.NUMBERS
    chosen = {"choice": True, "report": False}.get(half)
    return [name for name in names if chosen in (None, name in tables.CHOICE_HALF)]


def _seeds(protocol: str, asked: str | None) -> list[int]:
    if asked is not None:
        return [int(seed) for seed in asked.split(",")]
    return list(SEEDS["labels" if protocol == "labels" else "numbers"])


def _measured(name: str, protocol: str, seed: int, rivals: bool) -> dict[str, Any]:
    if protocol == "labels":
        return measure.of_labels(name, seed)
    return measure.of_numbers(name, protocol, seed, rivals=rivals)


def _as_line(row: dict[str, Any]) -> str:
    words = [f"{row['what']:36} precision at k {row['precision at k']:.2f} of {row['errors']:3}"]
    words.append(f"at q <= 0.1: {row['found']}, false {row['false share']:.2f}")
    words.append(f"recall {row['recall']:.2f}, {row['seconds']:.0f} s")
    words += [f"{rival} {p:.2f}" for rival, p in row.get("rivals", {}).items()]
    words += [f"{kind} {p:.2f}" for kind, p in row.get("by kind", {}).items()]
    return "; ".join(words)


if __name__ == "__main__":
    main()
