"""How odd each cell of a row is, with what was expected in its place."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.errors import ShapeError, whole_number
from chainrule.missing import is_flag
from chainrule.model import Model
from chainrule.plots.axes import ACCENT, BLUE, LINE, SMALL, new_axes, titled
from chainrule.table import column_positions, read_table
from chainrule.tasks.answer import chunks
from chainrule.tasks.conditional import expected_words
from chainrule.tasks.explain import cell_as_written, tail_bits

ODD = 10.0  # bits: one cell in a thousand
MOST_BITS = 40.0  # of a bar; longer ones are cut
LONGEST = 26  # characters of a cell
LINE_OF = 54  # characters above a bar
NAMED = "bits; 10 (dotted): one cell in a thousand"


def draw(model: Model, table: Any, row: int, ax: Any, *, most: int | None = None) -> Any:
    """Draws what ``Plots.row`` says.

    Args:
        model: schema and network.
        table: rows of the columns that were fitted.
        row: the number of the row.
        ax: axes to draw on; None for new ones.
        most: for narrow pictures, how many cells are shown, the oddest; words stand above bars.
    """
    read = read_table(table, reading=model.schema.reading)
    row = whole_number(row, "row", least=-len(read), what="the whole number of a row")
    if not -len(read) <= row < len(read):
        raise ShapeError(f"row {row} of a table of {len(read)} rows; rows count from 0")
    row %= len(read)
    (chunk,) = chunks(model, read.take(np.array([row])), whole=True, ranges=False, progress=False)
    rows, flags = chunk.rows, is_flag(model.schema)
    bits = tail_bits(rows)[0][0]
    shown = np.flatnonzero(rows.codes.observed_or_outside[0] & ~flags)
    shown = shown[np.argsort(bits[shown], kind="stable")][-(most or len(flags)) :]
    at = column_positions(chunk.table, model.schema)
    names = [model.schema.columns[k].name for k in shown]
    expected = expected_words(rows, np.zeros(len(shown), dtype=int), shown)
    found = [f"{name} = {_short(cell_as_written(chunk, at, name, 0))}" for name in names]
    if most is not None:
        return _narrow(ax, row, bits[shown], found, expected)
    ax = new_axes(ax, 1 + LINE * len(shown))
    length = _bars(ax, bits[shown], 0.62)
    for place, (k, words) in enumerate(zip(shown, expected, strict=True)):
        ax.text(
            length[place] + 0.2,
            place,
            f"{_cut(bits[k])}  expected {words}",
            va="center",
            fontsize=SMALL,
            parse_math=False,
            bbox={"facecolor": ax.get_facecolor(), "edgecolor": "none", "pad": 1},
        )
    ax.set_yticks(np.arange(len(shown)), found, parse_math=False)
    # The room beyond the bars is for the words, and has no numbers.
    ax.set_xlim(0, max(1.9 * float(length.max(initial=1.0)), 2 * ODD))
    return titled(ax, f"row {row}", NAMED)


def _narrow(ax: Any, row: int, bits: np.ndarray, found: list[str], expected: list[str]) -> Any:
    """The same with the words above the bars."""
    ax = new_axes(ax, 0.9 + 1.4 * LINE * len(bits))
    length = _bars(ax, bits, 0.26)
    for place, (cell, words) in enumerate(zip(found, expected, strict=True)):
        said = f"{cell}{_cut(bits[place])}; expected {words}"
        said = said if len(said) <= LINE_OF else f"{said[: LINE_OF - 1]}…"
        word = ax.text(0.1, place + 0.2, said, fontsize=SMALL, va="bottom", parse_math=False)
        word.set_in_layout(False)
    ax.set_yticks([])
    ax.set_ylim(-0.5, len(bits) - 0.1)
    ax.set_xlim(0, max(1.05 * float(length.max(initial=1.0)), 1.6 * ODD))
    return titled(ax, f"row {row}, the oddest cells", NAMED)


def _bars(ax: Any, bits: np.ndarray, height: float) -> np.ndarray:
    """Draws bars of bits (n,), and a line at 10; returns how long they are."""
    length = np.minimum(bits, MOST_BITS)
    colors = [ACCENT if each >= ODD else BLUE for each in bits]
    ax.barh(np.arange(len(bits)), length, color=colors, height=height)
    step = ODD / 2 if length.max(initial=0) <= 2 * ODD else ODD
    ax.set_xticks(np.arange(0.0, max(float(length.max(initial=1.0)), ODD) + 1.0, step))
    ax.axvline(ODD, color=ACCENT, linewidth=0.8, linestyle=":", zorder=0)
    return length


def _cut(bits: float) -> str:
    """The bits of a bar that is cut."""
    return f" ({bits:.0f} bits)" if bits > MOST_BITS else ""


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
