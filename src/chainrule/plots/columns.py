"""The distribution of one column."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np

from chainrule.model import Model
from chainrule.plots.asked import cells_of, distribution, in_words
from chainrule.plots.axes import BLUE, FAINT, GRAY, TICK, new_axes, titled
from chainrule.plots.bins import DATES, FEWEST, LEVELS, LINEAR, LOG, Bins, bins_of

# Share of one bin, in an otherwise flat picture, from which on the axis of shares is logarithmic.
MOSTLY, FLAT = 0.5, 0.05
TICKS = 5  # of numbers on a horizontal axis, at most


def draw(
    model: Model, column: Hashable, given: Mapping[str, Any] | None, table: Any, ax: Any
) -> Any:
    """Draws what ``Plots.column`` says."""
    k = model.schema.number(column)
    spec = model.schema.columns[k]
    found = distribution(model, k, given)
    cells, agree = cells_of(model, table, k, given)
    before = distribution(model, k, None) if given else None
    bins = bins_of(spec, found if before is None else before, cells)
    ax = new_axes(ax)
    if len(cells):
        _area(
            ax,
            bins,
            bins.of(cells),
            "such rows" if agree else "all rows" if given else "rows of the table",
        )
    if before is not None:
        _outline(ax, bins, bins.by(before), FAINT, "without that")
    shares = bins.by(found)
    _outline(ax, bins, shares, BLUE, "model")
    is_flat = bins.kind != LEVELS and len(shares) > FEWEST and np.median(shares) < FLAT
    if is_flat and shares.max() > MOSTLY:
        ax.set_yscale("log")
        ax.set_ylim(bottom=max(shares[shares > 0].min(), 1e-4))
    named(ax.xaxis, ax, bins)
    if len(cells) or before is not None:
        side = "right" if np.argmax(shares) < len(shares) / 2 else "left"
        ax.legend(fontsize=TICK, frameon=False, loc=f"upper {side}")
    return titled(ax, f"{spec.name}{in_words(given)}", str(spec.name), "share")


def _area(ax: Any, bins: Bins, shares: np.ndarray, label: str) -> None:
    if bins.kind == LEVELS:
        ax.bar(bins.ends, shares, width=0.8, color=GRAY, alpha=0.6, label=label)
    else:
        ax.stairs(shares, bins.ends, fill=True, color=GRAY, alpha=0.6, label=label)


def _outline(ax: Any, bins: Bins, shares: np.ndarray, color: str, label: str) -> None:
    if bins.kind == LEVELS:
        ax.bar(
            bins.ends, shares, width=0.5, fill=False, edgecolor=color, linewidth=1.8, label=label
        )
    else:
        ax.stairs(shares, bins.ends, color=color, linewidth=1.6, label=label)


def named(axis: Any, ax: Any, bins: Bins) -> None:
    """Gives an axis the scale and the ticks of its bins."""
    is_x = axis is ax.xaxis
    if bins.kind == LOG:
        set_scale = ax.set_xscale if is_x else ax.set_yscale
        set_scale("symlog", linthresh=bins.linear_to) if bins.linear_to else set_scale("log")
    if bins.kind == LINEAR and len(bins.ends) <= FEWEST:
        middles = bins.middles
        axis.set_ticks(middles, [f"{each:g}" for each in middles])
    elif bins.kind == LINEAR and is_x:
        ax.locator_params(axis="x", nbins=TICKS)
    if bins.kind == LEVELS:
        turned = is_x and sum(map(len, bins.names)) > 40
        options = {"rotation": 30, "ha": "right", "rotation_mode": "anchor"} if turned else {}
        axis.set_ticks(bins.ends, bins.names, parse_math=False, **options)
    if bins.kind == DATES and is_x:
        axis.set_tick_params(rotation=20)
