"""Ties as relations: ranges from known cells, in every network and in training."""

import json
import math
from dataclasses import replace

import pytest
import torch
from helpers.codes import relative
from helpers.registry import TIED, made, nade, orderless
from helpers.tolerances import CELL_GRADIENTS, CELL_NATS

from chainrule import Bernoulli, DiscretizedLogisticMixture
from chainrule.conditionals import Tied
from chainrule.errors import ShapeError
from chainrule.networks import Columns
from chainrule.networks import columns as columns_module
from chainrule.networks.ensemble import NETWORKS
from chainrule.networks.rebuild import network_from_json, network_to_json
from chainrule.networks.ties import FAR, Ranges, ends_of
from chainrule.rng import generator_from
from chainrule.table.ties import FunctionalTie, LinearTie, ProductTie, QuotientTie

SUM = LinearTie((0, 1, 2), (1, 1, -1), 0, 0)


def some_rows(n, seed=0):
    generator = generator_from(seed)
    ends = (3, 3, 5, 2, 2)
    rows = [torch.randint(0, end, (n,), generator=generator) for end in ends]
    x = torch.stack(rows, dim=1).float()
    x[::2, 2] = x[::2, 0] + x[::2, 1]
    return x


@pytest.mark.parametrize("members", [1, 3])
def test_a_training_step_has_the_gradients_of_the_plain_form(members):
    net, x = orderless(TIED, 9, 7, members=members, scale=0.3).train(), some_rows(50)
    generator = generator_from(5)
    observed = torch.rand(x.shape, generator=generator) < 0.9
    given = observed & (torch.rand(x.shape, generator=generator) < 0.5)
    loss = net.masked_loss(x, observed, given, generator=generator_from(4))
    loss.sum().backward()
    got = {name: parameter.grad for name, parameter in net.named_parameters()}
    exact = net.double()
    exact.zero_grad()
    want = exact.masked_loss(x.double(), observed, given, generator=generator_from(4))
    want.sum().backward()
    assert relative(loss.detach(), want.detach()) < CELL_NATS
    for name, parameter in exact.named_parameters():
        scale = 1 + parameter.grad.abs().amax(0)
        assert float(((got[name] - parameter.grad).abs() / scale).max()) < CELL_GRADIENTS, name
    bias = got["output_bias"].unflatten(0, (members, -1))
    assert not bool(bias[:, TIED.slot_positions].any())  # evidence, which no network learns


@pytest.mark.parametrize("make", [nade, made, orderless])
def test_training_hides_ties_in_some_rows(make, monkeypatch):
    """With all rows hidden, the loss is that of columns whose ties say nothing."""
    net, x = make(TIED, 9, seed=2), some_rows(40)
    net.train()
    losses = {}
    for share in (0.0, 0.5, 1.0):
        monkeypatch.setattr(columns_module, "WITHHELD", share)
        losses[share] = net.training_loss(x, generator=generator_from(1))
    differ = losses[0.5] != losses[0.0]
    assert 5 < int(differ.sum()) < 35 or make is orderless  # there, masks are drawn anew
    assert bool((losses[1.0] != losses[0.0]).any())
    net.eval()
    first = net.training_loss(x, generator=generator_from(1))
    monkeypatch.setattr(columns_module, "WITHHELD", 0.0)
    assert torch.equal(first, net.training_loss(x, generator=generator_from(1)))


def test_a_file_keeps_relations():
    net = orderless(TIED, 5, seed=3)
    spec = json.loads(json.dumps(network_to_json(net)))
    arrays = {name: tensor.numpy() for name, tensor in net.state_dict().items()}
    again, x = network_from_json(spec, arrays, NETWORKS), some_rows(20)
    assert again.columns == net.columns
    assert torch.equal(again.log_prob(x), net.log_prob(x))


def test_a_broken_tie_is_improbable_and_a_kept_one_is_not():
    columns = Columns.of(
        [
            DiscretizedLogisticMixture(1),
            DiscretizedLogisticMixture(1),
            Tied(DiscretizedLogisticMixture(1, spread=100.0), (0.99,)),
        ],
        [Ranges(2, (SUM,))],
    )
    net = orderless(columns, 4, scale=0.0).double()
    rows = torch.arange(-30.0, 31.0, dtype=torch.float64)
    net.initialize_from(rows[:, None].expand(-1, 3))
    net.requires_grad_(False)
    net.look = None  # 7.5 is no code
    x = torch.tensor([[3.0, 4.0, 7.0], [3.0, 4.0, 8.0], [3.0, 4.0, 7.5]], dtype=torch.float64)
    kept, broken, off_grid = net.log_prob_columns(x)[:, 2].tolist()
    assert kept > -0.02
    assert -20 < broken < -4
    assert off_grid == -torch.inf
    given = torch.tensor([True, True, False])
    found = net.conditional(x[:1], 2, given)
    assert float(found.mode()) == 7.0
    assert float(found.quantile(0.5)) == 7.0
    one_unknown = net.conditional(x[:1], 2, torch.tensor([True, False, False]))
    assert float(one_unknown.log_prob(torch.tensor([7.0], dtype=torch.float64)).exp()) < 0.1


