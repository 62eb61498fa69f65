"""Each file is one writer's whole file, and training goes on if its state cannot be written."""

import os
import re
import resource
import shutil
import socket
import subprocess
import sys

import numpy as np
import polars as pl
import pytest
from helpers.command_line import chainrule, typed

import chainrule as cr
from chainrule import atomic
from chainrule.table import write_chunks
from chainrule.training import checkpoint

ROWS = np.random.default_rng(0).integers(0, 2, (60, 4))
SMALL = cr.FitConfig(hidden_size=4, epochs=3)
FIT = ("fit", "rows.csv", "-o", "m.chainrule", "--hidden-size", 4, "--epochs", 3, "--members", 1)

WRITER = """
import sys
from pathlib import Path
import polars as pl
from chainrule.atomic import write_bytes
from chainrule.table import write_chunks

folder, letter = Path(sys.argv[1]), sys.argv[2]
print("ready", flush=True)
sys.stdin.readline()
for number in range(150):
    write_bytes(folder / "whole", letter.encode() * (20_000 + 997 * (number % 7)))
    write_chunks(folder / "parts.csv", (pl.DataFrame({"who": [letter] * 500}) for _ in range(4)))
    if number % 5 == 0:
        frames = (pl.DataFrame({"who": [letter] * 500}) for _ in range(4))
        write_chunks(folder / "parts.parquet", frames)
"""


def test_two_writers_of_one_file_never_mix_and_never_fail(tmp_path):
    start = [sys.executable, "-c", WRITER, str(tmp_path)]
    pipes = {
        "stdin": subprocess.PIPE,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
        "text": True,
    }
    writers = [subprocess.Popen([*start, letter], **pipes) for letter in "ab"]
    for writer in writers:
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        writer.stdin.write("go\n")
        writer.stdin.flush()
    seen = set()
    while any(writer.poll() is None for writer in writers):
        for name in ("whole", "parts.csv", "parts.parquet"):
            if not (tmp_path / name).exists():
                continue
            data = (tmp_path / name).read_bytes()
            if name == "whole":
                assert len(set(data)) == 1
                assert len(data) in {20_000 + 997 * k for k in range(7)}
                seen.add(data[:1])
            elif name == "parts.csv":
                lines = data.decode().split("\n")
                assert (lines[0], lines[-1], len(lines), len(set(lines[1:-1]))) == (
                    "who",
                    "",
                    2002,
                    1,
                )
            else:
                assert len(pl.read_parquet(data)) == 2000
                assert pl.read_parquet(data)["who"].n_unique() == 1
    for writer in writers:
        errors = writer.communicate()[1]
        assert writer.returncode == 0, errors
    assert seen == {b"a", b"b"}
    assert sorted(p.name for p in tmp_path.iterdir()) == ["parts.csv", "parts.parquet", "whole"]


def test_a_link_in_the_place_of_the_unfinished_file_is_not_followed(tmp_path, monkeypatch):
    """If the unfinished file's name is a link, nothing is written to its target."""
    (tmp_path / "victim").write_bytes(b"precious")
    names = iter(["0" * 16, "1" * 16])
    monkeypatch.setattr(atomic.secrets, "token_hex", lambda _: next(names))
    (tmp_path / ".f.0000000000000000.part").symlink_to(tmp_path / "victim")
    atomic.write_bytes(tmp_path / "f", b"new")
    assert (tmp_path / "victim").read_bytes() == b"precious"
    assert (tmp_path / "f").read_bytes() == b"new"


@pytest.mark.parametrize("name", ["f", "n" * 250, ".hidden", "a*[1]?.csv", "ä" * 120])
def test_what_the_dead_left_goes_and_what_the_living_write_stays(tmp_path, name):
    target = tmp_path / name
    with atomic.replacing(target) as part:
        part.write(b"first")
        (living,) = tmp_path.iterdir()
        dead = living.with_name(living.name[:-21] + "0123456789abcdef.part")
        dead.write_bytes(b"left")
        other = tmp_path / ".other.0123456789abcdef.part"
        other.write_bytes(b"of another file")
        atomic.write_bytes(target, b"second")
        assert {p.name for p in tmp_path.iterdir()} == {name, living.name, other.name}
        assert target.read_bytes() == b"second"
    assert target.read_bytes() == b"first"
    assert {p.name for p in tmp_path.iterdir()} == {name, other.name}


def test_a_new_file_has_the_mode_of_any_and_a_replaced_one_keeps_its_own(tmp_path):
    before = os.umask(0o027)
    try:
        write_chunks(tmp_path / "t.csv", iter([pl.DataFrame({"a": [1]})]))
        assert (tmp_path / "t.csv").stat().st_mode & 0o777 == 0o640
        (tmp_path / "t.csv").chmod(0o604)
        write_chunks(tmp_path / "t.csv", iter([pl.DataFrame({"a": [1]})]))
        assert (tmp_path / "t.csv").stat().st_mode & 0o777 == 0o604
    finally:
        os.umask(before)


def test_pipes_folders_and_devices_are_no_place_for_a_file(tmp_path):
    density = cr.fit(ROWS, config=SMALL, seed=0, verbose=False)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "pipe.csv").symlink_to(tmp_path / "pipe")
    (tmp_path / "folder.csv").mkdir()
    for path, message in (
        (tmp_path / "pipe", "exists and is not a file; name another"),
        (tmp_path / "pipe.csv", "exists and is not a file; name another"),
        ("/dev/null", "exists and is not a file; name another"),
        (tmp_path / "folder.csv", "a folder; name a file"),
        (tmp_path / "no" / "f.csv", f"there is no folder {tmp_path / 'no'}; make it first"),
    ):
        for write in (
            density.save,
            lambda path: cr.fit(ROWS, config=SMALL, verbose=False, checkpoint=path),
        ):
            with pytest.raises((FileExistsError, IsADirectoryError, FileNotFoundError)) as error:
                write(path)
            assert str(error.value) == f"{path}: {message}"


