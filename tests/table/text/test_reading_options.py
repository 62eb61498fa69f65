"""Options for reading that no table can follow are refused."""

import polars as pl
import pytest
from helpers.notations import schema_of

from chainrule.errors import SchemaError
from chainrule.table import (
    read_table,
)


@pytest.mark.parametrize(
    ("options", "message"),
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
def test_options_that_cannot_be_followed_are_refused_with_the_whole_message(options, message):
    with pytest.raises(SchemaError) as error:
        read_table(pl.DataFrame({"x": ["1,5"]}), **options)
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
