"""What is inferred of columns: grids, origins, ids, types, and reasons for what is left out."""

import math
import warnings
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from helpers.quick import N, fit, normal

import chainrule as cr
from chainrule.table import encode


@pytest.fixture
def x():
    return normal()


def test_origins_are_no_cells():
    rng = np.random.default_rng(0)
    days = pd.to_datetime(["1931-07-19"] + ["2024-01-10", "2024-01-21"] * 100)
    numbers = rng.integers(10**8, 10**9, 201)
    day, number = fit(pd.DataFrame({"day": days, "number": numbers})).schema.columns
    assert np.datetime64(int(day.origin), day.unit) not in set(days.to_numpy())
    assert day.origin % day.step == 0
    assert number.origin not in set(numbers.tolist())


def test_ids_with_gaps_are_ids():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"id": np.arange(1, 892), "x": rng.normal(size=891)})
    for part in (table, table.sample(frac=0.8, random_state=0)):
        with pytest.warns(UserWarning, match="left out 'id'"):
            assert cr.infer_schema(part).names == ("x",)
    few = pd.DataFrame({"age": rng.choice(100, 20, replace=False), "x": rng.normal(size=20)})
    assert cr.infer_schema(few).names == ("age", "x")


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint64", "UInt8"])
def test_small_types_hold_what_is_drawn(dtype, x):
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"a": pd.Series(rng.integers(0, 60, N)).astype(dtype), "x": x})
    density = fit(table)
    column = density.schema.columns[0]
    most = {"int8": 127, "uint8": 255, "UInt8": 255}.get(dtype)
    assert (column.least, column.most) == (0, most)
    below = table.assign(a=table["a"].astype(int) - 30)
    (signed,) = cr.infer_schema(below[["a"]].astype("int8")).columns
    assert (signed.least, signed.most) == (-128, 127)
    drawn = density.sample(2000, seed=1)
    assert drawn.dtypes.tolist() == table.dtypes.tolist()
    assert 0 <= int(drawn["a"].max()) < 100
    wide = fit(pl.from_pandas(table))
    assert wide.sample(2000, seed=1).schema == pl.from_pandas(table).schema


def test_columns_that_cannot_be_modelled_are_left_out_with_a_reason(x):
    table = pl.DataFrame({"x": x, "list": [[1, 2]] * N, "struct": [{"a": 1}] * N})
    with pytest.warns(UserWarning, match="'list' .lists and structures are not modelled"):
        assert cr.infer_schema(table).names == ("x",)
    assert len(fit(pd.DataFrame({"x": x})).oddest(pd.DataFrame({"x": x}).iloc[:0])) == 0


def test_steps_and_atoms_are_seen_in_any_precision(x):
    assert (
        cr.infer_schema(pd.DataFrame({"x": np.round(x, 1).astype("float32")})).columns[0].step
        == 0.1
    )
    rng = np.random.default_rng(0)
    a = np.where(rng.random(N) < 0.4, 0.1, x)
    density = fit(pd.DataFrame({"a": a, "x": rng.normal(size=N)}))
    row = pd.DataFrame({"a": [0.1], "x": [0.5]})
    parts = [
        density.log_prob(row.astype(dtype), parts=True).mass[0] for dtype in ("float64", "float32")
    ]
    assert parts[0] == pytest.approx(parts[1])
    assert parts[0] < 0


def test_a_fit_says_once_that_nanoseconds_are_cut_off():
    times = pd.Series(pd.date_range("2024-01-01", periods=40, freq="h")) + pd.to_timedelta(
        np.arange(40), unit="ns"
    )
    frame = pd.DataFrame({"t": times, "y": np.arange(40) % 3})
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        density = fit(frame)
        assert math.isfinite(density.score(frame))
    assert [str(warning.message) for warning in found] == [
        "column 't': dates such as 2024-01-01 01:00:00.000000001 at row 1 are cut off to "
        "microseconds, which draws and fills have, too; to keep what is finer, pass whole numbers, "
        "such as counts from the first date"
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cr.infer_schema(pd.DataFrame({"t": times.dt.floor("us")}))


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.table])
def test_decimals_that_float64_does_not_tell_apart_are_left_out_with_a_remedy(make):
    far = [Decimal("1234567890123456.12") + Decimal(k) / 100 for k in range(11)] * 30
    near = [number - 1_234_567_890_000_000 for number in far]
    columns = {"far": far, "near": near, "x": [0, 1, 2] * 110}
    with pytest.warns(UserWarning, match="left out") as found:
        schema = cr.infer_schema(make(columns))
    assert [str(warning.message).partition("left out ")[2] for warning in found] == [
        "'far' (decimals of more digits than float64 holds, in which 11 different ones become 2; "
        "subtract an amount that they share, or say kinds={'far': 'real'} for numbers to 15 "
        "digits, or 'categorical' for labels)"
    ]
    column = schema.columns[0]
    assert (column.name, column.kind, len(column.atoms)) == ("near", "real", 11)
    table = cr.read_table(make(columns))
    for kind, different in (("real", 2), ("categorical", 11)):
        asked = cr.infer_schema(make(columns), kinds={"far": kind})
        assert len(np.unique(encode(table, asked).values[:, 0])) == different


def test_whole_numbers_that_are_all_dates_name_the_option_that_reads_them(tmp_path):
    days = pd.Timestamp("2023-01-01") + pd.to_timedelta(np.arange(N) % 100, "D")
    frame = pd.DataFrame({"d": days.strftime("%Y%m%d").astype(int), "x": normal()})
    note = (
        "; all look like dates, such as 20241231: date_format={'d': '%Y%m%d'} (--date-format "
        "d=%Y%m%d) reads them in a file, and in a frame once they are text"
    )
    assert cr.infer_schema(frame).columns[0].reason.endswith(note)
    path = tmp_path / "t.csv"
    frame.to_csv(path, index=False)
    options = {"date_format": {"d": "%Y%m%d"}}
    for source in (path, frame.astype({"d": str})):
        assert cr.infer_schema(cr.read_table(source, **options)).columns[0].kind == "datetime"
    for change in (0, 131):  # the day 0, or the month 14
        wrong = frame.assign(d=np.where(frame.index == 3, 20_230_100 + change * 10, frame["d"]))
        assert "look like dates" not in cr.infer_schema(wrong).columns[0].reason


@pytest.mark.parametrize("is_file", [False, True])
def test_codes_of_which_a_few_begin_with_a_zero_are_labels(is_file, tmp_path):
    zips = [f"{each:05d}" for each in range(7_000, 99_000, 1_500)] * 6
    table = pl.DataFrame({"zip": zips, "x": np.arange(len(zips)) % 7})
    if is_file:
        table.write_csv(tmp_path / "t.csv")
        table = tmp_path / "t.csv"
    column = cr.infer_schema(table).columns[0]
    assert column.kind == "categorical"
    assert "07000" in column.levels
    numbers = pl.DataFrame({"x": [*map(str, range(1, 300)), "007"], "y": np.arange(300) % 7})
    with pytest.raises(cr.errors.SchemaError, match="value '007' at row 299 is not a number"):
        cr.infer_schema(numbers)
