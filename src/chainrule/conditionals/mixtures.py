"""Mixtures for real columns: weighted sums of Gaussian, logistic or Laplace densities."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional as F
from typing_extensions import override

from chainrule.conditionals.base import AbstractConditional
from chainrule.conditionals.encodings import Standardised
from chainrule.conditionals.ranges import check_scale
from chainrule.conditionals.search import Search
from chainrule.errors import ChainruleError, ShapeError, whole_number

BETWEEN = 0.75  # share of the initial variance between the components
POINTS, LEAST_POINTS = 16, 4  # quadrature points per component: usually, and if thinned most


@dataclass(frozen=True)
class BoundComponents:
    """The K components of a mixture with their parameters, each (..., K), in standardised units."""

    log_weight: torch.Tensor
    location: torch.Tensor
    scale: torch.Tensor


@dataclass(frozen=True)
class AbstractMixture(AbstractConditional):
    """Σ_k w_k f((x − μ_k) / s_k) / s_k; each leaf defines f.

    The network gives three numbers per component: a logit of w, a number δ and a number ρ. Then s =
    least_scale + softplus(ρ) and μ = s δ, both in units of ``spread`` around ``center``. The slope
    of log f bounds ∂ log p / ∂ δ at every scale. In contrast, ∂ log p / ∂ μ grows as 1/s, which
    drove RNADE's training to NaN.

    Source: Uria, Murray & Larochelle, "RNADE: The real-valued neural autoregressive
    density-estimator", NIPS 2013, arXiv:1306.0186; the parametrisation is ours.

    Args:
        components: K, the number of components.
        center: subtracted from a value first; 0 for standardised codes.
        spread: divides the difference; 1 for standardised codes.
        least_scale: the floor of the scales, in units of ``spread``; it keeps the likelihood of a
            repeated value finite.
    """

    components: int
    center: float = 0.0
    spread: float = 1.0
    least_scale: float = 1e-3

    def __post_init__(self) -> None:
        whole_number(
            self.components, "components", least=1, what="a whole number of mixture components"
        )
        check_scale(self.center, self.spread)
        if not (isinstance(self.least_scale, int | float) and 0 < self.least_scale < math.inf):
            raise ShapeError(f"least_scale = {self.least_scale!r}: pass a number above zero")

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
        """3 K: logits, δ, ρ."""
        return 3 * self.components

    @override
    def encoding(self) -> Standardised:
        """The standardised value, not clamped to a range."""
        return Standardised(self.center, self.spread)

    @override
    def log_prob(self, params: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """log Σ_k w_k f(z_k) / s_k, by a stable log-sum-exp."""
        bound = self.bind(params)
        z = ((x - self.center) / self.spread)[..., None]  # (..., 1)
        z = (z - bound.location) / bound.scale  # (..., K)
        density = self._log_density(z) - bound.scale.log()
        return (bound.log_weight + density).logsumexp(-1) - math.log(self.spread)

    @override
    def sample(
        self, params: torch.Tensor, uniforms: torch.Tensor, temperature: float = 1.0
    ) -> torch.Tensor:
        """The uniform selects a component; the rest of it draws the value.

        The temperature divides the logits and multiplies the scales.
        """
        bound = self.bind(params.double(), temperature)
        return self.from_standard(draw(bound, uniforms, self._quantile)).to(params.dtype)

    @override
    def mean(self, params: torch.Tensor) -> torch.Tensor:
        """Σ w μ."""
        bound = self.bind(params)
        return self.from_standard((bound.log_weight.exp() * bound.location).sum(-1))

    @override
    def mode(self, params: torch.Tensor) -> torch.Tensor:
        """The component location of highest density.

        It is the mode itself if K = 1 or the components lie far apart.
        """
        return self.from_standard(self.mode_location(params))

    @override
    def quadrature(
        self, params: torch.Tensor, thinned: int = 1
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """K · 16 values or fewer, (..., Q): each component's Gauss–Legendre points in its cdf."""
        bound = self.bind(params)
        rule = gauss_legendre(max(LEAST_POINTS, POINTS // thinned))
        u, w = (params.new_tensor(each) for each in rule)
        z = self._quantile(u)  # (points,)
        values = bound.location[..., None] + bound.scale[..., None] * z  # (..., K, points)
        weights = bound.log_weight.exp()[..., None] * w
        return self.from_standard(values.flatten(-2)), weights.flatten(-2)

    @override
    def entropy(self, params: torch.Tensor) -> torch.Tensor:
        """Differential entropy (...) in nats; K = 1 only."""
        if self.components > 1:
            raise ChainruleError(
                f"{self!r}: a mixture's entropy has no closed form; average −log_prob over draws "
                "instead"
            )
        return self.bind(params).scale[..., 0].log() + self._unit_entropy + math.log(self.spread)

    @property
    @abstractmethod
    def _unit_entropy(self) -> float:
        """The differential entropy of f."""

    @override
    def cdf(self, params: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """Σ w F(z), (...)."""
        return self.standard_cdf(self.bind(params), (x - self.center) / self.spread)

    @override
    def tail_bound(self, params: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """Σ w F(−|z|): f is symmetric, and F is exact in its lower tail."""
        bound = self.bind(params)
        z = (((x - self.center) / self.spread)[..., None] - bound.location) / bound.scale
        return (bound.log_weight.exp() * self._cdf(-z.abs())).sum(-1)

    @override
    def search(self, params: torch.Tensor, log_weight: torch.Tensor, q: torch.Tensor) -> Search:
        """The value whose cdf is q, between the components' own quantiles."""
        bound = self.bind(params.double())
        return Search(
            self._cdf,
            self._quantile,
            (log_weight.double()[..., None] + bound.log_weight).flatten(1),
            bound.location.flatten(1),
            bound.scale.flatten(1),
            q.double(),
            self.from_standard,
        )

    @override
    def initial_params(self, x: torch.Tensor) -> torch.Tensor:
        """Components of equal weight and scale with the column's own mean and variance."""
        z = (x.double() - self.center) / self.spread
        mean, deviation = z.mean(0), z.std(0, unbiased=False)
        return self.initial_of_moments(mean, deviation).to(x.dtype)

    @override
    def support(self) -> None:
        return

    # The methods below, in standardised units, also serve the other conditionals over numbers.

    def bind(self, params: torch.Tensor, temperature: float = 1.0) -> BoundComponents:
        """The components described by params (..., 3 K)."""
        logit, delta, rho = params.unflatten(-1, (3, self.components)).unbind(-2)
        scale = self.least_scale + F.softplus(rho)
        return BoundComponents(
            F.log_softmax(logit / temperature, dim=-1), scale * delta, scale * temperature
        )

    def from_standard(self, z: torch.Tensor) -> torch.Tensor:
        """Converts standardised values to the units of codes."""
        return self.center + self.spread * z

    def standard_cdf(self, bound: BoundComponents, z: torch.Tensor) -> torch.Tensor:
        """P(value <= z), (...)."""
        return (
            (bound.log_weight.exp() * self._cdf((z[..., None] - bound.location) / bound.scale))
            .sum(-1)
            .clamp(0, 1)
        )

    def mode_location(self, params: torch.Tensor) -> torch.Tensor:
        """The location μ_k of the highest density."""
        bound = self.bind(params)
        location, scale = bound.location[..., None, :], bound.scale[..., None, :]  # (..., 1, K)
        density = self._log_density((bound.location[..., :, None] - location) / scale)
        density = density - scale.log() + bound.log_weight[..., None, :]  # (..., K, K)
        density = density.logsumexp(-1)
        return bound.location.gather(-1, density.argmax(-1, keepdim=True))[..., 0]

    def initial_of_moments(self, mean: torch.Tensor, deviation: torch.Tensor) -> torch.Tensor:
        """Parameters (D, 3 K) of mixtures with this mean and standard deviation (D,).

        The floor of the scales may prevent a small deviation.
        """
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
        return -0.5 * z * z - 0.5 * math.log(2 * math.pi)

    @staticmethod
    @override
    def _cdf(z: torch.Tensor) -> torch.Tensor:
        # log_ndtr has full precision in the lower tail.
        return torch.where(z < -5, torch.special.log_ndtr(z).exp(), torch.special.ndtr(z))

    @staticmethod
    @override
    def _quantile(u: torch.Tensor) -> torch.Tensor:
        return torch.special.ndtri(u)

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

    @property
    @override
    def _unit_deviation(self) -> float:
        return 2**0.5

    @property
    @override
    def _unit_entropy(self) -> float:
        return 1 + math.log(2)


def draw(
    bound: BoundComponents, uniforms: torch.Tensor, quantile: Callable[[torch.Tensor], torch.Tensor]
) -> torch.Tensor:
    """Draws standardised values (...): a uniform selects a component, its rest the quantile."""
    p = bound.log_weight.exp()  # (..., K)
    ends = p.cumsum(-1)
    # The last interval has no upper end.
    k = (uniforms[..., None] >= ends[..., :-1]).sum(-1, keepdim=True)
    inside = (uniforms[..., None] - (ends - p).gather(-1, k)) / p.gather(-1, k)
    tiny = torch.finfo(torch.float64).tiny
    u = inside.clamp(tiny, 1 - 2**-53)  # a uniform of exactly 0 has no finite quantile
    return (bound.location.gather(-1, k) + bound.scale.gather(-1, k) * quantile(u))[..., 0]


def gauss_legendre(points: int = POINTS) -> tuple[list[float], list[float]]:
    """Points in (0, 1) and weights of the rule that is exact up to degree 2 · points − 1."""
    x, w = np.polynomial.legendre.leggauss(points)
    return ((x + 1) / 2).tolist(), (w / 2).tolist()
