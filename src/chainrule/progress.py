"""One way to show progress: a bar on stderr, where a person watches and the work lasts."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

PATIENCE_S = 1.0  # shorter work shows nothing


@contextmanager
def progress_bar(description: str, total: int, *, show: bool = True) -> Iterator[Callable[..., None]]:
    """Yields ``advance(amount=1, note="")``. The bar appears after a second, on a terminal or in a notebook, with the time left.

    >>> with progress_bar("scoring", 2) as advance:
    ...     advance(2)
    """
    if show and "ipykernel" in sys.modules:  # a notebook: stderr is no terminal, but somebody watches
        yield from _line(description, total)
        return
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


def _line(description: str, total: int) -> Iterator[Callable[..., None]]:
    """A line that is written over once a second: what a notebook shows without further packages."""
    began = shown = time.monotonic()
    done, said, widest = 0.0, "", 0

    def advance(amount: float = 1, note: str | None = None) -> None:
        nonlocal shown, done, said, widest
        done, said = done + amount, said if note is None else note
        now = time.monotonic()
        if now - shown < PATIENCE_S or not done:
            return
        shown, left = now, (now - began) * max(0.0, total / done - 1)
        line = f"{description} {done / max(total, 1):4.0%}, {left:.0f} s left  {said}"
        widest = max(widest, len(line))
        print(f"\r{line:{widest}}", end="", file=sys.stderr, flush=True)

    try:
        yield advance
    finally:
        if widest:
            print(f"\r{'':{widest}}\r", end="", file=sys.stderr, flush=True)
