"""The loss of validation rows, with the same masks each time, so that epochs are comparable."""

from __future__ import annotations

from collections.abc import Callable

import torch

from chainrule.networks import AbstractTrainable
from chainrule.rng import generator_from
from chainrule.training.batches import Rows, batches

VALID_ROWS = 1000  # rows per batch
VALID_SEED = 1  # for the masks of an orderless network


@torch.no_grad()
def validate(network: AbstractTrainable, rows: Rows) -> float:
    """The training loss per row without dropout, in nats: −log p, or an estimate of it."""
    return rows.total(losses_of_rows(network, rows)) / rows.count


def reported_nats(network: AbstractTrainable, rows: Rows, validated: float) -> float:
    """−log p per row for the reader, given the result of ``validate``.

    The training loss of an orderless network reweights rows with missing cells; the reported
    estimate does not.
    """
    if rows.observed is None or not network.loss_is_estimate:
        return validated
    return rows.total(losses_of_rows(network, rows, network.order_loss)) / rows.count


@torch.no_grad()
def losses_of_rows(
    network: AbstractTrainable, rows: Rows, loss: Callable[..., torch.Tensor] | None = None
) -> torch.Tensor:
    """The training loss of each row without dropout, (N,) float64, or another loss."""
    generator, loss = generator_from(VALID_SEED), loss or network.training_loss
    training = network.training
    network.eval()
    found = [
        b.in_table_units(loss(b.x, b.observed, generator=generator).double())
        for b in batches(rows, VALID_ROWS)
    ]
    network.train(training)
    return torch.cat(found)
