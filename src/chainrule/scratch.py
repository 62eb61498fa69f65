"""Temporary folders for data that does not fit into memory; they are removed with their owner."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from pathlib import Path


class ScratchFolder:
    """A temporary folder that is removed with this object, or at the end of Python.

    >>> folder = ScratchFolder()
    >>> path = folder.path
    >>> del folder
    >>> path.exists()
    False
    """

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="chainrule-"))
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)
