"""Mixtures that grow: which candidates join, and by which weights."""

import pytest
import torch
from helpers.registry import nade

from chainrule.networks import Ensemble
from chainrule.rng import generator_from
from chainrule.training.batches import Rows
from chainrule.training.mixture import Mixture, is_certain, log_prob_of


@pytest.fixture(scope="module")
def parts():
    return nade(6, 5, seed=1, scale=1.5).eval(), nade(6, 5, seed=2, scale=1.5).eval()


@pytest.fixture(scope="module")
def drawn(parts):
    return Rows(Ensemble(parts, [0.7, 0.3]).sample(3000, generator=generator_from(0)))


def test_a_candidate_that_rows_were_drawn_from_joins_with_its_weight(parts, drawn):
    mixture = Mixture(parts[0], drawn)
    assert mixture.network is parts[0]
    assert mixture.joined_by(parts[1], name="other")
    network = mixture.network
    assert isinstance(network, Ensemble)
    assert float(network.log_weight[1].exp()) == pytest.approx(0.3, abs=0.04)
    alone, both = mixture.trials
    assert alone["valid_nats"] == pytest.approx(-float(log_prob_of(parts[0], drawn).mean()))
    assert both == {
        "changed": {"mixed_with": {"name": "other"}},
        "valid_nats": pytest.approx(-float(log_prob_of(network, drawn).mean())),
        "kept": True,
    }


def test_a_copy_and_a_stranger_do_not_join(parts, drawn):
    mixture = Mixture(parts[0], drawn)
    assert not mixture.joined_by(parts[0])
    rows = Rows(parts[0].sample(500, generator=generator_from(1)))
    of_one = Mixture(parts[0], rows)
    assert not of_one.joined_by(parts[1])
    assert of_one.network is parts[0]
    assert [trial["kept"] for trial in of_one.trials] == [True, False]


def test_rows_count_by_their_weight(parts):
    first, second = (part.sample(200, generator=generator_from(3)) for part in parts)
    weight = torch.cat([torch.full((200,), 1.8), torch.full((200,), 0.2)])
    mixture = Mixture(parts[1], Rows(torch.cat([first, second]), weight=weight))
    mixture.joined_by(parts[0])
    network = mixture.network
    assert isinstance(network, Ensemble)
    assert float(network.log_weight[1].exp()) > 0.8
    gain = torch.cat([torch.full((200,), -0.1), torch.full((200,), 1.0)])
    assert is_certain(gain, Rows(torch.zeros(400, 1)))
    assert not is_certain(gain, Rows(torch.zeros(400, 1), weight=weight))
