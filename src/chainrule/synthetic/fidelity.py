"""The distances of all columns and pairs of columns of two tables."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import numpy as np

from chainrule.synthetic.bins import Overlap, accuracy, binned, some_triples
from chainrule.synthetic.distances import (
    contingency_similarity,
    correlation_similarity,
    in_bins,
    ks_complement,
    tv_complement,
)
from chainrule.synthetic.result import Accuracy, ColumnQuality, Fidelity, PairQuality
from chainrule.synthetic.tables import Column


def fidelity(
    columns: tuple[Column, ...],
    real: np.ndarray,
    synthetic: np.ndarray,
    like: np.ndarray,
    seed: int,
    advance: Callable[[], None],
) -> Fidelity:
    """How near a table is to the real one.

    A column of missing cells alone, where real ones are known, has the shape 0, and so have its
    trends with other columns of numbers.

    Args:
        columns: D columns.
        real, synthetic: rows (N, D) and (M, D) as numbers.
        like: the real rows that decide the accuracy in bins: with held-out rows, since mostlyai-qa
            counts these as real ones.
        seed: of the sample of sets of three columns, if there are more than ten thousand.
        advance: called three times.
    """
    bins, is_lost = binned(columns, like, synthetic), _lost(real, synthetic)
    one = [accuracy(bins, (k,)) for k in range(len(columns))]
    found = tuple(
        ColumnQuality(
            column.name,
            column.kind,
            0.0 if is_lost[k] else _shape(column, real[:, k], synthetic[:, k]),
            *one[k],
        )
        for k, column in enumerate(columns)
    )
    advance()
    discrete = [
        [part[:, k] if column.is_label else in_bins(part[:, k]) for k, column in enumerate(columns)]
        for part in (real, synthetic)
    ]
    pairs, two = [], []
    for j, k in combinations(range(len(columns)), 2):
        if columns[j].is_label or columns[k].is_label:
            parts = [np.stack([part[j], part[k]], axis=1) for part in discrete]
            trend = contingency_similarity(parts[0], parts[1])
        else:
            trend = correlation_similarity(real[:, [j, k]], synthetic[:, [j, k]])
            if is_lost[j] or is_lost[k]:
                trend = 0.0, trend[1]
        two.append(accuracy(bins, (j, k)))
        pairs.append(PairQuality(columns[j].name, columns[k].name, *trend, *two[-1]))
    advance()
    triples = some_triples(len(columns), np.random.default_rng((seed, 40)))
    three = [accuracy(bins, triple) for triple in triples]
    advance()
    return Fidelity(
        shapes=_mean([column.shape for column in found]) or 0.0,
        trends=_mean([pair.trend for pair in pairs]),
        associated_trends=_mean([pair.trend for pair in pairs if pair.associated]),
        accuracy=_accuracy(one, two, three),
        columns=found,
        pairs=tuple(pairs),
    )


def doubtful_pairs(found: Fidelity, most: int) -> list[tuple[str, str]]:
    """The pairs whose accuracy misses the expected one by more than each of their columns does.

    They are those of the largest difference, at most so many.
    """
    short = {column.name: column.expected - column.accuracy for column in found.columns}
    more = {
        (pair.first, pair.second): pair.expected
        - pair.accuracy
        - max(short[pair.first], short[pair.second])
        for pair in found.pairs
    }
    ranked = sorted(more, key=lambda pair: -more[pair])
    return [pair for pair in ranked[:most] if more[pair] > 0]


def _lost(real: np.ndarray, synthetic: np.ndarray) -> np.ndarray:
    """Marks the columns (D,) of which one of the tables has known cells, and the other none."""
    has_some = [(~np.isnan(part)).any(axis=0) for part in (real, synthetic)]
    return has_some[0] != has_some[1]


def _shape(column: Column, real: np.ndarray, synthetic: np.ndarray) -> float:
    return (tv_complement if column.is_label else ks_complement)(real, synthetic)


def _accuracy(one: list[Overlap], two: list[Overlap], three: list[Overlap]) -> Accuracy:
    """The means; each number of columns has the same weight in the overall mean."""
    found = [_mean([each.found for each in part]) for part in (one, two, three)]
    expected = [_mean([each.expected for each in part]) for part in (one, two, three)]
    means = [np.mean([mean for mean in part if mean is not None]) for part in (found, expected)]
    assert found[0] is not None, "there is a column"
    return Accuracy(found[0], found[1], found[2], float(means[0]), float(means[1]))


def _mean(figures: list[float]) -> float | None:
    """The mean of those that are defined; None if none is."""
    known = [figure for figure in figures if not np.isnan(figure)]
    return float(np.mean(known)) if known else None
