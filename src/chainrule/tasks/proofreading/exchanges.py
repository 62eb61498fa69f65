"""Pairs of cells of a row that may have been exchanged: the row with both undone is scored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import torch

from chainrule.mistakes import MISTAKES, Exchanged
from chainrule.tasks.answer import Batch
from chainrule.tasks.proofreading.cells import NEVER, ColumnCells
from chainrule.tasks.proofreading.suspects import Judges, Suspects, hidden_from

MOST = 4  # suspects of a row among which pairs are tried
KIND = next(k for k, mistake in enumerate(MISTAKES) if isinstance(mistake, Exchanged))


@dataclass(frozen=True)
class Pairs:
    """Pairs of suspects by their numbers (p,), and the codes that each would get, (p,)."""

    first: np.ndarray
    second: np.ndarray
    first_code: np.ndarray
    second_code: np.ndarray

    def __len__(self) -> int:
        return len(self.first)

    def take(self, which: np.ndarray) -> Pairs:
        """Selects pairs by number or mask."""
        codes = self.first_code[which], self.second_code[which]
        return Pairs(self.first[which], self.second[which], *codes)


def with_exchanges(
    judges: Judges,
    cells: Sequence[ColumnCells | None],
    suspects: Suspects,
    total: np.ndarray,
    hidden: np.ndarray,
) -> Suspects:
    """The suspects with log ratios of exchanges: p(row with both undone) / p(row), for pairs.

    The ratio of a cell is less the odds of its partner's other mistakes, if these are above 1.

    Args:
        judges: of all rows.
        cells: the cells of each column.
        suspects: the m suspects.
        total: log of the odds (m,) that each is wrong.
        hidden: the cells (n, D) that are no evidence.
    """
    pairs = _pairs(cells, suspects, total)
    if not len(pairs):
        return suspects
    gain = np.full(len(pairs), NEVER)
    for batch, places in judges.each(suspects.rows[pairs.first]):
        gain[places] = _gains(batch, cells, suspects, pairs.take(places), hidden)
    ratio, originals = suspects.log_ratio.copy(), suspects.originals.copy()
    log_share = suspects.log_share.copy()
    ways = (
        (pairs.first, pairs.second, pairs.first_code),
        (
            pairs.second,
            pairs.first,
            pairs.second_code,
        ),
    )
    for own, other, code in ways:
        of_own = gain - np.maximum(total[other], 0)
        order = np.argsort(of_own, kind="stable")  # the best pair of a cell is written last
        ratio[own[order], KIND] = of_own[order]
        originals[own[order], KIND], log_share[own[order], KIND] = code[order], 0.0
    return Suspects(suspects.rows, suspects.columns, ratio, originals, log_share, suspects.manner)


def _pairs(cells: Sequence[ColumnCells | None], suspects: Suspects, total: np.ndarray) -> Pairs:
    """Pairs of the likeliest suspects of each row, whose columns hold each other's numbers."""
    numbers = np.array([c is not None and c.holds == "numbers" for c in cells])
    usable = np.flatnonzero(numbers[suspects.columns])
    order = usable[np.lexsort((-total[usable], suspects.rows[usable]))]
    rows = suspects.rows[order]
    rank = np.arange(len(order)) - np.searchsorted(rows, rows)
    tried = [
        (order[a], order[b])
        for first, second in combinations(range(MOST), 2)
        for a, b in _of_ranks(rows, rank, first, second)
    ]
    if not tried:
        return Pairs(*(np.zeros(0, np.int64),) * 2, *(np.zeros(0),) * 2)
    first, second = np.array(tried).T
    found = Pairs(
        first, second, _exchanged(cells, suspects, first, second),
        _exchanged(cells, suspects, second, first),
    )  # fmt: skip
    fits = np.isfinite(found.first_code) & np.isfinite(found.second_code)
    return found.take(fits)


def _of_ranks(rows: np.ndarray, rank: np.ndarray, first: int, second: int) -> np.ndarray:
    """Places (p, 2) of the suspects of these ranks in rows that have both."""
    a, b = np.flatnonzero(rank == first), np.flatnonzero(rank == second)
    both = np.isin(rows[a], rows[b])
    return np.stack([a[both], b], axis=1)


def _exchanged(
    cells: Sequence[ColumnCells | None], suspects: Suspects, into: np.ndarray, of: np.ndarray
) -> np.ndarray:
    """Codes (p,) that some suspects' columns give to the values of others; NaN where none."""
    found = np.full(len(into), np.nan)
    targets, sources = suspects.columns[into], suspects.columns[of]
    for target, source in set(zip(targets.tolist(), sources.tolist(), strict=True)):
        which = np.flatnonzero((targets == target) & (sources == source))
        to, source_cells = cells[target], cells[source]
        assert to is not None
        assert source_cells is not None
        found[which] = to.codes_of(source_cells.values[suspects.rows[of[which]]])
    return found


def _gains(
    batch: Batch,
    cells: Sequence[ColumnCells | None],
    suspects: Suspects,
    pairs: Pairs,
    hidden: np.ndarray,
) -> np.ndarray:
    """log p(row with both undone) − log p(row), (p,), given the cells that are not hidden."""
    rows, each = suspects.rows[pairs.first], np.arange(len(pairs))
    evidence = hidden[rows].copy()
    columns = suspects.columns[pairs.first], suspects.columns[pairs.second]
    for column in columns:
        evidence[each, column] = False
    some = hidden_from(batch.take(rows), evidence)
    undone, observed = some.x.clone(), some.observed.clone()
    before, after = np.zeros(len(pairs)), np.zeros(len(pairs))
    for column, codes in zip(columns, (pairs.first_code, pairs.second_code), strict=True):
        undone[each, column] = torch.from_numpy(codes).to(undone)
        observed[each, column] = True
        for number in np.unique(column).tolist():
            of, which = cells[number], np.flatnonzero(column == number)
            assert of is not None
            after[which] += of.log_unit(codes[which], rows[which])
            at = rows[which]
            beyond = np.where(of.outside[at], np.log(of.column.outside_share), 0.0)
            before[which] += of.log_own[at] + of.log_written[at] + beyond
    with torch.no_grad():
        own = some.network.log_prob(some.x, some.observed).cpu().numpy()
        found = some.network.log_prob(undone, observed).cpu().numpy()
    gain = found + after - own - before
    return np.where(np.isfinite(gain), gain, NEVER)
