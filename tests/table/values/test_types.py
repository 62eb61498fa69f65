"""What is drawn or filled has the types, labels and order of labels of the table."""

import datetime
import subprocess
import sys
import uuid
import warnings
import zoneinfo
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from helpers.untrained import as_from_a_file, untrained
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import chainrule as cr

N = 40
DAY = datetime.date(2024, 3, 30)
BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")
WINTER = datetime.timezone(datetime.timedelta(hours=1))


def some(*values, hole=True):
    """A list of N cells in which each value stands often, and None too where there may be holes."""
    cells = [*values, *([None] if hole else [])]
    return [cells[k] for k in np.random.default_rng(len(cells)).integers(0, len(cells), N)]


def objects(*values):
    return pd.Series(some(*values), dtype=object)


def arrow_backed(values, dtype):
    return pd.Series(values, dtype=pd.ArrowDtype(dtype))


def hours(unit, zone=None):
    """Hours around the end of winter time, where a zone lacks one."""
    return pd.Series(pd.date_range("2024-03-30 12:00", periods=N, freq="h", unit=unit, tz=zone))


def at(text, zone):
    return datetime.datetime.fromisoformat(text).replace(tzinfo=zone)


NUMBERS = np.random.default_rng(1).normal(size=N)
WHOLE = np.random.default_rng(2).integers(-90, 90, N)
WITH_HOLES = [None if k % 7 == 0 else int(v) for k, v in enumerate(WHOLE)]

