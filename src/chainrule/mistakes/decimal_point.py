"""A decimal point in the wrong place."""

from __future__ import annotations

import math

import numpy as np
from typing_extensions import override

from chainrule.mistakes.base import AbstractUndo, Form, tidy

# v / u, and how often it occurs.
FACTORS = {10.0: 0.35, 0.1: 0.35, 100.0: 0.1, 0.01: 0.1, 1000.0: 0.05, 0.001: 0.05}


class DecimalPoint(AbstractUndo):
    """v = u · 10, 100 or 1000, or u divided by one of them."""

    name = "decimal point"
    holds = ("numbers",)
    rate = 0.004

    @override
    def sentence(self, found: str, suggested: str) -> str:
        return f"the decimal point of {suggested} was moved"

    @override
    def originals(self, values: np.ndarray, form: Form) -> tuple[np.ndarray, np.ndarray]:
        factors, shares = (np.array(part) for part in zip(*FACTORS.items(), strict=True))
        found = tidy(values[:, None] / factors)
        found[values == 0] = np.nan
        return found, np.broadcast_to(np.log(shares), found.shape)

    @override
    def results(self, value: object, form: Form) -> dict[object, float]:
        assert isinstance(value, float)
        if not value or math.isnan(value):
            return {}
        return {float(tidy(np.array(value * by))): share for by, share in FACTORS.items()}
