"""Networks: torch modules with an exact joint density over columns of codes."""

from __future__ import annotations

from chainrule.networks.base import AbstractFixedOrder, AbstractNetwork, Estimate
from chainrule.networks.columns import Columns
from chainrule.networks.made import MADE
from chainrule.networks.nade import NADE

__all__ = ["MADE", "NADE", "AbstractFixedOrder", "AbstractNetwork", "Columns", "Estimate"]
