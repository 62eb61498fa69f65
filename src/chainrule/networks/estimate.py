"""Likelihoods of evidence that a network cannot take exactly, estimated by importance sampling."""

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
    """What an estimate needs of a network."""

    columns: Columns

    def takes(self, known: torch.Tensor) -> torch.Tensor:
        """Which rows have evidence that is taken exactly, bool (N,)."""
        ...

    def cells(self, x: torch.Tensor, given: torch.Tensor, asked: torch.Tensor) -> torch.Tensor:
        """Log-likelihoods (N, D) of the cells that are asked, each given the cells before it."""
        ...

    def draw(
        self, values: torch.Tensor, known: torch.Tensor, uniform: torch.Tensor, temperature: float
    ) -> torch.Tensor:
        """Rows (n, D) in which the cells that are not known are drawn, in the order, by uniforms (n, D)."""
        ...


def conditional_estimate(
    marginal: Callable[[torch.Tensor], Estimate], seen: torch.Tensor, given: torch.Tensor
) -> Estimate:
    """log p(seen cells that are not given | given cells): the difference of two estimated marginals.

    Args:
        marginal: estimates log p(known cells) of known cells (N, D).
        seen: bool (N, D).
        given: bool (N, D), within ``seen``.
    """
    joint = marginal(seen)
    if not bool(given.any()):
        return joint
    condition = marginal(given)
    return Estimate(joint.value - condition.value, torch.hypot(joint.standard_error, condition.standard_error))


@torch.no_grad()
def importance_estimate(
    network: Estimable, x: torch.Tensor, known: torch.Tensor, n_draws: int, generator: torch.Generator
) -> Estimate:
    """log p(known cells), (N,): exact, with a standard error of 0, for rows that the network takes exactly.

    For other rows the unknown cells are drawn in the order, and each draw has the weight p(known cells | cells before
    them). The error is that of the logarithm of the mean weight, by the delta method.

    Args:
        network: draws each cell given those before it in its order, or takes all known cells.
        x: codes (N, D).
        known: bool (N, D).
        n_draws: draws per row.
        generator: source of the draws.
    """
    n_draws = whole_number(n_draws, "n_draws", least=2, what="a whole number of draws")
    value = x.new_zeros(len(x), dtype=torch.float64)
    error = torch.zeros_like(value)
    x, exact = network.columns.filled(x, known), network.takes(known)
    if bool(exact.any()):
        nothing = torch.zeros_like(known[exact])
        value[exact] = network.cells(x[exact], nothing, known[exact]).sum(1, dtype=torch.float64)
    for row in (~exact).nonzero()[:, 0].tolist():
        logs = []
        for start in range(0, n_draws, ROWS):
            n = min(ROWS, n_draws - start)
            values, mask = x[row].expand(n, -1), known[row].expand(n, -1)
            drawn = network.draw(values, mask, uniforms(n, x.shape[1], generator).to(x.device), 1.0)
            whole = network.cells(drawn, torch.zeros_like(mask), torch.ones_like(mask))
            logs.append(torch.where(mask, whole, 0).sum(1, dtype=torch.float64))
        log_weight = torch.cat(logs)  # (n_draws,)
        value[row] = log_weight.logsumexp(0) - torch.tensor(n_draws).log()
        weight = (log_weight - log_weight.max()).exp()
        error[row] = weight.std() / weight.mean() / n_draws**0.5
    return Estimate(value.to(x.dtype), error.to(x.dtype))
