"""Odd rows: what is odd about them does not depend on units, and the cells are named."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from helpers.some_tables import mixed

import chainrule as cr
from chainrule.errors import EvidenceError, SchemaError, ShapeError
from chainrule.table import encode, read_table
from chainrule.tasks.answer import Batch
from chainrule.tasks.multiple_tests import q_values
from chainrule.tasks.oddness import Usual, oddness

BRIEF = cr.FitConfig(
    hidden_sizes=(32, 32), components=4, epochs=60, batch_size=64, learning_rate=4e-3, members=1
)
NAMES = ["row", "score", "p_value", "q_value", "column", "found", "bits", "expected", "others"]


def related(n, seed=0):
    """Two columns that follow each other, a label of one of them, and a column on its own."""
    rng = np.random.default_rng(seed)
    a = rng.normal(size=n)
    return pl.DataFrame(
        {
            "a": a,
            "b": a + 0.2 * rng.normal(size=n),
            "sign": np.where(a + 0.3 * rng.normal(size=n) > 0, "plus", "minus"),
            "c": rng.normal(size=n),
        }
    )


@pytest.fixture(scope="module")
def density():
    return cr.fit(related(600), config=BRIEF, seed=0, verbose=False)


def sums_of(density, table):
    codes = encode(read_table(table), density.schema, warn=False)
    return oddness(Batch.of(density.model, codes, progress=False))


def test_rows_with_one_wrong_cell_are_found_and_the_cell_is_named(density):
    rows = related(200, 5).to_dict(as_series=False)
    rows["b"][17], rows["c"][80], rows["sign"][33] = -rows["b"][17] - 4, 9.0, "plus"
    rows["a"][33] = rows["b"][33] = -2.5
    found = density.odd_rows(pl.DataFrame(rows))
    assert found.columns == NAMES
    named = dict(zip(found["row"], found["column"], strict=True))
    assert named[80] == "c"
    assert named[17] in ("a", "b")  # which of two that contradict each other is wrong, none knows
    listed = density.odd_rows(pl.DataFrame(rows), None)
    assert listed["column"][listed["row"].to_list().index(33)] == "sign"
    assert found["found"][found["row"].to_list().index(80)] == "9"
    assert (found["q_value"] <= 0.1).all()
    assert found["score"].is_sorted(descending=True)
    assert len(found) <= 12


def test_two_outliers_of_a_row_do_not_explain_each_other_away(density):
    """Both follow from each other, so that only the tail of each column alone is odd."""
    usual, far = sums_of(density, pl.DataFrame({"a": [0.5, 6.0], "b": [0.5, 6.0]}))
    assert far[0] > usual[0] + 8


def test_all_rows_are_listed_on_request_and_q_values_are_of_the_p_values(density):
    rows = related(60, 6)
    for fdr in (None, 1):
        found = density.odd_rows(rows, fdr)
        assert sorted(found["row"]) == list(range(60))
        assert np.array_equal(found["q_value"], q_values(found["p_value"].to_numpy()))
        assert found["p_value"].to_numpy() == pytest.approx(2.0 ** -found["score"].to_numpy())


@pytest.mark.parametrize("fdr", [0, -1, 1.5, True, "all"])
def test_a_wrong_fdr_is_refused(density, fdr):
    with pytest.raises(ShapeError, match="fdr"):
        density.odd_rows(related(3), fdr)


def test_a_table_without_odd_rows_gives_an_empty_frame(density):
    for rows in (pl.DataFrame({"a": [0.0], "b": [0.0], "sign": ["plus"], "c": [0.0]}), related(0)):
        assert density.odd_rows(rows).columns == NAMES
        assert len(density.odd_rows(rows)) == 0


def test_frames_are_of_the_kind_of_the_table_and_name_its_columns():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(150, 2)), columns=[3, ("x", 1)])
    density = cr.fit(table, config=BRIEF, seed=0, verbose=False)
    found = density.odd_rows(pd.DataFrame([[40.0, 0.0], [0.0, 0.0]], columns=table.columns))
    assert isinstance(found, pd.DataFrame)
    assert found["column"].tolist() == [3]
    assert density.odd_rows(np.array([[40.0, 0.0]]))["row"].to_list() == [0]


def test_cells_that_are_missing_or_cannot_be_held_are_no_obstacle(density):
    rows = pl.DataFrame(
        {"a": [None, "0.1", "much"], "b": [None, None, "0.0"], "c": [None, "8", "0"]}
    )
    with pytest.warns(UserWarning, match="sign"):
        found = density.odd_rows(rows, None)
    by_row = {each["row"]: each for each in found.iter_rows(named=True)}
    assert by_row[0]["p_value"] == 1.0
    assert by_row[0]["column"] is None
    assert by_row[1]["column"] == "c"
    assert (by_row[2]["column"], by_row[2]["found"], by_row[2]["bits"]) == ("a", "much", 1000.0)
    with pytest.raises(SchemaError, match="much"), pytest.warns(UserWarning, match="sign"):
        density.odd_rows(rows, strict=True)


@pytest.mark.parametrize("factor", [2.0**10, 2.0**-10])
def test_units_change_no_sum(factor):
    """The table is fitted in other units, with atoms and without."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(100, 3)) * np.array([1.0, 5.0, 100.0])
    rows[rng.random(100) < 0.3, 1] = 0.0
    sums = [
        sums_of(cr.fit(rows * each, config=BRIEF, seed=0, verbose=False), rows * each)
        for each in (1.0, factor)
    ]
    assert np.array_equal(*sums)


