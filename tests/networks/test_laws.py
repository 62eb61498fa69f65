"""DESIGN's laws over the registry of networks."""

import copy
import inspect
import json
import math

import pytest
import torch
from helpers.registry import (
    DEPENDENT,
    ENSEMBLES,
    MIXED,
    NETWORKS,
    OPEN_NETWORKS,
    committee,
    made,
    nade,
    orderless,
    randomized,
)
from helpers.tolerances import ESTIMATE_ERRORS, KOLMOGOROV, ORACLE_NATS, SUM_TO_ONE

from chainrule import (
    MADE,
    NADE,
    Bernoulli,
    Categorical,
    ChainTable,
    DiscretizedLogisticMixture,
    Ensemble,
    GaussianMixture,
    LaplaceMixture,
    LogisticMixture,
)
from chainrule.baselines import FVSBN, ChowLiuTree
from chainrule.errors import EvidenceError, ShapeError
from chainrule.networks import AbstractFixedOrder, Columns
from chainrule.networks.listed import listed_only
from chainrule.rng import generator_from
from chainrule.testing import (
    all_rows,
    assert_autoregressive,
    assert_jacobian_triangular,
    assert_marginals,
    assert_pure,
    assert_sampler_matches,
    assert_sums_to_one,
    chi_squared_p_value,
    integrate,
)
from chainrule.testing.laws import LEAST_P_VALUE, count_rows, multiplicities


def test_probabilities_sum_to_one(network):
    assert_sums_to_one(network, tolerance=SUM_TO_ONE)


def poison_of(network):
    """What a later cell may hold without reaching an earlier one: masks that are multiplied let NaN
    through, and nothing else.
    """
    return 1e30 if any(isinstance(part, MADE | FVSBN) for part in network.modules()) else math.nan


def test_autoregressive_to_the_bit(network, network_name, generator):
    rows = network.sample(40, generator=generator)
    dependent = network_name in DEPENDENT
    assert_autoregressive(network, rows, dependent=dependent, poison=poison_of(network))


@pytest.mark.parametrize("name", OPEN_NETWORKS)
def test_autoregressive_over_numbers(name, generator):
    network = OPEN_NETWORKS[name]()
    rows = network.sample(40, generator=generator)
    assert_autoregressive(network, rows, dependent=name in DEPENDENT, poison=poison_of(network))


@pytest.mark.parametrize("build", [nade, made, orderless])
@pytest.mark.parametrize("order", [None, "random"])
def test_jacobian_over_numbers_is_triangular(build, order, generator):
    """Real inputs, zeros among them: the slope is zero where nothing may be heeded, and not where
    something is.
    """
    columns = [
        GaussianMixture(2),
        LaplaceMixture(1),
        LogisticMixture(2),
        DiscretizedLogisticMixture(1),
        GaussianMixture(1),
    ]
    rows = torch.randn(40, 5, generator=generator)
    rows[:20] *= torch.rand(20, 5, generator=generator) < 0.5
    assert_jacobian_triangular(build(columns, 25, seed=1, order=order), rows)


@pytest.mark.parametrize("name", [name for name in OPEN_NETWORKS if "real" in name])
def test_densities_integrate_to_one(name):
    """The second step's conditional integrates to one given any value of the first, and so does the
    first: total mass 1.
    """
    network = OPEN_NETWORKS[name]().double()
    first, second = (network.columns.conditionals[k] for k in network.order.tolist())

    def total(conditional, distribution, of):
        each = [of_component(conditional, params, of) for params in distribution.params.unbind(1)]
        return (distribution.log_weight.exp() * torch.stack(each, dim=1)).sum(1)

    def of_component(conditional, params, of):
        if conditional.support() is None:
            return integrate(conditional, params, of)
        values = torch.tensor(conditional.support(), dtype=torch.float64).expand(len(params), -1)
        return (conditional.log_prob(params[:, None], values).exp() * of(values)).sum(1)

    def mass_of_second(values):
        x = torch.zeros(values.numel(), 2, dtype=torch.float64)
        x[:, network.order[0]] = values.flatten()
        distribution = network.conditionals(x)[int(network.order[1])]
        return total(second, distribution, torch.ones_like).view_as(values)

    start = network.conditionals(torch.zeros(1, 2, dtype=torch.float64))[int(network.order[0])]
    mass = total(first, start, mass_of_second)
    assert float((mass - 1).abs().detach()) < 1e-6


