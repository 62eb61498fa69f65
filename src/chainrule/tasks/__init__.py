"""The questions that a model answers: functions without state, one file each.

A file is imported when its function is first used, so that a process that scores rows does not
load what else a model can be asked.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from chainrule.arguments import QUANTILES
from chainrule.first_use import imported_on_use

if TYPE_CHECKING:
    from chainrule.tasks.arrow import answer_arrow as answer_arrow
    from chainrule.tasks.arrow import answer_schema as answer_schema
    from chainrule.tasks.asking.answers import Interval as Interval
    from chainrule.tasks.asking.answers import Probability as Probability
    from chainrule.tasks.calibrate import Calibration as Calibration
    from chainrule.tasks.calibrate import row_log_p as row_log_p
    from chainrule.tasks.coding import codes as codes
    from chainrule.tasks.coding import table as table
    from chainrule.tasks.compare import Comparison as Comparison
    from chainrule.tasks.compare import compare as compare
    from chainrule.tasks.conditional import conditional as conditional
    from chainrule.tasks.dependence import dependence as dependence
    from chainrule.tasks.drift import HeldOutFigures as HeldOutFigures
    from chainrule.tasks.drift import drift as drift
    from chainrule.tasks.drift import figures_of_held_out as figures_of_held_out
    from chainrule.tasks.drifting.result import Change as Change
    from chainrule.tasks.drifting.result import Drift as Drift
    from chainrule.tasks.expectation import expected_rows as expected_rows
    from chainrule.tasks.expectation import mean as mean
    from chainrule.tasks.expectation import quantile as quantile
    from chainrule.tasks.explain import explain as explain
    from chainrule.tasks.explain import oddest as oddest
    from chainrule.tasks.explain import oddest_of_parts as oddest_of_parts
    from chainrule.tasks.explain import tails as tails
    from chainrule.tasks.explain import terms as terms
    from chainrule.tasks.features import features as features
    from chainrule.tasks.impute import Imputed as Imputed
    from chainrule.tasks.impute import impute as impute
    from chainrule.tasks.intervals import IntervalLevels as IntervalLevels
    from chainrule.tasks.marginal import marginal as marginal
    from chainrule.tasks.odd_rows import odd_rows as odd_rows
    from chainrule.tasks.probability import probability as probability
    from chainrule.tasks.proofread import proofread as proofread
    from chainrule.tasks.proofread import proofread_by as proofread_by
    from chainrule.tasks.sample import sample as sample
    from chainrule.tasks.score import Parts as Parts
    from chainrule.tasks.score import score as score
    from chainrule.tasks.score import score_parts as score_parts

_HOMES = {
    "Calibration": "calibrate",
    "Change": "drifting.result",
    "Comparison": "compare",
    "Drift": "drifting.result",
    "HeldOutFigures": "drift",
    "Imputed": "impute",
    "Interval": "asking.answers",
    "IntervalLevels": "intervals",
    "Parts": "score",
    "Probability": "asking.answers",
    "answer_arrow": "arrow",
    "answer_schema": "arrow",
    "codes": "coding",
    "compare": "compare",
    "conditional": "conditional",
    "dependence": "dependence",
    "drift": "drift",
    "expected_rows": "expectation",
    "explain": "explain",
    "features": "features",
    "figures_of_held_out": "drift",
    "impute": "impute",
    "marginal": "marginal",
    "mean": "expectation",
    "odd_rows": "odd_rows",
    "oddest": "explain",
    "oddest_of_parts": "explain",
    "probability": "probability",
    "proofread": "proofread",
    "proofread_by": "proofread",
    "quantile": "expectation",
    "row_log_p": "calibrate",
    "sample": "sample",
    "score": "score",
    "score_parts": "score",
    "table": "coding",
    "tails": "explain",
    "terms": "explain",
}

__all__ = [
    "QUANTILES",
    "Calibration",
    "Change",
    "Comparison",
    "Drift",
    "HeldOutFigures",
    "Imputed",
    "Interval",
    "IntervalLevels",
    "Parts",
    "Probability",
    "answer_arrow",
    "answer_schema",
    "codes",
    "compare",
    "conditional",
    "dependence",
    "drift",
    "expected_rows",
    "explain",
    "features",
    "figures_of_held_out",
    "impute",
    "marginal",
    "mean",
    "odd_rows",
    "oddest",
    "oddest_of_parts",
    "probability",
    "proofread",
    "proofread_by",
    "quantile",
    "row_log_p",
    "sample",
    "score",
    "score_parts",
    "table",
    "tails",
    "terms",
]


class _Tasks(ModuleType):
    """Shows the function where a file has the name of its function."""

    @override
    def __setattr__(self, name: str, value: Any) -> None:
        """Sets an attribute, but for the file that an import sets."""
        if not (name in _HOMES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Tasks
__getattr__ = imported_on_use(__name__, _HOMES)


def __dir__() -> list[str]:
    return list(__all__)
