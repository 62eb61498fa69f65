"""Several families of densities, trained on one table and compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chainrule.first_use import imported_on_use
from chainrule.report.comparison.names import EFFORTS

if TYPE_CHECKING:
    from chainrule.report.comparison.data import Data as Data
    from chainrule.report.comparison.data import prepared as prepared
    from chainrule.report.comparison.effort import Effort as Effort
    from chainrule.report.comparison.effort import effort_for as effort_for
    from chainrule.report.comparison.families import FAMILIES as FAMILIES
    from chainrule.report.comparison.page import rendered as rendered
    from chainrule.report.comparison.page import write as write
    from chainrule.report.comparison.run import Entry as Entry
    from chainrule.report.comparison.run import FamilyReport as FamilyReport
    from chainrule.report.comparison.run import compare as compare
    from chainrule.report.comparison.run import families_for as families_for

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

# These import torch, so they are imported on first use.
_HOMES = {
    "FAMILIES": "families",
    "Data": "data",
    "Effort": "effort",
    "Entry": "run",
    "FamilyReport": "run",
    "compare": "run",
    "effort_for": "effort",
    "families_for": "run",
    "prepared": "data",
    "rendered": "page",
    "write": "page",
}

__getattr__ = imported_on_use(__name__, _HOMES)
