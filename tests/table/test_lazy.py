"""Tables in several files and in batches: read, fitted, asked, and written in parts."""

import warnings

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pytest

import chainrule as cr
from chainrule.errors import ChainruleError, FormatError, SchemaError
from chainrule.table import (
    encode,
    infer_schema,
    lazy,
    read_chunks,
    read_table,
    read_table_lazily,
    unlike_training,
)


def rows(count=600):
    rng = np.random.default_rng(0)
    age = rng.integers(18, 90, count)
    x = pl.Series(np.round(rng.normal(age, 3), 3)).set(pl.Series(rng.random(count) < 0.1), None)
    return pl.DataFrame({"age": age, "city": rng.choice(["Bern", "Oslo", "Rome"], count), "x": x})


@pytest.fixture
def folder(tmp_path):
    """Folders of the same rows, as Parquet and as CSV."""
    whole = rows()
    for name, write in (("parquet", pl.DataFrame.write_parquet), ("csv", pl.DataFrame.write_csv)):
        (tmp_path / name / "later").mkdir(parents=True)
        write(whole[:250], tmp_path / name / f"a.{name}")
        write(whole[250:400], tmp_path / name / f"b.{name}")
        write(whole[400:], tmp_path / name / "later" / f"a.{name}")
        (tmp_path / name / "_SUCCESS").write_text("")
        (tmp_path / name / ".hidden.csv").write_text("no,table\n")
    return tmp_path


class Stream:
    """An object that is nothing but an Arrow stream."""

    def __init__(self, table):
        self._table = table

    def __arrow_c_stream__(self, requested_schema=None):
        return self._table.__arrow_c_stream__(requested_schema)


def reader():
    whole = rows().to_arrow()
    return pa.RecordBatchReader.from_batches(whole.schema, whole.to_batches(max_chunksize=70))


def every(folder):
    parts = [folder / "parquet" / "a.parquet", folder / "parquet" / "b.parquet"]
    parts.append(folder / "parquet" / "later" / "a.parquet")
    return {
        "folder": folder / "parquet",
        "folder of text": str(folder / "csv"),
        "list": parts,
        "lazy frame": rows().lazy(),
        "reader": reader(),
        "dataset": ds.dataset(parts),
        "stream": Stream(rows().to_arrow()),
        "batch": rows().to_arrow().combine_chunks().to_batches()[0],
    }


NAMES = ["folder", "folder of text", "list", "lazy frame", "reader", "dataset", "stream", "batch"]


@pytest.mark.parametrize("name", NAMES)
def test_parts_are_one_table(folder, name):
    whole = read_table(rows())
    schema = infer_schema(whole)
    table = read_table(every(folder)[name])
    assert table.names == whole.names
    assert np.array_equal(encode(table, schema).values, encode(whole, schema).values)
    found = list(read_chunks(every(folder)[name], rows=100))
    assert sum(map(len, found)) == 600
    assert len(found) > (1 if name != "batch" else 0)
    assert max(map(len, found)) <= 250
    starts = np.cumsum([0, *map(len, found)])[:-1]
    assert [chunk.first_row for chunk in found] == starts.tolist()
    values = np.concatenate([encode(chunk, schema).values for chunk in found])
    assert np.array_equal(values, encode(whole, schema).values)


@pytest.mark.parametrize("limit", [10**9, 1000])
@pytest.mark.parametrize("name", NAMES)
def test_large_ones_are_read_column_by_column(folder, name, limit, monkeypatch):
    monkeypatch.setattr(lazy, "LARGE_BYTES", limit)
    monkeypatch.setattr(lazy, "CHUNK_ROWS", 100)
    table = read_table_lazily(every(folder)[name])
    assert (table.frame is None) == (limit == 1000)
    assert len(table) == 600
    whole, found = infer_schema(rows()), infer_schema(table)
    assert [(c.kind, c.reason) for c in found.columns] == [
        (c.kind, c.reason) for c in whole.columns
    ]


def test_a_pattern_is_one_only_if_it_is_said(folder):
    pattern = str(folder / "parquet" / "*.parquet")
    assert len(read_table(pattern, glob=True)) == 400
    assert len(read_table(str(folder / "csv" / "**" / "a.csv"), glob=True)) == 450
    with pytest.raises(FileNotFoundError, match="no such file"):
        read_table(pattern)
    with pytest.raises(FormatError, match="no file has such a name"):
        read_table(str(folder / "none*.csv"), glob=True)
    odd = folder / "[ab].csv"
    rows(5).write_csv(odd)
    assert len(read_table(odd)) == 5


