"""Which cells are known while an orderless network is trained."""

from __future__ import annotations

import torch

MOST_RAISED = 10.0  # how much more a pair of known cells and another may count than in a complete row
REDRAWS = 200  # at most so often are masks drawn again that leave nothing to predict; 2^-200 is never


def draw_known(observed: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Which of the observed cells (N, D) are known while training: of m, the count is uniform on 0 … m − 1, then the choice.

    Every observed cell is known with a probability r of its row, and r is uniform: then the count is uniform on 0 … m. Rows
    that left nothing to predict are drawn again. The second half of the rows knows what the first half does not, row by row:
    opposite counts, and every cell predicted once in the two, so that a batch's loss varies less.

    Source of the antithetic pairs: Hoogeboom et al., "Autoregressive Diffusion Models", ICLR 2022, arXiv:2110.02037.
    """
    n, width = observed.shape
    half = (n + 1) // 2
    first = torch.rand(half, width, generator=generator) < torch.rand(half, 1, generator=generator)
    known = torch.cat([first, ~first])[:n].to(observed.device) & observed
    m = observed.sum(1)
    for _ in range(REDRAWS):
        again = ((known.sum(1) == m) & (m > 0)).nonzero()[:, 0]
        if not len(again):
            break
        drawn = torch.rand(len(again), width, generator=generator) < torch.rand(len(again), 1, generator=generator)
        known[again] = drawn.to(observed.device) & observed[again]
    return known


def draw_evenly(observed: torch.Tensor, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Which of the observed cells (N, D) are known, and factors (N,) of the rows' ``masked_loss``.

    Every pair of k known cells and a further one of a row counts c(k) in the mean, whatever else the row has observed, so
    that each conditional is learned from all rows that have its cells, alike. A row with m observed cells has m C(m−1, k) such
    pairs. c(k) makes all k count alike over the batch, where enough rows have so many cells (up to ``MOST_RAISED`` times what
    a pair counts in a complete row); then all are scaled so that the batch counts as many cells as it has. A row's k is drawn
    by its share m C(m−1, k) c(k) of the row's sum W(m), and the factor is W(m) / m.
    """
    n, width = observed.shape
    m = observed.sum(1).cpu()
    numbers, which, times = m.unique(return_inverse=True, return_counts=True)
    k, number = torch.arange(width, dtype=torch.float64), numbers.double()[:, None]

    def log_pairs(m: torch.Tensor) -> torch.Tensor:
        pairs = m.clamp(min=1).log() + m.clamp(min=1).lgamma() - (k + 1).lgamma() - (m - k).clamp(min=1).lgamma()
        return torch.where(k < m, pairs, -torch.inf)

    share = (log_pairs(number) - log_pairs(torch.tensor(float(width)))).exp()  # (M, D), against a complete row
    there = (times[:, None] * share).sum(0) / n  # (D,)
    pairs = share / there.clamp(min=1 / MOST_RAISED)
    total = pairs.sum(1)  # W(m), to scale
    scale = (times * numbers).sum() / (times * total).sum().clamp(min=1e-300)
    ends = pairs.cumsum(1) / total.clamp(min=1e-300)[:, None]
    half = torch.rand((n + 1) // 2, generator=generator, dtype=torch.float64)
    u = torch.cat([half, 1 - half])[:n]
    count = (u[:, None] >= ends[which][:, :-1]).sum(1).minimum((m - 1).clamp(min=0))
    keys = torch.rand(n, width, generator=generator).to(observed.device).masked_fill(~observed, 2.0)
    known = (keys.argsort(1).argsort(1) < count.to(observed.device)[:, None]) & observed
    return known, (scale * total[which] / m.clamp(min=1)).to(observed.device)
