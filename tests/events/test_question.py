"""Questions of any form: an event marks the rows that the same condition marks in a frame."""

import datetime as dt

import numpy as np
import pandas as pd
import polars as pl
import pytest
from helpers.some_tables import mixed

from chainrule.errors import SchemaError
from chainrule.events import event_of, holds, is_words
from chainrule.table import encode, infer_schema, read_table
from chainrule.tasks.asking.pool import CodedRows

N = 600


@pytest.fixture(scope="module")
def table():
    frame = mixed(N)
    hours = np.random.default_rng(1).integers(0, 400, N)
    frame["until"] = frame["hour"] + pd.to_timedelta(hours, "h")
    frame["from"] = np.random.default_rng(2).choice(["north", "south", "west"], N)
    frame["stars"] = np.random.default_rng(3).choice([1, 2, 5], N)
    return frame


@pytest.fixture(scope="module")
def schema(table):
    return infer_schema(table, kinds={"stars": "categorical"})


@pytest.fixture(scope="module")
def rows(table, schema):
    return CodedRows.of(schema, encode(read_table(table), schema).values)


PAIRS = {
    "gain > 30": lambda t: t.gain > 30,
    "gain > 30.5": lambda t: t.gain > 30.5,
    "30 <= gain < 41": lambda t: (t.gain >= 30) & (t.gain < 41),
    "gain == 0": lambda t: t.gain == 0,
    "gain != 0": lambda t: t.gain != 0,
    "gain == 0.5": lambda t: t.gain == 0.5,
    "gain in [0, 40, 41, 1000]": lambda t: t.gain.isin([0, 40, 41]),
    "gain not in [0, 40]": lambda t: ~t.gain.isin([0, 40]),
    "gain / 2 - 3 >= 10": lambda t: t.gain / 2 - 3 >= 10,
    "10 - gain > 3": lambda t: 10 - t.gain > 3,
    "price == 2.5": lambda t: t.price == 2.5,
    "price <= 2.3": lambda t: t.price <= 2.3,
    "price < 2.3": lambda t: t.price < 2.3,
    "2.25 < price": lambda t: t.price > 2.25,
    "price in [2.3, 2.7]": lambda t: t.price.isin([2.3, 2.7]),
    "height > 170.5": lambda t: t.height > 170.5,
    "not 165 < height <= 175": lambda t: ~((t.height > 165) & (t.height <= 175)),
    "town == 'north'": lambda t: t.town == "north",
    "town != 'north'": lambda t: t.town != "north",
    "town not in ['north', 'west']": lambda t: t.town == "south",
    "town == `from`": lambda t: t.town == t["from"],
    "town != `from`": lambda t: t.town != t["from"],
    "sex and not town == 'west'": lambda t: t.sex & (t.town != "west"),
    "sex == False": lambda t: ~t.sex,
    "sex == 1": lambda t: t.sex,
    "sex < 1": lambda t: ~t.sex,
    "stars >= 2": lambda t: t.stars >= 2,
    "stars == 5 or stars == 1": lambda t: t.stars != 2,
    "hour > '2024-01-20'": lambda t: t.hour > "2024-01-20",
    "hour <= '2024-01-20 07:00'": lambda t: t.hour <= "2024-01-20 07:00",
    "hour < '2024-01-20 07:30'": lambda t: t.hour < "2024-01-20 07:30",
    "hour == '2024-01-20T07'": lambda t: t.hour == "2024-01-20 07:00",
    "hour + 7 >= '2024-01-20'": lambda t: t.hour >= "2024-01-13",
    "until > hour + 7": lambda t: t.until > t.hour + pd.Timedelta(days=7),
    "until - hour == 7": lambda t: t.until - t.hour == pd.Timedelta(days=7),
    "gain > 10 * price": lambda t: t.gain > 10 * t.price,
    "gain - 2*price <= height - 170": lambda t: t.gain - 2 * t.price <= t.height - 170,
}  # fmt: skip


@pytest.mark.parametrize("words", PAIRS)
def test_words_mark_the_rows_that_pandas_marks(words, table, schema, rows):
    expected = PAIRS[words](table).to_numpy()
    assert 0 < expected.sum() < N or words in ("gain == 0.5", "hour == '2024-01-20T07'")
    assert np.array_equal(holds(event_of(schema, words), rows), expected)


EXPRESSIONS = [
    (pl.col("gain") > 30) & ~pl.col("town").is_in(["north", "west"]),
    pl.col("price").is_between(2.3, 4, closed="left") | pl.col("sex"),
    pl.col("hour") > dt.datetime(2024, 1, 20, 7),
    pl.col("hour") <= dt.date(2024, 1, 20),
    pl.col("hour") > pl.date(2024, 1, 20),
    pl.col("until") > pl.col("hour") + dt.timedelta(days=7),
    pl.any_horizontal(pl.col("gain") == 0, pl.col("sex").not_()),
    ~((pl.col("height") > 175) | pl.col("gain").is_between(10, 50)),
    -pl.col("gain") / 2 + 1 < pl.lit(3) * pl.col("price") - 10,
    pl.col("price").is_in(pl.Series([2.3, 2.7])),
    pl.col("town") != pl.col("from"),
]