PANDAS = {
    "int8": pd.Series(WHOLE, dtype="int8"),
    "uint16": pd.Series(np.abs(WHOLE) * 700, dtype="uint16"),
    "float16": pd.Series(NUMBERS, dtype="float16"),
    "float32": pd.Series(NUMBERS, dtype="float32"),
    "bool": pd.Series(some(True, False, hole=False)),
    "Int16": pd.Series(WITH_HOLES, dtype="Int16"),
    "UInt8": pd.Series(some(1, 0, 200, 255), dtype="UInt8"),
    "Float32": pd.Series(NUMBERS, dtype="Float32"),
    "boolean": pd.Series(some(True, False), dtype="boolean"),
    "str": pd.Series(some("a", "b"), dtype="str"),
    "string of python": pd.Series(some("a", "b"), dtype=pd.StringDtype("python")),
    "string of Arrow": pd.Series(some("a", "b"), dtype=pd.StringDtype("pyarrow")),
    "str of python": pd.Series(some("a", "b"), dtype=pd.StringDtype("python", na_value=np.nan)),
    "ordered": pd.Series(pd.Categorical(some("lo", "hi"), ["lo", "mid", "hi"], ordered=True)),
    "categories out of order": pd.Series(pd.Categorical(some("b", "a"), ["b", "never", "a"])),
    "integer categories": pd.Series(pd.Categorical(some(3, 1), [1, 2, 3])),
    "small integer categories": pd.Series(
        pd.Categorical(some(3, 1), pd.Index([3, 2, 1], dtype="int8"))
    ),
    "float categories": pd.Series(pd.Categorical(some(1.5, 2.0), [1.5, 2.0, 7.0])),
    "boolean categories": pd.Series(pd.Categorical(some(True, False))),
    "mixed categories": pd.Series(pd.Categorical(some("a", 2), [2, "a", 1.5])),
    "time categories": pd.Series(
        pd.Categorical(some(pd.Timestamp("2024-01-01"), pd.Timestamp("2024-02-01 07:30")))
    ),
    "zoned categories": pd.Series(
        pd.Categorical(
            some(pd.Timestamp("2024-01-01", tz=BERLIN), pd.Timestamp("2024-07-01", tz=BERLIN))
        )
    ),
    "date categories": pd.Series(pd.Categorical(some(DAY, datetime.date(2024, 2, 1)))),
    "cut": pd.cut(pd.Series(NUMBERS), [-10, -0.5, 0, 0.5, 10, 20]),
    "Decimal": objects(Decimal("1.10"), Decimal("2.25"), Decimal("3.75")),
    "whole Decimal": objects(Decimal(1), Decimal(2), Decimal(7)),
    "date": objects(DAY, datetime.date(2024, 4, 2)),
    "midnights": objects(datetime.datetime(2024, 1, 1), datetime.datetime(2024, 1, 5)),
    "zoned": objects(at("2024-03-30", BERLIN), at("2024-07-05 03:00", BERLIN)),
    "zones that differ": objects(at("2024-03-30", WINTER), at("2024-07-05", datetime.UTC)),
    "fixed offset": objects(at("2024-03-30", WINTER), at("2024-07-05", WINTER)),
    "Timestamp": objects(
        pd.Timestamp("2024-03-30 01:00", tz=BERLIN), pd.Timestamp("2024-07-05", tz=BERLIN)
    ),
    "time of day": objects(datetime.time(1, 30), datetime.time(2)),
    "durations": pd.Series(pd.to_timedelta(some(1, 2, 26), "h")),
    "coarse durations": pd.Series(pd.to_timedelta(some(1, -2, 26), "h").astype("timedelta64[s]")),
    "timedelta": objects(datetime.timedelta(1), datetime.timedelta(seconds=1.5)),
    "whole floats": objects(1.0, 2.0, 8.0),
    "mixed": objects(1, "a", "b", 2.5),
    "bytes": objects(b"a", b"b\xff"),
    "tuples": objects(("a", 1), ("b", 2)),
    "uuid": objects(uuid.UUID(int=1), uuid.UUID(int=2)),
    "period": pd.Series(pd.PeriodIndex(some("2024-01", "2024-02"), freq="M")),
    "interval": pd.Series(
        pd.arrays.IntervalArray.from_tuples(some((0, 1), (1, 3), hole=False), closed="left")
    ),
    "sparse": pd.Series(pd.arrays.SparseArray(np.abs(WHOLE) % 3)),
    "sparse with holes": pd.Series(pd.arrays.SparseArray(np.where(NUMBERS < 0, np.nan, NUMBERS))),
    "seconds": hours("s"),
    "nanoseconds": hours("ns"),
    "local milliseconds": hours("ms", "Europe/Berlin"),
    "local nanoseconds": hours("ns", WINTER),
    "Arrow integer": arrow_backed(WITH_HOLES, pa.int64()),
    "Arrow decimal": arrow_backed(some(Decimal("1.10"), Decimal("2.25")), pa.decimal128(10, 2)),
    "Arrow time": arrow_backed(
        hours("us", "Europe/Berlin").tolist(), pa.timestamp("us", "Europe/Berlin")
    ),
    "Arrow dictionary": arrow_backed(some("a", "b"), pa.dictionary(pa.int8(), pa.string())),
    "Arrow text": arrow_backed(some("a", "b"), pa.string()),
    "Arrow date": arrow_backed(some(DAY, datetime.date(2024, 4, 2)), pa.date32()),
    "Arrow boolean": arrow_backed(some(True, False), pa.bool_()),
    "Arrow binary": arrow_backed(some(b"a", b"b"), pa.binary()),
    "Arrow time of day": arrow_backed(some(datetime.time(1), datetime.time(2)), pa.time64("us")),
    "Arrow duration": arrow_backed(some(datetime.timedelta(1)), pa.duration("ms")),
}

POLARS = {
    "Enum": pl.Series(some("a", "b"), dtype=pl.Enum(["b", "never", "a"])),
    "Categorical": pl.Series(some("a", "b"), dtype=pl.Categorical),
    "Categorical of its own": pl.Series(
        some("a", "b"), dtype=pl.Categorical(pl.Categories("mine"))
    ),
    "Decimal": pl.Series(some(Decimal("1.10"), Decimal("2.25")), dtype=pl.Decimal(9, 2)),
    "narrow Decimal": pl.Series(
        some(Decimal("0.9"), Decimal("-0.9"), Decimal("0.1")), dtype=pl.Decimal(1, 1)
    ),
    "Date": pl.Series(some(DAY, datetime.date(2024, 4, 2))),
    "local": pl.Series(hours("ms").tolist(), dtype=pl.Datetime("ms", "Europe/Berlin")),
    "nanoseconds": pl.Series(hours("us").tolist(), dtype=pl.Datetime("ns")),
    "Time": pl.Series(some(datetime.time(1, 30), datetime.time(2))),
    "Duration": pl.Series(some(datetime.timedelta(1), -datetime.timedelta(seconds=0.25))),
    "milliseconds": pl.Series(
        some(datetime.timedelta(1), datetime.timedelta(2)), dtype=pl.Duration("ms")
    ),
    "Int8": pl.Series(WITH_HOLES, dtype=pl.Int8),
    "UInt32": pl.Series(some(5, 2**32 - 1, 7, 9), dtype=pl.UInt32),
    "Int128": pl.Series(some(5, 70, 7, 9), dtype=pl.Int128),
    "Float32": pl.Series(NUMBERS, dtype=pl.Float32),
    "Boolean": pl.Series(some(True, False)),
    "Binary": pl.Series(some(b"a", b"b\xff")),
    "String": pl.Series(some("a", "b")),
}

