"""Times in columns of text: found, or why not."""

import polars as pl

from chainrule.table.text.clock_notation import ClockNotation
from chainrule.table.text.detect import detect, may_be_written
from chainrule.table.text.duration_notation import DurationNotation
from chainrule.table.text.findings import Doubt, Found
from chainrule.table.text.number_notation import NumberNotation
from chainrule.table.text.reading_options import ColumnReading

CLOCKS = [f"{minute // 60:02d}:{minute % 60:02d}" for minute in range(0, 1440, 30)]


def detected(cells):
    return detect("opens", pl.Series(cells), ColumnReading(), min_count=2)


def test_times_are_found():
    assert may_be_written(CLOCKS)
    assert detected(CLOCKS) == Found(ClockNotation())
    assert detected([*CLOCKS, None]) == Found(ClockNotation())


def test_words_among_times_are_named_with_the_option_that_makes_them_missing():
    found = detected([*CLOCKS, "closed", "closed"])
    assert isinstance(found, Doubt)
    assert "na_values={'opens': ['closed']}" in found.reason
    assert not isinstance(detected([*CLOCKS, *(f"late {k}" for k in range(9))]), Found)


def test_times_written_in_several_ways_are_labels_with_a_reason():
    found = detected([*CLOCKS, "7:30 PM"])
    assert isinstance(found, Doubt)
    assert "several ways" in found.reason


def test_ratios_and_scores_are_no_times():
    for cells in (["16:9", "4:3"], ["102:98", "88:91"], ["a:30", "b:15"]):
        assert not isinstance(detected(cells), Found), cells


def test_hours_with_am_or_pm_are_times_and_no_unit():
    cells = [f"{hour} {half}" for hour in range(1, 13) for half in ("am", "pm")]
    assert detected(cells) == Found(ClockNotation(digits=1, half=" am", whole_hours=True))


def test_durations_are_found():
    cells = [f"{minutes // 60}h {minutes % 60}m" for minutes in range(0, 1440, 30)]
    assert may_be_written(cells)
    found = detected([*cells, None])
    assert isinstance(found.notation, DurationNotation)
    assert (found.notation.largest, found.notation.finest) == ("h", "m")
    found = detected([*cells, "open", "open"])
    assert "durations but for 2 cells such as 'open'" in found.reason


def test_durations_of_one_part_each_are_labels_if_there_are_few():
    cells = ["15 min", "30 min", "1 h", "2 h"] * 9
    assert detected(cells) is None
    many = detected([*cells, *(f"{minutes} min" for minutes in range(1, 50))])
    assert many.notation.is_single


def test_durations_with_a_single_unit_are_numbers_with_one():
    found = detected([f"{minutes} min" for minutes in range(1, 50)])
    assert isinstance(found.notation, NumberNotation)


def test_years_and_months_have_no_length():
    for cells in (["2y 3m", "1 y 1 mo"], ["P1Y2M", "P2Y"], ["2 years 3 months", "1 year, 1 month"]):
        assert "in years and months, which have no length in days" in detected(cells * 9).reason
