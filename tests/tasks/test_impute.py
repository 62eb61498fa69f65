"""Missing cells of categories are filled in their own type."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from helpers.quick import N, fit, normal


@pytest.fixture
def x():
    return normal()


def test_categories_are_filled_in_their_own_type(x):
    rng = np.random.default_rng(0)
    ordered = pd.Series(
        pd.Categorical(rng.choice(list("abc"), N), categories=list("cab"), ordered=True)
    )
    cut = pd.Series(pd.cut(x, 3))
    numbers = pd.Series(pd.Categorical(rng.choice([10, 20, 70], N)))
    mixed = pd.Series(
        pd.Categorical(rng.choice(["1", "2", "3", "4+"], N, p=[0.4, 0.3, 0.25, 0.05]))
    )
    table = pd.DataFrame(
        {"ordered": ordered, "cut": cut, "numbers": numbers, "mixed": mixed, "x": x}
    )
    table.loc[:9, ["ordered", "cut", "numbers", "mixed"]] = None
    density = fit(table)
    assert [column.kind for column in density.schema.columns[:4]] == ["categorical"] * 4
    filled = density.impute(table, seed=0)
    assert filled.dtypes.tolist() == table.dtypes.tolist()
    assert not filled.isna().any().any()
    pd.testing.assert_frame_equal(filled.iloc[10:], table.iloc[10:])
    few = pd.DataFrame(
        {"ordered": pd.Categorical([None] * 30 + ["a"], categories=["a"]), "x": np.zeros(31)}
    )
    with pytest.warns(UserWarning, match="absent"):
        filled = density.impute(few, seed=0)
    assert not filled["ordered"].isna().any()
    assert set(filled["ordered"].cat.categories) > {"a"}
    enum = pl.DataFrame(
        {"ordered": pl.Series([None] * 30 + ["a"], dtype=pl.Enum(["a"])), "x": np.zeros(31)}
    )
    with pytest.warns(UserWarning, match="absent"):
        filled = density.impute(enum, seed=0)
    assert isinstance(filled.schema["ordered"], pl.Enum)
    assert filled["ordered"].null_count() == 0
