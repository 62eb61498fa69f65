"""Piecewise linear: a base distribution whose values, as evidence, tell other columns between which knots they lie."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import torch

from chainrule.conditionals.seen import AbstractSeen
from chainrule.errors import ShapeError


@dataclass(frozen=True)
class PiecewiseLinear(AbstractSeen):
    """The base's distribution; its inputs, and one for each stretch between knots: how much of it lies below the value.

    An input is 0 left of its stretch, 1 right of it, and rises linearly between, so that a layer over these inputs forms any
    piecewise linear function of the value, which trees can and layers over the value itself learn slowly. Likelihoods and
    draws are the base's alone.

    Source: Gorishniy, Rubachev & Babenko, "On Embeddings for Numerical Features in Tabular Deep Learning", NeurIPS 2022,
    arXiv:2203.05556 (piecewise linear encoding).

    Args:
        base: the conditional of the value.
        knots: where stretches meet, in the units of codes, ascending; at least two.

    Examples:
        >>> from chainrule.conditionals import GaussianMixture
        >>> PiecewiseLinear(GaussianMixture(1), (0.0, 1.0, 3.0)).encode(torch.tensor([-1.0, 0.5, 2.0]))[:, 1:]
        tensor([[0.0000, 0.0000],
                [0.5000, 0.0000],
                [1.0000, 0.5000]])
    """

    knots: tuple[float, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        knots = self.knots
        if not isinstance(knots, list | tuple) or len(knots) < 2:
            raise ShapeError(f"knots = {knots!r}: pass two numbers or more")
        if not all(isinstance(k, int | float) and math.isfinite(k) for k in knots) or any(
            a >= b for a, b in pairwise(knots)
        ):
            raise ShapeError(f"knots = {knots!r}: pass finite numbers, each larger than the one before")
        if bool((torch.tensor(knots, dtype=torch.float32).diff() <= 0).any()):
            raise ShapeError(f"knots = {knots!r}: some are the same number in float32, in which networks compute")
        object.__setattr__(self, "knots", tuple(float(k) for k in knots))

    @property
    def added(self) -> int:
        """One for each stretch."""
        return len(self.knots) - 1

    def seen(self, x: torch.Tensor) -> torch.Tensor:
        """How much of each stretch lies below the value, from 0 to 1."""
        knots = x.new_tensor(self.knots)
        return ((x[..., None] - knots[:-1]) / knots.diff()).clamp(0, 1)
