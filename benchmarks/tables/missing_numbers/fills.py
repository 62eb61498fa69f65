"""Fills of each method: one table for the absolute error and labels, one for squared errors."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

import chainrule as cr
from benchmarks.tables import imputation
from benchmarks.tables.coded import Coded
from benchmarks.tables.data import KINDS
from benchmarks.tables.missing_numbers.task import Task

TREES = "extremely randomised trees"
OURS = "chainrule"
INFORMATIVE = "chainrule, informative"  # a trial: missing cells are modelled, too


@dataclass(frozen=True)
class Fills:
    """The filled tables (N, D) of one method, in the units of the task.

    Attributes:
        best: for the absolute error, and labels.
        means: for the squared error.
        seconds: processor time.
    """

    best: np.ndarray
    means: np.ndarray
    seconds: float


def fills(label: str, asked: Task, effort: str) -> Fills:
    """The fills of one method; only those of chainrule depend on the effort."""
    began = time.process_time()
    if label in OF_CHAINRULE:
        best, means = _chainrule(asked, effort, OF_CHAINRULE[label])
    else:
        best, means = OTHERS[label](asked.coded(asked.given), asked.seed)
    return Fills(best, means, time.process_time() - began)


def _chainrule(asked: Task, effort: str, missing: str) -> tuple[np.ndarray, np.ndarray]:
    density = cr.fit(
        asked.given,
        seed=asked.seed,
        effort=effort,
        kinds=KINDS[asked.name],
        missing=missing,
        verbose=False,
    )
    best, means = (
        asked.coded(density.impute(asked.given, how=how)).values for how in ("best", "mean")
    )
    return best, means


def _simplest(given: Coded, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The most frequent level, and the median or the mean."""
    best = imputation.most_frequent(given, seed)
    means = np.where(np.isnan(given.values), np.nanmean(given.values, axis=0), given.values)
    return best, np.where(given.is_category, best, means)


def _same(
    fill: Callable[[Coded, int], np.ndarray], given: Coded, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    filled = fill(given, seed)
    return filled, filled


def _trees(given: Coded, seed: int) -> np.ndarray:
    """IterativeImputer with extremely randomised trees, as many as in missForest."""
    from benchmarks.tables.estimators import ExtraTreesOfKind

    return imputation.iterated(given, ExtraTreesOfKind(random_state=seed), seed)


OF_CHAINRULE = {OURS: "unknown", INFORMATIVE: "informative"}
OTHERS: dict[str, Callable[[Coded, int], tuple[np.ndarray, np.ndarray]]] = {
    "most frequent, median or mean": _simplest,
    "nearest neighbours": partial(_same, imputation.nearest),
    TREES: partial(_same, _trees),
}
LABELS = (*OTHERS, OURS)  # those that a run without labels measures
