"""Labels of a column, each with its number of rows and its first row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from chainrule.table.values.distinct import Distinct

MOST_LABELS = 2**19  # different labels; of more, the rarest are dropped


@dataclass(frozen=True)
class Labels:
    """The different cells of a column in all rows seen.

    Attributes:
        cells: the different cells (V,), in order of appearance, objects.
        counts: numbers of rows, int64 (V,).
        first: the first row (V,) of each.
        dropped: number of different cells that were dropped, the rarest ones.
        dropped_rows: number of their rows.
    """

    cells: np.ndarray
    counts: np.ndarray
    first: np.ndarray
    dropped: int = 0
    dropped_rows: int = 0

    @classmethod
    def of(cls, cells: np.ndarray, first_row: int = 0) -> Self:
        """The different ones of cells (n,), whose first is in row ``first_row`` of the table."""
        found = Distinct(cells)
        return cls(found.cells, found.counts.astype(np.int64), found.first + first_row)._shortened()

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """The labels of several parts of a column, in the order of their rows."""
        found = Distinct(np.concatenate([part.cells for part in parts]))
        counts = np.zeros(len(found.cells), dtype=np.int64)
        np.add.at(counts, found.codes, np.concatenate([part.counts for part in parts]))
        first = np.concatenate([part.first for part in parts])[found.first]
        dropped, rows = (
            sum(each) for each in zip(*((p.dropped, p.dropped_rows) for p in parts), strict=True)
        )
        return cls(found.cells, counts, first, dropped, rows)._shortened()

    @property
    def distinct(self) -> Distinct:
        """The different cells with their counts, for functions that ask for no single row."""
        return Distinct.counted(self.cells, self.counts, self.first)

    def _shortened(self) -> Self:
        """The same with at most ``MOST_LABELS`` labels, the most frequent ones."""
        if len(self.cells) <= MOST_LABELS:
            return self
        order = np.argsort(-self.counts, kind="stable")
        kept = np.sort(order[: MOST_LABELS // 2])
        return type(self)(
            self.cells[kept],
            self.counts[kept],
            self.first[kept],
            self.dropped + len(self.cells) - len(kept),
            self.dropped_rows + int(self.counts.sum() - self.counts[kept].sum()),
        )
