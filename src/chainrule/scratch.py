"""Folders for what does not fit into memory; they go when their owner goes."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from pathlib import Path


class ScratchFolder:
    """A temporary folder that is removed when this object is collected, at the latest when Python ends.

    >>> folder = ScratchFolder()
    >>> path = folder.path
    >>> del folder
    >>> path.exists()
    False
    """

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="chainrule-"))
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)
