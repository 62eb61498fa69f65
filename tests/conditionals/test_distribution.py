"""Distributions of rows: the values of their sums, and the pieces in which they are computed."""

import pytest
import torch

from chainrule.conditionals import (
    Atoms,
    DiscretizedLogisticMixture,
    Distribution,
    GaussianMixture,
    distribution,
)
from chainrule.conditionals.tied import Tied

ROWS = 6


def some(conditional, members=1, seed=0):
    generator = torch.Generator().manual_seed(seed)
    size = ROWS, members, conditional.param_width
    params = 0.5 * torch.randn(size, generator=generator, dtype=torch.float64)
    weights = torch.rand((ROWS, members), generator=generator, dtype=torch.float64) + 0.1
    return Distribution(conditional, params, weights.log().log_softmax(1))


@pytest.mark.parametrize("members", [1, 3])
@pytest.mark.parametrize("atoms", [(), (2.0, 5.0)])
def test_each_of_few_whole_numbers_is_summed_once(members, atoms):
    base = DiscretizedLogisticMixture(5, least=0, most=7, center=3.0, spread=2.0)
    made = some(Atoms(atoms, base) if atoms else base, members)
    values, weights = made.quadrature()
    assert values.shape == weights.shape == (ROWS, 8)
    assert values.tolist() == [list(range(8))] * ROWS
    each, of_each = made.conditional.quadrature(made.params, members)  # with repetitions
    assert each.shape[-1] > 8
    of_each = made.log_weight.exp()[..., None] * of_each
    for whole in range(8):
        expected = torch.where(each == whole, of_each, 0).sum((1, 2))
        torch.testing.assert_close(weights[:, whole], expected, rtol=1e-12, atol=1e-15)


def test_rows_may_have_their_whole_numbers_far_from_each_other():
    narrow = DiscretizedLogisticMixture(2, spread=0.2)
    made = some(narrow)
    made.params[:, :, 2:4] = 1e4 * torch.arange(ROWS)[:, None, None]  # of a scale of .7 · .2
    made.params[:, :, 4:] = 0
    values, weights = made.quadrature()
    each, of_each = narrow.quadrature(made.params[:, 0])
    assert values.shape[1] <= each.shape[1] / 2
    assert bool((values.diff(dim=1) == 1).all())
    assert float((values.amin(1) - values.amin()).max()) > 1e3
    for power in (1, 2):
        expected = (of_each * each**power).sum(1)
        torch.testing.assert_close(
            (weights * values**power).sum(1), expected, rtol=1e-12, atol=1e-12
        )


def test_wide_and_continuous_ones_keep_their_values():
    wide = some(DiscretizedLogisticMixture(3, spread=1e5))
    real = some(GaussianMixture(3))
    for made in (wide, real):
        values, weights = made.quadrature()
        each, of_each = made.conditional.quadrature(made.params[:, 0])
        assert torch.equal(values, each)
        assert torch.equal(weights, of_each)


def test_values_that_no_row_has_are_left_out():
    """A tie that leaves one value has no others; one that says nothing has none at all."""
    tied = Tied(DiscretizedLogisticMixture(3, spread=1e5), (0.9, 0.9, 0.5))
    made = some(tied)
    ends = torch.tensor([5.0, 5.0, 1.0, 0.0, 100.0, 109.0], dtype=torch.float64)
    made.params[:, :, list(tied.evidence_slots)] = ends
    values, weights = made.quadrature()
    base = tied.base.quadrature(made.params[:, 0, 3 * 3 + 1 :])[0].shape[-1]
    assert values.shape == (ROWS, 1 + 10 + base)
    assert bool((weights > 0).any(0).all())
    torch.testing.assert_close(weights.sum(1), torch.ones(ROWS, dtype=torch.float64))
    at_point = torch.where(values == 5, weights, 0).sum(1)
    assert bool((at_point > 0.1).all())


@pytest.mark.parametrize("members", [1, 2])
def test_some_rows_at_a_time_give_the_likelihoods_of_all(members, monkeypatch):
    made = some(DiscretizedLogisticMixture(3, least=0, spread=4.0), members)
    x = torch.arange(5.0, dtype=torch.float64) + torch.arange(ROWS)[:, None]
    whole = made.log_prob_grid(x)
    asked = []
    plain = DiscretizedLogisticMixture.log_prob

    def noted(self, params, x):
        asked.append(len(x))
        return plain(self, params, x)

    monkeypatch.setattr(DiscretizedLogisticMixture, "log_prob", noted)
    monkeypatch.setattr(distribution, "serves_float64", lambda tensor: False)
    monkeypatch.setattr(distribution, "CACHED", 60)  # four rows of five values, three components
    assert torch.equal(made.log_prob_grid(x), whole)
    assert asked == [4, 2] * members  # by formulas; a kernel keeps one number of each value
    monkeypatch.setattr(distribution, "CACHED", 1)
    assert torch.equal(made.log_prob_grid(x), whole)
    for column in range(5):
        torch.testing.assert_close(whole[:, column], made.log_prob(x[:, column]))
