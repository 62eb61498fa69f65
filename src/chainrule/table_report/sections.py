"""The sections of the page in their order: findings first, then how far to trust them.

Each is a function; it returns None where it has nothing to say.
"""

from __future__ import annotations

from collections.abc import Callable

from chainrule.table_report import findings, fit, missing_cells, tied_columns
from chainrule.table_report.asked import Asked
from chainrule.table_report.parts import Section

ALL: tuple[Callable[[Asked], Section | None], ...] = (
    findings.drifted,
    findings.wrong,
    findings.odd,
    missing_cells.filled,
    tied_columns.depend,
    fit.columns,
    fit.calibrated,
    fit.drawn,
    fit.assumed,
)
