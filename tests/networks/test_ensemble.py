"""Laws of ensembles: a mixture, conditioned as a mixture, sampled as one."""

import copy
import itertools
import math

import numpy as np
import pytest
import torch
from helpers.registry import (
    ENSEMBLES,
    MIXED,
    NETWORKS,
    OPEN_NETWORKS,
    eonade,
    made,
    nade,
    orderless,
)
from helpers.tolerances import SUM_TO_ONE

from chainrule import (
    NADE,
    Atoms,
    Bernoulli,
    Committee,
    Density,
    DiscretizedLogisticMixture,
    Ensemble,
    GaussianMixture,
    IndependentColumns,
    LogisticMixture,
    OrderlessNADE,
    load,
)
from chainrule.errors import EvidenceError, FormatError, ShapeError
from chainrule.model import Model
from chainrule.networks import Columns
from chainrule.rng import generator_from
from chainrule.table import Binary, Schema
from chainrule.testing import (
    all_rows,
    assert_pure,
    assert_sums_to_one,
    check,
    chi_squared_p_value,
    multiplicities,
)
from chainrule.testing.laws import LEAST_P_VALUE, count_rows

ANY = ["orders of one network", "orderless and its orders", "unlisted"]  # take any evidence
ONE_ORDER = ["one order", "committee and latent trees"]


@pytest.fixture(params=ENSEMBLES, ids=lambda name: name.replace(" ", "-"))
def ensemble_name(request):
    return request.param


@pytest.fixture
def ensemble(ensemble_name):
    return ENSEMBLES[ensemble_name]().double()


def leaves(network, log_weight=0.0):
    """Every network that is no ensemble, with the logarithm of its weight."""
    if not isinstance(network, Ensemble):
        return [(network, log_weight)]
    pairs = zip(network.members, network.log_weight.tolist(), strict=True)
    return [leaf for member, own in pairs for leaf in leaves(member, log_weight + own)]


def test_probabilities_sum_to_one(ensemble):
    assert_sums_to_one(ensemble, tolerance=SUM_TO_ONE)


def test_likelihoods_are_mixed_and_not_their_logarithms(ensemble):
    rows = all_rows(ensemble)[::3]
    logs = torch.stack(
        [log_weight + member.log_prob(rows) for member, log_weight in leaves(ensemble)]
    )
    assert torch.allclose(ensemble.log_prob(rows), logs.logsumexp(0), rtol=1e-12, atol=1e-12)
    weights = torch.tensor([math.exp(w) for _, w in leaves(ensemble)], dtype=torch.float64)[:, None]
    assert bool(
        (ensemble.log_prob(rows) >= (weights * (logs - weights.log())).sum(0) - 1e-12).all()
    )


def test_rows_are_drawn_from_the_mixture(ensemble, ensemble_name, generator):
    if ensemble_name == "unlisted":
        pytest.skip("what no row had is never drawn")
    rows = all_rows(ensemble)
    expected = ensemble.log_prob(rows).exp().detach() * 20000
    counts = count_rows(ensemble.sample(20000, generator=generator), rows)
    assert chi_squared_p_value(counts, expected) > LEAST_P_VALUE


@pytest.mark.parametrize("name", ANY)
def test_conditional_probabilities_are_those_of_the_joints_given_first(name):
    """p = Σ π_m p_m(G) p_m(O∖G | G) / Σ π_m p_m(G), each member's joint enumerated in its order
    "given cells first".
    """
    net = ENSEMBLES[name]().double()
    rows, times = all_rows(net)[::2], multiplicities(net).log()
    everything, width = all_rows(net), len(net.columns)
    masks = [torch.tensor(m) for m in itertools.product([False, True], repeat=width)]
    for observed, given in zip(masks[1::5], [*masks[3::7], *masks[::4]], strict=False):
        given = given & observed
        together, evidence = [], []
        for member, log_weight in leaves(net):
            order = member.order.tolist()
            groups = (given, observed & ~given, ~observed)
            joint = member.with_order(
                [k for wanted in groups for k in order if wanted[k]]
            ).log_prob(everything)

            def marginal(known, joint=joint):
                same = (rows[:, None, known] == everything[None, :, known]).all(2)
                return torch.where(
                    same, (joint + times[:, ~known].sum(1))[None], -torch.inf
                ).logsumexp(1)

            together.append(log_weight + marginal(observed))
            evidence.append(log_weight + marginal(given))
        want = torch.stack(together).logsumexp(0) - torch.stack(evidence).logsumexp(0)
        got = net.log_prob(torch.where(observed, rows, math.nan), observed, given)
        assert float((got - want).abs().max().detach()) < SUM_TO_ONE


