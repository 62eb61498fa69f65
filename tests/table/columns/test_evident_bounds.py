"""Bounds of numbers and dates: shown by the rows or declared, kept by draws, no row's value."""

import json
import math

import numpy as np
import pandas as pd
import pytest
from helpers.command_line import chainrule

import chainrule as cr
from chainrule.errors import SchemaError
from chainrule.leaves.warps import Log, SymmetricLog
from chainrule.table import Schema, infer_schema
from chainrule.table.columns.evident_bounds import evident_bounds, evident_steps

QUICK = cr.FitConfig(hidden_size=8, components=3, epochs=3)


@pytest.mark.parametrize("seed", range(5))
def test_ends_are_bounds_where_the_density_does_not_fall_off(seed):
    rng, n = np.random.default_rng(seed), 5000
    right = [
        (rng.uniform(3.7, 9.2, n), (3.7, 9.2)),
        (rng.beta(0.5, 0.5, n), (0.0, 1.0)),
        (rng.exponential(3, n), (0.0, None)),
        (-rng.exponential(3, n), (None, 0.0)),
        (rng.normal(170, 10, n), (0.0, None)),
        (rng.normal(size=n), (None, None)),
        (rng.standard_t(3, n), (None, None)),
        (np.exp(rng.normal(size=n)), (0.0, None)),
    ]
    for values, bounds in right:
        found = evident_bounds(values, min_count=5)
        assert found == pytest.approx(bounds, abs=0.005)


@pytest.mark.parametrize("min_count", [1, 5, 20])
def test_an_end_lies_beyond_the_outermost_rows_and_is_none_of_them(min_count):
    values = np.random.default_rng(0).uniform(3.7, 9.2, 600) + 1e-7
    for end, sign in zip(evident_bounds(values, min_count=min_count), (-1, 1), strict=True):
        outermost = np.sort(sign * values)[-min_count:]
        assert sign * end > outermost.max()
        assert f"{end:.4g}" == f"{end:.15g}"
    assert evident_bounds(values[:30], min_count=min_count) == (None, None)


@pytest.fixture(scope="module")
def fitted():
    rng, n = np.random.default_rng(0), 600
    frame = pd.DataFrame(
        {
            "share": rng.beta(0.5, 0.5, n),
            "wait": rng.exponential(3, n),
            "half": np.abs(rng.normal(size=n)),
            "even": rng.uniform(3.7, 9.2, n),
        }
    )
    return frame, cr.fit(frame, seed=0, config=QUICK, verbose=False)


def test_no_draw_lies_beyond_evident_bounds_and_none_pile_up(fitted):
    _, density = fitted
    drawn = density.sample(4000, seed=1)
    for name, (least, most) in {
        "share": (0, 1),
        "wait": (0, math.inf),
        "half": (0, math.inf),
        "even": (3.7, 9.2),
    }.items():
        assert drawn[name].between(least, most).all()
        assert (drawn[name].isin([least, most])).mean() < 0.001
    lines = str(density.schema).splitlines()
    assert lines[2].endswith("from 0 on")
    assert lines[3].endswith("from 3.7 to 9.2")


def test_densities_between_bounds_integrate_to_one(fitted):
    frame, density = fitted
    for name, grid in {
        "half": np.linspace(0, 9, 4001),
        "even": np.linspace(3.7, 9.2, 4001),
    }.items():
        asked = pd.DataFrame({name: grid})
        with pytest.warns(UserWarning, match="absent"):
            p = np.exp(density.log_prob(asked, strict=True))
        assert np.trapezoid(p, grid) == pytest.approx(1, abs=2e-3)
    with pytest.raises(
        SchemaError, match=r"value 9\.3 at row 0 is not among the numbers from 3\.7"
    ):
        density.log_prob(frame[:1].assign(even=9.3), strict=True)
    with pytest.warns(UserWarning, match="column 'even': 1 cell holds no value"):
        outside = density.log_prob(frame[:1].assign(even=9.3))
    empty = density.log_prob(frame[:1].assign(even=np.nan))
    assert outside[0] == pytest.approx(empty[0] - math.log(601), abs=1e-9)