def test_a_known_column_and_the_ends_of_another_leave_a_range():
    x = torch.tensor([[10.0, 0.0, 0.0]])
    ends = ends_of(2, (SUM,), [(-math.inf, 5.0), (1.0, 7.0), (0.0, math.inf)])
    assert ends == ((0, -FAR, 5.0), (1, 1.0, 7.0))
    sums = Ranges(2, (SUM,), ends)
    cases = {
        (True, True): [10.0, 10.0],
        (True, False): [11.0, 17.0],
        (False, True): [-math.inf, 5.0],
        (False, False): [-math.inf, 12.0],
    }
    for (first, second), want in cases.items():
        known = torch.tensor([[first, second, True]])
        assert sums.params(x, known, (2,))[0].tolist() == [want]
    assert Ranges(2, (SUM,)).params(x, torch.tensor([[True, False, False]]), (2,))[0].tolist() == [
        [1.0, 0.0]
    ]


TIES = {
    "sum": SUM,
    "weighted": LinearTie((3, 0, 2), (2, -3, 7), -5, 11),
    "coefficients of one column": LinearTie((1, 2, 3), (-4, 1, 1), 0, 0),
    "ratio": LinearTie((0, 1), (3, -7), -3, 3),
    "at least": LinearTie((0, 1, 2), (-1, 2, 1), least=2),
    "order": LinearTie((1, 3), (2, -1), most=0),
    "product": ProductTie((0, 1, 2), (1, 3, 2), (0, -4, 5), 3),
    "exact product": ProductTie((3, 1, 0), (1, 1, 1), (0, 0, 0), 0),
    "discount": ProductTie((0, 1, 2), (1, -1, 4), (0, 10, 0), 2),
    "minus a factor": ProductTie((2, 3, 0), (-2, 3, 1), (5, -4, 3), 3),
    "quotient": QuotientTie((0, 1, 2), (20, 1, 2), (0, 0, 0), 1),
    "shifted quotient": QuotientTie((3, 0, 1), (3, 2, 4), (-4, 7, 2), 2),
    "levels": FunctionalTie(1, 2, (4, -1, 0, 7)),
}
ENDS = ((0, -3.0, 9.0), (1, -FAR, 4.0), (2, 5.0, 5.0), (3, 0.0, FAR))


@pytest.mark.parametrize("ends", [(), ENDS], ids=["no ends", "ends"])
@pytest.mark.parametrize("name", TIES)
def test_compiled_ranges_are_those_of_the_ties_to_the_bit(name, ends):
    """For every column, all patterns of known cells, whole and broken codes, and NaN."""
    generator = generator_from(7)
    x = torch.randint(-12, 13, (16 * 90, 4), generator=generator).double()
    x[::5] += 0.25
    x[1::7] *= 1e6
    x[2::9] = x[2::9].abs() % 5
    x[3::40, 2] = math.nan
    if not isinstance(TIES[name], FunctionalTie):  # infinite codes name no level
        x[4::50, 1] = math.inf
    pattern = torch.arange(len(x)) % 16
    known = (pattern[:, None] >> torch.arange(4)) % 2 == 1
    relations = [Ranges(column, (TIES[name],), ends) for column in TIES[name].columns]
    for relation, (found,) in zip(relations, Ranges.rule_of(relations)(x, known), strict=True):
        assert torch.equal(found, relation.plain(x, known))
        assert torch.equal(relation.params(x, known, relation.columns)[0], found)
        single = relation.params(x.float(), known, relation.columns)[0]
        assert torch.equal(single, relation.plain(x.float(), known))
        if not isinstance(TIES[name], FunctionalTie) or relation.column == 2:
            assert bool((found[:, 0] <= found[:, 1]).any())


def test_orders_of_one_column_cut_each_others_ranges():
    """Of A <= B <= C, B lies between A and C if both are known."""
    below = LinearTie((1, 0), (1, -1), 0, math.inf, text="A <= B")
    above = LinearTie((2, 1), (1, -1), 0, math.inf, text="B <= C")
    x = torch.tensor([[3.0, 9.0, 7.0], [3.0, 9.0, 7.0], [7.0, 9.0, 3.0], [3.0, 9.0, 7.0]])
    known = torch.tensor([[1, 0, 1], [1, 0, 0], [1, 0, 1], [0, 0, 0]]).bool()
    both, far = Ranges(1, (below, above)), math.inf
    want = [[3, 7, 3, 7], [3, far, 1, 0], [7, far, -far, 3], [1, 0, 1, 0]]
    assert both.params(x, known, (1,))[0].tolist() == want
    rarer = Ranges(1, (replace(below, share=0.96), above))  # also cut by the order that all keep
    assert rarer.params(x, known, (1,))[0][0].tolist() == [3, 7, -far, 7]


