"""The scale of a column of continuous numbers: found, said, overridden, and kept to the laws."""

import json
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch

import chainrule as cr
from chainrule.conditionals import Distribution, GaussianMixture
from chainrule.errors import FormatError, SchemaError
from chainrule.leaves.warps import Log, Logit, Quantiles, SymmetricLog
from chainrule.table import Schema, infer_schema
from chainrule.tasks.impute import mean_codes

QUICK = cr.FitConfig(hidden_size=8, components=3, epochs=2)


def numbers_of(name, seed=0, n=800):
    rng = np.random.default_rng(seed)
    return {
        "decades": 10 ** rng.uniform(-3, 3, n),
        "incomes": np.exp(rng.normal(10, 1, n)),
        "waits": rng.exponential(3, n),
        "amounts": np.sinh(rng.normal(0, 3, n)),
        "shares": rng.beta(0.5, 0.5, n),
        "heights": rng.normal(170, 10, n),
        "errors": rng.normal(size=n),
        "two groups": np.where(rng.random(n) < 0.5, rng.normal(0, 1, n), rng.normal(9, 1, n)),
    }[name]


def column_of(numbers, **options):
    (column,) = infer_schema(pd.DataFrame({"x": numbers}), **options).columns
    return column


@pytest.mark.parametrize(
    ("name", "warp", "words"),
    [
        ("decades", Log, "log scale"),
        ("incomes", Log, "log scale"),
        ("waits", None, "from 0 on"),
        ("amounts", SymmetricLog, "symmetric log scale"),
        ("shares", Logit, "logit scale"),
        ("heights", None, "800 different"),
        ("errors", None, "800 different"),
        ("two groups", None, "800 different"),
    ],
)
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("unit", [1.0, 2.0**-20, 1000.0])
def test_the_scale_is_found_in_any_unit_and_said(name, warp, words, seed, unit):
    if name == "shares" and unit != 1:
        pytest.skip("shares have a unit of their own")
    column = column_of(numbers_of(name, seed) * unit)
    assert type(column.warp) is (type(None) if warp is None else warp)
    assert column.reason.endswith(words)


def test_a_power_of_two_changes_no_code_on_a_scale():
    for name in ("decades", "amounts"):
        values = numbers_of(name)
        one, two = column_of(values), column_of(values * 1024)
        assert np.array_equal(one.encode(values, str), two.encode(values * 1024, str))


@pytest.mark.parametrize(
    "container", [pd.DataFrame, pl.DataFrame, lambda d: np.array([*d.values()]).T]
)
def test_numbers_over_decades_are_drawn_positive_and_described_as_well_as_their_logarithms(
    container,
):
    """The draws of a linear scale were negative in a quarter of the rows, 2.2 nats behind."""

    def table(seed, n, taken=np.array):
        rng = np.random.default_rng(seed)
        conc = 10.0 ** rng.uniform(-3, 3, n)
        return {"conc": taken(conc), "noisy": np.log10(conc) + rng.normal(0, 0.2, n)}

    options = {"effort": "quick", "seed": 0, "verbose": False}
    density = cr.fit(container(table(0, 800)), **options)
    logs = cr.fit(container(table(0, 800, np.log)), **options)
    rows = table(1, 2000)
    drawn = density.sample(2000, seed=1)
    conc = np.asarray(drawn)[:, 0].astype(float)
    assert conc.min() > 0
    assert 0.5 < np.median(conc) < 2
    of_logs = logs.score(container(table(1, 2000, np.log))) - np.log(rows["conc"]).mean()
    assert density.score(container(rows)) > of_logs - 0.1


def test_densities_on_every_scale_integrate_to_one_in_the_tables_units():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "log": np.where(rng.random(600) < 0.3, 0.0, np.exp(2 * rng.normal(size=600))),
            "symlog": numbers_of("amounts", n=600),
            "logit": np.where(rng.random(600) < 0.2, 1.0, rng.beta(0.5, 0.5, 600)),
            "quantile": rng.normal(size=600),
        }
    )
    kinds = {"quantile": {"kind": "real", "scale": "quantile"}}
    config = replace(QUICK, conditional="gaussian")
    density = cr.fit(frame, kinds=kinds, seed=0, verbose=False, config=config)
    found = {column.name: column for column in density.schema.columns}
    warps = (Log, SymmetricLog, Logit, Quantiles)
    assert [type(column.warp) for column in found.values()] == list(warps)
    assert (found["log"].atoms, found["logit"].atoms) == ((0.0,), (1.0,))
    z = np.linspace(-9, 9, 4001)
    for name, column in found.items():
        grid = column.warp.inverse(z * column.spread + column.center)
        inside = np.unique(grid[(grid > column.warp.low) & (grid < column.warp.high)])
        asked = pd.DataFrame({name: np.append(inside, column.atoms)})
        with pytest.warns(UserWarning, match="absent"):
            p = np.exp(density.log_prob(asked, strict=True))
        total = np.trapezoid(p[: len(inside)], inside) + p[len(inside) :].sum()
        assert total == pytest.approx(1, abs=2e-3), name
        mass = p[len(inside) :].sum()
        assert mass == pytest.approx({"log": 0.3, "logit": 0.2}.get(name, 0), abs=0.1)


