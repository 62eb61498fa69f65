"""What all exact baselines share: one order, a loss that is the likelihood, and unless they say otherwise no representation."""

from __future__ import annotations

import torch

from chainrule.baselines.saved import AbstractSaved
from chainrule.networks.base import check_pool
from chainrule.networks.fixed_order import AbstractParametric


class AbstractBaseline(AbstractParametric, AbstractSaved):
    """An exact density to compare a network with; of those that learn by counting, ``initialize_from`` is the whole fit."""

    def features(self, x: torch.Tensor, pool: str = "last") -> torch.Tensor:
        """The codes themselves, (N, D), whatever the pool."""
        check_pool(pool)
        return self.check_rows(x)

    def training_loss(
        self, x: torch.Tensor, observed: torch.Tensor | None = None, generator: torch.Generator | None = None
    ) -> torch.Tensor:
        """−log_prob, (N,) nats; draws nothing."""
        return -self.log_prob(x, observed)
