"""The recipes of ``network="nade"`` and ``network="made"``: one network with one order."""

from __future__ import annotations

import torch
from typing_extensions import override

from chainrule.conditionals import Bernoulli
from chainrule.networks import MADE, NADE, AbstractNetwork, Columns
from chainrule.networks.orders import Order
from chainrule.training.arguments import OPTIONS
from chainrule.training.config import FitConfig
from chainrule.training.plan import Plan
from chainrule.training.recipes.base import LEARNING_RATE, AbstractRecipe

BINARY_LEARNING_RATE = 1e-2  # for NADEs over binary columns
PATIENCE = 10


class NADERecipe(AbstractRecipe):
    """The recipe of a single NADE."""

    name = "nade"
    options = OPTIONS["nade"]

    @override
    def plan(self, config: FitConfig, columns: Columns, rows: int, effort: str) -> Plan:
        return Plan(learning_rate=learning_rate_of_nade(columns), patience=PATIENCE).following(
            config
        )

    @override
    def build(self, columns: Columns, plan: Plan, order: Order, generator: torch.Generator) -> NADE:
        return nade(columns, plan, order, generator)


class MADERecipe(AbstractRecipe):
    """The recipe of a single MADE."""

    name = "made"
    options = OPTIONS["made"]

    @override
    def plan(self, config: FitConfig, columns: Columns, rows: int, effort: str) -> Plan:
        """A plan with two layers of the same size, for any effort."""
        sizes = (config.hidden_size or Plan.hidden_size,) * 2
        usual = Plan(
            activation="relu", hidden_sizes=sizes, learning_rate=LEARNING_RATE, patience=PATIENCE
        )
        return usual.following(config)

    @override
    def build(
        self, columns: Columns, plan: Plan, order: Order, generator: torch.Generator
    ) -> AbstractNetwork:
        return MADE(
            columns, plan.hidden_sizes, activation=plan.activation, order=order, generator=generator
        )


def nade(columns: Columns, plan: Plan, order: Order, generator: torch.Generator) -> NADE:
    """A NADE of the plan's size, for use alone or in a committee."""
    return NADE(
        columns,
        plan.hidden_size,
        activation=plan.activation,
        input_dropout=plan.input_dropout,
        order=order,
        generator=generator,
    )


def learning_rate_of_nade(columns: Columns) -> float:
    """The learning rate of NADEs, which is higher if all columns are binary."""
    binary = all(isinstance(conditional, Bernoulli) for conditional in columns.conditionals)
    return BINARY_LEARNING_RATE if binary else LEARNING_RATE
