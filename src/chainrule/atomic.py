"""Files that are complete or absent, whenever the process dies."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def write_bytes(path: str | os.PathLike[str], data: bytes) -> None:
    """Replaces ``path`` by ``data``; see ``replacing``."""
    with replacing(path) as part:
        part.write_bytes(data)


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yields a hidden neighbour of ``path`` to write to, which is then flushed to disk and renamed.

    A crash leaves the old file or the new one, never half of one; at worst the neighbour ``.NAME.part`` stays, which the
    next write of the same file takes over. An exception in the block, an interrupt too, removes the neighbour.
    """
    target = Path(path).resolve()  # through a link, not over it
    if not target.parent.is_dir():
        raise FileNotFoundError(f"{path}: there is no folder {target.parent}; make it first")
    if target.exists() and not target.is_file():
        raise IsADirectoryError(f"{path}: exists and is not a file; name another")
    part = target.with_name(f".{target.name}.part")
    try:
        yield part
        with part.open("rb") as file:
            os.fsync(file.fileno())
        if target.exists():
            shutil.copymode(target, part)
        os.replace(part, target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
