"""Numbers, dates and missing cells are read in their notation, and written back in it."""

import datetime
import warnings
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule.errors import FormatError, SchemaError
from chainrule.table import (
    Schema,
    describe_missing,
    encode,
    infer_schema,
    lazy,
    read,
    read_chunks,
    read_table,
)
from chainrule.table.text.date_notation import DateNotation
from chainrule.table.text.detect import detect
from chainrule.table.text.findings import Doubt, Found
from chainrule.table.text.notation import notation_from_json, read_cells
from chainrule.table.text.number_notation import NumberNotation
from chainrule.table.text.reading_options import ColumnReading

SMALL = {
    "effort": "quick",
    "seed": 0,
    "verbose": False,
    "config": cr.FitConfig(hidden_size=4, epochs=1),
}
AMOUNTS = np.random.default_rng(0).gamma(2, 900, 400).round(2).tolist()
DAYS = [
    datetime.date(2024, 1, 1) + datetime.timedelta(int(k))
    for k in np.random.default_rng(1).integers(0, 365, 400)
]


def swapped(text):
    """1,234.50 as 1.234,50."""
    return text.translate(str.maketrans(",.", ".,"))


def schema_of(table, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return infer_schema(table, **options)


def column_of(cells, said=None, **options):
    """The column that cells of text make, or the one left out."""
    table = read_table(
        pl.DataFrame({"x": cells, "other": np.arange(len(cells)) % 3 == 0}), **said or {}
    )
    schema = schema_of(table, **options)
    return next((out for out in schema.left_out if out.name == "x"), schema.columns[0])


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


DATED = {
    "%d/%m/%Y": "31/12/2024",
    "%m/%d/%Y": "12/31/2024",
    "%-d.%-m.%Y": "31.12.2024",
    "%d.%m.%Y": "31.12.2024",
    "%-m/%-d/%y": "12/31/24 (years 1969 to 2068)",
    "%Y/%m/%d": "2024/12/31",
    "%d-%b-%Y": "31-Dec-2024",
    "%d %B %Y": "31 December 2024",
    "%b %d, %Y": "Dec 31, 2024",
    "%a, %d %b %Y": "Tue, 31 Dec 2024",
    "%d/%m/%Y %H:%M": "31/12/2024 23:59",
    "%m/%d/%Y %I:%M:%S %p": "12/31/2024 11:59:58 PM",
    "%-m/%-d/%Y %-I:%M%P": "12/31/2024 11:59pm",
    "%Y-%m-%dT%H:%M:%SZ": "2024-12-31T23:59:58Z",
    "%Y-%m-%dT%H:%M:%S+01:00": "2024-12-31T23:59:58+01:00",
    "%d/%b/%Y:%H:%M:%S": "31/Dec/2024:23:59:58",
    "%d.%m.%y": "31.12.24 (years 1969 to 2068)",
    "%y-%m-%d": "24-12-31 (years 1969 to 2068)",
    "%d %m %Y": "31 12 2024",
}


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
    "times of day": (
        [f"{k % 24:02d}:{k % 60:02d}" for k in range(400)],
        "times of day, such as 07:30, are not read: write a date before them, or the hours or "
        "minutes as a number",
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
    ("cells", "said", "written", "first"),
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
def test_what_was_said_of_a_notation_decides(cells, said, written, first, tmp_path):
    path = tmp_path / "t.csv"
    pl.DataFrame({"x": cells, "y": [f"a{k % 2}" for k in range(len(cells))]}).write_csv(path)
    table = read_table(path, **said)
    column = schema_of(table, kinds={"x": "datetime" if "date_format" in said else "real"}).columns[
        0
    ]
    assert written is None or column.notation.describe() == written
    assert read_cells(column.notation, table.labels(0), ()).tolist()[0] == first
    assert schema_of(read_table(path)).table_names == ("x", "y")


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"decimal": ";"}, "decimal ';' is unknown; choose one of ',', '.'"),
        (
            {"decimal": ",", "thousands": {"x": ","}},
            "decimal and thousands are both ','; they have to differ",
        ),
        ({"decimal": {"z": ","}}, "the table: decimal: column 'z' is unknown; choose one of 'x'"),
        (
            {"na_values": {"z": "-"}},
            "the table: na_values: column 'z' is unknown; choose one of 'x'",
        ),
        (
            {"date_format": "day first"},
            "'day first' is no format of dates with a day, a month and a year; write it as "
            "%d/%m/%Y or %d.%m.%Y %H:%M",
        ),
        (
            {"date_format": "%d %m %Q %Y"},
            "'%d %m %Q %Y' is no format of dates: cannot format timezone-naive Datetime with "
            "format '%d %m %Q %Y'",
        ),
    ],
)
def test_what_cannot_be_said_is_refused_whole(said, message):
    with pytest.raises(SchemaError) as error:
        read_table(pl.DataFrame({"x": ["1,5"]}), **said)
    assert str(error.value) == message


