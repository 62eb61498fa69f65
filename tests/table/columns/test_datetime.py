"""Columns of dates: atoms, constant dates, and what is drawn."""

import numpy as np
import pandas as pd
import pytest
from helpers.command_line import chainrule
from helpers.quick import fit

import chainrule as cr
from chainrule.errors import SchemaError
from chainrule.table import infer_schema
from chainrule.table.columns import column_from_json
from chainrule.table.columns import datetime as datetime_column

RNG = np.random.default_rng(0)
N = 800
DAYS = pd.Series(pd.Timestamp("2021-03-04") + pd.to_timedelta(RNG.integers(0, 500, N), "D"))


def column_of(dates, **options):
    return infer_schema(pd.DataFrame({"t": dates}), **options).columns[0]


def test_a_date_that_stands_out_is_an_atom_and_leaves_the_scale_to_the_others():
    dates = DAYS.where(np.arange(N) % 11 != 0, pd.Timestamp("1900-01-01"))
    column = column_of(dates)
    assert column.decode(np.array(column.atoms)).tolist() == [pd.Timestamp("1900-01-01").date()]
    assert column.spread < 200
    assert column_from_json(column.to_json()) == column
    assert column_of(DAYS).atoms == ()
    drawn = fit(pd.DataFrame({"t": dates, "x": RNG.normal(size=N)})).sample(1000, seed=1).t
    share = (drawn == pd.Timestamp("1900-01-01")).mean()
    assert abs(share - 1 / 11) < 0.04
    assert (drawn[drawn < "2000"] == pd.Timestamp("1900-01-01")).all()


def test_a_repeated_date_of_one_row_less_than_min_count_is_no_atom():
    dates = DAYS[:40].reset_index(drop=True)
    dates[:5] = pd.Timestamp("1900-01-01")
    assert len(column_of(dates, min_count=5).atoms) == 1
    assert column_of(dates, min_count=6).atoms == ()


@pytest.mark.parametrize(
    "date", ["2024-01-01", "1999-12-31 17:45", "2024-02-29 08:00:00.000001"], ids=str
)
@pytest.mark.parametrize("zone", [None, "Asia/Kolkata"])
def test_a_constant_date_has_one_value(date, zone):
    dates = pd.Series([pd.Timestamp(date, tz=zone)] * 60)
    dates[::7] = pd.NaT
    frame = pd.DataFrame({"t": dates, "x": RNG.normal(size=60)})
    density = fit(frame)
    drawn = density.sample(200, seed=0)
    assert (drawn.t == pd.Timestamp(date, tz=zone)).all()
    assert (density.impute(frame, how="draw", seed=0).t == pd.Timestamp(date, tz=zone)).all()
    assert density.schema.columns[0].reason.endswith("the same in all rows")
    assert column_from_json(density.schema.columns[0].to_json()) == density.schema.columns[0]


@pytest.mark.filterwarnings("ignore:column .* outside:UserWarning")
def test_another_date_than_the_constant_one_is_outside():
    frame = pd.DataFrame({"t": pd.Timestamp("2024-01-01"), "x": RNG.normal(size=100)})
    density = fit(frame)
    other = frame.copy()
    other.loc[3, "t"] = pd.Timestamp("2024-01-02")
    empty = frame.copy()
    empty.loc[3, "t"] = pd.NaT
    assert density.log_prob(other)[3] == pytest.approx(density.log_prob(empty)[3] - np.log(101))
    assert density.oddest(other, top=1)["row"].tolist() == [3]
    for t in ("2024-01-02", "2024-01-01 00:01"):
        other.loc[3, "t"] = pd.Timestamp(t)
        with pytest.raises(SchemaError) as error:
            density.log_prob(other, strict=True)
        assert str(error.value) == (
            f"column 't': value {t}{':00' if ' ' in t else ''} at row 3 is not 2024-01-01, as all "
            "were when the model was fitted: correct it, or leave the cell empty"
        )


