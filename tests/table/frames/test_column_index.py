"""Whatever a pandas frame calls its columns, questions take these names and answers have them."""

import datetime

import numpy as np
import pandas as pd
import polars as pl
import pytest
from helpers.untrained import as_from_a_file, untrained

import chainrule as cr
from chainrule.errors import SchemaError
from chainrule.sklearn import DensityEstimator, Imputer, OutlierDetector
from chainrule.table import Schema, infer_schema, read_table

N = 60
RNG = np.random.default_rng(0)
COLUMNS = [
    RNG.normal(size=N),
    RNG.integers(0, 2, N),
    np.array(["x", "y", "z"])[RNG.integers(0, 3, N)],
    RNG.integers(0, 5, N),
]

INDEXES = {
    "a range": pd.RangeIndex(4),
    "a range with steps": pd.RangeIndex(3, 11, 2),
    "integers": pd.Index([4, 2, 9, 7]),
    "small integers": pd.Index([1, 2, 3, 4], dtype="int8"),
    "nullable integers": pd.Index([1, 2, 3, 4], dtype="Int64"),
    "integers of Arrow": pd.Index([1, 2, 3, 4], dtype="int64[pyarrow]"),
    "integers beyond 64 bits": pd.Index([2**70, "a", -1, 0], dtype=object),
    "floats": pd.Index([1.5, 2.0, 0.1, -np.inf]),
    "text and numbers": pd.Index([1, "1", 1.5, "x"], dtype=object),
    "numbers that are equal": pd.Index([1, 1.0, "1", "1.0"], dtype=object),
    "booleans and one": pd.Index([True, False, 1, "True"], dtype=object),
    "None": pd.Index([None, "None", "a", "b"], dtype=object),
    "NaN": pd.Index([np.nan, "nan", "a", 0], dtype=object),
    "two levels": pd.MultiIndex.from_product([["a", "b"], ["x", 2]], names=["upper", None]),
    "levels of one name": pd.MultiIndex.from_tuples(
        [("a", 1), ("a", 2), ("b", 1), ("a", 3)], names=["same", "same"]
    ),
    "a level of dates": pd.MultiIndex.from_product(
        [["a", "b"], pd.date_range("2024-01-01", periods=2)]
    ),
    "a level of categories": pd.MultiIndex.from_arrays(
        [pd.Categorical(list("aabb"), list("bac")), [1.0, 2.0, 1.0, 2.0]]
    ),
    "dates": pd.date_range("2024-01-01", periods=4, freq="MS", name="month"),
    "dates with a zone": pd.date_range("2024-03-30", periods=4, tz="Europe/Berlin", unit="ns"),
    "dates of Python": pd.Index([datetime.date(2024, 1, day) for day in (1, 2, 3, 4)]),
    "periods": pd.period_range("2024-01", periods=4, freq="M"),
    "intervals": pd.interval_range(0, 4),
    "durations": pd.to_timedelta([1, 2, 3, 4], "D"),
    "ordered categories": pd.CategoricalIndex(
        list("abcd"), categories=list("dcbae"), ordered=True, name="k"
    ),
    "text with a title": pd.Index(list("abcd"), name="title"),
    "text with a title of two parts": pd.Index(list("abcd"), name=("t", 1)),
    "text as objects": pd.Index(list("abcd"), dtype=object),
    "nullable text": pd.Index(list("abcd"), dtype="string"),
    "tuples beside text": pd.Index(["('a', 1)", ("a", 1), "c", 3], tupleize_cols=False),
    "bytes": pd.Index([b"a", "b'a'", "c", 3], dtype=object),
}


def called(index):
    frame = pd.concat([pd.Series(column) for column in COLUMNS], axis=1)
    frame.columns = index
    return frame


@pytest.mark.parametrize("name", INDEXES)
def test_columns_are_asked_for_and_given_back_as_the_frame_calls_them(name):
    index = INDEXES[name]
    frame = called(index)
    fitted = untrained(frame, kinds={index[3]: "categorical"})
    assert Schema.from_json(fitted.schema.to_json()) == fitted.schema
    assert len(set(fitted.schema.table_names)) == 4
    holes = frame.copy()
    holes.iloc[3:6, 0] = np.nan
    for density in (fitted, as_from_a_file(fitted)):
        for answer in (
            density.sample(3, seed=0),
            density.impute(holes, seed=0),
            density.explain(frame),
            density.impute(holes, how="best", interval=0.9).low,
        ):
            pd.testing.assert_index_equal(answer.columns, index, exact=True)
            assert getattr(answer.columns, "freq", None) == getattr(index, "freq", None)
        assert density.impute(holes, seed=0).notna().all(axis=None)
        for place, label in enumerate(index):
            assert density.schema.number(label) == place
            assert len(density.conditional(frame, label)) == N
            own = density.marginal(label).columns[0]
            assert own == label or (own != own and label != label)
            value = frame.iloc[5, place]
            drawn = density.sample(3, given={label: value}, seed=0)
            assert drawn.iloc[:, place].tolist() == [value] * 3
        assert density.schema.columns[3].kind == "categorical"
        assert (
            list(density.marginal(index[0], index[2]).columns[:2]) == [index[0], index[2]]
            or name == "NaN"
        )
        assert np.array_equal(
            density.log_prob(frame.iloc[:, [2, 0, 3, 1]]), density.log_prob(frame)
        )


def test_the_oddest_cells_are_found_by_row_and_column():
    for name in ("integers", "two levels", "dates"):
        frame = called(INDEXES[name])
        odd = untrained(frame).oddest(frame, top=6)
        for row, column, found in zip(odd["row"], odd["column"], odd["found"], strict=True):
            cell = frame.loc[row, column]
            assert found == (f"{cell:.10g}" if isinstance(cell, float) else str(cell))


