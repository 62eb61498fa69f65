"""Nothing that belongs to few rows can be read in a model file, or computed from what it holds."""

import itertools
import re
import warnings
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest

import chainrule as cr
from chainrule import fileformat
from chainrule.conditionals import Atoms, Tied
from chainrule.table import infer_schema
from chainrule.table.columns.disclosure import (
    gap_of_few,
    is_of_few,
    is_shared_difference,
    rounded_divisor,
    rounded_ends,
    rounded_scale,
    shared_divisor,
)
from chainrule.table.columns.grid import knots_of
from chainrule.training.rows import rows_held_out

N = 400
COMPONENTS = 3
CLOSE = 1e-3  # of a value: a number nearer than that discloses it
FEW_VALUES = (83471.0, 51237.0, 64123.0, 97411.0)
DAYS = ("1987-04-23", "1951-11-02", "1967-03-17", "2071-08-09")
RNG = np.random.default_rng(0)
USUAL = {
    "zeros": np.zeros(N),
    "constant": np.full(N, 170.0),
    "normal": RNG.normal(size=N),
    "whole": RNG.integers(0, 60, N).astype(float),
    "cents": RNG.integers(0, 6000, N) / 100,
    "steps of 250": RNG.integers(0, 40, N) * 250.0,
    "heavy tail": np.exp(1.5 * RNG.normal(size=N)),
    "counts": np.floor(np.exp(1.5 * RNG.normal(size=N) + 3)),
    "unknown": np.full(N, np.nan),
}


def numbers_in(spec: object) -> Iterator[float]:
    """All numbers of a JSON value."""
    if isinstance(spec, (int, float)) and not isinstance(spec, bool):
        yield float(spec)
    elif isinstance(spec, (dict, list)):
        for part in spec.values() if isinstance(spec, dict) else spec:
            yield from numbers_in(part)


def of_schema(column, rows):
    """What an attacker computes from stored numbers: values, sums of rows, ends of deviations.

    All of them are in the units of the table.
    """
    found = list(numbers_in(column.to_json()))
    if column.kind in ("binary", "categorical"):
        return found
    unit, zero = (
        (column.spread, float(column.center))
        if column.step is None
        else (column.step, float(column.origin))
    )
    codes = [column.low, column.high, *column.knots]
    codes += [0.0, 1.0] if column.step is None else [float(column.center), column.spread]
    points = [zero + unit * code for code in codes] + [
        float(atom) for atom in getattr(column, "atoms", ())
    ]  # dates have none
    found += points + [unit * code for code in codes]
    found += [a + sign * b for a, b in itertools.product(points, points) for sign in (1, -1)]
    mean, spread = (
        (zero, unit)
        if column.step is None
        else (zero + unit * float(column.center), unit * column.spread)
    )
    for few in (1, 2, 3, 4):
        found += [mean + sign * spread * np.sqrt(rows / few) for sign in (1, -1)] + [
            mean * rows / few
        ]
        found += [
            (window * point - rest * mean) / few
            for point in points
            for window, rest in ((5, 0), (5, 5 - few))
        ]
    warp = getattr(column, "warp", None)
    if warp is None:
        return found
    more = in_values(warp, found)
    return found + more + ([] if column.step is None else [zero + unit * code for code in more])


def in_values(warp, found):
    """The values at numbers on a scale that is not linear."""
    with np.errstate(over="ignore"):
        return warp.inverse(np.array(found)).tolist() + list(numbers_in(warp.to_json()))


