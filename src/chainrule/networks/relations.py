"""Relations: what a row's known cells say of another column by a fixed rule, not by a network.

The result of a rule becomes parameters of the column's conditional. A network learns all other
parameters. So p(x_k | known cells) stays a distribution whatever the network does.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch

from chainrule.conditionals import Distribution
from chainrule.leaves.leaf import AbstractLeaf
from chainrule.networks.walk import Walk

Rule: TypeAlias = Callable[[torch.Tensor, torch.Tensor], "list[Sequence[torch.Tensor]]"]
"""From codes (N, D) and known cells, bool (N, D), to ``params`` of each of some relations."""


class AbstractRelation(AbstractLeaf, ABC):
    """A rule from known cells to parameters of some columns' conditionals: a frozen value.

    A conditional declares these parameters as its ``evidence_slots``. The relations of a column
    fill them in turn.
    """

    @property
    @abstractmethod
    def columns(self) -> tuple[int, ...]:
        """The columns whose parameters it computes."""

    @property
    @abstractmethod
    def width(self) -> int:
        """The number of parameters of each of these columns."""

    @property
    def is_withheld(self) -> bool:
        """Whether training hides its result in some rows, so that the network learns the rest."""
        return False

    @property
    @abstractmethod
    def nothing(self) -> tuple[float, ...]:
        """The parameters (width,) of a column about which known cells say nothing."""

    @abstractmethod
    def params(
        self, x: torch.Tensor, known: torch.Tensor, columns: Sequence[int]
    ) -> Sequence[torch.Tensor]:
        """Parameters (N, width) of each of some of its columns.

        Args:
            x: codes (N, D); codes of cells that are not known are never used.
            known: bool (N, D). A column's own cell says nothing about it, known or not.
            columns: some of ``columns``.
        """

    @classmethod
    def rule_of(cls, relations: Sequence[Any]) -> Rule:
        """The ``params`` of all columns of some relations of this class, as one function."""

        def rule(x: torch.Tensor, known: torch.Tensor) -> list[Sequence[torch.Tensor]]:
            return [relation.params(x, known, relation.columns) for relation in relations]

        return rule


@dataclass(frozen=True)
class Slots:
    """The parameters of one column that relations compute.

    Attributes:
        relations: each relation, with the positions of its parameters within the column's.
    """

    relations: tuple[tuple[AbstractRelation, tuple[int, ...]], ...]

    @property
    def positions(self) -> list[int]:
        """All positions within the column's parameters."""
        return [slot for _, slots in self.relations for slot in slots]

    def values(
        self,
        column: int,
        x: torch.Tensor,
        known: torch.Tensor,
        withheld: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """The parameters (N, positions) from codes (N, D) and known cells (N, D)."""
        return torch.cat(
            [
                hidden(relation, relation.params(x, known, (column,))[0], withheld)
                for relation, _ in self.relations
            ],
            dim=1,
        )


def hidden(
    relation: AbstractRelation, params: torch.Tensor, withheld: torch.Tensor | None
) -> torch.Tensor:
    """The parameters (N, width), with nothing said in rows (N,) that training withholds."""
    if withheld is None or not relation.is_withheld:
        return params
    return torch.where(withheld[:, None], params.new_tensor(relation.nothing), params)


def slots_of(
    relations: Sequence[AbstractRelation], evidence_slots: Sequence[tuple[int, ...]]
) -> dict[int, Slots]:
    """The slots of each column that relations speak of.

    Args:
        relations: the relations, in the order in which they fill a column's slots.
        evidence_slots: of the conditional of each column.
    """
    found: dict[int, list[tuple[AbstractRelation, tuple[int, ...]]]] = {}
    used = [0] * len(evidence_slots)
    for relation in relations:
        for column in relation.columns:
            start, used[column] = used[column], used[column] + relation.width
            slots = evidence_slots[column][start : used[column]]
            found.setdefault(column, []).append((relation, slots))
    return {column: Slots(tuple(some)) for column, some in found.items()}


class RelatedWalk:
    """A walk whose distributions have the parameters that relations compute.

    Args:
        walk: the walk over the network's own parameters.
        slots: of each column that relations speak of.
        x: codes (n, D) at the beginning.
        known: bool (n, D), the cells that are known from the beginning.
    """

    def __init__(
        self, walk: Walk, slots: Mapping[int, Slots], x: torch.Tensor, known: torch.Tensor
    ) -> None:
        self._walk, self._slots = walk, slots
        self._x, self._known = x.clone(), known.clone()

    def distribution(self, column: int) -> Distribution:
        """p(x_column | given and learned cells), n distributions."""
        found = self._walk.distribution(column)
        return settled(found, self._slots.get(column), column, self._x, self._known)

    def learn(self, column: int, values: torch.Tensor, rows: torch.Tensor) -> None:
        """Takes the column's values; they are known from now on."""
        self._x[:, column] = torch.where(self._known[:, column], self._x[:, column], values)
        self._known[:, column] |= rows
        self._walk.learn(column, values, rows)

    def take(self, rows: torch.Tensor) -> RelatedWalk:
        """See ``Walk``."""
        found = copy(self)
        found._walk = self._walk.take(rows)
        found._x, found._known = self._x[rows], self._known[rows]
        return found


def settled(
    distribution: Distribution,
    slots: Slots | None,
    column: int,
    x: torch.Tensor,
    known: torch.Tensor,
) -> Distribution:
    """The distribution with the parameters that relations compute from known cells (N, D)."""
    if slots is None:
        return distribution
    params = with_slots(distribution.params, slots, slots.values(column, x, known))
    return Distribution(distribution.conditional, params, distribution.log_weight)


def with_slots(params: torch.Tensor, slots: Slots, values: torch.Tensor) -> torch.Tensor:
    """Parameters (N, M, width) with these values (N, positions) in their slots."""
    params = params.clone()
    params[:, :, slots.positions] = values.to(params.dtype)[:, None]
    return params
