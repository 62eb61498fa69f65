"""Times with a colon: parsed, written, and found among cells."""

import datetime as dt

import numpy as np
import polars as pl
import pytest

from chainrule.errors import SchemaError
from chainrule.table.text.clock_notation import ClockNotation, clock_notation, clock_of_frame
from chainrule.table.text.notation import notation_from_json, read_cells, written


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (["00:00", "07:30", "23:59"], [0, 450, 1439]),
        (["0:00", "7:30", "18:05"], [0, 450, 1085]),
        (["12:00 AM", "7:30 AM", "12:15 PM", "11:59 PM"], [0, 450, 735, 1439]),
        (["12:00 a.m.", "7:30 p.m."], [0, 1170]),
        (["07:30:15", "00:00:00"], [27015, 0]),
        (["0:01:02.50", "0:00:59.75"], [62.5, 59.75]),
        (["26:15", "-00:15", "00:00"], [1575, -15, 0]),
        (["120:00:01", "-1:00:00"], [432001, -3600]),
        (["12 am", "7 am", "12 pm", "11 pm"], [0, 420, 720, 1380]),
        (["7 p.m.", "7:30 p.m."], [1140, 1170]),
        (["0 days 14:06:43", "2 days 00:00:01", "-1 days +23:59:00"], [50803, 172801, -60]),
        (["1 days 00:00:00.500000", "-1 days +23:59:59.500000"], [86400.5, -0.5]),
        (
            ["1 day, 2:03:04", "2:03:04", "2 days, 0:00:01", "-1 day, 23:59:00"],
            [93784, 7384, 172801, -60],
        ),
        (["3 days 04:30", "0 days 00:05"], [4590, 5]),
    ],
)
def test_cells_become_numbers_and_are_written_as_they_were(cells, numbers):
    notation = clock_notation(cells, np.ones(len(cells)))
    assert notation is not None
    assert notation.parse(pl.Series(cells)).to_list() == numbers
    assert notation.write(np.array(numbers, dtype=object)) == cells
    assert notation_from_json(notation.to_json()) == notation


def test_cells_that_disagree_have_no_notation():
    for cells in (["07:30", "07:30:00"], ["7:30 PM", "07:30"], ["7:30 PM", "13:00 PM"], ["7:5"]):
        assert clock_notation(cells, np.ones(len(cells))) is None, cells
    assert clock_notation(["07:75", "07:30"], np.ones(2)) is None  # there is no minute 75
    assert clock_notation(["1 days 24:00:00", "1 days 23:00:00"], np.ones(2)) is None
    assert clock_notation(["13 pm", "1 pm"], np.ones(2)) is None
    assert clock_notation(["7", "8"], np.ones(2)) is None


def test_days_of_fewer_rows_than_min_count_are_not_stored():
    cells = ["14:06:43", "1 day, 0:00:01", "2 days, 0:00:01"]
    notation = clock_notation(cells, np.array([9, 2, 2]), 5)
    assert (notation.is_elapsed, notation.days) == (False, "")
    notation = clock_notation(cells, np.array([9, 2, 9]), 5)
    assert (notation.days, notation.day, notation.omits_days) == (" days, ", "", True)
    assert notation.text_of(90000) == "1 days, 1:00:00"


def test_a_notation_that_older_versions_read_is_described_as_before():
    assert set(ClockNotation().to_json()) == {
        "of", "has_seconds", "decimals", "digits", "is_elapsed", "half", "cells"
    }  # fmt: skip


def test_other_cells_are_not_parsed():
    day = ClockNotation()
    cells = pl.Series(["24:00", "-01:00", "7:30 PM", "07:30:01", "x", None, "07:30", "07:30:00"])
    assert day.parse(cells).to_list() == [None] * 6 + [450] * 2
    seconds = ClockNotation(has_seconds=True)
    parsed = seconds.parse(pl.Series(["0:00:00.25", "00:01", "00:00:07.000000000"]))
    assert parsed.to_list() == [0.25, 60, 7]
    days = ClockNotation(is_elapsed=True)
    assert days.parse(pl.Series(["24000:00", "24000:00:00"])).to_list() == [1_440_000] * 2
    assert day.parse(pl.Series([None], dtype=pl.String)).to_list() == [None]


