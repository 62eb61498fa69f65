"""Orders learned from rows."""

import math
from collections import Counter

import pytest
import torch

from chainrule.baselines import ChowLiuTree
from chainrule.errors import ShapeError
from chainrule.networks.order_search import (
    RIDGE,
    SEARCH_ROWS,
    dependence_tree,
    search_order,
)
from chainrule.networks.orders import (
    names_in_order,
    order_by_name,
)
from chainrule.rng import generator_from

METHODS = ("greedy", "mutual information")
NAMES = ("age", "sex", "income", "town")
NAN, INF = math.nan, math.inf

# Two binary columns, each drawn twice, with all four combinations of the two: columns 0 and 2
# agree, 1 and 3 differ.
PAIRS = torch.tensor([[0, 0, 0, 1], [0, 1, 0, 0], [1, 0, 1, 1], [1, 1, 1, 0]]).float()


def is_permutation(order, columns):
    return (
        order.dtype == torch.int64
        and order.shape == (columns,)
        and sorted(order.tolist()) == list(range(columns))
    )


def shuffled(x, seed):
    """x with its columns drawn at random, and where in x each of them stood."""
    stood = torch.randperm(x.shape[1], generator=generator_from(seed))
    return x[:, stood], stood


def chain(kind, columns=9, rows=2500, seed=3):
    """Rows of a Markov chain: each column tells most of its neighbours."""
    g = generator_from(seed)
    x = torch.randn(rows, columns, generator=g)
    if kind == "binary":
        x = (
            torch.rand(rows, columns, generator=g) < torch.tensor([0.5] + [0.1] * (columns - 1))
        ).float()
    for k in range(1, columns):
        x[:, k] = (
            (x[:, k - 1] != x[:, k]).float()
            if kind == "binary"
            else 0.9 * x[:, k - 1] + 0.19**0.5 * x[:, k]
        )
    return x


@pytest.mark.parametrize("method", METHODS)
def test_equal_columns_come_together_the_lower_first(method):
    """Each column determines one other, so 0 starts; 1 and 3 are equally independent of it."""
    assert search_order(PAIRS, method=method).tolist() == [0, 2, 1, 3]
    assert search_order(PAIRS[:, [1, 0, 2, 3]], method=method).tolist() == [0, 3, 1, 2]


@pytest.mark.parametrize("method", METHODS)
def test_rounding_does_not_choose_among_equal_columns(method):
    """Copies on other scales and of the other sign score equally: the lower comes first."""
    for seed in range(5):
        g = generator_from(seed)
        x = (
            torch.randn(333, 3, generator=g).round().double()
            + torch.randn(333, 1, generator=g).round()
        )
        scale = torch.rand(24, generator=g).double() - 0.5
        order = search_order(x.repeat(1, 8) * scale, method=method).tolist()
        for group in range(3):
            copies = [column for column in order if column % 3 == group]
            assert copies == sorted(copies), f"{order}: copies of {group}"


def test_small_differences_of_large_numbers_are_kept():
    """Codes in the last digit of float64 have the correlations of the same codes near zero."""
    x = (torch.rand(501, 8, generator=generator_from(2)) < torch.linspace(0.05, 0.95, 8)).double()
    x[:, 4:] = torch.where(
        torch.rand(501, 4, generator=generator_from(3)) < 0.4, x[:, :4], x[:, 4:]
    )
    assert search_order(x + 2.0**52).tolist() == search_order(x).tolist()


def test_mutual_information_finds_nonlinear_dependence():
    """Column 3 is the square of 0, uncorrelated with it; 2 is a weak copy of 0, 1 is noise."""
    g = generator_from(0)
    x = torch.randn(3000, 4, generator=g)
    x[:, 2] += 0.4 * x[:, 0]
    x[:, 3] = x[:, 0].square()
    assert search_order(x, method="mutual information").tolist() == [0, 3, 2, 1]
    assert search_order(x).tolist()[:2] == [0, 2]


def test_greedy_finds_dependence_on_several_columns():
    """Column 5 is nearly the sum of 0, 1 and 2.

    Column 0 alone explains most of 3, but 5 and 0 together explain more of 1.
    """
    x = torch.randn(4000, 6, generator=generator_from(1))
    x[:, 5] = 1.1 * x[:, 0] + x[:, 1] + x[:, 2]
    x[:, 3] = 0.4**0.5 * x[:, 0] + 0.6**0.5 * x[:, 3]
    order = search_order(x).tolist()
    assert order[:2] == [5, 0]
    assert set(order[2:4]) == {1, 2}
    assert order[4:] == [3, 4]
    assert search_order(x, method="mutual information").tolist()[:3] == [5, 0, 3]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", ["normal", "binary"])
