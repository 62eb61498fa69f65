"""Linear ties from weights of values: exact integers for the codes of several grids."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from chainrule.table.ties.linear import LinearTie
from chainrule.table.ties.sheet import Sheet, Variable, most_frequent

LARGEST = 2.0**52  # of a product of coefficient and code; float64 holds sums of a few
SHORTEST = 12  # digits of a step or origin that is a decimal number, not a rounded one


def exact(value: float) -> Fraction:
    """The decimal number that a float stands for.

    >>> exact(0.01)
    Fraction(1, 100)
    """
    return Fraction(value) if isinstance(value, int) else Fraction(repr(float(value)))


def common_unit(numbers: Sequence[Fraction]) -> Fraction:
    """The largest number of which all are multiples.

    >>> common_unit([Fraction(1, 100), Fraction(1, 4)])
    Fraction(1, 100)
    """
    bottom = math.lcm(*(each.denominator for each in numbers))
    return Fraction(math.gcd(*(int(each * bottom) for each in numbers)), bottom)


@dataclass(frozen=True)
class Weighted:
    """Σ weight · value of some columns, as integers in one unit: Σ coefficient · code.

    Attributes:
        variables: the columns.
        coefficients: an integer for each.
        unit: the value of 1 in the sum of codes.
        shift: the value of the sum where all codes are 0.
    """

    variables: tuple[Variable, ...]
    coefficients: tuple[int, ...]
    unit: Fraction
    shift: Fraction

    @classmethod
    def of(cls, variables: Sequence[Variable], weights: Sequence[Fraction | int]) -> Weighted:
        """The weighted sum of these columns."""
        parts = [w * v.step for w, v in zip(weights, variables, strict=True)]
        unit = common_unit(parts)
        shift = sum((w * v.origin for w, v in zip(weights, variables, strict=True)), Fraction(0))
        return cls(tuple(variables), tuple(int(part / unit) for part in parts), unit, shift)

    @property
    def columns(self) -> tuple[int, ...]:
        """The numbers of the columns."""
        return tuple(each.number for each in self.variables)

    def is_exact(self, sheet: Sheet) -> bool:
        """Whether float64 holds the sums."""
        sizes = [largest_code(sheet, number) for number in self.columns]
        products = (abs(k) * size for k, size in zip(self.coefficients, sizes, strict=True))
        return sum(products) < LARGEST

    def sums(self, sheet: Sheet) -> np.ndarray:
        """Σ coefficient · code, (N,) float64, NaN if a cell is unknown."""
        codes = sheet.codes[:, list(self.columns)]
        return codes @ np.array(self.coefficients, dtype=np.float64)

    def equation(
        self, sheet: Sheet, rows: np.ndarray | None = None
    ) -> tuple[LinearTie, Fraction] | None:
        """The sum is its most frequent value; the tie, and that value in units of the columns.

        If there are ``rows``, bool (N,), it is the most frequent one in these.
        """
        if not self.is_exact(sheet):
            return None
        sums = self.sums(sheet)
        sums = sums if rows is None else sums[rows]
        constant = most_frequent(sums[~np.isnan(sums)])
        if math.isnan(constant):
            return None
        tie = LinearTie(self.columns, self.coefficients, constant, constant)
        return tie, int(constant) * self.unit + self.shift

    def within(
        self,
        sheet: Sheet,
        least: Fraction | None,
        most: Fraction | None,
        *,
        is_open: bool = False,
        text: str = "",
    ) -> LinearTie | None:
        """The sum lies from least to most, in units of the columns; below most if it ``is_open``.

        None if no sum of codes does, or if float64 does not hold them.
        """
        if not self.is_exact(sheet):
            return None
        low, high = -math.inf, math.inf
        if least is not None:
            low = float(math.ceil((least - self.shift) / self.unit))
        if most is not None:
            steps = (most - self.shift) / self.unit
            high = float(math.ceil(steps) - 1 if is_open else math.floor(steps))
        if low > high:
            return None
        return LinearTie(self.columns, self.coefficients, low, high, text=text)


def largest_code(sheet: Sheet, number: int) -> float:
    """The largest absolute code of a column."""
    codes = sheet.codes[:, number]
    return float(np.abs(codes[~np.isnan(codes)]).max(initial=0.0))