def test_text_stands_for_names_that_are_none():
    """In a file, and in frames of other libraries, columns have their names as text."""
    frame = called(INDEXES["integers"])
    density = untrained(frame)
    as_text = frame.rename(columns=str)
    assert np.array_equal(density.log_prob(pl.from_pandas(as_text)), density.log_prob(frame))
    assert np.array_equal(density.log_prob(as_text), density.log_prob(frame))
    assert density.conditional(as_text, "9").equals(density.conditional(frame, 9))
    assert density.sample(3, given={"2": 1}, seed=0).equals(density.sample(3, given={2: 1}, seed=0))
    assert density.sample(3, given={np.int64(2): 1}, seed=0).equals(
        density.sample(3, given={2.0: 1}, seed=0)
    )
    fitted = untrained(pl.from_pandas(as_text))
    assert fitted.conditional(as_text, 9).equals(density.conditional(frame, 9))
    assert list(fitted.explain(frame).columns) == [4, 2, 9, 7]


def test_a_number_and_its_text_are_two_columns():
    frame = called(INDEXES["text and numbers"])
    density = untrained(frame)
    assert density.schema.names == ("1 (int)", "1", "1.5", "x")
    assert density.schema.columns[density.schema.number(1)].kind == "real"
    assert density.schema.columns[density.schema.number("1")].kind == "binary"
    with pytest.warns(UserWarning, match="'1', '1.5', 'x' are absent and count as unknown"):
        alone = density.log_prob(frame[[1]])
    with pytest.warns(
        UserWarning, match=r"'1 \(int\)', '1.5', 'x' are absent and count as unknown"
    ):
        other = density.log_prob(frame[["1"]])
    assert not np.allclose(alone, other)


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (["a", "b", "a", "c"], "the table: column name 'a' appears twice; rename one of them"),
        ([1, 2, 3, 1], "the table: column name 1 appears twice; rename one of them"),
        (
            [("a", 1), ("b", 1), ("c", 1), ("a", 1)],
            "the table: column name ('a', 1) appears twice; rename one of them",
        ),
        ([np.nan, 0, 1, np.nan], "the table: column name nan appears twice; rename one of them"),
    ],
)
def test_names_that_stand_twice_are_refused(index, message):
    with pytest.raises(SchemaError) as error:
        read_table(called(index))
    assert str(error.value) == message


def test_unknown_names_are_explained():
    density = untrained(called(INDEXES["two levels"]))
    with pytest.raises(SchemaError) as error:
        density.conditional(called(INDEXES["two levels"]), ("a", "y"))
    assert str(error.value) == (
        "column \"('a', 'y')\" is unknown; choose one of \"('a', 'x')\", \"('a', 2)\", \"('b', "
        "'x')\", \"('b', 2)\" (nearest: \"('a', 'x')\")"
    )
    with pytest.raises(
        SchemaError, match=r"kinds: column '5' is unknown; choose one of '2', '4', '7', '9'"
    ):
        infer_schema(called(INDEXES["integers"]), kinds={5: "real"})


def test_left_out_columns_and_flags_keep_their_place():
    frame = called(INDEXES["two levels"])
    frame.insert(1, ("id", 0), np.arange(N))
    frame.iloc[:20, 0] = np.nan
    density = untrained(frame, missing="informative")
    assert density.schema.names[0] == "('a', 'x') is missing"
    drawn = as_from_a_file(density).sample(5, seed=0)
    pd.testing.assert_index_equal(drawn.columns, INDEXES["two levels"])
    assert density.explain(frame).columns.equals(frame.columns)
    assert density.impute(frame, seed=0).columns.equals(frame.columns)
    with pytest.raises(SchemaError, match="column \"\\('id', 0\\)\" is not modelled: an id"):
        density.conditional(frame, ("id", 0))


def test_names_of_other_classes_come_back_where_they_are_copied_and_as_text_where_they_are_made():
    frame = called(pd.Index([frozenset({1}), "b", "c", "d"], dtype=object, tupleize_cols=False))
    density = untrained(frame)
    assert density.explain(frame).columns.equals(frame.columns)
    assert list(density.sample(2, seed=0).columns) == ["frozenset({1})", "b", "c", "d"]


def test_conditionals_are_not_called_as_the_frame_is():
    frame = pd.DataFrame({0: [0, 1] * 30, 1: [0, 1, 1] * 20})
    assert list(untrained(frame).conditional(frame, 0).columns) == ["0", "1"]


@pytest.mark.parametrize("name", ["integers", "two levels", "text with a title", "dates"])
def test_estimators_take_frames_of_any_names(name):
    frame = called(INDEXES[name])
    holes = frame.copy()
    holes.iloc[3:6, 0] = np.nan
    config = cr.FitConfig(hidden_sizes=(2,), components=1, epochs=1)
    imputer = Imputer(config=config, random_state=0).fit(frame)
    pd.testing.assert_index_equal(imputer.transform(holes).columns, frame.columns)
    assert hasattr(imputer, "feature_names_in_") == (name == "text with a title")
    if name == "integers":
        pd.testing.assert_index_equal(
            DensityEstimator(config=config, random_state=0).fit(frame).sample(3).columns,
            frame.columns,
        )
        assert OutlierDetector(config=config, random_state=0).fit(frame).predict(frame).shape == (
            N,
        )


def test_estimators_refuse_names_of_which_some_are_text_as_scikit_learn_does():
    config = cr.FitConfig(hidden_sizes=(2,), components=1, epochs=1)
    with pytest.raises(
        TypeError, match="Feature names are only supported if all input features have string names"
    ):
        Imputer(config=config).fit(called(INDEXES["text and numbers"]))
