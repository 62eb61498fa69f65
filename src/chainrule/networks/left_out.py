"""Sums of an orderless network's first layer over the given cells of a row, less one column."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

First = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
# The sums (n, H) after a column's values (n,) are given in the rows bool (n,): sums, column,
# values, rows.
Learned = Callable[[torch.Tensor, int, torch.Tensor, torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class SumsWithout:
    """The sums over the given cells of some rows, each column left out once.

    Attributes:
        x: codes (n, D).
        given: bool (n, D).
        without: the sums (D, n, H); those at d are without column d.
        first: the sums (n, H) over given cells, from codes and a mask.
        learned: adds a column to sums.
    """

    x: torch.Tensor
    given: torch.Tensor
    without: torch.Tensor
    first: First
    learned: Learned

    @classmethod
    def of(
        cls,
        x: torch.Tensor,
        given: torch.Tensor,
        bias: torch.Tensor,
        *,
        first: First,
        learned: Learned,
    ) -> SumsWithout:
        """Adds the columns before each column to those after it, from biases (H,).

        The sum over all, less the column's own term, would lose the digits of small terms beside a
        large one.
        """
        (n, width), before = x.shape, bias.expand(len(x), -1)
        nothing, terms = torch.zeros_like(before), before.new_empty(width, n, before.shape[1])
        for column in range(width):
            terms[column] = learned(nothing, column, x[:, column], given[:, column])
        without = torch.empty_like(terms)
        without[-1] = 0
        for column in range(width - 1, 0, -1):
            torch.add(without[column], terms[column], out=without[column - 1])
        for column in range(width):
            without[column] += before
            before = before + terms[column]
        return cls(x, given, without, first, learned)

    def with_code(self, rows: torch.Tensor, column: int, other: int, code: float) -> torch.Tensor:
        """The sums (m, H) of some rows without the column, if the other has this code."""
        x, given = self.x[rows], self.given[rows]
        found, is_given = self.without[column, rows], given[:, column]
        changed = ~(given[:, other] & (x[:, other] == code))
        one = changed & ~is_given
        if bool(one.any()):  # only the other column's term differs
            values = torch.full_like(x[one, other], code)
            of_one = self.learned(self.without[other, rows[one]], other, values, one[one])
            found = found.index_put((one.nonzero()[:, 0],), of_one)
        both = changed & is_given
        if bool(both.any()):
            x, given = x[both], given[both]
            given[:, column], given[:, other], x[:, other] = False, True, code
            found = found.index_put((both.nonzero()[:, 0],), self.first(x, given))
        return found
