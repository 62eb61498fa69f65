"""A wrong sign."""

from __future__ import annotations

import numpy as np
from typing_extensions import override

from chainrule.mistakes.base import AbstractUndo, Form


class Sign(AbstractUndo):
    """v = −u."""

    name = "sign"
    holds = ("numbers",)
    rate = 0.0005

    @override
    def sentence(self, found: str, suggested: str) -> str:
        return f"the sign of {suggested} was changed"

    @override
    def originals(self, values: np.ndarray, form: Form) -> tuple[np.ndarray, np.ndarray]:
        return np.where(values == 0, np.nan, -values)[:, None], np.zeros((len(values), 1))

    @override
    def results(self, value: object, form: Form) -> dict[object, float]:
        assert isinstance(value, float)
        return {-value: 1.0} if value else {}
