"""What is compared with: each against enumeration, integration or another's own implementation."""

import copy
import itertools
import json
import math
import subprocess
import sys

import numpy as np
import pytest
import torch
from helpers.registry import LABELS, OPEN, UNLISTED, full_covariance, randomized
from helpers.tolerances import AIS_NATS, ESTIMATE_ERRORS, SAME_NUMBERS, SUM_TO_ONE

from chainrule import Categorical, Estimate, GaussianMixture, LowerBound
from chainrule.baselines import (
    FVSBN,
    RBM,
    VAE,
    BernoulliMixture,
    ChainTable,
    ChowLiuTree,
    FullCovarianceMixture,
    IndependentColumns,
    contrastive_divergence,
    load,
    save,
)
from chainrule.baselines.partition import temperatures
from chainrule.errors import ChainruleError, EvidenceError, FormatError, ShapeError
from chainrule.networks import NADE, AbstractNetwork
from chainrule.networks.rebuild import network_to_json
from chainrule.rng import generator_from
from chainrule.testing import all_rows, assert_pure, chi_squared_p_value
from chainrule.testing.laws import LEAST_P_VALUE, count_rows, multiplicities


def bits(columns):
    return torch.tensor(list(itertools.product([0.0, 1.0], repeat=columns)), dtype=torch.float64)


def rbm(columns=8, hidden_size=5, seed=0, scale=1.0):
    machine = RBM(columns, hidden_size, generator=generator_from(seed))
    randomized(machine, seed, scale)
    machine.base_bias.normal_(generator=generator_from(seed + 1))
    return machine


def by_enumeration(machine):
    """log Σ_h exp(b·x + c·h + xᵀ W h) of every row, written out over all pairs of x and h."""
    x, h = bits(len(machine.columns)), bits(machine.hidden_size)
    W, b, c = (
        p.detach().double() for p in (machine.weight, machine.visible_bias, machine.hidden_bias)
    )
    return ((x @ b)[:, None] + h @ c + x @ W @ h.t()).logsumexp(1)


@pytest.mark.parametrize(("columns", "hidden_size"), [(6, 4), (4, 7), (1, 1), (3, 14)])
def test_free_energy_and_partition_are_those_of_all_pairs(columns, hidden_size):
    machine = rbm(columns, hidden_size).double()
    logs = by_enumeration(machine)
    assert torch.allclose(
        -machine.free_energy(bits(columns)).detach(), logs, rtol=SAME_NUMBERS, atol=SAME_NUMBERS
    )
    for method in ("exact", "auto"):
        found = machine.log_partition(method)
        assert isinstance(found, float)
        assert found == pytest.approx(float(logs.logsumexp(0)), abs=SUM_TO_ONE)
    answer = machine.log_prob(bits(columns))
    assert isinstance(answer, Estimate)
    assert float(answer.value.exp().sum().detach()) == pytest.approx(1, abs=SUM_TO_ONE)
    assert not bool(answer.standard_error.any())


@pytest.mark.parametrize("seed", range(3))
def test_annealed_importance_sampling_at_its_defaults_is_within_a_twentieth_of_a_nat(seed):
    machine = rbm(8, 5, seed=seed)
    truth = machine.log_partition("exact")
    found = machine.log_partition("ais", generator=generator_from(seed))
    assert isinstance(found, Estimate)
    assert abs(float(found.value) - truth) < AIS_NATS
    assert 0 < float(found.standard_error) < AIS_NATS


def test_the_error_of_annealed_importance_sampling_is_its_spread():
    machine = rbm(7, 4, seed=3, scale=1.5)
    truth = machine.log_partition("exact")
    found = [
        machine.log_partition("ais", distributions=40, chains=60, generator=generator_from(k))
        for k in range(60)
    ]
    z = torch.tensor([(float(value) - truth) / float(error) for value, error in found])
    assert 0.6 < float(z.square().mean().sqrt()) < 1.7
    weights = torch.tensor([float(value) - truth for value, _ in found]).exp()
    assert (
        abs(float(weights.mean()) - 1) < ESTIMATE_ERRORS * float(weights.std()) / 60**0.5
    )  # Z itself is unbiased


