"""What models with hidden variables share: no exact likelihood of a row, and an answer that says so."""

from __future__ import annotations

from abc import abstractmethod

import torch

from chainrule.baselines.saved import AbstractSaved
from chainrule.networks.answers import Estimate, LowerBound


class AbstractLatent(AbstractSaved):
    """A density over D columns of codes with hidden variables: p(x) is a sum or an integral over them that nobody can take.

    ``log_prob`` therefore returns an ``Estimate`` or a ``LowerBound``, never a bare tensor.
    """

    @abstractmethod
    def log_prob(self, x: torch.Tensor) -> Estimate | LowerBound:
        """log p(x) of each row, (N,) nats: estimated, or bounded from below."""

    @abstractmethod
    def sample(
        self,
        n: int,
        given: tuple[torch.Tensor, torch.Tensor] | None = None,
        temperature: float = 1.0,
        generator: torch.Generator | None = None,
    ) -> torch.Tensor:
        """n rows (n, D)."""

    def forward(self, x: torch.Tensor) -> Estimate | LowerBound:
        """``log_prob``, with its mark."""
        return self.log_prob(x)
