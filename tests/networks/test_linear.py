"""Linear relations: least squares for every set of known cells, in every network."""

import itertools
import math

import numpy as np
import pytest
import torch
from helpers.registry import made, nade, orderless

from chainrule.conditionals import Bernoulli, DiscretizedLogisticMixture, GaussianMixture
from chainrule.errors import FormatError, ShapeError
from chainrule.leaves.warps import Log
from chainrule.networks import (
    Columns,
    LinearFeature,
    LinearForm,
    LinearPrediction,
    LinearTarget,
    OrderlessNADE,
)
from chainrule.networks.linear import LEAST_GAIN, USUAL, regressions
from chainrule.networks.rebuild import network_from_json, network_to_json
from chainrule.ops.cells import choose
from chainrule.rng import generator_from

# Column 3 is column 0 plus twice column 2 and noise; column 1 is a bit.
WEIGHTS = np.array([[1.0, 0, 0, 0], [0, 1, 0, 0], [0.3, 0, 1, 0], [1.6, 0, 2, 0.05]])
COVARIANCE = WEIGHTS @ WEIGHTS.T
DEVIATION = np.sqrt(np.diag(COVARIANCE))
MEAN = np.array([0.5, 0.0, -1.0, 2.0])


def lower(matrix):
    return tuple(tuple(row[: k + 1].tolist()) for k, row in enumerate(matrix))


def some_form(columns=(0, 1, 2, 3), **changes):
    matrix = COVARIANCE / DEVIATION / DEVIATION[:, None]
    features = [
        LinearFeature(column, -9.0, 9.0, mean=float(MEAN[k]), deviation=float(DEVIATION[k]))
        for k, column in enumerate(columns)
    ]
    return LinearForm(tuple(features), lower(matrix), **changes)


PREDICTION = LinearPrediction((some_form(),), (LinearTarget(0), LinearTarget(2), LinearTarget(3)))
NUMBER = GaussianMixture(2, centred=True, least_scale=1e-4)
COLUMNS = Columns.of([NUMBER, Bernoulli(), NUMBER, NUMBER], [PREDICTION])
MASKS = list(itertools.product([False, True], repeat=4))
NETWORKS = {
    "nade": lambda: nade(COLUMNS, 5, seed=1, order=[3, 1, 0, 2]),
    "made": lambda: made(COLUMNS, 9, seed=2, order=[2, 3, 1, 0]),
    "orderless": lambda: orderless(COLUMNS, 7, 6, seed=3, order=[1, 3, 0, 2]),
    "members": lambda: orderless(COLUMNS, 6, seed=4, members=2),
}


def rows(n=5, seed=0):
    x = MEAN + np.random.default_rng(seed).normal(size=(n, 4)) @ WEIGHTS.T
    x[:, 1] = x[:, 1] > 0
    return torch.from_numpy(x)


def least_squares(x, known, column):
    """Mean and deviation from known columns; those of the column itself if they say little."""
    known = [k for k in known if k != column]
    inner, across = COVARIANCE[np.ix_(known, known)], COVARIANCE[known, column]
    weights = np.linalg.solve(inner, across)
    mean = MEAN[column] + (x.numpy()[:, known] - MEAN[known]) @ weights
    deviation = math.sqrt(COVARIANCE[column, column] - across @ weights)
    if math.log(DEVIATION[column] / deviation) < LEAST_GAIN:
        return np.full(len(x), MEAN[column]), float(DEVIATION[column])
    return mean, deviation


@pytest.mark.parametrize("mask", MASKS)
def test_every_set_of_known_cells_has_its_least_squares(mask):
    x, known = rows(), [k for k, is_known in enumerate(mask) if is_known]
    given = torch.tensor(mask).expand(5, -1)
    together = PREDICTION.params(torch.where(given, x, math.nan), given, (0, 2, 3))
    for column, params in zip((0, 2, 3), together, strict=True):
        (alone,) = PREDICTION.params(x, given, (column,))
        mean, deviation = least_squares(x, known, column)
        for found in (params, alone):
            np.testing.assert_allclose(found[:, 0], mean, rtol=1e-7, atol=1e-7)
            np.testing.assert_allclose(found[:, 1], math.log(deviation), rtol=1e-6, atol=1e-6)


