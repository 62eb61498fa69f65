"""Tables into codes and back: every container, and messages that name the cell."""

import gzip
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from chainrule.errors import FormatError, SchemaError
from chainrule.table import (
    Schema,
    decode,
    encode,
    infer_schema,
    read_chunks,
    read_table,
    to_container,
)

BITS = np.array([[0, 1, 1], [1, 1, 0], [0, 1, 1]])


def frames():
    named = {"a": BITS[:, 0], "b": BITS[:, 1], "c": BITS[:, 2]}
    return {
        "pandas": pd.DataFrame(named),
        "polars": pl.DataFrame(named),
        "pyarrow": pa.table(named),
    }


@settings(max_examples=50)
@given(
    bits=hnp.arrays(
        np.int64, st.tuples(st.integers(1, 12), st.integers(1, 6)), elements=st.integers(0, 1)
    ),
    dtype=st.sampled_from(["bool", "uint8", "int64", "float32", "float64"]),
)
def test_codes_round_trip_and_zero_is_the_more_frequent_value(bits, dtype):
    table = read_table(bits.astype(dtype))
    schema = infer_schema(table)
    assert Schema.from_json(schema.to_json()) == schema
    codes = encode(table, schema)
    assert codes.complete
    assert codes.values.dtype == np.float64
    assert bool((codes.values.mean(0) <= 0.5).all())
    back = to_container(decode(codes.values, schema), schema)
    assert back.dtype == np.dtype(dtype)
    assert np.array_equal(back, bits)


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow"])
def test_frames_come_back_as_they_went_in(kind):
    frame = frames()[kind]
    table = read_table(frame)
    schema = infer_schema(table)
    assert schema.container == kind
    assert schema.names == ("a", "b", "c")
    back = to_container(decode(encode(table, schema).values, schema), schema)
    assert back.equals(frame)


def test_integer_column_labels_are_names_not_rows():
    for shape in ((20, 6), (6, 20), (20, 1)):
        bits = np.random.default_rng(0).integers(0, 2, shape)
        table = read_table(pd.DataFrame(bits))
        assert len(table) == shape[0]
        assert table.names == tuple(map(str, range(shape[1])))
        assert np.array_equal(np.stack(table.columns, axis=1), bits)


@pytest.mark.parametrize("unknown", [None, np.nan, pd.NA])
def test_holes_are_unknown_whatever_their_name(unknown):
    frame = pd.DataFrame({"a": [0, 1, 1], "b": pd.Series([1, unknown, 0], dtype=object)})
    codes = encode(read_table(frame), infer_schema(read_table(frame)))
    assert codes.observed.tolist() == [[True, True], [True, False], [True, True]]
    assert codes.values[1, 1] == 0.0


def test_booleans_and_nullable_integers_are_bits():
    frame = pd.DataFrame(
        {
            "t": [True, np.False_, 1],
            "i": pd.array([1, None, 0], dtype="Int64"),
            "b": [True, False, True],
        }
    )
    codes = encode(read_table(frame), infer_schema(read_table(frame)))
    assert codes.observed.tolist() == [[True, True, True], [True, False, True], [True, True, True]]
    assert infer_schema(read_table(frame)).columns[0].levels == (1, 0)


def test_columns_match_by_name_and_absent_ones_are_unknown():
    schema = infer_schema(read_table(frames()["pandas"]))
    shuffled = frames()["polars"].select("c", "a", "b")
    assert np.array_equal(
        encode(read_table(shuffled), schema).values,
        encode(read_table(frames()["pandas"]), schema).values,
    )
    with pytest.warns(
        UserWarning, match=r"the table: column\(s\) 'b' are absent and count as unknown"
    ):
        codes = encode(read_table(shuffled.drop("b")), schema)
    assert codes.observed.all(0).tolist() == [True, False, True]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            np.array([["0", "1"]] * 4 + [["1", "two"]]),
            "column 'x1': value 'two' at row 4 is not a number, as 4 of 5 are: correct "
            "it, leave the cell empty, count it as missing by na_values={'x1': 'two'} (--na-values "
            "x1=two), or pass kinds={'x1': 'categorical'} (--kind x1=categorical)",
        ),
        (
            np.array([[0, 1], [1, np.inf]]),
            "column 'x1': value inf at row 1 is not a finite number; correct it, leave the cell "
            "empty, or fit with kinds={'x1': 'categorical'}",
        ),
        (
            np.zeros(3),
            "the array: 1 axes of sizes (3,); a table has two, (rows, columns): reshape it",
        ),
        (np.zeros((0, 3)), "the array: no rows; a model needs at least one"),
        (np.zeros((3, 0)), "the array: no columns"),
        (
            [[0, 1]],
            "a list is not a table; pass an ndarray, a pandas, polars or Arrow frame, or a path",
        ),
        (
            pd.DataFrame([[1, 0]], columns=["a", "a"]),
            "the table: column name 'a' appears twice; rename one of them",
        ),
    ],
)
def test_wrong_tables_are_explained_whole(table, message):
    with pytest.raises(SchemaError) as error:
        infer_schema(read_table(table))
    assert str(error.value) == message


