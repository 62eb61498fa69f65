"""What every conditional p(one column | its parameters) promises."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch

from chainrule.rng import uniforms


class AbstractConditional(ABC):
    """The family of distributions of one column: a frozen value without parameters of its own.

    A network computes the parameters; the conditional turns them into likelihoods and draws. Shapes: ``params`` is
    (..., param_width), a cell's value ``x`` is (...), an encoded input is (..., input_width).
    """

    @property
    @abstractmethod
    def input_width(self) -> int:
        """How many numbers encode a cell where it is evidence for later columns."""

    @property
    @abstractmethod
    def param_width(self) -> int:
        """How many numbers from the network describe the distribution of a cell."""

    @abstractmethod
    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """Values (...) as network inputs (..., input_width)."""

    @abstractmethod
    def log_prob(self, params: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """Log-likelihood of values x (...) under params (..., param_width), in nats."""

    @abstractmethod
    def sample(self, params: torch.Tensor, uniforms: torch.Tensor, temperature: float = 1.0) -> torch.Tensor:
        """Values (...) drawn from params (..., param_width) by uniforms (...) on [0, 1)."""

    @abstractmethod
    def mean(self, params: torch.Tensor) -> torch.Tensor:
        """Expected value (...)."""

    @abstractmethod
    def mode(self, params: torch.Tensor) -> torch.Tensor:
        """Most probable value (...)."""

    @abstractmethod
    def entropy(self, params: torch.Tensor) -> torch.Tensor:
        """Entropy (...) in nats."""

    @abstractmethod
    def initial_params(self, x: torch.Tensor) -> torch.Tensor:
        """Parameters (D, param_width), each row fitted to one column of the codes x (N, D) alone."""

    @abstractmethod
    def support(self) -> tuple[float, ...] | None:
        """Every value a cell can take, or None where they cannot be listed."""

    @abstractmethod
    def to_json(self) -> dict[str, object]:
        """What a file needs to rebuild this conditional; ``kind`` names the class."""


@dataclass(frozen=True)
class Distribution:
    """One column's conditional with its parameters bound: N distributions, one per row.

    Examples:
        >>> from chainrule.conditionals.bernoulli import Bernoulli
        >>> Distribution(Bernoulli(), torch.tensor([[0.0]])).mean()
        tensor([0.5000])
    """

    conditional: AbstractConditional
    params: torch.Tensor  # (N, param_width)

    def log_prob(self, x: torch.Tensor) -> torch.Tensor:
        """Log-likelihood (N,) of values x (N,), in nats."""
        return self.conditional.log_prob(self.params, x)

    def sample(self, generator: torch.Generator | None = None, *, temperature: float = 1.0) -> torch.Tensor:
        """Values (N,), one per row; None draws from a fresh generator."""
        uniform = uniforms(1, len(self.params), generator)[0].to(self.params.device)
        return self.conditional.sample(self.params, uniform, temperature)

    def mean(self) -> torch.Tensor:
        """Expected value (N,)."""
        return self.conditional.mean(self.params)

    def mode(self) -> torch.Tensor:
        """Most probable value (N,)."""
        return self.conditional.mode(self.params)

    def entropy(self) -> torch.Tensor:
        """Entropy (N,) in nats."""
        return self.conditional.entropy(self.params)
