import numpy as np
import pandas as pd
import pytest

from chainrule.table import infer_schema
from chainrule.table.columns.grid import atoms_of, with_listed_values
from chainrule.table.columns.heaping import are_heaped

ROWS = 300, 3_000, 40_000
SMOOTH = {
    "uniform": lambda rng, n: rng.integers(0, 60, n),
    "normal": lambda rng, n: np.clip(rng.normal(40, 12, n).round(), 0, 90),
    "narrow": lambda rng, n: np.clip(rng.normal(40, 5, n).round(), 0, 90),
    "geometric": lambda rng, n: rng.geometric(0.12, n),
    "two humps": lambda rng, n: rng.normal(rng.choice([20, 60], n), 6).round(),
    "ramp": lambda rng, n: 17 + np.abs(rng.normal(0, 20, n)).round(),
    "poisson": lambda rng, n: rng.poisson(60, n),
    "forty": lambda rng, n: np.where(rng.random(n) < 0.5, 40, rng.normal(40, 12, n).round()),
    "zeros": lambda rng, n: np.where(rng.random(n) < 0.7, 0, rng.poisson(30, n)),
}


def hours(rng, n):
    """Hours of work: half of the people say 40, the others prefer some numbers to others."""
    liked = np.exp(1.5 * np.random.default_rng(7).normal(size=80))
    return np.where(rng.random(n) < 0.5, 40, rng.choice(80, n, p=liked / liked.sum()) + 1)


def counted(numbers):
    values, counts = np.unique(numbers, return_counts=True)
    atoms = atoms_of(np.asarray(numbers, float), min_count=5, step=1.0)
    return values.astype(np.int64), counts, np.isin(values, atoms)


@pytest.mark.parametrize("name", SMOOTH)
def test_smooth_distributions_are_not_heaped(name):
    for rows in ROWS:
        for seed in range(5):
            numbers = SMOOTH[name](np.random.default_rng([seed, rows]), rows)
            assert not are_heaped(*counted(numbers)), (rows, seed)


def test_rounded_numbers_and_those_of_a_list_are_heaped():
    listed = np.append(
        np.arange(60) * 173 % 9973, [5, 9, 15, 19, 25, 29, 49, 79, 99, 149, 199, 999]
    )
    for seed in range(5):
        rng = np.random.default_rng(seed)
        assert are_heaped(*counted(hours(rng, 3_000)))
        gains = np.where(rng.random(10_000) < 0.92, 0, rng.choice(listed, 10_000))
        assert are_heaped(*counted(gains))


def test_each_frequent_value_of_a_heaped_column_is_an_atom():
    numbers = hours(np.random.default_rng(0), 6_000)
    values, counts = np.unique(numbers, return_counts=True)
    age = np.random.default_rng(1).integers(18, 78, 6_000)
    schema = infer_schema(pd.DataFrame({"hours": numbers, "tenths": numbers / 10, "age": age}))
    whole, tenths, smooth = schema.columns
    assert sorted(whole.atoms) == values[counts >= 10].tolist()
    assert np.allclose(sorted(tenths.atoms), values[counts >= 10] / 10)
    assert smooth.atoms == ()


def test_values_too_far_apart_for_a_grid_are_no_heaps():
    """Points of a grid are counted in int64; values of any size are compared before that."""
    far = np.array([10**30 + 10**25 * k for k in range(40) for _ in range(20)], dtype=object)
    assert with_listed_values((), far, min_count=5, step=10**12) == ()
