"""Cells that are unlikely given the rest of their row, and how likely each mistake makes them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import torch

from chainrule.conditionals import Distribution
from chainrule.mistakes import (
    MISTAKES,
    AbstractRandom,
    AbstractReplacement,
    AbstractUndo,
    AnotherRow,
    BrokenRelation,
    Exchanged,
    Misspelt,
    NoneOfThese,
    RowAbove,
)
from chainrule.networks import AbstractNetwork
from chainrule.table import Schema, log_outside
from chainrule.table.codes import Codes
from chainrule.table.values.cells import is_observed
from chainrule.tasks.answer import Batch
from chainrule.tasks.each_cell import each_cell
from chainrule.tasks.proofreading.cells import NEVER, ColumnCells

UNLIKELY = 3.0  # nats by which a suspect is less likely than the likeliest value of its cell
# Probability of a number as far out on its side, below which it is suspect: on a log scale, a broad
# tail is dense and still far out.
FAR_OUT = 0.05
# Share of right cells that follow their column alone, whatever a network says of them. It bounds
# the harm of a network that is too sure.
BACKGROUND = 0.01  # of numbers and dates
LOG_BEYOND_OTHERS = float(np.log(4.0))  # most by which a column exceeds its wide distribution
LOG_OTHER_KIND = float(np.log(0.01))  # share of text among numbers that is right
LOG_RARE = float(np.log(0.02))  # mass below which a value that a mistake always writes is suspect


@dataclass(frozen=True)
class Suspects:
    """m cells, and the K kinds of mistake that could have made them.

    Attributes:
        rows, columns: where they are, int64 (m,).
        log_ratio: log Σ_u m(u) q_k(v | u) − log m(v), (m, K), where m is the mass of a rounding
            cell given the other known cells of the row.
        originals: the code (m, K) of the likeliest original of each kind; NaN without one.
        log_share: log of that original's share (m, K) in the sum.
        manner: how its number is written (m,); see ``written``.
    """

    rows: np.ndarray
    columns: np.ndarray
    log_ratio: np.ndarray
    originals: np.ndarray
    log_share: np.ndarray
    manner: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """The suspects of several parts, in their order; of no part, none."""
        kinds = len(MISTAKES)
        none, table = np.zeros(0, np.int64), np.zeros((0, kinds))
        nothing = none, none, table, table, table, none
        fields = zip(nothing, *(each.fields() for each in parts), strict=True)
        return cls(*(np.concatenate(each) for each in fields))

    def fields(self) -> tuple[np.ndarray, ...]:
        """All arrays, in the order of the constructor."""
        where = self.rows, self.columns
        return *where, self.log_ratio, self.originals, self.log_share, self.manner

    def take(self, which: np.ndarray) -> Suspects:
        """Selects suspects by number or mask."""
        return Suspects(*(each[which] for each in self.fields()))


@dataclass(frozen=True)
class Judges:
    """Networks that judge the rows of a table, each its own share.

    Attributes:
        batches: the same rows for each network; models share a schema.
        fold: the number of the network that judges each row, int64 (n,).
    """

    batches: tuple[Batch, ...]
    fold: np.ndarray

    @classmethod
    def of(cls, batch: Batch, networks: Sequence[AbstractNetwork], fold: np.ndarray) -> Self:
        """Judges of a batch's rows, by networks in float64."""
        return cls(tuple(replace(batch, network=network) for network in networks), fold)

    @property
    def codes(self) -> Codes:
        """The codes of the n rows."""
        return self.batches[0].codes

    @property
    def schema(self) -> Schema:
        """The columns of all networks."""
        return self.batches[0].model.schema

    def each(self, rows: np.ndarray) -> Iterator[tuple[Batch, np.ndarray]]:
        """Yields the batch of each network that judges some of these rows, and their places."""
        for number, batch in enumerate(self.batches):
            places = np.flatnonzero(self.fold[rows] == number)
            if len(places):
                yield batch, places


def hidden_from(batch: Batch, hidden: np.ndarray) -> Batch:
    """The batch whose conditionals do not read some cells, bool (n, D)."""
    codes = batch.codes
    return replace(batch, codes=Codes(codes.values, codes.observed & ~hidden, codes.outside))


def find_suspects(
    judges: Judges, cells: Sequence[ColumnCells | None], at: np.ndarray, hidden: np.ndarray
) -> Suspects:
    """The suspects of some rows, each judged given the cells of its row that are not hidden.

    One pass through the network serves all mistakes.

    Args:
        judges: of all rows.
        cells: the cells of each column.
        at: numbers of the rows to judge, ascending.
        hidden: the cells that are not evidence for others, bool (n, D); they are judged as well.
    """
    parts = [_found(batch, cells, at[places], hidden) for batch, places in judges.each(at)]
    return Suspects.joined(parts)


