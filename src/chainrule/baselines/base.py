"""What all baselines of one order share: they learn by counting, and compute no representation."""

from __future__ import annotations

import torch

from chainrule.networks.base import check_pool
from chainrule.networks.fixed_order import AbstractParametric


class AbstractBaseline(AbstractParametric):
    """A density with nothing between codes and parameters; ``initialize_from`` is its whole fit."""

    def features(self, x: torch.Tensor, pool: str = "last") -> torch.Tensor:
        """The codes themselves, (N, D), whatever the pool."""
        check_pool(pool)
        return self.check_rows(x)

    def training_loss(
        self, x: torch.Tensor, observed: torch.Tensor | None = None, generator: torch.Generator | None = None
    ) -> torch.Tensor:
        """−log_prob, (N,) nats; draws nothing."""
        return -self.log_prob(x, observed)
