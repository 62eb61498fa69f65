"""Q-values of many tests: which share of false findings a threshold lets through."""

from __future__ import annotations

import numpy as np


def q_values(p: np.ndarray) -> np.ndarray:
    """Returns the q-value of each p-value, (N,) float64.

    The findings with q ≤ f have an expected share of at most f false ones. This holds for tests
    that are independent or positively dependent. q_i = min over p_j ≥ p_i of N p_j / rank(p_j).
    NaN is no test: it has q = NaN and does not count in N.

    Source: Benjamini & Hochberg, "Controlling the false discovery rate", Journal of the Royal
    Statistical Society B 57, 1995.

    Args:
        p: probabilities (N,), NaN where nothing was tested.

    Examples:
        >>> q_values(np.array([0.01, 0.04, 0.03, 0.5])).round(4).tolist()
        [0.04, 0.0533, 0.0533, 0.5]
    """
    p = np.asarray(p, dtype=np.float64)
    q = np.full(len(p), np.nan)
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    each = p[order] * (len(order) / np.arange(1, len(order) + 1))
    # The smallest of its own and of all that follow; never above 1.
    q[order] = np.minimum.accumulate(each[::-1])[::-1].clip(max=1.0)
    return q