@pytest.mark.parametrize("name", OPEN_NETWORKS)
def test_drawn_numbers_follow_their_conditionals(name, generator):
    """The probability integral transform of what is drawn is uniform, by Kolmogorov and Smirnov's
    test; masses randomised.
    """
    network, n = OPEN_NETWORKS[name]().double(), 4000
    rows = network.sample(n, generator=generator)
    assert rows.isfinite().all()
    for k, distribution in enumerate(network.conditionals(rows)):
        if isinstance(distribution.conditional, Categorical):
            continue
        x, u = rows[:, k], torch.rand(n, generator=generator, dtype=torch.float64)
        atoms = torch.tensor(distribution.conditional.atoms, dtype=torch.float64)
        is_mass = torch.isin(x, atoms) | torch.tensor(distribution.conditional.is_discrete)
        upper = distribution.cdf(x).detach()
        jump = torch.where(is_mass, distribution.log_prob(x).exp().detach(), 0)
        z = (upper - u * jump).sort().values
        steps = torch.arange(1, n + 1, dtype=torch.float64) / n
        distance = torch.maximum((z - steps).abs(), (z - steps + 1 / n).abs()).max()
        assert float(distance) * n**0.5 < KOLMOGOROV, k


@torch.no_grad()
def test_a_walk_has_the_conditionals_whether_or_not_it_was_asked_before(network, generator):
    """Each step's distribution is that of whole rows, and to the bit the same if the steps before
    it are only learned.
    """
    rows = network.sample(9, generator=generator)
    nothing = torch.zeros(rows.shape, dtype=torch.bool)
    found = network.conditionals(rows)
    asked, silent = network.walk(rows, nothing), network.walk(rows, nothing)
    for step, column in enumerate(network.order.tolist()):
        each = asked.distribution(column)
        nats, expected = (d.log_prob(rows[:, column]).double() for d in (each, found[column]))
        assert torch.allclose(nats, expected, rtol=1e-4, atol=1e-5)
        if step % 3 == 2:
            assert torch.equal(silent.distribution(column).params, each.params)
        for walk in (asked, silent):
            walk.learn(column, rows[:, column], ~nothing[:, column])


@torch.no_grad()
@pytest.mark.parametrize("is_asked_first", [True, False])
def test_some_rows_of_a_walk_go_on_as_they_would_alone(network, generator, is_asked_first):
    """Rows may be taken several times, before or after the step's distribution is asked for."""
    rows, places = network.sample(5, generator=generator), torch.tensor([3, 0, 0, 4])
    nothing = torch.zeros(rows.shape, dtype=torch.bool)
    whole, taken = (network.walk(rows, nothing) for _ in range(2))
    order = network.order.tolist()
    for step, column in enumerate(order):
        if is_asked_first and step == len(order) // 2:
            taken.distribution(column)
        if step == len(order) // 2:
            taken = taken.take(places)
        at = places if step >= len(order) // 2 else slice(None)
        expected, found = (walk.distribution(column) for walk in (whole, taken))
        x = rows[:, column]
        nats = expected.log_prob(x)[at], found.log_prob(x[at])
        assert torch.allclose(*nats, rtol=1e-4, atol=1e-5)
        whole.learn(column, x, ~nothing[:, column])
        taken.learn(column, x[at], ~nothing[:, column][at])


