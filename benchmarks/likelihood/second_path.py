"""The likelihood of a fitted density by the lecture's recursion in float64, without kernels."""

from __future__ import annotations

import numpy as np
import torch

import chainrule as cr
from chainrule.conditionals import AbstractConditional
from chainrule.networks import AbstractNetwork
from chainrule.ops.nade import reference
from chainrule.ops.nade.parameters import Layout, Parameters
from chainrule.table import encode, read_table


def by_reference(density: cr.Density, rows: np.ndarray) -> np.ndarray:
    """log p (N,) in nats of complete rows (N, D) of bits, by a NADE, a committee or an ensemble.

    Raises:
        TypeError: a network that the recursion does not describe.
    """
    codes = encode(read_table(rows), density.schema, warn=False)
    with torch.no_grad():
        return (
            cells_by_reference(density.model.network, torch.from_numpy(codes.values)).sum(1).numpy()
        )


def cells_by_reference(network: AbstractNetwork, x: torch.Tensor) -> torch.Tensor:
    """Log-likelihood of each cell of codes x (N, D) in float64, by steps of the order.

    An ensemble of orders has one number for each row, (N, 1). Columns are bits, or mixtures of
    Gaussians with center 0 and spread 1.
    """
    if isinstance(network, cr.NADE):
        steps, columns = network.order, network.columns
        rows = columns.params_in(steps.tolist())
        p = Parameters(
            W=network.input_weight.double()[steps],
            b=network.hidden_bias.double(),
            first_hidden=network.first_hidden.double(),
            V=network.output_weight.double()[rows],
            c=network.output_bias.double()[rows],
        )
        widths = tuple(columns.param_widths[k] for k in steps)
        y = reference.recursive(
            x[:, steps], p, Layout((1,) * len(steps), widths, network.activation)
        )
        each = y.split([columns.param_widths[k] for k in steps], dim=1)
        cells = [
            _cell(columns.conditionals[k], part, x[:, k])
            for k, part in zip(steps.tolist(), each, strict=True)
        ]
        return torch.stack(cells, 1)
    if isinstance(network, cr.Committee):
        each = torch.stack([cells_by_reference(member, x).exp() for member in network.networks])
        return (each * network.log_weight.exp()[:, None, None]).sum(0).log()
    if isinstance(network, cr.Ensemble):
        each = torch.stack(
            [cells_by_reference(member, x).sum(1) for member in network.networks], dim=1
        )
        return (each + network.log_weight).logsumexp(1, keepdim=True)
    raise TypeError(f"the recursion does not describe {type(network).__name__}")


def _cell(conditional: AbstractConditional, y: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """log p (N,) of a column's codes (N,) under the parameters y (N, width)."""
    if isinstance(conditional, cr.Bernoulli):
        return torch.where(x == 1, torch.sigmoid(y[:, 0]).log(), torch.sigmoid(-y[:, 0]).log())
    if isinstance(conditional, cr.GaussianMixture) and (conditional.center, conditional.spread) == (
        0.0,
        1.0,
    ):
        logit, delta, rho = y.chunk(3, dim=1)  # (N, parts) each
        scale = conditional.least_scale + (1 + rho.exp()).log()
        density = (-0.5 * (x[:, None] / scale - delta) ** 2).exp() / (scale * (2 * torch.pi) ** 0.5)
        return (logit.exp() / logit.exp().sum(1, keepdim=True) * density).sum(1).log()
    raise TypeError(f"the recursion does not describe {conditional!r}")
