"""Shows progress on stderr: a bar on a terminal, one line in a notebook, regular lines in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from typing_extensions import override

PATIENCE_S = 1.0  # shorter work shows no bar
LOG_EVERY_S = 30.0  # interval of lines in a log; shorter work has none
PAUSE_S = 10.0  # work after a longer pause does not continue the work before it
WINDOW_S = 30.0  # the pace of this window gives the time left
NOTEBOOK_WIDTH = 100
LEAST_BAR, MOST_BAR, LEAST_NAME = 10, 40, 12  # characters

clock = time.monotonic
_is_shown: ContextVar[bool] = ContextVar("is_shown", default=True)


@contextmanager
def without_progress() -> Iterator[None]:
    """Shows no progress within, as in a worker whose output nobody reads.

    >>> with without_progress(), progress_bar("scoring", 2) as advance:
    ...     advance(2)
    """
    token = _is_shown.set(False)
    try:
        yield
    finally:
        _is_shown.reset(token)


@contextmanager
def progress_bar(
    description: str,
    total: float,
    *,
    done: float = 0,
    limit_s: float | None = None,
    progress: bool = True,
) -> Iterator[Callable[..., None]]:
    """Yields ``advance(amount=1, note="")``, to be called when part of the work is done.

    Args:
        description: the work, such as "scoring".
        total: the amount of work, in the units of ``amount``.
        done: the amount done before, as in a resumed run.
        limit_s: seconds after which the work ends, done or not.
        progress: False shows nothing.

    >>> with progress_bar("scoring", 2) as advance:
    ...     advance(2)
    """
    meter = Meter(description, total, done, limit_s)
    if not progress or not _is_shown.get():
        yield meter.advance
    elif _is_notebook():
        yield from _in_notebook(meter)
    elif sys.stderr.isatty():
        yield from _on_terminal(meter)
    else:
        yield from _in_log(meter)


class Meter:
    """Measures work: the amount done, the time taken, and the time left at the recent pace."""

    def __init__(
        self, description: str, total: float, done: float = 0, limit_s: float | None = None
    ) -> None:
        self.description, self.total, self.done, self.note = description, total, done, ""
        self.began = clock()
        self._limit_s = limit_s
        self._pace = [(self.began, done)]  # times, and the work done by then

    def advance(self, amount: float = 1, note: str | None = None) -> None:
        """Counts some work as done; a note adds clauses, separated by ", "."""
        now = clock()
        self.done += amount
        self.note = self.note if note is None else note
        while len(self._pace) > 1 and self._pace[1][0] < now - WINDOW_S:
            self._pace.pop(0)
        if now - self._pace[-1][0] >= 0.25:
            self._pace.append((now, self.done))

    @property
    def elapsed_s(self) -> float:
        """Seconds since the work began."""
        return clock() - self.began

    @property
    def share(self) -> float:
        """The share of the work that is done, from 0 to 1."""
        return min(1.0, self.done / self.total) if self.total > 0 else 1.0

    @property
    def left_s(self) -> float | None:
        """Estimated seconds until the end; None if the pace is unknown or the work is done."""
        if self.done >= self.total:
            return None
        (then, before), now = self._pace[0], clock()
        left = [] if self._limit_s is None else [self._limit_s - self.elapsed_s]
        if self.done > before:
            left.append((now - then) * (self.total - self.done) / (self.done - before))
        return max(0.0, min(left)) if left else None

    def line(self, width: int) -> Line:
        """A line of at most ``width`` characters; the note is cut first, then name, bar, times."""
        left = self.left_s
        figures = [f"{int(100 * self.share):3d}%", _minutes(self.elapsed_s)]
        figures += [] if left is None else [f"{_minutes(left)} left"]
        while len(figures) > 1 and LEAST_NAME + 1 + len(" ".join(figures)) > width:
            figures.pop(1)
        name, text = self.description, " ".join(figures)
        bar = min(MOST_BAR, max(LEAST_BAR, width // 4))
        over = len(name) + bar + len(text) + 2 - width
        if over > 0:
            name = _cut(name, max(LEAST_NAME, len(name) - over))
            bar = max(0, min(bar, width - len(name) - len(text) - 2))
        if note := _fitting(self.note, -over - 2):
            text = f"{text}  {note}"
        return Line(name, round(bar * self.share), bar, text)


@dataclass(frozen=True)
class Line:
    """A line of progress: a name, a partly filled bar, and figures."""

    name: str
    full: int
    bar: int
    rest: str

    @override
    def __str__(self) -> str:
        """The line as plain text."""
        return " ".join(
            filter(None, (self.name, "━" * self.full + "─" * (self.bar - self.full), self.rest))
        )


def _is_notebook() -> bool:
    """Whether this process is the kernel of a notebook, and not only imports parts of one."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return hasattr(shell, "kernel")


