"""Mutual information by the model: exact for what can be summed, and symmetric."""

import math

import numpy as np
import pandas as pd
import pytest

import chainrule as cr
from chainrule.errors import EvidenceError
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
