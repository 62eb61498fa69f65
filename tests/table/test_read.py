"""Files are read whatever their names and sizes: no name is a pattern, and a pipe is read once."""

import gzip
import io
import os
import subprocess
import sys
import threading
import tracemalloc
from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest
from helpers.command_line import chainrule

import chainrule as cr
from chainrule.errors import ChainruleError, FormatError
from chainrule.table import (
    csv_chunks,
    lazy,
    read,
    read_chunks,
    read_table,
    read_table_lazily,
    write_chunks,
)
from chainrule.table.files import lines, numpy_files, parquet, pipes
from chainrule.table.frames.build import as_polars, build

NAMES = ["*", "^x.*$", "x1", "", "a[0]", "cs.all()", "?", "^*$", "x2", "polars", "len"]
READERS = {
    "whole": read_table,
    "lazily": read_table_lazily,
    "in parts": lambda path: next(read_chunks(path)),
}


@pytest.fixture(params=[10**9, 0], ids=["small", "large"])
def limit(request, monkeypatch):
    """Whether files count as large."""
    monkeypatch.setattr(lazy, "LARGE_BYTES", request.param)


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("ending", ["parquet", "csv", "npy"])
@pytest.mark.parametrize(
    ("name", "beside"),
    [("rows[1]", "rows1"), ("all*", "all1"), ("w?y", "why"), ("{a,b}", "a"), ("s3:", "s3")],
)
def test_the_file_of_that_very_name_is_read(
    tmp_path, monkeypatch, limit, reader, ending, name, beside
):
    monkeypatch.chdir(tmp_path)
    for place, rows in ((f"{name}.{ending}", [[100], [200]]), (f"{beside}.{ending}", [[1], [2]])):
        plain = tmp_path / f"plain.{ending}"
        if ending == "npy":
            np.save(plain, rows)
        else:
            frame = pl.DataFrame(rows, schema=["a"], orient="row")
            frame.write_parquet(plain) if ending == "parquet" else frame.write_csv(plain)
        plain.rename(place)
    for path in (f"{name}.{ending}", tmp_path / f"{name}.{ending}"):
        assert READERS[reader](path).columns[0].tolist() == [100, 200]


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_a_column_is_read_by_its_place_whatever_its_name_means_to_others(
    tmp_path, limit, reader, ending
):
    columns = {name: [k + 0.5, k + 100.5] for k, name in enumerate(NAMES)}
    columns |= {"^.*$": ["u", "v"], "^t": [datetime(2024, 1, 2, 3), datetime(2024, 1, 2, 4)]}
    path = write_chunks(tmp_path / f"t.{ending}", iter([pl.DataFrame(columns)]))
    table = READERS[reader](path)
    assert table.names == tuple(
        name or ("" if ending == "parquet" else "column_3") for name in columns
    )
    assert [values.tolist() for values in table.columns] == list(columns.values())


def test_new_polars_frames_keep_any_names():
    """From a list of series, polars would make column_3 of the empty name."""
    columns = {name: np.array([k, k + 1.5]) for k, name in enumerate(NAMES)}
    made = build(columns, {}, "polars")
    assert made.columns == NAMES
    assert as_polars(made.to_arrow(), NAMES).columns == NAMES
    assert as_polars(made.to_pandas(), NAMES).columns == NAMES
    assert "".join(csv_chunks(iter([made]))).splitlines()[0].split(",")[3] == '""'


def test_parts_of_any_names_are_written_and_come_back(tmp_path):
    parts = [
        pl.DataFrame({name: [k, float(part)] for k, name in enumerate(NAMES)}, strict=False)
        for part in range(3)
    ]
    parts = [
        part.with_columns(pl.Series("dt*", [datetime(2024, 1, 1, 0, 0, 0, k), None]))
        for k, part in enumerate(parts)
    ]
    path = write_chunks(tmp_path / "t.parquet", iter(parts))
    assert pl.read_parquet(path.read_bytes()).equals(pl.concat(parts))
    assert (
        "".join(csv_chunks(iter([pl.DataFrame({"*": [datetime(2024, 1, 1)], "b": [1]})])))
        == "*,b\n2024-01-01 00:00:00,1\n"
    )
    durations = pl.DataFrame({"^d$": [timedelta(days=1, seconds=3), None], "b": [1, 2]})
    assert "".join(csv_chunks(iter([durations]))) == "^d$,b\n24:00:03,1\n,2\n"
    times = pl.Series([datetime(2024, 1, 1, 0, 0, 0, 5)], dtype=pl.Datetime("us", "UTC"))
    zoned = pl.DataFrame([times.alias("^b$"), pl.Series("b", [1])])
    assert "".join(csv_chunks(iter([zoned]))) == "^b$,b\n2024-01-01 00:00:00.000005+00:00,1\n"


