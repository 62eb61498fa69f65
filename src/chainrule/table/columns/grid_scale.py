"""The scale of the codes of numbers on a grid: linear, or chosen by the likelihood of masses."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.table.columns.evident_bounds import (
    FEWEST_ROWS,
    ends_abruptly,
    evident_steps,
    fills_its_field,
    has_heavy_end,
)
from chainrule.table.columns.grid import (
    FEW_VALUES,
    FINE,
    MOSTLY_ATOMS,
    knots_of,
    others_of,
    range_of,
    scale_of,
    scaled,
)
from chainrule.table.columns.scale_choice import chosen_warp, requested_warp
from chainrule.table.values.exact_integers import differences, is_large


def shown_bounds(
    steps: np.ndarray,
    is_atom: np.ndarray,
    *,
    min_count: int,
    step: float = 1,
    phase: float = 0,
) -> tuple[int | None, int | None]:
    """The bounds that known numbers (n,), phase + steps · step, show, in steps.

    Those of the numbers that are no atoms are moved to include the atoms. If hardly one is no atom,
    only zero is a bound. A heavy atom at an end is a bound, and so is a natural end that rounding
    outwards would pass, such as 100. Few different numbers, such as days of the month, are all
    there are, if none of them is rare. An end that fades out is no bound even then: a next child or
    a next visit is only rarer. A last number of nines that larger ones have become is a bound.
    """
    if not len(steps) or is_large(steps.astype(np.float64)):
        return None, None
    first, last = int(steps.min()), int(steps.max())
    least: int | None = 0 if first >= 0 and len(steps) >= FEWEST_ROWS else None
    most: int | None = 0 if last <= 0 and len(steps) >= FEWEST_ROWS else None
    if is_atom.sum() <= (1 - MOSTLY_ATOMS) * len(steps):
        others = steps[~is_atom]
        least, most = evident_steps(others, min_count=min_count, step=step, phase=phase)
        least = None if least is None else min(least, first)
        most = None if most is None else max(most, last)
        numbers = phase + step * steps
        atoms = np.unique(numbers[is_atom])
        least = first if has_heavy_end(-numbers, -atoms, min_count=min_count) else least
        most = last if has_heavy_end(numbers, atoms, min_count=min_count) else most
    if most is None and fills_its_field(np.sort(steps), min_count, step=step, phase=phase):
        most = last
    if phase and last < 0 and most == 0:
        most = -1  # step 0 lies above zero
    values, counts = np.unique(steps, return_counts=True)
    if 2 < len(values) <= FEW_VALUES and counts.min() >= max(min_count, 2):
        ranked = np.sort(steps)
        least = first if ends_abruptly(-ranked[::-1], min_count) else least
        most = last if ends_abruptly(ranked, min_count) else most
    return least, most


def _outer(bound: Any, rounded: Callable[[float], int], end: float, first: int, inner: Any) -> Any:
    """The bound of steps on a scale that ends at the code ``end``, counted from a first step."""
    if math.isinf(end):
        return bound
    found = first + rounded(end)
    return found if bound is None else inner(found, bound)


def scale_on_grid(
    name: str,
    steps: np.ndarray,
    is_atom: np.ndarray,
    bounds: tuple[float | None, float | None],
    *,
    min_count: int,
    requested: str | None = None,
    is_free: bool = True,
) -> tuple[tuple[Any, Any], dict[str, Any]]:
    """The bounds, and what ``scaled`` returns with the scale on which masses describe the numbers
    best, "warp".

    On a scale that is not linear, codes count from step 0, unless all steps are large and close to
    each other. Its ends are bounds.

    Args:
        name: the name of the column.
        steps: the numbers as integer multiples of the step, (N,), int64 or objects.
        is_atom: marks the atoms among them.
        bounds: the first and the last step that is possible, or None.
        min_count: smallest number of rows behind a stored number.
        requested: the scale that the user chose, or None.
        is_free: whether codes may count from a step other than 0.
    """
    found = scaled(name, steps, is_atom, min_count=min_count, least=min_count, is_free=is_free)
    first, rough = _begin(steps, int(found["first"]), bounds[0], requested)
    enough = max(min_count, math.floor(MOSTLY_ATOMS * len(steps)) + 1)
    others = others_of(rough, is_atom, least=enough)
    least, most = bounds
    edges = (
        None if least is None else least - first - 0.5,
        None if most is None else most - first + 0.5,
    )
    options: dict[str, Any] = {"min_count": min_count, "on_grid": True}
    if requested is not None:
        warp = requested_warp(name, requested, others, *edges, **options)
    elif is_large(rough) or (is_atom.any() and len(others) == len(rough)):
        warp = None  # float64 holds no steps, or hardly a value is no atom
    else:
        warp = chosen_warp(others, *edges, **options)
    if warp is None:
        return bounds, found
    center, spread = scale_of(name, warp.forward(others), min_count=min_count)
    images = range_of(warp.forward(rough), center, spread, min_count=min_count)
    low, high = warp.inverse(np.array(images)).tolist()
    ends = (
        _outer(bounds[0], math.floor, warp.low + 0.5, first, max),
        _outer(bounds[1], math.ceil, warp.high - 0.5, first, min),
    )
    return ends, {
        "first": first,
        "center": center,
        "spread": spread,
        "low": low,
        "high": high,
        "knots": knots_of(rough, window=min_count),
        "warp": warp,
    }


def _begin(
    steps: np.ndarray, first: int, least: float | None, requested: str | None
) -> tuple[int, np.ndarray]:
    """The step from which a scale that is not linear counts, and the steps (N,) from there.

    It is ``first`` if float32 holds all steps from there, as it does not hold 2^24 and 2^24 + 1/2.
    A log scale without a bound below has its lower end at 0.
    """
    rough = steps.astype(np.float64)
    if first == 0 or (requested == "log" and least is None):
        return 0, rough
    since = differences(steps, rough, first)
    return (first, since) if np.abs(since).max() <= FINE else (0, rough)
