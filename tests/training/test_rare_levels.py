"""Rare levels as evidence: what one row in a hundred says of other columns is learned."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

import chainrule as cr
from chainrule.conditionals import Atoms, Bernoulli, Categorical, GaussianMixture
from chainrule.networks import MADE, Columns, OrderlessNADE, orderless, training_masks
from chainrule.rng import generator_from
from chainrule.training.batches import Rows, shuffled_batches
from chainrule.training.rare_levels import (
    FEWEST_ROWS,
    MOST_FREQUENT,
    MOST_REPEATED,
    ROWS_OF_LEVEL,
    input_factors,
    with_frequencies,
)

RARE = 20  # rows of 2000
COLUMNS = Columns.of(
    [Bernoulli(), Categorical(3), Atoms((0.0, 1.0), GaussianMixture(2)), GaussianMixture(2)]
)


def frauds(kind: str, seed: int) -> pd.DataFrame:
    """2000 rows of which 20 have a level that turns two numbers and a label around."""
    n, rng = 2000, np.random.default_rng(seed)
    y = np.zeros(n, int)
    y[:RARE] = 1
    rng.shuffle(y)
    numbers = {
        "amount": rng.normal(size=n) + 6 * y,
        "hour": np.where(y == 1, rng.normal(3, 1, n), rng.normal(14, 3, n)),
    }
    if kind == "wide":  # other columns are evidence, too, in most training steps
        hours = numbers["hour"].round().clip(0, 23).astype(int)  # each of them an atom
        more = {f"x{k}": rng.normal(size=n) for k in range(4)}
        return pd.DataFrame({**more, "fraud": y, "amount": numbers["amount"], "hour": hours})
    if kind == "bit":
        return pd.DataFrame({"fraud": y, **numbers})
    if kind == "atom":  # a number that is zero in the rare rows alone
        return pd.DataFrame({"fraud": np.where(y == 1, 0.0, rng.gamma(3, 10, n)), **numbers})
    others = np.where(rng.random(n) < 0.4, "card", "cash")
    how = np.where(rng.random(n) < np.where(y == 1, 0.9, 0.1), "web", "shop")
    return pd.DataFrame({"fraud": np.where(y == 1, "fake", others), **numbers, "how": how})


LEVELS = {"bit": 1, "wide": 1, "atom": 0.0, "label": "fake"}


@pytest.mark.parametrize(("kind", "seed"), [("bit", 3), ("wide", 3), ("label", 2), ("atom", 3)])
def test_rows_drawn_given_a_rare_level_are_like_its_rows(kind, seed):
    table, level = frauds(kind, seed), LEVELS[kind]
    density = cr.fit(table, effort="quick", seed=seed, verbose=False)
    drawn = density.sample(2000, given={"fraud": level}, seed=1)
    rows = table[table["fraud"] == level]
    for name in ("amount", "hour"):  # eight means: one in five sets has one beyond two errors
        error = rows[name].std() * (1 / RARE + 1 / len(drawn)) ** 0.5
        assert abs(drawn[name].mean() - rows[name].mean()) < 3 * error
    if kind in ("atom", "wide"):
        return
    if kind == "label":
        share = (rows["how"] == "web").mean()
        error = (share * (1 - share) / RARE) ** 0.5
        assert abs((drawn["how"] == "web").mean() - share) < 2 * error
    # p(level | other cells) averages to p(level), and the rows drawn given the level have it.
    anything = density.sample(20_000, seed=2)
    share = (anything["fraud"] == level).mean()
    found = density.conditional(anything, "fraud")[str(level)]
    error = (share / len(anything)) ** 0.5
    assert abs(found.mean() - share) < 4 * error
    assert density.conditional(drawn, "fraud")[str(level)].mean() > 0.9


@pytest.mark.parametrize("kind", ["bit", "label"])
def test_networks_of_one_order_learn_what_a_rare_level_says(kind):
    table, level = frauds(kind, 3), LEVELS[kind]
    config = cr.FitConfig(epochs=20)
    density = cr.fit(
        table, objective="likelihood", effort="quick", seed=0, config=config, verbose=False
    )
    drawn = density.sample(500, given={"fraud": level}, seed=1)
    rows = table[table["fraud"] == level]
    assert abs(drawn["amount"].mean() - rows["amount"].mean()) < 1.5  # 6 without the factors


def codes(shares: list[float], n: int = 1000) -> torch.Tensor:
    """Codes of ``COLUMNS``: a bit, the last label, and the atom 0 in these shares of the rows."""
    x = torch.full((n, 4), 0.5)
    x[:, :2] = 0
    for column, (share, code) in enumerate(zip(shares, (1.0, 2.0, 0.0), strict=True)):
        x[: round(share * n), column] = code
    return x


def test_inputs_of_levels_get_the_variance_of_numbers():
    found = input_factors(COLUMNS, codes([0.02, 0.5, 0.004]))
    # 1/√(.02 · .98) = 7.1; fair labels 2; an absent level and numbers 1; an atom of 4 rows 1
    assert found.tolist() == [8, 2, 1, 2, 1, 1, 1, 1]
    # 1/√(.01 · .99) = 10, of which two atoms have half each
    found = input_factors(COLUMNS, codes([0.5, 0.001, 0.01]))
    assert found.tolist() == [2, 1, 1, 1, 4, 1, 1, 1]
    assert input_factors(COLUMNS, codes([0.001, 0.001, 0.9], 100_000))[0] == 16


def test_batches_hold_rows_of_rare_levels():
    rows = with_frequencies(Rows(codes([0.01, 0.5, 0])), COLUMNS, 100)
    assert rows.frequency is not None
    assert float(rows.frequency.mean()) == pytest.approx(1)
    ratio = float(rows.frequency[0] / rows.frequency[-1])
    assert ratio == pytest.approx(ROWS_OF_LEVEL / (0.01 * 100))
    many = with_frequencies(Rows(codes([0.4, 0.05, 0.05])), COLUMNS, 10).frequency
    assert many is not None
    assert float(many.max() / many.min()) < MOST_FREQUENT
    assert float((many / many.min()).mean()) == pytest.approx(MOST_REPEATED, rel=1e-3)


def test_only_conditionals_without_the_cause_weigh_less(monkeypatch):
    """Weights that depend on given cells alone bias nothing: rows teach what their level says."""
    monkeypatch.setattr(orderless, "IN_ORDER", 0.0)
    net = OrderlessNADE(Columns.of(3), [4], generator=generator_from(0))
    x, n = torch.tensor([[1.0, 0.0, 1.0]]).repeat(40, 1), 40
    frequency, causes = torch.full((n,), 5.0), torch.zeros(n, 1, dtype=torch.int64)
    due = frequency[:, None]
    once = net.training_loss(x, generator=generator_from(1))
    often = net.repeated_loss(x, None, frequency, causes, due, generator_from(1))
    none = net.repeated_loss(x, None, frequency, causes - 1, due, generator_from(1))
    given = training_masks.drawn(torch.ones(3, n), generator_from(1), evenly=False)[0][0] > 0
    assert 5 < int(given.sum()) < 35
    torch.testing.assert_close(often, torch.where(given, once, once / 5))
    torch.testing.assert_close(none, once / 5)
    made = MADE(Columns.of(3), [4], generator=generator_from(0))
    lost = made.repeated_loss(x, None, frequency, causes, due)
    torch.testing.assert_close(lost, made.training_loss(x) / 5)


def test_a_rare_level_of_a_target_does_not_change_the_weights_of_rows(monkeypatch):
    """Rows of two rare levels weigh, given one of them, as its other rows do."""
    monkeypatch.setattr(orderless, "IN_ORDER", 0.0)
    x = torch.zeros(1000, 3)
    x[:40, 0] = 1  # 4 percent have the given level,
    x[20:30, 1] = 1  # and half of the rows with the rarer level have it, too
    x[500:510, 1] = 1
    columns = Columns.of(3)
    rows = with_frequencies(Rows(x), columns, 100)
    assert rows.frequency is not None
    assert rows.causes is not None
    assert rows.due is not None
    assert float(rows.frequency[20]) > float(rows.frequency[0]) > float(rows.frequency[-1])
    net = OrderlessNADE(columns, [4], generator=generator_from(0))

    def weights(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
        """How much each row's loss counts, times how often it comes; and the given cells."""
        once = net.training_loss(x, generator=generator_from(seed))
        repeats = rows.frequency, rows.causes, rows.due
        often = net.repeated_loss(x, None, *repeats, generator_from(seed))
        given = training_masks.drawn(torch.ones(3, len(x)), generator_from(seed), evenly=False)[0]
        return often / once * rows.frequency, given.t() > 0

    for seed in range(5):
        weight, given = weights(seed)
        is_first = (x[:, 0] == 1) & given[:, 0]
        others = is_first & ~given[:, 1]  # the other level is a target
        assert bool((others & (x[:, 1] == 1)).any())
        torch.testing.assert_close(weight[others], rows.frequency[:1].expand(int(others.sum())))
        is_second = (x[:, 1] == 1) & given[:, 1]
        torch.testing.assert_close(weight[is_second], rows.frequency[is_second])
        nothing = ~is_first & ~is_second
        torch.testing.assert_close(weight[nothing], torch.ones(int(nothing.sum())))


