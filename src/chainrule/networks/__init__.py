"""Networks: torch modules with an exact joint density over columns of codes."""

from __future__ import annotations

from chainrule.networks.answers import Estimate, LowerBound
from chainrule.networks.base import AbstractNetwork
from chainrule.networks.columns import Columns
from chainrule.networks.committee import Committee
from chainrule.networks.ensemble import Ensemble
from chainrule.networks.fixed_order import AbstractFixedOrder
from chainrule.networks.latent_tree import LatentTree
from chainrule.networks.linear import (
    LinearFeature,
    LinearForm,
    LinearPrediction,
    LinearTarget,
)
from chainrule.networks.made import MADE
from chainrule.networks.nade import NADE
from chainrule.networks.orderless import OrderlessNADE
from chainrule.networks.trainable import AbstractTrainable

__all__ = [
    "MADE",
    "NADE",
    "AbstractFixedOrder",
    "AbstractNetwork",
    "AbstractTrainable",
    "Columns",
    "Committee",
    "Ensemble",
    "Estimate",
    "LatentTree",
    "LinearFeature",
    "LinearForm",
    "LinearPrediction",
    "LinearTarget",
    "LowerBound",
    "OrderlessNADE",
]