def test_a_constant_date_of_few_rows_is_not_kept():
    few = cr.infer_schema(pd.DataFrame({"t": [pd.Timestamp("2024-05-17")] * 4}))
    assert not few.columns[0].is_constant
    assert few.columns[0].atoms == ()


def test_a_zone_that_the_machine_does_not_know_is_refused(monkeypatch):
    """Without its clocks, the codes would be read as UTC: every date an hour or two off."""
    column = column_of(pd.date_range("2024-01-01 07:30", periods=200, freq="D", tz="Europe/Berlin"))
    assert column.zone == "Europe/Berlin"
    assert column_from_json(column.to_json()) == column
    monkeypatch.setattr(datetime_column, "offsets_of", lambda zone: None)
    with pytest.raises(SchemaError, match=r"'t'.*Europe/Berlin.*install the package tzdata"):
        column_from_json(column.to_json())


def test_dates_have_a_first_one_where_they_begin_at_once_and_no_last_one():
    often = pd.concat([DAYS, pd.Series([pd.Timestamp("2021-03-04")] * 5)], ignore_index=True)
    column = column_of(often)
    assert column.reason == "dates, in steps of 1 D, from 2021-03-04 on"
    assert column.decode(np.array([column.least]))[0] == np.datetime64("2021-03-04")
    assert column.most is None
    first = column_of(DAYS).decode(np.array([column_of(DAYS).least]))[0]
    assert np.datetime64("2021-02-20") < first < DAYS.min().to_datetime64()
    tail = pd.Timestamp("2021-03-04") + pd.to_timedelta(RNG.normal(0, 60, N).round(), "D")
    assert (column_of(tail).least, column_of(tail).most) == (None, None)
    assert column_of(DAYS[:100]).least is None
    drawn = fit(pd.DataFrame({"t": often, "x": 0.5 * np.arange(N + 5)})).sample(3000, seed=1).t
    assert drawn.min() >= pd.Timestamp("2021-03-04")


@pytest.mark.parametrize("zone", [None, "America/New_York"])
@pytest.mark.parametrize("hour", [0, 7])
def test_bounds_of_dates_can_be_declared_and_truncate_their_distribution(zone, hour, tmp_path):
    dates = (DAYS + pd.Timedelta(hour, "h")).dt.tz_localize(zone)
    frame = pd.DataFrame({"t": dates, "x": RNG.normal(size=N)})
    kinds = {"t": {"kind": "datetime", "least": "2021-02-27", "most": "2022-08-03 12:00"}}
    density = fit(frame, kinds=kinds)
    column = density.schema.columns[0]
    first, last = (
        pd.Timestamp(f"{day} 0{hour}:00", tz=zone) for day in ("2021-02-27", "2022-08-03")
    )
    days = pd.date_range(first, last, freq="D")
    p = np.exp(density.log_prob(pd.DataFrame({"t": days, "x": np.nan}), strict=True))
    assert p.sum() == pytest.approx(1, abs=1e-9)
    assert (p > 0).all()
    drawn = density.sample(2000, seed=1).t
    assert drawn.between(first, last).all()
    with pytest.raises(SchemaError, match="is not among the dates and times from 2021-02-27"):
        density.log_prob(pd.DataFrame({"t": [last + pd.Timedelta(1, "D")], "x": 0.0}), strict=True)
    density.save(tmp_path / "m")
    assert cr.load(tmp_path / "m").schema == density.schema
    assert column_from_json(column.to_json()) == column


