"""The arithmetic of strips, compared with NumPy's."""

import numpy as np
from helpers.tolerances import SIGMOID_TAIL
from numba import njit

from chainrule.ops.compiled import strips


def test_sigmoid_within_its_bound():
    """The error is relative for |t| below 126 and absolute beyond; NaN stays NaN."""

    @njit
    def apply(t, out):
        for at in range(0, len(t), strips.LANES):
            strips.store(out, at, strips.sigmoid(strips.load(t, at)))

    bits = np.arange(0, np.float32(126).view(np.int32), 1009, dtype=np.int32)
    t = np.concatenate([bits.view(np.float32), -bits.view(np.float32)])
    t = np.resize(t, -(-len(t) // strips.LANES) * strips.LANES)
    got = np.full_like(t, np.nan)
    apply(t, got)
    want = 1 / (1 + np.exp2(t.astype(np.float64)))
    assert np.max(np.abs(got / want - 1)) <= strips.SIGMOID_ERROR
    odd = np.resize(np.array([np.nan, 1e30, -1e30, 1000, -1000, 0], np.float32), strips.LANES)
    got = np.empty_like(odd)
    apply(odd, got)
    assert np.isnan(got[0])
    np.testing.assert_allclose(got[1:6], [0, 1, 0, 1, 0.5], atol=SIGMOID_TAIL)
