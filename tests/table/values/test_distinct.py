"""Work on the different cells of a column has the meaning of work on every cell."""

import datetime
import decimal
import numbers
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule.table import as_numbers, encode, objects_of, read_table
from chainrule.table.columns import Categorical
from chainrule.table.text.notation import read_cells
from chainrule.table.text.number_notation import NumberNotation
from chainrule.table.values import cells as of_cells
from chainrule.table.values.cells import (
    as_labels,
    datetimes_if_any,
    is_observed,
    label_counts,
    looks,
    numbers_if_any,
)
from chainrule.table.values.distinct import Distinct

NAN = float("nan")
DAY, NOON = datetime.date(2024, 2, 1), datetime.datetime(2024, 2, 1, 12)
BERLIN = datetime.timezone(datetime.timedelta(hours=1))
# A cell, its label and its number; infinity stands for no number.
MEANINGS = [
    (None, None, NAN),
    (NAN, None, NAN),
    (np.float32("nan"), None, NAN),
    (pd.NA, None, NAN),
    (pd.NaT, None, NAN),
    (np.datetime64("NaT"), None, NAN),
    (1, "1", 1.0),
    (1.0, "1", 1.0),
    (True, "True", 1.0),
    ("1", "1", 1.0),
    ("1.0", "1.0", 1.0),
    ("true", "true", 1.0),
    (b"1", "b'1'", 1.0),
    (np.int8(1), "1", 1.0),
    (np.bool_(True), "True", 1.0),
    (0, "0", 0.0),
    (0.0, "0", 0.0),
    (-0.0, "0", -0.0),
    (False, "False", 0.0),
    (2**70, str(2**70), 2.0**70),
    (10**400, str(10**400), np.inf),
    (np.inf, "inf", np.inf),
    ("nan", "nan", NAN),
    ("", "", NAN),
    ("red", "red", np.inf),
    (" red", " red", np.inf),
    ("2024-02-01", "2024-02-01", np.inf),
    (decimal.Decimal("1.0"), "1.0", 1.0),
    (decimal.Decimal("1.00"), "1.00", 1.0),
    (DAY, "2024-02-01", np.inf),
    (NOON, "2024-02-01 12:00:00", np.inf),
    (NOON.replace(tzinfo=datetime.UTC), "2024-02-01 12:00:00+00:00", np.inf),
    (NOON.replace(hour=13, tzinfo=BERLIN), "2024-02-01 13:00:00+01:00", np.inf),
    (pd.Timestamp(NOON), "2024-02-01 12:00:00", np.inf),
    ((1, 2), "(1, 2)", np.inf),
    ([1, 2], "[1, 2]", np.inf),
    ({"a": 1}, "{'a': 1}", np.inf),
]
CELLS = st.lists(
    st.one_of(
        st.sampled_from([cell for cell, _, _ in MEANINGS]),
        st.sampled_from(["a", "b", 3, 4.5, True, None]),
        st.text(max_size=2),
        st.integers(-2, 2),
        st.floats(),
        st.dates(),
        st.datetimes(),
        st.binary(max_size=1),
        st.decimals(-1, 1, places=1),
    ),
    max_size=30,
)
# Columns of one or two types take shorter ways.
ALIKE = st.sampled_from(
    [
        st.sampled_from(["a", "b", "12", None]),
        st.one_of(st.floats(), st.none()),
        st.one_of(st.floats(), st.booleans()),
        st.booleans(),
        st.one_of(st.integers(0, 3), st.text(max_size=1), st.none()),
        st.one_of(st.integers(0, 1), st.booleans(), st.none()),
        st.one_of(st.dates(), st.none()),
        st.one_of(st.dates(), st.datetimes(), st.just(NOON.replace(tzinfo=BERLIN))),
        st.decimals(-1, 1, places=1),
        st.sampled_from([np.float64(1.5), np.float32(0.1), np.float64("nan"), 2.0]),
    ]
).flatmap(lambda cell: st.lists(cell, max_size=30))
COLUMNS = st.one_of(CELLS, ALIKE).map(objects_of)


def same(found, expected):
    """Whether numbers are equal to the sign of zero, with NaN where the others have it."""
    return np.array_equal(found, expected, equal_nan=True) and np.array_equal(
        np.signbit(found[~np.isnan(found)]), np.signbit(expected[~np.isnan(expected)])
    )


