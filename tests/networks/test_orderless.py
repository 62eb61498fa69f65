"""Laws of networks that take any evidence: the orderless loss, marginals and conditionals of any
cells, other orders.
"""

import copy
import itertools
import math

import pytest
import torch
from helpers.registry import MIXED, NETWORKS, OPEN, OPEN_NETWORKS, UNLISTED, orderless
from helpers.tolerances import SUM_TO_ONE

from chainrule import Bernoulli, Categorical, OrderlessNADE
from chainrule.errors import ChainruleError, EvidenceError, ShapeError
from chainrule.networks import orderless as orderless_module
from chainrule.networks.training_masks import drawn
from chainrule.rng import generator_from
from chainrule.testing import all_rows, chi_squared_p_value, multiplicities
from chainrule.testing.laws import LEAST_P_VALUE, count_rows

FEW_COLUMNS = {
    "binary": lambda: orderless(4, 7, 6, seed=1, order="random").double(),
    "mixed": lambda: orderless(MIXED[:4], 7, 6, seed=2, order="random").double(),
    "members": lambda: (
        orderless(MIXED[:4], 7, 6, seed=4, order="random", members=2).double().eval()
    ),
    "unlisted": lambda: orderless(UNLISTED, 7, seed=3, order=[2, 0, 3, 1]).double(),
}


def subsets(width):
    return [torch.tensor(mask) for mask in itertools.product([False, True], repeat=width)]


def exact_mean_over_orders(net, x, observed):
    """The mean over the orders of the observed cells of −log p(observed cells), by every order of
    four columns.
    """
    orders = itertools.permutations(range(len(net.columns)))
    return torch.stack([-net.with_order(order).log_prob(x, observed) for order in orders]).mean(0)


@pytest.mark.parametrize("net", FEW_COLUMNS.values(), ids=FEW_COLUMNS)
def test_the_loss_over_all_masks_is_the_mean_over_all_orders(net):
    """On full rows, and on rows with holes; a row of holes alone contributes nothing."""
    net = net()
    rows = all_rows(net)[::5]
    for observed in subsets(4):
        seen = observed.expand(rows.shape)
        m = int(observed.sum())
        total = torch.zeros(len(rows), dtype=torch.float64)
        for given in subsets(4):
            count = int((given & observed).sum())
            if bool((given & ~observed).any()) or count == m:
                continue
            weight = 1 / m / math.comb(m, count)
            total += (
                weight
                * net.masked_loss(
                    torch.where(observed, rows, math.nan), seen, given.expand(rows.shape)
                ).detach()
            )
        want = (
            exact_mean_over_orders(net, torch.where(observed, rows, math.nan), observed)
            if m
            else torch.zeros(len(rows))
        )
        assert torch.allclose(total, want.double().detach(), rtol=1e-12, atol=1e-12), observed
    nothing = torch.zeros(rows.shape, dtype=torch.bool)
    assert torch.equal(
        net.training_loss(rows, nothing), torch.zeros(len(rows), dtype=torch.float64)
    )


def test_masks_are_drawn_with_uniform_counts_and_uniform_choice():
    """χ² over all masks of three cells of four; and never is everything given."""
    observed = torch.tensor([True, True, False, True]).expand(60000, 4).clone()
    observed[::3, 0] = False
    given, _ = drawn(observed.t().float(), generator_from(0), evenly=False)
    given = given.t() > 0
    assert not bool((given & ~observed).any())
    assert not bool((given == observed).all(1).any())
    for rows, cells in ((slice(1, None, 3), [0, 1, 3]), (slice(0, None, 3), [1, 3])):
        masks = given[rows][:, cells].double()
        m = len(cells)
        choices = torch.tensor(
            [c for c in itertools.product([0.0, 1.0], repeat=m) if sum(c) < m]
        ).double()
        expected = torch.tensor([1 / m / math.comb(m, int(c.sum())) for c in choices]) * len(masks)
        assert chi_squared_p_value(count_rows(masks, choices), expected.double()) > LEAST_P_VALUE
    half = len(given) // 2
    first, second = given[:half], given[half:]
    pairs = (observed[:half] == observed[half:]).all(1)
    assert not bool((first & second)[pairs].any())  # each cell is a target in at least one
    numbers = first.sum(1) + second.sum(1)
    assert bool((numbers == observed[:half].sum(1) - 1)[pairs].all())


