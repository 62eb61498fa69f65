"""The recipe of ``network="orderless"``: sizes and epochs follow from the number of rows.

``benchmarks/tables/rules.py`` compares these rules with their neighbours.
"""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from typing_extensions import override

from chainrule.networks import AbstractNetwork, Columns, OrderlessNADE
from chainrule.networks.orders import Order
from chainrule.training.arguments import OPTIONS
from chainrule.training.batches import Rows
from chainrule.training.config import FitConfig
from chainrule.training.data import TrainingData
from chainrule.training.plan import Plan
from chainrule.training.rare_levels import with_frequencies
from chainrule.training.recipes.base import LEARNING_RATE, AbstractRecipe, Effort

EFFORTS = {
    "quick": Effort(hidden_sizes=(128, 128), steps=900, epochs=(1, 100), members=1),
    "standard": Effort(
        hidden_sizes=(256, 256), steps=4_000, epochs=(1, 240), members=2, dropout=0.2
    ),
    "best": Effort(hidden_sizes=(512, 512), steps=16_000, epochs=(1, 400), members=3, dropout=0.2),
}
# Numbers of rows between which there are several members. With fewer rows a fit takes a second,
# with more it takes minutes.
MEMBER_ROWS = 200, 10_000
SMALLEST_BATCH, LARGEST_BATCH = 32, 512
BATCHES_PER_EPOCH = 20  # within the limits of the batch sizes
FEWEST_BATCHES, USUAL_BATCH = 5, 64  # smaller batches only if a table has not five of 64 rows
UNITS_PER_ROW = 0.25  # at most so many hidden units of a layer for each training row
SMALLEST_LAYER = 32
# Of one member, and of the first of several: the last one's is up to five times as large.
WEIGHT_DECAY, LEAST_DECAY = 0.3, 0.15
DROPOUT_ROWS = 250  # dropout is this divided by the rows, up to that of the effort


class OrderlessRecipe(AbstractRecipe):
    """The recipe of orderless NADEs; small tables have several.

    There is no early stopping. The few validation rows of a small table would choose an epoch by
    luck, possibly one of the first. So all epochs are trained, and the last weights are taken
    unless earlier ones lead by more than two standard errors.
    """

    name = "orderless"
    objective = "any"
    options = OPTIONS["orderless"]
    learns_from_missing = True
    prefers_last = True
    enlarges_binary = True

    @override
    def plan(self, config: FitConfig, columns: Columns, rows: int, effort: str) -> Plan:
        """A plan whose sizes, batches, epochs, members and dropout follow from the number of rows.

        Layers have the effort's sizes, with at most one unit for four rows. An epoch has 20 batches
        of 64 to 512 rows, or of 32 if a table has few rows. The learning rate is 4e-3, or 2e-3 if a
        table has few rows. The number of epochs makes the effort's steps. There are several members
        for 200 to 10,000 rows, and the weights of each decay at a rate of its own. Dropout is 0.2
        for up to 1,250 rows, 0.1 for 2,500 and 0.01 for 25,000.
        """
        chosen = EFFORTS[effort]
        batch = config.batch_size or batch_size(rows)
        least, most = chosen.epochs
        widest = max(SMALLEST_LAYER, 2 ** round(math.log2(max(1.0, UNITS_PER_ROW * rows))))
        sizes = tuple(min(size, widest) for size in chosen.hidden_sizes)
        sizes = config.hidden_sizes or ((config.hidden_size,) * 2 if config.hidden_size else sizes)
        members = chosen.members if MEMBER_ROWS[0] <= rows <= MEMBER_ROWS[1] else 1
        members = config.members or members
        usual = Plan(
            hidden_size=sizes[0],
            hidden_sizes=sizes,
            activation="relu",
            dropout=round(min(chosen.dropout, DROPOUT_ROWS / rows), 3),
            members=members,
            epochs=max(least, min(most, round(chosen.steps * batch / rows))),
            batch_size=batch,
            learning_rate=(1 if batch_size(rows) < USUAL_BATCH else 2) * LEARNING_RATE,
            weight_decay=WEIGHT_DECAY if members == 1 else LEAST_DECAY,
        )
        return usual.following(config)

    @override
    def plan_of_ranks(
        self, plan: Plan, config: FitConfig, rows: int, effort: str, ranks: int
    ) -> Plan:
        """A plan with larger batches, if one network is trained for more than the effort's steps.

        The batch grows by a power of two, at most the number of ranks, as long as the effort's
        steps are left. So small tables have the plan of one process. The learning rate grows by the
        square root.

        Source: Malladi et al., "On the SDEs and Scaling Rules for Adaptive Gradient Algorithms",
        NeurIPS 2022, arXiv:2205.10287.
        """
        if plan.members > 1 or config.batch_size is not None:
            return plan
        times, steps = 1, plan.epochs * rows / plan.batch_size
        while 2 * times <= ranks and steps >= 2 * times * EFFORTS[effort].steps:
            times *= 2
        usual = replace(
            plan,
            batch_size=times * plan.batch_size,
            learning_rate=times**0.5 * plan.learning_rate,
        )
        return usual.following(config)

    @override
    def presented(self, data: TrainingData, plan: Plan) -> Rows:
        """Rows with a rare level come more often than others, with less weight each time."""
        return with_frequencies(data.train, data.columns, plan.batch_size)

    @override
    def build(
        self, columns: Columns, plan: Plan, order: Order, generator: torch.Generator
    ) -> AbstractNetwork:
        """A single network, which holds all members."""
        return OrderlessNADE(
            columns,
            plan.hidden_sizes,
            activation=plan.activation,
            dropout=plan.dropout,
            members=plan.members,
            order=order,
            generator=generator,
        )


def batch_size(rows: int) -> int:
    """The power of two that gives about 20 batches, or 5 if that is less than ``USUAL_BATCH``.

    It lies between 32 and 512.

    >>> [batch_size(rows) for rows in (100, 700, 4_000, 50_000)]
    [32, 64, 256, 512]
    """
    few = min(USUAL_BATCH, rows / FEWEST_BATCHES)
    batch = 2 ** round(math.log2(max(1.0, rows / BATCHES_PER_EPOCH, few)))
    return min(LARGEST_BATCH, max(SMALLEST_BATCH, batch))
