"""Training: it reaches what can be reached, repeats to the byte, and survives bad numbers."""

import copy
import math
import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch
from helpers.registry import nade
from helpers.tolerances import DIGITS_MARGIN_NATS, ENTROPY_GAP_NATS

import chainrule as cr
from chainrule.errors import ChainruleError, EvidenceError, FormatError, SchemaError, ShapeError
from chainrule.networks import OrderlessNADE
from chainrule.networks.orderless import DECAYS, WIDE
from chainrule.rng import generator_from
from chainrule.testing import all_rows
from chainrule.training import best, fitting, loop
from chainrule.training.batches import Rows
from chainrule.training.config import FitConfig
from chainrule.training.plan import Plan
from chainrule.training.schedule import set_rate
from chainrule.training.state import make_state

QUICK = FitConfig(hidden_size=5, epochs=3)
QUICK_PLAN = Plan(hidden_size=5, epochs=3)


def rows_of(seed=0, n=200, columns=6):
    return np.random.default_rng(seed).integers(0, 2, (n, columns))


def test_a_tiny_nade_reaches_the_entropy_of_an_enumerated_distribution():
    """On every row of a 4-bit distribution in proportion to its probability, the loss can fall to
    the entropy, and does.
    """
    counts = np.random.default_rng(5).multinomial(
        4096, np.random.default_rng(6).dirichlet(np.full(16, 0.4))
    )
    rows = all_rows(cr.NADE(4)).numpy().repeat(counts, axis=0)
    p = counts[counts > 0] / counts.sum()
    entropy = float(-(p * np.log(p)).sum())
    config = FitConfig(hidden_size=16, epochs=60, weight_decay=0.0, learning_rate=0.03)
    density = cr.fit(rows, rows, network="nade", seed=0, config=config, verbose=False)
    reached = -density.score(rows)
    assert entropy <= reached + 1e-9, "below the entropy: this is no likelihood"
    assert reached <= entropy + ENTROPY_GAP_NATS


@pytest.mark.parametrize("activation", ["sigmoid", "relu"])
def test_on_digits_it_beats_independent_columns(activation):
    """A wrong loss would show: held-out digits, against independent columns, by a stated margin."""
    digits = cr.datasets.load("digits")
    config = FitConfig(hidden_size=100, epochs=30, activation=activation)
    density = cr.fit(
        digits.train, digits.valid, network="nade", seed=0, config=config, verbose=False
    )
    alone = cr.IndependentColumns(64)
    alone.initialize_from(torch.from_numpy(digits.train).float())
    independent = float(alone.log_prob(torch.from_numpy(digits.valid).float()).mean().detach())
    assert density.score(digits.valid, strict=True) > independent + DIGITS_MARGIN_NATS
    left = -64 * math.log1p(-1 / (len(digits.train) + 1))  # for cells that are neither 0 nor 1
    assert density.training["independent_valid_nats"] == pytest.approx(left - independent, rel=1e-5)
    assert density.training["valid_nats"] == pytest.approx(-density.score(digits.valid), rel=1e-6)


def test_same_seed_same_bytes_and_no_global_generator_is_touched():
    torch.manual_seed(123)
    before = torch.get_rng_state()
    one, two = (
        cr.fit(rows_of(), network="nade", seed=4, config=QUICK, verbose=False) for _ in range(2)
    )
    other = cr.fit(rows_of(), network="nade", seed=5, config=QUICK, verbose=False)
    assert torch.equal(before, torch.get_rng_state())
    for name, array in one.model.arrays().items():
        assert array.tobytes() == two.model.arrays()[name].tobytes()
    assert (
        other.model.arrays()["input_weight"].tobytes()
        != one.model.arrays()["input_weight"].tobytes()
    )
    unseeded = cr.fit(rows_of(), network="nade", config=QUICK, verbose=False)
    again = cr.fit(
        rows_of(), network="nade", seed=unseeded.training["seed"], config=QUICK, verbose=False
    )
    assert (
        again.model.arrays()["input_weight"].tobytes()
        == unseeded.model.arrays()["input_weight"].tobytes()
    )


