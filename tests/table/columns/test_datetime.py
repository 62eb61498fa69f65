"""Columns of dates: atoms, constant dates, and what is drawn."""

import numpy as np
import pandas as pd
import pytest
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