def test_a_format_that_no_column_has_or_one_cell_lacks_is_refused():
    frame = pl.DataFrame(
        {"when": ["31.12.2024", "30.12.2024", "31/12/2024"], "x": [1.5, 2.5, 4.25]}
    )
    with pytest.raises(
        SchemaError,
        match=r"the table: no column of text is written in the format of dates '%Y\.%m\.%d'",
    ):
        schema_of(read_table(frame, date_format="%Y.%m.%d"))
    with pytest.raises(SchemaError) as error:
        schema_of(read_table(frame, date_format={"when": "%d.%m.%Y"}))
    assert str(error.value) == (
        "column 'when': value '31/12/2024' is not a date in the format '%d.%m.%Y'; correct it, "
        "leave the cell empty, or say another format"
    )


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


def test_points_in_a_file_of_decimal_commas_are_told_to_be_doubtful(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(
        "a;b\n"
        + "".join(
            f"{x / 7:.2f};{x % 9 + 1}.{x:03d}\n".replace(".", ",", 1) for x in range(100, 200)
        )
    )
    lines = str(schema_of(path)).splitlines()
    assert lines[1].endswith(
        "; a point that separates thousands, as in 1.234, is read so by thousands={'b': '.'} "
        "(--thousands b=.)"
    )
    told = schema_of(read_table(path, thousands={"b": "."})).columns[1]
    assert (told.kind, told.notation.describe()) == ("integer", "numbers written 1.234")


# ------------------------------------------------------------------------------------------------ laws


@st.composite
def number_notations(draw):
    decimal = draw(st.sampled_from([".", ","]))
    most = draw(st.integers(0, 4))
    return NumberNotation(
        decimal=decimal,
        thousands=draw(
            st.sampled_from(
                [mark for mark in ("", ",", ".", " ", "\u202f", "'", "’") if mark != decimal]
            )
        ),
        grouping=draw(st.sampled_from([3, 3, 2])),
        prefix=draw(st.sampled_from(["", "", "$", "€ ", "EUR ", "Rs."])),
        suffix=draw(st.sampled_from(["", "", " €", "%", " kr"])),
        minus=draw(st.sampled_from("-−")),
        minus_at=draw(st.sampled_from(["front", "end", "parentheses"])),
        least_decimals=draw(st.sampled_from([0, most])),
        most_decimals=most,
    )


@settings(max_examples=200, deadline=None)
@given(
    notation=number_notations(),
    cents=st.lists(st.integers(-(10**12), 10**12), min_size=1, max_size=12),
)
def test_what_a_notation_writes_it_reads_again(notation, cents):
    values = np.array(cents) / 10**notation.most_decimals
    assert read_cells(notation, np.array(notation.write(values)), ()).tolist() == values.tolist()
    whole = np.array(cents)
    assert read_cells(notation, np.array(notation.write(whole)), ()).tolist() == cents
    assert notation_from_json(notation.to_json()) == notation
    found = detect("x", pl.Series(notation.write(values)), ColumnReading())
    if isinstance(found, Found) and not found.strays and found.notation is not None:
        again = found.notation.parse(pl.Series(notation.write(values))).cast(float).to_list()
        points_are_decimal = (
            notation.is_share and notation.thousands == "."
        )  # 1.234% is about one percent
        assert again == values.tolist() or points_are_decimal
        values = np.array(again)
        assert (
            found.notation.parse(pl.Series(found.notation.write(values))).cast(float).to_list()
            == values.tolist()
        )
    else:
        marked = notation.thousands or notation.most_decimals or notation.prefix or notation.suffix
        assert (
            not marked or isinstance(found, Doubt) or (found is not None and found.notation is None)
        ), notation


@settings(max_examples=60, deadline=None)
@given(
    form=st.sampled_from(list(DATED)),
    times=st.lists(
        st.datetimes(datetime.datetime(1970, 1, 1), datetime.datetime(2060, 1, 1)),
        min_size=1,
        max_size=12,
    ),
)
def test_dates_that_a_notation_writes_are_found_and_read_or_doubtful(form, times):
    notation = DateNotation(format=form)
    text = pl.Series(notation.write(np.array(times, dtype="datetime64[us]")))
    values = notation.parse(text)
    assert not values.has_nulls()
    assert notation.write(values.to_numpy()) == text.to_list()
    found = detect("x", text, ColumnReading())
    assert isinstance(found, Doubt) or (
        not found.strays and found.notation.parse(text).equals(values)
    )


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text("0123456789.,'’ -−()%$€/:APMJanuary", max_size=14), min_size=1, max_size=6))
def test_any_text_is_read_or_left_as_it_is(cells):
    found = detect(
        "x", pl.Series(cells).str.strip_chars().replace("", None), ColumnReading(), min_count=5
    )
    if isinstance(found, Found) and found.notation is not None:
        read_text = pl.Series([cell.strip() or None for cell in cells])
        values = found.notation.parse(read_text)
        assert (
            values.null_count() <= read_text.null_count() + len(found.strays)
            or len(found.strays) > 3
        )
    elif isinstance(found, Doubt):
        assert found.reason


