"""What one asks of a fitted table: laws of likelihoods with holes, odd cells, filled holes, in
every container.
"""

import itertools
import math
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from helpers.some_tables import mixed
from helpers.tolerances import KOLMOGOROV
from helpers.untrained import untrained

import chainrule as cr
from chainrule.errors import EvidenceError, SchemaError, ShapeError
from chainrule.model import Model
from chainrule.table import Sink, encode, read_chunks, read_table, unlike_training
from chainrule.tasks import tails
from chainrule.tasks.answer import answer
from chainrule.testing import check

ALL = ["sex", "town", "gain", "height", "price", "hour"]


def small():
    """A density over a bit, a label, an integer in 0 … 2 and a number, small enough to sum and
    integrate over all rows.
    """
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(
        {
            "bit": rng.integers(0, 2, 120),
            "label": rng.choice(
                ["a", "b", "c", "rare1", "rare2"], 120, p=[0.5, 0.3, 0.16, 0.02, 0.02]
            ).astype(object),
            "n": rng.integers(0, 3, 120),
            "x": np.where(rng.random(120) < 0.3, 0.0, rng.normal(5, 2, 120)),
        }
    )
    config = cr.FitConfig(hidden_size=8, components=2, epochs=8)
    kinds = {"n": {"kind": "integer", "least": 0, "most": 2}}
    return cr.fit(frame, kinds=kinds, seed=0, config=config, verbose=False)


@pytest.fixture(scope="module")
def little():
    return small()


def test_a_sink_in_another_thread_computes_with_the_settings_of_the_question(little):
    """Parquet files are written so: a scorer, which asks NumPy for silence, warned of log 0."""
    seen = []

    def of(chunk):
        seen.append(np.geterr()["divide"])
        return {"x": np.zeros(len(chunk.rows))}

    def take(frames):
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(list, frames).result()

    rows = little.sample(3, seed=0)
    with np.errstate(divide="ignore"):
        answer(little.model, rows, of, to=Sink(take, as_text=False))
    assert seen == ["ignore"]


@pytest.mark.filterwarnings("ignore:column 'label'. .* none of its labels")
def test_the_whole_table_has_probability_one(little):
    """Sums over bits, labels (those that no code names as often as there are), integers; atoms and
    a fine grid of numbers.
    """
    label = little.schema.columns[1]
    times = dict.fromkeys(label.levels, 1) | {"never seen": label.unlisted + 1}
    column = little.schema.columns[3]
    assert column.atoms == (0.0,)
    reach = np.linspace(-60, 60, 24_001) * column.spread + column.center + 1e-7
    total = 0.0
    for bit, name, n in itertools.product([0, 1], times, range(3)):
        one = pd.DataFrame({"bit": bit, "label": name, "n": n, "x": [0.0]})
        mass = math.exp(little.log_prob(one, strict=True)[0])
        some = pd.DataFrame({"bit": bit, "label": name, "n": n, "x": reach})
        density = np.trapezoid(np.exp(little.log_prob(some, strict=True)), reach)
        total += times[name] * (mass + density)
    assert total == pytest.approx(1, abs=1e-5)


def test_a_row_with_holes_is_the_sum_over_its_completions(little):
    """In the order "known cells first", for every set of known cells of the three columns that can
    be listed.
    """
    label = little.schema.columns[1]
    levels = {"bit": [0, 1], "label": [*label.levels, "never seen"], "n": [0, 1, 2]}
    row = {"bit": 1, "label": label.levels[1], "n": 2}
    net = little.model.in_float64()
    for known in itertools.product([False, True], repeat=3):
        names = [name for name, is_known in zip(levels, known, strict=True) if is_known]
        first = [little.schema.number(name) for name in names]
        rest = [k for k in net.order.tolist() if k not in first]
        ordered = cr.Density(
            cr.density.Model(
                little.schema,
                net.with_order([*[k for k in net.order.tolist() if k in first], *rest]),
            )
        )
        total = -math.inf
        open_ = [name for name in levels if name not in names]
        for values in itertools.product(*(levels[name] for name in open_)):
            filled = {**row, **dict(zip(open_, values, strict=True)), "x": None}
            times = label.unlisted + 1 if filled["label"] == "never seen" else 1
            total = np.logaddexp(
                total, ordered.log_prob(pd.DataFrame([filled]), strict=True)[0] + math.log(times)
            )
        holes = {**row, **dict.fromkeys(open_), "x": None}
        assert little.log_prob(pd.DataFrame([holes], dtype=object), strict=True)[
            0
        ] == pytest.approx(total, abs=1e-9)