def test_a_little_noise_on_values_that_repeat_changes_the_sums_little():
    """Values in tenths, many of them atoms, and the same without repetitions."""
    rng = np.random.default_rng(0)
    a = rng.normal(size=400)
    rows = np.stack([a, a + 0.5 * rng.normal(size=400)], 1)
    tenths, smooth = np.round(rows, 1), np.round(rows, 1) + 0.02 * rng.normal(size=(400, 2))
    sums = [
        sums_of(cr.fit(each, config=BRIEF, seed=0, verbose=False), each)
        for each in (tenths, smooth)
    ]
    for one, other in zip(sums[0].T, sums[1].T, strict=True):
        assert np.corrcoef(one, other)[0, 1] > 0.95
        assert abs(np.median(one) - np.median(other)) < 0.5


def test_a_sum_is_that_of_enumerated_probabilities():
    """Two bits: tails and neighbourhoods are those of the table of probabilities."""
    rng = np.random.default_rng(0)
    a = rng.random(400) < 0.3
    table = np.stack([a, a ^ (rng.random(400) < 0.2)], 1).astype(int)
    density = cr.fit(table, config=BRIEF, seed=0, verbose=False)
    all_rows = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    networks = Batch.of(
        density.model, encode(read_table(all_rows), density.schema)
    ).network.one_order_networks(2, 1)
    outside = [column.outside_share for column in density.schema.columns]

    def tail(p, k):
        return -np.log2(np.minimum(1, p + outside[k]))

    expected, tails = [], np.zeros(4)
    for network in networks:
        x = encode(read_table(all_rows), density.schema)
        batch = Batch(density.model, network, x, False)
        nats = network.log_prob(batch.x).detach().numpy()
        expected.append(-nats / np.log(2))
        p, (first, second) = np.exp(nats).reshape(2, 2), network.order.tolist()
        before = p.sum(axis=second, keepdims=True)
        each = tail(np.broadcast_to(before, (2, 2)), first) + tail(p / before, second)
        tails += each.ravel() / len(networks)
    for k, name in enumerate(density.schema.names):
        alone = np.exp(density.marginal(name)["log_prob"].to_numpy())
        tails += tail(alone, k)[all_rows[:, k]]
    found = sums_of(density, all_rows)
    assert found[:, 1] == pytest.approx(np.mean(expected, axis=0), rel=1e-9)
    assert found[:, 0] == pytest.approx(tails, rel=1e-6)


def test_a_row_depends_on_no_other_row():
    table = mixed(80, holes=0.2)
    density = cr.fit(table, config=BRIEF, seed=0, verbose=False, missing="informative")
    rows = mixed(40, seed=4, holes=0.3)
    whole = sums_of(density, rows)
    for part in ([0], [39, 3], list(range(20))):
        np.testing.assert_allclose(sums_of(density, rows.iloc[part]), whole[part], rtol=1e-7)


def test_what_is_usual_has_spreads_above_zero():
    usual = Usual.of(np.array([[1.0, 2.0], [1.0, 2.0], [1.0, 2.0], [1.0, 6.0], [1.0, 2.0]]))
    assert usual.center == (1.0, 2.0)
    assert usual.spread[0] == 1.0
    assert usual.spread[1] == pytest.approx(1.6)
    assert usual.score(np.array([[1.0, 2.0], [3.0, 2.0], [3.0, 5.2]])).tolist() == [0, -2, -2]


def test_a_network_of_one_order_says_that_it_cannot_name_cells():
    rows = np.random.default_rng(0).normal(size=(60, 3))
    config = cr.FitConfig(hidden_size=8, epochs=2)
    density = cr.fit(rows, network="nade", config=config, seed=0, verbose=False)
    with pytest.raises(EvidenceError):
        density.odd_rows(rows, None)