@pytest.mark.parametrize("name", OPEN_NETWORKS)
def test_numbers_complete_a_prefix_and_score_it(name, generator):
    network = OPEN_NETWORKS[name]()
    rows = network.sample(30, generator=generator)
    known = torch.zeros(len(network.columns), dtype=torch.bool)
    known[network.order[:1]] = True
    values = torch.where(known, rows, math.nan)
    drawn = network.sample(30, given=(values, known[None]), generator=generator)
    assert torch.equal(drawn[:, known], rows[:, known])
    marginal, rest = network.log_prob(values, known), network.log_prob(rows, given=known)
    assert torch.allclose(marginal + rest, network.log_prob(rows), rtol=1e-5, atol=1e-5)
    assert torch.equal(
        network.log_prob(rows), network.log_prob_columns(rows).sum(1, dtype=torch.float64).float()
    )
    if not isinstance(network, AbstractFixedOrder):
        return  # its training loss is an estimate or its members' own, with a law of its own
    loss = copy.deepcopy(network).double().training_loss(rows.double())
    assert torch.allclose(-loss.float(), network.log_prob(rows), rtol=1e-4, atol=1e-4)


def test_autoregressive_to_the_bit_across_blocks(generator):
    net = nade(70, 5, seed=1, order="random", scale=0.5)
    assert_autoregressive(net, torch.randint(0, 2, (3, 70), generator=generator).float())


def test_jacobian_is_triangular(network, network_name, generator):
    if not network.columns.is_binary:
        pytest.skip("categories have no slope")
    rows = torch.randint(0, 2, (40, len(network.columns)), generator=generator).float()
    stepped = "table" in network_name or "mixture" in network_name  # these have no slope
    dependent = network_name in DEPENDENT and not stepped
    assert_jacobian_triangular(network, rows, dependent=dependent)
    if not stepped:
        assert_jacobian_triangular(network, rows.normal_(generator=generator), dependent=dependent)


def test_sampler_draws_from_log_prob(network, network_name, generator):
    if "unlisted" in network_name:
        pytest.skip(
            "what no row had is scored and never drawn; test_what_no_row_had_is_never_drawn has "
            "its law"
        )
    assert_sampler_matches(network, generator)


RARE = [Categorical(2, unlisted=2), Bernoulli(), Categorical(3, unlisted=1), Bernoulli()]
WITH_RARE = {
    "nade": lambda: nade(RARE, 5, seed=15, order="random"),
    "made": lambda: made(RARE, 9, seed=26),
    "orderless": lambda: orderless(RARE, 12, seed=35, order="random"),
    "committee": lambda: committee(nade(RARE, 5, seed=43), nade(RARE, 4, seed=44)),
    "fvsbn": lambda: randomized(FVSBN(RARE), 48),
    "tree": lambda: randomized(ChowLiuTree(RARE, parents=[2, 0, -1, 0]), 51),
    "two orders": lambda: Ensemble(
        [nade(RARE, 5, seed=16), made(RARE, 9, seed=27, order="reverse")]
    ),
}


@pytest.mark.parametrize("name", WITH_RARE)
def test_rare_values_are_drawn_as_often_as_they_are_likely(name, generator):
    """They share a code, which is drawn by its place in the softmax, and tells later columns
    nothing.
    """
    network = WITH_RARE[name]()
    assert_sampler_matches(network, generator)
    net = listed_only(network)
    drawn = net.sample(400, generator=generator)
    assert bool(net.columns.is_evidence(drawn).all())
    assert not bool(network.columns.is_evidence(network.sample(400, generator=generator)).all())
    assert torch.equal(net.log_prob(drawn), network.log_prob(drawn))


def test_prefix_evidence_is_exact(network):
    assert_marginals(network, tolerance=SUM_TO_ONE)


