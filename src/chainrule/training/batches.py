"""Rows to train on, and mini-batches of them in an order that a generator draws."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Rows:
    """Codes (N, D), and which cells are known where not all are."""

    x: torch.Tensor
    observed: torch.Tensor | None = None  # bool (N, D); None: every cell

    def __len__(self) -> int:
        return len(self.x)

    def take(self, rows: torch.Tensor | slice) -> Rows:
        """Some of the rows."""
        if isinstance(rows, slice):
            return Rows(self.x[rows], None if self.observed is None else self.observed[rows])
        return Rows(
            self.x.index_select(0, rows), None if self.observed is None else self.observed.index_select(0, rows)
        )

    def to(self, device: torch.device) -> Rows:
        """The rows on a device."""
        return Rows(self.x.to(device), None if self.observed is None else self.observed.to(device))


def shuffled_batches(rows: Rows, batch_size: int, generator: torch.Generator) -> Iterator[Rows]:
    """The rows once, in an order drawn from ``generator``, in batches; the last may be smaller."""
    order = torch.randperm(len(rows), generator=generator).to(rows.x.device)
    for chosen in order.split(batch_size):
        yield rows.take(chosen)


def batches(rows: Rows, batch_size: int) -> Iterator[Rows]:
    """The rows in order."""
    for start in range(0, len(rows), batch_size):
        yield rows.take(slice(start, start + batch_size))


def count_batches(rows: int, batch_size: int) -> int:
    """Batches in one pass."""
    return -(-rows // batch_size)