@pytest.mark.parametrize("reader", READERS)
def test_a_folder_whose_folders_are_named_for_cells_is_refused(tmp_path, limit, reader):
    folder = tmp_path / "d.parquet" / "a=1"
    folder.mkdir(parents=True)
    pl.DataFrame({"b": [1]}).write_parquet(folder / "p.parquet")
    with pytest.raises(FormatError, match=r"a=1: the name of this folder is a column and its"):
        READERS[reader](tmp_path / "d.parquet")


def test_fits_and_answers_go_by_such_names_too(tmp_path):
    rng = np.random.default_rng(0)
    frame = pl.DataFrame(
        {
            "*": rng.normal(size=60),
            "^x.*$": rng.choice(["u", "v"], 60),
            "x1": rng.integers(0, 2, 60),
        }
    )
    path = write_chunks(tmp_path / "t[1].parquet", iter([frame]))
    config = cr.FitConfig(hidden_size=4, epochs=1, members=1)
    density = cr.fit(path, seed=0, config=config, verbose=False)
    holes = frame[:3].with_columns(
        pl.Series("*", [None, 1.0, None]), pl.Series("^x.*$", ["v", None, None])
    )
    filled = density.impute(holes, how="best")
    assert filled.columns == frame.columns
    assert (filled["*"][1], filled["^x.*$"][0], filled["x1"].to_list()) == (
        1.0,
        "v",
        frame["x1"][:3].to_list(),
    )
    assert filled.null_count().sum_horizontal().item() == 0
    density.impute(path, how="best", to=tmp_path / "f.parquet")
    assert pl.read_parquet(tmp_path / "f.parquet").equals(frame)
    assert density.sample(3, given={"*": 0.25}, seed=0)["*"].to_list() == [0.25] * 3


def packed(path, text, repeats):
    with gzip.open(path, "wb", compresslevel=1) as file:
        for _ in range(repeats):
            file.write(text)
    return path


def test_a_packed_file_is_large_by_what_it_unpacks_to(tmp_path, monkeypatch):
    monkeypatch.setattr(lazy, "LARGE_BYTES", 1_000_000)
    path = packed(tmp_path / "t.csv.gz", b"0,1\n1,1\n" * 1000, 200)
    assert path.stat().st_size < 20_000
    table = read_table_lazily(path)
    assert (len(table), table.frame) == (400_000, None)
    assert table.columns[0][:3].tolist() == [0, 1, 0]
    small = packed(tmp_path / "s.csv.gz", b"0,1\n1,1\n" * 1000, 3)
    assert read_table_lazily(small).frame is not None


def test_a_file_is_large_by_what_it_would_hold(tmp_path, monkeypatch):
    """Ten thousand rows of constant bits take few bytes in a file, and ten a cell in memory."""
    path = tmp_path / "t.parquet"
    bits = pl.DataFrame(dict.fromkeys("abcdefgh", np.zeros(10_000, dtype=bool)))
    bits.write_parquet(path)
    assert path.stat().st_size < 10_000
    monkeypatch.setattr(lazy, "LARGE_BYTES", 8 * 10_000 * (1 + 8))
    assert read_table_lazily(path).frame is None
    monkeypatch.setattr(lazy, "LARGE_BYTES", 8 * 10_000 * (1 + 8) + 1)
    assert read_table_lazily(path).frame is not None
    text = tmp_path / "t.csv"
    bits.cast(pl.Int8).write_csv(text)
    monkeypatch.setattr(lazy, "LARGE_BYTES", 10 * text.stat().st_size)
    assert read_table_lazily(text).frame is None  # of two characters a cell
    text.write_text("note\n" + "a long note without a number\n" * 10_000)
    monkeypatch.setattr(lazy, "LARGE_BYTES", 10 * text.stat().st_size)
    assert read_table_lazily(text).frame is not None


