"""Durations in words and of ISO 8601: read to numbers and written back as they were."""

import numpy as np
import polars as pl
import pytest

from chainrule.errors import FormatError, SchemaError
from chainrule.table.text.duration_notation import DurationNotation, duration_notation, match
from chainrule.table.text.notation import notation_from_json

TIMES = [(h, m) for h in (0, 1, 2, 7, 11, 26) for m in (0, 1, 5, 15, 59)]
MINUTES = [60 * h + m for h, m in TIMES]


def short(h, m):
    return f"{h}h {m}m" if h and m else f"{h}h" if h else f"{m}m"


def plural(count, word):
    return f"{count} {word}{'s' * (count != 1)}"


def iso(h, m):
    return f"PT{h}H{m}M" if h and m else f"PT{h}H" if h else f"PT{m}M"


FORMS = {
    "2h 15m": [f"{h}h {m}m" for h, m in TIMES],
    "2h15": [f"{h}h{m:02d}" for h, m in TIMES],
    "02h15": [f"{h:02d}h{m:02d}" for h, m in TIMES],
    "2h15m": [f"{h}h{m:02d}m" for h, m in TIMES],
    "2 h 15 min": [short(h, m).replace("h", " h").replace("m", " min") for h, m in TIMES],
    "2h, 15m": [short(h, m).replace(" ", ", ") for h, m in TIMES],
    "2 hours and 15 mins": [f"{h} hours and {m} mins" for h, m in TIMES],
    "2 hours 15 minutes": [f"{plural(h, 'hour')} {plural(m, 'minute')}" for h, m in TIMES],
    "PT2H15M": [iso(h, m) for h, m in TIMES],
    "PT15M": [f"PT{each}M" for each in MINUTES],
    "15 min": [f"{h} h" if h and not m else f"{60 * h + m} min" for h, m in TIMES],
}


def found_in(cells, min_count=1, rows=None):
    weight = np.ones(len(cells), dtype=int) if rows is None else np.array(rows)
    return duration_notation(cells, weight, min_count)


@pytest.mark.parametrize("name", FORMS)
def test_cells_become_minutes_and_are_written_as_they_were(name):
    cells = FORMS[name]
    notation = found_in(cells)
    assert notation.describe() == f"durations written {name}"
    assert notation.unit == 60
    assert notation.parse(pl.Series(cells)).to_list() == MINUTES
    assert notation.write(np.array(MINUTES)) == cells
    assert notation_from_json(notation.to_json()) == notation


@pytest.mark.parametrize(
    ("cells", "numbers", "unit"),
    [
        (["P1DT2H", "P2D", "PT3H"], [26, 48, 3], 3600),
        (["PT1.5S", "PT1M2S", "PT0S"], [1.5, 62, 0], 1),
        (["P2W", "P3W"], [2, 3], 604_800),
        (["-1h 5m", "2h 3m"], [-65, 123], 60),
        (["1w 2d", "3d", "2w"], [9, 3, 14], 86_400),
        (["1 day 2 hours", "3 days 4 hours", "1 day 1 hour"], [26, 76, 25], 3600),
        (["1h05m03s", "2h00m00s", "0h59m09s"], [3903, 7200, 3549], 1),
        (["2d 5m", "1d 1m"], [2885, 1441], 60),
    ],
)
def test_other_parts_signs_and_fractions(cells, numbers, unit):
    notation = found_in(cells)
    assert notation.unit == unit
    assert [notation.number(cell) for cell in cells] == numbers
    assert notation.write(np.array(numbers)) == cells


def test_parts_between_that_no_cell_has_are_written_like_the_others():
    assert found_in(["2d 5m", "1d 1m"]).text_of(60) == "1h"
    assert found_in(["2 days 5 min", "1 day 1 min"]).text_of(65) == "1 hours 5 min"


def test_numbers_are_rounded_and_carried_over():
    notation = found_in(["2h 15m", "1h 30m"])
    assert notation.write(np.array([59.6, 119.4, -0.4, np.nan])) == ["1h", "1h 59m", "0m", None]
    assert found_in(["1m 2.25s", "1m 3s"]).write(np.array([59.996, 1.5])) == ["1m", "1.50s"]


def test_what_fewer_rows_than_min_count_have_is_not_stored():
    cells = ["2h 15m", "1h 30m", "1d 1h 1m", "1h 1m 30s"]
    notation = found_in(cells, min_count=3, rows=[9, 9, 2, 2])
    assert (notation.largest, notation.finest) == ("h", "m")
    assert [notation.number(cell) for cell in cells] == [135, 90, 1501, 61.5]
    assert notation.text_of(1501) == "25h 1m"


def test_other_cells_are_no_durations():
    for cell in (
        "",
        "h",
        "5",
        "1m 2h",
        "1.5h 3m",
        "2h 15",
        "PT",
        "P",
        "P1Y",
        "5 kg",
        "1h130",
        "h30",
    ):
        assert match(cell, iso=False) is None, cell
        assert match(cell, iso=True) is None, cell
    assert found_in(["2h 15m", "12 kg"]) is None
    assert found_in(["2h 15m", "PT1H"]) is None
    assert found_in([]) is None


def test_one_part_alone_is_a_number_with_a_unit():
    assert found_in(["5 min", "7 min"]) is None
    assert found_in(["5 min", "2 h"]).is_single


@pytest.mark.parametrize(
    "fields",
    [
        {"largest": "m", "finest": "h"},
        {"largest": "x", "finest": "m"},
        {"largest": "h", "finest": "m", "digits": 3},
        {"largest": "h", "finest": "m", "gap": "; "},
        {"largest": "h", "finest": "m", "words": ("a", "b", "c", "d", "e"), "singulars": ()},
    ],
)
def test_a_notation_that_cannot_be_is_refused(fields):
    with pytest.raises(SchemaError, match="no notation of durations"):
        DurationNotation(**fields)
    with pytest.raises(FormatError, match="a notation is not one this version wrote"):
        notation_from_json({"of": "durations", **fields})
