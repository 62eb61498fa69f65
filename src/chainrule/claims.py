"""Claims of files: one process at a time writes a file, and others are told which one it is."""

from __future__ import annotations

import os
import socket
import time
from contextlib import suppress

from chainrule.atomic import HAS_LOCKS, is_at, lock, place_of
from chainrule.errors import ChainruleError, printable

ATTEMPTS = 100  # to lock a file that others remove meanwhile
MOST_READ = 200  # bytes of a lock file


class Claim:
    """The right to write a file, which one process has until it releases it or ends.

    The system's lock of a neighbour, ``.NAME.lock``, makes the claim. It ends with the process,
    however that dies; the neighbour then stays, and the next claim takes it over. Systems without
    such locks refuse nobody.

    Args:
        path: the file to be written; it need not exist.

    Raises:
        ChainruleError: another process has the claim, or this one has it already.
        FileNotFoundError, IsADirectoryError, FileExistsError: as ``atomic.place_of``.

    Examples:
        >>> import tempfile
        >>> claim = Claim(tempfile.mkdtemp() + "/m.chainrule")
        >>> claim.release()
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        target = place_of(path)
        self._place = target.with_name(f".{target.name}.lock")
        self._held: int | None = None
        for _ in range(ATTEMPTS if HAS_LOCKS else 0):
            try:
                flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
                number = os.open(self._place, flags | getattr(os, "O_CLOEXEC", 0), 0o666)
            except OSError:
                return  # nothing can be written there; who writes the file will say so
            if not lock(number):
                holder = _read(number)
                os.close(number)
                raise ChainruleError(
                    f"{printable(os.fspath(path))}: {holder} writes this file now; wait for its "
                    "end, or name another file"
                )
            if is_at(number, self._place, through_links=False):
                self._held = number
                _write(number)
                return
            os.close(number)  # its holder has removed it

    def release(self) -> None:
        """Gives up the claim."""
        if self._held is None:
            return
        with suppress(OSError):
            if is_at(self._held, self._place, through_links=False):
                self._place.unlink()  # under the lock, or it could be that of the next claim
        os.close(self._held)
        self._held = None


def _write(number: int) -> None:
    """Writes who holds the lock, for those that it refuses."""
    since = time.strftime("%Y-%m-%d %H:%M:%S")
    text = f"process {os.getpid()} on {socket.gethostname()}, since {since},"
    with suppress(OSError):
        os.ftruncate(number, 0)
        os.write(number, text.encode())


def _read(number: int) -> str:
    """Who holds the lock, as its holder wrote it."""
    with suppress(OSError, UnicodeDecodeError):
        if text := os.read(number, MOST_READ).decode():
            return printable(text)
    return "another process"
