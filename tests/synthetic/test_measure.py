"""``quality`` as a whole: tables of every shape, sizes, seeds."""

import json

import numpy as np
import pandas as pd
import polars as pl
import pytest
from helpers.some_tables import mixed

import chainrule as cr
from chainrule.errors import ChainruleError
from chainrule.plain_json import plain_json
from chainrule.synthetic import Quality, apart


@pytest.fixture(scope="module")
def found():
    frame = mixed(900, holes=0.05)
    made = frame[300:600].assign(height=lambda f: f["height"] * 1.2)
    return cr.quality(frame[:300], made, frame[600:], verbose=False)


def test_all_figures_are_there_by_name(found):
    assert isinstance(found, Quality)
    assert found.rows == {"real": 300, "synthetic": 300, "holdout": 300}
    assert found.fidelity.shapes < found.holdout.shapes
    assert found.fidelity.accuracy.overall < found.fidelity.accuracy.expected
    assert abs(found.holdout.accuracy.overall - found.holdout.accuracy.expected) < 0.06
    assert found.told_apart.auc > 0.85
    assert next(iter(found.told_apart.lost)) == "height"
    assert abs(found.holdout_apart.auc - 0.5) < 4 * found.holdout_apart.standard_error
    assert found.holdout_apart.lost == {}
    assert found.utility.target == "town"
    assert 0.4 < found.nearest.share < 0.6
    assert found.repeated.of_real == 0
    assert [(fault.column, fault.what) for fault in found.faults] == []


def test_json_holds_every_figure(found):
    whole = json.loads(plain_json(found.to_json()))
    assert whole["told_apart"]["score"] == found.told_apart.score
    assert whole["utility"]["lost"] == found.utility.lost
    assert whole["fidelity"]["columns"][3]["name"] == "height"
    assert len(whole["fidelity"]["pairs"]) == 15
    assert whole["rows"]["holdout"] == 300


def test_the_same_seed_gives_the_same_figures(found):
    frame = mixed(900, holes=0.05)
    made = frame[300:600].assign(height=lambda f: f["height"] * 1.2)
    tables = frame[:300], made, frame[600:]
    assert cr.quality(*tables, verbose=False) == found
    other = cr.quality(*tables, seed=1, verbose=False)
    assert other.fidelity == found.fidelity
    assert other.told_apart != found.told_apart


def test_files_and_frames_are_the_same(tmp_path, found):
    frame = mixed(900, holes=0.05)
    made = frame[300:600].assign(height=lambda f: f["height"] * 1.2)
    parts = {"real": frame[:300], "made": made, "holdout": frame[600:]}
    for name, part in parts.items():
        part.to_csv(tmp_path / f"{name}.csv", index=False)
    paths = [tmp_path / f"{name}.csv" for name in parts]
    assert cr.quality(*paths, verbose=False).to_json() == found.to_json()


def test_ten_rows_are_enough():
    rng = np.random.default_rng(0)
    table = pl.DataFrame({"x": rng.normal(size=20), "t": rng.choice(["a", "b"], 20)})
    found = cr.quality(table[:10], table[10:], verbose=False)
    assert found.told_apart.auc == 0.5
    assert found.utility is None
    one = cr.quality(table[:1], table[1:2], verbose=False)
    assert one.told_apart is None
    assert one.fidelity.trends is not None
    assert str(one)


def test_columns_that_are_constant_or_empty():
    rng = np.random.default_rng(1)
    table = pl.DataFrame(
        {"x": rng.normal(size=200), "one": [1.5] * 200, "none": [None] * 200, "t": ["a"] * 200}
    )
    found = cr.quality(table[:100], table[100:], table[:50], verbose=False)
    assert found.left_out == {"none": "no known value"}
    assert {column.name: column.shape for column in found.fidelity.columns}["one"] == 1
    assert np.isnan(found.fidelity.pairs[0].trend)  # of a constant column
    empty = table[100:].with_columns(x=pl.lit(None, dtype=pl.Float64))
    found = cr.quality(table[:100], empty, verbose=False)
    assert [fault.column for fault in found.faults] == ["x"]
    assert found.fidelity.columns[0].shape == 0
    assert found.fidelity.accuracy.univariate < 0.7


