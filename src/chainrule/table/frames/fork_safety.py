"""Whether polars works in this process.

A forked child lacks its parent's threads, and would wait for them forever.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from chainrule.errors import BackendError

WORKERS = re.compile(r"polars-\d|async-executor|tokio-rt")  # names of polars' threads
TASKS = Path("/proc/self/task")

_polars_worked = False  # at the last fork
_threads_are_gone = False


def require_polars() -> None:
    """Raises BackendError in a forked child whose parent had used polars."""
    if _threads_are_gone:
        raise BackendError(
            "polars, which reads and writes CSV and Parquet and knows time zones, had worked "
            "before this process was forked, and cannot work here: start processes by "
            "multiprocessing's 'spawn' or 'forkserver', or pass and ask for frames or arrays"
        )


def _before_fork() -> None:
    global _polars_worked
    _polars_worked = "polars" in sys.modules and (_threads_are_gone or _has_workers())


def _has_workers() -> bool:
    """Whether polars has threads; if that is unknown, whether it is imported."""
    try:
        names = [(task / "comm").read_text() for task in TASKS.iterdir()]
    except OSError:
        return True
    return any(map(WORKERS.match, names))


def _after_fork() -> None:
    global _threads_are_gone
    _threads_are_gone = _polars_worked


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_child=_after_fork)
