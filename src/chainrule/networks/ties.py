"""Ties as relations: the range of values that the known cells of a row leave to a column."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import torch
from typing_extensions import override

from chainrule.errors import ShapeError
from chainrule.networks.relations import AbstractRelation
from chainrule.table.ties import AbstractTie

EMPTY = 1.0, 0.0  # the ends of a range without a value
FAR = 2.0**40  # stands for an end that is infinite


@dataclass(frozen=True)
class Ranges(AbstractRelation):
    """The ends of the range that each tie leaves to a column; the parameters of ``Tied``.

    A sum of columns says something of one even where others are unknown: these lie between their
    own ends. So a stay of one to seven nights ends within a week.

    Args:
        column: the column.
        ties: the ties that say something of it, at least one.
        ends: (column, least, most) of columns of these ties that have an end, at least on one
            side; see ``ends_of``.
    """

    column: int
    ties: tuple[AbstractTie, ...]
    ends: tuple[tuple[int, float, float], ...] = ()

    def __post_init__(self) -> None:
        if not self.ties or not all(self.column in tie.columns for tie in self.ties):
            raise ShapeError(f"column {self.column} is not in each of its ties {self.ties!r}")

    @property
    @override
    def columns(self) -> tuple[int, ...]:
        return (self.column,)

    @property
    @override
    def width(self) -> int:
        """Two ends for each tie."""
        return 2 * len(self.ties)

    @property
    @override
    def is_withheld(self) -> bool:
        return True

    @property
    @override
    def nothing(self) -> tuple[float, ...]:
        return EMPTY * len(self.ties)

    @override
    def params(
        self, x: torch.Tensor, known: torch.Tensor, columns: Sequence[int]
    ) -> list[torch.Tensor]:
        ends = [end for tie in self.ties for end in self._range(tie, x, known)]
        return [torch.stack(ends, dim=1)]

    def _range(
        self, tie: AbstractTie, x: torch.Tensor, known: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The ends (N,) of the range that a tie leaves to the column; 1 and 0 if it leaves none."""
        low, high = tie.interval(self.column, x, known)
        if not tie.is_monotone:
            return low, high
        others = [k for k in tie.columns if k != self.column]
        if len(others) == 1 and not self._ends(others[0]):
            return low, high
        open_rows = ~known[:, others].all(1)
        for other in others:
            open_rows &= known[:, other] | bool(self._ends(other))
        if not bool(open_rows.any()):
            return low, high
        corners = self._corners(tie, others, x[open_rows], known[open_rows])
        first, last = torch.stack([c[0] for c in corners]), torch.stack([c[1] for c in corners])
        is_range = (first <= last).all(0)
        first, last = first.amin(0), last.amax(0)
        first = torch.where(first < -FAR / 2, -torch.inf, first)
        last = torch.where(last > FAR / 2, torch.inf, last)
        low[open_rows] = torch.where(is_range, first, EMPTY[0])
        high[open_rows] = torch.where(is_range, last, EMPTY[1])
        return low, high

    def _ends(self, column: int) -> tuple[float, ...]:
        """Both ends of a column's codes; nothing if there are none."""
        return next(((least, most) for k, least, most in self.ends if k == column), ())

    def _corners(
        self, tie: AbstractTie, others: Sequence[int], x: torch.Tensor, known: torch.Tensor
    ) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """The ranges with each unknown column at each of its ends."""
        everything, found = torch.ones_like(known), []
        for ends in product(*(self._ends(k) or (0.0,) for k in others)):
            at = x.clone()
            for other, end in zip(others, ends, strict=True):
                at[:, other] = torch.where(known[:, other], x[:, other], end)
            found.append(tie.interval(self.column, at, everything))
        return found


def ends_of(
    column: int, ties: Sequence[AbstractTie], limits: Sequence[tuple[float, float]]
) -> tuple[tuple[int, float, float], ...]:
    """The ``ends`` of a column's ranges, from the limits (D,) of all columns' codes."""
    others = sorted({k for tie in ties for k in tie.columns} - {column})
    return tuple(
        (k, max(limits[k][0], -FAR), min(limits[k][1], FAR))
        for k in others
        if not all(map(math.isinf, limits[k]))
    )
