"""Mixtures for real columns: weighted sums of Gaussian, logistic or Laplace densities."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional as F
from typing_extensions import override

from chainrule.conditionals import between
from chainrule.conditionals.base import AbstractConditional
from chainrule.conditionals.components import BoundComponents
from chainrule.conditionals.encodings import Standardised
from chainrule.conditionals.mixture_sums import log_densities
from chainrule.conditionals.quadrature import gauss_legendre
from chainrule.conditionals.ranges import check_range, check_scale, clamped
from chainrule.conditionals.search import Search
from chainrule.conditionals.within import Draw, Within, chosen, of_rows
from chainrule.errors import ChainruleError, ShapeError, whole_number

BETWEEN = 0.75  # share of the initial variance between the components
MEAN_STEPS = 30  # towards parameters whose mean within bounds is that of a column
POINTS, LEAST_POINTS = 16, 4  # quadrature points per component: usually, and if thinned most


@dataclass(frozen=True)
class AbstractMixture(AbstractConditional):
    """Σ_k w_k f((x − μ_k) / s_k) / s_k; each leaf defines f.

    The network gives three numbers per component: a logit of w, a number δ and a number ρ. Then s =
    least_scale + softplus(ρ) and μ = s δ, both in units of ``spread`` around ``center``. The slope
    of log f bounds ∂ log p / ∂ δ at every scale. In contrast, ∂ log p / ∂ μ grows as 1/s, which
    drove RNADE's training to NaN.

    Bounds truncate the mixture: its density is divided by the mass between them. No mass piles up
    on a bound, and values beyond have none.

    A centred mixture has two more parameters, a shift m and the logarithm of a stretch r. Then s =
    least_scale + r softplus(ρ) and μ = m + s δ. No network learns them; see ``evidence_slots``. A
    relation that predicts the value gives its prediction as m and its deviation as r.

    Source: Uria, Murray & Larochelle, "RNADE: The real-valued neural autoregressive
    density-estimator", NIPS 2013, arXiv:1306.0186; the parametrisation is ours.

    Args:
        components: K, the number of components.
        center: subtracted from a value first; 0 for standardised codes.
        spread: divides the difference; 1 for standardised codes.
        least_scale: the floor of the scales, in units of ``spread``; it keeps the likelihood of a
            repeated value finite.
        least: the smallest possible value, or None.
        most: the largest possible value, or None.
        centred: whether known cells give a shift and a stretch.
    """

    components: int
    center: float = 0.0
    spread: float = 1.0
    least_scale: float = 1e-3
    least: float | None = None
    most: float | None = None
    centred: bool = False

    def __post_init__(self) -> None:
        whole_number(
            self.components, "components", least=1, what="a whole number of mixture components"
        )
        check_scale(self.center, self.spread)
        if not (isinstance(self.least_scale, int | float) and 0 < self.least_scale < math.inf):
            raise ShapeError(f"least_scale = {self.least_scale!r}: pass a number above zero")
        check_range(self.least, self.most, ("least", "most"))
        if self.least is not None and self.least == self.most:
            raise ShapeError(f"least = most = {self.least!r}: a density needs a range")

    @staticmethod
    @abstractmethod
    def _log_density(z: torch.Tensor) -> torch.Tensor:
        """log f(z)."""

    @staticmethod
    @abstractmethod
    def _cdf(z: torch.Tensor) -> torch.Tensor:
        """∫ f up to z."""

    @staticmethod
    @abstractmethod
    def _quantile(u: torch.Tensor) -> torch.Tensor:
        """The inverse of ``_cdf``, for u within (0, 1)."""

    @staticmethod
    @abstractmethod
    def _log_cdf(z: torch.Tensor) -> torch.Tensor:
        """The logarithm of ``_cdf``."""

    @staticmethod
    @abstractmethod
    def _log_quantile(log_u: torch.Tensor) -> torch.Tensor:
        """The inverse of ``_log_cdf``."""

    @staticmethod
    @abstractmethod
    def _log_between(a: torch.Tensor, b: torch.Tensor, width: torch.Tensor) -> torch.Tensor:
        """The log-mass between finite ends; their distance is passed, too."""

    @staticmethod
    @abstractmethod
    def _mean_between(a: torch.Tensor, b: torch.Tensor, log_mass: torch.Tensor) -> torch.Tensor:
        """The mean between two ends."""

    @property
    @abstractmethod
    def density(self) -> str:
        """The name of f among the kernels' densities."""

    @property
    @abstractmethod
    def _unit_deviation(self) -> float:
        """The standard deviation of f."""

    @property
    @override
    def is_discrete(self) -> bool:
        return False

    @property
    @override
    def component_count(self) -> int:
        return self.components

    @property
    @override
    def param_width(self) -> int:
        """3 K: logits, δ, ρ; of a centred mixture, then m and log r."""
        return 3 * self.components + 2 * self.centred

    @property
    @override
    def evidence_slots(self) -> tuple[int, ...]:
        """The positions of m and log r, in units of ``spread``; none unless centred."""
        start = 3 * self.components
        return (start, start + 1) if self.centred else ()

    @override
    def encoding(self) -> Standardised:
        """The standardised value, not clamped to a range."""
        return Standardised(self.center, self.spread)

    @override
    def log_prob(self, params: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """log Σ_k w_k f(z_k) / s_k, by a stable log-sum-exp."""
        bound = self.bind(params)
        logs = log_densities(bound, self.standard(x), self._log_density, self.density)
        logs = logs - math.log(self.spread)
        if not self.is_truncated:
            return logs
        inside = x == clamped(x, self.least, self.most)
        return torch.where(inside, logs - self.log_inside(bound), -torch.inf)

    @override
    def sample(
        self, params: torch.Tensor, uniforms: torch.Tensor, temperature: float = 1.0
    ) -> torch.Tensor:
        """The uniform selects a component; the rest of it draws the value.

        The temperature divides the logits and multiplies the scales.
        """
        bound = self.bind(params.double(), temperature)
        u, k = choose_component(self.truncated(bound), uniforms)
        location, scale = bound.location.gather(-1, k)[..., 0], bound.scale.gather(-1, k)[..., 0]
        z = self._component_quantile(u, location, scale)
        return self._to_support(self.from_standard(z).to(params.dtype))

    @override
    def mean(self, params: torch.Tensor) -> torch.Tensor:
        """Σ w μ; of truncated components, their own means by their masses within the bounds."""
        if not self.is_truncated:
            bound = self.bind(params)
            return self.from_standard((bound.log_weight.exp() * bound.location).sum(-1))
        bound = self.bind(params.double())
        means = self.component_means(bound)
        return (self.truncated(bound).log_weight.exp() * means).sum(-1).to(params.dtype)

    @override
    def mode(self, params: torch.Tensor) -> torch.Tensor:
        """The component location of highest density.

        It is the mode itself if K = 1 or the components lie far apart. Locations beyond a bound
        are moved to it.
        """
        return self._to_support(self.from_standard(self._mode_location(params)))

    @override
    def quadrature(
        self, params: torch.Tensor, thinned: int = 1
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """K · 16 values or fewer, (..., Q): each component's Gauss–Legendre points in its cdf."""
        bound = self.bind(params)
        rule = gauss_legendre(max(LEAST_POINTS, POINTS // thinned))
        u, w = (params.new_tensor(each) for each in rule)
        values = self.component_quantiles(bound, u)  # (..., K, points)
        weights = self.truncated(bound).log_weight.exp()[..., None] * w
        return values.flatten(-2), weights.flatten(-2)

    @override
    def entropy(self, params: torch.Tensor) -> torch.Tensor:
        """Differential entropy (...) in nats; K = 1 without bounds only."""
        if self.components > 1 or self.is_truncated:
            raise ChainruleError(
                f"{self!r}: the entropy of a mixture, or within bounds, has no closed form; "
                "average −log_prob over draws instead"
            )
        return self.bind(params).scale[..., 0].log() + self._unit_entropy + math.log(self.spread)

    @property
    @abstractmethod
    def _unit_entropy(self) -> float:
        """The differential entropy of f."""

    @override
    def cdf(self, params: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """Σ w F(z), (...)."""
        bound = self.bind(params)
        if not self.is_truncated:
            z = (self.standard(x)[..., None] - bound.location) / bound.scale
            return (bound.log_weight.exp() * self._cdf(z)).sum(-1).clamp(0, 1)
        shares = self.shares_below(bound, x[..., None])
        found = (self.truncated(bound).log_weight.exp() * shares).sum(-1).clamp(0, 1)
        if self.least is not None:
            found = torch.where(x < self.least, 0.0, found)
        return found if self.most is None else torch.where(x >= self.most, 1.0, found)

    @override
    def tail_bound(self, params: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """Σ w F(−|z|): f is symmetric, and F is exact in its lower tail.

        Within bounds, it is the mass between the value and the bound on its side of the location.
        """
        return self.tail_between(params, x, x)

    def tail_between(
        self, params: torch.Tensor, lower: torch.Tensor, upper: torch.Tensor
    ) -> torch.Tensor:
        """The components' mass above ``lower`` or, below their locations, that under ``upper``."""
        bound = self.bind(params)
        low, high = (((end - self.center) / self.spread)[..., None] for end in (lower, upper))
        if not self.is_truncated:
            z = torch.where(high < bound.location, bound.location - high, low - bound.location)
            return (bound.log_weight.exp() * self._cdf(-z.clamp(min=0) / bound.scale)).sum(-1)
        low, high = self._clamped(low), self._clamped(high)
        above, below = self.log_masses(bound, least=low), self.log_masses(bound, most=high)
        mass = torch.where(high < bound.location, below, above) - self.log_masses(bound)
        return (self.truncated(bound).log_weight + mass.clamp(max=0)).exp().sum(-1)

    @override
    def search(self, params: torch.Tensor, log_weight: torch.Tensor, q: torch.Tensor) -> Search:
        """The value whose cdf is q, between the components' own quantiles."""
        bound = self.bind(params.double())
        log_weight = (log_weight.double()[..., None] + self.truncated(bound).log_weight).flatten(1)
        location, scale = bound.location.flatten(1), bound.scale.flatten(1)
        is_cut = self.is_truncated
        return Search(
            self._inner_cdf if is_cut else self._cdf,
            self._inner_quantile if is_cut else self._quantile,
            log_weight,
            location,
            scale,
            q.double(),
            lambda z: self._to_support(self.from_standard(z)),
            self._ends(location, scale) if is_cut else (),
        )

    @override
    def initial_params(self, x: torch.Tensor) -> torch.Tensor:
        """Components of equal weight and scale with the column's own mean and variance."""
        z = (x.double() - self.center) / self.spread
        return self.initial_of_moments(z.mean(0), z.std(0, unbiased=False)).to(x.dtype)

    @override
    def support(self) -> None:
        return

    @property
    @override
    def placeholder(self) -> float:
        """0, or the bound nearest to it."""
        low = -math.inf if self.least is None else self.least
        return float(min(max(0.0, low), math.inf if self.most is None else self.most))

    # The methods below, in standardised units, also serve the other conditionals over numbers.

    def bind(self, params: torch.Tensor, temperature: float = 1.0) -> BoundComponents:
        """The components described by params (..., param_width)."""
        learned = params[..., : 3 * self.components] if self.centred else params
        logit, delta, rho = learned.unflatten(-1, (3, self.components)).unbind(-2)
        log_weight = F.log_softmax(logit / temperature, dim=-1)
        if not self.centred:
            scale = self.least_scale + F.softplus(rho)
            return BoundComponents(log_weight, scale * delta, scale * temperature)
        shift, log_stretch = params[..., 3 * self.components :, None].detach().unbind(-2)
        scale = self.least_scale + log_stretch.exp() * F.softplus(rho)
        return BoundComponents(log_weight, shift + scale * delta, scale * temperature)

    def from_standard(self, z: torch.Tensor) -> torch.Tensor:
        """Converts standardised values to the units of codes."""
        return self.center + self.spread * z

    @property
    def is_truncated(self) -> bool:
        """Whether there is a bound."""
        return self.least is not None or self.most is not None

    def log_inside(self, bound: BoundComponents) -> torch.Tensor:
        """The logarithm (...) of the mixture's mass within the bounds."""
        return (bound.log_weight + self.log_masses(bound)).logsumexp(-1)

    def truncated(self, bound: BoundComponents) -> BoundComponents:
        """The components with the weights that they have within the bounds."""
        if not self.is_truncated:
            return bound
        log_weight = (bound.log_weight + self.log_masses(bound)).log_softmax(-1)
        return BoundComponents(log_weight, bound.location, bound.scale)

    def component_means(self, bound: BoundComponents) -> torch.Tensor:
        """The mean (..., K) of each truncated component, in the units of codes; float64."""
        ends = self._ends(bound.location, bound.scale)
        means = bound.location + bound.scale * self._mean_between(*ends, self.log_masses(bound))
        return self._to_support(self.from_standard(means))

    def shares_below(self, bound: BoundComponents, x: torch.Tensor) -> torch.Tensor:
        """P(value <= x) of truncated components; values x broadcast with them."""
        if not self.is_truncated:
            return self._cdf((self.standard(x) - bound.location) / bound.scale)
        z = self._clamped(self.standard(x))
        return (self.log_masses(bound, most=z) - self.log_masses(bound)).exp().clamp(max=1)

    def component_quantiles(self, bound: BoundComponents, u: torch.Tensor) -> torch.Tensor:
        """Values (..., K, levels) of each component at levels u (levels,)."""
        location, scale = bound.location[..., None], bound.scale[..., None]
        return self._to_support(self.from_standard(self._component_quantile(u, location, scale)))

    def standard(self, x: Any) -> Any:
        """Converts values to standardised ones."""
        return (x - self.center) / self.spread

    def log_masses(
        self,
        bound: BoundComponents,
        *,
        least: torch.Tensor | float | None = None,
        most: torch.Tensor | float | None = None,
    ) -> torch.Tensor:
        """The log-mass (..., K) of each component between two standardised values.

        The bounds replace values that are not given.
        """
        low, high = self.standard_bounds
        low, high = low if least is None else least, high if most is None else most
        if low is None and high is None:
            return torch.zeros_like(bound.location)
        a = None if low is None else (low - bound.location) / bound.scale
        b = None if high is None else (high - bound.location) / bound.scale
        if a is None or low is None:
            return self._log_cdf(_present(b))
        if b is None or high is None:
            return self._log_cdf(-a)
        return self._log_between(a, b, (high - low) / bound.scale)

    def log_masses_between(
        self, bound: BoundComponents, low: torch.Tensor, high: torch.Tensor
    ) -> torch.Tensor:
        """The log-mass (..., K) of each component between standardised ends (..., 1).

        Ends may be infinite; the bounds are not applied.
        """
        from_below, to_above = low == -torch.inf, high == torch.inf
        is_whole = from_below & to_above
        # An infinite end is replaced before the formulas, so that gradients stay finite.
        b = (torch.where(to_above, 0.0, high) - bound.location) / bound.scale
        a = (torch.where(from_below, 0.0, low) - bound.location) / bound.scale
        is_open = from_below | to_above
        width = torch.where(is_open, 1.0, high - low) / bound.scale
        first = torch.where(is_open, torch.zeros_like(a), a)
        inner = self._log_between(first, torch.where(is_open, first + width, b), width)
        logs = torch.where(from_below, self._log_cdf(b), self._log_cdf(-a))
        return torch.where(is_whole, 0.0, torch.where(is_open, logs, inner))

    @override
    def log_between(
        self, params: torch.Tensor, low: torch.Tensor, high: torch.Tensor
    ) -> torch.Tensor:
        """Sums of the components' log-masses, which neither cancel nor underflow."""
        bound = self.bind(params)
        ends = (self._within(end)[..., None] for end in (low, high))
        logs = self.log_masses_between(bound, *ends)
        whole = (bound.log_weight + logs).logsumexp(-1)
        return whole - self.log_inside(bound) if self.is_truncated else whole

    @override
    def within(self, params: torch.Tensor, low: torch.Tensor, high: torch.Tensor) -> Within:
        """A uniform selects a component by its mass in the range; the rest of it draws there."""
        log_mass, draw = self.standard_within(params, self._within(low), self._within(high))

        def values(uniforms: torch.Tensor, rows: torch.Tensor | None = None) -> torch.Tensor:
            drawn = self._to_support(self.from_standard(draw(uniforms, rows)))
            return torch.minimum(torch.maximum(drawn, of_rows(low, rows)), of_rows(high, rows))

        return Within(log_mass, values)

    def _within(self, x: torch.Tensor) -> torch.Tensor:
        """Standardised values within the bounds."""
        return self._clamped(self.standard(x)) if self.is_truncated else self.standard(x)

    def standard_within(
        self, params: torch.Tensor, low: torch.Tensor, high: torch.Tensor
    ) -> tuple[torch.Tensor, Draw]:
        """What ``within`` gives, for standardised ends (...), and values that are standardised."""
        bound = self.bind(params)
        a, b = low[..., None], high[..., None]
        logs = bound.log_weight + self.log_masses_between(bound, a, b)
        log_mass = logs.logsumexp(-1)
        if self.is_truncated:
            log_mass = log_mass - self.log_inside(bound)

        def draw(uniforms: torch.Tensor, rows: torch.Tensor | None = None) -> torch.Tensor:
            k, u = chosen(logs, uniforms, rows)
            location, scale, first, last = (
                of_rows(each, rows) for each in (bound.location, bound.scale, a, b)
            )
            location, scale = location.gather(-1, k), scale.gather(-1, k)
            ends = (first - location) / scale, (last - location) / scale
            return (location + scale * self._inner_quantile(u[..., None], *ends))[..., 0]

        return log_mass, draw

    @property
    def standard_bounds(self) -> tuple[float | None, float | None]:
        """The bounds in standardised units."""
        low, high = (
            None if end is None else (end - self.center) / self.spread
            for end in (self.least, self.most)
        )
        return low, high

    def _ends(
        self, location: torch.Tensor, scale: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The bounds in units of the components; they may be infinite."""
        low, high = self.standard_bounds
        low, high = -math.inf if low is None else low, math.inf if high is None else high
        return (low - location) / scale, (high - location) / scale

    @classmethod
    def _log_mass(cls, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        """The log-mass between two ends, which may be infinite."""
        from_below, to_above = a.isinf(), b.isinf()
        low, high = torch.where(from_below, b - 1, a), torch.where(to_above, a + 1, b)
        logs = cls._log_between(low, high, high - low)
        return torch.where(
            from_below, cls._log_cdf(b), torch.where(to_above, cls._log_cdf(-a), logs)
        )

    @classmethod
    def _inner_cdf(cls, z: torch.Tensor, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        """The distribution function of components that are truncated to [a, b]."""
        z = torch.minimum(torch.maximum(z, a), b)
        return (cls._log_mass(a, z) - cls._log_mass(a, b)).exp()

    @classmethod
    def _inner_quantile(cls, u: torch.Tensor, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        """The inverse of ``_inner_cdf``, for u within (0, 1)."""
        return between.quantile_between(u, a, b, cls._log_cdf, cls._log_quantile, cls._quantile)

    def _component_quantile(
        self, u: torch.Tensor, location: torch.Tensor, scale: torch.Tensor
    ) -> torch.Tensor:
        """The quantiles of truncated components at levels u, in standardised units."""
        if not self.is_truncated:
            return location + scale * self._quantile(u)
        return location + scale * self._inner_quantile(u, *self._ends(location, scale))

    def _clamped(self, z: torch.Tensor) -> torch.Tensor:
        """Standardised values moved within the bounds."""
        return clamped(z, *self.standard_bounds)

    def _to_support(self, x: torch.Tensor) -> torch.Tensor:
        """Values moved within the bounds."""
        return clamped(x, self.least, self.most)

    def _mode_location(self, params: torch.Tensor) -> torch.Tensor:
        """The location μ_k of the highest density, within the bounds."""
        bound = self.bind(params)
        tried = self._clamped(bound.location)
        location, scale = bound.location[..., None, :], bound.scale[..., None, :]  # (..., 1, K)
        density = self._log_density((tried[..., :, None] - location) / scale)
        density = density - scale.log() + bound.log_weight[..., None, :]  # (..., K, K)
        density = density.logsumexp(-1)
        return tried.gather(-1, density.argmax(-1, keepdim=True))[..., 0]

    def initial_of_moments(self, mean: torch.Tensor, deviation: torch.Tensor) -> torch.Tensor:
        """Parameters (D, 3 K) of mixtures with this mean and standard deviation (D,).

        The floor of the scales may prevent a small deviation. Within bounds, the mean is that of
        what the bounds leave, and the deviation that of the whole.

        Centred mixtures have the mean m and the deviation r instead, whatever relations say.
        """
        if self.centred:
            params = self._of_moments(torch.zeros_like(mean), torch.ones_like(deviation))
            return torch.cat([params, params.new_zeros(len(params), 2)], dim=1)
        params = self._of_moments(mean, deviation)
        if not self.is_truncated:
            return params
        wanted, whole = self._clamped(mean), mean
        for _ in range(MEAN_STEPS):  # each step moves the mean by at most what it lacks
            whole = whole + (wanted - self.standard(self.mean(params)))
            params = self._of_moments(whole, deviation)
        return params

    def _of_moments(self, mean: torch.Tensor, deviation: torch.Tensor) -> torch.Tensor:
        """The same without bounds."""
        middles = (torch.arange(self.components, dtype=torch.float64) + 0.5) / self.components
        positions, between = torch.special.ndtri(middles), 0.0  # (K,), of mean 0
        if self.components > 1:
            between = BETWEEN
            deviation_of_positions = max(float(positions.std(unbiased=False)), 1e-300)
            positions = positions * (between**0.5 / deviation_of_positions)
        else:
            positions = positions * 0.0
        location = mean[:, None] + deviation[:, None] * positions.to(mean.device)  # (D, K)
        within = deviation * ((1 - between) ** 0.5 / self._unit_deviation)
        above = (within - self.least_scale).clamp(min=self.least_scale)
        scale = self.least_scale + above[:, None]  # (D, 1)
        rho = above + (-(-above).expm1()).log()  # the inverse of softplus
        delta = location / scale
        return torch.cat([torch.zeros_like(delta), delta, rho[:, None].expand_as(delta)], dim=1)


@dataclass(frozen=True)
class GaussianMixture(AbstractMixture):
    """A mixture of K Gaussians: RNADE's conditional.

    Examples:
        >>> GaussianMixture(1).log_prob(torch.tensor([[0.0, 0.0, 0.5413]]), torch.tensor([0.0]))
        tensor([-0.9199])
    """

    @staticmethod
    @override
    def _log_density(z: torch.Tensor) -> torch.Tensor:
        return between.gaussian_log_density(z)

    @staticmethod
    @override
    def _cdf(z: torch.Tensor) -> torch.Tensor:
        # log_ndtr has full precision in the lower tail.
        return torch.where(z < -5, torch.special.log_ndtr(z).exp(), torch.special.ndtr(z))

    @staticmethod
    @override
    def _quantile(u: torch.Tensor) -> torch.Tensor:
        return torch.special.ndtri(u)

    @staticmethod
    @override
    def _log_cdf(z: torch.Tensor) -> torch.Tensor:
        return between.gaussian_log_cdf(z)

    @staticmethod
    @override
    def _log_quantile(log_u: torch.Tensor) -> torch.Tensor:
        return between.gaussian_log_quantile(log_u)

    @staticmethod
    @override
    def _log_between(a: torch.Tensor, b: torch.Tensor, width: torch.Tensor) -> torch.Tensor:
        return between.gaussian_log_between(a, b, width)

    @staticmethod
    @override
    def _mean_between(a: torch.Tensor, b: torch.Tensor, log_mass: torch.Tensor) -> torch.Tensor:
        return between.gaussian_mean(a, b, log_mass)

    @property
    @override
    def density(self) -> str:
        return "gaussian"

    @property
    @override
    def _unit_deviation(self) -> float:
        return 1.0

    @property
    @override
    def _unit_entropy(self) -> float:
        return 0.5 * math.log(2 * math.pi * math.e)


@dataclass(frozen=True)
class LogisticMixture(AbstractMixture):
    """A mixture of K logistic densities, whose tails decay as e^−|z|.

    Examples:
        >>> LogisticMixture(1).cdf(torch.tensor([[0.0, 0.0, 0.5413]]), torch.tensor([0.0]))
        tensor([0.5000])
    """

    @staticmethod
    @override
    def _log_density(z: torch.Tensor) -> torch.Tensor:
        return F.logsigmoid(z) + F.logsigmoid(-z)

    @staticmethod
    @override
    def _cdf(z: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(z)

    @staticmethod
    @override
    def _quantile(u: torch.Tensor) -> torch.Tensor:
        return torch.logit(u)

    @staticmethod
    @override
    def _log_cdf(z: torch.Tensor) -> torch.Tensor:
        return between.logistic_log_cdf(z)

    @staticmethod
    @override
    def _log_quantile(log_u: torch.Tensor) -> torch.Tensor:
        return between.logistic_log_quantile(log_u)

    @staticmethod
    @override
    def _log_between(a: torch.Tensor, b: torch.Tensor, width: torch.Tensor) -> torch.Tensor:
        return between.logistic_log_between(a, b, width)

    @staticmethod
    @override
    def _mean_between(a: torch.Tensor, b: torch.Tensor, log_mass: torch.Tensor) -> torch.Tensor:
        return between.logistic_mean(a, b, log_mass)

    @property
    @override
    def density(self) -> str:
        return "logistic"

    @property
    @override
    def _unit_deviation(self) -> float:
        return math.pi / 3**0.5

    @property
    @override
    def _unit_entropy(self) -> float:
        return 2.0


@dataclass(frozen=True)
class LaplaceMixture(AbstractMixture):
    """A mixture of K Laplace densities, which have a sharp peak.

    Examples:
        >>> LaplaceMixture(1).log_prob(torch.tensor([[0.0, 0.0, 0.5413]]), torch.tensor([0.0]))
        tensor([-0.6941])
    """

    @staticmethod
    @override
    def _log_density(z: torch.Tensor) -> torch.Tensor:
        return -z.abs() - math.log(2)

    @staticmethod
    @override
    def _cdf(z: torch.Tensor) -> torch.Tensor:
        tail = 0.5 * (-z.abs()).exp()
        return torch.where(z < 0, tail, 1 - tail)

    @staticmethod
    @override
    def _quantile(u: torch.Tensor) -> torch.Tensor:
        return torch.where(u < 0.5, (2 * u).log(), -(2 * (1 - u)).log())

    @staticmethod
    @override
    def _log_cdf(z: torch.Tensor) -> torch.Tensor:
        return between.laplace_log_cdf(z)

    @staticmethod
    @override
    def _log_quantile(log_u: torch.Tensor) -> torch.Tensor:
        return between.laplace_log_quantile(log_u)

    @staticmethod
    @override
    def _log_between(a: torch.Tensor, b: torch.Tensor, width: torch.Tensor) -> torch.Tensor:
        return between.laplace_log_between(a, b, width)

    @staticmethod
    @override
    def _mean_between(a: torch.Tensor, b: torch.Tensor, log_mass: torch.Tensor) -> torch.Tensor:
        return between.laplace_mean(a, b, log_mass)

    @property
    @override
    def density(self) -> str:
        return "laplace"

    @property
    @override
    def _unit_deviation(self) -> float:
        return 2**0.5

    @property
    @override
    def _unit_entropy(self) -> float:
        return 1 + math.log(2)


def choose_component(
    bound: BoundComponents, uniforms: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """The rest (...) of each uniform, within (0, 1), and the component (..., 1) that it selects."""
    p = bound.log_weight.exp()  # (..., K)
    ends = p.cumsum(-1)
    # The last interval has no upper end.
    k = (uniforms[..., None] >= ends[..., :-1]).sum(-1, keepdim=True)
    inside = (uniforms[..., None] - (ends - p).gather(-1, k)) / p.gather(-1, k)
    tiny = torch.finfo(torch.float64).tiny
    return inside.clamp(tiny, 1 - 2**-53)[..., 0], k  # a uniform of 0 has no finite quantile


def _present(b: torch.Tensor | None) -> torch.Tensor:
    assert b is not None
    return b