def test_decay_spares_biases_and_first_hidden():
    """Under an enormous decay the model is independent columns, not p = 1/2."""
    rows = (np.random.default_rng(0).random((400, 5)) < [0.02, 0.1, 0.5, 0.2, 0.3]).astype(int)
    config = FitConfig(hidden_size=8, epochs=40, weight_decay=90.0, learning_rate=0.01, patience=0)
    density = cr.fit(rows, rows, network="nade", seed=0, config=config, verbose=False)
    assert density.training["valid_nats"] == pytest.approx(
        density.training["independent_valid_nats"], abs=0.02
    )
    groups = make_state(
        cr.NADE(3), Plan(weight_decay=90.0), generator_from(0)
    ).optimizer.param_groups
    assert [g["weight_decay"] for g in groups] == [90.0, 0.0]
    assert [sorted(tuple(p.shape) for p in g["params"]) for g in groups] == [
        [(3, 500)] * 2,
        [(3,), (500,), (500,)],
    ]


@pytest.mark.parametrize("width", [5, WIDE // 2, WIDE])
def test_later_members_of_an_orderless_network_decay_faster_as_if_trained_alone(width):
    columns, plan, sizes = 3, Plan(weight_decay=0.5, learning_rate=0.01), (WIDE + 1, width)
    both = OrderlessNADE(columns, sizes, members=2, generator=generator_from(0))
    alone = [OrderlessNADE(columns, sizes, generator=generator_from(k)) for k in (1, 2)]
    times = max(1, DECAYS * width / WIDE)  # weights of narrow layers decay alike
    for name, parameter in both.named_parameters():
        along = int(name in ("value_weight", "flag_weight"))
        parts = [dict(each.named_parameters())[name] for each in alone]
        parameter.data.copy_(torch.cat(parts, along))
    x = (torch.rand(20, columns, generator=generator_from(3)) < 0.5).float()
    trained = [(both, plan), (alone[0], plan), (alone[1], replace(plan, weight_decay=0.5 * times))]
    for network, of_network in trained:
        state = make_state(network, of_network, generator_from(0))
        for step in range(5):
            state.optimizer.zero_grad()
            loss = network.train().training_loss(x, generator=generator_from(step)).mean()
            (loss * network.members).backward()  # the loss is the mean of the members'
            state.optimizer.step()
    for name, parameter in both.named_parameters():
        along = int(name in ("value_weight", "flag_weight"))
        parts = [dict(each.named_parameters())[name] for each in alone]
        torch.testing.assert_close(parameter, torch.cat(parts, along))


def state_of(network, plan=QUICK_PLAN):
    return make_state(network, plan, generator_from(0))


def test_early_stopping_restores_the_best_weights(monkeypatch):
    """Validation that gets worse after the second epoch stops training, and the second epoch's
    weights come back.
    """
    nats = iter([9.0, 5.0, 4.0, 4.5, 4.6, 4.7, 4.8])
    monkeypatch.setattr(loop, "validate", lambda *_: next(nats))
    state = state_of(nade(6, 5))
    seen = []
    x = torch.from_numpy(rows_of()).float()
    plan = Plan(hidden_size=5, epochs=50, patience=3)
    loop.train(
        state,
        Rows(x),
        Rows(x),
        plan,
        after_epoch=lambda s: seen.append(copy.deepcopy(s.network.state_dict())),
    )
    assert len(seen) == 5
    assert state.best_nats == 4.0
    assert torch.equal(state.network.state_dict()["input_weight"], seen[1]["input_weight"])
    assert not torch.equal(seen[1]["input_weight"], seen[4]["input_weight"])


@pytest.mark.parametrize(
    ("worse_by", "kept"),
    [(0.05, "last"), (0.15, "last"), (0.25, "best"), (-0.1, "last"), (math.nan, "best")],
)
def test_the_last_weights_are_taken_unless_they_are_worse_for_sure(monkeypatch, worse_by, kept):
    """Of 25 rows whose differences have a deviation of 0.5, one tenth is the standard error of
    their mean.
    """
    noise = torch.linspace(-1, 1, 25) * (0.5 / torch.linspace(-1, 1, 25).std())
    found, nats = iter([5 + noise + worse_by, torch.full((25,), 5.0)]), iter([9.0, 5.0, 5.1, 5.2])
    monkeypatch.setattr(loop, "validate", lambda *_: next(nats))
    monkeypatch.setattr(best, "losses_of_rows", lambda *_, **__: next(found))
    state, seen, rows = state_of(nade(6, 5)), [], Rows(torch.from_numpy(rows_of()).float()[:25])
    plan = Plan(hidden_size=5, epochs=3, patience=9)
    loop.train(
        state, rows, rows, plan, prefer_last=True,
        after_epoch=lambda s: seen.append(copy.deepcopy(s.network.state_dict())),
    )  # fmt: skip
    wanted = {"best": seen[0], "last": seen[2]}[kept]
    assert torch.equal(state.network.state_dict()["input_weight"], wanted["input_weight"])
    assert state.best_nats == pytest.approx(5 + worse_by if kept == "last" else 5.0)


def test_the_learning_rate_follows_its_curve():
    state = state_of(nade(4, 3))
    plan = Plan(epochs=10, learning_rate=0.5)
    for done, share in ((0.0, 1.0), (0.5, 0.5), (1.0, 0.0)):
        set_rate(state, plan, done)
        assert state.optimizer.param_groups[0]["lr"] == pytest.approx(0.5 * share)
    set_rate(state, Plan(decay="none", learning_rate=0.5), 0.7)
    assert state.optimizer.param_groups[1]["lr"] == 0.5


def test_gradients_are_clipped_to_the_norm():
    network = nade(6, 5)
    network.log_prob(torch.ones(4, 6)).sum().backward()
    before = loop.clip_gradients(network, 0.25)
    after = math.sqrt(sum(float((p.grad**2).sum()) for p in network.parameters()))
    assert float(before) > 0.25
    assert after == pytest.approx(0.25, rel=1e-4)
    assert loop.clip_gradients(network, 0.0) == pytest.approx(0.25, rel=1e-4)


class Spoiled(cr.NADE):
    """A NADE whose loss is not a number on chosen calls."""

    bad: tuple[int, ...] = ()
    calls = 0

    def losses(self, x, observed=None, generator=None, **share):
        found = super().losses(x, observed, generator, **share)
        if torch.is_grad_enabled():
            Spoiled.calls += 1
            if Spoiled.calls in self.bad:
                return [loss * torch.nan for loss in found]
        return found


def test_frozen_parts_have_no_norm():
    part = nade(6, 5)
    for parameter in part.parameters():
        parameter.requires_grad_(False)
    assert loop.clip_gradients(part, 1.0) == 0.0


def test_non_finite_steps_are_skipped_reported_and_rolled_back():
    Spoiled.calls, Spoiled.bad = 0, (2, *range(21, 21 + loop.BAD_STEPS))
    network = Spoiled(6, hidden_size=5, generator=generator_from(0))
    x = torch.from_numpy(rows_of(n=400)).float()
    plan = Plan(hidden_size=5, epochs=12, batch_size=100, patience=0)
    state = state_of(network, plan)
    with pytest.warns(UserWarning, match="epoch") as caught:
        loop.train(state, Rows(x), Rows(x), plan)
    messages = [str(w.message) for w in caught]
    assert messages[0] == "epoch 1: a step with a non-finite loss or gradient was skipped"
    assert "epoch 8: back to the best weights, at half the learning rate" in messages
    assert state.skipped == 1 + loop.BAD_STEPS
    assert state.rate_scale == 0.5
    assert state.history[-1]["skipped"] == state.skipped
    assert all(bool(p.isfinite().all()) for p in network.parameters())
    assert math.isfinite(state.best_nats)


def test_roll_back_restores_weights_and_forgets_moments():
    state = state_of(nade(6, 5))
    network, kept = state.network, copy.deepcopy(state.best)
    network.log_prob(torch.ones(4, 6)).sum().backward()
    state.optimizer.step()
    assert not torch.equal(network.state_dict()["input_weight"], kept["input_weight"])
    with pytest.warns(
        UserWarning, match="epoch 1: back to the best weights, at half the learning rate"
    ):
        best.roll_back(state)
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, kept[name])
    assert not state.optimizer.state
    assert state.rate_scale == 0.5


def test_skipped_steps_do_not_count_in_the_training_nats():
    Spoiled.calls, Spoiled.bad = 0, (1, 2, 5, 6, 7, 8)
    x = torch.from_numpy(rows_of(n=400)).float()
    plan = Plan(hidden_size=5, epochs=2, learning_rate=1e-9)
    state = state_of(Spoiled(6, hidden_size=5, generator=generator_from(0)), plan)
    with pytest.warns(UserWarning, match="non-finite"):
        loop.train(state, Rows(x), Rows(x), plan)
    assert state.history[0]["train_nats"] == pytest.approx(state.history[0]["valid_nats"], rel=0.05)
    assert state.history[1]["train_nats"] is None


class StopError(Exception):
    """Stands for a kill in the same process."""


def test_a_run_stopped_after_every_epoch_equals_the_unbroken_one(tmp_path):
    """Counters, roll-backs and early stopping survive a checkpoint, not only the weights."""
    from chainrule.training.checkpoint import Checkpoint

    x = torch.from_numpy(rows_of(n=300)).float()
    x[:, 1::2] = x[:, ::2]
    x[:40, 1] = 1 - x[:40, 0]
    plan = Plan(
        hidden_size=20, epochs=60, patience=6, learning_rate=0.1, decay="none", weight_decay=0.0
    )
    bad = (4, *range(8, 8 + loop.BAD_STEPS))

    def fresh():
        return state_of(Spoiled(6, hidden_size=20, generator=generator_from(0)), plan)

    def save_and_stop(state):
        Checkpoint(tmp_path / "c").save(state, plan, seed=0, run="")
        raise StopError

    Spoiled.calls, Spoiled.bad = 0, bad
    with pytest.warns(UserWarning, match="epoch"):
        unbroken = loop.train(fresh(), Rows(x[:200]), Rows(x[200:]), plan)
    assert 5 < unbroken.epoch < 60, "the run must stop early to test patience"
    assert unbroken.rate_scale == 0.5
    Spoiled.calls, broken, legs = 0, fresh(), 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        while True:
            try:
                loop.train(broken, Rows(x[:200]), Rows(x[200:]), plan, after_epoch=save_and_stop)
                break
            except StopError:
                broken, legs = fresh(), legs + 1
                Checkpoint(tmp_path / "c").restore(broken, plan, run="")
    assert legs == unbroken.epoch
    assert broken.history == unbroken.history
    for name, tensor in unbroken.network.state_dict().items():
        assert torch.equal(tensor, broken.network.state_dict()[name])


def test_a_checkpoint_of_another_order_is_refused(tmp_path):
    """An order is no tensor: weights of one order would be a different density in another."""
    from chainrule.training.checkpoint import Checkpoint

    plan, orders = Plan(hidden_size=3), (None, [1, 0, 2, 3])
    one, other = (
        state_of(cr.NADE(4, hidden_size=3, order=o, generator=generator_from(0)), plan)
        for o in orders
    )
    Checkpoint(tmp_path / "c").save(other, plan, seed=0, run="")
    Checkpoint(tmp_path / "c").restore(other, plan, run="")
    with pytest.raises(
        FormatError,
        match="network differs from this run's, in the order of its columns or in its sizes",
    ):
        Checkpoint(tmp_path / "c").restore(one, plan, run="")


def spy_on_first_weights(monkeypatch):
    first, usual = [], fitting.make_state

    def spied(network, config, generator):
        first.append(copy.deepcopy(network.state_dict()))
        return usual(network, config, generator)

    monkeypatch.setattr(fitting, "make_state", spied)
    return first


def test_a_run_that_never_becomes_finite_keeps_its_first_weights_and_can_be_saved(
    tmp_path, monkeypatch
):
    first, nats = spy_on_first_weights(monkeypatch), iter([5.0, math.nan, math.inf])
    monkeypatch.setattr(loop, "validate", lambda *_: next(nats))
    with pytest.warns(UserWarning, match=r"epoch \d: back to the best weights") as caught:
        density = cr.fit(
            rows_of(),
            network="nade",
            seed=0,
            config=FitConfig(hidden_size=5, epochs=2),
            verbose=False,
        )
    assert [str(w.message)[:8] for w in caught] == ["epoch 1:", "epoch 2:"]
    for name, tensor in density.model.network.state_dict().items():
        assert torch.equal(tensor, first[0][name]), name
    assert density.training["valid_nats"] == pytest.approx(
        density.training["independent_valid_nats"], abs=0.2
    )
    density.save(tmp_path / "m")
    assert [r["valid_nats"] for r in cr.load(tmp_path / "m").training["history"]] == [None, None]


def test_a_run_that_diverges_is_no_worse_than_it_began(monkeypatch):
    first = spy_on_first_weights(monkeypatch)
    config = FitConfig(hidden_size=5, epochs=3, learning_rate=1e5, patience=0)
    density = cr.fit(rows_of(), network="nade", seed=0, config=config, verbose=False)
    assert torch.equal(density.model.network.state_dict()["input_weight"], first[0]["input_weight"])
    assert density.training["valid_nats"] < density.training["independent_valid_nats"] + 0.5


def test_degenerate_tables_fit_and_answer():
    """One row, one column, constant columns: finite likelihoods that sum to one, also of what was
    never seen.
    """
    for rows in (
        np.array([[1, 0, 1]]),
        np.array([[0], [1], [1]]),
        np.zeros((20, 3), int),
        np.ones((20, 2), bool),
    ):
        density = cr.fit(rows, network="nade", seed=0, config=QUICK, verbose=False)
        every = all_rows(density.model.network).numpy().astype(int)
        log_prob = density.log_prob(every, strict=True)
        assert np.isfinite(log_prob).all()
        assert np.exp(log_prob).sum() == pytest.approx(1, abs=1e-10)
        assert density.sample(4, seed=0).shape == (4, rows.shape[1])


def test_a_share_of_the_rows_is_held_out_where_no_validation_is_given():
    density = cr.fit(
        rows_of(n=100),
        seed=0,
        config=FitConfig(hidden_size=2, epochs=1, valid_fraction=0.25),
        verbose=False,
    )
    assert (density.training["train_rows"], density.training["valid_rows"]) == (75, 25)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epochs": 0}, "epochs = 0: pass a whole number, at least 1"),
        ({"hidden_size": 2.5}, "hidden_size = 2.5: pass a whole number, at least 1"),
        ({"learning_rate": -1.0}, "learning_rate = -1.0: pass a number above zero"),
        ({"learning_rate": math.nan}, "learning_rate = nan: pass a number above zero"),
        ({"weight_decay": -0.1}, "weight_decay = -0.1: pass a number, zero or more"),
        ({"patience": -1}, "patience = -1: pass a whole number of epochs, at least 0"),
        ({"dropout": 1}, "dropout = 1: pass a share of hidden units, at least 0 and below 1"),
        (
            {"input_dropout": math.nan},
            "input_dropout = nan: pass a share of columns, at least 0 and below 1",
        ),
        ({"clip_norm": None}, "clip_norm = None: pass a number, zero or more"),
        ({"learning_rate": "fast"}, "learning_rate = 'fast': pass a number above zero"),
        (
            {"hidden_sizes": []},
            "hidden_sizes = []: pass a list with the size of each hidden layer, at least one",
        ),
        (
            {"hidden_sizes": [3, 0]},
            "hidden_sizes = 0: pass whole numbers of hidden units, at least 1",
        ),
        ({"activation": "tanh"}, "activation 'tanh' is unknown; choose one of 'relu', 'sigmoid'"),
        ({"valid_fraction": 1.0}, "valid_fraction = 1.0: pass a number between 0 and 1"),
        (
            {"order": "spiral"},
            "order 'spiral' is unknown; choose one of 'greedy', 'mutual-information', 'natural', "
            "'random', 'reverse'",
        ),
        (
            {"decay": "cosin"},
            "decay 'cosin' is unknown; choose one of 'cosine', 'none' (nearest: 'cosine')",
        ),
    ],
)
def test_a_wrong_configuration_is_explained_whole(options, message):
    with pytest.raises(ShapeError) as error:
        FitConfig(**options)
    assert str(error.value) == message


