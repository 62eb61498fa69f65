"""The recipes of ``network="nade"`` and ``network="made"``: one network of one order, the same for every table."""

from __future__ import annotations

import torch

from chainrule.conditionals import Bernoulli
from chainrule.networks import MADE, NADE, AbstractNetwork, Columns
from chainrule.networks.orders import Order
from chainrule.training.config import FitConfig
from chainrule.training.plan import Plan
from chainrule.training.recipes.base import LEARNING_RATE, AbstractRecipe

BINARY_LEARNING_RATE = 1e-2  # of NADEs, whose columns are all binary
PATIENCE = 10


class NADERecipe(AbstractRecipe):
    """A NADE."""

    name = "nade"
    options = frozenset({"input_dropout"})

    def plan(self, config: FitConfig, columns: Columns, rows: int, effort: str) -> Plan:
        """The same for any effort."""
        return Plan(learning_rate=learning_rate_of_nade(columns), patience=PATIENCE).following(config)

    def build(self, columns: Columns, plan: Plan, order: Order, generator: torch.Generator) -> NADE:
        """One hidden layer."""
        return nade(columns, plan, order, generator)


class MADERecipe(AbstractRecipe):
    """A MADE."""

    name = "made"
    options = frozenset({"hidden_sizes"})

    def plan(self, config: FitConfig, columns: Columns, rows: int, effort: str) -> Plan:
        """Two layers of the same size, for any effort."""
        sizes = (config.hidden_size or Plan.hidden_size,) * 2
        usual = Plan(activation="relu", hidden_sizes=sizes, learning_rate=LEARNING_RATE, patience=PATIENCE)
        return usual.following(config)

    def build(self, columns: Columns, plan: Plan, order: Order, generator: torch.Generator) -> AbstractNetwork:
        """Layers of ``hidden_sizes``."""
        return MADE(columns, plan.hidden_sizes, activation=plan.activation, order=order, generator=generator)


def nade(columns: Columns, plan: Plan, order: Order, generator: torch.Generator) -> NADE:
    """A NADE of the plan's size, alone or a member of a committee."""
    return NADE(
        columns,
        plan.hidden_size,
        activation=plan.activation,
        input_dropout=plan.input_dropout,
        order=order,
        generator=generator,
    )


def learning_rate_of_nade(columns: Columns) -> float:
    """A higher learning rate if all columns are binary."""
    binary = all(isinstance(conditional, Bernoulli) for conditional in columns.conditionals)
    return BINARY_LEARNING_RATE if binary else LEARNING_RATE
