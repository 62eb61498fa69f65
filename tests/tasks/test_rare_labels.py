"""Labels too rare to be listed: they keep their probability in every answer, and a draw of one is
an empty cell or one word.
"""

import math

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from helpers.command_line import chainrule

import chainrule as cr
from chainrule.errors import SchemaError, ShapeError

CONFIG = cr.FitConfig(hidden_size=6, epochs=15)
N = 400


def labelled(container="pandas"):
    """Seven labels in ten are "a"; each of the others stands once. Districts are numbers, of which
    three are frequent.
    """
    rng = np.random.default_rng(0)
    lab = np.array([f"name {chr(97 + k % 26)}{chr(97 + k // 26)}" for k in range(N)], dtype=object)
    lab[rng.permutation(N)[: 7 * N // 10]] = "a"
    district = np.where(rng.random(N) < 0.2, 1000 + np.arange(N), rng.choice([10, 20, 30], N))
    frame = pd.DataFrame({"lab": lab, "x": rng.integers(0, 2, N), "district": district})
    return {
        "pandas": lambda: frame,
        "polars": lambda: pl.from_pandas(frame),
        "pyarrow": lambda: pa.table(frame),
    }[container]()


def fit(container="pandas", **options):
    return cr.fit(
        labelled(container),
        kinds={"district": "categorical"},
        seed=0,
        config=CONFIG,
        verbose=False,
        **options,
    )


@pytest.fixture(scope="module")
def density():
    return fit()


def test_conditionals_are_the_probabilities_of_the_model(density):
    empty = pd.DataFrame({"lab": [None], "x": [np.nan], "district": [np.nan]}, dtype=object)
    for name, levels in (("lab", ["a"]), ("district", ["10", "20", "30"])):
        p = density.conditional(empty, name)
        assert sorted(p.columns[:-1]) == levels
        assert p.columns[-1] == "(other)"
        assert p.to_numpy().sum() == pytest.approx(1, abs=1e-12)
        own = [
            math.exp(density.log_prob(empty.assign(**{name: level}))[0]) for level in p.columns[:-1]
        ]
        assert np.allclose(p.iloc[0, :-1], own, rtol=1e-12, atol=0)
        marginal = density.marginal(name)
        said = (
            marginal[name].astype(object).where(marginal[name].notna(), "(other)").astype(str)
        )  # a number is no word
        assert said.tolist() == list(p.columns)
        assert np.allclose(np.exp(marginal["log_prob"]), p.iloc[0], rtol=1e-12, atol=0)
    assert density.conditional(empty, "lab")["a"][0] == pytest.approx(0.7, abs=0.1)
    frame = labelled()
    p = density.conditional(frame, "lab")
    assert np.allclose(p.sum(axis=1), 1, rtol=0, atol=1e-12)
    ratio = density.log_prob(frame.assign(lab="a")) - density.log_prob(frame.assign(lab=None))
    assert np.allclose(p["a"], np.exp(ratio), rtol=0.2)  # whose orders agree only nearly
    x = density.conditional(frame, "x")
    assert sorted(x.columns) == ["0", "1"]
    assert np.allclose(x.sum(axis=1), 1, rtol=0, atol=1e-12)


def test_a_label_that_is_called_as_the_others_are_has_a_star_beside_it():
    frame = pd.DataFrame({"it": ["(other)"] * 30 + ["b"] * 20 + ["c", "d"], "y": [0, 1] * 26})
    density = cr.fit(frame, seed=0, config=CONFIG, verbose=False)
    assert list(density.conditional(frame, "it").columns) == ["(other)", "b", "(other)*"]
    assert density.marginal("it")["it"].tolist() == ["(other)", "b", "(other)*"]
    message = r"other = '\(other\)': column 'it' has a label of that name; choose another word"
    with pytest.raises(SchemaError, match=message):
        density.sample(3, other="(other)")
    assert set(density.sample(300, other="else", seed=0)["it"]) == {"(other)", "b", "else"}


def test_what_was_expected_may_be_any_other_label(density):
    frame = labelled().head(60).astype(object)
    oddest = density.oddest(frame, top=200)
    said = oddest[oddest["column"] == "lab"]["expected"]
    assert said.str.fullmatch(r"(a \d+%, \(other\) \d+%)|(\(other\) \d+%, a \d+%)").all()


@pytest.mark.parametrize("network", ["orderless", "nade"])
def test_draws_follow_the_model(density, network):
    density = density if network == "orderless" else fit(network=network)
    n = 20_000
    drawn = density.sample(n, seed=1)
    first = (
        density.schema.names[int(density.model.network.order[0])]
        if network != "orderless"
        else "lab"
    )
    for name in {first, "lab"} if network == "orderless" else {first}:
        marginal = density.marginal(name)
        values = marginal[name].astype(object).where(marginal[name] != "(other)")
        for value, log_prob in zip(values, marginal["log_prob"], strict=True):
            found = (drawn[name].isna() if pd.isna(value) else drawn[name] == value).mean()
            want = math.exp(log_prob)
            slack = 0.02 if network == "orderless" else 1e-9  # whose orders agree only nearly
            assert found == pytest.approx(want, abs=5 * math.sqrt(want * (1 - want) / n) + slack)
    assert drawn["lab"].isna().mean() == pytest.approx(0.3, abs=0.1)
    assert set(drawn["lab"].dropna()) == {"a"}
    assert drawn["district"].isna().mean() == pytest.approx(0.2, abs=0.1)
    word = density.sample(n, seed=1, other="rare")
    assert (word["lab"] == "rare").tolist() == drawn["lab"].isna().tolist()
    assert set(word["district"]) == {"10", "20", "30", "rare"}


def test_rare_labels_are_omitted_on_request(density, tmp_path):
    """The draws are then those of the model given that every label of the row is listed."""
    n = 6000
    drawn, all_rows = (density.sample(n, seed=1, rare=rare) for rare in ("omit", "other"))
    assert not drawn[["lab", "district"]].isna().any(axis=None)
    listed = all_rows.dropna()
    for name, value in (("district", 10), ("district", 20), ("x", 1)):
        want = (listed[name] == value).mean()
        slack = 5 * math.sqrt(want * (1 - want) * (1 / n + 1 / len(listed)))
        assert (drawn[name] == value).mean() == pytest.approx(want, abs=slack)
    given = density.sample(40, given={"lab": "a"}, rare="omit", seed=0)
    assert (given["lab"] == "a").all()
    assert not given["district"].isna().any()
    holes = pd.DataFrame({"lab": ["a", None] * 20, "x": [0.0] * 40, "district": [None] * 40})
    rows = density.sample(40, given=holes.astype(object), rare="omit", seed=0)
    assert not rows.isna().any(axis=None)
    density.save(tmp_path / "m")
    code, out, errors = chainrule(
        "sample", "m", "-n", 200, "--seed", 0, "--rare", "omit", cwd=tmp_path
    )
    assert code == 0, errors
    assert {line.split(",")[0] for line in out.splitlines()[1:]} == {"a"}


def test_rare_labels_are_omitted_where_almost_every_draw_is_one():
    rng = np.random.default_rng(1)
    names = np.array([f"{chr(97 + k % 26)}{k}" for k in range(120)], dtype=object)
    frame = pd.DataFrame(
        {f"c{k}": np.where(rng.random(120) < 0.35, "common", names) for k in range(8)}
    )
    density = cr.fit(frame, seed=0, config=CONFIG, verbose=False)
    assert (density.sample(50, seed=0, rare="omit") == "common").all(axis=None)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rare": "omitted"}, "rare 'omitted' is unknown; choose one of 'omit', 'other'"),
        ({"rare": "omit", "other": "rest"}, "other = 'rest': no rare label is drawn with rare="),
    ],
)
def test_choices_for_rare_labels_are_checked(density, options, message):
    with pytest.raises(ShapeError, match=message):
        density.sample(3, **options)


