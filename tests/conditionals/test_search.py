"""Quantiles of many distributions share one search."""

from dataclasses import dataclass

import pytest
import torch
from helpers.registry import CONDITIONALS

from chainrule.conditionals import Atoms, Distribution, GaussianMixture, Tied, search
from chainrule.conditionals.distribution import quantiles
from chainrule.rng import generator_from

NUMBERS = [each for each in CONDITIONALS if each.component_count]
LEVELS = (0.004, 0.3, 0.5, 0.77, 0.99)


def distribution(conditional, seed=0, rows=20, members=3):
    generator = generator_from(seed)
    params = 1.5 * torch.randn(
        rows, members, conditional.param_width, generator=generator, dtype=torch.float64
    )
    weight = torch.randn(rows, members, generator=generator, dtype=torch.float64)
    return Distribution(conditional, params, weight.log_softmax(1))


def test_many_have_the_quantiles_of_each_alone_in_few_bisections(monkeypatch):
    many = [
        distribution(conditional, seed, members=members)
        for members in (1, 3)
        for seed, conditional in enumerate(NUMBERS)
        if not isinstance(conditional, Tied)  # ties are no mixture over one scale: no shared search
    ]
    alone = [[each.quantile(q) for each in many] for q in LEVELS]
    calls, bisect = [], search.bisect
    monkeypatch.setattr(
        search, "bisect", lambda cdf, q, *ends: calls.append(len(q)) or bisect(cdf, q, *ends)
    )
    for q, want in zip(LEVELS, alone, strict=True):
        calls.clear()
        for found, value in zip(quantiles(many, q), want, strict=True):
            torch.testing.assert_close(found, value, rtol=1e-13, atol=1e-13)
        assert len(calls) < len(many) / 2
        assert sum(calls) <= sum(len(each.params) for each in many)


@pytest.mark.parametrize("conditional", NUMBERS, ids=repr)
def test_a_mixtures_quantile_is_the_smallest_value_that_reaches_it(conditional):
    found = distribution(conditional, seed=7, rows=200)
    step = 1.0 if conditional.is_discrete else 1e-6
    for q in LEVELS:
        at = found.quantile(q)
        assert bool((found.cdf(at) >= q - 1e-10).all())
        assert bool((found.cdf(at - step) < q + 1e-10).all())


@dataclass(frozen=True)
class Own(GaussianMixture):
    """A family with a quantile of its own, and no search."""

    def search(self, params, log_weight, q):
        return None

    def quantile(self, params, q):
        return GaussianMixture(self.components).quantile(params, q)


def test_a_family_without_a_search_answers_by_its_own_quantile():
    for own, usual in (
        (Own(2), GaussianMixture(2)),
        (Atoms((0.0, 1.0), Own(2)), Atoms((0.0, 1.0), GaussianMixture(2))),
    ):
        for members in (1, 3):
            mine, other = (distribution(each, 3, members=members) for each in (own, usual))
            for q in LEVELS:
                torch.testing.assert_close(mine.quantile(q), other.quantile(q))


def test_a_bisection_ends_when_no_float_lies_between():
    tried = []

    def cdf(z):
        tried.append(z)
        return z

    q = torch.tensor([0.3], dtype=torch.float64)
    found = search.bisect(cdf, q, torch.zeros_like(q), torch.ones_like(q))
    assert float(found) == 0.3
    assert len(tried) < 60 < search.BISECTIONS