ARROW = {
    "dictionary": pa.array(some("a", "b")).dictionary_encode(),
    "ordered dictionary": pa.DictionaryArray.from_arrays(
        pa.array(some(0, 2), pa.int8()), ["lo", "never", "hi"], ordered=True
    ),
    "dictionary of integers": pa.array(some(5, 60)).dictionary_encode(),
    "decimal32": pa.array(some(Decimal("1.10"), Decimal("2.25")), pa.decimal32(5, 2)),
    "decimal128": pa.array(some(Decimal("1.10"), Decimal("2.25")), pa.decimal128(10, 2)),
    "decimal256": pa.array(some(Decimal("1.10"), Decimal("2.25")), pa.decimal256(50, 2)),
    "date32": pa.array(some(DAY, datetime.date(2024, 4, 2)), pa.date32()),
    "date64": pa.array(some(DAY, datetime.date(2024, 4, 2)), pa.date64()),
    "local": pa.array(hours("ms").tolist(), pa.timestamp("ms", "Europe/Berlin")),
    "offset": pa.array(hours("ms").tolist(), pa.timestamp("ns", "+02:00")),
    "large_string": pa.array(some("a", "b"), pa.large_string()),
    "string_view": pa.array(some("a", "b"), pa.string_view()),
    "bool": pa.array(some(True, False)),
    "int8": pa.array(WITH_HOLES, pa.int8()),
    "halffloat": pa.array(NUMBERS.astype(np.float16)),
    "fixed_size_binary": pa.array(some(b"abc", b"xyz"), pa.binary(3)),
    "time32": pa.array(some(datetime.time(1), datetime.time(2)), pa.time32("s")),
    "time64": pa.array(some(datetime.time(1), datetime.time(2)), pa.time64("us")),
    "duration": pa.array(some(datetime.timedelta(1), datetime.timedelta(2)), pa.duration("s")),
    "runs": pa.RunEndEncodedArray.from_arrays([15, N], ["a", "b"]),
}


def sorts(series):
    """The types of known cells, of times with their zone."""
    return {(type(value), str(getattr(value, "tzinfo", None))) for value in series.dropna()}


def same_cells(found, expected):
    """Whether lists are of equal cells of the same types; a missing one equals none."""
    return all(type(a) is type(b) and a == b for a, b in zip(found, expected, strict=True))


@pytest.mark.parametrize("name", PANDAS)
def test_columns_of_pandas_come_back(name):
    column = PANDAS[name]
    frame = pd.DataFrame({"it": column, "bit": np.arange(N) % 2})
    density = untrained(frame)
    drawn = density.sample(30, seed=0)
    assert drawn["it"].dtype == column.dtype
    assert drawn["it"].notna().all()
    assert sorts(drawn["it"]) <= sorts(column)
    pd.testing.assert_frame_equal(as_from_a_file(density).sample(30, seed=0), drawn)
    for how in ("draw", "best", "mean"):
        filled = density.impute(frame, how=how, seed=0)
        assert filled["it"].dtype == column.dtype
        assert filled["it"].notna().all()
        assert sorts(filled["it"]) <= sorts(column)
        known = column.notna()
        assert same_cells(filled["it"][known], column[known])


