"""Linear relations between the numbers of a table: which columns others predict well.

A network learns a sharp relation slowly, and other weights for each set of known cells. Least
squares has all of them at once. So columns that are nearly linear in others get a relation, and
their conditionals describe what it leaves.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from chainrule.conditionals import AbstractConditional
from chainrule.model import centred
from chainrule.networks import (
    Columns,
    LinearFeature,
    LinearForm,
    LinearPrediction,
    LinearTarget,
)
from chainrule.networks.linear import LEAST_GAIN
from chainrule.table import AbstractColumn, AbstractNumbers, Binary, Schema, is_of_few
from chainrule.table.ties import AbstractTie, LinearTie
from chainrule.training.moments import complete_moments, known_moments

FIRST_GAIN = 0.5 * LEAST_GAIN  # that a first look must find
ROWS, LEAST_ROWS = 20_000, 200  # rows to learn from: at most, and at least
HELD_OUT, LEAST_HELD_OUT = 5, 20  # every fifth row decides, if there are so many
MOST_FEATURES = 32  # columns of a relation
MOST_TRIED, ROWS_PER_FEATURE = 300, 5  # columns of a first look
BEYOND = 1.0  # how far features go on beyond the training rows, in units of their range
RIDGE = 1e-8  # of the correlations: residual deviations above 1e-4 are found
SHARPEST = 0.01  # the quantile of the deviations of predictions that floors follow
USUAL_FLOOR, LEAST_FLOOR = 1e-3, 4e-6  # of scales; below, float32 has no digits left
FLOOR_SHARE = 0.1  # of a grid's step, or of the smallest deviation of a prediction
_Pair = tuple[LinearFeature, LinearFeature]  # on the conditional's scale, in the table's units


def with_linear_relations(
    columns: Columns,
    schema: Schema,
    x: torch.Tensor,
    observed: torch.Tensor | None,
    *,
    min_count: int,
    weight: torch.Tensor | None = None,
) -> Columns:
    """The columns, with a relation that predicts those which are nearly linear in others.

    Columns without such relations are returned as they are.

    Args:
        columns: the columns of a network.
        schema: the columns of the table.
        x: codes (N, D) of training rows, without missing cells.
        observed: bool (N, D), the cells that were not missing; None for all.
        min_count: how many rows each number in a model file must come from.
        weight: how much each row of the table counts. There are no relations if few rows have
            nearly all weight.
    """
    if weight is not None and weight.sum() ** 2 < LEAST_ROWS * (weight**2).sum():
        return columns
    known = torch.ones_like(x, dtype=torch.bool) if observed is None else observed
    rows = torch.arange(0, len(x), max(1, -(-len(x) // ROWS)))
    least = max(LEAST_ROWS, min_count)
    sample = _Sample(schema, columns, x[rows].double(), known[rows], least, min_count)
    pairs = sample.pairs()
    tried = _tried(sample, pairs)
    if not tried:
        return columns
    pairs = _relevant(sample, pairs, tried)
    learned, held_out = sample.parts()
    found = _relation(learned, pairs, tried)
    gains = [(column, _gain(found, held_out, column)) for column in found.columns]
    kept = [column for column, gain in gains if gain >= LEAST_GAIN]
    if not kept:
        return columns
    relation = _relation(sample, _relevant(sample, pairs, kept), kept)
    conditionals = list(columns.conditionals)
    for column in relation.columns:
        conditionals[column] = sample.centred(relation, column)
    return replace(
        columns,
        conditionals=tuple(conditionals),
        relations=(*columns.relations, relation),
    )


@dataclass(frozen=True)
class _Sample:
    """Training rows.

    Attributes:
        schema: the columns of the table.
        columns: the columns of a network.
        x: codes (n, D) in float64.
        known: bool (n, D), the cells that are not missing.
        least: a feature needs so many known cells that are no atoms.
        min_count: how many rows each number in a model file must come from.
    """

    schema: Schema
    columns: Columns
    x: torch.Tensor
    known: torch.Tensor
    least: int
    min_count: int

    def parts(self) -> tuple[_Sample, _Sample]:
        """Rows to learn from, and rows to decide by."""
        is_held_out = torch.arange(len(self.x)) % HELD_OUT == 0
        first, second = (
            replace(self, x=self.x[rows], known=self.known[rows])
            for rows in (~is_held_out, is_held_out)
        )
        return first, second

    def pairs(self) -> list[_Pair]:
        """The features of the columns that vary, standardised."""
        found = []
        for k, column in enumerate(self.schema.columns):
            if int(self.is_free(k).sum()) < self.least:
                continue
            own = [self._described(each, k) for each in _features_of(column, k)]
            if own and all(each is not None for each in own):
                found.append((own[0], own[-1]))
        return found[: min(MOST_TRIED, len(self.x) // ROWS_PER_FEATURE)]

    def _described(self, feature: LinearFeature, k: int) -> LinearFeature | None:
        """The feature, standardised; None if its moments would be those of few rows."""
        raw = feature.raw(self.x[self.known[:, k], k])
        free = feature.raw(self.x[self.is_free(k), k])
        mean, deviation = float(raw.mean()), float(raw.std(unbiased=False))
        if not (math.isfinite(mean) and 0 < deviation < math.inf):
            return None
        if not isinstance(self.schema.columns[k], Binary):
            for numbers in (raw.numpy(), free.numpy()):
                if is_of_few(numbers, float(numbers.mean()), min_count=self.min_count):
                    return None
        return replace(feature, mean=mean, deviation=deviation)

    def values(self, features: Sequence[LinearFeature]) -> tuple[np.ndarray, np.ndarray]:
        """Standardised features (n, F), 0 where unknown, and which are known."""
        at = [feature.column for feature in features]
        columns = [
            (feature.raw(self.x[:, feature.column]) - feature.mean) / feature.deviation
            for feature in features
        ]
        known = self.known[:, at]
        return torch.where(known, torch.stack(columns, 1), 0.0).numpy(), known.numpy()

    def is_target(self, column: int) -> bool:
        """Whether the column's conditional can be centred, and no tie computes its value.

        Around a tie's own value, the conditional of all other values would be as sharp as the tie.
        """
        if any(column in tie.targets and _is_sharp(tie) for tie in self.schema.ties):
            return False
        return centred(self.columns.conditionals[column], USUAL_FLOOR) is not None

    def is_free(self, column: int) -> torch.Tensor:
        """The rows (n,) in which the column is known and no atom."""
        atoms = torch.tensor(self.columns.conditionals[column].atoms, dtype=torch.float64)
        return self.known[:, column] & ~torch.isin(self.x[:, column], atoms)

    def centred(self, relation: LinearPrediction, column: int) -> AbstractConditional:
        """The column's conditional around the relation's predictions."""
        number = self.schema.columns[column]
        assert isinstance(number, AbstractNumbers)
        if number.is_continuous:
            (params,) = relation.params(self.x, self.known, (column,))
            sharpest = float(params[:, 1].quantile(SHARPEST).exp())
        else:
            sharpest = _step(number) / number.spread
        floor = min(USUAL_FLOOR, max(LEAST_FLOOR, FLOOR_SHARE * sharpest))
        found = centred(self.columns.conditionals[column], floor)
        assert found is not None
        return found


def _features_of(column: AbstractColumn, k: int) -> list[LinearFeature]:
    """A column's features: that of its conditional, then the number in the table's units."""
    if isinstance(column, Binary):
        return [LinearFeature(k, 0.0, 1.0)]
    if not isinstance(column, AbstractNumbers):
        return []
    if column.low >= column.high:
        return []
    center, spread, warp = float(column.center), column.spread, column.warp
    low, high = _range_of(column)
    if not column.is_continuous:
        own = LinearFeature(k, low, high, center, spread, warp)
        if warp is None:
            return [own]
        low, high = own.encoding.range
        return [own, LinearFeature(k, low, high)]
    own = LinearFeature(k, low, high)
    if warp is None:
        return [own]
    return [own, LinearFeature(k, low, high, center, spread, warp, is_undone=True)]


def _is_sharp(tie: AbstractTie) -> bool:
    """Whether a tie leaves a column a value or a few; an order leaves it one side.

    A tie that holds in part of the rows leaves the others to the base.
    """
    return not tie.is_in_part and not (
        isinstance(tie, LinearTie) and math.isinf(tie.most - tie.least)
    )


def _range_of(column: AbstractNumbers) -> tuple[float, float]:
    """The codes to which features are clamped.

    A sharp relation holds somewhat beyond the training rows, but not beyond the column's bounds.
    """
    beyond = BEYOND * (column.high - column.low)
    low, high = column.low - beyond, column.high + beyond
    if column.is_continuous and column.warp is not None:  # codes are those of the warp's images
        scaled = column.center + column.spread * np.array([column.low, column.high])
        least, most = column.warp.inverse(scaled).tolist()
        farther = column.warp.forward(np.array(most + BEYOND * (most - least)))
        high = min(high, (float(farther) - column.center) / column.spread)
    least, most = column.bound_codes
    return low if least is None else max(low, least), high if most is None else min(high, most)


def _step(column: AbstractNumbers) -> float:
    """The smallest step of a grid on the column's scale, within the range of training rows."""
    if column.warp is None:
        return 1.0
    codes = np.linspace(column.low, column.high, 101)
    steps = column.warp.difference(codes, 1.0)
    return float(steps[np.isfinite(steps) & (steps > 0)].min(initial=1.0))


