"""MADE: an autoencoder with masked weights, all conditionals in one pass."""

from __future__ import annotations

import torch
from typing_extensions import override

from chainrule.networks import MADE
from chainrule.report.comparison.abstraction import Represent
from chainrule.report.comparison.data import Data
from chainrule.report.comparison.effort import Effort
from chainrule.report.comparison.families.base import AbstractExactFamily, Fitted
from chainrule.report.comparison.families.descent import POOLS, descended

LEARNING_RATE = 1e-3


class Made(AbstractExactFamily[MADE]):
    """The masked autoencoder for distribution estimation, with two hidden layers."""

    name, title = "made", "MADE"
    is_in_table = True
    is_autoregressive = True

    @override
    def fit(
        self, data: Data, effort: Effort, *, generator: torch.Generator, progress: bool = True
    ) -> Fitted[MADE]:
        return descended(
            MADE(data.columns, (effort.hidden_size,) * 2, generator=generator),
            data,
            effort,
            learning_rate=LEARNING_RATE,
            what="−log p",
            title=self.title,
            generator=generator,
            progress=progress,
        )

    @override
    def represent(self, network: MADE) -> dict[str, Represent]:
        return {
            title: lambda x, pool=pool: network.features(x, pool) for pool, title in POOLS.items()
        }