def test_a_columns_own_cell_changes_no_bit():
    x, known = rows(), torch.tensor([True, False, True, True]).expand(5, -1)
    (want,) = PREDICTION.params(x, known, (3,))
    x[:, 3] = math.nan
    assert torch.equal(PREDICTION.params(x, known, (3,))[0], want)
    known = torch.tensor([True, False, True, False]).expand(5, -1)
    assert torch.equal(PREDICTION.params(x, known, (3,))[0], want)


def test_kernel_and_reference_agree():
    if not choose.is_compiled():
        pytest.skip("no compiler")
    generator = np.random.default_rng(3)
    loose = generator.normal(size=(9, 12))
    matrix = loose @ loose.T + 0.01 * np.eye(9)
    matrix /= np.sqrt(np.outer(np.diag(matrix), np.diag(matrix)))
    z = torch.from_numpy(generator.normal(size=(200, 9)))
    known = torch.from_numpy(generator.random((200, 9)) < 0.5)
    z = torch.where(known, z, 0.0)
    targets = [0, 3, 4, 8]
    got = choose.implementation().regressions(z, known, matrix, np.array(targets), 1e-12, USUAL)
    want = regressions(z, known, torch.from_numpy(matrix), targets)
    for each, exact in zip(got, want, strict=True):
        torch.testing.assert_close(each, exact, rtol=1e-9, atol=1e-9)


def test_cells_that_contradict_each_other_predict_little():
    """Three columns are nearly equal. If two of a row are not, one is wrong."""
    generator = np.random.default_rng(0)
    x = generator.normal(size=(2000, 1)) + 0.01 * generator.normal(size=(2000, 3))
    form = moments([LinearFeature(k, -9.0, 9.0) for k in range(3)], x)
    relation = LinearPrediction((form,), (LinearTarget(2),))
    known = torch.tensor([[True, True, False]]).expand(3, -1)
    rows = torch.tensor([[1.0, 1.0, 0.0], [1.0, 1.05, 0.0], [1.0, -1.0, 0.0]])
    (found,) = relation.params(rows.double(), known, (2,))
    agree, nearly, contradict = found[:, 1].exp().tolist()
    assert agree < 0.02
    assert nearly < 2 * agree
    assert contradict > 15 * agree


def test_a_sum_is_predicted_in_the_tables_units_of_columns_with_logarithms():
    """Columns 0 and 1 on a grid, column 2 continuous, all on logarithmic scales; 2 is 0 plus 1."""
    generator = np.random.default_rng(0)
    a, b = np.round(np.exp(generator.normal(size=(2, 4000)) * 0.5 + 6))
    c, log = a + b + generator.normal(size=4000), Log()
    x = np.stack([a, b, (np.log(c) - 7) / 0.5], 1)
    images = [LinearFeature(k, 1.0, 9000.0, 6.0, 0.5, log) for k in range(2)]
    images.append(LinearFeature(2, -5.0, 5.0))
    numbers = [LinearFeature(k, 1.0, 9000.0) for k in range(2)]
    numbers.append(LinearFeature(2, -5.0, 5.0, 7.0, 0.5, log, is_undone=True))
    relation = LinearPrediction(
        (moments(images, x), moments(numbers, x)),
        (LinearTarget(0, tilt=0.1), LinearTarget(2, tilt=0.1)),
    )
    codes, known = torch.from_numpy(x), torch.tensor([[True, True, False]]).expand(4000, -1)
    (of_sum,) = relation.params(codes, known, (2,))
    missed = (of_sum[:, 0] - codes[:, 2]) / of_sum[:, 1].exp()
    assert 0.9 < float(missed.std()) < 1.1
    np.testing.assert_allclose(of_sum[:, 1].exp(), 1 / (0.5 * c), rtol=0.05)
    known = torch.tensor([[False, True, True]]).expand(4000, -1)
    (of_part,) = relation.params(codes, known, (0,))
    missed = (of_part[:, 0] - torch.from_numpy(np.log(a) - 6) / 0.5) / of_part[:, 1].exp()
    assert 0.9 < float(missed.std()) < 1.1


