"""Means and covariances of numbers of which some are unknown."""

from __future__ import annotations

import numpy as np

EM_STEPS = 12
EM_ROWS = 4000  # at most
CHUNK = 2**22  # numbers of one array


def known_moments(z: np.ndarray, known: np.ndarray, ridge: float) -> np.ndarray:
    """Correlations (F, F) from the rows in which both features of a pair are known.

    Such correlations need not belong to any table. The nearest ones by eigenvalues do.

    Args:
        z: features (n, F) of about mean 0 and deviation 1, with 0 for unknown ones.
        known: bool (n, F).
        ridge: the smallest eigenvalue.
    """
    counts = known.T.astype(np.float64) @ known
    found = z.T @ z / np.maximum(counts, 1)
    values, vectors = np.linalg.eigh(found)
    found = (vectors * np.maximum(values, ridge)) @ vectors.T
    scale = np.sqrt(np.diag(found))
    return found / scale / scale[:, None]


def complete_moments(
    z: np.ndarray, known: np.ndarray, ridge: float
) -> tuple[np.ndarray, np.ndarray]:
    """Means (F,) and covariances (F, F) of features (n, F), of which some are unknown.

    If some are, they are the most likely ones of a Gaussian, by expectation maximisation. What is
    unknown may then depend on what is known.

    Source: Dempster, Laird & Rubin, "Maximum Likelihood from Incomplete Data via the EM Algorithm",
    Journal of the Royal Statistical Society B 39, 1977.

    Args:
        z: features (n, F), with 0 for unknown ones.
        known: bool (n, F).
        ridge: added to the variances.
    """
    if known.all():
        mean = z.mean(0)
        return mean, (z - mean).T @ (z - mean) / len(z) + ridge * np.eye(z.shape[1])
    rows = np.arange(0, len(z), max(1, -(-len(z) // EM_ROWS)))
    z, known = z[rows], known[rows]
    mean, covariance = np.zeros(z.shape[1]), known_moments(z, known, ridge)
    patterns, of_row = np.unique(known, axis=0, return_inverse=True)
    for _ in range(EM_STEPS):
        mean, covariance = _em_step(z, patterns, of_row.ravel(), mean, covariance, ridge)
    return mean, covariance


def _em_step(
    z: np.ndarray,
    patterns: np.ndarray,
    of_row: np.ndarray,
    mean: np.ndarray,
    covariance: np.ndarray,
    ridge: float,
) -> tuple[np.ndarray, np.ndarray]:
    """The moments of the features as the last moments complete them."""
    size, filled = len(mean), np.empty_like(z)
    spread, eye = np.zeros_like(covariance), np.eye(len(mean))
    counts = np.bincount(of_row, minlength=len(patterns))
    order, ends = np.argsort(of_row, kind="stable"), np.cumsum(counts)
    for some in np.array_split(np.arange(len(patterns)), -(-len(patterns) * size**2 // CHUNK)):
        given = patterns[some].astype(np.float64)
        inner = given[:, :, None] * given[:, None, :]
        inverse = np.linalg.inv(covariance * inner + eye * (1 - given)[:, None, :]) * inner
        weights = inverse @ covariance  # (patterns, F, F): from known features to all
        left = covariance - covariance @ weights
        unknown = 1 - given
        left = left * unknown[:, :, None] * unknown[:, None, :]
        spread += np.tensordot(counts[some].astype(np.float64), left, 1)
        rows = order[ends[some[0]] - counts[some[0]] : ends[some[-1]]]
        at = of_row[rows] - some[0]
        away = np.where(patterns[of_row[rows]], z[rows] - mean, 0.0)
        expected = mean + np.einsum("nf,nfg->ng", away, weights[at])
        filled[rows] = np.where(patterns[of_row[rows]], z[rows], expected)
    mean = filled.mean(0)
    away = filled - mean
    return mean, (away.T @ away + spread) / len(z) + ridge * eye