@pytest.mark.parametrize(
    "spec",
    [
        {"of": "numbers", "decimal": ";"},
        {"of": "numbers", "prefix": "1"},
        {"of": "numbers", "grouping": 0},
        {"of": "words"},
        {},
        {"of": "numbers", "thousands": ".", "decimal": "."},
        {"of": "dates", "format": "%H:%M"},
        {"of": "dates"},
        {"of": "numbers", "most_decimals": 10**9},
        {"of": "numbers", "colour": 1},
        {"of": "dates", "format": "%d" * 99},
    ],
    ids=str,
)
def test_a_notation_that_no_version_wrote_is_refused(spec):
    with pytest.raises(FormatError, match="notation"):
        notation_from_json(spec)


# ------------------------------------------------------------------------------------------------ fits


def frame_of(n=300):
    """A price, a rate, a day and a country as people write them, with holes."""
    rng = np.random.default_rng(2)
    value = rng.gamma(2, 900, n).round(2)
    day = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 365, n), "D")
    frame = pd.DataFrame(
        {
            "price": [swapped(f"{x:,.2f}") + " €" for x in value],
            "rate": [f"{x / 1000:.1f}%" for x in value],
            "when": day.strftime("%d/%m/%Y"),
            "country": rng.choice(["NA", "DE", "FR", "ZA"], n),
            "x": rng.normal(size=n).round(1),
        }
    )
    for name in ("price", "rate", "when"):
        frame.loc[rng.random(n) < 0.1, name] = None
    return frame