def test_frequent_levels_and_those_of_few_rows_change_nothing():
    rows = Rows(codes([0.5, 0.3, (FEWEST_ROWS - 1) / 1000]))
    assert with_frequencies(rows, COLUMNS, 64) is rows
    rare = codes([0.02, 0.3, 0.0])
    unknown = torch.ones(rare.shape, dtype=torch.bool)
    unknown[:, 0] = False  # unknown cells have no level
    assert with_frequencies(Rows(rare), COLUMNS, 64).frequency is not None
    assert with_frequencies(Rows(rare, observed=unknown), COLUMNS, 64).frequency is None


def test_frequent_rows_weigh_less_each_time():
    """An epoch has as many rows as the table; the sum of its losses estimates that of the table."""
    values = torch.arange(1.0, 101)[:, None]
    frequency = torch.ones(100)
    frequency[:5] = 5
    rows = Rows(values, frequency=frequency / frequency.mean())
    generator, total, seen = generator_from(0), 0.0, torch.zeros(101)
    for _ in range(200):
        epoch = list(shuffled_batches(rows, 32, generator))
        assert [len(batch) for batch in epoch] == [32, 32, 32, 4]
        for batch in epoch:
            total += float(batch.mean(batch.x[:, 0] / batch.frequency)) * len(batch) / 200
            seen += torch.bincount(batch.x[:, 0].long(), minlength=101)
    assert total == pytest.approx(float(values.sum()), rel=0.01)
    assert torch.allclose(seen[1:] / 200, rows.frequency, rtol=0.15)


def test_weights_of_rows_change_no_frequency_and_still_count():
    """The sum of an epoch's weighted losses estimates that of the table."""
    x = codes([0.01, 0.5, 0])
    plain = with_frequencies(Rows(x), COLUMNS, 100)
    weight = torch.linspace(0.1, 3.9, len(x)) * 2 / 4
    rows = with_frequencies(Rows(x, weight=weight), COLUMNS, 100)
    assert plain.frequency is not None
    assert rows.frequency is not None
    torch.testing.assert_close(rows.frequency, plain.frequency, rtol=0, atol=0)
    losses, generator, total = 1 + 5 * x[:, 0], generator_from(0), 0.0
    for _ in range(100):
        for batch in shuffled_batches(replace(rows, x=losses[:, None]), 64, generator):
            assert batch.frequency is not None
            total += float(batch.mean(batch.x[:, 0] / batch.frequency)) * len(batch) / 100
    assert total == pytest.approx(float((weight * losses).sum()), rel=0.01)
