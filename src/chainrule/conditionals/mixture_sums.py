"""Log-likelihoods of mixtures over numbers: of values, and of the cells between two edges.

In float64 without gradients, a kernel sums likelihoods. Otherwise, and for tiny sums, logarithms
are summed, which neither cancel nor underflow.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.nn import functional as F

from chainrule.conditionals.between import log_one_minus_exp
from chainrule.conditionals.components import BoundComponents
from chainrule.ops.cells import choose

DEEP = 1e-280  # sums of the kernels below it may have lost digits


def log_densities(
    bound: BoundComponents,
    x: torch.Tensor,
    log_density: Callable[[torch.Tensor], torch.Tensor],
    kind: str,
) -> torch.Tensor:
    """log Σ_k w_k f((x − μ_k) / s_k) / s_k, (...), in standardised units.

    Args:
        bound: the components, (..., K).
        x: standardised values (...).
        log_density: log f.
        kind: the name of f among the kernels' densities.
    """

    def reference(some: BoundComponents, at: torch.Tensor) -> torch.Tensor:
        density = log_density((at[..., None] - some.location) / some.scale) - some.scale.log()
        return (some.log_weight + density).logsumexp(-1)

    if not _by_kernel(bound, x):
        return reference(bound, x)
    flat, values = _flat(bound), _values(bound, x)
    kernel = choose.of_float64().densities
    sums = kernel(values, flat.log_weight.exp(), flat.location, flat.scale, kind)
    logs, deep = sums.log(), sums < DEEP
    if bool(deep.any()):
        n, q = deep.nonzero(as_tuple=True)
        logs[n, q] = reference(flat.take(n), values[n, q])
    return logs.reshape(x.shape)


def log_masses_of_cells(
    bound: BoundComponents, low: torch.Tensor, high: torch.Tensor, width: torch.Tensor
) -> torch.Tensor:
    """log Σ_k w_k (F_k(high) − F_k(low)), (...), in nats, for logistic densities.

    Args:
        bound: the components, (..., K).
        low: lower edges (...) in standardised units; −inf for none.
        high: upper edges (...); inf for none.
        width: their distances, (...), of which those at infinite edges are ignored; or a single one
            for all cells, of which no edge is infinite.
    """
    if not _by_kernel(bound, low):
        return _log_masses(bound, low, high, width)
    flat, a, b = _flat(bound), _values(bound, low), _values(bound, high)
    if width.ndim == 0:  # that of all cells
        w = width.expand(len(a), 1)
    else:
        w = _values(bound, width.expand(low.shape))
        w = torch.where(a.isinf() | b.isinf(), torch.inf, w)
    kernel = choose.of_float64().logistic_masses
    sums = kernel(a, b, w, flat.log_weight.exp(), flat.location, flat.scale)
    logs, deep = sums.log(), sums < DEEP
    if bool(deep.any()):
        n, q = deep.nonzero(as_tuple=True)
        widths = w.expand(a.shape)[n, q]
        logs[n, q] = _log_masses(flat.take(n), a[n, q], b[n, q], widths)
    return logs.reshape(low.shape)


def _log_masses(
    bound: BoundComponents, low: torch.Tensor, high: torch.Tensor, width: torch.Tensor
) -> torch.Tensor:
    """log Σ_k w_k σ(b_k) σ(−a_k) (1 − e^(a_k − b_k)), by log-masses."""
    is_first, is_last = low.isinf()[..., None], high.isinf()[..., None]
    is_end = is_first | is_last
    # An infinite edge is replaced before the formula, so that gradients stay finite.
    b = (torch.where(is_last, 0.0, high[..., None]) - bound.location) / bound.scale
    a = (torch.where(is_first, 0.0, low[..., None]) - bound.location) / bound.scale
    width = torch.where(is_end, 1.0, width[..., None]) / bound.scale
    upper, lower = F.logsigmoid(b), F.logsigmoid(-a)
    upper, lower = torch.where(is_last, 0.0, upper), torch.where(is_first, 0.0, lower)
    inner = torch.where(is_end, 0.0, log_one_minus_exp(-width))
    return (bound.log_weight + (upper + lower + inner)).logsumexp(-1)


def _by_kernel(bound: BoundComponents, x: torch.Tensor) -> bool:
    """Whether a kernel serves: for a value of each mixture, or Q values (N, Q) of N mixtures."""
    fits = bound.location.shape[:-1] == x.shape or _is_grid(bound, x)
    return fits and x.dtype == torch.float64 and choose.serves_float64(bound.location)


def _is_grid(bound: BoundComponents, x: torch.Tensor) -> bool:
    return x.ndim == 2 and bound.location.shape[:-1] == (len(x), 1)


def _values(bound: BoundComponents, x: torch.Tensor) -> torch.Tensor:
    """Values as (rows, values of a row)."""
    return x if _is_grid(bound, x) else x.reshape(-1, 1)


def _flat(bound: BoundComponents) -> BoundComponents:
    """Components (rows, K)."""
    each = (bound.log_weight, bound.location, bound.scale)
    return BoundComponents(*(one.reshape(-1, one.shape[-1]) for one in each))
