"""The tables into which mistakes are planted, and the half of them on which choices are made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from sklearn.datasets import load_breast_cancer

from benchmarks.tables.data import folder, whole_table

ROWS = 400
CONTINUOUS = 10  # columns of more different values are continuous
MOST_LEVELS = 30  # of a column of labels
LABELS = {"blood": "donated", "diabetes": "class", "phoneme": "nasal"}
NUMBERS = ("blood", "breast_cancer", "diabetes", "phoneme")
LEVELS = ("bank_marketing", "adult", "contraceptive")
# Choices are made on these; the others are read once, when all is chosen.
CHOICE_HALF = ("blood", "breast_cancer", "bank_marketing")


@dataclass(frozen=True)
class Numbers:
    """Continuous columns (N, D) by name, and a label (N,) that is never wrong."""

    names: tuple[str, ...]
    values: np.ndarray
    label: np.ndarray

    def frame(self, values: np.ndarray) -> pl.DataFrame:
        """The columns with other values, and the label."""
        columns = dict(zip(self.names, values.T, strict=True))
        return pl.DataFrame(columns | {"label": self.label})


def numbers(name: str, seed: int) -> Numbers:
    """400 random rows of the continuous columns of a table, in float64, and its label."""
    if name == "breast_cancer":
        found: Any = load_breast_cancer()
        names = [str(each).replace(" ", "_") for each in found.feature_names]
        values, label = np.asarray(found.data, dtype=np.float64), np.asarray(found.target)
    else:
        frame = pl.read_csv(folder().parent / "cells" / f"{name}.csv")
        label = frame[LABELS[name]].to_numpy()
        rest = frame.drop(LABELS[name])
        names, values = rest.columns, rest.to_numpy().astype(np.float64)
    wide = [k for k in range(values.shape[1]) if len(np.unique(values[:, k])) > CONTINUOUS]
    rows = np.random.default_rng(seed).choice(len(values), min(ROWS, len(values)), replace=False)
    return Numbers(tuple(names[k] for k in wide), values[rows][:, wide], label[rows])


def labels(name: str, seed: int) -> tuple[pl.DataFrame, list[str]]:
    """400 random rows of a table, and the names of its columns of labels.

    These are columns of text with 2 to 30 different labels, and numbers with 2 to 10.
    """
    if name == "contraceptive":
        frame = pl.read_csv(folder().parent / "cells" / f"{name}.csv")
    else:
        frame = whole_table(name)
    rows = np.random.default_rng(seed).choice(len(frame), min(ROWS, len(frame)), replace=False)
    some = frame[rows]
    of_labels = [
        each.name
        for each in some.get_columns()
        if 2 <= each.n_unique() <= (CONTINUOUS if each.dtype.is_numeric() else MOST_LEVELS)
    ]
    return some, of_labels
