"""Ties as relations: the range of values that the known cells of a row leave to a column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from typing_extensions import override

from chainrule.errors import ShapeError
from chainrule.networks.relations import AbstractRelation
from chainrule.table.ties import AbstractTie

EMPTY = 1.0, 0.0  # the ends of a range without a value


@dataclass(frozen=True)
class Ranges(AbstractRelation):
    """The ends of the range that each tie leaves to a column; the parameters of ``Tied``.

    Args:
        column: the column.
        ties: the ties that say something of it, at least one.
    """

    column: int
    ties: tuple[AbstractTie, ...]

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
        ends = [end for tie in self.ties for end in tie.interval(self.column, x, known)]
        return [torch.stack(ends, dim=1)]
