"""Numbers with a unit behind each: read and written back, or the reason names the units."""

import numpy as np
import polars as pl
import pytest

from chainrule.table.text.detect import detect
from chainrule.table.text.detect_units import are_forms
from chainrule.table.text.findings import Doubt, Found
from chainrule.table.text.reading_options import ColumnReading

COUNTS = list(range(1, 61))


def detected(cells, **options):
    return detect("x", pl.Series(cells), ColumnReading(), min_count=2, **options)


def described(cells, **options):
    found = detected(cells, **options)
    assert isinstance(found, Found), found
    assert not found.strays
    return found.notation.describe()


@pytest.mark.parametrize(
    "unit",
    ["kg", "m2", "m³", "km/h", "€/kg", "kg/m3", "°C", "Stück", "fl oz", "mg·dl-1", "%vol"],
)
@pytest.mark.parametrize("gap", ["", " ", "\u00a0"])
def test_a_unit_is_read_and_written_back(unit, gap):
    numbers = np.array([-2.5, 0.0, *COUNTS, 1234.5])
    cells = [f"{each:.1f}{gap}{unit}" for each in numbers]
    found = detected(cells)
    assert isinstance(found, Found)
    assert found.notation.parse(pl.Series(cells)).to_list() == numbers.tolist()
    assert found.notation.write(numbers) == cells


def test_exponents_may_stand_before_a_unit():
    cells = [f"{each * 37:.2e} kg" for each in COUNTS]
    found = detected(cells)
    assert found.notation.parse(pl.Series(cells)).to_list() == [
        float(cell.removesuffix(" kg")) for cell in cells
    ]
    assert found.notation.write(np.array([1.5e-9])) == ["1.5E-09 kg"]


@pytest.mark.parametrize(
    ("one", "many"), [("day", "days"), ("item", "items"), ("box", "boxes"), ("Stunde", "Stunden")]
)
def test_the_singular_stands_behind_one(one, many):
    cells = [f"{each} {one if each == 1 else many}" for each in [1, *COUNTS, 0]]
    found = detected(cells)
    assert found.notation.write(np.array([1, *COUNTS, 0])) == cells
    assert found.notation.parse(pl.Series(cells)).to_list() == [1, *COUNTS, 0]
    assert found.notation.to_json()["singular"] == f" {one}"


def test_a_singular_of_fewer_than_min_count_rows_is_not_stored():
    found = detected([f"{each} day{'s' * (each != 1)}" for each in COUNTS])
    assert found.notation.singular == ""
    assert found.notation.parse(pl.Series(["1 days"])).to_list() == [1]


def test_units_that_only_look_alike_are_not_forms_of_one():
    for one, many in (("g", "gs"), ("g", "kg"), ("m", "min"), ("mg", "mgl"), ("kg", "lb")):
        assert not are_forms(one, many), (one, many)
    for one, many in (("hr", "hrs"), ("city", "cities"), ("Tag", "Tage"), ("inch", "inches")):
        assert are_forms(one, many), (one, many)
        assert are_forms(many, one), (one, many)


def test_a_few_bare_numbers_count_as_those_with_the_unit():
    cells = [*(f"{each} kg" for each in COUNTS), "70", "80.5"]
    found = detected(cells)
    assert found.unmarked == ("70", "80.5")
    assert found.notation.parse(pl.Series(cells)).to_list() == [*COUNTS, 70, 80.5]


def test_many_bare_numbers_are_a_doubt():
    found = detected([f"{each} kg" if each % 2 else str(each) for each in COUNTS])
    assert found == Doubt(
        "numbers of which 30 of 60 have no 'kg' behind them: write it behind all of them, or "
        "behind none"
    )


def test_several_units_are_named():
    for cells, units in (
        ([f"{each} {'GB' if each % 2 else 'MB'}" for each in COUNTS], "'GB' and 'MB'"),
        ([f"{each}.5{'k' if each % 3 else 'M'}" for each in COUNTS], "'k' and 'M'"),
        (
            [f"{each} {'years' if each % 3 else 'months'}" for each in COUNTS],
            "'years' and 'months'",
        ),
    ):
        assert detected(cells).reason == (
            f"numbers with several units, such as {units}, which are not read: convert them to "
            "one, or put the unit into a column of its own"
        )


def test_words_among_units_are_named_with_the_option_that_makes_them_missing():
    found = detected([*(f"{each} kg" for each in COUNTS), "sold", "sold"])
    assert "numbers with 'kg' but for 2 cells such as 'sold'" in found.reason
    assert "na_values={'x': ['sold']}" in found.reason


def test_ordinals_are_named():
    ends = {1: "st", 2: "nd", 3: "rd"}
    found = detected([f"{each}{ends.get(each, 'th')}" for each in COUNTS] * 2)
    assert found == Doubt("ordinals such as 1st and 2nd, which are not read: write 1 and 2")


@pytest.mark.parametrize("letter", ["A", "W", "b"])
def test_a_letter_right_behind_whole_numbers_may_make_codes(letter):
    codes = [f"{each}{letter}" for each in COUNTS]
    assert "kinds={'x': 'integer'} reads them as numbers" in detected(codes).reason
    assert described(codes, as_numbers=True) == f"numbers written 12{letter}"
    for quantities in (
        [f"{each} {letter}" for each in COUNTS],
        [f"{each / 4}{letter}" for each in COUNTS],
        [f"{each - 20}{letter}" for each in COUNTS],
    ):
        assert described(quantities).startswith("numbers written 12")
    assert described([f"{each}{'d'}" for each in COUNTS]) == "numbers written 12d"


def test_flats_and_addresses_are_labels():
    assert detected([f"{each}{'ab'[each % 2]}" for each in COUNTS]) is None
    streets = ["Main Street", "Oak Avenue", "High Road", "Park Lane", "Mill Hill", "Bay", "Elm"]
    assert detected([f"{each} {streets[each % 7]}" for each in COUNTS]) is None


def test_few_numbers_with_a_unit_are_labels_unless_the_user_says_otherwise():
    sizes = ["1 GB", "2 GB", "4 GB"] * 9
    assert detected(sizes) is None
    assert described(sizes, as_numbers=True) == "numbers written 12 GB"
