"""Orders: by word, by name, along the lines of an image, and learnt from rows."""

import math
import random
import statistics
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
import torch

import chainrule as cr
from chainrule.errors import ShapeError
from chainrule.networks.orders import (
    RIDGE,
    SEARCH_ROWS,
    make_order,
    names_in_order,
    order_by_name,
    raster_order,
    search_order,
    spiral_order,
)
from chainrule.networks.spread import nats_of_cells, order_spread
from chainrule.rng import generator_from
from chainrule.table import encode, log_scales, read_table

METHODS = ("greedy", "mutual information")
NAMES = ("age", "sex", "income", "town")
NAN, INF = math.nan, math.inf

# Two binary columns, each drawn twice, and all four combinations of the two: columns 0 and 2 agree, 1 and 3 differ.
PAIRS = torch.tensor([[0, 0, 0, 1], [0, 1, 0, 0], [1, 0, 1, 1], [1, 1, 1, 0]]).float()


def is_permutation(order, columns):
    return (
        order.dtype == torch.int64
        and order.shape == (columns,)
        and sorted(order.tolist()) == list(range(columns))
    )


def sizes(count=40, most=9):
    draw = random.Random(7)
    return [
        (1, 1),
        (1, 5),
        (5, 1),
        *((draw.randint(1, most), draw.randint(1, most)) for _ in range(count)),
    ]


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


def test_words_give_permutations():
    assert make_order("reverse", 4).tolist() == [3, 2, 1, 0]
    assert make_order("natural", 4).tolist() == make_order(None, 4).tolist() == [0, 1, 2, 3]
    assert (
        make_order("random", 40, generator_from(0)).tolist()
        == make_order("random", 40, generator_from(0)).tolist()
    )
    assert (
        make_order("random", 40, generator_from(0)).tolist()
        != make_order("random", 40, generator_from(1)).tolist()
    )
    for columns in (1, 2, 30):
        assert all(
            is_permutation(make_order(word, columns), columns)
            for word in ("natural", "random", "reverse")
        )


def test_a_network_takes_every_kind_of_order():
    found = search_order(PAIRS)
    for order in (
        "reverse",
        order_by_name(["town"], NAMES),
        raster_order(2, 2, by="columns"),
        spiral_order(2, 2),
        found,
    ):
        expected = make_order(order, 4)
        assert torch.equal(
            cr.NADE(4, hidden_size=2, order=order, generator=generator_from(0)).order, expected
        )


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ([], [0, 1, 2, 3]),
        (["income"], [2, 0, 1, 3]),
        (["town", "age"], [3, 0, 1, 2]),
        (("town", "income", "sex", "age"), [3, 2, 1, 0]),
    ],
)
def test_named_columns_come_first_and_the_others_as_they_stand(wanted, expected):
    order = order_by_name(wanted, NAMES)
    assert is_permutation(order, 4)
    assert order.tolist() == expected
    assert names_in_order(order, NAMES)[: len(wanted)] == tuple(wanted)


def test_names_say_an_order_and_read_it_back():
    assert names_in_order([2, 0, 3, 1], NAMES) == ("income", "age", "town", "sex")
    for columns in (1, 2, 17):
        names = [f"x{k}" for k in range(columns)]
        order = make_order("random", columns, generator_from(columns))
        assert torch.equal(order_by_name(names_in_order(order, names), names), order)
        assert names_in_order(order.tolist(), names) == names_in_order(order, names)


def test_names_survive_a_table_whose_columns_were_rearranged():
    elsewhere = ("town", "income", "age", "sex")
    stored = names_in_order([2, 0, 3, 1], NAMES)
    assert order_by_name(stored, elsewhere).tolist() == [1, 2, 0, 3]


def test_spiral_and_raster_of_three_by_four():
    assert spiral_order(3, 4).tolist() == [0, 1, 2, 3, 7, 11, 10, 9, 8, 4, 5, 6]
    assert spiral_order(3, 4, inward=False).tolist() == [6, 5, 4, 8, 9, 10, 11, 7, 3, 2, 1, 0]
    assert spiral_order(4, 3).tolist() == [0, 1, 2, 5, 8, 11, 10, 9, 6, 3, 4, 7]
    assert raster_order(3, 4).tolist() == list(range(12))
    assert raster_order(3, 4, by="columns").tolist() == [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]


