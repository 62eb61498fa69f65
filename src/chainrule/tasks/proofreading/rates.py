"""How often each kind of mistake occurs in a table: rates by expectation maximisation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chainrule.mistakes import MISTAKES, AnotherRow, BrokenRelation
from chainrule.tasks.proofreading.suspects import Suspects
from chainrule.tasks.proofreading.written import USUAL

ROUNDS = 50
PRIOR = 0.25  # cells that the prior counts for, as a share of the table's cells
LEAST_PRIOR = 1.0  # mistakes of each kind that it counts for at least
ALIKE = 16.0  # mistakes for which a kind's rate in all columns counts in each of them
CHANGE = 1e-7  # of the rates, below which they are final
LEAST, MOST = 1e-9, 0.9  # of a rate, and of all rates together
# Of the rate of one kind of mistake in one column. A kind with many possible originals, such as a
# dropped digit, is a wider conditional. Where the model's is too narrow, it explains every cell ten
# times better, and its rate would grow until all of them were findings. Mistakes that are more
# frequent have ratios that need no such rate.
MOST_OF_COLUMN = 0.05
# Whether a mistake writes values in an unusual manner: one that copies right values does not.
AS_WRITTEN = np.array(
    [float(not isinstance(mistake, AnotherRow | BrokenRelation)) for mistake in MISTAKES]
)


def prior_rates() -> np.ndarray:
    """The expected share of cells with each mistake (K,), before a table is seen."""
    return np.array([mistake.rate for mistake in MISTAKES])


@dataclass(frozen=True)
class Rates:
    """What a table shows of its mistakes.

    Attributes:
        of_kinds: the share of cells with each mistake (K,).
        of_columns: the same for the cells of each column (D, K).
        log_more: what is added to the log ratios (m, K) of suspects, because right cells are less
            often written as they are than was supposed.
    """

    of_kinds: np.ndarray
    of_columns: np.ndarray
    log_more: np.ndarray

    def log_odds(self, suspects: Suspects) -> np.ndarray:
        """log of the odds (m, K) that each suspect has each mistake, not that it is right."""
        log_rates = np.log(self.of_columns) - np.log1p(-self.of_columns.sum(1))[:, None]
        return suspects.log_ratio + self.log_more + log_rates[suspects.columns]


def learned_rates(suspects: Suspects, can: np.ndarray, known: np.ndarray) -> Rates:
    """The rates that a table shows, drawn towards the prior.

    The expected number of mistakes of each kind gives its rate. The prior counts for one mistake
    of each kind at least, so that a doubtful mistake of a rare kind makes no other likely. The
    rate in one column is drawn towards that of all columns, which counts for some mistakes: the
    errors of a dirty column make no cell of a clean one suspect. No rate exceeds
    ``MOST_OF_COLUMN``. The expected number of right cells
    that are written in an unusual manner gives the share of that manner among right cells.

    Args:
        suspects: the suspects; all other cells are right.
        can: the mistakes that the cells of each column can have, bool (D, K).
        known: number of known cells of each column (D,).
    """
    prior, width = prior_rates(), len(known)
    cells = known @ can
    weight = np.maximum(PRIOR * cells, LEAST_PRIOR / prior)
    rates = Rates(prior, np.tile(prior, (width, 1)), np.zeros(suspects.log_ratio.shape))
    group = np.where(suspects.manner != USUAL, 2 * suspects.columns + suspects.manner, 0)
    rows = known[suspects.columns]
    supposed = np.log((0.5 * np.bincount(group)[group] + 0.5) / (rows + 1)) if len(group) else rows
    for _ in range(ROUNDS if len(suspects) else 0):
        odds = rates.log_odds(suspects)
        right = np.logaddexp(0, np.logaddexp.reduce(odds, axis=1))
        wrong = np.exp(odds - right[:, None])  # (m, K)
        counts = np.stack(
            [np.bincount(suspects.columns, weights=w, minlength=width) for w in wrong.T], axis=1
        )
        new = (counts.sum(0) + weight * prior) / (cells + weight)
        new = np.clip(new, LEAST, MOST / len(prior))
        of_columns = (counts + ALIKE) / (known[:, None] + ALIKE / new)
        of_columns = np.clip(of_columns, LEAST, MOST_OF_COLUMN)
        of_columns /= np.maximum(of_columns.sum(1) / MOST, 1.0)[:, None]
        seen = np.log((np.bincount(group, weights=np.exp(-right))[group] + 0.5) / (rows + 1))
        more = np.where(group > 0, np.maximum(supposed - seen, 0.0), 0.0)[:, None] * AS_WRITTEN
        done = np.abs(of_columns - rates.of_columns).max() < CHANGE
        rates = Rates(new, of_columns, more)
        if done:
            break
    return rates
