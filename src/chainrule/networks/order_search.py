"""Orders learned from rows: dependent columns are drawn close together."""

from __future__ import annotations

import math

import torch

from chainrule.errors import ShapeError, unknown_choice
from chainrule.rng import generator_from

SEARCHES = ("greedy", "mutual information")
# A search reads at most so many rows; the error of a correlation is then about 1/64.
SEARCH_ROWS = 4096
# Unrelated columns have (bins − 1)² / 2N nats by chance; with more bins that would matter.
SEARCH_BINS = 8
RIDGE = 1e-4  # noise added to each column's unit variance; avoids division by 0 for equal columns
TIE = 1e-9  # scores this close count as equal, so that rounding does not choose a column


@torch.no_grad()
def search_order(
    x: torch.Tensor, *, method: str = "greedy", generator: torch.Generator | None = None
) -> torch.Tensor:
    """An int64 permutation (D,), on the CPU, that draws dependent columns close together.

    "greedy" places, at every step, the column that linear regression on the placed columns predicts
    best:

        order[i] = argmin_j Var(x_j | x_order[0], …, x_order[i−1]) / Var(x_j).

    These are the pivots of a Cholesky factorisation of the correlation matrix (plus a ridge of
    1e-4) that picks the smallest remaining diagonal. The first column is the one with the largest
    Σ_j r_ij² (r: correlations), because it explains most variance of the others. The method takes
    D² numbers of memory and O(D³ + ND²) time. It detects linear dependence only. Category codes
    are not quantities, so use the other method for them.

    "mutual information" starts with the column of largest Σ_j I(x_i; x_j). It then always places
    the column with the largest I with any one placed column. Prim's algorithm grows the dependence
    tree in this order: Chow & Liu, "Approximating discrete probability distributions with
    dependence trees" (1968, doi 10.1109/TIT.1968.1054142). I is estimated from counts, in nats.
    Columns of more than 8 different values are cut at quantiles into at most 8 bins of neighbouring
    codes. The method takes D² numbers of memory, and O(ND²) time for each of up to 36 pairs of
    bins.

    Columns that are constant in the rows read come last, in natural order. If scores are equal
    (within 1e-9), the lower column comes first.

    Args:
        x: finite codes (N, D) of training rows, N ≥ 1 and D ≥ 1. If there are more than 4096 rows
            (``SEARCH_ROWS``), 4096 are drawn at random.
        method: "greedy" or "mutual information".
        generator: the source of that draw. Up to 4096 rows draw nothing, and the result depends on
            x alone.

    Raises:
        ShapeError: x is not two-dimensional, is empty or has a value that is not finite; or the
            method is another.

    Examples:
        >>> x = torch.tensor([[0.0, 0, 0], [0, 1, 0], [1, 0, 1], [1, 1, 1]])
        >>> search_order(x)
        tensor([0, 2, 1])
    """
    if method not in SEARCHES:
        raise ShapeError(unknown_choice("method", method, SEARCHES))
    _require_rows(x)
    if len(x) > SEARCH_ROWS:
        x = x[
            torch.randperm(len(x), generator=generator_from(generator))[:SEARCH_ROWS].to(x.device)
        ]
    x = x.to("cpu", torch.float64)  # (n, D): one device, so that one generator gives one order
    constant = (x == x[0]).all(dim=0)
    varying, last = (~constant).nonzero()[:, 0], constant.nonzero()[:, 0]
    if not len(varying):
        return last
    x = x[:, varying]
    found = (
        _by_variance(_correlations(x))
        if method == "greedy"
        else _by_information(_mutual_information(x))
    )
    return torch.cat([varying[found], last])


