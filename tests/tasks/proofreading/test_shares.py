"""Shares of values in a column: which labels mistakes write."""

import numpy as np

from chainrule.tasks.proofreading.shares import log_share_of_labels

CODES = np.array([0.0] * 96 + [1.0] * 3 + [2.0])


def test_any_level_is_half_of_the_wrong_labels_and_the_table_tells_the_rest():
    share = np.exp(log_share_of_labels(CODES, np.ones(100, dtype=bool), 3))
    counts = np.array([97, 4, 2]) / 103
    np.testing.assert_allclose(share[[0, 96, 99]], 0.5 * counts + 0.25, rtol=1e-12)


def test_a_cell_without_a_listed_level_is_no_wrong_label():
    known = np.arange(100) > 0
    share = log_share_of_labels(np.append(CODES[:-1], 3.0), known, 3)
    assert np.isneginf(share[[0, 99]]).all()
    assert np.isfinite(share[1:99]).all()


def test_a_column_of_one_level_has_finite_shares():
    assert np.isfinite(log_share_of_labels(np.zeros(5), np.ones(5, dtype=bool), 1)).all()
