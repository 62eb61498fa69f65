"""Recipes: for each network, its options, its plan for a table, its construction and its search.

A new recipe is a file here and an entry of ``RECIPES``.
"""

from __future__ import annotations

from chainrule.training.arguments import network_of
from chainrule.training.recipes.base import AbstractRecipe
from chainrule.training.recipes.committee import CommitteeRecipe
from chainrule.training.recipes.orderless import OrderlessRecipe
from chainrule.training.recipes.single import MADERecipe, NADERecipe

RECIPES: dict[str, AbstractRecipe] = {
    recipe.name: recipe
    for recipe in (CommitteeRecipe(), MADERecipe(), NADERecipe(), OrderlessRecipe())
}


def recipe_for(objective: str, network: str) -> AbstractRecipe:
    """The recipe of a network; "auto" is the best network for the objective."""
    return RECIPES[network_of(objective, network, RECIPES)]