def test_numbers_are_rounded_to_the_last_digit_and_carried_over():
    seconds = ClockNotation(has_seconds=True, decimals=1)
    assert seconds.write(np.array([59.96, 3599.99, np.nan])) == ["00:01:00.0", "01:00:00.0", None]
    assert ClockNotation(is_elapsed=True).write(np.array([-0.2, -61.0])) == ["00:00", "-01:01"]


def test_times_of_a_day_end_before_midnight():
    assert ClockNotation().ends == (0, 1439)
    assert ClockNotation(has_seconds=True).ends == (0, 86_399)
    assert ClockNotation(has_seconds=True, decimals=2).ends == (0.0, 86_399.99)
    assert ClockNotation(is_elapsed=True).ends is None


def test_a_notation_that_cannot_be_is_refused():
    for wrong in ({"decimals": 1}, {"digits": 3}, {"half": " XM"}, {"cells": "dates"}):
        with pytest.raises(SchemaError, match="no notation of times"):
            ClockNotation(**wrong)
    with pytest.raises(SchemaError):
        ClockNotation(half=" AM", is_elapsed=True)


def test_times_of_frames_are_read_and_given_back():
    times = np.array([dt.time(7, 30), dt.time(18, 5), None], dtype=object)
    notation = clock_of_frame(times[:2], np.ones(2), 1)
    assert notation == ClockNotation(cells="times")
    numbers = read_cells(notation, times, ())
    assert numbers.tolist() == [450.0, 1085.0, None]
    assert written(notation, np.array([450.0, 1085.0, np.nan])).tolist() == times.tolist()


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_durations_of_frames_are_read_and_given_back(unit):
    cells = np.array([90_500, -250, "NaT"], dtype="timedelta64[ms]").astype(f"timedelta64[{unit}]")
    notation = clock_of_frame(cells[:2], np.ones(2), 1)
    assert notation == ClockNotation(
        has_seconds=True, decimals=2, is_elapsed=True, cells="durations"
    )
    np.testing.assert_array_equal(read_cells(notation, cells, ()), [90.5, -0.25, np.nan])
    back = written(notation, np.array([90.5, -0.25]))
    assert back.tolist() == [dt.timedelta(seconds=90.5), dt.timedelta(seconds=-0.25)]


def test_minutes_are_the_unit_of_frames_without_seconds():
    for cells, has_seconds in (([3_600, 120], False), ([3_601, 60], True)):
        found = clock_of_frame(np.array(cells, dtype="timedelta64[s]"), np.ones(2), 1)
        assert found.has_seconds is has_seconds


def test_what_fewer_rows_than_min_count_have_is_not_stored():
    usual, weight = ["07:05", "08:30", "16:45"], np.array([40, 30, 20, 1])
    assert clock_notation([*usual, "7:10"], weight, 2) == ClockNotation()
    assert clock_notation([*usual, "24:00"], weight, 2) == ClockNotation()
    assert clock_notation([*usual, "24:00"], weight, 1) == ClockNotation(is_elapsed=True)
    precise = [f"{cell}:00" for cell in usual]
    found = clock_notation([*precise, "07:05:00.123456"], weight, 2)
    assert found == ClockNotation(has_seconds=True)
    cells = np.array([300, 600, 900, 901], dtype="timedelta64[s]")
    assert clock_of_frame(cells, weight, 2).has_seconds is False
    assert clock_of_frame(cells, weight, 1).has_seconds is True


def test_durations_finer_than_microseconds_have_no_notation():
    cells = np.array([1500, 2_000_000], dtype="timedelta64[ns]")
    assert clock_of_frame(cells, np.ones(2), 1) is None
    assert clock_of_frame(cells[1:], np.ones(1), 1) is not None


def test_other_cells_of_frames_have_no_notation():
    zoned = dt.time(7, 30, tzinfo=dt.UTC)
    for cells in ([dt.time(7), dt.timedelta(1)], ["07:30"], [zoned], []):
        found = clock_of_frame(np.array([*cells, None], dtype=object)[:-1], np.ones(len(cells)), 1)
        assert found is None, cells
