"""Expectations within wide ranges of tied columns: a few points stand for all values."""

import pytest
import torch

from chainrule.conditionals import Atoms, Calendar, DiscretizedLogisticMixture, Tied
from chainrule.leaves.warps import Log
from chainrule.rng import generator_from

LOW, HIGH = -20.0, 150.0
BASES = {
    "integers": DiscretizedLogisticMixture(3, center=30.0, spread=40.0),
    "bounded": DiscretizedLogisticMixture(4, least=0, most=900, center=30.0, spread=40.0),
    "logarithm": DiscretizedLogisticMixture(2, least=0, center=3.0, warp=Log(-0.5)),
    "atoms": Atoms((0.0, 40.0, 500.0), DiscretizedLogisticMixture(2, center=30.0, spread=40.0)),
    "atoms beyond": Atoms((-5.0, 7.0), DiscretizedLogisticMixture(2, 200, 900, spread=40.0)),
    "days": Calendar(DiscretizedLogisticMixture(2, center=30.0, spread=40.0), 19_770, -90, 200),
}


@pytest.mark.parametrize("name", BASES)
def test_points_of_a_range_have_its_moments(name):
    base = BASES[name]
    params = torch.randn(8, base.param_width, generator=generator_from(1), dtype=torch.float64)
    low, high = (torch.full((8,), end, dtype=torch.float64) for end in (LOW, HIGH))
    values, weights = base.points_between(params, low, high, 33)
    assert bool(((low[:, None] <= values) & (values <= high[:, None])).all())
    torch.testing.assert_close(weights.sum(1), torch.ones(8, dtype=torch.float64))
    every = torch.arange(LOW, HIGH + 1, dtype=torch.float64).expand(8, -1)
    p = (base.log_prob(params[:, None], every) - base.log_between(params, low, high)[:, None]).exp()
    mean, found = (p * every).sum(1), (weights * values).sum(1)
    deviation = (p * (every - mean[:, None]) ** 2).sum(1).sqrt()
    spread = (weights * (values - found[:, None]) ** 2).sum(1).sqrt()
    assert float(((found - mean).abs() / (1 + deviation)).max()) < 0.05
    assert float(((spread - deviation).abs() / (1 + deviation)).max()) < 0.05


@pytest.mark.parametrize("name", BASES)
def test_a_wide_range_has_the_mean_and_the_quantiles_of_its_masses(name):
    tied = Tied(BASES[name], (0.9,))
    params = torch.randn(6, tied.param_width, generator=generator_from(2), dtype=torch.float64)
    params[:, 0], params[:, 1] = 30.0, 0.0  # the tie has all weight
    params[:, tied.evidence_slots] = torch.tensor([LOW, HIGH], dtype=torch.float64)
    every = torch.arange(LOW, HIGH + 1, dtype=torch.float64).expand(6, -1)
    p = tied.log_prob(params[:, None], every).exp()
    torch.testing.assert_close(tied.mean(params), (p * every).sum(1), rtol=0.02, atol=0.5)
    for level in (0.01, 0.3, 0.9):
        q = torch.full((6,), level, dtype=torch.float64)
        reached = p.cumsum(1) >= level - 1e-12
        assert torch.equal(tied.quantile(params, q), every[0][reached.int().argmax(1)])
