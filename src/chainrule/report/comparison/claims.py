"""The lecture's statements about each family, as measured numbers.

Models with hidden variables assume that the columns are independent given these. Sampling needs a
Markov chain, or training a bound. Autoregressive models assume no independence, and their
likelihood is exact. Sampling takes one step per column.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import torch

from chainrule.networks import AbstractNetwork, Columns
from chainrule.report.comparison.data import Data

CONDITIONED = 1000  # rows drawn given one state of the hidden variables
MEASURED = 200  # rows of the chain and of the bound that are measured
EXACT_ROWS, COMPLETED = 20, 1024  # rows whose completions are summed, and most completions per row


@dataclass(frozen=True)
class Claims:
    """The measured numbers; None for what does not apply to a family.

    Attributes:
        dependence: mean |correlation| between columns of drawn rows.
        dependence_given_hidden: the same for rows drawn given one state of the hidden variables.
        hidden_variables: how many there are.
        chain: mean −free energy of rows after each number of Markov chain steps, minus that of
            training rows, nats.
        gap: nats per row by which the bound of many draws exceeds the one that training uses.
        exactness: largest |Σ p − 1| over all completions of the last columns of some rows; None if
            they cannot be listed.
        steps_to_draw: number of sequential steps that a row takes.
    """

    dependence: float
    dependence_given_hidden: float | None = None
    hidden_variables: int | None = None
    chain: dict[int, float] | None = None
    gap: float | None = None
    exactness: float | None = None
    steps_to_draw: int = 1

    def to_json(self) -> dict[str, Any]:
        """Returns the numbers that apply, as a JSON object."""
        return {name: value for name, value in vars(self).items() if value is not None}


@torch.no_grad()
def error_of_sums(net: AbstractNetwork, data: Data) -> float | None:
    """Returns the largest |Σ p − 1| over all completions of the last columns given the others, in
    float64.
    """
    last: list[int] = []
    completions = torch.zeros(1, 0, dtype=torch.float64)
    for column in net.order.flip(0).tolist():
        values = net.columns.conditionals[column].support()
        if values is None or len(completions) * len(values) > COMPLETED:
            break
        times = net.columns.conditionals[column].multiplicities() or (1,) * len(values)
        if any(time != 1 for time in times):
            break
        each = torch.tensor(values, dtype=torch.float64)
        completions = torch.cat(
            [completions.repeat(len(each), 1), each.repeat_interleave(len(completions))[:, None]],
            dim=1,
        )
        last.append(column)
    if not last:
        return None
    wide = copy.deepcopy(net).double()
    known = torch.ones(len(net.columns), dtype=torch.bool)
    known[last] = False
    worst = 0.0
    for row in data.valid.x[:EXACT_ROWS].double():
        rows = row.expand(len(completions), -1).clone()
        rows[:, last] = completions
        worst = max(worst, abs(float(wide.log_prob(rows, given=known).exp().sum()) - 1))
    return worst


def mean_correlation(x: torch.Tensor, columns: Columns) -> float:
    """Returns the mean |correlation| over all pairs of ordered columns that vary.

    It is about 0.8 / √N if they are independent.
    """
    x = x[:, [k for k, each in enumerate(columns.conditionals) if each.is_ordered]]
    if x.shape[1] < 2:
        return 0.0
    centred = x.double() - x.double().mean(0)
    norm = centred.norm(dim=0)
    varying = norm > 1e-9 * (1 + x.double().abs().amax(0))
    if int(varying.sum()) < 2:
        return 0.0
    unit = centred[:, varying] / norm[varying]
    correlation = (unit.t() @ unit).abs()
    pairs = correlation.shape[0] * (correlation.shape[0] - 1)
    return float((correlation.sum() - correlation.diagonal().sum()) / pairs)
