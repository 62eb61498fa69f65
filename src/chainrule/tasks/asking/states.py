"""States of rows that are drawn column by column: rows whose cells are equal so far share one."""

from __future__ import annotations

import numpy as np

MOST_MARKED = 2**18  # numbers whose marks fit a processor's cache


def distinct(numbers: np.ndarray, end: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns a row (S,) of each different number, ascending, and the place of each row's (n,).

    The numbers are whole, at least 0 and below an end. Few possible numbers are not sorted.
    """
    if end > MOST_MARKED:
        _, first, place = np.unique(numbers, return_index=True, return_inverse=True)
        return first, place
    row = np.full(end, -1)
    row[numbers] = np.arange(len(numbers))
    present = np.flatnonzero(row >= 0)
    first = row[present]
    row[present] = np.arange(len(present))
    return first, row[numbers]


class States:
    """The states of rows: those whose cells are equal so far have one.

    Attributes:
        of_row: int (n,), the number of each row's state.
        first: int (S,), a row of each state.
    """

    def __init__(self, of_row: np.ndarray, first: np.ndarray) -> None:
        self.of_row, self.first = of_row, first

    @classmethod
    def of(cls, codes: np.ndarray, is_given: np.ndarray) -> States:
        """Returns the states of rows (n, D) of which some cells are given."""
        if not is_given.any():
            return cls(np.zeros(len(codes), np.int64), np.zeros(min(len(codes), 1), np.int64))
        known = np.concatenate([np.where(is_given, codes, 0.0), is_given], axis=1)
        _, first, of_row = np.unique(known, axis=0, return_index=True, return_inverse=True)
        return cls(of_row.reshape(-1), first)

    def part(self, codes: np.ndarray, goes_on: np.ndarray) -> np.ndarray | None:
        """Parts the states by the codes (n,) of a further cell.

        Rows that do not go on have state 0 from now on, which nobody reads. They are the first row
        of no state, since their cells may differ from those of the state's other rows.

        Returns:
            For each new state the number (S,) of the one that it was a part of; None if no state
            had several parts.
        """
        count, rows = len(self.first), np.flatnonzero(goes_on)
        values, code = np.unique(codes[rows], return_inverse=True)
        first, of_row = distinct(self.of_row[rows] * len(values) + code, count * len(values))
        parents = self.of_row[rows][first]
        self.of_row, self.first = np.zeros_like(self.of_row), rows[first]
        self.of_row[rows] = of_row
        is_same = len(parents) == count and bool((parents == np.arange(count)).all())
        return None if is_same else parents