def test_what_is_read_whole_and_does_not_fit_is_refused_with_the_numbers(tmp_path, monkeypatch):
    """No more of a packed file is unpacked than would fit, whatever length its trailer has."""
    monkeypatch.setattr(lines, "free_bytes", lambda: 8_000_000)
    monkeypatch.setattr(parquet, "free_bytes", lambda: 8_000_000)
    monkeypatch.setattr(numpy_files, "free_bytes", lambda: 8_000_000)
    end = (
        "pass fewer rows, or use a function that reads a file in chunks (fit, score, oddest, and "
        "impute and sample into a file)"
    )
    row = b"0,1\n1,1\n"
    lying = packed(tmp_path / "t.csv.gz", row * 1000, 10_000)
    with lying.open("r+b") as file:
        file.seek(-4, io.SEEK_END)
        file.write(b"\x10\x00\x00\x00")
    tracemalloc.start()
    with pytest.raises(FormatError) as error:
        read_table(lying)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert str(error.value) == (
        f"{lying}: unpacks to more than 1,000,000 bytes; read whole it takes about 8 times as "
        f"much, and 8,000,000 bytes of memory are free: {end}"
    )
    assert peak < 8_000_000
    plain = tmp_path / "t.csv"
    plain.write_bytes(row * 200_000)
    with pytest.raises(FormatError) as error:
        cr.infer_schema(read_table(plain))
    assert str(error.value) == (
        f"{plain}: 1,600,000 bytes; read whole it takes about 8 times as much, and 8,000,000 bytes "
        f"of memory are free: {end}"
    )
    assert next(iter(read_chunks(plain))).columns[0][:2].tolist() == [0, 1]
    columns = tmp_path / "t.parquet"
    pl.DataFrame({"a": np.zeros(500_000), "b": np.zeros(500_000, np.int8)}).write_parquet(columns)
    assert columns.stat().st_size < 10_000
    with pytest.raises(FormatError) as error:
        read_table(columns)
    assert str(error.value) == (
        f"{columns}: unpacks to at least 4,500,000 bytes; read whole it takes about 3 times as "
        f"much, and 8,000,000 bytes of memory are free: {end}"
    )
    arrays = tmp_path / "t.npz"
    np.savez_compressed(arrays, rows=np.zeros((1000, 2000)))
    with pytest.raises(FormatError) as error:
        read_table(arrays)
    assert str(error.value) == (
        f"{arrays}: array 'rows' unpacks to 16,000,000 bytes, and 8,000,000 bytes of memory are "
        "free; pass fewer rows"
    )


@pytest.mark.parametrize("text", [b"0" * 100_000, b'"0,' * 40_000, b"0," * 50_000])
def test_a_line_without_end_does_not_fill_memory(tmp_path, text):
    path = packed(tmp_path / "t.csv.gz", text, 1500)
    for read_it in (lambda: list(read_chunks(path)), lambda: read_table_lazily(path)):
        tracemalloc.start()
        with pytest.raises(
            FormatError,
            match=(
                r"t\.csv\.gz: a line of more than 33,554,432 characters; this is no table of text"
            ),
        ):
            with_small_limit(read_it)
        assert tracemalloc.get_traced_memory()[1] < 250_000_000
        tracemalloc.stop()


def with_small_limit(read_it):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lazy, "LARGE_BYTES", 1_000_000)
        return read_it()


def test_parts_of_wide_tables_have_fewer_rows(tmp_path, monkeypatch):
    monkeypatch.setattr(lines, "CHUNK_CHARACTERS", 1000)
    monkeypatch.setattr(read, "CHUNK_CELLS", 400)
    frame = pl.DataFrame(np.arange(4000).reshape(100, 40) % 2)
    for path in (tmp_path / "t.csv", tmp_path / "t.parquet"):
        parts = list(read_chunks(write_chunks(path, iter([frame]))))
        assert 8 <= len(parts) <= 12
        assert sum(map(len, parts)) == 100
        assert [part.first_row for part in parts] == np.cumsum([0, *map(len, parts[:-1])]).tolist()


