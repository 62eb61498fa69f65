"""NADE's learned arrays, and the assignment of their rows to steps."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import accumulate, pairwise
from typing import NamedTuple

import torch
from typing_extensions import override


class Parameters(NamedTuple):
    """NADE's learned arrays, or their gradients, with rows in step order.

    Attributes:
        W: input weights, (I, H).
        b: hidden biases, (H,).
        first_hidden: h_1, the hidden vector of the first step, (H,).
        V: output weights, (P, H).
        c: output biases, (P,).
    """

    W: torch.Tensor
    b: torch.Tensor
    first_hidden: torch.Tensor
    V: torch.Tensor
    c: torch.Tensor


@dataclass(frozen=True)
class Layout:
    """The fixed structure of a NADE: the widths of its steps, and its activation.

    Step k reads its inputs from ``inputs[k]`` and writes its outputs to ``outputs[k]``. A network
    with another order than the natural one permutes inputs and parameters before, and outputs
    after.

    Examples:
        >>> Layout((1, 2), (1, 3)).outputs
        (slice(0, 1, None), slice(1, 4, None))
    """

    input_widths: tuple[int, ...]
    output_widths: tuple[int, ...]
    activation: str = "sigmoid"

    @staticmethod
    @lru_cache(maxsize=64)
    def of_bits(steps: int, activation: str = "sigmoid") -> Layout:
        """One input and one logit per step, for binary columns: the lecture's network."""
        return Layout((1,) * steps, (1,) * steps, activation)

    @override
    def __hash__(self) -> int:
        return self._hash  # cached: every training step needs it, and widths may be thousands

    @cached_property
    def _hash(self) -> int:
        return hash((self.input_widths, self.output_widths, self.activation))

    @override
    def __getstate__(self) -> dict[str, object]:
        # The cached hash is left out: another process hashes strings to other numbers.
        return {
            "input_widths": self.input_widths,
            "output_widths": self.output_widths,
            "activation": self.activation,
        }

    @property
    def steps(self) -> int:
        """The number of steps D."""
        return len(self.input_widths)

    @cached_property
    def inputs(self) -> tuple[slice, ...]:
        """For each step, its rows of W, which are its columns of the encoded x."""
        return slices_of(self.input_widths)

    @cached_property
    def outputs(self) -> tuple[slice, ...]:
        """For each step, its rows of V and c, which are its columns of y."""
        return slices_of(self.output_widths)


def slices_of(widths: tuple[int, ...]) -> tuple[slice, ...]:
    """Consecutive slices of these widths."""
    ends = list(accumulate(widths, initial=0))
    return tuple(slice(a, b) for a, b in pairwise(ends))
