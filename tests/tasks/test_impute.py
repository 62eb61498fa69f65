"""Missing cells of categories are filled in their own type, those of ties from their ties."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from helpers.quick import N, fit, normal

import chainrule as cr


@pytest.fixture
def x():
    return normal()


def test_categories_are_filled_in_their_own_type(x):
    rng = np.random.default_rng(0)
    ordered = pd.Series(
        pd.Categorical(rng.choice(list("abc"), N), categories=list("cab"), ordered=True)
    )
    cut = pd.Series(pd.cut(x, 3))
    numbers = pd.Series(pd.Categorical(rng.choice([10, 20, 70], N)))
    mixed = pd.Series(
        pd.Categorical(rng.choice(["1", "2", "3", "4+"], N, p=[0.4, 0.3, 0.25, 0.05]))
    )
    table = pd.DataFrame(
        {"ordered": ordered, "cut": cut, "numbers": numbers, "mixed": mixed, "x": x}
    )
    table.loc[:9, ["ordered", "cut", "numbers", "mixed"]] = None
    density = fit(table)
    assert [column.kind for column in density.schema.columns[:4]] == ["categorical"] * 4
    filled = density.impute(table, seed=0)
    assert filled.dtypes.tolist() == table.dtypes.tolist()
    assert not filled.isna().any().any()
    pd.testing.assert_frame_equal(filled.iloc[10:], table.iloc[10:])
    few = pd.DataFrame(
        {"ordered": pd.Categorical([None] * 30 + ["a"], categories=["a"]), "x": np.zeros(31)}
    )
    with pytest.warns(UserWarning, match="absent"):
        filled = density.impute(few, seed=0)
    assert not filled["ordered"].isna().any()
    assert set(filled["ordered"].cat.categories) > {"a"}
    enum = pl.DataFrame(
        {"ordered": pl.Series([None] * 30 + ["a"], dtype=pl.Enum(["a"])), "x": np.zeros(31)}
    )
    with pytest.warns(UserWarning, match="absent"):
        filled = density.impute(enum, seed=0)
    assert isinstance(filled.schema["ordered"], pl.Enum)
    assert filled["ordered"].null_count() == 0


def invoices(rows, seed):
    """A percentage of each net amount, rounded half up, and its sum with it."""
    rng = np.random.default_rng(seed)
    net, percent = np.round(rng.gamma(2, 5000, rows)), rng.choice([5, 10, 19], rows)
    tax = np.floor(net * percent / 100 + 0.5)
    table = {"net": net / 100, "percent": percent, "tax": tax / 100, "gross": (net + tax) / 100}
    return pl.DataFrame(table)


def test_of_two_ties_the_exact_one_fills_a_gap_to_the_cent():
    """The percentage leaves two values at exact halves, of which the sum names one."""
    density = cr.fit(invoices(600, 0), effort="quick", seed=0, verbose=False)
    assert [tie.text for tie in density.schema.ties] == [
        "gross = net + tax",
        "tax = net × percent ÷ 100, rounded",
    ]
    table = invoices(1000, 1)
    halves = (table["net"] * table["percent"] * 100).round() % 100 == 50
    assert halves.sum() > 20
    filled = density.impute(table.with_columns(tax=pl.lit(None, pl.Float64)), how="best")
    assert filled.equals(table)


def rates(rows, seed):
    """A rate of hits among tries, which is 0 where there are no tries."""
    rng = np.random.default_rng(seed)
    tries = rng.integers(1, 200, rows) * (rng.random(rows) > 0.1)
    hits = rng.binomial(tries, rng.random(rows))
    rate = np.round(hits / np.maximum(tries, 1), 3)
    return pl.DataFrame({"hits": hits, "tries": tries, "rate": rate})


def test_divisors_of_zero_leave_no_tie_and_nothing_infinite():
    density = cr.fit(rates(600, 0), effort="quick", seed=0, verbose=False)
    assert "rate = hits ÷ tries, rounded" in [tie.text for tie in density.schema.ties]
    table = rates(500, 1)
    without = (table["tries"] == 0).to_numpy()
    assert without.sum() > 30
    assert np.isfinite(density.log_prob(table)).all()
    for name in table.columns:
        gap = table.with_columns(pl.lit(None, table[name].dtype).alias(name))
        filled = density.impute(gap, how="best")[name].to_numpy()
        right = np.abs(filled - table[name].to_numpy()) < 1e-9
        assert right[without].all()
        assert right[~without].mean() > 0.9
    drawn = density.sample(500, seed=0)
    found = drawn["hits"] / drawn["tries"].clip(1)
    assert ((found - drawn["rate"]).abs() < 0.00051).mean() > 0.98
    odd = table.with_columns(rate=pl.when(pl.col("tries") == 0).then(0.5).otherwise("rate"))
    worst = density.oddest(odd, int(without.sum()))
    assert set(worst["row"]) == set(np.flatnonzero(without).tolist())
    assert np.isfinite(worst["bits"].to_numpy()).all()


def test_quotients_of_numbers_of_either_sign_are_filled():
    def table(rows, seed):
        rng = np.random.default_rng(seed)
        change, base = rng.integers(-400, 400, rows), rng.choice([-1, 1], rows)
        base *= rng.integers(1, 60, rows)
        rate = np.round(change / base, 2)
        return pl.DataFrame({"change": change, "base": base, "rate": rate})

    density = cr.fit(table(600, 0), effort="quick", seed=0, verbose=False)
    assert [tie.text for tie in density.schema.ties] == ["rate = change ÷ base, rounded"]
    rows = table(300, 1)
    gap = rows.with_columns(rate=pl.lit(None, pl.Float64))
    assert ((density.impute(gap, how="best")["rate"] - rows["rate"]).abs() < 0.001).mean() > 0.95
    gap = rows.with_columns(base=pl.lit(None, pl.Int64))
    filled = density.impute(gap, how="best")
    assert ((filled["change"] / filled["base"] - rows["rate"]).abs() < 0.0051).mean() > 0.9
    drawn = density.sample(1000, seed=0)
    assert ((drawn["change"] / drawn["base"] - drawn["rate"]).abs() < 0.0051).mean() > 0.95


def sales(rows, seed):
    """A price paid in full or not at all, a tax at one of two rates, the larger of two scores."""
    rng = np.random.default_rng(seed)
    group, price = rng.integers(0, 2, rows), np.round(rng.gamma(3, 2000, rows))
    tax = np.floor(price * np.where(group, 19, 7) / 100 + 0.5)
    first, second = np.round(rng.normal(500, 100, (2, rows)))
    return pl.DataFrame(
        {
            "group": np.where(group, "home", "abroad"),
            "price": price / 100,
            "paid": np.where(group, 0, price) / 100,
            "tax": tax / 100,
            "first": first,
            "second": second,
            "best": np.maximum(first, second),
        }
    )


def test_ties_that_hold_in_part_of_the_rows_fill_gaps_and_are_drawn():
    density = cr.fit(sales(800, 0), effort="quick", seed=0, verbose=False)
    table = sales(400, 1)
    for name in ("paid", "tax", "best"):
        gap = table.with_columns(pl.lit(None, table[name].dtype).alias(name))
        filled = density.impute(gap, how="best")[name]
        assert ((filled - table[name]).abs() < 0.001).mean() > 0.97, name
    drawn = density.sample(1000, seed=0)
    is_home = drawn["group"] == "home"
    paid = pl.select(pl.when(is_home).then(0.0).otherwise(drawn["price"])).to_series()
    rate = pl.select(pl.when(is_home).then(0.19).otherwise(0.07)).to_series()
    assert ((drawn["paid"] - paid).abs() < 0.001).mean() > 0.97
    assert ((drawn["tax"] - rate * drawn["price"]).abs() < 0.0051).mean() > 0.95
    assert (
        drawn["best"] == pl.select(pl.max_horizontal(drawn["first"], drawn["second"])).to_series()
    ).mean() > 0.97


def dated(rows, seed):
    days = np.datetime64("2019-01-01") + np.random.default_rng(seed).integers(0, 1800, rows)
    date = pl.Series(days)
    return pl.DataFrame(
        {
            "month": date.dt.month(),
            "name": date.dt.strftime("%A"),
            "date": date,
            "year": date.dt.year(),
        }
    )


def test_parts_of_dates_fill_gaps_and_are_drawn():
    density = cr.fit(dated(600, 0), effort="quick", seed=0, verbose=False)
    table = dated(300, 1)
    for name in ("month", "name", "year"):
        gap = table.with_columns(pl.lit(None, table[name].dtype).alias(name))
        assert (density.impute(gap, how="best")[name] == table[name]).mean() > 0.98, name
    drawn = density.sample(1000, seed=0)
    date = drawn["date"].dt
    assert (date.month() == drawn["month"]).mean() > 0.98
    assert (date.strftime("%A") == drawn["name"]).mean() > 0.98
    assert (date.year() == drawn["year"]).mean() > 0.98