@pytest.mark.parametrize(
    "name",
    [
        "orders of one network",
        "orderless and its orders",
        "mixed columns",
        "one order",
        "committee and latent trees",
    ],
)
def test_draws_given_evidence_follow_the_reweighted_mixture(name, generator):
    net = ENSEMBLES[name]().double()
    known = torch.zeros(len(net.columns), dtype=torch.bool)
    if name in ANY:
        known[[1, 4]] = True
    else:
        known[net.members[0].order[:2]] = True
    row = net.sample(1, generator=generator)
    if name == "mixed columns":  # the evidence of the fixed order's prefix serves both
        assert len({tuple(m.order.tolist()) for m in net.members}) == 2
    drawn = net.sample(
        8000, given=(torch.where(known, row, math.nan), known[None]), generator=generator
    )
    assert torch.equal(drawn[:, known], row[:, known].expand(8000, -1))
    rows = all_rows(net)
    matching = rows[(rows[:, known] == row[:, known]).all(1)]
    expected = net.log_prob(matching, given=known).exp().detach() * 8000
    assert abs(float(expected.sum()) - 8000) < 1e-6
    assert chi_squared_p_value(count_rows(drawn, matching), expected) > LEAST_P_VALUE


@pytest.mark.parametrize("name", ANY)
def test_a_conditional_is_the_quotient_of_mixtures(name, generator):
    net = ENSEMBLES[name]().double()
    x = net.sample(20, generator=generator)
    observed = torch.rand(x.shape, generator=generator) < 0.6
    for column in range(len(net.columns)):
        given = observed.clone()
        given[:, column] = False
        whole = given.clone()
        whole[:, column] = True
        found = net.conditional(torch.where(given, x, math.nan), column, observed)
        assert torch.allclose(
            found.log_prob(x[:, column]), net.log_prob(x, whole, given), rtol=1e-11, atol=1e-11
        )
        values = torch.tensor(net.columns.conditionals[column].support(), dtype=torch.float64)
        logs = torch.stack([found.log_prob(v.expand(20)) for v in values], dim=1)
        listed = net.columns.encodings[column].is_evidence(values)
        assert torch.equal(found.mode(), values[listed][logs[:, listed].argmax(1)])
        if all(listed):
            assert torch.allclose(found.entropy(), -(logs.exp() * logs).sum(1), rtol=1e-10)
        drawn = [found.sample(generator_from(3)) for _ in range(2)]
        assert torch.equal(*drawn)


def test_a_mixture_of_numbers_has_quantiles_between_its_members(generator):
    net = Ensemble(
        [OPEN_NETWORKS["orderless real"](), OPEN_NETWORKS["orderless real"]().with_order([1, 0])],
        [0.3, 0.7],
    ).double()
    with torch.no_grad():
        net.members[0].output_bias += 0.5  # shared: both members move
    x = net.sample(15, generator=generator)
    found = net.conditional(x, 0)
    for q in (0.05, 0.5, 0.9):
        level = found.cdf(found.quantile(q))
        assert torch.allclose(level, torch.full_like(level, q), atol=1e-9)
    assert found.mean().shape == found.mode().shape == (15,)


@pytest.mark.parametrize("column", [1, 2, 3], ids=["integers", "numbers", "atoms"])
def test_quantiles_of_a_mixture_are_the_smallest_values_that_reach_them(column, generator):
    columns = [
        Bernoulli(),
        DiscretizedLogisticMixture(2),
        GaussianMixture(2),
        Atoms((0.0, 1.0), LogisticMixture(1)),
    ]
    net = Ensemble([orderless(columns, 9, seed=k) for k in (1, 2, 3)], [1, 2, 3]).double()
    x = net.sample(200, generator=generator)
    found, whole = net.conditional(x, column), columns[column].is_discrete
    for q in (0.01, 0.3, 0.5, 0.77, 0.99):
        at = found.quantile(q)
        assert bool((found.cdf(at) >= q - 1e-9).all())
        assert bool((found.cdf(at - (1 if whole else 1e-6)) < q + 1e-9).all())


def test_a_temperature_divides_the_members_log_weights(generator):
    """Two members that each draw one row only: at ½ they are chosen by the squares of their
    weights.
    """
    members = [IndependentColumns(2), IndependentColumns(2)]
    with torch.no_grad():
        members[0].output_bias.fill_(-60.0)
        members[1].output_bias.fill_(60.0)
    net = Ensemble(members, [0.3, 0.7])
    for temperature, share in ((1.0, 0.7), (0.5, 0.49 / 0.58)):
        ones = net.sample(20000, temperature=temperature, generator=generator).mean()
        assert float(ones) == pytest.approx(share, abs=0.015)


