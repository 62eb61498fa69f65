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
    scale_nats: torch.Tensor | None = None  # (N,): −log p in the table's units less that in codes; None: zeros

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

    def in_table_units(self, nats: torch.Tensor) -> torch.Tensor:
        """−log p of each row (N,) in the table's units, from that in codes; a constant of the row apart, so gradients stay."""
        return nats if self.scale_nats is None else nats + self.scale_nats.to(nats.dtype)

    @property
    def mean_scale_nats(self) -> float:
        """What ``in_table_units`` adds to the mean over the rows, by weight."""
        return 0.0 if self.scale_nats is None else self.total(self.scale_nats) / self.count

    def _each(self, of: Callable[[torch.Tensor], torch.Tensor]) -> Rows:
        parts = (self.observed, self.weight, self.scale_nats)
        return Rows(of(self.x), *(None if part is None else of(part) for part in parts))


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
