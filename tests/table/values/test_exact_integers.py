"""Integers of any size are exact from the table to the draw.

Floats keep their spread however far from zero they lie.
"""

import decimal
import json
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import chainrule as cr
from chainrule.errors import SchemaError
from chainrule.table import Schema, decode, encode, read_table, to_container
from chainrule.table.values.exact_integers import (
    counted,
    differences,
    integers_of,
    on_line,
    whole_array,
    within,
)

N = 240
SMALL = cr.FitConfig(hidden_size=4, components=2, epochs=2)
RNG = np.random.default_rng(0)
NOISE = RNG.normal(size=N)
FAR = [2**60 + int(k) for k in RNG.poisson(40, N)]
KEYS = [2**60 + 37 * int(k) for k in RNG.integers(0, 20, N)]
USERS = [
    int(v) for v in RNG.integers(2**62, 2**64 - 1, 15, dtype=np.uint64)[RNG.integers(0, 15, N)]
]


def fit(values, **options):
    is_table = isinstance(values, (pd.DataFrame, pl.DataFrame))
    table = values if is_table else pd.DataFrame({"a": values, "x": NOISE})
    return cr.fit(table, seed=0, verbose=False, config=SMALL, **options)


def kind_of(values, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        schema = cr.infer_schema(
            pd.DataFrame({"a": values, "x": RNG.normal(size=len(values))}), **options
        )
    return next((c.kind for c in schema.columns if c.name == "a"), "left out")


def cells(table):
    return table["a"].to_pylist() if isinstance(table, pa.Table) else table["a"].to_list()


def with_holes(values):
    return [None if k % 7 == 3 else value for k, value in enumerate(values)]


TABLES = {
    "numpy's int64": pd.DataFrame({"a": np.array(FAR)}),
    "numpy's uint64": pd.DataFrame(
        {"a": np.array([2**63 + v - 2**60 for v in FAR], dtype=np.uint64)}
    ),
    "pandas' Int64 with holes": pd.DataFrame({"a": pd.array(with_holes(FAR), dtype="Int64")}),
    "pandas' UInt64 with holes": pd.DataFrame({"a": pd.array(with_holes(USERS), dtype="UInt64")}),
    "pandas' Arrow type with holes": pd.DataFrame(
        {"a": pd.array(with_holes(FAR), dtype=pd.ArrowDtype(pa.int64()))}
    ),
    "Python's integers": pd.DataFrame({"a": pd.Series([v + 10**30 for v in FAR], dtype=object)}),
    "Python's integers with holes": pd.DataFrame(
        {"a": pd.Series(with_holes([v - 10**25 for v in FAR]), dtype=object)}
    ),
    "polars' Int64 with holes": pl.DataFrame({"a": with_holes(FAR)}),
    "polars' UInt64": pl.DataFrame({"a": pl.Series(USERS, dtype=pl.UInt64)}),
    "polars' Int128 with holes": pl.DataFrame(
        {"a": pl.Series(with_holes([v + 2**100 for v in FAR]), dtype=pl.Int128)}
    ),
    "Arrow's int64 with holes": pa.table({"a": pa.array(with_holes(FAR), type=pa.int64())}),
    "Arrow's uint64 with holes": pa.table({"a": pa.array(with_holes(USERS), type=pa.uint64())}),
}


@pytest.mark.parametrize("name", TABLES)
def test_integers_of_every_type_come_back_as_they_are_in_their_own_type(name):
    table = TABLES[name]
    schema = cr.infer_schema(table)
    codes = encode(read_table(table), schema)
    made = to_container(decode(np.where(codes.observed, codes.values, 0), schema), schema)
    known = [k for k, cell in enumerate(cells(table)) if cell is not None and cell is not pd.NA]
    assert codes.observed[:, 0].nonzero()[0].tolist() == known
    assert [cells(made)[k] for k in known] == [cells(table)[k] for k in known]
    own = [
        t.schema.field("a").type if isinstance(t, pa.Table) else t["a"].dtype for t in (table, made)
    ]
    assert own[0] == own[1]
    assert Schema.from_json(json.loads(json.dumps(schema.to_json()))) == schema


@pytest.mark.parametrize(
    "name", ["numpy's int64", "pandas' UInt64 with holes", "polars' Int128 with holes"]
)
def test_integers_are_drawn_filled_given_and_saved_exactly(name, tmp_path):
    table = TABLES[name]
    density = fit(table)
    density.save(tmp_path / "m.chainrule")
    assert cr.load(tmp_path / "m.chainrule").schema == density.schema
    known = [cell for cell in cells(table) if cell is not None and cell is not pd.NA]
    drawn = cells(cr.load(tmp_path / "m.chainrule").sample(200, seed=1))
    reach = max(known) - min(known)
    assert all(min(known) - reach <= cell <= max(known) + reach for cell in drawn)
    assert len(set(drawn)) > 8
    one = known[5]
    assert set(cells(density.sample(3, given={"a": one}, seed=0))) == {one}
    filled = cells(density.impute(table, seed=0))
    assert all(
        a == b
        for a, b in zip(cells(table), filled, strict=True)
        if a is not None and a is not pd.NA
    )
    assert np.isfinite(density.log_prob(table)).all()


def test_both_ends_of_int64_that_repeat_are_labels():
    density = fit([2**63 - 1, -5] * (N // 2))
    assert str(density.schema).startswith(
        "a  categorical  keys, whole numbers of up to 19 digits that repeat, 2 different\n"
    )
    assert set(density.sample(50, seed=0)["a"]) == {2**63 - 1, -5}


@pytest.mark.parametrize(
    "keys", [KEYS, USERS, [v * 10**9 for v in KEYS], [10**18 + k % 20 for k in range(N)]]
)
def test_keys_that_repeat_are_labels_and_none_is_drawn_that_is_not_there(keys):
    density = fit(keys)
    assert density.schema.columns[0].kind == "categorical"
    drawn = set(density.sample(300, seed=0)["a"].astype(object))
    assert {key for key in drawn if not pd.isna(key)} <= set(
        keys
    )  # a cell is empty where the key drawn is a rare one
    assert len(drawn) > 10
    assert kind_of(keys, kinds={"a": "real"}) == "real"


def test_ids_that_are_all_different_are_left_out_with_the_way_to_keep_them():
    hashes = RNG.integers(0, 2**64 - 1, N, dtype=np.uint64)
    table = pd.DataFrame({"a": hashes, "x": NOISE})
    reason = (
        "an id: whole numbers of up to 20 digits, all different; kinds={'a': 'real'} takes it for "
        "a quantity"
    )
    with pytest.warns(UserWarning, match="left out") as caught:
        schema = cr.infer_schema(table)
    assert [str(w.message) for w in caught] == [f"the table: left out 'a' ({reason})"]
    assert schema.left_out[0].reason == reason
    assert kind_of(hashes, kinds={"a": "real"}) == "real"
    assert kind_of([10**25 + k for k in range(N)]) == "left out"  # in a narrow range
    few = [v for v in USERS for _ in range(2)][:N]
    assert kind_of(list(dict.fromkeys(few)) * 2) == "left out"  # each in two rows


def test_quantities_that_are_large_are_numbers():
    dates = RNG.integers(0, 300, N) * 86_400_000_000_000 + 1_704_067_200_000_000_000
    density = fit(dates)  # nanoseconds, but days
    assert density.schema.columns[0].kind == "integer"
    assert (density.sample(100, seed=0)["a"] % 86_400_000_000_000 == 0).all()
    spread = [2**63 + int(v) for v in RNG.integers(0, 2**40, N)]
    assert kind_of(spread) == "integer"
    density = fit(wide := [int(2.0**u) for u in RNG.uniform(0, 62, N)])
    assert str(density.schema).startswith(
        f"a  real  whole numbers of up to 19 digits, {len(set(wide))} different; continuous, as "
        "float64 has 15 digits\n"
    )
    assert density.sample(100, seed=0)["a"].dtype == np.int64
    assert set(density.sample(3, given={"a": wide[3]}, seed=0)["a"]) == {wide[3]}


def test_what_float64_cannot_tell_apart_is_refused_as_integers():
    table = pd.DataFrame({"a": [2**63 - 1, -5] * 20})
    with pytest.raises(SchemaError) as error:
        cr.infer_schema(table, kinds={"a": "integer"})
    assert str(error.value) == (
        "column 'a': integers from -5 to 9223372036854775807 are more than float64 can "
        "distinguish; pass kinds={'a': 'real'} for numbers to 15 digits, 'categorical' for labels, "
        "or 'leave out'"
    )
    with pytest.raises(SchemaError) as error:
        cr.infer_schema(pd.DataFrame({"a": [2.0**60, 1.0] * 20}), kinds={"a": "integer"})
    assert str(error.value) == (
        "column 'a': floats up to 1.15292e+18 hold no exact integers from 2^53 on; pass "
        "kinds={'a': 'real'}, or make integers of them"
    )


def test_values_far_from_those_fitted_are_scored_without_wrapping_around():
    for values in (FAR, RNG.integers(-50, 50, N)):
        density = fit(values)
        asked = [2**60 + 40, 2**62, 2**63 - 1, -(2**63), 10**30, -(10**90)]
        scores = density.log_prob(pd.DataFrame({"a": pd.Series(asked, dtype=object), "x": 0.0}))
        assert np.isfinite(scores).all()
        order = np.argsort([abs(v - int(np.median(values))) for v in asked], kind="stable")
        assert (np.diff(scores[order]) <= 0).all()
        same = density.log_prob(pd.DataFrame({"a": np.array(asked[:4]), "x": 0.0}))
        assert np.array_equal(same, scores[:4])


def test_a_given_integer_comes_back_however_far_it_lies():
    density = fit(FAR)
    for one in (5, -(2**63), 2**60 + 41, 2**63 - 1):
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "given: column 'a': value .* lies outside the range")
            assert set(density.sample(2, given={"a": one}, seed=0)["a"]) == {one}


def test_declared_bounds_of_large_integers_are_kept():
    bounds = {"a": {"kind": "integer", "least": 2**60, "most": 2**60 + 90}}
    density = fit(FAR, kinds=bounds)
    assert density.schema.columns[0].bound_codes == (
        2**60 - density.schema.columns[0].origin,
        2**60 + 90 - density.schema.columns[0].origin,
    )
    every = density.log_prob(
        pd.DataFrame({"a": [2**60 + k for k in range(91)]}).assign(x=np.nan), strict=True
    )
    assert np.exp(every).sum() == pytest.approx(1, abs=1e-9)
    with pytest.raises(SchemaError) as error:
        density.log_prob(pd.DataFrame({"a": [2**60 + 91], "x": [0.0]}), strict=True)
    assert str(error.value) == (
        "column 'a': value 1152921504606847067 at row 0 is above the bound "
        "1152921504606847066: correct it, or leave the cell empty"
    )


def test_an_integer_between_the_steps_is_noticed_however_long_they_are():
    days = [86_400_000_000_000 * int(k) for k in RNG.integers(19_000, 20_000, N)]
    schema = cr.infer_schema(pd.DataFrame({"a": days}))
    rows = read_table(pd.DataFrame({"a": [*days[:3], days[3] + 1]}))
    assert encode(rows, schema).outside[:, 0].tolist() == [False, False, False, True]
    with pytest.warns(
        UserWarning, match=r"1 value\(s\), such as \d+ at row 3, lie between the steps of 8.64e\+13"
    ):
        codes = encode(rows, schema, strict=True).values
    assert codes[3] == encode(read_table(pd.DataFrame({"a": [days[3]]})), schema).values[0]


@pytest.mark.parametrize("holes", [False, True])
@pytest.mark.parametrize("offset", [2**60, 2**64 - 200, 10**25])
def test_long_integers_in_text_keep_every_digit(offset, holes, tmp_path):
    written = [str(offset + v - 2**60) for v in FAR]
    written = [str(cell or "") for cell in with_holes(written)] if holes else written
    rows = "\n".join(f"{cell},{x}" for cell, x in zip(written, NOISE, strict=True))
    (tmp_path / "t.csv").write_text(f"a,x\n{rows}\n")
    density = cr.fit(tmp_path / "t.csv", seed=0, verbose=False, config=SMALL)
    assert density.schema.columns[0].kind == "integer"
    drawn = density.sample(100, seed=0)["a"].to_list()
    assert all(offset - 100 < cell < offset + 200 for cell in drawn)
    density.impute(tmp_path / "t.csv", to=tmp_path / "f.csv", seed=0)
    density.impute(tmp_path / "t.csv", to=tmp_path / "f.parquet", seed=0)
    for filled in (
        [line.split(",")[0] for line in (tmp_path / "f.csv").read_text().splitlines()[1:]],
        list(map(str, pl.read_parquet(tmp_path / "f.parquet")["a"].to_list())),
    ):
        assert all(a == b for a, b in zip(written, filled, strict=True) if a)
        assert all(filled)


def test_integers_of_more_digits_than_any_type_are_labels_or_left_out(tmp_path):
    keys = [10**45 + 37 * int(k) for k in RNG.integers(0, 12, N)]
    (tmp_path / "t.csv").write_text(
        "a,x\n" + "\n".join(f"{k},{x}" for k, x in zip(keys, NOISE, strict=True)) + "\n"
    )
    density = cr.fit(tmp_path / "t.csv", seed=0, verbose=False, config=SMALL)
    assert density.schema.columns[0].kind == "categorical"
    assert set(map(int, density.sample(50, seed=0)["a"].to_list())) <= set(keys)


def test_decimals_that_are_integers_are_exact():
    values = [decimal.Decimal(v) for v in FAR]
    density = fit(pd.Series(values, dtype=object))
    assert density.schema.columns[0].kind == "integer"
    assert density.sample(3, given={"a": values[0]}, seed=0)["a"].tolist() == [FAR[0]] * 3
    frame = pl.DataFrame({"a": values, "x": NOISE})
    assert cr.infer_schema(frame).columns[0].origin == density.schema.columns[0].origin
    drawn = fit(pd.Series([decimal.Decimal(v) for v in KEYS], dtype=object)).sample(50, seed=0)["a"]
    assert set(drawn.dropna()) <= set(KEYS)


def test_arrays_of_one_type_keep_it():
    for array in (
        np.stack([np.array(FAR), np.arange(N) % 9], axis=1),
        np.stack([np.array(FAR, dtype=np.uint64) * 8, np.arange(N, dtype=np.uint64) % 9], axis=1),
        np.stack([np.array([v + 10**25 for v in FAR], dtype=object), NOISE.astype(object)], axis=1),
    ):
        made = cr.fit(array, seed=0, verbose=False, config=SMALL).sample(20, seed=0)
        assert made.dtype == array.dtype
        assert min(array[:, 0]) - 999 < min(made[:, 0]) <= max(made[:, 0]) < max(array[:, 0]) + 999
    masked = np.ma.masked_array(np.array([FAR, FAR]).T, np.arange(2 * N).reshape(N, 2) % 5 == 0)
    codes = encode(read_table(masked), cr.infer_schema(masked))
    assert decode(codes.values, cr.infer_schema(masked))["x0"][1] == FAR[1]


@pytest.mark.parametrize(
    ("center", "spread"),
    [(1e15, 1000.0), (1e9, 1e-3), (-1e12, 1.0), (1e6, 1e-6), (1e18, 1e5), (3e-9, 1e-21)],
)
def test_floats_keep_their_spread_however_far_from_zero(center, spread):
    values = center + RNG.normal(0, spread, N)
    density = fit(values)
    drawn = density.sample(2000, seed=0)["a"].to_numpy() - center
    assert np.std(drawn) == pytest.approx(np.std(values - center), rel=0.25)
    assert np.mean(drawn) == pytest.approx(np.mean(values - center), abs=0.3 * spread)
    schema, again = (cr.infer_schema(pd.DataFrame({"a": values * unit})) for unit in (1, 1024))
    one, two = (
        encode(read_table(pd.DataFrame({"a": values * u})), s).values
        for u, s in ((1, schema), (1024, again))
    )
    assert np.array_equal(one, two)
    assert schema.columns[0].knots == again.columns[0].knots


@pytest.mark.parametrize("year", [1500, 1969, 2024, 2300, 9990])
def test_microseconds_are_exact_in_any_century(year):
    dates = np.datetime64(f"{year}-01-01", "us") + RNG.integers(0, 10**12, N)
    schema = cr.infer_schema(pl.DataFrame({"t": dates}))
    codes = encode(read_table(pl.DataFrame({"t": dates})), schema)
    assert (decode(codes.values, schema)["t"] == dates).all()
    assert Schema.from_json(json.loads(json.dumps(schema.to_json()))) == schema


def test_dates_say_what_is_cut_off_and_refuse_what_cannot_be_counted():
    nano = np.datetime64("2024-01-01", "ns") + RNG.integers(0, 10**15, N)
    with pytest.warns(UserWarning, match="^column 't': dates such as 2024-.* microseconds"):
        schema = cr.infer_schema(pd.DataFrame({"t": nano}))
    assert str(schema) == "t  datetime  dates, in steps of 1 us, cut off to 1 us"
    far = pl.DataFrame({"t": pl.Series([10**8], dtype=pl.Int32).cast(pl.Date)})
    with pytest.raises(SchemaError) as error:
        encode(read_table(far), schema, strict=True)
    assert str(error.value).endswith(
        "is more than 200,000 years from today; correct it, or leave the cell empty"
    )
    assert encode(read_table(far), schema).outside.tolist() == [[True]]


def test_arithmetic_of_integers_is_exact():
    values = np.array([2**63 - 1, -(2**63), 0])
    assert differences(values, values.astype(float), 2**62).tolist() == [
        2**62 - 1.0,
        -3.0 * 2**62,
        -(2.0**62),
    ]
    assert differences(values, values.astype(float), -(2**62)).tolist()[0] == 3.0 * 2**62
    unsigned = np.array([2**64 - 1, 3], dtype=np.uint64)
    assert differences(unsigned, unsigned.astype(float), 2**64 - 5).tolist() == [4.0, 8.0 - 2.0**64]
    several = integers_of(np.array([2**64, "7", decimal.Decimal(9), 2.0], dtype=object))
    assert several is not None
    assert several.tolist() == [2**64, 7, 9, 2]
    assert integers_of(np.array([0.5, 1.0])) is None
    assert integers_of(np.array([2.0**60])) is None  # what floats hold there is no exact integer
    assert on_line(2**63 - 3, 1, np.array([0.0, 5.0])).tolist() == [2**63 - 3, 2**63 + 2]
    assert within(whole_array([2**63 + 2, -1]), "int64").tolist() == [2**63 - 1, -1]
    assert within(whole_array([-1, 3]), "UInt64").tolist() == [0, 3]
    codes, between = counted(np.array([2**61 + 3, 2**61]), np.array([2.0**61, 2.0**61]), 0, 2**30)
    assert (codes.tolist(), between.tolist()) == ([2.0**31, 2.0**31], [True, False])
