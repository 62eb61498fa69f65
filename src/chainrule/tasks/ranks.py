"""The rank of a row among rows drawn from the model, with the same cells known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import comb

import numpy as np

from chainrule.missing import draw_like, is_flag
from chainrule.rng import generator_from
from chainrule.table import Codes
from chainrule.tasks.answer import Batch
from chainrule.tasks.curves import Curve
from chainrule.tasks.oddness import Usual, oddness
from chainrule.tasks.score import nats

LIKELIHOOD, ODDNESS = "likelihood", "oddness"  # what rows are ranked by

SEED = 0  # fixed, so that a row's rank is the same in every call
# If at most so many patterns hide the same number of cells, all draws are ranked. Otherwise a share
# of them is.
FEW_PATTERNS = 64
SHARE, FEWEST_DRAWS = 0.25, 250
# Scores closer than this, relative to their size, count as equal: discrete rows up to rounding.
TIE = 1e-8
TAIL = 0.1  # share of the draws to which each tail is fitted
ANCHOR, ANCHOR_DRAWS = 0.01, 10  # the lower tail begins at this share of the draws, or at this many
# Least number of nats in which the lower and the upper tail fall by a factor e.
LEAST_SCALE = 0.5, 0.1
APART = 0.1  # distance of knots, in the log-odds of the rank


@dataclass(frozen=True)
class Reference:
    """The rows a row is compared with: those with the same known cells, outside cells and flags.

    Attributes:
        observed: bool (D,), cells whose values their columns can hold.
        outside: bool (D,), cells whose values their columns cannot hold.
        codes: float64 (D,), the values of known flag columns, zero in other columns.
        flags: bool (D,), which columns are known flags.
    """

    observed: np.ndarray
    outside: np.ndarray
    codes: np.ndarray
    flags: np.ndarray


@dataclass(frozen=True)
class Ranking:
    """The map from what ``measured`` returns of a row to the log-odds of its rank among draws.

    Attributes:
        curve: from a score to the log-odds.
        usual: makes the score from the two sums of ``oddness``; None if the likelihood is it.
    """

    curve: Curve
    usual: Usual | None = None

    @classmethod
    def of(cls, measured: np.ndarray) -> Ranking:
        """Returns the ranking among rows of which this was measured, (n,) nats or (n, 2) bits."""
        if measured.ndim == 1:
            return cls(rank_curve(measured))
        usual = Usual.of(measured)
        return cls(rank_curve(usual.score(measured)), usual)

    def __call__(self, measured: np.ndarray) -> np.ndarray:
        """Returns the log-odds (n,) of rows' ranks."""
        return self.curve(measured if self.usual is None else self.usual.score(measured))


def measured(rows: Batch, by: str) -> np.ndarray:
    """Returns log p of rows, (n,) nats, or by "oddness" the two sums of ``oddness``, (n, 2) bits.

    Raises:
        EvidenceError: missing cells that a network of one order cannot marginalise.
    """
    return oddness(rows) if by == ODDNESS else nats(rows)


