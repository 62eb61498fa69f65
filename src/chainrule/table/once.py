"""What can be read only once, pipes and standard input, as files; and what is no file refused before it is opened."""

from __future__ import annotations

import os
import select
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from chainrule.errors import ChainruleError, FormatError
from chainrule.scratch import ScratchFolder

# How files begin that are not text, and their endings.
MAGICS = {b"PAR1": ".parquet", b"\x1f\x8b": ".csv.gz", b"\x93NUMPY": ".npy", b"PK\x03\x04": ".npz"}
WAIT_S = 5.0  # for somebody to write to a pipe that was read before
_read: set[str] = set()  # pipes
ENDINGS = (".csv", ".txt", ".tsv", ".data", ".parquet", ".npy", ".npz")


@contextmanager
def as_file(path: Path) -> Iterator[tuple[Path, ScratchFolder | None]]:
    """The path of a file that can be read more than once: itself, or of a pipe a copy, in a folder that goes with its owner.

    The ending of a copy says what it holds, by the name of the pipe or else by its first bytes. Errors in the block name the
    pipe instead.

    Raises:
        FileNotFoundError: there is no such file.
        IsADirectoryError: it is a folder.
        FormatError: it is a device or a socket.
    """
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FileNotFoundError(f"{path}: no such file") from error
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(f"{path}: a folder; name a file in it")
    if stat.S_ISREG(mode):
        yield path, None
        return
    if not stat.S_ISFIFO(mode):
        raise FormatError(f"{path}: a device or a socket; pass a file, a pipe, or - for standard input")
    with _opened_pipe(path) as pipe:
        copy, folder = copied(pipe, f"pipe{_ending(path.name)}")
    with named_as(str(copy), str(path)):
        yield copy, folder


def _opened_pipe(path: Path) -> BinaryIO:
    """A pipe to read. The first time it waits for a writer as long as it takes; later not for ever, since there may be none.

    Raises:
        FormatError: it was read before, and nobody writes to it now.
    """
    number = os.open(path, os.O_RDONLY | (os.O_NONBLOCK if str(path) in _read else 0))
    if str(path) in _read and not select.select([number], [], [], WAIT_S)[0]:
        os.close(number)
        raise FormatError(f"{path}: a pipe that was read before, and nobody writes to it now: write it to a file first")
    os.set_blocking(number, True)
    _read.add(str(path))
    return os.fdopen(number, "rb")


def copied(source: BinaryIO, name: str) -> tuple[Path, ScratchFolder]:
    """A copy of what a stream holds; where the name has no ending, it gets that of its contents."""
    folder = ScratchFolder()
    start = source.read(max(map(len, MAGICS)))
    if "." not in name:
        name += next((ending for magic, ending in MAGICS.items() if start.startswith(magic)), ".csv")
    path = folder.path / name
    with path.open("wb") as file:
        file.write(start)
        shutil.copyfileobj(source, file)
    return path, folder


@contextmanager
def named_as(path: str, name: str) -> Iterator[None]:
    """Errors of chainrule in the block call a file of this path by another name."""
    try:
        yield
    except ChainruleError as error:
        raise type(error)(str(error).replace(path, name)) from error


def require_no_pipe_twice(*paths: object) -> None:
    """Raises ChainruleError where two of these name one pipe, which can be read only once."""
    pipes: list[os.stat_result] = []
    for path in paths:
        if not isinstance(path, str | os.PathLike):
            continue
        try:
            found = os.stat(path)
        except (OSError, ValueError):
            continue
        if stat.S_ISFIFO(found.st_mode):
            if any(os.path.samestat(found, other) for other in pipes):
                raise ChainruleError(
                    f"{os.fspath(path)}: a pipe, given twice; it can be read once: write it to a file first"
                )
            pipes.append(found)


def _ending(name: str) -> str:
    """What a name says that the file holds, or nothing."""
    parts = name.lower().split(".")[1:]
    packed = ".gz" if parts[-1:] == ["gz"] else ""
    kind = f".{next((part for part in reversed(parts) if part != 'gz'), '')}"
    return kind + packed if kind in ENDINGS else ""
