"""Compares the figures of ``chainrule.quality`` with those of SDMetrics and mostlyai-qa.

Usage: python -m benchmarks.tables.quality_check [--table NAME ...] [--seed N]

Real rows of each table are compared with other real rows, with rows whose columns are shuffled, and
with rows whose numbers are widened. CHAINRULE_RIVALS_QA names a Python with both tools (see
synthetic/requirements.txt); their versions are in benchmarks/results/quality_check.json.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.record import write_part
from benchmarks.tables.data import KINDS, some_rows
from chainrule.synthetic import Quality, quality
from chainrule.synthetic.privacy import distances
from chainrule.synthetic.tables import Tables, tables_of

ROWS = 3000  # of each of three parts: real, synthetic and held out
NEAR_ROWS = 300  # whose nearest rows SDMetrics is asked for
MADE = "made"  # a table with dates and missing cells
WIDER = 1.1
RIVAL = Path(__file__).with_name("quality_rivals.py")


def main(words: list[str] | None = None) -> None:
    """Compares all figures and stores the largest differences."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tables.quality_check")
    names = [*KINDS, MADE]
    parser.add_argument("--table", nargs="+", default=names, choices=names)
    parser.add_argument("--seed", type=int, default=100)
    asked = parser.parse_args(words)
    python = os.environ.get("CHAINRULE_RIVALS_QA")
    if not python or not Path(python).exists():
        raise SystemExit("CHAINRULE_RIVALS_QA must name a Python with sdmetrics and mostlyai-qa")
    for name in asked.table:
        rows = compared(name, asked.seed, python)
        for row in rows:
            print(json.dumps(row, ensure_ascii=False), flush=True)
        write_part("quality_check", name, rows, seed=asked.seed)


def compared(name: str, seed: int, python: str) -> list[dict[str, Any]]:
    """The figures of one table by all tools, and the largest difference of each kind."""
    rows = made_rows(3 * ROWS, seed) if name == MADE else some_rows(name, 3 * ROWS, seed)
    third = len(rows) // 3
    real, other, holdout = (rows[k * third : (k + 1) * third] for k in range(3))
    shuffled = other.select(
        pl.col(each).shuffle(seed=seed + k) for k, each in enumerate(other.columns)
    )
    wider = other.with_columns(
        (pl.col(each) * WIDER).alias(each)
        for each, dtype in other.schema.items()
        if dtype.is_float()
    )
    kinds = KINDS.get(name, {})
    return [
        one_compared(label, (real, part, holdout), kinds, python)
        for label, part in {"rows": other, "shuffled": shuffled, "wider": wider}.items()
    ]


def one_compared(
    label: str, parts: tuple[pl.DataFrame, ...], kinds: dict[str, str], python: str
) -> dict[str, Any]:
    """The figures of one synthetic table."""
    ours = quality(*parts, kinds=kinds, verbose=False)
    tables = tables_of(*parts, kinds=kinds)
    theirs = rivals(tables, parts, python)
    pairs = {(pair.first, pair.second): pair.trend for pair in ours.fidelity.pairs}
    shapes = {column.name: column.shape for column in ours.fidelity.columns}
    trends = {(one, other): trend for one, other, trend in theirs["trends"]}
    near = distances(
        tables.columns,
        tables.synthetic.values[:NEAR_ROWS],
        among=tables.real.values[:NEAR_ROWS],
        like=tables.real.values[:NEAR_ROWS],
    )
    assert set(trends) == set(combinations(shapes, 2))
    return {
        "what": label,
        "rows": len(parts[0]),
        "versions": theirs["versions"],
        "largest difference": {
            "column shape": _largest(shapes, theirs["shapes"]),
            "pair trend": _largest(pairs, trends),
            "nearest row": float(np.abs(near - np.array(theirs["nearest"])).max()),
        },
        "means": {
            "ours": _means(ours),
            "theirs": {**theirs["sdmetrics"], **theirs["accuracy"]},
        },
    }


def _means(found: Quality) -> dict[str, float | None]:
    accuracy = found.fidelity.accuracy
    return {
        "column shapes": found.fidelity.shapes,
        "pair trends": found.fidelity.trends,
        "of associated columns": found.fidelity.associated_trends,
        "univariate": accuracy.univariate,
        "bivariate": accuracy.bivariate,
        "trivariate": accuracy.trivariate,
        "overall": accuracy.overall,
        "overall_max": accuracy.expected,
    }


def _largest(ours: dict[Any, float], theirs: dict[Any, float | None]) -> float:
    """The largest difference; figures that neither tool defines do not differ."""
    found = [0.0]
    for name, figure in ours.items():
        other = theirs[name]
        if np.isnan(figure) != (other is None):
            raise AssertionError(f"{name}: {figure} here, {other} there")
        found.append(0.0 if other is None else abs(figure - other))
    return max(found)


def rivals(tables: Tables, parts: tuple[pl.DataFrame, ...], python: str) -> dict[str, Any]:
    """The answer of the other tools about the columns that are compared here."""
    columns = {column.name: column.kind for column in tables.columns}
    with tempfile.TemporaryDirectory() as folder:
        for label, part in zip(("real", "synthetic", "holdout"), parts, strict=True):
            part.select(list(columns)).write_csv(Path(folder) / f"{label}.csv")
        (Path(folder) / "asked.json").write_text(
            json.dumps({"columns": columns, "near": NEAR_ROWS})
        )
        done = subprocess.run(
            [python, str(RIVAL), folder], stdout=subprocess.PIPE, text=True, check=False
        )
    if done.returncode:
        print(f"{RIVAL.name} failed", file=sys.stderr)
        raise SystemExit(1)
    return json.loads(done.stdout.splitlines()[-1])


def made_rows(count: int, seed: int) -> pl.DataFrame:
    """Rows with dates, labels and numbers, some of whose cells are missing."""
    generator = np.random.default_rng(seed)
    day = generator.integers(0, 900, count)
    size = generator.gamma(2.0, 10.0, count).round(2)
    town = generator.choice([f"town {k}" for k in range(15)], count, p=_shares(15))
    frame = pl.DataFrame(
        {
            "day": np.datetime64("2022-01-01") + day,
            "time": (np.datetime64("2022-01-01") + day).astype("datetime64[ms]")
            + 1000 * generator.integers(0, 86_400, count),
            "size": size,
            "price": (size * 3 + day / 10 + generator.normal(0, 5, count)).round(2),
            "town": town,
            "always": np.ones(count),
        }
    )
    missing = generator.random((count, 5)) < 0.07
    return frame.with_columns(
        pl.when(pl.Series(missing[:, k])).then(None).otherwise(pl.col(name)).alias(name)
        for k, name in enumerate(frame.columns[:5])
    )


def _shares(count: int) -> np.ndarray:
    shares = 0.6 ** np.arange(count)
    return shares / shares.sum()


if __name__ == "__main__":
    main()