def test_a_copy_in_part_says_nothing_where_an_order_does_not_allow_it():
    """The larger of columns 1 and 2 is a copy of the one that is not too small."""
    at_least = [LinearTie((0, k), (1, -1), 0, text=f"at least {k}") for k in (1, 2)]
    copies = [LinearTie((0, k), (1, -1), 0, 0, share=0.5, text=f"copy of {k}") for k in (1, 2)]
    larger = Ranges(0, (*at_least, *copies))
    x, known = torch.tensor([[0.0, 4.0, 9.0]]), torch.tensor([[False, True, True]])
    (ends,) = larger.params(x, known, (0,))
    assert ends.tolist() == [[9.0, math.inf, 9.0, math.inf, 1.0, 0.0, 9.0, 9.0]]
    usual = Ranges(0, (*at_least, *(replace(copy, share=0.96) for copy in copies)))
    assert usual.params(x, known, (0,))[0][0, 4:].tolist() == [4.0, 4.0, 9.0, 9.0]


def test_a_copy_in_part_does_not_cut_the_range_of_a_rounded_tie():
    rounded = LinearTie((0, 1), (2, -1), -1, 1, text="half, rounded")
    x, known = torch.tensor([[0.0, 5.0, 2.0]]), torch.tensor([[False, True, True]])
    for share, want in ((0.5, [2.0, 3.0]), (1.0, [2.0, 2.0])):
        copied = LinearTie((0, 2), (1, -1), 0, 0, share=share, text="copy")
        assert Ranges(0, (rounded, copied)).params(x, known, (0,))[0][0, :2].tolist() == want


def test_an_exact_tie_cuts_the_range_of_a_rounded_one_to_its_value():
    """Of tax = gross − net and tax = net ÷ 2, rounded, the first one decides at halves."""
    total = LinearTie((2, 0, 1), (1, -1, -1), 0, 0, text="gross = net + tax")
    half = LinearTie((1, 0), (2, -1), -1, 1, text="tax = 50 % of net, rounded")
    x = torch.tensor([[7.0, 0.0, 10.0], [7.0, 0.0, 11.0], [7.0, 0.0, 13.0], [8.0, 0.0, 12.0]])
    known = torch.tensor([[True, False, True]]).expand(4, 3)
    want = [[3, 4, 3, 3], [3, 4, 4, 4], [3, 4, 6, 6], [4, 4, 4, 4]]
    cut = [[3, 3, 3, 3], [4, 4, 4, 4], [3, 4, 6, 6], [4, 4, 4, 4]]
    both = Ranges(1, (half, total))
    assert both.plain(x, known).tolist() == want
    assert both.params(x, known, (1,))[0].tolist() == cut
    assert Ranges.rule_of([both])(x, known)[0][0].tolist() == cut
    unknown = known & torch.tensor([True, True, False])
    assert both.params(x, unknown, (1,))[0][0].tolist() == [3, 4, 1, 0]
    rarer = Ranges(1, (half, replace(total, share=0.97)))  # no value lies between two by chance
    assert rarer.params(x, known, (1,))[0].tolist() == cut
    wide = replace(half, least=-20, most=20)
    assert Ranges(1, (wide, total)).params(x, known, (1,))[0][2].tolist() == [6, 6, 6, 6]
    rarer = Ranges(1, (wide, replace(total, share=0.97)))
    assert rarer.params(x, known, (1,))[0][2].tolist() == [-6, 13, 6, 6]


def test_columns_hide_what_training_withholds_or_does_not_ask_for():
    x, known = some_rows(30), torch.rand(30, 5, generator=generator_from(2)) < 0.7
    asked = torch.rand(30, 5, generator=generator_from(3)) < 0.5
    withheld = torch.rand(30, generator=generator_from(4)) < 0.3
    whole = TIED.slot_values(x, known)
    columns = [k for k, slots in TIED.slots.items() for _ in slots.positions]
    nothing = torch.tensor([1.0, 0.0]).repeat(len(columns) // 2)
    for is_withheld, is_asked in ((withheld, None), (None, asked), (withheld, asked)):
        said = torch.ones(30, len(columns), dtype=torch.bool)
        said = said if is_withheld is None else said & ~is_withheld[:, None]
        said = said if is_asked is None else said & is_asked[:, columns]
        found = TIED.slot_values(x, known, is_withheld, is_asked)
        assert torch.equal(found, torch.where(said, whole, nothing))
        assert not torch.equal(found, whole)


def test_relations_must_fill_what_conditionals_declare():
    with pytest.raises(ShapeError, match=r"columns\[2\] = .* has 0 parameters from evidence, but"):
        Columns.of([Bernoulli()] * 3, [Ranges(2, (SUM,))])
    with pytest.raises(ShapeError, match="column 3 is not in each of its ties"):
        Ranges(3, (SUM,))
