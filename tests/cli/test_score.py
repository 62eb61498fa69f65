"""The mean that ``chainrule score`` prints, from parts of the rows."""

import math

import numpy as np
import pytest

from chainrule.cli.score import _Mean


@pytest.mark.parametrize("ends", [[], [1], [0, 3, 50], [99]])
def test_a_mean_of_parts_is_that_of_all(ends):
    numbers, mean = np.random.default_rng(0).normal(-30, 2, 100), _Mean()
    for part in np.split(numbers, ends):
        mean.add(part)
    assert mean.rows == 100
    assert math.isclose(mean.value, numbers.mean(), rel_tol=1e-12)
    assert math.isclose(mean.error, numbers.std(ddof=1) / 10, rel_tol=1e-12)


def test_few_numbers_have_no_error_and_none_no_mean():
    mean = _Mean()
    mean.add(np.empty(0))
    assert (mean.rows, mean.value, mean.error) == (0, None, None)
    mean.add(np.array([-3.0]))
    assert (mean.rows, mean.value, mean.error) == (1, -3.0, None)


def test_an_impossible_row_makes_the_mean_infinite():
    mean = _Mean()
    for part in ([-math.inf, 1.0], [2.0]):
        mean.add(np.array(part))
    assert mean.value == -math.inf
    assert math.isnan(mean.error)
