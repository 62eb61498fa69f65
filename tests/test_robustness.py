"""What cannot be expected of files and callers: random bytes, damaged models, ten thousand columns,
many threads at once.
"""

import csv
import io
import os
import subprocess
import sys
import threading
import warnings
from contextlib import suppress
from datetime import date, datetime
from unittest import mock

import numpy as np
import pandas as pd
import polars as pl
import pytest
from helpers.command_line import PROGRAM, WIDE, chainrule
from helpers.some_tables import mixed
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule.errors import ChainruleError
from chainrule.table.files import lines
from chainrule.table.files.text_files import read_text, text_chunks

BRIEF = cr.FitConfig(epochs=2, hidden_size=16)
FUZZ = settings(max_examples=300)
PIECES = [
    "a",
    "1",
    "0.5",
    ",",
    ",",
    ";",
    "\t",
    " ",
    '"',
    '""',
    "\n",
    "\n",
    "\r",
    "\r\n",
    "é",
    "x,y\n",
    "1,2\n",
    "NA",
]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A model of a mixed table, and its file."""
    path = tmp_path_factory.mktemp("robust") / "m.chainrule"
    density = cr.fit(mixed(200), seed=0, config=BRIEF, verbose=False)
    density.save(path)
    return density, path


def text_of(read):
    """What a reader finds, as lists, or the beginning of what it says instead."""
    try:
        raw = read()
    except ChainruleError as error:
        return str(error).split(": ")[1].split()[0]
    return raw.columns, raw.rows()


@FUZZ
@given(pieces=st.lists(st.sampled_from(PIECES), min_size=1, max_size=25), rows=st.integers(1, 3))
def test_any_text_is_read_as_csv_has_it_or_refused(tmp_path, pieces, rows):
    """Both readers agree, whole and in parts; what they read is what Python's csv module reads."""
    path = tmp_path / "t.csv"
    path.write_text("".join(pieces), newline="", encoding="utf-8")
    with mock.patch.object(lines, "BLOCK_CHARACTERS", 3 * rows):
        whole = text_of(lambda: read_text(path).raw)
    parts = text_of(lambda: pl.concat([part.raw for _, part in text_chunks(path, rows=rows)]))
    assert whole == parts
    if isinstance(whole, tuple) and len(whole[0]) > 1:
        body = io.StringIO("".join(pieces), newline="")  # what ends a line within quotes stays
        kept = [
            row for row in csv.reader(body, delimiter=_separator(path)) if len(row) == len(whole[0])
        ]
        known = {cell for row in whole[1] for cell in row if cell is not None}
        assert known <= {
            stripped
            for row in kept
            for cell in row
            for stripped in (cell.strip(), cell.strip(" \t"))
        }


def _separator(path):
    from chainrule.table.files.text_files import _separator

    return _separator(path, path.read_text(encoding="utf-8").split("\n")[:2])


@FUZZ
@given(data=st.binary(max_size=200))
def test_any_bytes_are_a_table_or_refused(tmp_path, data):
    for name in ("t.csv", "t.csv.gz", "t.parquet", "t.npy", "t.npz"):
        path = tmp_path / name
        path.write_bytes(data)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with suppress(ChainruleError):
                cr.infer_schema(path)


@FUZZ
@given(data=st.data())
def test_any_damage_to_a_model_file_is_refused(model, tmp_path, data):
    """A byte changed, a piece cut out or put in, anywhere: FormatError, at once."""
    density, path = model
    whole = path.read_bytes()
    at = data.draw(st.integers(0, len(whole) - 1))
    piece = data.draw(st.binary(max_size=8))
    gone = data.draw(st.integers(0, 8))
    damaged = whole[:at] + piece + whole[at + gone :]
    other = tmp_path / "d.chainrule"
    other.write_bytes(damaged)
    if damaged == whole:
        assert np.array_equal(cr.load(other).log_prob(mixed(3)), density.log_prob(mixed(3)))
        return
    with pytest.raises(ChainruleError):
        cr.load(other)


