"""Probabilities of boxes by enumeration: all values of the columns before the last that is asked.

The last column's region has its mass under the conditional, whatever values it holds.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

import numpy as np
import torch

from chainrule.conditionals import Distribution
from chainrule.events import Box, Intervals, Levels, Region
from chainrule.missing import missing_codes
from chainrule.tasks.asking.walks import Component, cells_of, level_masses, log_masses, walk

MOST_ROWS = 4096  # rows that are enumerated for one event
AT_ONCE = 8192


def rows_of(component: Component, box: Box) -> float:
    """How many rows the enumeration of a box takes; infinite if there is no end of them."""
    regions = cells_of(component.schema, box)
    count = 1.0
    for column in component.order[: component.last(list(regions))][:-1]:
        count *= _possible(component, column, regions.get(column)).count
    return count


def rows_before(component: Component, asked: Collection[int]) -> float:
    """How many rows all columns have that are not asked, before the last one that is."""
    steps = component.last(list(asked))
    others = (column for column in component.order[: max(steps - 1, 0)] if column not in asked)
    return math.prod(_possible(component, column, None).count for column in others)


def _possible(component: Component, column: int, region: Region | None) -> Region:
    """The codes of a region, by default all, that the column can have."""
    conditional = component.network.columns.conditionals[column]
    if component.schema.columns[column].has_levels:
        return region or Levels((True,) * len(conditional.support() or ()))
    is_grid = not component.schema.columns[column].is_continuous
    low, high = conditional.limits if is_grid else (-math.inf, math.inf)
    ends = ((low, high),) if region is None else region.ends  # type: ignore[union-attr]
    return Intervals.of([(max(first, low), min(last, high)) for first, last in ends], is_grid)


def probability(component: Component, box: Box) -> float:
    """Returns the probability of a box."""
    regions = cells_of(component.schema, box)
    if not regions:
        return 1.0
    if any(region.is_empty for region in regions.values()):
        return 0.0
    steps = component.last(list(regions))
    codes = _enumerated(component, regions, steps)
    total = 0.0
    for start in range(0, len(codes), AT_ONCE):
        masses = _Masses(component, codes[start : start + AT_ONCE], regions, steps)
        walk(component, len(masses.codes), steps, masses)
        total += float(np.exp(masses.logs).sum())
    return min(total, 1.0)


def _enumerated(component: Component, regions: Mapping[int, Region], steps: int) -> np.ndarray:
    """Codes (n, D) of all rows up to the last column but one; later cells are not set."""
    codes = np.zeros((1, len(component.schema.columns)))
    gone = missing_codes(component.schema) if component.flags_first else {}
    for column in component.order[: steps - 1]:
        values = _possible(component, column, regions.get(column)).codes()
        times = np.full(len(codes), len(values))
        if column in gone:
            flag, code = gone[column]
            times[codes[:, flag] == code] = 1  # no value is drawn
        place = np.arange(times.sum()) - np.repeat(times.cumsum() - times, times)
        codes = codes.repeat(times, axis=0)
        codes[:, column] = values[place]
    return codes


class _Masses:
    """Sums the log-masses of given codes, and of the last column's region."""

    def __init__(
        self, component: Component, codes: np.ndarray, regions: Mapping[int, Region], steps: int
    ) -> None:
        self.codes, self.logs = codes, np.zeros(len(codes))
        self._schema, self._regions = component.schema, regions
        self._last = component.order[steps - 1]

    def cell(
        self, column: int, distribution: Distribution, state: np.ndarray, asked: np.ndarray
    ) -> np.ndarray:
        """See ``walks.Cells``."""
        codes = self.codes[:, column]
        has_levels = self._schema.columns[column].has_levels
        if column == self._last:
            region = self._regions[column]
            if isinstance(region, Levels):
                p = (level_masses(distribution) @ np.array(region.inside, dtype=np.float64))[state]
            else:
                low, high = np.array(region.ends).T[:, None].repeat(len(distribution.params), 1)
                p = np.exp(log_masses(distribution, low, high)).sum(1)[state]
        elif has_levels:
            p = level_masses(distribution)[state, codes.astype(np.int64)]
        else:
            p = np.exp(_log_prob(distribution.take(state), codes))
        with np.errstate(divide="ignore"):
            self.logs += np.where(asked, np.log(p), 0.0)
        return codes


def _log_prob(distribution: Distribution, codes: np.ndarray) -> np.ndarray:
    """The log-mass (n,) of codes on a grid, or of atoms."""
    values = torch.from_numpy(codes.copy()).to(distribution.params)
    return distribution.log_prob(values).double().cpu().numpy()