@pytest.mark.parametrize("name", ["decades", "incomes", "amounts", "shares"])
def test_values_come_back_and_draws_however_far_lie_within_the_scale(name):
    values = numbers_of(name)
    column = column_of(values)
    assert np.allclose(column.decode(column.encode(values, str)), values, rtol=1e-12)
    far = column.decode(np.array([-1e6, -400.0, 400.0, 1e6]))
    assert np.isfinite(far).all()
    assert (far > column.warp.low).all()
    assert (far < column.warp.high).all()
    assert np.isfinite(column.log_scale(np.array([-400.0, 400.0]))).all()
    assert np.isfinite(column.encode(far, str)).all()


def test_a_value_beyond_the_scale_lies_outside_and_is_scored():
    values = numbers_of("decades", n=400)
    frame = pd.DataFrame({"x": values, "y": numbers_of("errors", n=400)})
    density = cr.fit(frame, seed=0, config=QUICK, verbose=False)
    odd = frame[:3].copy()
    odd.loc[1, "x"] = -5.0
    with pytest.warns(UserWarning, match="column 'x': 1 cell holds no value .* numbers above 0"):
        nats = density.log_prob(odd)
    empty = odd.copy()
    empty.loc[1, "x"] = np.nan
    assert nats[1] == pytest.approx(density.log_prob(empty)[1] - math.log(401), abs=1e-9)
    with pytest.warns(UserWarning, match="column 'x': 1 cell holds no value"):
        oddest = density.oddest(odd, top=1)
    assert oddest[["row", "column", "bits"]].to_numpy().tolist() == [[1, "x", 1000]]
    message = (
        "column 'x': value -5.0 at row 1 is not among the numbers above 0 that a log scale has"
    )
    with pytest.raises(SchemaError, match=message):
        density.log_prob(odd, strict=True)


def test_means_are_those_of_values():
    """A normal distribution of logarithms has the mean e^(μ + σ²/2), an atom its share of it."""
    values = np.exp(np.random.default_rng(0).normal(size=3000))
    columns = [
        column_of(values),
        column_of(np.append(values, np.zeros(1500))),
        column_of(numbers_of("errors")),
    ]
    assert [type(column.warp) for column in columns] == [Log, Log, type(None)]
    mixture = GaussianMixture(1)
    params = torch.tensor([[0.0, 0.0, 0.5413], [0.0, 0.5, 0.5413]], dtype=torch.float64)
    z = np.array([0.0, 0.5])
    for column in (columns[0], columns[2]):
        found = column.decode(
            mean_codes([column], np.zeros(2, int), Distribution.of(mixture, params))
        )
        deviation = 1.0013  # the least scale is added
        right = column.center + column.spread * z
        if column.warp is not None:
            right = column.warp.unit * np.exp(right + (column.spread * deviation) ** 2 / 2)
        assert found == pytest.approx(right, rel=0.01)
    zeros = cr.Atoms(columns[1].atom_codes(), mixture)
    params = torch.cat([torch.zeros(2, 2, dtype=torch.float64), params], dim=1)
    found = columns[1].decode(
        mean_codes([columns[1]], np.zeros(2, int), Distribution.of(zeros, params))
    )
    right = columns[1].warp.unit * np.exp(
        columns[1].center + columns[1].spread * z + 0.5 * columns[1].spread ** 2
    )
    assert found == pytest.approx(right / 2, rel=0.02)


@pytest.mark.parametrize("step", [1, 0.25])
def test_means_of_masses_are_those_within_the_range_of_the_training_rows(step):
    """Under a logarithm, masses far beyond the range are small, but they decide the mean."""
    counts = np.floor(np.exp(np.random.default_rng(0).normal(3, 1.5, size=4000)))
    column = column_of(np.append(counts, np.zeros(2000)) * step)
    assert column.step == step
    assert column.warp is not None
    base = cr.DiscretizedLogisticMixture(1, 0, None, column.center, column.spread, warp=column.warp)
    counted = cr.Atoms(column.atom_codes(), base)
    params = torch.zeros(3, counted.param_width, dtype=torch.float64)
    params[:, len(column.atom_codes())] = 2.0  # the share of the rest
    params[:, -1] = torch.tensor([-1.0, 0.5, 2.0])  # softplus is the scale
    distribution = Distribution.of(counted, params)
    assert distribution.mean()[-1] > 1e3 * column.high
    found = mean_codes([column], np.zeros(3, int), distribution)
    every = torch.arange(math.floor(column.high) + 1, dtype=torch.float64)
    p = distribution.log_prob_grid(every.expand(3, -1)).exp()
    right = p @ every + (1 - p.sum(1)) * math.floor(column.high)
    assert found == pytest.approx(right.numpy(), rel=2e-3)
    assert column.decode(found).max() < counts.max() * step


