"""Planted mistakes: how many, where, and what they change; and the measure of a ranking."""

import numpy as np
import polars as pl
import pytest

from benchmarks.tables.wrong_cells import page, planting, tables
from benchmarks.tables.wrong_cells.measure import precision_at_k
from benchmarks.tables.wrong_cells.rivals import z_scores


def values(rows=400):
    generator = np.random.default_rng(0)
    return np.round(generator.normal([50.0, 900.0, 4.0], [12.0, 200.0, 1.0], (rows, 3)), 1)


@pytest.mark.parametrize("protocol", planting.PROTOCOLS)
def test_planted_cells_are_those_that_changed(protocol):
    right = values()
    wrong, kinds = planting.PROTOCOLS[protocol](right, np.random.default_rng(1))
    planted = kinds != ""
    assert 0.02 * right.size <= planted.sum() <= 0.06 * right.size
    assert (wrong[planted] != right[planted]).all()
    if protocol != "drift":  # the ends of a bump are too near to count
        assert (wrong[~planted] == right[~planted]).all()
    again, _ = planting.PROTOCOLS[protocol](right, np.random.default_rng(1))
    assert (again == wrong).all()
    assert (right == values()).all()


def test_mistakes_of_tablint_are_of_five_kinds_and_far_enough():
    right = values()
    wrong, kinds = planting.tablint(right, np.random.default_rng(1))
    assert set(kinds[kinds != ""].tolist()) == set(planting.KINDS)
    spread = right.std(0)
    apart = np.abs(wrong - right) / spread
    assert apart[kinds != ""].min() >= planting.NEAR - 1e-6
    assert apart[kinds == "offset"] == pytest.approx(3, abs=1e-6)
    assert (wrong[kinds == "zero"] == 0).all()
    column = np.nonzero(kinds == "swap")
    assert all(wrong[row, k] in right[:, k] for row, k in zip(*column, strict=True))
    factor = wrong[kinds == "decimal"] / right[kinds == "decimal"]
    assert set(np.round(factor, 6).tolist()) <= {10.0, 0.1}


def test_rounded_mistakes_have_no_more_decimals():
    wrong, _ = planting.rounded(values(), np.random.default_rng(1))
    assert (np.round(wrong, 1) == wrong).all()


@pytest.mark.parametrize(
    ("value", "found"), [(123.0, 213.0), (-0.0123, -0.0213), (2.0, 0.2), (11.5, None), (0.0, None)]
)
def test_leading_digits(value, found):
    assert planting.leading_digits_transposed(value) == (
        None if found is None else pytest.approx(found)
    )


def test_wrong_labels_are_others_of_their_column():
    frame = pl.DataFrame({"a": ["x", "y", "x", "x"] * 50, "b": ["u", "v", "w", None] * 50})
    wrong, planted = planting.other_levels(frame, ["a", "b"], np.random.default_rng(0))
    assert planted.sum() == 12
    for k, name in enumerate(("a", "b")):
        changed = (wrong[name] != frame[name]).fill_null(False).to_numpy()
        assert (changed == planted[:, k]).all()
        assert wrong[name].null_count() == frame[name].null_count()


def test_the_choice_half_is_named():
    assert set(tables.CHOICE_HALF) < {*tables.NUMBERS, *tables.LEVELS}
    found = tables.numbers("breast_cancer", 3)
    assert found.values.shape == (400, 30)
    assert found.frame(found.values).columns[-1] == "label"


def test_precision_counts_as_many_cells_as_are_wrong():
    wrong = np.array([[True, False], [False, True]])
    assert precision_at_k(np.array([[3.0, 2.0], [0.0, 1.0]]), wrong) == 0.5
    assert precision_at_k(np.array([[3.0, 0.0], [1.0, 2.0]]), wrong) == 1.0
    far = z_scores(np.array([[1.0], [2.0], [3.0], [90.0]]), np.zeros(4), 0)
    assert far.argmax() == 3


def test_the_page_has_a_row_for_each_table_and_names_the_best_other():
    row = {"table": "blood", "half": "choice", "precision at k": 0.8, "false share": 0.1}
    row |= {"recall": 0.7, "seconds": 9.0, "rivals": {"z-score": 0.3, "boosted residuals": 0.5}}
    parts = {"tablint": {"rows": [row, row | {"precision at k": 0.9}]}}
    found = {"table": "hospital", "errors": 1200, "found": 9, "precision": 0.5, "recall": 0.25}
    found |= {"F1": 1 / 3, "repaired": 1.0, "seconds": 3.2}
    before = f"before\n{page.BEGIN}\nold\n{page.END}\nafter"
    share = {"rate": 0.01, "found": 10, "false share": 0.2, "recall": 0.4, "precision at k": 0.5}
    shares = {"drift": {"rows": [share, share | {"found": 30, "false share": 0.0}]}}
    text = page.written(before, parts, shares, {"hospital": {"rows": [found]}})
    assert "| smooth drift over 20 rows | 1% | 40 | 0.05 | 0.40 | 0.50 |" in text
    said = "| five usual kinds | blood \\* | **0.85** | 0.78 | 0.50 (trees) |"
    assert said in text
    assert "| hospital | 1,200 | 9 | 0.50 | 0.25 | **0.33** | 1.00 | 3 |" in text
    assert "old" not in text.splitlines()
    assert text.startswith("before\n")
    assert text.endswith("\nafter")
