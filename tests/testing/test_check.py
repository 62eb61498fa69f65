"""``check``: it passes a sound model, and names what is broken."""

import copy
import sys

import pytest
import torch
from helpers.some_tables import density_of_bits

import chainrule as cr
from chainrule.model import Model
from chainrule.table import Binary, Schema
from chainrule.testing import check


@pytest.fixture(scope="module")
def density():
    return density_of_bits()


def test_check_passes_a_sound_model_and_names_what_is_broken(density):
    assert [r.passed for r in check(density)] == [True] * 7

    class Leaky(cr.NADE):
        """Output k sees x_k: the leak the lecture warns of."""

        def conditional_params(self, x, *, merge_repeats=False):
            return super().conditional_params(x) + 2 * x

    class Biased(cr.NADE):
        """A sampler that draws from another distribution than log_prob's."""

        def draw(self, values, observed, uniform, temperature):
            return super().draw(values, observed, uniform**1.5, temperature)

    for cls, broken in ((Leaky, {0, 1}), (Biased, {2, 3})):
        network = copy.deepcopy(density.model.network)
        network.__class__ = cls
        bad = cr.Density(cr.density.Model(density.model.schema, network))
        results = check(bad)
        assert broken <= {k for k, r in enumerate(results) if not r.passed}, [
            r.detail for r in results
        ]


def test_check_notices_a_sampler_that_couples_columns_and_passes_rare_and_constant_ones():
    """A wrong pair late in the order behind constant columns is seen; rare values and constants
    raise no alarm.
    """
    columns = tuple(Binary(name=f"x{k}", levels=(0, 1), dtype="int64") for k in range(30))
    with torch.no_grad():
        network = cr.NADE(30, hidden_size=2)
        network.output_weight.zero_()
        network.output_bias[:20] = -40.0
        network.output_bias[20:] = torch.tensor(
            [0.7, 0.0, 0.0, 0.0, 0.0, 0.0, -7.0, -7.0, -7.0, -7.0]
        )
    sound = cr.Density(Model(Schema(columns), network))
    for seed in range(6):
        assert [r.passed for r in check(sound, seed=seed)] == [True] * 7

    class Coupled(cr.NADE):
        """Column 25 copies column 21, which log_prob holds to be independent of it."""

        def draw(self, values, observed, uniform, temperature):
            x = super().draw(values, observed, uniform, temperature)
            x[:, 25] = x[:, 21]
            return x

    network.__class__ = Coupled
    assert [r.passed for r in check(sound)][:4] == [True, True, False, False]


def test_check_notices_a_file_that_loses_a_bit(density, monkeypatch):
    module = sys.modules["chainrule.testing.check"]
    load = module.load

    def loses_a_bit(path):
        again = load(path)
        with torch.no_grad():
            again.model.network.output_bias[0] += 1e-3
        return again

    monkeypatch.setattr(module, "load", loses_a_bit)
    assert [r.passed for r in check(density)] == [True] * 4 + [False, True, True]


def test_check_fails_a_model_that_is_not_finite(density):
    network = copy.deepcopy(density.model.network)
    with torch.no_grad():
        network.output_weight[1, 1] = torch.nan
    results = check(cr.Density(Model(density.model.schema, network)))
    assert not any(r.passed for r in results)
