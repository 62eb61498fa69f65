"""Rows to train on, and mini-batches of them in an order that a generator draws."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Rows:
    """Codes (N, D), which cells are known where not all are, and how much each row counts where not all count alike."""

    x: torch.Tensor
    observed: torch.Tensor | None = None  # bool (N, D); None: every cell
    weight: torch.Tensor | None = None  # (N,), of mean 1; None: ones
    unit: torch.Tensor | None = (
        None  # (N,) nats: what −log p of a row gains by being in the table's units; None: nothing
    )

    def __len__(self) -> int:
        return len(self.x)

    def take(self, rows: torch.Tensor | slice) -> Rows:
        """Some of the rows."""
        return self._each(lambda part: part[rows] if isinstance(rows, slice) else part.index_select(0, rows))

    def to(self, device: torch.device | str) -> Rows:
        """The rows on a device."""
        return self._each(lambda part: part.to(device))

    @property
    def count(self) -> float:
        """How many rows these are, by weight."""
        return float(len(self)) if self.weight is None else float(self.weight.double().sum())

    def total(self, values: torch.Tensor) -> float:
        """The sum of one number a row (N,), by weight."""
        return float((values if self.weight is None else values * self.weight).double().sum())

    def mean(self, values: torch.Tensor) -> torch.Tensor:
        """The mean () of one number a row (N,), each times its weight: what a step descends."""
        return (values if self.weight is None else values * self.weight).mean()

    def _each(self, of: Callable[[torch.Tensor], torch.Tensor]) -> Rows:
        return Rows(
            of(self.x), *(None if part is None else of(part) for part in (self.observed, self.weight, self.unit))
        )


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
