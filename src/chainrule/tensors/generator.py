"""Uniforms and permutations as PyTorch draws them on a CPU: the Mersenne Twister's words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np


class Generator:
    """A source of random numbers, of which equal seeds draw what PyTorch's generator draws.

    Args:
        device: ignored; generators are on the CPU.
    """

    def __init__(self, device: Any = "cpu") -> None:
        self._words: Any = np.random.MT19937()

    def manual_seed(self, seed: int) -> Generator:
        """Restarts the generator from the lowest 32 bits of a seed, as PyTorch does."""
        self._words.state = np.random.RandomState(seed % 2**32).get_state(legacy=False)
        return self

    def uniforms(self, shape: Sequence[int], dtype: Any) -> np.ndarray:
        """Uniforms on [0, 1): 53 bits of two words in float64, 24 bits of one in float32."""
        size = math.prod(shape)
        if dtype == np.float32:
            words = self._words.random_raw(size) & (2**24 - 1)
            return (words / 2**24).astype(np.float32).reshape(shape)
        words = self._words.random_raw(2 * size).reshape(-1, 2)
        bits = (words[:, 0] << np.uint64(32) | words[:, 1]) & np.uint64(2**53 - 1)
        return (bits / 2**53).reshape(shape)

    def permutation(self, n: int) -> np.ndarray:
        """A permutation of n numbers, by exchanges with one of those that follow."""
        found = list(range(n))
        for k, word in enumerate(self._words.random_raw(max(n - 1, 0)).tolist()):
            other = k + word % (n - k)
            found[k], found[other] = found[other], found[k]
        return np.array(found, np.int64)

    def normal(self, shape: Sequence[int]) -> np.ndarray:
        """Normal draws, other ones than PyTorch's."""
        return np.random.Generator(self._words).standard_normal(shape)