def looks_cell_by_cell(values):
    known = [value for value in values if is_observed(objects_of([value]))[0]]
    if not known:
        return "empty"
    if any(isinstance(value, list | dict | set | np.ndarray) for value in known):
        return "nested"
    is_number = [
        isinstance(value, numbers.Number | np.number | np.bool_ | decimal.Decimal)
        for value in known
    ]
    if all(isinstance(value, bool | np.bool_) for value in known):
        return "boolean"
    if all(is_number):
        is_complex = any(isinstance(value, complex | np.complexfloating) for value in known)
        return "complex" if is_complex else "number"
    if all(isinstance(value, datetime.date | np.datetime64) for value in known):
        return "datetime"
    if all(isinstance(value, datetime.timedelta | np.timedelta64) for value in known):
        return "duration"
    return "label"


@pytest.mark.parametrize("cell", range(len(MEANINGS)))
def test_a_cell_has_its_own_meaning_among_all_others(cell):
    value, label, number = MEANINGS[cell]
    for others in ([], [value], [each for each, _, _ in MEANINGS]):
        column = objects_of([*others, value])
        assert as_labels(column)[-1] == label
        assert is_observed(column)[-1] == (label is not None)
        assert same(numbers_if_any(column)[-1:], np.array([number]))


@given(COLUMNS)
def test_columns_mean_what_their_cells_mean(values):
    ones = [values[row : row + 1] for row in range(len(values))]
    assert as_labels(values) == [label for one in ones for label in as_labels(one)]
    assert is_observed(values).tolist() == [bool(is_observed(one)[0]) for one in ones]
    alone = np.array([numbers_if_any(one)[0] for one in ones], dtype=np.float64)
    assert same(numbers_if_any(values), alone)
    dates, wrong = datetimes_if_any(values)
    for row, one in enumerate(ones):
        date, is_wrong = datetimes_if_any(one)
        assert np.array_equal(dates[row : row + 1], date, equal_nan=True)
        assert wrong[row] == is_wrong[0]


@given(COLUMNS)
def test_columns_look_like_all_of_their_cells(values):
    assert looks(values) == looks(Distinct(values)) == looks_cell_by_cell(values)


@given(COLUMNS)
def test_counts_and_first_rows_are_those_of_a_loop_over_the_rows(values):
    column = Distinct(values)
    labels = as_labels(values)
    expected = {}
    for label in labels:
        if label is not None:
            expected[label] = expected.get(label, 0) + 1
    assert list(label_counts(column).items()) == list(expected.items())
    assert column.counts.tolist() == np.bincount(column.codes, minlength=len(column.cells)).tolist()
    assert column.counts.sum() == len(values)
    for number, row in enumerate(column.first.tolist()):
        assert column.codes.tolist().index(number) == row
        assert column.cells[number] is values[row]
    assert column.first.tolist() == sorted(column.first.tolist())


@given(COLUMNS, st.integers(1, 3))
def test_a_category_codes_each_row_by_its_own_label(values, min_count):
    column = Categorical.infer("a", values, "object", "", min_count=min_count)
    counts = label_counts(values)
    if column is None:
        assert all(count < min_count for count in counts.values())
        return
    assert column.rows == sum(counts.values())
    assert column.unlisted == sum(count < min_count for count in counts.values())
    codes = column.encode(values, str)
    for row in range(len(values)):
        alone = column.encode(values[row : row + 1], str)
        assert np.array_equal(codes[row : row + 1], alone, equal_nan=True)


@pytest.mark.parametrize(
    "values",
    [
        np.array([1.5, np.nan, -0.0, 0.0, 1.5, np.nan], dtype=np.float64),
        np.array([0.1, 0.1, 7], dtype=np.float32),
        np.array([3, 1, 3, 2], dtype=np.int16),
        np.array([True, False, True]),
        np.array(["b", "a", "b", "1"]),
        np.array([b"b", b"a", b"b"]),
        np.array(["2024-02-01", "NaT", "2024-02-01"], dtype="datetime64[ns]"),
        np.array([], dtype=object),
        np.array([], dtype=np.float64),
    ],
    ids=lambda values: f"{values.dtype} {len(values)}",
)
def test_arrays_of_any_type_have_the_labels_of_their_cells(values):
    expected = [as_labels(objects_of([value]))[0] for value in values]
    if values.dtype.kind == "f":
        expected = [as_labels(objects_of([value]))[0] for value in values.tolist()]
    assert as_labels(values) == expected
    column = Distinct(values)
    assert column.first.tolist() == sorted(column.first.tolist())
    assert as_labels(column.cells[column.codes]) == expected


def test_the_first_wrong_row_is_named_wherever_its_cell_is_repeated():
    values = objects_of(["1", "2", "x", "1", "x", "y"])
    with pytest.raises(cr.ChainruleError, match=r"^column 'a': value 'x' at row 2 is not a finite"):
        as_numbers("a", values, lambda row: f"row {row}")
    labels = ["1", "2"] * 20 + ["x"] + ["3"] * 9 + ["x", "y"]
    table = pd.DataFrame({"a": pd.Series(labels, dtype=object)})
    message = r"^column 'a': value 'x' at row 40 is not a number, as 49 of 52 are"
    with pytest.raises(cr.ChainruleError, match=message):
        cr.infer_schema(table)


