"""Philox4x64-10: random words as a function of a counter and a key.

A word depends on nothing else, so rows with counters of their own draw the same words in any order
and in any batch. ``numpy.random.Philox`` computes the same words, one stream at a time; here, each
row has its own counter.

Source: Salmon, Moraes, Dror & Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011.
"""

from __future__ import annotations

import numpy as np

ROUNDS = 10
MULTIPLIERS = np.uint64(0xD2E7470EE14C6C93), np.uint64(0xCA5A826395121157)
WEYL = 0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B  # added to the key after each round
HALF, LOW = np.uint64(32), np.uint64(2**32 - 1)


def philox(counters: np.ndarray, key: tuple[int, int]) -> np.ndarray:
    """Returns the four words of each counter, uint64 (4, …).

    Args:
        counters: uint64 (4, …), the least significant word first.
        key: two integers below 2**64.

    Examples:
        >>> numpys = np.random.Philox(key=[5, 6], counter=[6, 0, 0, 0])  # it first adds one
        >>> words = philox(np.array([7, 0, 0, 0], np.uint64), (5, 6))
        >>> bool((numpys.random_raw(4) == words).all())
        True
    """
    a, b, c, d = np.asarray(counters, np.uint64)
    first, second = key
    for _ in range(ROUNDS):
        high_a, low_a = _product(a, MULTIPLIERS[0])
        high_c, low_c = _product(c, MULTIPLIERS[1])
        a, b = high_c ^ b ^ np.uint64(first), low_c
        c, d = high_a ^ d ^ np.uint64(second), low_a
        first, second = (first + WEYL[0]) % 2**64, (second + WEYL[1]) % 2**64
    return np.stack([a, b, c, d])


def _product(a: np.ndarray, b: np.uint64) -> tuple[np.ndarray, np.ndarray]:
    """Returns the high and the low word of the 128-bit products a · b."""
    with np.errstate(over="ignore"):  # the low word is the product modulo 2**64
        high_a, low_a, high_b, low_b = a >> HALF, a & LOW, b >> HALF, b & LOW
        low = low_a * low_b
        middle = high_a * low_b + (low >> HALF)
        carried = low_a * high_b + (middle & LOW)
        return high_a * high_b + (middle >> HALF) + (carried >> HALF), a * b
