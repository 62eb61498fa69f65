"""Proof 3: drawn rows as training data, compared with real rows, and their nearest real rows."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import polars as pl
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.neighbors import NearestNeighbors

import chainrule as cr
from benchmarks.tables.coded import Coded, coded
from benchmarks.tables.data import TARGETS

FOLDS = 5


def prove(
    name: str, density: cr.Density, train: pl.DataFrame, test: pl.DataFrame, seed: int
) -> dict[str, Any]:
    """Three tests of as many drawn rows as training rows, and of rows with shuffled columns.

    The missing cells of a training row are removed from a drawn row, too, since draws have none.

    Args:
        name: the name of the table, which decides the column to predict.
        density: fitted to ``train`` and validation rows.
        train, test: real rows.
        seed: the seed of the draws.
    """
    names = [column.name for column in density.schema.columns_without_flags]
    train, test = train.select(names), test.select(names)
    began = time.perf_counter()
    drawn = density.sample(len(train), seed=seed).select(names)
    seconds = time.perf_counter() - began
    shuffled = train.select(
        train[n].sample(fraction=1, shuffle=True, seed=1000 * seed + k) for k, n in enumerate(names)
    )
    holes = [
        pl.when(pl.Series(train[n].is_null())).then(None).otherwise(pl.col(n)).alias(n)
        for n in names
    ]
    drawn = drawn.with_columns(holes)
    like = pl.concat([part.cast(train.schema) for part in (train, test)])  # type: ignore[arg-type]
    parts = {
        label: coded(part, density.schema, like=like)
        for label, part in {
            "train": train,
            "test": test,
            "drawn": drawn,
            "shuffled": shuffled,
        }.items()
    }
    target, positive = TARGETS[name]
    is_positive = {
        label: (part[target].cast(pl.String).str.to_lowercase() == positive.lower())
        .fill_null(False)
        .to_numpy()
        for label, part in {
            "train": train,
            "test": test,
            "drawn": drawn,
            "shuffled": shuffled,
        }.items()
    }
    position = names.index(target)
    learned = {}
    for label in ("train", "drawn", "shuffled"):
        model = _classifier(parts[label], [k for k in range(len(names)) if k != position], seed)
        model.fit(np.delete(parts[label].values, position, 1), is_positive[label])
        scores = model.predict_proba(np.delete(parts["test"].values, position, 1))[:, 1]
        learned["real" if label == "train" else label] = float(
            roc_auc_score(is_positive["test"], scores)
        )
    return {
        "drawn": len(drawn),
        "seconds": seconds,
        "learned": learned,
        "distinguished": {
            label: _distinguished(parts["test"], parts[label], seed)
            for label in ("drawn", "shuffled")
        },
        "nearest": _nearest(parts, seed),
    }


def _classifier(part: Coded, columns: list[int], seed: int) -> HistGradientBoostingClassifier:
    model: Any = HistGradientBoostingClassifier(random_state=seed)
    return model.set_params(categorical_features=part.is_category[columns])


def _distinguished(real: Coded, made: Coded, seed: int) -> float:
    """Cross-validated area under the curve of a classifier of real against drawn rows."""
    count = min(len(real.values), len(made.values))
    rows = np.concatenate([real.values[:count], made.values[:count]])
    is_made = np.repeat([0, 1], count)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    model = _classifier(real, list(range(len(real.names))), seed)
    scores = np.asarray(cross_val_predict(model, rows, is_made, cv=folds, method="predict_proba"))
    return float(roc_auc_score(is_made, scores[:, 1]))


def _nearest(parts: dict[str, Coded], seed: int) -> dict[str, float]:
    """The share of drawn rows nearest to a training row, not to a test row, and that of copies.

    There are as many test rows as training rows. Without overfitting, the first share is a half,
    and the second is the share of test rows that repeat a training row.
    """
    inputs = {label: np.nan_to_num(part.one_hot()) for label, part in parts.items()}
    scale = np.array(
        [
            2**-0.5 if level else 1.0
            for levels in parts["train"].levels
            for level in [levels] * max(levels, 1)
        ]
    )
    inputs = {label: rows * scale for label, rows in inputs.items()}
    count = min(len(inputs["train"]), len(inputs["test"]))
    chosen = np.random.default_rng(seed).permutation(len(inputs["train"]))[:count]
    to_train = _distance(inputs["train"][chosen], inputs["drawn"][:count])
    to_test = _distance(inputs["test"][:count], inputs["drawn"][:count])
    return {
        "nearer to training rows": float(
            ((to_train < to_test) + 0.5 * (to_train == to_test)).mean()
        ),
        "drawn rows that repeat one": float(
            (_distance(inputs["train"], inputs["drawn"]) < 1e-9).mean()
        ),
        "test rows that repeat one": float(
            (_distance(inputs["train"], inputs["test"]) < 1e-9).mean()
        ),
    }


def _distance(to: np.ndarray, rows: np.ndarray) -> np.ndarray:
    return NearestNeighbors(n_neighbors=1).fit(to).kneighbors(rows)[0][:, 0]
