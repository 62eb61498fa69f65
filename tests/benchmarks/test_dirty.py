"""The figures of findings in a dirty table, by hand."""

import numpy as np
import pytest

from benchmarks.tables.dirty import measure


def test_figures_by_hand():
    wrong = np.array([[True, True], [True, False], [False, False]])
    known = np.array([[True, True], [False, True], [True, True]])
    found = np.array([[True, False], [False, True], [False, False]])
    row = measure.figures(found, found, wrong, known)
    assert (row["found"], row["right"], row["errors"], row["errors of known cells"]) == (2, 1, 3, 2)
    assert row["precision"] == 0.5
    assert row["recall"] == pytest.approx(1 / 3)
    assert row["recall of known cells"] == 0.5
    assert row["F1"] == pytest.approx(2 / 5)
    assert row["F1 of known cells"] == 0.5
    assert row["repaired"] == 1.0


def test_nothing_found_in_a_clean_table_has_figures():
    nothing = np.zeros((2, 2), dtype=bool)
    row = measure.figures(nothing, nothing, nothing, ~nothing)
    assert (row["precision"], row["recall"], row["F1"]) == (0, 0, 0)


def test_cells_that_nobody_cleaned_are_no_errors():
    dirty = np.array([["empty", "yxs"]], dtype=object)
    clean = np.array([[measure.NOT_CLEANED, "yes"]], dtype=object)
    assert measure.wrong_cells(dirty, clean).tolist() == [[False, True]]
