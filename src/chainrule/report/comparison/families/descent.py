"""Training by gradient descent, for the families that are trained so."""

from __future__ import annotations

import torch

from chainrule.report.comparison.data import Data
from chainrule.report.comparison.effort import Effort
from chainrule.report.comparison.families.base import Fitted, Trained
from chainrule.training.loop import Loss, train, training_loss
from chainrule.training.plan import Plan
from chainrule.training.state import make_state

# The representations of a network with one hidden vector per column.
POOLS = {
    "last": "last hidden vector",
    "mean": "mean of the hidden vectors",
    "sum": "sum of the hidden vectors",
    "concat": "all hidden vectors",
}


def descended(
    network: Trained,
    data: Data,
    effort: Effort,
    *,
    learning_rate: float,
    what: str,
    title: str,
    generator: torch.Generator,
    progress: bool,
    loss: Loss = training_loss,
) -> Fitted[Trained]:
    """Trains by AdamW, and keeps the weights of the best epoch on validation rows.

    Args:
        what: what the loss is, as a person reads it.
        title: the family's title, for the progress bar.
        loss: the training loss of a batch, the network's by default.
    """
    network.initialize_from(data.train.x)
    plan = Plan(epochs=effort.epochs, batch_size=effort.batch_size, learning_rate=learning_rate)
    train(
        make_state(network, plan, generator),
        data.train,
        data.valid,
        plan,
        loss=loss,
        what=f"training {title}",
        progress=progress,
    )
    return Fitted(network.eval(), f"{what}, AdamW at {plan.learning_rate:g}")
