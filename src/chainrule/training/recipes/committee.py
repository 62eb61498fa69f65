"""The recipe of ``network="committee"``: several NADEs, for the likelihood of complete rows.

All members have one order, or each has its own. Rows, columns and effort decide where the search
starts and how long the fit may take. The search decides what differs between tables: the number of
orders, regularisation, epochs and sizes. It trains committees of two and compares them on the
validation rows; the fit then uses the winner. A committee of binary columns is mixed with latent
trees. ``benchmarks/likelihood/trials.py`` measures changes of this recipe on the validation rows of
the published sets.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, cast

import torch
from typing_extensions import override

from chainrule.errors import ChainruleError
from chainrule.networks import AbstractNetwork, Columns, Committee, Ensemble
from chainrule.networks.orders import Order, make_order
from chainrule.ranks import ALONE, AbstractRanks
from chainrule.rng import generator_from
from chainrule.training.arguments import OPTIONS
from chainrule.training.batches import Rows
from chainrule.training.config import FitConfig
from chainrule.training.data import TrainingData
from chainrule.training.latent_trees import add_latent_trees
from chainrule.training.loop import train
from chainrule.training.mixture import Mixture
from chainrule.training.plan import Plan
from chainrule.training.recipes.base import AbstractRecipe, Effort
from chainrule.training.recipes.single import learning_rate_of_nade, nade
from chainrule.training.record import nats_of
from chainrule.training.run import Run
from chainrule.training.search import Ladder, Trial, search
from chainrule.training.state import State, make_state

EFFORTS = {
    "quick": Effort(hidden_sizes=(100,), steps=2_000, epochs=(4, 30), members=1),
    "standard": Effort(hidden_sizes=(200,), steps=6_000, epochs=(6, 40), members=8, searches=True),
    "best": Effort(hidden_sizes=(200,), steps=12_000, epochs=(12, 80), members=16, searches=True),
}
BATCH_SIZES = (32, 50, 100, 200)
BATCHES_PER_EPOCH = 250  # at most, within the limits of the batch sizes
WEIGHT_DECAY = 0.03
SEARCH_ROWS = 1_000_000  # with so many rows, networks of these sizes hardly overfit

# The values that a search tries, field after field. Regularisation comes before epochs: the best
# number of epochs depends on it, less so the reverse. For each field, the search first moves
# towards the end of its ladder.
LADDERS: tuple[Ladder, ...] = (
    ("input_dropout", (0.0, 0.1, 0.2, 0.3, 0.4)),
    ("weight_decay", (0.003, 0.01, 0.03, 0.1, 0.2, 0.4)),
    ("epochs", (2, 1, 0.5, 0.25)),  # multiples of the plan's
    ("learning_rate", (0.25, 0.5, 1, 2)),  # multiples of the plan's
    ("order", ("natural", "mutual-information")),
    ("orders", (0, 1)),  # multiples of the members: one order for all, or one for each
    ("hidden_size", (50, 100, 200, 400)),
)
# For binary columns: the orders, and at last the batch sizes if the plan has the smallest.
BINARY_ORDERS = ("natural", "mutual-information", "greedy")
GAIN_SHARE = 5e-4  # doubling the time must gain this share of −log p


class CommitteeRecipe(AbstractRecipe):
    """The recipe of a committee of NADEs; several orders make an ensemble of committees."""

    name = "committee"
    options = OPTIONS["committee"]
    searches = True

    @override
    def plan(self, config: FitConfig, columns: Columns, rows: int, effort: str) -> Plan:
        """A plan with the effort's number of steps, within its limits of epochs.

        >>> CommitteeRecipe().plan(FitConfig(), Columns.of(5), 16_000, "standard").epochs
        38
        """
        chosen = EFFORTS[effort]
        fitting = (size for size in BATCH_SIZES if rows <= BATCHES_PER_EPOCH * size)
        batch = config.batch_size or next(fitting, BATCH_SIZES[-1])
        least, most = chosen.epochs
        usual = Plan(
            hidden_size=chosen.hidden_sizes[0],
            members=chosen.members,
            batch_size=batch,
            epochs=min(most, max(least, round(chosen.steps * batch / rows))),
            learning_rate=learning_rate_of_nade(columns),
            weight_decay=WEIGHT_DECAY,
        )
        return _with_enough_members(usual.following(config))

    @override
    def build(
        self, columns: Columns, plan: Plan, order: Order, generator: torch.Generator
    ) -> AbstractNetwork:
        """A committee, or an ensemble with one for each order: the plan's, then random ones."""
        count = plan.orders
        orders = [
            make_order(order if k == 0 else "random", len(columns), generator) for k in range(count)
        ]
        members = [nade(columns, plan, orders[k % count], generator) for k in range(plan.members)]
        committees = [Committee(members[k::count]) for k in range(count)]
        return (
            committees[0]
            if count == 1
            else Ensemble(committees, [len(each.members) for each in committees])
        )

    @override
    def search(
        self,
        plan: Plan,
        config: FitConfig,
        data: TrainingData,
        run: Run,
        *,
        effort: str,
        seed: int,
        time_limit_s: float | None = None,
        device: str = "cpu",
        progress: bool = False,
    ) -> tuple[Plan, list[Trial]]:
        """The best plan by coordinate descent.

        There is no search with effort "quick", a time limit or very many rows.
        """
        if (earlier := run.plan()) is not None:
            build = partial(self.build, data.columns, earlier, None, generator_from(0))
            run.require_sizes(build, earlier)
            return _with_enough_members(earlier.following(config)), []
        if time_limit_s is not None or not is_searched(len(data.train), effort):
            return plan, []
        # Each trial has two members, so two ranks train one together.
        teams = max(1, run.ranks.size // 2)
        ranks, team = run.ranks.teams(teams)
        nats_of_plan = partial(
            expected_nats,
            start=partial(self.start, data),
            train_rows=data.train,
            valid_rows=data.valid,
            seed=seed,
            device=device,
            progress=progress,
            ranks=ranks,
        )
        # The needed gain must not depend on the table's units.
        scale_nats = data.valid.mean_scale_nats
        return search(
            plan,
            nats_of_plan,
            ladders=open_ladders(
                config,
                plan,
                keeps_order=bool(data.schema.flags),
                is_binary=data.columns.is_binary,
            ),
            needed_gain=lambda nats, best, candidate: needed_gain(
                nats - scale_nats, best, candidate
            ),
            ranks=run.ranks,
            teams=teams,
            team=team,
        )

    @override
    def completed(
        self,
        network: AbstractNetwork,
        data: TrainingData,
        state: State,
        plan: Plan,
        *,
        effort: str,
        seed: int,
        time_limit_s: float | None = None,
        progress: bool = False,
    ) -> AbstractNetwork:
        """The committee, mixed with the latent trees that gain on the validation rows.

        There are none without a search, or unless all columns are binary.
        """
        is_mixed = time_limit_s is None and is_searched(len(data.train), effort)
        if not (is_mixed and data.columns.is_binary and plan.trees):
            return network
        began, mixture = time.perf_counter(), Mixture(network, data.valid)
        add_latent_trees(
            mixture, data.train, data.valid, most=plan.trees, seed=seed, progress=progress
        )
        state.trials = [*state.trials, *mixture.trials]
        state.seconds += time.perf_counter() - began
        return mixture.network


def is_searched(rows: int, effort: str) -> bool:
    """Whether a search precedes a fit of so many training rows."""
    return EFFORTS[effort].searches and rows < SEARCH_ROWS


def open_ladders(
    config: FitConfig, plan: Plan, *, keeps_order: bool = False, is_binary: bool = False
) -> list[Ladder]:
    """The ladders of the fields that the configuration leaves open, in numbers of the plan.

    With ``keeps_order``, the order stays natural: a flag of missing cells stands before its column.
    """
    every = list(LADDERS)
    if is_binary:
        every = [(field, BINARY_ORDERS if field == "order" else each) for field, each in every]
    if is_binary and plan.batch_size == BATCH_SIZES[0]:
        every.append(("batch_size", BATCH_SIZES))
    closed = {field for field, _ in every if getattr(config, field) is not None}
    if keeps_order:
        closed.add("order")
    if "order" in closed:
        closed.add("orders")
    multiples: dict[str, Callable[[float], Any]] = {
        "epochs": lambda times: max(1, round(times * plan.epochs)),
        "learning_rate": lambda times: times * plan.learning_rate,
        "orders": lambda share: max(1, round(share * plan.members)),
    }
    ladders: list[Ladder] = []
    for field, ladder in every:
        if field in multiples:
            ladder = tuple(dict.fromkeys(map(multiples[field], ladder)))
        if field not in closed:
            ladders.append((field, ladder))
    return ladders


def needed_gain(nats: float, plan: Plan, candidate: Plan) -> float:
    """Nats by which a candidate must beat a plan with ``nats``; zero unless it takes longer.

    >>> needed_gain(50.0, Plan(epochs=10, hidden_size=100), Plan(epochs=20, hidden_size=200))
    0.05
    """
    times = (candidate.epochs * candidate.hidden_size) / (plan.epochs * plan.hidden_size)
    return GAIN_SHARE * abs(nats) * max(0.0, math.log2(times))


def expected_nats(
    plan: Plan,
    *,
    start: Callable[[Plan, torch.Generator], AbstractNetwork],
    train_rows: Rows,
    valid_rows: Rows,
    seed: int,
    device: str = "cpu",
    progress: bool = False,
    ranks: AbstractRanks = ALONE,
) -> float:
    """Expected −log p per validation row of a committee of the plan, from training two members.

    Every trial has the same seed, so trials of the same shape start from the same weights. A plan
    of one or two members is trained itself.
    """
    generator, members = generator_from(seed), min(2, plan.members)
    small = replace(plan, members=members, orders=min(members, plan.orders))
    network = start(small, generator)
    state = make_state(network.to(device), small, generator)
    train(state, train_rows, valid_rows, small, ranks=ranks, what="trying", progress=progress)
    if members == plan.members:
        return state.best_nats
    apart = [cast(AbstractNetwork, member) for member, _ in network.cpu().trained_apart()]
    alone = ranks.each(apart, lambda member: nats_of(member, valid_rows))
    return extrapolated(sum(alone) / len(alone), state.best_nats, plan.members)


def extrapolated(one: float, two: float, members: int) -> float:
    """Expected −log p of so many members, given −log p of one and of two members.

    Overfitting falls as 1 / M. With c_M = a + b / M, c_M = c_2 − (c_1 − c_2) (1 − 2 / M).
    """
    return two - (one - two) * (1 - 2 / members)


def _with_enough_members(plan: Plan) -> Plan:
    if plan.orders > plan.members:
        raise ChainruleError(
            f"orders = {plan.orders}: there are {plan.members} members, and each has one order; "
            "pass more members="
        )
    return plan
