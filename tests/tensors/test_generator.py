"""A seed draws what PyTorch draws from it, to the last bit."""

import pytest
import torch

from chainrule import tensors


def of_both(seed):
    return torch.Generator().manual_seed(seed), tensors.Generator().manual_seed(seed)


@pytest.mark.parametrize("seed", [0, 7, 2**31, 2**40 + 3, 2**63 - 1])
def test_draws_are_those_of_pytorch(seed):
    first, second = of_both(seed)
    for _ in range(2):  # one after the other from the same stream
        for shape in ((3,), (2, 0), (5, 400)):
            for dtype in ("float64", "float32"):
                expected = torch.rand(*shape, generator=first, dtype=getattr(torch, dtype))
                found = tensors.rand(*shape, generator=second, dtype=getattr(tensors, dtype))
                assert found.tolist() == expected.tolist()
        for n in (0, 1, 2, 1000):
            expected = torch.randperm(n, generator=first)
            assert tensors.randperm(n, generator=second).tolist() == expected.tolist()


def test_a_permutation_is_drawn_with_the_default_dtype_of_uniforms():
    first, second = of_both(1)
    assert tensors.rand(4, generator=second).dtype == tensors.float32
    assert tensors.rand(4, generator=second).tolist() != torch.rand(4, generator=first).tolist()


def test_initial_weights_have_the_deviation_asked_for():
    drawn = tensors.zeros(400, 50).normal_(0, 0.1, generator=of_both(3)[1])
    assert abs(float(drawn.std()) - 0.1) < 0.002
    assert abs(float(drawn.mean())) < 0.003
