"""A number in another unit."""

from __future__ import annotations

import numpy as np
from typing_extensions import override

from chainrule.mistakes.base import AbstractUndo, Form, tidy, written_decimals

# v = u · factor + shift: hours, days, inches, miles, pounds, degrees, and back.
UNITS = ((60.0, 0.0), (24.0, 0.0), (2.54, 0.0), (1.609344, 0.0), (0.45359237, 0.0), (1.8, 32.0))
WAYS = UNITS + tuple((1 / factor, -shift / factor) for factor, shift in UNITS)


class Unit(AbstractUndo):
    """v is u in another unit, rounded as v is written; each of twelve conversions equally often.

    If the other unit is coarser, the nearest of the possible originals stands for them.
    """

    name = "unit"
    holds = ("numbers",)
    rate = 0.0001

    @override
    def sentence(self, found: str, suggested: str) -> str:
        return f"{suggested} was written in another unit"

    @override
    def originals(self, values: np.ndarray, form: Form) -> tuple[np.ndarray, np.ndarray]:
        factors, shifts = np.array(WAYS).T
        exact = (values[:, None] - shifts) / factors
        found = np.round(exact, form.decimals)
        again = found * factors + shifts
        half = 0.5 * 10.0 ** -written_decimals(values)[:, None]
        written = np.abs(again - values[:, None]) <= half + 1e-9 * np.abs(again)
        found = np.where(written & (found != values[:, None]), tidy(found), np.nan)
        return found, np.full(found.shape, -np.log(len(WAYS)))

    @override
    def results(self, value: object, form: Form) -> dict[object, float]:
        assert isinstance(value, float)
        found: dict[object, float] = {}
        for factor, shift in WAYS:
            v = float(tidy(np.round(np.array(value * factor + shift), form.decimals)))
            if v != value:
                found[v] = found.get(v, 0.0) + 1 / len(WAYS)
        return found
