"""Numbers or dates of a column, each with its number of rows; neighbours are joined if many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

MOST_VALUES = 2**19  # different values; of more, neighbours are joined
OUTER_VALUES = 1024  # at either end, which are not joined
OUTER_ROWS = 400  # at either end, which show bounds
FEW_VALUES = 128  # each of so few keeps the rows that a level needs


@dataclass(frozen=True)
class Weighted:
    """The different values of a column in all rows seen, and how many rows have each.

    Attributes:
        values: numbers, booleans or datetimes (V,), ascending; none is missing.
        weights: numbers of rows, int64 (V,).
        different: number of different values seen; at least this many if neighbours are joined.

    Examples:
        >>> seen = Weighted.joined([Weighted.of(np.array([2.5, 1.0])), Weighted.of(np.ones(3))])
        >>> seen.values.tolist(), seen.weights.tolist()
        ([1.0, 2.5], [4, 1])
    """

    values: np.ndarray
    weights: np.ndarray
    different: int

    @classmethod
    def of(cls, values: np.ndarray) -> Self:
        """The different ones of known values (n,)."""
        found, counts = np.unique(values, return_counts=True)
        return cls(found, counts.astype(np.int64), len(found))._thinned()

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """The values of several parts of a column."""
        values, which = np.unique(np.concatenate([p.values for p in parts]), return_inverse=True)
        weights = np.zeros(len(values), dtype=np.int64)
        np.add.at(weights, which, np.concatenate([part.weights for part in parts]))
        again = sum(len(part.values) for part in parts) - len(values)
        different = max(sum(part.different for part in parts) - again, len(values))
        return cls(values, weights, different)._thinned()

    @property
    def rows(self) -> int:
        """The number of rows with a value."""
        return int(self.weights.sum())

    def standing_for(self, most: int, *, least: int) -> np.ndarray:
        """At most about so many values (n,), in random order, that stand for those of all rows.

        The rank of each value, as a share of the rows, changes by less than 1 in 200. The first and
        the last value stay, as do the outermost rows of values that hardly repeat.

        Args:
            most: number of values.
            least: number of rows that make a level; a value with so many keeps them at the ends,
                and if there are few values.
        """
        counts = self.weights
        if self.rows > most:
            share = most / self.rows
            ends = np.round(np.cumsum(self.weights) * share).astype(np.int64)
            counts = np.maximum(np.diff(ends, prepend=0), self._floors(least))
            if len(counts) == 2 and self.weights[0] != self.weights[1]:
                more = int(self.weights.argmax())  # a majority of one row stays one
                counts[more] = max(counts[more], counts[1 - more] + 1)
        found = np.repeat(self.values, counts)
        return np.random.default_rng(0).permutation(found)

    def _floors(self, least: int) -> np.ndarray:
        """The fewest rows (V,) that stand for each value."""
        floors = np.zeros(len(self.weights), dtype=np.int64)
        if len(self.weights) <= FEW_VALUES:
            return np.minimum(self.weights, max(least, 1))
        for weights, found in ((self.weights, floors), (self.weights[::-1], floors[::-1])):
            count = int(np.searchsorted(np.cumsum(weights), OUTER_ROWS + least)) + 1
            outer = weights[:count]
            repeats = bool((outer > least).any())  # else their ends would seem to have more rows
            found[:count] = np.minimum(outer, max(least, 1)) if repeats else outer
        return floors

    def _thinned(self) -> Self:
        """The same with at most ``MOST_VALUES`` values, each with the rows of its neighbours."""
        if len(self.values) <= MOST_VALUES:
            return self
        until = np.cumsum(self.weights)
        group = (until - self.weights) * (MOST_VALUES // 2) // int(until[-1])
        outer = np.arange(1, OUTER_VALUES + 1)
        group[:OUTER_VALUES] = outer - 2 * OUTER_VALUES  # groups of their own
        group[-OUTER_VALUES:] = MOST_VALUES + outer
        order = np.lexsort((-self.weights, group))  # the most frequent one stands for its group
        begins = np.flatnonzero(np.diff(group, prepend=group[0] - 1))
        return type(self)(
            self.values[order[begins]],
            np.add.reduceat(self.weights, begins),
            self.different,
        )
