"""Names of columns: integers, and names that flags or answers have themselves."""

import numpy as np
import pandas as pd
import pytest
from helpers.quick import N, fit, normal

import chainrule as cr


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
