"""Many cells, each given the rest of its row: answers of one cell at a time, in fewer passes."""

import math
from functools import partial

import pytest
import torch
from helpers.registry import ENSEMBLES, MIXED, NETWORKS, OPEN, OPEN_NETWORKS, UNLISTED, orderless

from chainrule.conditionals import Bernoulli, GaussianMixture
from chainrule.networks import AbstractNetwork
from chainrule.networks import asked as module
from chainrule.networks import orderless as of_orderless
from chainrule.networks.asked import joined
from chainrule.rng import generator_from

ANY_EVIDENCE = {
    name: make
    for name, make in {**NETWORKS, **OPEN_NETWORKS, **ENSEMBLES}.items()
    if make().any_evidence
}


def rows_of(net, n=9, seed=3, share=0.6):
    """Rows with NaN in unknown cells, the known ones, and asked cells of both sorts."""
    generator = generator_from(seed)
    x = net.sample(n, generator=generator)
    given = torch.rand(x.shape, generator=generator) < share
    asked = torch.rand(x.shape, generator=generator) < 0.7
    return torch.where(given, x, math.nan), given, asked


def alone(net, x, given, row, column, besides=None):
    """The distribution of one cell, by a pass of its own."""
    x, given = x[row : row + 1].clone(), given[row : row + 1].clone()
    given[:, column] = False
    if besides and column in besides:
        other, code = besides[column]
        x[:, other], given[:, other] = code, True
    return net.distribution(net.columns.filled(x, given), column, given)


def assert_answers(net, x, given, asked, besides=None, atol=1e-11):
    seen = torch.zeros_like(asked)
    for rows, columns, found in joined(net.each_given_others(x, given, asked, besides)):
        for place, (row, column) in enumerate(zip(rows.tolist(), columns.tolist(), strict=True)):
            assert not seen[row, column]
            seen[row, column] = True
            want = alone(net, x, given, row, column, besides)
            assert found.conditional == want.conditional
            torch.testing.assert_close(
                found.params[place], want.params[0], rtol=1e-10, atol=atol, equal_nan=True
            )
            torch.testing.assert_close(found.log_weight[place], want.log_weight[0])
    assert torch.equal(seen, asked)


@torch.no_grad()
@pytest.mark.parametrize("make", ANY_EVIDENCE.values(), ids=ANY_EVIDENCE)
def test_every_cell_has_the_answer_of_a_pass_of_its_own(make):
    net = make().double().eval()
    x, given, asked = rows_of(net)
    before = x.clone(), given.clone(), asked.clone()
    assert_answers(net, x, given, asked)
    for changed, kept in zip((x, given, asked), before, strict=True):
        torch.testing.assert_close(changed, kept, equal_nan=True)


@torch.no_grad()
@pytest.mark.parametrize("make", ANY_EVIDENCE.values(), ids=ANY_EVIDENCE)
def test_cells_in_turn_have_the_factors_of_the_likelihood(make):
    """The default of the base class, too, which visits the columns with ``distribution``."""
    net = make().double().eval()
    x, given, asked = rows_of(net)
    whole = net.sample(len(x), generator=generator_from(3))
    x, asked = torch.where(asked | given, whole, math.nan), asked & ~given
    for one in net.one_order_networks(2, 1):
        expected = one.cells(one.columns.filled(x, given | asked), given, asked)
        for in_turn in (one.each_in_turn, partial(AbstractNetwork.each_in_turn, one)):
            found = torch.zeros_like(expected)
            for rows, columns, distribution in joined(in_turn(x, given, asked)):
                found[rows, columns] = distribution.log_prob(x[rows, columns])
            torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


@torch.no_grad()
@pytest.mark.parametrize("make", ANY_EVIDENCE.values(), ids=ANY_EVIDENCE)
def test_another_cell_can_be_given_with_a_code(make):
    """Where it was given with this code, with another, or not at all."""
    net = make().double().eval()
    width = len(net.columns)
    if width < 2:
        return
    x, given, asked = rows_of(net, n=12)
    besides = {0: (1, net.columns.conditionals[1].placeholder)}
    if width > 3:
        besides[3] = (2, net.columns.conditionals[2].placeholder)
    assert_answers(net, x, given, asked, besides)