def _forms(pairs: Sequence[_Pair]) -> list[list[LinearFeature]]:
    """The features of one form; or of two, if some column is not linear in the table's units."""
    first, second = [one for one, _ in pairs], [other for _, other in pairs]
    return [first] if first == second else [first, second]


def _tried(sample: _Sample, pairs: Sequence[_Pair]) -> list[int]:
    """The columns that all others together seem to predict, in rows seen."""
    if len(pairs) < 2:
        return []
    gains = []
    for features in _forms(pairs):
        moments = known_moments(*sample.values(features), RIDGE)
        gains.append(0.5 * np.log(np.diag(np.linalg.inv(moments))))
    best = np.max(gains, axis=0)
    found = [one.column for (one, _), gain in zip(pairs, best, strict=True) if gain >= FIRST_GAIN]
    return [column for column in found if sample.is_target(column)]


def _relevant(sample: _Sample, pairs: Sequence[_Pair], targets: Sequence[int]) -> list[_Pair]:
    """The targets' features, and those of other columns that predict them best."""
    weights = np.zeros(len(pairs))
    at = [k for k, (one, _) in enumerate(pairs) if one.column in targets]
    for features in _forms(pairs):
        precision = np.linalg.inv(known_moments(*sample.values(features), RIDGE))
        scale = np.sqrt(np.diag(precision))
        partial = np.abs(precision / scale / scale[:, None])
        weights = np.maximum(weights, partial[:, at].max(1))
    weights[at] = np.inf
    kept = np.argsort(-weights, kind="stable")[: max(MOST_FEATURES, len(at))]
    return [pairs[k] for k in sorted(kept.tolist())]


