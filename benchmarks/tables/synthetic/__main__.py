"""Fits tables, draws as many rows, and measures how well these imitate the real ones.

Usage: python -m benchmarks.tables.synthetic [--table NAME ...] [--seed N ...] [--protocol NAME ...]
[--effort EFFORT] [--rows N] [--again]
       python -m benchmarks.tables.synthetic --pictures [--table NAME ...] [--effort E] [--rows N]
       python -m benchmarks.tables.synthetic --page

Two protocols, each for every table and seed:

- "c2st": nine tenths of the rows are fitted, and trees of XGBoost with the settings of TabPC tell
  drawn from training rows (``xgboost_rival``); published figures are means of five splits.
- "halves": half of the rows are fitted, and the other half is held out, as in the benchmark of
  mostlyai-qa: accuracy in bins, and nearest rows.

All other figures of ``chainrule.quality`` are measured in both. XGBoost runs with the Python that
CHAINRULE_RIVALS_QA names (see requirements.txt); without it, its figure is left out. What is
measured already is kept, so an interrupted run continues. Figures of all rows and of the efforts
"standard" and "best" go to benchmarks/results, and docs/drawn.md is written with them; others are
trials, and go to build/synthetic.

--pictures fits nine tenths of a table with the first seed, and draws pictures of real and drawn
rows. Those of all rows and these efforts go to docs/pictures. --page writes the page alone.
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from pathlib import Path
from typing import Any

from benchmarks import record
from benchmarks.tables.data import KINDS
from benchmarks.tables.synthetic import page
from benchmarks.tables.synthetic.measured import PROTOCOLS, measured
from benchmarks.tables.synthetic.pictures import PICTURES, draw
from chainrule.atomic import write_bytes

RESULTS = page.RESULTS
TRIALS = record.RESULTS.parents[1] / "build" / "synthetic"
SEEDS = tuple(range(5))


def main(words: list[str] | None = None) -> None:
    """Measures what is missing, draws pictures, or writes the page, as the words ask."""
    asked = _parser().parse_args(words)
    warnings.simplefilter("ignore")
    is_kept = asked.effort in page.EFFORTS and asked.rows is None
    if asked.pictures:
        _draw(asked, PICTURES if is_kept else TRIALS)
    elif not asked.page:
        _measure(asked, RESULTS if is_kept else TRIALS)
    if is_kept:
        write_bytes(page.PAGE, page.text().encode())


def _draw(asked: argparse.Namespace, folder: Path) -> None:
    """Draws the pictures of each table."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in asked.table or page.PICTURED:
        for path in draw(name, folder, effort=asked.effort, rows=asked.rows):
            print(f"{path}: {path.stat().st_size / 1000:.0f} kB", flush=True)


def _measure(asked: argparse.Namespace, folder: Path) -> None:
    """Measures what is missing; each table, protocol and seed is kept when it is done."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed in asked.seed:
        for name in asked.table or page.TABLES:
            for protocol in asked.protocol:
                path = folder / f"{_prefix(asked)}{name}-{protocol}-{seed}.json"
                if asked.again or not path.exists():
                    found = measured(name, protocol, seed, effort=asked.effort, rows=asked.rows)
                    found |= {"circumstances": record.circumstances()}
                    write_bytes(path, (json.dumps(found, indent=1) + "\n").encode())
                print(line(path), flush=True)


def line(path: Path) -> str:
    """The main figures of a file."""
    found: dict[str, Any] = json.loads(path.read_text())
    quality = found["quality"]
    accuracy, apart = quality["fidelity"]["accuracy"], quality["told_apart"]
    parts = [
        f"told apart {apart['score']:.3f}, by {', '.join(list(apart['lost'])[:3])}",
        f"accuracy {accuracy['overall']:.4f} of {accuracy['expected']:.4f}",
        f"nearer {quality['nearest']['share']:.3f} ± {quality['nearest']['standard_error']:.3f}",
        f"AUC lost {quality['utility']['lost']:.3f}",
    ]
    if found["xgboost"] is not None:
        parts.insert(0, f"XGBoost {found['xgboost']['score']:.3f}")
    return f"{path.stem}: {'; '.join(parts)}"


def _prefix(asked: argparse.Namespace) -> str:
    rows = "" if asked.rows is None else f"{asked.rows}-"
    return rows if asked.effort == "standard" else f"{asked.effort}-{rows}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.tables.synthetic",
        description="How well drawn rows imitate real ones, by published protocols.",
    )
    parser.add_argument("--table", nargs="+", choices=list(KINDS))
    parser.add_argument("--seed", nargs="+", type=int, default=list(SEEDS))
    parser.add_argument("--protocol", nargs="+", default=list(PROTOCOLS), choices=list(PROTOCOLS))
    parser.add_argument("--effort", default="standard", help="of the fits")
    parser.add_argument("--rows", type=int, help="of a trial; by default all")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--pictures", action="store_true", help="draw pictures of a fit")
    how.add_argument("--page", action="store_true", help="write the page alone")
    parser.add_argument("--again", action="store_true", help="measure again what is there")
    return parser


if __name__ == "__main__":
    sys.exit(main())
