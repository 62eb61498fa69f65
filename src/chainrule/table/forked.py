"""Whether polars can work in this process: a forked child lacks the threads of its parent, and would wait for them for ever."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from chainrule.errors import BackendError

WORKERS = re.compile(r"polars-\d|async-executor|tokio-rt")  # names of threads that polars starts when it first works
TASKS = Path("/proc/self/task")

_at_work = False  # before the fork that is under way
_gone = False


def require_polars() -> None:
    """Raises BackendError in a forked child whose parent had worked with polars; there are other ways to start processes."""
    if _gone:
        raise BackendError(
            "polars, which reads and writes CSV and Parquet and knows time zones, had worked before this process was forked, and "
            "cannot work here: start processes by multiprocessing's 'spawn' or 'forkserver', or pass and ask for frames or arrays"
        )


def _look() -> None:
    global _at_work
    _at_work = "polars" in sys.modules and (_gone or _has_workers())


def _has_workers() -> bool:
    """Whether there are threads of polars; where nobody can tell, its being imported is enough."""
    try:
        names = [(task / "comm").read_text() for task in TASKS.iterdir()]
    except OSError:
        return True
    return any(map(WORKERS.match, names))


def _note() -> None:
    global _gone
    _gone = _at_work


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_look, after_in_child=_note)
