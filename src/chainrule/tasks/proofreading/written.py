"""How the numbers of a column are written: their decimals, and numbers with more of them."""

from __future__ import annotations

import math

import numpy as np

from chainrule.mistakes.base import tidy, written_decimals

MOST_DECIMALS = 10  # of ``written_decimals``
USUALLY = 0.9  # share of the numbers of a column that have its usual decimals, or fewer
MORE_DIGITS = 4  # significant digits more than usual that a column of any decimals does not have
FEWEST_ALIKE = 5  # numbers with the same end that are no mistakes
NEARLY_ALL = 0.995  # share of the numbers on a grid that have its decimals
INNER = 0.005, 0.995  # quantiles to which numbers are moved for a spread
SHOWN_DIGITS = 5  # digits of a spread that are read of numbers in full precision
USUAL, MORE_DECIMALS, FULL_PRECISION = 0, 1, 2  # how a number is written


def digits_of(numbers: np.ndarray) -> np.ndarray:
    """Number of significant digits of each number (n,), without zeros at the end; 0 of zero."""
    size = np.abs(numbers)
    exponent = np.floor(np.log10(np.where(size > 0, size, 1.0)))
    return np.where(size > 0, written_decimals(tidy(size / 10.0**exponent)) + 1, 0)


def without_zeros(numbers: np.ndarray) -> np.ndarray:
    """The numbers (n,) other than 0, or all if there is no other.

    A zero has no decimals, whatever the column writes: it may stand for nothing at all.
    """
    others = numbers[numbers != 0]
    return others if len(others) else numbers


def usual_decimals(numbers: np.ndarray) -> int | None:
    """Decimals of nine in ten of the known numbers (n,) but zeros; None in full precision."""
    if not len(numbers):
        return 0
    decimals = written_decimals(without_zeros(numbers))
    found = int(np.quantile(decimals, USUALLY, method="inverted_cdf"))
    return found if found <= MOST_DECIMALS else None


def shown_decimals(numbers: np.ndarray, spread: float) -> tuple[int, int]:
    """The usual decimals of known numbers (n,), and those of all on the grid but a few.

    Both are at most those that show six digits of the spread.
    """
    enough = max(0, SHOWN_DIGITS - math.floor(math.log10(spread)))
    on_grid = without_zeros(numbers[~is_off_grid(numbers)])
    if not len(on_grid):
        return enough, enough
    shares = USUALLY, NEARLY_ALL
    found = np.quantile(written_decimals(on_grid), shares, method="inverted_cdf").astype(int)
    return min(int(found[0]), enough), min(int(found[1]), enough)


def usual_spread(numbers: np.ndarray, least: float) -> float:
    """Standard deviation of known numbers (n,), with the outermost one per cent moved inwards."""
    if not len(numbers):
        return least
    return max(float(np.clip(numbers, *np.quantile(numbers, INNER)).std()), least)


def manner_of(numbers: np.ndarray) -> np.ndarray:
    """How each number (n,) is written beside the others: one of three constants, int64.

    ``MORE_DECIMALS`` than usual, or in ``FULL_PRECISION``: with four significant digits more as
    well. Both are rare in a column by definition. NaN is written as usual.
    """
    found = np.full(len(numbers), USUAL)
    known = np.flatnonzero(np.isfinite(numbers))
    values = numbers[known]
    usual = usual_decimals(values)
    if usual is None or not len(values):
        return found
    more = written_decimals(values) > usual
    if not more.any():
        return found
    digits = digits_of(values)
    usual_digits = np.quantile(digits[digits > 0], USUALLY, method="inverted_cdf")
    found[known[more]] = MORE_DECIMALS
    found[known[more & (digits >= usual_digits + MORE_DIGITS)]] = FULL_PRECISION
    return found


def is_off_grid(numbers: np.ndarray) -> np.ndarray:
    """Marks numbers (n,) that lie between the points of a grid on which nearly all others lie.

    Numbers in full precision do so. Those with more decimals than usual do so if the grid is
    coarse: there are fewer points than half the numbers where nine in ten of them lie. Halves among
    whole ages are no mistakes: there, most of the numbers with more decimals end alike.
    """
    manner = manner_of(numbers)
    usual = numbers[np.isfinite(numbers) & (manner == USUAL)]
    if not len(usual):
        return np.zeros(len(numbers), dtype=bool)
    low, high = np.quantile(usual, [0.05, 0.95])
    is_coarse = (high - low) * 10.0 ** (usual_decimals(usual) or 0) <= len(numbers) / 2
    more = manner == MORE_DECIMALS
    is_coarse = is_coarse and not _end_alike(numbers[more], usual_decimals(usual) or 0)
    return (manner == FULL_PRECISION) | (is_coarse & more)


def _end_alike(numbers: np.ndarray, decimals: int) -> bool:
    """Whether at least half of numbers (n,) have the same digits after so many decimals."""
    ends = np.round(np.abs(numbers) * 10.0**decimals % 1, MOST_DECIMALS)
    most = int(np.unique(ends, return_counts=True)[1].max(initial=0))
    return most >= max(FEWEST_ALIKE, len(numbers) / 2)
