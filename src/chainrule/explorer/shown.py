"""A column's distribution and domain as the page shows them: shares of bins, and words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from chainrule.conditionals import Distribution
from chainrule.plots.bins import DATES, FEWEST, LEVELS, LINEAR, Bins
from chainrule.table import AbstractColumn, Integer
from chainrule.tasks.conditional import MIDDLE, likely_levels

DIGITS = 5
SEARCHES, FINE = 2, 64  # for an end of the middle 90 % in its bin, and parts of each search
PARTS, MOST_DECIMALS = 100, 12  # of the middle 90 % that its ends tell apart; of a rounded number
MIDNIGHT = "T00:00:00"
FEW_VALUES = 6  # of a column, that are named one by one
SAMPLE = 3  # labels that are named of many


def takes(column: AbstractColumn) -> str:
    """The values that a column can hold, in words: "1, 2 or 3", or "numbers from 0 on"."""
    if column.has_levels:
        names = list(column.level_names)
        if len(names) <= FEW_VALUES:
            return _either(names)
        return f"one of {len(names)} labels, such as {', '.join(names[:SAMPLE])}"
    if column.notation is not None:
        return column.notation.describe()
    if isinstance(column, Integer) and column.least is not None and column.most is not None:
        values = range(column.least, column.most + 1, int(column.step))
        if len(values) <= FEW_VALUES:
            return _either([str(value) for value in values])
    return column.domain_as_text


def _either(names: Sequence[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} or {last}" if first else last


def shown(column: AbstractColumn, bins: Bins, distribution: Distribution) -> dict[str, Any]:
    """A column's distribution of one row, as JSON.

    Returns:
        ``name``; ``kind`` of the axis; ``shares`` of the bins, and their ``names`` or ends;
        ``ticks`` of few numbers; ``axis``, three places in bins with what is written there;
        ``expected``, the likeliest levels or an interval, and ``level``, the probability of the
        interval in words.
    """
    measured = bins.measured(distribution)
    level = None
    if column.has_levels:
        expected = likely_levels(measured, column.code_names)
    else:
        start, stop = _middle(column, bins, distribution, measured)
        expected = f"{start} … {stop}" if start != stop else start
        level = "90 %" if start != stop else "90 % or more"
    return {
        "name": str(column.name),
        "kind": bins.kind,
        "shares": [number_or_none(share) for share in bins.shares(measured)],
        "names": list(bins.names) if bins.kind == LEVELS else _ends(column, bins),
        "ticks": _ticks(bins),
        "axis": _axis(column, bins),
        "expected": expected,
        "level": level,
    }


def number_or_none(value: float) -> float | None:
    """A number as JSON; None if it is not finite."""
    value = float(value)
    return float(f"{value:.{DIGITS + 10}g}") if math.isfinite(value) else None


def _ends(column: AbstractColumn, bins: Bins) -> list[str | float]:
    if bins.kind == DATES:
        return [str(each) for each in bins.ends]
    return [float(f"{each:.{DIGITS + 2}g}") for each in bins.ends]


def _middle(
    column: AbstractColumn, bins: Bins, distribution: Distribution, below: np.ndarray
) -> tuple[str, str]:
    """Between which values the middle 90 % lie, to a small part of a bin; quantiles take longer.

    Args:
        column: the column.
        bins: its bins.
        distribution: of one row.
        below: the probability (B + 1,) of a value up to each end of the bins.
    """
    is_grid = getattr(column, "step", None) is not None or bins.kind == DATES
    wanted = [below[0] + level * (below[-1] - below[0]) for level in MIDDLE]
    at = [_holding(below, each) for each in wanted]
    ends = [(bins.codes[k], bins.codes[k + 1]) for k in at]
    for _ in range(SEARCHES):
        tried = [_between(first, last, is_grid=is_grid) for first, last in ends]
        found = np.split(_below(distribution, np.concatenate(tried)), [len(tried[0])])
        at = [_holding(each, level) for each, level in zip(found, wanted, strict=True)]
        ends = [(codes[k], codes[k + 1]) for codes, k in zip(tried, at, strict=True)]
        if not is_grid or all(last - first <= 1 for first, last in ends):
            break
    (first, after), (before, last) = ends
    codes = (first + 0.5, last - 0.5) if is_grid else ((first + after) / 2, (before + last) / 2)
    values = column.decode(np.array(codes))
    start, stop = column.as_text(_rounded(values) if bins.kind != DATES else values)
    return str(start), str(stop)


def _between(first: float, last: float, *, is_grid: bool) -> np.ndarray:
    """Codes (n,) from one to another; on a grid, between its points."""
    if not is_grid:
        return np.linspace(first, last, FINE + 1)
    codes = np.linspace(first, last, min(FINE, max(1, round(last - first))) + 1)
    return np.round(codes - first) + first


def _rounded(ends: np.ndarray) -> np.ndarray:
    """The ends (2,) of an interval, with the digits that tell hundredths of its width apart."""
    if ends.dtype.kind != "f":
        return ends
    width = float(ends[1] - ends[0])
    if not (math.isfinite(width) and width > 0):
        return ends
    digits = math.ceil(-math.log10(width / PARTS))
    return np.round(ends, max(0, digits)) if digits <= MOST_DECIMALS else ends


def _below(distribution: Distribution, codes: np.ndarray) -> np.ndarray:
    """The probability (n,) of a value up to each of n codes, by a distribution of one row."""
    at = torch.from_numpy(codes).to(distribution.params.device)
    return distribution.repeated(len(codes)).cdf(at).cpu().numpy()


def _holding(below: np.ndarray, wanted: float) -> int:
    """The first of the n − 1 intervals between n ends that reaches a probability."""
    return min(int(np.searchsorted(below[1:], wanted)), len(below) - 2)


def _axis(column: AbstractColumn, bins: Bins) -> list[tuple[int, str]] | None:
    """Three places of an axis of numbers or dates, in bins, and what is written there."""
    if bins.kind == LEVELS:
        return None
    last = len(bins.ends) - 1
    ways = (0, 1), (round(last / 2), 1), (last, -1)
    return [(place, _end(column, bins, place, way)) for place, way in ways]


def _end(column: AbstractColumn, bins: Bins, place: int, way: int) -> str:
    """The first value of the bin after an end, or the last one before it, as text.

    Numbers have the digits that tell bins apart.

    Args:
        column: whose bins they are.
        bins: of numbers or dates.
        place: the number of the end.
        way: 1 for the bin after it, -1 for the one before it.
    """
    if bins.kind == DATES:
        return str(bins.ends[place]).removesuffix(MIDNIGHT)
    step = getattr(column, "step", None) or 0.0
    width = np.diff(bins.ends)[place if way > 0 else place - 1]
    digits = max(0, math.ceil(-math.log10(width)))
    value = round(float(bins.ends[place] + way * step / 2), digits)
    return np.format_float_positional(value + 0.0, trim="-")


def _ticks(bins: Bins) -> list[str] | None:
    """What each of a few bins of numbers stands for."""
    if bins.kind != LINEAR or len(bins.ends) > FEWEST:
        return None
    return [f"{each:g}" for each in bins.middles]
