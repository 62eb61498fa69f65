"""Several families of densities, trained on one table and compared."""

from __future__ import annotations

from chainrule.report.comparison.data import Data, prepared
from chainrule.report.comparison.effort import EFFORTS, Effort, effort_for
from chainrule.report.comparison.families import FAMILIES
from chainrule.report.comparison.page import rendered, write
from chainrule.report.comparison.run import Entry, FamilyReport, compare, families_for

__all__ = [
    "EFFORTS",
    "FAMILIES",
    "Data",
    "Effort",
    "Entry",
    "FamilyReport",
    "compare",
    "effort_for",
    "families_for",
    "prepared",
    "rendered",
    "write",
]
