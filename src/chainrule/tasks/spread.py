"""How far the orders of an orderless network agree on rows."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch

from chainrule.networks import OrderlessNADE
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
    generator, width = generator_from(seed), x.shape[1]
    rows = min(len(x), MOST_ROWS, max(LEAST_ROWS, CELLS // width))
    x, observed = x[:rows], None if observed is None else observed[:rows]
    orders = [network.order, *(make_order("random", width, generator) for _ in range(ORDERS - 1))]
    nats = torch.stack([-network.log_prob(x, observed, order=order).double() for order in orders])  # (orders, rows)
    between, within = nats.mean(1).std(), nats.var(0).mean().sqrt()
    return OrderSpread(ORDERS, rows, float(nats.mean()), float(between), float(within))
