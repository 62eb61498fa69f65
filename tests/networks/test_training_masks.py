"""Random masks: their laws are in test_orderless.py; here the kernel that draws them."""

import pytest
import torch

from chainrule.networks import training_masks
from chainrule.networks.training_masks import MOST_RAISED, drawn, for_training, in_order, plain
from chainrule.ops.cells import choose, cpu
from chainrule.rng import generator_from


@pytest.mark.parametrize("evenly", [False, True])
@pytest.mark.parametrize(
    ("columns", "rows"), [(1, 3), (7, 64), (20, 129), (3, 1), (5, 2), (15, 300)]
)
def test_the_kernel_draws_the_masks_of_the_plain_form(columns, rows, evenly):
    generator = generator_from(columns)
    uniforms = torch.rand(columns + 1, (rows + 1) // 2, generator=generator)
    for share in (1.0, 0.7, 0.2, 0.0):
        observed = (torch.rand(columns, rows, generator=generator) < share).float()
        shares = training_masks._share_of_pairs(columns) if evenly else None
        given, weights = cpu.masks(uniforms, observed, shares, MOST_RAISED)
        want_given, want_weights = plain(uniforms, observed, evenly=evenly)
        assert torch.equal(given, want_given)
        assert torch.allclose(weights, want_weights, rtol=1e-6, atol=0)
        assert bool((given <= observed).all())
        assert torch.equal(weights > 0, (observed > 0) & (given == 0))


def test_uniforms_at_their_ends_leave_a_target_in_every_row():
    observed = torch.ones(5, 4)
    for u in (0.0, 1 - 2**-24):
        uniforms = torch.full((6, 2), u)
        for shares in (None, training_masks._share_of_pairs(5)):
            given, weights = cpu.masks(uniforms, observed, shares, MOST_RAISED)
            assert bool((given.sum(0) < 5).all())
            assert bool((weights.sum(0) > 0).all())


def test_many_columns_and_other_types_take_the_plain_form(monkeypatch):
    def refuse():
        raise AssertionError("no kernel serves this")

    monkeypatch.setattr(choose, "implementation", refuse)
    given, weights = drawn(torch.ones(3, 10).double(), generator_from(0), evenly=False)
    assert given.dtype == weights.dtype == torch.float64
    wide = (torch.rand(training_masks.MOST_KEPT + 1, 6, generator=generator_from(1)) < 0.9).float()
    given, _ = drawn(wide, generator_from(0), evenly=True)
    assert given.shape == wide.shape


@pytest.mark.parametrize(("columns", "rows"), [(1, 3), (7, 64), (20, 129), (3, 1), (15, 300)])
def test_the_kernel_changes_the_rows_in_order_as_the_plain_form_does(columns, rows, monkeypatch):
    generator = generator_from(columns)
    order = torch.randperm(columns, generator=generator)
    for observed_share, share in ((1.0, 0.5), (0.6, 0.25), (1.0, 0.0), (0.3, 1.0)):
        observed = (torch.rand(columns, rows, generator=generator) < observed_share).float()
        options = observed, order, share
        got = for_training(*options, generator_from(rows), evenly=False)
        with monkeypatch.context() as patch:
            patch.setattr(choose, "serves", lambda _: False)
            want = for_training(*options, generator_from(rows), evenly=False)
        assert torch.equal(got[0], want[0])
        assert torch.allclose(got[1], want[1], rtol=1e-6, atol=0)


def test_wrong_shapes_are_refused():
    cells, uniforms, order = torch.ones(3, 4), torch.zeros(2, 2), torch.arange(3)
    with pytest.raises(ValueError, match=r"uniforms of shape \(2, 1\)"):
        cpu.masks_in_order(uniforms[:, :1], cells, order, 0.5, cells, cells)
    with pytest.raises(ValueError, match=r"masks of shape \(3, 3\)"):
        cpu.masks_in_order(uniforms, cells, order, 0.5, cells[:, :3], cells)
    with pytest.raises(ValueError, match=r"uniforms of shape \(3, 2\)"):
        cpu.masks(torch.zeros(3, 2), torch.ones(3, 4), None, MOST_RAISED)


def test_masks_in_order_are_prefixes_of_every_length():
    """Each length comes as often, and each column has the same weight as what comes next."""
    order, share = torch.tensor([3, 1, 0, 4, 2]), 0.3
    observed = torch.ones(5, 20000)
    observed[1, ::2] = 0
    chosen, given, weights = in_order(observed, order, share, generator_from(0))
    assert torch.equal(chosen[:10000], chosen[10000:])
    assert abs(float(chosen.float().mean()) - share) < 5 * (share * (1 - share) / 10000) ** 0.5
    complete = given[:, 1::2][order]
    number = complete.sum(0).int()
    assert bool((complete == (torch.arange(5)[:, None] < number)).all())
    assert bool(((number.bincount(minlength=5) - 2000).abs() < 5 * 2000**0.5).all())
    of_order = weights[:, 1::2][order]
    total, later = of_order.sum(0), of_order[-1]
    assert torch.allclose(total, torch.full_like(total, 5.0))
    last = number == 4
    assert bool((later[last] == 5).all())
    assert torch.allclose(later[~last], 2.5 / (5 - number[~last]))
    assert bool((given[1, ::2] == 0).all() and (weights[1, ::2] == 0).all())
    assert bool((given * weights == 0).all())
