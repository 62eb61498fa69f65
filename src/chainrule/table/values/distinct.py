"""The different cells of a column, so that work in Python is done once for each of them."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Hashable, Iterable
from functools import cached_property
from itertools import count
from typing import Any, Self

import numpy as np

UNEQUAL = frozenset({str, bytes, type(None), datetime.date})  # none equals a cell of another type
EQUAL = (bool, int)  # True == 1, but one of these types alone is told apart by its values
VALUES = UNEQUAL | {*EQUAL, float, datetime.datetime}  # equal ones are treated alike


class Distinct:
    """A column and its different cells, which are found when first asked for.

    Two cells are the same if every function of one cell treats them alike: if they are one object,
    or equal and of one type. 1, 1.0, True and "1" differ, as do 0.0 and -0.0, and decimals or times
    with a zone, since equal ones may be written differently. All NaN are the same.

    The object is for a single call. It does not see later changes of the column.

    Attributes:
        values: the cells (N,), as numpy holds them.

    Examples:
        >>> column = Distinct(np.array(["b", 1, "b", True], dtype=object))
        >>> column.cells.tolist(), column.codes.tolist(), column.counts.tolist()
        (['b', 1, True], [0, 1, 0, 2], [2, 1, 1])
    """

    def __init__(self, values: np.ndarray) -> None:
        self.values = values

    @classmethod
    def counted(cls, cells: np.ndarray, counts: np.ndarray, first: np.ndarray) -> Self:
        """The different cells (V,) of a column that is not held, with their counts and first rows.

        ``values`` then has each of them once, and so has ``codes``.
        """
        found = cls(cells)
        found.__dict__.update(_found=(np.arange(len(cells)), first), cells=cells, counts=counts)
        return found

    @property
    def codes(self) -> np.ndarray:
        """The number (N,) among the different cells of each cell."""
        return self._found[0]

    @property
    def first(self) -> np.ndarray:
        """The first row (V,) of each different cell, ascending."""
        return self._found[1]

    @cached_property
    def cells(self) -> np.ndarray:
        """The different cells (V,), in order of appearance."""
        return self.values[self.first]

    @property
    def items(self) -> Iterable[Any]:
        """The different cells one by one: text and objects as Python has them."""
        cells = self.cells
        return cells if cells.dtype.kind in "mMV" else cells.tolist()

    @cached_property
    def counts(self) -> np.ndarray:
        """The number of rows (V,) of each different cell."""
        return np.bincount(self.codes, minlength=len(self.first))

    @cached_property
    def _found(self) -> tuple[np.ndarray, np.ndarray]:
        if self.values.dtype.kind in "OUS":
            return _numbered(_keys(self.values.tolist()))
        _, first, codes = np.unique(self.values, return_index=True, return_inverse=True)
        order = np.argsort(first)
        rank = np.empty(len(order), dtype=np.intp)
        rank[order] = np.arange(len(order))
        return rank[codes.reshape(-1)], first[order]


def distinct(values: np.ndarray | Distinct) -> Distinct:
    """The different cells of a column (N,); a column that knows them stays as it is."""
    return values if isinstance(values, Distinct) else Distinct(values)


def values_of(values: np.ndarray | Distinct) -> np.ndarray:
    """The cells (N,) of a column."""
    return values.values if isinstance(values, Distinct) else values


def _numbered(keys: list[Any]) -> tuple[np.ndarray, np.ndarray]:
    """The number (N,) of each key in order of appearance, and the first row (V,) of each number."""
    number: defaultdict[Hashable, int] = defaultdict(count().__next__)
    codes = np.fromiter(map(number.__getitem__, keys), dtype=np.intp, count=len(keys))
    first = np.empty(len(number), dtype=np.intp)
    first[codes[::-1]] = np.arange(len(keys))[::-1]  # the last of several assignments stays
    return codes, first


def _keys(cells: list[Any]) -> list[Any]:
    """Keys that are equal if and only if cells are the same."""
    kinds = set(map(type, cells))
    others = kinds - UNEQUAL
    if not others or others in ({kind} for kind in EQUAL):
        return cells
    if kinds.isdisjoint(VALUES):
        return list(map(id, cells))
    return list(map(_key, cells))


def _key(cell: Any) -> Hashable:
    kind = type(cell)
    if kind not in VALUES or (kind is datetime.datetime and cell.tzinfo is not None):
        return None, id(cell)
    if kind is float:
        return kind, (cell or str(cell)) if cell == cell else None
    return kind, cell
