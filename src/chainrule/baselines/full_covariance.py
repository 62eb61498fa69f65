"""A mixture of Gaussians with full covariances: the usual baseline for tables of real numbers."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from copy import copy
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from typing_extensions import override

from chainrule.conditionals import Distribution, GaussianMixture
from chainrule.errors import ShapeError, whole_number
from chainrule.networks.base import check_pool
from chainrule.networks.columns import Columns
from chainrule.networks.fixed_order import AbstractFixedOrder
from chainrule.networks.orders import Order, order_from_json, order_to_json
from chainrule.networks.walk import Walk
from chainrule.rng import generator_from

LEAST_SCALE = 1e-6  # lower bound on the scale of a column's conditional
# Added to the diagonal of each covariance: (0.01 standard deviations of a standardised column)².
VARIANCE_FLOOR = 1e-4


class FullCovarianceMixture(AbstractFixedOrder):
    """p(x) = Σ_m π_m N(x; μ_m, Σ_m) over real columns, fitted by scikit-learn.

    Each p(x_k | x_<k) is a mixture of M Gaussians. Component m contributes its linear regression
    of x_k on x_<k, with weight p(m | x_<k). ``initialize_from`` is the whole fit.

    Args:
        columns: number of real columns.
        components: M, the number of components.
        order: as for ``NADE``; it changes no likelihood.
        generator: source of the seed of scikit-learn's fit, and of a random order.

    Attributes:
        component_logit: (M,), log π up to a constant.
        mean: μ, (M, D).
        covariance: Σ, (M, D, D).

    Examples:
        >>> mixing = torch.tensor([[1.0, 0.9], [0.0, 0.1]])
        >>> rows = torch.randn(200, 2, generator=generator_from(0)) @ mixing
        >>> net = FullCovarianceMixture(2, components=1, generator=generator_from(0))
        >>> net.initialize_from(rows)
        >>> bool(net.log_prob(rows).mean() > -1.0)
        True
    """

    def __init__(
        self,
        columns: int,
        components: int = 5,
        *,
        order: Order = None,
        generator: torch.Generator | None = None,
    ) -> None:
        components = whole_number(
            components, "components", least=1, what="a whole number of components"
        )
        generator = generator_from(generator)
        # The seed of scikit-learn's initial components.
        seed = int(torch.randint(2**31 - 1, (), generator=generator, device="cpu"))
        width = whole_number(columns, "columns", least=1, what="a number of real columns")
        conditional = GaussianMixture(components, least_scale=LEAST_SCALE)
        super().__init__(Columns.of([conditional] * width), order, generator)
        self.components, self._seed = components, seed
        self.component_logit = nn.Parameter(torch.zeros(components))
        self.mean = nn.Parameter(torch.zeros(components, width))
        self.covariance = nn.Parameter(torch.eye(width).repeat(components, 1, 1))

    @override
    def conditional_params(self, x: torch.Tensor) -> torch.Tensor:
        """Logits, δ and ρ of each component's Gaussian, (N, 3 M D) in column order."""
        walk, found = _Walk(self, x), {}
        all_rows = torch.ones(len(x), dtype=torch.bool, device=x.device)
        for column in self.order.tolist():
            found[column] = walk.params(column)
            walk.learn(column, x[:, column], all_rows)
        return torch.cat([found[column] for column in range(len(self.columns))], dim=1)

    @override
    def begin(self, x: torch.Tensor, given: torch.Tensor) -> Walk:
        return _Walk(self, x)

    @override
    def initialize_from(self, x: torch.Tensor) -> None:
        """Fits all components to rows x (N, D) by EM. This is the whole fit."""
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.mixture import GaussianMixture as Fitted

        x = self.check_rows(x)
        if len(x) < max(2, self.components):
            raise ShapeError(
                f"{len(x)} rows are too few for {self.components} components; pass "
                f"components={max(1, len(x) // 2)} or fewer"
            )
        with warnings.catch_warnings():
            # A fit that has not converged is a valid density, too.
            warnings.simplefilter("ignore", ConvergenceWarning)
            fitted = Fitted(
                self.components, reg_covar=VARIANCE_FLOOR, max_iter=200, random_state=self._seed
            ).fit(x.double().cpu().numpy())
        with torch.no_grad():
            self.component_logit.copy_(torch.from_numpy(fitted.weights_).log())
            self.mean.copy_(torch.from_numpy(fitted.means_))
            self.covariance.copy_(torch.from_numpy(fitted.covariances_))

    @override
    def features(self, x: torch.Tensor, pool: str = "last") -> torch.Tensor:
        """p(m | x), (N, M): the component probabilities of each row; ``pool`` has no effect."""
        check_pool(pool)
        x = self.check_rows(x)
        lower = torch.linalg.cholesky(self.covariance)
        off = torch.linalg.solve_triangular(
            lower, (x[:, None] - self.mean)[..., None], upper=False
        )[..., 0]  # (N, M, D)
        logs = -(off**2).sum(2) / 2 - lower.diagonal(dim1=1, dim2=2).log().sum(1)
        return (self.component_logit + logs).softmax(1)

    @override
    def count_parameters(self) -> int:
        """The number of learned parameters; a symmetric covariance counts D (D + 1) / 2."""
        width = len(self.columns)
        return self.components * (1 + width + width * (width + 1) // 2)

    @override
    def check(self) -> None:
        """Raises ShapeError unless every covariance is symmetric and positive definite."""
        good = torch.equal(self.covariance, self.covariance.transpose(1, 2))
        if not good or bool(torch.linalg.cholesky_ex(self.covariance).info.any()):
            raise ShapeError("a covariance is not symmetric and positive definite")

    @override
    def config(self) -> dict[str, Any]:
        return {"components": self.components, "order": order_to_json(self.order)}

    @classmethod
    @override
    def from_config(cls, columns: Columns, config: Mapping[str, Any]) -> FullCovarianceMixture:
        return cls(len(columns), config["components"], order=order_from_json(config["order"]))


class _Walk:
    """Component weights and noise z of n rows, where x = μ_m + L_m z_m.

    L_m is the Cholesky factor of Σ_m, with columns in the network's order.
    """

    def __init__(self, network: FullCovarianceMixture, x: torch.Tensor) -> None:
        order = network.order
        self._network = network
        self._lower = torch.linalg.cholesky(network.covariance[:, order][:, :, order])  # (M, D, D)
        self._weight = F.log_softmax(network.component_logit, 0).expand(len(x), -1)  # (n, M)
        # z of the learned columns, (n, M, step).
        self._noise = x.new_zeros(len(x), network.components, 0)
        # The result of ``_next`` for this step.
        self._moments: tuple[torch.Tensor, torch.Tensor] | None = None

    def params(self, column: int) -> torch.Tensor:
        """Logits, δ and ρ of each component's Gaussian, (n, 3 M)."""
        mean, scale = self._next(column)
        # softplus(ρ) = scale − LEAST_SCALE
        rho = scale - LEAST_SCALE + torch.log(-torch.expm1(LEAST_SCALE - scale))
        return torch.cat([self._weight, mean / scale, rho.expand(len(mean), -1)], dim=1)

    def distribution(self, column: int) -> Distribution:
        """p(x_column | learned columns), a mixture of Gaussians."""
        return Distribution.of(self._network.columns.conditionals[column], self.params(column))

    def learn(self, column: int, values: torch.Tensor, rows: torch.Tensor) -> None:
        """Multiplies the component weights by the likelihood of the values, and keeps the noise."""
        mean, scale = self._next(column)
        noise = (values[:, None] - mean) / scale
        weight = self._weight - noise**2 / 2 - scale.log() - math.log(2 * math.pi) / 2
        self._weight = weight - weight.logsumexp(1, keepdim=True)
        self._noise, self._moments = torch.cat([self._noise, noise[:, :, None]], dim=2), None

    def take(self, rows: torch.Tensor) -> _Walk:
        """See ``Walk``."""
        found = copy(self)
        found._weight, found._noise = self._weight[rows], self._noise[rows]
        if self._moments is not None:
            found._moments = self._moments[0][rows], self._moments[1]
        return found

    def _next(self, column: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean (n, M) and scale (M,) per component of the next column, given the learned ones."""
        if self._moments is None:
            step = self._noise.shape[2]
            shift = (self._noise * self._lower[:, step, :step]).sum(2)  # (n, M)
            self._moments = self._network.mean[:, column] + shift, self._lower[:, step, step]
        return self._moments
