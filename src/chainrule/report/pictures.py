"""Pictures of a density over binary images.

Every function takes arrays and returns a matplotlib figure.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.animation import FuncAnimation, PillowWriter
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from chainrule.atomic import replacing, write_bytes
from chainrule.scratch import ScratchFolder

INK, PAPER, UNKNOWN = "#16213a", "#ffffff", "#cfd6e4"
ACCENT, SECOND = "#c2452d", "#2d6cc2"
IMAGE = ListedColormap([PAPER, INK])
PROBABILITY, SURPRISE = "Blues", "inferno"
DPI = 150


def save(figure: Figure, path: Path) -> None:
    """Writes a figure as PNG; the file appears only when complete."""
    with replacing(path) as part:
        figure.savefig(part, format="png", dpi=DPI, facecolor=PAPER)


def samples(
    real: np.ndarray, drawn: np.ndarray, shape: tuple[int, int], columns: int = 8
) -> Figure:
    """Draws real rows beside drawn ones: two grids of the same size, each (n, D) binary."""
    figure = _figure(9.0, 4.9)
    halves = np.atleast_1d(np.asarray(figure.subfigures(1, 2, wspace=0.04)))
    for half, title, rows in zip(
        halves, ("real test digits", "drawn by the model"), (real, drawn), strict=True
    ):
        half.suptitle(title, fontsize=11, color=INK)
        axes = half.subplots(math.ceil(len(rows) / columns), columns)
        _tiles(np.atleast_2d(axes), rows, shape)
    return figure


def drawing(
    stages: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]], shape: tuple[int, int]
) -> Figure:
    """Draws stages of one image; each has values (D,), known (D,) bool and probability (D,)."""
    figure = _figure(1.15 * len(stages) + 1.1, 2.9)
    axes = figure.subplots(2, len(stages), squeeze=False)
    for k, (values, known, probability) in enumerate(stages):
        _partial(axes[0, k], values, known, shape)
        axes[0, k].set_title(f"{int(known.sum())} px", fontsize=8, color=INK)
        axes[1, k].imshow(probability.reshape(shape), cmap=PROBABILITY, vmin=0, vmax=1)
        _bare(axes[1, k])
    axes[0, 0].set_ylabel("drawn so far", fontsize=8, color=INK)
    axes[1, 0].set_ylabel("p(on | drawn so far)*", fontsize=8, color=INK)
    scale = ScalarMappable(Normalize(0, 1), PROBABILITY)
    figure.colorbar(scale, ax=axes[1, :].tolist(), fraction=0.02, pad=0.01, ticks=[0, 1])
    figure.supxlabel(
        "* mean of the conditionals over 100 completions drawn by the model", fontsize=7, color=INK
    )
    return figure


def drawing_animation(
    stages: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]], shape: tuple[int, int], path: Path
) -> None:
    """Writes the stages as an animated GIF, one frame each, the last one held."""
    figure = _figure(4.6, 2.6)
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)

    def frame(k: int) -> list[Any]:
        values, known, probability = stages[min(k, len(stages) - 1)]
        for axes in (left, right):
            axes.clear()
        _partial(left, values, known, shape)
        right.imshow(probability.reshape(shape), cmap=PROBABILITY, vmin=0, vmax=1)
        _bare(right)
        left.set_title(f"{int(known.sum())} of {len(known)} pixels drawn", fontsize=9, color=INK)
        right.set_title("p(on | drawn so far), 100 completions", fontsize=9, color=INK)
        return []

    folder = ScratchFolder()  # the writer needs a path
    drawn = folder.path / "drawing.gif"
    FuncAnimation(figure, frame, frames=len(stages) + 12, blit=False).save(
        drawn, writer=PillowWriter(fps=10), dpi=90
    )
    write_bytes(path, drawn.read_bytes())


def completions(
    originals: np.ndarray, observed: np.ndarray, completed: np.ndarray, shape: tuple[int, int]
) -> Figure:
    """Draws per line an original (D,), its known pixels, and several completions.

    The completions are (lines, times, D).
    """
    lines, times = completed.shape[:2]
    figure = _figure(0.95 * (times + 2), 0.95 * lines + 0.4)
    axes = figure.subplots(lines, times + 2, squeeze=False)
    for i in range(lines):
        _image(axes[i, 0], originals[i], shape)
        _partial(axes[i, 1], originals[i], observed, shape)
        for j in range(times):
            _image(axes[i, 2 + j], completed[i, j], shape)
    for k, title in enumerate(["original", "known", *["completed"] * times]):
        axes[0, k].set_title(title, fontsize=8, color=INK)
    return figure


def learning_curve(history: Sequence[dict[str, Any]], independent_nats: float) -> Figure:
    """Draws nats per row over the epochs, for training and validation rows, against independent
    columns.
    """
    figure = _figure(6.4, 3.8)
    axes = figure.subplots()
    epochs = [record["epoch"] for record in history]
    for key, label, colour in (
        ("train_nats", "training rows", SECOND),
        ("valid_nats", "validation rows", ACCENT),
    ):
        # A missing number becomes NaN, which is a gap in the line.
        nats = np.array([record[key] for record in history], dtype=float)
        axes.plot(epochs, nats, color=colour, label=label, linewidth=1.8, marker="o", markersize=3)
    axes.axhline(
        independent_nats, color=INK, linestyle=":", label="independent columns, validation rows"
    )
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylabel("−log p per row, nats")
    axes.legend(frameon=False, loc="center right")
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def likely_and_unlikely(
    rows: np.ndarray, surprise_bits: np.ndarray, shape: tuple[int, int], count: int = 8
) -> Figure:
    """Draws the most and the least likely rows, each with the surprise of its pixels.

    The surprise is (N, D) bits.
    """
    total = surprise_bits.sum(1)
    ranked = np.argsort(total, kind="stable")
    chosen = [("most likely", ranked[:count]), ("least likely", ranked[::-1][:count])]
    top = float(np.quantile(surprise_bits[np.concatenate([c for _, c in chosen])], 0.999))
    figure = _figure(1.02 * count + 1.2, 5.0)
    axes = figure.subplots(4, count, squeeze=False)
    for i, (name, index) in enumerate(chosen):
        for k, row in enumerate(index):
            picture, map_of = axes[2 * i, k], axes[2 * i + 1, k]
            _image(picture, rows[row], shape)
            picture.set_title(f"{total[row]:.0f} bits", fontsize=8, color=INK)
            map_of.imshow(surprise_bits[row].reshape(shape), cmap=SURPRISE, norm=Normalize(0, top))
            _bare(map_of)
        axes[2 * i, 0].set_ylabel(name, fontsize=9, color=INK)
        axes[2 * i + 1, 0].set_ylabel("surprise", fontsize=8, color=INK)
    scale = ScalarMappable(Normalize(0, top), SURPRISE)
    label = "−log₂ p(pixel | pixels before), bits"
    figure.colorbar(scale, ax=axes.ravel().tolist(), fraction=0.02, pad=0.01, label=label)
    return figure


def dependence(panels: Sequence[tuple[str, np.ndarray]]) -> Figure:
    """Draws which output depends on which input, per panel: |change of p(x_j)| when x_k flips, (D,
    D) as [k, j].
    """
    figure = _figure(5.2 * len(panels), 5.2)
    axes = figure.subplots(1, len(panels), squeeze=False)
    heat = colormaps["magma"].with_extremes(bad=UNKNOWN)
    for panel, (title, change) in zip(axes[0], panels, strict=True):
        panel.imshow(
            np.ma.masked_where(change.T == 0, np.log10(np.maximum(change.T, 1e-6))),
            cmap=heat,
            vmin=-6,
            vmax=0,
            interpolation="nearest",
        )
        panel.set_title(title, fontsize=9, color=INK)
        panel.set_xlabel("input x_k, in the order")
        panel.set_ylabel("output p(x_j = 1)")
        panel.tick_params(labelsize=7)
    scale = ScalarMappable(Normalize(-6, 0), "magma")
    label = "|change of p(x_j = 1)| when x_k flips; grey: none at all"
    bar = figure.colorbar(scale, ax=axes.ravel().tolist(), fraction=0.025, pad=0.02, label=label)
    bar.set_ticks([-6, -4, -2, 0], labels=["≤ 10⁻⁶", "10⁻⁴", "10⁻²", "1"])
    return figure


def _figure(width: float, height: float) -> Figure:
    return Figure(figsize=(width, height), layout="constrained")


def _tiles(axes: np.ndarray, rows: np.ndarray, shape: tuple[int, int]) -> None:
    for k, tile in enumerate(axes.ravel()):
        if k < len(rows):
            _image(tile, rows[k], shape)
        else:
            tile.axis("off")


def _image(axes: Any, row: np.ndarray, shape: tuple[int, int]) -> None:
    axes.imshow(row.reshape(shape), cmap=IMAGE, vmin=0, vmax=1, interpolation="nearest")
    _bare(axes)


def _partial(axes: Any, values: np.ndarray, known: np.ndarray, shape: tuple[int, int]) -> None:
    masked = np.ma.array(values.reshape(shape), mask=~known.reshape(shape))
    axes.set_facecolor(UNKNOWN)
    axes.imshow(masked, cmap=IMAGE, vmin=0, vmax=1, interpolation="nearest")
    _bare(axes)


def _bare(axes: Any) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_color("#b8c0d0")
        spine.set_linewidth(0.6)
