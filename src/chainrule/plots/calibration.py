"""How often cells lie below each quantile of their conditional distributions."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from chainrule.conditionals import Distribution
from chainrule.errors import ShapeError
from chainrule.missing import is_flag
from chainrule.model import Model
from chainrule.plots.axes import BLUE, FAINT, GRAY, HEIGHT, new_axes, titled
from chainrule.table import encode, read_table
from chainrule.tasks.answer import Batch
from chainrule.tasks.conditional import level_probabilities_of
from chainrule.tasks.each_cell import each_cell

LEVELS = np.linspace(0, 1, 101)
BAND = 1.96  # standard errors
FARTHEST = 1.36  # over √N: how far, at most, 95 of 100 empirical distributions lie off


def draw(model: Model, table: Any, seed: int, ax: Any) -> Any:
    """Draws what ``Plots.calibration`` says."""
    return drawn(ranks_of(model, table, seed), ax)


def drawn(ranks: np.ndarray, ax: Any) -> Any:
    """Draws ranks (N, D) that are known."""
    known = ranks[~np.isnan(ranks)]
    if not len(known):
        raise ShapeError("calibration of a table without known cells")
    ax = new_axes(ax, 1.3 * HEIGHT)
    error = BAND * np.sqrt(LEVELS * (1 - LEVELS) / len(known))
    ax.fill_between(LEVELS, -error, error, color=GRAY, alpha=0.35, linewidth=0, label="by chance")
    for column in ranks.T:
        if (~np.isnan(column)).any():
            ax.plot(LEVELS, _below(column) - LEVELS, color=FAINT, linewidth=0.8)
    ax.plot(LEVELS, _below(known) - LEVELS, color=BLUE, linewidth=2, label="all cells")
    ax.axhline(0, color=GRAY, linewidth=0.8)
    ax.legend(fontsize=8, frameon=False)
    said = f"calibration of {len(known):,} cells"
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


def farthest(ranks: np.ndarray) -> tuple[float, float]:
    """How far shares of ranks lie from their quantiles at most, and how far they do by chance.

    Ranks of a right model lie farther than the second number in 1 of 20 tables.

    >>> off, chance = farthest(np.array([0.5, 0.75, 1.0, np.nan]))
    >>> round(off, 3), round(chance, 3)
    (0.49, 0.785)
    """
    known = ranks[~np.isnan(ranks)]
    off = float(np.abs(_below(known) - LEVELS).max())
    return off, FARTHEST / len(known) ** 0.5


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
