"""Which ties are found that hold in part of the rows, and which are not."""

from fractions import Fraction

import numpy as np
import pytest

from chainrule.table.ties.base import USUAL_SHARE
from chainrule.table.ties.find import find
from chainrule.table.ties.sheet import DATE, NUMBER, Sheet, Variable

CENT, DAY, N = Fraction(1, 100), Fraction(86_400), 900


def sheet(step=Fraction(1), measure=NUMBER, **columns):
    steps = step if isinstance(step, dict) else dict.fromkeys(columns, step)
    variables = tuple(Variable(k, name, measure, steps[name]) for k, name in enumerate(columns))
    return Sheet(variables, np.column_stack(list(columns.values())).astype(np.float64))


def parts(table):
    """The ties in part, by their texts, with their shares."""
    found = find(table, min_count=5)
    return {tie.text: round(tie.share, 2) for tie in found if tie.share < USUAL_SHARE}


def cents(rng):
    return np.round(100 * rng.gamma(3, 20, N))


def test_a_copy_in_one_group_is_found():
    rng = np.random.default_rng(0)
    price, is_free = cents(rng), rng.random(N) < 0.4
    table = sheet(CENT, price=price, paid=np.where(is_free, 0, price))
    assert parts(table) == {"paid = price": round(1 - is_free.mean(), 2)}


def test_a_copy_beside_unrelated_numbers_is_found():
    rng = np.random.default_rng(1)
    first, is_copy = cents(rng), rng.random(N) < 0.3
    table = sheet(CENT, first=first, second=np.where(is_copy, first, cents(rng)))
    assert parts(table) == {"second = first": round(is_copy.mean(), 2)}


def test_equal_days_of_an_order_are_found_beside_it():
    rng = np.random.default_rng(2)
    opened, same = rng.integers(0, 365, N), rng.random(N) < 0.4
    closed = opened + np.where(same, 0, rng.integers(1, 40, N))
    table = sheet(DAY, DATE, opened=opened, closed=closed)
    texts = [tie.text for tie in find(table, min_count=5)]
    assert texts == ["opened ≤ closed", "closed = opened"]
    assert parts(table) == {"closed = opened": round(same.mean(), 2)}


@pytest.mark.parametrize("rates", [(19, 20), (7, 19)])
def test_two_tax_rates_are_found(rates):
    rng = np.random.default_rng(3)
    net, is_first = cents(rng), rng.random(N) < 0.5
    tax = np.floor(net * np.where(is_first, *rates) / 100 + 0.5)
    found = parts(sheet(CENT, net=net, tax=tax))
    assert sorted(found) == sorted(f"tax = {rate} % of net, rounded" for rate in rates)
    for share, rate in ((is_first.mean(), rates[0]), (1 - is_first.mean(), rates[1])):
        assert found[f"tax = {rate} % of net, rounded"] == pytest.approx(share, abs=0.03)


def test_the_larger_and_the_smaller_of_two_columns_are_copies_in_part():
    rng = np.random.default_rng(4)
    a, b = np.round(rng.normal(500, 100, (2, N)))
    table = sheet(Fraction(1, 10), a=a, b=b, best=np.maximum(a, b))
    assert sorted(parts(table)) == ["best = a", "best = b"]


def test_columns_that_are_zero_in_the_same_rows_are_no_copies():
    rng = np.random.default_rng(5)
    none = rng.random(N) < 0.6
    gain, loss = (np.where(none, 0, cents(rng)) for _ in range(2))
    assert parts(sheet(CENT, gain=gain, loss=loss)) == {}


def test_related_counts_that_are_often_equal_are_no_copies():
    rng = np.random.default_rng(6)
    asked = rng.poisson(20, N)
    table = sheet(asked=asked, answered=rng.binomial(asked, 0.9), other=rng.poisson(20, N))
    assert parts(table) == {}


@pytest.mark.parametrize("most", [1, 2])
def test_readings_that_are_as_often_nearly_equal_as_equal_are_no_copies(most):
    rng = np.random.default_rng(9)
    first = cents(rng)
    table = sheet(CENT, first=first, again=first + rng.integers(-most, most + 1, N))
    assert parts(table) == {}


def test_columns_of_an_equation_are_no_copies():
    rng = np.random.default_rng(7)
    net, tax = cents(rng), np.where(rng.random(N) < 0.4, 0, cents(rng))
    table = sheet(CENT, net=net, tax=tax, gross=net + tax)
    assert [tie.text for tie in find(table, min_count=5)] == ["gross = net + tax"]


def test_a_copy_in_fewer_than_a_tenth_of_the_rows_is_none():
    rng = np.random.default_rng(8)
    first, is_copy = cents(rng), rng.random(N) < 0.07
    assert parts(sheet(CENT, first=first, second=np.where(is_copy, first, cents(rng)))) == {}
