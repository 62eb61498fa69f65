"""Fills removed cells with every method, and prints the errors of each table and their means.

Usage: python -m benchmarks.tables.missing_numbers [LABEL ...] [--table NAME ...]
[--mechanism NAME ...] [--seed N ...] [--effort EFFORT] [--rows N] [--again]

What is measured already is kept, so an interrupted run continues. Figures of effort "standard" and
5,000 rows go to benchmarks/results; others are trials, and go to build/missing_numbers. Fills are
kept there, too: those of trees serve trials of all efforts. ``--again`` measures the labels anew.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import record
from benchmarks.tables.data import KINDS
from benchmarks.tables.missing_numbers import summary
from benchmarks.tables.missing_numbers.figures import differences, figures
from benchmarks.tables.missing_numbers.fills import (
    INFORMATIVE,
    LABELS,
    OF_CHAINRULE,
    OTHERS,
    TREES,
    Fills,
    fills,
)
from benchmarks.tables.missing_numbers.holes import MECHANISMS
from benchmarks.tables.missing_numbers.task import ROWS, Task, task
from chainrule.atomic import write_bytes

RESULTS = record.RESULTS / "real_tables" / "missing_numbers"
TRIALS = record.RESULTS.parents[1] / "build" / "missing_numbers"
SEEDS = tuple(range(5))


def main(words: list[str] | None = None) -> None:
    """Measures what is missing, by seed, table, mechanism and method; each is kept when done."""
    asked = _parser().parse_args(words)
    warnings.simplefilter("ignore")
    labels = asked.labels or LABELS
    if unknown := set(labels) - {*LABELS, INFORMATIVE}:
        raise SystemExit(f"unknown method {sorted(unknown)[0]!r}; known: {', '.join(LABELS)}")
    is_kept = asked.effort == "standard" and asked.rows == ROWS
    folder = RESULTS if is_kept else TRIALS
    for each in (folder, TRIALS / "fills"):
        each.mkdir(parents=True, exist_ok=True)
    paths: dict[tuple[str, int], list[Path]] = {}
    for seed in asked.seed:
        for name in asked.table:
            for mechanism in asked.mechanism:
                path = folder / f"{_prefix(asked)}{_stem(name, mechanism, seed)}.json"
                _measure(path, labels, name, mechanism, seed, asked)
                paths.setdefault((mechanism, seed), []).append(path)
                print("\n".join(summary.lines(path)), flush=True)
    print("\n".join(summary.means(paths)))


def _measure(
    path: Path,
    labels: tuple[str, ...],
    name: str,
    mechanism: str,
    seed: int,
    asked: argparse.Namespace,
) -> None:
    """Adds the figures of the methods to a file, unless they are there."""
    kept: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {"methods": {}}
    missing = [label for label in labels if asked.again or label not in kept["methods"]]
    if not missing:
        return
    sample = task(name, mechanism, seed, asked.rows)
    is_label = sample.truth.is_category
    kept |= {
        "table": name,
        "mechanism": mechanism,
        "seed": seed,
        "rows": len(sample.whole),
        "cells": {
            "numbers": int(sample.holes[:, ~is_label].sum()),
            "labels": int(sample.holes[:, is_label].sum()),
        },
        "circumstances": record.circumstances(),
    }
    for label in missing:
        began = time.perf_counter()
        found = _fills(label, path, sample, mechanism, asked)
        each = figures(sample, found) | {"commit": kept["circumstances"]["commit"]}
        if label in OF_CHAINRULE:
            each["effort"] = asked.effort
            trees = _fills(TREES, path, sample, mechanism, asked, again=False)
            each["to trees"] = differences(sample, found, trees)
        kept["methods"][label] = each
        write_bytes(path, (json.dumps(kept, indent=1) + "\n").encode())
        seconds = time.perf_counter() - began
        print(f"{label}, {path.stem}: {seconds:.0f} s", file=sys.stderr, flush=True)


def _fills(
    label: str,
    path: Path,
    sample: Task,
    mechanism: str,
    asked: argparse.Namespace,
    *,
    again: bool | None = None,
) -> Fills:
    """The fills of a method; those of others than chainrule may be kept from another trial."""
    again = asked.again if again is None else again
    stem = path.stem
    if label in OTHERS:
        rows = "" if asked.rows == ROWS else f"{asked.rows}-"
        stem = f"{rows}{_stem(sample.name, mechanism, sample.seed)}"
    place = TRIALS / "fills" / f"{stem}-{label.replace(' ', '_').replace(',', '')}.npz"
    if label in OTHERS and place.exists() and not again:
        return _read(place)
    found = fills(label, sample, asked.effort)
    np.savez_compressed(place, **asdict(found))
    return found


def _read(place: Path) -> Fills:
    with np.load(place) as kept:
        return Fills(kept["best"], kept["means"], float(kept["seconds"]))


def _stem(name: str, mechanism: str, seed: int) -> str:
    return f"{name}-{mechanism}-{seed}"


def _prefix(asked: argparse.Namespace) -> str:
    rows = "" if asked.rows == ROWS else f"{asked.rows}-"
    return rows if asked.effort == "standard" else f"{asked.effort}-{rows}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.tables.missing_numbers",
        description="Errors of missing cells filled in the rows that were fitted.",
    )
    parser.add_argument("labels", nargs="*", metavar="LABEL", help="methods; default: all")
    parser.add_argument("--table", nargs="+", default=list(KINDS), choices=list(KINDS))
    parser.add_argument("--mechanism", nargs="+", default=list(MECHANISMS), choices=MECHANISMS)
    parser.add_argument("--seed", nargs="+", type=int, default=list(SEEDS))
    parser.add_argument("--effort", default="standard", help="of the fits of chainrule")
    parser.add_argument("--rows", type=int, default=ROWS, help="of a trial; default: %(default)s")
    parser.add_argument("--again", action="store_true", help="measure again what is there")
    return parser


if __name__ == "__main__":
    main()