def of_network(density, name):
    """The locations of the mixtures that the output biases alone describe, in the table's units."""
    schema, network = density.schema, density.model.network
    k, widths = schema.names.index(name), network.columns.param_widths
    own = density.model.arrays()["output_bias"].astype(float).reshape(-1, sum(widths))
    mixture = network.columns.conditionals[k]
    while isinstance(mixture, Atoms | Tied):
        mixture = mixture.base
    count = mixture.components
    params = own[:, sum(widths[:k]) : sum(widths[: k + 1])][:, -3 * count :].reshape(-1, 3, count)
    column = schema.columns[k]
    z = params[:, 1] * (mixture.least_scale + np.logaddexp(0, params[:, 2]))
    codes = np.concatenate([z.ravel(), z.mean(1)]) * column.spread + float(column.center)
    warp = getattr(column, "warp", None)
    if column.step is not None:
        steps = codes if warp is None else np.array(in_values(warp, codes))
        return (float(column.origin) + column.step * steps).tolist()
    return codes.tolist() if warp is None else in_values(warp, codes)


def is_disclosed(value, found):
    return any(abs(number - value) <= CLOSE * abs(value) for number in found)


def with_few(usual, few_values):
    values = usual.copy()
    values[7 : 7 + len(few_values)] = few_values
    return values


def table_with(few):
    """A table with a column of each kind in which few rows have unique values, and these values."""
    few_values = np.array(FEW_VALUES[:few])
    columns = {name: with_few(usual, few_values) for name, usual in USUAL.items()}
    columns |= {
        f"{name}, as integers": columns[name].astype(int)
        for name in ("zeros", "constant", "whole", "counts")
    }
    columns["parts"] = with_few(USUAL["normal"], few_values + 0.55)
    columns["below"] = with_few(USUAL["zeros"], -few_values)
    columns["large"] = np.array([2**60] * N) + with_few(USUAL["whole"], few_values).astype(int)
    days = np.array(DAYS[:few], dtype="datetime64[s]")
    for name, day in (("died", "NaT"), ("as of", "2020-01-01"), ("seen", "2020-01-01")):
        columns[name] = np.full(N, np.datetime64(day, "s"))
        columns[name] += (
            RNG.integers(0, 900, N).astype("timedelta64[D]")
            if name == "seen"
            else np.timedelta64(0, "s")
        )
        columns[name][7 : 7 + few] = days
    columns["town"] = with_few(
        np.full(N, "north", dtype=object), [f"lone house {k}" for k in range(few)]
    )
    return pd.DataFrame(columns), few_values, days