WRITTEN_SO = {
    "price": r"-?[0-9.]{1,9},[0-9]{2} €",
    "rate": r"-?[0-9]+\.[0-9]%",
    "when": r"[0-9]{2}/[0-9]{2}/[0-9]{4}",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("notation")
    frame_of().to_csv(folder / "t.csv", sep=";", index=False)
    return folder


@pytest.fixture(scope="module")
def of_file(folder):
    return cr.fit(cr.read_table(folder / "t.csv", na_values={"country": ""}), **SMALL)


@pytest.fixture(scope="module")
def of_frame():
    return cr.fit(frame_of(), **SMALL)


def test_what_is_drawn_and_filled_into_a_file_is_written_as_the_file_is(folder, of_file, tmp_path):
    drawn = pl.read_csv(of_file.sample(50, seed=0, to=tmp_path / "drawn.csv"), infer_schema=False)
    filled = pl.read_csv(
        of_file.impute(folder / "t.csv", seed=0, to=tmp_path / "filled.csv"), infer_schema=False
    )
    before = frame_of()
    for name, pattern in WRITTEN_SO.items():
        assert drawn[name].str.contains(f"^{pattern}$").all()
        assert filled[name].str.contains(f"^{pattern}$").all()
        known = before[name].notna().to_numpy()
        assert filled[name].to_numpy()[known].tolist() == before[name][known].tolist()
    assert filled["country"].to_list() == before["country"].to_list()
    assert set(drawn["country"]) == {"NA", "DE", "FR", "ZA"}
    assert [str(t) for t in of_file.sample(2, seed=0).dtypes] == [
        "Float64",
        "Float64",
        "Date",
        "String",
        "Float64",
    ]
    parquet = pl.read_parquet(
        of_file.impute(folder / "t.csv", seed=0, to=tmp_path / "filled.parquet")
    )
    assert [str(t) for t in parquet.dtypes] == ["Float64", "Float64", "Date", "String", "Float64"]
    assert parquet.equals(of_file.impute(folder / "t.csv", seed=0))


def test_a_part_that_looks_plain_is_read_as_the_file_it_comes_from(tmp_path, of_file):
    """Cells such as 1.234 and 12 € in the first lines, and a part without a known price."""
    path = tmp_path / "parts.csv"
    rows = (
        [f"1.{k}00;1%;01/02/2024;DE;0.5" for k in range(100, 104)]
        + [";;;NA;"] * 4
        + ["2.345,50 €;2.0%;31/12/2024;FR;"] * 4
    )
    path.write_text("price;rate;when;country;x\n" + "\n".join(rows).replace("00;1%", ";1%") + "\n")
    whole = encode(read_table(path, reading=of_file.schema.reading), of_file.schema)
    parts = [
        encode(part, of_file.schema)
        for part in read_chunks(path, rows=4, reading=of_file.schema.reading)
    ]
    assert np.array_equal(np.concatenate([part.values for part in parts]), whole.values)
    assert np.array_equal(np.concatenate([part.observed for part in parts]), whole.observed)
    column = of_file.schema.columns[0]
    assert (whole.values[:4, 0] * column.spread + column.center).round(6).tolist() == [
        1100,
        1101,
        1102,
        1103,
    ]
    done = pl.read_csv(of_file.impute(path, to=tmp_path / "done.csv"), infer_schema=False)
    assert done["price"].to_list()[:4] == ["1.100", "1.101", "1.102", "1.103"]
    assert of_file.impute(path)["price"].dtype == pl.Float64


def test_a_file_read_by_columns_is_the_file_read_whole(folder, monkeypatch):
    whole = schema_of(read_table(folder / "t.csv", decimal=","))
    monkeypatch.setattr(lazy, "LARGE_BYTES", 0)
    monkeypatch.setattr(lazy, "CHUNK_ROWS", 70)
    table = lazy.read_table_lazily(folder / "t.csv", reading=read.Reading.from_options(decimal=","))
    assert schema_of(table) == whole
    assert table.missing == read_table(folder / "t.csv").missing
    assert np.array_equal(
        encode(table, whole).values, encode(read_table(folder / "t.csv"), whole).values
    )


def test_a_frame_of_text_gives_text_back_and_takes_numbers_too(folder, of_frame, of_file):
    frame = frame_of()
    for given_frame, fitted in (
        (frame, of_frame),
        (pl.from_pandas(frame), cr.fit(pl.from_pandas(frame), **SMALL)),
        (pl.from_pandas(frame).to_arrow(), None),
    ):
        density = fitted or cr.fit(given_frame, **SMALL)
        drawn = pl.DataFrame(density.sample(20, seed=0))
        filled = pl.DataFrame(density.impute(given_frame, seed=0))
        for name, pattern in WRITTEN_SO.items():
            assert drawn[name].str.contains(f"^{pattern}$").all()
            known = frame[name].notna().to_numpy()
            assert filled[name].to_numpy()[known].tolist() == frame[name][known].tolist()
            assert filled[name].str.contains(f"^{pattern}$").all()
    plain = of_file.schema
    numbers = pd.DataFrame(
        {
            name: read_cells(plain.columns[k].notation, frame[name].to_numpy(dtype=object), ())
            for k, name in enumerate(WRITTEN_SO)
        }
    ).assign(country=frame.country, x=frame.x)
    assert np.array_equal(of_frame.log_prob(numbers), of_frame.log_prob(frame))
    assert np.array_equal(
        of_frame.log_prob(pl.from_pandas(numbers)), of_frame.log_prob(pl.from_pandas(frame))
    )
    assert of_frame.marginal("rate")["rate"].str.endswith("%").all()
    odd = of_frame.oddest(frame, top=5)
    assert set(odd.loc[odd.column == "rate", "found"]) <= set(frame.rate)
    assert odd.loc[odd.column == "rate", "expected"].str.contains("% … ").all()
    assert of_file.oddest(folder / "t.csv", top=3)["found"].str.contains(r"€|%|/").any()


def test_known_cells_are_given_as_numbers_or_as_they_are_written(of_file):
    for price in ("1.234,50 €", "1.234,50", 1234.5):
        drawn = of_file.sample(3, given={"price": price, "when": "31/12/2024"}, seed=0)
        assert drawn["price"].to_list() == [1234.5] * 3
        assert drawn["when"].to_list() == [datetime.date(2024, 12, 31)] * 3
    with pytest.raises(SchemaError) as error:
        of_file.sample(1, given={"when": "12/31/2024"})
    assert str(error.value) == (
        "column 'when': dates written 12/31/2024 in given, where the fitted table has dates "
        "written 31/12/2024: say so to read_table, by date_format={'when': '%m/%d/%Y'} "
        "(--date-format when=%m/%d/%Y)"
    )


def test_a_table_written_otherwise_than_the_fitted_one_says_so(tmp_path, of_file):
    path = tmp_path / "us.csv"
    path.write_text('price,when\n"$1,234.50",12/31/2024\n"€2,345.25",01/31/2024\n')
    with pytest.raises(
        SchemaError,
        match=r"column 'price': value '\$1,234\.50' at row 0 \(line 2 of .*us.csv\) is not among",
    ):
        encode(read_table(path), of_file.schema, warn=False, strict=True)
    path.write_text("price,when\n1234.50,12/31/2024\n2345.25,01/31/2024\n")
    with pytest.raises(SchemaError) as error:
        encode(read_table(path), of_file.schema, warn=False)
    assert str(error.value) == (
        f"column 'price': numbers written 12.5 in {path}, where the fitted table has numbers "
        "written 1.234,50 €: say so to read_table, by decimal={'price': '.'} (--decimal price=.)"
    )
    path.write_text('price,when\n"1,234.50",12/31/2024\n"2,345.25",01/31/2024\n')
    told = read_table(path, decimal=".", date_format={"when": "%m/%d/%Y"})
    codes = encode(told, of_file.schema, warn=False)
    column = of_file.schema.columns[0]
    assert (codes.values[:, 0] * column.spread + column.center).round(6).tolist() == [
        1234.5,
        2345.25,
    ]
    plain = schema_of(pd.DataFrame({"price": AMOUNTS, "when": pd.to_datetime(DAYS)}))
    for cells, message in (
        (
            {"price": ["1.234,50", "12,25"]},
            "column 'price': numbers written 1.234,50 in the table, where the fitted table has "
            "plain ones: say so to read_table, by decimal={'price': ','} and thousands={'price': "
            "'.'} (--decimal price=, --thousands price=.)",
        ),
        (
            {"when": ["31/12/2024"]},
            "column 'when': dates written 31/12/2024 in the table, where the fitted table has "
            "plain ones: say so to read_table, by date_format={'when': '%d/%m/%Y'} (--date-format "
            "when=%d/%m/%Y)",
        ),
        (
            {"when": ["01/12/2024"]},
            "column 'when': dates such as 01/02/2024, day/month/year or month/day/year: say "
            "which, by date_format={'when': '%d/%m/%Y'} or '%m/%d/%Y' (--date-format "
            "when=%d/%m/%Y)",
        ),
    ):
        with pytest.raises(SchemaError) as error:
            encode(read_table(pd.DataFrame(cells)), plain, warn=False)
        assert str(error.value) == message
    for cells in ({"when": ["2024-12-31", "2024-12-30"]}, {"price": ["12.5", "13"]}):
        assert encode(read_table(pd.DataFrame(cells)), plain, warn=False).observed.any(1).all()


def test_weights_leave_the_notation_as_it_is(folder):
    weight = np.arange(300) % 3
    density = cr.fit(folder / "t.csv", sample_weight=weight, **SMALL)
    assert [str(c.notation and c.notation.describe()) for c in density.schema.columns][:3] == [
        "numbers written 1.234,50 €",
        "percent written 12.5%",
        "dates written 31/12/2024",
    ]
    assert density.schema.names == ("price", "rate", "when", "country", "x")


def test_a_schema_without_notations_is_written_as_before():
    schema = schema_of(pd.DataFrame({"a": AMOUNTS, "b": [f"l{k % 3}" for k in range(400)]}))
    assert all("notation" not in column for column in schema.to_json()["columns"])
    assert "reading" not in schema.to_json()


def test_a_model_remembers_notations_and_words_for_missing_cells(folder, of_file, tmp_path):
    of_file.save(tmp_path / "m.chainrule")
    again = cr.load(tmp_path / "m.chainrule")
    assert again.schema == of_file.schema
    assert Schema.from_json(again.schema.to_json()) == of_file.schema
    assert again.schema.reading.missing.of("country") == {""}
    assert again.score(folder / "t.csv") == of_file.score(folder / "t.csv")
    with pytest.raises(SchemaError) as error:
        again.score(cr.read_table(folder / "t.csv"))
    assert str(error.value) == (
        f"{folder / 't.csv'}: other words are missing cells than in the table the model was fitted "
        "to; pass the path, or give read_table the same na_values"
    )


def test_no_reason_holds_a_cell_of_the_table():
    """Reasons are kept in model files."""
    for cells, _ in DOUBTS.values():
        reason = column_of(cells).reason
        assert not [
            cell
            for cell in set(cells)
            if len(cell) > 3 and cell in reason and cells.count(cell) < 5
        ]


# ------------------------------------------------------------------------------------------------ missing cells


@pytest.mark.parametrize(
    ("na_values", "missing"),
    [
        (None, {"age": {"": 1, "NA": 2, "n/a": 1}, "country": {"NA": 2, "": 1}}),
        ("", {"age": {"": 1}, "country": {"": 1}}),
        ("-", {"age": {"": 1, "NA": 2, "n/a": 1, "-": 3}, "country": {"NA": 2, "": 1}}),
        (["", "-"], {"age": {"": 1, "-": 3}, "country": {"": 1}}),
        ({"country": ""}, {"age": {"": 1, "NA": 2, "n/a": 1}, "country": {"": 1}}),
        (
            {"age": ["-", "?"], "country": ["", "de"]},
            {"age": {"": 1, "NA": 2, "n/a": 1, "-": 3, "?": 1}, "country": {"": 1, "DE": 3}},
        ),
    ],
)
def test_words_for_missing_cells_are_counted_and_can_be_said(na_values, missing, tmp_path):
    path = tmp_path / "t.csv"
    ages, countries = (
        ["31", "", "NA", "n/a", "-", "?", "-", "NA", "-"],
        ["DE", "NA", "", "FR", "DE", "NA", "ZA", "ZA", "DE"],
    )
    path.write_text(
        "age,country\n" + "".join(f"{a},{c}\n" for a, c in zip(ages, countries, strict=True))
    )
    table = read_table(path, na_values=na_values)
    assert {name: dict(words) for name, words in table.missing.items()} == missing
    unknown = [sum(words.values()) for words in missing.values()]
    assert [int(column.null_count()) for column in table.text.get_columns()] == unknown


def test_missing_cells_are_told_in_few_words():
    schema = Schema(())
    assert describe_missing({}, schema) == []
    words = {"": 4, "NA": 9, "null": 2, "n/a": 1, "NULL": 1}
    assert describe_missing({"a": words}, schema) == [
        "missing cells: a 4 empty, 9 'NA', 2 'null', 2 of other words"
    ]
    many = {f"c{k}": {"": 1, "NA": k} for k in range(1, 20)}
    assert describe_missing(many, schema) == ["missing cells: 19 empty, 190 'NA' in 19 columns"]


@pytest.mark.parametrize(
    "container", ["pandas", "nullable", "polars", "arrow", "parquet", "decimals"]
)
def test_numbers_and_dates_said_of_a_frame_are_its_missing_cells(container, tmp_path):
    days = [
        datetime.datetime(1900, 1, 1) if k % 5 == 0 else datetime.datetime(2024, 1, 1 + k % 9)
        for k in range(60)
    ]
    cells = {
        "age": [-999 if k % 3 == 0 else k % 20 for k in range(60)],
        "x": [-999.0, 0.5, 1.5] * 20,
        "day": days,
    }
    frame = pd.DataFrame({**cells, "large": [2**62 if k % 4 else 2**62 + 1 for k in range(60)]})
    told = {"age": "-999", "x": ["-999", "?"], "day": "1900-01-01", "large": str(2**62 + 1)}
    if container == "nullable":
        frame = frame.convert_dtypes()
    if container == "decimals":
        frame["x"] = [Decimal(str(x)) for x in cells["x"]]
    whole = {
        "polars": pl.from_pandas,
        "arrow": lambda each: pl.from_pandas(each).to_arrow(),
        "parquet": lambda each: (
            pl.from_pandas(each).write_parquet(tmp_path / "t.parquet") or tmp_path / "t.parquet"
        ),
    }.get(container, lambda each: each)(frame)
    table = read_table(whole, na_values=told)
    schema = schema_of(table)
    seen = encode(table, schema).observed
    assert [column.kind for column in schema.columns[:3]] == ["integer", "real", "datetime"]
    assert (1 - seen.mean(0)).round(3).tolist() == [0.333, 0.333, 0.2, 0.25]
    density = cr.fit(table, **SMALL)
    drawn = density.impute(read_table(whole, na_values=told), seed=0)
    filled = drawn.to_pandas() if hasattr(drawn, "to_pandas") else drawn
    assert not (filled["age"] == -999).any()
    assert not (filled["x"] == -999).any()
    assert (filled["age"][1:3] == [1, 2]).all()
    assert (pd.to_datetime(filled["day"]).dt.year > 2000).all()


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
    "kilograms": (
        [f"{x:.1f} kg" for x in AMOUNTS],
        "numbers with 'kg' behind each, which are not read: write them without, ",
    ),
    "metres": (
        [f"{x:.0f}m²" for x in AMOUNTS],
        "numbers with 'm²' behind each, which are not read: write them without, ",
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


def test_words_said_of_a_frame_are_missing_cells_of_its_text():
    frame = pd.DataFrame(
        {"age": ["31", "-", "40", "-", "55.5"] * 9, "x": [1.0, -1.0, 2.0, 3.0, 5.5] * 9}
    )
    table = read_table(frame, na_values="-")
    assert [cell for cell in table.columns[0] if cell is None] == [None] * 18
    schema = schema_of(table, kinds={"age": "real"})
    assert encode(table, schema).observed.mean(0).tolist() == [0.6, 1.0]
    assert encode(read_table(frame, reading=schema.reading), schema).observed.mean(0).tolist() == [
        0.6,
        1.0,
    ]