@torch.no_grad()
def dependence_tree(x: torch.Tensor) -> list[int]:
    """The parent of each column in the tree of largest mutual information, −1 for the root.

    It is the spanning tree of Chow & Liu; see "mutual information" of ``search_order``. The root is
    in the middle of the longest path, so that no column is far from it.

    Args:
        x: finite codes (N, D) of training rows, all of which are read.

    Raises:
        ShapeError: as for ``search_order``.

    Examples:
        >>> x = torch.tensor([[0.0, 0, 0], [0, 0, 0], [0, 0, 1], [0, 1, 1]])
        >>> dependence_tree(torch.cat([x, 1 - x]))
        [1, -1, 1]
    """
    _require_rows(x)
    information = _mutual_information(x.to("cpu", torch.float64))
    D = len(information)
    neighbours: list[list[int]] = [[] for _ in range(D)]
    placed = torch.zeros(D, dtype=torch.bool)
    nearest, linked, column = torch.full((D,), -math.inf).double(), torch.zeros(D).long(), 0
    for _ in range(D - 1):
        placed[column] = True
        linked[information[column] > nearest] = column
        nearest = torch.maximum(nearest, information[column])
        column = _first_best(nearest, placed)
        other = int(linked[column])
        neighbours[column].append(other)
        neighbours[other].append(column)
    end, _ = _reached(neighbours, 0)
    other, parents = _reached(neighbours, end)  # from one end of a longest path to the other
    path = [other]
    while parents[path[-1]] >= 0:
        path.append(parents[path[-1]])
    return _reached(neighbours, path[len(path) // 2])[1]


def _reached(neighbours: list[list[int]], root: int) -> tuple[int, list[int]]:
    """The column that is farthest from the root, and the parent of each column."""
    parents, queue = [-1] * len(neighbours), [root]
    for column in queue:  # the list grows during the loop
        for other in neighbours[column]:
            if other != parents[column]:
                parents[other] = column
                queue.append(other)
    return queue[-1], parents


def _correlations(x: torch.Tensor) -> torch.Tensor:
    """Correlations (D, D) of rows (N, D) without constant columns."""
    # Shifting first keeps small differences of large numbers; scaling keeps squares from underflow.
    x = x - x[0]
    x = x / x.abs().amax(dim=0)
    x = x - x.mean(dim=0)
    x = x / x.norm(dim=0)
    return x.T @ x


def _by_variance(r: torch.Tensor) -> torch.Tensor:
    """Columns (D,) by the smallest variance given those before, from correlations (D, D)."""
    D = len(r)
    factor = torch.zeros_like(r)  # row i: the pivot at step i against every column
    left = torch.full((D,), 1.0 + RIDGE, dtype=r.dtype)
    placed = torch.zeros(D, dtype=torch.bool)
    order = []
    for step in range(D):
        score = r.square().sum(dim=1) if step == 0 else -left
        pivot = _first_best(score, placed)
        row = r[pivot] - factor[:step, pivot] @ factor[:step]  # (D,)
        row[pivot] += RIDGE
        # At least the ridge is left in exact arithmetic; rounding may leave less if columns repeat.
        factor[step] = row / row[pivot].clamp(min=RIDGE).sqrt()
        left -= factor[step].square()
        placed[pivot] = True
        order.append(pivot)
    return torch.tensor(order)


def _mutual_information(x: torch.Tensor) -> torch.Tensor:
    """Mutual information (D, D) in nats of the binned columns of rows (N, D); 0 on the diagonal."""
    N, D = x.shape
    bins = _bins(x)
    joint = torch.zeros(D, D, dtype=torch.float64)  # Σ n log n over the cells of each pair's table
    alone = torch.zeros(D, dtype=torch.float64)  # the same for each column's counts
    for a in range(int(bins.max()) + 1):
        left = (bins == a).to(torch.float32)  # counts up to SEARCH_ROWS are exact in float32
        alone += _n_log_n(left.sum(dim=0))
        for b in range(a + 1):
            cells = _n_log_n(left.T @ (bins == b).to(torch.float32))  # (D, D)
            joint += cells if a == b else cells + cells.T
    information = (joint - alone[:, None] - alone[None, :]) / N + math.log(N)
    return information.fill_diagonal_(0.0)


def _n_log_n(counts: torch.Tensor) -> torch.Tensor:
    return torch.xlogy(counts.double(), counts.double())


def _bins(x: torch.Tensor) -> torch.Tensor:
    """Bins 0 … 7 of rows (N, D), by column.

    A column of at most 8 different values has a bin per value; other columns have quantile bins.
    """
    N = len(x)
    ranked, rows = x.sort(dim=0)
    place = torch.arange(N)[:, None].expand_as(rows)
    starts = torch.ones_like(rows, dtype=torch.bool)
    starts[1:] = ranked[1:] != ranked[:-1]
    value = starts.cumsum(dim=0) - 1  # number of the value among the column's different ones
    first = torch.where(starts, place, 0).cummax(dim=0).values
    ends = starts.roll(-1, dims=0)  # a value ends before the next start; the first rolls to the end
    end = torch.where(ends, place, N - 1).flip(0).cummin(dim=0).values.flip(0)
    # The middle of a value's rows determines its bin. Equal values share a bin. The first or last
    # row would merge a frequent value with its rarer neighbours.
    quantile = SEARCH_BINS * (first + end + 1) // (2 * N)
    few = value[-1] < SEARCH_BINS  # (D,)
    return torch.empty_like(value).scatter_(0, rows, torch.where(few, value, quantile))


def _by_information(information: torch.Tensor) -> torch.Tensor:
    """Columns (D,) as Prim's algorithm adds them to the tree of largest information (D, D)."""
    placed = torch.zeros(len(information), dtype=torch.bool)
    order = [_first_best(information.sum(dim=1), placed)]
    nearest = information[order[0]]  # largest information with any column placed
    for _ in range(len(information) - 1):
        placed[order[-1]] = True
        order.append(_first_best(nearest, placed))
        nearest = torch.maximum(nearest, information[order[-1]])
    return torch.tensor(order)


def _first_best(score: torch.Tensor, placed: torch.Tensor) -> int:
    """The lowest column not yet placed whose score is the largest, up to rounding."""
    score = score.masked_fill(placed, -torch.inf)
    return int((score >= score.max() - TIE).nonzero()[0])


def _require_rows(x: torch.Tensor) -> None:
    """Raises ShapeError unless x is (N, D), not empty and finite."""
    if not isinstance(x, torch.Tensor):
        raise ShapeError(f"x is a {type(x).__name__}; pass a float tensor (N, D) of codes")
    if x.ndim != 2 or not x.numel():
        raise ShapeError(
            f"x has shape {tuple(x.shape)}; pass codes (N, D) of at least one row and one column"
        )
    finite = x.isfinite()
    if not finite.all():
        row, column = (~finite).nonzero()[0].tolist()
        raise ShapeError(
            f"x[{row}, {column}] = {float(x[row, column])}: an order is learnt from finite codes "
            "only; fill or drop unknown cells"
        )
