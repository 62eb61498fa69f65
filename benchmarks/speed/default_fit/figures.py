"""Rows of results: medians with their spread, and what a figure must reach."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

Rows = Iterator[dict[str, Any]]
WALL = ", wall"  # ends the names of wall times beside processor times


@dataclass(frozen=True)
class Goal:
    """The value that a figure must reach and the one it aims at, in one direction.

    Attributes:
        sign: ">=" or "<=".
        must: the value to reach.
        aim: the value aimed at; None for none.
    """

    sign: str
    must: float
    aim: float | None = None

    def holds(self, value: float) -> bool:
        """Whether a value reaches what it must."""
        return value >= self.must if self.sign == ">=" else value <= self.must


def row(
    what: str,
    values: Sequence[float],
    *,
    unit: str = "",
    goal: Goal | None = None,
    **facts: Any,
) -> dict[str, Any]:
    """A row of results: the median of values and the distance between their quartiles.

    A value that was measured once has no spread.

    >>> row("epoch", [1.0, 3.0, 2.0], unit="s")
    {'what': 'epoch', 'measured': 2.0, 'spread': 2.0, 'count': 3, 'unit': 's'}
    """
    found: dict[str, Any] = {"what": what, "measured": statistics.median(values)}
    if len(values) > 1:
        low, _, high = statistics.quantiles(values, n=4)
        found["spread"] = high - low
    found |= {"count": len(values), "unit": unit, **facts}
    if goal is not None:
        found |= {"sign": goal.sign, "must": goal.must, "aim": goal.aim}
        found["holds"] = goal.holds(found["measured"])
    return found


def ratios(above: Sequence[float], below: Sequence[float]) -> list[float]:
    """The ratio of each turn."""
    return [a / b for a, b in zip(above, below, strict=True)]


def paired(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, float]:
    """The mean of the differences of rows, and its standard error.

    >>> paired([1.0, 2.0], [0.0, 3.0])
    (0.0, 1.0)
    """
    found = [a - b for a, b in zip(ours, theirs, strict=True)]
    return statistics.fmean(found), statistics.stdev(found) / len(found) ** 0.5


def mean_of(pairs: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The mean of independent differences and its standard error, given those of each.

    >>> mean_of([(1.0, 3.0), (3.0, 4.0)])
    (2.0, 2.5)
    """
    error = math.hypot(*(error for _, error in pairs)) / len(pairs)
    return statistics.fmean(mean for mean, _ in pairs), error


def line(found: dict[str, Any]) -> str:
    """A row of results for a terminal."""
    spread = f"± {found['spread']:.3g}" if "spread" in found else ""
    goal = f"{found['sign']} {found['must']:g}" if "must" in found else ""
    missed = "" if found.get("holds", True) else "   MISSED"
    number = f"{found['measured']:.4g} {found['unit']}".strip()
    return f"{found['what']:<72}{number:>14}  {spread:<11}{goal:<9}{missed}".rstrip()
