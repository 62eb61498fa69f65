"""Whether a classifier can tell synthetic rows from real ones, and by which columns.

A classifier two-sample test (C2ST; "Revisiting classifier two-sample tests", Lopez-Paz & Oquab
2017, arXiv 1610.06545) by gradient-boosted trees. Its score 2 (1 − AUC), between 0 and 1, is that
of SDMetrics' detection metrics; 1 says that synthetic rows cannot be told apart.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from chainrule.synthetic.tables import Column

FOLDS = 5
FEWEST_ROWS = 10  # of each kind; fewer show nothing
MOST_LEVELS = 254  # that the classifier takes; rarer labels share one more
MOST_SHUFFLED = 20_000  # rows on which shuffled columns are scored, over all folds
ALONE_ROWS = 20_000  # of each kind, for classifiers of one or two columns
ALONE_TREES = 50
MOST_ALONE, MOST_PAIRED = 30, 4  # columns that are tried alone and in pairs, the best ones


@dataclass(frozen=True)
class PairApart:
    """Two columns, and the AUC of a classifier that sees nothing else."""

    first: str
    second: str
    auc: float
    gain: float  # over the better of the two alone


@dataclass(frozen=True)
class ToldApart:
    """How well a classifier tells synthetic from real rows, on rows that it was not trained on.

    Attributes:
        auc: the area under the curve, mean over five folds; 0.5 if nothing can be told.
        standard_error: of the area, from the ranks of the rows in each fold.
        rows: number of rows of each kind.
        lost: how much of the area is lost if a column is shuffled, by column, the most first.
        alone: the area of a classifier of one column, for the first columns of ``lost``.
        pairs: the areas of classifiers of two columns, for pairs of the first columns and those
            that were suspected; the one that gains most over its columns alone comes first.
    """

    auc: float
    standard_error: float
    rows: int
    lost: dict[str, float]
    alone: dict[str, float]
    pairs: tuple[PairApart, ...]

    @property
    def score(self) -> float:
        """2 (1 − AUC), at most 1."""
        return score_of(self.auc)

    @property
    def telling_pairs(self) -> tuple[PairApart, ...]:
        """The pairs whose gain is more than two standard errors of an area that tells nothing."""
        tested = max(min(self.rows, ALONE_ROWS) // 2, 1)
        return tuple(pair for pair in self.pairs if pair.gain > 2 / math.sqrt(6 * tested))


def score_of(auc: float) -> float:
    """2 (1 − AUC) between 0 and 1.

    >>> score_of(0.75), score_of(0.49)
    (0.5, 1.0)
    """
    return float(np.clip(2 * (1 - auc), 0, 1))


def told_apart(
    columns: tuple[Column, ...],
    real: np.ndarray,
    synthetic: np.ndarray,
    seed: int,
    advance: Callable[[], None],
    *,
    by_column: bool = True,
    suspects: Sequence[tuple[str, str]] = (),
) -> ToldApart | None:
    """Cross-validates a classifier of synthetic against as many real rows.

    Args:
        columns: D columns.
        real, synthetic: the rows (N, D) and (M, D) as numbers.
        seed: of the folds and the rows that are taken.
        advance: called after each fold, and twice more.
        by_column: whether to find the columns that tell the rows apart.
        suspects: pairs of columns that are tried, whatever the classifier makes of them.

    Returns:
        None if there are fewer than ten rows of a kind.
    """
    from sklearn.model_selection import StratifiedKFold

    generator = np.random.default_rng((seed, 10))
    count = min(len(real), len(synthetic))
    if count < FEWEST_ROWS:
        return None
    rows = np.concatenate([_some(each, count, generator) for each in (real, synthetic)])
    rows, is_label = for_trees(columns, rows)
    made = np.repeat([0, 1], count)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    areas, variances, lost = [], [], np.zeros((FOLDS, len(columns)))
    for fold, (train, test) in enumerate(folds.split(rows, made)):
        model = trained(classifier(is_label, seed), rows[train], made[train])
        found, variance = area(made[test], model.predict_proba(rows[test])[:, 1])
        areas.append(found)
        variances.append(variance)
        if by_column:
            fewer = generator.permutation(test)[: MOST_SHUFFLED // FOLDS]
            lost[fold] = _lost(model, rows[fewer], made[fewer], generator)
        advance()
    names, mean_lost = [column.name for column in columns], lost.mean(axis=0)
    ranked = [names[k] for k in np.argsort(-mean_lost, kind="stable")] if by_column else []
    halves = _Halves(names, rows, made, is_label, seed)
    alone = {name: halves.area(name) for name in ranked[:MOST_ALONE]}
    advance()
    tried = dict.fromkeys((*combinations(ranked[:MOST_PAIRED], 2), *suspects))
    pairs = [halves.pair(*pair, alone) for pair in _different(tried)]
    advance()
    return ToldApart(
        auc=float(np.mean(areas)),
        standard_error=float(np.sqrt(np.sum(variances))) / FOLDS,
        rows=count,
        lost={name: float(mean_lost[names.index(name)]) for name in ranked},
        alone=alone,
        pairs=tuple(sorted(pairs, key=lambda pair: -pair.gain)),
    )


def for_trees(columns: tuple[Column, ...], rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows (N, D) with at most 255 labels a column, and marks (D,) of the columns of labels."""
    rows = rows.copy()
    is_label = np.array([column.is_label for column in columns])
    for k in np.flatnonzero(is_label):
        known = rows[:, k][~np.isnan(rows[:, k])].astype(np.int64)
        counts = np.bincount(known, minlength=1)
        if len(counts) > MOST_LEVELS:
            rank = np.empty(len(counts))
            rank[np.argsort(-counts, kind="stable")] = np.arange(len(counts))
            codes = np.minimum(rank, MOST_LEVELS)[np.nan_to_num(rows[:, k]).astype(np.int64)]
            rows[:, k] = np.where(np.isnan(rows[:, k]), np.nan, codes)
    return rows, is_label


