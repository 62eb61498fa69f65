"""What a notation writes it reads again, and other text it leaves as it is."""

import datetime

import numpy as np
import polars as pl
import pytest
from helpers.notations import DATED
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.errors import FormatError
from chainrule.table.text.date_notation import DateNotation
from chainrule.table.text.detect import detect
from chainrule.table.text.findings import Doubt, Found
from chainrule.table.text.notation import notation_from_json, read_cells
from chainrule.table.text.number_notation import NumberNotation
from chainrule.table.text.reading_options import ColumnReading


@st.composite
def number_notations(draw):
    decimal = draw(st.sampled_from([".", ","]))
    most = draw(st.integers(0, 4))
    return NumberNotation(
        decimal=decimal,
        thousands=draw(
            st.sampled_from(
                [mark for mark in ("", ",", ".", " ", "\u202f", "'", "’") if mark != decimal]
            )
        ),
        grouping=draw(st.sampled_from([3, 3, 2])),
        prefix=draw(st.sampled_from(["", "", "$", "€ ", "EUR ", "Rs."])),
        suffix=draw(st.sampled_from(["", "", " €", "%", " kr"])),
        minus=draw(st.sampled_from("-−")),
        minus_at=draw(st.sampled_from(["front", "end", "parentheses"])),
        least_decimals=draw(st.sampled_from([0, most])),
        most_decimals=most,
    )


@settings(max_examples=200, deadline=None)
@given(
    notation=number_notations(),
    cents=st.lists(st.integers(-(10**12), 10**12), min_size=1, max_size=12),
)
def test_what_a_notation_writes_it_reads_again(notation, cents):
    values = np.array(cents) / 10**notation.most_decimals
    assert read_cells(notation, np.array(notation.write(values)), ()).tolist() == values.tolist()
    whole = np.array(cents)
    assert read_cells(notation, np.array(notation.write(whole)), ()).tolist() == cents
    assert notation_from_json(notation.to_json()) == notation
    found = detect("x", pl.Series(notation.write(values)), ColumnReading())
    if isinstance(found, Found) and not found.strays and found.notation is not None:
        again = found.notation.parse(pl.Series(notation.write(values))).cast(float).to_list()
        points_are_decimal = (
            notation.is_share and notation.thousands == "."
        )  # 1.234% is about one percent
        assert again == values.tolist() or points_are_decimal
        values = np.array(again)
        assert (
            found.notation.parse(pl.Series(found.notation.write(values))).cast(float).to_list()
            == values.tolist()
        )
    else:
        marked = notation.thousands or notation.most_decimals or notation.prefix or notation.suffix
        assert (
            not marked or isinstance(found, Doubt) or (found is not None and found.notation is None)
        ), notation


@settings(max_examples=60, deadline=None)
@given(
    form=st.sampled_from(list(DATED)),
    times=st.lists(
        st.datetimes(datetime.datetime(1970, 1, 1), datetime.datetime(2060, 1, 1)),
        min_size=1,
        max_size=12,
    ),
)
def test_dates_that_a_notation_writes_are_found_and_read_or_doubtful(form, times):
    notation = DateNotation(format=form)
    text = pl.Series(notation.write(np.array(times, dtype="datetime64[us]")))
    values = notation.parse(text)
    assert not values.has_nulls()
    assert notation.write(values.to_numpy()) == text.to_list()
    found = detect("x", text, ColumnReading())
    assert isinstance(found, Doubt) or (
        not found.strays and found.notation.parse(text).equals(values)
    )


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text("0123456789.,'’ -−()%$€/:APMJanuary", max_size=14), min_size=1, max_size=6))
def test_any_text_is_read_or_left_as_it_is(cells):
    found = detect(
        "x", pl.Series(cells).str.strip_chars().replace("", None), ColumnReading(), min_count=5
    )
    if isinstance(found, Found) and found.notation is not None:
        read_text = pl.Series([cell.strip() or None for cell in cells])
        values = found.notation.parse(read_text)
        assert (
            values.null_count() <= read_text.null_count() + len(found.strays)
            or len(found.strays) > 3
        )
    elif isinstance(found, Doubt):
        assert found.reason


@pytest.mark.parametrize(
    "spec",
    [
        {"of": "numbers", "decimal": ";"},
        {"of": "numbers", "prefix": "1"},
        {"of": "numbers", "grouping": 0},
        {"of": "words"},
        {},
        {"of": "numbers", "thousands": ".", "decimal": "."},
        {"of": "dates", "format": "%H:%M"},
        {"of": "dates"},
        {"of": "numbers", "most_decimals": 10**9},
        {"of": "numbers", "colour": 1},
        {"of": "dates", "format": "%d" * 99},
    ],
    ids=str,
)
def test_a_notation_that_no_version_wrote_is_refused(spec):
    with pytest.raises(FormatError, match="notation"):
        notation_from_json(spec)
