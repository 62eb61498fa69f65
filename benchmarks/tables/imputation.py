"""Proof 2: missing cells filled, against the imputers of scikit-learn.

A random fifth of the known cells of a table is removed, and fills are compared with the removed
values. Categories have the share of right levels, numbers the mean absolute error over the column's
standard deviation. All imputers get the same table with the same missing cells.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import torch

import chainrule as cr
from benchmarks.tables.coded import Coded, coded
from benchmarks.tables.data import KINDS, some_rows
from chainrule.table import encode, read_table
from chainrule.tasks.answer import BATCH_ROWS, Batch
from chainrule.tasks.conditional import distribution_of
from chainrule.tasks.impute import levels_of_rows
from chainrule.tasks.intervals import IntervalLevels

HOLES = 0.2
INTERVAL = 0.9
ROWS = 10_000
ROUNDS = 5  # iterations of IterativeImputer


def prove(
    name: str, seed: int, earlier: dict[str, Any] | None = None, *, effort: str = "standard"
) -> dict[str, Any]:
    """The figures of each imputer for one table and mask, and the calibration of ours.

    The figures of the other imputers are taken from an ``earlier`` result, if there is one.
    """
    whole = some_rows(name, ROWS, seed)
    schema = cr.infer_schema(whole, kinds=KINDS[name])
    holes = mask_of(whole, schema, seed)
    table = with_holes(whole, schema, holes)
    truth, given = coded(whole, schema), coded(table, schema, like=whole)
    truth = coded(whole, schema, like=whole)
    methods: dict[str, dict[str, float]] = {} if earlier is None else dict(earlier["methods"])
    for label, fill in BASELINES.items():
        if label in methods:
            continue
        began = time.perf_counter()
        filled = fill(given, seed)
        methods[label] = errors(truth, filled, holes) | {"seconds": time.perf_counter() - began}
    began = time.perf_counter()
    density = cr.fit(table, seed=seed, effort=effort, kinds=KINDS[name], verbose=False)
    fitted = time.perf_counter() - began
    filled = coded(density.impute(table, how="best"), schema, like=whole).values
    seconds = time.perf_counter() - began
    methods["chainrule"] = errors(truth, filled, holes) | {
        "seconds": seconds,
        "seconds to fit": fitted,
    }
    means = coded(density.impute(table, how="mean"), schema, like=whole).values
    methods["chainrule"]["squared"] = errors(truth, means, holes)["squared"]
    return {"rows": len(whole), "cells": int(holes.sum()), "methods": methods} | calibration(
        density, whole, table, schema, holes, seed
    )


def mask_of(frame: pl.DataFrame, schema: cr.Schema, seed: int) -> np.ndarray:
    """The mask (N, D) of a random fifth of the known cells of the modelled columns."""
    known = np.stack(
        [frame[column.name].is_not_null().to_numpy() for column in schema.columns_without_flags],
        axis=1,
    )
    return known & (np.random.default_rng(seed).random(known.shape) < HOLES)


def with_holes(frame: pl.DataFrame, schema: cr.Schema, holes: np.ndarray) -> pl.DataFrame:
    """The table without the cells of the mask (N, D) of the modelled columns."""
    return frame.with_columns(
        pl.when(pl.Series(holes[:, k])).then(None).otherwise(pl.col(column.name)).alias(column.name)
        for k, column in enumerate(schema.columns_without_flags)
    )


def errors(truth: Coded, filled: np.ndarray, holes: np.ndarray) -> dict[str, float]:
    """Means over columns: accuracy of categories, absolute and root mean squared error of numbers.

    Errors are divided by the standard deviation of their column.
    """
    right, off, squared = [], [], []
    for k, levels in enumerate(truth.levels):
        at = holes[:, k]
        if levels:
            right.append(float((filled[at, k] == truth.values[at, k]).mean()))
        else:
            away = filled[at, k] - truth.values[at, k]
            off.append(float(np.abs(away).mean()))
            squared.append(float(np.sqrt((away**2).mean())))
    return {
        "accuracy": float(np.mean(right)),
        "error": float(np.mean(off)),
        "squared": float(np.mean(squared)),
    }


def most_frequent(given: Coded, seed: int) -> np.ndarray:
    """Fills with the most frequent level, or the median."""
    filled = given.values.copy()
    for k, levels in enumerate(given.levels):
        column = filled[:, k]
        known = column[~np.isnan(column)]
        column[np.isnan(column)] = (
            np.bincount(known.astype(int)).argmax() if levels else np.median(known)
        )
    return filled


def nearest(given: Coded, seed: int) -> np.ndarray:
    """KNNImputer with an input for each level; fills with the level of most neighbours."""
    from sklearn.impute import KNNImputer

    return given.from_one_hot(KNNImputer(n_neighbors=10).fit_transform(given.one_hot()))


def linear(given: Coded, seed: int) -> np.ndarray:
    """IterativeImputer with ridge regression of numbers and ridge classifiers of levels."""
    from benchmarks.tables.estimators import RidgeOfKind

    return iterated(given, RidgeOfKind(), seed)


def forests(given: Coded, seed: int) -> np.ndarray:
    """IterativeImputer with random forests: classifiers of levels, regressors of numbers."""
    from benchmarks.tables.estimators import ForestOfKind

    return iterated(given, ForestOfKind(random_state=seed), seed)


def iterated(given: Coded, estimator: Any, seed: int) -> np.ndarray:
    """IterativeImputer with an estimator that tells levels from numbers; see ``estimators``."""
    from sklearn.experimental import enable_iterative_imputer as enable_iterative_imputer
    from sklearn.impute import IterativeImputer

    from benchmarks.tables.estimators import LEVELS_FROM

    moved = np.where(given.is_category, given.values + LEVELS_FROM, given.values)
    imputer = IterativeImputer(
        estimator, initial_strategy="most_frequent", max_iter=ROUNDS, tol=0, random_state=seed
    )
    filled = np.asarray(imputer.fit_transform(moved))
    return np.where(given.is_category, filled - LEVELS_FROM, filled)


BASELINES: dict[str, Callable[[Coded, int], np.ndarray]] = {
    "most frequent, median": most_frequent,
    "nearest neighbours": nearest,
    "iterative, linear": linear,
    "iterative, forests": forests,
}


def calibration(
    density: cr.Density,
    whole: pl.DataFrame,
    table: pl.DataFrame,
    schema: cr.Schema,
    holes: np.ndarray,
    seed: int,
) -> dict[str, Any]:
    """Ranks of the removed numbers in p(cell | known cells), and how many are in their interval.

    A rank is F(x), and for discrete columns a draw between F(x−) and F(x). Ranks are uniform on (0,
    1) if the conditional is right. "inside" counts the numbers in the middle 90 % of their
    conditional, "corrected" those in the interval of ``impute``.
    """
    model, generator = density.model, np.random.default_rng(seed)
    truth = encode(read_table(whole.select(table.columns)), model.schema, warn=False)
    every = Batch.of(model, encode(read_table(table), model.schema, warn=False))
    level_of_row = levels_of_rows(every, INTERVAL, IntervalLevels.of_record(density.training))
    ranks, levels = [], []
    for position, column in enumerate(schema.columns_without_flags):
        k = model.schema.number(column.name)
        if column.has_levels:
            continue
        rows = np.flatnonzero(holes[:, position])
        asked = every.take(rows)
        x = torch.from_numpy(truth.values[rows, k])
        found = np.empty(len(rows))
        for start in range(0, len(rows), BATCH_ROWS):
            some = slice(start, start + BATCH_ROWS)
            distribution = distribution_of(asked.take(some), k)
            below, upto = (distribution.cdf(x[some] + shift).numpy() for shift in (-STEP, 0))
            if column.is_continuous and not column.atom_codes():
                below = upto
            found[some] = below + generator.random(len(upto)) * (upto - below)
        ranks.append(found)
        levels.append(level_of_row[rows])
    u = np.concatenate(ranks)
    away = np.abs(2 * u - 1)  # the level whose interval just holds the number
    counts = np.histogram(u, bins=10, range=(0, 1))[0]
    return {
        "ranks": (counts / counts.sum()).tolist(),
        "inside": float((away < INTERVAL).mean()),
        "corrected": float((away < np.concatenate(levels)).mean()),
        "numbers": len(u),
    }


STEP = 1e-9


def main() -> None:
    """Prints one table's figures."""
    import json
    import sys

    warnings.simplefilter("ignore")
    print(json.dumps(prove(sys.argv[1], int(sys.argv[2])), indent=1))


if __name__ == "__main__":
    main()
