"""What a model learns from synthetic rows, compared with what it learns from real ones.

Train on synthetic rows, test on real ones (TSTR; "Real-valued (medical) time series generation with
recurrent conditional GANs", Esteban, Hyland & Rätsch 2017, arXiv 1706.02633).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.errors import SchemaError, unknown_choice
from chainrule.synthetic.apart import area, classifier, for_trees, trained
from chainrule.synthetic.tables import Column, Tables

FEWEST_ROWS = 10  # to train on, and to test on
MOST_LEVELS = 20  # of a column that is predicted by default; rarer labels of others share one more
LEAST_LEVEL = 2  # real rows of its second label
TEST_SHARE = 1 / 3  # of the real rows, without a holdout


@dataclass(frozen=True)
class Utility:
    """How well a column of real test rows is predicted by models of real and synthetic rows.

    Attributes:
        target: the column.
        measure: "AUC", of labels each against the rest and weighted by rows, or "R2".
        real: for a model that was trained on real rows.
        synthetic: for a model that was trained on as many synthetic rows.
        rows: number of training rows.
        tested: number of test rows.
        grouped: number of labels that share one, since they are not among the 20 most frequent
            real ones; 0 if all are told apart. A classifier grows trees for each label.
    """

    target: str
    measure: str
    real: float
    synthetic: float
    rows: int
    tested: int
    grouped: int = 0

    @property
    def lost(self) -> float:
        """What the synthetic rows lose."""
        return self.real - self.synthetic


def target_of(columns: tuple[Column, ...], real: np.ndarray, name: str | None) -> int | None:
    """The number of the column to predict: the one that is asked for, or the last with few labels.

    Few are 2 to 20, the second of them in at least two rows. If there is no such column, it is the
    last one of numbers or dates. None for a table of one column, or if no column is of use.

    Raises:
        SchemaError: there is no such column.
    """
    names = [column.name for column in columns]
    if name is not None:
        if name not in names:
            raise SchemaError(f"target: {unknown_choice('column', name, names)}")
        return names.index(name) if len(names) > 1 else None
    if len(names) < 2:
        return None
    numbers = None
    for k in reversed(range(len(columns))):
        known = real[:, k][~np.isnan(real[:, k])]
        if columns[k].is_label:
            counts = np.sort(np.bincount(known.astype(np.int64), minlength=2))
            if 2 <= columns[k].known <= MOST_LEVELS and counts[-2] >= LEAST_LEVEL:
                return k
        elif numbers is None and len(np.unique(known)) > 1:
            numbers = k
    return numbers


def utility_of(tables: Tables, target: int | None, seed: int) -> Utility | None:
    """Trains a model on real rows, one on as many synthetic rows, and tests both on the holdout.

    Labels beyond the 20 most frequent real ones count as one. Without a holdout, a third of the
    real rows is kept for the test. A model that made the synthetic rows may have seen these.

    Returns:
        None without a target, or with fewer than ten rows to train on or to test on.
    """
    if target is None:
        return None
    generator = np.random.default_rng((seed, 20))
    real, made = (_known(rows.values, target) for rows in (tables.real, tables.synthetic))
    if tables.holdout is not None:
        test = _known(tables.holdout.values, target)
    else:
        order = generator.permutation(len(real))
        kept = int(len(real) * TEST_SHARE)
        test, real = real[order[:kept]], real[order[kept:]]
    count = min(len(real), len(made))
    if count < FEWEST_ROWS or len(test) < FEWEST_ROWS:
        return None
    parts = [part[generator.permutation(len(part))[:count]] for part in (real, made)]
    ends = np.cumsum([count, count])
    answers = [_frequent(tables.columns[target], part[:, target]) for part in (*parts, test)]
    columns = tuple(column for k, column in enumerate(tables.columns) if k != target)
    rows, is_label = for_trees(columns, np.delete(np.concatenate([*parts, test]), target, 1))
    inputs = np.split(rows, ends)
    column = tables.columns[target]
    learn = _classified if column.is_label else _regressed
    found = [learn(inputs[k], answers[k], inputs[2], answers[2], is_label, seed) for k in range(2)]
    measure = "AUC" if column.is_label else "R2"
    return Utility(column.name, measure, found[0], found[1], count, len(test), _rare_labels(column))


def _known(rows: np.ndarray, target: int) -> np.ndarray:
    return rows[~np.isnan(rows[:, target])]


def _rare_labels(column: Column) -> int:
    """The number of labels that share one; a single one would share it with no other."""
    rare = len(column.labels) - MOST_LEVELS
    return rare if rare > 1 else 0


def _frequent(column: Column, cells: np.ndarray) -> np.ndarray:
    """What is predicted of cells (N,): numbers, or labels with one for all rare ones."""
    return np.minimum(cells, MOST_LEVELS) if _rare_labels(column) else cells


def _classified(
    rows: np.ndarray,
    answers: np.ndarray,
    test: np.ndarray,
    truth: np.ndarray,
    is_label: np.ndarray,
    seed: int,
) -> float:
    """The area under the curve of each label against the rest, weighted by test rows."""
    levels = np.unique(answers)
    if len(levels) == 1:
        return 0.5
    model = trained(classifier(is_label, seed), rows, answers)
    scores = dict(zip(model.classes_.tolist(), model.predict_proba(test).T, strict=True))
    total, weights = 0.0, 0
    for level in np.unique(truth).tolist():
        is_level = truth == level
        if is_level.all():
            continue
        known = scores.get(level)
        found = 0.5 if known is None else area(is_level, known)[0]
        total, weights = total + found * int(is_level.sum()), weights + int(is_level.sum())
    return total / weights if weights else float("nan")


def _regressed(
    rows: np.ndarray,
    answers: np.ndarray,
    test: np.ndarray,
    truth: np.ndarray,
    is_label: np.ndarray,
    seed: int,
) -> float:
    """The share of the variance of test rows that is explained, R²."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    model: Any = HistGradientBoostingRegressor(random_state=seed)
    trained(model.set_params(categorical_features=is_label), rows, answers)
    with np.errstate(over="ignore"):  # of numbers that are far too large
        rest = float(((truth - model.predict(test)) ** 2).sum())
        whole = float(((truth - truth.mean()) ** 2).sum())
    return 1 - rest / whole if whole > 0 else float("nan")
