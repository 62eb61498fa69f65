"""The recipe of a fit that starts from the weights of a fitted density."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from typing_extensions import override

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

# Fields of a plan that the network has already.
BUILT = (
    "hidden_size", "hidden_sizes", "activation", "order", "conditional", "components", "members",
    "orders",
)  # fmt: skip


@dataclass(frozen=True)
class WarmStart(AbstractRecipe):
    """The recipe of a density's network, with its weights at the beginning and no search.

    Attributes:
        recipe: that of a fit from the beginning.
        density: its columns, sizes and weights are taken.
        built: the plan by which its network was built.
    """

    recipe: AbstractRecipe
    density: Density
    built: Plan

    def __post_init__(self) -> None:
        for name in ("name", "objective", "options", "learns_from_missing", "prefers_last"):
            object.__setattr__(self, name, getattr(self.recipe, name))
        digest = hashlib.sha256()
        for tensor in self.density.model.network.state_dict().values():
            digest.update(tensor.contiguous().numpy().tobytes())
        rows = self.density.training.get("train_rows")
        origin = {"start": {"weights_sha256": digest.hexdigest(), "train_rows": rows}}
        object.__setattr__(self, "origin", origin)

    @override
    def plan(self, config: FitConfig, columns: Columns, rows: int, effort: str) -> Plan:
        """The usual plan with the density's sizes."""
        usual = self.recipe.plan(config, columns, rows, effort)
        return replace(usual, **{name: getattr(self.built, name) for name in BUILT})

    @override
    def build(
        self, columns: Columns, plan: Plan, order: Order, generator: torch.Generator
    ) -> AbstractNetwork:
        return self.recipe.build(columns, plan, order, generator)

    @override
    def start(self, data: TrainingData, plan: Plan, generator: torch.Generator) -> AbstractNetwork:
        """The density's network, to be trained further; the density keeps its own."""
        network = copy.deepcopy(self.density.model.network)
        return network.float().requires_grad_(True).train()

    @override
    def presented(self, data: TrainingData, plan: Plan) -> Rows:
        return self.recipe.presented(data, plan)


def continued(
    start: Density, recipe_of: Mapping[str, AbstractRecipe], asked: Mapping[str, Any]
) -> tuple[WarmStart, FitConfig]:
    """Returns the recipe of a fit that starts from a density, and its configuration.

    Args:
        start: the density.
        recipe_of: the recipes by the network's name.
        asked: ``objective``, ``network``, ``kinds`` and ``config`` of the fit.

    Raises:
        ChainruleError: the density was not fitted; or another network, another size or kinds of
            columns are asked for than it has.
    """
    if not isinstance(start, Density):
        raise ShapeError(
            f"start is a {type(start).__name__}: pass a Density, such as cr.load('m.chainrule')"
        )
    record = start.training
    name = str(record.get("network"))
    if name not in recipe_of or "config" not in record:
        raise ChainruleError("start was not made by cr.fit: its record has no network")
    if asked["kinds"]:
        raise ChainruleError("start has the kinds of its columns: leave kinds out")
    if asked["network"] != "auto" or asked["objective"] != "any":
        network = network_of(asked["objective"], asked["network"], recipe_of)
        if network != name:
            raise ChainruleError(f"start is of network {name!r}, not {network!r}: leave it out")
    built, config = Plan.from_json(record["config"]), asked["config"] or FitConfig()
    for field in BUILT:
        value = getattr(config, field)
        if value not in (getattr(FitConfig(), field), getattr(built, field)):
            raise ChainruleError(
                f"start has {field} = {getattr(built, field)}, not {value}: leave it out"
            )
    config = replace(config, conditional=built.conditional, components=built.components)
    return WarmStart(recipe_of[name], start, built), config