def _minutes(seconds: float) -> str:
    """Seconds as 0:07, 12:30 or 1:00:00."""
    minutes, second = divmod(int(seconds), 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour}:{minute:02d}:{second:02d}" if hour else f"{minute}:{second:02d}"


def _fitting(note: str, room: int) -> str:
    """The first clauses of a note that fit."""
    clauses = note.split(", ")
    while clauses and len(", ".join(clauses)) > room:
        clauses.pop()
    return ", ".join(clauses)


def _cut(name: str, length: int) -> str:
    return name if len(name) <= length else name[: length - 1] + "…"


def _on_terminal(meter: Meter) -> Iterator[Callable[..., None]]:
    """A bar as wide as the terminal allows; it disappears when the work is done."""
    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.live import Live
    from rich.text import Text

    class Shown:
        def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
            line = meter.line(options.max_width)
            text = Text(no_wrap=True, overflow="crop", end="")
            text.append(f"{line.name} ")
            text.append(("=" if options.ascii_only else "━") * line.full, style="bar.complete")
            text.append(
                ("-" if options.ascii_only else "─") * (line.bar - line.full), style="bar.back"
            )
            text.append(f" {line.rest}" if line.bar else line.rest)
            yield text

    live = Live(Shown(), console=Console(stderr=True), transient=True, refresh_per_second=4)

    def advance(amount: float = 1, note: str | None = None) -> None:
        meter.advance(amount, note)
        if not live.is_started and meter.elapsed_s > PATIENCE_S:
            live.start(refresh=True)

    try:
        yield advance
    finally:
        if live.is_started:
            live.stop()


def _in_notebook(meter: Meter) -> Iterator[Callable[..., None]]:
    """One output that is updated in place, so that a saved notebook holds only its last line."""
    from IPython.display import display  # type: ignore[import-not-found]

    shown, handle = clock(), None

    def show() -> None:
        nonlocal handle
        line = {"text/plain": str(meter.line(NOTEBOOK_WIDTH))}
        if handle is None:
            handle = display(line, raw=True, display_id=True)
        else:
            handle.update(line, raw=True)

    def advance(amount: float = 1, note: str | None = None) -> None:
        nonlocal shown
        meter.advance(amount, note)
        if clock() - shown >= PATIENCE_S:
            shown = clock()
            show()

    try:
        yield advance
    finally:
        if handle is not None:
            show()


class _Silence:
    """Since when a log has had no line while work was done, over several short pieces of work."""

    since = heard = -1e9


def _in_log(meter: Meter) -> Iterator[Callable[..., None]]:
    """A plain line every 30 seconds, counted over pieces of work that follow each other."""
    if not 0 <= meter.began - _Silence.heard < PAUSE_S:
        _Silence.since = meter.began

    def advance(amount: float = 1, note: str | None = None) -> None:
        meter.advance(amount, note)
        _Silence.heard = now = clock()
        if now - _Silence.since >= LOG_EVERY_S:
            _Silence.since = now
            left = [] if meter.left_s is None else [f"{_minutes(meter.left_s)} left"]
            words = [
                f"{meter.description} {int(100 * meter.share)}%",
                *left,
                *filter(None, [meter.note]),
            ]
            sys.stderr.write(", ".join(words) + "\n")
            sys.stderr.flush()

    try:
        yield advance
    finally:
        _Silence.heard = clock()