def classifier(is_label: np.ndarray, seed: int, trees: int = 100) -> Any:
    """scikit-learn's gradient boosting by histograms, with its own settings."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    model: Any = HistGradientBoostingClassifier(random_state=seed, max_iter=trees)
    return model.set_params(categorical_features=is_label)


def trained(model: Any, rows: np.ndarray, answers: np.ndarray) -> Any:
    """The model, fitted to rows (N, D); columns without a known cell are constant to it."""
    empty = np.isnan(rows).all(axis=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of labels that are many for so few rows
        return model.fit(np.where(empty, 0.0, rows) if empty.any() else rows, answers)


def area(truth: np.ndarray, scores: np.ndarray) -> tuple[float, float]:
    """The area under the ROC curve, and its variance by DeLong, DeLong & Clarke-Pearson (1988).

    Args:
        truth: (N,), whether a row is positive; some rows are, others are not.
        scores: (N,), larger for rows that are more likely to be positive.

    >>> area(np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.35, 0.8]))[0]
    0.75
    """
    from scipy.stats import rankdata

    positive = truth.astype(bool)
    m, n = int(positive.sum()), int((~positive).sum())
    ranks = rankdata(scores)
    above = (ranks[positive] - rankdata(scores[positive])) / n  # share of negatives below each
    below = 1 - (ranks[~positive] - rankdata(scores[~positive])) / m
    variance = sum(
        float(share.var(ddof=1)) / len(share) for share in (above, below) if len(share) > 1
    )
    return float(above.mean()), variance


def _some(rows: np.ndarray, count: int, generator: np.random.Generator) -> np.ndarray:
    if len(rows) == count:
        return rows
    return rows[np.sort(generator.choice(len(rows), count, replace=False, shuffle=False))]


def _lost(
    model: Any, rows: np.ndarray, made: np.ndarray, generator: np.random.Generator
) -> np.ndarray:
    """The area (D,) that is lost if each column is shuffled over the rows of both kinds."""
    if made.min() == made.max():
        return np.zeros(rows.shape[1])
    before = area(made, model.predict_proba(rows)[:, 1])[0]
    found = np.zeros(rows.shape[1])
    for k in range(rows.shape[1]):
        shuffled = rows.copy()
        shuffled[:, k] = generator.permutation(rows[:, k])
        found[k] = before - area(made, model.predict_proba(shuffled)[:, 1])[0]
    return found


def _different(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The pairs, each set of two names once."""
    return list({frozenset(pair): pair for pair in pairs}.values())


class _Halves:
    """Half of some rows to train classifiers of few columns, and half to score them."""

    def __init__(
        self,
        names: list[str],
        rows: np.ndarray,
        made: np.ndarray,
        is_label: np.ndarray,
        seed: int,
    ) -> None:
        self._number = {name: k for k, name in enumerate(names)}
        generator = np.random.default_rng((seed, 11))
        parts = [generator.permutation(np.flatnonzero(made == kind)) for kind in (0, 1)]
        parts = [part[:ALONE_ROWS] for part in parts]
        self._train = np.concatenate([part[: len(part) // 2] for part in parts])
        self._test = np.concatenate([part[len(part) // 2 :] for part in parts])
        self._rows, self._made, self._is_label, self._seed = rows, made, is_label, seed

    def pair(self, first: str, second: str, alone: dict[str, float]) -> PairApart:
        """The area of two columns, and its gain over each of them alone."""
        best = max(alone.get(name) or self.area(name) for name in (first, second))
        found = self.area(first, second)
        return PairApart(first, second, found, found - best)

    def area(self, *names: str) -> float:
        """The area of a classifier that sees only these columns."""
        chosen = [self._number[name] for name in names]
        model = classifier(self._is_label[chosen], self._seed, ALONE_TREES)
        trained(model, self._rows[self._train][:, chosen], self._made[self._train])
        scores = model.predict_proba(self._rows[self._test][:, chosen])[:, 1]
        return area(self._made[self._test], scores)[0]
