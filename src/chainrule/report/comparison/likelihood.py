"""The likelihood of test rows under any family, and whether it is exact, estimated or a bound."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from typing_extensions import override

from chainrule.networks import Estimate, LowerBound
from chainrule.progress import progress_bar
from chainrule.training.batches import Rows

BATCH_ROWS = 200
MARKS = {"exact": "=", "estimate": "≈", "bound": "≥"}
WORDS = {"exact": "exact", "estimate": "estimated", "bound": "a lower bound"}


@dataclass(frozen=True)
class Likelihood:
    """Mean nats per row, and whether they are exact, estimated or bounded from below.

    Attributes:
        kind: "exact", "estimate" or "bound".
        nats: the mean.
        standard_error: standard error of the mean over the rows.
        monte_carlo_error: standard error of the estimate or the bound over repeated draws; zero if
            it is exact.
        rows: nats of each row, (N,) float64.
    """

    kind: str
    nats: float
    standard_error: float
    monte_carlo_error: float = 0.0
    rows: torch.Tensor = field(default_factory=lambda: torch.zeros(0), compare=False, repr=False)

    def less(self, other: Likelihood) -> tuple[float, float]:
        """Returns how many nats per row this is better than another on the same rows, with the
        standard error.
        """
        difference = self.rows - other.rows
        error = float(difference.std() / len(difference) ** 0.5) if len(difference) > 1 else 0.0
        return float(difference.mean()), error

    @property
    def mark(self) -> str:
        """The mark in front of the number wherever a person reads it."""
        return MARKS[self.kind]

    @override
    def __str__(self) -> str:
        text = f"{self.mark} {self.nats:.3f} ± {self.standard_error:.3f}"
        if not self.monte_carlo_error:
            return text
        return f"{text} (Monte Carlo error {self.monte_carlo_error:.3f})"

    def to_json(self) -> dict[str, Any]:
        """Returns everything but the rows, with the mark, as a JSON object."""
        return {
            "is": WORDS[self.kind],
            "mark": self.mark,
            "nats_per_row": self.nats,
            "standard_error": self.standard_error,
            "monte_carlo_error": self.monte_carlo_error,
        }


Ask = Callable[[torch.Tensor], torch.Tensor | Estimate | LowerBound]  # rows (n, D) to (n,) nats


@torch.no_grad()
def likelihood_of(ask: Ask, rows: Rows, what: str, *, progress: bool = True) -> Likelihood:
    """Returns the mean log-likelihood of rows in the table's units."""
    values, errors, kind = [], [], "exact"
    with progress_bar(f"scoring by {what}", len(rows), progress=progress) as advance:
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
    monte_carlo_error = 0.0
    if kind == "estimate":  # one partition function shifts all rows equally
        monte_carlo_error = float(torch.cat(errors).mean())
    elif kind == "bound":  # draws of different rows are independent
        monte_carlo_error = float(torch.cat(errors).square().sum().sqrt() / len(nats))
    return Likelihood(kind, float(nats.mean()), spread, monte_carlo_error, nats)
