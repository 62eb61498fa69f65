"""Decisions as bits: an encoder and a decoder with the same calls, and what is made of decisions.

The encoder is given what was decided, and the decoder finds it. Whoever calls them computes the
same probabilities for both. So one function does both, and cannot do them differently.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, Protocol

import numpy as np

BITS_OF_BYTE = 8
END = 0  # the byte after a text
LARGEST = 2.0**53  # float64 counts no farther

# log P(low <= number <= high) of some rows: their indices (m,), low and high (m,).
LogMass = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


class DamagedError(ValueError):
    """A file that was not written with this model, or is not whole."""


class Coder(Protocol):
    """Writes or reads decisions."""

    def take(self, probabilities: np.ndarray, decided: np.ndarray) -> np.ndarray:
        """Returns what was decided, int (n,): indices of the probabilities.

        Args:
            probabilities: (n, V), each row sums to 1 up to rounding.
            decided: int (n,); a decoder does not read it.
        """
        ...


class Encoder:
    """Writes decisions."""

    def __init__(self) -> None:
        queue, self._family = _constriction()
        self._encoder = queue.RangeEncoder()

    def take(self, probabilities: np.ndarray, decided: np.ndarray) -> np.ndarray:
        """See ``Coder``."""
        if len(decided):
            p = np.ascontiguousarray(probabilities, dtype=np.float64)
            self._encoder.encode(decided.astype(np.int32), self._family, p)
        return decided

    def words(self) -> np.ndarray:
        """Returns all that was written, uint32 (W,)."""
        return self._encoder.get_compressed()


class Decoder:
    """Reads decisions from the words of an encoder, uint32 (W,)."""

    def __init__(self, words: np.ndarray) -> None:
        queue, self._family = _constriction()
        self._decoder = queue.RangeDecoder(words)

    def take(self, probabilities: np.ndarray, decided: np.ndarray) -> np.ndarray:
        """See ``Coder``."""
        if not len(probabilities):
            return np.zeros(0, dtype=np.int64)
        p = np.ascontiguousarray(probabilities, dtype=np.float64)
        try:
            return self._decoder.decode(self._family, p).astype(np.int64)
        except (AssertionError, ValueError, KeyError) as error:
            raise DamagedError(f"no decision has these bits: {error}") from error


def _constriction() -> tuple[Any, Any]:
    """Returns the module of range coders, and the family of the distributions of decisions."""
    stream: Any = import_module("constriction").stream  # type: ignore[attr-defined]
    return stream.queue, stream.model.Categorical(perfect=False)


def texts(coder: Coder, words: Sequence[str]) -> list[str]:
    """Returns texts, byte by byte of all of them, each with a zero byte at its end.

    Args:
        coder: the coder.
        words: the texts; a decoder reads only how many they are.

    Raises:
        ValueError: a text with a zero byte.
        DamagedError: bytes that are no text.
    """
    if any("\0" in word for word in words):
        raise ValueError("a cell holds a zero byte, which ends a text; remove it")
    given = [word.encode() for word in words]
    found = [bytearray() for _ in words]
    left, place = np.arange(len(words)), 0
    while len(left):
        decided = [given[k][place] if place < len(given[k]) else END for k in left]
        every = np.full((len(left), 256), 1 / 256)
        taken = coder.take(every, np.array(decided))
        left, place = left[taken != END], place + 1
        for k, byte in zip(left.tolist(), taken[taken != END].tolist(), strict=True):
            found[k].append(byte)
    try:
        return [each.decode() for each in found]
    except UnicodeDecodeError as error:
        raise DamagedError(f"a cell is no text: {error}") from error


def bits_of(words: Sequence[str]) -> np.ndarray:
    """Returns how many bits ``texts`` writes for each text, (n,)."""
    return np.array([BITS_OF_BYTE * (len(word.encode()) + 1) for word in words], dtype=np.float64)


def whole_numbers(
    coder: Coder,
    log_mass: LogMass,
    numbers: np.ndarray,
    ends: tuple[float, float],
    center: float,
    spread: float,
) -> np.ndarray:
    """Returns whole numbers (n,), each by decisions between the halves of what is left.

    Args:
        coder: the coder.
        log_mass: the log-masses of intervals of numbers.
        numbers: (n,); a decoder reads only how many they are.
        ends: the least and the largest number; they may be infinite.
        center: where a range without ends is divided first.
        spread: how far from the center it is divided next; the distance doubles each time.

    Raises:
        DamagedError: a number that float64 cannot count.
    """
    first, step = float(np.round(center)), float(max(1.0, np.round(spread)))
    low, high = np.full(len(numbers), ends[0]), np.full(len(numbers), ends[1])
    left = np.flatnonzero(low < high)
    while len(left):
        a, b = low[left], high[left]
        middle = _middle(a, b, first, step)
        if (np.abs(middle) > LARGEST).any():
            raise DamagedError("a number is too large")
        logs = np.stack([log_mass(left, a, middle), log_mass(left, middle + 1, b)], axis=1)
        is_upper = coder.take(_shares(logs), (numbers[left] > middle).astype(np.int64)) == 1
        low[left] = np.where(is_upper, middle + 1, a)
        high[left] = np.where(is_upper, b, middle)
        left = left[low[left] < high[left]]
    return low


def _middle(low: np.ndarray, high: np.ndarray, first: float, step: float) -> np.ndarray:
    """Returns the last number (n,) of the lower half of each range.

    A range without one end is cut at first ± step · (2^j − 1), at the next such number within.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        above = first + step * (2 ** np.ceil(np.log2(np.maximum(low - first, 0) / step + 2)) - 1)
        below = first - step * (2 ** np.ceil(np.log2(np.maximum(first - high, 0) / step + 2)) - 1)
        above = np.where(low < first, first, above) - 1
        below = np.where(high >= first, first - 1, below)
        inside = np.floor((low + high) / 2)
    no_low, no_high = np.isinf(low), np.isinf(high)
    found = np.where(no_high, above, np.where(no_low, below, inside))
    return np.where(no_low & no_high, first - 1, found)


def _shares(logs: np.ndarray) -> np.ndarray:
    """Returns probabilities (n, 2) of two log-masses (n, 2); equal ones where there is no mass."""
    most = logs.max(axis=1, keepdims=True)
    with np.errstate(invalid="ignore"):
        p = np.exp(logs - most)
        p = p / p.sum(axis=1, keepdims=True)
    return np.where(np.isfinite(most), p, 0.5)
