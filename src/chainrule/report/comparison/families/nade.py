"""NADE: one hidden vector per column, all with the same weights."""

from __future__ import annotations

import torch
from typing_extensions import override

from chainrule.networks import NADE
from chainrule.report.comparison.abstraction import Represent
from chainrule.report.comparison.claims import Claims
from chainrule.report.comparison.data import Data
from chainrule.report.comparison.effort import Effort
from chainrule.report.comparison.families.base import AbstractExactFamily, Fitted
from chainrule.report.comparison.families.descent import POOLS, descended

INPUT_DROPOUT = 0.1
MANY_STEPS = 5000  # over bits, longer training gets half the learning rate


class Nade(AbstractExactFamily[NADE]):
    """The neural autoregressive distribution estimator."""

    name, title = "nade", "NADE"
    compiles = True
    is_in_table = True
    is_autoregressive = True

    @override
    def fit(
        self, data: Data, effort: Effort, *, generator: torch.Generator, progress: bool = True
    ) -> Fitted[NADE]:
        network = NADE(
            data.columns, effort.hidden_size, input_dropout=INPUT_DROPOUT, generator=generator
        )
        steps = effort.training_steps(len(data.train))
        return descended(
            network,
            data,
            effort,
            learning_rate=_learning_rate(steps, over_bits=data.columns.is_binary),
            what=f"−log p, input dropout of {network.input_dropout:g}",
            title=self.title,
            generator=generator,
            progress=progress,
        )

    @override
    def represent(self, network: NADE) -> dict[str, Represent]:
        return {
            title: lambda x, pool=pool: network.features(x, pool) for pool, title in POOLS.items()
        }

    @override
    def objective(self, network: NADE, claims: Claims, effort: Effort) -> str:
        return f"−log p, with input dropout of {network.input_dropout:g}"


def _learning_rate(steps: int, *, over_bits: bool) -> float:
    if not over_bits:
        return 2e-3
    return 5e-3 if steps > MANY_STEPS else 1e-2
