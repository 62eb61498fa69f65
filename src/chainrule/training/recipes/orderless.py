"""The recipe of ``network="orderless"``: sizes and times by the rows of the table.

``benchmarks/tables/rules.py`` measures these rules against their neighbours. 40 batches an epoch follow from its table
of online_shoppers: 35 were better by 0.23 nats than 70, in the same number of steps.
"""

from __future__ import annotations

import math

import torch

from chainrule.networks import AbstractNetwork, Columns, OrderlessNADE
from chainrule.networks.orders import Order
from chainrule.training.config import FitConfig
from chainrule.training.plan import Plan
from chainrule.training.recipes.base import LEARNING_RATE, AbstractRecipe, Effort

EFFORTS = {
    "quick": Effort(hidden_sizes=(128, 128), steps=1_500, epochs=(1, 100), members=1),
    "standard": Effort(hidden_sizes=(256, 256), steps=8_000, epochs=(1, 200), members=3, dropout=0.2),
    "best": Effort(hidden_sizes=(512, 512), steps=32_000, epochs=(1, 400), members=3, dropout=0.2),
}
# Rows within which there are several members: of fewer a fit takes a second, of more minutes.
MEMBER_ROWS = 200, 10_000
SMALLEST_BATCH, LARGEST_BATCH = 32, 512
BATCHES_PER_EPOCH = 40  # as far as these sizes allow
UNITS_PER_ROW = 0.25  # hidden units of a layer, at most, for each training row
SMALLEST_LAYER = 32
WEIGHT_DECAY = 0.3
DROPOUT_ROWS = 1000  # the dropout is this number over the rows, at most the effort's


class OrderlessRecipe(AbstractRecipe):
    """Orderless NADEs, several for small tables.

    It does not stop early: the few validation rows of a small table choose an epoch by luck, which may be one of the first,
    before much is learned. All epochs are trained, and the last weights are taken unless earlier ones are better by more than
    two standard errors.
    """

    name = "orderless"
    objective = "any"
    options = frozenset({"hidden_sizes", "dropout", "members"})
    learns_from_missing = True
    prefers_last = True

    def plan(self, config: FitConfig, columns: Columns, rows: int, effort: str) -> Plan:
        """Sizes, batches, epochs, members and dropout by the number of training rows.

        Layers are the effort's, with at most one unit for four rows. An epoch has 40 batches of 32 to 512 rows, and there are
        as many epochs as make the effort's steps. Several members serve 200 to 10,000 rows. Dropout is 0.2 for up to 5,000
        rows, 0.1 for 10,000 and 0.02 for 50,000.
        """
        chosen = EFFORTS[effort]
        batch = config.batch_size or batch_size(rows)
        least, most = chosen.epochs
        widest = max(SMALLEST_LAYER, 2 ** round(math.log2(max(1.0, UNITS_PER_ROW * rows))))
        sizes = tuple(min(size, widest) for size in chosen.hidden_sizes)
        sizes = config.hidden_sizes or ((config.hidden_size,) * 2 if config.hidden_size else sizes)
        usual = Plan(
            hidden_size=sizes[0],
            hidden_sizes=sizes,
            activation="relu",
            dropout=round(min(chosen.dropout, DROPOUT_ROWS / rows), 3),
            members=chosen.members if MEMBER_ROWS[0] <= rows <= MEMBER_ROWS[1] else 1,
            epochs=max(least, min(most, round(chosen.steps * batch / rows))),
            batch_size=batch,
            learning_rate=LEARNING_RATE,
            weight_decay=WEIGHT_DECAY,
        )
        return usual.following(config)

    def build(self, columns: Columns, plan: Plan, order: Order, generator: torch.Generator) -> AbstractNetwork:
        """One network that holds all members."""
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
    """A power of two that makes about 40 batches of the rows, within 32 and 512.

    >>> [batch_size(rows) for rows in (100, 4_000, 50_000)]
    [32, 128, 512]
    """
    batch = 2 ** round(math.log2(max(1.0, rows / BATCHES_PER_EPOCH)))
    return min(LARGEST_BATCH, max(SMALLEST_BATCH, batch))
