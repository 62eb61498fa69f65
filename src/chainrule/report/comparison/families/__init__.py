"""The families that are compared, by name."""

from __future__ import annotations

from typing import Any

import torch

from chainrule.report.comparison.families.base import AbstractFamily
from chainrule.report.comparison.families.counted import Independent, Tree
from chainrule.report.comparison.families.fvsbn import LogisticAutoregression
from chainrule.report.comparison.families.made import Made
from chainrule.report.comparison.families.mixtures import Bernoullis, Gaussians
from chainrule.report.comparison.families.nade import Nade
from chainrule.report.comparison.families.orderless import Orderless
from chainrule.report.comparison.families.rbm import BoltzmannMachine
from chainrule.report.comparison.families.vae import Autoencoder
from chainrule.rng import generator_from

FAMILIES: dict[str, AbstractFamily[Any]] = {
    family.name: family
    for family in (
        Independent(),
        Tree(),
        Bernoullis(),
        Gaussians(),
        LogisticAutoregression(),
        BoltzmannMachine(),
        Autoencoder(),
        Nade(),
        Made(),
        Orderless(),
    )
}


def generator_of(seed: int, family: str) -> torch.Generator:
    """Returns a family's generator: its numbers do not depend on which others are compared."""
    return generator_from(seed * len(FAMILIES) + list(FAMILIES).index(family))
