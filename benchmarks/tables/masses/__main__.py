"""Measures the masses of held-out rows under every density, and writes the page.

Usage: python -m benchmarks.tables.masses [LABEL ...] [--table NAME ...] [--seed N ...]
[--effort EFFORT] [--commit COMMIT] [--again] [--small]

The rivals run with the Python that CHAINRULE_RIVALS names; see ``rivals/requirements.txt``. What is
measured already is kept, so an interrupted run continues. Fits of another effort than "standard"
and the made table are trials: their figures go to build/masses. When figures of all tables and
seeds are there, docs/real-tables.md is written with them.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.record import circumstances
from benchmarks.speed.default_fit.versions import FIRST
from benchmarks.tables import page
from benchmarks.tables.data import KINDS
from benchmarks.tables.masses import plain, scores, summary
from benchmarks.tables.masses.tables import SMALL, task
from chainrule.atomic import write_bytes

TINY = {"epochs": 2, "hidden_sizes": (16,), "members": 1}  # a fit of the small table


def main(words: list[str] | None = None) -> None:
    """Measures what is missing, by seed, table and density; each is kept when it is done."""
    asked = _parser().parse_args(words)
    warnings.simplefilter("ignore")
    labels = asked.labels or scores.labels(asked.commit)
    if unknown := set(labels) - set(scores.labels(asked.commit)):
        raise SystemExit(f"unknown density {sorted(unknown)[0]!r}")
    tables = [SMALL] if asked.small else asked.table
    is_kept = asked.effort == "standard" and not asked.small
    folder = summary.RESULTS if is_kept else scores.ROWS / ("small" if asked.small else "trials")
    folder.mkdir(parents=True, exist_ok=True)
    for seed in asked.seed:
        for name in tables:
            path = summary.path_of(name, seed, asked.effort, folder)
            for label in labels:
                _measure(path, label, name, seed, asked)
            print("\n".join(summary.lines(path)), flush=True)
    if not is_kept:
        return
    if page.missing():
        print("docs/real-tables.md is not written: other proofs are missing", file=sys.stderr)
        return
    write_bytes(page.PAGE, page.text().encode())


def _measure(path: Path, label: str, name: str, seed: int, asked: argparse.Namespace) -> None:
    """Adds one density's figures to a table's file, unless they are there."""
    kept: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {"densities": {}}
    done = kept["densities"]
    if label in done and "failed" not in done[label] and not asked.again:
        return
    began = time.perf_counter()
    done[label] = _scored(path, label, name, seed, asked)
    kept |= {"cells": dict(zip(*_cells(name, seed), strict=True))}
    write_bytes(path, (json.dumps(kept, indent=1) + "\n").encode())
    print(f"{label} of {name}, seed {seed}: {time.perf_counter() - began:.0f} s", file=sys.stderr)


def _scored(
    path: Path, label: str, name: str, seed: int, asked: argparse.Namespace
) -> dict[str, Any]:
    """The figures of a density; its rows are kept under build/ for pairs within a seed."""
    config = TINY if asked.small else None
    found, nats = scores.score(
        label, name, seed, effort=asked.effort, commit=asked.commit, config=config
    )
    if "failed" in found:
        return found
    floor = nats if label == plain.INDEPENDENT else _rows(path, plain.INDEPENDENT, name, seed)
    count = len(task(name, seed).parts[0])
    whole = scores.floored(nats, floor, count)
    np.save(_rows_path(path, label), whole)
    now = circumstances()
    return {
        "nats": float(whole.mean()),
        "standard error": float(whole.std(ddof=1) / np.sqrt(len(whole))),
        "rows": {"train": count, "test": len(whole), "without mass": int(np.isinf(nats).sum())},
        **found,
        "commit": now["commit"],
        "date": now["date"],
    }


def _rows(path: Path, label: str, name: str, seed: int) -> np.ndarray:
    """The rows' nats of a density that may have been measured before."""
    kept = _rows_path(path, label)
    if not kept.exists():
        _, nats = scores.score(label, name, seed, effort="standard", commit=FIRST)
        np.save(kept, nats)
    return np.load(kept)


def _rows_path(path: Path, label: str) -> Path:
    scores.ROWS.mkdir(parents=True, exist_ok=True)
    return scores.ROWS / f"{path.stem}-{label.replace(' ', '_').replace(',', '')}.npy"


def _cells(name: str, seed: int) -> tuple[tuple[str, ...], tuple[float, ...]]:
    cells = task(name, seed).cells
    return cells.names, cells.widths


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.tables.masses",
        description="Log masses of held-out rows under every density, on one measure.",
    )
    parser.add_argument("labels", nargs="*", metavar="LABEL", help="densities; default: all")
    parser.add_argument("--table", nargs="+", default=list(KINDS), choices=list(KINDS))
    parser.add_argument("--seed", nargs="+", type=int, default=list(page.SEEDS))
    parser.add_argument("--effort", default="standard", help="of the fits of chainrule")
    parser.add_argument("--commit", default=FIRST, help="the earlier version; default: 0.1.0")
    parser.add_argument("--again", action="store_true", help="measure again what is there")
    parser.add_argument("--small", action="store_true", help="a made table; nothing is kept")
    return parser


if __name__ == "__main__":
    main()
