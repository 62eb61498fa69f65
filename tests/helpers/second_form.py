"""The second form of rooms, without PyTorch, beside the first one."""

import json
from importlib import import_module

import numpy as np

from chainrule import tensors
from chainrule.networks.rebuild import network_to_json

SAME = 1e-9  # what a scorer promises, relative to 1 + |value|


def second(room):
    """A module's second form."""
    return import_module(f"chainrule.without_torch.{room}")


def second_network(network):
    """The second form of a network, as a model file gives it."""
    spec = json.loads(json.dumps(network_to_json(network)))
    arrays = {name: each.detach().numpy() for name, each in network.state_dict().items()}
    classes = second("networks.ensemble").NETWORKS
    return second("networks.rebuild").network_from_json(spec, arrays, classes)


def arrays_of(*values):
    """Torch's tensors as tensors of NumPy."""
    return [tensors.from_numpy(each.detach().numpy().copy()) for each in values]


def agree(found, expected):
    """Asserts that numbers of both forms are the same to 1e-9, and −∞ and NaN where they were."""
    ours, theirs = np.asarray(found), np.asarray(expected.detach())
    assert ours.shape == theirs.shape
    assert ours.dtype == theirs.dtype
    np.testing.assert_allclose(ours, theirs, rtol=SAME, atol=SAME)
