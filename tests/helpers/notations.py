"""Numbers and dates as people write them, and the columns that they make."""

import datetime
import warnings

import numpy as np
import polars as pl

import chainrule as cr
from chainrule.table import (
    infer_schema,
    read_table,
)

SMALL = {
    "ties": "none",
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


def column_of(cells, reading=None, **options):
    """The column that cells of text make, or the one left out."""
    table = read_table(
        pl.DataFrame({"x": cells, "other": np.arange(len(cells)) % 3 == 0}), **reading or {}
    )
    schema = schema_of(table, **options)
    return next((out for out in schema.left_out if out.name == "x"), schema.columns[0])


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
