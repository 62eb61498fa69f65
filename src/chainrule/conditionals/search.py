"""The search for quantiles: many mixtures of numbers share one bisection, in standardised units."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

BISECTIONS = 90  # halvings of a quantile's bracket, more than float64 resolves

Function = Callable[[torch.Tensor], torch.Tensor]
Inner = Callable[..., torch.Tensor]  # a function of numbers and of the ends, if there are any


@dataclass(frozen=True)
class Search:
    """The quantiles (N,) of N mixtures Σ_c w_c F((z − μ_c) / s_c), each at its own level.

    Attributes:
        cdf: F; it takes a and b, too, if components are truncated.
        inverse: the inverse of F, likewise.
        log_weight: log w, (N, C) float64.
        location: μ, (N, C).
        scale: s, (N, C).
        level: the levels (N,), within (0, 1).
        value_of: maps the quantiles z (N,) to values of the column.
        ends: a and b, (N, C) each, if components are truncated to [a, b] in their own units.
    """

    cdf: Inner
    inverse: Inner
    log_weight: torch.Tensor
    location: torch.Tensor
    scale: torch.Tensor
    level: torch.Tensor
    value_of: Function
    ends: tuple[torch.Tensor, ...] = ()

    @classmethod
    def known(cls, values: torch.Tensor) -> Search:
        """A search for values (N,) that are known: single components without width."""
        column = values.double()[:, None]
        nothing = torch.zeros_like(column)
        return cls(torch.clone, torch.zeros_like, nothing, column, nothing, nothing[:, 0], _same)


def _same(z: torch.Tensor) -> torch.Tensor:
    return z


def searched(searches: Sequence[Search]) -> list[torch.Tensor]:
    """The values (N,) of each search; those with the same F and C share one bisection."""
    groups: dict[tuple[Inner, int], list[int]] = {}
    for number, each in enumerate(searches):
        groups.setdefault((each.cdf, each.location.shape[1]), []).append(number)
    found: dict[int, torch.Tensor] = {}
    for numbers in groups.values():
        some = [searches[number] for number in numbers]
        z = _standard_quantiles(some).split([len(each.level) for each in some])
        found |= {
            number: each.value_of(part) for number, each, part in zip(numbers, some, z, strict=True)
        }
    return [found[number] for number in range(len(searches))]


def _standard_quantiles(searches: Sequence[Search]) -> torch.Tensor:
    first = searches[0]
    weight = torch.cat([each.log_weight for each in searches]).exp()
    location = torch.cat([each.location for each in searches])
    scale = torch.cat([each.scale for each in searches])
    level = torch.cat([each.level for each in searches])
    inner = [torch.cat(some) for some in zip(*(each.ends for each in searches), strict=True)]
    ends = location + scale * first.inverse(level[:, None], *inner)  # (N, C)
    if ends.shape[1] == 1:
        return ends[:, 0]

    def cdf(z: torch.Tensor) -> torch.Tensor:
        return (weight * first.cdf((z[:, None] - location) / scale, *inner)).sum(1).clamp(0, 1)

    return bisect(cdf, level, ends.amin(1), ends.amax(1))


def bisect(
    cdf: Function,
    q: torch.Tensor,
    low: torch.Tensor,
    high: torch.Tensor,
    *,
    whole: bool = False,
) -> torch.Tensor:
    """The smallest value (...) in (low, high] whose cdf is at least q (...).

    ``whole`` searches integers only.
    """
    for _ in range(BISECTIONS):
        middle = low + (high - low) / 2
        middle = middle.floor() if whole else middle
        below = cdf(middle) < q
        ends = torch.where(below, middle, low), torch.where(below, high, middle)
        if torch.equal(ends[0], low) and torch.equal(ends[1], high):
            break  # no float lies between them
        low, high = ends
    return high
