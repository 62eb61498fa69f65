"""The columns and rows that a search for ties reads."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np

NUMBER, DATE, MONTH, LABEL = "number", "date", "month", "label"


@dataclass(frozen=True)
class Variable:
    """A column whose codes have masses.

    Attributes:
        number: its number among the columns of the schema.
        name: its name.
        measure: "number", "date" (in seconds), "month" or "label": ties add and compare values of
            the same measure.
        step, origin: the value of a code is step · code + origin; of labels they are not used.
        is_list: whether codes are few, and from 0 on, so that a tie may list them.
        unit: seconds of the number 1 in a column of times; 0 in others.
        has_zone: whether the clocks of a zone show the dates, so that codes do not say their parts.
    """

    number: int
    name: str
    measure: str
    step: Fraction = Fraction(1)
    origin: Fraction = Fraction(0)
    is_list: bool = True
    unit: int = 0
    has_zone: bool = False


@dataclass(frozen=True)
class Sheet:
    """Rows in which ties are sought.

    Attributes:
        variables: the columns that take part.
        codes: float64 codes (N, D) of the schema's columns, NaN if unknown or of other columns.
    """

    variables: tuple[Variable, ...]
    codes: np.ndarray

    @cached_property
    def known(self) -> np.ndarray:
        """The cells (N, D) that are known."""
        return ~np.isnan(self.codes)

    @cached_property
    def values(self) -> np.ndarray:
        """The values (N, D) of the codes, rounded to float64."""
        found = np.full(self.codes.shape, np.nan)
        for each in self.variables:
            if each.measure != LABEL:
                codes = self.codes[:, each.number]
                found[:, each.number] = codes * float(each.step) + float(each.origin)
        return found

    @cached_property
    def different(self) -> dict[int, int]:
        """The number of different codes of each variable, by its number."""
        return {each.number: len(np.unique(self._known(each.number))) for each in self.variables}

    @cached_property
    def usual(self) -> dict[int, float]:
        """The most frequent code of each variable, by its number; NaN if none is known."""
        return {each.number: most_frequent(self._known(each.number)) for each in self.variables}

    def numbers(self, *measures: str) -> list[Variable]:
        """The variables of these measures."""
        return [each for each in self.variables if each.measure in measures]

    def sample(self, rows: int, rng: np.random.Generator) -> Sheet:
        """At most so many random rows."""
        if len(self.codes) <= rows:
            return self
        chosen = np.sort(rng.choice(len(self.codes), rows, replace=False))
        return Sheet(self.variables, self.codes[chosen])

    def of(self, variables: list[Variable]) -> Sheet:
        """The same rows with fewer variables."""
        return Sheet(tuple(variables), self.codes)

    def _known(self, number: int) -> np.ndarray:
        codes = self.codes[:, number]
        return codes[~np.isnan(codes)]


def medians(numbers: np.ndarray) -> np.ndarray:
    """The median of the known numbers of each column (N, K), one of them; NaN if none is known.

    >>> medians(np.array([[1.0, np.nan], [np.nan, np.nan], [5.0, np.nan], [2.0, np.nan]]))
    array([ 2., nan])
    """
    known = (~np.isnan(numbers)).sum(axis=0)
    at = np.minimum(known // 2, len(numbers) - 1)  # NaN are sorted to the end
    return np.sort(numbers, axis=0)[at, np.arange(numbers.shape[1])]


def most_frequent(numbers: np.ndarray) -> float:
    """The most frequent of numbers (N,), the smallest among equally frequent ones.

    >>> most_frequent(np.array([3.0, 1.0, 3.0]))
    3.0
    """
    values, counts = np.unique(numbers, return_counts=True)
    return float(values[counts.argmax()]) if len(values) else np.nan
