"""Mixtures for real columns: each conditional a weighted sum of Gaussian, logistic or Laplace densities."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional as F

from chainrule.conditionals.base import AbstractConditional, bisect
from chainrule.conditionals.encodings import Standardised
from chainrule.conditionals.ranges import check_scale
from chainrule.errors import ChainruleError, ShapeError, whole_number

BETWEEN = 0.75  # share of the initial variance that lies between the parts
POINTS, LEAST_POINTS = 16, 4  # of each part, where expectations are sums; where many mixtures are mixed each has fewer


@dataclass(frozen=True)
class Parts:
    """The K parts of a mixture with their parameters bound, each (..., K), in standardised units."""

    log_weight: torch.Tensor
    location: torch.Tensor
    scale: torch.Tensor


@dataclass(frozen=True)
class AbstractMixture(AbstractConditional):
    """Σ_k w_k f((x − μ_k) / s_k) / s_k, what the leaves of this family share; a leaf says what f is.

    The network gives, per part, a logit of w, a number δ and a number ρ. Then s = least_scale + softplus(ρ) and
    μ = s δ, both in units of ``spread`` around ``center``: ∂ log p / ∂ δ is then bounded by what f's slope is, however small
    the scale, where ∂ log p / ∂ μ grows as 1/s and made RNADE's training stop at NaN.

    Source: Uria, Murray & Larochelle, "RNADE: The real-valued neural autoregressive density-estimator", NIPS 2013,
    arXiv:1306.0186; the parametrisation is ours.

    Args:
        parts: K, the number of parts.
        center: what is subtracted from a value before anything else; of standardised codes 0.
        spread: what the difference is divided by; of standardised codes 1.
        least_scale: the floor of the scales, in units of ``spread``: no likelihood runs to infinity on a repeated value.
    """

    parts: int
    center: float = 0.0
    spread: float = 1.0
    least_scale: float = 1e-3

    def __post_init__(self) -> None:
        whole_number(self.parts, "parts", least=1, what="a whole number of mixture parts")
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
    def is_discrete(self) -> bool:
        """A density."""
        return False

    @property
    def components(self) -> int:
        """K."""
        return self.parts

    @property
    def param_width(self) -> int:
        """3 K: logits, δ, ρ."""
        return 3 * self.parts

    def encoding(self) -> Standardised:
        """The standardised value, without a range."""
        return Standardised(self.center, self.spread)

    def log_prob(self, params: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """log Σ_k w_k f(z_k) / s_k, (...) nats, by a stable sum of exponentials."""
        bound = self.bind(params)
        z = ((x - self.center) / self.spread)[..., None]  # (..., 1)
        density = self._log_density((z - bound.location) / bound.scale) - bound.scale.log()  # (..., K)
        return (bound.log_weight + density).logsumexp(-1) - math.log(self.spread)

    def sample(self, params: torch.Tensor, uniforms: torch.Tensor, temperature: float = 1.0) -> torch.Tensor:
        """A part by the uniform, its value by what the uniform has left; temperature divides logits and multiplies scales."""
        bound = self.bind(params.double(), temperature)
        return self.of_standard(draw(bound, uniforms, self._quantile)).to(params.dtype)

    def mean(self, params: torch.Tensor) -> torch.Tensor:
        """Σ w μ."""
        bound = self.bind(params)
        return self.of_standard((bound.log_weight.exp() * bound.location).sum(-1))

    def mode(self, params: torch.Tensor) -> torch.Tensor:
        """The location of a part where the density is highest: the mode itself where K = 1 or the parts lie apart."""
        return self.of_standard(self.likeliest_location(params))

    def quadrature(self, params: torch.Tensor, thinned: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
        """K · 16 values, or fewer, (..., M): of each part those of Gauss and Legendre's rule over its distribution function."""
        bound = self.bind(params)
        u, w = (params.new_tensor(part) for part in gauss_legendre(max(LEAST_POINTS, POINTS // thinned)))
        values = bound.location[..., None] + bound.scale[..., None] * self._quantile(u)  # (..., K, points)
        weights = bound.log_weight.exp()[..., None] * w
        return self.of_standard(values.flatten(-2)), weights.flatten(-2)

    def entropy(self, params: torch.Tensor) -> torch.Tensor:
        """Differential entropy (...) in nats, where K = 1."""
        if self.parts > 1:
            raise ChainruleError(
                f"{self!r}: a mixture's entropy has no closed form; average −log_prob over draws instead"
            )
        return self.bind(params).scale[..., 0].log() + self._unit_entropy + math.log(self.spread)

    @property
    @abstractmethod
    def _unit_entropy(self) -> float:
        """The differential entropy of f."""

    def cdf(self, params: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """Σ w F(z), (...)."""
        return self.standard_cdf(self.bind(params), (x - self.center) / self.spread)

    def tail_bound(self, params: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """Σ w F(−|z|), (...): F is symmetric, and exact in its lower tail."""
        bound = self.bind(params)
        z = (((x - self.center) / self.spread)[..., None] - bound.location) / bound.scale
        return (bound.log_weight.exp() * self._cdf(-z.abs())).sum(-1)

    def quantile(self, params: torch.Tensor, q: torch.Tensor) -> torch.Tensor:
        """The value whose cdf is q, by bisection between the parts' own quantiles."""
        return self.of_standard(self.standard_quantile(self.bind(params.double()), q.double())).to(params.dtype)

    def initial_params(self, x: torch.Tensor) -> torch.Tensor:
        """Parts of equal weight and scale, spread so that mean and variance are the column's own, (D, 3 K)."""
        z = (x.double() - self.center) / self.spread
        mean, deviation = z.mean(0), z.std(0, unbiased=False)
        return self.initial_of_moments(mean, deviation).to(x.dtype)

    def support(self) -> None:
        """None: every real number."""
        return

    # What the other conditionals over numbers need as well; all in standardised units.

    def bind(self, params: torch.Tensor, temperature: float = 1.0) -> Parts:
        """The parts that these parameters (..., 3 K) describe."""
        logit, delta, rho = params.unflatten(-1, (3, self.parts)).unbind(-2)
        scale = self.least_scale + F.softplus(rho)
        return Parts(F.log_softmax(logit / temperature, dim=-1), scale * delta, scale * temperature)

    def of_standard(self, z: torch.Tensor) -> torch.Tensor:
        """Values in the units of codes."""
        return self.center + self.spread * z

    def standard_cdf(self, bound: Parts, z: torch.Tensor) -> torch.Tensor:
        """P(value <= z), (...)."""
        return (bound.log_weight.exp() * self._cdf((z[..., None] - bound.location) / bound.scale)).sum(-1).clamp(0, 1)

    def standard_quantile(self, bound: Parts, q: torch.Tensor) -> torch.Tensor:
        """The z whose cdf is q."""
        ends = bound.location + bound.scale * self._quantile(q[..., None])  # (..., K)
        low, high = ends.amin(-1), ends.amax(-1)
        return high if self.parts == 1 else bisect(lambda z: self.standard_cdf(bound, z), q, low, high)

    def likeliest_location(self, params: torch.Tensor) -> torch.Tensor:
        """The location μ_k with the highest density."""
        bound = self.bind(params)
        at = bound.location[..., :, None]  # (..., K, 1), against the parts (..., 1, K)
        density = self._log_density((at - bound.location[..., None, :]) / bound.scale[..., None, :])
        density = (density - bound.scale.log()[..., None, :] + bound.log_weight[..., None, :]).logsumexp(-1)
        return bound.location.gather(-1, density.argmax(-1, keepdim=True))[..., 0]

    def initial_of_moments(self, mean: torch.Tensor, deviation: torch.Tensor) -> torch.Tensor:
        """Parameters (D, 3 K) whose mixture has this mean and standard deviation (D,), as far as the floor allows."""
        place = torch.special.ndtri((torch.arange(self.parts, dtype=torch.float64) + 0.5) / self.parts)
        between = BETWEEN if self.parts > 1 else 0.0
        place = place * (between**0.5 / max(float(place.std(unbiased=False)), 1e-300) if self.parts > 1 else 0.0)
        location = mean[:, None] + deviation[:, None] * place.to(mean.device)  # (D, K)
        above = (deviation * ((1 - between) ** 0.5 / self._unit_deviation) - self.least_scale).clamp(
            min=self.least_scale
        )
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
    def _log_density(z: torch.Tensor) -> torch.Tensor:
        return -0.5 * z * z - 0.5 * math.log(2 * math.pi)

    @staticmethod
    def _cdf(z: torch.Tensor) -> torch.Tensor:
        return torch.where(z < -5, torch.special.log_ndtr(z).exp(), torch.special.ndtr(z))  # its tail to full precision

    @staticmethod
    def _quantile(u: torch.Tensor) -> torch.Tensor:
        return torch.special.ndtri(u)

    @property
    def _unit_deviation(self) -> float:
        return 1.0

    @property
    def _unit_entropy(self) -> float:
        return 0.5 * math.log(2 * math.pi * math.e)


@dataclass(frozen=True)
class LogisticMixture(AbstractMixture):
    """A mixture of K logistic densities, whose tails fall as e^−|z|.

    Examples:
        >>> LogisticMixture(1).cdf(torch.tensor([[0.0, 0.0, 0.5413]]), torch.tensor([0.0]))
        tensor([0.5000])
    """

    @staticmethod
    def _log_density(z: torch.Tensor) -> torch.Tensor:
        return F.logsigmoid(z) + F.logsigmoid(-z)

    @staticmethod
    def _cdf(z: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(z)

    @staticmethod
    def _quantile(u: torch.Tensor) -> torch.Tensor:
        return torch.logit(u)

    @property
    def _unit_deviation(self) -> float:
        return math.pi / 3**0.5

    @property
    def _unit_entropy(self) -> float:
        return 2.0


@dataclass(frozen=True)
class LaplaceMixture(AbstractMixture):
    """A mixture of K Laplace densities, peaked where a Gaussian is round.

    Examples:
        >>> LaplaceMixture(1).log_prob(torch.tensor([[0.0, 0.0, 0.5413]]), torch.tensor([0.0]))
        tensor([-0.6941])
    """

    @staticmethod
    def _log_density(z: torch.Tensor) -> torch.Tensor:
        return -z.abs() - math.log(2)

    @staticmethod
    def _cdf(z: torch.Tensor) -> torch.Tensor:
        tail = 0.5 * (-z.abs()).exp()
        return torch.where(z < 0, tail, 1 - tail)

    @staticmethod
    def _quantile(u: torch.Tensor) -> torch.Tensor:
        return torch.where(u < 0.5, (2 * u).log(), -(2 * (1 - u)).log())

    @property
    def _unit_deviation(self) -> float:
        return 2**0.5

    @property
    def _unit_entropy(self) -> float:
        return 1 + math.log(2)


def draw(bound: Parts, uniforms: torch.Tensor, quantile: Callable[[torch.Tensor], torch.Tensor]) -> torch.Tensor:
    """Standardised values (...): which part a uniform falls into, then that part's quantile of the rest of the uniform."""
    p = bound.log_weight.exp()  # (..., K)
    ends = p.cumsum(-1)
    part = (uniforms[..., None] >= ends[..., :-1]).sum(-1, keepdim=True)  # the last stretch is open
    inside = (uniforms[..., None] - (ends - p).gather(-1, part)) / p.gather(-1, part)
    tiny = torch.finfo(torch.float64).tiny
    u = inside.clamp(tiny, 1 - 2**-53)  # a uniform of exactly 0 has no finite quantile
    return (bound.location.gather(-1, part) + bound.scale.gather(-1, part) * quantile(u))[..., 0]


def gauss_legendre(points: int = POINTS) -> tuple[list[float], list[float]]:
    """Points within (0, 1) and weights of the rule that is exact for polynomials up to degree 2 · points − 1."""
    x, w = np.polynomial.legendre.leggauss(points)
    return ((x + 1) / 2).tolist(), (w / 2).tolist()