@pytest.mark.parametrize("name", ["nade unlisted", "made unlisted"])
def test_what_no_row_had_is_never_drawn(name, generator):
    """Rows follow the product of the conditionals, that of a column without rare values made whole
    over its listed ones.
    """
    network, n = NETWORKS[name](), 20000
    rows = all_rows(network)
    net = copy.deepcopy(network).double()
    logs = multiplicities(net).prod(1).log()
    never = torch.zeros(len(rows), dtype=torch.bool)
    for k, distribution in enumerate(net.conditionals(rows)):
        conditional = distribution.conditional
        logs += distribution.log_prob(rows[:, k]).detach()
        if isinstance(conditional, Categorical) and conditional.unlisted == 0:
            each = distribution.log_prob_grid(
                torch.arange(conditional.values).double().expand(len(rows), -1)
            )
            logs -= each.logsumexp(1).detach()
            never |= rows[:, k] == conditional.values
    expected = torch.where(never, 0, logs.exp()) * n
    assert abs(float(expected.sum()) - n) < 1e-6
    counts = count_rows(network.sample(n, generator=generator).double(), rows)
    assert counts[never].sum() == 0
    assert chi_squared_p_value(counts[~never], expected[~never]) > LEAST_P_VALUE


def test_sample_completes_a_prefix(network, network_name, generator):
    """Given cells stay, and the others follow p(rest | given), by χ² over the completions."""
    if "unlisted" in network_name:
        pytest.skip("what no row had is never drawn")
    rows, known = all_rows(network), len(network.columns) // 2
    columns = network.order[:known]
    observed = torch.zeros(len(network.columns), dtype=torch.bool)
    observed[columns] = True
    row = network.sample(1, generator=generator)
    values = torch.where(observed, row, torch.nan)
    drawn = network.sample(8000, given=(values, observed[None]), generator=generator).double()
    assert torch.equal(drawn[:, observed], row.double()[:, observed].expand(8000, -1))
    matching = rows[(rows[:, observed] == row.double()[:, observed]).all(1)]
    expected = (
        copy.deepcopy(network).double().log_prob(matching, given=observed).exp().detach() * 8000
    )
    assert chi_squared_p_value(count_rows(drawn, matching), expected) > LEAST_P_VALUE


def test_other_evidence_is_refused_with_what_would_serve():
    net = nade(5, 3, order=[3, 1, 4, 0, 2])
    known = torch.tensor([True, True, False, True, False])
    with pytest.raises(EvidenceError) as error:
        net.sample(2, given=(torch.zeros(1, 5), known))
    assert str(error.value) == (
        "row 0: given column 0 is step 3 of the order, but column 4 at step 2 is not known. A "
        "fixed order answers exactly only when what is known comes first. What would serve: "
        "knowing column(s) [4] too; or a network whose order begins with the 3 known column(s) "
        "[3, 1, 0]"
    )
    with pytest.raises(EvidenceError, match=r"row 1: observed column 2 .* or pass estimate=True"):
        net.log_prob(
            torch.zeros(2, 5), torch.tensor([[True] * 5, [False, False, True, True, False]])
        )


def test_estimate_of_other_evidence_agrees_with_enumeration(generator):
    net = nade(8, 6, seed=3).double()
    rows = all_rows(net)[::37]
    joint = net.log_prob(all_rows(net))
    observed = torch.tensor([False, True, False, False, True, True, False, True])
    given = torch.tensor([False, True, False, False, False, False, False, True])

    def marginal(row, known):
        return joint[(all_rows(net)[:, known] == row[known]).all(1)].logsumexp(0)

    for evidence in (None, given):
        value, error = net.log_prob(
            rows, observed, evidence, estimate=True, n_draws=4000, generator=generator
        )
        truth = torch.stack(
            [
                marginal(r, observed) - (0 if evidence is None else marginal(r, evidence))
                for r in rows
            ]
        )
        assert bool((error > 0).all())
        assert bool(((value - truth).abs() < ESTIMATE_ERRORS * error).all()), (
            value - truth
        ) / error
    exact = net.log_prob(rows, estimate=True, generator=generator)
    assert torch.equal(exact.standard_error, torch.zeros(len(rows)).double())
    assert torch.allclose(exact.value, net.log_prob(rows), rtol=0, atol=1e-12)


