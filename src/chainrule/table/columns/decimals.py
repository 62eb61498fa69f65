"""The decimals in which continuous numbers are written, to which draws are rounded."""

from __future__ import annotations

import numpy as np

FEW = 0.001  # most numbers that may have more decimals, as a share
MOST_DIGITS = 15  # float64 has 15 decimal digits; numbers with more are written in no decimals
MOST_DECIMALS = 22  # 10^22 is the largest power of ten that float64 holds exactly
ROUNDING = 2.0**-50  # relative error of numbers of double precision
MOST_NOISE = 1e-4  # of the last decimal
SAMPLE = 64  # numbers that are rounded first; most columns are continuous


def decimals_of(numbers: np.ndarray, *, min_count: int, noise: float = 0.0) -> int | None:
    """The number of decimals of all known numbers (N,) but one in a thousand.

    It is None if there is no such number up to 15 significant digits, or if fewer than
    ``min_count`` rows are known. Decimals that fewer than ``min_count`` rows need do not count.
    Arithmetic may have moved the numbers by a relative error of ``noise``.

    >>> decimals_of(np.array([1.5, 2.25, 3.0]), min_count=1)
    2
    >>> decimals_of(np.array([1 / 3, 2 / 3]), min_count=1) is None
    True
    >>> decimals_of(np.array([0.1 + 0.2, 1.7]), min_count=1, noise=ROUNDING)
    1
    """
    known = numbers[~np.isnan(numbers)]
    if not len(known) or len(known) < min_count:
        return None
    allowed = max(FEW * len(known), min_count - 1)
    largest = float(np.abs(known).max())
    some = known[:: max(1, len(known) // SAMPLE)]
    for decimals in range(MOST_DECIMALS + 1):
        if largest * 10.0**decimals >= 10.0**MOST_DIGITS:
            return None
        # If more numbers of a sample have more than is allowed in all, the others need no look.
        if all(_has_more(each, decimals, noise).sum() <= allowed for each in (some, known)):
            return decimals
    return None


def rounded_within(values: np.ndarray, decimals: int, least: float, most: float) -> np.ndarray:
    """Values (N,) rounded to decimals; inwards where the nearest one is beyond an end.

    A value stays as it is where no rounded one lies between the ends.

    >>> rounded_within(np.array([0.004, 0.996]), 2, 0.001, 1.0).tolist()
    [0.01, 1.0]
    """
    unit, rounded = 10.0**-decimals, np.round(values, decimals)
    rounded = np.where(rounded < least, np.round(rounded + unit, decimals), rounded)
    rounded = np.where(rounded > most, np.round(rounded - unit, decimals), rounded)
    return np.where((rounded < least) | (rounded > most), values, rounded)


def _has_more(numbers: np.ndarray, decimals: int, noise: float) -> np.ndarray:
    """Marks the numbers (N,) that have more decimals, even up to noise well below a unit."""
    allowed = np.minimum(noise * np.abs(numbers), MOST_NOISE * 10.0**-decimals)
    return np.abs(np.round(numbers, decimals) - numbers) > allowed