@pytest.mark.parametrize("name", ONE_ORDER)
def test_columns_are_scored_by_running_weights_where_the_order_is_one(name):
    net = ENSEMBLES[name]().double()
    rows = all_rows(net)
    cells = net.log_prob_columns(rows)
    assert torch.allclose(cells.sum(1), net.log_prob(rows), rtol=1e-12, atol=1e-12)
    for length in range(7):
        given = torch.zeros(6, dtype=torch.bool)
        given[net.order[:length]] = True
        assert torch.allclose(
            cells[:, given].sum(1), net.log_prob(rows, given), rtol=1e-12, atol=1e-12
        )
    each = torch.stack(
        [d.log_prob(rows[:, k]) for k, d in enumerate(net.conditionals(rows))], dim=1
    )
    assert torch.allclose(each, cells, rtol=1e-12, atol=1e-12)


def test_a_walk_weights_the_members_by_what_it_learned():
    net = ENSEMBLES["one order"]().double()
    rows = all_rows(net)
    nothing = torch.zeros(rows.shape, dtype=torch.bool)
    walk, cells = net.begin(rows, nothing), net.log_prob_columns(rows)
    for column in net.order.tolist():
        assert torch.allclose(
            walk.distribution(column).log_prob(rows[:, column]),
            cells[:, column],
            rtol=1e-12,
            atol=1e-12,
        )
        walk.learn(column, rows[:, column], ~nothing[:, column])
    with pytest.raises(EvidenceError, match="the members of this ensemble have several orders"):
        ENSEMBLES["two orders"]().begin(rows.float(), nothing)


@pytest.mark.parametrize("name", ONE_ORDER)
def test_a_walk_from_given_cells_weights_the_members_by_them(name):
    """The first cells of the order are given; members that read them on the way have their say."""
    net = ENSEMBLES[name]().double()
    rows = all_rows(net)
    given = torch.zeros(rows.shape, dtype=torch.bool)
    given[:, net.order[:3]] = True
    walk, cells = net.walk(rows, given), net.log_prob_columns(rows)
    for step, column in enumerate(net.order.tolist()):
        if step >= 3:
            found = walk.distribution(column).log_prob(rows[:, column])
            assert torch.allclose(found, cells[:, column], rtol=1e-12, atol=1e-12)
        walk.learn(column, rows[:, column], ~given[:, column])


def test_evidence_that_some_members_cannot_take_is_estimated():
    """Over repeats, (estimate − truth) ÷ standard error has a root mean square near 1."""
    net = Ensemble(
        [nade(5, 5, seed=1), nade(5, 4, seed=2, order="reverse"), Committee([nade(5, 3, seed=3)])],
        [2, 1, 1],
    ).double()
    rows, observed = all_rows(net), torch.tensor([False, True, False, False, True])
    joint = net.log_prob(rows)
    truth = torch.stack(
        [joint[(rows[:, observed] == row[observed]).all(1)].logsumexp(0) for row in rows]
    )
    for given in (None, torch.tensor([False, True, False, False, False])):
        with pytest.raises(EvidenceError, match="or pass estimate=True"):
            net.log_prob(rows, observed, given)
        value, error = net.log_prob(
            rows, observed, given, estimate=True, n_draws=600, generator=generator_from(1)
        )
        if given is not None:
            same = [(rows[:, given] == row[given]).all(1) for row in rows]
            truth = truth - torch.stack([joint[each].logsumexp(0) for each in same])
        assert 0.5 < float(((value - truth) / error).square().mean().sqrt().detach()) < 1.7
    exact = net.log_prob(rows, estimate=True)
    assert torch.allclose(exact.value, joint, rtol=1e-12, atol=1e-12)
    assert not bool(exact.standard_error.any())


def test_members_of_several_orders_have_no_cells_before():
    net = ENSEMBLES["two orders"]()
    with pytest.raises(EvidenceError, match="the members of this ensemble have several orders"):
        net.log_prob_columns(torch.zeros(1, 6))
    known = torch.arange(6) == net.members[0].order[-1]
    with pytest.raises(EvidenceError, match="is not known"):
        net.log_prob(torch.zeros(1, 6), given=known)


