"""Rows drawn one column at a time: what a network remembers between two steps, and the loop over them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch

from chainrule.conditionals import Distribution


class Walk(Protocol):
    """A network on its way through the columns of n rows, in its order.

    Every column is learned in turn; whether its distribution was asked for before makes no difference.
    """

    def distribution(self, column: int) -> Distribution:
        """p(x_column | the cells known so far) of the next column of the order, n distributions."""
        ...

    def learn(self, column: int, values: torch.Tensor, rows: torch.Tensor) -> None:
        """Takes the column's values (n,) and goes on to the next column.

        Args:
            column: the next column of the order.
            values: its codes (n,).
            rows: bool (n,), those in which it was not known from the beginning. A network of one order reads a value
                that was known only now; one that takes any evidence has read it in ``begin``.
        """
        ...


def draw_along(
    walk: Walk, order: Sequence[int], x: torch.Tensor, asked: torch.Tensor, uniform: torch.Tensor, temperature: float
) -> None:
    """Draws the cells that are asked for, in place: column by column in the order, each given those before it.

    Args:
        walk: begun with the known cells of x.
        order: the columns in the order of the walk.
        x: codes (n, D).
        asked: bool (n, D), the cells to draw.
        uniform: (n, D), one number on [0, 1) for each cell.
        temperature: as of ``sample``.
    """
    anybody, everybody = asked.any(0).tolist(), asked.all(0).tolist()
    asks, uniforms = asked.unbind(1), uniform.unbind(1)
    for column in order:
        if anybody[column]:
            drawn = walk.distribution(column).draw(uniforms[column], temperature)
            x[:, column] = drawn if everybody[column] else torch.where(asks[column], drawn, x[:, column])
        walk.learn(column, x[:, column], asks[column])
