"""Chooses the scale of a column's numbers by the held-out likelihood of small mixtures."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import product
from statistics import NormalDist
from typing import Any

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
LEAST_DEVIATION = 0.02  # of a component, in standard deviations of the codes
LEAST_INSIDE = 1e-6  # of a mixture, between the bounds
LEAST_GAIN = 0.03  # nats by which a scale must be better than simpler ones
SMOOTH_GAIN = 0.1  # nats by which quantiles must be better than a formula or no scale
FEWEST_STEPS = 8  # different numbers on a grid; fewer show no scale
LEAST_MASS = 1e-12  # of a number on a grid, so that rounding decides nothing
LOGISTIC = math.sqrt(3) / math.pi  # scale of a logistic distribution of deviation 1
MOST_GAIN = 3.0  # nats that one row counts at most, so that no row decides
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
    sample = known[:: -(-len(known) // MOST_ROWS)]
    bounds, score = _ends(least, most), _held_out_masses if on_grid else _held_out
    best, highest = None, score(sample, None, bounds)
    if highest is None:
        return None
    for warp in _warps(known, least, most, min_count):
        if isinstance(warp, Log) and (least is None or most is not None):
            continue  # a bound that no rows show, or no bound where they show one
        nats = score(sample, warp, bounds)
        if nats is None:
            continue
        is_smooth = isinstance(warp, Quantiles)
        gain = (nats - highest)[1 if is_smooth else slice(None)]  # it turns all into one Gaussian
        gain = np.clip(np.atleast_2d(gain).mean(0), -MOST_GAIN, MOST_GAIN)
        error = float(gain.std()) / math.sqrt(len(gain))
        if gain.mean() > (SMOOTH_GAIN if is_smooth else LEAST_GAIN) + error:
            best, highest = warp, nats
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
    found, highest = None, -math.inf
    for warp in _warps(known, least, most, min_count):
        if not isinstance(warp, SCALES[kind]):
            continue
        sample = known[:: -(-len(known) // MOST_ROWS)]
        score = _held_out_masses if on_grid else _held_out
        nats = score(sample, warp, _ends(least, most))
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
    origin = 0.0 if least is None else least
    if origin < lowest:
        yield Log(origin, _power_of_two(float(np.median(known)) - origin))
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


def _held_out(
    values: np.ndarray, warp: AbstractWarp | None, bounds: tuple[float, float]
) -> np.ndarray | None:
    """Log-densities (2, n) of numbers under mixtures that are fitted to the other half of them.

    The mixtures are truncated to the bounds. None if float64 cannot hold the codes.
    """
    warped = values if warp is None else warp.forward(values)
    scale = _standard_scale(warped)
    if scale is None:
        return None
    center, spread = scale
    ends = np.array(bounds) if warp is None else warp.forward(np.array(bounds))
    ends = (ends - center) / spread
    codes = (warped - center) / spread
    nats = np.empty((len(COMPONENTS), len(codes)))
    for part, (k, components) in product((0, 1), enumerate(COMPONENTS)):
        mixture = _mixture_of(codes[1 - part :: 2], ends, components)
        nats[k, part::2] = _log_density(codes[part::2], ends, *mixture)
    return nats - math.log(spread) + (0.0 if warp is None else warp.log_slope(values))


def _held_out_masses(
    values: np.ndarray, warp: AbstractWarp | None, bounds: tuple[float, float]
) -> np.ndarray | None:
    """Log-masses (2, n) of integers under mixtures that are fitted to the other half of them.

    The mixtures are truncated to the bounds, which are outer edges.
    """
    forward = (lambda v: v) if warp is None else warp.forward
    scale = _standard_scale(forward(values))
    if scale is None:
        return None
    at = np.concatenate([values - 0.5, values + 0.5, np.array(bounds)])
    codes, edges = ((forward(each) - scale[0]) / scale[1] for each in (values, at))
    lower, upper, ends = edges[: len(values)], edges[len(values) : -2], edges[-2:]
    nats = np.empty((len(COMPONENTS), len(values)))
    for part, (k, components) in product((0, 1), enumerate(COMPONENTS)):
        weight, mean, deviation = _mixture_of(codes[1 - part :: 2], ends, components)
        z = np.concatenate([lower[part::2], upper[part::2], ends])
        z = (z - mean[:, None]) / (2 * LOGISTIC * deviation[:, None])
        below = weight @ (0.5 + 0.5 * np.tanh(z))  # the cumulative distribution function
        masses = below[len(below) // 2 - 1 : -2] - below[: len(below) // 2 - 1]
        inside = max(float(below[-1] - below[-2]), LEAST_MASS)
        nats[k, part::2] = np.log(np.maximum(masses, LEAST_MASS) / inside)
    return nats


def _mixture_of(
    codes: np.ndarray, ends: np.ndarray, components: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weights, means and deviations (K,) of a mixture of Gaussians, by expectation-maximisation.

    What the whole mixture has beyond the ends (2,) counts as rows that were not seen.
    """
    codes = ranked = _without_outermost(codes)
    parts = [part for part in np.array_split(ranked, components) if len(part)]
    mean = np.array([part.mean() for part in parts])
    deviation = np.maximum([part.std() for part in parts], LEAST_DEVIATION)
    weight = np.full(len(parts), 1 / len(parts))
    for _ in range(ROUNDS):
        logs = _logs(codes, weight, mean, deviation)
        p = np.exp(logs - logs.max(0))
        p /= p.sum(0)  # (K, n)
        beyond, first, second = _moments_beyond((ends - mean[:, None]) / deviation[:, None])
        unseen = len(codes) * weight / max(1 - float(weight @ beyond), LEAST_INSIDE)
        count = p.sum(1) + unseen * beyond + 1e-9
        sums = p @ codes + unseen * (mean * beyond + deviation * first)
        weight, moved = count / count.sum(), mean - sums / count
        mean = mean - moved
        square = (p * (codes - mean[:, None]) ** 2).sum(1) + unseen * (
            moved**2 * beyond + 2 * moved * deviation * first + deviation**2 * second
        )
        deviation = np.maximum(np.sqrt(square / count), LEAST_DEVIATION)
    return weight, mean, deviation


