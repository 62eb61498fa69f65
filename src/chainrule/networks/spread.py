"""How much a network's likelihoods differ between orders, and the cost of each column."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass

import torch

from chainrule.networks.base import AbstractNetwork

ORDERS = 16
MANY_COLUMNS, LEAST_ORDERS = 1000, 2  # more columns have fewer orders: each takes a step per column
CELLS = 25_000  # at most so many cells are scored in each order, but at least LEAST_ROWS rows
LEAST_ROWS, MOST_ROWS = 16, 256


@dataclass(frozen=True)
class OrderSpread:
    """The spread of exact likelihoods of the same rows between orders.

    The nats of a row are −log p of its codes.

    Attributes:
        orders: the number of orders: the network's own, and random ones.
        rows: the number of rows that were scored.
        nats: the mean over rows and orders.
        between_orders: the standard deviation over the orders of the mean over rows.
        within_rows: the root mean square, over the rows, of a row's standard deviation over the
            orders.
    """

    orders: int
    rows: int
    nats: float
    between_orders: float
    within_rows: float

    def to_json(self) -> dict[str, float]:
        """The fields as a JSON object."""
        return asdict(self)


def order_spread(
    network: AbstractNetwork,
    x: torch.Tensor,
    observed: torch.Tensor | None = None,
    *,
    seed: int = 1,
) -> OrderSpread:
    """The spread of the exact likelihood over the orders, on the first rows of codes x.

    The arguments and the number of orders are those of ``nats_of_cells``.
    """
    return spread_of(nats_of_cells(network, x, observed, seed=seed))


@torch.no_grad()
def nats_of_cells(
    network: AbstractNetwork,
    x: torch.Tensor,
    observed: torch.Tensor | None = None,
    *,
    seed: int = 1,
    seconds: float | None = None,
) -> torch.Tensor:
    """−log p of each observed cell given those before it, in one or more orders.

    A network with one order is scored in that order, and an ensemble in each member's. An orderless
    network is scored in 16 orders; above 1,000 columns in fewer, but at least 2.

    Args:
        network: a network in evaluation mode.
        x: codes (N, D), N ≥ 1, of rows that training has not seen. Only the first rows are scored,
            and fewer if there are many columns.
        observed: bool (N, D), the known cells, for a network with ``any_evidence``; default all.
        seed: the seed of the random orders.
        seconds: random orders end after this time, but there are at least ``LEAST_ORDERS``.

    Returns:
        (orders, rows, D) float64 nats in codes, 0 for missing cells.
    """
    rows = min(len(x), MOST_ROWS, max(LEAST_ROWS, CELLS // x.shape[1]))
    x = x[:rows]
    if observed is None:
        observed = torch.ones_like(x, dtype=torch.bool)
    observed = observed[:rows]
    width = len(network.columns)
    number = min(ORDERS, max(LEAST_ORDERS, ORDERS * MANY_COLUMNS // width))
    began, found = time.perf_counter(), []
    for each in network.one_order_networks(number, seed):
        found.append(_nats(each, x, observed))
        is_late = seconds is not None and time.perf_counter() - began > seconds
        if network.any_evidence and is_late and len(found) >= LEAST_ORDERS:
            break
    return torch.stack(found)


def _nats(network: AbstractNetwork, x: torch.Tensor, observed: torch.Tensor) -> torch.Tensor:
    """−log p (rows, D) of each observed cell; 0 for missing cells.

    Rows are complete for a network that does not accept missing cells.
    """
    cells = network.log_prob_columns(x, observed if network.any_evidence else None)
    return torch.where(observed, -cells.double(), 0)


def spread_of(cells: torch.Tensor) -> OrderSpread:
    """The spread between orders, from the result of ``nats_of_cells``."""
    nats = cells.sum(2)  # (orders, rows)
    between, within = nats.mean(1).std(), nats.var(0).mean().sqrt()
    return OrderSpread(len(nats), nats.shape[1], float(nats.mean()), float(between), float(within))