def test_asking_changes_nothing(network, generator):
    rows = network.sample(5, generator=generator)
    nan = torch.full_like(rows, torch.nan)
    none = torch.zeros(len(network.columns), dtype=torch.bool)
    assert_pure(
        network,
        [
            lambda: network.log_prob(rows),
            lambda: network.log_prob(nan, none),
            lambda: network.log_prob_columns(rows),
            lambda: network.conditionals(rows),
            lambda: network.features(rows, "mean"),
            lambda: network.training_loss(rows),
            lambda: network.sample(3),
            lambda: network.sample(3, given=(nan[:1], none[None]), generator=generator),
            lambda: network.state_dict(),
            lambda: repr(network),
        ],
    )


def test_row_sums_of_columns_are_log_prob(network, generator):
    rows = network.sample(9, generator=generator).double()
    net = copy.deepcopy(network).double()
    assert torch.allclose(
        net.log_prob_columns(rows).sum(1), net.log_prob(rows), rtol=1e-14, atol=1e-14
    )
    if isinstance(net, AbstractFixedOrder):
        assert torch.allclose(-net.training_loss(rows), net.log_prob(rows), rtol=1e-12, atol=1e-12)


def test_conditionals_are_those_of_log_prob_columns(network, generator):
    rows = network.sample(9, generator=generator)
    each = torch.stack(
        [d.log_prob(rows[:, k]) for k, d in enumerate(network.conditionals(rows))], dim=1
    )
    assert torch.equal(each, network.log_prob_columns(rows))


def test_calling_a_network_gives_its_log_likelihood(network, generator):
    rows = network.sample(4, generator=generator)
    assert torch.equal(network(rows), network.log_prob(rows))


def test_the_description_has_the_order_and_the_state_has_what_was_learned(network, generator):
    """A network rebuilt from its description and its state gives the same numbers, in its order."""
    config = json.loads(json.dumps(network.config()))
    again = type(network).from_config(network.columns, config).to(network._like().dtype)
    again.load_state_dict(network.state_dict())
    rows = network.sample(4, generator=generator)
    assert torch.equal(again.order, network.order)
    assert torch.equal(again.log_prob_columns(rows), network.log_prob_columns(rows))
    learned = {name for name, _ in network.named_parameters(remove_duplicate=False)}
    assert {name for name in network.state_dict() if not name.endswith("log_weight")} == learned


def test_networks_over_the_same_columns_have_each_its_own_order():
    columns = Columns.of(MIXED)
    for kind in (
        NADE,
        lambda *a, **options: MADE(*a, [9], **options),
        lambda *a, **options: FVSBN(*a, **options),
    ):
        nets = [
            kind(columns, order=order, generator=generator_from(0))
            for order in (None, "reverse", None)
        ]
        x = nets[0].sample(5, generator=generator_from(1))
        with torch.inference_mode():  # whoever asks first, and in whichever mode
            for net in nets:
                net.log_prob(x)
        for net, first in zip(nets, (0, 5, 0), strict=True):
            net = randomized(net, 3)
            net.training_loss(x).sum().backward()
            params = net.conditional_params(x)
            assert len(params[:, columns.param_rows(first)].unique(dim=0)) == 1
            assert len(params[:, columns.param_rows(5 - first)].unique(dim=0)) > 1


@pytest.mark.parametrize(
    "make",
    [lambda: MADE(MIXED, [7, 6], order="reverse"), lambda: FVSBN(MIXED, order="reverse")],
    ids=["made", "fvsbn"],
)
def test_masks_move_with_the_network(make):
    """To another dtype, and to another device: every machine has PyTorch's meta device."""
    net, x = make(), torch.zeros(2, len(MIXED))
    for dtype in (torch.float64, torch.float32):
        assert net.to(dtype).conditional_params(x.to(dtype)).dtype == dtype
    moved = net.to("meta").conditional_params(x.to("meta"))
    assert (moved.device.type, moved.shape) == ("meta", (2, sum(net.columns.param_widths)))


