"""The joint distribution of two columns, by rows that the model draws."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import torch

from chainrule import missing
from chainrule.errors import SchemaError
from chainrule.model import Model
from chainrule.plots.asked import distribution, in_words, require_cells
from chainrule.plots.axes import ACCENT, HEIGHT, TICK, new_axes, titled
from chainrule.plots.bins import LEVELS, Bins, bins_of
from chainrule.plots.columns import named
from chainrule.rng import generator_from
from chainrule.table import encode, read_table
from chainrule.tasks.sample import given_codes

DRAWN, DOTS = 20_000, 1_000


def draw(
    model: Model,
    first: Hashable,
    second: Hashable,
    given: Mapping[str, Any] | None,
    table: Any,
    seed: int,
    ax: Any,
) -> Any:
    """Draws what ``Plots.pair`` says."""
    x, y = model.schema.number(first), model.schema.number(second)
    if x == y:
        raise SchemaError(f"a pair of {first!r} and itself: name two different columns")
    require_cells(given)
    real = None
    if table is not None:
        codes = encode(read_table(table, reading=model.schema.reading), model.schema, warn=False)
        real = np.where(codes.observed, codes.values, np.nan)
    return shown(model, (x, y), codes_drawn(model, given, seed), real, seed, given, ax)


def shown(
    model: Model,
    columns: tuple[int, int],
    codes: np.ndarray,
    real: np.ndarray | None,
    seed: int,
    given: Mapping[str, Any] | None = None,
    ax: Any = None,
) -> Any:
    """Draws two columns of codes (N, D) that the model drew, and of a table's codes (M, D)."""
    bins = [
        bins_of(model.schema.columns[k], distribution(model, k, given), codes[:, k])
        for k in columns
    ]
    shares = _shares(bins, [codes[:, k] for k in columns])
    ax = new_axes(ax, 1.4 * HEIGHT)
    edges = [_edges(each) for each in bins]
    ax.pcolormesh(*edges, shares.T**0.5, cmap="Blues", vmin=0, vmax=shares.max() ** 0.5)
    if real is not None:
        _dots(ax, columns, bins, real, seed)
    named(ax.xaxis, ax, bins[0])
    named(ax.yaxis, ax, bins[1])
    names = [str(model.schema.columns[k].name) for k in columns]
    return titled(ax, f"{names[0]} and {names[1]}{in_words(given)}", *names)


def codes_drawn(model: Model, given: Mapping[str, Any] | None, seed: int) -> np.ndarray:
    """Codes (N, D) of rows that the model draws; NaN in cells that it draws as missing."""
    cells = None
    if given:
        codes = given_codes(model, given)
        cells = torch.from_numpy(codes.values), torch.from_numpy(codes.observed)
    network, generator = model.in_float64(), generator_from(seed)
    drawn = missing.draw(model.schema, network, DRAWN, cells, 1.0, generator).double().cpu().numpy()
    hidden = missing.missing(model.schema, drawn, np.ones(drawn.shape, dtype=bool))
    return np.where(hidden, np.nan, drawn)


def places(bins: Bins, codes: np.ndarray) -> np.ndarray:
    """The number of the bin of each code (N,); -1 if it is in none."""
    if bins.kind != LEVELS:
        at = np.searchsorted(bins.codes, codes, side="left") - 1
        return np.where((at < 0) | (at >= len(bins.codes) - 1) | np.isnan(codes), -1, at)
    at = np.full(len(codes), -1)
    for place, code in enumerate(bins.codes):
        at[codes == code] = min(place, len(bins.names) - 1)
    return at


def _shares(bins: list[Bins], codes: list[np.ndarray]) -> np.ndarray:
    """The share of rows in each cell of two columns, (B, C)."""
    sizes = [len(each.names) if each.kind == LEVELS else len(each.codes) - 1 for each in bins]
    x, y = (places(each, of) for each, of in zip(bins, codes, strict=True))
    inside = (x >= 0) & (y >= 0)
    counts = np.zeros(sizes)
    np.add.at(counts, (x[inside], y[inside]), 1.0)
    return counts / max(inside.sum(), 1)


def _edges(bins: Bins) -> np.ndarray:
    return np.arange(len(bins.names) + 1) - 0.5 if bins.kind == LEVELS else bins.ends


def _dots(
    ax: Any, columns: tuple[int, int], bins: list[Bins], codes: np.ndarray, seed: int
) -> None:
    """Rows of codes (M, D) as dots, spread within their bins so that equal rows do not hide."""
    generator = np.random.default_rng(seed)
    known = np.flatnonzero(~np.isnan(codes[:, list(columns)]).any(1))
    some = generator.choice(known, min(DOTS, len(known)), replace=False)
    at = [places(each, codes[some, k]) for each, k in zip(bins, columns, strict=True)]
    inside = (at[0] >= 0) & (at[1] >= 0)
    spots = []
    for each, spot in zip(bins, at, strict=True):
        edges = _edges(each)
        low, width = edges[spot[inside]], (edges[1:] - edges[:-1])[spot[inside]]
        spots.append(low + width * generator.uniform(0.1, 0.9, inside.sum()))
    ax.plot(*spots, ".", color=ACCENT, markersize=2, label="rows of the table")
    ax.legend(fontsize=TICK, frameon=False, loc="upper right")
