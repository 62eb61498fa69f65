"""Rows with cells that their column cannot hold: a 2 among bits, text among numbers.

Such a cell is one value more of its column, beside the codes, of a probability ε that does not depend on the other cells
(``Column.outside_share``). Networks know nothing of it. The functions here ask any network for what is left of a row: the term
of such a cell is left out, and the other cells are told nothing of it. A network of one order cannot leave a cell open in the
midst of a row; it is told a code of the column's support instead, always the same one. Either way the sum over all tables, with
such cells and without, is 1.
"""

from __future__ import annotations

from typing import cast

import torch

from chainrule.conditionals import Distribution
from chainrule.conditionals.distribution import choose
from chainrule.model import takes_any_evidence
from chainrule.networks import AbstractNetwork, Ensemble
from chainrule.networks.base import sum_columns
from chainrule.networks.fixed_order import AbstractFixedOrder
from chainrule.rng import uniforms


def row_nats(network: AbstractNetwork, x: torch.Tensor, observed: torch.Tensor, outside: torch.Tensor) -> torch.Tensor:
    """log p of the observed cells of each row, (N,) nats; codes x, observed and outside cells (N, D)."""
    if not bool(outside.any()):
        return network.log_prob(x, observed)
    if isinstance(network, Ensemble):
        logs = torch.stack([row_nats(member, x, observed, outside).double() for member in members_of(network)], dim=1)
        return (network.log_weight + logs).logsumexp(1).to(x.dtype)
    return sum_columns(cell_nats(network, x, observed, outside))


def cell_nats(network: AbstractNetwork, x: torch.Tensor, observed: torch.Tensor, outside: torch.Tensor) -> torch.Tensor:
    """Of each observed cell log p given those before it in the order, (N, D) nats; of other cells 0.

    Raises:
        EvidenceError: an ensemble of several orders, where a cell has no term of its own.
    """
    if not bool(outside.any()):
        return network.log_prob_columns(x, observed)
    if isinstance(network, Ensemble):
        order = network.order
        each = [cell_nats(member, x, observed, outside) for member in members_of(network)]
        cells = torch.stack(each, dim=1).double()[:, :, order]  # (N, M, D), by step
        weight = network.running(cells)
        return (weight + cells).logsumexp(1).to(x.dtype)[:, order.argsort()]
    if isinstance(network, AbstractFixedOrder):
        cells = network.log_prob_columns(network.columns.filled(x, observed), observed | outside)
        return torch.where(observed, cells, 0)
    return network.log_prob_columns(x, observed)


def conditional_given(
    network: AbstractNetwork, x: torch.Tensor, column: int, observed: torch.Tensor, outside: torch.Tensor
) -> Distribution:
    """p(x_column | the other observed cells of each row), batched over N; arguments as of ``row_nats``.

    Raises:
        EvidenceError: evidence that the network cannot take exactly.
    """
    outside = outside.clone()
    outside[:, column] = False
    if not bool(outside.any()) or takes_any_evidence(network):
        return network.conditional(x, column, observed)
    conditional = network.columns.conditionals[column]
    support = conditional.support()
    if support is not None and conditional.is_saturated:
        whole, logs = observed.clone(), []
        whole[:, column] = True
        for value in support:
            tried = x.clone()
            tried[:, column] = value
            logs.append(row_nats(network, tried, whole, outside))
        joint = torch.stack(logs, dim=1)  # (N, V)
        joint = torch.where((joint > -torch.inf).any(1, keepdim=True), joint, 0)  # what is impossible says nothing
        return Distribution.of(conditional, conditional.params_of(joint))
    if isinstance(network, Ensemble):
        known = observed.clone()
        known[:, column] = False
        parts = [conditional_given(member, x, column, known, outside) for member in members_of(network)]
        logs = [row_nats(member, x, known, outside).double() for member in members_of(network)]
        return Distribution.mixture((network.log_weight + torch.stack(logs, dim=1)).log_softmax(1), parts)
    return network.conditional(network.columns.filled(x, observed), column, observed | outside)


def completed(
    network: AbstractNetwork,
    x: torch.Tensor,
    observed: torch.Tensor,
    outside: torch.Tensor,
    generator: torch.Generator,
) -> torch.Tensor:
    """Rows (N, D) with the cells drawn that are neither observed nor outside, given those observed; arguments as of ``row_nats``.

    What stands where a cell is outside means nothing.
    """
    if not bool(outside.any()) or takes_any_evidence(network):
        return network.sample(len(x), (x, observed), generator=generator)
    if isinstance(network, Ensemble):
        logs = torch.stack([row_nats(member, x, observed, outside).double() for member in members_of(network)], dim=1)
        chosen, _ = choose(network.log_weight + logs, uniforms(1, len(x), generator)[0].to(x.device))
        x = x.clone()
        for number, member in enumerate(members_of(network)):
            rows = chosen == number
            x[rows] = completed(member, x[rows], observed[rows], outside[rows], generator).to(x.dtype)
        return x
    return network.sample(len(x), (network.columns.filled(x, observed), observed | outside), generator=generator)


def members_of(network: Ensemble) -> list[AbstractNetwork]:
    """The members of an ensemble."""
    return [cast(AbstractNetwork, member) for member in network.members]
