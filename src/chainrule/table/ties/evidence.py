"""Whether a tie holds in nearly all rows, and in far more of them than by chance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from chainrule.table.ties.base import USUAL_SHARE, AbstractTie, AnyTie
from chainrule.table.ties.sheet import Sheet

LEAST_SHARE = USUAL_SHARE
LEAST_GAIN = 0.7  # least share of the rows not explained by chance that a tie explains
FEWEST_ROWS = 40  # of which a tie says something; fewer show no tie
FEWEST_BEYOND = 20  # rows in which a tie holds beyond those by chance
OF_CHANCE = 2000  # rows that are permuted


def confirmed(
    tie: AnyTie,
    sheet: Sheet,
    *,
    least_share: float = LEAST_SHARE,
    least_gain: float = LEAST_GAIN,
    fewest: int = FEWEST_ROWS,
) -> AnyTie | None:
    """The tie with the share of the rows in which it holds; None if that is low or may be chance.

    Chance is the share of rows in which the tie holds if one of its columns is permuted. Every
    column must matter, so the largest of these shares counts.

    Args:
        tie: the tie.
        sheet: the rows.
        least_share: smallest share of the rows in which it holds.
        least_gain: smallest share of the rows that chance does not explain.
        fewest: smallest number of rows of which it says something.
    """
    found = tie.holds(sheet.codes, sheet.known)
    said = np.flatnonzero(~np.isnan(found))
    found = found[said]
    share = float(found.mean()) if len(found) >= fewest else 0.0
    if share < least_share:
        return None
    chance = chance_of(tie, sheet, said)
    if not exceeds(share, chance, len(found), least_gain=least_gain):
        return None
    return replace(tie, share=share)  # type: ignore[type-var]  # every tie is a dataclass


def exceeds(share: float, chance: float, rows: int, *, least_gain: float = LEAST_GAIN) -> bool:
    """Whether a share of so many rows is far above that of chance.

    >>> exceeds(0.97, 0.9, 1000), exceeds(0.97, 0.96, 1000)
    (True, False)
    """
    beyond = share - chance
    return beyond > least_gain * (1 - chance) - 1e-9 and beyond * rows >= FEWEST_BEYOND


def chance_of(tie: AbstractTie, sheet: Sheet, rows: np.ndarray) -> float:
    """The largest share of rows in which a tie holds if one of its columns is permuted.

    Args:
        tie: the tie.
        sheet: the rows.
        rows: the numbers (n,) of those of which the tie says something.
    """
    rng, columns = np.random.default_rng(0), list(tie.columns)
    if len(rows) > OF_CHANCE:
        rows = rng.choice(rows, OF_CHANCE, replace=False)
    x = np.zeros((len(rows), sheet.codes.shape[1]))
    x[:, columns] = sheet.codes[rows][:, columns]
    known, shares = np.ones(x.shape, dtype=bool), []
    for column in columns if len(columns) > 2 else columns[:1]:
        own = x[:, column].copy()
        x[:, column] = rng.permutation(own)
        shares.append(float(tie.holds(x, known).mean()))
        x[:, column] = own
    return max(shares)