def test_bounds_can_be_declared_and_are_kept(tmp_path):
    frame = pd.DataFrame({"x": np.random.default_rng(0).normal(size=300)})
    kinds = {"x": {"kind": "real", "least": -4, "most": 4.5}}
    schema = infer_schema(frame, kinds=kinds)
    assert (schema.columns[0].least, schema.columns[0].most) == (-4.0, 4.5)
    assert str(schema).endswith("as you said, from -4 to 4.5")
    assert Schema.from_json(json.loads(json.dumps(schema.to_json()))) == schema
    density = cr.fit(frame, kinds=kinds, seed=0, config=QUICK, verbose=False)
    density.save(tmp_path / "m")
    assert np.array_equal(cr.load(tmp_path / "m").log_prob(frame), density.log_prob(frame))
    cents = frame.round(1).clip(-2, 2)
    bounded = {"x": {"kind": "real", "least": -2, "most": 2}}
    density = cr.fit(cents, kinds=bounded, seed=0, config=QUICK, verbose=False)
    grid = pd.DataFrame({"x": np.arange(-20, 21) / 10})
    assert np.exp(density.log_prob(grid, strict=True)).sum() == pytest.approx(1, abs=1e-9)
    assert density.sample(2000, seed=0)["x"].between(-2, 2).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"least": 0}, "column 'x': value -.* at row .* is not among the numbers from 0 on"),
        ({"most": 0.5}, "column 'x': value .* is not among the numbers up to 0.5"),
        ({"least": "a"}, r"kinds\['x'\] least = 'a': pass a number"),
        ({"least": math.inf}, r"kinds\['x'\] least = inf: pass a finite number"),
        ({"least": 3, "most": 2}, "column 'x': no numbers lie from 3 to 2"),
    ],
)
def test_bounds_that_do_not_fit_are_explained(options, message):
    frame = pd.DataFrame({"x": np.random.default_rng(0).normal(size=100)})
    with pytest.raises(SchemaError, match=message):
        infer_schema(frame, kinds={"x": {"kind": "real", **options}})


@pytest.mark.parametrize("seed", range(3))
def test_ends_of_integers_are_bounds_where_masses_do_not_fall_off(seed):
    rng, n = np.random.default_rng(seed), 5000
    right = [
        (rng.integers(18, 91, n), (18, 90)),
        (rng.integers(1, 6, n), (1, 5)),
        (rng.geometric(0.1, n), (1, None)),
        (rng.poisson(4, n), (0, None)),
        (-rng.poisson(4, n), (None, 0)),
        (np.floor(10 ** rng.uniform(0, 4, n)).astype(int), (1, None)),
        (rng.normal(0, 20, n).round().astype(int), (None, None)),
        (rng.normal(500, 20, n).round().astype(int), (0, None)),
    ]
    for values, bounds in right:
        assert evident_steps(values, min_count=5) == bounds


@pytest.mark.parametrize("min_count", [2, 5, 20])
def test_an_end_that_fewer_rows_have_is_rounded_outwards(min_count):
    """The bound does not tell which of at least two integers is the outermost one."""
    shown = {
        last: evident_steps(np.repeat(np.arange(400, last + 1), min_count - 1), min_count=min_count)
        for last in (999, 1000, 1001)
    }
    assert all(end > last for last, (_, end) in shown.items())
    assert len({end for _, end in shown.values()}) < 3
    assert {least for least, _ in shown.values()} == {398}
    enough = np.repeat(np.arange(400, 1002), min_count)
    assert evident_steps(enough, min_count=min_count) == (400, 1001)


CASE = np.random.default_rng(0)
B3 = pd.DataFrame(
    {
        "share": CASE.beta(0.5, 0.5, 600),
        "age": CASE.integers(18, 91, 600),
        "wait": CASE.exponential(3, 600),
        "odd": 2 * CASE.integers(0, 400, 600) + 1,
        "counts": np.where(
            CASE.random(600) < 0.3, 0, np.floor(10 ** CASE.uniform(0, 4, 600))
        ).astype(int),
        "price": np.floor(CASE.exponential(30, 600)) + 0.95,
        "rated": CASE.integers(2, 11, 600) / 2,
    }
)


@pytest.fixture(scope="module")
def case():
    config = cr.FitConfig(hidden_size=16, components=5, epochs=60)
    return cr.fit(B3, seed=0, config=config, verbose=False)


def test_no_integer_is_drawn_beyond_its_bounds_and_none_pile_up(case):
    drawn = case.sample(6000, seed=1)
    assert drawn["share"].between(0, 1).all()
    assert (drawn["wait"] >= 0).all()
    assert drawn["age"].between(18, 90).all()
    assert (drawn["odd"] % 2 == 1).all()
    assert drawn["odd"].between(1, 801).all()
    assert (drawn["counts"] >= 0).all()
    assert drawn["rated"].between(1, 5).all()
    for end in (18, 90):
        error = math.sqrt(1 / 73 * (1 - 1 / 73) / 600)  # of a table's share
        assert abs((drawn["age"] == end).mean() - 1 / 73) < 2 * error
    zeros = (B3["counts"] == 0).mean()
    assert abs((drawn["counts"] == 0).mean() - zeros) < 2 * math.sqrt(zeros * (1 - zeros) / 600)
    assert 0.6 < np.log1p(drawn["counts"]).mean() / np.log1p(B3["counts"]).mean() < 1.6


