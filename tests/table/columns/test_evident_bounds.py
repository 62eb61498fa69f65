"""Bounds of continuous numbers: shown by the rows or declared, kept by draws, no row's value."""

import json
import math

import numpy as np
import pandas as pd
import pytest

import chainrule as cr
from chainrule.errors import SchemaError
from chainrule.table import Schema, infer_schema
from chainrule.table.columns.evident_bounds import evident_bounds

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