@pytest.mark.parametrize("expression", EXPRESSIONS, ids=str)
def test_expressions_mark_the_rows_that_polars_marks(expression, table, schema, rows):
    expected = pl.from_pandas(table).select(expression.alias("found"))["found"].to_numpy()
    assert 0 < expected.sum() < N
    assert np.array_equal(holds(event_of(schema, expression), rows), expected)


def test_dicts_hold_sets_intervals_and_values(table, schema, rows):
    asked = {"gain": (30, None), "town": {"north", "west"}, "sex": True, "price": (2, 9.9)}
    expected = (table.gain >= 30) & table.town.isin(["north", "west"]) & table.sex
    expected &= (table.price >= 2) & (table.price <= 9.9)
    assert np.array_equal(holds(event_of(schema, asked), rows), expected.to_numpy())
    assert is_words(asked)
    assert not is_words({"sex": True, "town": "north"})
    assert is_words("sex")


def test_a_missing_cell_is_no_event():
    frame = mixed(400, holes=0.3)[["sex", "town", "gain"]]
    schema = infer_schema(frame, missing="informative")
    rows = CodedRows.of(schema, encode(read_table(frame), schema).values)

    def marked(question):
        return holds(event_of(schema, question), rows)

    there = frame.gain.notna().to_numpy()
    assert np.array_equal(marked("gain is null"), ~there)
    assert np.array_equal(marked("gain is not null"), there)
    assert not marked("gain > 10 or gain <= 10")[~there].any()
    assert not marked("gain != 10")[~there].any()
    assert marked("not gain > 10")[~there].all()
    assert not marked(~(pl.col("gain") > 10))[~there].any()  # as in polars
    assert not marked("gain > sex")[~there].any()


@pytest.mark.parametrize(
    ("question", "message"),
    [
        ("gian > 3", r"no column 'gian' among .* \(nearest: 'gain'\)"),
        ("town == north", r"a label stands in quotes: town == 'north'"),
        ("town == 'nroth'", r"label 'nroth' is not among .* \(nearest: 'north'\)"),
        ("town > 'north'", r"labels, which have no order"),
        ("town == 3", r"3 is none of its values .* write labels in quotes"),
        ("sex == 'yes'", r"'yes' is none of its values .* without quotes"),
        ("gain > '30'", r"'30' is not a number; write 30 without quotes"),
        ("gain", r"column 'gain' alone is no event"),
        ("hour > 'yesterday'", r"holds dates, and 'yesterday' is none; write it in quotes as"),
        ("hour > 3", r"holds dates, and 3 is none"),
        ("height == 170", r"has a density: 170 alone has no probability; ask for a range"),
        ("gain is null", r"fit with missing='informative'"),
        ("town == sex", r"column 'town' holds labels"),
        ("1 < 2", r"a comparison without a column"),
        ("'gain' > 3", r"a comparison without a column"),
        ("gain + price == 'x'", r"a single column can be compared with 'x'"),
        (pl.col("town").str.contains("x"), r"is not understood"),
        (pl.col("gain").mean() > 3, r"is not understood"),
        (pl.all() > 3, r"is not understood"),
        ({"gain": (3,)}, r"\(3,\) is no interval"),
        ({"gain": set()}, r"an empty set"),
        ({"gain": None}, r"None is no value"),
        ({}, r"without a condition"),
        (5, r"words, a polars expression or a dict, not int"),
    ],
)
def test_a_wrong_question_has_a_remedy(question, message, schema):
    with pytest.raises(SchemaError, match=message):
        event_of(schema, question)


def test_a_name_that_needs_backquotes_is_shown_in_them():
    frame = pd.DataFrame({"hours-per-week": np.arange(60) % 50, "x": np.arange(60) % 2})
    schema = infer_schema(frame)
    assert event_of(schema, "`hours-per-week` > 40") == event_of(
        schema, {"hours-per-week": (41, None)}
    )
    with pytest.raises(SchemaError, match="stands in backquotes: `hours-per-week`"):
        event_of(schema, "hours-per-week > 40")


def test_rare_labels_are_asked_for_together():
    towns = ["north"] * 60 + ["south"] * 40 + [f"town {k}" for k in range(6)]
    frame = pd.DataFrame({"town": towns, "x": np.arange(len(towns)) % 2})
    schema = infer_schema(frame)
    rows = CodedRows.of(schema, encode(read_table(frame), schema).values)
    rare = holds(event_of(schema, "town == '(other)'"), rows)
    assert np.array_equal(rare, frame.town.str.startswith("town").to_numpy())
    with pytest.raises(SchemaError, match=r"too rare to be listed are asked for by '\(other\)'"):
        event_of(schema, "town == 'town 3'")


def test_a_sum_is_compared_with_text_as_the_column_has_it():
    minutes = np.arange(400, 800)
    words = [f"{each // 60:02d}:{each % 60:02d}" for each in minutes]
    frame = pd.DataFrame({"opens": words, "x": minutes % 7})
    schema = infer_schema(frame)
    rows = CodedRows.of(schema, encode(read_table(frame), schema).values)
    asked = event_of(schema, "opens + 90 < '10:00'")
    assert np.array_equal(holds(asked, rows), minutes + 90 < 600)
    with pytest.raises(SchemaError, match="holds times written 07:30, and 'ten' is none"):
        event_of(schema, "opens + 90 < 'ten'")
    with pytest.raises(SchemaError, match="x plus a number cannot be compared with 'ten'"):
        event_of(schema, "x + 90 < 'ten'")
