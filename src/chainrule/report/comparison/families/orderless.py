"""Orderless NADE: one network for all orders of the columns."""

from __future__ import annotations

import torch
from typing_extensions import override

from chainrule.networks import OrderlessNADE
from chainrule.report.comparison.abstraction import Represent
from chainrule.report.comparison.claims import Claims
from chainrule.report.comparison.data import Data
from chainrule.report.comparison.effort import Effort
from chainrule.report.comparison.families.base import AbstractExactFamily, Fitted
from chainrule.report.comparison.families.descent import descended

LEARNING_RATE = 1e-3


class Orderless(AbstractExactFamily[OrderlessNADE]):
    """A NADE that is trained on random orders, with two hidden layers."""

    name, title = "orderless", "orderless NADE"
    is_in_table = True
    is_autoregressive = True

    @override
    def fit(
        self, data: Data, effort: Effort, *, generator: torch.Generator, progress: bool = True
    ) -> Fitted[OrderlessNADE]:
        return descended(
            OrderlessNADE(data.columns, (effort.hidden_size,) * 2, generator=generator),
            data,
            effort,
            learning_rate=LEARNING_RATE,
            what="the mean of −log p over orders",
            title=self.title,
            generator=generator,
            progress=progress,
        )

    @override
    def represent(self, network: OrderlessNADE) -> dict[str, Represent]:
        return {"hidden vector given all columns": network.features}

    @override
    def objective(self, network: OrderlessNADE, claims: Claims, effort: Effort) -> str:
        return "an unbiased estimate of −log p over all orders"
