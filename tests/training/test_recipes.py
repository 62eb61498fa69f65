"""The recipes: what a search tries, what it leaves alone, and a committee as it is trained."""

import copy
import math
from dataclasses import replace
from itertools import product

import numpy as np
import polars as pl
import pytest
import torch
from helpers.registry import committee, nade

import chainrule as cr
from chainrule.errors import ChainruleError, EvidenceError, FormatError, ShapeError
from chainrule.model import Model
from chainrule.networks import Columns
from chainrule.rng import generator_from
from chainrule.training import loop
from chainrule.training.batches import Rows
from chainrule.training.checkpoint import Checkpoint
from chainrule.training.config import FitConfig
from chainrule.training.plan import Plan
from chainrule.training.recipes import RECIPES
from chainrule.training.recipes import committee as recipe
from chainrule.training.recipes.committee import EFFORTS, GAIN_SHARE, LADDERS, SEARCH_ROWS
from chainrule.training.search import search
from chainrule.training.state import make_state

SMALL = FitConfig(hidden_size=8, epochs=3, members=4, orders=1, input_dropout=0.1, trees=0)


def related_bits(n=240, seed=0):
    """Bits of which each but the first repeats it, most of the time."""
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, 2, (n, 6))
    rows[:, 1:] = np.where(rng.random((n, 5)) < 0.9, rows[:, :1], rows[:, 1:])
    return rows


def planned(network="committee", rows=60, effort="standard", **options):
    """The plan for a table of six columns of bits."""
    RECIPES[network].check(FitConfig(**options))
    return RECIPES[network].plan(FitConfig(**options), Columns.of(6), rows, effort)


def test_a_search_keeps_what_is_better_and_goes_on_from_there():
    def nats_of(plan):
        return abs(plan.weight_decay - 0.1) + abs(plan.epochs - 5) + (plan.order == "reverse")

    start = Plan(weight_decay=0.3, epochs=10, order="natural")
    ladders = [
        ("order", ("natural", "reverse")), ("weight_decay", (0.01, 0.1, 0.3, 1.0)),
        ("epochs", (5, 10, 20)),
        ("weight_decay", (0.1, 0.3)),
    ]  # fmt: skip
    best, trials = search(start, nats_of, ladders=ladders)
    assert (best.weight_decay, best.epochs, best.order) == (0.1, 5, "natural")
    assert [t["changed"] for t in trials] == [
        {}, {"order": "reverse"}, {"weight_decay": 1.0}, {"weight_decay": 0.1},
        {"weight_decay": 0.01}, {"epochs": 20},
        {"epochs": 5}, {"weight_decay": 0.3},
    ]  # fmt: skip
    assert [t["valid_nats"] for t in trials[:2]] == [pytest.approx(5.2), pytest.approx(6.2)]
    twice = search(
        start, nats_of, ladders=[("weight_decay", (0.3, 1.0)), ("weight_decay", (0.3, 1.0))]
    )
    assert len(twice[1]) == 2  # what was tried is not tried again
    dear, _ = search(
        start,
        nats_of,
        ladders=ladders,
        needed_gain=lambda nats, plan, candidate: 0.3 + (candidate.epochs > 5),
    )
    assert (dear.weight_decay, dear.epochs) == (0.3, 5)  # 0.2 is not gain enough, 5 is
    unable, tried = search(
        start, lambda plan: math.nan if plan.weight_decay > 0.3 else nats_of(plan), ladders=ladders
    )
    assert unable.weight_decay == 0.1  # what is no number has lost
    assert tried[2] == {"changed": {"weight_decay": 1.0}, "valid_nats": None}
    able, _ = search(
        start,
        lambda plan: math.nan if plan.epochs > 5 else 1.0,
        ladders=ladders,
        needed_gain=recipe.needed_gain,
    )
    assert able.epochs == 5  # any number has won against none
    same, few = search(start, lambda plan: 1.0, ladders=ladders)  # equal is not better
    assert same == start
    assert len(few) == 6


