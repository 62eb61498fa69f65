"""What lies between two ends of a Gaussian, logistic or Laplace density of unit scale.

Each density f is symmetric around 0, with the distribution function F. Ends may lie far out in the
same tail: nothing underflows there, and the difference of two nearly equal numbers is never taken.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch.nn import functional as F

LOG_2 = math.log(2)
# Up to this width, and width times middle, a Gaussian's mass is a series around the middle.
NARROW = {torch.float32: 0.5}
NARROW_IN_FLOAT64 = 0.02
NARROW_MEAN = 1e-3  # the same for means, in float64
DEEP = -700.0  # log-masses below it underflow in float64
TINY = 1e-290  # probabilities above it are normal numbers of float64
NEWTON_STEPS = 6
ONLY_A_TAIL = -37.0  # below it, a logistic density is e^z in float64

Function = Callable[[torch.Tensor], torch.Tensor]


def log_one_minus_exp(negative: torch.Tensor) -> torch.Tensor:
    """log(1 − e^x) for x < 0, accurate at both ends."""
    near = negative > -LOG_2
    # Each branch sees only numbers in its own range, so that gradients stay finite.
    safe = torch.where(near, negative, -1.0)
    far = torch.where(near, -1.0, negative)
    return torch.where(near, (-safe.expm1()).log(), (-far.exp()).log1p())


def mirrored(a: torch.Tensor, b: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Whether the interval [a, b] lies more above 0 than below, and its ends mirrored if so."""
    is_above = a + b > 0
    return is_above, torch.where(is_above, -b, a), torch.where(is_above, -a, b)


def logistic_log_cdf(z: torch.Tensor) -> torch.Tensor:
    """log F(z)."""
    return F.logsigmoid(z)


def logistic_log_between(a: torch.Tensor, b: torch.Tensor, width: torch.Tensor) -> torch.Tensor:
    """log(F(b) − F(a)) for finite ends; the width b − a comes from where it did not cancel."""
    return F.logsigmoid(b) + F.logsigmoid(-a) + log_one_minus_exp(-width)


def logistic_log_quantile(log_u: torch.Tensor) -> torch.Tensor:
    """The z with log F(z) = log_u."""
    return log_u - log_one_minus_exp(log_u)


def logistic_mean(a: torch.Tensor, b: torch.Tensor, log_mass: torch.Tensor) -> torch.Tensor:
    """The mean between two ends, of which one may be infinite; float64."""
    is_above, low, high = mirrored(a, b)
    width = b - a
    exponential = high - 1 + _shrunk(width)
    safe = torch.where(low.isinf(), high - 1, low)
    area = F.logsigmoid(-safe) - F.logsigmoid(-high) - torch.sigmoid(safe) * (high - safe)
    area = torch.where(low.isinf(), -F.logsigmoid(-high), area)  # ∫ (F − F(low))
    inside = high - area * (-log_mass).clamp(max=-DEEP).exp()
    middle = (low + high) / 2
    narrow = middle + width**2 / 12 * (1 - 2 * torch.sigmoid(middle))
    found = torch.where(high < ONLY_A_TAIL, exponential, inside)
    found = torch.where(width < NARROW_MEAN, narrow, found)
    return torch.where(is_above, -found, found)


def laplace_log_cdf(z: torch.Tensor) -> torch.Tensor:
    """log F(z)."""
    below = z.clamp(max=0) - LOG_2
    return torch.where(z < 0, below, (-0.5 * (-z.abs()).exp()).log1p())


def laplace_log_between(a: torch.Tensor, b: torch.Tensor, width: torch.Tensor) -> torch.Tensor:
    """log(F(b) − F(a)) for finite ends, as for the logistic density."""
    _, low, high = mirrored(a, b)
    across = high > 0
    lower, upper = torch.where(across, low, -1.0), torch.where(across, high, 1.0)
    both = (-0.5 * (lower.expm1() + (-upper).expm1())).log()
    return torch.where(across, both, high - LOG_2 + log_one_minus_exp(-width))


def laplace_log_quantile(log_u: torch.Tensor) -> torch.Tensor:
    """The z with log F(z) = log_u."""
    is_below = log_u < -LOG_2
    return torch.where(is_below, log_u + LOG_2, -log_one_minus_exp(log_u) - LOG_2)


def laplace_mean(a: torch.Tensor, b: torch.Tensor, log_mass: torch.Tensor) -> torch.Tensor:
    """The mean between two ends, of which one may be infinite; float64."""
    is_above, low, high = mirrored(a, b)
    tail = high - 1 + _shrunk(b - a)
    lower, upper = (-low).clamp(0, -DEEP), high.clamp(0, -DEEP)
    both = (1 + lower) * (-lower).exp() - (1 + upper) * (-upper).exp()
    found = torch.where(high > 0, 0.5 * both * (-log_mass).clamp(max=-DEEP).exp(), tail)
    return torch.where(is_above, -found, found)


