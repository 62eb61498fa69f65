"""Candidates A ≤ B: pairs of columns that are never, or hardly ever, the other way round."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from chainrule.table.ties.equations import Weighted
from chainrule.table.ties.linear import LinearTie
from chainrule.table.ties.pairs import is_varied
from chainrule.table.ties.sheet import DATE, MONTH, NUMBER, Sheet

LIKELY = 0.94  # least share of sampled rows in order
BY_CHANCE = 0.95  # largest share of permuted rows in order
LEAST_GAIN = 0.6  # as that of other ties; see ``evidence``
EDGE_ROWS = 30  # rows in order that are nearest to equality, or twice those out of order
BEYOND_EDGE = 0.1  # most rows out of order that are as near, as a share of these


def orders(sheet: Sheet, rng: np.random.Generator) -> Iterator[LinearTie]:
    """Pairs of columns of one measure with A ≤ B in nearly all rows."""
    for measure in (NUMBER, DATE, MONTH):
        variables = [v for v in sheet.numbers(measure) if is_varied(sheet, v)]
        values = sheet.values[:, [each.number for each in variables]]
        known = ~np.isnan(values)
        for k, low in enumerate(variables):
            below, shuffled = values[:, [k]], rng.permutation(values[:, [k]])
            rows = (known & known[:, [k]]).sum(axis=0)
            mixed = (known & ~np.isnan(shuffled)).sum(axis=0)
            with np.errstate(invalid="ignore"):
                likely = (below <= values).sum(axis=0) >= LIKELY * rows
                likely &= (shuffled <= values).sum(axis=0) <= BY_CHANCE * mixed
            likely[k] = False
            for other in np.flatnonzero(likely & (rows > 0)).tolist():
                high = variables[other]
                tie = Weighted.of((high, low), (1, -1)).within(
                    sheet, Fraction(0), None, text=f"{low.name} ≤ {high.name}"
                )
                if tie is not None:
                    yield tie


def has_edge(tie: LinearTie, sheet: Sheet) -> bool:
    """Whether the rows of an order end at equality, instead of fading out beyond it.

    Values that are merely related are often in order, too. Then about as many rows lie just beyond
    equality as just before it.
    """
    codes = sheet.codes[:, list(tie.columns)]
    beyond = codes @ np.array(tie.coefficients, dtype=np.float64) - tie.least
    beyond = np.sort(beyond[~np.isnan(beyond)])
    wrong = int(np.searchsorted(beyond, 0.0))
    right = beyond[wrong:]
    if not len(right):
        return False
    near = right[min(max(EDGE_ROWS, 2 * wrong), len(right)) - 1]
    before = int(np.searchsorted(right, near, side="right"))
    after = wrong - int(np.searchsorted(beyond, -near - 1))
    return after <= BEYOND_EDGE * before
