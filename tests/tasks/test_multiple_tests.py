"""The q-values of many tests, by Benjamini and Hochberg."""

import numpy as np
from scipy.stats import false_discovery_control

from chainrule.tasks.multiple_tests import q_values


def test_q_values_are_those_of_benjamini_and_hochberg():
    p = np.random.default_rng(0).uniform(size=200) ** 3
    p[:3] = p[3]  # equal p-values have equal q-values
    found = q_values(p)
    assert np.allclose(found, false_discovery_control(p), rtol=1e-12)
    assert len(set(found[:4])) == 1
    order = np.argsort(p)
    assert (np.diff(found[order]) >= 0).all()
    assert q_values(np.array([])).shape == (0,)
