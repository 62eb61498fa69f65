"""A number several spreads away from what it was."""

from __future__ import annotations

import numpy as np
from typing_extensions import override

from chainrule.mistakes.base import AbstractRandom

# |v − u| in spreads: the ends of intervals, and the share of offsets within each.
ENDS = (1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0)
SHARES = (0.125, 0.125, 0.125, 0.125, 0.125, 0.125, 0.25)


class Offset(AbstractRandom):
    """v = u ± one to five spreads of the column."""

    name = "offset"
    holds = ("numbers",)
    rate = 0.004

    @override
    def sentence(self, found: str, suggested: str) -> str:
        return "the number lies several spreads from what the row suggests"

    @override
    def pieces(self) -> tuple[np.ndarray, np.ndarray]:
        ends, shares = np.array(ENDS), np.array(SHARES)
        density = shares / np.diff(ends) / 2  # on both sides
        return np.concatenate([-ends[::-1], ends]), np.concatenate([density[::-1], [0.0], density])
