"""Modules keep parameters, buffers and modules by name, as PyTorch's do."""

import copy

import pytest
import torch

from chainrule import tensors


def built(t):
    """The same module of either library."""

    class Inner(t.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = t.nn.Parameter(t.ones(2))
            self.register_buffer("mask", t.ones(2, dtype=t.bool))
            self.register_buffer("order", t.arange(2), persistent=False)
            self.register_buffer("nothing", None, persistent=False)

    class Outer(t.nn.Module):
        def __init__(self):
            super().__init__()
            self.size = 3
            self.first, self.layers = Inner(), t.nn.ParameterList()
            self.layers.append(t.nn.Parameter(t.zeros(3)))
            self.members = t.nn.ModuleList([Inner(), self.first])

    return Outer()


def test_names_are_those_of_pytorch():
    ours, theirs = built(tensors), built(torch)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert [name for name, _ in ours.named_parameters()] == [
        name for name, _ in theirs.named_parameters()
    ]
    assert len(list(ours.modules())) == len(list(theirs.modules()))
    assert ours.first.nothing is None
    assert ours.first.get_buffer("mask").tolist() == [True, True]
    assert len(ours.layers) == len(ours.members[:1]) == 1
    assert ours.members[1] is ours.first
    with pytest.raises(AttributeError, match="'Outer' object has no attribute 'weights'"):
        ours.weights  # noqa: B018


def test_floats_become_double_and_shared_ones_stay_shared():
    module = copy.deepcopy(built(tensors)).double().eval()
    assert module.first.weight.dtype == tensors.float64
    assert module.first.mask.dtype == tensors.bool
    assert module.members[1] is module.first
    assert not module.first.training
    assert len(list(module.parameters())) == len(list(built(torch).parameters()))


def test_a_state_replaces_parameters_and_saved_buffers():
    module = built(tensors)
    state = {name: each + each for name, each in module.state_dict().items()}
    module.load_state_dict(state)
    assert module.first.weight.tolist() == [2.0, 2.0]
    with pytest.raises(KeyError):
        module.load_state_dict({})


def test_a_copy_has_buffers_of_its_own_if_they_are_replaced():
    module = built(tensors).first
    other = copy.copy(module)
    other._buffers = {**module._buffers, "order": tensors.arange(3)}
    assert (module.order.tolist(), other.order.tolist()) == ([0, 1], [0, 1, 2])
    assert other.weight is module.weight
