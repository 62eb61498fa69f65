"""Probabilities of boxes by draws within their regions: for events that few draws of a pool hit.

A path draws each cell from its conditional within the region. The product of the regions' masses is
its weight, and the mean weight is an unbiased estimate of the probability. The uniforms are
low-discrepancy points, the same for all questions, in independent scramblings: their spread is the
standard error.

Source: Yang et al., "Deep Unsupervised Cardinality Estimation" (Naru), VLDB 2019, arXiv:1905.04278;
Owen, "Randomly permuted (t,m,s)-nets and (t,s)-sequences", 1995.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from chainrule.events import Box
from chainrule.tasks.asking.pool import chosen_component
from chainrule.tasks.asking.walks import Component, Draws, cells_of, walk

SCRAMBLINGS = 16
PATHS = 64  # of each scrambling
AT_ONCE = 2**14  # paths drawn at a time
ROUNDING = 1e-6  # relative error of a product of masses in float32


@lru_cache(maxsize=8)
def points(width: int, paths: int = PATHS) -> np.ndarray:
    """Returns the common points (scramblings · paths, width) on [0, 1)."""
    from scipy.stats import qmc

    each = [
        qmc.Sobol(width, scramble=True, rng=np.random.default_rng([number, width])).random(paths)
        for number in range(SCRAMBLINGS)
    ]
    found = np.concatenate(each).clip(0, 1 - 2**-53)
    found.flags.writeable = False
    return found


@dataclass(frozen=True)
class Paths:
    """Weighted paths of a box.

    Attributes:
        codes: (n, D), set up to the last column that was visited.
        log_weight: (n,).
    """

    codes: np.ndarray
    log_weight: np.ndarray


def paths_of(
    components: Sequence[Component],
    weight: np.ndarray,
    boxes: Sequence[Box],
    uniform: np.ndarray,
    steps: int | None = None,
) -> list[Paths]:
    """Draws the paths of each box, by uniforms (n, D + 1) that all of them share.

    Args:
        components: the components of the joint density.
        weight: their weights (M,).
        boxes: the boxes.
        uniform: the last one of each path selects its component.
        steps: how many columns of the order are visited; by default up to the last that is asked.
    """
    n, width = len(uniform), uniform.shape[1] - 1
    codes = np.zeros((len(boxes), n, width))
    logs = np.zeros((len(boxes), n))
    chosen = chosen_component(weight, uniform[:, -1])
    for number, component in enumerate(components):
        at = np.flatnonzero(chosen == number)
        if not len(at):
            continue
        regions = [cells_of(component.schema, box) for box in boxes]
        needed = [steps or component.last(list(each)) for each in regions]
        order = np.argsort(needed, kind="stable")  # boxes of equal length share a walk
        size = max(1, AT_ONCE // len(at))
        for start in range(0, len(order), size):
            some = order[start : start + size]
            asked = sorted({column for place in some for column in regions[place]})
            by_column = {column: [regions[p].get(column) for p in some] for column in asked}
            group = np.repeat(np.arange(len(some)), len(at))
            tiled, order_of = np.tile(uniform[at, :-1], (len(some), 1)), component.order
            ends = np.array([order_of[needed[place] - 1] for place in some])[group]
            last = None if steps else (ends, order_of)
            draws = Draws(component.schema, tiled, by_column, group, last)
            steps_of = np.array([needed[place] for place in some])[group]
            found = walk(component, len(group), steps_of, draws)
            codes[some[:, None], at] = found.reshape(len(some), len(at), width)
            logs[some[:, None], at] = draws.log_weight.reshape(len(some), len(at))
    return [Paths(*each) for each in zip(codes, logs, strict=True)]


def by_scrambling(values: np.ndarray) -> tuple[np.ndarray, float]:
    """Means (scramblings,) of numbers (scramblings · paths,), and the standard error of their mean.

    n points divide an axis into n equal parts. All scramblings may divide the values alike, and
    their means are then equal although they are not the mean. So the squared error is that of the
    means plus the values' variance divided by n², for each scrambling.
    """
    each = values.reshape(SCRAMBLINGS, -1)
    means, resolution = each.mean(1), float(values.std()) / each.shape[1]
    error = math.hypot(float(means.std(ddof=1)), resolution) / math.sqrt(SCRAMBLINGS)
    return means, max(error, ROUNDING * abs(float(means.mean())))