def test_an_estimated_partition_marks_every_likelihood():
    machine = rbm(30, 25)
    rows = torch.zeros(3, 30)
    found = Estimate(torch.tensor(40.0), torch.tensor(0.2))
    answer = machine.log_prob(rows, log_partition=found)
    assert torch.equal(answer.standard_error, torch.full((3,), 0.2))
    assert str(answer).startswith("estimated: ≈ ")
    assert str(answer).count("± 0.200") == 3
    with pytest.raises(ShapeError, match="method='ais'"):
        machine.log_partition("exact")
    with pytest.raises(ShapeError, match="choose one of 'ais', 'auto', 'exact'"):
        machine.log_partition("ias")


@pytest.mark.parametrize("given", [False, True])
def test_gibbs_sampling_follows_the_probabilities(given):
    machine, n = rbm(5, 4, seed=2), 8000
    rows = bits(5)
    logs = machine.log_prob(rows.float()).value.detach().double()
    given_cells = torch.tensor([False, True, False, False, True])
    values = torch.tensor([[math.nan, 1.0, math.nan, math.nan, 0.0]])
    drawn = machine.sample(
        n,
        given=(values, given_cells[None]) if given else None,
        generator=generator_from(4),
        steps=200,
    ).double()
    if given:
        assert torch.equal(drawn[:, given_cells], values[:, given_cells].double().expand(n, -1))
        kept = (rows[:, given_cells] == values[0, given_cells]).all(1)
        rows, logs = rows[kept], logs[kept]
    expected = n * logs.softmax(0)
    assert chi_squared_p_value(count_rows(drawn, rows), expected) > LEAST_P_VALUE


def test_the_loss_has_the_gradient_of_the_likelihood_when_the_negative_rows_are_the_models():
    """With all rows as negatives, each as often as the model has it, contrastive divergence is the
    likelihood's gradient.
    """
    machine = rbm(4, 3).double()
    rows = bits(4)
    p = machine.log_prob(rows).value.exp().detach()
    data = rows[[3, 3, 9]]
    negative = rows[torch.multinomial(p, 200_000, replacement=True, generator=generator_from(0))]
    loss = machine.free_energy(data).mean() - machine.free_energy(negative).mean()
    estimated = torch.autograd.grad(loss, list(machine.parameters()))
    log_z = -machine.free_energy(rows)
    exact = torch.autograd.grad(
        machine.free_energy(data).mean() + log_z.logsumexp(0), list(machine.parameters())
    )
    for got, want in zip(estimated, exact, strict=True):
        assert torch.allclose(got, want, atol=0.01)
    paired = machine.training_loss(data, negative=negative[:3])
    assert torch.equal(paired, machine.free_energy(data) - machine.free_energy(negative[:3]))


@pytest.mark.parametrize("persistent", [False, True])
def test_contrastive_divergence_learns_a_distribution(persistent):
    """Half of eight rows, two columns alike: independent columns have 3 log 2 = 2.08 nats, the rows
    log 4 = 1.39.
    """
    rows = torch.tensor([[0.0, 0, 0], [0, 1, 0], [1, 0, 1], [1, 1, 1]]).repeat(50, 1)
    machine = RBM(3, 8, generator=generator_from(1))
    machine.initialize_from(rows)
    options = {
        "steps": 5,
        "persistent": persistent,
        "epochs": 400,
        "learning_rate": 0.5,
        "batch_size": 50,
    }
    contrastive_divergence(machine, rows, generator=generator_from(2), **options)
    assert float(-machine.log_prob(rows).value.mean().detach()) < 1.55
    same = RBM(3, 8, generator=generator_from(1))
    same.initialize_from(rows)
    contrastive_divergence(same, rows, generator=generator_from(2), **options)
    assert all(
        torch.equal(a, b) for a, b in zip(machine.parameters(), same.parameters(), strict=True)
    )
    with pytest.raises(ShapeError, match="no rows to train on"):
        contrastive_divergence(machine, rows[:0])


