"""How often cells lie below each quantile of their conditional distributions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from chainrule.conditionals import Distribution
from chainrule.errors import ShapeError
from chainrule.missing import is_flag
from chainrule.model import Model
from chainrule.plots.axes import BLUE, FAINT, GRAY, HEIGHT, TICK, new_axes, titled
from chainrule.table import encode, read_table
from chainrule.tasks.answer import Batch
from chainrule.tasks.conditional import level_probabilities_of
from chainrule.tasks.each_cell import each_cell

LEVELS = np.linspace(0, 1, 101)
SURE, LINES = 0.95, 2_000  # of 100 lines, those within the band; lines that measure how wide it is
MOST_STRETCHES = 3  # that are named


@dataclass(frozen=True)
class Curve:
    """The share of cells below each quantile of their conditionals, beside what chance allows.

    Attributes:
        cells: how many cells it is of.
        gaps: (101,) share of the cells below each quantile, minus the quantile.
        bounds: (101,) how far such a line is off by chance alone, at most.
    """

    cells: int
    gaps: np.ndarray
    bounds: np.ndarray

    @property
    def is_within(self) -> bool:
        """Whether the line is within its bounds everywhere."""
        return not self.outside

    @property
    def outside(self) -> list[tuple[float, float]]:
        """The first and the last quantile of each stretch on which the line is out of bounds."""
        (at,) = np.nonzero(np.abs(self.gaps) > self.bounds + 1e-12)
        runs = np.split(at, np.flatnonzero(np.diff(at) > 1) + 1) if len(at) else []
        return [(float(LEVELS[run[0]]), float(LEVELS[run[-1]])) for run in runs]

    @property
    def worst(self) -> int:
        """Which of the quantiles has the largest gap."""
        return int(np.abs(self.gaps).argmax())

    @property
    def gap_of_worst(self) -> float:
        """The largest gap, without its sign."""
        return float(np.abs(self.gaps).max())

    @property
    def gist(self) -> str:
        """The verdict in a few words."""
        if self.is_within:
            return f"yes, to within chance: off by at most {_points(self.gap_of_worst)}"
        off = f"off by up to {_points(self.gap_of_worst)}, more than chance"
        return f"{off} {_stretches(self.outside)}"

    @property
    def sentence(self) -> str:
        """The verdict: within the band everywhere, or where and by how much it leaves it."""
        level, gap = LEVELS[self.worst], self.gaps[self.worst]
        many = "many" if gap > 0 else "few"
        farthest = (
            f"{level + gap:.1%} of the cells lie below their {level:.2f}-quantile, "
            f"{_points(abs(gap))} too {many}"
        )
        if self.is_within:
            return f"The line stays within the band everywhere. Farthest off: {farthest}."
        return (
            f"The line leaves the band {_stretches(self.outside)}. Farthest off: {farthest}; "
            f"chance alone allows {_points(self.bounds[self.worst])} there."
        )


def _points(share: float) -> str:
    return f"{100 * share:.1f} points"


def _stretches(outside: list[tuple[float, float]]) -> str:
    """Where a line is outside, in words; the longest stretches if they are many."""
    longest = sorted(outside, key=lambda ends: ends[0] - ends[1])[:MOST_STRETCHES]
    words = [
        f"at {low:.2f}" if low == high else f"from {low:.2f} to {high:.2f}"
        for low, high in sorted(longest)
    ]
    return " and ".join(words) + (" and elsewhere" if len(outside) > len(words) else "")


def curve_of(ranks: np.ndarray, seed: int, *, sure: float = SURE) -> Curve:
    """The curve of ranks of any shape, NaN where unknown, and its bounds.

    Lines of even ranks stay within the bounds at all quantiles at once in so many of 100 cases as
    ``sure`` says. They are a multiple of the standard error; the multiple is that of 2,000 lines.

    >>> even = curve_of((np.arange(1000) + 0.5) / 1000, 0)
    >>> even.is_within, even.gist
    (True, 'yes, to within chance: off by at most 0.0 points')
    """
    known = np.sort(ranks[~np.isnan(ranks)])
    error = np.sqrt(LEVELS * (1 - LEVELS) / len(known))
    steps = np.diff(LEVELS)
    counts = np.random.default_rng(seed).multinomial(len(known), steps / steps.sum(), LINES)
    off = np.abs(counts.cumsum(1)[:, :-1] / len(known) - LEVELS[1:-1]) / error[1:-1]
    return Curve(len(known), _below(known) - LEVELS, np.quantile(off.max(1), sure) * error)


def draw(model: Model, table: Any, seed: int, ax: Any) -> Any:
    """Draws what ``Plots.calibration`` says."""
    return drawn(ranks_of(model, table, seed), seed, ax)


def drawn(ranks: np.ndarray, seed: int, ax: Any) -> Any:
    """Draws the curves of ranks (N, D) that are known."""
    if np.isnan(ranks).all():
        raise ShapeError("calibration of a table without known cells")
    every = curve_of(ranks, seed)
    ax = new_axes(ax, 1.3 * HEIGHT)
    band = {"color": GRAY, "alpha": 0.35, "linewidth": 0, "label": "by chance"}
    ax.fill_between(LEVELS, -every.bounds, every.bounds, **band)
    for column in ranks.T:
        if (~np.isnan(column)).any():
            ax.plot(LEVELS, _below(column) - LEVELS, color=FAINT, linewidth=0.8)
    ax.plot(LEVELS, every.gaps, color=BLUE, linewidth=2, label="all cells")
    ax.axhline(0, color=GRAY, linewidth=0.8)
    ax.legend(fontsize=TICK, frameon=False, loc="upper left")  # curves begin and end at 0
    said = f"calibration of {every.cells:,} cells"
    return titled(ax, said, "quantile of the conditional", "share of cells below − quantile")


def ranks_of(model: Model, table: Any, seed: int) -> np.ndarray:
    """The rank of each cell in its conditional distribution, (N, D) in 0 … 1.

    It is F(x) for densities. A value with a probability p has a random rank in F(x) − p … F(x). The
    rank is NaN for missing cells, for those that their columns cannot hold, and for flags.
    """
    codes = encode(read_table(table, reading=model.schema.reading), model.schema, warn=False)
    generator = np.random.default_rng(seed)
    asked = codes.observed & ~is_flag(model.schema)
    uniform, found = generator.random(asked.shape), np.full(asked.shape, np.nan)
    columns = model.schema.columns

    def of(rows: np.ndarray, at: np.ndarray, distribution: Distribution) -> None:
        for k in np.unique(at).tolist():
            some = at == k
            x = codes.values[rows[some], k]
            low, high = _ends(
                distribution.take(some), x, columns[k].has_levels, columns[k].is_mass(x)
            )
            u = uniform[rows[some], k]
            found[rows[some], k] = low + u * (high - low)

    each_cell(Batch.of(model, codes), asked, of, "ranking cells")
    return found


def _ends(
    distribution: Distribution, x: np.ndarray, has_levels: bool, is_mass: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """F just below each value (n,), and F of it."""
    if has_levels:
        p = level_probabilities_of(distribution)
        high = p.cumsum(1)[np.arange(len(x)), x.astype(int)]
        return high - p[np.arange(len(x)), x.astype(int)], high
    codes = torch.from_numpy(x).to(distribution.params)
    high = distribution.cdf(codes).cpu().numpy()
    mass = np.where(is_mass, distribution.log_prob(codes).exp().cpu().numpy(), 0.0)
    return np.maximum(high - mass, 0.0), high


def _below(ranks: np.ndarray) -> np.ndarray:
    """The share of ranks up to each level."""
    known = np.sort(ranks[~np.isnan(ranks)])
    return np.searchsorted(known, LEVELS, side="right") / len(known)
