"""Comparisons with columns whose codes are not where their values are."""

from datetime import time, timedelta
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from chainrule.errors import SchemaError
from chainrule.events.comparisons import among, compared
from chainrule.table import encode, infer_schema, read_table

SIGNS = ("<", "<=", ">", ">=")


def column_of(values, kind=None):
    frame = pd.DataFrame({"x": values, "y": np.arange(len(values)) % 2})
    schema = infer_schema(frame, kinds={"x": kind} if kind else None)
    return schema.columns[0], encode(read_table(frame), schema).values[:, 0]


def marks(column, codes, sign, value):
    return compared(column, sign, value).contains(codes)


def of_sign(sign, values, value):
    if sign in ("<", "<="):
        return values < value if sign == "<" else values <= value
    return values > value if sign == ">" else values >= value


RNG = np.random.default_rng(0)
HEAVY = np.where(RNG.random(500) < 0.3, 0.0, np.exp(RNG.normal(3, 1.5, 500)))
COLUMNS = {
    "atoms below a logarithm": (HEAVY, {"kind": "real", "scale": "log"}, [0, -5, 1e-9, 20, 1e6]),
    "bounds": (
        RNG.beta(2, 3, 500),
        {"kind": "real", "least": 0, "most": 1},
        [-1, 0, 0.3, 1, 2],
    ),
    "steps of 50": (50 * RNG.integers(3, 90, 500) + 7, None, [7, 56, 57, 58, 1e12, -1e30]),
    "float32": (RNG.integers(0, 99, 500).astype(np.float32) / 10, None, [0.1, 0.3, 4.35]),
    "large integers": (2**60 + 7 * RNG.integers(0, 99, 500), None, [2**60 + 7, 2**60 + 8]),
    "cents": (np.round(RNG.gamma(2, 30, 500), 2), None, [10.25, 33.33, 0.01]),
}


@pytest.mark.parametrize("name", COLUMNS)
@pytest.mark.parametrize("sign", SIGNS)
def test_comparisons_hold_for_the_cells_they_hold_for(name, sign):
    values, kind, constants = COLUMNS[name]
    column, codes = column_of(values, kind)
    exact = np.array([Fraction(repr(value.item())) for value in values], dtype=object)
    if values.dtype == np.float32:
        exact = np.array([Fraction(str(value)) for value in values], dtype=object)
    for constant in constants:
        constant = Fraction(repr(constant))
        expected = of_sign(sign, exact, constant).astype(bool)
        assert np.array_equal(marks(column, codes, sign, constant), expected), constant
        turned = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}[sign]
        assert np.array_equal(marks(column, codes, turned, constant), ~expected), constant


def test_an_atom_alone_has_a_probability():
    column, codes = column_of(HEAVY, {"kind": "real", "scale": "log"})
    assert np.array_equal(marks(column, codes, "==", 0), HEAVY == 0)
    assert np.array_equal(marks(column, codes, "!=", 0), HEAVY != 0)
    assert not among(column, [0]).is_empty


def test_dates_with_a_zone_are_compared_by_its_clocks():
    utc = pd.date_range("2024-03-30", periods=96, freq="h", tz="UTC")
    column, codes = column_of(utc.tz_convert("Europe/Berlin"))
    expected = utc >= pd.Timestamp("2024-03-31 03:00", tz="Europe/Berlin")
    assert np.array_equal(marks(column, codes, ">=", "2024-03-31 03:00"), expected)
    assert np.array_equal(marks(column, codes, ">=", "2024-03-31T01:00+00:00"), expected)


def test_times_are_compared_with_text_times_durations_and_numbers():
    minutes = np.arange(400, 800)
    column, codes = column_of([f"{each // 60:02d}:{each % 60:02d}" for each in minutes])
    for value in ("08:00", time(8), timedelta(hours=8), Fraction(480)):
        assert np.array_equal(marks(column, codes, "<", value), minutes < 480), value
    with pytest.raises(SchemaError, match="holds times written 07:30, and '25:00' is none"):
        compared(column, "<", "25:00")


KILOS = np.arange(30, 100)
AS_WRITTEN = {
    "kg": ([f"{each} kg" for each in KILOS], ("50 kg", "50kg", "50", "50.0 kg", 50)),
    "$": ([f"${each}.00" for each in KILOS], ("$50", "$50.00", "50")),
    "%": ([f"{each}.5 %" for each in KILOS - 0], ("50 %", "50%")),
    "min": ([f"{each} min" for each in KILOS], ("50 min", "50")),
    "hours": (
        [f"{each // 60}h {each % 60}m" for each in KILOS],
        ("50m", "0h 50m", timedelta(minutes=50)),
    ),
}


@pytest.mark.parametrize("name", AS_WRITTEN)
def test_numbers_are_compared_with_text_as_the_column_has_it(name):
    cells, constants = AS_WRITTEN[name]
    column, codes = column_of(cells)
    for constant in constants:
        assert np.array_equal(marks(column, codes, "<", constant), KILOS < 50), constant
        assert np.array_equal(marks(column, codes, ">=", constant), KILOS >= 50), constant


@pytest.mark.parametrize(
    ("cells", "constant", "message"),
    [
        (
            [f"{each} kg" for each in KILOS],
            "50 g",
            "column 'x' holds numbers written 12 kg, and '50 g' is none; convert it to 'kg'",
        ),
        (
            [f"{each} kg" for each in KILOS],
            "fifty",
            "column 'x' holds numbers written 12 kg, and 'fifty' is none; write it so, or as a "
            "number without quotes",
        ),
        (
            [f"{each // 60}h {each % 60}m" for each in KILOS],
            "PT50M",
            "column 'x' holds durations written 2h 15m, and 'PT50M' is none; write it so",
        ),
        (
            [f"{1 + each % 28:02d}/12/{1950 + each}" for each in KILOS],
            "June",
            "column 'x' holds dates, and 'June' is none; write it in quotes as '2024-12-31' or "
            "'2024-12-31 18:00', or like '31/12/2024'",
        ),
    ],
)
def test_text_that_is_none_of_the_column_is_refused_with_a_remedy(cells, constant, message):
    column, _ = column_of(cells)
    with pytest.raises(SchemaError) as error:
        compared(column, "<", constant)
    assert str(error.value) == message


def test_dates_are_compared_with_text_as_the_column_has_it_or_of_iso_8601():
    days = pd.date_range("2024-01-01", periods=90)
    column, codes = column_of(days.strftime("%d/%m/%Y").to_list())
    for constant in ("01/02/2024", "2024-02-01"):
        assert np.array_equal(marks(column, codes, "<", constant), days < "2024-02-01"), constant
