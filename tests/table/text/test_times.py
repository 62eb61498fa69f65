"""What notations of times share: cells of frames as numbers, and numbers as cells of frames."""

import datetime

import numpy as np
import pytest

from chainrule.table.text.clock_notation import ClockNotation
from chainrule.table.text.duration_notation import DurationNotation
from chainrule.table.text.times import seconds_of, shared

HOURS = datetime.timedelta(hours=2, minutes=15)


@pytest.mark.parametrize(
    "notation", [ClockNotation(is_elapsed=True), DurationNotation(largest="h", finest="m")]
)
def test_cells_of_frames_are_numbers_of_the_unit_and_come_back(notation):
    cells = np.array([HOURS, None, "x"], dtype=object)
    assert notation.read(cells).tolist() == [135, None, "x"]
    assert notation.read(np.array([HOURS], dtype="timedelta64[us]")).tolist() == [135]
    assert notation.number(HOURS) == notation.number(np.timedelta64(HOURS)) == 135
    assert notation.number(datetime.time(2, 15)) == 135
    assert notation.number(3.5) is None
    assert notation.objects(np.array([135.2, np.nan]), "durations").tolist() == [HOURS, None]
    assert notation.kind_of(HOURS) == "durations"
    assert notation.kind_of("2h") == notation.kind_of(None) == "text"
    assert notation.ends is None
    assert not notation.is_plain


def test_a_single_row_shares_nothing():
    counts, weight = np.array([0, 1, 2]), np.array([9, 3, 2])
    assert [shared(counts, weight, least) for least in (1, 2, 3, 5, 6, 99)] == [2, 2, 1, 1, 0, 0]


def test_cells_that_are_no_times_have_no_seconds():
    assert seconds_of(datetime.time(1, tzinfo=datetime.UTC)) is None
    assert seconds_of(np.timedelta64("NaT")) is None
    assert seconds_of("01:00") is None
