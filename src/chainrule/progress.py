"""One way to show progress on stderr: a bar on a terminal, one line in a notebook, a line every 30 seconds in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

PATIENCE_S = 1.0  # a person is shown nothing of shorter work
LOG_EVERY_S = 30.0  # a log is told so often, and nothing of shorter work
PAUSE_S = 10.0  # after which a piece of work does not continue the one before it
WINDOW_S = 30.0  # the time left is foretold by the pace of so many seconds
NOTEBOOK_WIDTH = 100
LEAST_BAR, MOST_BAR, LEAST_NAME = 10, 40, 12  # characters

clock = time.monotonic


@contextmanager
def progress_bar(
    description: str, total: float, *, done: float = 0, limit_s: float | None = None, show: bool = True
) -> Iterator[Callable[..., None]]:
    """Yields ``advance(amount=1, note="")``, to be called when some of the work is done.

    Args:
        description: what is done, such as "scoring".
        total: how much work there is, in the units of ``amount``.
        done: how much of it was done before, as in a run that is resumed.
        limit_s: seconds after which the work ends, done or not.
        show: False shows nothing anywhere.

    >>> with progress_bar("scoring", 2) as advance:
    ...     advance(2)
    """
    meter = Meter(description, total, done, limit_s)
    if not show:
        yield meter.advance
    elif "IPython.display" in sys.modules and "ipykernel" in sys.modules:  # stderr is no terminal, but somebody watches
        yield from _in_notebook(meter)
    elif sys.stderr.isatty():
        yield from _on_terminal(meter)
    else:
        yield from _in_log(meter)


class Meter:
    """How far some work is, how long it has taken, and how long it will take at the pace of the last half minute."""

    def __init__(self, description: str, total: float, done: float = 0, limit_s: float | None = None) -> None:
        self.description, self.total, self.done, self.note = description, total, done, ""
        self.began = clock()
        self._limit_s = limit_s
        self._pace = [(self.began, done)]  # times, and what was done by then

    def advance(self, amount: float = 1, note: str | None = None) -> None:
        """Counts some work as done; a note says what else there is to say, in clauses with ", " between."""
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
        """The share that is done, from 0 to 1."""
        return min(1.0, self.done / self.total) if self.total > 0 else 1.0

    @property
    def left_s(self) -> float | None:
        """Seconds that the rest will take; None while nothing is known of the pace, and when nothing is left."""
        if self.done >= self.total:
            return None
        (then, before), now = self._pace[0], clock()
        left = [] if self._limit_s is None else [self._limit_s - self.elapsed_s]
        if self.done > before:
            left.append((now - then) * (self.total - self.done) / (self.done - before))
        return max(0.0, min(left)) if left else None

    def line(self, width: int) -> Line:
        """What fits into ``width`` characters. The note is shortened first, then the name, then the bar, then the times."""
        left = self.left_s
        figures = [f"{int(100 * self.share):3d}%", _minutes(self.elapsed_s)]
        figures += [] if left is None else [f"{_minutes(left)} left"]
        while len(figures) > 1 and LEAST_NAME + 1 + len(" ".join(figures)) > width:
            figures.pop(1)
        name, bar, told = self.description, min(MOST_BAR, max(LEAST_BAR, width // 4)), " ".join(figures)
        over = len(name) + bar + len(told) + 2 - width
        if over > 0:
            name = _cut(name, max(LEAST_NAME, len(name) - over))
            bar = max(0, min(bar, width - len(name) - len(told) - 2))
        rest = f"{told}  {note}" if (note := _fitting(self.note, -over - 2)) else told
        return Line(name, round(bar * self.share), bar, rest)


@dataclass(frozen=True)
class Line:
    """A line of progress: a name, a bar of which some is full, and figures."""

    name: str
    full: int
    bar: int
    rest: str

    def __str__(self) -> str:
        """The line as plain text."""
        return " ".join(filter(None, (self.name, "━" * self.full + "─" * (self.bar - self.full), self.rest)))


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
    """A bar that is as wide as the terminal lets it be, and is gone when the work is done."""
    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.live import Live
    from rich.text import Text

    class Shown:
        def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
            line = meter.line(options.max_width)
            text = Text(no_wrap=True, overflow="crop", end="")
            text.append(f"{line.name} ")
            text.append(("=" if options.ascii_only else "━") * line.full, style="bar.complete")
            text.append(("-" if options.ascii_only else "─") * (line.bar - line.full), style="bar.back")
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
    """One output that is changed in place, so that a saved notebook holds its last line and no other."""
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
    """Since when a log has been told nothing while work was done, piece after piece: each piece may be short."""

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
            said = [f"{meter.description} {int(100 * meter.share)}%", *left, *filter(None, [meter.note])]
            sys.stderr.write(", ".join(said) + "\n")
            sys.stderr.flush()

    try:
        yield advance
    finally:
        _Silence.heard = clock()