def test_holes_are_absent_columns(density):
    frame = mixed(30, seed=5)
    whole = density.log_prob(frame.assign(gain=np.nan, town=None))
    with pytest.warns(
        UserWarning, match=r"column\(s\) 'town', 'gain' are absent and count as unknown"
    ):
        assert np.array_equal(density.log_prob(frame.drop(columns=["gain", "town"])), whole)
    with pytest.raises(
        SchemaError, match=r"column\(s\) 'colour' are not in the model; drop them before asking"
    ):
        density.log_prob(frame.assign(colour=1))


def test_scores_do_not_depend_on_the_other_rows(density):
    frame = mixed(40, seed=6, holes=0.3)
    whole = density.log_prob(frame)
    alone = np.array([density.log_prob(frame.iloc[[k]])[0] for k in range(len(frame))])
    assert np.allclose(whole, alone, rtol=1e-9, atol=1e-9)
    frame.index = pd.Index(range(7, 47))
    explained = density.explain(frame)
    assert explained.index.equals(frame.index)
    assert np.allclose(
        explained.iloc[:3], density.explain(frame.iloc[:3]), rtol=1e-7, atol=1e-9, equal_nan=True
    )


def test_terms_add_up(density):
    frame = mixed(50, seed=7, holes=0.2)
    nats = density.log_prob(frame)
    chain = density.terms(frame)
    assert list(chain.columns) == list(frame.columns)
    assert np.array_equal(chain.isna(), frame.isna())
    assert np.allclose(-chain.sum(axis=1) * math.log(2), nats, rtol=0, atol=1e-9)
    parts = density.log_prob(frame, parts=True)
    assert np.allclose(parts.mass + parts.density, nats, rtol=0, atol=1e-9)
    assert (parts.density[frame["height"].isna()] == 0).all()
    assert (parts.density[frame["height"].notna()] != 0).all()


def test_a_term_includes_whether_its_cell_is_missing_if_the_model_knows_that():
    frame = mixed(60, seed=7, holes=0.2)
    density = untrained(frame, missing="informative")
    chain, nats = density.terms(frame), density.log_prob(frame)
    assert not chain.isna().any(axis=None)
    assert np.allclose(-chain.sum(axis=1) * math.log(2), nats, rtol=0, atol=1e-9)


def test_a_planted_error_is_blamed_on_its_own_cell(density):
    frame = mixed(60, seed=8)
    for row in range(0, 60, 6):
        frame.loc[row, "height"] *= 100
    bits = density.explain(frame)
    for row in range(0, 60, 6):
        assert bits.loc[row].idxmax() == "height"
        assert bits.loc[row, "height"] > 20
        assert bits.loc[row].drop("height").max() < 12
    oddest = density.oddest(frame, top=10)
    assert oddest["column"].tolist() == ["height"] * 10
    assert sorted(oddest["row"]) == list(range(0, 60, 6))
    assert (np.diff(oddest["bits"]) <= 0).all()
    low, high = (float(end) for end in oddest["expected"][0].split(" … "))
    assert 150 < low < high < 195


def test_bits_of_odd_cells_are_tail_probabilities(density):
    """2^−b of the drawn cells have b bits or more: of numbers about, of levels at most."""
    drawn = density.sample(3000, seed=4)
    bits = tails(density.model, drawn)
    for name in drawn.columns:
        for b in (1, 3, 6):
            share = (bits[name] >= b).mean()
            slack = (
                4 * math.sqrt(2**-b / 3000) + 0.25 * 2**-b
            )  # the networks' orders agree only nearly
            assert share <= 2**-b + slack, (name, b)
            if name == "height":
                assert share >= 2**-b - slack
    frame = mixed(20, seed=9)
    frame.loc[3, "height"], frame.loc[4, "height"] = 1e6, 1e7
    with pytest.warns(
        UserWarning,
        match="column 'height': 2 cells, such as 1000000.0 at row 3, lie outside the range",
    ):
        p = density.conditional(frame, "town")
    found = tails(density.model, frame)
    for row, town in enumerate(frame["town"]):
        own = p.iloc[row]
        assert found["town"][row] == pytest.approx(-np.log2(own[own <= own[town]].sum()), abs=1e-9)
    assert 40 < found["height"][3] <= found["height"][4] <= 1000
    assert density.oddest(frame, top=2)["row"].tolist() == [4, 3]  # what is farther out comes first


