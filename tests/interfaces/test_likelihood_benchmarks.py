"""The likelihood tables: what they are made of must be right, or they say nothing."""

import numpy as np
import pytest
import torch
from registry import committee, nade

import chainrule as cr
from benchmarks.likelihood import published, results
from benchmarks.likelihood.experiments import EXPERIMENTS
from benchmarks.likelihood.second_path import by_reference
from chainrule.model import Model

REVERSED = [4, 3, 2, 1, 0]


@pytest.mark.parametrize("build", [
    lambda: nade(5, 4, seed=1, order=REVERSED, activation="relu"),
    lambda: committee(nade(5, 4, seed=2, order=REVERSED), nade(5, 3, seed=3, order=REVERSED), weights=[1, 2]),
    lambda: cr.Ensemble([committee(nade(5, 4, seed=4)), nade(5, 3, seed=5, order=REVERSED)], [2, 1]),
], ids=["nade", "committee", "ensemble"])  # fmt: skip
def test_the_second_path_gives_the_same_likelihoods(build):
    rows = np.random.default_rng(0).integers(0, 2, (60, 5))
    network = build()
    density = cr.Density(Model(cr.infer_schema(rows), network), {})
    np.testing.assert_allclose(by_reference(density, rows), density.log_prob(rows), rtol=1e-12)
    with torch.no_grad():  # it reads the network's own weights
        next(network.parameters()).add_(0.1)
    assert not np.allclose(by_reference(density, rows), density.log_prob(rows) + 0.01, rtol=1e-12)
    np.testing.assert_allclose(by_reference(density, rows), density.log_prob(rows), rtol=1e-12)


def test_the_second_path_refuses_what_it_does_not_describe():
    density = cr.Density(Model(cr.infer_schema(np.eye(3, dtype=int)), cr.MADE(3, [4])), {})
    with pytest.raises(TypeError, match="MADE"):
        by_reference(density, np.eye(3, dtype=int))


def test_estimates_are_not_the_best_known():
    known = {name: published.best(experiment.data) for name, experiment in EXPERIMENTS.items()}
    assert known["nips"].nats == -272.39
    assert known["dna-nade"].nats == -79.056
    assert all(each is not None and each.kind == "exact" for each in known.values())
    assert min(row.nats for row in published.published("nips")) == -294.813


def test_a_row_is_appended_once(tmp_path):
    path = tmp_path / "likelihood.csv"
    row = dict.fromkeys(results.FIELDS, "") | {"experiment": "dna", "effort": "quick", "seed": 0, "test_nats": -80.5}
    row |= {name: row[name] or 0 for name in results.NUMBERS}
    results.add(row, path)
    results.add({**row, "seed": 1}, path)
    results.add({**row, "test_nats": -80.25}, path)
    found = results.read(path)
    assert [(each["seed"], each["test_nats"]) for each in found] == [(1, -80.5), (0, -80.25)]