def test_text_in_a_notation_keeps_cells_of_other_types_apart():
    values = objects_of(["1,5", "x", 1, True, 1.0, None, "1,5", "x"])
    found = read_cells(NumberNotation(decimal=",", most_decimals=1), values, frozenset())
    assert [str(cell) for cell in found] == ["1.5", "x", "1", "True", "1.0", "None", "1.5", "x"]


def frame_of(rows):
    """A frame with few different cells in each column of objects, whatever the number of rows."""
    days = [DAY + datetime.timedelta(days=k) for k in range(30)]
    columns = {
        "label": ["red", "green", None, "blue"],
        "day": days,
        "euros": [f"{k},{k % 10}5" for k in range(1, 40)],
        "bit": ["True", "False"],
        "word": ["2024-02-01", "2024-03-01", None],
    }
    return pd.DataFrame(
        {
            name: pd.Series([cells[k % len(cells)] for k in range(rows)], dtype=object)
            for name, cells in columns.items()
        }
    )


def calls(function):
    """The number of calls of functions of ``chainrule.table``, steps of generators included."""
    count = 0

    def note(frame, event, _):
        nonlocal count
        count += event == "call" and "chainrule/table/" in frame.f_code.co_filename

    sys.setprofile(note)
    try:
        function()
    finally:
        sys.setprofile(None)
    return count


def test_ten_times_the_rows_need_no_more_calls_of_python_functions():
    few, many = read_table(frame_of(2_000)), read_table(frame_of(20_000))
    schema = cr.infer_schema(few)
    kinds = [column.kind for column in schema.columns]
    assert kinds == ["categorical", "datetime", "real", "categorical", "datetime"]
    # Samples and chunks need a few more. One call for each row would be 18,000 more.
    for task in (cr.infer_schema, lambda table: encode(table, schema)):
        assert calls(lambda task=task: task(many)) < calls(lambda task=task: task(few)) + 1_800


@pytest.mark.parametrize(
    ("parser", "convert"),
    [("_number", numbers_if_any), ("_datetime", datetimes_if_any), ("label_of", as_labels)],
)
def test_a_different_cell_is_parsed_once(monkeypatch, parser, convert):
    plain, seen = getattr(of_cells, parser), []
    monkeypatch.setattr(of_cells, parser, lambda cell: seen.append(cell) or plain(cell))
    convert(objects_of(["1", "2", "2024-02-01", "1.0", "2"] * 100))
    assert sorted(seen) == ["1", "1.0", "2", "2024-02-01"]


def test_no_result_is_of_an_earlier_state_of_a_table():
    frame = pd.DataFrame({"a": pd.Series(["x", "y"] * 50, dtype=object), "b": [1.5, 2.5] * 50})
    array = frame.to_numpy(dtype=object)
    held = read_table(array)
    before = cr.infer_schema(frame), cr.infer_schema(held)
    codes = encode(read_table(frame), before[0]).values[:, 0].tolist()
    assert codes == encode(held, before[1]).values[:, 0].tolist() == [0, 1] * 50
    frame.loc[:59, "a"] = "z"
    array[:60, 0] = "z"
    for table, old in ((frame, before[0]), (array, before[1])):
        schema = cr.infer_schema(table)
        assert schema.columns[0].levels == ("z", "x", "y")
        assert encode(read_table(table), schema).values[:, 0].tolist() == [0] * 60 + [1, 2] * 20
        assert encode(read_table(table), old).values[:, 0].tolist() == [2] * 60 + [0, 1] * 20
    assert cr.infer_schema(held) == cr.infer_schema(read_table(array.copy()))
    assert encode(held, before[1]).values[:, 0].tolist() == [2] * 60 + [0, 1] * 20


def test_two_fits_of_a_frame_changed_in_place_see_its_two_states():
    config = cr.FitConfig(hidden_size=4, epochs=1, members=1)
    frame = pd.DataFrame({"a": pd.Series(["x", "y"] * 50, dtype=object), "b": [1.5, 2.5] * 50})
    first = cr.fit(frame, seed=0, verbose=False, config=config)
    frame.loc[:59, "a"] = "z"
    second = cr.fit(frame, seed=0, verbose=False, config=config)
    afresh = cr.fit(frame.copy(deep=True), seed=0, verbose=False, config=config)
    assert first.schema.columns[0].levels == ("x", "y")
    assert second.schema == afresh.schema
    assert second.log_prob(frame).tolist() == afresh.log_prob(frame).tolist()
