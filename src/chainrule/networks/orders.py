"""Orders in which the chain rule visits the columns: ``order[i]`` is the column drawn at step i."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from chainrule.errors import ShapeError, unknown_choice, whole_number
from chainrule.rng import generator_from

Order = Sequence[int] | torch.Tensor | str | None

WORDS = ("natural", "random", "reverse")
SEARCHES = ("greedy", "mutual information")
SEARCH_ROWS = 4096  # a search reads at most so many rows; a correlation's error is then about 1/64
SEARCH_BINS = 8  # unrelated columns have (bins − 1)² / 2N nats by chance; more bins would matter
RIDGE = 1e-4  # noise added to each column's unit variance; avoids division by 0 for equal columns
TIE = 1e-9  # scores this close count as equal, so that rounding does not choose a column


def make_order(
    order: Order, columns: int, generator: torch.Generator | None = None
) -> torch.Tensor:
    """An int64 permutation (D,) of the columns.

    Args:
        order: None or "natural"; "random"; "reverse", which draws the last column first; or a
            permutation, which is checked.
        columns: D, the number of columns.
        generator: the source of a random order; None is a fresh one.

    Raises:
        ShapeError: the order is another word, or not a permutation of the columns.

    >>> make_order([2, 0, 1], 3)
    tensor([2, 0, 1])
    >>> make_order("reverse", 3)
    tensor([2, 1, 0])
    """
    if order is None:
        return torch.arange(columns, device="cpu")
    if isinstance(order, str):
        if order == "natural":
            return torch.arange(columns, device="cpu")
        if order == "random":
            return torch.randperm(columns, generator=generator_from(generator), device="cpu")
        if order == "reverse":
            return torch.arange(columns, device="cpu").flip(0)
        raise ShapeError(
            f"{unknown_choice('order', order, WORDS)}, or give None or a permutation of 0 … {columns - 1}"
        )
    if not isinstance(order, torch.Tensor) and any(isinstance(name, str) for name in order):
        raise ShapeError(
            "order holds names; order_by_name(order, names) makes a permutation of them"
        )
    steps = torch.as_tensor(order, device="cpu")
    if (
        steps.shape != (columns,)
        or steps.is_floating_point()
        or steps.sort().values.tolist() != list(range(columns))
    ):
        shown = steps.tolist() if steps.numel() <= 12 else f"of {steps.numel()} entries"
        raise ShapeError(
            f"order {shown} is not a permutation of the {columns} columns 0 … {columns - 1}"
        )
    return steps.to(torch.int64, copy=True)  # the caller's tensor may change


def order_to_json(order: torch.Tensor) -> list[int] | None:
    """An order (D,) as JSON: a list of columns, or null for the natural order.

    >>> order_to_json(torch.tensor([1, 0])), order_to_json(torch.tensor([0, 1]))
    ([1, 0], None)
    """
    steps = order.tolist()
    return None if steps == list(range(len(steps))) else steps


def order_from_json(spec: object) -> list[int] | None:
    """An order, as constructors accept it, from the result of ``order_to_json``.

    Raises:
        ShapeError: the JSON is neither null nor a list of whole numbers. Words are refused because
            "random" would give another order each time.
    """
    if spec is not None and not (
        isinstance(spec, list) and all(type(column) is int for column in spec)
    ):
        raise ShapeError(f"order {str(spec)[:40]!r} is neither null nor a list of columns")
    return spec


def order_by_name(wanted: Sequence[str], names: Sequence[str]) -> torch.Tensor:
    """The int64 permutation (D,) that draws the columns named in ``wanted`` first.

    All other columns follow in their natural order.

    Args:
        wanted: the names of any number of columns, the first drawn first.
        names: the names of the D columns, by column.

    Raises:
        ShapeError: a wanted name is not a column's or comes twice, or two columns share a name.

    Examples:
        >>> order_by_name(["income", "age"], ["age", "sex", "income"])
        tensor([2, 0, 1])
    """
    _require_names(wanted, "wanted", "say in wanted once when it is drawn")
    _require_names(names, "names", "give each column a name of its own")
    column_of = {name: column for column, name in enumerate(names)}
    for name in wanted:
        if name not in column_of:
            raise ShapeError(unknown_choice("column", name, names))
    first = [column_of[name] for name in wanted]
    placed = set(first)
    return torch.tensor(
        first + [k for k in range(len(names)) if k not in placed], dtype=torch.int64
    )


def names_in_order(order: Sequence[int] | torch.Tensor, names: Sequence[str]) -> tuple[str, ...]:
    """The names of the D columns in the order they are drawn.

    Names, unlike column numbers, stay valid if a table's columns are rearranged. ``order_by_name``
    converts them back.

    Args:
        order: a permutation (D,) of the columns.
        names: the names of the D columns, by column.

    Raises:
        ShapeError: the order is not a permutation of the D columns, or two columns share a name.

    Examples:
        >>> names_in_order([2, 0, 1], ["age", "sex", "income"])
        ('income', 'age', 'sex')
    """
    _require_names(names, "names", "give each column a name of its own")
    return tuple(names[int(column)] for column in make_order(order, len(names)))


def raster_order(height: int, width: int, *, by: str = "rows") -> torch.Tensor:
    """The int64 permutation (height · width,) that draws an image line by line from the top left.

    Images are stored row by row: pixel (r, c) is column r · width + c. "rows" is therefore the
    natural order.

    Args:
        height: rows of pixels, at least 1.
        width: pixels in each row, at least 1.
        by: the lines: "rows", each from the left, or "columns", each from the top.

    Raises:
        ShapeError: a size is not a whole number of at least 1, or ``by`` is another word.

    Examples:
        >>> raster_order(2, 3, by="columns")
        tensor([0, 3, 1, 4, 2, 5])
    """
    if by not in ("rows", "columns"):
        raise ShapeError(unknown_choice("by", by, ("rows", "columns")))
    pixels = _pixels(height, width)
    return (pixels if by == "rows" else pixels.T).flatten()


def spiral_order(height: int, width: int, *, inward: bool = True) -> torch.Tensor:
    """The int64 permutation (height · width,) that draws an image along a clockwise spiral.

    The spiral runs inward from the top left pixel. Each pixel but the first touches the one drawn
    before it; in a raster, the first pixel of a line does not. Images are stored row by row: pixel
    (r, c) is column r · width + c.

    Args:
        height: rows of pixels, at least 1.
        width: pixels in each row, at least 1.
        inward: False reverses the path: outward from its inner end, anticlockwise.

    Raises:
        ShapeError: a size is not a whole number of at least 1.

    Examples:
        >>> spiral_order(3, 3)
        tensor([0, 1, 2, 5, 8, 7, 6, 3, 4])
    """
    rest, sides = _pixels(height, width), []
    while rest.numel():
        sides.append(rest[0])
        rest = rest[1:].rot90()  # anticlockwise: the spiral's next side becomes the first row
    path = torch.cat(sides)
    return path if inward else path.flip(0)


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
        >>> search_order(torch.tensor([[0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [1.0, 0.0, 1.0], [1.0, 1.0, 1.0]]))
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


def _pixels(height: int, width: int) -> torch.Tensor:
    """The columns of an image stored row by row, int64 (height, width)."""
    height = whole_number(height, "height", least=1)
    width = whole_number(width, "width", least=1)
    return torch.arange(height * width).reshape(height, width)


def _require_names(names: Sequence[str], what: str, remedy: str) -> None:
    """Raises ShapeError unless ``names`` is a sequence of different names, and not one string."""
    if isinstance(names, str):
        raise ShapeError(
            f"{what} = {names!r} is one string; pass a list of column names such as [{names!r}]"
        )
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ShapeError(f"column {name!r} comes twice in {what}; {remedy}")
        seen.add(name)


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
            f"x[{row}, {column}] = {float(x[row, column])}: an order is learnt from finite codes only; "
            "fill or drop unknown cells"
        )
