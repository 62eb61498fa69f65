"""The floor of a training step: its matrix products and fused AdamW, in plain PyTorch.

The shapes are those of an orderless network over adult: 151 inputs and 15 flags of known cells, two
hidden layers, 281 parameters of conditionals, a batch of 128 rows. The members of a network have
weights of their own and are multiplied in one batch.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import pairwise

import torch

INPUTS, FLAGS, PARAMETERS, BATCH = 151, 15, 281, 128
SHAPES = {"quick": (128, 1), "standard": (256, 3)}  # hidden units, members


@cache
def forms(hidden: int, members: int) -> dict[str, Callable[[], object]]:
    """The matrix products of a step, forward and backward, and AdamW on their weights."""
    sizes = (INPUTS + FLAGS, hidden, hidden, PARAMETERS)
    weights = [torch.randn(members, above, below) * above**-0.5 for above, below in pairwise(sizes)]
    states = [torch.randn(members, BATCH, size) for size in sizes]
    leaves = [torch.nn.Parameter(weight.clone()) for weight in weights]
    leaves += [torch.nn.Parameter(torch.zeros(members, 1, size)) for size in sizes[1:]]
    for leaf in leaves:
        leaf.grad = torch.randn_like(leaf)
    optimizer = torch.optim.AdamW(leaves, lr=1e-9, fused=True)

    def products() -> None:
        for k, weight in enumerate(weights):
            torch.bmm(states[k], weight)  # forward
            torch.bmm(states[k].mT, states[k + 1])  # gradient of the weight
            if k:  # the inputs have no gradient
                torch.bmm(states[k + 1], weight.mT)

    return {"matrix products": products, "AdamW": optimizer.step}
