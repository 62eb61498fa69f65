"""Periodic: a base distribution whose values, as evidence, tell other columns where in a day, a week or a year they lie."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from chainrule.conditionals.base import AbstractConditional
from chainrule.errors import ShapeError


@dataclass(frozen=True)
class Periodic(AbstractConditional):
    """The base's distribution; its inputs, and a sine and cosine of the value for each period.

    Likelihoods and draws are the base's alone: periods are what other columns see of a value.

    Args:
        base: the conditional of the value.
        periods: lengths in the units of codes, such as 24 and 168 where a code is an hour.

    Examples:
        >>> from chainrule.conditionals import DiscretizedLogisticMixture
        >>> hour = Periodic(DiscretizedLogisticMixture(1), (24.0,))
        >>> hour.encode(torch.tensor([0.0, 6.0, 24.0]))[:, 1:].round(decimals=4).abs()
        tensor([[0., 1.],
                [1., 0.],
                [0., 1.]])
    """

    base: AbstractConditional
    periods: tuple[float, ...]

    def __post_init__(self) -> None:
        if not isinstance(self.base, AbstractConditional) or isinstance(self.base, Periodic):
            raise ShapeError(f"base = {self.base!r}: pass a conditional of numbers")
        if not isinstance(self.periods, list | tuple) or not all(
            isinstance(p, int | float) and 0 < p < math.inf for p in self.periods
        ):
            raise ShapeError(f"periods = {self.periods!r}: pass lengths above zero")
        object.__setattr__(self, "periods", tuple(float(p) for p in self.periods))

    @property
    def is_discrete(self) -> bool:
        """As the base."""
        return self.base.is_discrete

    @property
    def input_width(self) -> int:
        """The base's inputs, and two for each period."""
        return self.base.input_width + 2 * len(self.periods)

    @property
    def param_width(self) -> int:
        """The base's."""
        return self.base.param_width

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """The base's inputs, then sines, then cosines (..., input_width)."""
        periods = torch.tensor(self.periods, dtype=torch.float64, device=x.device)
        angle = 2 * math.pi * (x.double()[..., None] / periods).frac()  # (..., periods)
        return torch.cat([self.base.encode(x), angle.sin().to(x.dtype), angle.cos().to(x.dtype)], dim=-1)

    def log_prob(self, params: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """The base's."""
        return self.base.log_prob(params, x)

    def sample(self, params: torch.Tensor, uniforms: torch.Tensor, temperature: float = 1.0) -> torch.Tensor:
        """The base's."""
        return self.base.sample(params, uniforms, temperature)

    def mean(self, params: torch.Tensor) -> torch.Tensor:
        """The base's."""
        return self.base.mean(params)

    def mode(self, params: torch.Tensor) -> torch.Tensor:
        """The base's."""
        return self.base.mode(params)

    def entropy(self, params: torch.Tensor) -> torch.Tensor:
        """The base's."""
        return self.base.entropy(params)

    def quadrature(self, params: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The base's."""
        return self.base.quadrature(params)

    def cdf(self, params: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """The base's."""
        return self.base.cdf(params, x)

    def quantile(self, params: torch.Tensor, q: torch.Tensor) -> torch.Tensor:
        """The base's."""
        return self.base.quantile(params, q)

    def initial_params(self, x: torch.Tensor) -> torch.Tensor:
        """The base's."""
        return self.base.initial_params(x)

    def support(self) -> tuple[float, ...] | None:
        """The base's."""
        return self.base.support()

    def multiplicities(self) -> tuple[int, ...] | None:
        """The base's."""
        return self.base.multiplicities()

    @property
    def blank(self) -> float:
        """The base's."""
        return self.base.blank