def test_same_seed_same_bytes():
    for _ in range(2):
        nets = [
            NADE(9, hidden_size=4, order="random", generator=generator_from(5)) for _ in range(2)
        ]
        for key, tensor in nets[0].state_dict().items():
            assert torch.equal(tensor, nets[1].state_dict()[key])
        assert torch.equal(nets[0].order, nets[1].order)
        draws = [net.sample(6, generator=generator_from(6)) for net in nets]
        assert torch.equal(*draws)
    assert not torch.equal(NADE(9, hidden_size=4).input_weight, NADE(9, hidden_size=4).input_weight)


def test_parameters_belong_to_columns_whatever_the_order():
    """Permuting the columns of a network permutes its parameters and changes no likelihood."""
    net = nade(6, 4, seed=2, order=[2, 0, 5, 1, 4, 3]).double()
    permutation = torch.tensor([3, 5, 0, 1, 4, 2])  # new column i is old column permutation[i]
    other = NADE(6, hidden_size=4, order=permutation.argsort()[net.order]).double()
    with torch.no_grad():
        for name in ("input_weight", "output_weight", "output_bias"):
            getattr(other, name).copy_(getattr(net, name)[permutation])
        other.hidden_bias.copy_(net.hidden_bias)
        other.first_hidden.copy_(net.first_hidden)
    rows = all_rows(net)
    assert torch.allclose(
        other.log_prob(rows[:, permutation]), net.log_prob(rows), rtol=0, atol=1e-13
    )


def test_nade_agrees_with_the_full_table_of_its_own_probabilities(generator):
    for order in (None, "random"):
        net = nade(7, 9, seed=4, order=order).double()
        rows = all_rows(net)
        table = (
            ChainTable(7, order=net.order)
            .double()
            .fit_probabilities(rows, net.log_prob(rows).exp().detach())
        )
        assert (table.log_prob(rows) - net.log_prob(rows)).abs().max() < ORACLE_NATS
        assert sum(p.numel() for p in table.parameters()) == 2**7 - 1


def test_parameter_count_is_the_lectures():
    for n, d in ((784, 500), (1, 1), (16, 3)):
        assert sum(p.numel() for p in NADE(n, hidden_size=d).parameters()) == 2 * n * d + 2 * d + n
    assert sum(p.numel() for p in NADE(784, hidden_size=500).parameters()) == 785_784


def test_rows_at_and_after_k_get_no_gradient_from_step_k():
    net = nade(6, 5, order=[5, 2, 0, 1, 4, 3])
    x = torch.ones(3, 6)
    for step, column in enumerate(net.order.tolist()):
        net.zero_grad()
        net.log_prob_columns(x)[:, column].sum().backward()
        untouched = net.order[step:]
        assert torch.equal(net.input_weight.grad[untouched], torch.zeros(6 - step, 5))
        assert bool((net.input_weight.grad[net.order[:step]] != 0).any(1).all())


def test_first_hidden_learns_and_serves_the_first_column_alone():
    net = nade(5, 4, order=[2, 0, 1, 4, 3])
    x = torch.randint(0, 2, (10, 5), generator=generator_from(0)).float()
    net.log_prob(x).sum().backward()
    assert bool((net.first_hidden.grad != 0).all())
    before = net.log_prob_columns(x)
    with torch.no_grad():
        net.first_hidden += 1
    changed = (net.log_prob_columns(x) != before).any(0)
    assert changed.tolist() == [False, False, True, False, False]


def test_hidden_and_features(generator):
    net = nade(6, 4, seed=3, order=[5, 2, 0, 1, 4, 3]).double()
    x = torch.randint(0, 2, (7, 6), generator=generator).double()
    hidden = net.hidden(x)
    for step, column in enumerate(net.order.tolist()):
        given = net.order[:step]
        expected = torch.sigmoid(net.hidden_bias + x[:, given] @ net.input_weight[given])
        if step == 0:
            expected = net.first_hidden.expand(7, -1)
        assert torch.allclose(hidden[:, column], expected, rtol=0, atol=1e-14)
    logits = torch.cat([d.params[:, 0] for d in net.conditionals(x)], 1)
    assert torch.allclose(
        (hidden * net.output_weight).sum(2) + net.output_bias, logits, rtol=0, atol=1e-13
    )
    assert torch.allclose(net.features(x, "last"), hidden[:, net.order[-1]], rtol=0, atol=1e-14)
    assert torch.allclose(net.features(x, "mean"), hidden.mean(1), rtol=0, atol=1e-14)
    assert torch.allclose(net.features(x, "sum"), hidden.sum(1), rtol=0, atol=1e-14)
    assert torch.equal(net.features(x, "concat"), hidden.flatten(1))


