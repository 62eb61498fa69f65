"""Shares of a training step fit together: they draw alike, and add up to the whole step."""

import pytest
import torch

import chainrule as cr
from chainrule.networks.share import WHOLE, Share
from chainrule.rng import generator_from

N, D = 45, 7


def orderless(members):
    return cr.OrderlessNADE(
        D, [32, 16], dropout=0.2, members=members, generator=generator_from(members)
    )


def nade(seed, order=None):
    return cr.NADE(D, 9, input_dropout=0.3, order=order, generator=generator_from(seed))


NETWORKS = {
    "nade": (1, lambda: nade(0)),
    "made": (1, lambda: cr.MADE(D, [12], generator=generator_from(0))),
    "committee": (3, lambda: cr.Committee([nade(seed) for seed in range(3)])),
    "ensemble": (
        3,
        lambda: cr.Ensemble(
            [cr.Committee([nade(0), nade(1)]), cr.Committee([nade(2, order="random")])], [2, 1]
        ),
    ),
    "orderless": (1, lambda: orderless(1)),
    "orderless of 3": (3, lambda: orderless(3)),
}


def step(network, share, *, holes):
    """Losses (parts, n), gradients and the generator's next number of a share of a step."""
    x = (torch.rand(N, D, generator=generator_from(1)) < 0.5).float()
    observed = torch.rand(N, D, generator=generator_from(2)) < 0.8 if holes else None
    generator = generator_from(3)
    network.zero_grad()
    losses = network.losses(x, observed, generator, share=share)
    if losses:
        torch.stack([loss.sum() / N for loss in losses]).sum().backward()
    grads = [
        torch.zeros_like(p) if p.grad is None else p.grad.clone() for p in network.parameters()
    ]
    return [loss.detach() for loss in losses], grads, torch.rand(1, generator=generator)


@pytest.fixture(params=NETWORKS)
def case(request):
    parts, build = NETWORKS[request.param]
    return parts, build().train(), "orderless" in request.param


def test_parts_add_up_to_the_bit(case):
    parts, network, holes = case
    losses, grads, drawn = step(network, WHOLE, holes=holes)
    each = [step(network, Share(range(k, k + 1)), holes=holes) for k in range(parts)]
    found = [loss for of_part, _, _ in each for loss in of_part]
    assert len(losses) == len(found) == len(network.parameters_apart()) == parts
    for one, other in zip(losses, found, strict=True):
        assert torch.equal(one, other)
    for number, grad in enumerate(grads):
        assert torch.equal(grad, sum(of_part[number] for _, of_part, _ in each))
    assert all(torch.equal(drawn, other) for _, _, other in each)


def test_rows_add_up(case):
    _, network, holes = case
    losses, grads, drawn = step(network, WHOLE, holes=holes)
    each = [step(network, Share(None, number, 2), holes=holes) for number in range(2)]
    for number, loss in enumerate(losses):
        parts = torch.cat([of_rows[number] for of_rows, _, _ in each])
        torch.testing.assert_close(parts, loss, rtol=1e-5, atol=1e-5)
    for number, grad in enumerate(grads):
        total = sum(of_rows[number] for _, of_rows, _ in each)
        torch.testing.assert_close(total, grad, rtol=1e-4, atol=1e-6)
    assert all(torch.equal(drawn, other) for _, _, other in each)


def test_parameters_apart_are_all_and_do_not_overlap(case):
    _, network, _ = case
    for part in network.parameters_apart():
        for weight in part.weights:
            weight.add_(1000)
    changed = [p for p in network.parameters() if bool((p > 500).all() & (p < 1500).all())]
    assert len(changed) == len(list(network.parameters()))


def test_more_shares_than_rows_leave_some_without():
    network = nade(0).train()
    x = torch.ones(2, D)
    found = [network.losses(x, share=Share(None, number, 3))[0] for number in range(3)]
    assert [len(loss) for loss in found] == [0, 1, 1]