class Draws:
    """Rows drawn from a model, and the rankings among them.

    Every call draws the same rows. A row's rank therefore depends neither on the other rows of its
    table nor on the seed of the fit.

    Args:
        rows: a batch, whose network draws.
        number: how many rows are drawn, at least 2.
        by: what rows are ranked by, "likelihood" or "oddness".
    """

    def __init__(self, rows: Batch, number: int, by: str) -> None:
        self._asked, self.number, self._by = replace(rows, progress=False), number, by
        self._flags = is_flag(rows.model.schema)
        self._drawn: dict[bytes, np.ndarray] = {}

    def number_for(self, reference: Reference) -> int:
        """Returns the number of draws among which a row with these known cells is ranked.

        It is all of them if at most 64 patterns hide as many cells, otherwise a quarter, but at
        least 250.
        """
        width = int((~self._flags).sum())
        hidden = int((~reference.observed & ~self._flags).sum())
        if comb(width, hidden) <= FEW_PATTERNS:
            return self.number
        return min(self.number, max(FEWEST_DRAWS, round(SHARE * self.number)))

    def ranking(self, reference: Reference) -> Ranking:
        """Returns the ranking among the draws, of which the reference's cells are known."""
        rows = self._rows(reference)[: self.number_for(reference)]
        observed = np.broadcast_to(reference.observed, rows.shape).copy()
        outside = np.broadcast_to(reference.outside, rows.shape).copy()
        return Ranking.of(self.measured(Codes(rows, observed, outside)))

    def measured(self, codes: Codes) -> np.ndarray:
        """Returns what ``measured`` returns, of any rows of the model."""
        return measured(replace(self._asked, codes=codes), self._by)

    def _rows(self, reference: Reference) -> np.ndarray:
        key = reference.codes[reference.flags].tobytes() + reference.flags.tobytes()
        if key not in self._drawn:
            # References come sorted by their flags, so that one entry suffices.
            self._drawn = {key: self._draw(reference)}
        return self._drawn[key]

    def _draw(self, reference: Reference) -> np.ndarray:
        """Returns codes (number, D) drawn from the model.

        They are given the reference's flags if the network can condition on them.
        """
        schema, network = self._asked.model.schema, self._asked.network
        drawn = draw_like(
            schema, network, self.number, reference.codes, reference.flags, generator_from(SEED)
        )
        return drawn.double().cpu().numpy()


def references(rows: Batch) -> Iterator[tuple[Reference, np.ndarray]]:
    """Yields each distinct reference with the indices of its rows.

    References with equal flags follow each other.
    """
    codes = rows.codes
    if not len(rows):
        return
    observed, outside = codes.observed, codes.outside
    flags = observed & is_flag(rows.model.schema)
    values = np.where(flags, codes.values, 0.0)
    keys = np.packbits(np.concatenate([flags, values > 0, observed, outside], axis=1), axis=1)
    _, first, group = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    members = np.split(
        np.argsort(group.ravel(), kind="stable"), np.cumsum(np.bincount(group.ravel()))[:-1]
    )
    for row, rows_of_it in zip(first.tolist(), members, strict=True):
        yield Reference(observed[row], outside[row], values[row], flags[row]), rows_of_it


def rank_curve(scores: np.ndarray) -> Curve:
    """Returns the curve from a score to the log-odds of its rank among M scores.

    The i-th lowest has rank i / (M + 1).

    The curve is linear between scores, and jumps where several are equal. Below the lowest
    hundredth of the scores (at least 10), the rank falls exponentially, at the mean rate of the
    lowest tenth. Above the highest score it rises in the same way. A row less likely than all draws
    therefore still has a rank of its own.
    """
    # A drawn number can be so large that float64 gives its row no probability.
    s = np.sort(scores[np.isfinite(scores)] if np.isfinite(scores).any() else np.zeros(1))
    number, size = len(s), np.maximum(1.0, np.abs(s)) * TIE
    starts = np.flatnonzero(np.r_[True, np.diff(s) > 4 * size[1:]])
    ends = np.r_[starts[1:], number]  # number of scores up to the end of each group of equal ones
    tail = min(number, max(ANCHOR_DRAWS, round(TAIL * number)))
    below = 1 / max(float((s[tail - 1] - s[:tail]).mean()), LEAST_SCALE[0])
    above = 1 / max(float((s[-tail:] - s[-tail]).mean()), LEAST_SCALE[1])
    first = int(np.searchsorted(ends, min(max(ANCHOR_DRAWS, ANCHOR * number), number)))
    knots: list[tuple[float, float]] = []
    for start, end in zip(starts[first:].tolist(), ends[first:].tolist(), strict=True):
        low, high = float(s[start]), float(s[end - 1])
        before, at = _log_odds(start + 0.5, number), _log_odds(end, number)
        if end > start + 1 and at - before > APART:
            # The jump lies just below the scores, so that rounding changes no rank.
            edge = float(size[start])
            knots += [
                (low - 2 * edge, before),
                (low - edge, at),
                (high + edge, _log_odds(end + 0.25, number)),
            ]
        elif not knots or at - knots[-1][1] > APART or end == number:
            knots.append((high, at))
    x, t = zip(*knots, strict=True)
    return Curve(x, t, below, above)


def _log_odds(count: float, number: int) -> float:
    return float(np.log(count) - np.log(number + 1 - count))
