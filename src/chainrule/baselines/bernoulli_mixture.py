"""A mixture of independent binary columns: one discrete hidden variable, summed out exactly."""

from __future__ import annotations

import math
from collections.abc import Mapping
from copy import copy
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from typing_extensions import override

from chainrule.conditionals import Distribution
from chainrule.errors import ShapeError, whole_number
from chainrule.networks.base import check_pool
from chainrule.networks.columns import Columns
from chainrule.networks.fixed_order import AbstractFixedOrder
from chainrule.networks.orders import Order, order_from_json, order_to_json
from chainrule.networks.walk import Walk
from chainrule.progress import progress_bar
from chainrule.rng import generator_from, normal

# Pseudo-counts per component and column, split by the overall frequencies of the column.
SMOOTHING = 1.0
# EM stops after STEPS steps, or when a step gains less than ENOUGH nats per row.
STEPS, ENOUGH = 100, 1e-4
CELLS_AT_ONCE = 2**22  # rows × columns × components


class BernoulliMixture(AbstractFixedOrder):
    """p(x) = Σ_m π_m Π_k μ_mk^x_k (1 − μ_mk)^(1 − x_k): each component has independent columns.

    The chain rule gives p(x_k | x_<k) = Σ_m p(m | x_<k) p_m(x_k). ``initialize_from`` is the
    whole fit. It runs expectation maximisation (EM) from the random components of the constructor.

    Args:
        columns: number of binary columns.
        components: M, the number of components.
        order: as for ``NADE``; it changes no likelihood.
        generator: source of the initial components and of a random order.

    Attributes:
        component_logit: (M,), log π up to a constant.
        logit: (M, D), log μ − log (1 − μ).

    Examples:
        >>> net = BernoulliMixture(2, components=2, generator=generator_from(0))
        >>> rows = torch.tensor([[0.0, 0.0], [1.0, 1.0]]).repeat(20, 1)
        >>> net.initialize_from(rows)
        >>> bool(net.log_prob(rows).mean() > -1.0)
        True
    """

    def __init__(
        self,
        columns: int | Columns,
        components: int = 20,
        *,
        order: Order = None,
        generator: torch.Generator | None = None,
    ) -> None:
        generator = generator_from(generator)
        super().__init__(Columns.of(columns), order, generator)
        if not self.columns.is_binary:
            raise ShapeError("a mixture of Bernoullis is over binary columns; pass their number")
        self.components = whole_number(
            components, "components", least=1, what="a whole number of components"
        )
        self.component_logit = nn.Parameter(torch.zeros(components))
        self.logit = nn.Parameter(
            normal(components, len(self.columns), deviation=1.0, generator=generator)
        )

    def joint(self, x: torch.Tensor) -> torch.Tensor:
        """log π_m + log p_m(x), (N, M) nats."""
        return _joint(self.check_rows(x), self.component_logit, self.logit)

    @override
    def conditional_params(self, x: torch.Tensor) -> torch.Tensor:
        """Logits of p(x_k = 1 | x_<k), (N, D) in column order."""
        size = max(1, CELLS_AT_ONCE // (self.components * x.shape[1]))
        return torch.cat([self._running(chunk) for chunk in x.split(size)]) if len(x) else x

    def _running(self, x: torch.Tensor) -> torch.Tensor:
        steps = self.logit[:, self.order]  # (M, D) by step
        zeros, ones = F.logsigmoid(-steps), F.logsigmoid(steps)
        # where, not a product: a NaN in a missing later cell must not reach earlier columns
        cells = torch.where(x[:, None, self.order] > 0.5, ones, zeros)  # (N, M, D)
        before = F.log_softmax(self.component_logit, 0)[:, None] + F.pad(
            cells.cumsum(2)[:, :, :-1], (1, 0)
        )
        logit = (before + ones).logsumexp(1) - (before + zeros).logsumexp(1)  # (N, D) by step
        return logit[:, self.order.argsort()]

    @override
    def begin(self, x: torch.Tensor, given: torch.Tensor) -> Walk:
        return _Walk(self, len(x))

    @override
    def initialize_from(self, x: torch.Tensor) -> None:
        """Fits π and μ to rows x (N, D) by EM; shows a progress bar on a terminal."""
        x = self.check_rows(x)
        if not len(x):
            raise ShapeError("x has no rows to fit the components to")
        x = x.double()
        base = self.columns.initial_params(x)
        logit = base + self.logit.detach().double()
        component_logit = torch.zeros(self.components, dtype=torch.float64).to(x.device)
        # Components start at the column frequencies, each with its own noise.
        ones, last = torch.sigmoid(base), -math.inf
        with torch.no_grad(), progress_bar("fitting a mixture", STEPS) as advance:
            for _ in range(STEPS):
                joint = _joint(x, component_logit, logit)
                nats = float(joint.logsumexp(1).mean())
                share = joint.softmax(1)  # (N, M)
                count = share.sum(0)  # (M,)
                lit = share.t() @ x  # (M, D)
                # The logit comes from both counts: a probability rounded to 1 has no finite logit.
                dark = (count[:, None] - lit).clamp(min=0)
                logit = (lit + SMOOTHING * ones).log() - (dark + SMOOTHING * (1 - ones)).log()
                component_logit = (count + 1 / self.components).log()
                advance(1)
                if nats - last < ENOUGH:
                    break
                last = nats
            self.logit.copy_(logit)
            self.component_logit.copy_(component_logit)

    @override
    def features(self, x: torch.Tensor, pool: str = "last") -> torch.Tensor:
        """p(m | x), (N, M): the component probabilities of each row; ``pool`` has no effect."""
        check_pool(pool)
        return self.joint(x).softmax(1)

    @override
    def config(self) -> dict[str, Any]:
        return {"components": self.components, "order": order_to_json(self.order)}

    @classmethod
    @override
    def from_config(cls, columns: Columns, config: Mapping[str, Any]) -> BernoulliMixture:
        return cls(columns, config["components"], order=order_from_json(config["order"]))


def _joint(x: torch.Tensor, component_logit: torch.Tensor, logit: torch.Tensor) -> torch.Tensor:
    """log π_m + log p_m(x), (N, M), for weights (M,) and logits (M, D)."""
    zeros = F.logsigmoid(-logit)
    # log μ − log (1 − μ) is the logit
    return torch.addmm(F.log_softmax(component_logit, 0) + zeros.sum(1), x, logit.t())


class _Walk:
    """Log-weights (n, M) of the components given the learned columns, up to a constant per row."""

    def __init__(self, network: BernoulliMixture, n: int) -> None:
        self._network = network
        self._weight = F.log_softmax(network.component_logit, 0).expand(n, -1)

    def distribution(self, column: int) -> Distribution:
        """p(x_column | learned columns), a Bernoulli with logits (n, 1)."""
        zeros, ones = self._logs(column)
        logit = (self._weight + ones).logsumexp(1) - (self._weight + zeros).logsumexp(1)
        return Distribution.of(self._network.columns.conditionals[column], logit[:, None])

    def learn(self, column: int, values: torch.Tensor, rows: torch.Tensor) -> None:
        """Adds the log-probability of the column's values under each component."""
        zeros, ones = self._logs(column)
        self._weight = self._weight + torch.where(values[:, None] > 0.5, ones, zeros)

    def take(self, rows: torch.Tensor) -> _Walk:
        """See ``Walk``."""
        found = copy(self)
        found._weight = self._weight[rows]
        return found

    def _logs(self, column: int) -> tuple[torch.Tensor, torch.Tensor]:
        """log p_m(0) and log p_m(1) of each component, (M,) each."""
        logit = self._network.logit[:, column]
        return F.logsigmoid(-logit), F.logsigmoid(logit)
