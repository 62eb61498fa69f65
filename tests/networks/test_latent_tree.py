"""Trees of hidden states: messages against enumeration, any evidence, and EM's two halves."""

import itertools
import math

import pytest
import torch
from helpers.registry import randomized
from helpers.tolerances import SUM_TO_ONE

from chainrule.errors import ShapeError
from chainrule.networks import LatentTree
from chainrule.networks.latent_tree import Counts, Logs
from chainrule.rng import generator_from
from chainrule.testing import all_rows, chi_squared_p_value
from chainrule.testing.laws import LEAST_P_VALUE, count_rows

PARENTS = [2, 0, -1, 2, 1, 3]


@pytest.fixture
def tree():
    return randomized(LatentTree(6, states=3, parents=PARENTS, order="random"), 1).double()


@pytest.fixture
def masks():
    return [torch.tensor(mask) for mask in itertools.product([False, True], repeat=6)]


def joint(tree):
    """log p of every row, by the sum over all hidden states."""
    logs, rows = tree.log_probabilities(), all_rows(tree)
    total = torch.zeros(len(rows), dtype=torch.float64)
    for states in itertools.product(range(tree.states), repeat=6):
        p = torch.ones(len(rows), dtype=torch.float64)
        for column, (state, parent) in enumerate(zip(states, tree.parents, strict=True)):
            above = 0 if parent < 0 else states[parent]
            p *= logs.states[column, above, state].exp()
            p *= torch.where(
                rows[:, column] == 1, logs.ones[column, state], logs.zeros[column, state]
            ).exp()
        total += p
    return total.log()


def marginal(rows, logs, row, known):
    """log p of a row's known cells, by enumeration."""
    return logs[(rows[:, known] == row[known]).all(1)].logsumexp(0)


def test_messages_sum_over_all_hidden_states(tree):
    assert torch.allclose(tree.log_prob(all_rows(tree)), joint(tree), rtol=0, atol=SUM_TO_ONE)


@torch.no_grad()
def test_any_cells_are_missing_or_given(tree, masks):
    rows, logs = all_rows(tree), joint(tree)
    assert bool(tree.accepts(torch.stack(masks)).all())
    for number, observed in enumerate(masks):
        row = rows[number]
        given = observed & masks[(7 * number) % len(masks)]
        seen = torch.where(observed, row, math.nan)[None]
        expected = marginal(rows, logs, row, observed) - marginal(rows, logs, row, given)
        found = tree.log_prob(seen, observed, given)
        assert abs(float(found - expected)) < SUM_TO_ONE
        cells = tree.cells(seen, given[None], (observed & ~given)[None])
        assert abs(float(cells.sum() - expected)) < SUM_TO_ONE


@torch.no_grad()
def test_a_column_given_any_others_by_enumeration(tree, masks):
    rows, logs = all_rows(tree), joint(tree)
    for number, given in enumerate(masks):
        row, column = rows[number], number % 6
        given = given.clone()
        given[column] = False
        with_column = given.clone()
        with_column[column] = True
        one = row.clone()
        one[column] = 1
        expected = marginal(rows, logs, one, with_column) - marginal(rows, logs, row, given)
        seen = torch.where(given, row, math.nan)[None]
        found = tree.conditional(seen, column, given).log_prob(torch.ones(1).double())
        assert abs(float(found - expected)) < SUM_TO_ONE


def test_draws_given_cells_in_the_middle_of_the_order(tree, generator):
    rows, given = all_rows(tree), torch.tensor([False, True, False, False, True, False])
    values = torch.tensor([0.0, 1.0, 0.0, 0.0, 0.0, 0.0])
    drawn = tree.sample(8000, given=(values[None], given[None]), generator=generator)
    matching = rows[(rows[:, given] == values[given]).all(1)]
    expected = tree.log_prob(matching, given=given).exp().detach() * 8000
    assert chi_squared_p_value(count_rows(drawn.double(), matching), expected) > LEAST_P_VALUE


def test_the_order_changes_no_likelihood(tree):
    other = LatentTree.from_config(tree.columns, {**tree.config(), "order": [5, 4, 3, 2, 1, 0]})
    other.double().load_state_dict(tree.state_dict())
    assert torch.equal(other.log_prob(all_rows(tree)), tree.log_prob(all_rows(tree)))
    assert not torch.equal(
        other.log_prob_columns(all_rows(tree)), tree.log_prob_columns(all_rows(tree))
    )


