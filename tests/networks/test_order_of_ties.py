"""The order in which ties determine columns."""

import math

import torch

from chainrule.networks.order_of_ties import determined_last
from chainrule.rng import generator_from
from chainrule.table.ties import FunctionalTie, LinearTie, QuotientTie

N = 200


def drawn(most, seed):
    return torch.randint(0, most, (N,), generator=generator_from(seed)).double()


def test_the_widest_column_of_an_equation_comes_last():
    net, tax = drawn(1000, 0), drawn(10, 1)
    rows = torch.stack([net + tax, net, tax, drawn(50, 2)], 1)
    total = LinearTie((0, 1, 2), (1, -1, -1), 0, 0)
    assert determined_last([0, 1, 2, 3], [total], rows) in ([1, 2, 0, 3], [0, 2, 1, 3])
    assert determined_last([3, 2, 1, 0], [], rows) == [3, 2, 1, 0]


def test_what_is_rounded_comes_after_what_it_is_rounded_from():
    net = drawn(1000, 0)
    rows = torch.stack([(net * 0.19).round(), net], 1)
    rate = LinearTie((0, 1), (100, -19), -50, 50)
    assert determined_last([0, 1], [rate], rows) == [1, 0]


def test_a_rounded_quotient_comes_after_what_is_divided():
    hits = drawn(99, 0) + 1
    tries = hits + drawn(100, 1)
    rows = torch.stack([(1000 * hits / tries).round(), hits, tries], 1)
    rate = QuotientTie((1, 2, 0), (2000, 1, 2), (0, 0, 0), 1)
    assert determined_last([0, 1, 2], [rate], rows) == [1, 2, 0]


def test_a_label_comes_after_the_one_that_determines_it():
    city = drawn(6, 0)
    rows = torch.stack([(city / 3).floor(), city], 1)
    country = FunctionalTie(1, 0, (0, 0, 0, 1, 1, 1))
    assert determined_last([0, 1], [country], rows) == [1, 0]


def test_orders_and_ties_that_contradict_each_other_change_nothing():
    a, b = drawn(100, 0), drawn(100, 1)
    rows = torch.stack([a, a + b, b], 1)
    order = LinearTie((0, 1), (1, -1), -math.inf, 0)
    assert determined_last([0, 1, 2], [order], rows) == [0, 1, 2]
    swap = [FunctionalTie(0, 2, (1, 0)), FunctionalTie(2, 0, (1, 0))]
    flags = torch.stack([drawn(2, 3), a, 1 - drawn(2, 3)], 1)
    assert determined_last([2, 1, 0], swap, flags) == [1, 0, 2]


def test_a_column_that_others_do_not_always_leave_a_value_is_not_last():
    """Hours between two times to the minute: some hours to two decimals end between minutes."""
    start, minutes = drawn(10_000, 0), drawn(600, 1)
    rows = torch.stack([start, start + minutes, (minutes / 0.6).round()], 1)
    hours = LinearTie((1, 0, 2), (10, -10, -6), -3, 3)
    assert determined_last([2, 0, 1], [hours], rows) == [0, 1, 2]


def test_the_larger_of_two_columns_comes_last():
    a, b = drawn(1000, 0), drawn(1000, 1)
    rows = torch.stack([torch.maximum(a, b), a, b], 1)
    orders = [LinearTie((0, k), (1, -1), 0) for k in (1, 2)]
    copies = [LinearTie((0, k), (1, -1), 0, 0, share=0.5) for k in (1, 2)]
    assert determined_last([0, 1, 2], [*orders, *copies], rows) == [1, 2, 0]


def test_a_copy_in_part_leaves_the_order():
    price = drawn(1000, 0)
    rows = torch.stack([torch.where(drawn(2, 1) > 0, price, 0), price], 1)
    copy = LinearTie((0, 1), (1, -1), 0, 0, share=0.5)
    assert determined_last([0, 1], [copy], rows) == [0, 1]
    assert determined_last([1, 0], [copy], rows) == [1, 0]
