"""Faults that a second reading of tables found, each as the case that showed it."""

import math
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest

import chainrule as cr
from chainrule.table import encode, lazy, read_parts, read_table
from chainrule.training.rows import split

QUICK = cr.FitConfig(hidden_size=8, epochs=2)
N = 120


def fit(table, **options):
    return cr.fit(table, **{"seed": 0, "verbose": False, "config": QUICK, **options})


@pytest.fixture
def x():
    return np.random.default_rng(0).normal(size=N)


def test_holes_that_depend_on_what_is_seen_do_not_bend_its_marginal():
    """Missing at random: whoever has a = 1 lacks the other answers. Weighted by cells seen, p(a = 1) would be 0.9."""
    rng = np.random.default_rng(0)
    a = rng.random(2000) < 0.5
    table = pd.DataFrame(
        {"a": a.astype(int), **{f"x{k}": np.where(a, np.nan, rng.normal(size=2000)) for k in range(8)}}
    )
    config = cr.FitConfig(hidden_size=64, components=1, epochs=120, batch_size=256, patience=0, learning_rate=5e-3)
    p = np.exp(fit(table, config=config).marginal("a")["log_prob"])
    assert p.iloc[1] == pytest.approx(a.mean(), abs=0.07)


def test_labels_of_text_files_do_not_depend_on_the_rest_of_their_column(x, tmp_path, monkeypatch):
    """01 stays 01 in a file, in its parts, and where columns are read one at a time."""
    zips = np.array(["00", "01", "02", "03"])[np.arange(N) % 4].astype(object)
    zips[-6:] = "A1"
    frame = pd.DataFrame({"zip": zips, "yes": np.where(x > 0, "TRUE", "FALSE"), "x": x})
    frame.loc[N - 5 :, "yes"] = "unknown"
    frame.to_csv(tmp_path / "t.csv", index=False)
    density = fit(tmp_path / "t.csv")
    assert set(density.schema.columns[0].levels) == {"00", "01", "02", "03", "A1"}
    assert np.allclose(density.log_prob(frame), density.log_prob(tmp_path / "t.csv"))
    codes = [encode(part, density.schema).values for part in read_parts(tmp_path / "t.csv", rows=30)]
    assert len(codes) >= 4
    assert np.array_equal(np.concatenate(codes), encode(read_table(frame), density.schema).values)
    frame.iloc[:40].to_csv(tmp_path / "digits.csv", index=False)
    assert np.allclose(density.log_prob(tmp_path / "digits.csv"), density.log_prob(frame.iloc[:40]))
    monkeypatch.setattr(lazy, "LARGE_BYTES", 1)
    monkeypatch.setattr(lazy, "PART_ROWS", 30)
    assert fit(tmp_path / "t.csv").schema == density.schema


def test_weighted_rows_are_counted_by_weight():
    """The mean over validation rows is by weight; rows of weight zero are nowhere, not in a level either."""
    rng = np.random.default_rng(0)
    weight = np.exp(2 * rng.normal(size=300))
    y = rng.normal(size=300)
    table = pd.DataFrame({"x": y, "y": y + rng.normal(size=300)})
    density = fit(table, sample_weight=weight, network="made", min_count=1)  # few rows make most of it
    held = split(np.arange(300), 0.1, cr.rng.generator_from(0))[1]
    nats = density.log_prob(table.iloc[held])
    assert density.training["valid_nats"] == pytest.approx(-np.average(nats, weights=weight[held]), abs=1e-3)
    table["c"] = ["SECRET"] * 10 + ["a"] * 290
    table.loc[0, "x"] = 1e6
    weight[:10] = 0
    schema = fit(table, sample_weight=weight).schema
    assert schema.columns[2].levels == ("a",)
    assert schema.columns[0].spread < 10


def test_origins_are_no_cells():
    rng = np.random.default_rng(0)
    days = pd.to_datetime(["1931-07-19"] + ["2024-01-10", "2024-01-21"] * 100)
    numbers = rng.integers(10**8, 10**9, 201)
    day, number = fit(pd.DataFrame({"day": days, "number": numbers})).schema.columns
    assert np.datetime64(int(day.origin), day.unit) not in set(days.to_numpy())
    assert day.origin % day.step == 0
    assert number.origin not in set(numbers.tolist())


def test_ids_with_gaps_are_ids():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"id": np.arange(1, 892), "x": rng.normal(size=891)})
    for part in (table, table.sample(frac=0.8, random_state=0)):
        with pytest.warns(UserWarning, match="left out 'id'"):
            assert cr.infer_schema(part).names == ("x",)
    few = pd.DataFrame({"age": rng.choice(100, 20, replace=False), "x": rng.normal(size=20)})
    assert cr.infer_schema(few).names == ("age", "x")


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint64", "UInt8"])
def test_small_types_hold_what_is_drawn(dtype, x):
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"a": pd.Series(rng.integers(0, 4, N)).astype(dtype), "x": x})
    density = fit(table)
    assert density.schema.columns[0].least == (-128 if dtype == "int8" else 0)
    drawn = density.sample(2000, seed=1)
    assert drawn.dtypes.tolist() == table.dtypes.tolist()
    assert 0 <= int(drawn["a"].max()) < 100
    wide = fit(pl.from_pandas(table))
    assert wide.sample(2000, seed=1).schema == pl.from_pandas(table).schema