def test_a_step_is_the_gradient_in_centred_coordinates():
    """One step from given chains: the weights move by the covariances' difference less decay, and
    the biases so that columns and units less their means are what counts.
    """
    x = torch.randint(0, 2, (40, 5), generator=generator_from(0)).float()
    machine = rbm(5, 3, seed=1, scale=0.3)
    before, again = copy.deepcopy(machine), generator_from(7)
    contrastive_divergence(
        machine,
        x,
        steps=2,
        epochs=1,
        batch_size=40,
        learning_rate=0.25,
        weight_decay=0.1,
        generator=generator_from(7),
    )
    column_mean, start = x.mean(0), before.hidden_given(x).mean(0)
    before.gibbs(
        x[torch.randint(40, (40,), generator=again)], 1, generator=again
    )  # the chains that it begins with
    data = x[torch.randperm(40, generator=again)]
    h_data = before.hidden_given(data)
    model = before.gibbs(data, 2, generator=again)
    h_model = before.hidden_given(model)
    unit_mean = 0.99 * start + 0.01 * h_data.mean(0)
    rise, fall = (
        (rows - column_mean).t() @ (h - unit_mean) / 40
        for rows, h in ((data, h_data), (model, h_model))
    )
    step = rise - fall - 0.1 * before.weight
    by = {
        "weight": step,
        "visible_bias": data.mean(0) - model.mean(0) - step @ unit_mean,
        "hidden_bias": h_data.mean(0) - h_model.mean(0) - column_mean @ step,
    }
    for name, moved in by.items():
        assert torch.allclose(
            getattr(machine, name), getattr(before, name) + 0.25 * moved, atol=1e-6
        ), name
    with pytest.raises(ShapeError, match="row 1 of x has a cell that is neither 0 nor 1"):
        contrastive_divergence(machine, torch.tensor([[0.0] * 5, [0.0, 1, math.nan, 0, 0]]))


@pytest.mark.parametrize("distributions", [1, 2, 3, 10, 1000])
def test_annealing_ends_at_the_machine(distributions):
    betas = temperatures(distributions)
    assert len(betas) == distributions + 1
    assert (betas[0], betas[-1]) == (0, 1)
    assert betas == sorted(set(betas))


def integrated(vae, x, points=4000):
    """log ∫ N(z) p(x | z) dz of one latent number, by the trapezoid rule."""
    z = torch.linspace(-9, 9, points, dtype=torch.float64)[:, None]
    params = vae.decode(z)
    prior = -(z[:, 0] ** 2) / 2 - math.log(2 * math.pi) / 2 + math.log(18 / (points - 1))
    return torch.stack(
        [
            (vae.columns.log_prob(params, row.expand(points, -1)).sum(1) + prior).logsumexp(0)
            for row in x
        ]
    )


VAES = {
    "bernoulli": lambda: randomized(VAE(5, 1, hidden_sizes=[4, 3]), 0, 0.5).double(),
    "gaussian": lambda: randomized(
        VAE([GaussianMixture(1)] * 3, 1, hidden_sizes=[4]), 1, 0.5
    ).double(),
    "mixed": lambda: randomized(VAE(OPEN, 1, hidden_sizes=[4]), 2, 0.5).double(),
}


@pytest.mark.parametrize("build", VAES.values(), ids=VAES)
def test_the_bound_rises_with_the_draws_and_stays_below_the_integral(build):
    vae = build()
    x = vae.sample(40, generator=generator_from(5))
    truth = integrated(vae, x).detach()
    means = []
    for draws in (1, 10, 100, 2000):
        answer = vae.log_prob(x, n_draws=draws, generator=generator_from(6))
        assert isinstance(answer, LowerBound)
        means.append(float((answer.value.detach() - truth).mean()))
    assert means == sorted(means)
    assert means[0] < -0.01
    error = float(answer.standard_error.square().mean().sqrt()) / len(x) ** 0.5
    assert (
        -0.05 < means[-1] < ESTIMATE_ERRORS * error
    )  # many draws all but reach it; none exceeds it but by luck
    assert str(answer).startswith("bounded from below: ≥ ")


