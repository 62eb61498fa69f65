"""What trees tell apart, and by which columns."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from chainrule.synthetic import apart
from chainrule.synthetic.apart import area, for_trees, score_of, told_apart
from chainrule.synthetic.tables import Column, tables_of
from chainrule.table import Categorical


def advance():
    pass


def found_in(real, made, seed=0, **options):
    tables = tables_of(real, made, kinds=None)
    values = tables.real.values, tables.synthetic.values
    return told_apart(tables.columns, *values, seed, advance, **options)


def test_the_area_is_scikit_learns_also_with_ties():
    rng = np.random.default_rng(0)
    truth, scores = rng.random(300) < 0.3, rng.integers(0, 20, 300)
    assert area(truth, scores)[0] == pytest.approx(roc_auc_score(truth, scores))
    assert area(np.array([0, 1, 1]), np.array([0.2, 0.2, 0.2]))[0] == 0.5


def test_the_variance_of_the_area_is_that_over_samples():
    rng = np.random.default_rng(1)
    truth = np.repeat([0, 1], 100)
    drawn = [area(truth, rng.normal(truth * 0.8)) for _ in range(400)]
    assert np.var([each for each, _ in drawn]) == pytest.approx(
        np.mean([variance for _, variance in drawn]), rel=0.25
    )


def test_the_score_is_between_0_and_1():
    assert [score_of(each) for each in (1.0, 0.9, 0.5, 0.3)] == pytest.approx([0, 0.2, 1, 1])


def test_rows_of_one_source_cannot_be_told_apart():
    rows = np.random.default_rng(2).normal(size=(1200, 3))
    found = found_in(rows[:600], rows[600:])
    assert abs(found.auc - 0.5) < 4 * found.standard_error
    assert found.rows == 600
    assert not found.telling_pairs


def test_a_shifted_column_is_named_first():
    rows = np.random.default_rng(3).normal(size=(1200, 4))
    made = rows[600:] + np.array([0, 0, 1.5, 0])
    found = found_in(rows[:600], made)
    assert found.auc > 0.75
    assert next(iter(found.lost)) == "x2"
    assert max(found.alone, key=found.alone.get) == "x2"
    assert list(found.lost) == list(found.alone)


def test_a_lost_relation_is_named_as_a_pair_though_each_column_is_right():
    rng = np.random.default_rng(4)
    rows = rng.normal(size=(2000, 4))
    rows[:, 3] = rows[:, 1] + rng.normal(0, 0.1, 2000)
    real, made = rows[:1000], rows[1000:].copy()
    made[:, 3] = rng.permutation(made[:, 3])
    found = found_in(real, made)
    first = found.telling_pairs[0]
    assert {first.first, first.second} == {"x1", "x3"}
    assert first.auc > 0.8
    assert first.gain == pytest.approx(
        first.auc - max(found.alone["x1"], found.alone["x3"]), abs=1e-12
    )


def test_suspected_pairs_are_tried(monkeypatch):
    monkeypatch.setattr(apart, "MOST_PAIRED", 0)
    rows = np.random.default_rng(5).normal(size=(200, 5))
    found = found_in(rows[:100], rows[100:], suspects=[("x4", "x0"), ("x0", "x4"), ("x1", "x2")])
    assert {(pair.first, pair.second) for pair in found.pairs} == {("x0", "x4"), ("x1", "x2")}


def test_as_many_rows_of_each_are_taken_and_a_seed_decides_all():
    rows = np.random.default_rng(6).normal(size=(500, 2))
    one, same, other = (found_in(rows[:400], rows[400:], seed) for seed in (0, 0, 1))
    assert one == same
    assert one != other
    assert one.rows == 100


def test_few_rows_show_nothing():
    rows = np.random.default_rng(7).normal(size=(29, 2))
    assert found_in(rows[:20], rows[20:]) is None
    assert found_in(rows[:19], rows[19:]).auc == 0.5  # too few for a tree to split


def test_more_labels_than_trees_take_share_the_last_code():
    levels = tuple(f"t{k}" for k in range(300))
    column = Column(
        Categorical(name="t", dtype="str", levels=levels, rows=606), "label", levels, 300
    )
    codes = np.concatenate([np.repeat(np.arange(300.0), 2), np.repeat(299.0, 5), [np.nan]])
    rows, is_label = for_trees((column,), codes[:, None])
    assert is_label.tolist() == [True]
    assert np.nanmax(rows) == 254
    assert (rows == 254).sum() == 2 * (300 - 254)
    assert np.isnan(rows[-1, 0])
    assert (rows[600:605] == 0).all()
