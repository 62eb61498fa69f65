"""Parts of a table asked in several processes, each with one thread; answers in order."""

from __future__ import annotations

import os
import secrets
import sys
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any

from chainrule.table import Sink, Table

AHEAD = 2  # parts that wait for each worker
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
    "POLARS_MAX_THREADS": "1",
    "OMP_WAIT_POLICY": "passive",
}
_scorer: list[Any] = []  # of a worker


def ask(
    scorer: Any,
    task: str,
    chunks: Iterator[Table],
    to: Sink,
    *,
    workers: int,
    load: Callable[[], Any],
    **options: Any,
) -> Any:
    """Asks a question about a table in one process or in several, and gives the frames to a sink.

    Args:
        scorer: answers if there is one process.
        task: the name of a function of ``chainrule.tasks`` that takes ``to``.
        chunks: the parts of the table, which this process reads.
        to: takes the frames of all parts, in order.
        workers: number of processes.
        load: returns the scorer in each of them; it is pickled.
        options: the task's keyword arguments. A seed decides a row's draws with the row's number,
            whichever worker draws them.
    """
    if workers == 1:
        return scorer.ask(task, chunks, to=to, **options)
    return to.take(_frames(task, chunks, to.as_text, workers, load, options))


def _frames(
    task: str,
    chunks: Iterator[Table],
    as_text: bool,
    workers: int,
    load: Callable[[], Any],
    options: dict[str, Any],
) -> Iterator[Any]:
    """Yields the frames of all parts in order; a few parts at a time are in memory."""
    said: set[str] = set()
    if "seed" in options and options["seed"] is None:
        options = options | {"seed": secrets.randbits(63)}
    first_row = 0
    waiting: deque[Future[tuple[list[Any], list[str]]]] = deque()
    with (
        _environment(ONE_THREAD),
        ProcessPoolExecutor(
            workers, mp_context=get_context("spawn"), initializer=_begin, initargs=(load,)
        ) as pool,
    ):
        try:
            for chunk in chunks:
                place = {"first_row": first_row} if "seed" in options else {}
                waiting.append(pool.submit(_answer, task, chunk, as_text, options | place))
                first_row += len(chunk)
                if len(waiting) >= AHEAD * workers:
                    yield from _said(waiting.popleft(), said)
            while waiting:
                yield from _said(waiting.popleft(), said)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _said(done: Future[tuple[list[Any], list[str]]], said: set[str]) -> list[Any]:
    """The frames of a part; its warnings are repeated, each once."""
    frames, messages = done.result()
    for message in messages:
        if message not in said:
            said.add(message)
            warnings.warn(message, UserWarning, stacklevel=2)
    return frames


def _begin(load: Callable[[], Any]) -> None:
    """Loads the model in a worker, which shows no progress."""
    sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  # as long as the worker
    _scorer.append(load())
    if (torch := sys.modules.get("torch")) is not None:
        torch.set_num_threads(1)


def _answer(
    task: str, chunk: Table, as_text: bool, options: dict[str, Any]
) -> tuple[list[Any], list[str]]:
    """The frames and the warnings of one part."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        frames = _scorer[0].ask(task, iter([chunk]), to=Sink(list, as_text), **options)
    return frames, [str(each.message) for each in caught if each.category is UserWarning]


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """Sets variables that processes inherit, and restores them."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
