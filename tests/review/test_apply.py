"""Patches change the cells that they name, if these hold what the patch expects; nothing else."""

import datetime
import gzip
import math
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from helpers.command_line import chainrule

import chainrule as cr
from chainrule.errors import ChainruleError, FormatError, SchemaError
from chainrule.review.cells import as_text
from chainrule.review.patch import changes_of

TEXT = '\ufeffname;"age, in years";city\r\n"Ann; ""Annie""";39;Köln\r\nBob; 390 ;Ulm 😀\r\n\r\n'
CLEAN = '\ufeffname;"age, in years";city\r\n"Ann; ""Annie""";39;Bonn\r\nBob; 39 ;"Ulm; Neu"\r\n\r\n'
AGE = "age, in years"
CHANGES = [
    (1, AGE, "390", "39", "decimal point"),
    (0, "city", "Köln", "Bonn", ""),
    (1, "city", "Ulm 😀", "Ulm; Neu", ""),
]
NAMES = ["row", "column", "old", "new", "why"]


def patch_of(*changes):
    return pl.DataFrame(
        [tuple(map(str, change)) for change in changes],
        schema=NAMES[: len(changes[0])] if changes else NAMES,
        orient="row",
    )


@pytest.fixture
def files(tmp_path):
    (tmp_path / "t.csv").write_bytes(TEXT.encode())
    patch_of(*CHANGES).write_csv(tmp_path / "patch.csv")
    return tmp_path


def test_a_text_file_keeps_every_byte_of_its_other_cells(files):
    to = cr.apply_patch(files / "t.csv", files / "patch.csv", to=files / "clean.csv")
    assert to == files / "clean.csv"
    assert to.read_bytes() == CLEAN.encode()
    frame = cr.apply_patch(str(files / "t.csv"), patch_of(*CHANGES))
    assert frame["city"].to_list() == ["Bonn", "Ulm; Neu"]
    assert frame[AGE].to_list() == [39, 39]
    assert (files / "t.csv").read_bytes() == TEXT.encode()
    empty = cr.apply_patch(files / "t.csv", patch_of(), to=files / "same.csv")
    assert empty.read_bytes() == TEXT.encode()


def test_packed_files_are_unpacked_and_packed_by_name(files):
    (files / "t.csv.gz").write_bytes(gzip.compress(TEXT.encode()))
    cr.apply_patch(files / "t.csv.gz", files / "patch.csv", to=files / "clean.tsv")
    assert (files / "clean.tsv").read_bytes() == CLEAN.encode()
    cr.apply_patch(files / "t.csv", files / "patch.csv", to=files / "clean.csv.gz")
    assert gzip.decompress((files / "clean.csv.gz").read_bytes()) == CLEAN.encode()


def test_the_command_applies_a_patch(files):
    code, printed, errors = chainrule(
        "apply", "patch.csv", "t.csv", "-o", "clean.csv", cwd=files, warn="error"
    )
    assert (code, printed) == (0, "")
    assert errors == "clean.csv: t.csv with 3 changed cells\n"
    assert (files / "clean.csv").read_bytes() == CLEAN.encode()
    code, _, errors = chainrule("apply", "patch.csv", "clean.csv", "-o", "again.csv", cwd=files)
    assert code == 2
    assert errors == (
        f"chainrule: patch.csv, change 1: row 1, column '{AGE}' holds '39', not '390' "
        "(3 cells differ); nothing was changed. Apply the patch to the table that it was made "
        "for, or remove the changes that are already made\n"
    )
    assert not (files / "again.csv").exists()
    for words, message in (
        (("patch.csv", "t.csv", "-o", "t.csv"), "t.csv: is also read by this command"),
        (("gone.csv", "t.csv", "-o", "c.csv"), "gone.csv: no such file"),
        (("patch.csv", "gone.csv", "-o", "c.csv"), "gone.csv: no such file"),
        (("patch.csv", "t.csv", "-o", "c.parquet"), "t.csv is text and is written as text"),
    ):
        code, _, errors = chainrule("apply", *words, cwd=files)
        assert code == 2
        assert message in errors


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ([(0, "agee", "", "1")], "has no such column; column 'agee' is unknown; choose one of"),
        ([(2, "city", "", "1")], r"row 2 is beyond the end of .*t.csv, whose rows are 0 to 1"),
        ([(0, "city", "Köln", "1"), (0, "city", "Köln", "2")], "changed twice, to '1' and to '2'"),
        ([("x", "city", "Köln", "1")], "'x' is no number of a row; rows count from 0"),
        ([(-1, "city", "Köln", "1")], "'-1' is no number of a row"),
        ([(0, "city", "Koeln", "1")], "row 0, column 'city' holds 'Köln', not 'Koeln'; nothing"),
    ],
)
def test_a_patch_of_another_table_changes_nothing(changes, message, files):
    with pytest.raises(SchemaError, match=message):
        cr.apply_patch(files / "t.csv", patch_of(*changes), to=files / "clean.csv")
    assert not (files / "clean.csv").exists()