DAMAGED = """
import sys
import polars as pl
from chainrule.errors import FormatError, SchemaError
from chainrule.table import lazy, read_chunks, read_table, read_table_lazily

words = [f"x{k % 17}" for k in range(200)]
frame = pl.DataFrame({"a": range(200), "s": words, "d": [None, True] * 100})
frame.write_parquet("t.parquet")
whole = open("t.parquet", "rb").read()
lazy.LARGE_BYTES = 0
found = []
for at in [0, len(whole) - 1, len(whole) - 8, *range(329, 384, 4), *range(730, 772, 3)]:
    for value in (0x00, 0x7F):
        data = bytearray(whole)
        data[at] = value
        open("t.parquet", "wb").write(data)
        for read in (read_table, read_table_lazily, lambda path: next(read_chunks(path))):
            try:
                list(read("t.parquet").columns)
            except (FormatError, SchemaError) as error:  # or other values: pages have no checksums
                found.append(str(error))
for cut in (0, 3, 4, 11, len(whole) // 2, len(whole) - 5):
    open("t.parquet", "wb").write(whole[:cut])
    for read in (read_table, read_table_lazily, lambda path: next(read_chunks(path))):
        try:
            read("t.parquet")
            sys.exit("a file of which the end is missing was read")
        except FormatError as error:
            found.append(str(error))
print(len(found), sum("it is damaged, or polars cannot read it" in each for each in found))
"""


def test_a_damaged_parquet_file_is_a_format_error_and_nothing_else(tmp_path):
    """Also where polars panics, which no ``except Exception`` catches; its trace is not shown."""
    done = subprocess.run(
        [sys.executable, "-c", DAMAGED], cwd=tmp_path, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert int(done.stdout.split()[0]) > 50


def test_a_panic_of_polars_is_reported_as_damage(tmp_path, monkeypatch, capfd):
    class PanicException(BaseException):
        pass

    def panic(*_, **__):
        os.write(2, b"thread 'x' panicked at crates/y.rs:432:30:\n")
        raise PanicException("called `Result::unwrap()` on an `Err` value")

    pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "t.parquet")
    monkeypatch.setattr(pl, "read_parquet", panic)
    with pytest.raises(FormatError) as error:
        read_table(tmp_path / "t.parquet")
    assert (
        str(error.value)
        == f"{tmp_path / 't.parquet'}: not a readable Parquet file: it is damaged, or polars "
        "cannot read it"
    )
    assert capfd.readouterr().err == ""


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pipes")
    rng = np.random.default_rng(0)
    rows = pl.DataFrame(
        {"a": rng.integers(0, 2, 70), "b": rng.choice(["u", "v"], 70), "note": ["n"] * 70}
    )
    rows.write_csv(folder / "t.csv")
    cr.fit(
        rows, seed=0, config=cr.FitConfig(hidden_size=4, epochs=1, members=1), verbose=False
    ).save(folder / "m")
    return folder


def through(data, path):
    """Writes into a pipe, once somebody reads it."""

    def write():
        with open(path, "wb") as pipe:
            pipe.write(data)

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    return thread


def forms(folder):
    text = (folder / "t.csv").read_bytes()
    buffer = io.BytesIO()
    pl.read_csv(text).write_parquet(buffer)
    return {"text": text, "packed": gzip.compress(text), "parquet": buffer.getvalue()}


@pytest.mark.parametrize("form", ["text", "packed", "parquet"])
@pytest.mark.parametrize("reader", READERS)
def test_a_pipe_is_read_once_and_known_by_what_it_holds(fitted, tmp_path, limit, form, reader):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = through(forms(fitted)[form], pipe)
    table = READERS[reader](pipe)
    writer.join(10)
    assert (table.names, len(table), table.source) == (("a", "b", "note"), 70, str(pipe))
    assert [values.tolist() for values in table.columns] == [
        v.to_list() for v in pl.read_csv(fitted / "t.csv")
    ]


@pytest.mark.parametrize("form", ["text", "packed", "parquet"])
def test_a_command_takes_what_another_writes(fitted, form):
    """As the shell's <(…) gives it: a name in /dev/fd."""
    nats = cr.load(fitted / "m").log_prob(fitted / "t.csv")
    for command, words in (
        ("score", ("m",)),
        ("impute", ("m",)),
        ("explain", ("m", "--every-cell")),
    ):
        out, into = os.pipe()
        threading.Thread(
            target=lambda into=into: (os.write(into, forms(fitted)[form]), os.close(into)),
            daemon=True,
        ).start()
        code, output, errors = chainrule(
            command, words[0], f"/dev/fd/{out}", *words[1:], cwd=fitted
        )
        os.close(out)
        assert (code, len(output.splitlines())) == (0, 71), errors
        if command == "score":
            assert np.array_equal(pl.read_csv(output.encode())["log_prob"], nats)


