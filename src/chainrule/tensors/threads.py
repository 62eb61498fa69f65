"""Matrix products in one thread while questions are answered."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

_lock = threading.Lock()
_within = 0  # the answers under way, in any thread
_limit: Any = None  # set by the first of them, taken back by the last


@contextmanager
def one_thread() -> Iterator[None]:
    """Returns a context in which NumPy's matrix products take one thread.

    Their threads spin while they wait. Where other programs use the cores, two threads cost three
    times the seconds of one.

    The limit is the process's: it lasts until the last of several overlapping contexts ends,
    whichever threads they are in.

    Examples:
        >>> import numpy as np
        >>> with one_thread():
        ...     found = np.eye(2) @ np.eye(2)
    """
    global _within, _limit
    with _lock:
        if _within == 0:
            _limit = _libraries().limit(limits=1)
        _within += 1
    try:
        yield
    finally:
        with _lock:
            _within -= 1
            if _within == 0:
                _limit.restore_original_limits()


@lru_cache(maxsize=1)
def _libraries() -> Any:
    """The libraries of matrix products in this process, found once."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController().select(user_api="blas")
