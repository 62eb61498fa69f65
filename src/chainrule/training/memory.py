"""Checks before any allocation that a network and its training fit into memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch

from chainrule.errors import ChainruleError
from chainrule.machine import free_bytes
from chainrule.networks import AbstractNetwork, Columns
from chainrule.training.plan import Plan

# Copies of each parameter: itself, its gradient, two moments, the best so far, one for a file.
COPIES = 6
BYTES = 4
# Numbers that a training step holds for each row, for each unit and each output.
AT_ONCE = 4


def require_memory(
    build: Callable[[Plan], AbstractNetwork], columns: Columns, plan: Plan, names: Sequence[str]
) -> None:
    """Raises ChainruleError if training would need more memory than the machine has free.

    Args:
        build: builds the network of a plan.
        columns: the network's columns.
        plan: sizes, members and rows of a step.
        names: the names of the columns.
    """
    needed, free = training_bytes(build, columns, plan), free_bytes()
    if free is not None and needed > free:
        widest = max(
            range(len(columns)), key=lambda k: columns.input_widths[k] + columns.param_widths[k]
        )
        raise ChainruleError(
            f"training needs about {needed / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free: pass "
            "smaller hidden layers, fewer members or fewer components, or leave out column "
            f"{names[widest]!r}, which has the most parameters ({columns.param_widths[widest]})"
        )


def training_bytes(build: Callable[[Plan], AbstractNetwork], columns: Columns, plan: Plan) -> int:
    """Estimated bytes of training: copies of the parameters, and a batch in all layers.

    One member is built on PyTorch's meta device, which has no memory. Each unit and each output has
    one bias, so the biases count the numbers that a row takes in the network.
    """
    with torch.device("meta"):
        member = build(replace(plan, members=1, orders=1))
    parameters = list(member.parameters())
    kept = sum(COPIES * each.nbytes for each in parameters) + sum(
        each.nbytes for each in member.buffers()
    )
    units = sum(each.numel() for each in parameters if each.ndim == 1)
    members, batch = plan.members, BYTES * plan.batch_size
    return members * (kept + batch * AT_ONCE * units) + batch * 2 * sum(columns.input_widths)
