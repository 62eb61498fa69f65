"""What every conditional p(one column | its parameters) promises."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Sequence
from dataclasses import MISSING, dataclass, fields
from typing import Any

import torch

from chainrule.errors import ChainruleError, ShapeError
from chainrule.rng import uniforms

BISECTIONS = 90  # halvings of a quantile's bracket: more than float64 can tell apart


class AbstractConditional(ABC):
    """The family of distributions of one column: a frozen value without parameters of its own.

    A network computes the parameters; the conditional turns them into likelihoods and draws. Shapes: ``params`` is
    (..., param_width), a cell's value ``x`` is (...), an encoded input is (..., input_width). A value outside the
    support has log-likelihood −inf where the conditional can tell.
    """

    @property
    @abstractmethod
    def input_width(self) -> int:
        """How many numbers encode a cell where it is evidence for later columns."""

    @property
    @abstractmethod
    def is_discrete(self) -> bool:
        """Whether ``log_prob`` is of a mass; otherwise, of a density in the units of codes."""

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

    def is_evidence(self, x: torch.Tensor) -> torch.Tensor:
        """Whether values x (...) tell anything about other columns; bool."""
        return torch.ones_like(x, dtype=torch.bool)

    @property
    def unseen(self) -> AbstractConditional:
        """A conditional of the same likelihood, without what is only told to other columns: equal ones are scored together."""
        return self

    @property
    def family(self) -> Hashable:
        """Conditionals of one family are scored by one call of ``log_prob_each``, however many columns they are."""
        return self

    def log_prob_each(self, family: Sequence[Any], params: Sequence[torch.Tensor], x: torch.Tensor) -> torch.Tensor:
        """Log-likelihoods (N, C) of codes x (N, C), each under the family's member of its column and its params (N, width).

        Called on any member of the family.
        """
        return self.log_prob(torch.stack(list(params), dim=1), x)

    @property
    def is_one_hot(self) -> bool:
        """Whether ``encode`` sets one input, that of the code, so that a row of weights can be looked up instead."""
        return False

    @property
    def blank(self) -> float:
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
        """Values (..., M) and weights (..., M) with E[f(value)] ≈ Σ weight · f(value); exact where values can be listed.

        Where they cannot, there are about a ``thinned``-th as many values as there could be.
        """
        support, times = self.support(), self.multiplicities()
        if support is None or times is None:
            raise ChainruleError(f"{self!r} has values that cannot be listed, and no quadrature")
        values = params.new_tensor(support).expand(*params.shape[:-1], -1)
        return values, self.log_prob(params[..., None, :], values).exp() * params.new_tensor(times)

    def farther(self, params: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """Of a mixture Σ_k w_k P(part k lies farther out than x, on its side), (...), which bounds the probability of values
        no likelier than one in no part's midst from below; of other conditionals 0."""
        return torch.zeros_like(x)

    def to_json(self) -> dict[str, object]:
        """What a file needs to rebuild this conditional: the class as ``kind``, and the fields that are not the default."""
        spec: dict[str, object] = {"kind": type(self).__name__}
        for field in fields(self):  # type: ignore[arg-type]  # every leaf is a dataclass
            value = getattr(self, field.name)
            if field.default is MISSING or value != field.default:
                spec[field.name] = value.to_json() if isinstance(value, AbstractConditional) else _listed(value)
        return spec


