"""The figures of one table, protocol and seed."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import polars as pl

import chainrule as cr
from benchmarks.tables.data import KINDS, TARGETS, whole_table
from benchmarks.tables.masses.tables import LEFT_OUT
from chainrule.synthetic.tables import tables_of

PROTOCOLS = {"c2st": 0.9, "halves": 0.5}  # the share of the rows that is fitted
SCORED = 5000  # training and held-out rows whose log p are compared
RIVAL = Path(__file__).with_name("xgboost_rival.py")


def measured(
    name: str, protocol: str, seed: int, *, effort: str, rows: int | None = None
) -> dict[str, Any]:
    """Fits a share of a table, draws as many rows, and measures them.

    Missing cells are modelled, since draws have none otherwise.

    Args:
        name: the table.
        protocol: "c2st" or "halves".
        seed: of the split, the fit and the draws.
        effort: of the fit.
        rows: of a trial, drawn by the seed; by default all rows of the table.
    """
    frame = whole_table(name).drop(LEFT_OUT.get(name, ()))
    frame = frame.sample(rows or len(frame), seed=seed, shuffle=True)
    count = round(PROTOCOLS[protocol] * len(frame))
    train, holdout = frame[:count], frame[count:]
    kinds = KINDS.get(name, {})
    began = time.process_time()
    density = cr.fit(
        train, kinds=kinds, effort=effort, seed=seed, missing="informative", verbose=False
    )
    fitted = time.process_time()
    drawn = density.sample(count, seed=seed)
    sampled = time.process_time()
    found = cr.quality(
        train, drawn, holdout, kinds=kinds, target=TARGETS[name][0], seed=seed, verbose=False
    )
    scored = [density.score(part[:SCORED]) for part in (train, holdout)]
    return {
        "table": name,
        "protocol": protocol,
        "seed": seed,
        "effort": effort,
        "rows": {"train": count, "holdout": len(holdout)},
        "quality": found.to_json(),
        "xgboost": told_apart(train, drawn, kinds),
        "nats": {"train": scored[0], "holdout": scored[1]},
        "seconds": {"fit": fitted - began, "draw": sampled - fitted},
    }


def told_apart(
    real: pl.DataFrame, drawn: pl.DataFrame, kinds: dict[str, str]
) -> dict[str, Any] | None:
    """The C2ST score of XGBoost with the settings of TabPC; None where it is not installed."""
    python = os.environ.get("CHAINRULE_RIVALS_QA")
    if not python:
        return None
    tables = tables_of(real, drawn, kinds=kinds)
    asked = {column.name: column.kind for column in tables.columns}
    with tempfile.TemporaryDirectory() as folder:
        for label, part in (("real", real), ("drawn", drawn)):
            part.select(list(asked)).write_csv(Path(folder) / f"{label}.csv")
        (Path(folder) / "kinds.json").write_text(json.dumps(asked))
        done = subprocess.run([python, str(RIVAL), folder], stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)
