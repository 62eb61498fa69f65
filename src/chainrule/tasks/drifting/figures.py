"""The figures of a sample of rows, with which another sample is compared.

They are means of bounded scores, correlations and counts. A model file keeps those of held-out
rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from chainrule.conditionals import Distribution
from chainrule.errors import FormatError
from chainrule.table import Schema, masses
from chainrule.table.columns.disclosure import is_of_few
from chainrule.tasks.answer import Batch
from chainrule.tasks.drifting.scales import LevelScale, NumberScale, Scales
from chainrule.tasks.each_cell import each_cell
from chainrule.tasks.explain import bits_of

MOST_BITS = 12.0  # of a cell's surprise: rarer values count as equally rare
FEWEST = 20  # rows of a mean, so that its distribution is nearly normal
LEVEL_ROWS = 10  # rows that a label is expected to have in the sample, to be counted by name
TOGETHER = 16  # pairs of columns whose correlations are computed together
DIGITS = 6
MEANS = ("location", "spread", "surprise")


@dataclass(frozen=True)
class Cells:
    """What is known of the cells of n rows.

    Attributes:
        scores: of ``Scales``, (n, D); NaN where unknown.
        bits: the surprise of each cell given the rest of its row, (n, D), at most ``MOST_BITS``;
            NaN where unknown, not listed or not asked.
        codes: (n, D), NaN where unknown.
        outside: the cells that their columns cannot hold, bool (n, D).
    """

    scores: np.ndarray
    bits: np.ndarray
    codes: np.ndarray
    outside: np.ndarray

    @classmethod
    def of(cls, rows: Batch, scales: Scales, asked: np.ndarray | None = None) -> Cells:
        """Returns what is known of the cells of a batch.

        Args:
            rows: the batch.
            scales: the scales of its model.
            asked: numbers of the rows whose surprise is computed; by default all.
        """
        codes, shape = rows.codes, rows.codes.values.shape
        bits = np.full(shape, np.nan)
        if rows.model.any_evidence:
            asked = np.arange(len(codes)) if asked is None else asked
            bits[asked] = np.minimum(surprise(rows.take(asked)), MOST_BITS)
            bits[~codes.observed] = np.nan
            for k, column in enumerate(rows.model.schema.columns):
                bits[column.is_unlisted(codes.values[:, k]) | column.is_flag, k] = np.nan
        scores = scales(codes.values, codes.observed)
        return cls(scores, bits, np.where(codes.observed, codes.values, np.nan), codes.outside)

    def take(self, rows: np.ndarray) -> Cells:
        """Selects rows."""
        return Cells(self.scores[rows], self.bits[rows], self.codes[rows], self.outside[rows])

    def __len__(self) -> int:
        return len(self.scores)


def surprise(rows: Batch) -> np.ndarray:
    """Returns −log2 of each cell's tail probability given the rest of its row, (n, D) bits.

    The tail of a label is the probability of labels at most as likely. That of a number is twice
    the smaller one of the probabilities of values up to it and from it on, which costs much less
    than all values at most as likely. Other cells have NaN.
    """
    bits = np.full(rows.codes.values.shape, np.nan)
    x = rows.network.columns.filled(rows.x, rows.observed)
    has_mass = torch.from_numpy(masses(rows.model.schema, rows.codes.values)).to(x.device)

    def of(row: np.ndarray, column: np.ndarray, distribution: Distribution) -> None:
        cells, own = x[row, column], has_mass[row, column]
        if distribution.conditional.is_listed or not distribution.conditional.is_ordered:
            bits[row, column], _ = bits_of(distribution, cells, own)
            return
        mass = torch.where(own, distribution.log_prob(cells).exp(), 0)
        upto = distribution.cdf(cells)
        tail = 2 * torch.minimum(upto, 1 - upto + mass)
        bits[row, column] = -tail.clamp(2.0**-MOST_BITS, 1).log2().cpu().numpy()

    each_cell(rows, rows.codes.observed, of, "comparing")
    return bits


@dataclass(frozen=True)
class Figure:
    """Estimates of one kind, for each column or each pair.

    Attributes:
        count: the rows of each estimate, (F,).
        value: the estimates, (F,); NaN where there is none.
        variance: of a row's influence on each, (F,).
    """

    count: np.ndarray
    value: np.ndarray
    variance: np.ndarray

    def to_json(self) -> dict[str, Any]:
        """The fields as a JSON object; null for no estimate."""
        return {
            "count": self.count.tolist(),
            "value": _as_json(self.value),
            "variance": _as_json(self.variance),
        }

    @classmethod
    def from_json(cls, spec: Mapping[str, Any], size: int) -> Figure:
        """Returns the estimates that ``to_json`` described."""
        count = np.asarray(spec["count"], dtype=np.int64)
        found = cls(count, _from_json(spec["value"]), _from_json(spec["variance"]))
        if (
            not all(each.shape == (size,) for each in (found.count, found.value, found.variance))
            or (found.count < 0).any()
        ):
            raise FormatError(f"figures of {size} columns or pairs have other shapes")
        return found


@dataclass(frozen=True)
class Sample:
    """The figures of a sample of rows.

    Attributes:
        rows: number of rows.
        known: for each column, the number of cells that are not missing, (D,).
        outside: for each column, the number of cells that it cannot hold, (D,).
        unlisted: for each column, the number of labels that it does not list, (D,).
        levels: for each column, the rows of some codes, by code; the rows of all others are not
            told apart.
        means: ``location`` (mean score), ``spread`` (mean squared score) and ``surprise`` (mean
            bits) of the columns.
        dependence: the correlations of the pairs' scores.
    """

    rows: int
    known: np.ndarray
    outside: np.ndarray
    unlisted: np.ndarray
    levels: tuple[Mapping[int, int], ...]
    means: Mapping[str, Figure]
    dependence: Figure

    @classmethod
    def of(cls, cells: Cells, schema: Schema, scales: Scales, *, min_count: int = 0) -> Sample:
        """Returns the figures of rows.

        Args:
            cells: what is known of their cells.
            schema: the columns.
            scales: the scales of the model.
            min_count: an estimate is left out if fewer rows make more than half of its variance,
                and a label if it has fewer rows.
        """
        observed = ~np.isnan(cells.codes)
        means = {name: _means(each, min_count) for name, each in of_columns(cells, scales)}
        unlisted = [
            int(column.is_unlisted(cells.codes[observed[:, k], k]).sum())
            for k, column in enumerate(schema.columns)
        ]
        return cls(
            len(cells),
            (observed | cells.outside).sum(0),
            cells.outside.sum(0),
            np.array(unlisted, dtype=np.int64),
            tuple(
                _levels(scale, cells.codes[observed[:, k], k], min_count)
                for k, scale in enumerate(scales.columns)
            ),
            means,
            _correlations(cells, scales.pairs, min_count),
        )

    def to_json(self) -> dict[str, Any]:
        """The fields as a JSON object."""
        return {
            "rows": self.rows,
            "known": self.known.tolist(),
            "outside": self.outside.tolist(),
            "unlisted": self.unlisted.tolist(),
            "levels": [{str(k): n for k, n in each.items()} for each in self.levels],
            **{name: figure.to_json() for name, figure in self.means.items()},
            "dependence": self.dependence.to_json(),
        }

    @classmethod
    def from_json(cls, spec: Mapping[str, Any], columns: int, pairs: int) -> Sample:
        """Returns the figures that ``to_json`` described.

        Raises:
            FormatError: the description is not one of figures.
        """
        try:
            known = np.asarray(spec["known"], dtype=np.int64)
            outside = np.asarray(spec["outside"], dtype=np.int64)
            unlisted = np.asarray(spec["unlisted"], dtype=np.int64)
            levels = tuple({int(k): int(n) for k, n in each.items()} for each in spec["levels"])
            found = cls(
                int(spec["rows"]),
                known,
                outside,
                unlisted,
                levels,
                {name: Figure.from_json(spec[name], columns) for name in MEANS},
                Figure.from_json(spec["dependence"], pairs),
            )
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise FormatError(f"not figures of held-out rows: {error}") from error
        if len(levels) != columns or any(
            each.shape != (columns,) or (each < 0).any() or (each > found.rows).any()
            for each in (known, outside, unlisted)
        ):
            raise FormatError("not figures of held-out rows: counts of other columns or rows")
        return found


def of_columns(cells: Cells, scales: Scales) -> Iterator[tuple[str, np.ndarray]]:
    """Yields the names of ``MEANS`` and the numbers (n, D) that they are means of."""
    is_number = np.array([isinstance(scale, NumberScale) for scale in scales.columns], dtype=bool)
    scores = np.where(is_number, cells.scores, np.nan)
    yield from zip(MEANS, (scores, scores**2, cells.bits), strict=True)


def of_pairs(
    cells: Cells, pairs: np.ndarray
) -> Iterator[tuple[slice, np.ndarray, np.ndarray, np.ndarray]]:
    """Yields some pairs at a time: which, rows that know both, correlations, rows' influences.

    With standardised scores x and y, the influence of a row on their correlation r is
    x y − r (x² + y²) / 2. It is zero where a score is unknown, and NaN if one is constant.
    """
    for start in range(0, len(pairs), TOGETHER):
        some = slice(start, start + TOGETHER)
        both = [cells.scores[:, column] for column in pairs[some].T]
        known = ~(np.isnan(both[0]) | np.isnan(both[1]))
        count = known.sum(0)
        x, y = (_standard(np.where(known, each, 0.0), known, count) for each in both)
        r = (x * y).sum(0) / np.maximum(count, 1)
        yield some, count, r, x * y - r * (x**2 + y**2) / 2


def _standard(scores: np.ndarray, known: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Returns scores (n, P) with mean 0 and variance 1 over known rows; NaN if constant."""
    centred = np.where(known, scores - scores.sum(0) / np.maximum(count, 1), 0.0)
    spread = np.sqrt((centred**2).sum(0) / np.maximum(count, 1))
    return centred / np.where(spread > 1e-6, spread, np.nan)