@pytest.fixture(scope="module", params=[1, 2, 4])
def fitted(request, tmp_path_factory):
    table, few_values, days = table_with(request.param)
    path = tmp_path_factory.mktemp("few_values") / "m.chainrule"
    config = cr.FitConfig(hidden_size=4, components=COMPONENTS, epochs=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        density = cr.fit(table, seed=0, verbose=False, config=config)
    density.save(path)
    return density, path, few_values, days


def test_no_value_of_few_rows_stands_in_a_file_as_text_or_as_bytes(fitted):
    _, path, few_values, days = fitted
    data = path.read_bytes()
    header = data.split(b'"content":')[1]
    # Numbers, not digits: some number of many digits may hold those of a value.
    written = np.array(re.findall(rb"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?", header), dtype=float)
    for value in [*few_values, *(few_values + 0.55), *-few_values]:
        assert not np.isclose(written, value, rtol=1e-9, atol=0).any()
        for dtype in (np.float64, np.float32, np.int64, np.int32):
            assert np.array(value).astype(dtype).tobytes() not in data
    for day in days:
        assert str(day)[:10].encode() not in data
        for unit in ("D", "s", "us"):
            count = day.astype(f"datetime64[{unit}]").astype(np.int64)
            assert count.tobytes() not in data
            assert np.float64(count).tobytes() not in data
            assert unit == "D" or str(count).encode() not in data
    assert b"lone house" not in data


def test_no_value_of_few_rows_can_be_computed_from_the_numbers_of_a_file(fitted):
    density, path, few_values, days = fitted
    arrays = fileformat.read(path, kind="model").arrays
    weights = np.concatenate([array.astype(np.float64).ravel() for array in arrays.values()])
    for column in density.schema.columns:
        found = of_schema(column, N)
        own = {"below": -few_values, "parts": few_values + 0.55}
        values = own.get(column.name, few_values).tolist()
        if column.kind == "datetime":
            values = days.astype("datetime64[D]").astype(float).tolist()
        elif column.kind != "categorical":
            found += of_network(density, column.name)
        assert not [value for value in values if is_disclosed(value, found)], column
        assert not [value for value in values if np.isclose(weights, value, rtol=1e-6).any()]


@pytest.mark.parametrize("few", [1, 2, 4])
@pytest.mark.parametrize(
    "usual", ["zeros", "normal", "whole", "steps of 250", "heavy tail", "counts"]
)
def test_values_of_few_rows_far_below_all_others_cannot_be_computed(usual, few):
    few_values = -np.array(FEW_VALUES[:few])
    (column,) = infer_schema(pd.DataFrame({"c": with_few(USUAL[usual], few_values)})).columns
    found = of_schema(column, N)
    assert [value for value in few_values if is_disclosed(value, found)] == []


@pytest.mark.parametrize("usual", ["normal", "whole", "steps of 250", "heavy tail"])
def test_outer_knots_turn_with_the_numbers(usual):
    codes = with_few(USUAL[usual], FEW_VALUES[:2])
    knots, turned = knots_of(codes, window=5), knots_of(-codes, window=5)
    assert len(knots) == len(turned)
    for outer in (slice(0, 3), slice(-3, None)):
        assert turned[outer] == pytest.approx([-knot for knot in reversed(knots)][outer])


def test_a_value_of_one_row_between_values_of_many_cannot_be_computed():
    codes = np.sort(np.append(np.repeat([0.0, 1e6], N // 2), 83471.0))
    knots = knots_of(codes, window=5)
    assert not is_disclosed(83471.0, [5 * knot - many * 1e6 for knot in knots for many in range(5)])


def test_columns_known_in_few_rows_are_left_out_and_say_so(fitted):
    density, _, few_values, _ = fitted
    rows = f"{len(few_values)} row{'s' if len(few_values) > 1 else ''}"
    reason = f"known in {rows}, fewer than min_count = 5"
    assert {out.name: out.reason for out in density.schema.left_out} == {
        "unknown": reason,
        "died": reason,
    }


def test_rows_that_stand_apart_are_scored_and_drawn_as_ever(fitted):
    density, _, few_values, _ = fitted
    table = table_with(len(few_values))[0]
    scores = density.log_prob(table)
    assert np.isfinite(scores).all()
    assert density.training["skipped_steps"] == 0
    assert len(density.sample(10, seed=0)) == 10


@pytest.mark.parametrize("rows", [1, 2, 4])
def test_a_table_of_few_rows_is_fitted_and_not_disclosed(rows, tmp_path):
    few_values, days = np.array(FEW_VALUES[:rows]), np.array(DAYS[:rows], dtype="datetime64[s]")
    table = pd.DataFrame(
        {
            "whole": few_values.astype(int),
            "real": few_values + 0.55,
            "large": few_values.astype(int) * 10**14,
            "day": days,
        }
    )
    config = cr.FitConfig(hidden_size=4, components=COMPONENTS, epochs=1, learning_rate=2e-3)
    density = cr.fit(table, seed=0, verbose=False, config=config)
    density.save(tmp_path / "m.chainrule")
    data = (tmp_path / "m.chainrule").read_bytes()
    assert np.isfinite(density.log_prob(table)).all()
    for column, values in zip(
        density.schema.columns,
        [few_values, few_values + 0.55, few_values * 1e14, days],
        strict=True,
    ):
        found = of_schema(column, rows)
        if column.kind == "datetime":
            assert not [
                day
                for day in values.astype("datetime64[D]").astype(float)
                if is_disclosed(day, found)
            ]
        else:
            assert not [
                value
                for value in values
                if is_disclosed(value, found + of_network(density, column.name))
            ]
    assert not [day for day in DAYS[:rows] if day.encode() in data]
    waived = cr.infer_schema(table, min_count=1).columns[0]
    assert waived.high == max(few_values) or rows > 1


def test_of_few_validation_rows_no_columns_nats_are_kept():
    table = pd.DataFrame({"x": np.append(RNG.normal(size=99), 83471.0), "y": RNG.normal(size=100)})
    table.loc[5:, "y"] = np.nan
    config = cr.FitConfig(hidden_size=4, components=2, epochs=1)
    density = cr.fit(table.iloc[:90], table.iloc[90:], seed=0, verbose=False, config=config)
    assert density.training["columns"]["nats"] == [
        None,
        None,
    ]  # one row makes most of them, or none is known
    few = cr.fit(
        table[["x"]].iloc[:90], table[["x"]].iloc[90:93], seed=0, verbose=False, config=config
    )
    assert few.training["columns"]["independent_nats"] == [None]


def test_a_row_held_out_cannot_be_computed_from_the_nats_of_validation_rows():
    config, rows = cr.FitConfig(hidden_size=4, epochs=2), 40
    split = {"config": {"valid_fraction": rows / N}}
    seed = next(seed for seed in range(100) if 7 in rows_held_out(N, split | {"seed": seed}))
    table = pd.DataFrame({"gain": with_few(USUAL["zeros"], FEW_VALUES[:1])})
    density = cr.fit(table, network="nade", config=config, seed=seed, verbose=False)
    record = density.training
    assert record["valid_rows"] == rows
    assert 7 in rows_held_out(N, record)
    zero, row = density.log_prob(pd.DataFrame({"gain": [0.0, FEW_VALUES[0]]}))
    reached = [epoch["valid_nats"] for epoch in record["history"]] + [record["valid_nats"]]
    unit = record["rounded_to"]
    assert record["valid_is"] == "rounded, since few rows make most of it"
    assert [nats % unit for nats in [*reached, record["independent_valid_nats"]]] == [
        0.0
    ] * 4  # of two epochs, and of both models
    assert unit * rows >= -row / 8
    assert abs(record["valid_nats"] * rows + (rows - 1) * zero + row) <= unit * rows / 2 + 1e-6


def test_a_training_row_cannot_be_computed_from_the_nats_of_training_rows():
    config, table = (
        cr.FitConfig(hidden_size=4, epochs=10),
        pd.DataFrame({"gain": with_few(USUAL["zeros"], FEW_VALUES[:1])}),
    )
    density = cr.fit(table, network="nade", config=config, seed=0, verbose=False)
    record = density.training
    assert 7 not in rows_held_out(N, record)
    unit, nats = record["train_rounded_to"], [epoch["train_nats"] for epoch in record["history"]]
    assert [mean % unit for mean in nats] == [0.0] * len(nats)
    (row,) = density.log_prob(pd.DataFrame({"gain": FEW_VALUES[:1]}))
    assert unit * record["train_rows"] / 2 >= 0.01 * -row


@pytest.mark.parametrize("rows", [10, 30])
def test_the_nats_of_few_validation_rows_are_rounded(rows):
    table = pd.DataFrame({"x": USUAL["normal"][:rows]})
    record = cr.fit(
        table, config=cr.FitConfig(hidden_size=4, epochs=2), seed=0, verbose=False
    ).training
    assert record["valid_rows"] < 5
    assert record["valid_nats"] % record["rounded_to"] == 0
    free = cr.fit(
        table, min_count=1, config=cr.FitConfig(hidden_size=4, epochs=2), seed=0, verbose=False
    ).training
    assert "rounded_to" not in free


def test_a_row_that_has_most_of_the_weight_is_not_where_training_begins():
    table = pd.DataFrame({"x": np.append(RNG.normal(size=99), 7.25)})
    weight = np.append(np.ones(99), 1e6)
    config = cr.FitConfig(hidden_size=4, components=COMPONENTS, epochs=1, learning_rate=1e-9)
    density = cr.fit(table, seed=0, verbose=False, config=config, sample_weight=weight)
    assert not is_disclosed(7.25, of_network(density, "x"))


def test_what_many_rows_make_is_stored_exactly():
    """Ordinary columns have the moments that they always had."""
    frame = pd.DataFrame(
        {"normal": USUAL["normal"], "whole": USUAL["whole"], "steps": USUAL["steps of 250"]}
    )
    normal, whole, steps = cr.infer_schema(frame).columns
    assert (normal.center, normal.spread) == (
        frame.normal.mean(),
        pytest.approx(frame.normal.std(ddof=0), rel=1e-14),
    )
    assert (whole.center, whole.step) == (frame.whole.mean(), 1.0)
    assert (steps.center, steps.step) == (frame.steps.mean() / 250, 250.0)
    zeros = cr.infer_schema(pd.DataFrame({"x": with_few(USUAL["zeros"], [300.0] * 6)})).columns[0]
    assert zeros.atoms == (0.0, 300.0)  # six rows share it
    rated = cr.infer_schema(pd.DataFrame({"x": np.repeat([0.0, 0.5, 1.5], 50)})).columns[0]
    assert rated.step == 0.5


def test_the_ends_of_a_range_are_rounded_outwards():
    for column in cr.infer_schema(
        pd.DataFrame({k: USUAL[k] for k in ("normal", "whole", "heavy tail")})
    ).columns:
        values = USUAL[column.name]
        codes = column.encode(values, str)
        center, spread = (column.center, column.spread) if column.step else (0.0, 1.0)
        for end, extreme in ((column.low, codes.min()), (column.high, codes.max())):
            z = (end - center) / spread
            assert abs(z) >= abs((extreme - center) / spread)
            assert z * 2 == round(z * 2)


def test_the_rules_of_what_few_rows_tell():
    assert not is_of_few(np.array([83471.0]), 83471.0, min_count=1)  # waived
    assert is_of_few(np.arange(4.0), 1.5, min_count=5)
    several = np.append(USUAL["normal"], [61000.0, 60000.0, 40000.0, 30000.0])
    assert is_of_few(several, several.mean(), min_count=5)
    assert not is_of_few(several, several.mean(), min_count=3)  # four rows are enough
    shared = np.append(USUAL["normal"], [83471.0] * 5)
    assert not is_of_few(shared, shared.mean(), min_count=5)
    assert rounded_scale(83471.0, 83471.0) == (131072.0, 131072.0)
    assert rounded_ends(-0.2, 4.1) == (-0.5, 8.0)
    assert rounded_ends(5.0, 7.0) == (4.0, 8.0)
    ranked = np.sort(np.append(USUAL["normal"], 83471.0))
    assert gap_of_few(ranked, N - 4, window=5, least=1.0)
    assert not gap_of_few(ranked, 100, window=5, least=1.0)
    assert shared_divisor(np.array([0, 100, 300]), np.array([9, 9, 9]), min_count=5) == (100, True)
    assert shared_divisor(np.array([0, 100, 300]), np.array([9, 2, 2]), min_count=5) == (100, False)
    assert shared_divisor(np.array([3, 10**9 + 7]) * 100, np.array([99, 1]), min_count=5) == (
        100,
        False,
    )
    assert shared_divisor(np.arange(100) * 37, np.ones(100, dtype=int), min_count=5) == (37, True)
    assert not is_shared_difference(np.array([0, 9000, 18000]), np.array([1, 200, 2]), min_count=5)
    assert is_shared_difference(np.arange(0, 700, 7), np.ones(100, dtype=int), min_count=5)
    assert (
        rounded_divisor(65536, 65536),
        rounded_divisor(50000, 50000),
        rounded_divisor(625, 625, 4),
    ) == (
        256,
        16,
        625,
    )
