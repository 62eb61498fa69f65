"""Which columns are found to be parts of dates: years, months, weekdays."""

from fractions import Fraction

import numpy as np
import pytest

from chainrule.table.ties.date_parts import MOST_CODES, PARTS
from chainrule.table.ties.find import find
from chainrule.table.ties.functional import UNKNOWN, FunctionalTie
from chainrule.table.ties.sheet import DATE, LABEL, MONTH, NUMBER, Sheet, Variable

DAY, N = Fraction(86_400), 700
FIRST = np.datetime64("2019-03-05")
ORIGIN = int(FIRST.astype(np.int64)) * DAY


def ties(days, part, *, measure=NUMBER, has_zone=False, step=Fraction(1), origin=Fraction(0)):
    """The ties of dates, in days since ``FIRST``, and a column."""
    variables = (
        Variable(0, "date", DATE, DAY, ORIGIN, has_zone=has_zone),
        Variable(1, "part", measure, step, origin),
    )
    return find(Sheet(variables, np.column_stack([days, part]).astype(np.float64)), min_count=5)


def drawn_days(seed=0, most=1500):
    return np.random.default_rng(seed).integers(0, most, N)


@pytest.mark.parametrize(
    ("name", "of"),
    [
        ("year", lambda date: date.year),
        ("month", lambda date: date.month),
        ("quarter", lambda date: (date.month + 2) // 3),
        ("weekday", lambda date: date.weekday()),
        ("day", lambda date: date.day),
        ("week", lambda date: date.isocalendar().week),
        ("day of the year", lambda date: date.timetuple().tm_yday),
    ],
)
def test_a_number_that_is_a_part_of_a_date_is_computed_for_all_dates(name, of):
    days = drawn_days()
    (tie,) = ties(days, [of(date.item()) for date in FIRST + days])
    assert (tie.text, tie.share) == (f"part = {name} of date", 1.0)
    assert isinstance(tie, FunctionalTie)
    dates = FIRST + np.arange(len(tie.levels))
    assert len(dates) == 4096  # later dates than those of the rows
    assert list(tie.levels) == [of(date.item()) for date in dates]


def test_hours_and_months_have_parts():
    rng = np.random.default_rng(1)
    hours, months = rng.integers(0, 4000, N), rng.integers(0, 60, N)
    variables = (
        Variable(0, "at", DATE, Fraction(3600), Fraction(7 * 3600)),
        Variable(1, "hour", NUMBER),
        Variable(2, "begin", MONTH, origin=Fraction(12 * 48)),
        Variable(3, "year", NUMBER, origin=Fraction(2000)),
    )
    codes = np.column_stack([hours, (hours + 7) % 24, months, 18 + months // 12])
    found = {tie.text for tie in find(Sheet(variables, codes.astype(float)), min_count=5)}
    assert found == {"hour = hour of at", "year = year of begin"}


def test_a_constant_is_added_and_broken_rows_may_be_few():
    rng, days = np.random.default_rng(2), drawn_days()
    weekdays = (days + PARTS["weekday"](FIRST.reshape(1))[0]) % 7 + 1
    weekdays[rng.permutation(N)[:14]] = 3
    (tie,) = ties(days, weekdays)
    assert tie.text == "part = weekday of date + 1"
    assert 0.97 < tie.share < 1


def test_labels_of_a_part_are_those_of_the_rows():
    days = drawn_days(most=500)
    years = (FIRST + days).astype("datetime64[Y]").astype(int) - 49  # 2019 is 0
    (tie,) = ties(days, years, measure=LABEL)
    assert tie.text == "year of date determines part"
    of_2021 = int((np.datetime64("2021-01-01") - FIRST).astype(int))
    assert set(tie.levels[of_2021:]) == {UNKNOWN}
    assert tie.levels[of_2021 - 1] == 1


def test_dates_between_seconds_have_no_parts():
    days = drawn_days()
    months = (FIRST + days).astype("datetime64[M]").astype(int) % 12 + 1
    half = Fraction(1, 2)
    variables = (Variable(0, "at", DATE, DAY, ORIGIN + half), Variable(1, "month", NUMBER))
    assert find(Sheet(variables, np.column_stack([days, months]).astype(float)), min_count=5) == ()


def test_other_columns_and_zoned_dates_have_no_parts():
    rng, days = np.random.default_rng(3), drawn_days()
    assert ties(days, rng.integers(1, 13, N)) == ()
    months = (FIRST + days).astype("datetime64[M]").astype(int) % 12 + 1
    assert len(ties(days, months)) == 1
    assert ties(days, months, has_zone=True) == ()
    assert ties(days + MOST_CODES, months) == ()  # too many dates to list
    mostly = np.where(rng.random(N) < 0.9, months, rng.integers(1, 13, N))
    assert ties(days, mostly) == ()
