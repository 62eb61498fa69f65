"""The value of a representation: how well a linear classifier predicts the label from it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from chainrule.progress import progress_bar
from chainrule.report.comparison.data import Data

TRAIN_ROWS, VALID_ROWS = 10_000, 2_000  # a linear classifier needs no more
BATCH_ROWS = 100

# Inverse strengths of its regularisation, chosen on validation rows.
STRENGTHS = (1e-3, 1e-2, 1e-1, 1.0)

# Representations with more numbers are projected at random, to this many.
WIDEST, PROJECTED = 20_000, 4_000


@dataclass(frozen=True)
class Probe:
    """A representation, and how often the classifier predicts the label of test rows from it.

    Attributes:
        what: the representation, as a person reads it.
        size: how many numbers it has.
        accuracy: share of the test rows whose label is predicted correctly.
        standard_error: standard error of that share.
        valid_accuracy: the share for validation rows, by which one of several representations is
            chosen.
        projected: whether it was projected to fewer numbers first.
        right: mask (N,) of the test rows whose label was predicted correctly.
    """

    what: str
    size: int
    accuracy: float
    standard_error: float
    valid_accuracy: float
    projected: bool = False
    right: np.ndarray = field(
        default_factory=lambda: np.zeros(0, dtype=bool), compare=False, repr=False
    )

    def less(self, other: Probe) -> tuple[float, float]:
        """Returns by what share of the test rows this is correct more often than another, with the
        standard error.
        """
        difference = self.right.astype(float) - other.right.astype(float)
        error = (
            float(difference.std(ddof=1) / len(difference) ** 0.5) if len(difference) > 1 else 0.0
        )
        return float(difference.mean()), error

    def to_json(self) -> dict[str, Any]:
        """Returns the numbers as a JSON object."""
        return {name: value for name, value in vars(self).items() if name != "right"}


Represent = Callable[[torch.Tensor], torch.Tensor]


def pixels(data: Data) -> Represent:
    """Returns the representation of a row by its columns."""
    return data.columns.encode


def labelled(data: Data) -> list[tuple[torch.Tensor, np.ndarray]]:
    """Returns training, validation and test rows (n, D) with their labels (n,), without rows that
    have none.

    Training and validation rows are capped at what the classifier needs.
    """
    assert data.labels is not None
    found = []
    for rows, labels, most in zip(
        (data.train, data.valid, data.test),
        data.labels,
        (TRAIN_ROWS, VALID_ROWS, None),
        strict=True,
    ):
        known = np.flatnonzero([label is not None for label in labels])[:most]
        found.append(
            (rows.x[torch.from_numpy(known)], np.array([str(label) for label in labels[known]]))
        )
    return found


def most_frequent(data: Data) -> float:
    """Returns the accuracy of always predicting the most frequent label of the training rows."""
    (_, train), _, (_, test) = labelled(data)
    values, counts = np.unique(train, return_counts=True)
    return float((test == values[counts.argmax()]).mean())


@torch.no_grad()
def probed(
    what: str, represent: Represent, data: Data, *, seed: int = 0, progress: bool = True
) -> Probe:
    """Trains the classifier on training rows, chooses its regularisation on validation rows, and
    scores test rows.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    (x_train, y_train), (x_valid, y_valid), (x_test, y_test) = labelled(data)
    size = int(represent(data.train.x[:1]).shape[1])
    project = _projection(size, seed)
    splits = [x_train, x_valid, x_test]
    with progress_bar(
        f"representing rows: {what}", sum(map(len, splits)), progress=progress
    ) as advance:
        train, valid, test = (
            np.concatenate(list(_represented(x, represent, project, advance))) for x in splits
        )
    scaler = StandardScaler().fit(train)
    scaled = [np.asarray(scaler.transform(rows)) for rows in (train, valid, test)]
    train, valid, test = _within_row_space(scaled[0], scaled[1], scaled[2])
    best, best_right = None, -1.0
    with (
        warnings.catch_warnings(),
        progress_bar(f"classifying by {what}", len(STRENGTHS), progress=progress) as advance,
    ):
        # A classifier that has nearly converged is good enough.
        warnings.simplefilter("ignore", ConvergenceWarning)
        for strength in STRENGTHS:
            classifier = LogisticRegression(C=strength, max_iter=200).fit(train, y_train)
            right = float((classifier.predict(valid) == y_valid).mean())
            if right > best_right:
                best, best_right = classifier, right
            advance(1)
    assert best is not None
    hits = best.predict(test) == y_test
    accuracy = float(hits.mean())
    error = (accuracy * (1 - accuracy) / len(y_test)) ** 0.5
    return Probe(what, size, accuracy, error, best_right, project is not None, hits)


def _within_row_space(
    train: np.ndarray, valid: np.ndarray, test: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns the rows in coordinates of the training rows' span, if these are fewer than the
    numbers.

    The weights of a regularised linear classifier lie in that span, so that the result is the same
    and faster.
    """
    if train.shape[1] <= len(train):
        return train, valid, test
    values, vectors = np.linalg.eigh(train @ train.T)
    kept = values > 1e-6 * values[-1]
    into = train.T @ (vectors[:, kept] / np.sqrt(values[kept]))  # (numbers, rank), orthonormal
    return train @ into, valid @ into, test @ into


def _represented(
    x: torch.Tensor,
    represent: Represent,
    project: Callable[[np.ndarray], np.ndarray] | None,
    advance: Callable[..., None],
) -> Iterator[np.ndarray]:
    for batch in x.split(BATCH_ROWS):
        representation = represent(batch).float().numpy()
        yield representation if project is None else project(representation)
        advance(len(batch))


def _projection(size: int, seed: int) -> Callable[[np.ndarray], np.ndarray] | None:
    """Returns a random projection that preserves distances, for representations that are too wide
    for the classifier.
    """
    if size <= WIDEST:
        return None
    from sklearn.random_projection import SparseRandomProjection

    fitted = SparseRandomProjection(n_components=PROJECTED, random_state=seed)  # type: ignore[arg-type]
    fitted = fitted.fit(np.zeros((1, size), dtype=np.float32))
    return lambda found: np.asarray(fitted.transform(found))