def test_what_is_no_table_in_several_files_is_refused(folder, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(FormatError, match="a folder without a table"):
        read_table(tmp_path / "empty")
    with pytest.raises(FormatError, match="all CSV, or all Parquet"):
        read_table(folder)
    with pytest.raises(FileNotFoundError, match=r"gone\.csv: no such file"):
        read_table([folder / "csv" / "a.csv", folder / "gone.csv"])
    (folder / "csv" / "c.csv").write_text("age,town\n3,Bern\n")
    with pytest.raises(SchemaError, match=r"c\.csv: columns 'age', 'town', where"):
        read_table(folder / "csv")


def test_streams_without_rows_have_columns():
    for stream in (rows().head(0).lazy(), Stream(rows().head(0).to_arrow())):
        (chunk,) = read_chunks(stream)
        assert (chunk.names, len(chunk)) == (("age", "city", "x"), 0)


@pytest.mark.parametrize("name", NAMES)
def test_a_density_answers_for_parts(folder, name, tmp_path):
    config = cr.FitConfig(hidden_size=4, epochs=1, members=1)
    density = cr.fit(rows(), config=config, seed=0, verbose=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nats = density.log_prob(every(folder)[name])
        bits = density.explain(every(folder)[name])
        density.impute(every(folder)[name], how="best", to=tmp_path / "f.parquet")
    np.testing.assert_allclose(nats, density.log_prob(rows()), rtol=1e-12)
    bits = pl.DataFrame(bits)
    assert bits.columns == ["age", "city", "x"]
    np.testing.assert_allclose(
        bits.to_numpy(), density.explain(rows()).to_numpy(), rtol=1e-9, equal_nan=True
    )
    assert pl.read_parquet(tmp_path / "f.parquet")["x"].null_count() == 0


def test_parts_are_written_into_an_empty_folder(folder, tmp_path):
    config = cr.FitConfig(hidden_size=4, epochs=1, members=1)
    density = cr.fit(rows(), config=config, seed=0, verbose=False)
    for name in ("scores", "filled", "bits"):
        (tmp_path / name).mkdir()
    density.impute(folder / "parquet", how="best", to=tmp_path / "filled")
    density.explain(folder / "parquet", to=tmp_path / "bits")
    for name in ("filled", "bits"):
        parts = sorted((tmp_path / name).iterdir())
        assert [p.name for p in parts] == [f"part-{k:05d}.parquet" for k in range(3)]
        assert [len(pl.read_parquet(part)) for part in parts] == [250, 150, 200]
    assert pl.read_parquet(tmp_path / "filled")["age"].equals(rows()["age"])
    with pytest.raises(ChainruleError, match="a folder with files"):
        density.explain(rows(), to=tmp_path / "bits")


def test_explain_holds_one_part(folder, monkeypatch):
    """Rows of a file are encoded chunk by chunk; the answer alone is whole."""
    config = cr.FitConfig(hidden_size=4, epochs=1, members=1)
    density = cr.fit(rows(), config=config, seed=0, verbose=False)
    read, encoded = [], unlike_training.encode

    def encode(table, *args, **options):
        read.append(len(table))
        return encoded(table, *args, **options)

    monkeypatch.setattr(unlike_training, "encode", encode)
    assert len(density.explain(folder / "csv")) == 600
    assert read == [250, 150, 200]


def test_columns_of_type_null_are_unknown(tmp_path):
    config = cr.FitConfig(hidden_size=4, epochs=1, members=1)
    density = cr.fit(rows(), config=config, seed=0, verbose=False)
    whole = rows().to_arrow()
    for name in ("x", "city"):
        nulls = whole.set_column(whole.column_names.index(name), name, pa.nulls(600))
        unknown = rows().with_columns(pl.lit(None, dtype=rows().schema[name]).alias(name))
        nats = density.log_prob(nulls)
        np.testing.assert_allclose(nats, density.log_prob(unknown), rtol=1e-12)
        assert np.isnan(density.explain(nulls)[name].to_numpy()).all()
        filled = density.impute(nulls, how="best")
        assert filled[name].null_count == 0
        polars = rows().with_columns(pl.lit(None).alias(name))
        assert polars[name].dtype == pl.Null
        assert density.impute(polars, how="best")[name].null_count() == 0
        density.impute(Stream(nulls), how="best", to=tmp_path / f"{name}.parquet")
        assert pl.read_parquet(tmp_path / f"{name}.parquet")[name].null_count() == 0