def test_a_shuffled_chain_is_found_again(method, kind):
    """Neighbours depend most: at every step the placed columns are one piece of the chain."""
    for seed in range(4):
        x, stood = shuffled(chain(kind), seed)
        order = search_order(x, method=method)
        assert is_permutation(order, x.shape[1])
        places = stood[order].tolist()
        for step in range(1, len(places) + 1):
            piece = sorted(places[:step])
            assert piece == list(range(piece[0], piece[0] + step)), (
                f"{places} leaves the chain at step {step - 1}"
            )


@pytest.mark.parametrize("method", METHODS)
def test_noisy_copies_come_one_after_another(method):
    """Three columns, each copied four times with noise, shuffled: copies come together."""
    g = generator_from(5)
    hidden = torch.randn(3000, 3, generator=g).repeat_interleave(4, dim=1)
    for seed in range(4):
        x, stood = shuffled(hidden + 0.3 * torch.randn(3000, 12, generator=g), seed)
        groups = (stood[search_order(x, method=method)] // 4).tolist()
        assert len([step for step in range(1, 12) if groups[step] != groups[step - 1]]) == 2, groups


def test_greedy_is_regression():
    """Against the share that a regression on all columns placed leaves, solved anew at each step.

    With 4 rows for 8 columns only the ridge is left after three steps; its rest decides the next.
    """
    for seed, (rows, columns) in enumerate([(60, 2), (60, 5), (60, 8), (4, 8)]):
        g = generator_from(seed)
        x = torch.randn(rows, columns, generator=g) @ torch.randn(columns, columns, generator=g)
        r = torch.corrcoef(x.double().T)
        noisy = r + RIDGE * torch.eye(columns, dtype=torch.float64)
        related = r.square().sum(dim=0)
        order = [
            int((related >= related.max() - 1e-9).nonzero()[0])
        ]  # of equal ones, as two columns are, the first
        while len(order) < columns:
            left = {}
            for k in set(range(columns)) - set(order):
                explained = noisy[k, order] @ torch.linalg.solve(
                    noisy[order][:, order], noisy[order, k]
                )
                left[k] = float(noisy[k, k] - explained)
            order.append(min(left, key=lambda k: left[k]))
        assert search_order(x).tolist() == order


def test_mutual_information_is_that_of_counts():
    """Compared with sums over each pair's table, with bins by the definition of a quantile."""
    for seed in range(4):
        g = generator_from(seed)
        common = torch.randn(150, 1, generator=g)
        x = common * torch.rand(6, generator=g) + torch.randn(150, 6, generator=g)
        x[:, 1] = x[:, 1].round()  # about 8 values
        x[:, 2] = (x[:, 2] > 0.8).float()
        x[:, 3] = x[:, 3].clamp(min=0)  # half of all rows in one value, many others
        x[:, 4] = (3 * x[:, 4]).round()  # about 16 values, many rows each
        bins = [_bins_by_definition(column) for column in x.T.tolist()]
        information = [[_information(a, b) if a is not b else 0.0 for b in bins] for a in bins]
        order = [max(range(6), key=lambda k: sum(information[k]))]
        while len(order) < 6:
            rest = sorted(set(range(6)) - set(order))
            order.append(max(rest, key=lambda k: max(information[k][placed] for placed in order)))
        assert search_order(x, method="mutual information").tolist() == order


def _bins_by_definition(column):
    values = sorted(set(column))
    if len(values) <= 8:
        return [values.index(v) for v in column]
    middle = {
        v: (sum(w < v for w in column) + sum(w <= v for w in column)) / 2 / len(column)
        for v in values
    }
    return [math.floor(8 * middle[v]) for v in column]


def _information(a, b):
    n, one, other = len(a), Counter(a), Counter(b)
    pairs = Counter(zip(a, b, strict=True))
    return sum(c / n * math.log(c * n / (one[i] * other[j])) for (i, j), c in pairs.items())


@pytest.mark.parametrize("method", METHODS)
def test_constant_columns_come_last_in_natural_order(method):
    x = torch.full((4, 7), 1e6)
    x[:, [1, 3, 4, 6]] = PAIRS
    assert search_order(x, method=method).tolist() == [1, 4, 3, 6, 0, 2, 5]
    assert search_order(torch.ones(5, 3), method=method).tolist() == [0, 1, 2]


@pytest.mark.parametrize("method", METHODS)
def test_single_rows_and_single_columns(method):
    assert search_order(torch.tensor([[3.0, 1.0, 2.0]]), method=method).tolist() == [0, 1, 2]
    assert search_order(torch.tensor([[3.0], [1.0]]), method=method).tolist() == [0]
    assert search_order(torch.tensor([[3.0]]), method=method).tolist() == [0]


@pytest.mark.parametrize("method", METHODS)
def test_fewer_rows_than_columns(method):
    for rows, columns in ((2, 9), (3, 40), (5, 12)):
        x = torch.randn(rows, columns, generator=generator_from(rows))
        assert is_permutation(search_order(x, method=method), columns)


@pytest.mark.parametrize("method", METHODS)
def test_the_scale_of_a_column_does_not_matter(method):
    """Nor its origin, down to the smallest float64: no variance is lost or becomes NaN."""
    x = chain("normal", columns=5, rows=200).double()
    expected = search_order(x, method=method)
    scale = torch.tensor([1e-300, 1e250, -1.0, 1e3, 2.0**-20], dtype=torch.float64)
    origin = torch.tensor([0, 0, 1e4, -1e8, 2.0**20], dtype=torch.float64)
    assert torch.equal(search_order(x * scale + origin, method=method), expected)


@pytest.mark.parametrize("method", METHODS)
def test_the_same_generator_gives_the_same_order(method):
    """The generator draws rows beyond the limit, and changes the order of pure noise."""
    x = torch.randn(SEARCH_ROWS + 500, 12, generator=generator_from(0))
    one, two, other = (
        search_order(x, method=method, generator=generator_from(seed)) for seed in (1, 1, 2)
    )
    assert torch.equal(one, two)
    assert not torch.equal(one, other)


@pytest.mark.parametrize("method", METHODS)
def test_few_rows_draw_nothing_and_asking_changes_nothing(method):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    generator = generator_from(9)
    state = generator.get_state()
    x = torch.randn(SEARCH_ROWS, 6, generator=generator_from(0), requires_grad=True)
    kept = x.detach().clone()
    orders = [search_order(x, method=method, generator=generator) for _ in range(2)]
    orders += [search_order(x, method=method), search_order(x.flip(0), method=method)]
    assert all(torch.equal(order, orders[0]) for order in orders)
    assert torch.equal(generator.get_state(), state)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(x, kept)


def test_rows_beyond_the_limit_are_drawn_and_not_the_first():
    """The first rows say that column 2 repeats 1, the other three quarters that it repeats 0."""
    x = torch.rand(4 * SEARCH_ROWS, 3, generator=generator_from(0))
    x[:SEARCH_ROWS, 2] = x[:SEARCH_ROWS, 1]
    x[SEARCH_ROWS:, 2] = x[SEARCH_ROWS:, 0]
    for method in METHODS:
        assert search_order(x, method=method, generator=generator_from(1))[2] == 1
        assert search_order(x[:SEARCH_ROWS], method=method)[2] == 0


def test_a_search_can_be_kept_by_name():
    order = search_order(PAIRS)
    stored = names_in_order(order, NAMES)
    assert stored == ("age", "income", "sex", "town")
    assert torch.equal(order_by_name(stored, NAMES), order)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: search_order(PAIRS, method="gready"),
            "method 'gready' is unknown; choose one of 'greedy', 'mutual information' "
            "(nearest: 'greedy')",
        ),
        (
            lambda: search_order(PAIRS[0]),
            "x has shape (4,); pass codes (N, D) of at least one row and one column",
        ),
        (
            lambda: search_order(PAIRS[:0]),
            "x has shape (0, 4); pass codes (N, D) of at least one row and one column",
        ),
        (lambda: search_order(PAIRS.tolist()), "x is a list; pass a float tensor (N, D) of codes"),
        (
            lambda: search_order(torch.tensor([[0.0, 1.0], [0.0, NAN], [NAN, 0.0]])),
            "x[1, 1] = nan: an order is learnt from finite codes only; fill or drop unknown cells",
        ),
        (
            lambda: search_order(torch.tensor([[0.0, -INF]]), method="mutual information"),
            "x[0, 1] = -inf: an order is learnt from finite codes only; fill or drop unknown cells",
        ),
    ],
)
def test_whole_messages(call, message):
    with pytest.raises(ShapeError) as error:
        call()
    assert str(error.value) == message


def edges(parents):
    return {frozenset((k, parent)) for k, parent in enumerate(parents) if parent >= 0}


def test_the_tree_of_largest_information_is_chow_and_lius():
    """Each column repeats an earlier one with noise of its own; scipy's spanning tree agrees."""
    generator = generator_from(0)
    x = torch.randint(0, 2, (3000, 12), generator=generator).float()
    for k in range(1, 12):
        flips = torch.rand(3000, generator=generator) < 0.05 + 0.02 * k
        x[:, k] = torch.where(flips, 1 - x[:, k // 3], x[:, k // 3])
    fitted = ChowLiuTree(12)
    fitted.initialize_from(x)
    assert edges(dependence_tree(x)) == edges(fitted.parents)
    assert edges(fitted.parents) == edges([-1, *(k // 3 for k in range(1, 12))])


def test_the_root_of_the_tree_is_in_the_middle():
    x, stood = shuffled(chain("binary", columns=9), 1)
    parents = dependence_tree(x)
    assert parents.index(-1) == stood.tolist().index(4)


def test_one_column_is_a_tree():
    assert dependence_tree(torch.tensor([[0.0], [1.0]])) == [-1]
