"""What is found of the wrong cells of a table whose clean version is known."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

import chainrule as cr
from benchmarks.tables.data import folder

TABLES = ("hospital", "flights")
FDR = 0.1
# The clean table of hospital marks cells that nobody has cleaned by this word. They are no errors.
NOT_CLEANED = "empty (wait to be cleaned)"


def path(name: str, version: str) -> Path:
    """The file of a table, in its "dirty" or its "clean" version."""
    return folder().parent / "errors" / f"{name}_{version}.csv"


def cells(file: Path) -> tuple[list[str], np.ndarray]:
    """The names of the columns of a file, and its cells as text (N, D); "" for empty ones."""
    frame = pl.read_csv(file, infer_schema_length=0).fill_null("")
    return frame.columns, frame.to_numpy()


def wrong_cells(dirty: np.ndarray, clean: np.ndarray) -> np.ndarray:
    """Marks the cells (N, D) that differ from the clean table, but for those not cleaned."""
    return (dirty != clean) & (clean != NOT_CLEANED)


def figures(
    found: np.ndarray, repaired: np.ndarray, wrong: np.ndarray, known: np.ndarray
) -> dict[str, Any]:
    """Precision, recall and F1 of found cells, and the share of those found that is repaired.

    Args:
        found: the cells (N, D) that are findings.
        repaired: the findings whose suggestion is the clean value.
        wrong: the cells that are wrong.
        known: the cells that are not empty; figures of wrong cells among these are given as well.
    """
    hits = int((found & wrong).sum())
    row: dict[str, Any] = {"found": int(found.sum()), "right": hits}
    row["precision"] = hits / max(int(found.sum()), 1)
    row["repaired"] = int((repaired & wrong & found).sum()) / max(hits, 1)
    for which, among in (("", wrong), (" of known cells", wrong & known)):
        errors = int(among.sum())
        row[f"errors{which}"] = errors
        row[f"recall{which}"] = int((found & among).sum()) / max(errors, 1)
        row[f"F1{which}"] = 2 * int((found & among).sum()) / max(errors + int(found.sum()), 1)
    return row


def of_table(name: str, seed: int) -> dict[str, Any]:
    """The figures of one table and one seed, of the findings at q <= 0.1 with all defaults."""
    names, dirty = cells(path(name, "dirty"))
    _, clean = cells(path(name, "clean"))
    began, spent = time.perf_counter(), time.process_time()
    findings = cr.proofread(path(name, "dirty"), FDR, seed=seed, verbose=False)
    seconds, cpu = time.perf_counter() - began, time.process_time() - spent
    found, repaired = np.zeros(dirty.shape, dtype=bool), np.zeros(dirty.shape, dtype=bool)
    for each in findings.to_dicts():
        place = each["row"], names.index(each["column"])
        found[place], repaired[place] = True, each["suggested"] == clean[place]
    wrong, known = wrong_cells(dirty, clean), dirty != ""
    in_table = [bool((dirty[:, k] == clean[row, k]).any()) for row, k in np.argwhere(wrong)]
    hits, false = (found & wrong).sum(0), (found & ~wrong).sum(0)
    by_column = {
        name: f"{hits[k]} of {wrong[:, k].sum()}, {false[k]} false" for k, name in enumerate(names)
    }
    return {
        "what": f"{name}, seed {seed}",
        "table": name,
        **figures(found, repaired, wrong, known),
        "differing cells": int((dirty != clean).sum()),
        "errors whose clean value stands in the dirty column": int(sum(in_table)),
        "by column": by_column,
        "seconds": seconds,
        "processor seconds": cpu,
    }
