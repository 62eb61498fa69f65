"""What the library is compared with: all densities have one base measure."""

from itertools import product

import numpy as np
import polars as pl
import pytest

import chainrule as cr
from benchmarks.tables import page
from benchmarks.tables.bins import Tree, cut
from benchmarks.tables.gaussians import Gaussians
from chainrule.table import Codes, encode, read_table


def small_table(n=400):
    """A label with levels too rare to list, a flag that depends on it, and many zero counts."""
    rng = np.random.default_rng(0)
    label = rng.choice(["a", "b", "c", "rare", "rarer"], n, p=[0.4, 0.3, 0.28, 0.01, 0.01])
    count = np.where(rng.random(n) < 0.4, 0, rng.integers(1, 12, n) + 3 * (label == "a"))
    return pl.DataFrame(
        {"label": label, "flag": (label == "a") ^ (rng.random(n) < 0.1), "count": count}
    )


def densities(schema, codes):
    yield "tree", Tree(schema, codes, bins=8, smoothing=1.0, edges=True)
    yield "independent bins", Tree(schema, codes, bins=8, smoothing=1.0, edges=False)
    yield "Gaussians", Gaussians(schema, codes, parts=3, floor=1e-2, seed=0)


def test_baselines_sum_to_one_and_sum_holes_out():
    table = small_table()
    schema = cr.infer_schema(table, min_count=10)
    label, flag, count = schema.columns
    assert (label.kind, flag.kind, count.kind) == ("categorical", "binary", "integer")
    assert label.unlisted == 2
    values, rows = np.unique(table["count"].drop_nulls().to_numpy(), return_counts=True)
    assert count.atoms[0] == 0
    assert sorted(count.atoms) == values[rows >= 10].tolist()
    codes = encode(read_table(table), schema)
    ends = cut(count, codes.values[:, 2], 8).edges  # the Gaussians have no mass beyond, either
    levels, counts = range(len(label.levels) + 1), np.arange(ends[0] + 0.5, ends[-1])
    rows = np.array(list(product(levels, range(2), counts)), dtype=np.float64)
    every, some = Codes(rows, np.ones(rows.shape, bool)), np.array([[1.0, 0.0, 0.0]])
    # How many labels share a code.
    times = np.where(rows[:, 0] == len(label.levels), label.unlisted + 1, 1)
    for name, density in densities(schema, codes):
        p = np.exp(density.log_prob(every)) * times
        assert p.sum() == pytest.approx(1, abs=1e-6), name
        holes = Codes(some, np.array([[True, False, False]]))
        of_level = p[rows[:, 0] == 1].sum()
        assert np.exp(density.log_prob(holes))[0] == pytest.approx(of_level, rel=1e-5), name


def test_baselines_of_real_numbers_integrate_to_one():
    rng = np.random.default_rng(1)
    table = pl.DataFrame({"x": np.where(rng.random(300) < 0.3, 0.25, rng.normal(size=300))})
    schema = cr.infer_schema(table)
    assert schema.columns[0].kind == "real"
    codes = encode(read_table(table), schema)
    (atom,) = schema.columns[0].atom_codes()
    ends = cut(schema.columns[0], codes.values[:, 0], 8).edges
    grid, step = np.linspace(ends[0], ends[-1], 1_000_000, endpoint=False, retstep=True)
    for name, density in densities(schema, codes):
        at = np.append(grid, atom)[:, None]
        p = np.exp(density.log_prob(Codes(at, np.ones(at.shape, bool))))
        assert p[-1] > 0.2, name
        assert p[-1] + p[:-1].sum() * step == pytest.approx(1, abs=1e-4), name


def test_the_page_says_what_was_measured():
    assert page.missing() == []
    assert page.PAGE.read_text(encoding="utf-8") == page.text(), (
        "run python -m benchmarks.tables.prove to update the page"
    )
