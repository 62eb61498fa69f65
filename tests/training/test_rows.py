"""Rows to train on: those with missing cells, and those that count by weight."""

import numpy as np
import pandas as pd
import pytest
from helpers.quick import fit

import chainrule as cr
from chainrule.training.rows import split


def test_holes_that_depend_on_what_is_seen_do_not_bend_its_marginal():
    """Missing at random: whoever has a = 1 lacks the other answers. Weighted by cells seen, p(a =
    1) would be 0.9.
    """
    rng = np.random.default_rng(0)
    a = rng.random(2000) < 0.5
    table = pd.DataFrame(
        {
            "a": a.astype(int),
            **{f"x{k}": np.where(a, np.nan, rng.normal(size=2000)) for k in range(8)},
        }
    )
    config = cr.FitConfig(
        hidden_size=64, components=1, epochs=120, batch_size=256, patience=0, learning_rate=5e-3
    )
    density = fit(table, config=config, effort="quick")
    p = np.exp(density.marginal("a")["log_prob"])
    assert p.iloc[1] == pytest.approx(a.mean(), abs=0.07)


def test_weighted_rows_are_counted_by_weight():
    """The mean over validation rows is by weight; rows of weight zero are nowhere, not in a level
    either.
    """
    rng = np.random.default_rng(0)
    weight = np.exp(2 * rng.normal(size=300))
    y = rng.normal(size=300)
    table = pd.DataFrame({"x": y, "y": y + rng.normal(size=300)})
    density = fit(
        table, sample_weight=weight, network="made", min_count=1
    )  # few rows make most of it
    held = split(300, 0.1, cr.rng.generator_from(0))[1]
    nats = density.log_prob(table.iloc[held])
    assert density.training["valid_nats"] == pytest.approx(
        -np.average(nats, weights=weight[held]), abs=1e-3
    )
    table["c"] = ["SECRET"] * 10 + ["a"] * 290
    table.loc[0, "x"] = 1e6
    weight[:10] = 0
    schema = fit(table, sample_weight=weight).schema
    assert schema.columns[2].levels == ("a",)
    assert schema.columns[0].spread < 10


@pytest.mark.parametrize("network", ["orderless", "nade"])
def test_validation_cells_beyond_the_bounds_of_training_rows_are_counted(network, tmp_path):
    """Their share is the probability of all such cells, unless 1 / (rows + 1) is larger."""
    rng = np.random.default_rng(0)
    train, valid = (
        pd.DataFrame({"share": rng.uniform(size=n), "x": rng.normal(size=n)}) for n in (600, 99)
    )
    valid.loc[[3, 7], "share"] = [1.2, -0.1]
    with pytest.warns(UserWarning, match=r"'share': 2 cell.* numbers from 0 to 1 .*at row 3"):
        density = fit(train, valid=valid, network=network)
    assert [column.outside_share for column in density.schema.columns] == [2 / 100, 1 / 601]
    density.save(tmp_path / "m.chainrule")
    loaded = cr.load(tmp_path / "m.chainrule")
    assert loaded.schema == density.schema
    with pytest.warns(UserWarning, match="2 cells hold no value"):
        nats = loaded.log_prob(valid)
    alone = loaded.log_prob(valid.assign(share=np.nan)) if network == "orderless" else None
    if alone is not None:
        assert nats[[3, 7]] == pytest.approx(alone[[3, 7]] + np.log(0.02), abs=1e-6)
        assert density.training["valid_nats"] == pytest.approx(-nats.mean(), abs=1e-6)
    else:
        within = np.delete(nats, [3, 7])
        assert density.training["valid_nats"] == pytest.approx(-within.mean(), abs=1e-6)


def test_validation_cells_that_are_no_numbers_are_refused():
    table = pd.DataFrame({"share": np.random.default_rng(0).uniform(size=300)})
    with pytest.raises(cr.errors.SchemaError, match=r"'share': value 'a' at row 0 is not a finite"):
        fit(table, valid=table.assign(share="a"))


def test_numbers_and_dates_of_a_validation_table_may_lie_beyond_evident_bounds():
    rng = np.random.default_rng(0)

    def rows(n):
        days = pd.to_timedelta(rng.integers(0, 400, n), "D")
        return pd.DataFrame(
            {"age": rng.integers(18, 91, n), "day": pd.Timestamp("2024-01-01") + days}
        )

    train, valid = rows(600), rows(99)
    valid.loc[3, "age"], valid.loc[7, "day"] = 120, pd.Timestamp("2020-01-01")
    with pytest.warns(UserWarning, match=r"1 cell\(s\) are not among"):
        density = fit(train, valid=valid)
    assert [column.broken for column in density.schema.columns] == [1 / 100, 1 / 100]
    with pytest.raises(cr.errors.SchemaError, match=r"'age': value 30.5 .* is not an integer"):
        fit(train, valid=valid.assign(age=30.5))
