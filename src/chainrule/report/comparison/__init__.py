"""Several families of densities, trained on one table and laid side by side."""

from __future__ import annotations

from chainrule.report.comparison.data import Data, prepared
from chainrule.report.comparison.families import EFFORTS, FAMILIES, Effort, effort_for
from chainrule.report.comparison.page import rendered, write
from chainrule.report.comparison.run import Comparison, Entry, compare, families_for

__all__ = [
    "EFFORTS",
    "FAMILIES",
    "Comparison",
    "Data",
    "Effort",
    "Entry",
    "compare",
    "effort_for",
    "families_for",
    "prepared",
    "rendered",
    "write",
]
