"""Tables of any kind become numbers on common terms."""

import datetime

import numpy as np
import pandas as pd
import polars as pl
import pytest
from helpers.some_tables import mixed

from chainrule import infer_schema
from chainrule.errors import SchemaError
from chainrule.synthetic.tables import tables_of


def both(real, made, **options):
    return tables_of(real, made, kinds=options.get("kinds"))


def test_labels_have_common_numbers_the_most_frequent_real_one_first():
    real = pl.DataFrame({"town": ["a"] * 5 + ["b"] * 7 + [None]})
    made = pl.DataFrame({"town": ["c", "b", "a", None]})
    found = both(real, made)
    (town,) = found.columns
    assert (town.kind, town.labels, town.known) == ("label", ("b", "a", "c"), 2)
    assert found.synthetic.values[:, 0].tolist()[:3] == [2, 0, 1]
    assert np.isnan(found.synthetic.values[3, 0])
    assert np.isnan(found.real.values[-1, 0])


def test_dates_are_seconds_whatever_holds_them(tmp_path):
    days = [datetime.date(1970, 1, 2) + datetime.timedelta(days=k) for k in range(50)]
    real = pl.DataFrame({"day": days})
    made = pd.DataFrame({"day": pd.to_datetime([*days[:2], None])})
    path = tmp_path / "made.csv"
    real[:3].write_csv(path)
    assert both(real, made).synthetic.values[:2, 0].tolist() == [86_400, 172_800]
    assert both(real, path).synthetic.values[:, 0].tolist() == [86_400, 172_800, 259_200]


def test_every_container_gives_the_same_numbers(tmp_path):
    frame = mixed(120, holes=0.1)
    path, packed = tmp_path / "rows.csv", tmp_path / "rows.parquet"
    frame.to_csv(path, index=False)
    frame.to_parquet(packed)
    first = both(frame, frame)
    assert np.array_equal(first.real.values, first.synthetic.values, equal_nan=True)
    assert [column.kind for column in first.columns] == [
        "label", "label", "number", "number", "number", "date",
    ]  # fmt: skip
    for other in (path, packed, pl.from_pandas(frame), frame[frame.columns[::-1]]):
        found = both(frame, other)
        assert np.array_equal(found.synthetic.values, first.real.values, equal_nan=True)
        found = both(other, frame)
        order = [found.number(column.name) for column in first.columns]
        assert np.array_equal(
            found.synthetic.values[:, order], found.real.values[:, order], equal_nan=True
        )


def test_arrays_are_matched_by_position():
    rows = np.random.default_rng(0).normal(size=(50, 3))
    assert both(rows, rows[:7]).synthetic.values.tolist() == rows[:7].tolist()
    with pytest.raises(SchemaError) as raised:
        both(rows, rows[:, :2])
    assert str(raised.value) == (
        "the synthetic table: 2 columns, where the real table has 3; give both the same columns, "
        "or names"
    )


def test_a_named_table_is_matched_by_position_if_the_real_one_has_no_names():
    rows = np.random.default_rng(0).normal(size=(50, 3))
    named = pd.DataFrame(rows[:7], columns=["a", "b", "c"])
    assert both(rows, named).synthetic.values.tolist() == rows[:7].tolist()
    assert both(named, rows).synthetic.values.tolist() == rows.tolist()
    with pytest.raises(SchemaError, match="the synthetic table: 2 columns, where the real table"):
        both(rows, named[["a", "b"]])


def test_a_synthetic_table_is_required():
    with pytest.raises(SchemaError, match="a NoneType is not a table"):
        both(np.zeros((9, 2)), None)


def test_cells_of_another_kind_are_marked():
    real = pl.DataFrame({"age": [20, 30, 40] * 10, "bit": [0, 1] * 15})
    made = pd.DataFrame({"age": [1, "old", None, 4], "bit": [0, 2, 1, None]}, dtype=object)
    found = both(real, made)
    assert {k: rows.tolist() for k, rows in found.synthetic.wrong.items()} == {0: [1], 1: [1]}
    assert found.columns[1].labels[int(found.synthetic.values[1, 1])] == "(neither 0 nor 1)"


def test_absent_columns_are_named():
    real = pl.DataFrame({"a": [1.5] * 9, "b": [2] * 9, "c": [3] * 9})
    with pytest.raises(SchemaError) as raised:
        both(real, pl.DataFrame({"b": [1]}))
    assert str(raised.value) == (
        "the synthetic table: lacks the column(s) 'a', 'c' of the real table; add them, or leave "
        "them out of both tables"
    )
    assert both(real, real.with_columns(d=1)).ignored == ("d",)
    assert both(real, real[::-1].select("c", "b", "a")).ignored == ()


def test_tables_without_rows_are_refused():
    real = pl.DataFrame({"a": [1, 2, 3]})
    with pytest.raises(SchemaError, match="no rows; there is nothing to compare"):
        both(real, real[:0])
    with pytest.raises(SchemaError, match="no rows"):
        both(real[:0], real)
    schema = infer_schema(pl.DataFrame({"a": [1, 2, 3], "b": [1.5, 2.5, 9]}), min_count=1)
    with pytest.raises(SchemaError) as raised:
        both(real, real, kinds=schema)
    assert str(raised.value) == (
        "the real table: lacks the column(s) 'b' of the schema; add them, or leave them out of "
        "both tables"
    )


def test_a_sample_of_rows_depends_on_the_seed_alone():
    rows = np.sqrt(np.arange(400.0))[:, None]
    found = both(rows, rows)
    one, same, other = found.some(50, 1), found.some(50, 1), found.some(50, 2)
    assert len(one.real) == len(one.synthetic) == 50
    assert np.array_equal(one.real.values, same.real.values)
    assert not np.array_equal(one.real.values, other.real.values)
    assert not np.array_equal(one.real.values, one.synthetic.values)
    assert found.some(400, 1).real is found.real
