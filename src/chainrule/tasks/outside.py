"""Rows with cells whose values their columns cannot hold: a 2 among bits, text among numbers.

All such values of a column share one probability ε, independent of the other cells
(``AbstractColumn.outside_share``). Networks do not know these values. The functions here score the
rest of such a row with any network. They leave out the cell's term, and other cells do not depend
on it. A network of one order cannot leave out a cell in the middle of a row. It gets a fixed code
of the column's support instead. In both cases the probabilities of all tables, with such cells and
without, sum to 1.
"""

from __future__ import annotations

import torch

from chainrule.conditionals import Distribution
from chainrule.conditionals.distribution import choose
from chainrule.networks import AbstractNetwork
from chainrule.networks.base import sum_columns
from chainrule.networks.ensemble import running_weights
from chainrule.networks.fixed_order import by_enumeration
from chainrule.networks.listed import listed_only
from chainrule.rng import Source, of_rows, one_each

REDRAWS = 20  # how often a row is drawn again because an unlisted label was drawn


def row_nats(
    network: AbstractNetwork, x: torch.Tensor, observed: torch.Tensor, outside: torch.Tensor
) -> torch.Tensor:
    """Returns log p of the observed cells of each row, (N,) nats.

    The codes x and the masks observed and outside are (N, D).
    """
    if not bool(outside.any()):
        return network.log_prob(x, observed)
    return _joint(network, x, observed, outside).logsumexp(1).to(x.dtype)


def cell_nats(
    network: AbstractNetwork, x: torch.Tensor, observed: torch.Tensor, outside: torch.Tensor
) -> torch.Tensor:
    """Returns log p of each observed cell given those before it in the order, (N, D) nats; 0 for
    other cells.

    Raises:
        EvidenceError: an ensemble of several orders, where a cell has no term of its own.
    """
    if not bool(outside.any()):
        return network.log_prob_columns(x, observed)
    order = network.order
    networks, log_weight = network.row_mixture()
    each = [_cells(one, x, observed, outside) for one in networks]
    cells = torch.stack(each, dim=1).double()[:, :, order]  # (N, M, D), by step
    weight = running_weights(log_weight, cells)
    return (weight + cells).logsumexp(1).to(x.dtype)[:, order.argsort()]


def conditional_given(
    network: AbstractNetwork,
    x: torch.Tensor,
    column: int,
    observed: torch.Tensor,
    outside: torch.Tensor,
) -> Distribution:
    """Returns p(x_column | the other observed cells of each row), batched over N.

    The arguments are those of ``row_nats``.

    Raises:
        EvidenceError: evidence that the network cannot condition on exactly.
    """
    outside = outside.clone()
    outside[:, column] = False
    if not bool(outside.any()) or network.any_evidence:
        return network.conditional(x, column, observed)
    given, given_or_asked = observed.clone(), observed.clone()
    given[:, column], given_or_asked[:, column] = False, True
    found = by_enumeration(
        network.columns, x, column, lambda tried: row_nats(network, tried, given_or_asked, outside)
    )
    if found is not None:
        return found
    components = []
    for each in network.row_mixture()[0]:
        codes, with_codes = _as_read(each, x, given, outside)
        components.append(each.conditional(codes, column, with_codes))
    if len(components) == 1:
        return components[0]
    return Distribution.mixture(_joint(network, x, given, outside).log_softmax(1), components)


def completed(
    network: AbstractNetwork,
    x: torch.Tensor,
    observed: torch.Tensor,
    outside: torch.Tensor,
    generator: Source,
) -> torch.Tensor:
    """Draws the cells of rows (N, D) that are neither observed nor outside, given the observed
    cells and that every drawn label is a listed one.

    Rows with an unlisted label are drawn again, which is exact. After ``REDRAWS`` times, the few
    remaining rows are drawn cell by cell from the conditionals restricted to listed levels.
    Whether and how a row is drawn again depends on this row alone.

    The arguments are those of ``row_nats``. Codes of outside cells have no meaning.
    """
    missing, completed = ~(observed | outside), x.clone()
    again = torch.ones(len(x), dtype=torch.bool, device=x.device)
    for redraw in range(REDRAWS + 1):
        of = network if redraw < REDRAWS else listed_only(network)
        source = of_rows(generator, again)
        completed[again] = _drawn(of, x[again], observed[again], outside[again], source)
        again = (missing & ~network.columns.is_evidence(completed)).any(1)
        if not bool(again.any()):
            break
    return completed


def _drawn(
    network: AbstractNetwork,
    x: torch.Tensor,
    observed: torch.Tensor,
    outside: torch.Tensor,
    generator: Source,
) -> torch.Tensor:
    """Draws what ``completed`` draws, once: labels may be unlisted."""
    if not bool(outside.any()) or network.any_evidence:
        return network.sample(len(x), (x, observed), generator=generator)
    with_outside = outside.any(1)
    if not bool(with_outside.all()):  # how a row is drawn does not depend on other rows
        found = x.clone()
        for rows in (with_outside, ~with_outside):
            source = of_rows(generator, rows)
            some = _drawn(network, x[rows], observed[rows], outside[rows], source)
            found[rows] = some.to(x.dtype)
        return found
    networks, _ = network.row_mixture()
    if len(networks) == 1:
        return network.sample(len(x), _as_read(network, x, observed, outside), generator=generator)
    uniform = one_each(len(x), generator).to(x.device)
    chosen, _ = choose(_joint(network, x, observed, outside), uniform)
    x = x.clone()
    for number, each in enumerate(networks):
        rows = chosen == number
        source = of_rows(generator, rows)
        x[rows] = _drawn(each, x[rows], observed[rows], outside[rows], source).to(x.dtype)
    return x


def _as_read(
    network: AbstractNetwork, x: torch.Tensor, observed: torch.Tensor, outside: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns codes and the mask of observed cells, (N, D) each, as one network reads them.

    A network that takes any evidence does not observe cells outside. Other networks read a fixed
    code there.
    """
    if network.any_evidence:
        return x, observed
    return network.columns.filled(x, observed), observed | outside


def _cells(
    network: AbstractNetwork, x: torch.Tensor, observed: torch.Tensor, outside: torch.Tensor
) -> torch.Tensor:
    """Returns log p of each observed cell by one network, (N, D) nats; 0 for other cells."""
    return torch.where(
        observed, network.log_prob_columns(*_as_read(network, x, observed, outside)), 0
    )


def _joint(
    network: AbstractNetwork, x: torch.Tensor, observed: torch.Tensor, outside: torch.Tensor
) -> torch.Tensor:
    """Returns log π_m + log p_m(observed cells) for each component of a mixture of rows.

    It is (N, M) float64. M is 1 for other networks.
    """
    networks, log_weight = network.row_mixture()
    logs = [sum_columns(_cells(one, x, observed, outside)).double() for one in networks]
    return log_weight + torch.stack(logs, dim=1)
