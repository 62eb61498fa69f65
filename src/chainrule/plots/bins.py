"""Bins of a column, and the shares of them by a model's distribution and by a table's cells."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from chainrule.conditionals import Distribution
from chainrule.table import AbstractColumn
from chainrule.table.columns.numbers import AbstractNumbers
from chainrule.tasks.conditional import level_probabilities_of

BINS = 48
OUTER = 0.002  # of the distribution, that lies beyond either end of the bins
MOST_LABELS, LONGEST = 12, 18  # that are shown, and characters of one
DECADES = 1.5  # of numbers on a scale, from which on the axis is logarithmic
FEW = 0.05  # of the positive numbers, that lie in the linear part of a logarithmic axis
FEWEST = 12  # grid points, up to which each has a tick
LINEAR, LOG, DATES, LEVELS = "linear", "log", "dates", "levels"


@dataclass(frozen=True)
class Bins:
    """Bins of a column.

    Attributes:
        kind: of the axis: "linear", "log", "dates" or "levels".
        codes: (B + 1,) ends of the bins in codes; of levels, the codes (B,) themselves.
        ends: (B + 1,) the same ends as the axis shows them; of levels, 0, 1, ….
        names: the levels' names; ``others`` of them share the last one.
        others: how many levels share the last bin.
        linear_to: of a logarithmic axis, the number up to which it is linear; 0 if nowhere.
    """

    kind: str
    codes: np.ndarray
    ends: np.ndarray
    names: tuple[str, ...] = ()
    others: int = 0
    linear_to: float = 0.0

    @property
    def middles(self) -> np.ndarray:
        """(B,) where a mark of each bin stands on the axis."""
        if self.kind == LEVELS:
            return self.ends
        numbers = self.ends.astype(np.float64) if self.kind != DATES else self.ends
        return numbers[:-1] + (numbers[1:] - numbers[:-1]) / 2

    def by(self, distribution: Distribution) -> np.ndarray:
        """The probability (B,) of each bin by a distribution of one row."""
        return self.shares(self.measured(distribution))

    def measured(self, distribution: Distribution) -> np.ndarray:
        """What decides the shares, by a distribution of one row.

        The probability (V,) of each level; of numbers and dates, the probability (B + 1,) of a
        value up to each end.
        """
        if self.kind == LEVELS:
            return level_probabilities_of(distribution)[0]
        ends = torch.from_numpy(self.codes).to(distribution.params.device)
        return distribution.repeated(len(ends)).cdf(ends).cpu().numpy()

    def shares(self, measured: np.ndarray) -> np.ndarray:
        """The probability (B,) of each bin, from what ``measured`` returns."""
        if self.kind == LEVELS:
            return self._merged(measured[self.codes.astype(int)])
        return np.diff(measured)

    def of(self, codes: np.ndarray) -> np.ndarray:
        """The share (B,) of cells (N,) in each bin."""
        if self.kind == LEVELS:
            counts = np.array([(codes == code).sum() for code in self.codes], dtype=np.float64)
            return self._merged(counts) / max(len(codes), 1)
        # A bin has its upper end, as a cumulative distribution does.
        below = np.searchsorted(np.sort(codes), self.codes, side="right")
        return np.diff(below) / max(len(codes), 1)

    def _merged(self, shares: np.ndarray) -> np.ndarray:
        if not self.others:
            return shares
        first = len(shares) - self.others
        return np.append(shares[:first], shares[first:].sum())


def bins_of(column: AbstractColumn, distribution: Distribution, cells: np.ndarray) -> Bins:
    """Returns the bins that show a distribution of one row, and cells in codes (N,)."""
    if column.has_levels:
        return _levels(column, distribution)
    low, high = (float(distribution.quantile(q)[0]) for q in (OUTER, 1 - OUTER))
    if len(cells):
        few = np.quantile(cells, (OUTER, 1 - OUTER), method="closest_observation")
        low, high = min(low, few[0]), max(high, few[1])
    assert isinstance(column, AbstractNumbers)
    if column.holds_dates:
        codes = _on_grid(low, high)
        shown = column.decode(np.ceil(codes)).astype("datetime64[s]")
        return Bins(DATES, codes, shown)
    return _numbers(column, distribution, low, high)


def _levels(column: AbstractColumn, distribution: Distribution) -> Bins:
    """The levels, the most probable first; if they are many, the rest shares a bin."""
    p = level_probabilities_of(distribution)[0]
    names = [str(name) for name in getattr(column, "code_names", column.level_names)]
    names = [n if len(n) <= LONGEST else f"{n[: LONGEST - 1]}…" for n in names]
    order = np.argsort(-p, kind="stable")
    others = len(order) - (MOST_LABELS - 1) if len(order) > MOST_LABELS else 0
    shown = [names[k] for k in order[: len(order) - others]]
    if others:
        shown.append(f"{others} others")
    return Bins(LEVELS, order.astype(np.float64), np.arange(len(shown)), tuple(shown), others)


def _numbers(column: AbstractNumbers, distribution: Distribution, low: float, high: float) -> Bins:
    first, last = _values(column, np.array([low, high])).tolist()
    threshold = _threshold(column, distribution, first, last)
    if column.is_continuous:
        if low == high:
            low, high = low - 0.5, high + 0.5
            first, last = _values(column, np.array([low, high])).tolist()
        # Bins that are even on the axis need the code of each end.
        fine = np.linspace(low, high, 4 * BINS + 1)
        spaced = _spaced(first, last, threshold)
        codes = np.interp(spaced, _values(column, fine), fine)
        codes[0] = np.nextafter(low, -np.inf)
        return Bins(_kind(threshold), codes, spaced, linear_to=_linear_to(threshold, first))
    codes = _on_grid(low, high)
    if threshold is not None:
        every = np.arange(np.floor(low), np.ceil(high) + 1) if high - low < 1e6 else codes
        at = np.interp(_spaced(first, last, threshold), _values(column, every), every)
        codes = np.unique(np.concatenate([[np.floor(low)], np.round(at)]) + 0.5)
        codes = np.concatenate([[np.floor(low) - 0.5], codes])
    ends = _values(column, codes)
    if threshold is not None and ends[0] <= 0 < first:
        ends[0] = first / 2  # a logarithmic axis has no place for the lower half of the first bin
    return Bins(_kind(threshold), codes, ends, linear_to=_linear_to(threshold, first))


def _threshold(
    column: AbstractNumbers, distribution: Distribution, first: float, last: float
) -> float | None:
    """The number from which on an axis is logarithmic; None if it is linear."""
    if column.warp is None or first < 0 or last <= 0:
        return None
    if first > 0:
        return first if last / first > 10**DECADES else None
    quantiles = [distribution.quantile(q)[0].item() for q in np.arange(0.01, 0.9, 0.01)]
    values = _values(column, np.array(quantiles))
    positive = values[values > 0]
    if not len(positive):
        return None
    least = float(np.quantile(positive, FEW))
    return least if last / least > 10**DECADES else None


def _spaced(first: float, last: float, threshold: float | None) -> np.ndarray:
    if threshold is None:
        return np.linspace(first, last, BINS + 1)
    if threshold <= first:
        return np.geomspace(first, last, BINS + 1)
    linear = np.linspace(first, threshold, BINS // 8 + 1)[:-1]
    return np.concatenate([linear, np.geomspace(threshold, last, BINS - len(linear) + 1)])


def _kind(threshold: float | None) -> str:
    return LINEAR if threshold is None else LOG


def _linear_to(threshold: float | None, first: float) -> float:
    return 0.0 if threshold is None or threshold <= first else threshold


def _on_grid(low: float, high: float) -> np.ndarray:
    """Ends between grid points, so that each bin has equally many."""
    low, high = np.floor(low), np.ceil(high)
    step = max(1.0, np.ceil((high - low + 1) / BINS))
    count = int(np.ceil((high - low + 1) / step))
    return low - 0.5 + step * np.arange(count + 1)


def _values(column: AbstractNumbers, codes: np.ndarray) -> np.ndarray:
    """Numbers (N,) of codes, between grid points too."""
    if column.is_continuous:
        return np.asarray(column.decode(codes), dtype=np.float64)
    return float(column.origin) + codes * float(column.step or 1.0)
