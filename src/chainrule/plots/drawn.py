"""How alike drawn and real rows are, column by column."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.model import Model
from chainrule.plots.axes import BLUE, GRAY, LINE, TICK, new_axes, titled
from chainrule.synthetic.bins import accuracy, binned
from chainrule.synthetic.tables import tables_of
from chainrule.table import Table, read_table
from chainrule.tasks.sample import sample

MOST_ROWS = 20_000  # that are drawn


def draw(model: Model, table: Any, seed: int, ax: Any) -> Any:
    """Draws what ``Plots.drawn`` says."""
    read = read_table(table, reading=model.schema.reading)
    return compared(model, read, sample(model, min(len(read), MOST_ROWS), seed=seed), ax)


def compared(model: Model, table: Table, rows: Any, ax: Any) -> Any:
    """Draws how alike a table and rows are that a model drew."""
    tables = tables_of(table, rows, kinds=model.schema)
    bins = binned(tables.columns, tables.real.values, tables.synthetic.values)
    each = [(*accuracy(bins, (k,)), column.name) for k, column in enumerate(tables.columns)]
    drawn, real, names = zip(*sorted(each), strict=True)
    at = np.arange(len(names))[::-1]
    ax = new_axes(ax, 1 + LINE * len(names))
    ax.plot(real, at, "|", color=GRAY, markersize=11, label="real rows")
    ax.plot(drawn, at, "o", color=BLUE, markersize=5, label="drawn rows")
    ax.set_yticks(at, [str(name) for name in names], parse_math=False)
    ax.set_xlim(right=1.005)
    ax.grid(axis="y", color=GRAY, alpha=0.2)
    ax.legend(fontsize=TICK, frameon=False, loc="lower left")  # of the most alike column
    return titled(ax, "how alike drawn rows are", "accuracy of a column")
