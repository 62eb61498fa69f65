"""The likelihood of test rows by any family, with the mark of what it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch

from chainrule.baselines import RBM, VAE
from chainrule.networks import AbstractNetwork, Estimate, LowerBound
from chainrule.networks.trainable import AbstractTrainable
from chainrule.progress import progress_bar
from chainrule.report.comparison.families import Effort
from chainrule.training.batches import Rows

BATCH_ROWS = 200
MARKS = {"exact": "=", "estimate": "≈", "bound": "≥"}
WORDS = {"exact": "exact", "estimate": "estimated", "bound": "a lower bound"}


@dataclass(frozen=True)
class Likelihood:
    """Nats per row, the mean over some rows, and whether that is exact, estimated or bounded from below.

    Attributes:
        kind: "exact", "estimate" or "bound".
        nats: the mean.
        standard_error: of the mean, by how the rows differ.
        own_error: of an estimate or a bound itself: what drawing again would change; zero where it is exact.
        rows: nats of each row, (N,) float64.
    """

    kind: str
    nats: float
    standard_error: float
    own_error: float = 0.0
    rows: torch.Tensor = field(default_factory=lambda: torch.zeros(0), compare=False, repr=False)

    def less(self, other: Likelihood) -> tuple[float, float]:
        """How many nats per row this is better than another on the same rows, paired row by row, with the standard error."""
        difference = self.rows - other.rows
        error = float(difference.std() / len(difference) ** 0.5) if len(difference) > 1 else 0.0
        return float(difference.mean()), error

    @property
    def mark(self) -> str:
        """What stands before the number wherever a person reads it."""
        return MARKS[self.kind]

    def __str__(self) -> str:
        own = f" (its own error {self.own_error:.3f})" if self.own_error else ""
        return f"{self.mark} {self.nats:.3f} ± {self.standard_error:.3f}{own}"

    def to_json(self) -> dict[str, Any]:
        """Everything, with the mark."""
        return {
            "is": WORDS[self.kind],
            "mark": self.mark,
            "nats_per_row": self.nats,
            "standard_error": self.standard_error,
            "own_error": self.own_error,
        }


Answer = torch.Tensor | Estimate | LowerBound


def asker(
    net: AbstractTrainable, effort: Effort, generator: torch.Generator, show: bool
) -> Callable[[torch.Tensor], Answer]:
    """How a family is asked for the likelihood of rows; an RBM's partition function is found once, here."""
    if isinstance(net, RBM):
        log_z = net.log_partition(distributions=effort.distributions, generator=generator, show_progress=show)
        return lambda x: net.log_prob(x, log_partition=log_z)
    if isinstance(net, VAE):
        return lambda x: net.log_prob(x, n_draws=effort.draws, generator=generator)
    assert isinstance(net, AbstractNetwork)
    return net.log_prob


@torch.no_grad()
def likelihood_of(ask: Callable[[torch.Tensor], Answer], rows: Rows, what: str, *, show: bool = True) -> Likelihood:
    """The mean log-likelihood of rows in the table's units."""
    values, errors, kind = [], [], "exact"
    with progress_bar(f"scoring by {what}", len(rows), show=show) as advance:
        for x in rows.x.split(BATCH_ROWS):
            answer = ask(x)
            if isinstance(answer, torch.Tensor):
                values.append(answer.double())
            else:
                kind = "estimate" if isinstance(answer, Estimate) else "bound"
                values.append(answer.value.double())
                errors.append(answer.standard_error.double())
            advance(len(x))
    nats = -rows.in_table_units(-torch.cat(values))
    spread = float(nats.std() / len(nats) ** 0.5) if len(nats) > 1 else 0.0
    own = 0.0
    if kind == "estimate":  # one partition function, the same shift of every row
        own = float(torch.cat(errors).mean())
    elif kind == "bound":  # each row's own draws
        own = float(torch.cat(errors).square().sum().sqrt() / len(nats))
    return Likelihood(kind, float(nats.mean()), spread, own, nats)
