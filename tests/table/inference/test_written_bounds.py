"""Bounds of kinds as the column's own text."""

import datetime

import numpy as np
import pandas as pd
import pytest
from helpers.notations import schema_of

from chainrule.errors import SchemaError
from chainrule.table.inference.written_bounds import with_bounds_read
from chainrule.table.text.clock_notation import ClockNotation
from chainrule.table.text.number_notation import NumberNotation

RNG = np.random.default_rng(5)
MINUTES = RNG.integers(450, 1200, 200)
FRAME = pd.DataFrame(
    {
        "opens": [f"{each // 60:02d}:{each % 60:02d}" for each in MINUTES],
        "lasts": [f"{each // 60}h {each % 60}m" for each in MINUTES],
        "weight": [f"{each / 10:.1f} kg" for each in MINUTES],
        "took": pd.to_timedelta(MINUTES, "min"),
        "plain": MINUTES / 7,
    }
)


@pytest.mark.parametrize(
    ("name", "kind", "least", "most", "bounds"),
    [
        ("opens", "integer", "07:00", "22:00", (420, 1320)),
        ("opens", "integer", datetime.time(7), None, (420, 1439)),
        ("lasts", "integer", "7h", "1d", (420, 1440)),
        ("weight", "real", "40 kg", "150", (40, 150)),
        ("took", "integer", pd.Timedelta(hours=7), "24:00", (420, 1440)),
    ],
)
@pytest.mark.parametrize("of_file", [False, True])
def test_bounds_are_read_as_the_cells_are(name, kind, least, most, bounds, of_file, tmp_path):
    table = FRAME
    if of_file:
        table = tmp_path / "t.csv"
        FRAME.drop(columns="took").assign(took=FRAME["lasts"]).to_csv(table, index=False)
        most = "1d" if name == "took" else most
    ends = {end: value for end, value in (("least", least), ("most", most)) if value is not None}
    column = schema_of(table, kinds={name: {"kind": kind, **ends}}).columns
    found = next(each for each in column if each.name == name)
    assert (found.least, found.most) == bounds


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        (
            "weight",
            {"kind": "real", "least": "50 g"},
            "kinds['weight'] least = '50 g': the column holds numbers written 12.5 kg; pass a "
            "number, or text as the column has it",
        ),
        (
            "plain",
            {"kind": "real", "most": "08:00"},
            "kinds['plain'] most = '08:00': the column holds plain numbers; pass a number",
        ),
        (
            "opens",
            {"kind": "integer", "least": "08:00"},
            f"column 'opens': value {FRAME['opens'][MINUTES < 480].iloc[0]} at row "
            f"{int(np.flatnonzero(MINUTES < 480)[0])} is below the bound 08:00: correct it, or "
            "leave the cell empty",
        ),
    ],
)
def test_what_is_no_bound_of_the_column_is_refused(name, options, message):
    with pytest.raises(SchemaError) as error:
        schema_of(FRAME, kinds={name: options})
    assert str(error.value) == message


def test_a_bound_that_the_kind_cannot_have_is_refused():
    kilograms = NumberNotation(suffix=" kg")
    with pytest.raises(Exception, match=r"kinds\['w'\] least = 0.5: pass a whole number"):
        with_bounds_read({"kind": "integer", "least": "0.5 kg"}, kilograms, "w")


def test_numbers_and_other_kinds_stay_as_they_are():
    for options in ({"kind": "real", "least": 3}, {"kind": "datetime", "least": "2024-01-01"}):
        assert with_bounds_read(options, ClockNotation(), "x") is options
