"""Laws of conditionals."""

import math

import pytest
import torch

from chainrule.conditionals import KINDS, Bernoulli, Distribution, conditional_from_json
from chainrule.errors import FormatError

CONDITIONALS = [Bernoulli()]
LOGITS = torch.tensor([-300.0, -80.0, -25.0, -1.0, 0.0, 0.5, 21.0, 80.0, 300.0], dtype=torch.float64)[:, None]


def test_every_kind_is_tested():
    assert {type(c).__name__ for c in CONDITIONALS} == set(KINDS)


@pytest.mark.parametrize("conditional", CONDITIONALS, ids=repr)
def test_mass_sums_to_one_and_agrees_with_mean_mode_and_entropy(conditional):
    d = Distribution(conditional, LOGITS)
    values = torch.tensor(conditional.support(), dtype=torch.float64)
    logs = torch.stack([d.log_prob(torch.full((len(LOGITS),), v, dtype=torch.float64)) for v in values.tolist()], 1)
    assert bool(logs.isfinite().all())
    assert float((logs.exp().sum(1) - 1).abs().max()) < 1e-15
    assert torch.allclose((logs.exp() * values).sum(1), d.mean(), rtol=1e-14)
    assert torch.equal(values[logs.argmax(1)], d.mode())
    assert torch.allclose(-(logs.exp() * logs).sum(1), d.entropy(), rtol=1e-12)


def test_bernoulli_far_logits_are_exact():
    """Against the closed form in high precision: nothing is clamped, nothing rounds to zero too early."""
    d = Distribution(Bernoulli(), LOGITS)
    for z, got in zip(LOGITS[:, 0].tolist(), d.log_prob(torch.ones(len(LOGITS)).double()).tolist(), strict=True):
        want = z - math.log1p(math.exp(z)) if z < 0 else -math.log1p(math.exp(-z))
        assert got == pytest.approx(want, rel=1e-14, abs=0)


@pytest.mark.parametrize("conditional", CONDITIONALS, ids=repr)
def test_sample_follows_the_mean_and_temperature(conditional):
    uniforms = (torch.arange(10000, dtype=torch.float64) + 0.5) / 10000
    for z in (-2.0, 0.0, 1.0):
        params = torch.full((10000, 1), z, dtype=torch.float64)
        drawn = conditional.sample(params, uniforms)
        assert abs(float(drawn.mean()) - 1 / (1 + math.exp(-z))) <= 1e-4
        cold = conditional.sample(params, uniforms, 0.5)
        assert abs(float(cold.mean()) - 1 / (1 + math.exp(-2 * z))) <= 1e-4
        bound = Distribution(conditional, params)
        again = [bound.sample(torch.Generator().manual_seed(1)) for _ in range(2)]
        assert torch.equal(*again)
        assert abs(float(again[0].mean() - bound.mean()[0])) < 0.03


@pytest.mark.parametrize("conditional", CONDITIONALS, ids=repr)
def test_json_round_trip(conditional):
    assert conditional_from_json(conditional.to_json()) == conditional


def test_unknown_or_misspelt_json_is_a_format_error():
    with pytest.raises(FormatError, match=r"conditional 'Bernouli' is unknown.*nearest: 'Bernoulli'"):
        conditional_from_json({"kind": "Bernouli"})
    with pytest.raises(FormatError, match=r"does not take the options \['width'\]"):
        conditional_from_json({"kind": "Bernoulli", "width": 3})
