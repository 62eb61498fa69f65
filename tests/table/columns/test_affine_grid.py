"""Grids that need not begin at zero: odd numbers, prices that end in 99, and scaled integers."""

import warnings

import numpy as np
import pandas as pd
import pytest

import chainrule as cr
from chainrule.table import Schema, decode, encode, read_table
from chainrule.table.columns.affine_grid import affine_grid

N = 1200


def standardised(seed=0):
    """Ages as whole numbers, and what a scaler makes of them: their z-scores."""
    ages = np.random.default_rng(seed).integers(18, 90, N).astype(float)
    return ages, (ages - ages.mean()) / ages.std()


def columns_on_grids():
    """Numbers by name, with the step and one point of the grid of each, and how near they are."""
    rng = np.random.default_rng(0)
    ages, scores = standardised()
    step, point = 1 / ages.std(), scores[0]
    return {
        "odd": (2 * rng.integers(-300, 400, N) + 1, 2.0, 1.0, 0.0),
        "odd floats": (np.where(rng.random(N) < 0.1, np.nan, ages * 4 + 3), 4.0, 3.0, 0.0),
        "halves": (rng.integers(0, 40, N) * 2 + 0.5, 2.0, 0.5, 0.0),
        "prices": (rng.integers(1, 900, N) + 0.99, 1.0, 0.99, 0.0),
        "z-scores": (scores, step, point, 1e-12),
        "far": (1e3 + scores * 5, 5 * step, 1e3 + point * 5, 1e-10),
        "rounded": (scores.round(4), step, point, 1.1e-4),
        "single": (scores.astype(np.float32), step, point, 1e-6),
        "shares": ((ages - 18) / 71, 1 / 71, 0.0, 1e-12),
        "thirds": (rng.integers(0, 90, N) / 3, 1 / 3, 0.0, 1e-12),
    }


@pytest.mark.parametrize("name", columns_on_grids())
def test_draws_lie_on_the_grid_of_the_column(name):
    values, step, point, slack = columns_on_grids()[name]
    frame = pd.DataFrame({"x": values})
    (column,) = cr.infer_schema(frame).columns
    assert column.step == pytest.approx(step, rel=1e-4 if slack else 0)
    drawn = column.decode(np.random.default_rng(1).normal(0, 20, 500).round()).astype(np.float64)
    steps = (drawn - point) / step
    assert np.abs(steps - steps.round()).max() * step <= max(slack, 1e-12)
    schema = cr.infer_schema(frame)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        codes = encode(read_table(frame), schema).values
    back = decode(codes, schema)["x"]
    known = ~np.isnan(values.astype(float))
    assert np.abs(back[known] - values[known]).max() <= slack
    assert Schema.from_json(schema.to_json()) == schema


def test_the_line_of_the_schema_names_step_and_start():
    prices = columns_on_grids()["prices"][0]
    (column,) = cr.infer_schema(pd.DataFrame({"x": prices})).columns
    assert "steps of 1 from 0.99, from 0.99" in column.reason


def test_a_value_between_the_steps_of_a_scaled_column_warns():
    _, scores = standardised()
    schema = cr.infer_schema(pd.DataFrame({"x": scores}))
    between = pd.DataFrame({"x": [scores[0], scores[0] + schema.columns[0].step / 4]})
    with pytest.warns(UserWarning, match=r"1 value\(s\), such as .* lie between the steps of"):
        encode(read_table(between), schema)


def test_one_row_in_a_thousand_may_lie_off_a_scaled_grid():
    ages, _ = standardised()
    ages[7] = 40.3
    (column,) = cr.infer_schema(pd.DataFrame({"x": (ages - ages.mean()) / ages.std()})).columns
    assert column.step == pytest.approx(1 / ages.std())
    assert "but for 1, " in column.reason


def test_a_few_scaled_years_are_a_grid_and_other_few_values_are_atoms():
    rng = np.random.default_rng(0)
    years, roots = rng.integers(2010, 2016, N) * 1.0, np.sqrt(rng.integers(2, 8, N))
    frame = pd.DataFrame({"x": (years - years.mean()) / years.std(), "y": roots})
    scaled, others = cr.infer_schema(frame).columns
    assert (scaled.step, len(scaled.atoms)) == (pytest.approx(1 / years.std()), 6)
    assert others.step is None
    assert sorted(others.atoms) == np.unique(roots).tolist()


def test_values_that_repeat_have_a_grid_of_any_fineness():
    """Integers up to 100,000, of which few occur, are found behind their z-scores."""
    rng = np.random.default_rng(0)
    gains = np.append(rng.choice(rng.integers(0, 99_999, 60), N), 99_999.0)
    (column,) = cr.infer_schema(pd.DataFrame({"x": gains / gains.std()})).columns
    assert column.step == pytest.approx(1 / gains.std(), rel=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_continuous_numbers_have_no_grid(seed):
    rng = np.random.default_rng(seed)
    whole = rng.integers(1, 60, (2, 400))
    for numbers in (rng.normal(size=25), rng.normal(size=2000), whole[0] / whole[1]):
        for decimals in (None, 4):
            values = numbers if decimals is None else numbers.round(decimals)
            values, counts = np.unique(values, return_counts=True)
            assert affine_grid(values, counts, 20_000, decimals, min_count=5) is None


def test_prices_at_halves_and_a_cent_less_keep_their_cents():
    """Multiples of .5 and of .5 less a cent are no grid of halves that rounding has moved."""
    rng = np.random.default_rng(0)
    prices = np.round(
        rng.permutation(np.arange(1, 400))[:60] / 2 - 0.01 * (rng.random(60) < 0.7), 2
    )
    (column,) = cr.infer_schema(pd.DataFrame({"x": np.repeat(prices, 20)})).columns
    assert (column.step, column.decimals) == (0.01, 2)


def test_no_grid_comes_from_few_rows():
    """Without a few of the rows it would be another one, so it would tell of them."""
    ages, _ = standardised()
    even = 2 * np.round(ages / 2)
    few = np.where(np.arange(N) < 4, even + 1, even)  # four odd ages make the step 1
    scores = (few - few.mean()) / few.std()
    values, counts = np.unique(scores, return_counts=True)
    assert affine_grid(values, counts, 20_000, None, min_count=5) is None
    found = affine_grid(values, counts, 20_000, None, min_count=4)
    assert found is not None
    assert found.step == pytest.approx(1 / few.std())
    values, counts = np.unique(scores[4:], return_counts=True)
    found = affine_grid(values, counts, 20_000, None, min_count=5)
    assert found is not None
    assert found.step == pytest.approx(2 / few.std())
    assert affine_grid(values[:3], counts[:3], 20_000, None, min_count=5) is None
