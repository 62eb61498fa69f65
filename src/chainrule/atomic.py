"""Writes files that are complete or absent, even if the process dies or others write them."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

try:
    import fcntl
except ImportError:  # a system without advisory locks
    fcntl = None

HAS_LOCKS = fcntl is not None
# Bytes; the neighbour of a longer name is named by a hash, since names have at most 255 bytes.
LONGEST_NAME = 200
RANDOM_BYTES = 8
ATTEMPTS = 100  # to find an unused name
NO_ROOM = {errno.ENOSPC, errno.EFBIG, errno.EDQUOT, errno.EROFS}  # what only a written file has


def write_bytes(path: str | os.PathLike[str], data: bytes) -> None:
    """Replaces the contents of ``path`` by ``data``; see ``replacing``."""
    with replacing(path) as part:
        part.write(data)


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Yields a new hidden neighbour of ``path``, open for writing; then flushes and renames it.

    A crash leaves the old file or the new one, never part of one. Each writer creates its own
    neighbour, ``.NAME.<random>.part``, and follows no link for it. Among several writers the last
    one to finish wins, with its whole file. An exception in the block removes the neighbour. A
    killed process leaves its neighbour, which the next write of the same file removes. Only living
    writers hold its lock. The file keeps the mode of the file it replaces, or has that of a new
    file. If ``path`` is a link, the link stays and its target is replaced.

    Raises:
        FileNotFoundError: there is no such folder.
        IsADirectoryError: ``path`` is a folder.
        FileExistsError: ``path`` is a FIFO, a device or a socket.
        OSError: the disk is full, or a limit on the size of a file is reached; it names ``path``.
    """
    target = place_of(path)
    _remove_dead(target)
    part, file = _opened(target)
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            if not is_at(file.fileno(), part, through_links=False):
                raise FileNotFoundError(f"{path}: its unfinished neighbour {part} was removed")
            if fcntl is not None:
                os.replace(part, target)  # under the lock, or another writer might remove it
        if fcntl is None:  # such systems cannot rename open files
            os.replace(part, target)
    except BaseException as error:
        with suppress(OSError):
            part.unlink()
        if isinstance(error, OSError) and error.errno in NO_ROOM and error.filename is None:
            error.filename = os.fspath(path)
        raise
    _flush_folder(target.parent)


def place_of(path: str | os.PathLike[str]) -> Path:
    """The path to which a file of this name is written: links resolved, in a folder that exists.

    Raises:
        FileNotFoundError, IsADirectoryError, FileExistsError: as ``replacing``.
    """
    try:
        target = Path(path).resolve()
    except RuntimeError as error:  # raised by older Pythons
        raise FileNotFoundError(f"{path}: links that lead in a circle") from error
    if not target.parent.is_dir():
        raise FileNotFoundError(f"{path}: there is no folder {target.parent}; make it first")
    if target.is_dir():
        raise IsADirectoryError(f"{path}: a folder; name a file")
    try:
        mode = os.lstat(target).st_mode  # asked once: another process may remove the file meanwhile
    except OSError:
        return target
    if not stat.S_ISREG(mode):
        raise FileExistsError(f"{path}: exists and is not a file; name another")
    return target


def lock(number: int) -> bool:
    """Locks an open file until it is closed, if there are locks; False if another process holds
    it."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks: nobody else can take it there either
        return True
    return True


def is_at(number: int, path: Path, *, through_links: bool = True) -> bool:
    """Whether the open file is the one with this path."""
    try:
        return os.path.samestat(os.fstat(number), os.stat(path, follow_symlinks=through_links))
    except OSError:
        return False


def _opened(target: Path) -> tuple[Path, BinaryIO]:
    """Creates a neighbour of a file, opened and locked, with the mode of the file to replace."""
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL
    for name in ("O_NOFOLLOW", "O_CLOEXEC", "O_BINARY"):
        flags |= getattr(os, name, 0)
    mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else None
    for _ in range(ATTEMPTS):
        part = target.with_name(f".{_stem(target.name)}.{secrets.token_hex(RANDOM_BYTES)}.part")
        try:
            number = os.open(part, flags, 0o666 if mode is None else 0o600)
        except FileExistsError:
            continue
        file = os.fdopen(number, "w+b")
        if mode is not None:
            with suppress(OSError):  # some file systems have no modes
                os.chmod(number if os.chmod in os.supports_fd else part, mode)
        # Another writer may have removed the file before it was locked.
        if lock(number) and is_at(number, part, through_links=False):
            return part, file
        file.close()
    raise FileExistsError(f"{target}: no name for a neighbour of it is free")


def _remove_dead(target: Path) -> None:
    """Removes the neighbours of this file that dead writers left; living writers hold a lock on
    theirs.
    """
    if fcntl is None:
        return
    form = re.compile(rf"\.{re.escape(_stem(target.name))}\.[0-9a-f]{{{2 * RANDOM_BYTES}}}\.part")
    with suppress(OSError), os.scandir(target.parent) as entries:
        found = [target.with_name(entry.name) for entry in entries if form.fullmatch(entry.name)]
        for part in found:
            with suppress(OSError):
                flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
                number = os.open(part, flags)
                try:
                    fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    if stat.S_ISREG(os.fstat(number).st_mode) and is_at(
                        number, part, through_links=False
                    ):
                        part.unlink()
                finally:
                    os.close(number)


def _stem(name: str) -> str:
    encoded = os.fsencode(name)
    return name if len(encoded) <= LONGEST_NAME else hashlib.sha256(encoded).hexdigest()


def _flush_folder(folder: Path) -> None:
    """Flushes the names in a folder to disk, if the system can."""
    with suppress(OSError):
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
