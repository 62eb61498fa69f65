"""Many tests at once: the expected share of false findings among those that are reported."""

from __future__ import annotations

import numpy as np


def q_values(p: np.ndarray) -> np.ndarray:
    """Returns the q-value (m,) of each of m p-values, by Benjamini and Hochberg's procedure.

    If all tests with a q-value up to 0.1 are reported, at most a tenth of them is expected to be
    false. The tests are independent, or depend positively on each other.

    Source: Benjamini & Hochberg, "Controlling the False Discovery Rate", Journal of the Royal
    Statistical Society B 57, 1995.

    Args:
        p: p-values (m,), in any order.

    Examples:
        >>> q_values(np.array([0.04, 0.001, 0.5, 0.02])).round(4).tolist()
        [0.0533, 0.004, 0.5, 0.04]
    """
    order = np.argsort(p, kind="stable")
    scaled = p[order] * len(p) / np.arange(1, len(p) + 1)
    least = np.minimum.accumulate(scaled[::-1])[::-1]
    found = np.empty(len(p))
    found[order] = np.minimum(least, 1.0)
    return found