def test_ten_thousand_columns(tmp_path):
    rng = np.random.default_rng(0)
    columns = {
        f"c{k}": rng.integers(0, 2, 30) if k % 2 else rng.choice(["u", "v"], 30)
        for k in range(10_000)
    }
    pd.DataFrame(columns).to_csv(tmp_path / "w.csv", index=False)
    words = ("fit", "w.csv", "-o", "w.chainrule", "--epochs", 1, "--hidden-size", 8)
    code, _, errors = chainrule(*words, cwd=tmp_path)
    assert code == 0, errors
    assert "5000 categorical, 5000 binary columns" in errors
    code, out, _ = chainrule("show", "w.chainrule", cwd=tmp_path)
    assert code == 0
    assert len(out.splitlines()) < 100
    code, out, _ = chainrule("score", "w.chainrule", "w.csv", cwd=tmp_path)
    assert code == 0
    assert len(out.splitlines()) == 31


def test_threads_scoring_one_density_get_the_same_numbers(model):
    density, _ = model
    table = mixed(64, holes=0.2)
    wanted, bits = density.log_prob(table), density.explain(table).to_numpy()
    found, faults = {}, []

    def work(number):
        try:
            for _ in range(3):
                found[number] = density.log_prob(table), density.explain(table).to_numpy()
        except Exception as fault:
            faults.append(fault)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
    assert len(found) == 24
    for nats, surprise in found.values():
        assert np.array_equal(nats, wanted)
        assert np.array_equal(surprise, bits, equal_nan=True)


@pytest.mark.skipif(
    not os.environ.get("CHAINRULE_LARGE"),
    reason="minutes and a gigabyte; CHAINRULE_LARGE=1 runs it",
)
def test_a_large_file_under_a_memory_cap(tmp_path):
    """A CSV of 200 MB is fitted, scored and filled in less address space than it would take to hold
    it thrice.
    """
    frame = mixed(20_000, holes=0.05)
    text = frame.to_csv(index=False, header=False)
    with (tmp_path / "big.csv").open("w") as file:
        file.write(",".join(frame.columns) + "\n")
        while file.tell() < 205_000_000:
            file.write(text)

    def capped(*words, peak):
        command = [*PROGRAM, *map(str, words)]
        code = (
            "import resource, runpy, sys\n"
            f"sys.argv = {command[2:]!r}\n"
            "try:\n"
            "    runpy.run_module('chainrule.cli.main', run_name='__main__')\n"
            "finally:\n"
            "    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, env=WIDE, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        assert int(done.stderr.splitlines()[-1]) * 1024 < peak, done.stderr

    capped(
        "fit",
        "big.csv",
        "-o",
        "m.chainrule",
        "--epochs",
        1,
        "--hidden-size",
        16,
        "--time-limit-s",
        60,
        peak=1.6e9,
    )
    capped("score", "m.chainrule", "big.csv", "-o", "nats.csv", peak=1.2e9)
    capped("impute", "m.chainrule", "big.csv", "-o", "full.csv", peak=1.2e9)


def test_columns_of_text_are_typed_each_by_all_its_known_cells(tmp_path, monkeypatch):
    """Whatever else is tried with them, whatever their names are to polars, and in however many
    groups.
    """
    from chainrule.table.files import typed_text

    columns = {
        "^a.*$": (["1", " 2 ", "NA"], [1, 2, None]),
        "ab": (["1", "2.5", ""], [1.0, 2.5, None]),
        "zip": (["01007", "94110", "null"], ["01007", "94110", None]),
        "yes": (["TRUE", "false", "nan"], [True, False, None]),
        "day": (["2020-01-31", "", "2020-02-01"], [date(2020, 1, 31), None, date(2020, 2, 1)]),
        "time": (
            ["2020-01-31 10:30", "2020-01-31 10:31", ""],
            [datetime(2020, 1, 31, 10, m) for m in (30, 31)] + [None],
        ),
        "words": (["1", "x", "-"], ["1", "x", "-"]),
        "nothing": (["", "NA", "None"], [None] * 3),
        "*": (["7", "8", "9"], [7, 8, 9]),
    }
    lines = [
        ",".join(columns),
        *(",".join(cells) for cells in zip(*(raw for raw, _ in columns.values()), strict=True)),
    ]
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    for at_once in (256, 2, 1):
        monkeypatch.setattr(typed_text, "TYPED_AT_ONCE", at_once)
        frame = read_text(tmp_path / "t.csv").frame
        assert frame.to_dict(as_series=False) == {
            name: wanted for name, (_, wanted) in columns.items()
        }
