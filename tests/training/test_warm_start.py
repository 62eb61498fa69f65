"""A fit may start from a fitted density: its columns, network and weights."""

import numpy as np
import polars as pl
import pytest
import torch

import chainrule as cr
from chainrule.errors import ChainruleError, ShapeError


def table(n, seed):
    rng = np.random.default_rng(seed)
    age = rng.integers(18, 90, n)
    city = np.where(age + rng.normal(0, 9, n) > 50, "Bern", "Oslo")
    return pl.DataFrame({"age": age, "city": city, "x": np.round(rng.normal(age, 5), 2)})


SMALL = cr.FitConfig(hidden_size=16, epochs=12, members=1)


@pytest.fixture(scope="module")
def first():
    return cr.fit(table(1000, 0), seed=0, config=SMALL, verbose=False)


def test_a_short_fit_ends_where_a_long_one_from_the_beginning_does(first):
    """Three epochs from old weights are better than three from none, on other rows."""
    rows, test = table(1000, 1), table(2000, 2)
    short = cr.FitConfig(hidden_size=16, epochs=3, members=1)
    cold = cr.fit(rows, seed=1, config=short, kinds=first.schema, verbose=False)
    warm = cr.fit(rows, seed=1, config=cr.FitConfig(epochs=3), start=first, verbose=False)
    gain = warm.log_prob(test) - cold.log_prob(test)
    assert gain.mean() > 5 * gain.std() / len(gain) ** 0.5
    assert warm.schema == first.schema
    assert warm.training["config"]["hidden_sizes"] == first.training["config"]["hidden_sizes"]
    assert len(warm.training["history"]) == 3


def test_the_record_names_the_start_which_stays_as_it_was(first):
    before = {name: t.clone() for name, t in first.model.network.state_dict().items()}
    config = cr.FitConfig(epochs=1)
    warm = cr.fit(table(300, 1), seed=1, config=config, start=first, verbose=False)
    after = first.model.network.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert warm.training["start"]["train_rows"] == first.training["train_rows"]
    other = cr.fit(table(300, 1), seed=1, config=config, start=warm, verbose=False)
    assert other.training["start"]["weights_sha256"] != warm.training["start"]["weights_sha256"]
    assert "start" not in first.training


@pytest.mark.parametrize("network", ["nade", "made", "committee", "orderless"])
def test_every_network_starts_from_its_own_and_is_saved(network, tmp_path):
    rng = np.random.default_rng(0)
    rows = (rng.random((300, 4)) < 0.4).astype(int)
    members = {"members": 2} if network == "committee" else {}
    config = cr.FitConfig(epochs=2, hidden_size=8, **members)
    first = cr.fit(
        rows[:150], network=network, effort="quick", seed=0, config=config, verbose=False
    )
    warm = cr.fit(rows, start=first, seed=1, config=cr.FitConfig(epochs=2), verbose=False)
    assert warm.training["network"] == network
    warm.save(tmp_path / "m.chainrule")
    again = cr.load(tmp_path / "m.chainrule")
    np.testing.assert_array_equal(again.log_prob(rows), warm.log_prob(rows))


def test_a_run_from_another_start_is_not_continued(first, tmp_path):
    config, rows = cr.FitConfig(epochs=2), table(300, 1)
    how = {"seed": 1, "config": config, "verbose": False, "checkpoint": tmp_path / "c"}
    one = cr.fit(rows, start=first, keep_checkpoint=True, **how)
    again = cr.fit(rows, start=first, keep_checkpoint=True, resume=True, **how)
    np.testing.assert_array_equal(again.log_prob(rows), one.log_prob(rows))
    with pytest.raises(ChainruleError):
        cr.fit(rows, start=one, resume=True, **how)


def test_what_the_start_has_already_is_not_asked_for(first):
    rows = table(300, 1)
    with pytest.raises(ShapeError, match=r"start is a str: pass a Density"):
        cr.fit(rows, start="m.chainrule", verbose=False)
    with pytest.raises(ChainruleError, match="start has the kinds of its columns"):
        cr.fit(rows, start=first, kinds={"age": "real"}, verbose=False)
    for name, value in (("missing", "informative"), ("ties", "none")):
        with pytest.raises(ChainruleError, match=f"start has the {name} of its columns"):
            cr.fit(rows, start=first, **{name: value}, verbose=False)
    with pytest.raises(ChainruleError, match="start is of network 'orderless', not 'nade'"):
        cr.fit(rows, start=first, network="nade", verbose=False)
    with pytest.raises(ChainruleError, match="start has members = 1, not 3"):
        cr.fit(rows, start=first, config=cr.FitConfig(members=3), verbose=False)