def test_values_in_a_gap_are_odd():
    """Between two modes, and between an atom and the rest, hardly anything lies; on either side of
    them as well.
    """
    rng = np.random.default_rng(0)
    modes = np.where(rng.random(600) < 0.5, -10, 10) + 0.3 * rng.normal(size=600)
    gap = np.where(rng.random(600) < 0.5, 0, 60 + rng.normal(size=600))
    table = pd.DataFrame({"modes": modes, "gap": gap})
    density = cr.fit(table, effort="quick", seed=0, config=cr.FitConfig(epochs=60), verbose=False)
    odd = pd.DataFrame(
        {"modes": [0.0, -3.0, 5.0, 10.0, -10.0, 10.0, 14.0], "gap": [0, 0, 60, 30, 25.5, 60.0, 0]}
    )
    bits = tails(density.model, odd).round(1)
    assert bits["modes"][[0, 1, 2, 6]].min() > 7
    assert bits["modes"][5] < 4
    assert bits["gap"][[3, 4]].min() > 7
    assert bits["gap"][[0, 1, 2, 5, 6]].max() < 4


def test_relative_surprise_is_nought_in_the_mean_and_has_no_units(density):
    drawn = density.sample(3000, seed=4)
    mean = density.explain(drawn).mean()
    error = density.explain(drawn).std() / math.sqrt(3000)
    assert (mean.abs() < 4 * error + 0.2).all()  # the networks' orders agree only nearly
    frame = mixed(20, seed=9)
    plain, in_units = density.explain(frame), density.explain(frame, relative=False)
    conditional = density.conditional(frame, "town")
    own = np.array([conditional.iloc[row][town] for row, town in enumerate(frame["town"])])
    entropy = -(conditional * np.log2(conditional)).sum(axis=1)
    assert np.allclose(in_units["town"], -np.log2(own), rtol=0, atol=1e-9)
    assert np.allclose(plain["town"], -np.log2(own) - entropy, rtol=0, atol=1e-9)


def test_a_network_is_copied_once_for_an_answer(density, tmp_path, monkeypatch):
    """Not for each column with missing cells, nor for each part of a file."""
    frame, copies, in_float64 = mixed(40, seed=10, holes=0.3), [], Model.in_float64
    frame.to_csv(tmp_path / "t.csv", index=False)
    monkeypatch.setattr(Model, "in_float64", lambda self: copies.append(1) or in_float64(self))
    monkeypatch.setattr(unlike_training, "read_chunks", partial(read_chunks, rows=10))
    questions = [
        lambda: density.impute(frame, how="mean", interval=0.5),
        lambda: density.impute(tmp_path / "t.csv", seed=0, to=tmp_path / "filled.csv"),
        lambda: density.oddest(tmp_path / "t.csv"),
        lambda: density.log_prob(tmp_path / "t.csv"),
    ]
    for number, ask in enumerate(questions, start=1):
        ask()
        assert len(copies) == number


def test_conditionals_are_those_of_the_frame(density):
    frame = mixed(25, seed=10, holes=0.2)
    frame.index = pd.Index(range(25))[::-1]
    p = density.conditional(frame, "town")
    assert set(p.columns[:3]) == {"north", "south", "west"}
    assert p.columns[3] == "(other)"
    assert np.allclose(p.sum(axis=1), 1)
    assert p.index.equals(frame.index)
    other = frame.assign(town="west")
    assert np.array_equal(density.conditional(other, "town"), p)  # its own cell is never read
    assert np.array_equal(density.conditional(frame.drop(columns="town"), "town"), p)
    assert list(density.conditional(frame, "sex").columns) == ["False", "True"]
    q = density.conditional(frame, "gain", quantiles=(0.1, 0.5, 0.9))
    assert list(q.columns) == ["q0.1", "q0.5", "q0.9"]
    assert (q["q0.1"] <= q["q0.9"]).all()
    hour = density.conditional(frame, "hour")
    assert hour["q0.5"].dtype.kind == "M"
    with pytest.raises(
        SchemaError, match=r"column 'twon' is unknown; choose one of .*nearest: 'town'"
    ):
        density.conditional(frame, "twon")
    with pytest.raises(ShapeError, match=r"quantiles = \[0.5, 1\]"):
        density.conditional(frame, "gain", quantiles=(0.5, 1))


