"""Chooses the scale of a column's numbers by the held-out likelihood of small mixtures."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from statistics import NormalDist
from typing import Any, Self

import numpy as np

from chainrule.errors import SchemaError, unknown_choice
from chainrule.leaves.warps import AbstractWarp, Log, Logit, Quantiles, SymmetricLog
from chainrule.table.columns.disclosure import rounded_scale
from chainrule.table.columns.grid import knots_of

LINEAR = "linear"
SCALES: dict[str, type[AbstractWarp]] = {
    "log": Log,
    "symlog": SymmetricLog,
    "logit": Logit,
    "quantile": Quantiles,
}
# What the schema's line says.
WORDS: dict[type[AbstractWarp], str] = {
    Log: "log scale",
    SymmetricLog: "symmetric log scale",
    Logit: "logit scale",
    Quantiles: "scale of quantiles",
}
MOST_ROWS = 2000  # rows that are compared; more do not change a clear choice
FEWEST_ROWS = 40  # fewer show no scale
FEWEST_FOR_QUANTILES = 500
COMPONENTS = (1, 3)  # of the mixtures that are compared
ROUNDS = 30  # of the mixture with most components
OUTERMOST = 0.002  # share of the rows at either end that no mixture is fitted to
GROUPS = 64  # of neighbouring rows, whose means a mixture is fitted to
LEAST_DEVIATION = 0.02  # of a component, in standard deviations of the codes
LEAST_INSIDE = 1e-6  # of a mixture, between the bounds
LEAST_GAIN = 0.03  # nats by which a scale must be better than simpler ones
SMOOTH_GAIN = 0.1  # nats by which quantiles must be better than a formula or no scale
FEWEST_STEPS = 8  # different numbers on a grid; fewer show no scale
LEAST_MASS = 1e-12  # of a number on a grid, so that rounding decides nothing
LOGISTIC = math.sqrt(3) / math.pi  # scale of a logistic distribution of deviation 1
MOST_GAIN = 3.0  # nats that one row counts at most, so that no row decides
# Outer quantiles apart from the middle, and in units of the inner ones: between those of an even
# and a Gaussian distribution and somewhat beyond, numbers need no scale.
PLAIN_SKEW, PLAIN_TAILS = 0.15, (1.7, 3.6)
UNITS = (0.05, 0.2, 0.5)  # quantiles of the distance from the center that are tried as units
INNER = (0.1, 0.9)  # quantiles between which zero is the center of a symmetric scale


def check_scale_option(options: Mapping[str, Any], label: str) -> None:
    """Raises SchemaError unless the scale among a column's options is known or None."""
    choices = [LINEAR, *SCALES]
    if options.get("scale") is not None and options["scale"] not in choices:
        raise SchemaError(f"{label}: {unknown_choice('scale', options['scale'], choices)}")


def chosen_warp(
    known: np.ndarray,
    least: float | None = None,
    most: float | None = None,
    *,
    min_count: int,
    on_grid: bool = False,
) -> AbstractWarp | None:
    """The scale on which a mixture describes known numbers (n,) best; None is a linear one.

    A Gaussian and a mixture of three are fitted to one half of at most 2,000 rows and scored on the
    other, for each half; both scores count alike. One shape shows on which scale the values of
    similar rows differ evenly. Each scale must be better than simpler ones by 0.03 nats a row and a
    standard error.

    Args:
        known: the numbers that are no atoms.
        least, most: bounds of the values, or None; on a grid, the outer edges of their steps.
        min_count: smallest number of rows behind a stored number.
        on_grid: whether the numbers are integers, whose masses are compared.
    """
    if len(known) < max(FEWEST_ROWS, 4 * min_count) or known.min() == known.max():
        return None
    if on_grid and len(np.unique(known)) < FEWEST_STEPS:
        return None
    if _is_plain(known):
        return None
    # A log scale has a bound below, which rows must show, and none above.
    is_half = least is not None and most is None
    warps = _warps(known, least, most, min_count)
    tried = [None, *(warp for warp in warps if is_half or not isinstance(warp, Log))]
    nats = _held_out(known, tried, _ends(least, most), on_grid)
    best, highest = None, nats[0]
    if highest is None:
        return None
    for warp, found in zip(tried[1:], nats[1:], strict=True):
        if found is None:
            continue
        is_smooth = isinstance(warp, Quantiles)
        gain = (found - highest)[1 if is_smooth else slice(None)]  # it turns all into one Gaussian
        gain = np.clip(np.atleast_2d(gain).mean(0), -MOST_GAIN, MOST_GAIN)
        error = float(gain.std()) / math.sqrt(len(gain))
        if gain.mean() > (SMOOTH_GAIN if is_smooth else LEAST_GAIN) + error:
            best, highest = warp, found
    return best


