"""A distribution that other columns see through more inputs than the value itself."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import torch

from chainrule.conditionals.base import AbstractConditional
from chainrule.errors import ShapeError


@dataclass(frozen=True)
class AbstractSeen(AbstractConditional):
    """The base's distribution; its inputs, and more of them made of the value.

    Likelihoods and draws are the base's alone. A leaf says how many inputs it adds, and which.
    """

    base: AbstractConditional

    def __post_init__(self) -> None:
        if not isinstance(self.base, AbstractConditional) or isinstance(self.base, type(self)):
            raise ShapeError(f"base = {self.base!r}: pass a conditional of numbers")

    @property
    @abstractmethod
    def added(self) -> int:
        """How many inputs are added to the base's."""

    @abstractmethod
    def seen(self, x: torch.Tensor) -> torch.Tensor:
        """The added inputs (..., added) of values x (...)."""

    @property
    def unseen(self) -> AbstractConditional:
        """The base's."""
        return self.base.unseen

    @property
    def components(self) -> int:
        """The base's."""
        return self.base.components

    @property
    def is_discrete(self) -> bool:
        """As the base."""
        return self.base.is_discrete

    @property
    def input_width(self) -> int:
        """The base's inputs, and the added ones."""
        return self.base.input_width + self.added

    @property
    def param_width(self) -> int:
        """The base's."""
        return self.base.param_width

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """The base's inputs, then the added ones (..., input_width)."""
        return torch.cat([self.base.encode(x), self.seen(x)], dim=-1)

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

    def quadrature(self, params: torch.Tensor, thinned: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
        """The base's."""
        return self.base.quadrature(params, thinned)

    def cdf(self, params: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """The base's."""
        return self.base.cdf(params, x)

    def farther(self, params: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """The base's."""
        return self.base.farther(params, x)

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
