"""Typing mistakes in the digits of a number: two transposed, one dropped, one doubled.

A number is read as its mantissa, the integer |number| · 10^decimals. Place 0 is its last digit.
"""

from __future__ import annotations

import numpy as np
from typing_extensions import override

from chainrule.mistakes.base import (
    MOST_DIGITS,
    AbstractUndo,
    Form,
    lengths,
    mantissas,
    numbers_of,
)

PLACES = MOST_DIGITS - 1  # so that one more digit is still exact


class DigitsTransposed(AbstractUndo):
    """Two neighbouring digits of u change places, each pair of different digits equally often."""

    name = "digits transposed"
    holds = ("numbers",)
    rate = 0.003

    @override
    def sentence(self, found: str, suggested: str) -> str:
        return f"two digits of {suggested} were transposed"

    @override
    def originals(self, values: np.ndarray, form: Form) -> tuple[np.ndarray, np.ndarray]:
        mantissa = mantissas(values, form)
        places = np.arange(int(lengths(mantissa).max(initial=1)))
        before = _transposed(mantissa[:, None], places)  # (n, C)
        # A first digit of zero is not written: the original has a digit at the higher place.
        exists = (before >= 0) & (before // 10 ** (places + 1) > 0)
        before = np.where(exists, before, -1)
        pairs = np.maximum(_different_pairs(before), 1)
        return numbers_of(before, values[:, None], form), -np.log(pairs)

    @override
    def results(self, value: object, form: Form) -> dict[object, float]:
        number = np.array([value], dtype=np.float64)
        mantissa = mantissas(number, form)
        places = np.arange(max(int(lengths(mantissa)[0]) - 1, 0))
        after = _transposed(mantissa[:, None], places)[0]
        after = after[after >= 0]
        found = numbers_of(after, number, form)
        return {float(v): 1 / len(found) for v in found}


class DigitDropped(AbstractUndo):
    """A digit of u is left out, each equally often, and the digits after it follow.

    A result whose first digit would be zero does not count.
    """

    name = "digit dropped"
    holds = ("numbers",)
    rate = 0.0005

    @override
    def sentence(self, found: str, suggested: str) -> str:
        return f"a digit of {suggested} was left out"

    @override
    def originals(self, values: np.ndarray, form: Form) -> tuple[np.ndarray, np.ndarray]:
        mantissa = mantissas(values, form)
        length = lengths(mantissa)
        places = np.arange(min(int(length.max(initial=1)) + 1, PLACES))
        digits = np.arange(10)
        before = _inserted(mantissa[:, None, None], places[:, None], digits, form.decimals)
        # The longest original has one digit more, and its first digit is not zero.
        fits = (places <= length[:, None])[:, :, None] & (mantissa > 0)[:, None, None]
        fits = fits & ((digits > 0) | (places[:, None] < length[:, None, None]))
        before = np.where(fits, before, -1).reshape(len(values), -1)
        return numbers_of(before, values[:, None], form), -np.log(lengths(before))

    @override
    def results(self, value: object, form: Form) -> dict[object, float]:
        number = np.array([value], dtype=np.float64)
        mantissa = int(mantissas(number, form)[0])
        count, found = int(lengths(np.array(mantissa))), {}
        for place in range(count if mantissa > 0 else 0):
            after = _without(mantissa, place, form.decimals)
            if after > 0 and (place < count - 1 or len(str(after)) == count - 1):
                v = float(numbers_of(np.array(after), number, form)[0])
                found[v] = found.get(v, 0.0) + 1 / count
        return {v: q for v, q in found.items() if v != value}


class DigitDoubled(AbstractUndo):
    """A digit of u before the decimal point is written twice, each equally often."""

    name = "digit doubled"
    holds = ("numbers",)
    rate = 0.0005

    @override
    def sentence(self, found: str, suggested: str) -> str:
        return f"a digit of {suggested} was written twice"

    @override
    def originals(self, values: np.ndarray, form: Form) -> tuple[np.ndarray, np.ndarray]:
        mantissa = mantissas(values, form)
        length = lengths(mantissa)
        places = np.arange(form.decimals, max(int(length.max(initial=1)), form.decimals + 1))
        powers = 10**places
        digits = mantissa[:, None] // powers % 10
        doubled = digits == mantissa[:, None] // (10 * powers) % 10
        doubled = doubled & (places + 1 < length[:, None]) & (mantissa > 0)[:, None]
        high, low = mantissa[:, None] // (10 * powers), mantissa[:, None] % powers
        before = np.where(doubled, high * powers + low, -1)
        count = np.maximum(lengths(before) - form.decimals, 1)
        return numbers_of(before, values[:, None], form), -np.log(count)

    @override
    def results(self, value: object, form: Form) -> dict[object, float]:
        number = np.array([value], dtype=np.float64)
        mantissa = int(mantissas(number, form)[0])
        count, found = len(str(mantissa)) - form.decimals, {}
        for place in range(form.decimals, form.decimals + count if mantissa > 0 else 0):
            high, low = mantissa // 10**place, mantissa % 10**place
            after = (high * 10 + high % 10) * 10**place + low
            v = float(numbers_of(np.array(after), number, form)[0])
            found[v] = found.get(v, 0.0) + 1 / count
        return found


def _transposed(mantissa: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Mantissas with the digits at places p and p + 1 exchanged; −1 where they are equal."""
    powers = 10**places
    low, high = mantissa // powers % 10, mantissa // (10 * powers) % 10
    return np.where((low == high) | (mantissa < 0), -1, mantissa + 9 * (low - high) * powers)


def _different_pairs(mantissa: np.ndarray) -> np.ndarray:
    """Number of neighbouring digits of mantissas (…) that differ; 0 of negative ones."""
    length, found = lengths(mantissa), np.zeros(mantissa.shape, dtype=np.int64)
    for place in range(int(length.max(initial=1)) - 1):
        differ = mantissa // 10**place % 10 != mantissa // 10 ** (place + 1) % 10
        found += differ & (place + 1 < length)
    return found


def _inserted(
    mantissa: np.ndarray, place: np.ndarray, digit: np.ndarray, decimals: int
) -> np.ndarray:
    """Mantissas from which dropping the digit at a place gives the mantissas; −1 if none.

    Digits before the decimal point move up. Digits after it move down, and the last one must be
    the zero that is not written.
    """
    power = 10**place
    before_point = mantissa // power * 10 * power + digit * power + mantissa % power
    rest = mantissa % (10 * power)
    after_point = mantissa // (10 * power) * 10 * power + digit * power + rest // 10
    found = np.where(place >= decimals, before_point, np.where(rest % 10 == 0, after_point, -1))
    return np.where((mantissa < 0) | (found == mantissa), -1, found)


def _without(mantissa: int, place: int, decimals: int) -> int:
    """A mantissa without the digit at a place."""
    power = 10**place
    if place >= decimals:
        return mantissa // (10 * power) * power + mantissa % power
    return mantissa // (10 * power) * 10 * power + mantissa % power * 10
