"""Orders: by word, by name, and along the lines of an image."""

import random
from itertools import pairwise

import pytest
import torch

import chainrule as cr
from chainrule.errors import ShapeError
from chainrule.networks.order_search import search_order
from chainrule.networks.orders import (
    make_order,
    names_in_order,
    order_by_name,
    raster_order,
    spiral_order,
)
from chainrule.rng import generator_from

NAMES = ("age", "sex", "income", "town")

# Two binary columns, each drawn twice, with all four combinations of the two: columns 0 and 2
# agree, 1 and 3 differ.
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


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: make_order("revers", 5),
            "order 'revers' is unknown; choose one of 'natural', 'random', 'reverse' "
            "(nearest: 'reverse'), or give None or a permutation of 0 … 4",
        ),
        (lambda: make_order([0, 2], 2), "order [0, 2] is not a permutation of the 2 columns 0 … 1"),
        (
            lambda: order_by_name(["agee"], NAMES),
            "column 'agee' is unknown; choose one of 'age', 'income', 'sex', 'town' "
            "(nearest: 'age')",
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
