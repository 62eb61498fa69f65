"""Proof 4: how many errors planted in a table are among the first findings."""

from __future__ import annotations

import time
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
from sklearn.ensemble import IsolationForest

import chainrule as cr
from benchmarks.tables.bins import cut
from benchmarks.tables.coded import coded
from benchmarks.tables.data import KINDS, some_rows
from chainrule.table import encode, read_table

ERRORS = 500
ROWS = 5_000
BINS = 64
CELLS_PER_ERROR = 10  # small tables get fewer errors


def prove(name: str, seed: int) -> dict[str, Any]:
    """For one table and set of errors, the share of errors among as many first cells, by method.

    Every method gets only the table with errors. chainrule proofreads it, with all defaults but the
    kinds. An isolation forest ranks rows: an error counts as found if its row is among as many
    oddest rows.
    """
    clean = some_rows(name, ROWS, seed)
    schema = cr.infer_schema(clean, kinds=KINDS[name])
    dirty, planted = plant(clean, schema, seed)
    kinds = {column.name: column.kind for column in schema.columns_without_flags}
    began = time.perf_counter()
    findings = cr.proofread(dirty, 1.0, seed=seed, kinds=kinds, verbose=False)
    seconds = time.perf_counter() - began
    schema = cr.infer_schema(dirty, kinds=kinds)
    codes = encode(read_table(dirty), schema, warn=False)
    number = {column.name: k for k, column in enumerate(schema.columns)}
    cells = [(row, number[column]) for row, column, _ in planted]
    found = {"chainrule": _among(_scores(findings, number, codes.values.shape), cells)}
    rarity = np.stack(
        [
            _rarity(column, codes.values[:, k], codes.observed[:, k])
            for k, column in enumerate(schema.columns)
        ],
        1,
    )
    found["frequency in the column"] = _among(rarity, cells)
    tails = np.stack(
        [
            _tail(column, codes.values[:, k], codes.observed[:, k])
            for k, column in enumerate(schema.columns)
        ],
        1,
    )
    found["tail of the column"] = _among(tails, cells)
    inputs = np.nan_to_num(coded(dirty, schema).one_hot())
    scores = IsolationForest(n_estimators=300, random_state=seed).fit(inputs).score_samples(inputs)
    worst = set(np.argsort(scores, kind="stable")[: len(cells)].tolist())
    found["isolation forest, rows"] = np.array([row in worst for row, _ in cells])
    kinds = np.array([kind for _, _, kind in planted])
    return {
        "rows": len(dirty),
        "errors": len(cells),
        "found": {label: float(each.mean()) for label, each in found.items()},
        "by kind": {
            kind: {"errors": int((kinds == kind).sum())}
            | {label: float(each[kinds == kind].mean()) for label, each in found.items()}
            for kind in sorted(set(kinds.tolist()))
        },
        "seconds": seconds,
    }


def _scores(findings: Any, number: dict[str, int], shape: tuple[int, ...]) -> np.ndarray:
    """Scores (N, D) of cells: higher for earlier findings, and least for all other cells."""
    scores = np.full(shape, -np.inf)
    columns = [number[name] for name in findings["column"]]
    scores[findings["row"].to_numpy(), columns] = -np.arange(len(findings))
    return scores


def plant(
    frame: pl.DataFrame, schema: cr.Schema, seed: int
) -> tuple[pl.DataFrame, list[tuple[int, str, str]]]:
    """The table with errors in random known cells, at most one a row, and a list of the errors.

    An error has row, column and kind. A label becomes another label of its column. A number becomes
    ten or a hundred times itself, or two neighbouring digits are swapped. A draw that changes
    nothing is repeated.
    """
    generator = np.random.default_rng(seed)
    wanted = min(ERRORS, len(frame) // CELLS_PER_ERROR)
    columns = {column.name: frame[column.name].to_list() for column in schema.columns_without_flags}
    labels = {
        name: sorted({v for v in cells if v is not None}, key=str)
        for name, cells in columns.items()
    }
    planted: list[tuple[int, str, str]] = []
    rows = iter(generator.permutation(len(frame)).tolist())
    while len(planted) < wanted:
        row = next(rows)
        column = schema.columns_without_flags[generator.integers(len(schema.columns_without_flags))]
        value = columns[column.name][row]
        if value is None:
            continue
        if column.has_levels:
            others = [label for label in labels[column.name] if label != value]
            kind, wrong = "another label", others[generator.integers(len(others))]
        else:
            kind = ("ten times", "hundred times", "digits swapped")[generator.integers(3)]
            if kind == "digits swapped":
                wrong = _swapped(value, generator)
            else:
                wrong = value * (10 if kind == "ten times" else 100)
        if wrong is not None and wrong != value:
            columns[column.name][row] = wrong
            planted.append((row, column.name, kind))
    return frame.with_columns(
        pl.Series(n, cells, frame[n].dtype) for n, cells in columns.items()
    ), planted


def _swapped(value: float, generator: np.random.Generator) -> float | None:
    """The number with two neighbouring digits swapped; None if no two differ."""
    text = repr(value)
    positions = [
        k for k, (a, b) in enumerate(pairwise(text)) if a.isdigit() and b.isdigit() and a != b
    ]
    if not positions or "e" in text:
        return None
    k = positions[generator.integers(len(positions))]
    return type(value)(text[:k] + text[k + 1] + text[k] + text[k + 2 :])


def _rarity(column: Any, codes: np.ndarray, observed: np.ndarray) -> np.ndarray:
    """−log of the marginal density of each cell, in bins; NaN where unknown."""
    values = np.where(observed, codes, np.nan)
    bins = cut(column, values, BINS)
    number = bins.bins(values)
    shares = np.bincount(number[number >= 0], minlength=len(bins)) / max((number >= 0).sum(), 1)
    rarity = np.full(len(codes), np.nan)
    known = number >= 0
    rarity[known] = np.log(bins.widths[number[known]]) - np.log(shares[number[known]])
    return rarity - (np.nansum(rarity) / max(known.sum(), 1))  # relative to the mean of the column


def _tail(column: Any, codes: np.ndarray, observed: np.ndarray) -> np.ndarray:
    """−log of the share of cells as extreme, or of labels as rare, as each; NaN if unknown."""
    tail, known = np.full(len(codes), np.nan), codes[observed]
    if column.has_levels:
        levels, counts = np.unique(known, return_counts=True)
        share = {
            level: counts[counts <= count].sum() / len(known)
            for level, count in zip(levels, counts, strict=True)
        }
        tail[observed] = [-np.log(share[level]) for level in known.tolist()]
    else:
        ranked = np.sort(known)
        below, above = (
            np.searchsorted(ranked, known, side="right"),
            len(known) - np.searchsorted(ranked, known),
        )
        tail[observed] = -np.log(np.minimum(below, above) / len(known))
    return tail


def _among(scores: np.ndarray, cells: list[tuple[int, int]]) -> np.ndarray:
    """The mask of cells among the highest scores, as many as there are cells."""
    flat = np.where(np.isnan(scores), -np.inf, scores).ravel()
    top = set(np.argsort(-flat, kind="stable")[: len(cells)].tolist())
    return np.array([row * scores.shape[1] + k in top for row, k in cells])
