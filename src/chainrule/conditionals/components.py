"""The components of a mixture over numbers, in standardised units."""

from __future__ import annotations

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class BoundComponents:
    """The K components of a mixture with their parameters, each (..., K), in standardised units."""

    log_weight: torch.Tensor
    location: torch.Tensor
    scale: torch.Tensor

    def take(self, chosen: torch.Tensor) -> BoundComponents:
        """The chosen components (n,) by a mask (..., K), or the chosen rows (n, K) by numbers."""
        return BoundComponents(self.log_weight[chosen], self.location[chosen], self.scale[chosen])