def test_the_schema_says_scales_and_bounds_of_integers(case):
    said = {column.name: column.reason for column in case.schema.columns}
    assert said["age"] == "whole numbers, 73 different, from 18 to 90"
    assert said["odd"].endswith(" different, from 1 to 801")
    assert said["counts"].endswith(" different, log scale, from 0 on")
    assert said["rated"] == "numbers, 9 different, multiples of 0.5, from 1 to 5"
    by_name = {column.name: column for column in case.schema.columns}
    assert (by_name["odd"].step, by_name["odd"].origin) == (2.0, 1.0)
    assert (by_name["counts"].warp, by_name["counts"].atoms) == (Log(-0.5, 64.0), (0.0,))


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("age", np.arange(18, 91)),
        ("odd", np.arange(1, 803, 2)),
        ("rated", np.arange(2, 11) / 2),
    ],
)
def test_masses_between_bounds_sum_to_one(case, name, values):
    with pytest.warns(UserWarning, match="absent"):
        p = np.exp(case.log_prob(pd.DataFrame({name: values}), strict=True))
    assert p.sum() == pytest.approx(1, abs=1e-9)
    assert (p > 0).all()


def test_a_value_beyond_has_a_small_probability(case):
    empty = case.log_prob(B3[:1].assign(age=np.nan))
    for age in (17, 91, 10**6):
        with pytest.warns(UserWarning, match="its values are whole numbers from 18 to 90"):
            outside = case.log_prob(B3[:1].assign(age=age))
        assert outside[0] == pytest.approx(empty[0] - math.log(601), abs=1e-9)
    with pytest.raises(SchemaError, match=r"value 91 at row 0 is above the bound 90"):
        case.log_prob(B3[:1].assign(age=91), strict=True)


def test_scales_and_bounds_of_integers_can_be_declared_and_are_kept(case, tmp_path):
    case.save(tmp_path / "m")
    loaded = cr.load(tmp_path / "m")
    assert loaded.schema == case.schema
    assert np.array_equal(loaded.log_prob(B3), case.log_prob(B3))
    kinds = {
        "age": {"kind": "integer", "scale": "log", "least": 0},
        "odd": {"kind": "integer", "least": 0, "most": 1000},
        "rated": {"kind": "real", "scale": "symlog", "most": 7.25},
        "counts": {"kind": "integer", "scale": "linear"},
    }
    schema = infer_schema(B3[[*kinds]], kinds=kinds)
    age, odd, rated, counts = (schema.columns[schema.number(name)] for name in kinds)
    assert (age.warp.origin, age.least, age.most) == (-0.5, 0, None)
    assert (odd.step, odd.least, odd.most, odd.bound_codes) == (2.0, 0, 1000, (0, 499))
    assert (counts.warp, counts.least) == (None, 0)
    assert (type(rated.warp), rated.bound_codes) == (SymmetricLog, (None, 14.0))
    assert age.reason == "as you said, log scale, from 0 on"
    assert rated.reason == "as you said, multiples of 0.5, symmetric log scale, up to 7.25"
    assert Schema.from_json(json.loads(json.dumps(schema.to_json()))) == schema
    density = cr.fit(B3[[*kinds]], kinds=kinds, seed=0, config=QUICK, verbose=False)
    asked = pd.DataFrame({"rated": np.arange(-4000, 15) / 2})
    with pytest.warns(UserWarning, match="absent"):
        p = np.exp(density.log_prob(asked, strict=True))
    assert p.sum() == pytest.approx(1, abs=1e-3)


def test_the_command_line_declares_them(tmp_path):
    B3[["age", "share", "rated"]].to_csv(tmp_path / "t.csv", index=False)
    options = ["--kind", "age=integer,log,0..", "--kind", "share=real,-1..2"]
    options += ["--kind", "rated=real,..5"]
    small = ["--epochs", 1, "--hidden-size", 4, "--seed", 0]
    code, _, errors = chainrule("fit", "t.csv", "-o", "m", *options, *small, cwd=tmp_path)
    assert code == 0, errors
    age, share, rated = cr.load(tmp_path / "m").schema.columns
    assert (age.warp.origin, age.least, age.most) == (-0.5, 0, None)
    assert (share.least, share.most, rated.least, rated.most) == (-1.0, 2.0, None, 5.0)
    code, _, errors = chainrule(
        "fit", "t.csv", "-o", "m", "--kind", "age=integer,0.5..", *small, cwd=tmp_path
    )
    assert code == 2
    assert "0.5" in errors


def test_an_end_may_be_abrupt_where_the_masses_rise():
    """Ages of workers begin at 17 and rise until 30; a Poisson count has no last value."""
    rng = np.random.default_rng(0)
    ages = np.round(rng.gamma(6, 5, 20_000) + 8).astype(int)
    least, most = evident_steps(ages[ages >= 17], min_count=5)
    assert (least, most) == (17, None)
    for mean in (2.0, 20.0, 200.0):
        for seed in range(20):
            counts = np.random.default_rng(seed).poisson(mean, 5000)
            assert evident_steps(counts, min_count=5)[1] is None, (mean, seed)


