"""One 3-bit NADE with two hidden units, worked out by hand, every number written down."""

import math

import torch
from helpers.tolerances import HAND_WORKED

from chainrule import NADE
from chainrule.ops.nade import eager, reference
from chainrule.ops.nade.parameters import Layout, Parameters


def sigmoid(a):
    return 1 / (1 + math.exp(-a))


def model():
    net = NADE(3, hidden_size=2).double()
    values = {
        "input_weight": [[1.0, -1.0], [0.5, 2.0], [9.0, 9.0]],  # the last row is never used
        "hidden_bias": [0.0, math.log(3.0)],
        "first_hidden": [0.25, 0.75],
        "output_weight": [[2.0, -2.0], [4.0, 0.0], [1.0, 1.0]],
        "output_bias": [1.0, -2.0, -1.0],
    }
    with torch.no_grad():
        for name, value in values.items():
            getattr(net, name).copy_(torch.tensor(value, dtype=torch.float64))
    return net


def test_probability_of_101():
    # x = (1, 0, 1)
    # step 1: h = (1/4, 3/4); y = 1 + 2/4 − 2·3/4 = 0;            p(x_1 = 1) = σ(0) = 1/2
    # step 2: a = (0 + 1, ln 3 − 1) = (1, 0.09861228866811)
    #         h = (0.73105857863000, 0.52463311358133)
    #         y = −2 + 4 · 0.73105857863000 = 0.92423431452002
    #         p(x_2 = 0) = 1 − σ(0.92423431452002) = 0.28409590970245
    # step 3: a as before (x_2 = 0), so h as before
    #         y = −1 + 0.73105857863000 + 0.52463311358133 = 0.25569169221133
    #         p(x_3 = 1) = σ(0.25569169221133) = 0.56357692095290
    # p(1, 0, 1) = 0.5 · 0.28409590970245 · 0.56357692095290 = 0.08005494902271
    net = model()
    x = torch.tensor([[1.0, 0.0, 1.0]], dtype=torch.float64)
    logits = torch.cat([d.params[:, 0] for d in net.conditionals(x)], dim=1)[0].tolist()
    for got, want in zip(logits, [0.0, 0.92423431452002, 0.25569169221133], strict=True):
        assert abs(got - want) < 1e-13
    means = [d.mean().item() for d in net.conditionals(x)]
    for got, want in zip(means, [0.5, 1 - 0.28409590970245, 0.56357692095290], strict=True):
        assert abs(got - want) < 1e-13
    assert abs(net.log_prob(x).exp().item() - 0.08005494902271) < 1e-13


def test_every_form_gives_the_hand_worked_probability_of_011():
    # x = (0, 1, 1)
    # step 1: p(x_1 = 0) = 1/2
    # step 2: a = (0, ln 3); h = (1/2, 3/4); y = −2 + 4/2 = 0; p(x_2 = 1) = 1/2
    # step 3: a = (1/2, 2 + ln 3); h = (σ(1/2), σ(2 + ln 3)) = (σ(1/2), 3e²/(1 + 3e²))
    #         y = h_1 + h_2 − 1
    y = sigmoid(0.5) + 3 * math.exp(2) / (1 + 3 * math.exp(2)) - 1
    want = 0.25 * sigmoid(y)
    net = model()
    x = torch.tensor([[0.0, 1.0, 1.0]], dtype=torch.float64)
    parameters = Parameters(
        net.input_weight, net.hidden_bias, net.first_hidden, net.output_weight, net.output_bias
    )
    for form in (reference.masked, reference.recursive, eager.outputs):
        sign = 2 * x - 1
        p = torch.sigmoid(sign * form(x, parameters, Layout.of_bits(3))).prod()
        assert abs(p.item() - want) < HAND_WORKED
    assert abs(net.log_prob(x).exp().item() - want) < HAND_WORKED
