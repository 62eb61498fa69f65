"""Words for missing cells are counted, and described in few words."""

import pytest

from chainrule.table import (
    Schema,
    describe_missing,
    read_table,
)


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
def test_words_for_missing_cells_are_counted_and_are_an_option(na_values, missing, tmp_path):
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


def test_missing_cells_are_described_in_few_words():
    schema = Schema(())
    assert describe_missing({}, schema) == []
    words = {"": 4, "NA": 9, "null": 2, "n/a": 1, "NULL": 1}
    assert describe_missing({"a": words}, schema) == [
        "missing cells: a 4 empty, 9 'NA', 2 'null', 2 of other words"
    ]
    many = {f"c{k}": {"": 1, "NA": k} for k in range(1, 20)}
    assert describe_missing(many, schema) == ["missing cells: 19 empty, 190 'NA' in 19 columns"]
