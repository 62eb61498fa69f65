"""Limits what stored numbers disclose: a number made by few rows is rounded, others stay exact.

A model file stores a number exactly under two conditions. At least ``min_count`` rows make it, and
neither one row nor several outlying ones make more than half of its deviation. Otherwise it is
rounded to an order of magnitude: a spread to a power of two, a center to a multiple of it, the end
of a range outwards. Powers of two scale with the table, so a change of units changes no code.
"""

from __future__ import annotations

import math

import numpy as np

HALF = 0.5  # largest share of a deviation that fewer than ``min_count`` rows may make
APART = 0.5  # several rows are outlying if all others are at most this share as far out
FINE_ENDS = 4.0  # standard deviations; nearer ends round to halves, others to powers of two
HIDDEN_BITS = 8  # least number of the largest value's bits that a step of few rows leaves open
SMALL_PRIMES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47)


def is_of_few(numbers: np.ndarray, center: float, *, min_count: int) -> bool:
    """Whether few rows make more than half of Σ (number − center)².

    Few are a single row, or fewer than ``min_count`` rows at least twice as far out as all others.
    Rows with a value that ``min_count`` rows share are not few.

    >>> is_of_few(np.append(np.zeros(399), 83471.0), 209.0, min_count=5)
    True
    >>> is_of_few(np.arange(400.0), 199.5, min_count=5)
    False
    """
    if len(numbers) < min_count:
        return True
    if min_count < 2 or not len(numbers):
        return False
    deviations = np.abs(numbers - center)
    largest = float(deviations.max())
    if not 0 < largest < math.inf:
        return False
    deviations = deviations / largest
    total = float((deviations**2).sum())
    if (_largest(deviations, min_count - 1) ** 2).sum() <= HALF * total:
        return False
    _, which, counts = np.unique(numbers, return_inverse=True, return_counts=True)
    is_rare = counts[which] < min_count
    rare = np.sort(_largest(deviations[is_rare], min_count))[::-1]
    common = float(deviations[~is_rare].max(initial=0.0))
    for count in range(1, min(min_count, len(rare) + 1)):
        others = max(common, float(rare[count]) if count < len(rare) else 0.0)
        is_apart = count == 1 or others <= APART * rare[count - 1]
        if is_apart and (rare[:count] ** 2).sum() > HALF * total:
            return True
    return False


def rounded_scale(center: float, spread: float) -> tuple[float, float]:
    """The multiple, nearest to a center, of the power of two above a spread; and that power.

    >>> rounded_scale(209.0, 4168.0)
    (0.0, 8192.0)
    """
    size = math.ldexp(1.0, math.frexp(spread)[1])
    return round(center / size) * size, size


def rounded_ends(least: float, most: float) -> tuple[float, float]:
    """The ends of a range in standard deviations, rounded outwards.

    Ends up to 4 are rounded to halves, others to powers of two.

    >>> rounded_ends(-2.1, 20.4)
    (-2.5, 32.0)
    """
    return -_upwards(-least), _upwards(most)


def gap_of_few(ranked: np.ndarray, start: int, *, window: int, least: float = 0.0) -> bool:
    """Whether the mean of a window of sorted numbers discloses fewer rows than the window has.

    It does if a gap wider than ``least`` makes more than half of the window's range, with rare
    numbers on one side. It also does if rare numbers lie farther than ``least`` from all frequent
    ones.
    """
    numbers = ranked[start : start + window]
    gaps = np.diff(numbers)
    if not len(gaps) or gaps.max() <= least:
        return False
    many = (
        np.searchsorted(ranked, numbers, side="right")
        - np.searchsorted(ranked, numbers, side="left")
        >= window
    )
    if (
        many.any()
        and np.abs(numbers[~many][:, None] - numbers[many])
        .min(axis=1, initial=np.inf)
        .max(initial=0.0)
        > least
    ):
        return True
    if gaps.max() <= HALF * (numbers[-1] - numbers[0]):
        return False
    cut = int(gaps.argmax()) + 1
    return not (many[:cut].any() and many[cut:].any())


def shared_divisor(integers: np.ndarray, counts: np.ndarray, *, min_count: int) -> tuple[int, bool]:
    """The greatest common divisor of integers with these counts, and whether ``min_count`` rows
    make it.

    They do if the divisor stays the same without any fewer rows.

    >>> shared_divisor(np.array([0, 83471]), np.array([399, 1]), min_count=5)
    (83471, False)
    """
    divisor = _gcd(integers) or 1
    if divisor == 1 or min_count < 2:
        return divisor, True
    quotients = integers // divisor
    # The divisor changes without few rows only if a prime divides all other rows' quotients.
    if any(int(counts[quotients % p != 0].sum()) < min_count for p in SMALL_PRIMES):
        return divisor, False
    common = _gcd(quotients[counts >= min_count])
    rare = quotients[counts < min_count]
    # A larger prime that does so divides all frequent ones, and all of one of these shares.
    for start in range(min_count):
        left = math.gcd(common, _gcd(rare[start::min_count]))
        for p in SMALL_PRIMES:
            while left and left % p == 0:
                left //= p
        if left != 1:
            others = np.array(
                [math.gcd(quotient, left) == 1 for quotient in quotients.tolist()], dtype=bool
            )
            if int(counts[others].sum()) < min_count:
                return divisor, False
    return divisor, True


def is_shared_difference(integers: np.ndarray, counts: np.ndarray, *, min_count: int) -> bool:
    """Whether ``min_count`` rows make the common divisor of the differences of sorted integers.

    This must hold for differences from any of the integers.

    >>> is_shared_difference(np.array([0, 12306]), np.array([1, 399]), min_count=5)
    False
    """
    if counts.sum() < min_count:
        return False
    # If all but a few rows share a value, one of ``min_count`` spaced rows has it.
    rows = np.linspace(0, counts.sum() - 1, min_count).round()
    compared = np.unique(np.searchsorted(counts.cumsum(), rows, side="right"))
    return all(
        shared_divisor(integers - integers[k], counts, min_count=min_count)[1]
        for k in compared.tolist()
    )


def rounded_divisor(divisor: int, largest: int, decimals: int = 0) -> int:
    """A divisor of the divisor that discloses no value: only its powers of two and five.

    Powers of five are limited by the written decimals. Powers of two leave at least eight bits of
    the largest value open.

    >>> rounded_divisor(83471, 83471), rounded_divisor(83471 * 1024, 83471 * 1024)
    (1, 1024)
    """
    twos, fives = _power(divisor, 2), _power(divisor, 5)
    kept = max(decimals, min(twos, largest.bit_length() - 1 - HIDDEN_BITS))
    return 2 ** min(twos, max(kept, 0)) * 5 ** min(fives, decimals)


def _largest(numbers: np.ndarray, count: int) -> np.ndarray:
    return (
        numbers
        if count >= len(numbers)
        else np.partition(numbers, len(numbers) - count)[len(numbers) - count :]
    )


def _upwards(end: float) -> float:
    if end <= -FINE_ENDS:
        return -math.ldexp(0.5, math.frexp(-end)[1])
    return math.ceil(2 * end) / 2 if end <= FINE_ENDS else math.ldexp(1.0, math.frexp(end)[1])


def _gcd(integers: np.ndarray) -> int:
    if integers.dtype.kind == "O":
        return math.gcd(*integers.tolist())
    return int(np.gcd.reduce(integers)) if len(integers) else 0


def _power(number: int, prime: int) -> int:
    count = 0
    while number and number % prime == 0:
        number, count = number // prime, count + 1
    return count