def _found(
    batch: Batch, cells: Sequence[ColumnCells | None], at: np.ndarray, hidden: np.ndarray
) -> Suspects:
    """The suspects of some rows, by one network."""
    some = batch.take(at)
    x = some.network.columns.filled(some.x, some.observed)
    unusual = np.stack(
        [np.zeros(len(at), bool) if c is None else c.is_unusual[at] for c in cells], axis=1
    )
    exact, unit = np.zeros(unusual.shape, bool), np.zeros(unusual.shape)
    has_mass = np.zeros(unusual.shape, bool)
    for k, each in enumerate(cells):
        if each is not None:
            exact[:, k] = each.is_exact[at]
            unit[:, k] = each.log_own[at]
            has_mass[:, k] = each.column.is_mass(each.codes[at])
    asked = some.codes.observed_or_outside.copy()
    asked[:, [c is None for c in cells]] = False
    waiting: dict[int, list[tuple[np.ndarray, np.ndarray, Distribution]]] = {}

    def of(row: np.ndarray, column: np.ndarray, distribution: Distribution) -> None:
        own = distribution.log_prob(x[row, column])
        peak = distribution.log_prob(distribution.mode())
        suspect = ((peak - own) > UNLIKELY).cpu().numpy() | unusual[row, column]
        if distribution.conditional.is_ordered:
            at_value = torch.where(
                torch.from_numpy(has_mass[row, column]).to(own.device), own.exp(), 0
            )
            upto = distribution.cdf(x[row, column])
            tail = torch.minimum(upto, 1 - upto + at_value)
            suspect |= (tail < FAR_OUT).cpu().numpy()
        mass = own.cpu().numpy() + unit[row, column]
        suspect |= exact[row, column] & (mass < LOG_RARE)
        for number in np.unique(column[suspect]).tolist():
            which = np.flatnonzero(suspect & (column == number))
            waiting.setdefault(number, []).append(
                (row[which], own.cpu().numpy()[which], distribution.take(which))
            )

    each_cell(hidden_from(some, hidden[at]), asked, of, "proofreading")
    log_beyond, parts = log_outside(batch.model.schema), []
    for number, found in sorted(waiting.items()):
        rows = np.concatenate([each[0] for each in found])
        own = np.concatenate([each[1] for each in found])
        column = cells[number]
        assert column is not None
        distribution = _joined([each[2] for each in found])
        parts.append(_judged(column, number, at[rows], own, distribution, log_beyond[number]))
    return Suspects.joined(parts)


def _joined(parts: Sequence[Distribution]) -> Distribution:
    return replace(
        parts[0],
        params=torch.cat([each.params for each in parts]),
        log_weight=torch.cat([each.log_weight for each in parts]),
    )


def _judged(
    cells: ColumnCells,
    number: int,
    rows: np.ndarray,
    own: np.ndarray,
    distribution: Distribution,
    log_beyond: float,
) -> Suspects:
    """Suspects of one column in some rows, from log p of their codes (m,) and distributions."""
    own, codes = own + cells.log_own[rows], cells.codes[rows]
    ending = cells.log_width[rows][:, None]
    own = _with_endings(cells, codes[:, None], own[:, None], ending, distribution)[:, 0]
    log_right = own + np.log1p(-np.exp(log_beyond))
    beyond = cells.outside[rows]
    wide = cells.log_shares[NoneOfThese.name][rows]
    if cells.holds == "labels":
        usual = cells.log_usual_label[rows]
    else:  # beyond all other values, their density says nothing
        usual = np.minimum(cells.log_shares[AnotherRow.name][rows], wide + LOG_BEYOND_OTHERS)
        usual = usual + np.log(BACKGROUND)
    # A relation that the rows keep is no matter of a network's certainty.
    usual = np.where(cells.log_shares[BrokenRelation.name][rows] > NEVER, NEVER, usual)
    other_kind = LOG_OTHER_KIND * ~is_observed(cells.values[rows])  # text among numbers or dates
    log_right = log_right + cells.log_written[rows]
    log_right = np.logaddexp(log_right, usual)
    log_right = np.where(beyond, log_beyond + wide + other_kind, log_right)
    shape = len(rows), len(MISTAKES)
    log_wrong, originals = np.full(shape, NEVER), np.full(shape, np.nan)
    log_share = np.full(shape, NEVER)
    for k, mistake in enumerate(MISTAKES):
        if cells.holds not in mistake.holds or isinstance(mistake, Exchanged):
            continue
        if isinstance(mistake, AbstractUndo):
            log_wrong[:, k], originals[:, k], log_share[:, k] = _undone(
                mistake, cells, rows, distribution
            )
            if isinstance(mistake, Misspelt):
                log_wrong[:, k] = np.logaddexp(log_wrong[:, k], own + cells.log_mistyped[rows])
        elif isinstance(mistake, AbstractRandom):
            log_wrong[:, k] = _moved(mistake, cells, rows, distribution)
        elif isinstance(mistake, AbstractReplacement):
            others = np.log1p(-np.exp(np.minimum(log_right, -1e-9)))  # an original differs from v
            log_wrong[:, k] = cells.log_shares[mistake.name][rows] + others
    log_right = _with_repeats(cells, rows, log_right)
    with np.errstate(invalid="ignore"):
        ratio = np.where(log_wrong == NEVER, NEVER, log_wrong - log_right[:, None])
    return Suspects(
        rows, np.full(len(rows), number), ratio, originals, log_share, cells.manner[rows]
    )


