"""Periodic: a base distribution whose values, as evidence, tell other columns where in a day, a week or a year they lie."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from chainrule.conditionals.seen import AbstractSeen
from chainrule.errors import ShapeError


@dataclass(frozen=True)
class Periodic(AbstractSeen):
    """The base's distribution; its inputs, and a sine and cosine of the value for each period.

    Likelihoods and draws are the base's alone: periods are what other columns see of a value.

    Args:
        base: the conditional of the value.
        periods: lengths in the units of codes, such as 24 and 168 where a code is an hour.

    Examples:
        >>> from chainrule.conditionals import DiscretizedLogisticMixture
        >>> hour = Periodic(DiscretizedLogisticMixture(1), (24.0,))
        >>> hour.encode(torch.tensor([0.0, 6.0, 24.0]))[:, 1:].round(decimals=4).abs()
        tensor([[0., 1.],
                [1., 0.],
                [0., 1.]])
    """

    periods: tuple[float, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.periods, list | tuple) or not all(
            isinstance(p, int | float) and 0 < p < math.inf for p in self.periods
        ):
            raise ShapeError(f"periods = {self.periods!r}: pass lengths above zero")
        object.__setattr__(self, "periods", tuple(float(p) for p in self.periods))

    @property
    def added(self) -> int:
        """Two for each period."""
        return 2 * len(self.periods)

    def seen(self, x: torch.Tensor) -> torch.Tensor:
        """Sines, then cosines."""
        periods = torch.tensor(self.periods, dtype=torch.float64, device=x.device)
        angle = 2 * math.pi * (x.double()[..., None] / periods).frac()  # (..., periods)
        return torch.cat([angle.sin().to(x.dtype), angle.cos().to(x.dtype)], dim=-1)
