"""The discretised logistic mixture: masses on the integers."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch.nn import functional as F

from chainrule.conditionals.base import AbstractConditional
from chainrule.conditionals.encodings import Standardised
from chainrule.conditionals.mixtures import LogisticMixture, gauss_legendre
from chainrule.conditionals.ranges import check_range, clamped
from chainrule.errors import ShapeError

SMOOTH = 4.0  # the scale from which sums over integers are integrals with corrections
WINDOW = 160  # terms on either side, below that scale
AROUND, NARROW = 16, 0.8  # integers on either side of a part, and the scale up to which they hold all but e^−20 of it
NARROW_OF_FEW = 0.2  # that scale over their number where they are fewer, and hold all but e^−5
LEAST_AROUND = 3  # where many mixtures are mixed
MOST_LISTED = 4096  # values of a bounded column that ``support`` lists


@dataclass(frozen=True)
class DiscretizedLogisticMixture(AbstractConditional):
    """P(v) = F(v + ½) − F(v − ½) for every integer v, F a mixture of K logistic distribution functions.

    Per part, with b = (v + ½ − μ)/s and a = (v − ½ − μ)/s, the logarithm is computed as
    log σ(b) + log σ(−a) + log(1 − e^(a − b)), which neither cancels nor underflows far from μ. Declared bounds take the tails:
    P(least) = F(least + ½), P(most) = 1 − F(most − ½), and values beyond them have no probability.

    Source: Salimans et al., "PixelCNN++", 2017, arXiv:1701.05517, for the idea; all integers instead of 0 … 255.

    Args:
        parts: K.
        least: the smallest integer there can be, or None.
        most: the largest, or None.
        center: as of ``GaussianMixture``, like all that follow: what is subtracted from an integer.
        spread: what the difference is divided by.
        least_scale: the floor of the scales, in units of ``spread``.

    Examples:
        >>> three = DiscretizedLogisticMixture(1, least=0, most=2)
        >>> params = torch.tensor([[0.0, 0.0, 0.5413]])
        >>> [round(float(three.log_prob(params, torch.tensor([v])).exp()), 4) for v in (0.0, 1.0, 2.0)]
        [0.6223, 0.195, 0.1826]
    """

    parts: int
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
        assert self._continuous is not None  # its own fields are checked by itself

    @cached_property
    def _continuous(self) -> LogisticMixture:
        return LogisticMixture(self.parts, self.center, self.spread, self.least_scale)

    @property
    def is_discrete(self) -> bool:
        """Masses."""
        return True

    @property
    def components(self) -> int:
        """K."""
        return self.parts

    @property
    def param_width(self) -> int:
        """3 K: logits, δ, ρ."""
        return self._continuous.param_width

    def encoding(self) -> Standardised:
        """The standardised integer, without a range."""
        return self._continuous.encoding()

    def log_prob(self, params: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """log Σ_k w_k (F_k(x + ½) − F_k(x − ½)), (...) nats; −inf for what is no integer within the bounds."""
        return self._log_prob(params, x, self.center, self.spread)

    @property
    def batch_key(self) -> Hashable:
        """The number of parts and the floor of scales, whatever center and spread; a bounded column is by itself."""
        bounded = self.least is not None or self.most is not None
        return self if bounded else (type(self), self.parts, self.least_scale)

    def log_prob_columns(
        self, conditionals: Sequence[Any], params: Sequence[torch.Tensor], x: torch.Tensor
    ) -> torch.Tensor:
        """As many calls of ``log_prob``."""
        center, spread = (x.new_tensor([getattr(each, name) for each in conditionals]) for name in ("center", "spread"))
        return self._log_prob(torch.stack(list(params), dim=1), x, center, spread)

    def _log_prob(
        self, params: torch.Tensor, x: torch.Tensor, center: float | torch.Tensor, spread: float | torch.Tensor
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

    def sample(self, params: torch.Tensor, uniforms: torch.Tensor, temperature: float = 1.0) -> torch.Tensor:
        """A draw of the continuous mixture, rounded to the nearest integer."""
        drawn = self._continuous.sample(params.double(), uniforms, temperature)
        return self._to_support((drawn + 0.5).floor()).to(params.dtype)

    def mean(self, params: torch.Tensor) -> torch.Tensor:
        """Σ v P(v), from the sums of the distribution functions over the integers on either side."""
        bound = self._continuous.bind(params.double())
        mu, s = self._continuous.of_standard(bound.location), bound.scale * self.spread
        nearest = mu.round()
        mean = nearest + _tail_sum(mu - nearest - 0.5, s) - _tail_sum(nearest - 0.5 - mu, s)
        if self.least is not None:
            mean = mean + _tail_sum(self.least - 0.5 - mu, s)
        if self.most is not None:
            mean = mean - _tail_sum(mu - self.most - 0.5, s)
        return (bound.log_weight.exp() * mean).sum(-1).to(params.dtype)

    def quadrature(self, params: torch.Tensor, thinned: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
        """K · 33 integers, fewer if thinned, and weights (..., M): of narrow parts those around their location, by their masses;
        of wide parts the continuous mixture's values, rounded."""
        bound = self._continuous.bind(params)
        mu, s = self._continuous.of_standard(bound.location)[..., None], (bound.scale * self.spread)[..., None]
        around = max(LEAST_AROUND, AROUND // thinned)
        u, w = (params.new_tensor(part) for part in gauss_legendre(2 * around + 1))
        near = mu.round() + torch.arange(-around, around + 1, dtype=params.dtype, device=params.device)  # (..., K, 33)
        below = torch.sigmoid((near[..., 1:] - 0.5 - mu) / s)  # the ends take the tails
        masses = torch.cat([below, torch.ones_like(mu)], -1) - torch.cat([torch.zeros_like(mu), below], -1)
        is_narrow = s < (NARROW if thinned == 1 else NARROW_OF_FEW * around)
        values = torch.where(is_narrow, near, (mu + s * torch.logit(u) + 0.5).floor())
        weights = torch.where(is_narrow, masses, w) * bound.log_weight.exp()[..., None]
        return self._to_support(values.flatten(-2)), weights.flatten(-2)

    def mode(self, params: torch.Tensor) -> torch.Tensor:
        """The most probable of the integers next to the parts' locations and of the bounds."""
        bound = self._continuous.bind(params)
        tried = self._to_support(self._continuous.of_standard(bound.location).round())  # (..., K)
        ends = [tried.new_full((*tried.shape[:-1], 1), end) for end in (self.least, self.most) if end is not None]
        tried = torch.cat([tried, *ends], dim=-1)
        logs = self.log_prob(params[..., None, :], tried)
        return tried.gather(-1, logs.argmax(-1, keepdim=True))[..., 0]

    def cdf(self, params: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """P(value <= x), (...)."""
        below = self._continuous.cdf(params, x.floor() + 0.5)
        if self.least is not None:
            below = torch.where(x < self.least, 0.0, below)
        return below if self.most is None else torch.where(x >= self.most, 1.0, below)

    def tail_bound(self, params: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """As the mixtures', of x and the integers farther out, (...)."""
        bound = self._continuous.bind(params)
        away = (((x - self.center) / self.spread)[..., None] - bound.location).abs() - 0.5 / self.spread
        return (bound.log_weight.exp() * torch.sigmoid(-(away / bound.scale).clamp(min=0))).sum(-1)

    def quantile(self, params: torch.Tensor, q: torch.Tensor) -> torch.Tensor:
        """The smallest integer whose cdf is at least q."""
        whole = (self._continuous.quantile(params.double(), q) - 0.5).ceil()
        return self._to_support(whole).to(params.dtype)

    def initial_params(self, x: torch.Tensor) -> torch.Tensor:
        """As the mixtures', less the variance that rounding adds, (D, 3 K)."""
        z = (x.double() - self.center) / self.spread
        variance = (z.var(0, unbiased=False) - 1 / 12 / self.spread**2).clamp(min=0)
        return self._continuous.initial_of_moments(z.mean(0), variance.sqrt()).to(x.dtype)

    def support(self) -> tuple[float, ...] | None:
        """The integers within declared bounds, if they are not too many."""
        if self.least is None or self.most is None or self.most - self.least >= MOST_LISTED:
            return None
        return tuple(float(v) for v in range(int(self.least), int(self.most) + 1))

    @property
    def placeholder(self) -> float:
        """The integer within the bounds that is nearest to the center."""
        return float(self._to_support(torch.tensor(float(round(self.center)), dtype=torch.float64)))

    def _to_support(self, v: torch.Tensor) -> torch.Tensor:
        return clamped(v, self.least, self.most)


def log_one_minus_exp(negative: torch.Tensor) -> torch.Tensor:
    """log(1 − e^x) for x < 0, accurate at both ends."""
    near = negative > -math.log(2)
    safe = torch.where(near, negative, -1.0)  # each branch sees only what it can take, so that gradients stay finite
    far = torch.where(near, -1.0, negative)
    return torch.where(near, (-safe.expm1()).log(), (-far.exp()).log1p())


def _tail_sum(t: torch.Tensor, s: torch.Tensor) -> torch.Tensor:
    """Σ_{j >= 0} σ((t − j)/s), to 1e-10: term by term where the scale is small, by Euler and Maclaurin's formula elsewhere."""
    middle = t.floor().clamp(min=0)
    j = middle[..., None] + torch.arange(-WINDOW, WINDOW + 1, dtype=t.dtype, device=t.device)
    small = torch.where(j >= 0, torch.sigmoid((t[..., None] - j) / s.clamp(max=SMOOTH)[..., None]), 0).sum(-1)
    small = small + (middle - WINDOW).clamp(min=0)  # further down every term is 1
    r = (t + 0.5) / s
    p = torch.sigmoid(r) * torch.sigmoid(-r)  # σ' and, from it, the third and fifth derivatives
    third, fifth = p * (1 - 6 * p), p * (1 - 30 * p + 120 * p * p)
    smooth = -s * F.logsigmoid(-r) - p / (24 * s) + 7 / 5760 * third / s**3 - 31 / 967680 * fifth / s**5
    return torch.where(s < SMOOTH, small, smooth)
