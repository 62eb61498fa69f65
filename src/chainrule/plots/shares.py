"""How the shares of one column's values change with another column."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np

from chainrule.errors import SchemaError
from chainrule.model import Model
from chainrule.plots.asked import distribution
from chainrule.plots.axes import INK, LINE, NAME, SMALL, new_axes, titled
from chainrule.plots.bins import FEWEST, LEVELS, Bins, bins_of
from chainrule.plots.pairs import codes_drawn, places
from chainrule.table import AbstractColumn, encode, read_table

GROUPS = 5  # of equally many rows, of a column with many values
MOST_BARS, MOST_SHARES = 8, 5  # bars, and values that have a share of their own in each
ENOUGH = 30  # drawn rows of a bar
LONGEST = 16  # characters of a value
DARKEST, LIGHTEST = 0.85, 0.2  # of the shades of blue
LETTERS = 26  # of three names, up to which they have one line of the legend
LAST = 0.995  # share up to which a dash stands apart from the end of its bar


def draw(model: Model, column: Hashable, by: Hashable, table: Any, seed: int, ax: Any) -> Any:
    """Draws what ``Plots.shares`` says."""
    k, other = model.schema.number(column), model.schema.number(by)
    if k == other:
        raise SchemaError(f"shares of {column!r} by itself: name two different columns")
    codes, real = codes_drawn(model, None, seed), None
    if values_of(model, k, codes) is None:
        raise SchemaError(
            f"shares of {column!r}: it has many values; exchange the columns, or draw a pair"
        )
    if table is not None:
        read = read_table(table, reading=model.schema.reading)
        found = encode(read, model.schema, warn=False)
        real = np.where(found.observed, found.values, np.nan)
    return shown(model, k, other, codes, real, ax)


def which(model: Model, codes: np.ndarray, first: int, second: int) -> tuple[int, int] | None:
    """Which of two columns has shares, and by which; None if both have many values.

    The one with fewer values has them. Of two with equally many it is the one nearer to the
    table's first or last column, where the column often is that one asks about.
    """
    found = {k: values_of(model, k, codes) for k in (first, second)}
    few = {k: len(bins.names) or len(bins.ends) for k, bins in found.items() if bins is not None}
    if not few:
        return None
    last = len(model.schema.columns_without_flags) - 1
    column = min(few, key=lambda k: (few[k], min(k, abs(last - k)), k))
    return column, second if column == first else first


def values_of(model: Model, column: int, codes: np.ndarray) -> Bins | None:
    """The values of a column as bins, one each; None if they are many."""
    spec = model.schema.columns[column]
    known = codes[~np.isnan(codes[:, column]), column]
    bins = bins_of(spec, distribution(model, column, None), known)
    if bins.kind == LEVELS:
        return bins
    is_grid = not getattr(spec, "is_continuous", False) and (np.diff(bins.codes) == 1).all()
    return bins if is_grid and len(bins.codes) - 1 <= FEWEST else None


def shown(
    model: Model,
    column: int,
    by: int,
    codes: np.ndarray,
    real: np.ndarray | None,
    ax: Any = None,
) -> Any:
    """Draws the shares of codes (N, D) that the model drew, and dashes of a table's codes."""
    from matplotlib import colormaps

    bins = values_of(model, column, codes)
    assert bins is not None
    names, at = _values(model.schema.columns[column], bins, codes[:, column], MOST_SHARES)
    labels, groups = _groups(model, by, codes)
    enough = [g for g in range(len(labels)) if (groups(codes[:, by]) == g).sum() >= ENOUGH]
    enough = enough[:MOST_BARS]
    drawn = _table(at(codes[:, column]), groups(codes[:, by]), len(names), enough)
    ax = new_axes(ax, 1.45 + 1.15 * LINE * len(enough))
    ends = np.concatenate([np.zeros((len(enough), 1)), drawn.cumsum(1)], axis=1)
    shades = colormaps["Blues"](np.linspace(DARKEST, LIGHTEST, len(names)))
    for k, (name, shade) in enumerate(zip(names, shades, strict=True)):
        left = {"left": ends[:, k], "color": shade, "label": name, "edgecolor": "white"}
        ax.barh(np.arange(len(enough)), drawn[:, k], height=0.7, linewidth=0.5, **left)
    if real is not None:
        _dashes(ax, _table(at(real[:, column]), groups(real[:, by]), len(names), enough))
    ax.set_yticks(np.arange(len(enough)), [labels[g] for g in enough], parse_math=False)
    ax.invert_yaxis()
    ax.set_xlim(0, 1)
    rows = _legend(ax, names)
    name, other = (str(model.schema.columns[k].name) for k in (column, by))
    titled(ax, "", f"share of each {name}")
    title = {"fontsize": NAME, "loc": "left", "color": INK, "parse_math": False}
    ax.set_title(f"{name} by {other}", pad=6 + 13 * rows, **title)
    return ax


