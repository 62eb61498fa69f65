"""Importance sampling for likelihoods that a network cannot compute exactly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch

from chainrule.errors import whole_number
from chainrule.networks.answers import Estimate
from chainrule.networks.columns import Columns
from chainrule.rng import uniforms

ROWS = 4096  # drawn at once


class Estimable(Protocol):
    """The interface of a network for importance sampling."""

    columns: Columns

    def accepts(self, given: torch.Tensor) -> torch.Tensor:
        """Whether the network conditions exactly on each row's given cells, bool (N,)."""
        ...

    def cells(self, x: torch.Tensor, given: torch.Tensor, asked: torch.Tensor) -> torch.Tensor:
        """Log-likelihoods (N, D) of the asked cells, each given the cells before it."""
        ...

    def draw(
        self, values: torch.Tensor, given: torch.Tensor, uniform: torch.Tensor, temperature: float
    ) -> torch.Tensor:
        """Rows (n, D) with the given cells of ``values`` and the others drawn in the order."""
        ...


def conditional_estimate(
    marginal: Callable[[torch.Tensor], Estimate], observed: torch.Tensor, given: torch.Tensor
) -> Estimate:
    """log p(observed cells | given cells): a difference of estimated marginals.

    Args:
        marginal: a function from a mask of cells, bool (N, D), to an estimate of their log p.
        observed: bool (N, D).
        given: bool (N, D), within ``observed``.
    """
    joint = marginal(observed)
    if not bool(given.any()):
        return joint
    condition = marginal(given)
    return Estimate(
        joint.value - condition.value, torch.hypot(joint.standard_error, condition.standard_error)
    )


@torch.no_grad()
def importance_estimate(
    network: Estimable,
    x: torch.Tensor,
    observed: torch.Tensor,
    n_draws: int,
    generator: torch.Generator,
) -> Estimate:
    """log p(observed cells), (N,), by importance sampling.

    If the network conditions on a row's observed cells exactly, the value is exact and the error
    is 0. In other rows, the missing cells are drawn in the order. The weight of a draw is the
    product of p(cell | cells before it) over the observed cells. The value is the logarithm of the
    mean weight. The delta method gives its standard error.

    Args:
        network: a network that draws each cell given those before it in its order.
        x: codes (N, D).
        observed: bool (N, D).
        n_draws: the number of draws per row.
        generator: the source of the draws.
    """
    n_draws = whole_number(n_draws, "n_draws", least=2, what="a whole number of draws")
    value = x.new_zeros(len(x), dtype=torch.float64)
    error = torch.zeros_like(value)
    x, exact = network.columns.filled(x, observed), network.accepts(observed)
    if bool(exact.any()):
        nothing = torch.zeros_like(observed[exact])
        value[exact] = network.cells(x[exact], nothing, observed[exact]).sum(1, dtype=torch.float64)
    for row in (~exact).nonzero()[:, 0].tolist():
        logs = []
        for start in range(0, n_draws, ROWS):
            n = min(ROWS, n_draws - start)
            values, observed_of_row = x[row].expand(n, -1), observed[row].expand(n, -1)
            drawn = network.draw(
                values, observed_of_row, uniforms(n, x.shape[1], generator).to(x.device), 1.0
            )
            whole = network.cells(
                drawn, torch.zeros_like(observed_of_row), torch.ones_like(observed_of_row)
            )
            logs.append(torch.where(observed_of_row, whole, 0).sum(1, dtype=torch.float64))
        log_weight = torch.cat(logs)  # (n_draws,)
        value[row] = log_weight.logsumexp(0) - torch.tensor(n_draws).log()
        weight = (log_weight - log_weight.max()).exp()
        error[row] = weight.std() / weight.mean() / n_draws**0.5
    return Estimate(value.to(x.dtype), error.to(x.dtype))
