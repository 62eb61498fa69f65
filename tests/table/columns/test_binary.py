"""Columns of false and true: the words of a text file are those of what is drawn and filled."""

import numpy as np
import polars as pl
import pytest

import chainrule as cr
from chainrule.errors import SchemaError
from chainrule.events.comparisons import compared
from chainrule.table import Binary, encode, infer_schema, read_table
from chainrule.table.codes import decode, to_container
from chainrule.table.schema import Schema

BITS = np.arange(60) % 3 == 0


def table_of(words, path):
    cells = [words[bit] for bit in BITS.tolist()]
    cells[5] = ""
    pl.DataFrame({"b": cells, "x": np.arange(60) % 7}).write_csv(path)
    return read_table(path)


@pytest.mark.parametrize(
    "words", [("FALSE", "TRUE"), ("False", "True"), ("false", "true")], ids=lambda words: words[0]
)
@pytest.mark.parametrize("kinds", [None, {"b": "binary"}])
def test_draws_in_text_have_the_words_of_the_file(words, kinds, tmp_path):
    table = table_of(words, tmp_path / "t.csv")
    schema = infer_schema(table, kinds=kinds)
    column = schema.columns[0]
    assert column.reason in ("true or false", "as you said")
    assert Schema.from_json(schema.to_json()).columns[0] == column
    drawn = decode(encode(table, schema).values, schema)
    text = to_container(drawn, schema, as_text=True)["b"].to_list()
    if words[0] == "false":  # as programs write truth values
        assert text[6:] == BITS[6:].tolist()
    else:
        assert text[6:] == [words[bit] for bit in BITS[6:].tolist()]
    assert to_container(drawn, schema)["b"].to_list()[6:] == BITS[6:].tolist()
    assert column.as_written(np.array([True]), "").tolist() == [words[1]]
    assert column.as_written(np.array([True]), "False").tolist() == ["True"]


def test_masked_cells_stay_masked(tmp_path):
    column = infer_schema(table_of(("FALSE", "TRUE"), tmp_path / "t.csv")).columns[0]
    values = np.ma.masked_array([True, False], [False, True])
    assert column.in_text(values).tolist() == ["TRUE", None]


def test_the_most_frequent_capitals_count_and_frames_have_none(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("b,x\n" + "TRUE,1\nfalse,2\nFALSE,3\n" * 9)
    assert infer_schema(path).columns[0].capitals == "upper"
    frame = pl.DataFrame({"b": BITS, "x": np.arange(60) % 7})
    column = infer_schema(frame).columns[0]
    assert column.in_text(BITS) is None
    assert "capitals" not in column.to_json()


def test_only_words_have_capitals():
    for fields in (
        {"levels": (0, 1), "capitals": "upper"},
        {"levels": (False, True), "capitals": "x"},
    ):
        with pytest.raises(SchemaError, match="no words in capitals"):
            Binary(name="b", dtype="Boolean", **fields)


def test_an_event_takes_the_words_of_the_file(tmp_path):
    column = infer_schema(table_of(("FALSE", "TRUE"), tmp_path / "t.csv")).columns[0]
    for word in ("TRUE", "true", True):
        assert compared(column, "==", word).inside == (False, True), word
    with pytest.raises(SchemaError, match="'yes' is none of its values False, True"):
        compared(column, "==", "yes")


def test_a_file_of_draws_has_the_words_of_the_table(tmp_path):
    table_of(("FALSE", "TRUE"), tmp_path / "t.csv")
    config = cr.FitConfig(epochs=1)
    density = cr.fit(tmp_path / "t.csv", seed=0, config=config, verbose=False)
    density.sample(30, seed=0, to=tmp_path / "drawn.csv")
    assert set(read_table(tmp_path / "drawn.csv").text["b"]) == {"FALSE", "TRUE"}
