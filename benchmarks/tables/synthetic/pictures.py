"""Pictures of real rows beside drawn ones: columns on one axis, and pairs of columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import chainrule as cr
from benchmarks import record
from benchmarks.tables.data import KINDS
from benchmarks.tables.synthetic.measured import drawn_rows
from benchmarks.tables.synthetic.page import marginals_of, pairs_of
from chainrule.atomic import replacing
from chainrule.synthetic import Quality
from chainrule.synthetic.tables import Column, Tables, tables_of

PICTURES = record.RESULTS.parents[1] / "docs" / "pictures"
GRAY, BLUE, DPI = "#9a9a9a", "#2b6cb0", 100
COLUMNS, PAIRS, SEED = 6, 2, 0
MEASURED = 20_000  # rows that are measured to choose columns and pairs
BINS, FINE_BINS = 24, 40  # of a number in a pair, and alone
MOST_LABELS, LONGEST = 8, 14  # that are shown, and characters of one
INSIDE = 0.005, 0.995  # quantiles of real numbers that are shown, if few numbers lie beyond
MOSTLY = 0.5  # share of one bin from which on an axis is logarithmic


def draw(name: str, folder: Path, *, effort: str, rows: int | None) -> list[Path]:
    """Fits a table, draws rows, and writes both pictures; returns their files."""
    found = drawn_rows(name, "c2st", SEED, effort=effort, rows=rows)
    kinds = KINDS.get(name, {})
    quality = cr.quality(
        found.train, found.rows, kinds=kinds, rows=MEASURED, seed=SEED, verbose=False
    )
    tables = tables_of(found.train, found.rows, kinds=kinds)
    names, pairs = chosen(quality)
    made = (
        (marginals_of(name), columns_figure(tables, names)),
        (pairs_of(name), pairs_figure(tables, pairs)),
    )
    for file, figure in made:
        with replacing(folder / file) as part:
            figure.savefig(part, format="png", dpi=DPI)
    return [folder / file for file, _ in made]


def chosen(quality: Quality) -> tuple[list[str], list[tuple[str, str]]]:
    """The columns that give drawn rows away, and the pairs that do so more than each alone.

    If there are too few such pairs, those of the least accuracy follow. No column is in two pairs.
    """
    apart = quality.told_apart
    names = [column.name for column in quality.fidelity.columns]
    ranked = names if apart is None else list(apart.lost)
    telling = () if apart is None else apart.telling_pairs
    pairs = [(pair.first, pair.second) for pair in telling]
    worst = sorted(quality.fidelity.pairs, key=lambda pair: pair.accuracy - pair.expected)
    pairs += [(pair.first, pair.second) for pair in worst]
    shown: list[tuple[str, str]] = []
    for pair in pairs:  # each column once, so that one of them does not fill the picture
        if not any(set(pair) & set(other) for other in shown):
            shown.append(pair)
    return ranked[:COLUMNS], shown[:PAIRS]


@dataclass(frozen=True)
class Binned:
    """Bins of a column, the same for real and drawn rows.

    Attributes:
        name: of the column.
        edges: (B + 1,) ends of the bins, in numbers or seconds; labels have the bins 0, 1, ….
        ticks: where the axis is labelled, with what; empty if by its numbers.
        codes: of real and of drawn rows, numbers (N,) to be counted within the edges.
    """

    name: str
    edges: np.ndarray
    ticks: tuple[tuple[float, str], ...]
    codes: tuple[np.ndarray, np.ndarray]

    def shares(self) -> list[np.ndarray]:
        """The share of real and of drawn rows in each bin, (B,)."""
        return [np.histogram(each, self.edges)[0] / len(each) for each in self.codes]


def binned(tables: Tables, name: str, bins: int) -> Binned:
    """The bins of a column: the most frequent labels, or equal ones between real quantiles."""
    k = tables.number(name)
    column, parts = tables.columns[k], (tables.real.values[:, k], tables.synthetic.values[:, k])
    if column.is_label:
        return _of_labels(column, parts)
    known = parts[0][~np.isnan(parts[0])]
    low, high = np.quantile(known, INSIDE)
    if low == high:  # nearly all numbers are one
        low, high = known.min(), known.max()
    step = (high - low) / bins
    if column.kind == "number" and np.all(known == np.round(known)):
        step = max(1.0, np.ceil(step))
        low -= 0.5
    edges = low + step * np.arange(int(np.ceil((high - low) / step)) + 1)
    return Binned(name, edges, _dates(edges) if column.kind == "date" else (), parts)


def _of_labels(column: Column, parts: Sequence[np.ndarray]) -> Binned:
    most = min(MOST_LABELS, len(column.labels))
    names = [
        label if len(label) <= LONGEST else f"{label[: LONGEST - 1]}…"
        for label in column.labels[:most]
    ]
    if len(column.labels) > most:
        names[-1] = "others"
    codes = [np.minimum(part, most - 1) for part in parts]
    return Binned(
        column.name, np.arange(most + 1) - 0.5, tuple(enumerate(names)), (codes[0], codes[1])
    )


def _dates(edges: np.ndarray) -> tuple[tuple[float, str], ...]:
    at = edges[np.linspace(0, len(edges) - 1, 4).round().astype(int)]
    return tuple(
        (float(each), str(each.astype("datetime64[s]").astype("datetime64[D]"))) for each in at
    )


def columns_figure(tables: Tables, names: Sequence[str]) -> Any:
    """Shares of real rows in gray and of drawn ones as lines, a panel for each column."""
    figure, axes = _figure(2, (len(names) + 1) // 2, (9.6, 4.6))
    for panel in axes.flat[len(names) :]:
        panel.set_visible(False)
    for panel, name in zip(axes.flat, names, strict=False):
        found = binned(tables, name, FINE_BINS)
        real, drawn = found.shares()
        panel.stairs(real, found.edges, fill=True, color=GRAY, alpha=0.6, label="real")
        panel.stairs(drawn, found.edges, color=BLUE, linewidth=1.3, label="drawn")
        if real.max() > MOSTLY and not found.ticks:
            panel.set_yscale("log")
        else:
            panel.set_yticks([])
        panel.set_title(name, fontsize=10)
        panel.spines[["top", "right", "left"]].set_visible(False)
        _label(panel.xaxis, found, 30)
    axes.flat[0].legend(fontsize=8, frameon=False)
    return figure


def pairs_figure(tables: Tables, pairs: Sequence[tuple[str, str]]) -> Any:
    """Shares of rows in the cells of two columns: real rows above, drawn ones below."""
    figure, axes = _figure(2, len(pairs), (9.6, 7.2))
    for place, pair in enumerate(pairs):
        x, y = (binned(tables, name, BINS) for name in pair)
        shares = [
            np.histogram2d(a, b, (x.edges, y.edges))[0] / len(a)
            for a, b in zip(x.codes, y.codes, strict=True)
        ]
        top = max(each.max() for each in shares) ** 0.5
        for panel, each, said in zip(axes[:, place], shares, ("real", "drawn"), strict=True):
            # The square root makes rare cells visible.
            panel.pcolormesh(x.edges, y.edges, each.T**0.5, cmap="Blues", vmin=0, vmax=top)
            panel.set_title(said, fontsize=9, loc="left")
            panel.set_ylabel(y.name, fontsize=9)
            _label(panel.yaxis, y, 0)
            _label(panel.xaxis, x, 30)
        axes[1, place].set_xlabel(x.name, fontsize=9)
    return figure


def _figure(rows: int, columns: int, size: tuple[float, float]) -> tuple[Any, Any]:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    return plt.subplots(rows, columns, figsize=size, layout="constrained", squeeze=False)


def _label(axis: Any, found: Binned, rotation: float) -> None:
    axis.set_tick_params(labelsize=7)
    if found.ticks:
        at, names = zip(*found.ticks, strict=True)
        axis.set_ticks(at, names, rotation=rotation, ha="right", rotation_mode="anchor")
