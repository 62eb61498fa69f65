"""Mini-batches in an order that a generator draws."""

from __future__ import annotations

from collections.abc import Iterator

import torch


def shuffled_batches(x: torch.Tensor, batch_size: int, generator: torch.Generator) -> Iterator[torch.Tensor]:
    """The rows of x (N, D) once, in an order drawn from ``generator``, in batches; the last may be smaller."""
    order = torch.randperm(len(x), generator=generator).to(x.device)
    for chosen in order.split(batch_size):
        yield x.index_select(0, chosen)


def batches(x: torch.Tensor, batch_size: int) -> Iterator[torch.Tensor]:
    """The rows of x in order."""
    yield from x.split(batch_size)


def count_batches(rows: int, batch_size: int) -> int:
    """Batches in one pass."""
    return -(-rows // batch_size)
