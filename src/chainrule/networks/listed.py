"""A copy of a network that draws only listed categories."""

from __future__ import annotations

import copy

from chainrule.networks.base import AbstractNetwork


def listed_only(network: AbstractNetwork) -> AbstractNetwork:
    """A copy of the network that draws only the listed values of categories.

    Every draw renormalises the column's distribution over its listed values. Likelihoods do not
    change.
    """
    network = copy.deepcopy(network)
    columns = network.columns.listed_only()
    for module in network.modules():
        if isinstance(module, AbstractNetwork):
            module.columns = columns
    return network
