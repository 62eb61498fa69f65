"""The Bernoulli conditional: one logit per cell, values 0 and 1."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional as F

from chainrule.conditionals.base import AbstractConditional
from chainrule.conditionals.encodings import Identity


@dataclass(frozen=True)
class Bernoulli(AbstractConditional):
    """p(x = 1) = σ(z), one logit z per cell; the lecture's output unit.

    Likelihoods are computed from the logit, never from the probability, and nothing is clamped: a surprise of 80 nats
    is reported as 80 nats.

    Examples:
        >>> Bernoulli().log_prob(torch.tensor([[80.0]]), torch.tensor([0.0]))
        tensor([-80.])
    """

    @property
    def is_discrete(self) -> bool:
        """Masses."""
        return True

    @property
    def is_listed(self) -> bool:
        """Two labels."""
        return True

    @property
    def is_saturated(self) -> bool:
        """The logit is free."""
        return True

    @property
    def param_width(self) -> int:
        """One: the logit of value 1."""
        return 1

    def encoding(self) -> Identity:
        """The bit itself."""
        return Identity()

    def log_prob(self, params: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """x log σ(z) + (1 − x) log σ(−z) for x in {0, 1}, as the single term log σ((2x − 1) z), (...) nats."""
        return F.logsigmoid((2 * x - 1) * params.squeeze(-1))

    def sample(self, params: torch.Tensor, uniforms: torch.Tensor, temperature: float = 1.0) -> torch.Tensor:
        """1 where the uniform lies below σ(z / temperature), else 0."""
        return (uniforms < torch.sigmoid(params[..., 0] / temperature)).to(params.dtype)

    def mean(self, params: torch.Tensor) -> torch.Tensor:
        """σ(z)."""
        return torch.sigmoid(params[..., 0])

    def mode(self, params: torch.Tensor) -> torch.Tensor:
        """The likelier value; 0 where both are equally likely."""
        return (params[..., 0] > 0).to(params.dtype)

    def entropy(self, params: torch.Tensor) -> torch.Tensor:
        """−Σ p log p over both values, (...) nats."""
        z = params[..., 0]
        p = torch.sigmoid(z)
        return -(p * F.logsigmoid(z) + (1 - p) * F.logsigmoid(-z))

    def cdf(self, params: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """0 below 0, σ(−z) below 1, then 1."""
        return torch.where(x < 0, 0.0, torch.where(x < 1, torch.sigmoid(-params[..., 0]), 1.0))

    def quantile(self, params: torch.Tensor, q: torch.Tensor) -> torch.Tensor:
        """0 for q up to σ(−z), then 1."""
        return (q > torch.sigmoid(-params[..., 0])).to(params.dtype)

    def initial_params(self, x: torch.Tensor) -> torch.Tensor:
        """Log-odds (D, 1) of each column's ones, smoothed by half a count of each value, so that constants stay finite."""
        ones = x.sum(0, dtype=torch.float64)
        odds = (ones + 0.5) / (x.shape[0] - ones + 0.5)
        return odds.log()[:, None].to(x.dtype)

    def support(self) -> tuple[float, ...]:
        """0 and 1."""
        return (0.0, 1.0)

    def params_of(self, logs: torch.Tensor) -> torch.Tensor:
        """log p(1) − log p(0), (..., 1)."""
        return logs[..., 1:] - logs[..., :1]