def test_a_patch_without_its_columns_and_other_things_are_refused(files):
    with pytest.raises(SchemaError, match=r"old, new are missing \(there are: row, column\)"):
        changes_of(pl.DataFrame({"row": [1], "column": ["city"]}))
    (files / "p.csv").write_text("row,column,old\n")
    with pytest.raises(SchemaError, match=r"p.csv: a patch has the columns .*; new is missing"):
        changes_of(files / "p.csv")
    with pytest.raises(SchemaError, match="int; pass a path of CSV, or a pandas"):
        changes_of(3)
    np.save(files / "p.npy", np.zeros((2, 2)))
    with pytest.raises(FormatError, match="a patch is a text file"):
        changes_of(files / "p.npy")
    with pytest.raises(FormatError, match="applies to CSV and Parquet files, and to frames"):
        cr.apply_patch(files / "p.npy", patch_of(*CHANGES))
    with pytest.raises(ChainruleError, match="is also read"):
        cr.apply_patch(files / "t.csv", patch_of(*CHANGES), to=files / "t.csv")


def test_a_patch_that_a_spreadsheet_or_pandas_rewrote_is_the_same(files):
    """Numbers may lose a zero behind the point, separators may change; labels may not."""
    again = pd.read_csv(files / "patch.csv").iloc[:1]
    assert changes_of(again.astype({"old": float, "new": float}))[0].new == "39"
    missing = pd.DataFrame({"row": [0], "column": ["a"], "old": [1.0], "new": [pd.NA]})
    assert [(change.old, change.new) for change in changes_of(missing)] == [("1", "")]
    (files / "p.csv").write_bytes(
        b'\xef\xbb\xbfRow;Column;Old;New;Why\r\n1;"age, in years";390.0;39\r\n'
    )
    with pytest.raises(FormatError, match=r"row 0 has 4 field\(s\) where line 1 has 5"):
        changes_of(files / "p.csv")
    (files / "p.csv").write_bytes(
        b'\xef\xbb\xbfRow;Column;Old;New\r\n1;"age, in years";390.0;39\r\n'
    )
    assert cr.apply_patch(files / "t.csv", files / "p.csv")[AGE].to_list() == [39, 39]
    (files / "zip.csv").write_text("zip,x\n01007,1\n")
    with pytest.raises(SchemaError, match="holds '01007', not '1007'"):
        cr.apply_patch(files / "zip.csv", patch_of((0, "zip", 1007, 1008)))


def frame():
    times = [datetime.datetime(2020, 1, day, 1, 2, 3, 5) for day in (1, 2, 3)]
    return pl.DataFrame(
        {
            "whole": [1, 2, 3],
            "real": [0.1, 0.2, 1e-7],
            "text": ["a", "b", None],
            "flag": [True, False, True],
            "day": [time.date() for time in times],
            "time": times,
            "zoned": pl.Series(times).dt.replace_time_zone("Europe/Berlin"),
            "small": pl.Series([1, 2, 3], dtype=pl.Int8),
            "label": pl.Series(["x", "y", "x"], dtype=pl.Enum(["x", "y", "z"])),
            "money": pl.Series(["1.50", "2.50", "3.25"]).str.to_decimal(scale=2),
        }
    )