@pytest.mark.filterwarnings("ignore:column .* outside:UserWarning")
def test_numbers_and_dates_between_steps_are_outside_and_all_probabilities_sum_to_one():
    n = RNG.integers(0, 30, N)
    frame = pd.DataFrame({"t": pd.Timestamp("2024-01-01 07:30") + pd.to_timedelta(n, "D")})
    frame["odd"] = 2 * RNG.integers(0, 20, N) + 1
    density = fit(frame)
    asked = frame.iloc[:3].reset_index(drop=True)
    asked.loc[0, "odd"], asked.loc[1, "t"] = 18, pd.Timestamp("2024-01-09 08:00")
    with pytest.warns(UserWarning, match="hold no value|holds no value") as told:
        odd = density.oddest(asked, top=2)
    assert set(zip(odd.row, odd.column, strict=True)) == {(0, "odd"), (1, "t")}
    assert (odd.bits == 1000).all()
    said = " ".join(str(each.message) for each in told)
    assert "whole numbers from 1 to 39, in steps of 2 from 1" in said
    assert "from 2024-01-01 07:30 on, in steps of 1 D, at 07:30" in said
    every = pd.DataFrame({"odd": np.arange(-60.0, 120.0)})
    found = np.exp(density.log_prob(every.assign(t=pd.NaT)))
    inside = (every.odd % 2 == 1) & every.odd.between(1, 39)
    assert found[inside].sum() == pytest.approx(N / (N + 1), abs=1e-6)
    assert found[~inside] == pytest.approx(1 / (N + 1))


@pytest.mark.filterwarnings("ignore:column .* outside:UserWarning")
def test_a_date_beyond_its_bounds_is_outside():
    frame = pd.DataFrame({"t": DAYS, "x": RNG.normal(size=N)})
    kinds = {"t": {"kind": "datetime", "most": pd.Timestamp("2023-01-01")}}
    density = fit(frame, kinds=kinds)
    assert density.schema.columns[0].reason.endswith("in steps of 1 D, up to 2023-01-01")
    late, empty = frame[:1].assign(t=pd.Timestamp("2023-01-02")), frame[:1].assign(t=pd.NaT)
    assert density.log_prob(late)[0] == pytest.approx(
        density.log_prob(empty)[0] - np.log(N + 1), abs=1e-9
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"least": "soon"}, r"kinds\['t'\] least = 'soon': pass a date such as 2024-12-31"),
        ({"most": "2021-03-01"}, "column 't': value .* is not among the dates and times up to"),
        ({"least": "2023-01-01", "most": "2022-01-01"}, "column 't': no dates lie from 2023-01-01"),
    ],
)
def test_bounds_of_dates_that_do_not_fit_are_explained(options, message):
    with pytest.raises(SchemaError, match=message):
        column_of(DAYS, kinds={"t": {"kind": "datetime", **options}})


def test_the_command_line_declares_bounds_of_dates(tmp_path):
    pd.DataFrame({"day": DAYS.dt.strftime("%Y-%m-%d"), "x": RNG.normal(size=N)}).to_csv(
        tmp_path / "t.csv", index=False
    )
    options = ["--kind", "day=datetime,2020-01-01..2024-12-31", "--epochs", 1, "--hidden-size", 4]
    code, _, errors = chainrule("fit", "t.csv", "-o", "m", *options, cwd=tmp_path)
    assert code == 0, errors
    assert "from 2020-01-01 to 2024-12-31" in str(cr.load(tmp_path / "m").schema)


@pytest.mark.parametrize(
    ("first", "freq", "zone", "least"),
    [
        ("2024-01-01 07:30", "1D", None, "2024-01-01 07:30"),
        ("2024-01-01 07:30", "1D", "Europe/Berlin", "2024-01-01 06:30"),
        ("2022-01-03", "1D", None, "2022-01-01"),
        ("2023-05-01 06:00", "12h", "Asia/Tokyo", "2023-04-30 21:00"),
    ],
)
def test_a_first_date_is_not_rounded_beyond_the_begin_of_its_year_or_month(
    first, freq, zone, least
):
    steps = np.r_[0, np.random.default_rng(1).integers(0, 600, 400)]
    dates = pd.Timestamp(first) + pd.Timedelta(freq) * steps
    column = column_of(pd.Series(dates).dt.tz_localize(zone, nonexistent="shift_forward"))
    assert column.decode(np.array([column.least]))[0] == np.datetime64(least)