def requested_warp(
    name: str,
    kind: str,
    known: np.ndarray,
    least: float | None = None,
    most: float | None = None,
    *,
    min_count: int,
    on_grid: bool = False,
) -> AbstractWarp | None:
    """The scale of this kind that describes known numbers (n,) best; None is a linear one.

    Raises:
        SchemaError: the numbers or their bounds do not allow a scale of this kind.
    """
    if kind == LINEAR:
        return None
    tried = [
        warp for warp in _warps(known, least, most, min_count) if isinstance(warp, SCALES[kind])
    ]
    found, highest = None, -math.inf
    nats_of_each = _held_out(known, tried, _ends(least, most), on_grid)
    for warp, nats in zip(tried, nats_of_each, strict=True):
        mean = -math.inf if nats is None else float(nats.mean())
        if found is None or mean > highest:
            found, highest = warp, mean
    if found is None:
        raise SchemaError(f"column {name!r}: {_NEEDS[kind]}, or choose another scale")
    return found


_NEEDS = {
    "log": "a log scale needs numbers above 0 or above a bound; declare 'least'",
    "symlog": "a symmetric log scale needs several numbers; leave it out",
    "logit": "a logit scale needs numbers between two bounds; declare 'least' and 'most'",
    "quantile": "a scale of quantiles needs more rows with different numbers; leave it out",
}


def _warps(
    known: np.ndarray, least: float | None, most: float | None, min_count: int
) -> Iterator[AbstractWarp]:
    """The scales that known numbers and their bounds allow, the simplest first."""
    if not len(known):
        return
    lowest, largest = float(known.min()), float(known.max())
    median = float(np.median(known))
    origin = 0.0 if least is None else least
    if origin < lowest:
        yield Log(origin, _power_of_two(median - origin))
    if 0 < origin < lowest and most is None:
        yield Log(0.0, _power_of_two(median))  # such as concentrations from a limit of detection on
    if least is not None and most is not None and least < lowest and largest < most:
        yield Logit(least, most)
    if lowest < largest:
        low, high = np.quantile(known, INNER).tolist()
        middle = float(np.median(known))
        center = 0.0 if low <= 0 <= high else rounded_scale(middle, high - low or 1.0)[0]
        apart = np.quantile(np.abs(known - center), UNITS)
        for unit in sorted({_power_of_two(part) for part in apart.tolist() if part > 0}):
            yield SymmetricLog(center, unit)
        knots = knots_of(known, window=min_count)
        if len(knots) > 2 and len(known) >= FEWEST_FOR_QUANTILES:
            scores = np.array(_normal_scores(np.sort(known), np.array(knots)))
            # Knots between the same two values have the same rank; the first of them stays.
            _, first = np.unique(scores, return_index=True)
            if len(first) > 2:
                kept = (tuple(np.array(each)[first].tolist()) for each in (knots, scores))
                yield Quantiles(*kept)


def _ends(least: float | None, most: float | None) -> tuple[float, float]:
    """The bounds as numbers; infinite where there is none."""
    return -math.inf if least is None else least, math.inf if most is None else most


def _power_of_two(size: float) -> float:
    """The power of two next above a positive number: it shows no more than its size."""
    return math.ldexp(1.0, math.frexp(size)[1])


def _normal_scores(ranked: np.ndarray, points: np.ndarray) -> tuple[float, ...]:
    """Quantiles of a normal distribution at the ranks of points (Q,) among sorted numbers."""
    left, right = (np.searchsorted(ranked, points, side=side) for side in ("left", "right"))
    shares = (left + right) / 2 / len(ranked)
    return tuple(NormalDist().inv_cdf(share) for share in np.clip(shares, 1e-3, 1 - 1e-3).tolist())


