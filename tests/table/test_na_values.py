"""Cells of frames that the user's words make missing."""

import datetime
from decimal import Decimal

import pandas as pd
import polars as pl
import pytest
from helpers.notations import SMALL, schema_of

import chainrule as cr
from chainrule.table import (
    encode,
    read_table,
)


@pytest.mark.parametrize(
    "container", ["pandas", "nullable", "polars", "arrow", "parquet", "decimals"]
)
def test_numbers_and_dates_for_missing_cells_apply_to_a_frame(container, tmp_path):
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
    words = {"age": "-999", "x": ["-999", "?"], "day": "1900-01-01", "large": str(2**62 + 1)}
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
    table = read_table(whole, na_values=words)
    schema = schema_of(table)
    seen = encode(table, schema).observed
    assert [column.kind for column in schema.columns[:3]] == ["integer", "real", "datetime"]
    assert (1 - seen.mean(0)).round(3).tolist() == [0.333, 0.333, 0.2, 0.25]
    density = cr.fit(table, **SMALL)
    drawn = density.impute(read_table(whole, na_values=words), seed=0)
    filled = drawn.to_pandas() if hasattr(drawn, "to_pandas") else drawn
    assert not (filled["age"] == -999).any()
    assert not (filled["x"] == -999).any()
    assert (filled["age"][1:3] == [1, 2]).all()
    assert (pd.to_datetime(filled["day"]).dt.year > 2000).all()


def test_words_for_missing_cells_apply_to_the_text_of_a_frame():
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