def test_the_drawn_loss_is_right_on_average():
    net = FEW_COLUMNS["mixed"]()
    row = all_rows(net)[17:18]
    observed = torch.tensor([[True, True, False, True]])
    drawn = net.order_loss(
        row.expand(40000, -1), observed.expand(40000, -1), generator_from(1)
    ).detach()
    want = float(exact_mean_over_orders(net, row, observed).detach())
    assert abs(float(drawn.mean()) - want) < 5 * float(drawn.std()) / 200
    assert float(drawn.std()) > 0


def test_a_quarter_of_the_rows_trains_the_own_order(monkeypatch):
    """Half of their loss is −log p in the order; the other half is that of all later columns."""
    net = FEW_COLUMNS["mixed"]().with_order([2, 0, 3, 1])
    row, observed = all_rows(net)[17:18], torch.tensor([[True, True, False, True]])
    rows, seen = row.expand(40000, -1), observed.expand(40000, -1)
    of_order, of_all = float(-net.log_prob(row, observed).detach()), 0.0
    for number in range(4):
        given = torch.zeros(1, 4, dtype=torch.bool)
        given[:, net.order[:number]] = observed[:, net.order[:number]]
        for k in (observed & ~given)[0].nonzero()[:, 0].tolist():
            log_p = net.conditional(row, k, given[0]).log_prob(row[:, k])
            of_all -= float(log_p.detach()) / (4 - number)
    monkeypatch.setattr(orderless_module, "IN_ORDER", 1.0)
    drawn = net.training_loss(rows, seen, generator_from(1)).detach()
    assert abs(float(drawn.mean()) - (of_order + of_all) / 2) < 5 * float(drawn.std()) / 200
    monkeypatch.setattr(orderless_module, "IN_ORDER", 0.0)
    assert torch.equal(
        net.training_loss(rows, seen, generator_from(1)),
        net.order_loss(rows, seen, generator_from(1)),
    )


@pytest.mark.parametrize("net", FEW_COLUMNS.values(), ids=FEW_COLUMNS)
def test_any_cells_may_be_observed_or_given(net):
    """log p(O∖G | G) is the quotient of sums of the joint "given first, then observed, each group
    in the order".
    """
    net = net()
    rows, times = all_rows(net), multiplicities(net).log()
    for observed in subsets(4):
        for given in subsets(4):
            if bool((given & ~observed).any()):
                continue
            first = [k for k in net.order.tolist() if given[k]]
            then = [k for k in net.order.tolist() if observed[k] and not given[k]]
            last = [k for k in net.order.tolist() if not observed[k]]
            joint = net.with_order(first + then + last).log_prob(rows)

            def marginal(known, joint=joint):
                same = (rows[:, None, known] == rows[None, :, known]).all(2)
                return torch.where(
                    same, (joint + times[:, ~known].sum(1))[None], -torch.inf
                ).logsumexp(1)

            got = net.log_prob(torch.where(observed, rows, math.nan), observed, given)
            want = marginal(observed) - marginal(given)
            assert float((got - want).abs().max().detach()) < SUM_TO_ONE, (observed, given)


def test_with_and_without_gradients_the_numbers_are_the_same(generator):
    """What is written in place and what autograd records are two paths.

    Without gradients, kernels sum the mixtures of numbers.
    """
    for name in ("orderless mixed", "orderless unlisted", "orderless one column"):
        net = NETWORKS[name]().double()
        x = net.sample(20, generator=generator)
        given = torch.rand(x.shape, generator=generator) < 0.4
        recorded = [net.log_prob(x, given=given), *(d.params for d in net.conditionals(x))]
        with torch.no_grad():
            plain = [net.log_prob(x, given=given), *(d.params for d in net.conditionals(x))]
            assert net.log_prob(x[:0]).shape == (0,)
            assert [d.params.shape[0] for d in net.conditionals(x[:0])] == [0] * len(net.columns)
        assert all(each.requires_grad for each in recorded)
        torch.testing.assert_close(recorded[0], plain[0], rtol=1e-13, atol=1e-13)
        assert all(torch.equal(a, b) for a, b in zip(recorded[1:], plain[1:], strict=True))


def test_different_masks_in_a_batch_are_row_by_row():
    for name in ("orderless mixed", "orderless unlisted", "orderless"):
        net = NETWORKS[name]().double()
        generator = generator_from(5)
        x = net.sample(60, generator=generator)
        observed = torch.rand(x.shape, generator=generator) < 0.7
        given = observed & (torch.rand(x.shape, generator=generator) < 0.5)
        whole = net.log_prob(x, observed, given)
        alone = torch.cat([net.log_prob(x[k : k + 1], observed[k], given[k]) for k in range(60)])
        assert torch.allclose(whole, alone, rtol=1e-12, atol=1e-12)


