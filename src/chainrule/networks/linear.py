"""A relation that predicts columns by linear regressions on whatever numbers are known.

A regression has other weights for each set of known inputs. All of them follow from the means and
correlations of all features, so these are what the relation holds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import torch
from typing_extensions import override

from chainrule.conditionals.encodings import Standardised
from chainrule.errors import ShapeError
from chainrule.leaves.leaf import AbstractLeaf
from chainrule.leaves.warps import AbstractWarp
from chainrule.networks.relations import AbstractRelation
from chainrule.ops.cells import choose

FORMS = 2  # at most
LEAST_VARIANCE = 1e-12  # relative to a feature's own
USUAL = 25.0  # squared distance of the known features from their mean, for each of them
LEAST_GAIN = 1.0  # nats: what an R² of 0.86 gains


@dataclass(frozen=True)
class LinearFeature(AbstractLeaf):
    """A number computed from one column's code, and standardised.

    It is (g(x) − center) / spread of codes x, which are clamped to a range; g is a warp or the
    identity. If the warp is undone, codes are x = (g(v) − center) / spread of values v, and the
    feature is v.

    Args:
        column: the column.
        low: replaces smaller codes.
        high: replaces larger codes.
        center: subtracted from a code or its image.
        spread: divides the difference.
        warp: the map g, or None.
        is_undone: whether the feature is the value v.
        mean: the mean of the feature in training rows, before it is standardised.
        deviation: its standard deviation.
    """

    column: int
    low: float
    high: float
    center: float = 0.0
    spread: float = 1.0
    warp: AbstractWarp | None = None
    is_undone: bool = False
    mean: float = 0.0
    deviation: float = 1.0

    def __post_init__(self) -> None:
        assert self.encoding is not None  # its constructor checks the other fields
        if self.is_undone and self.warp is None:
            raise ShapeError("a feature without a warp has none to undo")
        if not (np.isfinite(self.mean) and 0 < self.deviation < np.inf):
            raise ShapeError(
                f"mean = {self.mean!r}, deviation = {self.deviation!r}: pass finite numbers, the "
                "second above zero"
            )

    @cached_property
    def encoding(self) -> Standardised:
        """The feature of codes whose warp is not undone; of others, the clamped code."""
        if self.is_undone:
            return Standardised(low=self.low, high=self.high)
        return Standardised(self.center, self.spread, self.low, self.high, self.warp)

    def raw(self, x: torch.Tensor) -> torch.Tensor:
        """The feature (...) of float64 codes x (...), not standardised."""
        found = self.encoding.encode(x)[..., 0]
        if self.is_undone and self.warp is not None:
            found = self.warp.inverse(self.center + self.spread * found, torch)
        return found

    @cached_property
    def ends(self) -> tuple[float, float]:
        """The features of the smallest and of the largest code."""
        low, high = self.raw(torch.tensor(self.encoding.range, dtype=torch.float64)).tolist()
        return low, high


@dataclass(frozen=True)
class LinearForm(AbstractLeaf):
    """Regressions among features, one of each column.

    Args:
        features: the features, in the order of their columns.
        correlations: for each feature, its correlations with the features before it and itself.
    """

    features: tuple[LinearFeature, ...]
    correlations: tuple[tuple[float, ...], ...]

    def __post_init__(self) -> None:
        count = len(self.features)
        if [len(row) for row in self.correlations] != list(range(1, count + 1)):
            raise ShapeError(f"correlations: {count} features need a row each, of 1, 2, … numbers")
        if any(a.column >= b.column for a, b in pairwise(self.features)):
            raise ShapeError("features are not in the order of their columns")
        try:
            np.linalg.cholesky(self.matrix)
        except np.linalg.LinAlgError as error:
            raise ShapeError("correlations are not those of any features") from error

    @cached_property
    def matrix(self) -> np.ndarray:
        """The correlations of all features, (F, F) float64."""
        found = np.zeros((len(self.features), len(self.features)))
        for k, row in enumerate(self.correlations):
            found[k, : k + 1] = found[: k + 1, k] = row
        return found

    @cached_property
    def columns(self) -> tuple[int, ...]:
        """The column of each feature."""
        return tuple(each.column for each in self.features)

    def regressed(
        self, x: torch.Tensor, known: torch.Tensor, targets: Sequence[int]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Means and variances (N, T) of standardised features, from the others of known columns.

        Args:
            x: codes (N, F) of the features' columns.
            known: bool (N, F).
            targets: the positions of T features.
        """
        z = torch.where(known, self._standardised(x, known), 0.0)
        if choose.is_compiled() and z.device.type == "cpu" and not torch.compiler.is_compiling():
            kernel, at = choose.implementation().regressions, np.array(targets, np.int64)
            return kernel(z, known, self.matrix, at, LEAST_VARIANCE, USUAL)
        return regressions(z, known, torch.from_numpy(self.matrix).to(z.device), targets)

    def _standardised(self, x: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
        """Features (N, F) in float64 of codes (N, F); those of unknown cells mean nothing."""
        fills, numbers = self._numbers
        codes = torch.where(known, x.double(), fills.to(x.device))
        for k, each in enumerate(self.features):
            if each.warp is not None:  # the others are linear functions of clamped codes
                codes[:, k] = each.raw(codes[:, k])
        low, high, mean, deviation = numbers.to(x.device)
        return (torch.minimum(torch.maximum(codes, low), high) - mean) / deviation

    @cached_property
    def _numbers(self) -> tuple[torch.Tensor, torch.Tensor]:
        """A code of each feature (F,); and low, high, mean and deviation of all, (4, F)."""
        numbers = []
        for each in self.features:
            if each.warp is None:
                mean = each.center + each.spread * each.mean
                numbers.append((*each.encoding.range, mean, each.spread * each.deviation))
            else:
                numbers.append((-np.inf, np.inf, each.mean, each.deviation))
        fills = torch.tensor([each.encoding.range[0] for each in self.features])
        return fills.double(), torch.tensor(numbers, dtype=torch.float64).t().contiguous()


@dataclass(frozen=True)
class LinearTarget(AbstractLeaf):
    """A column that a relation predicts.

    Args:
        feature: the position of the column's features.
        tilt: the logarithm of the deviation of the column's number in the table's units, converted
            to the scale of its conditional in a typical row, over the deviation there.
    """

    feature: int
    tilt: float = 0.0


@dataclass(frozen=True)
class LinearPrediction(AbstractRelation):
    """The least-squares prediction of some columns from the known numbers of a row.

    Each column gets two parameters. The shift is the predicted number in standardised units, and
    the stretch is the logarithm of the prediction's deviation. The known features K predict a
    feature t, all standardised, as C_tK C_KK⁻¹ z_K with the variance C_tt − C_tK C_KK⁻¹ C_Kt.

    The first form has the numbers on the scales of their conditionals, such as logarithms. The
    second, if any, has them in the table's units, in which a sum is linear. Its mean plus and minus
    its deviation give two images on the conditional's scale, and these a mean and a deviation. The
    form counts that has the higher likelihood in typical rows with the same known cells.

    A prediction from known cells that gains less than ``LEAST_GAIN`` nats says nothing: the network
    learns such relations itself. Shift and stretch then are the training rows' mean and deviation.
    Shifts stay within the features' ranges.

    Args:
        forms: one or two, with features of the same columns.
        targets: the predicted columns, in the order of their columns.
    """

    forms: tuple[LinearForm, ...]
    targets: tuple[LinearTarget, ...]

    def __post_init__(self) -> None:
        if len({form.columns for form in self.forms}) != 1 or len(self.forms) > FORMS:
            raise ShapeError(f"forms: pass one or {FORMS}, with features of the same columns")
        count = len(self.forms[0].features)
        if not all(0 <= target.feature < count for target in self.targets):
            raise ShapeError(f"targets = {self.targets!r}: there are {count} features")
        if any(a >= b for a, b in pairwise(self.columns)):
            raise ShapeError("targets are not in the order of their columns")

    @property
    @override
    def columns(self) -> tuple[int, ...]:
        return tuple(self.forms[0].columns[target.feature] for target in self.targets)

    @property
    @override
    def width(self) -> int:
        """2: the shift and the logarithm of the stretch."""
        return 2

    @property
    @override
    def nothing(self) -> tuple[float, ...]:
        return 0.0, 0.0

    @override
    def params(
        self, x: torch.Tensor, known: torch.Tensor, columns: Sequence[int]
    ) -> Sequence[torch.Tensor]:
        of_features = list(self.forms[0].columns)
        wanted = [self.targets[self.columns.index(column)] for column in columns]
        at = [target.feature for target in wanted]
        x, known = x[:, of_features], known[:, of_features]
        if len(at) == 1:
            known[:, at[0]] = False
        means, variances = zip(*(form.regressed(x, known, at) for form in self.forms), strict=True)
        mean, variance = torch.stack(means, -1), torch.stack(variances, -1)  # (N, T, forms)
        return [
            self._settled(target, mean[:, k], variance[:, k]) for k, target in enumerate(wanted)
        ]

    def _settled(
        self, target: LinearTarget, mean: torch.Tensor, variance: torch.Tensor
    ) -> torch.Tensor:
        """Shift and log-stretch (N, 2) from means and variances (N, forms)."""
        own, gained = self.forms[0].features[target.feature], 0.5 * variance.log()
        shift, stretch = own.mean + own.deviation * mean[:, 0], gained[:, 0]
        if len(self.forms) == FORMS:
            number = self.forms[1].features[target.feature]
            middle = number.mean + number.deviation * mean[:, 1]
            around = number.deviation * variance[:, 1].sqrt()
            converted, spread = _converted(own, number, middle, around)
            is_better = gained[:, 1] + target.tilt < gained[:, 0]
            shift = torch.where(is_better, converted, shift)
            log_spread = (spread / own.deviation).clamp(max=1).log()
            stretch = torch.where(is_better, log_spread, stretch)
            gained = torch.where(is_better, gained[:, 1] + target.tilt, gained[:, 0])
        else:
            gained = gained[:, 0]
        is_told = gained <= -LEAST_GAIN
        shift = torch.where(is_told, shift, own.mean)
        stretch = torch.where(is_told, stretch, 0.0) + math.log(own.deviation)
        return torch.stack([shift.clamp(*own.ends), stretch], dim=1)


def _converted(
    own: LinearFeature, number: LinearFeature, middle: torch.Tensor, around: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and deviation (N,) of a column's feature from those of its number."""
    scale = own if own.warp is not None else number
    if scale.warp is None:
        return middle, around  # the two features are the same
    low, high = number.ends
    middle = middle.clamp(low, high)
    ends = torch.stack([middle - around, middle + around]).clamp(low, high)
    below, above = (scale.warp.forward(ends, torch) - scale.center) / scale.spread
    return 0.5 * (above + below), 0.5 * (above - below)


def regressions(
    z: torch.Tensor, known: torch.Tensor, matrix: torch.Tensor, targets: Sequence[int]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Means and variances (N, T) of features, given the other known features of a row.

    Known features may contradict each other, since one of their cells is wrong. If their distance
    from the mean is more than five deviations for each, variances grow with its square: a wrong
    tax must not make the right gross look impossible.

    Args:
        z: standardised features (N, F), float64; 0 if unknown.
        known: bool (N, F).
        matrix: the correlations of the features, (F, F).
        targets: the positions of T features.
    """
    means, variances = z.new_empty(2, len(z), len(targets)).unbind()
    for t, target in enumerate(targets):
        given = known.clone()
        given[:, target] = False
        inner = given[:, :, None] & given[:, None, :]
        kept = torch.where(inner, matrix, 0) + torch.diag_embed((~given).to(z.dtype))
        across = torch.where(given, matrix[:, target], 0)[..., None]  # (N, F, 1)
        factor = torch.linalg.cholesky(kept)
        weights = torch.cholesky_solve(across, factor)
        inputs = torch.where(given, z, 0)[..., None]
        distance = (inputs * torch.cholesky_solve(inputs, factor)).sum((1, 2))
        odd = distance / (USUAL * given.sum(1).clamp(min=1))
        means[:, t] = (weights[..., 0] * z).sum(1)
        variances[:, t] = matrix[target, target] - (weights * across).sum((1, 2))
        variances[:, t] *= odd.clamp(min=1)
    return means, variances.clamp(min=LEAST_VARIANCE)
