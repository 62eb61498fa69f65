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
    held = split(np.arange(300), 0.1, cr.rng.generator_from(0))[1]
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
