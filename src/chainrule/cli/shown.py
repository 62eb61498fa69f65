"""Output for people: tables that never cut a number, and lines that other programs cannot
interrupt.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

from chainrule.errors import printable, printable_lines

LONGEST = 24  # longest word that is never broken, in characters: no number is longer
PADDING = 3  # a column's blanks on both sides, and the line beside it
UNLIMITED = 1_000_000  # width if stdout is not a terminal

# The largest frame that a terminal shows as a table; larger ones are CSV.
MOST_ROWS, MOST_COLUMNS = 50, 20


def print_table(
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    title: str = "",
    numbers: Sequence[str] = (),
    header: bool = True,
    lines: bool = False,
) -> None:
    """Prints a table on stdout, as wide as its cells need, but no wider than the terminal.

    On a narrow terminal, text is wrapped between words. If even the longest words do not fit beside
    each other, each row is printed as lines of names and values. Numbers and names are never cut.

    Args:
        columns: the names.
        rows: the cells, written with ``str``; a tuple is a cell of several lines.
        title: a line above.
        numbers: the columns that are aligned to the right and whose cells are never wrapped.
        header: whether the names are shown above the columns.
        lines: whether there are lines between the rows.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    width = terminal_width() or UNLIMITED
    console = Console(width=width)
    written = [[_written(cell) for cell in row] for row in rows]
    if title:
        console.print(Text(printable(title), style="bold"))
    shown = [printable(name) for name in columns]
    names, cells = (
        shown if header else [""] * len(columns),
        list(zip(*written, strict=True)) or [()] * len(columns),
    )
    whole = [
        _widest([name, *column_cells]) for name, column_cells in zip(names, cells, strict=True)
    ]
    least = [
        max(
            _longest_word([name]),
            _widest(column_cells) if column in numbers else _longest_word(column_cells),
        )
        for column, name, column_cells in zip(columns, names, cells, strict=True)
    ]
    fitting = _fitted(whole, least, width - 1)
    if fitting is None:
        _print_stacked(console, shown, written, header)
        return
    table = Table(show_header=header, show_lines=lines)
    for column, name, fitted in zip(columns, shown, fitting, strict=True):
        table.add_column(
            Text(name),
            justify="right" if column in numbers else "left",
            width=fitted,
            overflow="fold",
        )
    for row in written:
        table.add_row(*map(Text, row))
    console.print(table)


def left_to_print(
    frames: Iterator[Any], title: str = "", *, percent: bool = False
) -> Iterator[Any]:
    """Prints a small frame as a table if stdout is a terminal, and returns the frames that remain.

    The frames are polars frames. Printed numbers are rounded to six digits, but never before the
    point, or are percentages of one decimal. CSV and JSON have all digits.
    """
    first, second = next(frames, None), next(frames, None)
    if first is None:
        return iter(())
    few = second is None and first.height <= MOST_ROWS and first.width <= MOST_COLUMNS
    if not few or terminal_width() is None:
        return chain([first], [] if second is None else [second], frames)
    written = _percentage if percent else _for_eyes
    rows = [(k, *map(written, row)) for k, row in enumerate(first.iter_rows())]
    numbers = [name for name, dtype in first.schema.items() if dtype.is_numeric()]
    print_table(("row", *first.columns), rows, title=title, numbers=("row", *numbers))
    return iter(())


def print_line(text: str) -> None:
    """Prints a line on stdout, wrapped between words on a terminal."""
    from rich.console import Console
    from rich.text import Text

    Console(width=terminal_width() or UNLIMITED).print(Text(printable_lines(text)))


def terminal_width() -> int | None:
    """Returns the number of columns of the terminal; None if stdout is not one."""
    from rich.console import Console

    return Console().width if sys.stdout.isatty() else None


def say(text: str) -> None:
    """Writes a line to stderr at once, so that other programs' output never splits it."""
    sys.stderr.write(f"{printable(text)}\n")
    sys.stderr.flush()


def _written(cell: object) -> str:
    return "\n".join(map(_written, cell)) if isinstance(cell, tuple) else printable(str(cell))


def _for_eyes(cell: Any) -> object:
    if isinstance(cell, float) and math.isfinite(cell):
        digits = 5 - math.floor(math.log10(abs(cell))) if cell else 0
        return min(str(cell), f"{cell:.{max(0, digits)}f}", key=len)
    return "" if cell is None else cell


def _percentage(share: float) -> str:
    return "< 0.1 %" if 0 < share < 0.0005 else f"{share:.1%}".replace("%", " %")


def _fitted(whole: list[int], least: list[int], room: int) -> list[int] | None:
    """Returns widths that fit, narrowing the widest column first, none below its least.

    Returns None if no widths fit.
    """
    widths = list(whole)
    room -= PADDING * len(widths)
    if sum(least) > room:
        return None
    while sum(widths) > room:
        widths[
            max((k for k, width in enumerate(widths) if width > least[k]), key=lambda k: widths[k])
        ] -= 1
    return widths


def _print_stacked(
    console: object, columns: Sequence[str], rows: Sequence[Sequence[str]], header: bool
) -> None:
    from rich.console import Console
    from rich.text import Text

    assert isinstance(console, Console)
    for number, row in enumerate(rows):
        if header and number:
            console.print()
        lines = [": ".join(row)]
        if header:
            lines = [f"{name}: {cell}" for name, cell in zip(columns, row, strict=True)]
        for line in lines:
            console.print(Text(line))


def _widest(cells: Sequence[str]) -> int:
    from rich.cells import cell_len

    return max((cell_len(line) for cell in cells for line in cell.splitlines()), default=0)


def _longest_word(cells: Sequence[str]) -> int:
    from rich.cells import cell_len

    return min(LONGEST, max((cell_len(word) for cell in cells for word in cell.split()), default=0))
