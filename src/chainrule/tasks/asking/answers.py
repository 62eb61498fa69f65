"""Answers: a number with its standard error and the method that found it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from typing_extensions import override

from chainrule.errors import fraction

EXACT, POOL, PATHS = "exact", "pool", "paths"


@dataclass(frozen=True, eq=False)
class Probability:
    """The probability of an event.

    Attributes:
        value: the probability.
        standard_error: its standard error by the draws; 0 where it is exact.
        method: "exact" for a sum over all values; "pool" for the share of a pool of draws; "paths"
            for draws within the event, weighted by how probable it is.
        draws: how many draws were counted; 0 where it is exact.

    Examples:
        >>> Probability(0.25, 0.0, "exact")
        Probability(0.25, exact)
        >>> [round(end, 3) for end in Probability.of_hits(50, 200).interval()]
        [0.194, 0.313]
    """

    value: float
    standard_error: float
    method: str
    draws: int = 0
    _means: np.ndarray | None = field(default=None, repr=False)  # of independent scramblings

    @classmethod
    def of_hits(cls, hits: int, draws: int) -> Probability:
        """Returns the share of hits among draws, with the standard error of a binomial share.

        The error is that of the posterior under a uniform prior, so that no hit is no certainty.
        """
        p = (hits + 1) / (draws + 2)
        return cls(hits / draws, math.sqrt(p * (1 - p) / (draws + 3)), POOL, draws)

    @classmethod
    def of_means(
        cls, means: np.ndarray, error: float, draws: int, most: float = 1.0
    ) -> Probability:
        """Returns the mean of several independent means, whose error is known, at most so large."""
        return cls(min(max(float(means.mean()), 0.0), most), error, PATHS, draws, means)

    def negated(self) -> Probability:
        """The probability that the event does not hold."""
        means = None if self._means is None else 1 - self._means
        return Probability(1 - self.value, self.standard_error, self.method, self.draws, means)

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Returns the ends of a confidence interval at a level, within 0 and 1.

        A pool has the interval of Jeffreys, paths that of Student's t over their scramblings.
        """
        level = fraction(level, "level")
        if self.method == EXACT:
            return self.value, self.value
        from scipy import stats

        tail = (1 - level) / 2
        if self.method == POOL:
            hits = self.value * self.draws
            ends = stats.beta.ppf([tail, 1 - tail], hits + 0.5, self.draws - hits + 0.5)
            low, high = float(ends[0]), float(ends[1])
            return (0.0 if hits == 0 else low), (1.0 if hits == self.draws else high)
        freedom = 1 if self._means is None else len(self._means) - 1
        half = float(stats.t.ppf(1 - tail, freedom)) * self.standard_error
        return max(self.value - half, 0.0), min(self.value + half, 1.0)

    def __float__(self) -> float:
        return self.value

    @override
    def __repr__(self) -> str:
        if self.method == EXACT:
            return f"Probability({self.value:.6g}, exact)"
        return f"Probability({self.value:.4g} ± {self.standard_error:.2g}, {self.method})"


@dataclass(frozen=True)
class Interval:
    """A number of the table's own kind, with an interval of confidence.

    Attributes:
        value: the number, or a date.
        low: the lower end of the interval.
        high: the upper end of the interval.
        standard_error: the standard error of the value; NaN of a quantile, or of a date's in days.
        method: how it was found; see ``Probability``.
    """

    value: object
    low: object
    high: object
    standard_error: float
    method: str
