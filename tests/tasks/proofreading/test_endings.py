"""Endings of numbers: how often a column writes the last digits, and what that says of a cell."""

import numpy as np
import pytest

from chainrule.tasks.proofreading.endings import Endings
from chainrule.tasks.proofreading.written import MORE_DECIMALS, USUAL, manner_of


def ages():
    """Whole ages, of which 18 are written in halves and six in other decimals."""
    found = np.random.default_rng(0).integers(1, 80, 700).astype(float)
    found[:18] += 0.5
    found[18:24] = [0.42, 0.67, 0.75, 0.75, 0.83, 0.92]
    return found


def fares():
    """Prices of two decimals, of which half end in .50 and a tenth have four decimals."""
    rng = np.random.default_rng(0)
    found = np.round(rng.uniform(5, 100, 600), 2)
    found[:300] = np.floor(found[:300]) + 0.5
    found[300:400] += 0.0058
    return np.round(found, 4)


def endings_of(values, finest):
    return Endings.of(values, manner_of(values), finest, 10.0**-finest, float(values.std()))


@pytest.mark.parametrize(("values", "finest"), [(ages(), 2), (fares(), 4)])
@pytest.mark.parametrize("manner", [USUAL, MORE_DECIMALS])
def test_the_rounding_cells_of_a_coarse_cell_have_its_width(values, finest, manner):
    endings = endings_of(values, finest)
    cells = 30 + np.arange(10 ** (finest - endings.coarse)) / 10.0**finest
    widths = np.exp(endings.log_width(cells, np.full(len(cells), manner)))
    assert widths.sum() == pytest.approx(endings.coarse_width)
    assert (widths > 0).all()


def test_a_frequent_ending_has_a_wide_cell():
    endings = endings_of(ages(), 2)
    numbers = np.array([20.5, 20.75, 20.53])
    half, seen, new = np.exp(endings.log_width(numbers, np.full(3, MORE_DECIMALS)))
    assert 0.5 < half < 0.8
    assert half > 5 * seen > 25 * new


def test_whole_numbers_among_whole_numbers_have_whole_cells():
    endings = endings_of(ages(), 2)
    (width,) = np.exp(endings.log_width(np.array([71.0]), np.array([USUAL])))
    assert width == pytest.approx(1, abs=0.01)


def test_the_ending_of_a_cell_does_not_speak_for_itself():
    """A digit written twice leaves the ending: it makes neither number more usual."""
    values = fares()
    values[0] = 221.7792
    endings, number = endings_of(values, 4), np.array([21.7792])
    manner = np.array([USUAL])
    alone = endings.log_width(number, manner, np.array([221.7792]))
    assert alone[0] < endings.log_width(number, manner)[0] - 3
    other = endings.log_width(number, manner, np.array([55.5]))
    assert other[0] == pytest.approx(endings.log_width(number, manner)[0], abs=0.01)


def test_decimals_are_usual_where_the_numbers_around_have_them():
    """Ages below one are written in twelfths, though few ages are."""
    values = ages()
    values[24:40] = np.arange(16) / 16 + 0.02
    endings = endings_of(values, 2)
    young, old = endings.log_manner(np.array([0.42, 40.42]), np.full(2, MORE_DECIMALS), 0)
    assert young > old + 1
    assert old == pytest.approx(np.log((0.5 * 40 + 0.5) / 701))


def test_numbers_in_full_precision_have_no_endings():
    values = np.random.default_rng(0).normal(50, 10, 300)
    endings = Endings.of(values, manner_of(values), None, 1e-4, 10.0)
    assert not endings.count
    assert np.exp(endings.log_width(values, manner_of(values))) == pytest.approx(1e-4)


def test_a_mistake_may_write_any_decimals():
    """An offset is as likely to end in .53 as in .54; a right age ends in .5 if in any decimals."""
    values = ages()
    endings, numbers = endings_of(values, 2), np.array([20.53, 20.54, 20.0])
    manner = np.array([MORE_DECIMALS, MORE_DECIMALS, USUAL])
    anew = endings.log_width_of_mistakes(numbers, manner)
    right = endings.log_width(numbers, manner) + endings.log_manner(numbers, manner)
    assert anew[0] == anew[1] > right[0] + 3
    assert anew[2] == pytest.approx(right[2], abs=0.01)
