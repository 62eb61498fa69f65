"""Q-values hold the share of false findings, and are those of Benjamini and Hochberg."""

import numpy as np
import pytest
from scipy.stats import false_discovery_control

from chainrule.tasks.multiple_tests import q_values


@pytest.mark.parametrize("rows", [0, 1, 2, 100])
def test_q_values_are_those_of_another_implementation(rows):
    p = np.random.default_rng(rows).random(rows) ** 3
    expected = false_discovery_control(p) if rows else p
    assert q_values(p) == pytest.approx(expected, rel=1e-12)


def test_equal_p_values_have_equal_q_values_and_untested_ones_none():
    q = q_values(np.array([0.02, np.nan, 0.02, 0.9, 1.0]))
    assert q == pytest.approx([0.04, np.nan, 0.04, 1.0, 1.0], nan_ok=True)


def test_q_values_hold_the_share_of_false_findings():
    """Of 1,000 tests 100 are true; over 200 tables the mean share of false findings is held."""
    rng, shares = np.random.default_rng(0), []
    for _ in range(200):
        p = np.concatenate([rng.random(900), rng.random(100) * 1e-3])
        found = np.flatnonzero(q_values(p) <= 0.1)
        shares.append((found < 900).mean())
    assert 0.08 < np.mean(shares) < 0.1  # 0.09 is expected, as 900 of 1,000 are null