@pytest.mark.parametrize("build", VAES.values(), ids=VAES)
def test_the_training_loss_is_the_bound_of_one_draw_on_average(build):
    vae = build()
    x = vae.sample(1, generator=generator_from(7)).expand(20_000, -1)
    loss = vae.training_loss(x, generator=generator_from(8)).detach()
    bound = vae.log_prob(x, n_draws=1, generator=generator_from(9)).value.detach()
    error = ((loss.var() + bound.var()) / len(x)).sqrt()
    assert abs(float((loss + bound).mean())) < ESTIMATE_ERRORS * float(error)
    with pytest.raises(EvidenceError, match="complete rows"):
        vae.training_loss(x, torch.zeros(len(vae.columns), dtype=torch.bool))


def test_the_divergence_weighs_less_only_where_that_is_asked_for():
    vae = VAES["mixed"]()
    x = vae.sample(6, generator=generator_from(7))

    def loss(**options):
        return vae.training_loss(x, generator=generator_from(8), **options).detach()

    mean, deviation = vae.encode(x)
    divergence = ((mean**2 + deviation**2 - 1) / 2 - deviation.log()).sum(1).detach()
    assert bool((divergence > 1e-3).all())
    assert torch.allclose(loss() - loss(divergence_weight=0.25), 0.75 * divergence)
    assert torch.equal(loss(), loss(divergence_weight=1.0))


def test_rows_of_a_vae_follow_its_integral():
    vae, n = VAES["bernoulli"](), 20_000
    rows = bits(5)
    expected = n * integrated(vae, rows).exp().detach()
    assert float(expected.sum()) == pytest.approx(n, rel=1e-6)
    drawn = vae.sample(n, generator=generator_from(3))
    assert chi_squared_p_value(count_rows(drawn, rows), expected) > LEAST_P_VALUE
    with pytest.raises(EvidenceError, match="no rows with given cells"):
        vae.sample(2, given=(rows[:1], torch.ones(5, dtype=torch.bool)))


def test_given_the_latents_the_columns_are_independent():
    vae = VAES["mixed"]()
    z = torch.randn(6, 1, generator=generator_from(0), dtype=torch.float64)
    x = vae.sample(6, generator=generator_from(1))
    product = torch.stack(
        [each.log_prob(x[:, k]) for k, each in enumerate(vae.conditionals(z))], dim=1
    )
    assert torch.allclose(product, vae.columns.log_prob(vae.decode(z), x), rtol=1e-12, atol=1e-12)


def spanning_trees(columns):
    """Every tree over the columns as undirected edges."""
    for edges in itertools.combinations(itertools.combinations(range(columns), 2), columns - 1):
        reached = {0}
        for _ in range(columns):
            reached |= {b for a, b in edges if a in reached} | {a for a, b in edges if b in reached}
        if len(reached) == columns:
            yield edges


@pytest.mark.parametrize(
    "conditionals", [4, [Categorical(3), Categorical(2), *LABELS[:2]]], ids=["bits", "labels"]
)
def test_the_tree_is_the_likeliest_of_all(conditionals):
    """All 16 trees over four columns, each with its own counted tables."""
    source = randomized(ChowLiuTree(conditionals, parents=[-1, 0, 1, 0]), 5, scale=2.0)
    rows = source.sample(600, generator=generator_from(0))
    tree = ChowLiuTree(conditionals, smoothing=1e-6)
    tree.initialize_from(rows)
    best = -math.inf
    for edges in spanning_trees(4):
        total, seen = 0.0, [0]
        for column in seen:
            seen += [k for k in range(4) if k not in seen and tuple(sorted((column, k))) in edges]
        for k in seen:
            (parent,) = [p for p in seen[: seen.index(k)] if tuple(sorted((p, k))) in edges] or [
                None
            ]
            for row in rows:
                same = rows[rows[:, parent] == row[parent]] if parent is not None else rows
                total += math.log(float((same[:, k] == row[k]).float().mean()))
        best = max(best, total / len(rows))
    assert float(tree.log_prob(rows).mean().detach()) == pytest.approx(best, abs=2e-3)
    assert tree.parents[0] == -1


