"""Files that are complete or absent, whenever the process dies."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


def write_bytes(path: str | os.PathLike[str], data: bytes) -> None:
    """Replaces ``path`` by ``data``: written to a hidden neighbour, flushed to disk, renamed.

    A crash leaves the old file or the new one, never half of one; at worst the neighbour ``.NAME.part`` stays, which the
    next write of the same file takes over.
    """
    target = Path(path).resolve()  # through a link, not over it
    if not target.parent.is_dir():
        raise FileNotFoundError(f"{path}: there is no folder {target.parent}; make it first")
    if target.exists() and not target.is_file():
        raise IsADirectoryError(f"{path}: exists and is not a file; name another")
    part = target.with_name(f".{target.name}.part")
    try:
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            shutil.copymode(target, part)
        os.replace(part, target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
