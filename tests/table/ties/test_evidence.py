"""What shows a tie: enough rows, and more than one column's values in any order would give."""

import numpy as np
import pytest

from chainrule.table.ties.evidence import chance_of, confirmed, exceeds
from chainrule.table.ties.linear import LinearTie
from chainrule.table.ties.quotient import QuotientTie
from chainrule.table.ties.sheet import NUMBER, Sheet, Variable

SUM = LinearTie((0, 1, 2), (1, 1, -1), 0, 0, text="c = a + b")
VARIABLES = tuple(Variable(k, name, NUMBER) for k, name in enumerate("abc"))


def sums(rows, zeros):
    """c = a + b, where b is zero in a share of the rows."""
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 1000, (2, rows)).astype(float)
    b[rng.random(rows) < zeros] = 0
    return Sheet(VARIABLES, np.column_stack([a, b, a + b]))


@pytest.mark.parametrize(("rows", "is_tie"), [(39, False), (40, True)])
def test_fewer_than_forty_rows_show_no_tie(rows, is_tie):
    assert (confirmed(SUM, sums(rows, 0.0)) is not None) == is_tie


def test_each_column_must_matter():
    """If b is zero in 97 of a hundred rows, c = a explains nearly all that the sum does."""
    rows = np.arange(2000)
    assert chance_of(SUM, sums(2000, 0.0), rows) < 0.01
    sheet = sums(2000, 0.97)
    assert 0.9 < chance_of(SUM, sheet, rows) < 0.97
    assert confirmed(SUM, sheet, least_gain=0.97) is not None  # no row breaks it
    broken = sheet.codes.copy()
    broken[sheet.codes[:, 1] != 0, 2] += 1  # now b explains nothing
    assert confirmed(SUM, Sheet(VARIABLES, broken)) is None


def quotients(rows, zeros):
    """c = a ÷ b in whole numbers, and 0 where b is 0, in a share of the rows."""
    rng = np.random.default_rng(0)
    a, b = rng.integers(100, 10_000, rows).astype(float), rng.integers(1, 60, rows).astype(float)
    b[rng.random(rows) < zeros] = 0
    c = np.where(b > 0, np.round(a / np.maximum(b, 1)), 0.0)
    return Sheet(VARIABLES, np.column_stack([a, b, c]))


def test_divisors_of_zero_count_neither_for_nor_against_a_quotient():
    tie = QuotientTie((0, 1, 2), (2, 1, 2), (0, 0, 0), 1, text="c = a ÷ b")
    sheet = quotients(1000, 0.4)
    found = confirmed(tie, sheet)
    assert found is not None
    assert found.share == 1
    with_divisor = np.flatnonzero(sheet.codes[:, 1])
    broken = sheet.codes.copy()
    broken[with_divisor[:10], 2] += 5000
    found = confirmed(tie, Sheet(VARIABLES, broken))
    assert found is not None
    assert found.share == 1 - 10 / len(with_divisor)
    assert confirmed(tie, Sheet(VARIABLES, sheet.codes[sheet.codes[:, 1] == 0])) is None


def test_few_rows_beyond_chance_show_nothing():
    assert exceeds(1.0, 0.5, 40)
    assert not exceeds(1.0, 0.5, 38)  # 19 rows more than by chance