def test_filled_means_are_those_of_the_rows_and_not_of_their_logarithms():
    values = np.exp(2 * np.random.default_rng(0).normal(size=2000))
    frame = pd.DataFrame({"x": values, "y": numbers_of("errors", n=2000)})
    density = cr.fit(frame, seed=0, verbose=False, effort="quick")
    holes = frame[:5].assign(x=np.nan)
    assert density.impute(holes, how="mean")["x"].mean() == pytest.approx(values.mean(), rel=0.3)
    assert density.impute(holes, how="best")["x"].mean() == pytest.approx(1, rel=0.3)


def test_a_scale_can_be_chosen_and_is_kept_in_a_file(tmp_path):
    frame = pd.DataFrame({"x": numbers_of("incomes", n=300), "y": numbers_of("heights", n=300)})
    kinds = {"x": {"kind": "real", "scale": "linear"}, "y": {"kind": "real", "scale": "symlog"}}
    schema = infer_schema(frame, kinds=kinds)
    assert [type(column.warp) for column in schema.columns] == [type(None), SymmetricLog]
    assert str(schema).splitlines()[1].endswith("as you said, symmetric log scale, from 0 on")
    assert Schema.from_json(json.loads(json.dumps(schema.to_json()))) == schema
    density = cr.fit(frame, kinds=kinds, seed=0, config=QUICK, verbose=False)
    density.save(tmp_path / "m")
    assert np.array_equal(cr.load(tmp_path / "m").log_prob(frame), density.log_prob(frame))


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (
            {"kind": "real", "scale": "lug"},
            r"kinds\['x'\]: scale 'lug' is unknown; .*nearest: 'log'",
        ),
        ({"kind": "real", "scale": "log"}, "column 'x': a log scale needs numbers above 0"),
        ({"kind": "real", "scale": "logit"}, "column 'x': a logit scale needs numbers between two"),
        ({"kind": "real", "scale": "quantile"}, "column 'x': a scale of quantiles needs more rows"),
        ({"kind": "binary", "scale": "log"}, r"kinds\['x'\]: option 'scale' is unknown"),
    ],
)
def test_scales_that_do_not_fit_are_explained(kind, message):
    with pytest.raises(SchemaError, match=message):
        infer_schema(pd.DataFrame({"x": numbers_of("errors", n=100)}), kinds={"x": kind})


def test_damaged_scales_are_format_errors():
    schema = infer_schema(pd.DataFrame({"x": numbers_of("decades")}))
    for damage in ({"kind": "Lug"}, {"kind": "Log", "unit": 0.0}, {"kind": "Log", "x": 1}, 3):
        spec = json.loads(json.dumps(schema.to_json()))
        spec["columns"][0]["warp"] = damage
        with pytest.raises(FormatError):
            Schema.from_json(spec)


@pytest.mark.parametrize("values", [[1.5] * 99, [0.1, 0.2, 1e9], [1e-150, 1e150] * 50])
def test_degenerate_columns_have_a_linear_scale_or_finite_codes(values):
    column = column_of(np.array(values) * (1 + 1e-9 * np.arange(len(values))), min_count=1)
    codes = column.encode(column.decode(np.array([column.low, column.high])), str)
    assert np.isfinite(codes).all()


@pytest.mark.parametrize("rows", [40, 41, 57, 101, 127, 129, 2001])
def test_any_number_of_rows_has_a_scale(rows):
    column = column_of(numbers_of("incomes", n=rows))
    assert column.kind == "real"
    counts = np.floor(numbers_of("incomes", n=rows) / 100)
    assert column_of(counts).kind == "integer"


@pytest.mark.parametrize("begin", [2**24, 2**40, 2**60])
@pytest.mark.parametrize("scale", ["logit", "log", "symlog"])
def test_a_scale_of_large_integers_counts_from_one_of_them(begin, scale):
    values = begin + np.random.default_rng(0).integers(0, 15, 300)
    kind = {"kind": "integer", "scale": scale, "least": begin, "most": begin + 14}
    (small,) = infer_schema(
        pd.DataFrame({"v": values - begin}), kinds={"v": kind | {"least": 0, "most": 14}}
    ).columns
    (large,) = infer_schema(pd.DataFrame({"v": values}), kinds={"v": kind}).columns
    assert large.origin - begin == small.origin == 0
    assert large.warp == small.warp
    assert (large.least, large.most) == (begin, begin + 14)
    assert (large.center, large.spread, large.low, large.high) == (
        small.center,
        small.spread,
        small.low,
        small.high,
    )


@pytest.mark.parametrize(
    ("unit", "word"), [(1e-200, "underflow"), (5e-320, "underflow"), (1e300, "overflow")]
)
def test_numbers_whose_squares_float64_does_not_hold_are_refused(unit, word):
    values = np.random.default_rng(0).normal(size=100) * unit
    with pytest.raises(
        SchemaError, match=f"column 'v': values up to .* {word}; rescale the column"
    ):
        infer_schema(pd.DataFrame({"v": values}))
