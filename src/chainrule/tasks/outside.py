"""Rows with cells whose values their columns cannot hold: a 2 among bits, text among numbers.

All such values of a column share one probability ε, independent of the other cells
(``AbstractColumn.outside_share``). Networks do not know these values. The functions here score the
rest of such a row with any network. They leave out the cell's term, and other cells do not depend
on it. A network of one order cannot leave out a cell in the middle of a row. It gets a fixed code
of the column's support instead. In both cases the probabilities of all tables, with such cells and
without, sum to 1.
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
    """Returns log p of the observed cells of each row, (N,) nats.

    The codes x and the masks observed and outside are (N, D).
    """
    if not bool(outside.any()):
        return network.log_prob(x, observed)
    if isinstance(network, Ensemble):
        logs = torch.stack([row_nats(member, x, observed, outside).double() for member in members_of(network)], dim=1)
        return (network.log_weight + logs).logsumexp(1).to(x.dtype)
    return sum_columns(cell_nats(network, x, observed, outside))


def cell_nats(network: AbstractNetwork, x: torch.Tensor, observed: torch.Tensor, outside: torch.Tensor) -> torch.Tensor:
    """Returns log p of each observed cell given those before it in the order, (N, D) nats; 0 for
    other cells.

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
    """Returns p(x_column | the other observed cells of each row), batched over N.

    The arguments are those of ``row_nats``.

    Raises:
        EvidenceError: evidence that the network cannot condition on exactly.
    """
    outside = outside.clone()
    outside[:, column] = False
    if not bool(outside.any()) or takes_any_evidence(network):
        return network.conditional(x, column, observed)
    conditional = network.columns.conditionals[column]
    support = conditional.support()
    if support is not None and conditional.is_saturated:
        with_column, logs = observed.clone(), []
        with_column[:, column] = True
        for value in support:
            tried = x.clone()
            tried[:, column] = value
            logs.append(row_nats(network, tried, with_column, outside))
        joint = torch.stack(logs, dim=1)  # (N, V)
        # Rows of probability zero get equal weights.
        joint = torch.where((joint > -torch.inf).any(1, keepdim=True), joint, 0)
        return Distribution.of(conditional, conditional.params_of(joint))
    if isinstance(network, Ensemble):
        given = observed.clone()
        given[:, column] = False
        components = [conditional_given(member, x, column, given, outside) for member in members_of(network)]
        logs = [row_nats(member, x, given, outside).double() for member in members_of(network)]
        log_weight = (network.log_weight + torch.stack(logs, dim=1)).log_softmax(1)
        return Distribution.mixture(log_weight, components)
    return network.conditional(network.columns.filled(x, observed), column, observed | outside)


def completed(
    network: AbstractNetwork,
    x: torch.Tensor,
    observed: torch.Tensor,
    outside: torch.Tensor,
    generator: torch.Generator,
) -> torch.Tensor:
    """Draws the cells of rows (N, D) that are neither observed nor outside, given the observed
    ones.

    The arguments are those of ``row_nats``. Codes of outside cells have no meaning.
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