@pytest.mark.parametrize("n", [200, 1000, 5000])
def test_few_values_are_all_there_are_unless_they_fade_out(n):
    """The most children of a thousand families are no bound; the six sides of a die are."""
    for seed in range(10):
        rng = np.random.default_rng(seed)
        counts = rng.poisson(0.3, n), rng.poisson(1, n), rng.geometric(0.5, n)
        stars = rng.choice([1, 2, 3, 4, 5], n, p=[0.15, 0.1, 0.15, 0.25, 0.35])
        frame = pd.DataFrame(dict(enumerate((*counts, rng.integers(1, 7, n), stars))))
        *fading, die, rating = cr.infer_schema(frame, ties="none").columns
        assert [column.most for column in fading] == [None] * 3
        assert ((die.least, die.most), (rating.least, rating.most)) == ((1, 6), (1, 5))


ENDS = np.random.default_rng(3)


@pytest.mark.parametrize(
    ("values", "bounds"),
    [
        (ENDS.integers(0, 101, 400), (0, 100)),
        (ENDS.integers(1, 101, 400), (1, 100)),
        (ENDS.integers(0, 360, 600), (0, 359)),
        (ENDS.uniform(-1, 1, 600).round(2), (-1, 1)),
        (ENDS.integers(18, 91, 400), (18, 90)),
        ((ENDS.integers(0, 300, 600) / 299), (0, 1)),
        (-(3 * ENDS.integers(0, 200, 400) + 2), (-614, -2)),
        (ENDS.integers(0, 256, 600).astype(np.uint8), (0, 255)),
        (ENDS.integers(-128, 128, 600).astype(np.int8), (-128, 127)),
        (ENDS.normal(3.2, 0.6, 600).clip(None, 4).round(2), (0, 4)),
    ],
)
def test_ends_are_not_rounded_beyond_natural_ones_zero_or_the_type(values, bounds):
    """Few rows have an end, so that it is rounded outwards: but never past 1, 100 or 359."""
    (column,) = infer_schema(pd.DataFrame({"x": values})).columns
    assert (column.least, column.most) == pytest.approx(bounds, abs=1e-9)


@pytest.mark.parametrize(
    ("values", "bounds"),
    [
        (np.minimum(ENDS.gamma(2, 400, 800), 1500).round(2), (0, 1500)),
        (np.maximum(ENDS.normal(0.05, 0.6, 800), -1), (-1, None)),
        (np.minimum(ENDS.normal(50, 20, 800).clip(18), 85).round().astype(int), (18, 85)),
        (np.minimum(ENDS.normal(50, 5, 800).round(1), 60.1), (None, 60.1)),
        # A usual price is no cap: others are as usual.
        (np.r_[ENDS.normal(50, 20, 730).round(3), np.repeat([10.0, 50, 140], [20, 40, 12])], None),
    ],
)
def test_an_atom_at_an_end_is_a_bound_if_no_other_is_heavier(values, bounds):
    (column,) = infer_schema(pd.DataFrame({"x": values})).columns
    if bounds is None:
        assert column.most is None
    else:
        least, most = bounds
        assert column.most == most
        assert least is None or column.least == least


def test_a_full_field_of_nines_is_an_end_where_rows_pile_up():
    """Hours of two digits: twelve rows of 4,000 have 99, and hardly one has 95 to 98."""
    hours = np.random.default_rng(0).gamma(8, 5.3, 4000).round().astype(int)
    hours = hours[hours < 97]
    piled = np.append(hours, [99] * 12)
    for values, most in (
        (piled, 99),
        (np.append(hours, [99]), None),  # a single row shows nothing
        (np.append(hours, [98] * 12), None),
        (np.append(piled, [112]), None),
        (np.append(piled, [89] * 12), None),  # usual prices end so
        (piled * 0.1, None),
        (np.repeat([19, 49, 99, 199, 499, 799, 999], [90, 70, 50, 40, 20, 12, 8]), None),
    ):
        (column,) = infer_schema(pd.DataFrame({"x": values})).columns
        assert column.most == most, most


def test_no_draw_lies_below_a_limit_of_detection():
    rng, n = np.random.default_rng(0), 800
    frame = pd.DataFrame({"v": np.maximum(10.0 ** rng.uniform(-3, 2, n), 0.05)})
    density = cr.fit(frame, seed=0, config=QUICK, verbose=False)
    drawn = density.sample(3000, seed=1)["v"]
    assert drawn.min() == 0.05
    assert abs((drawn == 0.05).mean() - (frame["v"] == 0.05).mean()) < 0.06
