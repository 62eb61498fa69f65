"""How far the orders of an orderless network agree on rows, and what each column costs in the mean over them."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch

from chainrule.networks import AbstractNetwork, OrderlessNADE
from chainrule.networks.orders import make_order
from chainrule.rng import generator_from

ORDERS = 16
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


@torch.no_grad()
def order_spread(
    network: OrderlessNADE, x: torch.Tensor, observed: torch.Tensor | None = None, *, seed: int = 1
) -> OrderSpread:
    """The spread of the exact likelihood over 16 orders, on the first rows of codes x (N, D), N ≥ 1.

    Args:
        network: in evaluation mode.
        x: codes (N, D), of rows that training has not seen.
        observed: bool (N, D), the known cells; default all.
        seed: of the random orders.
    """
    x, observed = _some_rows(x, observed)
    rows = len(x)
    nats = torch.stack([-network.log_prob(x, observed, order=order).double() for order in _orders(network, seed)])
    between, within = nats.mean(1).std(), nats.var(0).mean().sqrt()
    return OrderSpread(ORDERS, rows, float(nats.mean()), float(between), float(within))


@torch.no_grad()
def nats_of_columns(
    network: AbstractNetwork, x: torch.Tensor, observed: torch.Tensor | None = None, *, seed: int = 1
) -> tuple[torch.Tensor, int]:
    """−log p of each column's known cells given those before it, the mean over the first rows, and how many these were.

    Args:
        network: in evaluation mode; of an orderless one it is the mean over 16 orders.
        x: codes (N, D), N ≥ 1.
        observed: bool (N, D), the known cells, of an orderless network or independent columns; default all.
        seed: of the random orders.

    Returns:
        (D,) float64 nats in codes, 0 for a column that is unknown in these rows, and the number of rows.
    """
    x, observed = _some_rows(x, observed)
    seen = torch.ones_like(x, dtype=torch.bool) if observed is None else observed
    if isinstance(network, OrderlessNADE):
        orders = _orders(network, seed)
        cells = sum(-network.log_prob_columns(x, seen, order=order).double() for order in orders) / len(orders)
    else:  # of one order, whose rows are complete, or of independent columns
        cells = torch.where(seen, -network.log_prob_columns(x).double(), 0)
    return torch.as_tensor(cells).sum(0) / seen.sum(0).clamp(min=1), len(x)


def _some_rows(x: torch.Tensor, observed: torch.Tensor | None) -> tuple[torch.Tensor, torch.Tensor | None]:
    rows = min(len(x), MOST_ROWS, max(LEAST_ROWS, CELLS // x.shape[1]))
    return x[:rows], None if observed is None else observed[:rows]


def _orders(network: OrderlessNADE, seed: int) -> list[torch.Tensor]:
    generator, width = generator_from(seed), len(network.columns)
    return [network.order, *(make_order("random", width, generator) for _ in range(ORDERS - 1))]
