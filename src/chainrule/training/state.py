"""Everything that changes while training; a checkpoint is this state as arrays."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import torch

from chainrule.networks import AbstractTrainable
from chainrule.training.plan import Plan


@dataclass
class State:
    """What training changes."""

    network: AbstractTrainable
    optimizer: torch.optim.Optimizer
    generator: torch.Generator
    best: dict[str, torch.Tensor]
    best_nats: float = math.inf  # −log p per validation row with the best weights
    epoch: int = 0  # epochs done
    since_best: int = 0
    rate_scale: float = 1.0
    skipped: int = 0
    bad_in_a_row: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0  # spent on the epochs done, and on the search before them
    trials: list[dict[str, Any]] = field(default_factory=list)  # of the search before it


def make_state(network: AbstractTrainable, plan: Plan, generator: torch.Generator) -> State:
    """The state before the first step. Decay acts on weight matrices, never on biases or first_hidden."""
    decayed = [p for p in network.parameters() if p.ndim > 1]
    plain = [p for p in network.parameters() if p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": plan.weight_decay}, {"params": plain, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW([g for g in groups if g["params"]], lr=plan.learning_rate, fused=True)
    return State(network, optimizer, generator, best=copy_of_weights(network))


def copy_of_weights(network: AbstractTrainable) -> dict[str, torch.Tensor]:
    """The network's tensors by name, copied."""
    return {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}