@pytest.mark.parametrize(("height", "width"), sizes())
def test_paths_over_images(height, width):
    by_rows, by_columns = raster_order(height, width), raster_order(height, width, by="columns")
    inward, outward = spiral_order(height, width), spiral_order(height, width, inward=False)
    for order in (by_rows, by_columns, inward, outward):
        assert is_permutation(order, height * width)
    assert by_rows.tolist() == list(range(height * width))
    assert [(k % width, k // width) for k in by_columns.tolist()] == sorted(
        (k % width, k // width) for k in range(height * width)
    )
    assert outward.tolist() == inward.tolist()[::-1]
    assert inward[0] == 0
    steps = [(b // width - a // width, b % width - a % width) for a, b in pairwise(inward.tolist())]
    assert all(abs(down) + abs(right) == 1 for down, right in steps), (
        "each pixel touches the one before"
    )
    # Clockwise: the direction changes from right to down to left to up, and never another way.
    turns = [(a, b) for a, b in pairwise(steps) if a != b]
    assert all(b == (a[1], -a[0]) for a, b in turns)


@pytest.mark.parametrize("method", METHODS)
def test_equal_columns_come_together_and_ties_go_to_the_lower(method):
    """Every column has one partner that it tells everything of, so 0 starts; then 1 and 3 are equally strange to it."""
    assert search_order(PAIRS, method=method).tolist() == [0, 2, 1, 3]
    assert search_order(PAIRS[:, [1, 0, 2, 3]], method=method).tolist() == [0, 3, 1, 2]


@pytest.mark.parametrize("method", METHODS)
def test_what_rounding_makes_of_equal_columns_decides_nothing(method):
    """Copies on other scales and with the sign turned are equally good to either method: the lower comes first."""
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


def test_mutual_information_sees_what_correlation_does_not():
    """Column 3 is the square of column 0, uncorrelated with it; column 2 is a weak copy of 0, column 1 is noise."""
    g = generator_from(0)
    x = torch.randn(3000, 4, generator=g)
    x[:, 2] += 0.4 * x[:, 0]
    x[:, 3] = x[:, 0].square()
    assert search_order(x, method="mutual information").tolist() == [0, 3, 2, 1]
    assert search_order(x).tolist()[:2] == [0, 2]


def test_greedy_sees_what_no_single_column_tells():
    """Column 5 is nearly the sum of 0, 1 and 2. Of single columns 0 tells most of 3; but 5 and 0 together tell more of 1."""
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
    """A neighbour tells most, so at every step the columns placed are one unbroken piece of the chain."""
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
    """Three hidden columns, each copied four times with noise, shuffled: the copies of one are not parted."""
    g = generator_from(5)
    hidden = torch.randn(3000, 3, generator=g).repeat_interleave(4, dim=1)
    for seed in range(4):
        x, stood = shuffled(hidden + 0.3 * torch.randn(3000, 12, generator=g), seed)
        groups = (stood[search_order(x, method=method)] // 4).tolist()
        assert len([step for step in range(1, 12) if groups[step] != groups[step - 1]]) == 2, groups


def test_greedy_is_the_regression_it_says():
    """Against the share that a regression on all columns placed leaves, solved anew at each step.

    With 4 rows for 8 columns only the ridge is left after three steps, and how much of it still says which comes next.
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
    """Against sums over the cells of each pair's table, with bins from the definition of a quantile."""
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
def test_constant_columns_come_last_as_they_stand(method):
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
    """Nor its origin, down to the smallest numbers of float64: no variance is lost, none becomes NaN."""
    x = chain("normal", columns=5, rows=200).double()
    expected = search_order(x, method=method)
    scale = torch.tensor([1e-300, 1e250, -1.0, 1e3, 2.0**-20], dtype=torch.float64)
    origin = torch.tensor([0, 0, 1e4, -1e8, 2.0**20], dtype=torch.float64)
    assert torch.equal(search_order(x * scale + origin, method=method), expected)


@pytest.mark.parametrize("method", METHODS)
def test_the_same_generator_gives_the_same_order(method):
    """More rows than are read: the generator draws them, and changes the order of columns of pure noise."""
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
            lambda: make_order("revers", 5),
            "order 'revers' is unknown; choose one of 'natural', 'random', 'reverse' (nearest: 'reverse'), "
            "or give None or a permutation of 0 … 4",
        ),
        (lambda: make_order([0, 2], 2), "order [0, 2] is not a permutation of the 2 columns 0 … 1"),
        (
            lambda: order_by_name(["agee"], NAMES),
            "column 'agee' is unknown; choose one of 'age', 'income', 'sex', 'town' (nearest: 'age')",
        ),
        (
            lambda: order_by_name(["sex", "age", "sex"], NAMES),
            "column 'sex' comes twice in wanted; say in wanted once when it is drawn",
        ),
        (
            lambda: order_by_name(["a"], ["a", "b", "b"]),
            "column 'b' comes twice in names; give each column a name of its own",
        ),
        (
            lambda: order_by_name("age", NAMES),
            "wanted = 'age' is one string; pass a list of column names such as ['age']",
        ),
        (
            lambda: names_in_order([0, 1], ["b", "b"]),
            "column 'b' comes twice in names; give each column a name of its own",
        ),
        (
            lambda: names_in_order([0, 1, 1, 2], NAMES),
            "order [0, 1, 1, 2] is not a permutation of the 4 columns 0 … 3",
        ),
        (
            lambda: raster_order(2, 3, by="row"),
            "by 'row' is unknown; choose one of 'columns', 'rows' (nearest: 'rows')",
        ),
        (lambda: raster_order(0, 3), "height = 0: pass a whole number, at least 1"),
        (lambda: spiral_order(2, 2.5), "width = 2.5: pass a whole number, at least 1"),
        (
            lambda: search_order(PAIRS, method="gready"),
            "method 'gready' is unknown; choose one of 'greedy', 'mutual information' (nearest: 'greedy')",
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


def test_a_network_keeps_an_order_of_its_own():
    order = torch.tensor([1, 0, 2])
    kept = make_order(order, 3)
    order[0] = 2
    assert kept.tolist() == [1, 0, 2]
    with pytest.raises(
        ShapeError,
        match=r"order holds names; order_by_name\(order, names\) makes a permutation of them",
    ):
        make_order(["a", "b"], 2)


def test_the_spread_over_orders_is_that_of_exact_likelihoods(generator):
    net = cr.OrderlessNADE(3, [6], generator=generator).double()
    with torch.no_grad():  # far from agreement
        for parameter in net.parameters():
            parameter.normal_(generator=generator)
    x = torch.tensor([[0.0, 1.0, 1.0], [1.0, 0.0, 1.0]]).double()
    found = order_spread(net, x)
    drawn = [make_order("random", 3, g) for g in [generator_from(1)] for _ in range(15)]
    nats = torch.stack(
        [-net.with_order(order).log_prob(x).detach() for order in [net.order, *drawn]]
    )
    assert (found.orders, found.rows) == (16, 2)
    assert found.nats == pytest.approx(float(nats.mean()), rel=1e-12)
    assert found.between_orders == pytest.approx(statistics.stdev(nats.mean(1).tolist()), rel=1e-9)
    within = [statistics.variance(row) for row in nats.T.tolist()]
    assert found.within_rows == pytest.approx(statistics.mean(within) ** 0.5, rel=1e-9)
    assert found.within_rows > 0.1
    one = order_spread(cr.OrderlessNADE(1, [6], generator=generator), torch.ones(1, 1))
    assert (one.rows, one.between_orders, one.within_rows) == (1, 0.0, 0.0)


def test_columns_cost_what_rows_cost(generator):
    """In each order the nats of the cells add up to those of the rows, holes or not."""
    net = cr.OrderlessNADE(3, [6], generator=generator).double()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.normal_(generator=generator)
    x = torch.tensor([[0.0, 1.0, 1.0], [1.0, 0.0, 1.0]]).double()
    order, drawn = (
        [2, 0, 1],
        [make_order("random", 3, g) for g in [generator_from(1)] for _ in range(15)],
    )
    assert torch.allclose(
        net.with_order(order).log_prob_columns(x).sum(1), net.with_order(order).log_prob(x)
    )
    assert not torch.allclose(net.with_order(order).log_prob_columns(x), net.log_prob_columns(x))
    for observed in (None, torch.tensor([[True, False, True], [True, False, True]])):
        cells = nats_of_cells(net, x, observed)
        assert cells.shape == (16, 2, 3)
        for order, nats in zip([net.order, *drawn], cells, strict=True):
            assert torch.allclose(nats.sum(1), -net.with_order(order).log_prob(x, observed))
    assert float(cells[:, :, 1].abs().sum()) == 0


@pytest.mark.parametrize("objective", ["any", "likelihood"])
def test_what_columns_cost_is_recorded_in_the_units_of_the_table(objective):
    rows = np.random.default_rng(0).normal(size=(60, 2)) * 1000
    config = cr.FitConfig(hidden_size=4, components=2, epochs=2)
    density = cr.fit(rows, rows[:30], objective=objective, seed=0, config=config)
    columns = density.training["columns"]
    assert columns["rows"] == 30
    nats = (
        density.training["order_spread"]["nats"]
        if objective == "any"
        else -density.log_prob(rows[:30]).mean()
    )
    assert sum(columns["nats"]) == pytest.approx(nats, rel=1e-6)
    assert sum(columns["independent_nats"]) == pytest.approx(
        density.training["independent_valid_nats"], rel=1e-6
    )
    rows[:30, 1] = np.nan
    if objective == "any":
        assert cr.fit(rows, rows[:30], seed=0, config=config).training["columns"]["nats"][1] is None


def test_the_spread_is_recorded_in_the_units_of_the_table():
    rows = np.random.default_rng(0).normal(size=(60, 2)) * 1000
    config = cr.FitConfig(hidden_size=4, components=2, epochs=2)
    density = cr.fit(rows, rows[:30], objective="any", seed=0, config=config)
    spread = density.training["order_spread"]
    codes = encode(read_table(rows[:30]), density.schema).values
    found = order_spread(density.model.network, torch.from_numpy(codes).float())
    assert spread["within_rows"] == pytest.approx(found.within_rows)
    scales = log_scales(density.schema, codes).sum(1).mean()
    assert spread["nats"] == pytest.approx(found.nats - scales, rel=1e-6)
    assert cr.fit(rows, network="nade", seed=0, config=config).training["order_spread"] is None
