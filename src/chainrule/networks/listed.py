"""A network that draws listed labels alone."""

from __future__ import annotations

import copy

from chainrule.networks.base import AbstractNetwork


def listed_only(network: AbstractNetwork) -> AbstractNetwork:
    """A copy of the network whose categories are drawn from their listed values, step by step made whole; its likelihoods are the
    same."""
    network = copy.deepcopy(network)
    columns = network.columns.listed_only()
    for part in network.modules():
        if isinstance(part, AbstractNetwork):
            part.columns = columns
    return network