def test_the_line_of_a_column_says_how_many_labels_are_rare(density):
    column = density.schema.columns[density.schema.names.index("lab")]
    rare = N - 7 * N // 10
    assert column.reason == f"labels, {rare} rare (30.0% of the cells) of {rare + 1} different"


@pytest.mark.parametrize("rows_of_rare", [1, 4])
def test_frequent_labels_are_drawn_as_often_as_they_occur(rows_of_rare):
    """Half of the cells hold rare labels, one row or four rows each, which depend on a number."""
    rng = np.random.default_rng(0)
    n = 1200
    lab = np.array(["A", "B", "C"], dtype=object)[rng.choice(3, n, p=[0.5, 0.3, 0.2])]
    rare = np.flatnonzero(rng.random(n) < 0.5)
    lab[rare] = [f"r{k // rows_of_rare}" for k in range(len(rare))]
    frame = pd.DataFrame({"lab": lab, "z": rng.integers(0, 3, n) + 2 * np.isin(np.arange(n), rare)})
    density = cr.fit(frame, seed=0, config=cr.FitConfig(epochs=40), verbose=False)
    drawn = density.sample(8000, seed=0)["lab"]
    for label in ("A", "B", "C"):
        assert (drawn == label).mean() == pytest.approx((lab == label).mean(), abs=0.04)
    assert drawn.isna().mean() == pytest.approx(len(rare) / n, abs=0.04)


