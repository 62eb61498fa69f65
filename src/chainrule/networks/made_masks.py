"""Masks of a dense network: which unit reads which, for a given order of the columns.

Every unit has a degree m and depends only on the columns of the first m steps. Steps count from 0.

- Hidden units with m > j read the inputs of step j.
- Hidden units read units of the layer before with at most their own degree.
- Outputs of step k read units with m <= k.

Source: Germain et al., "MADE: Masked Autoencoder for Distribution Estimation", ICML 2015,
arXiv:1502.03509. The paper draws the degrees at random. Here they are evenly spaced and include
the extremes, so even a narrow layer cuts off no input.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch


def spaced_degrees(units: int, steps: int) -> torch.Tensor:
    """Degrees (units,) of a hidden layer, evenly spaced from 1 to steps − 1, int64.

    If there is only one step, all degrees are 0.

    >>> spaced_degrees(4, 8).tolist()
    [1, 3, 5, 7]
    """
    if steps == 1:
        return torch.zeros(units, dtype=torch.int64)
    if units == 1:
        return torch.tensor([steps - 1])  # the only unit reads every input that any output may use
    return torch.linspace(1, steps - 1, units, dtype=torch.float64).round().long()


@dataclass(frozen=True)
class Masks:
    """The masks of a network, as bool matrices with the shapes of the masked weights."""

    hidden: tuple[torch.Tensor, ...]  # (H_1, I), (H_2, H_1), …
    output: torch.Tensor  # (P, H_last)
    direct: torch.Tensor | None  # (P, I): the inputs that an output reads without a hidden unit


def build_masks(
    input_step: torch.Tensor,
    output_step: torch.Tensor,
    hidden_sizes: Sequence[int],
    steps: int,
    *,
    direct: bool = True,
) -> Masks:
    """The masks for inputs with steps (I,) and outputs with steps (P,), int64.

    >>> build_masks(torch.tensor([0, 1]), torch.tensor([0, 1]), [2], 2).output.tolist()
    [[False, False], [True, True]]
    """
    degrees = tuple(spaced_degrees(size, steps).to(input_step.device) for size in hidden_sizes)
    hidden = [degrees[0][:, None] > input_step]
    hidden += [after[:, None] >= before for before, after in pairwise(degrees)]
    # Units of degree 0 exist only if there is one step; they read no input, and outputs read them.
    output = output_step[:, None] >= degrees[-1]
    return Masks(tuple(hidden), output, output_step[:, None] > input_step if direct else None)


def reachable_pairs(
    hidden_sizes: Sequence[int], steps: int, *, direct: bool = True
) -> tuple[int, int]:
    """The number of pairs (later column, earlier column) with a connecting path, and of all pairs.

    A unit reads every unit of the layer before with at most its degree. The path through the
    largest permitted degree of each layer therefore reaches the most inputs.
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
