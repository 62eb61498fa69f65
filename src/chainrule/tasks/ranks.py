"""The rank of a row's likelihood among rows that the model draws, with the same cells known."""

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
from chainrule.tasks.score import nats

SEED = 0  # of the draws: the same for every call, so that a row's rank is the same
FEW_PATTERNS = 64  # so many ways to hide a number of cells are ranked among all draws, more among a part
PART, FEWEST_DRAWS = 0.25, 250
TIE = 1e-8  # scores that differ by less, relative to their size, are equal: those of discrete rows, up to rounding
TAIL, ANCHOR, ANCHOR_DRAWS = (
    0.1,
    0.01,
    10,
)  # share of the draws that the tails are fitted to, and where the lower one begins
LEAST_SCALE = 0.5, 0.1  # nats in which the lower and the upper tail fall e-fold, at least
APART = 0.1  # of knots, in the log-odds of the rank


@dataclass(frozen=True)
class Reference:
    """Which rows a row is compared with: those with the same known cells, the same cells outside and the same flags.

    Attributes:
        known: bool (D,), cells that hold what their column can.
        outside: bool (D,), cells that hold what it cannot.
        codes: float64 (D,), the values of known flag columns, zero elsewhere.
        flags: bool (D,), which columns are known flags.
    """

    known: np.ndarray
    outside: np.ndarray
    codes: np.ndarray
    flags: np.ndarray


class Draws:
    """Rows drawn from a model, and the curves that turn the score of a row into its rank among them.

    Every call draws the same rows. So a row's rank depends neither on the other rows of its table nor on the seed of the fit.

    Args:
        rows: any rows, of whose network others are drawn.
        number: how many rows are drawn, at least 2.
    """

    def __init__(self, rows: Batch, number: int) -> None:
        self._asked, self.number = replace(rows, show_progress=False), number
        self._flags = is_flag(rows.model.schema)
        self._drawn: dict[bytes, np.ndarray] = {}

    def number_for(self, reference: Reference) -> int:
        """How many draws a row with these known cells is ranked among.

        That is all of them if at most 64 patterns hide as many cells, else a quarter, but at least 250.
        """
        width = int((~self._flags).sum())
        hidden = int((~reference.known & ~self._flags).sum())
        few = comb(width, hidden) <= FEW_PATTERNS
        return self.number if few else min(self.number, max(FEWEST_DRAWS, round(PART * self.number)))

    def curve(self, reference: Reference) -> Curve:
        """From a score in nats to the log-odds of its rank among the draws, all with these cells known."""
        rows = self._rows(reference)[: self.number_for(reference)]
        known, outside = (np.broadcast_to(each, rows.shape).copy() for each in (reference.known, reference.outside))
        return rank_curve(self.scores(Codes(rows, known, outside)))

    def scores(self, codes: Codes) -> np.ndarray:
        """log p of rows, (n,) nats."""
        return nats(self._asked.over(codes))

    def _rows(self, reference: Reference) -> np.ndarray:
        key = reference.codes[reference.flags].tobytes() + reference.flags.tobytes()
        if key not in self._drawn:
            self._drawn = {key: self._draw(reference)}  # references come sorted by their flags
        return self._drawn[key]

    def _draw(self, reference: Reference) -> np.ndarray:
        """Codes (number, D) drawn from the model, with the flags of the reference if the network takes them as given."""
        schema, network = self._asked.model.schema, self._asked.network
        drawn = draw_like(schema, network, self.number, reference.codes, reference.flags, generator_from(SEED))
        return drawn.double().cpu().numpy()


def references(rows: Batch) -> Iterator[tuple[Reference, np.ndarray]]:
    """Each different reference of the rows, with the numbers of its rows; those with equal flags follow each other."""
    codes = rows.codes
    seen, outside = codes.observed, codes.outside
    flags = seen & is_flag(rows.model.schema)
    told = np.where(flags, codes.values, 0.0)
    keys = np.packbits(np.concatenate([flags, told > 0, seen, outside], axis=1), axis=1)
    _, first, group = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    members = np.split(np.argsort(group.ravel(), kind="stable"), np.cumsum(np.bincount(group.ravel()))[:-1])
    for row, own in zip(first.tolist(), members, strict=True):
        yield Reference(seen[row], outside[row], told[row], flags[row]), own


def rank_curve(scores: np.ndarray) -> Curve:
    """From a score to the log-odds of its rank among M scores: at the i-th lowest one the rank is i / (M + 1).

    Between scores the curve is linear; it jumps where several are equal. Beyond the lowest hundredth of the scores, but at least
    10, the rank falls exponentially, at the mean rate of the lowest tenth, and likewise above the highest one. So a row that is
    less likely than all draws still has a rank of its own.
    """
    s = np.sort(scores)
    number, size = len(s), np.maximum(1.0, np.abs(s)) * TIE
    starts = np.flatnonzero(np.r_[True, np.diff(s) > 4 * size[1:]])
    ends = np.r_[starts[1:], number]  # how many scores there are up to and with each group of equal ones
    tail = min(number, max(ANCHOR_DRAWS, round(TAIL * number)))
    below = 1 / max(float((s[tail - 1] - s[:tail]).mean()), LEAST_SCALE[0])
    above = 1 / max(float((s[-tail:] - s[-tail]).mean()), LEAST_SCALE[1])
    first = int(np.searchsorted(ends, min(max(ANCHOR_DRAWS, ANCHOR * number), number)))
    knots: list[tuple[float, float]] = []
    for start, end in zip(starts[first:].tolist(), ends[first:].tolist(), strict=True):
        low, high = float(s[start]), float(s[end - 1])
        before, at = _log_odds(start + 0.5, number), _log_odds(end, number)
        if end > start + 1 and at - before > APART:  # a jump just below the scores, so that rounding changes no rank
            edge = float(size[start])
            knots += [(low - 2 * edge, before), (low - edge, at), (high + edge, _log_odds(end + 0.25, number))]
        elif not knots or at - knots[-1][1] > APART or end == number:
            knots.append((high, at))
    x, t = zip(*knots, strict=True)
    return Curve(x, t, below, above)


def _log_odds(count: float, number: int) -> float:
    return float(np.log(count) - np.log(number + 1 - count))
