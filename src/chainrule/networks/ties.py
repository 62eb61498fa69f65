"""Ties as relations: the range of values that the known cells of a row leave to a column."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import product
from typing import Any

import torch
from typing_extensions import override

from chainrule.errors import ShapeError
from chainrule.networks.relations import AbstractRelation, Rule
from chainrule.ops.cells import choose
from chainrule.ops.cells import range_records as kernels
from chainrule.ops.cells.range_records import RangeRecord, RangeRecords
from chainrule.table.ties import (
    AbstractTie,
    FunctionalTie,
    LinearTie,
    ProductTie,
    QuotientTie,
)

EMPTY = 1.0, 0.0  # the ends of a range without a value
FAR = 2.0**40  # stands for an end that is infinite
NARROW = 2.0  # codes between the ends of a range in which no other value lies by chance


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
    ) -> Sequence[torch.Tensor]:
        return _found([self], self._records, x, known)[0]

    @classmethod
    @override
    def rule_of(cls, relations: Sequence[Any]) -> Rule:
        each = tuple(record for relation in relations for record in relation._records.records)
        return partial(_found, relations, RangeRecords(each))

    def plain(self, x: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
        """The ends (N, width) from codes (N, D) and known cells, by the ties themselves."""
        ends = [end for tie in self.ties for end in self._range(tie, x.double(), known)]
        return torch.stack(ends, dim=1)

    def joined(self, ends: torch.Tensor) -> torch.Tensor:
        """The ends (N, width), with ranges cut to what other ties allow, if they agree.

        A rounded tie leaves two values at exact halves: 5 % of 187.90 are 9.39 or 9.40. If gross is
        net + tax, then it is 9.40. So an exact tie cuts the range of a rounded one to its value.
        Of A <= B <= C, each order leaves one side of B open. Both cut each other's ranges.

        Of ties in part, those are left whose values surer ties allow: the larger of two columns is
        a copy of the one that is not too small.

        A tie that holds in fewer rows than another cuts its range only if that is narrow and the
        tie exact. Nothing is cut where ties contradict each other.
        """
        if len(self._orders) > 1:
            ends = self._within_orders(ends)
        if self._rounded and self._exact:
            ends = self._at_exact_values(ends)
        return self._of_those_possible(ends) if self._in_part else ends

    def _at_exact_values(self, ends: torch.Tensor) -> torch.Tensor:
        """The ends (N, width), with the ranges of rounded ties cut to the value of exact ones."""
        found = ends.clone()
        for t in self._rounded:
            for other in self._exact:
                low, high = found[:, 2 * t], found[:, 2 * t + 1]
                value = ends[:, 2 * other]
                is_cut = (value == ends[:, 2 * other + 1]) & (low <= value) & (value <= high)
                if self.ties[other].share < self.ties[t].share:
                    is_cut &= high - low <= NARROW
                found[:, 2 * t] = torch.where(is_cut, value, low)
                found[:, 2 * t + 1] = torch.where(is_cut, value, high)
        return found

    def _within_orders(self, ends: torch.Tensor) -> torch.Tensor:
        """The ends (N, width), with the ranges of orders cut to what all of them allow."""
        found = ends.clone()
        for t in self._orders:
            low, high = ends[:, 2 * t], ends[:, 2 * t + 1]
            first, last = low, high
            for other in self._orders:
                if other != t and self.ties[other].share >= self.ties[t].share:
                    least, most = ends[:, 2 * other], ends[:, 2 * other + 1]
                    first = torch.where(least <= most, torch.maximum(first, least), first)
                    last = torch.where(least <= most, torch.minimum(last, most), last)
            is_range = (low <= high) & (first <= last)
            found[:, 2 * t] = torch.where(is_range, first, low)
            found[:, 2 * t + 1] = torch.where(is_range, last, high)
        return found

    def _of_those_possible(self, ends: torch.Tensor) -> torch.Tensor:
        """The ends (N, width), without ranges of ties in part that surer ties do not allow."""
        found = ends.clone()
        for t in self._in_part:
            low, high = ends[:, 2 * t], ends[:, 2 * t + 1]
            is_wrong = low > high
            for other, tie in enumerate(self.ties):
                if not tie.is_in_part:
                    least, most = ends[:, 2 * other], ends[:, 2 * other + 1]
                    is_wrong = is_wrong | ((least <= most) & ((high < least) | (most < low)))
            found[:, 2 * t] = torch.where(is_wrong, EMPTY[0], low)
            found[:, 2 * t + 1] = torch.where(is_wrong, EMPTY[1], high)
        return found

    @cached_property
    def _in_part(self) -> tuple[int, ...]:
        """The positions of the ties that hold in part of the rows."""
        return tuple(t for t, tie in enumerate(self.ties) if tie.is_in_part)

    @cached_property
    def _orders(self) -> tuple[int, ...]:
        """The positions of the ties that leave one side open."""
        return tuple(
            t
            for t, tie in enumerate(self.ties)
            if isinstance(tie, LinearTie) and math.isinf(tie.most - tie.least)
        )

    @cached_property
    def _exact(self) -> tuple[int, ...]:
        """The positions of the ties that round nothing, those of most rows first."""
        ties = enumerate(self.ties)
        exact = [t for t, tie in ties if tie.is_exact and not tie.is_in_part]
        return tuple(sorted(exact, key=lambda t: -self.ties[t].share))

    @cached_property
    def _rounded(self) -> tuple[int, ...]:
        """The positions of the ties that round a value."""
        ties, orders = enumerate(self.ties), self._orders
        return tuple(t for t, tie in ties if not tie.is_exact and t not in orders)

    @cached_property
    def _records(self) -> RangeRecords:
        """The ties as the kernel reads them."""
        return RangeRecords(tuple(_record_of(tie, self.column, self.ends) for tie in self.ties))

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


def _found(
    relations: Sequence[Ranges], records: RangeRecords, x: torch.Tensor, known: torch.Tensor
) -> list[Sequence[torch.Tensor]]:
    """The params of some relations, by the kernel if it serves codes of this device."""
    is_served = x.device.type == "cpu" and not torch.compiler.is_compiling()
    if not is_served or not choose.is_compiled():
        ends = [relation.plain(x, known) for relation in relations]
    else:
        widths = [relation.width for relation in relations]
        ends = choose.of_ties().ranges(x, known, records).split(widths, dim=1)
    return [[relation.joined(each)] for relation, each in zip(relations, ends, strict=True)]


def _record_of(
    tie: AbstractTie, column: int, ends: tuple[tuple[int, float, float], ...]
) -> RangeRecord:
    """What the kernel needs to know of a tie that leaves a range to a column."""
    if isinstance(tie, FunctionalTie):
        return RangeRecord(kernels.FUNCTIONAL, column, tie.columns, levels=tie.levels)
    if isinstance(tie, ProductTie | QuotientTie):
        return RangeRecord(
            kernels.PRODUCT if isinstance(tie, ProductTie) else kernels.QUOTIENT,
            column,
            tie.columns,
            scales=tie.scales,
            offsets=tie.offsets,
            slack=tie.slack,
        )
    assert isinstance(tie, LinearTie)
    used = tuple(end for end in ends if end[0] in tie.columns and end[0] != column)
    return RangeRecord(
        kernels.LINEAR,
        column,
        tie.columns,
        scales=tie.coefficients,
        least=tie.least,
        most=tie.most,
        ends=used,
    )


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
