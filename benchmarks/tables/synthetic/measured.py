"""The figures of one table, protocol and seed."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Drawn:
    """A fit of a share of a table, and as many drawn rows.

    Attributes:
        train, holdout: the rows that were fitted, and the others.
        density: the fit.
        rows: the drawn rows.
        fit_s, draw_s: seconds of the process.
    """

    train: pl.DataFrame
    holdout: pl.DataFrame
    density: cr.Density
    rows: pl.DataFrame
    fit_s: float
    draw_s: float


def drawn_rows(
    name: str, protocol: str, seed: int, *, effort: str, rows: int | None = None
) -> Drawn:
    """Fits a share of a table, and draws as many rows.

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
    began = time.process_time()
    density = cr.fit(
        train,
        kinds=KINDS.get(name, {}),
        effort=effort,
        seed=seed,
        missing="informative",
        verbose=False,
    )
    fitted = time.process_time()
    made = density.sample(count, seed=seed)
    sampled = time.process_time()
    return Drawn(train, holdout, density, made, fitted - began, sampled - fitted)


def measured(
    name: str, protocol: str, seed: int, *, effort: str, rows: int | None = None
) -> dict[str, Any]:
    """Measures how well drawn rows imitate those of a table; arguments as of ``drawn_rows``."""
    found = drawn_rows(name, protocol, seed, effort=effort, rows=rows)
    train, holdout, kinds = found.train, found.holdout, KINDS.get(name, {})
    quality = cr.quality(
        train, found.rows, holdout, kinds=kinds, target=TARGETS[name][0], seed=seed, verbose=False
    )
    scored = [found.density.score(part[:SCORED]) for part in (train, holdout)]
    return {
        "table": name,
        "protocol": protocol,
        "seed": seed,
        "effort": effort,
        "rows": {"train": len(train), "holdout": len(holdout)},
        "quality": quality.to_json(),
        "xgboost": told_apart(train, found.rows, kinds),
        "nats": {"train": scored[0], "holdout": scored[1]},
        "seconds": {"fit": found.fit_s, "draw": found.draw_s},
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
