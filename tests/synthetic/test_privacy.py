"""Nearest and repeated rows by hand."""

import numpy as np
import polars as pl
import pytest

from chainrule.synthetic import privacy
from chainrule.synthetic.privacy import distances, hashes, nearest, repeated
from chainrule.synthetic.tables import tables_of

REAL = pl.DataFrame({"x": [0.0, 10.0, 5.5, None], "town": ["a", "b", None, "a"]})


def advance():
    pass


def test_the_distance_is_the_mean_over_columns_of_differences_up_to_one():
    made = pl.DataFrame({"x": [2.0, 20.0, None, None], "town": ["a", "b", "a", "c"]})
    found = tables_of(REAL, made, kinds={"town": "categorical"})
    real, made = found.real.values, found.synthetic.values
    to = distances(found.columns, made, among=real, like=real)
    assert to.tolist() == pytest.approx([0.2 / 2, 1 / 2, 0, 1 / 2])


def test_a_constant_column_differs_by_0_or_1():
    real = pl.DataFrame({"x": [3.0] * 6, "y": [0.0, 1.5, 2, 3, 4.5, 5]})
    made = pl.DataFrame({"x": [3.0, 4.0, 3.0000001], "y": [0.0] * 3})
    found = tables_of(real, made, kinds={"x": "real"})
    values = found.real.values
    to = distances(found.columns, found.synthetic.values, among=values, like=values)
    assert to.tolist() == [0, 0.5, 0.5]


def test_tiles_change_nothing(monkeypatch):
    rng = np.random.default_rng(0)
    real, made = rng.normal(size=(300, 3)), rng.normal(size=(100, 3))
    found = tables_of(real, made, kinds=None)
    whole = distances(found.columns, made, among=real, like=real)
    apart = np.abs(made[:, None] - real[None]) / np.ptp(real, axis=0)
    by_hand = np.minimum(apart, 1).mean(axis=2).min(axis=1)
    assert whole.tolist() == pytest.approx(by_hand, abs=1e-6)
    monkeypatch.setattr(privacy, "TILE", (7, 11))
    assert np.array_equal(distances(found.columns, made, among=real, like=real), whole)


def test_the_share_nearer_to_real_rows_halves_ties():
    real = pl.DataFrame({"x": [0.5, 10.0, 20.0, 30.0]})
    holdout = pl.DataFrame({"x": [5.5, 10.0, 25.0, 100.0]})
    made = pl.DataFrame({"x": [0.5, 10.0, 24.0, 5.0]})
    found = nearest(tables_of(real, made, holdout, kinds=None), 0, advance)
    assert (found.share, found.asked, found.among) == ((1 + 0.5 + 0 + 0) / 4, 4, 4)
    assert found.standard_error == pytest.approx(np.sqrt(0.375 * 0.625 / 4))
    assert nearest(tables_of(real, made, kinds=None), 0, advance) is None


def test_copies_of_real_rows_are_nearer_to_them():
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(900, 4))
    copies = rows[:300] + rng.normal(0, 0.01, (300, 4))
    found = nearest(tables_of(rows[:300], copies, rows[300:], kinds=None), 0, advance)
    assert found.share > 0.95
    assert found.among == 300
    fresh = nearest(tables_of(rows[:300], rows[300:600], rows[600:], kinds=None), 0, advance)
    assert abs(fresh.share - 0.5) < 4 * fresh.standard_error


def test_few_rows_are_asked_if_there_are_many_cells(monkeypatch):
    rows = np.random.default_rng(2).normal(size=(1200, 5))
    monkeypatch.setattr(privacy, "CELLS", 2 * 400 * 5 * 150)
    found = nearest(tables_of(rows[:400], rows[400:800], rows[800:], kinds=None), 0, advance)
    assert (found.asked, found.among) == (150, 400)


def test_repeated_rows_are_counted():
    real = pl.DataFrame({"x": [1.5, 1.5, 2.5, 3.5], "t": ["a", "a", None, "b"]})
    made = pl.DataFrame({"x": [1.5, 2.5, 2.5, 3.5, 9.0], "t": ["a", None, None, "a", "b"]})
    holdout = pl.DataFrame({"x": [3.5, 4.5], "t": ["b", "b"]})
    found = repeated(tables_of(real, made, holdout, kinds={"t": "categorical"}))
    assert found.of_real == 3 / 5
    assert found.holdout_of_real == 1 / 2
    assert found.of_own == 2 / 5
    assert found.real_of_own == 2 / 4
    assert repeated(tables_of(real, made, kinds={"t": "categorical"})).holdout_of_real is None


def test_hashes_differ_by_cell_and_column_and_know_one_zero():
    rows = np.array([[0.0, 1], [1, 0], [-0.0, 1], [0, 1 + 2**-52], [np.nan, 1]])
    found = hashes(rows)
    assert found[0] == found[2]
    assert len(set(found.tolist())) == 4
    grid = np.stack(np.meshgrid(np.arange(100.0), np.arange(100.0)), axis=-1).reshape(-1, 2)
    assert len(np.unique(hashes(grid))) == 10_000
