"""Recipes: for each kind of network, what it can be asked, what suits a table, how it is built and what is searched."""

from __future__ import annotations

from chainrule.errors import choice
from chainrule.training.recipes.base import AbstractRecipe
from chainrule.training.recipes.committee import CommitteeRecipe
from chainrule.training.recipes.orderless import OrderlessRecipe
from chainrule.training.recipes.single import MADERecipe, NADERecipe

RECIPES: dict[str, AbstractRecipe] = {
    recipe.name: recipe for recipe in (CommitteeRecipe(), MADERecipe(), NADERecipe(), OrderlessRecipe())
}
OBJECTIVES = {"any": "orderless", "likelihood": "committee"}  # and the network that "auto" means


def recipe_for(objective: str, network: str) -> AbstractRecipe:
    """The recipe of a network, or of the one that serves the objective best where the network is "auto"."""
    choice(objective, "objective", OBJECTIVES)
    choice(network, "network", ["auto", *RECIPES])
    return RECIPES[OBJECTIVES[objective] if network == "auto" else network]