def _shrunk(width: torch.Tensor) -> torch.Tensor:
    """w / (e^w − 1): how much less than 1 an exponential density's mean within a width w is."""
    safe = width.clamp(max=-DEEP)
    return torch.where(width > 0, safe * (-safe).exp() / -(-safe).expm1(), 1.0)


def gaussian_log_density(z: torch.Tensor) -> torch.Tensor:
    """log f(z)."""
    return -0.5 * z * z - 0.5 * math.log(2 * math.pi)


def gaussian_log_cdf(z: torch.Tensor) -> torch.Tensor:
    """log F(z)."""
    return torch.special.log_ndtr(z)


def gaussian_log_between(a: torch.Tensor, b: torch.Tensor, width: torch.Tensor) -> torch.Tensor:
    """log(F(b) − F(a)) for finite ends, as for the logistic density.

    A narrow interval's mass is a series around its middle. If the ends lie on either side of 0, the
    error function is taken at both. In a tail, F = f · ``mills_ratio``, and f is factored out.
    """
    middle, (_, low, high) = (a + b) / 2, mirrored(a, b)
    limit = NARROW.get(a.dtype, NARROW_IN_FLOAT64)
    narrow = (width <= limit) & (width * middle.abs() <= limit)
    across = ~narrow & (high > 0)
    tail = ~narrow & ~across  # also NaN

    m, w = torch.where(narrow, middle, 0.0), torch.where(narrow, width, limit)
    m2, w2 = m * m, w * w
    series = w2 / 24 * (m2 - 1) + w2 * w2 / 1920 * (m2 * m2 - 6 * m2 + 3)
    series = gaussian_log_density(m) + w.log() + series.log1p()

    lower, upper = torch.where(across, low, -1.0), torch.where(across, high, 1.0)
    root = math.sqrt(0.5)
    both = (0.5 * ((upper * root).erf() - (lower * root).erf())).log()

    lower, upper = torch.where(tail, low, -2.0), torch.where(tail, high, -1.0)
    fall = torch.where(tail, width, 1.0) * -(lower + upper) / 2  # log f(high) − log f(low)
    rest = mills_ratio(upper) - mills_ratio(lower) * (-fall).exp()
    far = gaussian_log_density(upper) + rest.log()
    return torch.where(narrow, series, torch.where(across, both, far))


def mills_ratio(z: torch.Tensor) -> torch.Tensor:
    """F(z) / f(z) of a Gaussian, for z at most a few."""
    return math.sqrt(math.pi / 2) * torch.special.erfcx(-z * math.sqrt(0.5))


def gaussian_log_quantile(log_u: torch.Tensor) -> torch.Tensor:
    """The z with log F(z) = log_u; float64."""
    is_below = log_u < -LOG_2
    tail = torch.where(is_below, log_u, log_one_minus_exp(log_u))
    near = torch.special.ndtri(tail.clamp(min=DEEP).exp())
    z = -(-2 * tail).sqrt()
    for _ in range(NEWTON_STEPS):
        z = z - (torch.special.log_ndtr(z) - tail) * mills_ratio(z)
    found = torch.where(tail > DEEP, near, z)
    return torch.where(is_below, found, -found)


def gaussian_mean(a: torch.Tensor, b: torch.Tensor, log_mass: torch.Tensor) -> torch.Tensor:
    """The mean between two ends, of which one may be infinite; float64."""
    wide = (gaussian_log_density(a) - log_mass).exp() - (gaussian_log_density(b) - log_mass).exp()
    width, middle = b - a, (a + b) / 2
    is_narrow = (width < NARROW_MEAN) & (width * middle.abs() < NARROW_MEAN)
    narrow = middle * (1 - width**2 / 12)
    return torch.where(is_narrow, narrow, wide)


def quantile_between(
    u: torch.Tensor,
    a: torch.Tensor,
    b: torch.Tensor,
    log_cdf: Function,
    log_quantile: Function,
    quantile: Function,
) -> torch.Tensor:
    """The z with F(z) = F(a) + u (F(b) − F(a)), for u within (0, 1); ends may be infinite.

    In float64, probabilities are added unless one of them is tiny. Their logarithms cost several
    times as much.
    """
    is_above, low, high = mirrored(a, b)
    of_low, of_high = torch.where(is_above, u, 1 - u), torch.where(is_above, 1 - u, u)
    log_low, log_high = log_cdf(low), log_cdf(high)
    p = of_low * log_low.exp() + of_high * log_high.exp()
    if p.dtype == torch.float64 and bool((p > TINY).all()):
        z = quantile(p)
    else:
        log_u, log_rest = u.log(), (-u).log1p()
        of_low = torch.where(is_above, log_u, log_rest)
        of_high = torch.where(is_above, log_rest, log_u)
        z = log_quantile(torch.logaddexp(of_low + log_low, of_high + log_high))
    return torch.where(is_above, -z, z).clamp(a, b)