def test_what_no_row_had_is_not_drawn():
    frame = pd.DataFrame({"it": ["x", "y"] * 20, "z": [0, 1, 1, 0] * 10})
    density = cr.fit(frame, seed=0, config=CONFIG, verbose=False)
    drawn = density.sample(3000, seed=0)
    assert not drawn["it"].isna().any()
    assert density.conditional(frame, "it")["(other)"].between(0.005, 0.05).all()


@pytest.mark.parametrize("container", ["polars", "pyarrow"])
def test_an_empty_cell_is_one_of_the_frames_own(container):
    density = fit(container)
    drawn = density.sample(200, seed=0)
    frame = drawn if container == "polars" else pl.from_arrow(drawn)
    assert frame.schema == pl.from_pandas(labelled()).schema
    assert 20 < frame["lab"].null_count() < 120
    assert 10 < frame["district"].null_count() < 90
    word = density.sample(200, seed=0, other="rare")
    word = word if container == "polars" else pl.from_arrow(word)
    assert word.null_count().sum_horizontal().item() == 0
    assert (word["district"] == "rare").sum() == frame["district"].null_count()


def test_arrays_and_categories_and_files(tmp_path):
    rng = np.random.default_rng(0)
    rows = np.stack(
        [np.where(rng.random(200) < 0.3, 100 + np.arange(200), 7), rng.integers(0, 2, 200)], axis=1
    )
    density = cr.fit(rows, kinds={"x0": "categorical"}, seed=0, config=CONFIG, verbose=False)
    drawn = density.sample(300, seed=0)
    assert drawn.dtype == np.float64
    assert 0.1 < np.isnan(drawn[:, 0]).mean() < 0.5
    frame = labelled()[["lab", "x"]]
    frame["lab"] = frame["lab"].where(frame["lab"] == "a", frame["lab"].str[:6]).astype("category")
    density = cr.fit(frame, seed=0, min_count=12, config=CONFIG, verbose=False)
    assert density.sample(300, seed=0)["lab"].isna().any()
    word = density.sample(300, seed=0, other="rest")["lab"]
    assert (word == "rest").any()
    assert not word.isna().any()
    assert isinstance(word.dtype, pd.CategoricalDtype)
    for ending in ("csv", "parquet"):
        density.sample(300, seed=0, other="rest", to=tmp_path / f"d.{ending}")
        read = getattr(pl, f"read_{ending}")(tmp_path / f"d.{ending}")
        assert read["lab"].cast(pl.String).to_list() == word.tolist()
    density.save(tmp_path / "m")
    code, out, errors = chainrule(
        "sample", "m", "-n", 300, "--seed", 0, "--other", "rest", cwd=tmp_path
    )
    assert code == 0, errors
    assert [line.split(",")[0] for line in out.splitlines()[1:]] == word.tolist()


def test_filled_holes_hold_listed_labels_in_their_proportions(density):
    holes = pd.DataFrame({"lab": [None] * 6000, "x": np.nan, "district": np.nan}, dtype=object)
    filled = density.impute(holes, how="draw", seed=0)
    assert set(filled["lab"]) == {"a"}
    p = density.conditional(holes.head(1), "district").iloc[0]
    p = p[:-1] / p[:-1].sum()
    share = filled["district"].astype(str).value_counts(normalize=True)
    for level, want in p.items():
        assert share[level] == pytest.approx(
            want, abs=5 * math.sqrt(want * (1 - want) / 6000) + 0.02
        )
    for how in ("best", "mean"):
        filled = density.impute(holes.head(3), how=how)
        assert filled["lab"].tolist() == ["a"] * 3
        assert filled["district"].astype(str).tolist() == [p.idxmax()] * 3


def test_holes_are_filled_where_almost_every_draw_is_a_rare_label():
    """Of columns in which two cells in three are rare, no redrawing ends: listed labels are then
    drawn step by step.
    """
    rng = np.random.default_rng(1)
    names = np.array([f"{chr(97 + k % 26)}{k}" for k in range(120)], dtype=object)
    frame = pd.DataFrame(
        {f"c{k}": np.where(rng.random(120) < 0.35, "common", names) for k in range(8)}
    )
    density = cr.fit(frame, seed=0, config=CONFIG, verbose=False)
    filled = density.impute(pd.DataFrame({name: [None] * 50 for name in frame.columns}), seed=0)
    assert (filled == "common").all(axis=None)


def test_towards_zero_the_likeliest_listed_label_is_drawn(density):
    cold = density.sample(200, temperature=0.01, seed=0)
    assert not cold["district"].isna().any()
    p = density.conditional(cold.assign(district=np.nan), "district").drop(columns="(other)")
    drawn = p.to_numpy()[np.arange(200), p.columns.get_indexer(cold["district"].astype(str))]
    assert (drawn > 0.9 * p.max(axis=1)).all()  # as e^(log 0.9 / 0.01) is e^−10
