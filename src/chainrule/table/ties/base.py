"""The interface of a tie: from the codes of some columns, the codes that another one may have."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Self, TypeVar

import numpy as np

from chainrule.errors import SchemaError
from chainrule.leaves.leaf import AbstractLeaf

USUAL_SHARE = 0.95  # of the rows in which a tie holds; others hold in part of the rows


class AbstractTie(AbstractLeaf, ABC):
    """A relation between columns of a schema, in their codes, that holds in nearly all rows.

    Copies and ratios may also hold in part of the rows.

    Its arithmetic is exact as long as products and sums of codes are integers below 2^53.

    Attributes:
        columns: the numbers of its columns among those of the schema.
        share: the share of the training rows in which it holds, among those with all its cells
            known of which it says something.
        text: the relation in words, by the names of the columns.
    """

    columns: tuple[int, ...]
    share: float
    text: str

    @property
    def targets(self) -> tuple[int, ...]:
        """The columns of whose values it says something."""
        return self.columns

    @property
    def is_in_part(self) -> bool:
        """Whether it holds in part of the rows: the others do not break a rule."""
        return self.share < USUAL_SHARE

    @property
    def is_exact(self) -> bool:
        """Whether nothing is rounded: the other codes leave one code or none to each."""
        return False

    @property
    def is_monotone(self) -> bool:
        """Whether both ends of each interval rise or fall with each other code."""
        return False

    def interval(self, column: int, x: Any, known: Any) -> tuple[Any, Any]:
        """The smallest and the largest whole code (N,) of a column that the other codes allow.

        Both are float64, and may be infinite. They are 1 and 0 where another cell is unknown, and
        where the tie says nothing, or allows no code.

        Args:
            column: the number of the column, one of the tie's.
            x: codes (N, D) of the schema's columns: an array or a tensor of floats. Those of
                unknown cells, and of this column, are not read.
            known: bool (N, D), the cells that are known.
        """
        if column not in self.columns:
            raise SchemaError(f"tie {self.text!r}: it has no column {column}, only {self.columns}")
        others = [k for k in self.columns if k != column]
        codes = as_float64(x[:, others])  # (N, K)
        allowed = known[:, others].all(-1) & (codes == codes).all(-1)  # (N,)
        codes[~allowed] = 0.0
        low, high, says = self._interval(column, dict(zip(others, codes.T, strict=True)))
        allowed = allowed & says & (low <= high)
        low[~allowed], high[~allowed] = 1.0, 0.0
        return low + 0.0, high + 0.0  # without −0

    @abstractmethod
    def _interval(self, column: int, codes: dict[int, Any]) -> tuple[Any, Any, Any]:
        """The ends of the interval (N,) of known codes (N,) by column, as new arrays or tensors,
        and whether the tie says something.
        """

    def holds(self, x: np.ndarray, known: np.ndarray) -> np.ndarray:
        """Whether the tie holds, (N,): 1 or 0; NaN in rows of which it says nothing.

        These have an unknown cell, a divisor that is zero, or a label that hardly occurs.

        Args:
            x: codes (N, D) of the schema's columns.
            known: bool (N, D), the cells that are known.
        """
        column, whole = self.columns[-1], known[:, list(self.columns)].all(-1)
        codes = {k: np.where(whole, x[:, k], 0.0) for k in self.columns}
        own = codes.pop(column)
        low, high, says = self._interval(column, codes)
        return np.where(whole & says, (low <= own) & (own <= high), np.nan)

    def breaks(self, x: np.ndarray, known: np.ndarray) -> np.ndarray:
        """Whether rows break the tie, bool (N,).

        Rows of which it says nothing do not break it; see ``holds``.

        Args:
            x: codes (N, D) of the schema's columns.
            known: bool (N, D), the cells that are known.
        """
        return self.holds(x, known) == 0

    @abstractmethod
    def shifted(self, by: Mapping[int, int]) -> Self:
        """The same tie if codes count from other origins.

        Args:
            by: the new code of what had code 0 before, less than 0 if codes are smaller now, of
                columns by their numbers.
        """

    def require(self) -> None:
        """Raises SchemaError unless columns, share and text can be those of a tie."""
        if not are_whole(self.columns, least=0) or len(set(self.columns)) < len(self.columns):
            raise SchemaError(f"columns {self.columns!r} of a tie are not different numbers")
        if not isinstance(self.text, str):
            raise SchemaError(f"text {self.text!r} of a tie")
        if not isinstance(self.share, int | float) or not 0 < self.share <= 1:
            raise SchemaError(f"tie {self.text!r}: {self.share!r} is no share of the rows")


AnyTie = TypeVar("AnyTie", bound=AbstractTie)


def are_whole(numbers: Any, *, least: int | None = None) -> bool:
    """Whether numbers are a tuple of integers, of at least ``least``."""
    return isinstance(numbers, tuple) and all(
        isinstance(number, int)
        and not isinstance(number, bool)
        and (least is None or number >= least)
        for number in numbers
    )


def as_float64(x: Any) -> Any:
    """A copy in float64, of an array or a tensor."""
    return x.astype(np.float64) if isinstance(x, np.ndarray) else x.double().clone()


def as_int64(x: Any) -> Any:
    """The same as int64, of an array or a tensor."""
    return x.astype(np.int64) if isinstance(x, np.ndarray) else x.long()


def like(values: Sequence[float], x: Any) -> Any:
    """Numbers as an array or a tensor in float64, as ``x`` is one."""
    return np.array(values, dtype=np.float64) if isinstance(x, np.ndarray) else x.new_tensor(values)


def up(numerator: Any, denominator: Any) -> Any:
    """The quotient of whole floats (N,), rounded upwards."""
    return -(-numerator // denominator)


def larger(x: Any, y: Any) -> Any:
    """The larger of each two floats, of arrays or tensors (N,); NaN if one of them is NaN."""
    return np.maximum(x, y) if isinstance(x, np.ndarray) else x.maximum(y)
