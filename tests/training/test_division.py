"""Ranks that train together get what one process gets: to the bit by parts, nearly by rows."""

import copy
import warnings

import pytest
import torch
from helpers.rank_threads import run_ranks

import chainrule as cr
from chainrule.ranks import ALONE
from chainrule.rng import generator_from
from chainrule.training import loop
from chainrule.training.batches import Rows
from chainrule.training.plan import Plan
from chainrule.training.state import make_state

PLAN = Plan(epochs=3, learning_rate=0.02, clip_norm=0.5, batch_size=32)


def nade(seed):
    return cr.NADE(6, 5, input_dropout=0.2, generator=generator_from(seed))


NETWORKS = {
    "committee": lambda: cr.Committee([nade(seed) for seed in range(3)]),
    "orderless": lambda: cr.OrderlessNADE(
        6, [8], dropout=0.1, members=2, generator=generator_from(0)
    ),
    "nade": lambda: nade(0),
}


class Spoiled(cr.NADE):
    """A NADE whose loss is not a number in chosen steps, in training."""

    bad: tuple[int, ...] = ()

    def losses(self, x, observed=None, generator=None, **share):
        found = super().losses(x, observed, generator, **share)
        # Rows are the same in all ranks, so this counts steps.
        if self.training and any(torch.equal(x[0], row) for row in self.bad):
            return [loss * torch.nan for loss in found]
        return found


def trained(ranks, network, rows, plan=PLAN, **options):
    state = make_state(copy.deepcopy(network), plan, generator_from(0))
    loop.train(state, rows, rows, plan, ranks=ranks, progress=False, **options)
    return state


def rows_of_bits(n=240):
    bits = (torch.rand(n, 6, generator=generator_from(7)) < 0.5).float()
    bits[:, 1::2] = bits[:, ::2]
    return Rows(bits)


def require_same(one, other):
    for a, b in zip(one.network.parameters(), other.network.parameters(), strict=True):
        assert torch.equal(a, b)
    assert (one.best_nats, one.skipped, one.rate_scale) == (
        other.best_nats,
        other.skipped,
        other.rate_scale,
    )
    assert one.history == other.history


@pytest.mark.parametrize("name", ["committee", "orderless"])
@pytest.mark.parametrize("size", [2, 4])
def test_parts_over_ranks_are_those_of_one_process(name, size):
    """Also where a rank has no part, and where the optimizer's moments are exchanged."""
    network, rows = NETWORKS[name](), rows_of_bits()
    alone = trained(ALONE, network, rows, after_epoch=lambda state: None)
    kept = alone.optimizer.state_dict()["state"]
    for state in run_ranks(
        size, lambda ranks: trained(ranks, network, rows, after_epoch=lambda state: None)
    ):
        require_same(alone, state)
        moments = state.optimizer.state_dict()["state"]
        assert moments.keys() == kept.keys()
        for number, slots in kept.items():
            for slot, value in slots.items():
                assert torch.equal(value, moments[number][slot])


def test_rows_over_ranks_agree_with_one_process():
    network, rows = NETWORKS["nade"](), rows_of_bits()
    alone = trained(ALONE, network, rows)
    first, second = run_ranks(2, lambda ranks: trained(ranks, network, rows))
    require_same(first, second)
    for one, other in zip(alone.history, first.history, strict=True):
        assert one["valid_nats"] == pytest.approx(other["valid_nats"], abs=1e-6)
        assert one["train_nats"] == pytest.approx(other["train_nats"], abs=1e-6)


def test_a_rank_without_rows_takes_part():
    network, rows = NETWORKS["nade"](), rows_of_bits().take(slice(0, 33))  # a last batch of one
    alone = trained(ALONE, network, rows)
    states = run_ranks(3, lambda ranks: trained(ranks, network, rows))
    for state in states:
        require_same(states[0], state)
        assert alone.best_nats == pytest.approx(state.best_nats, abs=1e-5)


def test_ranks_with_members_of_their_own_agree_on_steps_to_skip():
    """One member of four meets losses that are not finite, in few steps and then in many."""
    members = [Spoiled(6, 5, generator=generator_from(seed)) for seed in range(4)]
    rows = rows_of_bits()
    for bad in (3, len(rows) - 1):
        members[1].bad = tuple(rows.x[:bad:3])
        network = cr.Committee(members)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            alone = trained(ALONE, network, rows)
            states = run_ranks(2, lambda ranks, net=network: trained(ranks, net, rows))
        assert alone.skipped > 0
        for state in states:
            require_same(alone, state)


def test_ranks_with_members_of_their_own_do_not_wait_for_each_other():
    network, rows = NETWORKS["committee"](), rows_of_bits()

    def added(ranks):
        trained(ranks, network, rows)
        return ranks.added

    # The validation of each epoch, and the first one.
    assert run_ranks(2, added) == [PLAN.epochs + 1] * 2
