"""Numbers that are not read: the reason says what they are, and what to write."""

import numpy as np
import polars as pl
import pytest
from helpers.notations import schema_of

from chainrule.errors import SchemaError
from chainrule.table.text.detect import detect
from chainrule.table.text.findings import Doubt, Found
from chainrule.table.text.reading_options import ColumnReading
from chainrule.table.text.unread_numbers import limit_of

COUNTS = range(1, 61)


def detected(cells):
    return detect("x", pl.Series(cells), ColumnReading(), min_count=3)


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("<5", "5"),
        ("≥ 300", "300"),
        (">= 1,200.5", "1,200.5"),
        ("300+", "300"),
        ("~50", "50"),
        ("<0.3 mg", "0.3"),
        ("less than 5", "5"),
        ("10 or more", "10"),
        ("5", None),
        ("<LOD", None),
        ("<>", None),
        ("a<5", None),
    ],
)
def test_a_limit_shows_its_number(cell, number):
    assert limit_of(cell) == number


def test_limits_among_numbers_are_named_with_what_to_write():
    found = detected([*map(str, COUNTS), *["<5"] * 30, *["≥300"] * 9, ">100"])
    assert found == Doubt(
        "numbers of which 40 are limits, such as '<5' and '≥300', and not read: write the numbers "
        "alone, and mark the limits in a column of their own, or leave these cells empty"
    )
    kilos = detected([*(f"{each} kg" for each in COUNTS), *["<5 kg"] * 30])
    assert "are limits, such as '<5 kg'," in kilos.reason
    rare = detected([*map(str, COUNTS), *(f"<{each}" for each in range(30))])
    assert "of which 30 are limits and not read" in rare.reason


def test_a_few_limits_are_refused_with_what_to_write():
    cells = [*map(str, COUNTS), "<5"]
    with pytest.raises(SchemaError) as error:
        schema_of(pl.DataFrame({"x": cells, "y": np.arange(61) % 7}))
    assert (
        "value '<5' at row 60 is not a number, as 60 of 61 are: write 5 and mark such cells in "
        in (str(error.value))
    )


def test_labels_of_limits_alone_are_labels():
    assert detected(["<5", "5-10", ">10"] * 20) is None
    assert detected([f"<{each}" for each in COUNTS]) is None


@pytest.mark.parametrize(
    ("form", "example"),
    [
        ("{}-{}", "10-20"),
        ("{} - {}", "10 - 20"),
        ("{} to {}", "10 to 20"),
        ("{}/{}", "10/20"),
        ("{} ± 0.{}", "10 ± 20"),
        ("{}'{}\"", "10'20\""),
        ("{} lb {} oz", "10 lb 20 oz"),
        ("({}, {})", None),
    ],
)
def test_several_numbers_in_a_cell_are_named(form, example):
    found = detected([form.format(each, each + 50) for each in range(40, 140)])
    if example is None:
        assert found is None
    else:
        assert found == Doubt(
            f"two numbers in a cell, as in {example}, which are not read: put each into a column "
            "of its own"
        )


def test_codes_with_two_numbers_and_few_ranges_are_labels():
    for cells in (
        [f"555-{each + 1000}" for each in COUNTS],
        [f"{each:02d}-{each + 50}" for each in COUNTS],
        [f"+49 30 {each * 77}" for each in COUNTS],
        [f"{each}.{each % 7}.2" for each in COUNTS],
        [f"A{each}-{each % 7}" for each in COUNTS],
        ["18-25", "26-40", "41-100"] * 20,
        ["I", "II", "III", "IV"] * 20,
        [f"{each * 77:05d}" for each in COUNTS],
        [f"#{each}" for each in COUNTS],
    ):
        found = detected(cells)
        assert found is None or (isinstance(found, Found) and found.notation is None), cells[0]
