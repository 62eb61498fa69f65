"""Random masks for training an orderless network: which observed cells are given.

Both functions draw a number k of given cells for each row, then k of its observed cells. Rows come
in antithetic pairs, a row of the first half with one of the second. Their numbers are opposite, and
each cell is a target in at least one of the two. This reduces the variance of a batch's loss.

Source of the antithetic pairs: Hoogeboom et al., "Autoregressive Diffusion Models", ICLR 2022,
arXiv:2110.02037.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch

from chainrule.ops.cells import choose

MOST_RAISED = 10.0  # largest weight of a (given cells, target) pair, relative to a complete row
MOST_KEPT = 512  # columns up to which the table of the numbers of pairs is kept


def draw_given(observed: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Draws a mask (N, D) of given cells among the observed cells (N, D).

    A row with m observed cells has k given ones, with k uniform on 0 … m − 1. All choices of k
    cells are equally likely.
    """
    m = observed.sum(1)
    k = (_opposite(len(m), generator) * m.cpu()).floor().minimum((m.cpu() - 1).clamp(min=0))
    return _choose(observed, k, generator)


def draw_evenly(
    observed: torch.Tensor, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Draws a mask (N, D) of given cells, and returns it with factors (N,) of ``masked_loss``.

    In expectation, each pair (k given cells, target cell) of a row has a weight c(k). It does not
    depend on the row's other cells, so all rows that have a conditional's cells train it equally.
    A row with m observed cells has m C(m−1, k) such pairs.

    c(k) gives every k the same total weight over the batch. It is at most ``MOST_RAISED`` times a
    pair's weight in complete rows, so a k that few rows reach has less. All weights are then scaled
    to sum to the number of observed cells in the batch.

    A row draws k with probability m C(m−1, k) c(k) / W(m), where W(m) is the sum over k. Its factor
    is W(m) / m.
    """
    n, width = observed.shape
    m = observed.sum(1).cpu().numpy()
    times = np.bincount(m, minlength=width + 1)
    numbers = times.nonzero()[0]  # the numbers of observed cells that occur
    times, row = times[numbers], np.searchsorted(numbers, m)
    share = _share_of_pairs(width)[numbers] if width <= MOST_KEPT else _shares(numbers, width)
    reached = times @ share / n  # (D,)
    pairs = share / np.maximum(reached, 1 / MOST_RAISED)
    total = pairs.sum(1)  # W(m) before scaling
    scale = (times * numbers).sum() / max((times * total).sum(), 1e-300)
    ends = pairs.cumsum(1) / np.maximum(total, 1e-300)[:, None]
    u = _opposite(n, generator).numpy()
    k = np.minimum((u[:, None] >= ends[row, :-1]).sum(1), np.maximum(m - 1, 0))
    factor = (scale * total)[row] / np.maximum(m, 1)
    given = _choose(observed, torch.from_numpy(k), generator)
    return given, torch.from_numpy(factor).to(observed.device)


def _opposite(n: int, generator: torch.Generator) -> torch.Tensor:
    """Uniforms (n,) float64 on [0, 1]; those of the second half mirror the first."""
    half = torch.rand((n + 1) // 2, generator=generator, dtype=torch.float64)
    return torch.cat([half, 1 - half])[:n]


def _choose(observed: torch.Tensor, k: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Chooses k (N,) of the observed cells (N, D) of each row.

    A row of the second half has the uniforms of one of the first. It chooses its m − k unknown
    cells by them, so it is given none of the cells of the other if the numbers are opposite.
    """
    n, width = observed.shape
    half = (n + 1) // 2
    uniforms = torch.rand(width, half, generator=generator)
    uniforms = torch.cat([uniforms, uniforms], dim=1)[:, :n]
    cells = observed.t().to(torch.float32).cpu()  # rows last, as the kernel reads them
    count = k.to(torch.float32)
    count[half:] = cells[:, half:].sum(0) - count[half:]
    found = choose.implementation().chosen if choose.serves(cells) else chosen
    given = found(uniforms.contiguous(), cells.contiguous(), count)
    given[:, half:] = cells[:, half:] - given[:, half:]
    return given.t().to(observed.device) > 0


def chosen(uniforms: torch.Tensor, observed: torch.Tensor, count: torch.Tensor) -> torch.Tensor:
    """``ops.cells.cpu.chosen`` without a kernel, to the same bits."""
    given, wanted, coming = torch.empty_like(observed), count.clone(), observed.sum(0)
    for d in range(len(observed)):
        given[d] = torch.where(uniforms[d] * coming < wanted, observed[d], 0)
        wanted -= given[d]
        coming = coming - observed[d]
    return given


@lru_cache(maxsize=8)
def _share_of_pairs(width: int) -> np.ndarray:
    """``_shares`` of rows with 0 … D observed cells."""
    return _shares(np.arange(width + 1), width)


def _shares(numbers: np.ndarray, width: int) -> np.ndarray:
    """The number of pairs with k given cells relative to a complete row, float64 (rows, D)."""
    k = np.arange(width)
    pairs = _log_pairs(numbers[:, None], k) - _log_pairs(np.array([width]), k)
    return np.where(k < numbers[:, None], np.exp(np.minimum(pairs, 0)), 0.0)


def _log_pairs(m: np.ndarray, k: np.ndarray) -> np.ndarray:
    """log m C(m−1, k), for k < m; other entries have no meaning."""
    m = np.maximum(m, 1)
    return np.log(m) + _log_gamma(m) - _log_gamma(k + 1) - _log_gamma(np.maximum(m - k, 1))


def _log_gamma(n: np.ndarray) -> np.ndarray:
    return torch.from_numpy(n).double().lgamma().numpy()
