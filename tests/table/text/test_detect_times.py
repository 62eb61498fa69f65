"""Times in columns of text: found, or why not."""

import polars as pl

from chainrule.table.text.clock_notation import ClockNotation
from chainrule.table.text.detect import detect, may_be_written
from chainrule.table.text.findings import Doubt, Found
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
