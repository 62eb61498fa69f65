"""Random masks for training an orderless network: which observed cells are given.

``drawn`` draws them for any order, and ``in_order`` for the order of the network's own density.

``drawn`` draws a number k of given cells for each row, then k of its observed cells. Rows come in
antithetic pairs, a row of the first half with one of the second. Their numbers are opposite, and
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


def drawn(
    observed: torch.Tensor, generator: torch.Generator, *, evenly: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    """Draws masks of given cells, and the weights of the targets: (D, N), rows last.

    A row with m observed cells has k given ones; all choices of k cells are equally likely. Its
    targets are the observed cells that are not given. The loss Σ weight · −log p of a row estimates
    its −log p(observed cells).

    Without ``evenly``, k is uniform on 0 … m − 1, and the weight of each target is m / (m − k).

    With ``evenly``, each pair (k given cells, target) of a row has a weight c(k) in expectation. It
    does not depend on the row's other cells, so all rows that have a conditional's cells train it
    equally. A row with m observed cells has m C(m−1, k) such pairs.

    c(k) gives every k the same total weight over the batch. It is at most ``MOST_RAISED`` times a
    pair's weight in complete rows, so a k that few rows reach has less. All weights are then scaled
    to sum to the number of observed cells in the batch. A row draws k with probability
    m C(m−1, k) c(k) / W(m), where W(m) is the sum over k; its weights are W(m) / (m − k).

    Args:
        observed: 1 for observed cells and 0 for the others, (D, N), in the dtype of the weights.
        generator: draws the masks.
        evenly: whether the weights depend on k alone, if rows have missing cells.
    """
    width, n = observed.shape
    uniforms = torch.rand(width + 1, (n + 1) // 2, generator=generator, dtype=torch.float32)
    cells = observed.to("cpu").contiguous()
    if (width <= MOST_KEPT or not evenly) and choose.serves(cells):
        shares = _share_of_pairs(width) if evenly else None
        found = choose.implementation().masks(uniforms, cells, shares, MOST_RAISED)
    else:
        found = plain(uniforms, cells, evenly=evenly)
    given, weights = found
    return given.to(observed.device), weights.to(observed.device)


def for_training(
    observed: torch.Tensor,
    order: torch.Tensor,
    share: float,
    generator: torch.Generator,
    *,
    evenly: bool,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Masks and weights as ``drawn`` gives them; those of a share of the rows are ``in_order``."""
    given, weights = drawn(observed, generator, evenly=evenly)
    if choose.serves(observed):
        uniforms = _uniforms_in_order(observed.shape[1], generator)
        masks = choose.implementation().masks_in_order
        masks(uniforms, observed, order, share, given, weights)
        return given, weights
    chosen, first, of_later = in_order(observed, order, share, generator)
    return torch.where(chosen, first, given), torch.where(chosen, of_later, weights)


def in_order(
    observed: torch.Tensor, order: torch.Tensor, share: float, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Draws rows whose given cells come first in the order: bool (N,), and masks as ``drawn`` does.

    A row draws c uniformly on 0 … D − 1. Its given cells are the observed ones of the first c
    columns. Half of its loss is that of column c, with the weight D, and its mean over c is
    −log p(observed cells) in this order. The other half is the sum over all columns from c on, with
    the weight D / (D − c); they cost nothing more.

    No weight depends on which cells are observed, so missing cells bias no conditional.

    Args:
        observed: 1 for observed cells and 0 for the others, (D, N).
        order: a permutation of the columns.
        share: the probability that a row is drawn, its antithetic row with it.
        generator: draws rows and numbers.

    Returns:
        the rows, given cells, and weights; the masks of other rows have no meaning.
    """
    width, n = observed.shape
    uniforms = _uniforms_in_order(n, generator)
    chosen = torch.cat([uniforms[0], uniforms[0]])[:n] < share
    number = torch.cat([uniforms[1], 1 - uniforms[1]])[:n].mul(width).floor().clamp(max=width - 1)
    chosen, number = chosen.to(observed.device), number.to(observed)
    place = torch.empty_like(order).scatter_(0, order, torch.arange(width, device=order.device))
    place = place.to(observed)[:, None]
    given = observed * (place < number)
    next_one = observed * (place == number)
    weights = (width / 2) * (next_one + (observed - given) / (width - number))
    return chosen, given, weights


def _uniforms_in_order(rows: int, generator: torch.Generator) -> torch.Tensor:
    """Uniforms (2, ⌈N/2⌉) of ``in_order``: which rows come, and the numbers of their cells."""
    return torch.rand(2, (rows + 1) // 2, generator=generator, dtype=torch.float32)


def plain(
    uniforms: torch.Tensor, observed: torch.Tensor, *, evenly: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    """``drawn`` without a kernel, from uniforms (D + 1, ⌈N/2⌉): of k, then of each cell."""
    n, half = observed.shape[1], uniforms.shape[1]
    m = observed.sum(0).to(torch.int64)
    u = uniforms[0].double()
    u = torch.cat([u, 1 - u])[:n]
    if evenly:
        k, total = _even_numbers(u.numpy(), m.numpy(), len(observed))
    else:
        k, total = (u * m).floor().minimum(m - 1.0).clamp(min=0), m
    of_cells = torch.cat([uniforms[1:], uniforms[1:]], dim=1)[:, :n]
    # A row of the second half has the uniforms of one of the first. It chooses its m − k unknown
    # cells by them, so it is given none of the cells of the other if the numbers are opposite.
    count = torch.cat([k[:half], (m - k)[half:]]).to(observed.dtype)
    given = _chosen(of_cells, observed, count)
    given[:, half:] = observed[:, half:] - given[:, half:]
    factor = (total / (m - k).clamp(min=1)).to(observed.dtype)
    return given, (observed - given) * factor


def _chosen(uniforms: torch.Tensor, observed: torch.Tensor, count: torch.Tensor) -> torch.Tensor:
    """Chooses ``count`` (N,) of the observed cells (D, N) of each row.

    A cell is chosen with probability (cells still to choose) / (observed cells still to come).
    """
    given, wanted, coming = torch.empty_like(observed), count.clone(), observed.sum(0)
    for d in range(len(observed)):
        given[d] = torch.where(uniforms[d] * coming < wanted, observed[d], 0)
        wanted -= given[d]
        coming = coming - observed[d]
    return given


def _even_numbers(u: np.ndarray, m: np.ndarray, width: int) -> tuple[torch.Tensor, torch.Tensor]:
    """k and W(m) of each row (N,), from uniforms and the numbers of its observed cells."""
    times = np.bincount(m, minlength=width + 1)
    numbers = times.nonzero()[0]  # the numbers of observed cells that occur
    times, row = times[numbers], np.searchsorted(numbers, m)
    share = _share_of_pairs(width)[numbers] if width <= MOST_KEPT else _shares(numbers, width)
    reached = times @ share / len(m)  # (D,)
    pairs = share / np.maximum(reached, 1 / MOST_RAISED)
    ends, total = pairs.cumsum(1), pairs.sum(1)  # W(m) before scaling
    scale = (times * numbers).sum() / max((times * total).sum(), 1e-300)
    k = (u[:, None] * total[row, None] >= ends[row, :-1]).sum(1)
    k = np.minimum(k, np.maximum(m - 1, 0))
    return torch.from_numpy(k), torch.from_numpy((scale * total)[row])


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
