"""Faults of synthetic columns, each with its first cell."""

import datetime

import numpy as np
import polars as pl

from chainrule import infer_schema
from chainrule.synthetic.faults import Fault, faults_of
from chainrule.synthetic.tables import tables_of

RNG = np.random.default_rng(0)
REAL = pl.DataFrame(
    {
        "age": np.repeat(np.arange(18, 91), 10),
        "price": RNG.gamma(2.0, 50.0, 730).round(2),
        "share": RNG.random(730),
        "town": RNG.choice(["north", "south"], 730),
        "day": [datetime.date(2024, 1, 1) + datetime.timedelta(days=k // 4) for k in range(730)],
        "smoker": RNG.random(730) < 0.3,
    }
)


def faults(made, real=REAL, holdout=None, kinds=None):
    return faults_of(tables_of(real, made, holdout, kinds=kinds))


def test_rows_of_the_same_table_have_no_fault():
    assert faults(REAL.sample(300, seed=1)) == ()


def test_numbers_beyond_bounds():
    made = REAL.with_columns(age=pl.col("age") + 3, share=pl.col("share") * 2)
    rows = int((REAL["age"] > 87).sum())
    age, share = faults(made)
    assert age == Fault(
        "age", "not among the whole numbers from 18 to 90", rows, rows / 730, "91 at row 700"
    )
    assert share.what == "not among the numbers from 0 to 1"
    assert share.cells == int((REAL["share"] > 0.5).sum())


def test_declared_bounds_count_as_evident_ones():
    bounds = {"price": {"kind": "real", "least": 0, "most": 2000}}
    made = REAL.with_columns(price=pl.lit(2000.5))
    (found,) = faults(made, kinds=bounds)
    assert (found.column, found.cells) == ("price", 730)


def test_numbers_off_their_grid():
    made = REAL.with_columns(
        price=pl.col("price") + 0.001, age=pl.when(pl.col("age") < 20).then(18.5).otherwise("age")
    )
    assert faults(made) == (
        Fault("age", "not among the steps of 1", 20, 20 / 730, "18.5 at row 0"),
        Fault("price", faults(made)[1].what, 730, 1.0, f"{made['price'][0]!r} at row 0"),
    )
    assert "0.01" in faults(made)[1].what or "2 decimals" in faults(made)[1].what


def test_a_few_real_numbers_off_the_grid_are_allowed_to_synthetic_ones():
    off = [0.005, *[0.0] * 1999]
    real = pl.DataFrame({"x": RNG.integers(0, 500, 2000) / 100 + off})
    assert faults(real, real=real) == ()
    assert faults(real[:500], real=real) == ()
    assert len(faults(real[:50], real=real)) == 1  # a much larger share of them is a fault


def test_dates_off_their_grid():
    days = [datetime.datetime(2024, 1, 1) + datetime.timedelta(days=k) for k in range(300)]
    real = pl.DataFrame({"day": days})
    made = real.with_columns(day=pl.col("day") + datetime.timedelta(hours=1))
    (found,) = faults(made, real=real)
    assert (found.what, found.cells) == ("not on the grid of the dates", 300)
    assert found.example == "2024-01-01 01:00:00 at row 0"


def test_labels_of_no_real_row():
    made = REAL.with_columns(
        town=pl.when(pl.col("age") == 90).then(pl.lit("east")).otherwise("town")
    )
    expected = Fault("town", "a label of no real row", 10, 10 / 730, "'east' at row 720")
    assert faults(made) == (expected,)
    assert faults(made, holdout=made[-1:]) == ()


def test_wrong_shares_of_missing_cells():
    holes = REAL.with_columns(share=pl.when(pl.col("age") < 60).then("share"))
    share = float((REAL["age"] >= 60).mean())
    assert faults(holes) == (
        Fault("share", "missing, where 0.0% of the real cells are", round(730 * share), share),
    )
    (found,) = faults(REAL, real=holes)
    assert (found.column, found.cells, found.share) == ("share", 0, 0.0)
    assert faults(holes, real=holes) == ()


def test_cells_of_another_kind():
    text = REAL.with_columns(pl.col("age").cast(pl.String), pl.col("smoker").cast(pl.Int64))
    made = text.with_columns(
        age=pl.when(pl.col("age") == "30").then(pl.lit("old")).otherwise("age"),
        smoker=pl.when(pl.col("age") == "31").then(2).otherwise("smoker"),
    )
    assert faults(made) == (
        Fault("age", "no number", 10, 10 / 730, "'old' at row 120"),
        Fault("smoker", "neither 0 nor 1", 10, 10 / 730, "2 at row 130"),
    )


def test_text_of_another_kind_in_a_column_of_dates():
    made = REAL.with_columns(
        pl.when(pl.col("age") == 30).then(pl.lit("soon")).otherwise(pl.col("day").cast(pl.String))
        .alias("day")
    )  # fmt: skip
    assert faults(made) == (Fault("day", "no date", 10, 10 / 730, "'soon' at row 120"),)


def test_rows_that_break_ties():
    rng = np.random.default_rng(1)
    net, tax = rng.gamma(2.0, 50.0, 800).round(2), rng.gamma(1.0, 9.0, 800).round(2)
    real = pl.DataFrame({"net": net, "tax": tax, "gross": (net + tax).round(2)})
    assert faults(real.sample(300, seed=0), real=real) == ()
    (found,) = faults(real.with_columns(gross=pl.col("gross").shuffle(seed=0)), real=real)
    assert found.column == "gross"
    assert found.what == "breaks gross = net + tax, which real cells keep in all rows"
    assert found.cells > 790
    assert found.example.endswith("at row 0")
    few = real.with_row_index().with_columns(
        gross=pl.when(pl.col("index") < 2).then(pl.col("gross") + 1).otherwise("gross")
    )
    assert faults(few.drop("index"), real=real) == ()  # two of 800 may be chance


def test_columns_that_determine_each_other_are_one_fault():
    rng = np.random.default_rng(0)
    k = rng.integers(0, 8, 600)
    real = pl.DataFrame({"k": [f"a{each}" for each in k], "l": [f"b{each}" for each in k]})
    wrong = real.with_columns(l=pl.col("l").shuffle(seed=0))
    tables = tables_of(real, wrong, kinds=None)
    assert len(tables.schema.ties) == 2
    (fault,) = faults_of(tables)
    assert fault.what == "breaks k and l determine each other, which real cells keep in all rows"


def test_a_tie_says_nothing_of_labels_that_hardly_occur():
    """Of two labels with few rows the fitted tie knows no code: their own rows do not break it."""
    rng = np.random.default_rng(0)
    code = np.concatenate([rng.integers(3, 9, 2970), np.repeat([1, 2], [10, 20])])
    names = np.array([f"grade {chr(97 + k)}" for k in range(9)])
    table = pl.DataFrame({"name": names[code], "code": code, "x": rng.random(3000)})
    tables = tables_of(table, table, kinds=None)
    assert tables.schema.ties
    assert faults_of(tables) == ()
    wrong = table.with_columns(code=pl.when(pl.col("code") == 5).then(6).otherwise(pl.col("code")))
    assert any("determine each other" in fault.what for fault in faults(wrong, real=table))


def test_a_quotient_is_broken_by_rows_with_a_divisor_alone():
    """Of ten rows nine have no tries. Of the others, 3 % have another rate, or a third has."""
    rng = np.random.default_rng(0)
    tries = rng.integers(20, 200, 4000) * (rng.random(4000) < 0.1)
    hits = rng.binomial(tries, rng.random(4000))
    rate = np.round(hits / np.maximum(tries, 1), 2)
    rows = np.flatnonzero(tries)
    found = []
    for every in (33, 3):
        wrong = rate.copy()
        wrong[rows[::every]] = (wrong[rows[::every]] + 0.31).round(2) % 1
        found.append(pl.DataFrame({"hits": hits, "tries": tries, "rate": wrong}))
    real, made = found
    assert faults(real, real=real) == ()
    (fault,) = (each for each in faults(made, real=real) if "÷" in each.what)
    assert fault.what.startswith("breaks rate = hits ÷ tries, rounded, which real cells keep in 9")
    assert fault.cells == len(rows[::3])


def test_ties_of_a_schema_with_missing_flags():
    """Its ties number columns among the flags, of which the tables have none."""
    rng = np.random.default_rng(2)
    net, tax = rng.gamma(2.0, 50.0, 800).round(2), rng.gamma(1.0, 9.0, 800).round(2)
    holes = np.where(rng.random(800) < 0.2, np.nan, rng.random(800))
    real = pl.DataFrame({"x": holes, "net": net, "tax": tax, "gross": (net + tax).round(2)})
    real = real.with_columns(pl.col("x").fill_nan(None))
    schema = infer_schema(real, missing="informative")
    assert len(schema.columns) == 5
    made = real.with_columns(gross=pl.col("gross").shuffle(seed=0))
    assert faults(real, real=real, kinds=schema) == ()
    assert faults(made, real=real, kinds=schema) == faults(made, real=real)
    assert [fault.column for fault in faults(made, real=real, kinds=schema)] == ["gross"]
