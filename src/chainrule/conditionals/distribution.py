"""The distribution of one column in each row: a conditional with parameters, or a mixture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from chainrule.conditionals.base import AbstractConditional
from chainrule.conditionals.search import bisect, searched
from chainrule.conditionals.within import Within, chosen
from chainrule.errors import ChainruleError, ShapeError
from chainrule.ops.cells.choose import serves_float64
from chainrule.rng import uniforms

CACHED = 2**16  # numbers of an intermediate result of which a processor's cache holds a few
COLD = 1e-9  # a temperature at which a component draws one value


@dataclass(frozen=True)
class Distribution:
    """N distributions of one column, one per row, each a mixture of M components.

    p(x) = Σ_m w_m p(x | params_m). A single network gives one component. An average of networks
    gives one component per network. ``Distribution.of`` makes the former, ``Distribution.mixture``
    the latter.

    Attributes:
        conditional: the family of all components.
        params: their parameters, (N, M, param_width).
        log_weight: logarithms of their weights, (N, M); the weights of a row sum to one.

    Examples:
        >>> from chainrule.conditionals.bernoulli import Bernoulli
        >>> half, never = (Distribution.of(Bernoulli(), torch.tensor([[z]])) for z in (0.0, -800.0))
        >>> mixture = Distribution.mixture(torch.tensor([[0.5, 0.5]]).log(), [half, never])
        >>> half.mean(), mixture.mean()
        (tensor([0.5000]), tensor([0.2500]))
    """

    conditional: AbstractConditional
    params: torch.Tensor
    log_weight: torch.Tensor

    @classmethod
    def of(cls, conditional: AbstractConditional, params: torch.Tensor) -> Distribution:
        """Distributions with params (N, param_width) and a single component each."""
        return cls(conditional, params[:, None], params.new_zeros(len(params), 1))

    @classmethod
    def mixture(
        cls, log_weight: torch.Tensor, distributions: Sequence[Distribution]
    ) -> Distribution:
        """The mixture of distributions of one column by log-weights (N, len(distributions)).

        Its components are those of all the distributions.
        """
        if any(each.components > 1 for each in distributions):
            weights = [
                log_weight[:, k : k + 1] + each.log_weight for k, each in enumerate(distributions)
            ]
            log_weight = torch.cat(weights, dim=1)
        params = torch.cat([each.params for each in distributions], dim=1)
        return cls(distributions[0].conditional, params, log_weight)

    def take(self, rows: np.ndarray | slice) -> Distribution:
        """The distributions of some rows, by their numbers, a mask or a slice."""
        at = rows
        if isinstance(rows, np.ndarray):
            at = torch.from_numpy(rows).to(self.params.device)
        return replace(self, params=self.params[at], log_weight=self.log_weight[at])

    def repeated(self, times: int) -> Distribution:
        """The distribution of a single row, for so many rows; they share its parameters."""
        return replace(
            self,
            params=self.params.expand(times, -1, -1),
            log_weight=self.log_weight.expand(times, -1),
        )

    @property
    def components(self) -> int:
        """M, the number of components of each row's mixture."""
        return self.params.shape[1]

    def log_prob(self, x: torch.Tensor) -> torch.Tensor:
        """Log-likelihood (N,) of values x (N,), in nats: log Σ_m w_m p(x | params_m)."""
        return self._log_mean(self.conditional.log_prob(self.params, self._each(x)))

    def log_prob_grid(self, x: torch.Tensor) -> torch.Tensor:
        """Log-likelihoods (N, Q) of Q values for each row, in nats."""
        # One component and some rows at a time: other intermediate results would not fit the
        # processor's cache. Kernels have one number for each value, formulas one for each term.
        terms = 1 if serves_float64(self.params) else self.conditional.component_count
        rows = max(1, CACHED // max(x.shape[1] * terms, 1))
        logs = [self._log_prob_grid(params, x, rows) for params in self.params.unbind(1)]
        return self._log_mean(torch.stack(logs, dim=1))

    def log_support(self) -> torch.Tensor:
        """Log-likelihoods (N, V), in nats, of every code of a conditional that lists them."""
        logs = [self.conditional.log_support(params) for params in self.params.unbind(1)]
        return self._log_mean(torch.stack(logs, dim=1))

    def _log_prob_grid(self, params: torch.Tensor, x: torch.Tensor, rows: int) -> torch.Tensor:
        """Log-likelihoods (N, Q) of one component, of so many rows at a time."""
        parts = zip(params[:, None].split(rows), x.split(rows), strict=True)
        return torch.cat([self.conditional.log_prob(*part) for part in parts])

    def sample(
        self, generator: torch.Generator | None = None, *, temperature: float = 1.0
    ) -> torch.Tensor:
        """Draws values (N,), one per row; a generator of None is a fresh one."""
        return self.draw(
            uniforms(1, len(self.params), generator)[0].to(self.params.device), temperature
        )

    def draw(self, uniform: torch.Tensor, temperature: float = 1.0) -> torch.Tensor:
        """Turns uniforms (N,) into values (N,).

        A uniform selects a component; the rest of it draws the value. A component is drawn with
        probability ∝ weight · (the mixture's probability of its peak)^(1/temperature − 1). The
        peak is the value that a component draws at a temperature near zero.
        """
        if self.components == 1:
            return self.conditional.sample(self.params[:, 0], uniform, temperature)
        log_weight = self.log_weight.to(self.params.device).double()
        if temperature != 1:
            peaks = self._log_peaks(log_weight)
            log_weight = log_weight + peaks * (1 / temperature - 1)
        chosen, left = choose(log_weight, uniform)
        rows = torch.arange(len(chosen), device=chosen.device)
        return self.conditional.sample(
            self.params[rows, chosen], left.to(uniform.dtype), temperature
        )

    def log_between(self, low: torch.Tensor, high: torch.Tensor) -> torch.Tensor:
        """log P(low <= value <= high), (N,), for ends (N,) that may be infinite."""
        return self._log_mean(
            self.conditional.log_between(self.params, self._each(low), self._each(high))
        )

    def within(self, low: torch.Tensor, high: torch.Tensor) -> Within:
        """The distributions truncated to [low, high], (N,) each: their log-masses and draws.

        A uniform selects a component by its mass there; the rest of it draws the value.
        """
        if self.components == 1:
            return self.conditional.within(self.params[:, 0], low, high)
        logs = self.conditional.log_between(self.params, self._each(low), self._each(high))
        logs = self.log_weight.to(logs) + logs

        def draw(uniforms: torch.Tensor, rows: torch.Tensor | None = None) -> torch.Tensor:
            at, left = chosen(logs, uniforms, rows)
            rows = torch.arange(len(at), device=at.device) if rows is None else rows
            params = self.params[rows, at[:, 0]]
            return self.conditional.within(params, low[rows], high[rows]).draw(left)

        return Within(logs.logsumexp(1), draw)

    def cdf(self, x: torch.Tensor) -> torch.Tensor:
        """P(value <= x), (N,)."""
        return self._mean(self.conditional.cdf(self.params, self._each(x)))

    def quantile(self, q: torch.Tensor | float) -> torch.Tensor:
        """The smallest value (N,) whose cdf is at least q; q is a number for all rows, or (N,)."""
        levels = torch.as_tensor(q, dtype=torch.float64, device=self.params.device).expand(
            len(self.params)
        )
        if not bool(((levels > 0) & (levels < 1)).all()):
            raise ShapeError(f"q = {q!r}: quantiles are for numbers above 0 and below 1")
        return quantiles([self], levels)[0]

    def mean(self) -> torch.Tensor:
        """Expected value (N,); the most probable value if values have no order."""
        if not self.conditional.is_ordered:
            return self.mode()
        return self._mean(self.conditional.mean(self.params))

    def mode(self) -> torch.Tensor:
        """Most probable value (N,).

        It is exact if the candidates can be listed. Otherwise it is the best of the components'
        modes.
        """
        if self.components == 1:
            return self.conditional.mode(self.params[:, 0])
        candidates = self.conditional.candidates()
        if candidates is None:
            tried = self.conditional.mode(self.params)
        else:
            tried = self.params.new_tensor(candidates).expand(len(self.params), -1)
        return tried.gather(1, self.log_prob_grid(tried).argmax(1, keepdim=True))[:, 0]

    def entropy(self) -> torch.Tensor:
        """Entropy (N,) in nats, if it has a closed form; a mixture has one if its values can be
        listed.
        """
        if self.components == 1:
            return self.conditional.entropy(self.params[:, 0])
        support, times = self.conditional.support(), self.conditional.multiplicities()
        if support is None or times is None:
            raise ChainruleError(
                "a mixture's entropy has no closed form; average −log_prob over draws instead"
            )
        logs = self.log_prob_grid(self.params.new_tensor(support).expand(len(self.params), -1))
        return -(logs.exp() * logs.clamp(min=-1e300) * logs.new_tensor(times)).sum(1)

    def quadrature(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Values and weights, (N, Q) each, with E[f(value)] ≈ Σ weight · f(value).

        Q is about as large for a mixture as for one of its components.
        """
        values, weights = self.conditional.quadrature(self.params, self.components)  # (N, M, Q)
        weights = self.log_weight.exp()[..., None] * weights
        if self.conditional.is_listed:  # the same values in all components
            return values[:, 0], weights.sum(1)
        values, weights = values.flatten(1), weights.flatten(1)
        if self.conditional.is_discrete:
            values, weights = _merged(values, weights)
        is_used = (weights > 0).any(0)  # an atom of no row, the other values of a tie's one
        if bool(is_used.all()):
            return values, weights
        return values[:, is_used], weights[:, is_used]

    def tail_bound(self, x: torch.Tensor) -> torch.Tensor:
        """Lower bound (N,) on P(value at most as likely as x): the components' tail mass beyond x.

        Zero for components without such tails.
        """
        return self._mean(self.conditional.tail_bound(self.params, self._each(x)))

    def _each(self, x: torch.Tensor) -> torch.Tensor:
        """Repeats numbers (N,) for each component, (N, M)."""
        return x[:, None].expand(-1, self.components)

    def _mean(self, values: torch.Tensor) -> torch.Tensor:
        """The weighted mean (N,) of numbers (N, M) over the components."""
        return values[:, 0] if self.components == 1 else (self.log_weight.exp() * values).sum(1)

    def _log_mean(self, logs: torch.Tensor) -> torch.Tensor:
        """The log (N, …) of the weighted mean likelihood, from log-likelihoods (N, M, …)."""
        if self.components == 1:
            return logs[:, 0]
        log_weight = self.log_weight if logs.ndim == 2 else self.log_weight[..., None]
        return (log_weight + logs).logsumexp(1)

    def _log_peaks(self, log_weight: torch.Tensor) -> torch.Tensor:
        """The mixture's log-likelihood (N, M) of what each component draws when cold.

        That is one value, which need not be the component's mode: a heavy component of a mixture of
        numbers may hold it. Components that draw different values then have different peaks.
        """
        half = torch.full(self.params.shape[:-1], 0.5, dtype=torch.float64)
        cold = self.conditional.sample(self.params, half.to(self.params.device), COLD)
        modes = cold[:, :, None].expand(-1, -1, self.components)  # (N, value, component)
        tried = self.conditional.log_prob(self.params[:, None], modes)
        return (log_weight[:, None] + tried.to(log_weight.dtype)).logsumexp(2)


def _merged(values: torch.Tensor, weights: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Values and weights (N, Q) with each whole number of a row once, if rows span few of them.

    Components of a narrow distribution give the same whole numbers many times.
    """
    heaviest = values.gather(1, weights.argmax(1, keepdim=True))
    values = torch.where(weights > 0, values, heaviest)
    low = values.amin(1, keepdim=True)
    steps = values - low
    span = float(steps.max()) + 1 if values.numel() else math.inf
    if not span < values.shape[1] or not bool((steps == steps.round()).all()):
        return values, weights
    merged = weights.new_zeros(len(weights), int(span)).scatter_add_(1, steps.long(), weights)
    return low + torch.arange(int(span), dtype=low.dtype, device=low.device), merged


def quantiles(
    distributions: Sequence[Distribution], levels: torch.Tensor | float
) -> list[torch.Tensor]:
    """The quantiles (N,) of each of many distributions; all mixtures of numbers share a search.

    Args:
        distributions: distributions of any columns.
        levels: a number within (0, 1) for all of them, or (N,) for each row of a single one.
    """
    found, searches = {}, {}
    for number, each in enumerate(distributions):
        q = torch.as_tensor(levels, dtype=torch.float64, device=each.params.device)
        q = q.expand(len(each.params))
        search = each.conditional.search(each.params, each.log_weight, q)
        if search is None:
            found[number] = _unsearched(each, q)
        else:
            searches[number] = search
    values = searched(list(searches.values()))
    for number, value in zip(searches, values, strict=True):
        found[number] = value.to(distributions[number].params.dtype)
    return [found[number] for number in range(len(distributions))]


def _unsearched(of: Distribution, q: torch.Tensor) -> torch.Tensor:
    """The quantiles (N,) at levels q (N,) of a distribution whose conditional has no search."""
    ends = of.conditional.quantile(of.params, of._each(q))  # (N, M)
    if of.components == 1:
        return ends[:, 0]
    # The mixture's quantile lies between the smallest and the largest of its components'.
    whole = of.conditional.is_discrete
    return bisect(of.cdf, q, ends.amin(1) - int(whole), ends.amax(1), whole=whole)


def choose(log_weight: torch.Tensor, uniform: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The component (N,) that each uniform (N,) selects, and the rest of the uniform on [0, 1).

    Log-weights (N, M) need not be normalised. The rest is uniform again and can draw the
    component's value.
    """
    weight = log_weight.double().softmax(1)
    ends = weight.cumsum(1)
    chosen = (uniform[:, None] >= ends[:, :-1]).sum(1)  # the last interval has no upper end
    rows = torch.arange(len(chosen), device=chosen.device)
    left = (uniform - ends[rows, chosen] + weight[rows, chosen]) / weight[rows, chosen]
    return chosen, left.clamp(0, 1 - 2**-53)