def test_wrong_tables_for_a_schema_are_explained_whole():
    schema = infer_schema(read_table(frames()["pandas"]))
    for table, message in (
        (
            pd.DataFrame({"a": [1], "z": [0]}),
            "the table: column(s) 'z' are not in the model; drop them before asking",
        ),
        (np.zeros((2, 4)), "the array: 4 columns where the model has 3"),
        (
            pd.DataFrame({"a": [0.5], "b": [0], "c": [0]}),
            "column 'a': value 0.5 at row 0 is not 0 or 1 (or true/false), "
            "as all were when the model was fitted: correct it, or leave the cell empty",
        ),
    ):
        with pytest.raises(SchemaError) as error:
            encode(read_table(table), schema, strict=True)
        assert str(error.value) == message


@pytest.mark.parametrize(
    ("text", "names", "values"),
    [
        ("0,1\n1,1\n", ("x0", "x1"), [[0, 1], [1, 1]]),
        ("a,b\n0,1\n1,\n", ("a", "b"), [[0, 1], [1, np.nan]]),
        ("a;b\n0;1\n", ("a", "b"), [[0, 1]]),
        ("0 1 1\n1 0 0", ("x0", "x1", "x2"), [[0, 1, 1], [1, 0, 0]]),
        ('"a, b",c\ntrue,0\nfalse,1\n', ("a, b", "c"), [[1, 0], [0, 1]]),
        ("a,b\r\n0,1\r\n1,0\r\n", ("a", "b"), [[0, 1], [1, 0]]),
        ("only\n1\n0\n", ("only",), [[1], [0]]),
        ("only\n1\n\n0\n\n\n", ("only",), [[1], [np.nan], [0]]),
        ("a,b\n0,1\n1,0\n\n\n", ("a", "b"), [[0, 1], [1, 0]]),
        ('"a",b\n0,1\n1,0\n\n', ("a", "b"), [[0, 1], [1, 0]]),
        ("true,false\nfalse,true\n", ("x0", "x1"), [[1, 0], [0, 1]]),
        ("1,NA,0\n0,1,1\n", ("x0", "x1", "x2"), [[1, np.nan, 0], [0, 1, 1]]),
        ("0,1,2\n0,1,1\n", ("0", "1", "2"), [[0, 1, 1]]),
        ("has fever,is old\n1,0\n", ("has fever", "is old"), [[1, 0]]),
        ("has fever\n1\n0\n", ("has fever",), [[1], [0]]),
        ("age over 50, has a b\n1,0\n", ("age over 50", " has a b"), [[1, 0]]),
        ('"a, b, c";d\n1;0\n', ("a, b, c", "d"), [[1, 0]]),
        ("a, b\tc\n1\t0\n", ("a, b", "c"), [[1, 0]]),
        ("0 1 1 \n1 0 0 \n", ("x0", "x1", "x2"), [[0, 1, 1], [1, 0, 0]]),
        ("a,b\n-0,+1\n1e0,1\nnull,N/A\n", ("a", "b"), [[0, 1], [1, 1], [np.nan, np.nan]]),
        ("\ufeffa,b\n1,0\n", ("a", "b"), [[1, 0]]),
        ("a,b\r1,0\r0,1\r", ("a", "b"), [[1, 0], [0, 1]]),
        (",a\n0,1\n1,0\n", ("column_0", "a"), [[0, 1], [1, 0]]),
        ("a\tb\n1\t0\n\t\n", ("a", "b"), [[1, 0], [np.nan, np.nan]]),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_text_files(tmp_path, text, names, values, packed):
    path = tmp_path / ("t.csv.gz" if packed else "t.csv")
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    table = read_table(path)
    assert table.names == names
    schema = infer_schema(table)
    codes = encode(table, schema)
    decoded = np.stack(list(decode(codes.values, schema).values()), 1).astype(float)
    assert np.array_equal(
        np.where(codes.observed, decoded, np.nan), np.array(values, dtype=float), equal_nan=True
    )


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"", "{path}: the file is empty"),
        ("a.csv", b"\n1,0\n", "{path}: line 1 is empty"),
        ("a.csv", b"1,0,1\n1,0\n", "{path}: line 2 has 2 field(s) where line 1 has 3"),
        ("a.csv", b"a,b\n1,0\n1,0,1\n", "{path}: line 3 has 3 field(s) where line 1 has 2"),
        (
            "a.csv",
            b"a,a\n1,0\n",
            "{path}: column name 'a' appears twice in line 1; rename one of them",
        ),
        ("a.csv", b"\xff\xfe1\x00", "{path}: UTF-16 text; save it as UTF-8, as "),
        (
            "a.csv",
            b"a\nb\n\xe9\n",
            "{path}: not UTF-8 text in line 3: invalid continuation byte; save it as UTF-8, as ",
        ),
        ("a.csv", b"a,b\n1,0\n\n1,1\n", "{path}: line 3 has 1 field(s) where line 1 has 2"),
        ("a.csv", b'a,b\n1,"2\n3,4\n', "{path}: line 2 opens a quote that is not closed"),
        (
            "a.csv",
            b'a,b\n"' + b"1" * 200_000,
            "{path}: not a readable table: a field of more than ",
        ),
        (
            "a.csv",
            b'"a,b\n1,2\n',
            "{path}: line 1 opens a quote that it does not close; the first row has to stand on "
            "one line",
        ),
        ("a.csv", b'a,b\n"x\ny",2\n3\n', "{path}: line 4 has 1 field(s) where line 1 has 2"),
        (
            "a.csv.gz",
            gzip.compress(b"a,b\n" + b"1,0\n" * 99)[:-30] + bytes(22),
            "{path}: cannot be read: ",
        ),
        ("a.csv.gz", b"not gzip", "{path}: cannot be read: Not a gzipped file (b'no')"),
        ("a.npy", b"junk", "{path}: not a readable .npy file: "),
        ("a.npz", b"junk", "{path}: not a readable .npz file: "),
        ("a.parquet", b"junk", "{path}: not a readable Parquet file: "),
        (
            "a.xlsx",
            b"junk",
            "{path}: unknown type of file '.xlsx'; tables are .npy, .npz, .csv, .tsv, .txt, .data "
            "or .parquet",
        ),
    ],
)
def test_damaged_files_are_format_errors(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises((FormatError, SchemaError)) as error:
        read_table(path)
    text = message.format(path=path)
    assert str(error.value).startswith(text)
    assert text.endswith((": ", "not closed", "as ", "than ")) or str(error.value) == text
    if name.endswith(".csv"):
        with pytest.raises((FormatError, SchemaError)) as in_parts:
            list(read_chunks(path, rows=1))
        assert str(in_parts.value).split(":")[1][:14] == str(error.value).split(":")[1][:14]


def test_a_wrong_value_in_a_text_file_is_named_by_line(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n0,1\n0,1\n0,1\n0,1\n1,yes\n")
    with pytest.raises(
        SchemaError, match=rf"column 'b': value 'yes' at row 4 \(line 6 of {path}\) is not a number"
    ):
        infer_schema(read_table(path))


def test_arrays_of_npz_and_parquet(tmp_path):
    np.savez(tmp_path / "two.npz", train=BITS, test=BITS[:1])
    with pytest.raises(FormatError, match="holds the arrays train, test; say which one"):
        read_table(tmp_path / "two.npz")
    with pytest.raises(FormatError, match="array 'tst' is unknown; choose one of 'test', 'train'"):
        read_table(tmp_path / "two.npz", array="tst")
    assert len(read_table(tmp_path / "two.npz", array="test")) == 1
    frames()["polars"].write_parquet(tmp_path / "t.parquet")
    assert read_table(tmp_path / "t.parquet").names == ("a", "b", "c")
    np.savez(tmp_path / "object.npz", rows=np.array([{}], dtype=object))
    with pytest.raises(FormatError, match="cannot be read"):
        read_table(tmp_path / "object.npz")
    with pytest.raises(FileNotFoundError):
        read_table(tmp_path / "nowhere.csv")


def test_the_first_line_can_be_declared(tmp_path):
    path = tmp_path / "T.CSV"
    path.write_text("0,1\n1,1\n")
    assert read_table(path).names == ("x0", "x1")
    assert read_table(path, header=True).names == ("0", "1")
    assert len(read_table(path, header=True)) == 1


def test_masked_cells_are_unknown():
    masked = np.ma.array([[1, 0], [1, 1]], mask=[[False, True], [False, False]])
    table = read_table(masked)
    assert encode(table, infer_schema(table)).observed.tolist() == [[True, False], [True, True]]


def test_reading_warns_of_nothing(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for frame in frames().values():
            infer_schema(read_table(frame))