def _listed(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


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

    def cdf(self, x: torch.Tensor) -> torch.Tensor:
        """P(value <= x), (N,)."""
        return self.conditional.cdf(self.params, x)

    def quantile(self, q: torch.Tensor | float) -> torch.Tensor:
        """The smallest value (N,) whose cdf is at least q, one for all or (N,)."""
        levels = torch.as_tensor(q, dtype=torch.float64, device=self.params.device).expand(len(self.params))
        if not bool(((levels > 0) & (levels < 1)).all()):
            raise ShapeError(f"q = {q!r}: quantiles are for numbers above 0 and below 1")
        return self.conditional.quantile(self.params, levels)

    def mean(self) -> torch.Tensor:
        """Expected value (N,)."""
        return self.conditional.mean(self.params)

    def mode(self) -> torch.Tensor:
        """Most probable value (N,)."""
        return self.conditional.mode(self.params)

    def entropy(self) -> torch.Tensor:
        """Entropy (N,) in nats, where it has a closed form."""
        return self.conditional.entropy(self.params)

    def quadrature(self, thinned: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
        """Values and weights, (N, M) each, with E[f(value)] ≈ Σ weight · f(value); as the conditional's."""
        return self.conditional.quadrature(self.params, thinned)

    def farther(self, x: torch.Tensor) -> torch.Tensor:
        """The parts' probability (N,) of lying farther out than values x (N,), each on its side; 0 where there are no parts."""
        return self.conditional.farther(self.params, x)

    def at(self, x: torch.Tensor) -> torch.Tensor:
        """Log-likelihoods (N, M) of M values for each row, in nats."""
        return self.conditional.log_prob(self.params[:, None], x)


@dataclass(frozen=True)
class MixtureDistribution:
    """One column's distribution as a mixture of others, each weighted row by row: what an ensemble says of a column.

    Examples:
        >>> from chainrule.conditionals.bernoulli import Bernoulli
        >>> parts = tuple(Distribution(Bernoulli(), torch.tensor([[z]])) for z in (-800.0, 0.0))
        >>> MixtureDistribution(torch.tensor([[0.5, 0.5]]).log(), parts).mean()
        tensor([0.2500])
    """

    log_weight: torch.Tensor  # (N, M), each row a distribution
    parts: tuple[Distribution, ...]  # M, of one column

    @property
    def conditional(self) -> AbstractConditional:
        """The family that all parts are of."""
        return self.parts[0].conditional

    def log_prob(self, x: torch.Tensor) -> torch.Tensor:
        """Log-likelihood (N,) of values x (N,), in nats: log-mean-exp, never a mean of logits."""
        return (self.log_weight + self._stack(lambda part: part.log_prob(x))).logsumexp(1)

    def sample(self, generator: torch.Generator | None = None, *, temperature: float = 1.0) -> torch.Tensor:
        """Values (N,): a part, then its draw."""
        uniform = uniforms(2, len(self.log_weight), generator).to(self.log_weight.device)
        chosen = choose_part(self.log_weight / temperature, uniform[0])
        drawn = self._stack(lambda part: part.conditional.sample(part.params, uniform[1], temperature))
        return drawn.gather(1, chosen[:, None])[:, 0]

    def cdf(self, x: torch.Tensor) -> torch.Tensor:
        """P(value <= x), (N,)."""
        return (self.log_weight.exp() * self._stack(lambda part: part.cdf(x))).sum(1)

    def quantile(self, q: torch.Tensor | float) -> torch.Tensor:
        """The smallest value (N,) whose cdf is at least q, by bisection between the parts' own."""
        q = torch.as_tensor(q, dtype=self.log_weight.dtype, device=self.log_weight.device).expand(len(self.log_weight))
        whole = self.conditional.is_discrete
        ends = self._stack(lambda part: part.quantile(q))  # (N, M): below their least no part has reached q
        low, high = ends.amin(1) - int(whole), ends.amax(1)
        for _ in range(BISECTIONS):
            middle = low + (high - low) / 2
            middle = middle.floor() if whole else middle
            below = self.cdf(middle) < q
            low, high = torch.where(below, middle, low), torch.where(below, high, middle)
        return high

    def mean(self) -> torch.Tensor:
        """Expected value (N,); of a category, its most probable value."""
        if self.conditional.support() is not None and not self._is_ordered:
            return self.mode()
        return (self.log_weight.exp() * self._stack(lambda part: part.mean())).sum(1)

    def mode(self) -> torch.Tensor:
        """The most probable value (N,) where values can be listed; elsewhere the likeliest of the parts' own modes."""
        support = self.conditional.support()
        if support is None:
            tried = self._stack(lambda part: part.mode())
        else:
            tried = self.log_weight.new_tensor(support).expand(len(self.log_weight), -1)
            tried = tried[:, self.conditional.is_evidence(tried[0])] if len(tried) else tried
        logs = self.at(tried)
        return tried.gather(1, logs.argmax(1, keepdim=True))[:, 0]

    def entropy(self) -> torch.Tensor:
        """−Σ p log p (N,) in nats, where values can be listed."""
        conditional = self.conditional
        support, times = conditional.support(), conditional.multiplicities()
        if support is None or times is None:
            raise ChainruleError("a mixture's entropy has no closed form; average −log_prob over draws instead")
        logs = self.at(self.log_weight.new_tensor(support).expand(len(self.log_weight), -1))
        return -(logs.exp() * logs.clamp(min=-1e300) * logs.new_tensor(times)).sum(1)

    def quadrature(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Values and weights, (N, M) each, with E[f(value)] ≈ Σ weight · f(value); about as many as of one part alone, where
        they cannot be listed."""
        own = self.log_weight.exp().unbind(1)
        if type(self.conditional).quadrature is AbstractConditional.quadrature:  # all values, the same of all parts
            values, weights = zip(*(part.quadrature() for part in self.parts), strict=True)
            return values[0], torch.stack([p[:, None] * w for p, w in zip(own, weights, strict=True)]).sum(0)
        values, weights = zip(*(part.quadrature(len(self.parts)) for part in self.parts), strict=True)
        return torch.cat(values, 1), torch.cat([p[:, None] * w for p, w in zip(own, weights, strict=True)], 1)

    def farther(self, x: torch.Tensor) -> torch.Tensor:
        """The parts' probability (N,) of lying farther out than values x (N,), each on its side."""
        return (self.log_weight.exp() * self._stack(lambda part: part.farther(x))).sum(1)

    def at(self, x: torch.Tensor) -> torch.Tensor:
        """Log-likelihoods (N, M) of M values for each row, in nats."""
        return torch.stack(
            [w[:, None] + part.at(x) for w, part in zip(self.log_weight.unbind(1), self.parts, strict=True)]
        ).logsumexp(0)

    @property
    def _is_ordered(self) -> bool:
        return type(self.conditional).cdf is not AbstractConditional.cdf

    def _stack(self, of: Callable[[Distribution], torch.Tensor]) -> torch.Tensor:
        return torch.stack([of(part) for part in self.parts], dim=1)  # (N, M)


def choose_part(log_weight: torch.Tensor, uniform: torch.Tensor) -> torch.Tensor:
    """Which part (N,) each uniform (N,) falls into, for log-weights (N, M) that need not sum to one."""
    ends = log_weight.double().softmax(1).cumsum(1)[:, :-1]  # the last part's stretch is open
    return (uniform[:, None] >= ends).sum(1)
