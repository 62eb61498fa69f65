"""Masks: which unit of a dense network may read which, so that a given order of the columns is kept.

Every unit has a degree m: it may know the columns of the first m steps and no other. An input of step j (counted from 0) is
read by hidden units with m > j, a hidden unit by units of at least its own degree, and the outputs of step k read units with
m <= k.

Source: Germain et al., "MADE: Masked Autoencoder for Distribution Estimation", ICML 2015, arXiv:1502.03509. The degrees there
are drawn; here they are evenly spaced and include the extremes, so that no input is cut off however narrow a layer is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch


def spaced_degrees(units: int, steps: int) -> torch.Tensor:
    """Degrees of a hidden layer, (units,) int64, from 1 to steps − 1 in even spacing; all 0 if there is one step only.

    >>> spaced_degrees(4, 8).tolist()
    [1, 3, 5, 7]
    """
    if steps == 1:
        return torch.zeros(units, dtype=torch.int64)
    if units == 1:
        return torch.tensor([steps - 1])  # the one unit that knows all inputs that anybody may know
    return torch.linspace(1, steps - 1, units, dtype=torch.float64).round().long()


@dataclass(frozen=True)
class Masks:
    """The masks of a network with some hidden layers, as bool matrices of the weights they belong to."""

    hidden: tuple[torch.Tensor, ...]  # (H_1, I), (H_2, H_1), …
    output: torch.Tensor  # (P, H_last)
    direct: torch.Tensor | None  # (P, I): what an output may read without a hidden unit between


def build_masks(
    input_step: torch.Tensor, output_step: torch.Tensor, hidden_sizes: Sequence[int], steps: int, *, direct: bool = True
) -> Masks:
    """The masks for inputs and outputs whose steps are given, (I,) and (P,) int64.

    >>> build_masks(torch.tensor([0, 1]), torch.tensor([0, 1]), [2], 2).output.tolist()
    [[False, False], [True, True]]
    """
    degrees = tuple(spaced_degrees(size, steps).to(input_step.device) for size in hidden_sizes)
    hidden = [degrees[0][:, None] > input_step]
    hidden += [after[:, None] >= before for before, after in pairwise(degrees)]
    # A unit of degree 0 knows nothing, but of one step only the output may read it.
    output = output_step[:, None] >= degrees[-1]
    return Masks(tuple(hidden), output, output_step[:, None] > input_step if direct else None)


def reachable_pairs(hidden_sizes: Sequence[int], steps: int, *, direct: bool = True) -> tuple[int, int]:
    """How many pairs (later column, earlier column) are connected by some path, and how many there are.

    A unit of a higher degree reads every unit of the layer before that has at most its degree, so that what an output can
    reach is what the largest chain of degrees below its step lets through.
    """
    pairs = steps * (steps - 1) // 2
    if direct:
        return pairs, pairs
    layers, reached = [spaced_degrees(size, steps) for size in hidden_sizes], 0
    for step in range(steps):
        limit = step
        for degrees in reversed(layers):
            below = degrees[degrees <= limit]
            limit = int(below.max()) if len(below) else 0
        reached += limit  # the inputs of the first ``limit`` steps
    return reached, pairs