def test_what_was_set_is_not_searched():
    plan = planned(rows=500, order="reverse", epochs=7)
    tried = recipe.open_ladders(FitConfig(order="reverse", epochs=7), plan)
    assert {field for field, _ in tried} == {field for field, _ in LADDERS} - {
        "order",
        "orders",
        "epochs",
    }
    plan = planned(rows=500)
    free = recipe.open_ladders(FitConfig(), plan)
    assert [ladder for field, ladder in free if field == "epochs"] == [(80, 40, 20, 10)]
    assert dict(free)["orders"] == (1, 8)
    for field, ladder in free:
        assert getattr(plan, field) in ladder, field
    assert (
        not {"order", "orders"}
        & dict(recipe.open_ladders(FitConfig(), plan, keeps_order=True)).keys()
    )
    searched = [(100, "standard"), (100, "quick"), (SEARCH_ROWS, "standard")]
    assert [recipe.is_searched(rows, effort) for rows, effort in searched] == [True, False, False]


def test_binary_tables_have_more_orders_and_small_ones_batch_sizes():
    small = dict(recipe.open_ladders(FitConfig(), planned(rows=500), is_binary=True))
    assert small["order"] == ("natural", "mutual-information", "greedy")
    assert list(small)[-1] == "batch_size"
    assert 32 in small["batch_size"]
    large = dict(recipe.open_ladders(FitConfig(), planned(rows=9000), is_binary=True))
    assert "batch_size" not in large
    other = dict(recipe.open_ladders(FitConfig(), planned(rows=500)))
    assert "batch_size" not in other
    assert other["order"] == dict(LADDERS)["order"]
    fixed = recipe.open_ladders(FitConfig(batch_size=32), planned(rows=500), is_binary=True)
    assert "batch_size" not in dict(fixed)


def test_the_recipe_follows_rows_and_effort():
    sizes = [planned(rows=rows).batch_size for rows in (100, 10_000, 20_000, 10**6)]
    assert sizes == sorted(sizes) == [32, 50, 100, 200]
    assert planned(rows=10**6).epochs == EFFORTS["standard"].epochs[0]
    assert planned(rows=100, effort="best").epochs == EFFORTS["best"].epochs[1]
    members = [
        planned(rows=1000, effort=effort).members for effort in ("quick", "standard", "best")
    ]
    assert members == sorted(members)


def test_what_takes_longer_must_gain_more():
    plan = Plan(epochs=10, hidden_size=100)
    assert recipe.needed_gain(40.0, plan, replace(plan, weight_decay=0.5)) == 0
    assert recipe.needed_gain(40.0, plan, replace(plan, epochs=5)) == 0
    assert recipe.needed_gain(40.0, plan, replace(plan, epochs=20)) == pytest.approx(
        GAIN_SHARE * 40
    )
    assert recipe.needed_gain(-40.0, plan, replace(plan, hidden_size=400)) == pytest.approx(
        GAIN_SHARE * 80
    )


def test_a_committee_is_fitted_and_says_what_was_tried():
    rows = related_bits()
    one, two = (
        cr.fit(rows, network="committee", seed=3, config=SMALL, verbose=False) for _ in range(2)
    )
    network = one.model.network
    assert isinstance(network, cr.Committee)
    assert len(network.members) == 4
    assert np.array_equal(one.log_prob(rows), two.log_prob(rows))
    trials = one.training["trials"]
    assert {name for trial in trials for name in trial["changed"]} == {
        "batch_size",
        "learning_rate",
        "order",
        "weight_decay",
    }
    best = min(trials, key=lambda trial: trial["valid_nats"])
    assert trials[0]["changed"] == {}
    for field, value in best["changed"].items():  # what won is what was trained
        assert one.training["config"][field] == value
    assert one.training["objective"] == "likelihood"
    assert one.training["valid_nats"] < one.training["independent_valid_nats"]
    for options in ({"effort": "quick"}, {"time_limit_s": 60.0}):
        assert (
            cr.fit(
                rows, network="committee", seed=3, config=SMALL, verbose=False, **options
            ).training["trials"]
            == []
        )


