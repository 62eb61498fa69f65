"""Given numbers come back as they were given."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from helpers.quick import N, fit, normal

from chainrule.errors import SchemaError


@pytest.fixture
def x():
    return normal()


def test_given_numbers_come_back_to_the_bit(x):
    density = fit(pd.DataFrame({"x": x, "y": x * 3}))
    given = pd.DataFrame({"x": np.random.default_rng(1).normal(size=60) * 7, "y": np.nan})
    with pytest.warns(
        UserWarning, match=r"column 'x': value .* at row . and .. more lie outside the range"
    ):
        drawn = density.sample(60, given=given, seed=0)
    assert drawn["x"].tolist() == given["x"].tolist()
    assert density.sample(3, given={"x": "0.1"}, seed=0)["x"].tolist() == [0.1] * 3


@pytest.mark.parametrize("given", ["01.03.2024", "2024-03-01", " 2024-03-01 ", "2024-03-01T00:00"])
def test_given_dates_of_iso_8601_are_read_whatever_the_columns_notation(given, tmp_path):
    """They have one meaning; a word that is no date is refused, as before."""
    days = np.datetime64("2024-01-01") + np.arange(N)
    frame = pl.DataFrame({"day": days, "x": normal()}).with_columns(
        pl.col("day").dt.strftime("%d.%m.%Y")
    )
    frame.write_csv(tmp_path / "t.csv")
    density = fit(tmp_path / "t.csv")
    drawn = density.sample(2, given={"day": given}, seed=0)
    assert [str(day) for day in drawn["day"]] == ["2024-03-01"] * 2
    with pytest.raises(
        SchemaError, match="column 'day': value 'soon' at row 0 is not among dates written"
    ):
        density.sample(2, given={"day": "soon"}, seed=0)
