"""Latent trees: what EM learns, when a mixture keeps a tree, and fits with trees."""

import numpy as np
import pytest
import torch

import chainrule as cr
from chainrule.networks import Ensemble, LatentTree
from chainrule.rng import generator_from
from chainrule.training import latent_trees
from chainrule.training.batches import Rows
from chainrule.training.latent_trees import (
    add_latent_trees,
    epochs_of,
    fit_latent_tree,
)
from chainrule.training.mixture import Mixture, log_prob_of

SMALL = cr.FitConfig(
    hidden_size=8, epochs=3, members=2, orders=1, order="reverse", weight_decay=0.01,
    learning_rate=0.01, input_dropout=0.0, trees=1,
)  # fmt: skip


def chain(n, seed, columns=6, stays=0.85):
    """Noisy readings (n, columns) of a hidden Markov chain of three states."""
    rng = np.random.default_rng(seed)
    state = rng.integers(0, 3, n)
    found = []
    for _ in range(columns):
        state = np.where(rng.random(n) < stays, state, rng.integers(0, 3, n))
        found.append(rng.random(n) < np.array([0.05, 0.5, 0.95])[state])
    return np.stack(found, axis=1).astype(np.uint8)


def rows(n, seed):
    return Rows(torch.from_numpy(chain(n, seed)).float())


def test_em_finds_the_density_that_rows_were_drawn_from():
    train, valid = rows(2000, 0), rows(500, 1)
    tree = LatentTree(6, states=3, generator=generator_from(0))
    tree.initialize_from(train.x)
    before = log_prob_of(tree, valid).mean()
    logs = fit_latent_tree(tree, train, valid, epochs=30, generator=generator_from(0))
    assert torch.equal(logs, log_prob_of(tree, valid))  # those of the weights that are kept
    counted = np.unique(chain(200_000, 2), axis=0, return_counts=True)[1] / 200_000
    entropy = -(counted * np.log(counted)).sum()
    assert float(-log_prob_of(tree, rows(20_000, 3)).mean()) < entropy + 0.04
    assert logs.mean() > before + 0.2


def test_the_best_epoch_is_kept_and_the_fit_ends_when_none_is_better(monkeypatch):
    train, valid, reached = rows(30, 0), rows(200, 1), []
    original = latent_trees.log_prob_of

    def watched(network, given):
        found = original(network, given)
        reached.append(float(found.mean()))
        return found

    monkeypatch.setattr(latent_trees, "log_prob_of", watched)
    tree = LatentTree(6, states=8, generator=generator_from(0))
    logs = fit_latent_tree(
        tree, train, valid, epochs=200, generator=generator_from(0), smoothing=0.01
    )
    assert float(logs.mean()) == max(reached)
    assert len(reached) == 1 + reached.index(max(reached)) + latent_trees.PATIENCE < 200


def test_weighted_rows_count_as_often_as_their_weight():
    few, one = rows(40, 0), torch.ones(40)
    one[:10] = 3
    weighted = Rows(few.x, weight=one / one.mean())
    repeated = Rows(torch.cat([few.x[:10], few.x[:10], few.x]))
    each = [LatentTree(6, states=2, generator=generator_from(0)) for _ in range(2)]
    for tree, given in zip(each, (weighted, repeated), strict=True):
        counts = latent_trees.counts_of(tree, given, 60.0)
        tree.maximise(counts, latent_trees.smoothed_frequency(repeated), 0.5)
    assert torch.allclose(each[0].state_logit, each[1].state_logit, atol=1e-4)
    assert torch.allclose(each[0].value_logit, each[1].value_logit, atol=1e-4)


@pytest.fixture(scope="module")
def independent():
    network = cr.NADE(6, hidden_size=2, order="reverse", generator=generator_from(0))
    network.initialize_from(rows(600, 0).x)
    return network.eval()