def test_faults_in_a_pipe_name_the_pipe(tmp_path):
    pipe = tmp_path / "p.csv"
    os.mkfifo(pipe)
    through(b"a,b\n1,2\n3\n", pipe)
    with pytest.raises(FormatError) as error:
        read_table(pipe)
    assert str(error.value) == f"{pipe}: line 3 has 1 field(s) where line 1 has 2"


def test_one_pipe_is_not_two_tables_and_a_device_is_none(fitted, tmp_path, monkeypatch):
    pipe = tmp_path / "p"
    os.mkfifo(pipe)
    code, _, errors = chainrule("fit", pipe, "--valid", pipe, "-o", "x", cwd=fitted)
    assert (code, errors) == (
        2,
        f"chainrule: {pipe}: a pipe, given twice; it can be read once: write it to a file first\n",
    )
    with pytest.raises(ChainruleError, match="a pipe, given twice"):
        cr.fit(pipe, pipe, verbose=False)
    monkeypatch.setattr(pipes, "WAIT_S", 0.05)
    for again in range(2):
        through(b"a,b\n1,2\n", pipe).join(0.01)
        assert len(read_table(pipe)) == 1, again
    with pytest.raises(FormatError) as error:
        read_table(pipe)
    assert (
        str(error.value)
        == f"{pipe}: a pipe that was read before and has no writer now: write it to a file first"
    )
    archive = tmp_path / "p.npz"
    os.mkfifo(archive)
    code, _, errors = chainrule("score", "m", archive, cwd=fitted)
    assert code == 2
    assert "an .npz archive is read more than once: write it to a file first" in errors
    for path in ("/dev/zero", "/dev/null"):
        with pytest.raises(FormatError) as error:
            read_table(path)
        assert (
            str(error.value)
            == f"{path}: a device or a socket; pass a file, a pipe, or - for standard input"
        )


@pytest.mark.parametrize(
    "cells",
    [
        ['"p\rq"', '"two\r\nlines"', '"\r\r\n"', '"end\r"', '"\n start"', '"a ""b"" \rc"'],
        ['"x\r\n\r\ny"', "plain", '"\r"', '"z\n"', '"tab\t\r"', '"é\r\n"'],
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("rows", [1, 2, 50_000])
def test_line_ends_within_quotes_are_kept_whatever_ends_the_lines(
    tmp_path, cells, end, rows, monkeypatch
):
    path = tmp_path / "t.csv"
    path.write_text(
        end.join(["n,note", *(f"{k},{cell}" for k, cell in enumerate(cells)), ""]),
        newline="",
        encoding="utf-8",
    )
    wanted = [cell.strip('"').replace('""', '"') for cell in cells]
    wanted = [None if not cell.strip() else cell for cell in wanted]
    assert read_table(path).columns[1].tolist() == wanted
    parts = [part.columns[1].tolist() for part in read_chunks(path, rows=rows) if len(part)]
    assert [cell for part in parts for cell in part] == wanted
    monkeypatch.setattr(lines, "BLOCK_CHARACTERS", rows)
    assert read_table(path).columns[1].tolist() == wanted
    assert read_table(path).columns[0].tolist() == list(range(len(cells)))


def test_notes_of_several_lines_pass_through_impute_as_they_are(fitted):
    notes = ["p\rq", "two\r\nlines", "plain", "end\r\n", 'say "hi"\r']
    quoted = ['"' + note.replace('"', '""') + '"' for note in notes]
    text = "a,b,note\r\n" + "".join(f",u,{note}\r\n" for note in quoted)
    (fitted / "notes.csv").write_text(text, newline="")
    for target in ("filled.csv", "filled.parquet"):
        code, _, errors = chainrule("impute", "m", "notes.csv", "-o", target, cwd=fitted)
        assert code == 0, errors
        assert read_table(fitted / target).columns[2].tolist() == notes


def test_numbers_in_quotes_with_line_ends_are_numbers(tmp_path):
    (tmp_path / "t.csv").write_text('n,x\n"1\r\n",a\n"2\n",b\n3,c\n', newline="")
    assert read_table(tmp_path / "t.csv").columns[0].tolist() == [1, 2, 3]
