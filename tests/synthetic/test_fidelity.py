"""Means over columns, pairs and triples, by hand."""

import numpy as np
import polars as pl
import pytest

from chainrule.synthetic.fidelity import doubtful_pairs, fidelity
from chainrule.synthetic.tables import tables_of


def fidelity_of(real, made, holdout=None):
    tables = tables_of(real, made, holdout, kinds=None)
    like = [tables.real.values] + ([] if holdout is None else [tables.holdout.values])
    steps = []
    found = fidelity(
        tables.columns,
        tables.real.values,
        tables.synthetic.values,
        np.concatenate(like),
        0,
        lambda: steps.append(1),
    )
    assert len(steps) == 3
    return found


def table(count, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=count)
    return pl.DataFrame(
        {"x": x, "y": x + rng.normal(0, 0.1, count), "t": np.where(x > 0, "up", "down")}
    )


def test_means_are_those_of_columns_pairs_and_triples():
    found = fidelity_of(table(500, 0), table(400, 1))
    assert found.shapes == pytest.approx(np.mean([column.shape for column in found.columns]))
    assert found.trends == pytest.approx(np.mean([pair.trend for pair in found.pairs]))
    accuracy = found.accuracy
    assert accuracy.univariate == pytest.approx(np.mean([c.accuracy for c in found.columns]))
    assert accuracy.bivariate == pytest.approx(np.mean([p.accuracy for p in found.pairs]))
    three = [accuracy.univariate, accuracy.bivariate, accuracy.trivariate]
    assert accuracy.overall == pytest.approx(np.mean(three))
    assert [(pair.first, pair.second) for pair in found.pairs] == [
        ("x", "y"),
        ("x", "t"),
        ("y", "t"),
    ]
    assert all(pair.associated for pair in found.pairs)
    assert found.associated_trends == found.trends


def test_held_out_rows_count_as_real_ones_in_bins_alone():
    real, made, holdout = table(300, 0), table(300, 1), table(300, 2)
    one, both = fidelity_of(real, made), fidelity_of(real, made, holdout)
    assert both.shapes == one.shapes
    assert both.trends == one.trends
    assert both.accuracy != one.accuracy
    whole = fidelity_of(pl.concat([real, holdout]), made)
    assert both.accuracy == whole.accuracy


def test_pairs_are_doubtful_if_they_miss_more_than_their_columns():
    real, made = table(1000, 0), table(1000, 1)
    made = made.with_columns(pl.col("t").shuffle(seed=0))
    assert set(doubtful_pairs(fidelity_of(real, made), 2)) == {("x", "t"), ("y", "t")}
    wider = real.with_columns(pl.col("x") * 3)
    assert doubtful_pairs(fidelity_of(real, wider), 0) == []


def test_a_column_of_missing_cells_alone_counts_as_nothing():
    real, made = table(300, 0), table(300, 1)
    empty = made.with_columns(x=pl.lit(None, pl.Float64))
    whole, found = fidelity_of(real, made), fidelity_of(real, empty)
    shapes = {column.name: column.shape for column in found.columns}
    assert shapes["x"] == 0
    assert found.shapes == pytest.approx(np.mean(list(shapes.values())))
    assert found.shapes < whole.shapes - 0.25
    trends = {(pair.first, pair.second): pair.trend for pair in found.pairs}
    assert trends["x", "y"] == 0
    assert trends["x", "t"] < 0.1
    assert found.trends == pytest.approx(np.mean(list(trends.values())))
    label = made.with_columns(t=pl.lit(None, pl.String))
    assert {column.name: column.shape for column in fidelity_of(real, label).columns}["t"] == 0
