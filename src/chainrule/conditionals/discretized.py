"""The discretised logistic mixture: masses on the integers."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch
from torch.nn import functional as F
from typing_extensions import override

from chainrule.conditionals.base import AbstractConditional
from chainrule.conditionals.encodings import Standardised
from chainrule.conditionals.mixtures import LogisticMixture, gauss_legendre
from chainrule.conditionals.ranges import check_range, clamped
from chainrule.conditionals.search import Search
from chainrule.errors import ShapeError

SMOOTH = 4.0  # scale from which a sum over integers is an integral with corrections
WINDOW = 160  # terms on either side, below that scale
# Quadrature takes so many integers on either side of a narrow component. Up to this scale they
# have all but e^−20 of its mass.
AROUND, NARROW = 16, 0.8
# The same scale per integer if thinned: they then have all but e^−5 of the mass.
NARROW_IF_THINNED = 0.2
LEAST_AROUND = 3  # integers on either side, however thinned
MOST_LISTED = 4096  # values of a bounded column that ``support`` lists


@dataclass(frozen=True)
class DiscretizedLogisticMixture(AbstractConditional):
    """P(v) = F(v + ½) − F(v − ½) for every integer v; F is the cdf of a mixture of K logistics.

    With b = (v + ½ − μ)/s and a = (v − ½ − μ)/s, the logarithm of a component is computed as
    log σ(b) + log σ(−a) + log(1 − e^(a − b)). It neither cancels nor underflows far from μ.
    Declared bounds absorb the tails: P(least) = F(least + ½) and P(most) = 1 − F(most − ½). Values
    beyond the bounds have no probability.

    Source: Salimans et al., "PixelCNN++", 2017, arXiv:1701.05517; here over all integers instead of
    0 … 255.

    Args:
        components: K, the number of components.
        least: the smallest possible integer, or None.
        most: the largest possible integer, or None.
        center: subtracted from an integer, as in ``GaussianMixture``.
        spread: divides the difference.
        least_scale: the floor of the scales, in units of ``spread``.

    Examples:
        >>> three = DiscretizedLogisticMixture(1, least=0, most=2)
        >>> params = torch.tensor([[0.0, 0.0, 0.5413]])
        >>> p = three.log_prob(params.expand(3, -1), torch.tensor([0.0, 1.0, 2.0])).exp()
        >>> [round(each, 4) for each in p.tolist()]
        [0.6223, 0.195, 0.1826]
    """

    components: int
    least: float | None = None
    most: float | None = None
    center: float = 0.0
    spread: float = 1.0
    least_scale: float = 1e-3

    def __post_init__(self) -> None:
        check_range(self.least, self.most)
        for name in ("least", "most"):
            if (value := getattr(self, name)) is not None and value != int(value):
                raise ShapeError(f"{name} = {value!r}: pass an integer, or None for no bound")
        assert self._continuous is not None  # its constructor checks the other fields

    @cached_property
    def _continuous(self) -> LogisticMixture:
        return LogisticMixture(self.components, self.center, self.spread, self.least_scale)

    @property
    @override
    def is_discrete(self) -> bool:
        return True

    @property
    @override
    def component_count(self) -> int:
        return self.components

    @property
    @override
    def param_width(self) -> int:
        """3 K: logits, δ, ρ."""
        return self._continuous.param_width

    @override
    def encoding(self) -> Standardised:
        return self._continuous.encoding()

    @override
    def log_prob(self, params: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """log Σ_k w_k (F_k(x + ½) − F_k(x − ½)); −inf if x is no integer within the bounds."""
        return self._log_prob(params, x, self.center, self.spread)

    @property
    @override
    def batch_key(self) -> Hashable:
        """K and the floor of the scales.

        Center and spread may differ. A bounded column is scored alone.
        """
        bounded = self.least is not None or self.most is not None
        return self if bounded else (type(self), self.components, self.least_scale)

    @override
    def log_prob_columns(
        self, conditionals: Sequence[Any], params: Sequence[torch.Tensor], x: torch.Tensor
    ) -> torch.Tensor:
        center = x.new_tensor([each.center for each in conditionals])
        spread = x.new_tensor([each.spread for each in conditionals])
        return self._log_prob(torch.stack(list(params), dim=1), x, center, spread)

    def _log_prob(
        self,
        params: torch.Tensor,
        x: torch.Tensor,
        center: float | torch.Tensor,
        spread: float | torch.Tensor,
    ) -> torch.Tensor:
        bound = self._continuous.bind(params)
        b = ((x - center + 0.5) / spread)[..., None]
        b = (b - bound.location) / bound.scale
        width = (spread[..., None] if isinstance(spread, torch.Tensor) else spread) * bound.scale
        width = width.reciprocal()  # b − a, (..., K)
        a = b - width
        upper, lower = F.logsigmoid(b), F.logsigmoid(-a)
        logs = upper + lower + log_one_minus_exp(-width)
        inside = x == x.round()
        if self.least is not None:
            first = (x == self.least)[..., None]
            logs, inside = torch.where(first, upper, logs), inside & (x >= self.least)
        if self.most is not None:
            last = (x == self.most)[..., None]
            logs, inside = torch.where(last, lower, logs), inside & (x <= self.most)
        if self.least is not None and self.least == self.most:
            logs = torch.zeros_like(logs)
        return torch.where(inside, (bound.log_weight + logs).logsumexp(-1), -torch.inf)

    @override
    def sample(
        self, params: torch.Tensor, uniforms: torch.Tensor, temperature: float = 1.0
    ) -> torch.Tensor:
        """A draw from the continuous mixture, rounded to the nearest integer."""
        drawn = self._continuous.sample(params.double(), uniforms, temperature)
        return self._to_support((drawn + 0.5).floor()).to(params.dtype)

    @override
    def mean(self, params: torch.Tensor) -> torch.Tensor:
        """Σ v P(v), from sums of the cdf over the integers on either side of each location."""
        bound = self._continuous.bind(params.double())
        mu, s = self._continuous.from_standard(bound.location), bound.scale * self.spread
        nearest = mu.round()
        mean = nearest + _tail_sum(mu - nearest - 0.5, s) - _tail_sum(nearest - 0.5 - mu, s)
        if self.least is not None:
            mean = mean + _tail_sum(self.least - 0.5 - mu, s)
        if self.most is not None:
            mean = mean - _tail_sum(mu - self.most - 0.5, s)
        return (bound.log_weight.exp() * mean).sum(-1).to(params.dtype)

    @override
    def quadrature(
        self, params: torch.Tensor, thinned: int = 1
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """K · 33 integers and their weights, (..., Q); fewer if thinned.

        A narrow component gives the integers around its location, weighted by their masses. A wide
        component gives the rounded quadrature values of the continuous mixture.
        """
        bound = self._continuous.bind(params)
        mu = self._continuous.from_standard(bound.location)[..., None]
        s = (bound.scale * self.spread)[..., None]
        around = max(LEAST_AROUND, AROUND // thinned)
        u, w = (params.new_tensor(each) for each in gauss_legendre(2 * around + 1))
        offsets = torch.arange(-around, around + 1, dtype=params.dtype, device=params.device)
        near = mu.round() + offsets  # (..., K, 33)
        below = torch.sigmoid((near[..., 1:] - 0.5 - mu) / s)  # the end integers absorb the tails
        ends = torch.cat([below, torch.ones_like(mu)], -1)
        masses = ends - torch.cat([torch.zeros_like(mu), below], -1)
        is_narrow = s < (NARROW if thinned == 1 else NARROW_IF_THINNED * around)
        values = torch.where(is_narrow, near, (mu + s * torch.logit(u) + 0.5).floor())
        weights = torch.where(is_narrow, masses, w) * bound.log_weight.exp()[..., None]
        return self._to_support(values.flatten(-2)), weights.flatten(-2)

    @override
    def mode(self, params: torch.Tensor) -> torch.Tensor:
        """The most probable integer among those nearest to the locations and the bounds."""
        bound = self._continuous.bind(params)
        tried = self._to_support(self._continuous.from_standard(bound.location).round())  # (..., K)
        ends = [
            tried.new_full((*tried.shape[:-1], 1), end)
            for end in (self.least, self.most)
            if end is not None
        ]
        tried = torch.cat([tried, *ends], dim=-1)
        logs = self.log_prob(params[..., None, :], tried)
        return tried.gather(-1, logs.argmax(-1, keepdim=True))[..., 0]

    @override
    def cdf(self, params: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        below = self._continuous.cdf(params, x.floor() + 0.5)
        if self.least is not None:
            below = torch.where(x < self.least, 0.0, below)
        return below if self.most is None else torch.where(x >= self.most, 1.0, below)

    @override
    def tail_bound(self, params: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """The bound of ``AbstractMixture``; x itself belongs to the tail."""
        bound = self._continuous.bind(params)
        away = (
            ((x - self.center) / self.spread)[..., None] - bound.location
        ).abs() - 0.5 / self.spread
        return (bound.log_weight.exp() * torch.sigmoid(-(away / bound.scale).clamp(min=0))).sum(-1)

    @override
    def search(self, params: torch.Tensor, log_weight: torch.Tensor, q: torch.Tensor) -> Search:
        """The search of the continuous mixture; its value, less ½, is rounded up."""
        search = self._continuous.search(params, log_weight, q)
        return replace(
            search, value_of=lambda z: self._to_support((search.value_of(z) - 0.5).ceil())
        )

    @override
    def initial_params(self, x: torch.Tensor) -> torch.Tensor:
        """The start of ``AbstractMixture``, less the variance that rounding adds."""
        z = (x.double() - self.center) / self.spread
        variance = (z.var(0, unbiased=False) - 1 / 12 / self.spread**2).clamp(min=0)
        return self._continuous.initial_of_moments(z.mean(0), variance.sqrt()).to(x.dtype)

    @override
    def support(self) -> tuple[float, ...] | None:
        """The integers within declared bounds, if both exist and there are few."""
        if self.least is None or self.most is None or self.most - self.least >= MOST_LISTED:
            return None
        return tuple(float(v) for v in range(int(self.least), int(self.most) + 1))

    @property
    @override
    def placeholder(self) -> float:
        """The integer within the bounds that is nearest to the center."""
        return float(self._to_support(torch.tensor(float(round(self.center)), dtype=torch.float64)))

    def _to_support(self, v: torch.Tensor) -> torch.Tensor:
        return clamped(v, self.least, self.most)


def log_one_minus_exp(negative: torch.Tensor) -> torch.Tensor:
    """log(1 − e^x) for x < 0, accurate at both ends."""
    near = negative > -math.log(2)
    # Each branch sees only numbers in its own range, so that gradients stay finite.
    safe = torch.where(near, negative, -1.0)
    far = torch.where(near, -1.0, negative)
    return torch.where(near, (-safe.expm1()).log(), (-far.exp()).log1p())


def _tail_sum(t: torch.Tensor, s: torch.Tensor) -> torch.Tensor:
    """Σ_{j >= 0} σ((t − j)/s), to 1e-10.

    The sum is computed term by term at small scales and by the Euler–Maclaurin formula otherwise.
    """
    middle = t.floor().clamp(min=0)
    j = middle[..., None] + torch.arange(-WINDOW, WINDOW + 1, dtype=t.dtype, device=t.device)
    small = torch.where(
        j >= 0, torch.sigmoid((t[..., None] - j) / s.clamp(max=SMOOTH)[..., None]), 0
    ).sum(-1)
    small = small + (middle - WINDOW).clamp(min=0)  # every earlier term is 1
    r = (t + 0.5) / s
    p = torch.sigmoid(r) * torch.sigmoid(-r)  # σ' and, from it, the third and fifth derivatives
    third, fifth = p * (1 - 6 * p), p * (1 - 30 * p + 120 * p * p)
    smooth = (
        -s * F.logsigmoid(-r) - p / (24 * s) + 7 / 5760 * third / s**3 - 31 / 967680 * fifth / s**5
    )
    return torch.where(s < SMOOTH, small, smooth)
