"""The Bernoulli conditional: one logit per cell, values 0 and 1."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional as F
from typing_extensions import override

from chainrule.conditionals.base import AbstractConditional
from chainrule.conditionals.encodings import Identity


@dataclass(frozen=True)
class Bernoulli(AbstractConditional):
    """p(x = 1) = σ(z) with one logit z per cell: the lecture's output unit.

    Likelihoods are computed from the logit, never from the probability. Nothing is clamped: a
    surprise of 80 nats is reported as 80 nats.

    Examples:
        >>> Bernoulli().log_prob(torch.tensor([[80.0]]), torch.tensor([0.0]))
        tensor([-80.])
    """

    @property
    @override
    def is_discrete(self) -> bool:
        return True

    @property
    @override
    def limits(self) -> tuple[float, float]:
        return 0.0, 1.0

    @property
    @override
    def is_listed(self) -> bool:
        return True

    @property
    @override
    def is_saturated(self) -> bool:
        return True

    @property
    @override
    def param_width(self) -> int:
        return 1

    @override
    def encoding(self) -> Identity:
        return Identity()

    @override
    def log_prob(self, params: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """x log σ(z) + (1 − x) log σ(−z) for x in {0, 1}, computed as log σ((2x − 1) z)."""
        return F.logsigmoid((2 * x - 1) * params.squeeze(-1))

    @override
    def sample(
        self, params: torch.Tensor, uniforms: torch.Tensor, temperature: float = 1.0
    ) -> torch.Tensor:
        """1 where the uniform lies below σ(z / temperature), else 0."""
        return (uniforms < torch.sigmoid(params[..., 0] / temperature)).to(params.dtype)

    @override
    def mean(self, params: torch.Tensor) -> torch.Tensor:
        """σ(z)."""
        return torch.sigmoid(params[..., 0])

    @override
    def mode(self, params: torch.Tensor) -> torch.Tensor:
        """1 if z > 0, else 0."""
        return (params[..., 0] > 0).to(params.dtype)

    @override
    def entropy(self, params: torch.Tensor) -> torch.Tensor:
        """−Σ p log p over both values."""
        z = params[..., 0]
        p = torch.sigmoid(z)
        return -(p * F.logsigmoid(z) + (1 - p) * F.logsigmoid(-z))

    @override
    def cdf(self, params: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """0 below 0, σ(−z) below 1, then 1."""
        return torch.where(x < 0, 0.0, torch.where(x < 1, torch.sigmoid(-params[..., 0]), 1.0))

    @override
    def quantile(self, params: torch.Tensor, q: torch.Tensor) -> torch.Tensor:
        """0 for q up to σ(−z), then 1."""
        return (q > torch.sigmoid(-params[..., 0])).to(params.dtype)

    @override
    def initial_params(self, x: torch.Tensor) -> torch.Tensor:
        """Log-odds of each column's ones; half a count added to each value keeps them finite."""
        ones = x.sum(0, dtype=torch.float64)
        odds = (ones + 0.5) / (x.shape[0] - ones + 0.5)
        return odds.log()[:, None].to(x.dtype)

    @override
    def support(self) -> tuple[float, ...]:
        return (0.0, 1.0)

    @override
    def params_of(self, logs: torch.Tensor) -> torch.Tensor:
        """log p(1) − log p(0), (..., 1)."""
        return logs[..., 1:] - logs[..., :1]
