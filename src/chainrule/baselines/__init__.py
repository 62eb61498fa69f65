"""What to compare a network with; the same contract."""

from __future__ import annotations

from chainrule.baselines.chain_table import ChainTable
from chainrule.baselines.independent import IndependentColumns

__all__ = ["ChainTable", "IndependentColumns"]
