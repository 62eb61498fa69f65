"""The notation of a column of text is found if exactly one reads all of its cells."""

import datetime

import numpy as np
import polars as pl
import pytest
from helpers.notations import AMOUNTS, DATED, DAYS, column_of, schema_of, swapped

from chainrule.errors import SchemaError
from chainrule.table import (
    read_table,
)
from chainrule.table.text.date_notation import DateNotation
from chainrule.table.text.notation import notation_from_json, read_cells

WRITTEN = {
    "thousands": ([f"{x:,.2f}" for x in AMOUNTS], "numbers written 1,234.50"),
    "continental": ([swapped(f"{x:,.2f}") for x in AMOUNTS], "numbers written 1.234,50"),
    "decimal comma": ([f"{x:.2f}".replace(".", ",") for x in AMOUNTS], "numbers written 12,50"),
    "shortest": ([str(x).replace(".", ",") for x in AMOUNTS], "numbers written 12,5"),
    "dollars": ([f"${x:.2f}" for x in AMOUNTS], "numbers written $12.50"),
    "euros behind": ([swapped(f"{x:,.2f}") + " €" for x in AMOUNTS], "numbers written 1.234,50 €"),
    "a code before": (
        [f"EUR {x:.2f}".replace(".", ",") for x in AMOUNTS],
        "numbers written EUR 12,50",
    ),
    "rupees": ([f"Rs.{x:.2f}" for x in AMOUNTS], "numbers written Rs.12.50"),
    "reais": ([f"R$ {swapped(f'{x:,.2f}')}" for x in AMOUNTS], "numbers written R$ 1.234,50"),
    "swiss": ([f"{x:,.2f}".replace(",", "’") for x in AMOUNTS], "numbers written 1’234.50"),
    "french": (
        [f"{x:,.2f}".replace(",", "\u202f").replace(".", ",") for x in AMOUNTS],
        "numbers written 1\u202f234,50",
    ),
    "percent": ([f"{x / 100:.1f}%" for x in AMOUNTS], "percent written 12.5%"),
    "percent apart": (
        [f"{x / 100:.1f} %".replace(".", ",") for x in AMOUNTS],
        "percent written 12,5 %",
    ),
    "accounts": (
        [f"({2000 - x:,.2f})" if x < 2000 else f"{x - 2000:,.2f}" for x in AMOUNTS],
        "numbers written (1,234.50)",
    ),
    "$(12.50)": (
        [f"$({2000 - x:.2f})" if x < 2000 else f"${x - 2000:.2f}" for x in AMOUNTS],
        "numbers written $(12.50)",
    ),
    "minus sign": ([f"{x - 2000:.1f}".replace("-", "−") for x in AMOUNTS], "numbers written −12.5"),
    "minus behind": (
        [f"{abs(x - 2000):.2f}" + "-" * int(x < 2000) for x in AMOUNTS],
        "numbers written 12.50-",
    ),
    "minus before dollars": (
        [f"{'-' * int(x < 2000)}${abs(x - 2000):.2f}" for x in AMOUNTS],
        "numbers written $12.50",
    ),
    "signed": ([f"{x - 2000:+.1f}%" for x in AMOUNTS], "percent written +12.5%"),
    "kilograms": ([f"{x:.1f} kg" for x in AMOUNTS], "numbers written 12.5 kg"),
    "square metres": ([f"{x:,.2f}m²" for x in AMOUNTS], "numbers written 1,234.50m²"),
    "kilometres": (
        [swapped(f"{x - 2000:,.2f}\u00a0km/h") for x in AMOUNTS],
        "numbers written 1.234,50\u00a0km/h",
    ),
    "degrees": ([f"{x - 2000:.1f}°C" for x in AMOUNTS], "numbers written 12.5°C"),
    "densities": ([f"{x:.1f} kg/m3" for x in AMOUNTS], "numbers written 12.5 kg/m3"),
    "prices of a unit": ([f"{x:.2f} €/kg" for x in AMOUNTS], "numbers written 12.50 €/kg"),
    "dollars a pound": ([f"${x:,.2f}/lb" for x in AMOUNTS], "numbers written $1,234.50/lb"),
    "several words": ([f"{x:.1f} sq ft" for x in AMOUNTS], "numbers written 12.5 sq ft"),
    "exponents": ([f"{x * 1e-9:.3e}".replace(".", ",") for x in AMOUNTS], "numbers written 12,5"),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_numbers_in_a_notation_are_read_and_written_back_as_they_were(name):
    cells, described = WRITTEN[name]
    column = column_of(cells)
    assert (column.kind, column.notation.describe()) == ("real", described)
    assert column.reason.startswith(f"{described}, ")
    values = read_cells(column.notation, np.array(cells, dtype=object), ())
    digits = [cell.translate(str.maketrans(",−", ".-")) for cell in cells]
    if name in ("percent", "minus sign", "exponents", "decimal comma", "signed", "percent apart"):
        assert values.tolist() == [float(cell.strip("% ")) for cell in digits]
    if name not in ("shortest", "exponents"):
        assert column.notation.write(values) == cells
    assert (
        read_cells(column.notation, np.array(column.notation.write(values)), ()).tolist()
        == values.tolist()
    )
    assert notation_from_json(column.notation.to_json()) == column.notation


DASHED = {
    "swiss": ([f"{int(x)}.–" for x in AMOUNTS], "12.–"),
    "german": ([f"{int(x)},-" for x in AMOUNTS], "12,-"),
    "two hyphens": ([f"{swapped(f'{int(x):,}')},-- €" for x in AMOUNTS], "1.234,-- €"),
    "long": ([f"CHF {int(x):,}.—".replace(",", "’") for x in AMOUNTS], "CHF 1’234.—"),
    "refunds": (
        [f"-{int(x)}.–" if k % 3 else f"{int(x)}.–" for k, x in enumerate(AMOUNTS)],
        "12.–",
    ),
    "cents": (
        [f"{int(x)}.–" if k % 2 or x == int(x) else f"{x:.2f}" for k, x in enumerate(AMOUNTS)],
        "12.–",
    ),
}


@pytest.mark.parametrize("name", DASHED)
def test_a_dash_for_no_decimals_is_no_minus_sign(name):
    cells, example = DASHED[name]
    column = column_of(cells)
    assert column.notation.describe() == f"numbers written {example}"
    values = read_cells(column.notation, np.array(cells, dtype=object), ())
    refunds = [cell.startswith("-") for cell in cells]
    expected = [x if cell[-1].isdigit() else x // 1 for x, cell in zip(AMOUNTS, cells, strict=True)]
    assert values.tolist() == [
        -x if below else x for x, below in zip(expected, refunds, strict=True)
    ]
    assert column.notation.write(values) == cells
    assert notation_from_json(column.notation.to_json()) == column.notation


@pytest.mark.parametrize("form", DATED)
def test_dates_in_a_notation_are_read_and_written_back_as_they_were(form):
    times = [
        datetime.datetime.combine(day, datetime.time(k % 24, k % 60, k % 7))
        for k, day in enumerate(DAYS)
    ]
    times = pl.Series(times, dtype=pl.Datetime("us"))
    cells = times.dt.to_string(form)
    column = column_of(cells.to_list())
    assert (column.kind, column.notation, column.notation.describe()) == (
        "datetime",
        DateNotation(format=form),
        f"dates written {DATED[form]}",
    )
    assert column.reason.startswith(f"dates written {DATED[form]}, in steps of ")
    values = read_cells(column.notation, cells.to_numpy(), ())
    assert column.notation.write(values) == cells.to_list()
    cut = {"%H": "1m", "%S": "1s"}
    coarse = times.dt.truncate(
        next((cut[part] for part in ("%S", "%H") if part in form), "1d" if "%" in form else "")
    )
    coarse = times.dt.truncate("1m") if "%I:%M%P" in form or "%-I" in form else coarse
    assert values.astype("datetime64[us]").tolist() == coarse.to_list()
    assert notation_from_json(column.notation.to_json()) == column.notation


DOUBTS = {
    "one mark before three digits": (
        [f"{x:,}" for x in range(1001, 9999, 7)],
        "numbers such as 1,234, 1234 where ',' separates thousands or 1.234 where it is the "
        "decimal mark: say which, by thousands={'x': ','} or decimal={'x': ','} (--thousands x=, "
        "or --decimal x=,)",
    ),
    "points before a minus behind": (
        [f"2.{x}{'-' * (x % 2)}" for x in range(100, 500)],
        "numbers such as 1.234, 1234 where '.' separates thousands or 1.234 where it is the "
        "decimal mark: say which, by thousands={'x': '.'} or decimal={'x': '.'} (--thousands x=. "
        "or --decimal x=.)",
    ),
    "points in amounts": (
        [f"€2.{x}" for x in range(100, 500)],
        "numbers such as €1.234, 1234 where '.' separates thousands or 1.234 where it is the "
        "decimal mark: say which, by thousands={'x': '.'} or decimal={'x': '.'} (--thousands x=. "
        "or --decimal x=.)",
    ),
    "two currencies": (
        [f"{'$€'[k % 2]}{x}" for k, x in enumerate(AMOUNTS)],
        "amounts in several currencies, such as '€' and '$', which do not compare as numbers: "
        "convert them, or put the currency into a column of its own",
    ),
    "with and without percent": (
        [f"{x}{'%' * (k % 2)}" for k, x in enumerate(AMOUNTS)],
        "numbers of which not all have '%' at the same end: write all of them in the same way",
    ),
    "day or month": (
        [f"{1 + k % 12:02d}/{1 + k % 11:02d}/{1900 + k % 120}" for k in range(400)],
        "dates such as 01/02/2024, day/month/year or month/day/year: say which, by "
        "date_format={'x': '%d/%m/%Y'} or '%m/%d/%Y' (--date-format x=%d/%m/%Y)",
    ),
    "any of three": (
        [f"{1 + k % 12:02d}-{1 + k % 11:02d}-{1 + k % 10:02d}" for k in range(400)],
        "dates such as 01-02-24, day/month/year or month/day/year or year/month/day: say which, "
        "by date_format={'x': '%d-%m-%y'} or '%m-%d-%y' or '%y-%m-%d' (--date-format x=%d-%m-%y)",
    ),
    "both ways": (
        [day.strftime("%d/%m/%Y" if k % 2 else "%m/%d/%Y") for k, day in enumerate(DAYS)],
        "dates written in two ways, day/month/year as in 31/12/2024 and month/day/year as in "
        "12/31/2024, which are not read: write them all in one",
    ),
    "many question marks": (
        [str(x) if k % 3 else "?" for k, x in enumerate(AMOUNTS)],
        "numbers but for 134 cells such as '?', which count as missing by na_values={'x': ['?']} "
        "(--na-values 'x=?')",
    ),
    "many dashes among dates": (
        [day.strftime("%d.%m.%Y") if k % 3 else "-" for k, day in enumerate(DAYS)],
        "dates but for 134 cells such as '-', which count as missing by na_values={'x': ['-']} "
        "(--na-values x=-)",
    ),
}


@pytest.mark.parametrize("name", DOUBTS)
def test_what_can_be_read_in_two_ways_is_not_guessed_and_the_reason_names_both(name):
    cells, reason = DOUBTS[name]
    column = column_of(cells)
    assert column.reason.split("different; ")[-1] == reason
    with pytest.raises(SchemaError) as error:
        schema_of(
            pl.DataFrame({"x": cells}), kinds={"x": "datetime" if "date" in reason else "real"}
        )
    assert str(error.value) == f"column 'x': {reason}"


@pytest.mark.parametrize(
    ("cells", "options", "written", "first"),
    [
        (
            DOUBTS["one mark before three digits"][0],
            {"thousands": ","},
            "numbers written 1,234",
            1001,
        ),
        (
            DOUBTS["one mark before three digits"][0],
            {"decimal": {"x": "."}},
            "numbers written 1,234",
            1001,
        ),
        (
            DOUBTS["one mark before three digits"][0],
            {"decimal": ","},
            "numbers written 12,500",
            1.001,
        ),
        (["1.234", "2.345"] * 9, {"decimal": ","}, "numbers written 1.234", 1234),
        (["1.234", "2.345"] * 9, {"thousands": {"x": "."}}, "numbers written 1.234", 1234),
        (
            DOUBTS["day or month"][0],
            {"date_format": "%d/%m/%Y"},
            "dates written 31/12/2024",
            datetime.date(1900, 1, 1),
        ),
        (
            ["03/04/2024", "05/06/2024"] * 9,
            {"date_format": {"x": "%m/%d/%Y"}},
            "dates written 12/31/2024",
            datetime.date(2024, 3, 4),
        ),
        (
            ["20240304", "20240506"] * 9,
            {"date_format": "%Y%m%d"},
            "dates written 20241231",
            datetime.date(2024, 3, 4),
        ),
        (
            ["4.3.2024 10:00:00.5"] * 9,
            {"date_format": "%d.%m.%Y %H:%M:%S.%f"},
            None,
            datetime.datetime(2024, 3, 4, 10, 0, 0, 500000),
        ),
    ],
)
def test_an_option_decides_between_two_notations(cells, options, written, first, tmp_path):
    path = tmp_path / "t.csv"
    pl.DataFrame({"x": cells, "y": [f"a{k % 2}" for k in range(len(cells))]}).write_csv(path)
    table = read_table(path, **options)
    column = schema_of(
        table, kinds={"x": "datetime" if "date_format" in options else "real"}
    ).columns[0]
    assert written is None or column.notation.describe() == written
    assert read_cells(column.notation, table.labels(0), ()).tolist()[0] == first
    assert schema_of(read_table(path)).table_names == ("x", "y")


LABELS = [
    ["1.2.10", "1.12.3", "2.0.1"],
    ["10-20", "20-30"],
    ["5'11", "6'2"],
    ["B12", "A3"],
    ["192.168.0.1", "10.0.0.7"],
    ["3/4", "1/2"],
    ["007,5", "012,5"],
    ["--5", "5"],
    ["TOP 10", "TOP 20"],
    ["12:30-13:00", "9:00-10:00"],
    ["12 kg", "13 kg"],
    ["1,23,45", "2,34,56"],
    ["(5", "6)"],
    ["99/99/2024", "88/88/2024"],
    ["+49 30 1234", "+49 89 12"],
    ["$", "%"],
    ["1,2;3", "4,5;6"],
    ["½", "¼"],
]


@pytest.mark.parametrize("cells", LABELS, ids=str)
def test_labels_that_resemble_numbers_or_dates_stay_labels(cells):
    column = column_of(cells * 9)
    assert (column.kind, column.notation, column.reason) == (
        "categorical",
        None,
        f"labels, {len(cells)} different",
    )
    assert set(column.levels) == set(cells)


def test_numbers_below_a_thousand_without_a_mark_show_that_it_parts_thousands():
    assert (
        column_of([f"{x:,}" for x in range(100, 9999, 37)]).notation.describe()
        == "numbers written 1,234"
    )
    doubtful = column_of([*(f"{x:,}" for x in range(1001, 9999, 37)), "0", "0"])
    assert "numbers such as 1,234, 1234 where" in doubtful.reason
    assert column_of(["1.234.567", "12.345"] * 9).notation.describe() == "numbers written 1.234"
    assert column_of(["0,123", "5,678"] * 9).notation.describe() == "numbers written 12,500"
    assert column_of(["1234,567", "1,234"] * 9).notation.describe() == "numbers written 12,500"
    assert (
        column_of(["1,00,000.50", "99,999.25"] * 9).notation.describe()
        == "numbers written 1,23,456.50"
    )
    assert column_of(["2345,5", "12.345,5"] * 9).notation.write(np.array([1234.5, 12345.5])) == [
        "1234,5",
        "12.345,5",
    ]


def test_some_cells_that_are_otherwise_are_named_with_the_options_that_settle_them(tmp_path):
    path = tmp_path / "t.csv"
    rows = "".join(f'"{swapped(f"{x:,.2f}")}";{k % 2}\n' for k, x in enumerate(AMOUNTS[:50]))
    path.write_text("price;b\n" + rows + "k. A.;1\n")
    with pytest.raises(SchemaError) as error:
        schema_of(path)
    assert str(error.value) == (
        f"column 'price': value 'k. A.' at row 50 (line 52 of {path}) is not among numbers written "
        "1.234,50, as 50 of 51 are: correct it, leave the cell empty, count it as missing by "
        "na_values={'price': 'k. A.'} (--na-values 'price=k. A.'), or pass kinds={'price': "
        "'categorical'} (--kind price=categorical)"
    )
    table = read_table(path, na_values={"price": "k. A."})
    assert table.missing == {"price": {"k. A.": 1}}
    assert schema_of(table).columns[0].notation.describe() == "numbers written 1.234,50"


def test_no_reason_holds_a_cell_of_the_table():
    """Reasons are kept in model files."""
    for cells, _ in DOUBTS.values():
        reason = column_of(cells).reason
        assert not [
            cell
            for cell in set(cells)
            if len(cell) > 3 and cell in reason and cells.count(cell) < 5
        ]


@pytest.mark.parametrize(
    "form", ["%G-W%V-%u", "%GW%V%u", "%a, %d %b %Y %H:%M:%S +0000", "%Y-%m-%d %H:%M:%S GMT"]
)
def test_days_of_weeks_and_offsets_behind_a_space_are_read(form):
    times = pl.Series(DAYS, dtype=pl.Date).cast(pl.Datetime("us"))
    cells = times.dt.to_string(form)
    column = column_of(cells.to_list())
    assert (column.kind, column.notation) == ("datetime", DateNotation(format=form))
    assert (
        column.notation.write(read_cells(column.notation, cells.to_numpy(), ())) == cells.to_list()
    )
    assert notation_from_json(column.notation.to_json()) == column.notation


MONTHS = [
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
]


NOT_READ = {
    "months": (
        [day.strftime("%Y-%m") for day in DAYS],
        "months without a day: write a day behind them, as 2024-01-31, ",
    ),
    "months first": ([day.strftime("%m/%Y") for day in DAYS], "months without a day: "),
    "weeks": (
        [day.strftime("%G-W%V") for day in DAYS],
        "weeks without a day: write a day behind them, as 2024-W05-3, ",
    ),
    "german": (
        [f"{day.day}. {MONTHS[day.month - 1]} {day.year}" for day in DAYS],
        "dates whose months have names that are not English: write them as numbers, ",
    ),
    "summer": (
        [f"{day}T10:00:00+0{1 + (3 < day.month < 11)}:00" for day in DAYS],
        "times at several offsets from UTC, such as +01:00 and +02:00, which are not "
        "read: write all times at one ",
    ),
    "both marks": (
        [f"{x:,.2f}" if k % 2 else swapped(f"{x:,.2f}") for k, x in enumerate(AMOUNTS)],
        "numbers of which some have a point for a decimal mark and others a comma, as "
        "in 1,234.50 and 1.234,50: ",
    ),
    "kilograms and grams": (
        [f"{x:.1f} {'kg' if k % 9 else 'g'}" for k, x in enumerate(AMOUNTS)],
        "numbers with 'kg' behind most, and something else, such as 'g', in 45 cells: write all ",
    ),
}


@pytest.mark.parametrize("name", NOT_READ)
def test_what_is_not_read_is_named(name):
    cells, reason = NOT_READ[name]
    assert reason in column_of(cells).reason


def test_labels_with_digits_are_nothing_that_is_not_read():
    for labels in (
        ["1.2", "1.2.3", "2.0.1"],
        ["10.0.0.1", "10.0.0.2"],
        ["B12", "C3"],
        ["1st", "2nd", "3rd"],
        ["4x4"],
    ):
        cells = [labels[k % len(labels)] for k in range(60)]
        assert column_of(cells).reason == f"labels, {len(labels)} different"
