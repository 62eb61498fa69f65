"""Sums over mixtures of numbers on CPUs, in float64, over the memory of any tensor.

The kernels serve PyTorch's tensors and those that stand for them.
"""

from __future__ import annotations

import torch

from chainrule.errors import ShapeError
from chainrule.ops.cells import mixture_kernels
from chainrule.ops.compiled import threads
from chainrule.ops.compiled.calls import run

DENSITIES = {
    "gaussian": mixture_kernels.GAUSSIAN,
    "logistic": mixture_kernels.LOGISTIC,
    "laplace": mixture_kernels.LAPLACE,
}


def logistic_masses(
    low: torch.Tensor,
    high: torch.Tensor,
    width: torch.Tensor,
    weight: torch.Tensor,
    location: torch.Tensor,
    scale: torch.Tensor,
) -> torch.Tensor:
    """Σ_k w_k (F((high − μ_k) / s_k) − F((low − μ_k) / s_k)), (N, Q), F of the logistic density.

    Its relative error is below 1e-14, as long as the sum is above 1e-290. All tensors are float64.

    Args:
        low: the lower edges (N, Q); −inf for none.
        high: the upper edges (N, Q); inf for none.
        width: their distances (N, Q), or (N, 1) if all of a row are the same.
        weight: (N, K).
        location: (N, K).
        scale: (N, K).
    """
    high, low, width, weight, location, rate = _rows_last(high, low, width, weight, location, scale)
    if low.shape != high.shape or len(width) not in (1, len(low)):
        raise ShapeError(f"widths {tuple(width.t().shape)} do not fit edges {tuple(low.t().shape)}")
    sums, shares = torch.empty_like(low), torch.empty_like(weight)
    tasks = -(-low.shape[1] // mixture_kernels.ROWS_OF_TASK)
    arrays = high, low, width, weight, location, rate, shares, sums
    run(mixture_kernels.logistic_masses, tasks, threads.wanted(tasks), *arrays)
    return sums.t()


def densities(
    values: torch.Tensor,
    weight: torch.Tensor,
    location: torch.Tensor,
    scale: torch.Tensor,
    kind: str,
) -> torch.Tensor:
    """Σ_k w_k f((x − μ_k) / s_k) / s_k, (N, Q), as exact as ``logistic_masses``.

    Args:
        values: x (N, Q), float64 as all others.
        weight: (N, K).
        location: (N, K).
        scale: (N, K).
        kind: f, one of ``DENSITIES``.
    """
    values, weight, location, rate = _rows_last(values, weight / scale, location, scale)
    sums = torch.empty_like(values)
    tasks = -(-values.shape[1] // mixture_kernels.ROWS_OF_TASK)
    arrays = values, weight, location, rate, DENSITIES[kind], sums
    run(mixture_kernels.densities, tasks, threads.wanted(tasks), *arrays)
    return sums.t()


def _rows_last(*arrays: torch.Tensor) -> list[torch.Tensor]:
    """Float64 arrays (N, any) with rows last; the last three are (N, K), with scales as rates."""
    found = [each.t().contiguous() for each in (*arrays[:-1], 1 / arrays[-1])]
    if len({each.shape for each in found[-3:]}) > 1 or len({each.shape[1] for each in found}) > 1:
        raise ShapeError(f"shapes {[tuple(each.shape) for each in arrays]} do not fit each other")
    if any(each.dtype != torch.float64 for each in found):
        raise ShapeError("sums of mixtures are computed in float64; pass float64 tensors")
    return found