def test_a_trees_tables_are_smoothed_counts():
    rows = torch.tensor([[0.0, 0.0]] * 6 + [[0.0, 1.0]] * 2 + [[1.0, 1.0]] * 4)
    tree = ChowLiuTree(2, smoothing=1.0)
    tree.initialize_from(rows)
    ones = (6 + 0.5) / 13  # of the second column, itself smoothed by half a count
    p = tree.conditionals(torch.tensor([[0.0, 0.0], [1.0, 0.0]]))[1].mean()
    assert p.tolist() == pytest.approx([(2 + ones) / 9, (4 + ones) / 5])
    with pytest.raises(ShapeError, match=r"parents \[1, 0\] are no tree"):
        ChowLiuTree(2, parents=[1, 0])
    with pytest.raises(ShapeError, match=r"columns\[0\] = GaussianMixture"):
        ChowLiuTree([GaussianMixture(2)])


def test_a_tree_over_labels_with_rare_ones_takes_them_as_no_evidence():
    """Of unlisted parents a child has its own frequencies; and what is unlisted has its share, but
    where the cap forbids it.
    """
    first, second = Categorical(3, unlisted=1), Categorical(2)
    generator = generator_from(0)
    a = torch.tensor([0.0, 1, 2, 3])[
        torch.multinomial(torch.tensor([0.4, 0.3, 0.25, 0.05]), 4000, True, generator=generator)
    ]
    b = torch.where(
        torch.rand(4000, generator=generator) < torch.tensor([0.9, 0.2, 0.5, 0.5])[a.long()],
        1.0,
        0.0,
    )
    rows = torch.stack([a, b], dim=1)
    tree = ChowLiuTree([first, second], smoothing=1e-6).double()
    tree.initialize_from(rows)
    assert tree.parents == (-1, 0)
    p = tree.log_prob(all_rows(tree)).exp() * multiplicities(tree).prod(1)
    assert float(p.sum().detach()) == pytest.approx(1, abs=SUM_TO_ONE)
    unlisted = all_rows(tree)[:, 0] == 3
    assert float(p[unlisted].sum().detach()) == pytest.approx(
        float((a == 3).double().mean()), abs=2e-3
    )
    child = tree.conditionals(torch.tensor([[3.0, 0.0]]).double())[1]
    assert float(child.log_prob(torch.ones(1).double()).exp().detach()) == pytest.approx(
        float(b.mean()), abs=2e-3
    )
    with pytest.raises(
        ShapeError, match=r"column 1 has a code that Categorical\(values=2.* the codes 0 … 1 there"
    ):
        tree.initialize_from(torch.tensor([[0.0, 2.0]]))


def test_where_a_listed_value_is_rarer_than_the_unlisted_both_are_as_likely_as_they_can_be():
    """One of three listed values never occurs, and three in ten are unlisted: no other table has a
    higher likelihood.
    """
    tree = ChowLiuTree([Categorical(3, unlisted=1)])
    found = tree._within_cap(0, np.array([70.0, 0.0, 100.0, 60.0]))
    counts = np.array([70.0, 0.0, 100.0, 60.0])
    assert found.sum() == pytest.approx(1)
    assert found[1] == pytest.approx(
        found[3]
    )  # half of the code is one of two unlisted values: 2 / (1 + 1) times the code
    best = counts @ np.log(found)
    for q in np.linspace(0.01, 0.4, 400):
        for low in np.linspace(q, 0.45, 40):
            rest = 1 - q - low
            if rest > 0:
                assert counts @ np.log([rest * 70 / 170, low, rest * 100 / 170, q]) <= best + 1e-9


def test_a_mixture_of_bernoullis_is_its_formula_and_climbs():
    net = randomized(BernoulliMixture(6, components=3), 4).double()
    rows = bits(6)
    weight, p = net.component_logit.softmax(0), torch.sigmoid(net.logit)
    direct = (weight * (p ** rows[:, None] * (1 - p) ** (1 - rows[:, None])).prod(2)).sum(1).log()
    assert torch.allclose(net.log_prob(rows), direct, rtol=1e-12, atol=1e-12)
    assert torch.allclose(net.joint(rows).logsumexp(1), direct, rtol=1e-12, atol=1e-12)
    assert torch.allclose(net.features(rows).sum(1), torch.ones(64).double())
    lit = torch.ones(20_000, 2)
    lit[::2, 1] = 0
    constant = BernoulliMixture(2, components=2, generator=generator_from(0))
    constant.initialize_from(lit)
    assert float(constant.log_prob(lit).mean().detach()) == pytest.approx(-math.log(2), abs=1e-2)
    data = randomized(BernoulliMixture(12, components=3), 7, scale=3.0).sample(
        3000, generator=generator_from(1)
    )
    fitted = BernoulliMixture(12, components=3, generator=generator_from(0))
    fitted.initialize_from(data)
    true = randomized(BernoulliMixture(12, components=3), 7, scale=3.0).log_prob(data).mean()
    assert abs(float((fitted.log_prob(data).mean() - true).detach())) < 0.03


