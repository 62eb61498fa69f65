"""The points at which expectations are computed."""

from __future__ import annotations

from functools import lru_cache

import numpy as np


@lru_cache(maxsize=64)
def gauss_legendre(points: int) -> tuple[list[float], list[float]]:
    """Points in (0, 1) and weights of the rule that is exact up to degree 2 · points − 1."""
    x, w = np.polynomial.legendre.leggauss(points)
    return ((x + 1) / 2).tolist(), (w / 2).tolist()
