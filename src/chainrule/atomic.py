"""Files that are complete or absent, whenever the process dies and whoever else writes them."""

from __future__ import annotations

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
LONGEST_NAME = 200  # bytes; of a longer one the hidden neighbour has a hash, since names end at 255
RANDOM_BYTES = 8
ATTEMPTS = 100  # at a name of its own


def write_bytes(path: str | os.PathLike[str], data: bytes) -> None:
    """Replaces ``path`` by ``data``; see ``replacing``."""
    with replacing(path) as part:
        part.write(data)


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Yields a new hidden neighbour of ``path``, open for writing, which is then flushed to disk and renamed.

    A crash leaves the old file or the new one, never half of one. Each writer creates a neighbour of its own,
    ``.NAME.<random>.part``, and follows no link for it. If several write at once, the last one to end wins, with its whole file.
    An exception or an interrupt in the block removes the neighbour. A killed process leaves one; the next write of the same file
    removes it. Only living writers hold its lock. The file keeps the mode of the one it replaces, or has that of any new file.
    If ``path`` is a link, the link stays and its target is replaced.

    Raises:
        FileNotFoundError: there is no such folder.
        IsADirectoryError: ``path`` is a folder.
        FileExistsError: ``path`` is a FIFO, a device or a socket.
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
                raise FileNotFoundError(f"{path}: its unfinished neighbour {part} was taken away")
            if fcntl is not None:
                os.replace(part, target)  # while the lock is held, so that nobody takes the neighbour for a dead one's
        if fcntl is None:  # such systems do not rename what is open
            os.replace(part, target)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise
    _flush_folder(target.parent)


def place_of(path: str | os.PathLike[str]) -> Path:
    """Where a file of this name would be written: through links, in a folder that exists, over a file or nothing.

    Raises:
        FileNotFoundError, IsADirectoryError, FileExistsError: as ``replacing``.
    """
    try:
        target = Path(path).resolve()
    except RuntimeError as error:  # what older Pythons raise
        raise FileNotFoundError(f"{path}: links that lead in a circle") from error
    if not target.parent.is_dir():
        raise FileNotFoundError(f"{path}: there is no folder {target.parent}; make it first")
    if target.is_dir():
        raise IsADirectoryError(f"{path}: a folder; name a file")
    if os.path.lexists(target) and not target.is_file():
        raise FileExistsError(f"{path}: exists and is not a file; name another")
    return target


def is_held(path: str | os.PathLike[str]) -> bool:
    """Whether a living process holds the lock with which it wrote this file; False where nobody can tell.

    ``os.dup(part.fileno())`` within ``replacing`` holds it for as long as that number is open.
    """
    if fcntl is None:
        return False
    try:
        number = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    except OSError:
        return False
    try:
        fcntl.flock(number, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(number)
    return False


def lock(number: int) -> bool:
    """Takes the lock of an open file, where there are locks, for as long as it is open; False where another has it."""
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
    """Whether an open file is the one of this name."""
    try:
        return os.path.samestat(os.fstat(number), os.stat(path, follow_symlinks=through_links))
    except OSError:
        return False


def _opened(target: Path) -> tuple[Path, BinaryIO]:
    """A new neighbour of a file, and the file opened and locked; its mode is that of the file it shall replace."""
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
            with suppress(OSError):  # of file systems that know no modes
                os.chmod(number if os.chmod in os.supports_fd else part, mode)
        if lock(number) and is_at(
            number, part, through_links=False
        ):  # another writer may have taken it for a dead one's meanwhile
            return part, file
        file.close()
    raise FileExistsError(f"{target}: no name for a neighbour of it is free")


def _remove_dead(target: Path) -> None:
    """Removes neighbours that writers of this file have left who are dead: of the living each has its lock."""
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
                    if stat.S_ISREG(os.fstat(number).st_mode) and is_at(number, part, through_links=False):
                        part.unlink()
                finally:
                    os.close(number)


def _stem(name: str) -> str:
    encoded = os.fsencode(name)
    return name if len(encoded) <= LONGEST_NAME else hashlib.sha256(encoded).hexdigest()


def _flush_folder(folder: Path) -> None:
    """Flushes the names in a folder to disk, where the system can."""
    with suppress(OSError):
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
