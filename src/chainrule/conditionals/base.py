"""The interface of every conditional p(one column | its parameters)."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Hashable, Sequence
from typing import Any

import torch

from chainrule.conditionals.encodings import AbstractEncoding
from chainrule.conditionals.quadrature import gauss_legendre
from chainrule.conditionals.search import Search, searched
from chainrule.conditionals.within import Within, of_rows
from chainrule.errors import ChainruleError
from chainrule.leaves.leaf import AbstractLeaf


class AbstractConditional(AbstractLeaf, ABC):
    """The family of distributions of one column: a frozen value without learned parameters.

    A network computes the parameters; the conditional turns them into likelihoods and draws.
    Shapes: ``params`` is (..., param_width), a cell's value ``x`` is (...). A value outside the
    support has log-likelihood −inf if the conditional can check it. Encodings, not conditionals,
    define how other columns see a value; ``encoding`` is the default one.
    """

    @property
    @abstractmethod
    def is_discrete(self) -> bool:
        """Whether ``log_prob`` is a log-mass; otherwise it is a log-density per unit of codes."""

    @property
    @abstractmethod
    def param_width(self) -> int:
        """Number of network outputs that describe the distribution of one cell."""

    @abstractmethod
    def encoding(self) -> AbstractEncoding:
        """The default encoding: how other columns see a value."""

    @abstractmethod
    def log_prob(self, params: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """Log-likelihood of values x (...) under params (..., param_width), in nats."""

    @abstractmethod
    def sample(
        self, params: torch.Tensor, uniforms: torch.Tensor, temperature: float = 1.0
    ) -> torch.Tensor:
        """Draws values (...) from params (..., param_width) by uniforms (...) on [0, 1)."""

    @abstractmethod
    def mean(self, params: torch.Tensor) -> torch.Tensor:
        """Expected value (...)."""

    @abstractmethod
    def mode(self, params: torch.Tensor) -> torch.Tensor:
        """Most probable value (...)."""

    @abstractmethod
    def initial_params(self, x: torch.Tensor) -> torch.Tensor:
        """Parameters (D, param_width); row d is fitted to column d of the codes x (N, D) alone."""

    @abstractmethod
    def support(self) -> tuple[float, ...] | None:
        """Every code that a cell can take; None if they cannot be listed."""

    def multiplicities(self) -> tuple[int, ...] | None:
        """How many values of the table share each code of the support.

        Probabilities are those of a single value. None if the support cannot be listed.
        """
        values = self.support()
        return None if values is None else (1,) * len(values)

    def log_support(self, params: torch.Tensor) -> torch.Tensor:
        """Log-likelihoods (..., V) of every code of the support under params (..., param_width).

        Raises:
            ChainruleError: the support cannot be listed.
        """
        support = self.support()
        if support is None:
            raise ChainruleError(f"the values of {self} cannot be listed")
        values = params.new_tensor(support).expand(*params.shape[:-1], -1)
        return self.log_prob(params[..., None, :], values)

    def candidates(self) -> tuple[float, ...] | None:
        """Codes that can be the most probable value; None if they cannot be listed."""
        return self.support()

    @property
    def is_listed(self) -> bool:
        """Whether the values are a short list of labels.

        ``quadrature`` then sums over all of them.
        """
        return False

    @property
    def is_saturated(self) -> bool:
        """Whether the family contains every distribution over the support.

        ``params_of`` then gives the parameters of each.
        """
        return False

    @property
    def is_ordered(self) -> bool:
        """Whether values have an order; only then are there ``cdf`` and ``quantile``."""
        return True

    @property
    def atoms(self) -> tuple[float, ...]:
        """Values with a probability of their own, beside a density or on top of other masses."""
        return ()

    @property
    def limits(self) -> tuple[float, float]:
        """The smallest and the largest code with any mass; infinite where there is no end."""
        return -math.inf, math.inf

    @property
    def evidence_slots(self) -> tuple[int, ...]:
        """The positions of parameters that no network learns.

        They are computed from the given cells of a row, by the column's relations, in this order.
        """
        return ()

    @property
    def component_count(self) -> int:
        """Number of components of the mixture over numbers; 0 if the conditional is no mixture."""
        return 0

    def params_of(self, logs: torch.Tensor) -> torch.Tensor:
        """Parameters (..., param_width) that give the support log-probabilities (..., V).

        Each row of log-probabilities may be off by a constant. Only saturated families have this
        method.
        """
        raise ChainruleError(
            f"{self!r} does not contain every distribution over its support, so params_of is "
            "undefined"
        )

    @property
    def batch_key(self) -> Hashable:
        """A key shared by the conditionals that ``log_prob_columns`` can score in one call."""
        return self

    def log_prob_columns(
        self, conditionals: Sequence[Any], params: Sequence[torch.Tensor], x: torch.Tensor
    ) -> torch.Tensor:
        """Log-likelihoods (N, C) of codes x (N, C) of C columns, by the conditional of each.

        All conditionals share one batch key, and any of them may be asked. Params are (N, width)
        each.
        """
        return self.log_prob(torch.stack(list(params), dim=1), x)

    @property
    def placeholder(self) -> float:
        """A code within the support that fills the input of an unknown cell."""
        return 0.0

    def entropy(self, params: torch.Tensor) -> torch.Tensor:
        """Entropy (...) in nats."""
        raise ChainruleError(
            f"{self!r} has an entropy without closed form; average −log_prob over draws instead"
        )

    def cdf(self, params: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """P(value <= x), (...)."""
        raise ChainruleError(
            f"{self!r} has no order among its values, so no distribution function; use log_prob"
        )

    def log_between(
        self, params: torch.Tensor, low: torch.Tensor, high: torch.Tensor
    ) -> torch.Tensor:
        """log P(low <= value <= high), (...), of a column with an order.

        Ends are codes, low at most high; they may be infinite. By default, values are whole.
        """
        exact = params.double()  # the difference of two numbers cancels
        is_open, is_endless = low == -torch.inf, high == torch.inf
        # An infinite end is replaced before the formula, so that gradients stay finite.
        low, high = torch.where(is_open, 0.0, low.double()), torch.where(is_endless, 0.0, high)
        below = torch.where(is_open, 0.0, self.cdf(exact, low - 1))
        mass = torch.where(is_endless, 1.0, self.cdf(exact, high.double())) - below
        return mass.clamp(min=1e-300).log().to(params.dtype)

    def quantile_between(
        self, params: torch.Tensor, q: torch.Tensor, low: torch.Tensor, high: torch.Tensor
    ) -> torch.Tensor:
        """The quantiles (...) at levels q (...) of the distribution truncated to [low, high]."""
        has_lower = low > self.limits[0]  # infinite codes have no time of day
        before = torch.where(has_lower, low - 1, self.placeholder)
        below = torch.where(has_lower, self.cdf(params, before), 0.0)
        mass = self.log_between(params, low, high).exp()
        level = (below + q * mass).clamp(torch.finfo(q.dtype).tiny, 1 - torch.finfo(q.dtype).eps)
        return torch.minimum(torch.maximum(self.quantile(params, level), low), high)

    def within(self, params: torch.Tensor, low: torch.Tensor, high: torch.Tensor) -> Within:
        """The distribution truncated to [low, high]: its log-mass (...), and its draws.

        By default, draws are quantiles.
        """

        def draw(uniforms: torch.Tensor, rows: torch.Tensor | None = None) -> torch.Tensor:
            some, first, last = (of_rows(each, rows) for each in (params, low, high))
            return self.quantile_between(some, uniforms.to(params.dtype), first, last)

        return Within(self.log_between(params, low, high), draw)

    def points_between(
        self, params: torch.Tensor, low: torch.Tensor, high: torch.Tensor, count: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """About ``count`` values and weights (..., any) of the distribution within [low, high].

        By default, they are its quantiles at the levels of a Gauss–Legendre rule.
        """
        levels, weights = (params.new_tensor(each) for each in gauss_legendre(count))
        shape = (*low.shape, count)
        ends = low[..., None].expand(shape), high[..., None].expand(shape)
        rest = params[..., None, :].expand(*shape, -1)
        return self.quantile_between(rest, levels.expand(shape), *ends), weights.expand(shape)

    def with_listed_draws(self) -> AbstractConditional:
        """This conditional, drawing only listed labels if it has any."""
        return self

    def quantile(self, params: torch.Tensor, q: torch.Tensor) -> torch.Tensor:
        """The smallest value (...) whose cdf is at least q (...), for q within (0, 1)."""
        flat = params.reshape(-1, 1, params.shape[-1])
        search = self.search(flat, flat.new_zeros(len(flat), 1), q.reshape(-1))
        if search is None:
            raise ChainruleError(
                f"{self!r} has no order among its values, so no quantiles; use log_prob or mode"
            )
        return searched([search])[0].reshape(q.shape).to(params.dtype)

    def search(
        self, params: torch.Tensor, log_weight: torch.Tensor, q: torch.Tensor
    ) -> Search | None:
        """The search for the quantiles (N,) at levels q (N,) of mixtures of this family.

        It is None if values have no order, or a quantile needs no search.

        Args:
            params: the parameters of M components, (N, M, param_width).
            log_weight: logarithms of their weights, (N, M).
            q: levels (N,) within (0, 1).
        """
        return None

    def quadrature(
        self, params: torch.Tensor, thinned: int = 1
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Values (..., Q) and weights (..., Q) with E[f(value)] ≈ Σ weight · f(value).

        The sum is exact if ``is_listed``. Otherwise ``thinned`` divides the number of values.
        """
        support, times = self.support(), self.multiplicities()
        if support is None or times is None:
            raise ChainruleError(f"{self!r} has values that cannot be listed, and no quadrature")
        values = params.new_tensor(support).expand(*params.shape[:-1], -1)
        return values, self.log_prob(params[..., None, :], values).exp() * params.new_tensor(times)

    def tail_bound(self, params: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """Lower bound (...) on P(value at most as likely as x): the components' tail mass beyond x.

        Zero for conditionals that are not mixtures.
        """
        return torch.zeros_like(x)
