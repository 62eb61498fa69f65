"""The loss of validation rows, with the same masks each time, so that epochs are comparable."""

from __future__ import annotations

from collections.abc import Callable

import torch

from chainrule.networks import AbstractTrainable
from chainrule.ranks import ALONE, AbstractRanks
from chainrule.rng import generator_from
from chainrule.training.batches import Rows, batches

VALID_ROWS = 1000  # rows per batch
VALID_SEED = 1  # of the first batch, for the masks of an orderless network


def validate(network: AbstractTrainable, rows: Rows, ranks: AbstractRanks = ALONE) -> float:
    """The training loss per row without dropout, in nats: −log p, or an estimate of it."""
    return rows.total(losses_of_rows(network, rows, ranks=ranks)) / rows.count


def reported_nats(
    network: AbstractTrainable, rows: Rows, validated: float, ranks: AbstractRanks = ALONE
) -> float:
    """−log p per row for the reader, given the result of ``validate``.

    The training loss of an orderless network reweights rows with missing cells; the reported
    estimate does not.
    """
    if rows.observed is None or not network.loss_is_estimate:
        return validated
    found = losses_of_rows(network, rows, network.order_loss, ranks=ranks)
    return rows.total(found) / rows.count


@torch.no_grad()
def losses_of_rows(
    network: AbstractTrainable,
    rows: Rows,
    loss: Callable[..., torch.Tensor] | None = None,
    *,
    ranks: AbstractRanks = ALONE,
) -> torch.Tensor:
    """The training loss of each row without dropout, (N,) float64, or another loss.

    Each batch has a generator of its own, so ranks share the batches.
    """
    loss, training = loss or network.training_loss, network.training
    network.eval()
    found = torch.zeros(len(rows), dtype=torch.float64, device=rows.x.device)
    for number, batch in enumerate(batches(rows, VALID_ROWS)):
        if number % ranks.size == ranks.rank:
            generator = generator_from(VALID_SEED + number)
            of_batch = loss(batch.x, batch.observed, generator=generator).double()
            first = number * VALID_ROWS
            found[first : first + len(batch)] = batch.in_table_units(of_batch)
    network.train(training)
    ranks.add(found)
    return found
