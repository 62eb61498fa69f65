"""Precision of the first k findings, for k planted mistakes, and what a threshold would return."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import polars as pl

import chainrule as cr
from benchmarks.tables.wrong_cells import planting, tables
from benchmarks.tables.wrong_cells.rivals import RIVALS

FDR = 0.1


def precision_at_k(score: np.ndarray, wrong: np.ndarray) -> float:
    """Share of wrong cells (N, D) among as many with the highest scores (N, D)."""
    first = np.argsort(-score, axis=None, kind="stable")[: int(wrong.sum())]
    return float(wrong.ravel()[first].mean())


def of_numbers(name: str, protocol: str, seed: int, *, rivals: bool) -> dict[str, Any]:
    """The figures of one table of numbers, one protocol and one seed."""
    table = tables.numbers(name, seed)
    wrong, kinds = planting.PROTOCOLS[protocol](table.values, np.random.default_rng(seed))
    planted = kinds != ""
    found = _proofread(table.frame(wrong), list(table.names), planted, seed)
    by_kind = {
        kind: float((found["first"] & (kinds == kind)).sum() / (kinds == kind).sum())
        for kind in sorted(set(kinds[planted].tolist()))
    }
    del found["first"]
    scores = RIVALS if rivals else {}
    others = {
        rival: precision_at_k(of(wrong, table.label, seed), planted) for rival, of in scores.items()
    }
    return _row(name, protocol, seed) | found | {"by kind": by_kind} | {"rivals": others}


def of_rate(name: str, protocol: str, rate: float, seed: int) -> dict[str, Any]:
    """The figures of one table of numbers with a share of wrong cells.

    The share of false findings is that at q <= 0.1, and so is the recall.
    """
    table = tables.numbers(name, seed)
    generator = np.random.default_rng(seed)
    wrong, kinds = planting.PROTOCOLS[protocol](table.values, generator, rate)
    found = _proofread(table.frame(wrong), list(table.names), kinds != "", seed)
    del found["first"]
    row = _row(name, protocol, seed)
    return row | {"what": f"{row['what']}, {rate:.0%} wrong", "rate": rate} | found


def of_labels(name: str, seed: int) -> dict[str, Any]:
    """The figures of one table with labels and one seed."""
    frame, columns = tables.labels(name, seed)
    wrong, planted = planting.other_levels(frame, columns, np.random.default_rng(seed))
    found = _proofread(wrong, columns, planted, seed, dict.fromkeys(columns, "categorical"))
    del found["first"]
    return _row(name, "labels", seed) | found


def _row(name: str, protocol: str, seed: int) -> dict[str, Any]:
    half = "choice" if name in tables.CHOICE_HALF else "report"
    return {"what": f"{protocol}, {name}, seed {seed}", "table": name, "half": half}


def _proofread(
    frame: pl.DataFrame,
    columns: list[str],
    planted: np.ndarray,
    seed: int,
    kinds: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Figures of the findings in some columns, in which mistakes (N, D) were planted."""
    began = time.perf_counter()
    findings = cr.proofread(frame, 1.0, seed=seed, kinds=kinds, verbose=False)
    seconds = time.perf_counter() - began
    asked = findings.filter(pl.col("column").is_in(columns))
    number = {name: k for k, name in enumerate(columns)}
    score = np.full(planted.shape, -np.inf)
    rows, places = asked["row"].to_numpy(), [number[name] for name in asked["column"]]
    score[rows, places] = -np.arange(len(asked), dtype=np.float64)
    errors = int(planted.sum())
    first = np.zeros(planted.shape, dtype=bool)
    first[rows[:errors], places[:errors]] = True
    q = asked["q"].to_numpy()
    hits = planted[rows, places][q <= FDR]
    return {
        "errors": errors,
        "precision at k": float((first & planted).sum() / errors),
        "found": len(hits),
        "false share": float(1 - hits.mean()) if len(hits) else 0.0,
        "recall": float(hits.sum() / errors),
        "seconds": seconds,
        "first": first & planted,
    }
