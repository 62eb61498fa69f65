"""The questions that a model answers: functions without state, one file each."""

from __future__ import annotations

from chainrule.arguments import QUANTILES
from chainrule.tasks.arrow import answer_arrow, answer_schema
from chainrule.tasks.asking.answers import Interval, Probability
from chainrule.tasks.calibrate import Calibration, row_log_p
from chainrule.tasks.coding import codes, table
from chainrule.tasks.compare import Comparison, compare
from chainrule.tasks.conditional import conditional
from chainrule.tasks.dependence import dependence
from chainrule.tasks.drift import HeldOutFigures, drift, figures_of_held_out
from chainrule.tasks.drifting.result import Change, Drift
from chainrule.tasks.expectation import expected_rows, mean, quantile
from chainrule.tasks.explain import (
    explain,
    oddest,
    oddest_of_parts,
    tails,
    terms,
)
from chainrule.tasks.features import features
from chainrule.tasks.impute import Imputed, impute
from chainrule.tasks.marginal import marginal
from chainrule.tasks.odd_rows import odd_rows
from chainrule.tasks.probability import probability
from chainrule.tasks.proofread import proofread, proofread_by
from chainrule.tasks.sample import sample
from chainrule.tasks.score import Parts, score, score_parts

__all__ = [
    "QUANTILES",
    "Calibration",
    "Change",
    "Comparison",
    "Drift",
    "HeldOutFigures",
    "Imputed",
    "Interval",
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
