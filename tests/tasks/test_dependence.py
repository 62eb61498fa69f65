"""Mutual information by the model: exact for what can be summed, and symmetric."""

import math

import numpy as np
import pandas as pd
import pytest

import chainrule as cr
from chainrule.errors import EvidenceError, SchemaError, ShapeError
from chainrule.tasks.dependence import information

CONFIG = cr.FitConfig(hidden_size=16, epochs=80)


@pytest.fixture(scope="module")
def copies():
    """A fair bit, a copy with a tenth of it wrong, and an independent number."""
    rng = np.random.default_rng(0)
    bit = rng.integers(0, 2, 1200)
    copy = np.where(rng.random(1200) < 0.1, 1 - bit, bit)
    frame = pd.DataFrame({"bit": bit, "copy": copy, "x": rng.normal(size=1200)})
    return cr.fit(frame, seed=0, config=CONFIG, verbose=False)


def by_summing(density, first, second):
    """Σ p(a, b) log2 p(a, b) / (p(a) p(b)), by the marginals that the model gives."""
    pair = density.marginal(first, second)
    p = np.exp(pair["log_prob"].to_numpy())
    one, two = (pair.assign(p=p).groupby(name)["p"].transform("sum") for name in (first, second))
    return float((p * np.log2(p / (one * two))).sum())


def test_bits_of_two_bits_are_those_of_their_table(copies):
    found = copies.dependence(rows=8000)
    (row,) = [r for r in found.to_dict("records") if {r["first"], r["second"]} == {"bit", "copy"}]
    assert row["bits"] == pytest.approx(by_summing(copies, "bit", "copy"), abs=0.03)
    noise = -0.1 * math.log2(0.1) - 0.9 * math.log2(0.9)
    assert row["bits"] == pytest.approx(1 - noise, abs=0.12)
    assert found["bits"].is_monotonic_decreasing
    for other in found.to_dict("records")[1:]:
        assert abs(other["bits"]) < 0.03


def test_a_pair_has_at_most_the_bits_of_the_discrete_column_that_has_fewer(copies):
    found = information(copies.model, rows=4000)
    p = copies.marginal("copy").set_index("copy")["log_prob"].map(math.exp)
    bits = -(p * np.log2(p)).sum()
    at = {name: k for k, name in enumerate(found.names)}
    assert found.entropies[at["copy"]] == pytest.approx(bits, abs=0.02)
    assert np.isnan(found.entropies[at["x"]])
    assert found.most(at["copy"], at["x"]) == found.entropies[at["copy"]]
    least = min(found.entropies[at["copy"]], found.entropies[at["bit"]])
    assert found.most(at["copy"], at["bit"]) == least > found.bits[at["copy"], at["bit"]]


def test_the_error_is_that_of_the_draws(copies):
    bits = [information(copies.model, rows=300, seed=seed) for seed in range(12)]
    spread = np.std([each.bits[0, 1] for each in bits], ddof=1)
    assert 0.4 < bits[0].errors[0, 1] / spread < 2.5
    assert np.array_equal(bits[0].bits, bits[0].bits.T, equal_nan=True)
    assert copies.dependence(rows=50).equals(copies.dependence(rows=50))


def test_missing_cells_are_no_information():
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"a": rng.normal(size=600), "b": rng.choice(["u", "v"], 600)})
    frame.loc[rng.random(600) < 0.3, "a"] = np.nan
    density = cr.fit(frame, seed=0, config=CONFIG, missing="informative", verbose=False)
    found = density.dependence(rows=2000)
    assert found[["first", "second"]].to_numpy().tolist() == [["a", "b"]]
    assert abs(found["bits"][0]) < 0.03


def test_a_network_of_one_order_says_what_it_lacks():
    frame = pd.DataFrame({"a": [0, 1] * 50, "b": [1, 0] * 50})
    density = cr.fit(frame, network="nade", seed=0, config=cr.FitConfig(epochs=1), verbose=False)
    with pytest.raises(EvidenceError, match="known"):
        density.dependence()


@pytest.fixture(scope="module")
def forked():
    """Two bits that copy a third one with mistakes, and a fourth that is the sum of two, mod 2."""
    rng = np.random.default_rng(2)
    cause = rng.integers(0, 2, 1500)
    one, two = (np.where(rng.random(1500) < 0.15, 1 - cause, cause) for _ in range(2))
    other = rng.integers(0, 2, 1500)
    frame = pd.DataFrame({"cause": cause, "one": one, "two": two, "other": other})
    frame["parity"] = cause ^ other
    config = cr.FitConfig(hidden_size=64, epochs=80, learning_rate=0.01)  # learns the parity
    return cr.fit(frame, seed=0, config=config, verbose=False)


def bits_of(found, first, second):
    rows = found.to_dict("records")
    return next(r["bits"] for r in rows if {r["first"], r["second"]} == {first, second})


def test_what_the_given_columns_say_already_is_no_information(forked):
    alone, given = forked.dependence(rows=4000), forked.dependence(rows=4000, given=["cause"])
    assert bits_of(alone, "one", "two") > 0.1
    assert abs(bits_of(given, "one", "two")) < 0.03
    assert abs(bits_of(alone, "parity", "other")) < 0.03
    assert bits_of(given, "parity", "other") > 0.8
    assert "cause" not in {*given["first"], *given["second"]}
    assert len(given) == 6


def test_given_columns_are_checked(forked):
    with pytest.raises(ShapeError, match=r"pass a list of columns, such as \['cause'\]"):
        forked.dependence(given="cause")
    with pytest.raises(ShapeError, match="leave at least two columns to compare"):
        forked.dependence(given=["cause", "one", "two", "other"])
    for rows in (0, 1, "many"):
        with pytest.raises(ShapeError, match=r"rows = .*: pass a whole number of rows to draw, at"):
            forked.dependence(rows=rows)
    with pytest.raises(SchemaError, match="nearest: 'cause'"):
        forked.dependence(given=["cuase"])
