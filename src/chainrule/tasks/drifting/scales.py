"""Bounded scores of cells: ranks of numbers, scores of labels. They belong to the model alone.

Two samples of rows are compared by means of scores. Their errors are known only if the scores do
not depend on the samples. So ranks are those among rows that the model draws.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.errors import FormatError
from chainrule.missing import complete_codes, draw_like, is_flag
from chainrule.model import Model
from chainrule.rng import generator_from

SEED = 3  # of the drawn rows
DRAWS, DRAWN_CELLS = (150, 1_000), 100_000  # least and largest number of rows, most of their cells
KNOTS = 32  # shares of drawn rows at which ranks are kept
UNIFORM = np.sqrt(12.0)  # a rank times this has a standard deviation of 1
FARTHEST = 3.0  # labels' scores are clipped to this many standard deviations
ROUNDS = 20  # of computing labels' scores from those of the other columns
MOST_PAIRS = 1_000  # of columns whose dependence is compared
DIGITS = 6


@dataclass(frozen=True)
class Scales:
    """A score for each cell of a table, with a mean near 0 and a standard deviation near 1.

    A number's score is its rank among drawn rows. A label's score is the mean, over drawn rows with
    this label, of the scores of the other columns: the first component of a homogeneity analysis
    (Gifi, "Nonlinear Multivariate Analysis", 1990).

    Attributes:
        columns: for each column its ``NumberScale`` or ``LevelScale``; None for missing-flags.
        pairs: the columns' pairs that are compared, (P, 2).
    """

    columns: tuple[NumberScale | LevelScale | None, ...]
    pairs: np.ndarray

    @classmethod
    def of(cls, model: Model) -> Scales:
        """Returns the scales of a model, by rows that it draws."""
        drawn, flags = _drawn_rows(model), is_flag(model.schema)
        labels = [column.has_levels for column in model.schema.columns]
        scales: list[NumberScale | LevelScale | None] = [None] * len(labels)
        scores = np.zeros(drawn.shape)
        for k, has_levels in enumerate(labels):
            if not (has_levels or flags[k]):
                scales[k] = scale = NumberScale.of(drawn[:, k])
                scores[:, k] = scale(drawn[:, k])
        which = [k for k, has_levels in enumerate(labels) if has_levels and not flags[k]]
        for k, scale in _level_scales(drawn, scores, which).items():
            scales[k] = scale
            scores[:, k] = scale(drawn[:, k])
        return cls(tuple(scales), _pairs(scores, np.flatnonzero(~flags)))

    def __call__(self, values: np.ndarray, observed: np.ndarray) -> np.ndarray:
        """Returns the scores of codes (N, D), NaN where unknown and for missing-flags."""
        found = np.full(values.shape, np.nan)
        for k, scale in enumerate(self.columns):
            if scale is not None:
                known = observed[:, k]
                found[known, k] = scale(values[known, k])
        return found

    def to_json(self) -> dict[str, Any]:
        """The fields as a JSON object."""
        columns = [None if scale is None else scale.to_json() for scale in self.columns]
        return {"columns": columns, "pairs": self.pairs.tolist()}

    @classmethod
    def from_json(cls, spec: Mapping[str, Any]) -> Scales:
        """Returns the scales that ``to_json`` described.

        Raises:
            FormatError: the description is not one of scales.
        """
        try:
            columns = tuple(_scale_from_json(each) for each in spec["columns"])
            pairs = np.asarray(spec["pairs"], dtype=np.int64).reshape(-1, 2)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise FormatError(f"not scales of columns: {error}") from error
        scored = [scale is not None for scale in columns]
        if len(pairs) and not (
            ((pairs >= 0) & (pairs < len(columns))).all() and np.array(scored)[pairs].all()
        ):
            raise FormatError("not scales of columns: a pair names a column without scores")
        return cls(columns, pairs)


@dataclass(frozen=True)
class NumberScale:
    """The scores of numbers: their ranks among drawn rows, times √12.

    Attributes:
        values: codes, increasing.
        below: for each, the share of drawn rows with a smaller code.
        upto: for each, the share with a code at most as large.
    """

    values: tuple[float, ...]
    below: tuple[float, ...]
    upto: tuple[float, ...]

    def __post_init__(self) -> None:
        if not len(self.values) == len(self.below) == len(self.upto):
            raise FormatError("a scale has two ranks for each knot")
        if not len(self.values) or not (np.diff(self.values) > 0).all():
            raise FormatError("the knots of a scale increase")
        ends = np.stack([self.below, self.upto], axis=1).ravel()
        if not (np.diff(ends) >= 0).all() or not 0 <= ends[0] <= ends[-1] <= 1:
            raise FormatError("the ranks of a scale increase from 0 to 1")

    @classmethod
    def of(cls, drawn: np.ndarray) -> NumberScale:
        """Returns the scale by the codes (M,) of drawn rows."""
        ranked = np.sort(drawn[np.isfinite(drawn)])
        ranked = ranked if len(ranked) else np.zeros(1)
        levels = (np.arange(KNOTS) + 0.5) / KNOTS
        values = np.unique(np.quantile(ranked, levels, method="nearest"))
        ends = (np.searchsorted(ranked, values, side=side) / len(ranked) for side in _SIDES)
        below, upto = (tuple(each.round(DIGITS).tolist()) for each in ends)
        return cls(tuple(values.tolist()), below, upto)

    def __call__(self, codes: np.ndarray) -> np.ndarray:
        """Returns the scores of codes (N,)."""
        values = np.asarray(self.values)
        edges = np.stack([np.nextafter(values, -np.inf), values, np.nextafter(values, np.inf)])
        middle = (np.asarray(self.below) + np.asarray(self.upto)) / 2
        ranks = np.stack([self.below, middle, self.upto])
        # Beyond the ends a rank is half of what lies there.
        ends = self.below[0] / 2, (1 + self.upto[-1]) / 2
        found = np.interp(codes, edges.T.ravel(), ranks.T.ravel(), left=ends[0], right=ends[1])
        return UNIFORM * (found - 0.5)

    def to_json(self) -> dict[str, Any]:
        """The fields as a JSON object."""
        return {"values": list(self.values), "below": list(self.below), "upto": list(self.upto)}


@dataclass(frozen=True)
class LevelScale:
    """The scores of labels.

    Attributes:
        scores: by code; a code beyond them has 0.
        shares: of each code among drawn rows.
    """

    scores: tuple[float, ...]
    shares: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.scores) != len(self.shares) or not np.isfinite(self.scores).all():
            raise FormatError("a scale of labels has a score and a share for each code")

    def __call__(self, codes: np.ndarray) -> np.ndarray:
        """Returns the scores of codes (N,)."""
        scores = np.append(self.scores, 0.0)
        return scores[np.minimum(codes.astype(np.int64), len(self.scores))]

    def to_json(self) -> dict[str, Any]:
        """The fields as a JSON object."""
        return {"scores": list(self.scores), "shares": list(self.shares)}


_SIDES = ("left", "right")


def _scale_from_json(spec: Mapping[str, Any] | None) -> NumberScale | LevelScale | None:
    if spec is None:
        return None
    kind, names = NumberScale, ("values", "below", "upto")
    if "scores" in spec:
        kind, names = LevelScale, ("scores", "shares")
    return kind(*(tuple(float(number) for number in spec[name]) for name in names))


def _drawn_rows(model: Model) -> np.ndarray:
    """Returns codes (M, D) that the model draws, of rows without missing cells."""
    schema, flags = model.schema, is_flag(model.schema)
    number = int(np.clip(DRAWN_CELLS // len(flags), *DRAWS))
    complete, generator = complete_codes(schema), generator_from(SEED)
    drawn = draw_like(schema, model.in_float64(), number, complete, flags, generator)
    return drawn.double().cpu().numpy()


def _level_scales(
    drawn: np.ndarray, scores: np.ndarray, labels: Sequence[int]
) -> dict[int, LevelScale]:
    """Returns the scales of some columns of labels, given the scores (M, D) of the others.

    Before the first round, a label's score says whether it is the column's first one.
    """
    codes = {k: np.maximum(drawn[:, k], 0).astype(np.int64) for k in labels}
    counts = {k: np.bincount(each) for k, each in codes.items()}
    scores = scores.copy()
    found = {k: np.zeros(len(count)) for k, count in counts.items()}
    for k in labels:
        found[k] = _standardised(np.arange(len(counts[k])) == 0, counts[k])
        scores[:, k] = found[k][codes[k]]
    for _ in range(ROUNDS):
        total = scores.sum(1)
        for k in labels:
            sums = np.bincount(codes[k], weights=total - scores[:, k])
            means = _standardised(sums / np.maximum(counts[k], 1), counts[k])
            found[k] = means if means.any() else found[k]
        for k in labels:
            scores[:, k] = found[k][codes[k]]
    return {
        k: LevelScale(
            tuple(found[k].clip(-FARTHEST, FARTHEST).round(DIGITS).tolist()),
            tuple((counts[k] / len(drawn)).round(DIGITS).tolist()),
        )
        for k in labels
    }


def _standardised(scores: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Returns scores (V,) of mean 0 and variance 1 over so many rows each; zeros if all agree."""
    scores = np.where(counts > 0, scores, 0.0)
    weight = counts / counts.sum()
    centred = np.where(counts > 0, scores - weight @ scores, 0.0)
    spread = float(np.sqrt(weight @ centred**2))
    return centred / spread if spread > 1e-9 else np.zeros(len(scores))


def _pairs(scores: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Returns all pairs (P, 2) of columns, or those with the largest correlations in drawn rows."""
    first, second = np.triu_indices(len(columns), k=1)
    pairs = np.stack([columns[first], columns[second]], axis=1)
    if len(pairs) <= MOST_PAIRS:
        return pairs
    centred = scores - scores.mean(0)
    centred /= np.maximum(centred.std(0), 1e-9)
    sizes = np.abs(centred.T @ centred / len(scores))[pairs[:, 0], pairs[:, 1]]
    return pairs[np.sort(np.argsort(-sizes, kind="stable")[:MOST_PAIRS])]