def _standard_scale(values: np.ndarray) -> tuple[float, float] | None:
    """Mean and deviation of numbers (n,) but the outermost; None if float64 holds no codes."""
    inner = _without_outermost(values)
    with np.errstate(over="ignore", invalid="ignore"):
        center, spread = float(inner.mean()), float(inner.std())
        codes = (values[[values.argmin(), values.argmax()]] - center) / spread
    return (center, spread) if spread > 0 and bool(np.isfinite(codes).all()) else None


def _without_outermost(values: np.ndarray) -> np.ndarray:
    """Sorted numbers without the outermost ones: a wrong cell then chooses no scale."""
    left_out = math.ceil(OUTERMOST * len(values))
    return np.sort(values)[left_out:-left_out]


def _is_plain(known: np.ndarray) -> bool:
    """Whether known numbers (n,) lie about as evenly around their middle as an even or a Gaussian
    distribution does. No other scale is then tried.
    """
    low, left, middle, right, high = np.quantile(known, (0.02, 0.25, 0.5, 0.75, 0.98)).tolist()
    if not math.isfinite(high - low) or left == right:
        return False
    skew = (high + low - 2 * middle) / (high - low)
    return (
        abs(skew) < PLAIN_SKEW and PLAIN_TAILS[0] < (high - low) / (right - left) < PLAIN_TAILS[1]
    )


