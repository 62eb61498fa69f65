"""The grid of dates: its step, its phase, the clocks of zones, and months."""

import warnings

import numpy as np
import pandas as pd
import pytest

from chainrule.table import decode, encode, infer_schema, read_table
from chainrule.table.columns import column_from_json

RNG = np.random.default_rng(0)
N = 500


def some(dates):
    """N of the dates, in any sequence, as a column of a frame."""
    return pd.Series(dates[RNG.integers(0, len(dates), N)], name="t")


def grid_in_words(column):
    """The reason of a column without the first date that its rows show."""
    return column.reason.split(", from ")[0]


def column_of(dates):
    return infer_schema(pd.DataFrame({"t": dates})).columns[0]


def codes_of(dates):
    schema = infer_schema(pd.DataFrame({"t": dates}))
    return encode(read_table(pd.DataFrame({"t": dates})), schema).values[:, 0], schema


def ranges(first, periods, freq, **options):
    return pd.date_range(first, periods=periods, freq=freq, **options)


BERLIN = "Europe/Berlin"
GRIDS = {
    "a time of day": (ranges("2024-01-01 07:30", 300, "D"), "1 D, at 07:30"),
    "weeks": (ranges("2019-02-06", 150, "7D"), "7 D"),
    "fortnights at a time": (ranges("2019-02-06 18:00", 150, "14D"), "14 D, at 18:00"),
    "quarters of an hour from 5 past": (ranges("2024-05-01 00:05", 900, "15min"), "15 m"),
    "first days": (ranges("2016-01-01", 90, "MS"), "1 M, day 1"),
    "fifteenths": (ranges("2016-01-15", 90, pd.DateOffset(months=1)), "1 M, day 15"),
    "last days": (ranges("2016-01-31", 90, "ME"), "1 M, the last day"),
    "last days at noon": (ranges("2016-01-31 12:00", 90, "ME"), "1 M, the last day, at 12:00"),
    "quarters' ends": (ranges("1980-01-31", 90, "QE"), "3 M, the last day"),
    "years": (ranges("1960-01-01", 60, "YS"), "12 M, day 1"),
    "local time": (ranges("2024-01-01 07:30", 366, "D", tz=BERLIN), f"1 D, at 07:30 in {BERLIN}"),
    "local midnight": (
        ranges("2023-06-01", 500, "D", tz="America/New_York"),
        "1 D in America/New_York",
    ),
    "local months": (ranges("2016-01-01", 90, "MS", tz=BERLIN), f"1 M, day 1 in {BERLIN}"),
    "hours over a change of clocks": (ranges("2024-10-20", 400, "h", tz=BERLIN), "1 h"),
}


@pytest.mark.parametrize("name", GRIDS)
def test_a_grid_has_the_step_and_the_phase_of_its_dates(name):
    dates, words = GRIDS[name]
    column = column_of(some(dates))
    assert grid_in_words(column) == f"dates, in steps of {words}"
    assert column_from_json(column.to_json()) == column


@pytest.mark.parametrize("name", GRIDS)
def test_codes_count_all_dates_of_a_grid_and_give_them_back(name):
    dates, _ = GRIDS[name]
    _, schema = codes_of(some(dates))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        codes = encode(read_table(pd.DataFrame({"t": dates})), schema).values
    assert np.array_equal(np.diff(codes[:, 0]), np.ones(len(dates) - 1))
    plain = pd.Series(dates)
    if plain.dt.tz is not None:
        plain = plain.dt.tz_convert("UTC").dt.tz_localize(None)
    assert np.array_equal(decode(codes, schema)["t"].astype("datetime64[us]"), plain.to_numpy())


def test_a_repeated_hour_has_two_codes_and_a_skipped_one_has_none():
    """Every two hours by the clocks of Berlin, which skip 02:00 in March and repeat it later."""
    wall = ranges("2023-01-01", 365 * 12, "2h")
    both = [
        wall.tz_localize(BERLIN, nonexistent="NaT", ambiguous=np.full(len(wall), first))
        for first in (True, False)
    ]
    dates = both[0].union(both[1]).dropna()
    assert len(dates) == 365 * 12
    codes, schema = codes_of(pd.Series(dates))
    assert grid_in_words(schema.columns[0]) == f"dates, in steps of 2 h in {BERLIN}"
    assert np.array_equal(np.diff(codes), np.ones(len(dates) - 1))
    found = pd.DatetimeIndex(decode(codes[:, None], schema)["t"])
    assert found.tz_localize("UTC").equals(dates.tz_convert("UTC").as_unit(found.unit))


def test_one_date_in_a_thousand_may_lie_off_the_grid():
    dates = pd.Series(ranges("2024-01-01 07:30", 300, "D")[RNG.integers(0, 300, 2000)])
    dates[17] += pd.Timedelta("61s")
    column = column_of(dates)
    assert grid_in_words(column) == "dates, in steps of 1 D, at 07:30, but for 1"
    assert (column.unit, column.origin % 86_400) == ("s", 27_000)
    dates[18:30] += pd.Timedelta("61s")
    assert grid_in_words(column_of(dates)) == "dates, in steps of 1 s"


def test_a_last_day_among_first_days_is_no_month():
    dates = some(ranges("2016-01-01", 90, "MS"))
    dates[3] = pd.Timestamp("2018-05-31")
    assert column_of(dates).unit == "D"
    assert column_of(some(ranges("2016-01-29", 2, "MS"))).unit == "D"  # of two months only


@pytest.mark.parametrize("rows", [1, 4])
def test_no_phase_comes_from_few_rows(rows):
    dates = pd.Series(ranges("2024-01-01 07:31", rows, "3D"))
    table = read_table(pd.DataFrame({"t": dates}))
    (column,) = infer_schema(table).columns
    assert (column.step, column.unit) == (1, "m")
    assert column.origin % 1440 == 0


def test_a_step_of_few_rows_leaves_the_time_of_day():
    dates = pd.Series([pd.Timestamp("2024-01-01 07:30")] * N, name="t")
    dates[3] = pd.Timestamp("2024-01-12 07:30")
    assert grid_in_words(column_of(dates)) == "dates, in steps of 1 D, at 07:30"
