"""The state of training: everything that changes. A checkpoint is this state as arrays."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import torch

from chainrule.networks import AbstractTrainable
from chainrule.training.optimizer import AdamW
from chainrule.training.plan import Plan


@dataclass
class State:
    """Everything that training changes.

    Attributes:
        network: with its current weights.
        optimizer: with its moments.
        generator: draws batches and masks.
        best: the best weights so far.
        best_nats: −log p per validation row with the best weights.
        epoch: the number of epochs done.
        since_best: epochs since the best one.
        rate_scale: a factor of the learning rate; each return to the best weights halves it.
        skipped: steps skipped for a loss or gradient that was not finite.
        bad_in_a_row: such steps since the last good one.
        history: a record of each epoch.
        seconds: the time of the epochs done and of the search before them.
        trials: the trials of that search.
    """

    network: AbstractTrainable
    optimizer: torch.optim.Optimizer
    generator: torch.Generator
    best: dict[str, torch.Tensor]
    best_nats: float = math.inf
    epoch: int = 0
    since_best: int = 0
    rate_scale: float = 1.0
    skipped: int = 0
    bad_in_a_row: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0
    trials: list[dict[str, Any]] = field(default_factory=list)

    @property
    def device(self) -> torch.device:
        """The device of the network."""
        return next(self.network.parameters()).device


def make_state(network: AbstractTrainable, plan: Plan, generator: torch.Generator) -> State:
    """The state before the first step; weight decay acts on matrices, not on vectors."""
    decayed = [p for p in network.parameters() if p.ndim > 1]
    plain = [p for p in network.parameters() if p.ndim <= 1]
    apart = [(p, plan.weight_decay * factor) for p, factor in network.decay_factors()]
    groups = [
        {"params": decayed, "weight_decay": 0.0 if apart else plan.weight_decay},
        {"params": plain, "weight_decay": 0.0},
    ]
    optimizer = AdamW(
        [g for g in groups if g["params"]],
        steps=network.step_factors(),
        decays=apart,
        lr=plan.learning_rate,
        fused=True,
    )
    return State(network, optimizer, generator, best=copy_of_weights(network))


def copy_of_weights(network: AbstractTrainable) -> dict[str, torch.Tensor]:
    """Copies of the network's tensors, by name."""
    return {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}