@pytest.mark.parametrize("how", ["draw", "best", "mean"])
@pytest.mark.parametrize("container", ["pandas", "polars", "pyarrow"])
def test_holes_are_filled_and_nothing_else_changes(density, how, container):
    types = {
        "sex": "boolean",
        "gain": "Int64",
        "price": "float64",
        "height": "float64",
        "hour": "datetime64[us]",
    }
    frame = mixed(80, seed=11, holes=0.3).astype(types)
    frame.index = pd.Index([f"r{k}" for k in range(80)])
    table = frame
    if container != "pandas":
        table = pl.from_pandas(frame.reset_index(drop=True))
    if container == "pyarrow":
        table = table.to_arrow()
    before = table.copy() if container == "pandas" else table
    filled = density.impute(table, how=how, seed=2)
    assert isinstance(filled, type(table))
    if container == "pandas":
        assert filled.index.equals(frame.index)
        assert filled.dtypes.tolist() == frame.dtypes.tolist()
        pd.testing.assert_frame_equal(table, before)
    elif container == "polars":
        assert filled.schema == table.schema
    else:
        assert filled.schema.types == table.schema.types
    known = frame.notna().to_numpy()
    cells = {
        "pandas": lambda t, n: t[n].tolist(),
        "polars": lambda t, n: t[n].to_list(),
        "pyarrow": lambda t, n: t[n].to_pylist(),
    }
    for k, name in enumerate(ALL):
        new, old = (cells[container](t, name) for t in (filled, table))
        assert [v for v, is_known in zip(new, known[:, k], strict=True) if is_known] == [
            v for v, is_known in zip(old, known[:, k], strict=True) if is_known
        ]
        assert not any(pd.isna(v) for v in new)


def test_filled_holes_have_the_shape_of_their_kind(density):
    frame = mixed(200, seed=12, holes=0.3)
    draws = density.impute(frame, n_draws=3, seed=5)
    assert len(draws) == 3
    assert not draws[0].equals(draws[1])
    again = density.impute(frame, n_draws=3, seed=5)
    assert all(one.equals(two) for one, two in zip(draws, again, strict=True))
    best = density.impute(frame, how="best")
    assert best.equals(density.impute(frame, how="best"))
    p = density.conditional(frame, "town")
    holes = frame["town"].isna()
    assert best["town"][holes].tolist() == p.drop(columns="(other)").idxmax(axis=1)[holes].tolist()
    median = density.conditional(frame, "height", quantiles=(0.5,))["q0.5"]
    holes = frame["height"].isna()
    assert np.allclose(best["height"][holes].astype(float), median[holes], rtol=1e-9)
    found = density.impute(frame, how="best", interval=0.8)
    assert found.table.equals(best)
    assert (found.low["height"][holes] < best["height"][holes].astype(float)).all()
    assert (found.high["height"][holes] > best["height"][holes].astype(float)).all()
    assert found.low["height"][~holes].isna().all()
    for options, message in (
        ({"how": "guess"}, "how 'guess' is unknown"),
        ({"n_draws": 0}, "n_draws = 0"),
        ({"how": "best", "n_draws": 2}, "n_draws = 2: how='best' gives one table"),
        ({"interval": 1}, "interval = 1"),
    ):
        with pytest.raises(ShapeError, match=message):
            density.impute(frame, **options)


def test_arrays_are_filled_and_drawn_as_arrays():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(200, 3))
    rows[:, 2] = rows[:, 0] + 0.1 * rows[:, 2]
    rows[::7, 1] = np.nan
    density = cr.fit(
        rows, seed=0, config=cr.FitConfig(hidden_size=16, components=2, epochs=150), verbose=False
    )
    holes = rows.copy()
    holes[:, 2] = np.nan
    filled = density.impute(holes, how="best")
    assert isinstance(filled, np.ndarray)
    assert np.isfinite(filled).all()
    assert np.corrcoef(filled[:, 2], rows[:, 2])[0, 1] > 0.9
    assert density.sample(4, seed=0).shape == (4, 3)
    assert density.explain(rows).shape == rows.shape
    assert density.conditional(rows, "x0").shape == (200, 5)


def test_draws_keep_what_is_given(density):
    drawn = density.sample(50, given={"sex": True, "town": "north"}, seed=0)
    assert drawn["sex"].all()
    assert set(drawn["town"]) == {"north"}
    assert list(drawn.columns) == ALL
    assert {type(value) for value in drawn["sex"]} == {bool}
    with pytest.raises(SchemaError, match=r"given: column\(s\) 'twon' are not in the model"):
        density.sample(1, given={"twon": 1})


