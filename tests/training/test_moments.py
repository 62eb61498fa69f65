"""Moments of features of which some cells are unknown."""

import numpy as np

from chainrule.training.moments import complete_moments, known_moments

WEIGHTS = np.array([[1.0, 0, 0], [0.8, 0.6, 0], [0.5, 0.5, 0.5**0.5]])
COVARIANCE = WEIGHTS @ WEIGHTS.T


def rows(n):
    return np.random.default_rng(0).normal(size=(n, 3)) @ WEIGHTS.T


def test_moments_of_complete_rows_are_the_usual_ones():
    z = rows(300)
    mean, covariance = complete_moments(z, np.ones(z.shape, bool), 0.0)
    np.testing.assert_allclose(mean, z.mean(0), atol=1e-12)
    np.testing.assert_allclose(covariance, np.cov(z.T, bias=True), atol=1e-12)


def test_what_is_missing_may_depend_on_what_is_known():
    z = rows(4000)
    known = np.ones(z.shape, bool)
    known[:, 2] = z[:, 0] < 0.3
    known[::7, 1] = False
    z = np.where(known, z, 0.0)
    mean, covariance = complete_moments(z, known, 1e-8)
    np.testing.assert_allclose(mean, 0, atol=0.06)
    np.testing.assert_allclose(covariance, COVARIANCE, atol=0.06)
    assert abs(z[known[:, 2], 2].mean()) > 0.2  # which the known rows alone get wrong


def test_correlations_of_pairs_become_those_of_some_table():
    """No three columns have the correlations 1, 1 and −1, which these pairs of rows have."""
    t = np.tile([1.0, -1.0], 6)
    z, known = np.zeros((12, 3)), np.zeros((12, 3), bool)
    for start, (i, j, sign) in zip((0, 4, 8), ((0, 1, 1), (1, 2, 1), (0, 2, -1)), strict=True):
        some = slice(start, start + 4)
        z[some, i], z[some, j] = t[some], sign * t[some]
        known[some, [i]] = known[some, [j]] = True
    found = known_moments(z, known, 1e-6)
    assert np.linalg.eigvalsh(found).min() > 0
    np.testing.assert_allclose(np.diag(found), 1)
    assert found[0, 1] > 0.4
    assert found[0, 2] < -0.4