def test_a_mixture_of_gaussians_is_scikit_learns():
    from sklearn.mixture import GaussianMixture as Fitted

    from chainrule.baselines.full_covariance import VARIANCE_FLOOR

    source = full_covariance(3, 3)
    rows = source.sample(800, generator=generator_from(0))
    net = FullCovarianceMixture(
        3, components=2, order=[2, 0, 1], generator=generator_from(4)
    ).double()
    net.initialize_from(rows)
    fitted = Fitted(2, reg_covar=VARIANCE_FLOOR, max_iter=200, random_state=net._seed).fit(
        rows.double().numpy()
    )
    want = fitted.score_samples(rows.double().numpy())
    assert np.allclose(net.log_prob(rows).detach().numpy(), want, rtol=1e-9, atol=1e-9)
    assert np.allclose(
        net.features(rows).detach().numpy(), fitted.predict_proba(rows.double().numpy()), atol=1e-9
    )
    narrow = copy.deepcopy(net).float()
    assert np.allclose(narrow.log_prob(rows).detach().numpy(), want, rtol=1e-4, atol=1e-4)
    assert net.count_parameters() == 2 * (1 + 3 + 6)
    with pytest.raises(ShapeError, match="too few for 2 components; pass components=1"):
        net.initialize_from(rows[:1])