def test_output_biases_start_at_smoothed_log_odds_even_of_constant_columns():
    net = NADE(3, hidden_size=2)
    net.initialize_from(torch.tensor([[0.0, 1.0, 1.0]] * 2 + [[0.0, 1.0, 0.0]] * 2))
    assert torch.allclose(
        net.output_bias, torch.tensor([math.log(0.5 / 4.5), math.log(4.5 / 0.5), 0.0])
    )


def test_a_temperature_divides_the_logits(network, network_name):
    """The same uniforms give the same rows from a network whose outputs are divided by the
    temperature.
    """
    if "mixed" in network_name or "tied" in network_name:
        pytest.skip(
            "it multiplies scales, too: test_a_temperature_sharpens has the law of each conditional"
        )
    if "mixture" in network_name or "latent" in network_name:
        pytest.skip("what it computes the logits from are no logits of one column")
    if "members" in network_name or ("committee" in network_name and "one" not in network_name):
        pytest.skip(
            "it favours members, too: "
            "test_near_zero_temperature_members_agree_on_the_likeliest_value"
        )
    network = network.double()
    cold = copy.deepcopy(network)
    with torch.no_grad():
        for name, parameter in cold.named_parameters():
            if name.split(".")[-1] in (
                "output_weight",
                "output_bias",
                "direct_weight",
                "table_weight",
                "logits",
            ):
                parameter /= 0.5
    drawn = network.sample(500, temperature=0.5, generator=generator_from(3))
    assert torch.equal(drawn, cold.sample(500, generator=generator_from(3)))
    assert not torch.equal(drawn, network.sample(500, generator=generator_from(3)))


def test_the_standard_error_of_an_estimate_is_its_spread(monkeypatch):
    """Over repeats, (estimate − truth) ÷ standard error has a root mean square near 1; draws come
    in several batches.
    """
    from chainrule.networks import estimate

    monkeypatch.setattr(estimate, "ROWS", 300)
    net = nade(6, 5, seed=3).double()
    rows = all_rows(net)
    observed = torch.tensor([False, True, False, True, False, True])
    truth = torch.stack(
        [
            net.log_prob(rows)[(rows[:, observed] == r[observed]).all(1)].logsumexp(0)
            for r in rows[:40]
        ]
    )
    value, error = net.log_prob(
        rows[:40], observed, estimate=True, n_draws=1000, generator=generator_from(1)
    )
    z = (value - truth) / error
    assert 0.6 < float(z.square().mean().sqrt().detach()) < 1.6


