"""Which cells of a row are to blame: the surest is taken out, and the rest asked once more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from chainrule.mistakes import MISTAKES
from chainrule.tasks.proofreading.cells import ColumnCells
from chainrule.tasks.proofreading.exchanges import with_exchanges
from chainrule.tasks.proofreading.rates import learned_rates
from chainrule.tasks.proofreading.suspects import Judges, Suspects, find_suspects

MOST_ROUNDS = 8  # of asking the rows in which another cell was taken out


@dataclass(frozen=True)
class Blamed:
    """The suspects of a table with their final odds.

    Attributes:
        suspects: the m suspects.
        log_odds: log of the odds (m, K) of each mistake against a right cell.
        log_wrong: log of the posterior odds (m,) that the cell is wrong, if the other cells of its
            row compete for the blame.
        hidden: the cells (n, D) that were taken out of the evidence.
        rates: the share of cells with each mistake, (K,).
    """

    suspects: Suspects
    log_odds: np.ndarray
    log_wrong: np.ndarray
    hidden: np.ndarray
    rates: np.ndarray


def blame(judges: Judges, cells: Sequence[ColumnCells | None]) -> Blamed:
    """Judges all cells of a table.

    The hypotheses of a row (no mistake; each cell and kind) are normalised together. The cell that
    is then more likely wrong than right is taken out of the evidence, and the row is asked again,
    until no further cell is. A cell that looks right without another one returns. A cell that was
    taken out still competes with those that looked wrong because of it, and no longer do.
    """
    shape = judges.codes.values.shape
    known = judges.codes.observed_or_outside.sum(0)
    holds = [None if c is None else c.holds for c in cells]
    can = np.array([[h in mistake.holds for mistake in MISTAKES] for h in holds])  # (D, K)
    hidden, rivals = np.zeros(shape, dtype=bool), dict[tuple[int, int], np.ndarray]()
    suspects = find_suspects(judges, cells, np.arange(len(hidden)), hidden)
    for _ in range(MOST_ROUNDS):
        total = np.logaddexp.reduce(learned_rates(suspects, can, known).log_odds(suspects), axis=1)
        now = _taken_out(suspects, total, _against_others(suspects, total, hidden), hidden)
        changed = np.flatnonzero((now != hidden).any(1))
        if not len(changed):
            break
        odds = _odds(suspects, total, shape) * ~hidden
        rivals |= {(row, k): odds[row] for row, k in np.argwhere(now & ~hidden).tolist()}
        hidden = now
        again = find_suspects(judges, cells, changed, hidden)
        others = suspects.take(~np.isin(suspects.rows, changed))
        suspects = Suspects.joined([others, again])
    rates = learned_rates(suspects, can, known)
    total = np.logaddexp.reduce(rates.log_odds(suspects), axis=1)
    suspects = with_exchanges(judges, cells, suspects, total, hidden)
    odds = rates.log_odds(suspects)
    # The two cells of an exchange do not compete for the blame.
    competing = np.logaddexp.reduce(odds, axis=1) + _against_others(suspects, total, hidden) - total
    competing -= _explained(suspects, _odds(suspects, total, shape), hidden, rivals)
    return Blamed(suspects, odds, competing, hidden, rates.of_kinds)


def _against_others(suspects: Suspects, total: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """log odds (m,) of each suspect against "right, or another cell of the row is wrong".

    Cells that were taken out are not evidence, and compete with no other.
    """
    competes = ~hidden[suspects.rows, suspects.columns]
    odds = np.exp(np.minimum(total, 600.0)) * competes
    sums = np.bincount(suspects.rows, weights=odds, minlength=len(hidden))
    others = np.maximum(sums[suspects.rows] - odds, 0.0)
    return total - np.log1p(others)


def _odds(suspects: Suspects, total: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The odds (n, D) that cells are wrong, from their logarithms (m,); 0 of other cells."""
    found = np.zeros(shape)
    found[suspects.rows, suspects.columns] = np.exp(np.minimum(total, 600.0))
    return found


def _explained(
    suspects: Suspects,
    after: np.ndarray,
    hidden: np.ndarray,
    rivals: Mapping[tuple[int, int], np.ndarray],
) -> np.ndarray:
    """log of 1 + the odds (m,) of the other cells of a row that a cell taken out explained.

    Args:
        suspects: the suspects.
        after: the odds (n, D) of all cells now.
        hidden: the cells (n, D) that are taken out.
        rivals: for each cell that was taken out, the odds (D,) of the cells of its row before.
    """
    found = np.zeros(len(suspects))
    for place in np.flatnonzero(hidden[suspects.rows, suspects.columns]).tolist():
        row, column = int(suspects.rows[place]), int(suspects.columns[place])
        gone = np.maximum(rivals[row, column] - after[row], 0.0)
        gone[column] = 0.0
        found[place] = np.log1p(gone.sum())
    return found


def _taken_out(
    suspects: Suspects, total: np.ndarray, competing: np.ndarray, hidden: np.ndarray
) -> np.ndarray:
    """The cells (n, D) to take out: one more in each row, without those that look right now."""
    now = np.zeros_like(hidden)
    stays = hidden[suspects.rows, suspects.columns] & (total > 0)
    now[suspects.rows[stays], suspects.columns[stays]] = True
    free = np.flatnonzero(~hidden[suspects.rows, suspects.columns] & (competing > 0))
    best = np.full(len(hidden), -np.inf)
    np.maximum.at(best, suspects.rows[free], competing[free])
    surest = free[competing[free] == best[suspects.rows[free]]]
    now[suspects.rows[surest], suspects.columns[surest]] = True
    return now