def vanish(folder, monkeypatch):
    """The folder is gone when training begins."""
    original = checkpoint.Checkpoint.save

    def save(self, *arguments, **options):
        shutil.rmtree(folder, ignore_errors=True)
        original(self, *arguments, **options)

    monkeypatch.setattr(checkpoint.Checkpoint, "save", save)


def test_a_training_goes_on_where_its_state_can_no_longer_be_written(tmp_path, monkeypatch):
    place = tmp_path / "gone" / "c"
    place.parent.mkdir()
    vanish(place.parent, monkeypatch)
    with pytest.warns(UserWarning, match="could not be written") as told:
        density = cr.fit(ROWS, config=SMALL, seed=0, verbose=False, checkpoint=place)
    assert [str(warning.message) for warning in told] == [
        f"{place}: the state of training could not be written: "
        f"{place}: there is no folder {place.parent}; make it first; training goes on without"
    ]
    assert len(density.training["history"]) == 3


def test_a_training_goes_on_where_the_disk_is_full(tmp_path):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.warns(UserWarning, match="could not be written") as told:
            density = cr.fit(ROWS, config=SMALL, seed=0, verbose=False, checkpoint=tmp_path / "c")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    message = (
        f"{tmp_path / 'c'}: the state of training could not be written: "
        "File too large; training goes on without"
    )
    assert [str(warning.message) for warning in told] == [message]
    assert len(density.training["history"]) == 3
    assert not list(tmp_path.iterdir())


NUMBERS = pl.DataFrame({"x": np.random.default_rng(0).normal(size=2000)})


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("t.csv", lambda path: write_chunks(path, iter([NUMBERS]))),
        ("t.parquet", lambda path: write_chunks(path, iter([NUMBERS]))),
        ("t.bin", lambda path: atomic.write_bytes(path, bytes(2000))),
    ],
)
def test_a_full_disk_is_told_by_the_name_of_the_file(tmp_path, name, write):
    limits, path = resource.getrlimit(resource.RLIMIT_FSIZE), tmp_path / name
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large") as told:
            write(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert told.value.filename == str(path)
    assert not list(tmp_path.iterdir())


@pytest.fixture
def folder(tmp_path):
    pl.DataFrame(ROWS, schema=list("abcd")).write_csv(tmp_path / "rows.csv")
    return tmp_path


def test_a_model_whose_folder_has_gone_is_not_lost(folder, monkeypatch):
    (folder / "gone").mkdir()
    vanish(folder / "gone", monkeypatch)
    code, _, errors = chainrule(*FIT[:3], "gone/m.chainrule", *FIT[4:], "--quiet", cwd=folder)
    assert code == 1
    told = errors.splitlines()[-1]
    assert told.startswith("chainrule: gone/m.chainrule: could not be written: ")
    place = told.split("the model is in ")[1].removesuffix(": move it where you want it")
    assert cr.load(place).log_prob(folder / "rows.csv").shape == (60,)


def test_a_second_fit_to_one_file_is_refused_and_the_first_one_ends(folder, monkeypatch):
    """The second begins within the first's second epoch."""
    original, done = checkpoint.Checkpoint.save, []

    def save(self, *arguments, **options):
        original(self, *arguments, **options)
        if not done:
            done.append(None)
            done.append(typed(*FIT, "--seed", 2, "--quiet", cwd=folder))
            done.append(typed(*FIT, "--seed", 1, "--quiet", "--resume", cwd=folder))
            assert not (folder / "m.chainrule").exists()

    monkeypatch.setattr(checkpoint.Checkpoint, "save", save)
    assert chainrule(*FIT, "--seed", 1, "--quiet", cwd=folder) == (0, "", "")
    told = re.escape(f"process {os.getpid()} on {socket.gethostname()}, since ") + "[-0-9: ]{19}"
    told = f"chainrule: m.chainrule.checkpoint: {told}, writes this file now; "
    told += "wait for its end, or name another file\n"
    for code, printed, errors in done[1:]:
        assert (code, printed) == (2, "")
        assert re.fullmatch(told, errors)
    assert cr.load(folder / "m.chainrule").training["seed"] == 1
    assert sorted(p.name for p in folder.iterdir()) == ["m.chainrule", "rows.csv"]


def test_a_run_does_not_remove_what_another_has_left(folder, monkeypatch):
    """The state of an interrupted run stays when a run that began earlier ends."""
    original, runs = checkpoint.Checkpoint.save, []

    def save(self, *arguments, **options):
        original(self, *arguments, **options)
        runs.append(self)
        if len(runs) == 3:
            atomic.write_bytes(self, b"of another run")

    monkeypatch.setattr(checkpoint.Checkpoint, "save", save)
    assert chainrule(*FIT, "--seed", 1, "--quiet", cwd=folder)[0] == 0
    assert (folder / "m.chainrule.checkpoint").read_bytes() == b"of another run"


def test_a_file_that_another_process_removes_meanwhile_is_no_obstacle(tmp_path, monkeypatch):
    """It is removed after it was looked at for what it is, the second time after links."""
    (path := tmp_path / "m").write_bytes(b"")
    seen, asked = os.lstat, []

    def lstat(name, **how):
        found = seen(name, **how)
        asked.append(os.fspath(name))
        if asked.count(str(path)) == 2:
            path.unlink()
        return found

    monkeypatch.setattr(os, "lstat", lstat)
    assert atomic.place_of(path) == path
