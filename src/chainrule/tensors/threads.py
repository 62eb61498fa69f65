"""Matrix products in one thread while questions are answered."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import lru_cache
from typing import Any


def one_thread() -> AbstractContextManager[Any]:
    """Returns a context in which NumPy's matrix products take one thread.

    Their threads spin while they wait. Where other programs use the cores, two threads cost three
    times the seconds of one.

    Examples:
        >>> import numpy as np
        >>> with one_thread():
        ...     found = np.eye(2) @ np.eye(2)
    """
    return _libraries().limit(limits=1)


@lru_cache(maxsize=1)
def _libraries() -> Any:
    """The libraries of matrix products in this process, found once."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController().select(user_api="blas")
