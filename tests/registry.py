"""Every network that exists, small and with random parameters: the laws run over all of them."""

import torch

from chainrule import NADE, ChainTable, IndependentColumns
from chainrule.networks import AbstractFixedOrder
from chainrule.rng import generator_from


def randomized(network: AbstractFixedOrder, seed: int, scale: float = 1.0) -> AbstractFixedOrder:
    generator = generator_from(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_(0, scale, generator=generator)
    return network


def nade(columns: int, hidden_size: int, seed: int = 0, scale: float = 1.0, **options: object) -> AbstractFixedOrder:
    generator = generator_from(seed)
    return randomized(NADE(columns, hidden_size=hidden_size, generator=generator, **options), seed, scale)


NETWORKS = {
    "nade": lambda: nade(8, 6),
    "nade random order": lambda: nade(8, 6, seed=1, order="random"),
    "nade reversed": lambda: nade(7, 5, seed=2, order=list(range(7))[::-1]),
    "nade relu": lambda: nade(8, 6, seed=3, activation="relu"),
    "nade relu random order": lambda: nade(8, 5, seed=4, activation="relu", order="random"),
    "nade one hidden unit": lambda: nade(6, 1, seed=5),
    "nade one column": lambda: nade(1, 4, seed=6),
    "nade two columns": lambda: nade(2, 3, seed=7, order=[1, 0]),
    "nade untrained": lambda: NADE(8, hidden_size=4, generator=generator_from(8)),
    "nade saturated": lambda: nade(6, 4, seed=9, scale=30.0),
    "chain table": lambda: randomized(ChainTable(6), 10),
    "chain table random order": lambda: randomized(ChainTable(7, order="random", generator=generator_from(11)), 11),
    "independent columns": lambda: randomized(IndependentColumns(8), 12),
}

# Independent columns heed nothing; saturated units are flat; a single relu unit may be off in every row.
DEPENDENT = [name for name in NETWORKS if name not in ("independent columns", "nade saturated")]
