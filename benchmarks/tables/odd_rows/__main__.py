"""Compares odd rows with other detectors on the sets of outliers, and measures the rest of it.

Usage: python -m benchmarks.tables.odd_rows [--half choice|report|both] [--measure NAME ...]
       [--set NAME ...] [--seeds 0,1] [--effort quick] [--most N] [--try]

It writes benchmarks/results/odd_rows.json, unless --try is given; each row as soon as it is there.
Rows that the file has are not measured again. Choices are made on seeds from 100 on, and on the
choice half of the sets alone. --most caps the training rows of trials. The sets are in
CHAINRULE_DATA.
"""

from __future__ import annotations

import argparse
import json
import warnings
from collections import defaultdict
from typing import Any

import numpy as np

from benchmarks import record
from benchmarks.tables.odd_rows import sets
from benchmarks.tables.odd_rows.measure import OF_SETS, ONCE

SEEDS = (0, 1, 2, 3, 4)
ONE_SEED = ("scaled", "p-values", "named", "seconds")  # measures of which one seed is enough


def main(words: list[str] | None = None) -> None:
    """Prints a line for each row, and the means of areas."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tables.odd_rows")
    parser.add_argument("--half", choices=("choice", "report", "both"), default="choice")
    every = [*OF_SETS, *ONCE]
    parser.add_argument("--measure", nargs="+", default=every, choices=every)
    parser.add_argument("--set", nargs="+", dest="names", choices=sets.SETS)
    parser.add_argument("--seeds")
    parser.add_argument("--effort", default="quick")
    parser.add_argument("--most", type=int)
    parser.add_argument("--try", action="store_true", dest="is_try")
    asked = parser.parse_args(words)
    warnings.simplefilter("ignore")
    for measure in asked.measure:
        rows = [_row(measure, *each, asked) for each in _cases(measure, asked)]
        for line in means(rows):
            print(f"{measure}: {line}", flush=True)


def _cases(measure: str, asked: argparse.Namespace) -> list[tuple[str | None, int]]:
    seeds = SEEDS[:1] if measure in ONE_SEED else SEEDS
    if asked.seeds is not None:
        seeds = [int(seed) for seed in asked.seeds.split(",")]
    names = sets.sets_of(asked.half)
    if asked.names is not None:
        names = [name for name in names if name in asked.names]
    return [(name, seed) for seed in seeds for name in ([None] if measure in ONCE else names)]


def _row(measure: str, name: str | None, seed: int, asked: argparse.Namespace) -> dict[str, Any]:
    what = ", ".join(word for word in (name, asked.effort, f"seed {seed}") if word)
    path = record.RESULTS / "odd_rows.json"
    parts = json.loads(path.read_text()) if path.exists() and not asked.is_try else {}
    for row in parts.get(measure, {}).get("rows", []):
        if row["what"] == what:
            return row
    half = None if name is None else "choice" if name in sets.CHOICE_HALF else "report"
    if name is None:
        found = ONCE[measure](seed, asked.effort)
    else:
        found = OF_SETS[measure](name, seed, asked.effort, asked.most)
    row = {"what": what, "set": name, "half": half, "seed": seed} | found
    if not asked.is_try:
        record.write_part("odd_rows", measure, [row], choice_half=list(sets.CHOICE_HALF))
    print(f"{measure}: {json.dumps(row, ensure_ascii=False)}", flush=True)
    return row


def means(rows: list[dict[str, Any]]) -> list[str]:
    """The mean area of each detector over sets, and ours minus it, in hundredths.

    >>> areas = [{"ours": 0.9, "forest": 0.8}, {"ours": 0.8, "forest": 0.8}]
    >>> means([{"areas": each} for each in areas])
    ['ours 85.00', 'forest 80.00, ours beside it +5.00']
    """
    areas: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        for label, area in row.get("areas", {}).items():
            areas[label].append(area)
    lines = []
    for label, each in areas.items():
        gap = 100 * (np.mean(areas["ours"]) - np.mean(each)) if "ours" in areas else 0.0
        beside = "" if "ours" not in areas or label == "ours" else f", ours beside it {gap:+.2f}"
        lines.append(f"{label} {100 * np.mean(each):.2f}{beside}")
    return lines


if __name__ == "__main__":
    main()
