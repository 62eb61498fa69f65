"""The recipe of a fit that starts from the weights of a fitted density."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from typing_extensions import override

from chainrule.arguments import DEFAULT_TIES
from chainrule.datasets import content_sha256
from chainrule.density import Density
from chainrule.errors import ChainruleError, ShapeError
from chainrule.networks import AbstractNetwork, Columns
from chainrule.networks.orders import Order
from chainrule.training.arguments import network_of
from chainrule.training.batches import Rows
from chainrule.training.config import FitConfig
from chainrule.training.data import TrainingData
from chainrule.training.plan import Plan
from chainrule.training.recipes.base import AbstractRecipe
from chainrule.training.state import State

# Fields of a plan that the network has already.
BUILT = (
    "hidden_size", "hidden_sizes", "activation", "order", "conditional", "components", "members",
    "orders",
)  # fmt: skip
# What an inference of columns asks for, and the defaults.
OF_COLUMNS = {"kinds": None, "missing": "unknown", "ties": DEFAULT_TIES}


class WarmStart(AbstractRecipe):
    """The recipe of a density's network, with its weights at the beginning and no search.

    Args:
        recipe: that of a fit from the beginning.
        density: its columns, sizes and weights are taken.
        built: the plan by which its network was built.
    """

    def __init__(self, recipe: AbstractRecipe, density: Density, built: Plan) -> None:
        self._recipe, self._density, self._built = recipe, density, built
        self.name, self.objective, self.options = recipe.name, recipe.objective, recipe.options
        self.learns_from_missing = recipe.learns_from_missing
        self.prefers_last = recipe.prefers_last
        weights = content_sha256([t.numpy() for t in density.model.network.state_dict().values()])
        rows = density.training.get("train_rows")
        self.origin = {"start": {"weights_sha256": weights, "train_rows": rows}}

    @override
    def plan(self, config: FitConfig, columns: Columns, rows: int, effort: str) -> Plan:
        """The usual plan with the density's sizes."""
        usual = self._recipe.plan(config, columns, rows, effort)
        return replace(usual, **{name: getattr(self._built, name) for name in BUILT})

    @override
    def plan_of_ranks(
        self, plan: Plan, config: FitConfig, rows: int, effort: str, ranks: int
    ) -> Plan:
        return self._recipe.plan_of_ranks(plan, config, rows, effort, ranks)

    @override
    def build(
        self, columns: Columns, plan: Plan, order: Order, generator: torch.Generator
    ) -> AbstractNetwork:
        return self._recipe.build(columns, plan, order, generator)

    @override
    def start(self, data: TrainingData, plan: Plan, generator: torch.Generator) -> AbstractNetwork:
        """The density's network, to be trained further; the density keeps its own."""
        network = copy.deepcopy(self._density.model.network.gradient_part())
        return network.requires_grad_(True).train()

    @override
    def presented(self, data: TrainingData, plan: Plan) -> Rows:
        return self._recipe.presented(data, plan)

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
        """See the base class. What the density has is added, fitted to these rows."""
        whole = self._density.model.network
        if whole.gradient_part() is whole:
            return network
        return self._recipe.completed(
            network, data, state, plan, effort=effort, seed=seed, time_limit_s=time_limit_s,
            progress=progress,
        )  # fmt: skip


def continued(
    start: Density, recipe_of: Mapping[str, AbstractRecipe], asked: Mapping[str, Any]
) -> tuple[WarmStart, FitConfig]:
    """Returns the recipe of a fit that starts from a density, and its configuration.

    Args:
        start: the density.
        recipe_of: the recipes by the network's name.
        asked: ``objective``, ``network``, ``kinds``, ``missing``, ``ties`` and ``config`` of the
            fit.

    Raises:
        ChainruleError: the density was not fitted; or another network, another size or something
            of the columns is asked for than it has.
    """
    if not isinstance(start, Density):
        raise ShapeError(
            f"start is a {type(start).__name__}: pass a Density, such as cr.load('m.chainrule')"
        )
    record = start.training
    own = str(record.get("network"))
    if own not in recipe_of or "config" not in record:
        raise ChainruleError("start was not made by cr.fit: its record has no network")
    for name, default in OF_COLUMNS.items():
        if asked[name] not in (None, {}, default):
            raise ChainruleError(f"start has the {name} of its columns: leave {name} out")
    if asked["network"] != "auto" or asked["objective"] != "any":
        network = network_of(asked["objective"], asked["network"], recipe_of)
        if network != own:
            raise ChainruleError(f"start is of network {own!r}, not {network!r}: leave it out")
    built, config = Plan.from_json(record["config"]), asked["config"] or FitConfig()
    for field in BUILT:
        value = getattr(config, field)
        if value not in (getattr(FitConfig(), field), getattr(built, field)):
            raise ChainruleError(
                f"start has {field} = {getattr(built, field)}, not {value}: leave it out"
            )
    config = replace(config, conditional=built.conditional, components=built.components)
    return WarmStart(recipe_of[own], start, built), config
