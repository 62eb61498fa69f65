"""Columns in the words of the page."""

import numpy as np
import pandas as pd
import pytest

import chainrule as cr
from chainrule.explorer import Answers
from chainrule.explorer.shown import takes


@pytest.fixture(scope="module")
def density():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "pclass": rng.integers(1, 4, 300),
            "sex": rng.choice(["male", "female"], 300),
            "town": rng.choice([f"town {k}" for k in range(9)], 300),
            "fare": rng.lognormal(3, 1, 300),
            "born": pd.Timestamp("1900-01-01") + pd.to_timedelta(rng.integers(0, 900, 300), "D"),
        }
    )
    config = cr.FitConfig(hidden_size=4, epochs=2)
    return cr.fit(frame, seed=0, config=config, verbose=False)


def test_what_a_column_takes(density):
    words = {c.name: takes(c) for c in density.model.schema.columns}
    assert words["pclass"] == "1, 2 or 3"
    assert words["sex"] in ("male or female", "female or male")
    assert words["town"].startswith("one of 9 labels, such as town ")
    assert words["fare"].startswith("numbers")
    assert words["born"].startswith("dates")


def test_an_interval_has_digits_that_its_width_warrants(density):
    rows = Answers(density.model).row({})["columns"]
    by_name = {each["name"]: each for each in rows}
    ends = by_name["fare"]["expected"].split(" … ")
    width = float(ends[1]) - float(ends[0])
    assert all(len(end.partition(".")[2]) <= 1 for end in ends), ends
    assert width > 10
    assert by_name["fare"]["level"] == "90 %"
    quantiles = density.conditional(pd.DataFrame({name: [None] for name in by_name}), "fare")
    low, high = quantiles.iloc[0][["q0.05", "q0.95"]]
    assert float(ends[0]) == pytest.approx(low, abs=0.02 * width)
    assert float(ends[1]) == pytest.approx(high, abs=0.02 * width)
    assert by_name["sex"]["level"] is None
