"""Fields of text files: each stands where a reader finds it, and alone changes when replaced."""

import csv
import gzip

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chainrule.errors import FormatError
from chainrule.table import read_table
from chainrule.table.files.fields import BOM, FieldText, field_text
from chainrule.table.files.text_files import Layout

ENDS = ("\n", "\r\n", "\r")
CELL = st.text('aé😀"01.,; \t\r\n', max_size=6)


@st.composite
def written(draw):
    """A text as it might be written: its pieces, the places of its cells, and their values."""
    width, height = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    separator, end = (
        draw(st.sampled_from(",;\t" if width > 1 else ",")),
        draw(st.sampled_from(ENDS)),
    )
    names = [f"name_{k}" for k in range(width)]
    pieces, places, cells = [separator.join(names), end], {}, {}
    for row in range(height):
        for column in range(width):
            cell, blanks = draw(CELL), draw(st.sampled_from(["", " ", "\u00a0", "  "]))
            needed = any(mark in cell for mark in (separator, "\r", "\n")) or cell[:1] == '"'
            if needed or draw(st.booleans()):
                piece = '"' + cell.replace('"', '""') + '"'
            else:
                piece = f"{blanks}{cell}{blanks}"
            cells[row, column], places[row, column] = cell, len(pieces)
            pieces += [piece, separator if column < width - 1 else end]
    # Lines of blanks at the end are no rows.
    assume(width > 1 or cells[height - 1, 0].strip() or '"' in pieces[-2])
    pieces += [end * draw(st.integers(0, 2))]
    if draw(st.booleans()):
        del pieces[-2:]
    return pieces, places, cells, draw(st.booleans())


def read(path, rows, columns):
    """The cells of a file as the library reads them, "" where one is missing."""
    table = read_table(path, header=True)
    assert (len(table), len(table.columns)) == (rows, columns)
    return {
        (row, column): table.text.to_series(column)[row] or ""
        for row in range(rows)
        for column in range(columns)
    }


@given(written(), CELL, st.randoms(use_true_random=False))
def test_a_field_is_replaced_and_every_other_byte_stays(tmp_path_factory, text, value, random):
    pieces, places, cells, bom = text
    path = tmp_path_factory.mktemp("t") / "t.csv"
    before = (BOM * bom + "".join(pieces)).encode()
    path.write_bytes(before)
    shape = [1 + max(axis) for axis in zip(*cells, strict=True)]
    fields = field_text(path)
    assert fields.count() == shape[0]
    found = {(row, k): field for row, each in fields.rows() for k, field in enumerate(each)}
    assert {at: field.text.strip() for at, field in found.items()} == {
        at: cell.strip() for at, cell in cells.items()
    }
    chosen = random.choice(sorted(cells))
    after = (BOM * fields.bom + fields.spliced({found[chosen]: value})).encode()
    place = places[chosen]
    assert after.startswith((BOM * bom + "".join(pieces[:place])).encode())
    assert after.endswith("".join(pieces[place + 1 :]).encode())
    assert fields.spliced({}) == "".join(pieces)
    path.write_bytes(after)
    expected = {at: cell.strip() for at, cell in cells.items()} | {chosen: value.strip()}
    assert {at: cell.strip() for at, cell in read(path, *shape).items()} == expected


@pytest.mark.parametrize(
    ("line", "value", "expected"),
    [
        ("1, b ,c", "x", "1, x ,c"),
        ("1, b ,c", "x, y", '1,"x, y",c'),
        ('1,"b",c', "x", '1,"x",c'),
        ('1,"b" ,c', 'x"', '1,"x""" ,c'),
        ('1,"b"b,c', "x", '1,"x",c'),
        ('1,5" pipe,c', "x", "1,x,c"),
        ("1,,c", "a\r\nb", '1,"a\r\nb",c'),
        ("1,b,c", " x", '1," x",c'),
        ("1,b,c", "", "1,,c"),
    ],
)
def test_quotes_are_written_where_a_reader_needs_them(line, value, expected):
    fields = FieldText(f"a,b,c\n{line}\n", Layout(",", ("a", "b", "c"), named=True))
    ((_, found),) = fields.rows({0})
    assert fields.spliced({found[1]: value}) == f"a,b,c\n{expected}\n"
    assert next(csv.reader([expected]))[1].strip() == value.strip() or "\n" in value


def test_an_empty_cell_is_quoted_where_a_line_without_it_would_be_no_row(tmp_path):
    for text, chosen, expected in (
        ("a\n1\n2\n", 0, 'a\n1\n""\n'),
        ("a b\n1 2\n3 4\n", 1, 'a b\n1 2\n3 ""\n'),
    ):
        path = tmp_path / "t.csv"
        path.write_text(text)
        fields = field_text(path)
        ((_, found),) = fields.rows({1})
        path.write_text(fields.spliced({found[chosen]: ""}))
        assert path.read_text() == expected
        assert len(read_table(path, header=True)) == 2


def test_files_without_names_and_packed_ones_have_fields(tmp_path):
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(b"\xef\xbb\xbf1;2,5\r\n3;4,5"))
    fields = field_text(path)
    assert fields.bom
    assert fields.layout.names == ["x0", "x1"]
    assert [[field.text for field in row] for _, row in fields.rows()] == [
        ["1", "2,5"],
        ["3", "4,5"],
    ]


def test_lines_that_are_no_rows_are_named(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1,2\n3\n")
    assert [row for row, _ in field_text(path).rows({0})] == [0]
    with pytest.raises(FormatError, match=r"row 1 has 1 field\(s\) where line 1 has 2"):
        list(field_text(path).rows())
    path.write_text('a,b\n1,2\n3,"4\n')
    with pytest.raises(FormatError, match="line 3 opens a quote that is not closed"):
        field_text(path).count()