def test_weights_are_fitted_on_other_rows(generator):
    """Expectation and maximisation finds the weights that rows were drawn with, and never lowers
    the likelihood.
    """
    a, b = nade(6, 5, seed=1, scale=1.5), nade(6, 5, seed=2, scale=1.5)
    truth = Ensemble([a, b], [0.8, 0.2])
    rows = truth.sample(4000, generator=generator)
    net = Ensemble([a, b])
    before = float(net.log_prob(rows).mean().detach())
    net.fit_weights(rows)
    assert float(net.log_prob(rows).mean().detach()) >= before
    assert abs(float(net.log_weight[0].exp()) - 0.8) < 0.03
    assert abs(float(net.log_weight.exp().sum()) - 1) < 1e-12


def test_asking_changes_nothing(ensemble, ensemble_name, generator):
    rows = ensemble.sample(5, generator=generator)
    questions = [
        lambda: ensemble.log_prob(rows),
        lambda: ensemble.training_loss(rows, generator=generator),
        lambda: ensemble.features(rows),
        lambda: ensemble.sample(3, generator=generator),
        lambda: repr(ensemble),
    ]
    if ensemble_name in ANY:
        questions.append(lambda: ensemble.conditional(rows, 0))
    assert_pure(ensemble, questions)


def test_training_through_an_ensemble_trains_its_members(generator):
    net = Ensemble(
        [NADE(6, hidden_size=4, generator=generator), OrderlessNADE(6, [4], generator=generator)]
    )
    rows = torch.randint(0, 2, (8, 6), generator=generator).float()
    net.training_loss(rows, generator=generator).mean().backward()
    assert all(p.grad is not None for p in net.parameters())
    net.initialize_from(rows)
    assert torch.equal(net.members[0].output_bias, net.members[1].output_bias)


def test_orders_that_differ_give_a_column_its_conditional_given_all_others():
    """By Bayes' rule over all rows, though no member draws the column last."""
    net = Ensemble(
        [
            nade(5, 4, seed=k, order=order)
            for k, order in enumerate(([0, 1, 2, 3, 4], [4, 2, 0, 1, 3]))
        ],
        [2, 1],
    )
    net = Ensemble([Committee([net.members[0]]), net.members[1]], [2, 1]).double()
    rows = all_rows(net)
    joint = net.log_prob(rows).exp()
    for column in range(5):
        flipped = rows.clone()
        flipped[:, column] = 1 - flipped[:, column]
        wanted = joint / (joint + net.log_prob(flipped).exp())
        found = net.conditional(rows, column).log_prob(rows[:, column]).exp()
        torch.testing.assert_close(found, wanted, rtol=1e-10, atol=0)
    with pytest.raises(EvidenceError):
        net.conditional(rows, 0, torch.tensor([False, True, False, False, False]))


def test_evidence_that_a_member_holds_impossible_leaves_the_others(generator):
    columns = [Bernoulli(), DiscretizedLogisticMixture(2)]
    first, second = (
        NADE(columns, 3, order=order, generator=generator) for order in ([0, 1], [1, 0])
    )
    impossible = torch.tensor([[1.0, 50.0]])
    found = Ensemble([first, second]).conditional(impossible, 0).log_prob(torch.ones(1))
    assert bool(found.isfinite().all())
    assert bool(first.conditional(impossible, 0).log_prob(torch.ones(1)).isfinite().all())


def test_members_of_several_orders_are_checked_one_by_one(monkeypatch):
    net = Ensemble([nade(4, 3, seed=1), nade(4, 3, seed=2, order=[3, 1, 0, 2])]).requires_grad_(
        False
    )
    schema = Schema(tuple(Binary(name=f"x{k}", levels=(0, 1), dtype="int64") for k in range(4)))
    density = Density(Model(schema, net), {})
    results = check(density)
    assert not [result for result in results if not result.passed]
    assert sum("2 members were tested, each alone" in result.detail for result in results) == 5
    net.double()
    monkeypatch.setattr(
        net.members[1], "cells", lambda x, given, asked: torch.where(asked, -0.1, x.new_zeros(()))
    )
    monkeypatch.setattr(Model, "in_float64", lambda self: self.network)
    broken = {result.name: result for result in check(density)}["probabilities sum to 1"]
    assert not broken.passed
    assert "; member 1: |Σp − 1| = " in broken.detail
    net.log_weight.zero_()  # 1 and 1
    assert not {result.name: result for result in check(density)}[
        "members' weights sum to 1"
    ].passed


