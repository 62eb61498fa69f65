"""Rows to train on, and mini-batches of them in random order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch

from chainrule.networks.share import WHOLE, Share

TAKEN_AT_ONCE = 16  # batches whose rows are taken from the table in one call; then each is a view


@dataclass(frozen=True)
class Rows:
    """Rows of codes, with a mask of observed cells and a weight for each row.

    Attributes:
        x: codes (N, D).
        observed: the observed cells, bool (N, D); None for all.
        weight: how much each row counts, (N,) of mean 1; None for ones.
        scale_nats: −log p in the table's units minus −log p in codes, (N,); None for zeros.
        frequency: how often each row comes in an epoch on average, (N,) of mean 1; None for once.
            Losses divide by it, except for what rare levels are evidence of.
        causes: the columns of each row's rare levels, int32 (N, R); −1 for none.
        due: how often each of these levels alone would make the row come, (N, R).
    """

    x: torch.Tensor
    observed: torch.Tensor | None = None
    weight: torch.Tensor | None = None
    scale_nats: torch.Tensor | None = None
    frequency: torch.Tensor | None = None
    causes: torch.Tensor | None = None
    due: torch.Tensor | None = None

    def __len__(self) -> int:
        return len(self.x)

    def take(self, rows: torch.Tensor | slice) -> Rows:
        """Some of the rows."""
        return self._each(
            lambda tensor: tensor[rows] if isinstance(rows, slice) else tensor.index_select(0, rows)
        )

    def to(self, device: torch.device | str) -> Rows:
        """The rows on a device."""
        return self._each(lambda tensor: tensor.to(device))

    @property
    def count(self) -> float:
        """The number of rows, by weight."""
        return float(len(self)) if self.weight is None else float(self.weight.double().sum())

    def total(self, values: torch.Tensor) -> float:
        """The weighted sum of values (N,), one for each row."""
        return float((values if self.weight is None else values * self.weight).double().sum())

    def mean(self, values: torch.Tensor, share: Share = WHOLE) -> torch.Tensor:
        """The mean () of values (N,), each times its row's weight: the loss of a step.

        The values may be those of a share of the rows. The means of all shares have the sum of the
        whole.
        """
        if self.weight is not None:
            values = values * self.weight[share.rows(len(self))]
        return values.sum() / len(self)

    def in_table_units(self, nats: torch.Tensor) -> torch.Tensor:
        """−log p of each row (N,) in the table's units, from −log p in codes.

        The two differ by a constant for each row, so gradients stay the same.
        """
        return nats if self.scale_nats is None else nats + self.scale_nats.to(nats.dtype)

    @property
    def scale_total(self) -> float:
        """The weighted sum over the rows of what ``in_table_units`` adds."""
        return 0.0 if self.scale_nats is None else self.total(self.scale_nats)

    @property
    def mean_scale_nats(self) -> float:
        """The weighted mean over the rows of what ``in_table_units`` adds."""
        return self.scale_total / self.count

    def _each(self, of: Callable[[torch.Tensor], torch.Tensor]) -> Rows:
        others = self.observed, self.weight, self.scale_nats, self.frequency, self.causes, self.due
        return Rows(of(self.x), *(None if tensor is None else of(tensor) for tensor in others))


def shuffled_batches(rows: Rows, batch_size: int, generator: torch.Generator) -> Iterator[Rows]:
    """Batches of as many rows as there are, in an order that ``generator`` draws.

    All rows come once, unless they have a ``frequency``. The last batch may be smaller.
    """
    order = torch.randperm(len(rows), generator=generator)
    if rows.frequency is not None:
        order = _presented(rows.frequency, generator)[order]
    for chosen in order.to(rows.x.device).split(TAKEN_AT_ONCE * batch_size):
        yield from batches(rows.take(chosen), batch_size)


def _presented(frequency: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """The rows of one epoch, int64 (N,): each as often as its frequency, rounded down or up.

    The rows are intervals of these lengths, one after the other. N points at distances of 1, after
    a random first one, hit the rows that come.
    """
    ends = frequency.cpu().double().cumsum(0)
    first = torch.rand((), generator=generator, dtype=torch.float64)
    points = torch.arange(len(ends), dtype=torch.float64) + first
    return torch.searchsorted(ends, points, right=True).clamp(max=len(ends) - 1)


def batches(rows: Rows, batch_size: int) -> Iterator[Rows]:
    """Batches of all rows in order; the last may be smaller."""
    for start in range(0, len(rows), batch_size):
        yield rows.take(slice(start, start + batch_size))


def count_batches(rows: int, batch_size: int) -> int:
    """The number of batches in one pass over the rows."""
    return -(-rows // batch_size)