def _relation(sample: _Sample, pairs: Sequence[_Pair], columns: Sequence[int]) -> LinearPrediction:
    """The relation that predicts these columns, with the moments of the sample."""
    forms = tuple(_form(sample, features) for features in _forms(pairs))
    positions = [k for k, (one, _) in enumerate(pairs) if one.column in columns]
    targets = tuple(_target(sample, [form.features[k] for form in forms], k) for k in positions)
    return LinearPrediction(forms, targets)


def _form(sample: _Sample, features: Sequence[LinearFeature]) -> LinearForm:
    mean, covariance = complete_moments(*sample.values(features), RIDGE)
    deviation = np.sqrt(np.diag(covariance))
    moved = []
    for each, m, s in zip(features, mean.tolist(), deviation.tolist(), strict=True):
        changed = {"mean": each.mean + each.deviation * m, "deviation": each.deviation * s}
        moved.append(replace(each, **changed))
    matrix = covariance / deviation / deviation[:, None]
    rows = tuple(tuple(matrix[k, : k + 1].tolist()) for k in range(len(matrix)))
    return LinearForm(tuple(moved), rows)


def _target(sample: _Sample, features: Sequence[LinearFeature], position: int) -> LinearTarget:
    own, number = features[0], features[-1]
    scale = own if own.warp is not None else number
    if len(features) == 1 or scale.warp is None:
        return LinearTarget(position)
    codes = sample.x[sample.is_free(own.column), own.column]
    slopes = scale.warp.log_slope(number.raw(codes), torch) - math.log(scale.spread)
    return LinearTarget(position, math.log(number.deviation / own.deviation) + float(slopes.mean()))


def _gain(relation: LinearPrediction, sample: _Sample, column: int) -> float:
    """Nats that predictions gain in held-out rows in which they say something.

    Densities are Laplace's. Rows count whose own cell is known and no atom.
    """
    feature = relation.forms[0].features[relation.forms[0].columns.index(column)]
    (params,) = relation.params(sample.x, sample.known, (column,))
    said = params[:, 1] < math.log(feature.deviation) - FIRST_GAIN
    rows = sample.is_free(column) & said
    if int(rows.sum()) < LEAST_HELD_OUT:
        return -math.inf
    values, params = feature.raw(sample.x[rows, column]), params[rows]
    missed = (values - params[:, 0]).abs() / params[:, 1].exp()
    alone = (values - values.median()).abs().mean().log()
    return float(alone - missed.mean().log() - params[:, 1].mean())