def test_categories_are_filled_in_their_own_type(x):
    rng = np.random.default_rng(0)
    ordered = pd.Series(pd.Categorical(rng.choice(list("abc"), N), categories=list("cab"), ordered=True))
    cut = pd.Series(pd.cut(x, 3))
    numbers = pd.Series(pd.Categorical(rng.choice([10, 20, 70], N)))
    mixed = pd.Series(pd.Categorical(rng.choice(["1", "2", "3", "4+"], N, p=[0.4, 0.3, 0.25, 0.05])))
    table = pd.DataFrame({"ordered": ordered, "cut": cut, "numbers": numbers, "mixed": mixed, "x": x})
    table.loc[:9, ["ordered", "cut", "numbers", "mixed"]] = None
    density = fit(table)
    assert [column.kind for column in density.schema.columns[:4]] == ["categorical"] * 4
    filled = density.impute(table, seed=0)
    assert filled.dtypes.tolist() == table.dtypes.tolist()
    assert not filled.isna().any().any()
    pd.testing.assert_frame_equal(filled.iloc[10:], table.iloc[10:])
    few = pd.DataFrame({"ordered": pd.Categorical([None] * 30 + ["a"], categories=["a"]), "x": np.zeros(31)})
    with pytest.warns(UserWarning, match="absent"):
        filled = density.impute(few, seed=0)
    assert not filled["ordered"].isna().any()
    assert set(filled["ordered"].cat.categories) > {"a"}
    enum = pl.DataFrame({"ordered": pl.Series([None] * 30 + ["a"], dtype=pl.Enum(["a"])), "x": np.zeros(31)})
    with pytest.warns(UserWarning, match="absent"):
        filled = density.impute(enum, seed=0)
    assert isinstance(filled.schema["ordered"], pl.Enum)
    assert filled["ordered"].null_count() == 0


def test_integers_as_names_stay_integers(x):
    table = pd.DataFrame({0: x, 1: np.arange(N) % 9})
    density = fit(table, kinds={1: "categorical"})
    assert density.schema.columns[1].kind == "categorical"
    assert list(density.sample(2, seed=0).columns) == [0, 1]
    assert list(density.explain(table).columns) == [0, 1]


def test_a_column_may_be_called_as_a_flag(x):
    table = pd.DataFrame({"a": np.where(x > 1, np.nan, x), "a is missing": x > 0})
    assert fit(table, missing="informative").schema.names == ("a is missing*", "a", "a is missing")


def test_files_without_names_and_arrays_of_text_are_filled(tmp_path, x):
    rows = np.stack([np.round(x, 3), np.round(x * 2, 3)], axis=1)
    np.savetxt(tmp_path / "t.csv", rows, delimiter=",", fmt="%.3f")
    density = fit(tmp_path / "t.csv")
    (tmp_path / "holes.csv").write_text("1.5,\n,0.25\n")
    filled = density.impute(tmp_path / "holes.csv", seed=0)
    assert filled.shape == (2, 2)
    assert (filled[0, 0], filled[1, 1]) == (1.5, 0.25)
    text = np.array([["1", "x"], ["12", "y"], ["", "x"]] * 20)
    filled = fit(text).impute(text, seed=0)
    assert {len(str(v)) > 0 for v in filled[:, 0]} == {True}


def test_columns_that_cannot_be_modelled_are_left_out_with_a_reason(x):
    table = pl.DataFrame({"x": x, "list": [[1, 2]] * N, "struct": [{"a": 1}] * N})
    with pytest.warns(UserWarning, match="'list' .lists and structures are not modelled"):
        assert cr.infer_schema(table).names == ("x",)
    assert len(fit(pd.DataFrame({"x": x})).oddest(pd.DataFrame({"x": x}).iloc[:0])) == 0


def test_steps_and_atoms_are_seen_in_any_precision(x):
    assert cr.infer_schema(pd.DataFrame({"x": np.round(x, 1).astype("float32")})).columns[0].step == 0.1
    rng = np.random.default_rng(0)
    a = np.where(rng.random(N) < 0.4, 0.1, x)
    density = fit(pd.DataFrame({"a": a, "x": rng.normal(size=N)}))
    row = pd.DataFrame({"a": [0.1], "x": [0.5]})
    parts = [density.log_prob(row.astype(dtype), parts=True).mass[0] for dtype in ("float64", "float32")]
    assert parts[0] == pytest.approx(parts[1])
    assert parts[0] < 0


def test_nanoseconds_are_cut_off_in_silence():
    times = pd.Series(pd.date_range("2024-01-01", periods=40, freq="h")) + pd.to_timedelta(np.arange(40), unit="ns")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        density = fit(pd.DataFrame({"t": times, "y": np.arange(40) % 3}))
        assert math.isfinite(density.score(pd.DataFrame({"t": times, "y": np.arange(40) % 3})))


def test_given_numbers_come_back_to_the_bit(x):
    density = fit(pd.DataFrame({"x": x, "y": x * 3}))
    given = pd.DataFrame({"x": np.random.default_rng(1).normal(size=60) * 7, "y": np.nan})
    with pytest.warns(UserWarning, match=r"column 'x': value .* at row . and .. more lie outside the range"):
        drawn = density.sample(60, given=given, seed=0)
    assert drawn["x"].tolist() == given["x"].tolist()
    assert density.sample(3, given={"x": "0.1"}, seed=0)["x"].tolist() == [0.1] * 3


def test_a_column_called_as_one_of_the_answer_is_refused(x):
    density = fit(pd.DataFrame({"log_prob": x, "y": x * 3}))
    with pytest.raises(cr.ChainruleError, match="marginal of 'log_prob': the answer has a column of that name itself"):
        density.marginal("y", "log_prob")
