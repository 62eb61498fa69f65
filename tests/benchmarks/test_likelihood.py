"""The likelihood tables: what they are made of must be right, or they say nothing."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from helpers.registry import committee, nade, randomized

import chainrule as cr
from benchmarks.likelihood import folds, page, published, results
from benchmarks.likelihood.experiments import EXPERIMENTS
from benchmarks.likelihood.second_path import by_reference, cells_by_reference
from chainrule.model import Model
from chainrule.networks import LatentTree
from chainrule.rng import generator_from
from chainrule.training.recipes.committee import LADDERS

REVERSED = [4, 3, 2, 1, 0]


@pytest.mark.parametrize("build", [
    lambda: nade(5, 4, seed=1, order=REVERSED, activation="relu"),
    lambda: committee(
        nade(5, 4, seed=2, order=REVERSED), nade(5, 3, seed=3, order=REVERSED), weights=[1, 2]),
    lambda: cr.Ensemble(
        [committee(nade(5, 4, seed=4)), nade(5, 3, seed=5, order=REVERSED)], [2, 1]),
    lambda: cr.Ensemble([
        randomized(LatentTree(5, states=3, parents=[2, 0, -1, 2, 1]), 6), nade(5, 4, seed=7)]),
], ids=["nade", "committee", "ensemble", "tree"])  # fmt: skip
def test_the_second_path_gives_the_same_likelihoods(build):
    rows = np.random.default_rng(0).integers(0, 2, (60, 5))
    network = build()
    density = cr.Density(Model(cr.infer_schema(rows), network), {})
    np.testing.assert_allclose(
        by_reference(density, rows), density.log_prob(rows, strict=True), rtol=1e-12
    )
    with torch.no_grad():  # it reads the network's own weights
        next(network.parameters()).add_(0.1)
    assert not np.allclose(
        by_reference(density, rows), density.log_prob(rows, strict=True) + 0.01, rtol=1e-12
    )
    np.testing.assert_allclose(
        by_reference(density, rows), density.log_prob(rows, strict=True), rtol=1e-12
    )


def test_the_second_path_of_numbers_gives_the_same():
    rows = torch.randn(40, 3, generator=generator_from(0), dtype=torch.float64)
    columns = [cr.GaussianMixture(4, least_scale=0.05)] * 3
    network = cr.Committee(
        [cr.NADE(columns, 5, order=[2, 0, 1], generator=generator_from(seed)) for seed in (1, 2)]
    )
    network.double().initialize_from(rows)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(
                0.3 * torch.randn(parameter.shape, generator=generator_from(3), dtype=torch.float64)
            )
        again = cells_by_reference(network, rows).sum(1)
        torch.testing.assert_close(again, network.log_prob(rows), rtol=1e-11, atol=0)
        other = cr.NADE([cr.LaplaceMixture(2)] * 3, 4)
        with pytest.raises(TypeError, match="LaplaceMixture"):
            cells_by_reference(other, rows)


def test_the_rows_of_folds_are_all_of_them(monkeypatch):
    """Every fold's likelihoods count once; each fold is in units of its own training rows."""
    numbers = np.random.default_rng(0).normal(3, 7, (100, 3))
    numbers[:, 1] = 4  # constant, which no density can be of
    loaded = []

    def load(name, fold):
        loaded.append(fold)
        at, valid = np.arange(100) % 10, (fold + 1) % 10
        train, held, test = (
            numbers[(at != fold) & (at != valid)],
            numbers[at == valid],
            numbers[at == fold],
        )
        return cr.datasets.Dataset(name, train, held, test)

    monkeypatch.setattr(cr.datasets, "load", load)
    rows = folds.fold_of("red-wine", 3)
    torch.testing.assert_close(rows.train.mean(0), torch.zeros(2), atol=1e-6, rtol=0)
    torch.testing.assert_close(rows.train.std(0, correction=0), torch.ones(2))
    loaded.clear()
    small = cr.FitConfig(
        hidden_size=3,
        members=2,
        epochs=2,
        batch_size=40,
        learning_rate=1e-2,
        weight_decay=0.1,
        input_dropout=0.0,
    )
    found = folds.run(replace(EXPERIMENTS["red-wine"], config=small), seed=0)
    assert loaded == list(range(10))
    assert found["second_path"] < 1e-10
    assert found["parameters"] == 2 * (2 * 3 + 3 + 3 + 60 * 3 + 60)
    # The columns are independent, so that there is nothing to learn.
    assert found["test_nats"] == pytest.approx(found["independent_test_nats"], abs=0.2)
    assert -3.2 < found["test_nats"] < -2.6  # two standard normal numbers: 2 · 1.419
    assert found["config"]["scale_floor"] == folds.SCALE_FLOOR
    _, state = folds.fitted(
        replace(EXPERIMENTS["red-wine"], config=replace(small, learning_rate=None)), rows, seed=0
    )
    assert {tuple(trial["changed"]) for trial in state.trials} == {(), ("learning_rate",)}


