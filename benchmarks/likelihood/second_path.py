"""The likelihood of a fitted density by a second path: the lecture's recursion, in float64, with none of the kernels."""

from __future__ import annotations

import numpy as np
import torch

import chainrule as cr
from chainrule.networks import AbstractNetwork
from chainrule.ops.nade import reference
from chainrule.table import encode, read_table


def by_reference(density: cr.Density, rows: np.ndarray) -> np.ndarray:
    """log p (N,) nats of complete binary rows (N, D); of a NADE, a committee or an ensemble of such.

    Raises:
        TypeError: a network that the recursion does not describe.
    """
    codes = encode(read_table(rows), density.schema, warn=False)
    with torch.no_grad():
        return _cells(density.model.network, torch.from_numpy(codes.values)).sum(1).numpy()


def _cells(network: AbstractNetwork, x: torch.Tensor) -> torch.Tensor:
    """Log-likelihood of each cell (N, D), float64, in the order's steps; of an ensemble of orders one number a row (N, 1)."""
    if isinstance(network, cr.NADE):
        steps = network.order
        W, V, c = (t.double()[steps] for t in (network.input_weight, network.output_weight, network.output_bias))
        logits = reference.recursive(
            x[:, steps],
            W,
            network.hidden_bias.double(),
            network.first_hidden.double(),
            V,
            c,
            activation=network.activation,
        )
        ones = x[:, steps] == 1
        return torch.where(ones, torch.sigmoid(logits).log(), torch.sigmoid(-logits).log())
    if isinstance(network, cr.Committee):
        each = torch.stack([_cells(member, x).exp() for member in network.members])  # type: ignore[arg-type]
        return (each * network.log_weight.exp()[:, None, None]).sum(0).log()
    if isinstance(network, cr.Ensemble):
        each = torch.stack([_cells(member, x).sum(1) for member in network.members], dim=1)  # type: ignore[arg-type]
        return (each + network.log_weight).logsumexp(1, keepdim=True)
    raise TypeError(f"the recursion does not describe {type(network).__name__}")