@torch.no_grad()
def test_a_large_term_that_is_left_out_costs_no_digits():
    net = orderless([GaussianMixture(2)] * 4, 9, 9, seed=5).double()
    x = net.sample(6, generator=generator_from(1))
    x[:, 1] = 1e15
    given, asked = torch.ones_like(x, dtype=torch.bool), torch.zeros_like(x, dtype=torch.bool)
    asked[:, 1] = True
    assert_answers(net, x, given, asked, atol=1e-13)


def test_a_row_passes_once_for_each_set_of_known_cells(monkeypatch):
    """Unknown cells share one pass; every known one has its own. Sums are made once per column."""
    net = orderless(OPEN * 4, 8, 7, seed=2, members=2).double()
    x, given, asked = rows_of(net, n=11)
    passed, learned, firsts = [], [], []
    kinds = {"_deeper": passed, "_first": firsts, "_learned": learned}
    for name, calls in kinds.items():
        work = getattr(type(net), name)

        def counted(self, a, *more, work=work, calls=calls):
            calls.append(len(a))
            return work(self, a, *more)

        monkeypatch.setattr(type(net), name, counted)
    outputs = []
    work = type(net)._outputs
    monkeypatch.setattr(
        type(net), "_outputs", lambda self, h, k: outputs.append(len(h)) or work(self, h, k)
    )
    with torch.no_grad():
        list(net.each_given_others(x, given, asked))
    apart, alike = asked & given, asked & ~given
    assert sum(passed) == int(apart.sum()) + int(alike.any(1).sum())
    assert sum(firsts) == int(alike.any(1).sum())
    assert learned == [int(apart.any(1).sum())] * len(net.columns)
    assert sum(outputs) == int(asked.sum())


@torch.no_grad()
def test_memory_is_bounded_by_blocks_of_rows(monkeypatch):
    net = orderless(MIXED, 9, 9, seed=4).double()
    x, given, asked = rows_of(net, n=40)
    most, sizes, held = 3 * len(MIXED) * 9, [], []
    monkeypatch.setattr(of_orderless, "APART_NUMBERS", most)
    monkeypatch.setattr(of_orderless, "SCAN_ROWS", 7)
    monkeypatch.setattr(of_orderless, "STATES", 4)
    sums, deeper = type(net)._sums_without, type(net)._deeper

    def counted(self, *args):
        found = sums(self, *args)
        sizes.append(found.without.numel())
        return found

    monkeypatch.setattr(type(net), "_sums_without", counted)
    monkeypatch.setattr(
        type(net), "_deeper", lambda self, a: held.append(len(a)) or deeper(self, a)
    )
    list(net.each_given_others(x, given, asked))
    assert max(sizes) <= most
    assert len(sizes) >= 10
    assert max(held) <= 7
    monkeypatch.setattr(type(net), "_deeper", deeper)
    assert_answers(net, x, given, asked)


@torch.no_grad()
def test_equal_conditionals_are_joined_and_few_cells_wait(monkeypatch):
    net = orderless([Bernoulli(), GaussianMixture(2)] * 5, 6, seed=1).double()
    x, given, asked = rows_of(net, n=30)
    whole = list(joined(net.each_given_others(x, given, asked)))
    assert len(whole) == 2
    assert sum(len(cells.rows) for cells in whole) == int(asked.sum())
    monkeypatch.setattr(module, "JOINED", 40)
    some = list(joined(net.each_given_others(x, given, asked)))
    assert len(some) > 2
    assert max(len(cells.rows) for cells in some) <= 40
    monkeypatch.setattr(module, "HELD", 0)
    each = list(joined(net.each_given_others(x, given, asked)))
    assert max(len(cells.rows) for cells in each) <= 30
    assert_answers(net, x, given, asked)


def test_unlisted_labels_are_no_evidence():
    net = orderless(UNLISTED, 9, seed=3).double()
    x = net.sample(8, generator=generator_from(0))
    x[:, 0] = 2.0  # the code of all unlisted labels
    with torch.no_grad():
        everything = torch.ones(x.shape, dtype=torch.bool)
        assert_answers(net, x, everything, everything)
