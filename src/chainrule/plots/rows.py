"""How odd each cell of a row is, with what was expected in its place."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.errors import ShapeError, whole_number
from chainrule.missing import is_flag
from chainrule.model import Model
from chainrule.plots.axes import ACCENT, BLUE, LINE, new_axes, titled
from chainrule.table import column_positions, read_table
from chainrule.tasks.answer import chunks
from chainrule.tasks.conditional import expected_words
from chainrule.tasks.explain import cell_as_written, tail_bits

ODD = 10.0  # bits: one cell in a thousand
MOST_BITS = 40.0  # of a bar; longer ones are cut
LONGEST = 26  # characters of a cell


def draw(model: Model, table: Any, row: int, ax: Any) -> Any:
    """Draws what ``Plots.row`` says."""
    read = read_table(table, reading=model.schema.reading)
    row = whole_number(row, "row", least=-len(read), what="the whole number of a row")
    if not -len(read) <= row < len(read):
        raise ShapeError(f"row {row} of a table of {len(read)} rows; rows count from 0")
    row %= len(read)
    (chunk,) = chunks(model, read.take(np.array([row])), whole=True, ranges=False, progress=False)
    rows, flags = chunk.rows, is_flag(model.schema)
    bits = tail_bits(rows)[0][0]
    shown = np.flatnonzero(rows.codes.observed_or_outside[0] & ~flags)
    shown = shown[np.argsort(bits[shown], kind="stable")]
    at = column_positions(chunk.table, model.schema)
    names = [model.schema.columns[k].name for k in shown]
    expected = expected_words(rows, np.zeros(len(shown), dtype=int), shown)
    ax = new_axes(ax, 1 + LINE * len(shown))
    length = np.minimum(bits[shown], MOST_BITS)
    colors = [ACCENT if bits[k] >= ODD else BLUE for k in shown]
    ax.barh(np.arange(len(shown)), length, color=colors, height=0.62)
    for place, (k, _name, words) in enumerate(zip(shown, names, expected, strict=True)):
        cut = f" {bits[k]:.0f} bits" if bits[k] > MOST_BITS else ""
        ax.text(
            length[place] + 0.2,
            place,
            f"{cut}  expected {words}",
            va="center",
            fontsize=7,
            parse_math=False,
            bbox={"facecolor": ax.get_facecolor(), "edgecolor": "none", "pad": 1},
        )
    found = [f"{name} = {_short(cell_as_written(chunk, at, name, 0))}" for name in names]
    ax.set_yticks(np.arange(len(shown)), found, parse_math=False)
    longest = float(length.max(initial=1.0))
    ax.set_xlim(0, max(1.9 * longest, 2 * ODD))
    # The room beyond the bars is for the words, and has no numbers.
    ax.set_xticks(np.arange(0.0, max(longest, ODD) + 1.0, ODD / 2))
    ax.axvline(ODD, color=ACCENT, linewidth=0.8, linestyle=":")
    return titled(ax, f"row {row}", "bits; the dotted line, 10 bits, is one cell in a thousand")


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