def test_expected_counts_are_the_gradient_by_log_probabilities(tree, generator):
    x = torch.randint(0, 2, (40, 6), generator=generator).double()
    weight = torch.rand(40, generator=generator, dtype=torch.float64)
    logs = Logs(*(each.detach().requires_grad_() for each in tree.log_probabilities()))
    nats = tree.upward(x, torch.ones_like(x).bool(), logs)[1][2][:, 0]
    (nats * weight).sum().backward()
    counts = tree.expected_counts(x, weight)
    assert counts.nats == pytest.approx(float((tree.log_prob(x) * weight).sum().detach()))
    for found, gradient in (
        (counts.states, logs.states.grad),
        (counts.values[..., 0], logs.zeros.grad),
        (counts.values[..., 1], logs.ones.grad),
    ):
        assert torch.allclose(found, gradient, rtol=0, atol=1e-12)


@torch.no_grad()
def test_the_smoothed_likelihood_never_falls(generator):
    """EM's law: no step lowers log p(rows) + Σ α log p, the pseudo-counts' part."""
    x = torch.randint(0, 2, (60, 6), generator=generator).double()
    x[:, 4] = x[:, 1]
    frequency, smoothing = x.mean(0), 0.7
    tree = LatentTree(6, states=4, parents=PARENTS, generator=generator).double()

    def objective():
        logs = tree.log_probabilities()
        states = smoothing / tree.states * logs.states.sum()
        values = (1 - frequency[:, None]) * logs.zeros + frequency[:, None] * logs.ones
        return float(tree.log_prob(x).sum() + states + smoothing * values.sum())

    reached = [objective()]
    for _ in range(30):
        tree.maximise(tree.expected_counts(x), frequency, smoothing)
        reached.append(objective())
    gains = [after - before for before, after in itertools.pairwise(reached)]
    assert min(gains) > -1e-9
    assert reached[-1] > reached[0] + 30


def test_probabilities_are_smoothed_shares_of_the_counts(tree, generator):
    """A distribution gets as many pseudo-counts in all as ``smoothing`` says."""
    counts = Counts(
        9 * torch.rand(6, 3, 3, generator=generator).double(),
        9 * torch.rand(6, 3, 2, generator=generator).double(),
        0.0,
    )
    frequency = torch.linspace(0.1, 0.9, 6).double()
    tree.maximise(counts, frequency, 0.6)
    logs = tree.log_probabilities()
    states = (counts.states + 0.2) / (counts.states.sum(2, keepdim=True) + 0.6)
    ones = (counts.values[..., 1] + 0.6 * frequency[:, None]) / (counts.values.sum(2) + 0.6)
    assert torch.allclose(logs.states.exp(), states, rtol=1e-12)
    assert torch.allclose(logs.ones.exp(), ones, rtol=1e-12)


def test_probabilities_that_float32_rounds_to_zero_stay_finite():
    tree = randomized(LatentTree(5, states=3), 0, scale=300.0)
    rows = all_rows(tree).float()
    assert bool(tree.log_prob(rows).isfinite().all())
    assert bool(tree.log_prob_columns(rows).isfinite().all())


def test_features_are_the_probabilities_of_the_states_of_the_root(tree):
    found = tree.features(all_rows(tree))
    assert found.shape == (64, 3)
    assert torch.allclose(found.sum(1), torch.ones(64).double())


@pytest.mark.parametrize(
    ("parents", "message"),
    [
        ([-1, 0], "for each of the 3 columns"),
        ([-1, 0, 3], "pass the number of a column"),
        ([-1, -1, 0], "parents have 2 roots"),
        ([1, 0, -1], "its own ancestor"),
        ([-1, True, 0], "pass the number of a column"),
    ],
)
def test_parents_that_are_no_tree_are_refused(parents, message):
    with pytest.raises(ShapeError, match=message):
        LatentTree(3, parents=parents)


def test_other_columns_and_sizes_are_refused():
    from chainrule import Categorical
    from chainrule.networks import Columns

    with pytest.raises(ShapeError, match="over binary columns"):
        LatentTree(Columns.of([Categorical(3)]))
    with pytest.raises(ShapeError, match="a number of hidden states"):
        LatentTree(3, states=0, generator=generator_from(0))