def test_configuration_survives_json():
    config = FitConfig(hidden_size=7, order="random", decay="none")
    assert FitConfig.from_json(config.to_json()) == config


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (
            lambda: cr.fit(np.array([[0, 1.0], [np.nan, 1.0]]), network="nade", verbose=False),
            EvidenceError,
            "the array: column 'x0' is unknown at row 1; a fixed-order network learns from "
            "complete rows only: fill or drop the 1 row(s) with missing cells, or pass "
            "network='orderless'",
        ),
        (
            lambda: cr.fit(rows_of(), rows_of(columns=5), network="nade", verbose=False),
            SchemaError,
            "the validation table: 5 columns where the model has 6",
        ),
        (
            lambda: cr.fit(rows_of(), objective="all", verbose=False),
            ChainruleError,
            "objective 'all' is unknown; choose one of 'any', 'likelihood'",
        ),
        (
            lambda: cr.fit(rows_of(), network="made", config=FitConfig(dropout=0.5), verbose=False),
            ChainruleError,
            "dropout = 0.5: only the orderless network has it",
        ),
        (
            lambda: cr.fit(rows_of(), resume=True),
            ChainruleError,
            "resume=True needs checkpoint=PATH, the file of the run to continue",
        ),
        (
            lambda: cr.fit(rows_of(), network="nade", seed=-3),
            ChainruleError,
            "seed = -3: pass None or an integer below 2**63, at least 0",
        ),
    ],
)
def test_wrong_calls_are_explained_whole(call, kind, message):
    with pytest.raises(kind) as error:
        call()
    assert str(error.value) == message


def test_a_run_that_ends_while_it_is_scored_has_its_checkpoint_still(tmp_path, monkeypatch):
    from chainrule.training import fitting

    config, path, score = FitConfig(hidden_size=5, epochs=2), tmp_path / "c", fitting.record_of

    def interrupted(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(fitting, "record_of", interrupted)
    with pytest.raises(KeyboardInterrupt):
        cr.fit(rows_of(), network="nade", seed=0, config=config, verbose=False, checkpoint=path)
    assert path.exists()
    monkeypatch.setattr(fitting, "record_of", score)
    monkeypatch.setattr(
        loop, "shuffled_batches", lambda *_: pytest.fail("an epoch that was done is done again")
    )
    density = cr.fit(
        rows_of(), network="nade", config=config, verbose=False, checkpoint=path, resume=True
    )
    assert len(density.training["history"]) == 2
    assert not path.exists()