def test_trees_that_gain_on_validation_rows_are_mixed_in(independent):
    train, valid = rows(600, 0), rows(300, 1)
    each = [Mixture(independent, valid) for _ in range(2)]
    for mixture in each:
        add_latent_trees(mixture, train, valid, most=2, seed=0)
    found, again = (mixture.network for mixture in each)
    assert isinstance(found, Ensemble)
    assert found.gradient_part() is independent
    assert torch.equal(found.order, independent.order)  # so a prefix of the order is evidence
    trials = each[0].trials
    assert trials[1]["valid_nats"] < trials[0]["valid_nats"] - 0.1
    assert [trial["changed"]["mixed_with"] for trial in trials[1:]] == [
        {"states": states} for states in latent_trees.STATES[: len(trials) - 1]
    ]
    pairs = zip(found.state_dict().values(), again.state_dict().values(), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)


def test_the_first_tree_that_gains_nothing_ends_the_series(independent):
    noise = np.random.default_rng(0).random((400, 6)) < 0.4
    train, valid = (Rows(torch.from_numpy(part).float()) for part in (noise[:200], noise[200:]))
    network = cr.NADE(6, hidden_size=2, generator=generator_from(0))
    network.initialize_from(train.x)
    mixture = Mixture(network.eval(), valid)
    add_latent_trees(mixture, train, valid, most=3, seed=0)
    assert mixture.network is network
    assert [trial["kept"] for trial in mixture.trials] == [True, False]


def test_large_tables_have_fewer_epochs():
    least, most = latent_trees.EPOCHS
    assert epochs_of(1_600, 180, 8) == most
    assert epochs_of(290_000, 60, 32) == least
    assert epochs_of(2_461, 1_556, 8) < epochs_of(2_461, 180, 8)


@pytest.fixture(scope="module")
def fitted():
    return cr.fit(
        chain(500, 0), chain(300, 1), network="committee", seed=0, config=SMALL, verbose=False
    )


def test_a_fit_mixes_a_committee_with_trees(fitted, tmp_path):
    network = fitted.model.network
    assert [type(each).__name__ for each in network.networks][:2] == ["Committee", "LatentTree"]
    _, mixed = (trial for trial in fitted.training["trials"] if "mixed_with" in trial["changed"])
    assert -fitted.score(chain(300, 1), strict=True) == pytest.approx(mixed["valid_nats"])
    fitted.save(tmp_path / "m.chainrule")
    read, rows = cr.load(tmp_path / "m.chainrule"), chain(50, 2)
    assert np.array_equal(read.log_prob(rows), fitted.log_prob(rows))
    without = cr.fit(
        chain(500, 0),
        chain(300, 1),
        network="committee",
        seed=0,
        config=cr.FitConfig(**{**SMALL.to_json(), "trees": 0}),
        verbose=False,
    )
    assert type(without.model.network).__name__ == "Committee"
    assert without.training["valid_nats"] > fitted.training["valid_nats"] + 0.1
    committee, trained = without.model.network.state_dict(), network.networks[0].state_dict()
    assert all(torch.equal(committee[name], trained[name]) for name in committee)


def test_there_are_no_trees_with_a_time_limit_or_quick_effort():
    for options in ({"time_limit_s": 30.0}, {"effort": "quick"}):
        density = cr.fit(
            chain(200, 0), network="committee", seed=0, config=SMALL, verbose=False, **options
        )
        assert type(density.model.network).__name__ == "Committee"


def test_a_fit_from_a_density_with_trees_fits_new_trees(fitted):
    config = cr.FitConfig(epochs=1)
    warm = cr.fit(chain(500, 5), chain(300, 6), start=fitted, seed=1, config=config, verbose=False)
    trees = [each.model.network.networks[1] for each in (fitted, warm)]
    assert not torch.equal(trees[0].state_logit, trees[1].state_logit)
    assert type(warm.model.network.networks[0]).__name__ == "Committee"