def _means(numbers: np.ndarray, min_count: int) -> Figure:
    known = ~np.isnan(numbers)
    count = known.sum(0)
    value = np.where(known, numbers, 0.0).sum(0) / np.maximum(count, 1)
    return _figure(count, value, np.where(known, numbers - value, 0.0), min_count)


def _correlations(cells: Cells, pairs: np.ndarray, min_count: int) -> Figure:
    found = [
        _figure(count, r, influence, min_count) for _, count, r, influence in of_pairs(cells, pairs)
    ]
    joined = ([getattr(each, name) for each in found] for name in ("count", "value", "variance"))
    count, value, variance = (np.concatenate([np.empty(0), *each]) for each in joined)
    return Figure(count.astype(np.int64), value, variance)


def _figure(count: np.ndarray, value: np.ndarray, influence: np.ndarray, min_count: int) -> Figure:
    """Returns estimates by the influences (n, F) of their rows, without those that few rows make.

    Unknown cells have no influence.
    """
    total = (influence**2).sum(0)
    is_told = (count >= max(FEWEST, min_count)) & np.isfinite(total)
    for k in np.flatnonzero(is_told).tolist() if min_count > 1 else ():
        is_told[k] = not is_of_few(influence[:, k], 0.0, min_count=min_count)
    variance = np.where(is_told, total / np.maximum(count, 1), np.nan)
    return Figure(count, np.where(is_told, value, np.nan).round(DIGITS), variance.round(DIGITS))


def _levels(
    scale: NumberScale | LevelScale | None, codes: np.ndarray, min_count: int
) -> Mapping[int, int]:
    """Returns the rows of the labels that the model expects often enough, by code."""
    if not isinstance(scale, LevelScale):
        return {}
    counts = np.bincount(codes.astype(np.int64), minlength=len(scale.shares))
    frequent = np.flatnonzero(np.asarray(scale.shares) * len(codes) >= LEVEL_ROWS)
    found = {k: int(counts[k]) for k in frequent.tolist() if counts[k] >= min_count}
    while found and 0 < len(codes) - sum(found.values()) < min_count:
        found.pop(min(found, key=found.__getitem__))  # the others are too few to be counted apart
    return found


def _as_json(numbers: np.ndarray) -> list[float | None]:
    return [None if np.isnan(each) else each for each in numbers.tolist()]


def _from_json(numbers: Any) -> np.ndarray:
    return np.array([np.nan if each is None else float(each) for each in numbers])
