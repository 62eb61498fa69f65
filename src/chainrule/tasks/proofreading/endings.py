"""How often a column writes a number's last digits: the mass of a rounding cell in a coarse one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from chainrule.mistakes.base import tidy
from chainrule.tasks.proofreading.written import MORE_DECIMALS, USUAL, usual_decimals

COARSE = 0.1  # of a spread: the widest coarse cell
MOST_PLACES = 6  # decimals of an ending
NEAREST = 20  # numbers near one that show how often numbers there have more decimals
OF_ALL = 2.0  # numbers near one that the share of the whole column counts for


@dataclass(frozen=True)
class Endings:
    """The numbers of a column: an ending is the decimals of a number after the first ``coarse``.

    Attributes:
        numbers: the known numbers (n,), ascending.
        manner: how each is written (n,); see ``written``.
        coarse, finest: decimals of a coarse cell, and of a rounding cell.
        width: width of a rounding cell, 10^-finest where endings count.
    """

    numbers: np.ndarray
    manner: np.ndarray
    coarse: int
    finest: int
    width: float

    @classmethod
    def of(
        cls, values: np.ndarray, manner: np.ndarray, finest: int | None, width: float, spread: float
    ) -> Endings:
        """The endings of values (n,), NaN where unknown, that have up to ``finest`` decimals.

        Args:
            values: the cells of a column.
            manner: how each is written (n,).
            finest: decimals of nearly all; None where no ending is more frequent than another.
            width: width of a rounding cell.
            spread: standard deviation of the usual values.
        """
        known = np.flatnonzero(np.isfinite(values))
        if (values[known] != 0).any():  # a zero has no decimals, whatever the column writes
            known = known[values[known] != 0]
        known = known[np.argsort(values[known], kind="stable")]
        coarse = 0
        if finest is not None:
            usual = usual_decimals(values[known])
            coarse = max(-math.floor(math.log10(COARSE * spread)), finest - MOST_PLACES, 0)
            coarse = min(coarse, finest, finest if usual is None else usual)
        finest = coarse if finest is None else finest
        return cls(values[known], manner[known], coarse, finest, width)

    @property
    def count(self) -> bool:
        """Whether endings tell more than the width of a rounding cell."""
        return self.finest > self.coarse

    @property
    def coarse_width(self) -> float:
        """The width of a coarse cell."""
        return 10.0**-self.coarse

    def manner_of_other(self, values: np.ndarray) -> np.ndarray:
        """How numbers (…) with at most ``finest`` decimals are written."""
        if self._usual is None:
            return np.full(values.shape, USUAL)
        off = np.abs(np.round(values, self._usual) - values)
        return np.where(off > 1e-9 * np.maximum(np.abs(values), 1e-9), MORE_DECIMALS, USUAL)

    @cached_property
    def _usual(self) -> int | None:
        return usual_decimals(self.numbers)

    def log_width(
        self, values: np.ndarray, manner: np.ndarray, beside: np.ndarray | None = None
    ) -> np.ndarray:
        """log of a coarse cell's width times the share of each number's ending, (…).

        The share is that among numbers that are written in the same manner. Where endings do not
        count, this is log of the width of a rounding cell.

        Args:
            values: numbers; NaN where unknown.
            manner: how each is written.
            beside: the number (…) whose row does not count for each; by default all rows count.
        """
        found = np.full(values.shape, np.log(self.width))
        if not self.count:
            return found
        for each in (USUAL, MORE_DECIMALS):
            which = np.isfinite(values) & (manner == each)
            share = self._share(values[which], each, None if beside is None else beside[which])
            found[which] = np.log(share * self.coarse_width)
        return found

    def _share(self, values: np.ndarray, manner: int, beside: np.ndarray | None) -> np.ndarray:
        """The share of each ending (m,) among numbers of one manner.

        Endings not seen elsewhere share the frequency of those that were seen once, by the share of
        numbers with as many decimals.
        """
        known, counts, of_length = self._counts[manner]
        ends = self._ends(values)
        own = 0 if beside is None else 1 * (ends == self._ends(np.nan_to_num(beside)))
        total = counts.sum()
        place = np.minimum(np.searchsorted(known, ends), max(len(known) - 1, 0))
        seen = np.where(known[place] == ends, counts[place], 0) if len(known) else 0
        new = (np.sum(counts == 1) + 1.0) / (total + 1.0)
        places = self.finest - self.coarse
        length = _lengths(ends, places)
        alike = np.where(length > 0, 0.9 * 10.0**length, 1.0)  # endings of as many decimals
        expected = alike / 10.0**places
        share_of_length = (of_length[length] + expected) / (total + 1.0)
        others = np.maximum(seen - own, 0) / np.maximum(total - own, 1)
        return (1 - new) * others + new * share_of_length / alike

    @cached_property
    def _counts(self) -> dict[int, tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Endings of each manner, how often each occurs, and the numbers of each length."""
        found, places = {}, self.finest - self.coarse
        for each in (USUAL, MORE_DECIMALS):
            ends = self._ends(self.numbers[self.manner == each])
            known, counts = np.unique(ends, return_counts=True)
            of_length = np.bincount(_lengths(ends, places), minlength=places + 1)
            found[each] = known, counts, of_length
        return found

    def _ends(self, values: np.ndarray) -> np.ndarray:
        """The endings of numbers (m,), whole numbers below 10^(finest − coarse)."""
        scaled = np.round(tidy(np.abs(values) * 10.0**self.finest))
        return np.fmod(scaled, 10.0 ** (self.finest - self.coarse)).astype(np.int64)

    def log_width_of_mistakes(self, values: np.ndarray, manner: np.ndarray) -> np.ndarray:
        """The ``log_width`` (…) of numbers that a mistake has written.

        It writes half of them as the column does. The others have any decimals.
        """
        found = self.log_width(values, manner, values)
        if not self.count:
            return found
        alike = found + self.log_manner(values, manner, 1)
        any_end = np.logaddexp(alike, np.log(self.width)) - np.log(2.0)
        return np.where(manner == MORE_DECIMALS, any_end, found)

    def log_manner(self, values: np.ndarray, manner: np.ndarray, own: int = 0) -> np.ndarray:
        """log of the probability that a right number (…) is written as it is; 0 as usual.

        It is half of the share among the numbers nearest to it, or of that of the column.
        """
        found, rows = np.zeros(values.shape), len(self.numbers)
        for each in np.unique(manner[manner != USUAL]).tolist():
            which = np.isfinite(values) & (manner == each)
            same = np.concatenate([[0], np.cumsum(self.manner == each)])
            place = np.searchsorted(self.numbers, values[which])
            low = np.clip(place - NEAREST // 2, 0, max(rows - NEAREST, 0))
            high = np.minimum(low + NEAREST, rows)
            near = np.maximum(same[high] - same[low] - own, 0)
            of_all = (0.5 * same[-1] + 0.5) / (rows + 1)
            share = (0.5 * near + OF_ALL * of_all) / (np.maximum(high - low - own, 0) + OF_ALL)
            found[which] = np.log(np.maximum(share, of_all))
        return found


def _lengths(ends: np.ndarray, places: int) -> np.ndarray:
    """Decimals of endings (m,) of at most so many places, without zeros at the end."""
    found = np.zeros(len(ends), dtype=np.int64)
    for length in range(1, places + 1):
        found[ends % 10 ** (places - length + 1) > 0] = length
    return found
