"""Orders: in which sequence the chain rule visits the columns. ``order[i]`` is the column drawn at step i."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from chainrule.errors import ShapeError
from chainrule.rng import generator_from

Order = Sequence[int] | torch.Tensor | str | None


def make_order(order: Order, columns: int, generator: torch.Generator | None = None) -> torch.Tensor:
    """An int64 permutation (D,): natural for None, drawn for "random", else checked.

    >>> make_order([2, 0, 1], 3)
    tensor([2, 0, 1])
    """
    if order is None:
        return torch.arange(columns)
    if isinstance(order, str):
        if order == "natural":
            return torch.arange(columns)
        if order == "random":
            return torch.randperm(columns, generator=generator_from(generator))
        raise ShapeError(
            f"order {order!r} is unknown; give None, 'natural', 'random' or a permutation of 0 … {columns - 1}"
        )
    steps = torch.as_tensor(order).cpu()
    if steps.shape != (columns,) or steps.is_floating_point() or steps.sort().values.tolist() != list(range(columns)):
        shown = steps.tolist() if steps.numel() <= 12 else f"of {steps.numel()} entries"
        raise ShapeError(f"order {shown} is not a permutation of the {columns} columns 0 … {columns - 1}")
    return steps.to(torch.int64)
