"""Masses, means and quantiles between two ends, against arithmetic with sixty digits."""

import itertools
import math

import mpmath
import pytest
import torch

from chainrule.conditionals import LaplaceMixture, between

DENSITIES = {
    "gaussian": lambda z: mpmath.npdf(z),
    "logistic": lambda z: mpmath.exp(-abs(z)) / (1 + mpmath.exp(-abs(z))) ** 2,
    "laplace": lambda z: mpmath.exp(-abs(z)) / 2,
}
CDFS = {
    "gaussian": lambda z: mpmath.erfc(-z / mpmath.sqrt(2)) / 2,
    "logistic": lambda z: 1 / (1 + mpmath.exp(-z)),
    "laplace": lambda z: mpmath.exp(z) / 2 if z < 0 else 1 - mpmath.exp(-z) / 2,
}
# Antiderivatives of z f(z), 0 at both infinities.
MOMENTS = {
    "gaussian": lambda z: -mpmath.npdf(z),
    "logistic": lambda z: 0 if abs(z) == math.inf else moment_of_logistic(mpmath.mpf(z)),
    "laplace": lambda z: 0 if abs(z) == math.inf else moment_of_laplace(mpmath.mpf(z)),
}


def moment_of_logistic(z):
    return z / (1 + mpmath.exp(-z)) - mpmath.log1p(mpmath.exp(z))


def moment_of_laplace(z):
    return -(abs(z) + 1) * mpmath.exp(-abs(z)) / 2


STARTS = [-60.0, -30.5, -8.0, -2.5, -1.0, -0.3, 0.0, 0.2, 1.0, 4.0, 20.0, 50.0]
WIDTHS = [1e-9, 1e-4, 1e-2, 0.1, 0.4, 0.6, 1.0, 3.0, 12.0, 90.0]
NEAR = STARTS[2:-2]  # no probability between such ends is tiny


def of(name, family):
    return getattr(between, f"{family}_{name}")


def exact_mass(family, a, b):
    """F(b) − F(a), mirrored below 0 first, where sixty digits suffice."""
    a, b = (-b, -a) if a + b > 0 else (a, b)
    return CDFS[family](b) - CDFS[family](a)


@pytest.mark.parametrize("family", DENSITIES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_masses_between_ends_do_not_cancel(family, dtype):
    pairs = torch.tensor(list(itertools.product(STARTS, WIDTHS)), dtype=dtype)
    start, width = pairs.unbind(1)
    got = of("log_between", family)(start, start + width, width)
    bound = 1e-5 if dtype == torch.float32 else 1e-12
    with mpmath.workdps(60):
        for a, w, logs in zip(start.tolist(), width.tolist(), got.tolist(), strict=True):
            if dtype == torch.float32 and w < 1e-4:
                continue  # the ends are the same number
            want = float(mpmath.log(exact_mass(family, mpmath.mpf(a), mpmath.mpf(a) + w)))
            # The sum of the start and the width is rounded, which shifts the end.
            shift = torch.finfo(dtype).eps * (1 + abs(a)) * (1 + abs(a))
            assert abs(logs - want) < bound * (1 + abs(want)) + shift, (a, w)


@pytest.mark.parametrize("family", DENSITIES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_slopes_of_log_masses_are_finite_and_right(family, dtype):
    pairs = torch.tensor(list(itertools.product(STARTS, WIDTHS[2:])), dtype=dtype)
    start = pairs[:, 0].clone().requires_grad_()
    logs = of("log_between", family)(start, start + pairs[:, 1], pairs[:, 1])
    (slope,) = torch.autograd.grad(logs.sum(), start)
    assert bool(slope.isfinite().all())
    density = DENSITIES[family]
    bound = 3e-4 if dtype == torch.float32 else 1e-9
    with mpmath.workdps(60):
        for (a, w), got in zip(pairs.tolist(), slope.tolist(), strict=True):
            a = mpmath.mpf(a)
            want = float((density(a + w) - density(a)) / exact_mass(family, a, a + w))
            if family == "laplace" and a <= 0 <= a + w and min(-a, a + w) == 0:
                continue  # the density has a corner there
            assert abs(got - want) < bound * (1 + abs(want)), (a, w)


@pytest.mark.parametrize("family", DENSITIES)
def test_means_between_ends(family):
    ends = [(a, a + w) for a, w in itertools.product(STARTS, WIDTHS)]
    ends += [(-math.inf, a) for a in STARTS] + [(a, math.inf) for a in STARTS]
    a, b = torch.tensor(ends, dtype=torch.float64).unbind(1)
    with mpmath.workdps(150):
        masses = [exact_mass(family, mpmath.mpf(low), mpmath.mpf(high)) for low, high in ends]
        log_mass = torch.tensor([float(mpmath.log(m)) for m in masses], dtype=torch.float64)
        got = of("mean", family)(a, b, log_mass)
    with mpmath.workdps(150):
        for (low, high), mass, mean in zip(ends, masses, got.tolist(), strict=True):
            want = float((MOMENTS[family](high) - MOMENTS[family](low)) / mass)
            assert abs(mean - want) < 1e-7 * (1 + abs(want)), (low, high)


@pytest.mark.parametrize("family", DENSITIES)
def test_quantiles_undo_log_masses(family):
    z = torch.tensor([-1e4, -200.0, -40.0, -37.6, -5.0, -0.1, 0.0, 0.3, 2.0, 6.0]).double()
    logs = of("log_cdf", family)(z)
    torch.testing.assert_close(of("log_quantile", family)(logs), z, rtol=1e-8, atol=1e-8)


QUANTILES = {
    "gaussian": torch.special.ndtri,
    "logistic": torch.logit,
    "laplace": LaplaceMixture._quantile,
}


@pytest.mark.parametrize("starts", [STARTS, NEAR], ids=["by logarithms", "by probabilities"])
@pytest.mark.parametrize("family", DENSITIES)
def test_quantiles_between_ends_stay_between_them_and_have_their_shares(family, starts):
    pairs = torch.tensor(list(itertools.product(starts, WIDTHS[2:])), dtype=torch.float64)
    a, b = pairs[:, 0], pairs.sum(1)
    log_mass = of("log_between", family)(a, b, pairs[:, 1])
    for u in (1e-12, 0.1, 0.5, 0.9, 1 - 1e-12):
        level = torch.full_like(a, u)
        logs = of("log_cdf", family), of("log_quantile", family)
        z = between.quantile_between(level, a, b, *logs, QUANTILES[family])
        assert bool(((z >= a) & (z <= b)).all())
        share = (of("log_between", family)(a, z, z - a) - log_mass).exp()
        middle = (share - u).abs() < 1e-7 * (1 + a.abs().square())
        assert bool((middle | (z == a) | (z == b)).all())
