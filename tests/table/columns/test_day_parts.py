"""Which dates know their calendar, and what a density makes of them."""

import numpy as np
import pandas as pd
import pytest
import torch
from helpers.quick import fit

import chainrule as cr
from chainrule.model import columns_of
from chainrule.table import Schema, infer_schema
from chainrule.table.columns import column_from_json, day_parts

N = 900


def rng():
    return np.random.default_rng(3)


def of_days(days):
    return pd.Series(pd.DatetimeIndex(days)[rng().integers(0, len(days), N)])


def at_hours(hours, unit="h"):
    """Times of a year in these hours of the day."""
    days = pd.Timestamp("2023-01-01") + pd.to_timedelta(rng().integers(0, 365, N), "D")
    minutes = rng().integers(0, 4, N) * 15 if unit == "m" else np.zeros(N)
    return pd.Series(
        days + pd.to_timedelta(rng().choice(hours, N), "h") + pd.to_timedelta(minutes, "m")
    )


def office_minutes(zone):
    """Minutes from 9:00 to 16:59 of business days of two years, by the clocks of a zone."""
    minutes = pd.to_timedelta(rng().integers(9 * 60, 17 * 60, N), "m")
    days = of_days(pd.bdate_range("2022-01-03", periods=500))
    return (days + minutes).dt.tz_localize(zone)


EVERY = pd.date_range("2022-01-01", "2023-12-31")
KNOWN = {
    "business days": (of_days(pd.bdate_range("2022-01-03", periods=500)), 1),
    "paydays": (of_days(EVERY[(EVERY.day == 15) | EVERY.is_month_end]), 1),
    "firsts of half of the rows": (
        of_days(EVERY).where(np.arange(N) % 2 == 0, of_days(EVERY[EVERY.day == 1])),
        1,
    ),
    "business days in Tokyo": (
        of_days(pd.bdate_range("2022-01-03", periods=500)).dt.tz_localize("Asia/Tokyo"),
        1,
    ),
    "business days by the clocks of Berlin": (
        of_days(pd.bdate_range("2022-01-03", periods=500) + pd.Timedelta("9h")).dt.tz_localize(
            "Europe/Berlin"
        ),
        1,
    ),
    "office hours": (at_hours([9, 10, 11, 14, 15, 16]), 24),
    "office hours in quarters": (at_hours([9, 10, 11, 14, 15, 16], "m"), 24),
    # Clocks skip 02:00 in March, so only codes of wall times count days.
    "every two hours by the clocks of Berlin": (
        at_hours([8, 10, 12, 16]).dt.tz_localize("Europe/Berlin"),
        12,
    ),
    "office minutes by the clocks of Berlin": (office_minutes("Europe/Berlin"), 24),
    "office minutes by the clocks of Los Angeles": (office_minutes("America/Los_Angeles"), 24),
    "office minutes by clocks that never change": (office_minutes("UTC-08:00"), 24),
}
UNKNOWN = {
    "any days": of_days(EVERY),
    "business days of a month": of_days(pd.bdate_range("2022-01-03", "2022-02-03")),
    "any hours": at_hours(range(24)),
    "weeks": of_days(pd.date_range("2020-01-03", periods=100, freq="7D")),
    "days of centuries": of_days(pd.bdate_range("1900-01-03", "2020-01-03")),
    "few rows": of_days(pd.bdate_range("2022-01-03", periods=500))[:90],
    "seconds": at_hours([9, 10]) + pd.to_timedelta(rng().integers(0, 3600, N), "s"),
}


def column_of(dates):
    return infer_schema(pd.DataFrame({"t": dates})).columns[0]


@pytest.mark.parametrize("name", KNOWN)
def test_dates_that_gain_by_a_calendar_have_one(name):
    dates, parts = KNOWN[name]
    column = column_of(dates)
    assert column.day_parts == parts
    slots = 96 if name.endswith("quarters") else 1440 if " minutes " in name else parts
    assert column.grid.slots == slots
    assert ", by weekday and day of the month" in column.reason
    assert column_from_json(column.to_json()) == column