@pytest.mark.parametrize("members", [2, 3, 8, 100])
def test_what_more_members_reach_is_extrapolated_from_two(members):
    """Exactly, where overfitting falls as one over the number of members."""
    reached = [80.0 + 5.0 / m for m in (1, 2, members)]
    assert recipe.extrapolated(*reached[:2], members) == pytest.approx(reached[2])


def test_an_interrupted_committee_goes_on_to_the_same_bits(tmp_path, monkeypatch):
    rows, path = related_bits(), tmp_path / "run.checkpoint"
    whole = cr.fit(rows, network="committee", seed=5, config=SMALL, verbose=False)
    keep, calls = Checkpoint.save, []

    def once(*args, **options):
        keep(*args, **options)
        calls.append(1)
        raise KeyboardInterrupt

    monkeypatch.setattr(Checkpoint, "save", once)
    with pytest.raises(KeyboardInterrupt):
        cr.fit(rows, network="committee", seed=5, config=SMALL, verbose=False, checkpoint=path)
    monkeypatch.setattr(Checkpoint, "save", keep)
    monkeypatch.setattr(
        recipe, "search", lambda *_, **__: pytest.fail("the search was run already")
    )
    other = replace(SMALL, hidden_size=9)
    with pytest.raises(FormatError, match="hidden_size"):
        cr.fit(rows, network="committee", config=other, verbose=False, checkpoint=path, resume=True)
    with pytest.raises(FormatError, match="another seed or effort"):
        cr.fit(
            rows,
            network="committee",
            effort="best",
            config=SMALL,
            verbose=False,
            checkpoint=path,
            resume=True,
        )
    again = cr.fit(
        rows, network="committee", config=SMALL, verbose=False, checkpoint=path, resume=True
    )
    assert len(calls) == 1
    assert again.training["config"] == whole.training["config"]
    assert again.training["trials"] == whole.training["trials"]
    assert np.array_equal(again.log_prob(rows), whole.log_prob(rows))


def test_a_member_learns_as_if_it_were_alone():
    """Gradients are clipped member by member: with the same rows the weights are those of a NADE
    trained by itself.
    """
    x = Rows(torch.from_numpy(related_bits()).float())
    plan = Plan(epochs=2, learning_rate=0.01, clip_norm=0.05, batch_size=50, weight_decay=0.01)
    alone = [nade(6, 5, seed=1, scale=0.5), nade(6, 3, seed=2, scale=0.5)]
    one, two = copy.deepcopy(alone), copy.deepcopy(alone)
    for network in (*alone, committee(*one), cr.Ensemble([committee(two[0]), two[1]], [1, 2])):
        state = make_state(network, plan, generator_from(0))
        loop.train(state, x, x, plan, progress=False)
    for member, single in zip([*one, *two], [*alone, *alone], strict=True):
        for a, b in zip(member.parameters(), single.parameters(), strict=True):
            torch.testing.assert_close(a, b, rtol=2e-3, atol=1e-5)


def test_members_of_several_orders_are_an_ensemble(tmp_path):
    rows = related_bits()
    density = cr.fit(
        rows,
        network="committee",
        seed=3,
        config=replace(SMALL, members=5, orders=2, epochs=30),
        verbose=False,
    )
    network = density.model.network
    assert isinstance(network, cr.Ensemble)
    assert [len(part.members) for part in network.members] == [3, 2]
    assert network.log_weight.exp().tolist() == pytest.approx([0.6, 0.4])
    assert not torch.equal(network.members[0].order, network.members[1].order)
    assert density.training["order"] is None
    assert density.training["order_spread"]["orders"] == 2
    every = np.array(list(product([0, 1], repeat=6)))
    assert np.exp(density.log_prob(every, strict=True)).sum() == pytest.approx(1, abs=1e-10)
    assert (
        density.training["valid_nats"] < density.training["independent_valid_nats"] - 0.5
    )  # of the mixture, trained
    density.save(tmp_path / "m.chainrule")
    np.testing.assert_array_equal(
        cr.load(tmp_path / "m.chainrule").log_prob(every), density.log_prob(every)
    )
    assert density.sample(3, seed=0).shape == (3, 6)
    free = cr.fit(
        rows,
        network="committee",
        seed=3,
        config=replace(SMALL, orders=None, members=2),
        verbose=False,
    )
    assert {"orders": 2} in [trial["changed"] for trial in free.training["trials"]]


