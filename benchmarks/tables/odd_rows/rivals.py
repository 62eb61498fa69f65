"""Scores of other detectors, from scikit-learn: higher is odder. Columns are standardised."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
from sklearn.covariance import MinCovDet
from sklearn.ensemble import IsolationForest
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import NearestNeighbors

NEIGHBOURS, COMPONENTS, LEAST_VARIANCE = 5, 5, 1e-3
ROWS_PER_COMPONENT = 20

# A rival: training rows (n, D), rows to judge (m, D) and a seed, to scores (m,).
Rival = Callable[[np.ndarray, np.ndarray, int], np.ndarray]


def nearest_neighbours(train: np.ndarray, test: np.ndarray, seed: int) -> np.ndarray:
    """The distance to the fifth nearest training row, itself left out if it is one."""
    index = NearestNeighbors(n_neighbors=NEIGHBOURS).fit(train)
    distances, _ = index.kneighbors(None if test is train else test)
    return distances[:, -1]


def isolation_forest(train: np.ndarray, test: np.ndarray, seed: int) -> np.ndarray:
    """The score of an isolation forest with scikit-learn's options."""
    return -IsolationForest(random_state=seed).fit(train).score_samples(test)


def gaussian_mixture(train: np.ndarray, test: np.ndarray, seed: int) -> np.ndarray:
    """−log p of five Gaussians, fewer for few rows."""
    components = max(1, min(COMPONENTS, len(train) // ROWS_PER_COMPONENT))
    mixture = GaussianMixture(components, reg_covar=LEAST_VARIANCE, random_state=seed)
    return -mixture.fit(train).score_samples(test)


def minimum_covariance(train: np.ndarray, test: np.ndarray, seed: int) -> np.ndarray:
    """The distance by the covariance of the half of the rows whose determinant is least."""
    return MinCovDet(random_state=seed).fit(train).mahalanobis(test)


RIVALS: dict[str, Rival] = {
    "nearest neighbours": nearest_neighbours,
    "isolation forest": isolation_forest,
    "Gaussian mixture": gaussian_mixture,
    "minimum covariance": minimum_covariance,
}


def scores(rival: str, train: np.ndarray, test: np.ndarray, seed: int) -> np.ndarray:
    """A rival's scores (m,) of rows whose columns are standardised by the training rows."""
    center, spread = train.mean(0), train.std(0)
    spread = np.where(spread > 0, spread, 1.0)
    learned = (train - center) / spread
    judged = learned if test is train else (test - center) / spread
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of covariances without full rank
        return RIVALS[rival](learned, judged, seed)
