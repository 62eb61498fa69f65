"""The likelihood of a fitted density by the lecture's recursion in float64, without kernels."""

from __future__ import annotations

import numpy as np
import torch

import chainrule as cr
from chainrule.conditionals import AbstractConditional
from chainrule.networks import AbstractNetwork, LatentTree
from chainrule.ops.nade import reference
from chainrule.ops.nade.parameters import Layout, Parameters
from chainrule.table import encode, read_table


def by_reference(density: cr.Density, rows: np.ndarray) -> np.ndarray:
    """log p (N,) in nats of complete rows (N, D) of bits, by a NADE, a committee, an
    ensemble or a latent tree.

    Raises:
        TypeError: a network that the recursion does not describe.
    """
    codes = encode(read_table(rows), density.schema, warn=False)
    with torch.no_grad():
        cells = cells_by_reference(density.model.network, torch.from_numpy(codes.values))
    return cells.sum(1).numpy()


def cells_by_reference(network: AbstractNetwork, x: torch.Tensor) -> torch.Tensor:
    """Log-likelihood of each cell of codes x (N, D) in float64, by steps of the order.

    An ensemble and a tree have one number for each row, (N, 1). Columns are bits, or mixtures of
    Gaussians with center 0 and spread 1.
    """
    if isinstance(network, cr.NADE):
        return _cells_of_nade(network, x)
    if isinstance(network, cr.Committee):
        members = [cells_by_reference(member, x).exp() for member in network.networks]
        return (torch.stack(members) * network.log_weight.exp()[:, None, None]).sum(0).log()
    if isinstance(network, cr.Ensemble):
        members = [cells_by_reference(member, x).sum(1) for member in network.networks]
        return (torch.stack(members, dim=1) + network.log_weight).logsumexp(1, keepdim=True)
    if isinstance(network, LatentTree):
        return _row_of_tree(network, x)
    raise TypeError(f"the recursion does not describe {type(network).__name__}")


def _cells_of_nade(network: cr.NADE, x: torch.Tensor) -> torch.Tensor:
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
    layout = Layout((1,) * len(steps), widths, network.activation)
    y = reference.recursive(x[:, steps], p, layout)  # (N, P)
    cells = [
        _cell(columns.conditionals[k], part, x[:, k])
        for k, part in zip(steps.tolist(), y.split(list(widths), dim=1), strict=True)
    ]
    return torch.stack(cells, 1)


def _row_of_tree(tree: LatentTree, x: torch.Tensor) -> torch.Tensor:
    """log p (N, 1): for each state of a column, the cells below it, summed over their states."""
    states, values = tree.state_logit.double().log_softmax(2), tree.value_logit.double()
    depth = [len(tree.path_to_root(column)) for column in range(len(tree.columns))]
    below = torch.stack(
        [
            torch.where(x[:, [k]] == 1, values[k].sigmoid().log(), (-values[k]).sigmoid().log())
            for k in range(len(depth))
        ]
    )  # (D, N, S)
    for column in sorted(range(len(depth)), key=lambda k: -depth[k]):
        # (N, states of the parent)
        message = (below[column][:, None] + states[column]).logsumexp(2)
        if tree.parents[column] < 0:
            return message[:, :1]
        below[tree.parents[column]] += message
    raise AssertionError("a tree has a root")


def _cell(conditional: AbstractConditional, y: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """log p (N,) of a column's codes (N,) under the parameters y (N, width)."""
    if isinstance(conditional, cr.Bernoulli):
        return torch.where(x == 1, torch.sigmoid(y[:, 0]).log(), torch.sigmoid(-y[:, 0]).log())
    is_mixture = isinstance(conditional, cr.GaussianMixture)
    if is_mixture and (conditional.center, conditional.spread) == (0.0, 1.0):
        logit, delta, rho = y.chunk(3, dim=1)  # (N, K) each
        scale = conditional.least_scale + (1 + rho.exp()).log()
        density = (-0.5 * (x[:, None] / scale - delta) ** 2).exp() / (scale * (2 * torch.pi) ** 0.5)
        return (logit.exp() / logit.exp().sum(1, keepdim=True) * density).sum(1).log()
    raise TypeError(f"the recursion does not describe {conditional!r}")
