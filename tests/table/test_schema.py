"""Names of columns: integers, and names that flags or answers have themselves."""

import numpy as np
import pandas as pd
import pytest
from helpers.quick import N, fit, normal

import chainrule as cr
from chainrule.errors import SchemaError
from chainrule.table import Table, infer_schema


@pytest.fixture
def x():
    return normal()


def test_integers_as_names_stay_integers(x):
    table = pd.DataFrame({0: x, 1: np.arange(N) % 9})
    density = fit(table, kinds={1: "categorical"})
    assert density.schema.columns[1].kind == "categorical"
    assert list(density.sample(2, seed=0).columns) == [0, 1]
    assert list(density.explain(table).columns) == [0, 1]


def test_a_column_may_be_called_as_a_flag(x):
    table = pd.DataFrame({"a": np.where(x > 1, np.nan, x), "a is missing": x > 0})
    assert fit(table, missing="informative").schema.names == ("a is missing*", "a", "a is missing")


def test_a_column_called_as_one_of_the_answer_is_refused(x):
    density = fit(pd.DataFrame({"log_prob": x, "y": x * 3}))
    with pytest.raises(
        cr.ChainruleError,
        match="marginal of 'log_prob': the answer has a column of that name itself",
    ):
        density.marginal("y", "log_prob")


def test_half_a_character_is_refused_by_name_before_a_fit():
    """A Python string may have a surrogate alone; no file holds it, and printing it fails."""
    labels = pd.Series(["\ud800a", "b"] * 50, dtype=object)
    with pytest.raises(SchemaError, match=r"column 'v': the label .* holds half a character"):
        infer_schema(pd.DataFrame({"v": labels}))
    numbers = np.arange(100) % 7
    with pytest.raises(SchemaError, match=r"column name .* holds half a character"):
        infer_schema(Table(("\udc00",), (numbers,), "the table", named=True))
    assert infer_schema(pd.DataFrame({"😀": ["😀", "b"] * 50})).names == ("😀",)
