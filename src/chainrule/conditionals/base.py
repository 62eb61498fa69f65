"""What every conditional p(one column | its parameters) promises."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import torch

from chainrule.conditionals.encodings import AbstractEncoding
from chainrule.conditionals.leaf import AbstractLeaf
from chainrule.errors import ChainruleError

BISECTIONS = 90  # halvings of a quantile's bracket: more than float64 can tell apart


class AbstractConditional(AbstractLeaf, ABC):
    """The family of distributions of one column: a frozen value without parameters of its own.

    A network computes the parameters; the conditional turns them into likelihoods and draws. Shapes: ``params`` is
    (..., param_width), a cell's value ``x`` is (...). A value outside the support has log-likelihood −inf where the
    conditional can tell. How other columns see a value is an encoding's concern: ``encoding`` is the default one.
    """

    @property
    @abstractmethod
    def is_discrete(self) -> bool:
        """Whether ``log_prob`` is of a mass; otherwise, of a density in the units of codes."""

    @property
    @abstractmethod
    def param_width(self) -> int:
        """How many numbers from the network describe the distribution of a cell."""

    @abstractmethod
    def encoding(self) -> AbstractEncoding:
        """How other columns see a value where nobody says otherwise."""

    @abstractmethod
    def log_prob(self, params: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """Log-likelihood of values x (...) under params (..., param_width), in nats."""

    @abstractmethod
    def sample(self, params: torch.Tensor, uniforms: torch.Tensor, temperature: float = 1.0) -> torch.Tensor:
        """Values (...) drawn from params (..., param_width) by uniforms (...) on [0, 1), one for each."""

    @abstractmethod
    def mean(self, params: torch.Tensor) -> torch.Tensor:
        """Expected value (...)."""

    @abstractmethod
    def mode(self, params: torch.Tensor) -> torch.Tensor:
        """Most probable value (...)."""

    @abstractmethod
    def initial_params(self, x: torch.Tensor) -> torch.Tensor:
        """Parameters (D, param_width), each row fitted to one column of the codes x (N, D) alone."""

    @abstractmethod
    def support(self) -> tuple[float, ...] | None:
        """Every code a cell can take, or None where they cannot be listed."""

    def multiplicities(self) -> tuple[int, ...] | None:
        """How many values of the table share each code of the support; probabilities are of one of them."""
        values = self.support()
        return None if values is None else (1,) * len(values)

    def candidates(self) -> tuple[float, ...] | None:
        """The codes among which the most probable value is, or None where they cannot be listed."""
        return self.support()

    @property
    def is_listed(self) -> bool:
        """Whether values are a few labels: every expectation is then a sum over the support, which ``quadrature`` gives."""
        return False

    @property
    def is_saturated(self) -> bool:
        """Whether every distribution over the support is in the family; ``params_of`` then gives its parameters."""
        return False

    @property
    def is_ordered(self) -> bool:
        """Whether values have an order, so that there are ``cdf`` and ``quantile``."""
        return True

    @property
    def atoms(self) -> tuple[float, ...]:
        """Values with a probability of their own beside a density, or on top of other masses."""
        return ()

    @property
    def components(self) -> int:
        """How many components the mixture over numbers has; 0 where there is none."""
        return 0

    def params_of(self, logs: torch.Tensor) -> torch.Tensor:
        """Parameters (..., param_width) of the distribution whose log-probabilities of the support are (..., V).

        They may be off by one constant a row. Only a saturated family has them.
        """
        raise ChainruleError(f"{self!r} has not every distribution over its support, so no parameters of any")

    @property
    def batch_key(self) -> Hashable:
        """What conditionals have in common whose columns ``log_prob_columns`` scores in one call."""
        return self

    def log_prob_columns(
        self, conditionals: Sequence[Any], params: Sequence[torch.Tensor], x: torch.Tensor
    ) -> torch.Tensor:
        """Log-likelihoods (N, C) of codes x (N, C) of C columns, each with its conditional and its params (N, width).

        The conditionals have one batch key; the method is called on any of them.
        """
        return self.log_prob(torch.stack(list(params), dim=1), x)

    @property
    def placeholder(self) -> float:
        """A code inside the support, to stand where a cell is unknown."""
        return 0.0

    def entropy(self, params: torch.Tensor) -> torch.Tensor:
        """Entropy (...) in nats."""
        raise ChainruleError(f"{self!r} has an entropy without closed form; average −log_prob over draws instead")

    def cdf(self, params: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """P(value <= x), (...)."""
        raise ChainruleError(f"{self!r} has no order among its values, so no distribution function; use log_prob")

    def quantile(self, params: torch.Tensor, q: torch.Tensor) -> torch.Tensor:
        """The smallest value whose cdf is at least q (...), for q within (0, 1)."""
        raise ChainruleError(f"{self!r} has no order among its values, so no quantiles; use log_prob or mode")

    def quadrature(self, params: torch.Tensor, thinned: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
        """Values (..., Q) and weights (..., Q) with E[f(value)] ≈ Σ weight · f(value); exact where ``is_listed``.

        Elsewhere there are about a ``thinned``-th as many values as there could be.
        """
        support, times = self.support(), self.multiplicities()
        if support is None or times is None:
            raise ChainruleError(f"{self!r} has values that cannot be listed, and no quadrature")
        values = params.new_tensor(support).expand(*params.shape[:-1], -1)
        return values, self.log_prob(params[..., None, :], values).exp() * params.new_tensor(times)

    def tail_bound(self, params: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """Lower bound (...) on P(value at most as likely as x): the components' weighted tail mass beyond x.

        Zero for conditionals that are not mixtures.
        """
        return torch.zeros_like(x)


def bisect(
    cdf: Callable[[torch.Tensor], torch.Tensor],
    q: torch.Tensor,
    low: torch.Tensor,
    high: torch.Tensor,
    *,
    whole: bool = False,
) -> torch.Tensor:
    """The smallest value (...) above ``low`` and up to ``high`` whose cdf is at least q (...); ``whole`` for integers."""
    for _ in range(BISECTIONS):
        middle = low + (high - low) / 2
        middle = middle.floor() if whole else middle
        below = cdf(middle) < q
        low, high = torch.where(below, middle, low), torch.where(below, high, middle)
    return high
