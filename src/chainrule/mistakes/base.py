"""The interfaces of a kind of mistake.

A mistake turns the value u of a cell into v with probability q(v | u). Probabilities are those of
rounding cells: all numbers that are written alike. Mistakes know neither a model nor a table.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

LETTERS = 27  # characters that are equally likely in a wrong place if nothing is known
MOST_DIGITS = 15  # integers of so many digits are exact in float64


@dataclass(frozen=True)
class Form:
    """How the values of one column are written.

    Attributes:
        decimals: decimals of nearly all its numbers; of numbers of full precision, those that show
            six digits of a spread.
        spread: standard deviation of its usual numbers.
        levels: its listed labels, without those that are misspelt themselves.
        letters: the shares of characters that typing mistakes bring in.
        other_letter: the share of each other character.
    """

    decimals: int = 0
    spread: float = 1.0
    levels: tuple[str, ...] = ()
    letters: Mapping[str, float] = field(default_factory=dict)
    other_letter: float = 1 / LETTERS


class AbstractMistake(ABC):
    """A kind of mistake.

    Class variables:
        name: the kind, as findings show it.
        holds: what cells can have it: any of "numbers", "dates" and "labels".
        rate: the share of a table's cells expected to have it, before a table is seen.
    """

    name: ClassVar[str]
    holds: ClassVar[tuple[str, ...]]
    rate: ClassVar[float]

    @abstractmethod
    def sentence(self, found: str, suggested: str) -> str:
        """What happened to a cell, for a person."""


class AbstractUndo(AbstractMistake):
    """A mistake with few possible originals of each value."""

    @abstractmethod
    def originals(self, values: np.ndarray, form: Form) -> tuple[np.ndarray, np.ndarray]:
        """The values u (n, C) that could have become v (n,), and log q(v | u) (n, C).

        An original that does not exist is NaN (NaT, None). Equal ones add up. An original may lie
        off the column's grid; whoever asks for its probability finds that it has none.
        """

    @abstractmethod
    def results(self, value: object, form: Form) -> dict[object, float]:
        """The values v that one value u becomes, with q(v | u); together at most 1."""


class AbstractReplacement(AbstractMistake):
    """A mistake that writes another value without regard to the cell's own: q(v | u) = share(v)."""


class AbstractRandom(AbstractMistake):
    """A mistake that adds a random number: q(v | u) depends on v − u."""

    @abstractmethod
    def pieces(self) -> tuple[np.ndarray, np.ndarray]:
        """Ends (P + 1,) of intervals of v − u in spreads, ascending, and the densities (P,) there.

        The density is constant within an interval, and 0 outside.
        """


def tidy(numbers: np.ndarray) -> np.ndarray:
    """Numbers rounded to twelve significant digits: 0.1 · 3 becomes 0.3.

    >>> tidy(np.array([0.1 * 3, 1e20 / 3])).tolist()
    [0.3, 3.33333333333e+19]
    """
    size = np.abs(numbers)
    with np.errstate(divide="ignore", invalid="ignore"):
        places = 11 - np.floor(np.log10(np.where(size > 0, size, 1.0)))
        up, down = 10.0 ** np.clip(places, 0, 300), 10.0 ** np.clip(-places, 0, 300)
        return np.where(places >= 0, np.round(numbers * up) / up, np.round(numbers / down) * down)


def written_decimals(numbers: np.ndarray, most: int = 10) -> np.ndarray:
    """Number of decimals of each number (n,), up to ``most``, or one more if there are more.

    >>> written_decimals(np.array([3.0, 0.25, 1 / 3])).tolist()
    [0, 2, 11]
    """
    found = np.full(len(numbers), most + 1)
    for decimals in range(most, -1, -1):
        found[np.round(numbers, decimals) == numbers] = decimals
    return found


def mantissas(numbers: np.ndarray, form: Form) -> np.ndarray:
    """|number| · 10^decimals as int64 (n,); −1 where that is no integer of at most 15 digits."""
    scaled = tidy(np.abs(numbers) * 10.0**form.decimals)
    whole = np.isfinite(scaled) & (scaled == np.round(scaled)) & (scaled < 10.0**MOST_DIGITS)
    return np.where(whole, scaled, -1).astype(np.int64)


def numbers_of(mantissa: np.ndarray, like: np.ndarray, form: Form) -> np.ndarray:
    """The inverse of ``mantissas``, with the signs of other numbers; NaN for negative mantissas."""
    sign = np.where(like < 0, -1.0, 1.0)
    return np.where(mantissa >= 0, sign * mantissa / 10.0**form.decimals, np.nan)


def lengths(mantissa: np.ndarray) -> np.ndarray:
    """Number of decimal digits of integers (…); 1 of zero."""
    powers = 10 ** np.arange(1, MOST_DIGITS + 1, dtype=np.int64)
    return 1 + np.searchsorted(powers, mantissa, side="right")