def _held_out(
    known: np.ndarray,
    warps: Sequence[AbstractWarp | None],
    bounds: tuple[float, float],
    on_grid: bool,
) -> list[np.ndarray | None]:
    """On each scale, log-likelihoods (2, n) of at most 2,000 numbers under two mixtures.

    The mixtures are fitted to the half of the numbers that is not scored. They are truncated to the
    bounds, which are outer edges on a grid. None if float64 cannot hold the codes.
    """
    sample = known[:: -(-len(known) // MOST_ROWS)]
    scored = [_Scored.of(sample, warp, bounds) for warp in warps]
    used = [each for each in scored if each is not None]
    if not used:
        return [None for _ in scored]
    # An odd number of rows has halves of two lengths.
    groups = min(GROUPS, len(_without_outermost(sample[1::2])))
    points = np.stack(
        [_grouped(each.codes[1 - part :: 2], groups) for each in used for part in (0, 1)]
    )
    ends = np.repeat(np.stack([each.ends for each in used]), 2, axis=0)
    nats = np.empty((len(used), len(COMPONENTS), len(sample)))
    for k, components in enumerate(COMPONENTS):
        mixtures = list(zip(*_mixtures_of(points, ends, components), strict=True))
        for number, part in product(range(len(used)), (0, 1)):
            log_likelihood = used[number].log_masses if on_grid else used[number].log_densities
            nats[number, k, part::2] = log_likelihood(part, *mixtures[2 * number + part])
    found = iter(nats)
    return [None if each is None else next(found) for each in scored]


@dataclass(frozen=True)
class _Scored:
    """Numbers (n,) on a scale: their codes (n,), and those of the bounds (2,)."""

    values: np.ndarray
    warp: AbstractWarp | None
    codes: np.ndarray
    ends: np.ndarray
    center: float
    spread: float

    @classmethod
    def of(
        cls, values: np.ndarray, warp: AbstractWarp | None, bounds: tuple[float, float]
    ) -> Self | None:
        """The numbers on a scale; None if float64 cannot hold the codes."""
        warped = values if warp is None else warp.forward(values)
        scale = _standard_scale(warped)
        if scale is None:
            return None
        ends = np.array(bounds) if warp is None else warp.forward(np.array(bounds))
        codes, ends = ((each - scale[0]) / scale[1] for each in (warped, ends))
        return cls(values, warp, codes, ends, *scale)

    def log_densities(
        self, part: int, weight: np.ndarray, mean: np.ndarray, deviation: np.ndarray
    ) -> np.ndarray:
        """Log-densities of one half of the numbers, in their own units."""
        slope = 0.0 if self.warp is None else self.warp.log_slope(self.values[part::2])
        logs = _logs(self.codes[part::2], weight, mean, deviation)
        most = logs.max(0)
        beyond = _mass_beyond((self.ends - mean[:, None]) / deviation[:, None])
        inside = math.log(max(1 - float(weight @ beyond), LEAST_INSIDE))
        density = most + np.log(np.exp(logs - most).sum(0)) - inside
        return density - math.log(self.spread) + slope

    def log_masses(
        self, part: int, weight: np.ndarray, mean: np.ndarray, deviation: np.ndarray
    ) -> np.ndarray:
        """Log-masses of one half of the numbers, which are integers, under logistic components."""
        values = self.values[part::2]
        at = np.concatenate([values - 0.5, values + 0.5])
        edges = at if self.warp is None else self.warp.forward(at)
        z = np.concatenate([(edges - self.center) / self.spread, self.ends])
        z = (z - mean[:, None]) / (2 * LOGISTIC * deviation[:, None])
        below = weight @ (0.5 + 0.5 * np.tanh(z))  # the cumulative distribution function
        masses = below[len(values) : -2] - below[: len(values)]
        inside = max(float(below[-1] - below[-2]), LEAST_MASS)
        return np.log(np.maximum(masses, LEAST_MASS) / inside)


def _grouped(codes: np.ndarray, groups: int) -> np.ndarray:
    """Means (G,) of groups of neighbours among codes, which stand for them in a fit."""
    ranked = _without_outermost(codes)
    begins = np.linspace(0, len(ranked), groups + 1).astype(int)
    return np.add.reduceat(ranked, begins[:-1]) / np.diff(begins)


def _mixtures_of(
    codes: np.ndarray, ends: np.ndarray, components: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weights, means and deviations (B, K) of mixtures of Gaussians, each of its codes (B, G).

    They are fitted by expectation-maximisation. What a mixture has beyond its ends (B, 2) counts as
    rows that were not seen.
    """
    parts = np.array_split(codes, components, axis=1)
    mean = np.stack([part.mean(1) for part in parts], axis=1)
    deviation = np.stack([part.std(1) for part in parts], axis=1)
    deviation = np.maximum(deviation, LEAST_DEVIATION)
    weight = np.full(mean.shape, 1 / components)
    count_all = codes.shape[1]
    for _ in range(ROUNDS):
        logs = _logs(codes[:, None], weight, mean, deviation)
        p = np.exp(logs - logs.max(1, keepdims=True))
        p /= p.sum(1, keepdims=True)  # (B, K, G)
        z = (ends[:, None] - mean[..., None]) / deviation[..., None]
        beyond, first, second = _moments_beyond(z)
        inside = np.maximum(1 - (weight * beyond).sum(1, keepdims=True), LEAST_INSIDE)
        unseen = count_all * weight / inside
        count = p.sum(2) + unseen * beyond + 1e-9
        sums = (p * codes[:, None]).sum(2) + unseen * (mean * beyond + deviation * first)
        weight, moved = count / count.sum(1, keepdims=True), mean - sums / count
        mean = mean - moved
        square = (p * (codes[:, None] - mean[..., None]) ** 2).sum(2) + unseen * (
            moved**2 * beyond + 2 * moved * deviation * first + deviation**2 * second
        )
        deviation = np.maximum(np.sqrt(square / count), LEAST_DEVIATION)
    return weight, mean, deviation


def _moments_beyond(z: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The mass, and the integrals of t and t² (...), of a Gaussian density beyond ends (..., 2)."""
    density = np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
    finite = np.where(np.isinf(z), 0.0, z)
    beyond = _mass_beyond(z)
    second = beyond + finite[..., 1] * density[..., 1] - finite[..., 0] * density[..., 0]
    return beyond, density[..., 1] - density[..., 0], second


def _mass_beyond(z: np.ndarray) -> np.ndarray:
    """The mass (...) of a Gaussian beyond ends (..., 2)."""
    tails = (z * [-math.sqrt(0.5), math.sqrt(0.5)]).ravel().tolist()
    return 0.5 * np.array([math.erfc(tail) for tail in tails]).reshape(z.shape).sum(-1)


def _logs(
    codes: np.ndarray, weight: np.ndarray, mean: np.ndarray, deviation: np.ndarray
) -> np.ndarray:
    """log of each component's weight times its density, (..., K, n)."""
    z = (codes - mean[..., None]) / deviation[..., None]
    return np.log(weight / deviation)[..., None] - 0.5 * z * z - 0.5 * math.log(2 * math.pi)
