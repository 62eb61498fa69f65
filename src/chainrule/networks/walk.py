"""Walks: the state of a network that visits the columns one at a time, and the loop that draws."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch

from chainrule.conditionals import Distribution


class Walk(Protocol):
    """The state of a network that visits the columns of n rows in its order.

    Every column is learned in turn, whether or not its distribution was computed before.
    """

    def distribution(self, column: int) -> Distribution:
        """p(x_column | given and learned cells) of the next column, n distributions."""
        ...

    def learn(self, column: int, values: torch.Tensor, rows: torch.Tensor) -> None:
        """Takes the column's values (n,) and goes on to the next column.

        Args:
            column: the next column of the order.
            values: its codes (n,).
            rows: bool (n,), the rows in which the column was not given in ``begin``. An orderless
                network reads the other rows' values in ``begin``; other networks read them here.
        """
        ...

    def take(self, rows: torch.Tensor) -> Walk:
        """Returns the walk of some rows, by their numbers (n,), which may repeat.

        It has memory of its own; this walk ends.
        """
        ...


def draw_along(
    walk: Walk,
    order: Sequence[int],
    x: torch.Tensor,
    asked: torch.Tensor,
    uniform: torch.Tensor,
    temperature: float,
) -> None:
    """Draws the asked cells of x in place, column by column, each given those before it.

    Args:
        walk: a walk that began with the given cells of x.
        order: the columns in the order of the walk.
        x: codes (n, D).
        asked: bool (n, D), the cells to draw.
        uniform: (n, D), one number on [0, 1) for each cell.
        temperature: as for ``sample``.
    """
    is_asked, is_asked_of_all = asked.any(0).tolist(), asked.all(0).tolist()
    asked_of, uniforms = asked.unbind(1), uniform.unbind(1)
    for column in order:
        cells = x[:, column]
        if is_asked[column]:
            drawn = walk.distribution(column).draw(uniforms[column], temperature)
            cells.copy_(
                drawn if is_asked_of_all[column] else torch.where(asked_of[column], drawn, cells)
            )
        walk.learn(column, cells, asked_of[column])