CELLS = [
    (0, "whole", "1.0", "10", 10),
    (1, "real", "0.2", "5", 5.0),
    (2, "text", "", "new", "new"),
    (0, "text", "a", "", None),
    (1, "flag", "false", "true", True),
    (2, "day", "2020-01-03", "2021-05-06", datetime.date(2021, 5, 6)),
    (0, "time", "2020-01-01 01:02:03.000005", "2020-02-01 00:00", datetime.datetime(2020, 2, 1)),
    (1, "small", "2", "7", 7),
    (1, "label", "y", "z", "z"),
    (1, "money", "2.50", "9.75", Decimal("9.75")),
]
ZONED = (1, "zoned", "2020-01-02 01:02:03.000005+01:00", "2020-01-02 01:02:03+01:00")


@pytest.mark.parametrize("container", ["polars", "pandas", "pyarrow", "parquet"])
def test_frames_come_back_in_their_types(container, tmp_path):
    before = frame()
    patch = patch_of(*(cell[:4] for cell in CELLS), ZONED)
    table = {
        "polars": lambda: before,
        "pandas": lambda: before.to_pandas().set_axis(["i", "j", "k"], axis=0),
        "pyarrow": before.to_arrow,
        "parquet": lambda: tmp_path / "t.parquet",
    }[container]()
    before.write_parquet(tmp_path / "t.parquet")
    to = tmp_path / "clean.parquet" if container == "parquet" else None
    found = cr.apply_patch(table, patch, to=to)
    if container == "pandas":
        assert found.index.tolist() == ["i", "j", "k"]
        assert found.dtypes.equals(table.dtypes)
        found = pl.from_pandas(found).cast({"label": before.schema["label"]})
        found = found.with_columns(found["day"].cast(pl.Date))
    elif container == "pyarrow":
        assert isinstance(found, pa.Table)
        assert found.schema.types == table.schema.types
        found = pl.from_arrow(found).cast({"label": before.schema["label"]})
    elif container == "parquet":
        assert found == to
        found = pl.read_parquet(to)
    expected = {name: before[name].to_list() for name in before.columns}
    for row, column, _, _, value in CELLS:
        expected[column][row] = value
    expected["zoned"][1] = expected["zoned"][1].replace(microsecond=0)
    assert {name: found[name].to_list() for name in found.columns} == expected
    if container != "pandas":
        assert found.schema == before.schema
    assert before.equals(frame())


def test_arrays_are_changed_too():
    array = np.array([[1.5, 2], [3, 4]])
    found = cr.apply_patch(array, patch_of((1, "x0", 3, 7), (0, "x1", "2.0", "")))
    assert np.array_equal(found, [[1.5, np.nan], [7, 4]], equal_nan=True)
    assert array.tolist() == [[1.5, 2], [3, 4]]


@pytest.mark.parametrize(
    ("table", "change", "message"),
    [
        (frame(), (0, "whole", 1, "1.5"), "'1.5' is no value of column 'whole', which holds Int64"),
        (frame(), (0, "small", 1, 300), "'300' is no value of column 'small', which holds Int8"),
        (frame(), (0, "day", "2020-01-01", "soon"), "'soon' is no value of column 'day'"),
        (frame(), (0, "flag", "true", "maybe"), "'maybe' is no value of column 'flag'"),
        (frame(), (0, "text", "b", "c"), "row 0, column 'text' holds 'a', not 'b'"),
        (pd.DataFrame({"a": [1, 2]}), (0, "a", 1, ""), "holds int64, which cannot hold the new"),
    ],
)
def test_a_cell_that_its_type_cannot_hold_is_refused(table, change, message):
    with pytest.raises(SchemaError, match=message):
        cr.apply_patch(table, patch_of(change))


def test_a_frame_is_written_where_asked(tmp_path):
    to = cr.apply_patch(frame().to_pandas(), patch_of(CELLS[0][:4]), to=tmp_path / "clean.csv")
    assert pl.read_csv(to)["whole"].to_list() == [10, 2, 3]


def test_names_are_no_patterns_where_a_frame_becomes_text():
    frame = pl.DataFrame({"": [1.5, math.nan], "^a$": [2.5, math.nan], "*": ["x", "y"]})
    rows = [[field.text for field in fields] for _, fields in as_text(frame, "t").rows()]
    assert rows == [["1.5", "2.5", "x"], ["", "", "y"]]