def test_zoned_days_are_those_of_the_zone():
    for name in KNOWN:
        dates, _ = KNOWN[name]
        if dates.dt.tz is not None:
            column = column_of(dates)
            assert column.zone == str(dates.dt.tz)
            local = dates.dt.tz_localize(None).dt.normalize()
            utc = dates.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy()
            codes = column.encode(utc, str)
            assert np.array_equal(column.decode(codes), utc)
            days = np.floor(codes / column.grid.slots) + column.grid.first_day
            assert np.array_equal(days.astype("datetime64[D]"), local.to_numpy().astype("M8[D]"))


@pytest.mark.parametrize("strict", [True, False])
def test_an_hour_that_clocks_show_again_counts_as_the_first_and_a_skipped_one_as_the_next(strict):
    column = column_of(office_minutes("Europe/Berlin"))
    times = ["2022-10-30T00:30", "2022-10-30T01:30", "2022-10-30T02:30"]  # 2:30, 2:30 and 3:30
    with pytest.warns(UserWarning, match="2022-10-30 01:30:00 at row 1, lie between the steps"):
        codes = column.encode(
            np.array(times, "datetime64[m]"), lambda row: f"row {row}", strict=strict
        )
    assert np.diff(codes).tolist() == [0, 60]
    assert column.decode(codes).astype("datetime64[m]").tolist() == [
        pd.Timestamp(times[at]) for at in (0, 0, 2)
    ]
    half = np.array(["2022-10-30T01:30:30", "2022-11-02T01:30:30"], "datetime64[s]")
    if not strict:
        assert np.isinf(column.encode(half, str, strict=False)).all()
    night = column.encode(np.array(["2022-03-27T00:59"], "datetime64[m]"), str) + np.arange(1, 61)
    assert np.array_equal(column.decode(night), column.decode(night + 60))


def test_dates_of_all_hours_have_a_calendar_though_a_few_are_shown_again():
    hours = pd.to_timedelta(rng().integers(0, 24 * 60, 5000), "m")
    days = pd.bdate_range("2022-01-03", "2022-12-30")[rng().integers(0, 250, 5000)]
    dates = pd.Series(days + hours)
    dates = dates.dt.tz_localize("Europe/Berlin", ambiguous=True, nonexistent="shift_forward")
    dates[3] = pd.Timestamp("2022-10-30 01:30", tz="UTC")
    column = column_of(dates)
    assert column.day_parts == 1
    assert "but for 1," in column.reason
    dates[3:60] = dates[3]
    assert column_of(dates).day_parts == 0


def test_business_minutes_of_a_zone_are_drawn_and_filled_on_its_business_days():
    dates = office_minutes("Europe/Berlin")
    frame = pd.DataFrame({"t": dates, "x": rng().normal(size=N)})
    density = fit(frame)
    holes = frame.copy()
    holes.loc[:199, "t"] = pd.NaT
    filled = density.impute(holes, how="draw", seed=0).t[:200]
    for found in (density.sample(1000, seed=0).t, filled):
        assert found.dtype == dates.dtype
        assert (found.dt.day_of_week >= 5).mean() < 0.03
        assert found.dt.hour.between(9, 16).mean() > 0.97


def test_the_last_days_of_months_are_known_in_leap_years_too():
    dates = ["2023-02-28", "2024-02-28", "2024-02-29", "2024-04-30", "2024-05-30", "2024-12-31"]
    dates = np.array(dates, "datetime64[D]")
    first = np.datetime64("2023-01-05", "D")
    codes = (dates - first).astype(float)
    found = day_parts._is_last(codes, int(first.astype(np.int64)))
    assert found.tolist() == [1, 0, 1, 1, 0, 1]


def test_a_few_more_last_days_of_months_are_found_where_no_day_of_the_month_stands_out(monkeypatch):
    ends = pd.date_range("2022-01-31", "2023-12-31", freq="ME")
    dates = of_days(EVERY).where(np.arange(N) % 40 != 0, of_days(ends))
    assert column_of(dates).day_parts == 1
    monkeypatch.setattr(day_parts, "_is_last", lambda day, first: np.zeros(len(day), np.int64))
    assert column_of(dates).day_parts == 0