def test_marginals_are_likelihoods_of_one_column_and_two(density):
    town = density.marginal("town")
    assert town["town"].tolist()[3:] == ["(other)"]
    assert np.exp(town["log_prob"]).sum() == pytest.approx(1, abs=1e-12)
    pairs = density.marginal("sex", "town")
    assert len(pairs) == 8
    assert np.exp(pairs["log_prob"]).sum() == pytest.approx(1, abs=1e-12)
    pairs = pairs[pairs["town"] != "(other)"].reset_index(drop=True)
    table = pd.DataFrame({name: [None] * 6 for name in ALL}).assign(
        sex=pairs["sex"], town=pairs["town"]
    )
    assert np.allclose(density.log_prob(table, strict=True), pairs["log_prob"], rtol=0, atol=1e-12)
    height = density.marginal("height")
    assert not height["is_mass"].any()
    assert np.trapezoid(np.exp(height["log_prob"]), height["height"]) == pytest.approx(1, abs=0.05)
    with pytest.raises(ShapeError, match="name one column, or two different ones"):
        density.marginal("sex", "sex")


def test_comparisons_are_paired(density):
    frame = mixed(200, seed=13)
    config = cr.FitConfig(hidden_sizes=(8,), components=2, epochs=1)
    worse = cr.fit(mixed(holes=0.15), kinds=density.schema, seed=1, config=config, verbose=False)
    found = density.compare(worse, frame)
    difference = density.log_prob(frame) - worse.log_prob(frame)
    assert found.nats == pytest.approx(difference.mean())
    assert found.standard_error == pytest.approx(difference.std(ddof=1) / math.sqrt(200))
    assert found.rows == 200
    assert found.nats > 3 * found.standard_error
    stretched = mixed(300).assign(price=mixed(300)["price"] * 1.07)
    other = cr.fit(stretched, seed=1, config=config, verbose=False)
    with pytest.raises(SchemaError, match="column 'price': the models give masses to other values"):
        density.compare(other, frame)
    with pytest.raises(SchemaError, match=r"the models differ in the column\(s\) 'price'"):
        density.compare(
            cr.fit(mixed(100).drop(columns="price"), seed=1, config=config, verbose=False), frame
        )


def test_a_missing_cell_may_tell(tmp_path):
    """Income is missing where it is high: with informative holes the flag is modelled, drawn, and
    counts.
    """
    rng = np.random.default_rng(1)
    n = 600
    rich = rng.random(n) < 0.5
    income = np.where(rich & (rng.random(n) < 0.8), np.nan, rng.normal(10 + 10 * rich, 1))
    frame = pd.DataFrame({"income": income, "rich": rich})
    config = cr.FitConfig(hidden_size=32, components=2, epochs=150, learning_rate=5e-3, patience=0)
    density = cr.fit(frame, missing="informative", seed=0, config=config, verbose=False)
    assert density.schema.names == ("income is missing", "income", "rich")
    density.save(tmp_path / "m")
    density = cr.load(tmp_path / "m")
    hole = pd.DataFrame({"income": [np.nan], "rich": [None]})
    assert math.exp(density.log_prob(hole)[0]) == pytest.approx(np.isnan(income).mean(), abs=0.08)
    p = density.conditional(hole, "rich")
    assert p["True"][0] > 0.9
    q = [
        density.conditional(pd.DataFrame({"income": [cell], "rich": [True]}), "income")
        for cell in (np.nan, 12.0)
    ]
    assert np.array_equal(*q)  # that the cell is missing says nothing of what it would be
    drawn = density.sample(3000, seed=0)
    assert list(drawn.columns) == ["income", "rich"]
    assert drawn["rich"][drawn["income"].isna()].mean() == pytest.approx(
        1, abs=0.04
    )  # all whose income is missing are rich
    assert drawn["income"].isna().mean() == pytest.approx(np.isnan(income).mean(), abs=0.08)
    filled = density.impute(frame, seed=0)
    assert not filled["income"].isna().any()
    assert filled["income"][np.isnan(income)].mean() > 15
    explained = density.explain(frame)
    assert list(explained.columns) == ["income", "rich"]
    assert all(result.passed for result in check(density))