def _legend(ax: Any, names: list[str]) -> int:
    """Names the shares above the bars; returns in how many lines."""
    columns = 3 if sum(sorted(map(len, names))[-3:]) <= LETTERS else 2
    found = ax.legend(
        fontsize=SMALL, loc="lower left", bbox_to_anchor=(0, 1), ncols=columns, frameon=False,
        handlelength=1, columnspacing=1, borderaxespad=0.2, handletextpad=0.4,
    )  # fmt: skip
    for text in found.get_texts():
        text.set_parse_math(False)
    return int(np.ceil(len(names) / columns))


def _dashes(ax: Any, shares: np.ndarray) -> None:
    """Marks where the shares (G, V) of a table's rows end, across the bars."""
    for place, ends in enumerate(shares.cumsum(1)[:, :-1]):
        for end in ends[ends < LAST]:  # NaN is not
            ax.plot([end, end], [place - 0.42, place + 0.42], color="black", linewidth=1.2)


def _values(
    spec: AbstractColumn, bins: Bins, codes: np.ndarray, most: int
) -> tuple[list[str], Any]:
    """The names of the values that have a share, and a function from codes to their numbers.

    Numbers keep their order. If the values are many, all others share the last one.
    """
    spots = places(bins, codes)
    counts = np.bincount(spots[spots >= 0], minlength=len(_names(spec, bins)))
    names = _names(spec, bins)
    kept = np.flatnonzero(counts) if counts.any() else np.arange(len(names))
    others = len(kept) > most
    if others:
        kept = np.sort(kept[np.argsort(-counts[kept], kind="stable")[: most - 1]])
    number = np.full(len(names) + 1, len(kept) if others else -1)
    number[kept], number[-1] = np.arange(len(kept)), -1
    found = [names[k] for k in kept] + (["others"] if others else [])
    return found, lambda x: number[places(bins, x)]


def _names(spec: AbstractColumn, bins: Bins) -> list[str]:
    if bins.kind == LEVELS:
        return [name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…" for name in bins.names]
    return [str(each)[:LONGEST] for each in spec.as_text(spec.decode(bins.codes[:-1] + 0.5))]


def _groups(model: Model, column: int, codes: np.ndarray) -> tuple[list[str], Any]:
    """The names of a column's values or groups, and a function from codes to their numbers."""
    spec, bins = model.schema.columns[column], values_of(model, column, codes)
    if bins is not None:
        return _names(spec, bins), lambda x: places(bins, x)
    known = codes[~np.isnan(codes[:, column]), column]
    inner = np.quantile(known, np.arange(1, GROUPS) / GROUPS, method="closest_observation")
    inner = np.unique(inner[inner < known.max()])

    def number(x: np.ndarray) -> np.ndarray:
        return np.where(np.isnan(x), -1, np.searchsorted(inner, x, side="left"))

    ends = [(known[number(known) == g].min(), known[number(known) == g].max())
            for g in range(len(inner) + 1)]  # fmt: skip
    low, high = (_short(spec, np.array(each)) for each in zip(*ends, strict=True))
    names = [f"{a} … {b}" if a != b else a for a, b in zip(low, high, strict=True)]
    if len(names) > 1:
        names[0] = f"up to {high[0]}" if low[0] != high[0] else low[0]
        names[-1] = f"from {low[-1]}"
    return names, number


def _short(spec: AbstractColumn, codes: np.ndarray) -> list[str]:
    """Numbers of codes in three digits; dates as they are written."""
    values = spec.decode(codes)
    if values.dtype.kind not in "iuf":
        return [str(each)[:LONGEST] for each in spec.as_text(values)]
    return [f"{v:.3g}" if abs(v) < 1000 else f"{v:,.0f}" for v in values.tolist()]


def _table(at: np.ndarray, groups: np.ndarray, width: int, kept: list[int]) -> np.ndarray:
    """The share (G, V) of each value within each group that is kept; NaN for an empty group."""
    counts = np.zeros((len(kept), width))
    for place, group in enumerate(kept):
        inside = at[(groups == group) & (at >= 0)]
        counts[place] = np.bincount(inside, minlength=width)
    total = counts.sum(1, keepdims=True)
    return np.divide(counts, total, out=np.full(counts.shape, np.nan), where=total > 0)
