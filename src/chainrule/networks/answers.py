"""Types of log-likelihoods that are not exact: estimates and lower bounds."""

from __future__ import annotations

from typing import NamedTuple

import torch
from typing_extensions import override


class Estimate(NamedTuple):
    """Estimated log-likelihoods (N,) in nats; the standard error is itself an estimate.

    >>> print(Estimate(torch.tensor([-3.0, -5.0]), torch.tensor([0.1, 0.2])))
    estimated: ≈ -3.000 ± 0.100, ≈ -5.000 ± 0.200 nats
    """

    value: torch.Tensor
    standard_error: torch.Tensor

    @property
    def mark(self) -> str:
        """What stands before such a number wherever a person reads it."""
        return "≈"

    @override
    def __str__(self) -> str:
        return f"estimated: {_listed(self)} nats"


class LowerBound(NamedTuple):
    """Random lower bounds (N,) in nats, with the standard error of the draws.

    The expected value of each is at most the log-likelihood.

    >>> print(LowerBound(torch.tensor([-90.2]), torch.tensor([0.04])))
    bounded from below: ≥ -90.200 ± 0.040 nats
    """

    value: torch.Tensor
    standard_error: torch.Tensor

    @property
    def mark(self) -> str:
        """What stands before such a number wherever a person reads it."""
        return "≥"

    @override
    def __str__(self) -> str:
        return f"bounded from below: {_listed(self)} nats"


def _listed(answer: Estimate | LowerBound, most: int = 6) -> str:
    values, errors = (
        part.detach().reshape(-1).tolist() for part in (answer.value, answer.standard_error)
    )
    pairs = list(zip(values, errors, strict=True))
    shown = ", ".join(f"{answer.mark} {value:.3f} ± {error:.3f}" for value, error in pairs[:most])
    return shown + (f", … ({len(values):,} in all)" if len(values) > most else "")
