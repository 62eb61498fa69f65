"""Which input rows and output rows belong to which step of the chain rule."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import accumulate, pairwise
from typing import Any


@dataclass(frozen=True)
class Layout:
    """Widths per step: step k reads its inputs from ``inputs[k]`` and writes its outputs to ``outputs[k]``.

    All arrays the ops see are in step order; a network with another order permutes before and after.

    Examples:
        >>> Layout.binary(3).outputs
        (slice(0, 1, None), slice(1, 2, None), slice(2, 3, None))
    """

    input_widths: tuple[int, ...]
    output_widths: tuple[int, ...]

    @staticmethod
    @lru_cache(maxsize=64)
    def binary(steps: int) -> Layout:
        """One input and one logit per step: the lecture's network."""
        return Layout((1,) * steps, (1,) * steps)

    def __hash__(self) -> int:
        return self._hash  # of a thousand numbers, asked for at every step of a training loop

    @cached_property
    def _hash(self) -> int:
        return hash((self.input_widths, self.output_widths))

    def __getstate__(self) -> dict[str, Any]:
        return {"input_widths": self.input_widths, "output_widths": self.output_widths}

    @property
    def steps(self) -> int:
        """Number of steps D."""
        return len(self.input_widths)

    @cached_property
    def inputs(self) -> tuple[slice, ...]:
        """Rows of W (and columns of the encoded x) of each step."""
        return slices_of(self.input_widths)

    @cached_property
    def outputs(self) -> tuple[slice, ...]:
        """Rows of V (and of c) of each step."""
        return slices_of(self.output_widths)


def slices_of(widths: tuple[int, ...]) -> tuple[slice, ...]:
    """Consecutive slices of these widths."""
    ends = list(accumulate(widths, initial=0))
    return tuple(slice(a, b) for a, b in pairwise(ends))