def test_numpy_integers_are_integers():
    import numpy as np

    net = NADE(np.int64(4), hidden_size=np.int32(3), generator=generator_from(np.int64(2)))
    assert net.sample(np.int64(2)).shape == (2, 4)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda net: net.log_prob(torch.zeros(2, 3)),
            r"x has shape (2, 3); this network has 4 columns: pass (N, 4)",
        ),
        (
            lambda net: net.log_prob([[0, 0, 0, 0]]),
            "x is a list; pass a float tensor (N, 4) of codes",
        ),
        (
            lambda net: net.log_prob(torch.zeros(2, 4), torch.ones(4)),
            "observed has dtype torch.float32; it says which cells are known, so pass booleans",
        ),
        (
            lambda net: net.log_prob(torch.zeros(2, 4), torch.ones(3).bool()),
            "observed has shape (3,); give (4,) or (2, 4) booleans",
        ),
        (
            lambda net: net.log_prob(
                torch.zeros(1, 4), torch.zeros(4).bool(), torch.ones(4).bool()
            ),
            "row 0: column 0 is given but not observed; mark it as observed too",
        ),
        (lambda net: net.sample(-1), "n = -1: pass a whole number of rows, at least 0"),
        (
            lambda net: net.sample(1, temperature=0.0),
            "temperature = 0.0 must be above zero; 1 samples the model as it is",
        ),
        (
            lambda net: net.features(torch.zeros(1, 4), "max"),
            "pool 'max' is unknown; choose one of 'concat', 'last', 'mean', 'sum'",
        ),
        (lambda net: NADE(0), "columns = 0: pass a number of binary columns, at least 1"),
        (
            lambda net: NADE(3, hidden_size=0),
            "hidden_size = 0: pass a whole number of hidden units, at least 1",
        ),
        (
            lambda net: NADE(3, activation="sigmoit"),
            "activation 'sigmoit' is unknown; choose one of 'relu', 'sigmoid' (nearest: 'sigmoid')",
        ),
        (
            lambda net: NADE(3, order=[0, 1, 1]),
            "order [0, 1, 1] is not a permutation of the 3 columns 0 … 2",
        ),
        (
            lambda net: ChainTable(17),
            "a full table over 17 columns has 2^17 − 1 numbers; at most 16 columns",
        ),
        (
            lambda net: net.log_prob(torch.zeros(1, 4), estimate=True, n_draws=1),
            "n_draws = 1: pass a whole number of draws, at least 2",
        ),
    ],
)
def test_bad_input_is_explained_whole(call, message):
    with pytest.raises(ShapeError) as error:
        call(nade(4, 3))
    assert str(error.value) == message


def test_no_rows_are_rows_too(network):
    width = len(network.columns)
    assert network.log_prob(torch.zeros(0, width)).shape == (0,)
    assert network.sample(0).shape == (0, width)
    assert network.training_loss(torch.zeros(0, width)).shape == (0,)


def test_registry_covers_every_network_class():
    from chainrule import baselines, networks

    classes = {
        type(build())
        for build in (*NETWORKS.values(), *OPEN_NETWORKS.values(), *ENSEMBLES.values())
    }
    public = [getattr(module, name) for module in (baselines, networks) for name in module.__all__]
    for cls in public:
        if (
            isinstance(cls, type)
            and issubclass(cls, networks.AbstractNetwork)
            and not inspect.isabstract(cls)
        ):
            assert cls in classes, f"{cls.__name__} is in no registry"


def test_a_training_step_without_some_inputs(generator):
    """Which columns are told is drawn anew each step, from the generator alone; scores and draws
    know all of them.
    """
    net = NADE(MIXED, hidden_size=6, input_dropout=0.4, generator=generator_from(0))
    plain = NADE.from_config(net.columns, {**net.config(), "input_dropout": 0.0})
    plain.load_state_dict(net.state_dict())
    x = plain.sample(50, generator=generator)
    first, second = (net.training_loss(x, generator=generator_from(seed)) for seed in (1, 2))
    assert torch.equal(first, net.training_loss(x, generator=generator_from(1)))
    assert not torch.equal(first, second)
    assert torch.equal(net.log_prob(x), plain.log_prob(x))
    told = net._input_scale(generator_from(1))
    assert sorted(set(told.flatten().tolist())) == [0.0, pytest.approx(1 / 0.6)]
    for k in range(len(MIXED)):  # all inputs of a column, or none
        assert len(set(told[net.columns.input_rows(k)].flatten().tolist())) == 1
    withheld = copy.deepcopy(plain)
    with torch.no_grad():
        withheld.input_weight *= told
    torch.testing.assert_close(first, withheld.training_loss(x))
    assert torch.equal(net.eval().training_loss(x), plain.training_loss(x))
    assert NADE.from_config(net.columns, net.config()).input_dropout == 0.4
    with pytest.raises(ShapeError, match="input_dropout"):
        NADE(3, input_dropout=1.0)