def test_held_out_cells_are_uniform_where_the_model_is_right():
    """PIT values of cells that a known model drew, by the conditionals of the same model:
    Kolmogorov and Smirnov.
    """
    density = small()
    drawn = density.sample(3000, seed=9)
    codes = encode(read_table(drawn), density.schema)
    net = density.model.in_float64()
    first = int(net.order[0])
    assert first == 0
    # The last column of the order given all before it is exact of the very density that drew it.
    last = int(net.order[-1])
    with torch.no_grad():
        x = torch.from_numpy(codes.values)
        distribution = net.conditional(x, last)
        at = x[:, last]
        upper, lower = (
            distribution.cdf(at),
            distribution.cdf(torch.nextafter(at, torch.full_like(at, -torch.inf))),
        )
    u = np.random.default_rng(0).random(len(at))
    pit = np.sort((lower + torch.from_numpy(u) * (upper - lower)).numpy())
    n = len(pit)
    statistic = np.abs(pit - (np.arange(n) + 0.5) / n).max() + 0.5 / n
    assert statistic * math.sqrt(n) < KOLMOGOROV


def test_a_fixed_order_says_what_it_cannot():
    frame = mixed(120)
    config = cr.FitConfig(hidden_size=8, components=2, epochs=2)
    density = cr.fit(frame, network="nade", seed=0, config=config, verbose=False)
    assert np.isfinite(density.log_prob(frame)).all()
    with pytest.raises(EvidenceError):
        density.impute(frame.assign(sex=None))
    with pytest.raises(EvidenceError, match="a fixed-order network learns from complete rows only"):
        cr.fit(mixed(120, holes=0.1), network="nade", seed=0, config=config, verbose=False)


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"a": [1.5], "b": [True], "c": [3]}),
        pd.DataFrame({"a": [0.3, 0.4, 0.1, 2.5]}),
        pd.DataFrame(
            {"a": [7] * 9, "b": [0.25] * 9, "c": ["x"] * 9, "d": [True] * 9, "e": [0] * 9}
        ),
        pd.DataFrame({"a": [None] * 9, "b": [np.nan] * 9, "c": range(9)}),
        pd.DataFrame({"a": [1e15, -1e15, 3.0, 4.5], "b": [1e-300, 2e-300, 5e-300, 1e-299]}),
        pd.DataFrame({"a": pd.to_datetime(["2024-02-29"] * 4), "b": [1, 2, 3, 4]}),
    ],
    ids=["one row", "one column", "constant", "all missing", "extreme", "one date"],
)
@pytest.mark.parametrize("objective", ["any", "likelihood"])
def test_degenerate_tables_work(frame, objective, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        config = cr.FitConfig(hidden_size=4, epochs=2)
        density = cr.fit(frame, objective=objective, seed=0, config=config, verbose=False)
    assert np.isfinite(density.log_prob(frame)).all()
    drawn = density.sample(3, seed=0)
    assert len(drawn) == 3
    if objective == "any":
        assert density.explain(frame).shape == frame.shape
        assert density.impute(frame, seed=0).shape == frame.shape
    density.save(tmp_path / "m")
    assert np.array_equal(cr.load(tmp_path / "m").log_prob(frame), density.log_prob(frame))


def test_unlisted_labels_are_below_every_listed_one_and_above_nothing(density):
    frame = mixed(30, seed=14)
    every = [density.log_prob(frame.assign(town=town)) for town in ("north", "south", "west")]
    with pytest.warns(
        UserWarning,
        match="column 'town': 30 cells hold none of its labels: 'elsewhere'; that counts",
    ):
        every = np.stack([*every, density.log_prob(frame.assign(town="elsewhere"))])
    assert np.isfinite(every).all()
    assert (every[3] < every[:3].min(0)).all()
    with pytest.warns(UserWarning, match="column 'town': 30 cells"):
        filled = density.impute(frame.assign(town="elsewhere", gain=None), seed=0)
    assert set(filled["town"]) == {"elsewhere"}
    one = np.array([[0.5, 1.0], [0.25, 0.0]])
    with pytest.raises(SchemaError, match="3 columns where the model has 6"):
        density.log_prob(np.zeros((2, 3)))
    assert one.shape == (2, 2)


def test_an_odd_cell_has_at_most_the_bits_of_its_own_probability():
    """A Sunday among business days lies between likely days, where no sum over points finds it."""
    rng = np.random.default_rng(0)
    days = pd.bdate_range("2022-01-03", "2023-12-29")
    table = pd.DataFrame({"day": days[rng.integers(0, len(days), 400)], "x": rng.normal(size=400)})
    density = cr.fit(table, seed=0, config=cr.FitConfig(hidden_size=8, epochs=2), verbose=False)
    odd = table.head(20).copy()
    odd.loc[7, "day"] = pd.Timestamp("2023-03-05")
    (first,) = density.oddest(odd, top=1).to_dict("records")
    assert (first["row"], first["column"]) == (7, "day")
    assert 8 < first["bits"] < 40
