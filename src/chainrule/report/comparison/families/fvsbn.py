"""Logistic autoregression: each column is a generalised linear model of the earlier ones."""

from __future__ import annotations

import torch
from typing_extensions import override

from chainrule.baselines import FVSBN
from chainrule.report.comparison.data import Data
from chainrule.report.comparison.effort import Effort
from chainrule.report.comparison.families.base import AbstractExactFamily, Fitted
from chainrule.report.comparison.families.descent import descended

LEARNING_RATE = 3e-3


class LogisticAutoregression(AbstractExactFamily[FVSBN]):
    """A fully visible sigmoid belief network."""

    name, title = "fvsbn", "logistic autoregression (FVSBN)"
    is_autoregressive = True

    @override
    def fit(
        self, data: Data, effort: Effort, *, generator: torch.Generator, progress: bool = True
    ) -> Fitted[FVSBN]:
        return descended(
            FVSBN(data.columns),
            data,
            effort,
            learning_rate=LEARNING_RATE,
            what="−log p",
            title=self.title,
            generator=generator,
            progress=progress,
        )