@pytest.mark.parametrize(
    "column",
    [
        {"k": ["x"] * 150},
        {"k": [1, "x"] * 75},
        {"flag": ["yes", "no"] * 75},
        {"height": np.inf},
        {"height": 1e300},
        {"height": np.nan},
        {"town": None},
        {"flag": None},
        {"when": "soon"},
    ],
    ids=str,
)
def test_a_wrong_column_is_measured_and_is_a_fault(column):
    rng = np.random.default_rng(6)
    frame = pd.DataFrame(
        {
            "k": rng.integers(0, 5, 450),
            "flag": rng.random(450) < 0.5,
            "height": rng.normal(170, 9, 450),
            "town": rng.choice(["a", "b"], 450),
            "when": pd.date_range("2024-01-01", periods=450),
        }
    )
    wrong = frame[150:300].assign(**column)
    (name,) = column
    for target in ("town", name):
        found = cr.quality(frame[:150], wrong, frame[300:], target=target, verbose=False)
        assert found.fidelity.accuracy.univariate < 0.97
        assert len(str(found)) > 1000
        if column != {"height": 1e300}:  # far, but a number of the column's kind
            assert [fault.column for fault in found.faults] == [name]


def test_held_out_rows_count_as_real_ones_in_the_accuracy():
    real, made, holdout = (np.repeat([[0.0], [1.0]], counts, axis=0) for counts in
                           ((30, 10), (20, 20), (10, 30)))  # fmt: skip
    found = cr.quality(real, made, holdout, verbose=False)
    assert found.fidelity.accuracy.univariate == 1
    assert found.fidelity.shapes == 0.75
    assert cr.quality(real, made, verbose=False).fidelity.accuracy.univariate == 0.75


def test_the_pair_whose_accuracy_is_worst_is_tried_by_trees(monkeypatch):
    monkeypatch.setattr(apart, "MOST_PAIRED", 0)
    rows = np.random.default_rng(6).normal(size=(600, 3))
    rows[:, 2] = rows[:, 0] + rows[:, 2] / 10
    made = rows[300:].copy()
    made[:, 2] = made[::-1, 2]
    found = cr.quality(rows[:300], made, verbose=False)
    first = found.told_apart.pairs[0]
    assert {first.first, first.second} == {"x0", "x2"}


def test_a_target_of_many_labels_causes_no_warning(recwarn):
    table = pd.DataFrame({"t": [f"t{k}" for k in range(60)], "x": np.arange(60) % 7 / 2})
    found = cr.quality(table, table, target="t", kinds={"t": "categorical"}, verbose=False)
    assert found.utility.target == "t"
    assert not recwarn.list


def test_one_column_has_no_pairs():
    rows = np.random.default_rng(2).normal(size=(200, 1))
    found = cr.quality(rows[:100], rows[100:], rows[:50], verbose=False)
    assert found.fidelity.trends is None
    assert found.fidelity.accuracy.bivariate is None
    assert found.utility is None
    assert "pair trends" not in str(found)


def test_large_tables_are_sampled_but_faults_are_counted_in_all_rows():
    rng = np.random.default_rng(3)
    real = pl.DataFrame({"x": rng.integers(0, 50, 5000), "y": rng.random(5000).round(2)})
    made = real.with_columns(x=pl.when(pl.int_range(5000) == 4321).then(99).otherwise("x"))
    found = cr.quality(real, made, rows=400, verbose=False)
    assert found.told_apart.rows == 400
    assert [fault.cells for fault in found.faults] == [1]
    assert found.repeated.of_real == 4999 / 5000
    assert "400 rows of each larger table, drawn with seed 0" in str(found)


def test_kinds_are_those_of_fit():
    rng = np.random.default_rng(4)
    table = pd.DataFrame({"zip": rng.integers(10, 14, 300), "x": rng.normal(size=300)})
    found = cr.quality(table, table, kinds={"zip": "categorical"}, verbose=False)
    assert [column.kind for column in found.fidelity.columns] == ["label", "number"]
    found = cr.quality(table, table, kinds={"zip": "leave out"}, verbose=False)
    assert [column.name for column in found.fidelity.columns] == ["x"]
    schema = cr.infer_schema(table, kinds={"zip": "categorical"})
    found = cr.quality(table, table, kinds=schema, verbose=False)
    assert [column.kind for column in found.fidelity.columns] == ["label", "number"]


def test_wrong_arguments_are_refused():
    rows = np.random.default_rng(5).normal(size=(20, 2))
    for options in ({"rows": 0}, {"seed": -1}, {"target": "none"}, {"kinds": {"x7": "real"}}):
        with pytest.raises(ChainruleError):
            cr.quality(rows, rows, verbose=False, **options)