def test_members_of_several_orders_over_columns_of_all_kinds(tmp_path):
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({
        "label": rng.choice(["a", "b", "c", "rare"], 200, p=[0.4, 0.3, 0.295, 0.005]),
        "count": np.where(rng.random(200) < 0.4, 0, rng.integers(1, 9, 200)),
        "number": np.where(rng.random(200) < 0.3, 0.5, rng.normal(size=200)),
        "flag": rng.random(200) < 0.3,
        "day": np.datetime64("2026-01-01") + rng.integers(0, 90, 200),
    })  # fmt: skip
    density = cr.fit(
        frame,
        network="committee",
        seed=1,
        config=replace(SMALL, members=2, orders=2),
        verbose=False,
    )
    network = density.model.network
    apart = [
        cr.Density(Model(density.schema, member), {}).log_prob(frame) for member in network.members
    ]
    np.testing.assert_allclose(density.log_prob(frame), np.logaddexp(*apart) - np.log(2), rtol=1e-9)
    assert density.sample(4, seed=0).columns == frame.columns
    density.save(tmp_path / "m.chainrule")
    np.testing.assert_array_equal(
        cr.load(tmp_path / "m.chainrule").log_prob(frame), density.log_prob(frame)
    )
    first = density.schema.names[int(network.members[0].order[0])]
    with pytest.raises(
        EvidenceError, match=r"member 1 of the ensemble: .* a fit with orders=1 has one"
    ):
        density.sample(2, given={first: density.sample(1, seed=0)[first][0]}, seed=0)


def test_fewer_members_than_the_orders_of_an_interrupted_run(tmp_path, monkeypatch):
    path, keep = tmp_path / "run.checkpoint", Checkpoint.save

    def once(*args, **options):
        keep(*args, **options)
        raise KeyboardInterrupt

    monkeypatch.setattr(Checkpoint, "save", once)
    config = replace(SMALL, members=4, orders=4)
    with pytest.raises(KeyboardInterrupt):
        cr.fit(
            related_bits(),
            network="committee",
            seed=5,
            config=config,
            verbose=False,
            checkpoint=path,
        )
    monkeypatch.setattr(Checkpoint, "save", keep)
    fewer = replace(SMALL, members=2, orders=None)
    with pytest.raises(ChainruleError, match="orders = 4: there are 2 members"):
        cr.fit(
            related_bits(),
            network="committee",
            config=fewer,
            verbose=False,
            checkpoint=path,
            resume=True,
        )
    again = cr.fit(
        related_bits(),
        network="committee",
        config=config,
        verbose=False,
        checkpoint=path,
        resume=True,
    )
    whole = cr.fit(related_bits(), network="committee", seed=5, config=config, verbose=False)
    assert np.array_equal(again.log_prob(related_bits()), whole.log_prob(related_bits()))


def test_who_takes_which_options():
    with pytest.raises(ChainruleError, match=r"orders = 2: only a committee"):
        planned("nade", orders=2)
    with pytest.raises(ChainruleError, match=r"orders = 3: there are 2 members"):
        planned(orders=3, members=2)
    with pytest.raises(ChainruleError, match=r"input_dropout = 0.2: only NADE and a committee"):
        planned("made", input_dropout=0.2)
    with pytest.raises(ChainruleError, match=r"members = 2: .* pass network='committee'"):
        planned("nade", members=2)
    with pytest.raises(ChainruleError, match=r"hidden_sizes = \[3\]: NADE has one layer"):
        planned(hidden_sizes=(3,))
    assert planned("nade").input_dropout == 0.0


def test_a_plan_survives_json_and_leaves_nothing_open():
    plan = planned("made", hidden_size=7)
    assert Plan.from_json(plan.to_json()) == plan
    assert planned().to_json()["hidden_sizes"] is None
    assert Plan.from_json(planned().to_json()) == planned()
    with pytest.raises(ShapeError) as error:
        Plan.from_json(plan.to_json() | {"epochs": None, "order": None})
    assert str(error.value) == "order, epochs: no value"
