"""Atoms: only values that stand out from their neighbours have a probability of their own."""

import numpy as np
import pandas as pd
import pytest
from helpers.quick import fit

import chainrule as cr
from chainrule.table import infer_schema
from chainrule.table.columns.grid import atoms_of, grid_of_most, with_listed_values

RNG = np.random.default_rng(0)
N = 2000
SMALL = (10.0 ** RNG.uniform(-3, 3, N)).round(4)  # the smallest repeat, since they are rounded
HOURS = np.clip(RNG.normal(40, 12, N).round(), 1, 99)


def atoms(values, step=None):
    grid = {"step": 0.0} if step is None else {"step": step}
    return atoms_of(values, min_count=5, **grid)


def test_what_rounding_repeats_is_no_atom():
    counts = np.unique(SMALL, return_counts=True)[1]
    assert counts.max() > 0.005 * N  # it would be one in full precision
    assert atoms(SMALL) != ()
    (column,) = cr.infer_schema(pd.DataFrame({"x": SMALL})).columns
    assert (column.step, column.decimals, column.atoms) == (None, 4, ())
    (column,) = cr.infer_schema(pd.DataFrame({"x": np.append(SMALL, np.full(30, 0.5))})).columns
    assert column.atoms == (0.5,)


def test_a_value_stands_out_beside_one_that_does_so_more():
    """Heaps of hours at 30, 35, 40 and 45: each has the others among its neighbours."""
    heaps = np.repeat([30.0, 35.0, 40.0, 45.0], [300, 250, 1500, 200])
    assert atoms(np.append(HOURS, heaps), step=1.0) == (40.0, 30.0, 35.0, 45.0)


@pytest.mark.parametrize("value", [40.0, 0.0, 120.0])
def test_a_value_of_many_rows_is_an_atom_of_a_grid(value):
    assert atoms(HOURS, step=1.0) == ()
    assert atoms(np.append(HOURS, np.full(N // 2, value)), step=1.0) == (value,)
    in_thousands = np.append(HOURS, np.full(N // 2, value)) * 1024
    assert atoms(in_thousands, step=1024.0) == (value * 1024,)


def test_points_without_rows_count_among_the_neighbours():
    """Prices at whole numbers of a grid of cents stand out from the cents between them."""
    prices = RNG.choice([5.0, 10.0, 20.0, 50.0], N)
    cents = np.append(prices, RNG.uniform(0, 60, 200).round(2))
    assert sorted(atoms(cents, step=0.01)) == [5.0, 10.0, 20.0, 50.0]
    assert atoms(RNG.choice([5.0, 10.0, 15.0, 20.0, 25.0], N), step=5.0) == ()


def test_a_count_that_chance_explains_is_no_atom():
    """Five rows where one or two are expected are no atom, and eight are one."""
    around = np.repeat(np.arange(-5.0, 6.0), [1, 1, 1, 2, 1, 0, 2, 1, 1, 1, 1])
    for rows, found in ((5, ()), (8, (0.0,))):
        assert atoms(np.append(around, np.zeros(rows)), step=1.0) == found


def test_few_values_on_a_grid_have_a_probability_each():
    """Of hours and grades, each value of enough rows is an atom; of ages none is."""
    hours = np.repeat(np.arange(24.0), 20)
    assert sorted(with_listed_values((), hours, min_count=5)) == list(range(24))
    rare = np.append(hours, [30.0] * 4)
    assert sorted(with_listed_values((3.0,), rare, min_count=5)) == list(range(24))
    assert with_listed_values((40.0,), np.repeat(np.arange(18.0, 60.0), 20), min_count=5) == (40.0,)
    frame = pd.DataFrame({"hour": hours.astype(int), "age": np.arange(480) % 60})
    hour, age = infer_schema(frame).columns
    assert (len(hour.atoms), hour.least, hour.most, age.atoms) == (24, 0, 23, ())
    drawn = fit(frame).sample(200, seed=0)
    assert drawn.hour.between(0, 23).all()


def test_a_few_far_rows_set_neither_scale_nor_range():
    """One cell in other units leaves scale, range and kind of the others as they were."""
    usual = np.round(np.random.default_rng(0).normal(750, 150, 200))
    plain, wrong, many = (
        infer_schema(pd.DataFrame({"x": np.append(usual, far)})).columns[0]
        for far in ([], [1.32e6], [1.32e6] * 5)
    )
    assert wrong.spread == pytest.approx(plain.spread, rel=0.1)
    assert wrong.center == pytest.approx(plain.center, rel=0.02)
    assert wrong.high < 3000
    assert wrong.warp is plain.warp is None
    assert max(many.atoms, default=many.high) >= 1.32e6  # of enough rows, it is no wrong cell


def test_a_few_halves_do_not_halve_the_step():
    """Air pressure in whole units, but for four of 40,000 rows; by any unit of a power of two."""
    rng = np.random.default_rng(0)
    whole = 1013.0 + np.round(10 * rng.normal(size=40000)).clip(-25, 25)
    whole[[3, 50, 700, 9000]] += [0.5, 0.25, 0.5, 0.25]
    step, decimals, odd = grid_of_most(whole)
    assert (step, decimals, len(odd)) == (1.0, 0, 4)
    step, _, odd = grid_of_most(whole * 2.0**-7)
    assert (step, len(odd)) == (2.0**-7, 4)
    prices = np.round(rng.gamma(2, 400, size=40000)) * 5 / 100
    prices[[3, 70]] = [7.01, 9.99]
    step, decimals, odd = grid_of_most(prices)
    assert step == pytest.approx(0.05)
    assert (decimals, odd.tolist()) == (2, [7.01, 9.99])


def test_what_few_rows_have_beside_zeros_matters():
    """Each value is one of few rows, so none is a stray one."""
    amounts = np.zeros(40000)
    amounts[:30] = np.arange(30) + 0.5
    assert grid_of_most(amounts)[0] == 0.5