def _moments_beyond(z: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The mass, and the integrals of t and t² (K,), of a Gaussian's density beyond ends (K, 2)."""
    density = np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
    finite = np.where(np.isinf(z), 0.0, z)
    beyond = _mass_beyond(z)
    second = beyond + finite[:, 1] * density[:, 1] - finite[:, 0] * density[:, 0]
    return beyond, density[:, 1] - density[:, 0], second


def _mass_beyond(z: np.ndarray) -> np.ndarray:
    """The mass (K,) of a Gaussian beyond ends (K, 2)."""
    root = math.sqrt(0.5)
    return np.array(
        [0.5 * (math.erfc(-low * root) + math.erfc(high * root)) for low, high in z.tolist()]
    )


def _log_density(
    codes: np.ndarray,
    ends: np.ndarray,
    weight: np.ndarray,
    mean: np.ndarray,
    deviation: np.ndarray,
) -> np.ndarray:
    """log of the density between the ends (2,), (n,)."""
    logs = _logs(codes, weight, mean, deviation)
    most = logs.max(0)
    beyond = float(weight @ _mass_beyond((ends - mean[:, None]) / deviation[:, None]))
    inside = math.log(max(1 - beyond, LEAST_INSIDE))
    return most + np.log(np.exp(logs - most).sum(0)) - inside


def _logs(
    codes: np.ndarray, weight: np.ndarray, mean: np.ndarray, deviation: np.ndarray
) -> np.ndarray:
    """log of each component's weight times its density, (K, n)."""
    z = (codes - mean[:, None]) / deviation[:, None]
    return np.log(weight / deviation)[:, None] - 0.5 * z * z - 0.5 * math.log(2 * math.pi)
