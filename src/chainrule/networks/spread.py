"""How far the orders of a network of several agree on rows, and what each column costs in the mean over them."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch

from chainrule.networks.base import AbstractNetwork

ORDERS = 16
MANY_COLUMNS, LEAST_ORDERS = 1000, 2  # of more columns there are fewer orders, since each takes a step a column
CELLS = 25_000  # at most so many cells are scored in each order, but at least LEAST_ROWS rows
LEAST_ROWS, MOST_ROWS = 16, 256


@dataclass(frozen=True)
class OrderSpread:
    """Exact likelihoods of the same rows in several orders: nats are −log p per row, in codes.

    Attributes:
        orders: the network's own, and random ones.
        rows: how many rows were scored.
        nats: the mean over rows and orders.
        between_orders: standard deviation, over the orders, of the mean over rows.
        within_rows: standard deviation over the orders of one row's nats, its root mean square over the rows.
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
    network: AbstractNetwork, x: torch.Tensor, observed: torch.Tensor | None = None, *, seed: int = 1
) -> OrderSpread:
    """The spread of the exact likelihood over 16 orders, on the first rows of codes x; arguments as of ``nats_of_cells``."""
    return spread_of(nats_of_cells(network, x, observed, seed=seed))


@torch.no_grad()
def nats_of_cells(
    network: AbstractNetwork, x: torch.Tensor, observed: torch.Tensor | None = None, *, seed: int = 1
) -> torch.Tensor:
    """−log p of each known cell given those before it: in the network's order, of an ensemble in each member's own, of an
    orderless network in each of 16 orders, of more than 1,000 columns in fewer, at least 2.

    Args:
        network: in evaluation mode.
        x: codes (N, D), N ≥ 1, of rows that training has not seen; the first are scored, fewer where there are many columns.
        observed: bool (N, D), the known cells, of an orderless network or independent columns; default all.
        seed: of the random orders.

    Returns:
        (orders, rows, D) float64 nats in codes, 0 for unknown cells.
    """
    rows = min(len(x), MOST_ROWS, max(LEAST_ROWS, CELLS // x.shape[1]))
    x, seen = x[:rows], torch.ones_like(x[:rows], dtype=torch.bool) if observed is None else observed[:rows]
    width = len(network.columns)
    number = min(ORDERS, max(LEAST_ORDERS, ORDERS * MANY_COLUMNS // width))
    return torch.stack([_nats(each, x, seen) for each in network.one_order_networks(number, seed)])


def _nats(network: AbstractNetwork, x: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
    """−log p (rows, D) of each cell that is seen; a network that takes no holes reads rows that are complete."""
    cells = network.log_prob_columns(x, seen if network.any_evidence else None)
    return torch.where(seen, -cells.double(), 0)


def spread_of(cells: torch.Tensor) -> OrderSpread:
    """The spread over the orders of ``nats_of_cells``."""
    nats = cells.sum(2)  # (orders, rows)
    between, within = nats.mean(1).std(), nats.var(0).mean().sqrt()
    return OrderSpread(len(nats), nats.shape[1], float(nats.mean()), float(between), float(within))
