"""Laws of committees beyond those of every network: each conditional is the members' mean, and only
one order sits on one.
"""

import math

import pytest
import torch
from helpers.registry import MIXED, committee, made, nade, orderless

from chainrule import (
    NADE,
    Committee,
    Density,
    DiscretizedLogisticMixture,
    Ensemble,
    IndependentColumns,
    load,
)
from chainrule.errors import FormatError, ShapeError
from chainrule.model import Model
from chainrule.networks import Columns
from chainrule.rng import generator_from
from chainrule.table import Binary, Schema
from chainrule.testing import all_rows

ORDER = [4, 1, 0, 5, 3, 2]


def mixed():
    return committee(
        nade(MIXED, 5, seed=1, order=ORDER), made(MIXED, 15, seed=2, order=ORDER), weights=[3, 1]
    ).double()


def bits():
    return committee(nade(6, 4, seed=3), nade(6, 3, seed=4), nade(6, 5, seed=5)).double()


def test_every_conditional_is_the_mean_of_the_members_probabilities():
    net = mixed()
    rows = all_rows(net)
    a, b = (member.log_prob_columns(rows).exp() for member in net.members)
    torch.testing.assert_close(net.log_prob_columns(rows).exp(), 0.75 * a + 0.25 * b)
    torch.testing.assert_close(net.log_prob(rows), (0.75 * a + 0.25 * b).log().sum(1))
    for k, each in enumerate(net.conditionals(rows)):
        torch.testing.assert_close(each.log_prob(rows[:, k]), net.log_prob_columns(rows)[:, k])


def test_it_is_no_mixture_of_rows():
    net = bits()
    rows = all_rows(net)
    apart = (net.log_prob(rows) - Ensemble(list(net.members)).log_prob(rows)).detach()
    assert float(apart.abs().max()) > 0.01


def test_training_descends_the_members_own_losses_and_validation_sees_their_mean():
    net, rows = mixed(), all_rows(mixed())[::7]
    own = [member.training_loss(rows) for member in net.members]
    torch.testing.assert_close(net.train().training_loss(rows), 0.75 * own[0] + 0.25 * own[1])
    assert bool((net.training_loss(rows) >= -net.log_prob(rows) - 1e-9).all())
    torch.testing.assert_close(net.eval().training_loss(rows), -net.log_prob(rows))


def test_weights_of_the_highest_likelihood_are_found():
    truth = committee(nade(6, 4, seed=6), nade(6, 4, seed=7), weights=[0.8, 0.2]).double()
    x = truth.sample(20_000, generator=generator_from(0))
    net = Committee(list(truth.members)).fit_weights(x)
    assert float(net.log_weight.exp()[0]) == pytest.approx(0.8, abs=0.03)
    assert float((net.log_prob(x) - truth.log_prob(x)).mean().detach()) > -1e-4


@pytest.mark.parametrize("kind", [Committee, Ensemble])
def test_cells_that_are_impossible_for_all_members_say_nothing_of_their_weights(kind):
    column = [DiscretizedLogisticMixture(2, least=0, most=5, center=2.0)]
    net = kind([nade(column, 3, seed=1), nade(column, 3, seed=2)])
    possible = net.fit_weights(torch.tensor([[1.0], [4.0]])).log_weight.clone()
    net = kind(list(net.members)).fit_weights(torch.tensor([[9.0], [1.0], [4.0]]))
    torch.testing.assert_close(net.log_weight, possible)
    net.fit_weights(torch.tensor([[9.0]]))  # nothing is known: they stay
    torch.testing.assert_close(net.log_weight, possible)


@pytest.mark.parametrize("temperature", [1e-7, 1.0])
def test_near_zero_temperature_members_agree_on_the_likeliest_value(temperature):
    net = mixed()
    drawn = net.sample(200, temperature=temperature, generator=generator_from(2))
    agreed = bool((drawn == drawn[0]).all())
    assert agreed == (temperature < 1)
    if agreed:
        likeliest = [int(each.mode()[0]) for each in net.conditionals(drawn[:1])]
        assert drawn[0, ORDER[0]] == likeliest[ORDER[0]]


def test_a_file_keeps_it_to_the_bit_and_refuses_members_of_two_orders(tmp_path):
    schema = Schema(tuple(Binary(name=f"x{k}", levels=(0, 1), dtype="int64") for k in range(6)))
    net = committee(nade(6, 4, seed=3), nade(6, 3, seed=4))
    Density(Model(schema, Ensemble([net, committee(nade(6, 4, order="reverse"))])), {}).save(
        tmp_path / "m.chainrule"
    )
    rows = all_rows(net).float()
    again = load(tmp_path / "m.chainrule").model.network.members[0]
    assert torch.equal(again.log_prob(rows), net.log_prob(rows))
    model = Model(schema, net)
    spec = model.to_json()
    spec["network"]["config"]["members"][1]["config"]["order"] = [5, 4, 3, 2, 1, 0]
    with pytest.raises(FormatError, match=r"members\[1\] has another order than members\[0\]"):
        Model.from_parts(spec, model.arrays())


def test_who_cannot_sit_on_a_committee():
    with pytest.raises(ShapeError, match="empty"):
        Committee([])
    with pytest.raises(ShapeError, match=r"members\[1\] has another order.*Ensemble"):
        Committee([nade(6, 4), nade(6, 4, order="reverse")])
    with pytest.raises(ShapeError, match=r"members\[0\] is a OrderlessNADE; pass a NADE or a MADE"):
        Committee([orderless(6, 4)])
    with pytest.raises(
        ShapeError, match="is a IndependentColumns"
    ):  # a file of which could not be read
        Committee([IndependentColumns(6)])
    with pytest.raises(ShapeError, match="weights"):
        Committee([nade(6, 4)], [math.inf])
    with pytest.raises(ShapeError, match="no rows"):
        bits().fit_weights(torch.zeros(0, 6))
    with pytest.raises(FormatError, match="is unknown"):
        Committee.from_config(
            Columns.of(2), {"members": [{"class": "OrderlessNADE", "config": {}}]}
        )
    assert "2 members" in repr(Committee([NADE(3), NADE(3)]))
