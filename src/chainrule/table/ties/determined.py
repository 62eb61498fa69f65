"""Columns that determine others: each level of the one has one value of the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from chainrule.table.ties.evidence import LEAST_SHARE, exceeds
from chainrule.table.ties.functional import UNKNOWN, FunctionalTie
from chainrule.table.ties.sheet import Sheet, Variable

MOST_LEVELS = 2**14  # codes of a column that determines another, from 0 on
LEAST_OF_LEVEL = 0.8  # share of the rows of a level with its usual value; other levels have none
LEAST_MAPPED = 0.8  # share of the rows whose level has a usual value
LIKELY, LIKELY_GAIN = 0.94, 0.6  # what a sample must show of a pair tried on all rows
LARGEST_TABLE = 10**5  # pairs of codes that are counted without a look at which occur
ROWS_OF_VALUE = 30  # least number of rows, of all levels, with one value of the target
ROWS_OF_LEVEL = 10  # least mean number of rows of a level


def determined(
    sheet: Sheet, sample: Sheet, *, min_count: int, skip: Callable[[int, int], bool]
) -> Iterator[FunctionalTie]:
    """Pairs of columns of which the first determines the second in nearly all rows.

    A level of the source is listed with its usual value in the target if ``min_count`` rows have
    both.

    Args:
        sheet: the rows.
        sample: some of them; pairs that are no tie there are not tried on all.
        min_count: number of rows of a level and its value.
        skip: whether a pair of columns, by their numbers, is tied already.
    """
    listed = [each for each in sheet.variables if each.is_list and _is_listed(sheet, each)]
    for source in listed:
        for target in listed:
            if source is target or skip(source.number, target.number):
                continue
            if is_likely(sample, source, target):
                tie = confirmed_level(sheet, source, target, min_count)
                if tie is not None:
                    yield tie


def _is_listed(sheet: Sheet, variable: Variable) -> bool:
    """Whether a column has few enough codes, from 0 on, each in enough rows on average."""
    codes = sheet.codes[:, variable.number]
    known = codes[~np.isnan(codes)]
    different = sheet.different[variable.number]
    return bool(
        1 < different <= len(known) / ROWS_OF_LEVEL
        and known.min() >= 0
        and known.max() < MOST_LEVELS
    )


@dataclass(frozen=True)
class Counts:
    """How often pairs of codes occur.

    Attributes:
        most: the code of the target that is the most frequent one for each level (S,) of the
            source.
        rows: the number of rows of each level.
        agreeing: the number of these with the most frequent code.
    """

    most: np.ndarray
    rows: np.ndarray
    agreeing: np.ndarray

    @classmethod
    def of(cls, source: np.ndarray, target: np.ndarray) -> Counts:
        """Counts known codes (n,), whole and from 0 on."""
        width = int(target.max()) + 1
        pairs, counts = np.unique(
            source.astype(np.int64) * width + target.astype(np.int64), return_counts=True
        )
        levels, codes = np.divmod(pairs, width)
        order = np.lexsort((codes, -counts, levels))
        firsts = order[np.unique(levels[order], return_index=True)[1]]
        size = int(levels.max()) + 1
        most, agreeing = np.full(size, UNKNOWN), np.zeros(size, dtype=np.int64)
        most[levels[firsts]], agreeing[levels[firsts]] = codes[firsts], counts[firsts]
        return cls(most, np.bincount(levels, counts, size).astype(np.int64), agreeing)


def is_likely(sample: Sheet, source: Variable, target: Variable) -> bool:
    """Whether the levels of the source explain much of the target in some rows."""
    known = sample.known[:, source.number] & sample.known[:, target.number]
    levels, codes = (sample.codes[known, each.number].astype(np.int64) for each in (source, target))
    if not len(codes):
        return False
    rows, columns = int(levels.max()) + 1, int(codes.max()) + 1
    if rows * columns > LARGEST_TABLE:
        levels, codes = (np.unique(each, return_inverse=True)[1] for each in (levels, codes))
        rows, columns = int(levels.max()) + 1, int(codes.max()) + 1
    table = np.bincount(levels * columns + codes, minlength=rows * columns).reshape(rows, columns)
    usual = table.sum(axis=0).max() / len(codes)
    share = table.max(axis=1).sum() / len(codes)
    return bool(share >= LIKELY and share - usual >= LIKELY_GAIN * (1 - usual) and usual < 1)


def _counts(sheet: Sheet, source: Variable, target: Variable) -> Counts | None:
    known = sheet.known[:, [source.number, target.number]].all(axis=1)
    codes = sheet.codes[known][:, [source.number, target.number]]
    return Counts.of(*codes.T) if len(codes) else None


def confirmed_level(
    sheet: Sheet, source: Variable, target: Variable, min_count: int
) -> FunctionalTie | None:
    """The tie of a source that determines a target in nearly all rows; None if it does not."""
    counts = _counts(sheet, source, target)
    if counts is None:
        return None
    enough = counts.agreeing >= min_count
    frequent = counts.rows >= min_count
    mapped = enough & (counts.agreeing >= LEAST_OF_LEVEL * counts.rows)
    # Levels of a rare value agree by chance: eight rows without an exception show no rule.
    known, agreeing = np.flatnonzero(mapped), counts.agreeing
    of_value = np.bincount(counts.most[known], agreeing[known])
    mapped[known] = of_value[counts.most[known]] >= max(ROWS_OF_VALUE, min_count)
    rows, agreeing = int(counts.rows[mapped].sum()), int(counts.agreeing[mapped].sum())
    levels = np.where(mapped, counts.most, UNKNOWN)
    if rows < LEAST_MAPPED * counts.rows[frequent].sum() or len(set(levels[mapped].tolist())) < 2:
        return None
    if rows < ROWS_OF_LEVEL * mapped.sum() or agreeing < LEAST_SHARE * rows:
        return None
    if not exceeds(agreeing / rows, _chance(sheet, source, target, levels), rows):
        return None
    return FunctionalTie(
        source.number,
        target.number,
        tuple(levels[: np.flatnonzero(mapped)[-1] + 1].tolist()),  # no code of fewer rows
        agreeing / rows,
        f"{source.name} determines {target.name}",
    )


def _chance(sheet: Sheet, source: Variable, target: Variable, levels: np.ndarray) -> float:
    """The share of rows that the most frequent codes explain if the target is permuted.

    The codes of the levels, or the most frequent ones after the permutation.
    """
    rng = np.random.default_rng(0)
    known = np.flatnonzero(sheet.known[:, [source.number, target.number]].all(axis=1))
    codes = sheet.codes[known][:, [source.number, target.number]]
    mixed = rng.permutation(codes[:, 1])
    counts = Counts.of(codes[:, 0], mixed)
    guessed = levels[codes[:, 0].astype(np.int64)] == mixed
    return max(float(counts.agreeing.sum() / counts.rows.sum()), float(guessed.mean()))