def test_the_loss_of_fixed_orders_is_exact_but_while_training():
    net = Ensemble(
        [NADE(6, hidden_size=4), NADE(6, hidden_size=3, order="reverse")], [3, 1]
    ).double()
    rows = all_rows(net)
    own = [member.training_loss(rows) for member in net.members]
    torch.testing.assert_close(net.train().training_loss(rows), 0.75 * own[0] + 0.25 * own[1])
    torch.testing.assert_close(net.eval().training_loss(rows), -net.log_prob(rows))
    assert not net.loss_is_estimate
    assert [(part, round(share, 12)) for part, share in net.trained_apart()] == [
        (net.members[0], 0.75),
        (net.members[1], 0.25),
    ]
    shared = Ensemble([net.members[0], net.members[0]])
    assert shared.trained_apart() == [(shared, 1.0)]  # whose gradients are one
    assert Ensemble([net, OrderlessNADE(6, [4]).double()]).loss_is_estimate


@pytest.mark.parametrize("name", ["orders of one network", "one order", "orderless and its orders"])
def test_a_rebuilt_ensemble_gives_the_same_numbers(name):
    net = ENSEMBLES[name]()
    again = Ensemble.from_config(net.columns, copy.deepcopy(net.config()))
    again.load_state_dict(net.state_dict())
    rows = all_rows(net).float()[::7]
    assert torch.equal(again.log_prob(rows), net.log_prob(rows))
    assert len(list(again.parameters())) == len(list(net.parameters()))  # what was shared is shared


def test_impossible_cells_are_impossible_and_not_no_number():
    """A code that no member has: −inf, by cell and by row; and evidence that all rule out tells
    nothing about the members.
    """
    net = Ensemble([made(MIXED[:3], 9, seed=1), made(MIXED[:3], 9, seed=2)]).double()
    x = torch.tensor([[0.0, 3.0, 1.0]], dtype=torch.float64)
    cells = net.log_prob_columns(x).detach()
    assert float(cells.sum()) == float(net.log_prob(x).detach()) == -math.inf
    assert not bool(cells.isnan().any())
    known = torch.tensor([True, True, False])
    assert bool(net.log_prob(x, given=known).isfinite().all())
    assert bool(net.conditional(x, 2, known).log_prob(x[:, 2]).isfinite().all())


@pytest.mark.parametrize("build", [
    lambda: Ensemble([(net := made(4, 6, seed=1)), net]),
    lambda: Ensemble([
        (net := orderless(4, 6, seed=1)),
        Ensemble([net.with_order([3, 1, 0, 2]), made(4, 6, seed=2)]),
    ]),
    lambda: eonade(4, 3, seed=3),
])  # fmt: skip
def test_what_can_be_saved_can_be_loaded(build, tmp_path):
    net = build()
    columns = tuple(Binary(name=f"x{k}", levels=(0, 1), dtype="int64") for k in range(4))
    density = Density(Model(Schema(columns), net))
    density.save(tmp_path / "m")
    rows = all_rows(net).numpy()
    assert np.array_equal(load(tmp_path / "m").log_prob(rows), density.log_prob(rows))
    assert [result for result in check(density) if not result.passed] == []


def test_files_of_ensembles_that_are_no_densities_are_refused():
    net = eonade(4, 2, seed=3)
    columns = tuple(Binary(name=f"x{k}", levels=(0, 1), dtype="int64") for k in range(4))
    model = Model(Schema(columns), net)
    arrays, spec = model.arrays(), model.to_json()
    with pytest.raises(FormatError, match="the members' weights do not sum to 1"):
        Model.from_parts(spec, {**arrays, "log_weight": np.zeros(2)})
    for like in (7, -1, 1, None, "0"):
        wrong = copy.deepcopy(spec)
        wrong["network"]["config"]["members"][1]["like"] = like
        with pytest.raises(FormatError):
            Model.from_parts(wrong, arrays)


def test_bad_members_and_weights_are_refused():
    with pytest.raises(ShapeError, match=r"members\[1\] has another dtype than members\[0\]"):
        Ensemble([NETWORKS["nade"](), NETWORKS["nade"]().double()])
    with pytest.raises(ShapeError, match="x has no rows"):
        Ensemble([NETWORKS["nade"]()]).fit_weights(torch.zeros(0, 8))
    with pytest.raises(ShapeError, match="members is empty"):
        Ensemble([])
    with pytest.raises(ShapeError, match=r"members\[1\] has other columns than members\[0\]"):
        Ensemble([NETWORKS["nade"](), NETWORKS["nade two columns"]()])
    with pytest.raises(
        ShapeError,
        match=r"weights = \[1.0, 0.0\]: pass one number above zero for each of the 2 members",
    ):
        Ensemble([NETWORKS["nade"](), NETWORKS["nade"]()], [1, 0])
    with pytest.raises(FormatError, match="network 'Other' is unknown"):
        Ensemble.from_config(Columns.of(2), {"members": [{"class": "Other", "config": {}}]})
