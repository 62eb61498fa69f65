"""Given numbers come back as they were given."""

import numpy as np
import pandas as pd
import pytest
from helpers.quick import fit, normal


@pytest.fixture
def x():
    return normal()


def test_given_numbers_come_back_to_the_bit(x):
    density = fit(pd.DataFrame({"x": x, "y": x * 3}))
    given = pd.DataFrame({"x": np.random.default_rng(1).normal(size=60) * 7, "y": np.nan})
    with pytest.warns(UserWarning, match=r"column 'x': value .* at row . and .. more lie outside the range"):
        drawn = density.sample(60, given=given, seed=0)
    assert drawn["x"].tolist() == given["x"].tolist()
    assert density.sample(3, given={"x": "0.1"}, seed=0)["x"].tolist() == [0.1] * 3
