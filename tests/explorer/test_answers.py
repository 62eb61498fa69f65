"""What the page is answered beside a row's conditionals: typical rows, and refused cells."""

import numpy as np
import pandas as pd
import pytest
from helpers.towns import EVIL, towns

from chainrule.explorer import Answers, refusal
from chainrule.explorer.answers import TYPICAL, CellsError


def test_a_row_is_compared_with_the_same_cells_of_others(fitted):
    """Rows that lack one of the cells are left out; the other cells count as unknown."""
    answers = Answers(fitted.model, towns())
    whole = towns().dropna()
    assert len(whole) < len(towns()) <= TYPICAL
    found = answers.typical([EVIL, "weight", "day", "married"])
    assert found == pytest.approx(sorted(fitted.log_prob(whole)), abs=1e-9)
    part = whole.assign(**{EVIL: None}, day=pd.NaT)
    found = answers.typical(["weight", "married"])
    assert found == pytest.approx(sorted(fitted.log_prob(part)), abs=1e-9)
    assert len(answers.typical(["married"])) == len(towns())
    assert Answers(fitted.model).typical(["married"]) == []


def test_each_cell_that_cannot_be_is_named(fitted):
    answers = Answers(fitted.model, towns())
    cells = answers.open(0) | {EVIL: "Ulmm", "weight": "heavy", "married": "1"}
    with pytest.raises(CellsError) as caught:
        answers.row(cells, 0)
    said = refusal(caught.value)["cells"]
    assert list(said) == [EVIL, "weight"]
    assert said[EVIL].startswith(f"{EVIL}: 'Ulmm' is unknown; the column takes ")
    assert said[EVIL].endswith("(nearest: 'Ulm')")
    with pytest.raises(CellsError, match=r"^weight takes .*numbers.*; inf is not among them$"):
        answers.row(answers.open(0) | {"weight": "inf"}, 0)
    assert refusal(ValueError("other")) == {"error": "other", "cells": {}}


@pytest.mark.filterwarnings("ignore:column 'married'")
def test_a_cell_that_its_column_cannot_hold_is_told(fitted):
    answers = Answers(fitted.model, towns().assign(married=np.where(np.arange(240) == 3, 7, 1)))
    for row, outside in ((3, True), (5, False)):
        (found,) = (
            each
            for each in answers.row(answers.open(row), row)["columns"]
            if each["name"] == "married"
        )
        assert found["outside"] == outside
        assert (found["bits"] is None) == outside
