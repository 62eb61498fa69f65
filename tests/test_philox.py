"""Words of many counters at once are NumPy's, one stream at a time."""

import numpy as np
import pytest

from chainrule.philox import philox


@pytest.mark.parametrize("key", [(0, 0), (1, 2**63 + 5), (2**64 - 1, 2**64 - 1)])
def test_words_are_numpys(key):
    rng = np.random.default_rng(0)
    counters = rng.integers(1, 2**64, size=(4, 50), dtype=np.uint64)
    counters[:, 0] = 1, 0, 0, 0
    counters[:, 1] = 2**64 - 1
    words = philox(counters, key)
    for each, found in zip(counters.T, words.T, strict=True):
        before = each - np.array([1, 0, 0, 0], np.uint64)  # NumPy adds one, then draws
        numpys = np.random.Philox(counter=before, key=np.array(key, np.uint64))
        assert (numpys.random_raw(4) == found).all()