def _with_repeats(cells: ColumnCells, rows: np.ndarray, log_right: np.ndarray) -> np.ndarray:
    """log of the probabilities (m,) of right cells, some of which repeat the row above.

    Neighbouring rows may be related in a way that a network does not know: a table may be sorted.
    """
    repeats = cells.log_shares[RowAbove.name][rows]
    return np.logaddexp(log_right, repeats + np.log(cells.share_repeated))


def _with_endings(
    cells: ColumnCells,
    codes: np.ndarray,
    log_mass: np.ndarray,
    log_width: np.ndarray,
    distribution: Distribution,
) -> np.ndarray:
    """log of the mass of rounding cells (m, C), half of it by the coarse cells around them.

    That half is the mass of the coarse cell times the share of the ending. The other half is the
    density times the width, and at most the mass of the coarse cell.

    Args:
        cells: the cells of the column.
        codes: codes of the numbers.
        log_mass: log of the density at each number times its width.
        log_width: log of that width.
        distribution: of the m cells.
    """
    if cells.endings is None or not cells.endings.count:
        return log_mass
    (low, high), is_mass = cells.around(codes)
    ends = [torch.from_numpy(each).to(distribution.params.device) for each in (low, high)]
    pairs = zip(*(each.unbind(1) for each in ends), strict=True)
    between = [distribution.cdf(b) - distribution.cdf(a) for a, b in pairs]
    inside = np.log(np.clip(torch.stack(between, dim=1).cpu().numpy(), 1e-300, 1.0))
    share = log_width - np.log(cells.endings.coarse_width)
    both = np.logaddexp(np.minimum(log_mass, inside), inside + share) - np.log(2.0)
    return np.where(is_mass, log_mass, both)


def _undone(
    mistake: AbstractUndo, cells: ColumnCells, rows: np.ndarray, distribution: Distribution
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """log Σ_u m(u) q(v | u) (m,), the code of its largest term, and log of that term's share."""
    values, log_q = mistake.originals(cells.values[rows], cells.form)
    log_q = log_q / cells.repeats[rows][:, None]  # equal labels share the probability
    codes = cells.codes_of(values)  # (m, C)
    exists = np.isfinite(codes) & (log_q > NEVER) & (codes != cells.codes[rows][:, None])
    if not exists.any():
        nothing = np.full(len(rows), NEVER)
        return nothing, np.full(len(rows), np.nan), nothing
    filled = np.where(exists, codes, cells.codes[rows][:, None])
    some = exists.any(1)
    of_some = distribution.take(np.flatnonzero(some))
    logs = np.full(codes.shape, NEVER)
    grid = torch.from_numpy(filled[some]).to(distribution.params.device)
    width = cells.log_width_at(filled[some], rows[some])
    masses = of_some.log_prob_grid(grid).cpu().numpy() + cells.log_scale(filled[some], width)
    logs[some] = _with_endings(cells, filled[some], masses, width, of_some)
    terms = np.where(exists, logs + log_q, NEVER)
    total = np.logaddexp.reduce(terms, axis=1)
    best = terms.argmax(1)
    each = np.arange(len(rows))
    with np.errstate(invalid="ignore"):
        share = np.where(total == NEVER, NEVER, terms[each, best] - total)
    return total, np.where(total == NEVER, np.nan, codes[each, best]), share


def _moved(
    mistake: AbstractRandom, cells: ColumnCells, rows: np.ndarray, distribution: Distribution
) -> np.ndarray:
    """log Σ_u m(u) q(v | u) (m,): the density of v − u is constant on intervals of u."""
    ends, density = mistake.pieces()
    values, spread = cells.values[rows], cells.form.spread
    known = np.isfinite(values)
    at = np.where(known, values, 0.0)[:, None] - ends[::-1] * spread  # (m, P + 1), ascending
    found = cells.codes_at(np.clip(at, *cells.bounds))  # clipped to the bounds, all have codes
    found = np.where(np.isfinite(found), found, 0.0)
    points = torch.from_numpy(found).to(distribution.params.device)
    below = torch.stack([distribution.cdf(each) for each in points.unbind(1)], dim=1)
    mass = np.diff(below.cpu().numpy(), axis=1).clip(0) @ density[::-1]
    width = cells.log_anew[rows]
    with np.errstate(divide="ignore"):
        return np.where(known, np.log(mass) + width - np.log(spread), NEVER)
