"""One way to show progress: a bar on stderr, where a person watches and the work lasts."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

PATIENCE_S = 1.0  # shorter work shows nothing


@contextmanager
def progress_bar(description: str, total: int, *, show: bool = True) -> Iterator[Callable[..., None]]:
    """Yields ``advance(amount=1, note="")``. The bar appears after a second, only on a terminal, with the time left.

    >>> with progress_bar("scoring", 2) as advance:
    ...     advance(2)
    """
    if not (show and sys.stderr.isatty()):
        yield lambda amount=1, note="": None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
        console=Console(stderr=True),
        transient=True,
    )
    task = bar.add_task(description, total=total, note="")
    began, started = time.monotonic(), False

    def advance(amount: float = 1, note: str | None = None) -> None:
        nonlocal started
        if not started and time.monotonic() - began > PATIENCE_S:
            bar.start()
            started = True
        if note is None:
            bar.update(task, advance=amount)
        else:
            bar.update(task, advance=amount, note=note)

    try:
        yield advance
    finally:
        if started:
            bar.stop()
