"""Copies pipes and standard input, which can be read only once, to files.

Refuses devices and sockets.
"""

from __future__ import annotations

import os
import select
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from chainrule.errors import ChainruleError, FormatError, printable
from chainrule.scratch import ScratchFolder
from chainrule.table.files.endings import READ_ENDINGS

# First bytes of files that are not text, and their endings.
MAGICS = {b"PAR1": ".parquet", b"\x1f\x8b": ".csv.gz", b"\x93NUMPY": ".npy", b"PK\x03\x04": ".npz"}
WAIT_S = 5.0  # for a writer to a pipe that was read before
_read: set[str] = set()  # pipes that were read


@contextmanager
def as_file(path: Path) -> Iterator[tuple[Path, ScratchFolder | None]]:
    """Yields the path of a file that can be read repeatedly: the file itself, or a copy of a pipe.

    A copy lies in a temporary folder, which is removed with its owner. Its ending follows from the
    name of the pipe or else from its first bytes. Errors in the block name the pipe.

    Raises:
        FileNotFoundError: there is no such file.
        IsADirectoryError: it is a folder.
        FormatError: it is a device or a socket.
    """
    if not is_pipe(path):
        yield path, None
        return
    with _opened_pipe(path) as pipe:
        copy, folder = copied(pipe, f"pipe{_ending(path.name)}")
    with named_as(str(copy), str(path)):
        yield copy, folder


def is_pipe(path: Path) -> bool:
    """Whether a table is a pipe and not a file; neither is read.

    Raises:
        FileNotFoundError: there is no such file.
        IsADirectoryError: it is a folder.
        FormatError: it is a device or a socket.
    """
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FileNotFoundError(printable(f"{path}: no such file")) from error
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(f"{path}: a folder; name a file in it")
    if not stat.S_ISREG(mode) and not stat.S_ISFIFO(mode):
        raise FormatError(
            f"{path}: a device or a socket; pass a file, a pipe, or - for standard input"
        )
    return stat.S_ISFIFO(mode)


def _opened_pipe(path: Path) -> BinaryIO:
    """Opens a pipe for reading.

    The first time it waits for a writer, later only for a limited time.

    Raises:
        FormatError: it was read before, and has no writer now.
    """
    number = os.open(path, os.O_RDONLY | (os.O_NONBLOCK if str(path) in _read else 0))
    if str(path) in _read and not select.select([number], [], [], WAIT_S)[0]:
        os.close(number)
        raise FormatError(
            f"{path}: a pipe that was read before and has no writer now: write it to a file first"
        )
    os.set_blocking(number, True)
    _read.add(str(path))
    return os.fdopen(number, "rb")


def copied(source: BinaryIO, name: str) -> tuple[Path, ScratchFolder]:
    """Copies a stream to a file; a name without an ending gets that of the contents."""
    folder = ScratchFolder()
    start = source.read(max(map(len, MAGICS)))
    if "." not in name:
        name += next(
            (ending for magic, ending in MAGICS.items() if start.startswith(magic)), ".csv"
        )
    path = folder.path / name
    with path.open("wb") as file:
        file.write(start)
        shutil.copyfileobj(source, file)
    return path, folder


@contextmanager
def named_as(path: str, name: str) -> Iterator[None]:
    """Replaces a path by a name in the messages of chainrule's errors raised in the block."""
    try:
        yield
    except ChainruleError as error:
        raise type(error)(str(error).replace(path, name)) from error


def require_no_pipe_twice(*paths: object) -> None:
    """Raises ChainruleError if two of these are the same pipe, which can be read only once."""
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
                    f"{os.fspath(path)}: a pipe, given twice; it can be read once: write it to a "
                    "file first"
                )
            pipes.append(found)


def _ending(name: str) -> str:
    """The ending of a name that tells the file's type, or ""."""
    parts = name.lower().split(".")[1:]
    packed = ".gz" if parts[-1:] == ["gz"] else ""
    kind = f".{next((part for part in reversed(parts) if part != 'gz'), '')}"
    return kind + packed if kind in READ_ENDINGS else ""