def test_rows_that_alternate_are_found_as_others_are():
    is_even = np.arange(N) % 2 == 0
    dates = of_days(EVERY).where(is_even, of_days(pd.bdate_range("2022-01-03", periods=500)))
    assert column_of(dates).day_parts == 1


@pytest.mark.parametrize("name", UNKNOWN)
def test_other_dates_have_none(name):
    column = column_of(UNKNOWN[name])
    assert column.day_parts == 0
    assert "weekday" not in column.reason


def test_a_sunday_among_business_days_is_the_oddest_cell_and_is_not_drawn(tmp_path):
    dates, _ = KNOWN["business days"]
    frame = pd.DataFrame({"t": dates, "x": rng().normal(size=N)})
    density = fit(frame)
    drawn = density.sample(1000, seed=0).t
    assert (drawn.dt.day_of_week >= 5).mean() < 0.02
    wrong = frame.copy()
    wrong.loc[17, "t"] = pd.Timestamp("2022-11-06")
    odd = density.oddest(wrong, top=1)
    assert (odd["row"][0], odd["column"][0]) == (17, "t")
    density.save(tmp_path / "m.chainrule")
    again = cr.load(tmp_path / "m.chainrule")
    assert np.array_equal(again.log_prob(wrong), density.log_prob(wrong))


def test_times_are_drawn_and_filled_at_the_hours_of_the_table():
    dates, _ = KNOWN["office hours in quarters"]
    frame = pd.DataFrame({"t": dates, "x": rng().normal(size=N)})
    density = fit(frame)
    drawn = density.sample(1000, seed=0).t
    assert drawn.dt.hour.isin([9, 10, 11, 14, 15, 16]).mean() > 0.98
    assert (drawn.dt.minute % 15 == 0).all()
    holes = frame.copy()
    holes.loc[:99, "t"] = pd.NaT
    filled = density.impute(holes, how="best").t[:100]
    assert filled.dt.hour.isin([9, 10, 11, 14, 15, 16]).mean() > 0.95  # medians, of a short fit


def test_months_and_a_constant_date_stay_what_they_are():
    months = pd.date_range("2020-01-01", periods=48, freq="MS")
    frame = pd.DataFrame(
        {"month": of_days(months), "as_of": pd.Timestamp("2024-01-01"), "x": rng().normal(size=N)}
    )
    drawn = fit(frame).sample(500, seed=0)
    assert drawn.month.isin(months).mean() > 0.9
    assert (drawn.month.dt.day == 1).all()
    assert (drawn.as_of == pd.Timestamp("2024-01-01")).all()


def test_a_single_row_on_another_weekday_leaves_no_trace_in_the_column_and_its_start():
    dates, _ = KNOWN["business days"]
    found = []
    for day in ("2022-11-05", "2022-11-06"):  # a Saturday and a Sunday
        one = dates.copy()
        one[17] = pd.Timestamp(day)
        schema = infer_schema(pd.DataFrame({"t": one}))
        (calendar,) = columns_of(schema, components=2).conditionals
        codes = torch.from_numpy(schema.columns[0].encode(one.to_numpy(), str))[:, None]
        weights = calendar.initial_params(codes)[0, calendar.base.param_width :][:7]
        found.append((schema.columns[0].reason, calendar.low, calendar.high, weights.tolist()))
    assert found[0] == found[1]
    assert found[0][-1][5] == found[0][-1][6] < -3


def test_a_file_without_calendars_has_none():
    dates, _ = KNOWN["business days"]
    spec = column_of(dates).to_json()
    del spec["day_parts"]
    column = column_from_json(spec)
    assert column.day_parts == 0
    (conditional,) = columns_of(Schema((column,)), components=2).conditionals
    assert type(conditional) is cr.DiscretizedLogisticMixture
