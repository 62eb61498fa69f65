"""The partition function Z of an RBM: an exact sum, or annealed importance sampling (AIS).

The sum is over all states of the smaller layer.

Source: Salakhutdinov & Murray, "On the Quantitative Analysis of Deep Belief Networks", ICML 2008.
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import torch
from torch.nn import functional as F

from chainrule.errors import ShapeError, whole_number
from chainrule.networks.answers import Estimate
from chainrule.progress import progress_bar

MOST_SUMMED = 20  # units of the smaller layer; 2^20 states take seconds
CHUNK_BITS = 12  # 2^12 states are summed in one batch
DISTRIBUTIONS, CHAINS = 10_000, 100
# Pairs (share of the distributions, inverse temperature that they reach). Steps are smallest
# near 1, where the distribution changes fastest.
SCHEDULE = ((0.035, 0.5), (0.31, 0.9), (1.0, 1.0))


@torch.no_grad()
def enumerated(W: torch.Tensor, b: torch.Tensor, c: torch.Tensor) -> float:
    """log Z = log Σ_x Σ_h exp(b·x + c·h + xᵀ W h), in float64.

    Sums over all states of the smaller layer.
    """
    W, b, c = W.double(), b.double(), c.double()
    if W.shape[0] > W.shape[1]:
        W, b, c = W.t(), c, b
    units = len(W)
    if units > MOST_SUMMED:
        raise ShapeError(
            f"both layers have more than {MOST_SUMMED} units, too many states to sum over; use "
            "method='ais'"
        )
    inner = min(units, CHUNK_BITS)
    low = _states(0, 2**inner, inner, W.device)
    inputs, energies = torch.addmm(c, low, W[:inner]), low @ b[:inner]  # (S, other), (S,)
    logs = [
        (energies + high @ b[inner:] + F.softplus(inputs + high @ W[inner:]).sum(1)).logsumexp(0)
        for high in _states(0, 2 ** (units - inner), units - inner, W.device)
    ]
    return float(torch.stack(logs).logsumexp(0))


def _states(first: int, last: int, bits: int, device: torch.device) -> torch.Tensor:
    """The bits of the integers first … last − 1, lowest bit first, (last − first, bits) float64."""
    numbers = torch.arange(first, last, device=device)
    return ((numbers[:, None] >> torch.arange(bits, device=device)) & 1).double()


def temperatures(distributions: int) -> list[float]:
    """Inverse temperatures from 0 to 1 in ``distributions`` steps, dense near 1.

    >>> [round(beta, 2) for beta in temperatures(10)], temperatures(1)
    ([0.0, 0.59, 0.74, 0.89, 0.91, 0.93, 0.94, 0.96, 0.97, 0.99, 1.0], [0.0, 1.0])
    """
    shares, betas = zip((0.0, 0.0), *SCHEDULE, strict=True)
    return np.interp(np.linspace(0, 1, distributions + 1), shares, betas).tolist()


@torch.no_grad()
def annealed(
    W: torch.Tensor,
    b: torch.Tensor,
    c: torch.Tensor,
    base: torch.Tensor,
    *,
    distributions: int,
    chains: int,
    generator: torch.Generator,
    progress: bool = False,
) -> Estimate:
    """Estimates log Z by annealed importance sampling.

    The inverse temperature β rises from 0 to 1 along
    p_β ∝ exp((1 − β) base·x + β b·x) Π_j (1 + exp(β (c_j + x·W_j))).

    Each chain starts at a row drawn from the independent columns with log-odds ``base`` (D,). Each
    step multiplies the chain's weight by the ratio of the next unnormalised density to the current
    one. A step of Gibbs sampling follows. The mean weight is an unbiased estimate of Z / Z_0. The
    standard error is that of its logarithm, from the spread of the chains' weights.
    """
    distributions = whole_number(distributions, "distributions", least=1)
    chains = whole_number(chains, "chains", least=2, what="a number of runs")

    def drawn(logit: torch.Tensor) -> torch.Tensor:
        uniform = torch.rand(logit.shape, generator=generator, dtype=logit.dtype).to(logit.device)
        return (uniform < torch.sigmoid(logit)).to(logit.dtype)

    x = drawn(base.expand(chains, -1))
    log_weight = torch.zeros(chains, dtype=torch.float64, device=W.device)
    tilt, betas = b - base, temperatures(distributions)
    with progress_bar("estimating log Z", distributions, progress=progress) as advance:
        for before, beta in pairwise(betas):
            a = torch.addmm(c, x, W)  # (chains, H)
            gained = (beta - before) * (x @ tilt) + (
                F.softplus(beta * a) - F.softplus(before * a)
            ).sum(1)
            log_weight += gained.double()
            x = drawn(base + beta * (tilt + drawn(beta * a) @ W.t()))
            advance(1)
    start = F.softplus(base.double()).sum() + len(c) * math.log(2)
    value = start + log_weight.logsumexp(0) - math.log(chains)
    weight = (log_weight - log_weight.max()).exp()
    return Estimate(value, weight.std() / weight.mean() / chains**0.5)