def test_logistic_autoregression_reaches_scikit_learns():
    from sklearn.linear_model import LogisticRegression

    rows = randomized(FVSBN(5), 3).sample(500, generator=generator_from(0))
    net = FVSBN(5, order=[4, 2, 0, 1, 3]).double()
    net.initialize_from(rows)
    optimizer = torch.optim.LBFGS(net.parameters(), max_iter=300, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = net.training_loss(rows).mean()
        loss.backward()
        return loss

    optimizer.step(closure)
    x, total = rows.numpy(), 0.0
    for step, column in enumerate(net.order.tolist()):
        before = x[:, net.order[:step].numpy()] if step else np.zeros((len(x), 1))
        fitted = LogisticRegression(C=np.inf, tol=1e-8, max_iter=1000).fit(before, x[:, column])
        total += fitted.predict_log_proba(before)[
            np.arange(len(x)), x[:, column].astype(int)
        ].mean()
    assert float(net.log_prob(rows).mean().detach()) == pytest.approx(total, abs=1e-3)


SAVED = {
    "RBM": lambda: rbm(6, 4),
    "VAE": lambda: randomized(VAE(OPEN, 2, hidden_sizes=[5, 4], dropout=0.1), 3),
    "ChowLiuTree": lambda: randomized(ChowLiuTree(UNLISTED, parents=[2, 0, -1, 0]), 4),
    "FVSBN": lambda: randomized(FVSBN(LABELS, order=[4, 2, 0, 1, 3]), 5),
    "BernoulliMixture": lambda: randomized(BernoulliMixture(5, components=3, order="reverse"), 6),
    "FullCovarianceMixture": lambda: full_covariance(3, 7, order=[1, 2, 0]),
    "ChainTable": lambda: randomized(ChainTable(4), 8),
    "IndependentColumns": lambda: randomized(IndependentColumns(OPEN), 9),
}


@pytest.fixture(scope="module")
def in_a_new_process(tmp_path_factory):
    """Of each saved baseline, its likelihoods of four rows: here, and as one new process computes
    them from the files.
    """
    folder, here = tmp_path_factory.mktemp("saved"), {}
    for name, build in SAVED.items():
        net = build()
        rows = net.sample(4, generator=generator_from(0))
        np.save(folder / f"{name}.npy", rows.numpy())
        save(net, folder / f"{name}.chainrule")
        found = net.log_prob(rows, **({"generator": generator_from(1)} if name == "VAE" else {}))
        found = found if isinstance(net, AbstractNetwork) else found.value
        here[name] = found.detach().numpy().tobytes().hex()
    code = (
        "import json, sys\n"
        "import numpy, torch\n"
        "from chainrule.baselines import load\n"
        "from chainrule.rng import generator_from\n"
        "torch.set_num_threads(1)\n"
        "found = {}\n"
        "for name in sys.argv[1:]:\n"
        "    options = {'generator': generator_from(1)} if name == 'VAE' else {}\n"
        "    rows = torch.from_numpy(numpy.load(f'{name}.npy'))\n"
        "    nats = load(f'{name}.chainrule').log_prob(rows, **options)\n"
        "    nats = nats.value if isinstance(nats, tuple) else nats\n"
        "    found[name] = nats.detach().numpy().tobytes().hex()\n"
        "print(json.dumps(found))\n"
    )
    words = [sys.executable, "-W", "error", "-c", code, *SAVED]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return here, json.loads(done.stdout)


@pytest.mark.parametrize("name", SAVED)
def test_a_saved_baseline_gives_the_same_numbers_in_a_new_process(name, in_a_new_process):
    here, there = in_a_new_process
    assert there[name] == here[name]


def test_a_damaged_baseline_is_refused(tmp_path):
    path = tmp_path / "net.chainrule"
    save(FVSBN(3), path)
    data = path.read_bytes()
    path.write_bytes(data[:-3])
    with pytest.raises(FormatError, match="truncated"):
        load(path)
    tree = ChowLiuTree(3, parents=[-1, 0, 0])
    tree.parents = (1, 0, 0)
    save(tree, path)
    with pytest.raises(FormatError, match="no tree"):
        load(path)
    broken = rbm(3, 2)
    with torch.no_grad():
        broken.weight[0, 0] = math.nan
    save(broken, path)
    with pytest.raises(FormatError, match="not finite"):
        load(path)
    net = FVSBN(3)
    net.order.copy_(torch.zeros(3))
    save(net, path)
    with pytest.raises(FormatError, match="not a permutation"):
        load(path)
    tree = ChowLiuTree(3, parents=[1, -1, 1])
    tree.order.copy_(torch.arange(3))
    save(tree, path)
    assert load(path).order.tolist() == [1, 0, 2]  # what the parents say
    tree.parents = (1, -1)
    save(tree, path)
    with pytest.raises(FormatError, match=r"order \[1, 0\] is not a permutation of the 3 columns"):
        load(path)
    with pytest.raises(ChainruleError, match="baseline 'NADE' is unknown"):
        save(NADE(2, 2), path)
    gaussians = full_covariance(2, 1)
    with torch.no_grad():
        gaussians.covariance[0, 0, 0] = -1.0
    save(gaussians, path)
    with pytest.raises(FormatError, match="positive definite"):
        load(path)
    with pytest.raises(FormatError, match=r"is absent; the description says|cannot be rebuilt"):
        load(_renamed(path))


def _renamed(path):
    """An RBM's tensors under the name of an FVSBN."""
    from chainrule import fileformat

    machine = rbm(3, 2)
    arrays = {name: tensor.detach().numpy() for name, tensor in machine.state_dict().items()}
    fileformat.write(
        path,
        fileformat.Contents("baseline", {**network_to_json(machine), "class": "FVSBN"}, arrays),
    )
    return path


@pytest.mark.parametrize("name", ["RBM", "VAE"])
def test_asking_a_latent_model_changes_nothing(name):
    net = SAVED[name]()
    rows = net.sample(4, generator=generator_from(0))
    assert_pure(
        net,
        [
            lambda: net.log_prob(rows),
            lambda: net(rows),
            lambda: net.features(rows),
            lambda: net.training_loss(rows),
            lambda: net.sample(3),
            lambda: repr(net),
        ],
    )
    again = [copy.deepcopy(net).sample(5, generator=generator_from(2)) for _ in range(2)]
    assert torch.equal(*again)
