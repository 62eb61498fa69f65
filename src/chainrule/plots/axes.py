"""Axes that match the project's other pictures."""

from __future__ import annotations

from typing import Any

GRAY, BLUE, FAINT, INK = "#9a9a9a", "#2b6cb0", "#9fc0e0", "#16213a"
ACCENT = "#c2452d"
TITLE, NAME, TICK, SMALL = 11, 10, 9, 8  # points of letters; a picture 4 inches wide can be read
WIDTH, HEIGHT, LINE = 6.4, 3.4, 0.28  # inches; the last one is for each line of a chart of bars


def new_axes(ax: Any, height: float = HEIGHT) -> Any:
    """Returns ``ax``, or new axes without a frame above and on the right."""
    if ax is None:
        from matplotlib import pyplot as plt

        _, ax = plt.subplots(figsize=(WIDTH, height), layout="constrained")
    ax.spines[["top", "right"]].set_visible(False)
    ax.tick_params(labelsize=TICK)
    return ax


def titled(ax: Any, title: str, x: str = "", y: str = "") -> Any:
    """Sets the title and the names of both axes; a $ in a name begins no mathematics."""
    ax.set_title(title, fontsize=TITLE, loc="left", color=INK, parse_math=False)
    ax.set_xlabel(x, fontsize=NAME, parse_math=False)
    ax.set_ylabel(y, fontsize=NAME, parse_math=False)
    return ax
