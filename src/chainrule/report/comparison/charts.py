"""The comparison's pictures: likelihoods, seconds, accuracies, and grids of images."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from chainrule.report.comparison.likelihood import WORDS
from chainrule.report.comparison.run import FamilyReport
from chainrule.report.pictures import ACCENT, IMAGE, INK, SECOND, UNKNOWN

KINDS = {"exact": SECOND, "estimate": "#8a63b8", "bound": ACCENT}
GRID = 8  # images per line
BOUND_POINTS = 26  # length of a bound's arrow, towards higher log p


def likelihoods(comparison: FamilyReport) -> Figure:
    """Draws nats per test row of each family.

    The colour says whether they are exact, and bounds have an arrow upwards.
    """
    entries = sorted(comparison.entries, key=lambda entry: entry.likelihood.nats)
    figure = Figure(figsize=(8.2, 0.42 * len(entries) + 1.3), layout="constrained")
    axes = figure.subplots()
    for k, entry in enumerate(entries):
        found = entry.likelihood
        axes.errorbar(
            found.nats,
            k,
            xerr=2 * found.standard_error,
            color=KINDS[found.kind],
            marker="o",
            markersize=6,
            capsize=3,
        )
        axes.annotate(
            f"{found.mark} {found.nats:.2f}",
            (found.nats, k),
            xytext=(0, 7),
            textcoords="offset points",
            ha="center",
            fontsize=8,
            color=INK,
        )
        if found.kind == "bound":
            arrow = {"arrowstyle": "<-", "color": KINDS["bound"]}
            axes.annotate(
                "",
                (found.nats, k),
                xytext=(BOUND_POINTS, 0),
                textcoords="offset points",
                arrowprops=arrow,
            )
    for kind, colour in KINDS.items():
        if any(entry.likelihood.kind == kind for entry in entries):
            axes.plot([], [], color=colour, marker="o", linestyle="", label=WORDS[kind])
    axes.set_yticks(range(len(entries)), [entry.family.title for entry in entries])
    axes.set_ylim(-0.6, len(entries) - 0.2)
    axes.margins(x=0.12)
    axes.set_xlabel("log p per test row, nats (± two standard errors over rows)")
    axes.legend(frameon=False, fontsize=8, loc="lower right")
    _plain(axes)
    return figure


def seconds(comparison: FamilyReport) -> Figure:
    """Draws seconds to train, to score and to draw 1000 rows, on logarithmic scales."""
    entries = comparison.entries[::-1]
    panels = (
        ("to train", [entry.train_s for entry in entries]),
        ("to score 1000 rows", [entry.score_s + entry.once_s for entry in entries]),
        ("to draw 1000 rows", [entry.draw_s for entry in entries]),
    )
    figure = Figure(figsize=(9.2, 0.36 * len(entries) + 1.0), layout="constrained")
    for number, (axes, (title, values)) in enumerate(
        zip(figure.subplots(1, 3), panels, strict=True)
    ):
        axes.barh(range(len(entries)), np.maximum(values, 1e-4), color=SECOND, height=0.6)
        axes.set_xscale("log")
        axes.set_xlim(right=max(values) * 12)
        axes.set_yticks(
            range(len(entries)),
            [entry.family.title for entry in entries] if number == 0 else [""] * len(entries),
        )
        for k, value in enumerate(values):
            axes.text(
                max(value, 1e-4) * 1.2,
                k,
                f"{value:.2g} s" if value < 100 else f"{value:.0f} s",
                va="center",
                fontsize=7,
                color=INK,
            )
        axes.set_title(title, fontsize=9, color=INK)
        _plain(axes)
    return figure


def probes(comparison: FamilyReport) -> Figure:
    """Draws the accuracy of a linear classifier on each representation, beside that on the columns
    themselves.
    """
    baseline = comparison.pixels
    assert baseline is not None
    found = sorted(comparison.probes, key=lambda probe: probe.accuracy)
    figure = Figure(figsize=(8.2, 0.34 * len(found) + 1.2), layout="constrained")
    axes = figure.subplots()
    axes.axvspan(
        100 * (baseline.accuracy - 2 * baseline.standard_error),
        100 * (baseline.accuracy + 2 * baseline.standard_error),
        color=UNKNOWN,
        alpha=0.6,
    )
    axes.axvline(
        100 * baseline.accuracy,
        color=INK,
        linestyle=":",
        label=f"the columns themselves, {100 * baseline.accuracy:.1f} %",
    )
    for k, probe in enumerate(found):
        axes.errorbar(
            100 * probe.accuracy,
            k,
            xerr=200 * probe.standard_error,
            color=SECOND,
            marker="o",
            capsize=3,
        )
    axes.set_yticks(
        range(len(found)), [f"{probe.what} ({probe.size:,})" for probe in found], fontsize=8
    )
    axes.set_xlabel("test rows whose label is predicted correctly, % (± two standard errors)")
    axes.legend(frameon=False, fontsize=8, loc="lower right")
    _plain(axes)
    return figure


def grid(rows: np.ndarray, shape: tuple[int, int]) -> Figure:
    """Draws images (n, D), eight per line."""
    height, width = shape
    lines = -(-len(rows) // GRID)
    sheet = np.full((lines * (height + 1) + 1, GRID * (width + 1) + 1), np.nan)
    for k, row in enumerate(rows):
        top, left = (k // GRID) * (height + 1) + 1, (k % GRID) * (width + 1) + 1
        sheet[top : top + height, left : left + width] = row.reshape(shape)
    figure = Figure(figsize=(3.4, 3.4 * sheet.shape[0] / sheet.shape[1]))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.imshow(
        np.ma.masked_invalid(sheet),
        cmap=IMAGE.with_extremes(bad=UNKNOWN),
        vmin=0,
        vmax=1,
        interpolation="nearest",
    )
    axes.axis("off")
    return figure


def _plain(axes: object) -> None:
    axes.spines[["top", "right"]].set_visible(False)  # type: ignore[attr-defined]
    axes.tick_params(labelsize=8)  # type: ignore[attr-defined]