@pytest.mark.parametrize("name", POLARS)
def test_columns_of_polars_come_back(name):
    frame = pl.DataFrame([POLARS[name].alias("it"), pl.Series("bit", np.arange(N) % 2)])
    density = untrained(frame)
    drawn = density.sample(30, seed=0)
    assert drawn.schema == frame.schema
    assert drawn["it"].null_count() == 0
    assert as_from_a_file(density).sample(30, seed=0).equals(drawn)
    for how in ("draw", "best", "mean"):
        filled = density.impute(frame, how=how, seed=0)
        assert filled.schema == frame.schema
        assert filled["it"].null_count() == 0
        known = frame["it"].is_not_null()
        assert filled.filter(known).equals(frame.filter(known))


@pytest.mark.parametrize("name", ARROW)
def test_columns_of_arrow_come_back(name):
    fields = [
        pa.field("it", ARROW[name].type, metadata={"unit": "kg"}),
        pa.field("bit", pa.int64(), nullable=False),
    ]
    schema = pa.schema(fields, metadata={"made": "by hand"})
    frame = pa.table([ARROW[name], pa.array(np.arange(N) % 2)], schema=schema)
    density = untrained(frame)
    drawn = density.sample(30, seed=0)
    assert drawn.schema.types == frame.schema.types
    assert drawn["it"].null_count == 0
    assert as_from_a_file(density).sample(30, seed=0).equals(drawn)
    for how in ("draw", "best", "mean"):
        filled = density.impute(frame, how=how, seed=0)
        filled.validate(full=True)
        assert filled.schema.equals(frame.schema, check_metadata=True)
        assert filled["it"].null_count == 0
        cells = zip(filled["it"].to_pylist(), frame["it"].to_pylist(), strict=True)
        assert all(a == b for a, b in cells if b is not None)


def test_dictionaries_keep_values_that_no_row_has_and_their_order():
    frame = pa.table({"it": ARROW["ordered dictionary"]})
    drawn = as_from_a_file(untrained(frame)).sample(20, seed=0)["it"].chunk(0)
    assert drawn.dictionary.to_pylist() == ["lo", "never", "hi"]
    assert drawn.type.ordered


NESTED = "lists and structures are not modelled; spread them over columns"


