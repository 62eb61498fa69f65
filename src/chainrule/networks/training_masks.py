"""Random masks for training an orderless network: which observed cells are given."""

from __future__ import annotations

import torch

MOST_RAISED = 10.0  # largest weight of a (given cells, target) pair, relative to a complete row
REDRAWS = 200  # at most so many redraws of masks without a target; 200 failures have chance 2^-200


def draw_given(observed: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Draws a mask (N, D) of given cells among the observed cells (N, D).

    A row with m observed cells has k given ones, with k uniform on 0 … m − 1. All choices of k
    cells are equally likely.

    Each row draws a uniform probability r, and each observed cell is given with probability r. The
    count k is then uniform on 0 … m. Rows with k = m have no target and are redrawn.

    The masks come in antithetic pairs: a row of the second half has the complement of a mask in the
    first half. The two counts are opposite, and each cell is a target in one of the two. This
    reduces the variance of a batch's loss.

    Source of the antithetic pairs: Hoogeboom et al., "Autoregressive Diffusion Models", ICLR 2022,
    arXiv:2110.02037.
    """
    n, width = observed.shape
    half = (n + 1) // 2
    first = torch.rand(half, width, generator=generator) < torch.rand(half, 1, generator=generator)
    given = torch.cat([first, ~first])[:n].to(observed.device) & observed
    m = observed.sum(1)
    for _ in range(REDRAWS):
        again = ((given.sum(1) == m) & (m > 0)).nonzero()[:, 0]
        if not len(again):
            break
        drawn = torch.rand(len(again), width, generator=generator) < torch.rand(
            len(again), 1, generator=generator
        )
        given[again] = drawn.to(observed.device) & observed[again]
    return given


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
    m = observed.sum(1).cpu()
    numbers, which, times = m.unique(return_inverse=True, return_counts=True)
    k, number = torch.arange(width, dtype=torch.float64), numbers.double()[:, None]

    def log_pairs(m: torch.Tensor) -> torch.Tensor:
        pairs = (
            m.clamp(min=1).log()
            + m.clamp(min=1).lgamma()
            - (k + 1).lgamma()
            - (m - k).clamp(min=1).lgamma()
        )
        return torch.where(k < m, pairs, -torch.inf)

    # (M, D): the number of pairs, relative to a complete row
    share = (log_pairs(number) - log_pairs(torch.tensor(float(width)))).exp()
    mean_share = (times[:, None] * share).sum(0) / n  # (D,)
    pairs = share / mean_share.clamp(min=1 / MOST_RAISED)
    total = pairs.sum(1)  # W(m) before scaling
    scale = (times * numbers).sum() / (times * total).sum().clamp(min=1e-300)
    ends = pairs.cumsum(1) / total.clamp(min=1e-300)[:, None]
    half = torch.rand((n + 1) // 2, generator=generator, dtype=torch.float64)
    u = torch.cat([half, 1 - half])[:n]
    count = (u[:, None] >= ends[which][:, :-1]).sum(1).minimum((m - 1).clamp(min=0))
    keys = torch.rand(n, width, generator=generator).to(observed.device).masked_fill(~observed, 2.0)
    given = (keys.argsort(1).argsort(1) < count.to(observed.device)[:, None]) & observed
    return given, (scale * total[which] / m.clamp(min=1)).to(observed.device)
