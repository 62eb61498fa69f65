"""What one process computes of a training step, when several train one network."""

from __future__ import annotations

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Share:
    """Some of the parts that are trained apart, and some of a batch's rows.

    Attributes:
        parts: the numbers of the parts; None for all.
        number: which of ``of`` equal shares of the rows.
        of: the number of shares of the rows.

    >>> Share(number=1, of=2).rows(5)
    slice(2, 5, None)
    """

    parts: range | None = None
    number: int = 0
    of: int = 1

    def rows(self, n: int) -> slice:
        """The rows of a batch of n rows; none if there are more shares than rows."""
        return slice(n * self.number // self.of, n * (self.number + 1) // self.of)

    def within(self, first: int, count: int) -> Share | None:
        """The share of a network that has ``count`` parts, from number ``first`` on; None if none.

        >>> Share(range(3, 5)).within(4, 4)
        Share(parts=range(0, 1), number=0, of=1)
        """
        if self.parts is None:
            return self
        start, stop = max(self.parts.start, first), min(self.parts.stop, first + count)
        if start >= stop:
            return None
        return Share(range(start - first, stop - first), self.number, self.of)


WHOLE = Share()


@dataclass(frozen=True)
class Apart:
    """Parameters that are trained apart from all others of a network.

    Attributes:
        parameters: each with the index of those of its numbers that are meant; ``...`` for all.
        share: their weight in the training loss.
    """

    parameters: tuple[tuple[torch.nn.Parameter, object], ...]
    share: float

    @property
    def weights(self) -> list[torch.Tensor]:
        """Views of the parameters."""
        return [parameter.data[index] for parameter, index in self.parameters]  # pyright: ignore[reportArgumentType, reportCallIssue]

    @property
    def gradients(self) -> list[torch.Tensor]:
        """Views of the gradients; parameters without a gradient have none."""
        return [
            parameter.grad[index]  # pyright: ignore[reportArgumentType, reportCallIssue]
            for parameter, index in self.parameters
            if parameter.grad is not None
        ]