@pytest.mark.parametrize(
    ("column", "reason"),
    [
        (objects([1], [2, 3]), NESTED),
        (arrow_backed(some({"a": 1}), pa.struct([("a", pa.int64())])), NESTED),
        (arrow_backed([None] * N, pa.null()), "no known value"),
        (pl.Series(some([1])), NESTED),
        (pl.Series(some({"a": 1})), NESTED),
        (pl.Series(some([1]), dtype=pl.Array(pl.Int64, 1)), NESTED),
        (pl.Series([None] * N), "no known value"),
    ],
)
def test_what_is_not_modelled_passes_through(column, reason):
    bits = [None, *([0, 1] * (N // 2))[1:]]
    if isinstance(column, pd.Series):
        frame = pd.DataFrame({"it": column, "bit": pd.array(bits, dtype="Int8")})
    else:
        frame = pl.DataFrame({"it": column, "bit": bits})
    density = untrained(frame)
    assert [out.reason for out in density.schema.left_out] == [reason]
    filled = density.impute(frame, seed=0)
    if isinstance(column, pd.Series):
        pd.testing.assert_series_equal(filled["it"], frame["it"])
    else:
        assert filled["it"].equals(frame["it"], check_dtypes=True)


CATEGORIES = ["lo", "seldom", "hi", "never"]


def with_a_rare_level():
    labels = [*["lo"] * 20, *["seldom"] * 2, *["hi"] * 18]
    return pd.DataFrame(
        {"it": pd.Categorical(labels, CATEGORIES, ordered=True), "bit": np.arange(N) % 2}
    )


def test_types_name_labels_of_many_rows_or_none_but_not_of_few(tmp_path):
    density = untrained(with_a_rare_level())
    drawn = density.sample(50, seed=0)["it"]
    assert list(drawn.cat.categories) == ["lo", "hi", "never"]
    assert drawn.cat.ordered
    density.save(tmp_path / "m.chainrule")
    held = (tmp_path / "m.chainrule").read_bytes()
    assert (b"seldom" in held, b"never" in held) == (False, True)
    pd.testing.assert_series_equal(
        cr.load(tmp_path / "m.chainrule").sample(50, seed=0)["it"], drawn
    )
    enum = pl.from_pandas(with_a_rare_level()).with_columns(pl.col("it").cast(pl.Enum(CATEGORIES)))
    assert untrained(enum).sample(5, seed=0).schema["it"] == pl.Enum(["lo", "hi", "never"])


@pytest.mark.filterwarnings(
    "ignore:.* column 'it'. 'never'. none of the labels that the model lists"
)
@pytest.mark.parametrize("label", CATEGORIES)
def test_a_given_label_comes_back_as_itself_in_its_type(label):
    density = untrained(with_a_rare_level())
    for own in (density, as_from_a_file(density)):
        drawn = own.sample(4, given={"it": label}, seed=0)["it"]
        assert drawn.tolist() == [label] * 4
        assert drawn.cat.ordered
        new = [label] if label == "seldom" else []
        assert list(drawn.cat.categories) == ["lo", "hi", "never", *new]
        frame = pd.DataFrame({"it": pd.Categorical([label, None], CATEGORIES, ordered=True)})
        assert own.sample(2, given=frame, seed=0)["it"].tolist()[0] == label
    enum = pl.from_pandas(with_a_rare_level()).with_columns(pl.col("it").cast(pl.Enum(CATEGORIES)))
    drawn = untrained(enum).sample(4, given={"it": label}, seed=0)["it"]
    assert drawn.to_list() == [label] * 4
    assert isinstance(drawn.dtype, pl.Enum)


@pytest.mark.filterwarnings(
    "ignore:given. column 'it'. '4'. none of the labels that the model lists"
)
def test_a_given_number_among_categories_keeps_its_type():
    frame = pd.DataFrame(
        {"it": pd.Categorical([1, 2] * 19 + [3, 3], [1, 2, 3, 4]), "bit": np.arange(N) % 2}
    )
    for value in (2, 3, 4, "3"):
        drawn = untrained(frame).sample(2, given={"it": value}, seed=0)["it"]
        assert [int(v) for v in drawn] == [int(value)] * 2
        assert isinstance(drawn.dtype, pd.CategoricalDtype)


def test_labels_of_rows_without_weight_are_not_taken_for_labels_of_no_row():
    frame = with_a_rare_level()
    weight = (frame["it"] != "seldom").astype(float)
    config = cr.FitConfig(hidden_sizes=(2,), components=1, epochs=1)
    density = cr.fit(frame, sample_weight=weight, config=config, seed=0, verbose=False)
    assert list(density.sample(5, seed=0)["it"].cat.categories) == ["lo", "hi", "never"]


def test_categories_may_be_declared_numbers(tmp_path):
    frame = pd.DataFrame(
        {
            "it": pd.Categorical([1, 2, 3, 9] * 10, [1, 2, 3, 7, 9], ordered=True),
            "bit": np.arange(N) % 2,
        }
    )
    density = untrained(frame, kinds={"it": "integer"})
    drawn = as_from_a_file(density).sample(200, seed=0)["it"]
    assert drawn.notna().all()
    assert drawn.cat.ordered
    assert list(drawn.cat.categories) == sorted(set(drawn) | {1, 2, 3, 7, 9})


def test_drawn_numbers_fit_their_type():
    """What a conditional draws beyond a type's ends is its end, not another number."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "int32": rng.integers(-(2**31), 2**31 - 1, 200).astype("int32"),
            "uint8": rng.integers(0, 256, 200).astype("uint8"),
            "float16": np.clip(rng.normal(size=200) * 30000, -65000, 65000).astype("float16"),
            "ns": pd.to_datetime(
                rng.choice(["1677-10-01", "2262-04-01", "1999-12-31"], 200)
            ).as_unit("ns"),
        }
    )
    density = untrained(frame)
    drawn = density.sample(2000, seed=0)
    assert drawn.dtypes.tolist() == frame.dtypes.tolist()
    assert np.isfinite(drawn["float16"]).all()
    for dtype in (pl.Decimal(3, 1), pl.Int16, pl.Datetime("ns", "Europe/Berlin")):
        values = {
            pl.Int16: [32767, -32768, 5, 9],
            pl.Decimal(3, 1): [Decimal("99.9"), Decimal("-99.9"), Decimal(3)],
        }
        cells = values.get(dtype, [datetime.datetime(1678, 1, 1), datetime.datetime(2262, 1, 1)])
        column = pl.DataFrame({"it": pl.Series(some(*cells), dtype=dtype), "bit": np.arange(N) % 2})
        assert untrained(column).sample(2000, seed=0).schema == column.schema


def test_arrays_come_back_in_their_type():
    for dtype in ("int8", "uint16", "float16", "float32", "bool"):
        array = (
            np.random.default_rng(0).integers(0, 2 if dtype == "bool" else 90, (N, 3)).astype(dtype)
        )
        assert untrained(array).sample(5, seed=0).dtype == array.dtype
    text = np.array([some("0.5", "1.5", "7.5", hole=False), some("x", "y", hole=False)]).T
    for kind in "US":
        assert untrained(text.astype(kind)).sample(5, seed=0).dtype.kind == kind
    text[:9, 0] = "nan"
    filled = untrained(text).impute(text, seed=0)
    assert filled.dtype.kind == "U"
    assert np.isfinite(filled[:, 0].astype(float)).all()
    cells = np.array(
        [
            some(1, 2, 3, hole=False),
            some(Decimal("1.5"), Decimal("2.0"), hole=False),
            some(DAY, hole=False),
        ]
    )
    drawn = untrained(cells.T).sample(5, seed=0)
    assert drawn.dtype == object
    assert [type(cell) for cell in drawn[0]] == [int, Decimal, datetime.date]


def test_arrays_of_objects_are_filled_with_their_like():
    cells = np.empty((N, 2), dtype=object)
    cells[:, 0], cells[:, 1] = (
        some(Decimal("1.50"), Decimal("2.00")),
        some(at("2024-03-30", BERLIN), at("2024-07-05", BERLIN)),
    )
    for how in ("draw", "best"):
        filled = untrained(cells).impute(cells, how=how, seed=0)
        assert {type(cell) for cell in filled[:, 0]} == {Decimal}
        assert {cell.as_tuple().exponent for cell in filled[:, 0]} == {-2}
        assert {str(cell.tzinfo) for cell in filled[:, 1]} == {"Europe/Berlin"}


FILED = {
    "ordered": (pl.String, "hi"),
    "cut": (pl.String, '"(-0.5, 0.0]"'),
    "mixed categories": (pl.String, "2"),
    "Decimal": (pl.Decimal(38, 2), "2.25"),
    "date": (pl.Date, "2024-04-02"),
    "zoned": (pl.Datetime("us", "Europe/Berlin"), "2024-03-30 00:00:00+01:00"),
    "fixed offset": (pl.Datetime("us", "Etc/GMT-1"), "2024-07-04 23:00:00+00:00"),
    "time of day": (pl.Time, "01:30:00"),
    "mixed": (pl.String, "a"),
    "bytes": (pl.Binary, "b'a'"),
    "tuples": (pl.String, "\"('a', 1)\""),
    "uuid": (pl.String, "00000000-0000-0000-0000-000000000002"),
    "period": (pl.String, "2024-02"),
    "interval": (pl.String, '"[1, 3)"'),
    "uint16": (pl.UInt16, str(abs(WHOLE[0]) * 700)),
    "local milliseconds": (pl.Datetime("ms", "Europe/Berlin"), "2024-03-31 03:00:00+02:00"),
    "Arrow decimal": (pl.Decimal(10, 2), "2.25"),
    "Arrow binary": (pl.Binary, "b'b'"),
}


@pytest.mark.parametrize("name", FILED)
def test_files_have_the_nearest_type_and_csv_has_text(name, tmp_path):
    """A pandas column in a file keeps zones, decimals and bytes; types no file has are text."""
    dtype, text = FILED[name]
    frame = pd.DataFrame({"it": PANDAS[name], "bit": np.arange(N) % 2})
    density = untrained(frame)
    drawn = pl.read_parquet(density.sample(200, seed=0, to=tmp_path / "drawn.parquet"))
    assert drawn.schema["it"] == dtype
    filled = pl.read_parquet(density.impute(frame, seed=0, to=tmp_path / "filled.parquet"))
    assert filled["it"].null_count() == 0
    assert filled.schema["it"].base_type() in (dtype.base_type(), pl.Categorical)
    density.impute(frame, seed=0, to=tmp_path / "filled.csv")
    lines = (tmp_path / "filled.csv").read_text().splitlines()
    assert any(line.startswith(f"{text},") for line in lines)
    density.sample(200, seed=0, to=tmp_path / "drawn.csv")
    assert len((tmp_path / "drawn.csv").read_text().splitlines()) == 201


def test_frames_of_any_names_are_written_to_files(tmp_path):
    frame = pd.DataFrame({1: NUMBERS, "1": some(0, 1), ("a", 2): some("x", "y")})
    density = untrained(frame)
    for path in (
        density.impute(frame, seed=0, to=tmp_path / "a.csv"),
        density.sample(5, seed=0, to=tmp_path / "b.csv"),
    ):
        assert pl.read_csv(path).columns == ["1 (int)", "1", "('a', 2)"]


def test_marginals_have_the_types_of_their_columns():
    frame = with_a_rare_level()
    found = untrained(frame).marginal("it", "bit")
    assert found["it"].cat.ordered
    assert found["bit"].dtype == "int64"
    whole = pd.DataFrame({"it": PANDAS["Decimal"], "bit": np.arange(N) % 2})
    assert sorts(untrained(whole).marginal("it")["it"]) == {(Decimal, "None")}


@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    names=st.lists(st.sampled_from(sorted(PANDAS)), min_size=1, max_size=4, unique=True),
    hidden=st.integers(0, 2**32 - 1),
)
def test_any_mixture_of_columns_comes_back(names, hidden):
    frame = pd.DataFrame(
        {name: PANDAS[name] for name in names}, index=pd.Index(np.arange(N)[::-1], name="key")
    )
    frame["number"] = NUMBERS
    holes = frame.copy()
    holes.loc[np.random.default_rng(hidden).random(N) < 0.3, "number"] = np.nan
    density = as_from_a_file(untrained(frame))
    assert density.sample(9, seed=hidden % 1000).dtypes.tolist() == frame.dtypes.tolist()
    filled = density.impute(holes, seed=hidden % 1000)
    assert filled.dtypes.tolist() == frame.dtypes.tolist()
    assert filled.index.equals(frame.index)
    assert filled.notna().all(axis=None)
    for name in holes:
        known = holes[name].notna()
        assert same_cells(filled[name][known], holes[name][known])


@settings(max_examples=10, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    names=st.lists(st.sampled_from(sorted(POLARS)), min_size=1, max_size=4, unique=True),
    seed=st.integers(0, 1000),
)
def test_any_mixture_of_polars_columns_comes_back(names, seed):
    frame = pl.DataFrame([POLARS[name].alias(name) for name in names])
    density = as_from_a_file(untrained(frame))
    assert density.sample(9, seed=seed).schema == frame.schema
    filled = density.impute(frame, seed=seed)
    assert filled.schema == frame.schema
    assert filled.null_count().sum_horizontal().item() == 0


READS = """
import pickle, sys, chainrule
drawn = chainrule.load(sys.argv[1]).sample(30, seed=0)
sys.stdout.buffer.write(pickle.dumps(drawn))
"""


def test_types_come_back_in_a_new_process(tmp_path):
    import pickle

    frame = pd.DataFrame(PANDAS)
    config = cr.FitConfig(hidden_sizes=(2,), components=1, epochs=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        density = cr.fit(frame, config=config, seed=0, verbose=False)
    density.save(tmp_path / "m.chainrule")
    code = [sys.executable, "-c", READS, str(tmp_path / "m.chainrule")]
    drawn = pickle.loads(subprocess.run(code, check=True, capture_output=True).stdout)
    assert drawn.dtypes.tolist() == frame.dtypes.tolist()
    pd.testing.assert_frame_equal(drawn, density.sample(30, seed=0))
