"""Columns: the first layer of weights by look-up is the product of encoded inputs and weights."""

import math

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from chainrule import Bernoulli, Categorical, GaussianMixture
from chainrule.networks import Columns

LISTS = {
    "categories": [Categorical(3), Categorical(4, unlisted=2), Categorical(1)],
    "one kind": [Categorical(5)] * 3,
    "mixed": [
        Bernoulli(),
        Categorical(4, unlisted=0, rows=9),
        GaussianMixture(2),
        Categorical(2),
        Bernoulli(),
    ],
    "none": [Bernoulli(), GaussianMixture(2)],
}


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("name", LISTS)
def test_projection_is_the_product_with_the_encoded_inputs(name, masked, generator):
    columns = Columns.of(LISTS[name])
    x = torch.stack(
        [torch.arange(12) % (len(c.support() or (0, 1))) for c in columns.conditionals], 1
    ).double()
    given = torch.rand(x.shape, generator=generator) < 0.6 if masked else None
    weight = torch.randn(
        sum(columns.input_widths), 5, generator=generator, dtype=torch.float64, requires_grad=True
    )
    bias = torch.randn(5, generator=generator, dtype=torch.float64, requires_grad=True)
    inputs = columns.encode(x) if given is None else columns.encode(x) * columns.spread(given)
    want = bias + inputs @ weight
    direction = torch.randn(want.shape, generator=generator, dtype=torch.float64)
    want_slopes = torch.autograd.grad(want, [weight, bias], direction)
    if given is not None:
        x = torch.where(given, x, math.nan)
    got = columns.project(x, weight, bias, given)
    assert torch.allclose(got, want, rtol=0, atol=1e-14)
    for slope, right in zip(
        torch.autograd.grad(got, [weight, bias], direction), want_slopes, strict=True
    ):
        assert torch.allclose(slope, right, rtol=0, atol=1e-13)


def test_what_is_no_code_of_a_category_adds_nothing(generator):
    columns = Columns.of([Categorical(3), Categorical(2, unlisted=1)])
    weight, bias = torch.randn(5, 4, generator=generator), torch.zeros(4)
    for value in (math.nan, -1.0, 0.5, 1e30, -1e30, math.inf):
        assert torch.equal(
            columns.project(torch.tensor([[value, 2.0]]), weight, bias), torch.zeros(1, 4)
        )


def test_a_transposed_weight_is_looked_up_as_well(generator):
    columns = Columns.of([Categorical(3), Bernoulli()])
    weight, x = torch.randn(6, 4, generator=generator), torch.tensor([[2.0, 1.0], [0.0, 0.0]])
    got = columns.project(x, weight.t(), torch.zeros(2, 6))
    assert torch.allclose(got, torch.stack([weight[:, 2] + weight[:, 3], weight[:, 0]]))


def test_placeholders_do_not_belong_to_the_mode_of_the_first_call():
    columns, x = Columns.of([Bernoulli(), GaussianMixture(2)]), torch.tensor([[1.0, math.nan]])
    with FakeTensorMode(allow_non_fake_inputs=True):
        columns.filled(x, ~x.isnan())
    assert torch.equal(columns.filled(x, ~x.isnan()), torch.tensor([[1.0, 0.0]]))