def test_many_rows_go_through_in_chunks(monkeypatch):
    from chainrule.networks import orderless as module

    net = NETWORKS["orderless mixed"]().double()
    x = net.sample(50, generator=generator_from(6))
    given = torch.rand(x.shape, generator=generator_from(7)) < 0.4
    whole, features = net.log_prob(x, given=given), net.features(x, "concat")
    monkeypatch.setattr(module, "SCAN_ROWS", 7)
    monkeypatch.setattr(module, "STATES", 10)
    assert torch.allclose(net.log_prob(x, given=given), whole, rtol=1e-13, atol=1e-13)
    assert torch.allclose(net.features(x, "concat"), features, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("name", ["orderless", "orderless mixed", "orderless random order"])
def test_draws_given_any_cells_follow_the_conditional(name, generator):
    """Given cells in the middle of the order stay, and the others follow p(rest | given) by χ² over
    all completions.
    """
    net = NETWORKS[name]()
    width = len(net.columns)
    known = torch.zeros(width, dtype=torch.bool)
    known[net.order[1::2]] = True
    row = net.sample(1, generator=generator)
    drawn = net.sample(
        8000, given=(torch.where(known, row, math.nan), known[None]), generator=generator
    ).double()
    assert torch.equal(drawn[:, known], row.double()[:, known].expand(8000, -1))
    rows = all_rows(net)
    matching = rows[(rows[:, known] == row.double()[:, known]).all(1)]
    expected = copy.deepcopy(net).double().log_prob(matching, given=known).exp().detach() * 8000
    assert abs(float(expected.sum()) - 8000) < 1e-6
    assert chi_squared_p_value(count_rows(drawn, matching), expected) > LEAST_P_VALUE


@pytest.mark.parametrize("name", ["orderless mixed", "orderless", "orderless unlisted"])
def test_a_conditional_is_the_quotient_of_joint_probabilities(name, generator):
    """p(x_k | any others) equals log_prob of the cell given them; unknown cells are never read."""
    net = NETWORKS[name]().double()
    x = net.sample(30, generator=generator)
    observed = torch.rand(x.shape, generator=generator) < 0.6
    for column in range(len(net.columns)):
        given = observed.clone()
        given[:, column] = False
        poisoned = torch.where(given, x, math.nan)
        got = net.conditional(poisoned, column, observed).log_prob(x[:, column])
        whole = given.clone()
        whole[:, column] = True
        assert torch.allclose(got, net.log_prob(x, whole, given), rtol=1e-12, atol=1e-12)
    with pytest.raises(ShapeError, match="this network has the columns 0 … "):
        net.conditional(x, len(net.columns))


def test_another_order_shares_the_parameters():
    net = NETWORKS["orderless"]().double()
    order = [3, 1, 4, 0, 5, 7, 2, 6]
    other = net.with_order(order)
    x = all_rows(net)[::9]
    alone = OrderlessNADE(8, net.hidden_sizes, activation=net.activation, order=order).double()
    alone.load_state_dict(net.state_dict())
    assert torch.equal(other.log_prob(x), alone.log_prob(x))
    assert not torch.allclose(other.log_prob(x), net.log_prob(x))
    assert net.order.tolist() == list(range(8))
    assert other.order.tolist() == order
    before = other.log_prob(x).detach()
    with torch.no_grad():
        net.output_bias += 1
    assert not torch.allclose(other.log_prob(x).detach(), before)
    assert all(a is b for a, b in zip(net.parameters(), other.parameters(), strict=True))


def test_unknown_is_not_zero_after_training():
    """Of two copies of a coin, the second given a zero is a zero, given nothing a coin; the flags
    tell these apart.
    """
    generator = generator_from(2)
    bit = torch.randint(0, 2, (400, 1), generator=generator).float()
    x = bit.expand(-1, 2).contiguous()
    net = OrderlessNADE(2, [16], generator=generator)
    optimizer = torch.optim.Adam(net.parameters(), 0.02)
    for _ in range(150):
        loss = net.training_loss(x, generator=generator).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    zero, either = torch.tensor([True, False]), torch.tensor([False, False])
    assert float(net.conditional(torch.zeros(1, 2), 1, zero).mean().detach()) < 0.02
    assert 0.4 < float(net.conditional(torch.zeros(1, 2), 1, either).mean().detach()) < 0.6
    assert abs(float(net.log_prob(x).mean().detach()) + math.log(2)) < 0.05


def member_of(net, number):
    """A network of its own with the parameters of one member."""
    sizes, state = net.hidden_sizes, net.state_dict()
    own = OrderlessNADE(
        net.columns, sizes, activation=net.activation, order=net.order.tolist()
    ).double()
    layers = [
        *(f"hidden_weights.{k}" for k in range(len(sizes) - 1)),
        *(f"hidden_biases.{k}" for k in range(len(sizes))),
    ]
    for name in ("output_weight", "output_bias", *layers):
        state[name] = state[name].chunk(net.members)[number]
    for name in ("value_weight", "flag_weight"):
        state[name] = state[name].chunk(net.members, dim=1)[number]
    own.load_state_dict(state)
    return own


def test_members_are_mixed_by_their_probabilities_and_trained_each_by_its_own_loss():
    net = orderless(OPEN, 6, 5, 7, seed=5, members=3).double()
    alone = [member_of(net, number) for number in range(3)]
    rows = net.sample(50, generator=generator_from(0)).double()
    given = torch.rand(rows.shape, generator=generator_from(1)) < 0.5
    everything = torch.ones_like(given)
    for k in range(len(OPEN)):
        got = net.conditional(rows, k, given).log_prob(rows[:, k])
        own = torch.stack([one.conditional(rows, k, given).log_prob(rows[:, k]) for one in alone])
        assert torch.allclose(got, own.logsumexp(0) - math.log(3), rtol=1e-12, atol=1e-12)
    cells = torch.stack([one.log_prob_columns(rows) for one in alone])
    assert torch.allclose(
        net.log_prob(rows), (cells.logsumexp(0) - math.log(3)).sum(1), rtol=1e-12, atol=1e-12
    )
    losses = torch.stack([one.masked_loss(rows, everything, given) for one in alone])
    assert torch.allclose(
        net.masked_loss(rows, everything, given), losses.mean(0), rtol=1e-12, atol=1e-12
    )
    assert bool((net.eval().masked_loss(rows, everything, given) <= losses.mean(0) + 1e-12).all())
    features = torch.cat([one.features(rows) for one in alone], dim=1)
    assert torch.allclose(net.features(rows), features, rtol=1e-12, atol=1e-12)
    with pytest.raises(ShapeError, match=r"members = 0"):
        OrderlessNADE(3, [4], members=0)


def test_what_was_asked_in_inference_mode_can_be_trained():
    net = orderless([*OPEN, Categorical(3)], 6, seed=7)
    with torch.inference_mode():
        rows = net.sample(4, generator=generator_from(0))
        net.training_loss(rows, generator=generator_from(1))
    net.training_loss(rows.clone(), generator=generator_from(1)).sum().backward()
    assert all(parameter.grad is not None for parameter in net.parameters())


@pytest.mark.parametrize("columns", [MIXED, OPEN], ids=["mixed", "open"])
def test_near_zero_temperature_members_agree_on_the_likeliest_value(columns):
    net = orderless(columns, 6, 5, seed=6, members=3).double()
    drawn = net.sample(200, temperature=1e-7, generator=generator_from(2))
    assert float((drawn - drawn[0]).abs().max()) < 1e-3
    first = int(net.order[0])
    tried = torch.zeros(1, len(columns), dtype=torch.float64)
    likeliest = net.conditional(tried, first, torch.zeros(len(columns), dtype=torch.bool))
    if (
        likeliest.conditional.support() is not None
    ):  # of numbers it is the location of the heaviest part
        gap = likeliest.log_prob(drawn[:1, first]) - likeliest.log_prob(likeliest.mode())
        assert abs(float(gap.detach())) < 1e-9


def test_dropout_is_drawn_from_the_generator_while_training_only():
    net = OrderlessNADE(6, [20, 20], dropout=0.5, generator=generator_from(0))
    with torch.no_grad():
        net.output_weight.normal_(generator=generator_from(1))
    x = torch.ones(10, 6)
    first = net.training_loss(x, generator=generator_from(3))
    assert torch.equal(first, net.training_loss(x, generator=generator_from(3)))
    net.eval()
    calm = net.order_loss(x, generator=generator_from(3))
    assert not torch.allclose(first, calm)
    given, _ = drawn(torch.ones(6, 10), generator_from(3), evenly=False)
    masked = net.masked_loss(x, torch.ones(10, 6) > 0, given.t() > 0)
    assert torch.allclose(calm, masked, rtol=1e-6)
    net.train()
    assert torch.equal(net.log_prob(x), net.log_prob(x))
    with pytest.raises(ShapeError, match=r"dropout = 1.0: pass a share of hidden units"):
        OrderlessNADE(3, [4], dropout=1.0)


@pytest.mark.parametrize(
    "name", ["nade", "made mixed", "nade mixed random order", "chain table random order"]
)
def test_a_fixed_order_answers_leave_one_out_by_its_joint(name, generator):
    """For a column whose values can be tried: p(x_k | all others), and on a prefix p(x_k | the
    others of it).
    """
    net = NETWORKS[name]().double()
    x = net.sample(20, generator=generator)
    for length in (len(net.columns), len(net.columns) - 1):
        observed = torch.zeros(len(net.columns), dtype=torch.bool)
        observed[net.order[:length]] = True
        for column in net.order[:length].tolist():
            conditional = net.columns.conditionals[column]
            before = torch.zeros_like(observed)
            before[net.order[: int(net.order.argsort()[column])]] = True
            given = net.conditional(torch.where(before, x, math.nan), column, before)
            assert torch.allclose(
                given.log_prob(x[:, column]),
                net.log_prob_columns(x)[:, column],
                rtol=1e-12,
                atol=1e-12,
            )
            if not isinstance(conditional, Bernoulli | Categorical):
                if column != int(net.order[length - 1]):
                    with pytest.raises(EvidenceError, match="cannot be tried one by one"):
                        net.conditional(x, column, observed)
                continue
            values = torch.tensor(conditional.support(), dtype=torch.float64)
            tried = x.repeat_interleave(len(values), 0)
            tried[:, column] = values.repeat(len(x))
            joint = net.log_prob(tried, observed).view(len(x), -1).log_softmax(1)
            got = net.conditional(x, column, observed)
            want = joint.gather(1, (x[:, column, None] == values).int().argmax(1, keepdim=True))[
                :, 0
            ]
            assert torch.allclose(got.log_prob(x[:, column]), want, rtol=1e-10, atol=1e-10)
    hole = torch.ones(len(net.columns), dtype=torch.bool)
    hole[net.order[0]] = False
    with pytest.raises(EvidenceError, match="an OrderlessNADE, which takes any evidence"):
        net.conditional(x, int(net.order[-1]), hole)


def test_reachability_is_counted_right():
    """Against the product of the masks themselves, for narrow layers without direct connections."""
    from chainrule.networks.made_masks import build_masks, reachable_pairs

    for steps, sizes in ((1, [3]), (2, [1]), (6, [2]), (9, [3, 4]), (9, [4, 2, 3]), (12, [20, 5])):
        step = torch.arange(steps)
        masks = build_masks(step, step, sizes, steps, direct=False)
        paths = masks.hidden[0].float()
        for mask in masks.hidden[1:]:
            paths = mask.float() @ paths
        counted = int(((masks.output.float() @ paths) > 0).sum())
        assert reachable_pairs(sizes, steps, direct=False) == (counted, steps * (steps - 1) // 2)
    assert "28 of 28 earlier columns reached" in repr(NETWORKS["made narrow"]())


def test_wide_and_deep_networks_give_numbers():
    for build in (
        lambda: OrderlessNADE(OPEN, [3000], generator=generator_from(0)),
        lambda: OrderlessNADE(OPEN, [20] * 30, generator=generator_from(0)),
        lambda: OPEN_NETWORKS["made open"](),
    ):
        net = build()
        x = net.sample(20, generator=generator_from(1))
        loss = net.training_loss(x, generator=generator_from(2)).mean()
        loss.backward()
        assert bool(loss.isfinite())
        assert all(bool(p.grad.isfinite().all()) for p in net.parameters() if p.grad is not None)


@pytest.mark.parametrize(
    "name",
    [n for n in (*NETWORKS, *OPEN_NETWORKS) if "saturated" not in n and n != "orderless open"],
)
def test_float32_scores_as_float64(name, generator):
    net = {**NETWORKS, **OPEN_NETWORKS}[name]()
    x = net.sample(30, generator=generator)
    narrow, wide = net.log_prob(x).double(), copy.deepcopy(net).double().log_prob(x.double())
    assert torch.allclose(narrow, wide, rtol=1e-4, atol=1e-4)


def test_an_entropy_without_closed_form_is_refused(generator):
    net = OPEN_NETWORKS["orderless real"]()
    with pytest.raises(ChainruleError, match="no closed form"):
        net.conditional(net.sample(2, generator=generator), 0).entropy()
