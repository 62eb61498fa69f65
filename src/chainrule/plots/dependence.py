"""The mutual information of all pairs of columns, as a square of shades."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.model import Model
from chainrule.plots.axes import LINE, SMALL, new_axes, titled
from chainrule.tasks.dependence import Information, information

WRITTEN, WRITTEN_IF_NARROW = 14, 8  # columns up to which each cell has its bits
NARROW = 4.2  # inches of the height of a narrow picture
LEAST_BITS = 0.005  # that are written


def draw(model: Model, rows: int, seed: int, ax: Any) -> Any:
    """Draws what ``Plots.dependence`` says."""
    return drawn(information(model, rows=rows, seed=seed), ax)


def drawn(found: Information, ax: Any, *, is_narrow: bool = False) -> Any:
    """Draws mutual information that is known, with its numbers if the columns are few.

    Args:
        found: the information.
        ax: axes to draw on; None for new ones.
        is_narrow: whether the picture is for a phone: fewer columns have numbers, and shades have
            no scale beside them.
    """
    has_numbers = len(found.names) <= (WRITTEN_IF_NARROW if is_narrow else WRITTEN)
    order = together(found.bits)
    bits = np.maximum(found.bits[np.ix_(order, order)], 0)
    names = [str(found.names[k]) for k in order]
    ax = new_axes(ax, NARROW if is_narrow else 1.6 + LINE * len(names))
    ax.set_aspect("equal")
    image = ax.pcolormesh(bits**0.5, cmap="Blues", vmin=0, edgecolor="white", linewidth=0.5)
    ax.invert_yaxis()
    ticks = np.arange(len(names)) + 0.5
    turned = {"rotation": 90 if is_narrow else 40, "ha": "right", "rotation_mode": "anchor"}
    if is_narrow:
        turned["va"] = "center"
    ax.set_xticks(ticks, names, parse_math=False, **turned)
    ax.set_yticks(ticks, names, parse_math=False)
    top = np.nanmax(bits, initial=0)
    for i, j in np.argwhere(bits >= LEAST_BITS) if has_numbers else ():
        color = "white" if bits[i, j] > 0.4 * top else "black"
        ax.text(j + 0.5, i + 0.5, f"{bits[i, j]:.2f}", ha="center", va="center",
                fontsize=SMALL, color=color)  # fmt: skip
    if not has_numbers and not is_narrow:
        bar = ax.figure.colorbar(image, ax=ax, shrink=0.8)
        at = top * np.array([0, 0.1, 0.25, 0.5, 1])
        bar.set_ticks(at**0.5, labels=[f"{each:.2g}" for each in at])
        bar.ax.tick_params(labelsize=SMALL)
    return titled(ax, "bits that two columns share")


def together(bits: np.ndarray) -> list[int]:
    """An order in which columns with many bits in common are neighbours.

    It begins with the pair of most bits. Each next column has the most bits with one already there.

    >>> nan = np.nan
    >>> together(np.array([[nan, 0.1, 0.9], [0.1, nan, 0.2], [0.9, 0.2, nan]]))
    [0, 2, 1]
    """
    rest = set(range(len(bits)))
    if len(rest) < 2:
        return sorted(rest)
    known = np.where(np.isnan(bits), -np.inf, bits)
    order = sorted(np.unravel_index(int(known.argmax()), bits.shape))
    order = [int(k) for k in order]
    rest -= set(order)
    while rest:
        order.append(max(rest, key=lambda k: (known[k, order].max(), -k)))
        rest.remove(order[-1])
    return order