def moments(features, x):
    raw = np.stack([each.raw(torch.from_numpy(x[:, each.column])).numpy() for each in features], 1)
    described = tuple(
        LinearFeature(
            **{name: getattr(each, name) for name in each.__dataclass_fields__}
            | {"mean": float(raw[:, k].mean()), "deviation": float(raw[:, k].std())}
        )
        for k, each in enumerate(features)
    )
    return LinearForm(described, lower(np.corrcoef(raw.T) + 1e-9 * np.eye(len(features))))


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_score_a_row_by_what_is_known_before_each_column(name):
    network = NETWORKS[name]().double()
    x, total = rows(), torch.zeros(5, dtype=torch.float64)
    known = torch.zeros(5, 4, dtype=torch.bool)
    walk = network.walk(torch.zeros_like(x), known.clone())
    for column in network.order.tolist():
        found = walk.distribution(column)
        if column in PREDICTION.columns:
            (wanted,) = PREDICTION.params(x, known, (column,))
            torch.testing.assert_close(found.params[:, 0, -2:], wanted)
        total = total + found.log_prob(x[:, column])
        walk.learn(column, x[:, column], torch.ones(5, dtype=torch.bool))
        known[:, column] = True
    torch.testing.assert_close(network.log_prob(x), total)


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_train_on_shifted_distributions_and_keep_them_in_files(name):
    network = NETWORKS[name]()
    x = rows(40).float()
    network.train().training_loss(x, generator=generator_from(0)).mean().backward()
    assert all(bool(each.grad.isfinite().all()) for each in network.parameters())
    arrays = {key: tensor.detach().numpy() for key, tensor in network.state_dict().items()}
    kinds = {type(network).__name__: type(network)}
    again = network_from_json(network_to_json(network), arrays, kinds)
    assert again.columns == COLUMNS
    assert torch.equal(again.log_prob(x), network.eval().log_prob(x))


def test_gradients_of_the_kernels_are_those_of_the_plain_form():
    network, x = orderless(COLUMNS, 7, 6, seed=5).train(), rows(64).float()
    network.training_loss(x, generator=generator_from(1)).mean().backward()
    plain = orderless(COLUMNS, 7, 6, seed=5).double().train()
    plain.training_loss(x.double(), generator=generator_from(1)).mean().backward()
    for found, want in zip(network.parameters(), plain.parameters(), strict=True):
        size = float(want.grad.abs().max())
        torch.testing.assert_close(found.grad.double(), want.grad, rtol=1e-3, atol=1e-3 * size)


def test_an_untrained_network_predicts_by_least_squares():
    network = OrderlessNADE(COLUMNS, [4], generator=generator_from(0))
    with torch.no_grad():
        network.output_weight.zero_()
    network.initialize_from(rows(100).float())
    x, known = rows(), torch.tensor([True, False, True, False])
    found = network.double().conditional(x, 3, known)
    mean, deviation = least_squares(x, [0, 2], 3)
    np.testing.assert_allclose(found.mean().detach(), mean, atol=1e-3)
    values, weights = found.quadrature()
    variance = (weights * (values - found.mean()[:, None]) ** 2).sum(1)
    np.testing.assert_allclose(variance.detach().sqrt(), deviation, rtol=0.05)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LinearFeature(0, 0.0, 1.0, is_undone=True), "without a warp has none to undo"),
        (lambda: LinearFeature(0, 0.0, 1.0, deviation=0.0), "pass finite numbers"),
        (lambda: some_form((0, 2, 1, 3)), "not in the order of their columns"),
        (
            lambda: LinearForm(some_form().features[:2], ((1.0,), (2.0, 1.0))),
            "correlations are not those of any features",
        ),
        (lambda: LinearForm(some_form().features[:2], ((1.0,),)), "2 features need a row each"),
        (lambda: LinearPrediction((), ()), "forms: pass one or 2"),
        (
            lambda: LinearPrediction((some_form(), some_form((0, 1, 2, 4))), ()),
            "with features of the same columns",
        ),
        (lambda: LinearPrediction((some_form(),), (LinearTarget(4),)), "there are 4 features"),
        (
            lambda: LinearPrediction((some_form(),), (LinearTarget(2), LinearTarget(0))),
            "targets are not in the order of their columns",
        ),
        (
            lambda: Columns.of([DiscretizedLogisticMixture(1)] * 4, [PREDICTION]),
            "has 0 parameters from evidence, but its relations compute 2",
        ),
    ],
)
def test_impossible_relations_are_refused(make, message):
    with pytest.raises(ShapeError, match=message):
        make()


def test_a_file_with_impossible_correlations_is_refused():
    network = NETWORKS["nade"]()
    spec = network_to_json(network)
    spec["relations"][0]["forms"][0]["correlations"][1][0] = 3.0
    arrays = {key: tensor.detach().numpy() for key, tensor in network.state_dict().items()}
    with pytest.raises(FormatError, match="correlations are not those of any features"):
        network_from_json(spec, arrays, {"NADE": type(network)})