def test_the_second_path_refuses_what_it_does_not_describe():
    density = cr.Density(Model(cr.infer_schema(np.eye(3, dtype=int)), cr.MADE(3, [4])), {})
    with pytest.raises(TypeError, match="MADE"):
        by_reference(density, np.eye(3, dtype=int))


def test_estimates_are_not_the_best_known():
    known = {name: published.best(experiment.data) for name, experiment in EXPERIMENTS.items()}
    assert known["nips"].nats == -272.39
    assert known["dna-nade"].nats == -79.056
    assert all(each is not None and each.kind == "exact" for each in known.values())
    assert all(
        experiment.must is None or experiment.must <= (experiment.aim or 0)
        for experiment in EXPERIMENTS.values()
    )
    assert min(row.nats for row in published.published("nips")) == -294.813


def test_a_row_is_appended_once(tmp_path):
    path = tmp_path / "likelihood.csv"
    row = dict.fromkeys(results.FIELDS, "") | {
        "experiment": "dna",
        "effort": "quick",
        "seed": 0,
        "test_nats": -80.5,
    }
    row |= {name: row[name] or 0 for name in results.NUMBERS}
    results.add(row, path)
    results.add({**row, "seed": 1}, path)
    results.add({**row, "test_nats": -80.25}, path)
    found = results.read(path)
    assert [(each["seed"], each["test_nats"]) for each in found] == [(1, -80.5), (0, -80.25)]


def test_the_page_says_what_was_measured():
    assert page.PAGE.read_text(encoding="utf-8") == page.text(), (
        "run python -m benchmarks.likelihood.page to update the page"
    )


def test_the_benchmarks_page_counts_the_sets_on_which_we_are_best():
    quoting = (page.DOCS / "benchmarks.md").read_text(encoding="utf-8")
    quoting = " ".join(quoting.split())  # without the line breaks of its paragraphs
    sets = [name for name, experiment in EXPERIMENTS.items() if experiment.table == "binary"]
    rows: dict[str, list[dict]] = {}
    for row in results.read():
        if row["effort"] == "standard":
            rows.setdefault(row["experiment"], []).append(row)

    def over_seeds(name, what):
        return float(np.mean([row[what] for row in rows[name]]))

    run = [name for name in sets if name in rows]
    above = sum(
        over_seeds(name, "test_nats") > published.best(EXPERIMENTS[name].data).nats for name in run
    )
    assert len(run) == len(sets)
    assert f"of {len(run)}, {above} are above" in quoting
    for name, quoted in (
        ("binarized-mnist", "test {:.2f} ± {:.2f} nats by the recipe"),
        ("binarized-mnist, one NADE", "{:.2f} ± {:.2f} by one NADE"),
        ("red-wine", "red wine: {:.2f} ± {:.2f} by eight RNADEs"),
    ):
        figures = -over_seeds(name, "test_nats"), over_seeds(name, "test_standard_error")
        assert quoted.format(*figures) in quoting


def test_what_falls_short_of_its_must_is_explained():
    for experiment in page.missed(results.read()):
        assert len(experiment.short) > 100, experiment.name


def test_the_page_counts_what_each_change_gained():
    trials = [
        {"changed": {}, "valid_nats": 10.0},
        {"changed": {"input_dropout": 0.1}, "valid_nats": 9.0},
    ]
    trials += [
        {"changed": {"input_dropout": 0.2}, "valid_nats": 9.5},
        {"changed": {"epochs": 80}, "valid_nats": 8.5},
        {"changed": {"mixed_with": {}}, "valid_nats": 8.5, "kept": True},
        {"changed": {"mixed_with": {"states": 8}}, "valid_nats": 8.3, "kept": True},
        {"changed": {"mixed_with": {"states": 16}}, "valid_nats": 8.25, "kept": True},
        {"changed": {"mixed_with": {"states": 32}}, "valid_nats": 8.24, "kept": False},
    ]
    config = {field: None for field, _ in LADDERS}
    config |= {"input_dropout": 0.1, "epochs": 80, "batch_size": 32}
    row = {
        "experiment": "dna",
        "seed": 0,
        "effort": "standard",
        "valid_nats": -8.25,
        "config": json.dumps(config),
    }
    (line,) = [
        line
        for line in page._choices([{**row, "trials": json.dumps(trials)}])
        if line.startswith("| dna")
    ]
    assert (
        line == "| dna | 10.000 | 0.1 (1.000) | – | 80 (0.500) | – | – | – | – | – | 8.500 | "
        "8, 16 (0.250) | 8.250 | 4 |"
    )
