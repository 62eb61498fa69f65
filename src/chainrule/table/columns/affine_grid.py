"""Grids that need not begin at zero: odd numbers, and integers that were scaled or standardised."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from typing_extensions import override

from chainrule.table.columns.decimals import MOST_DECIMALS, MOST_DIGITS, ROUNDING, decimals_of
from chainrule.table.columns.disclosure import is_shared_difference
from chainrule.table.columns.grid import FEW, FINE, MOST_STEPS, are_few, grid_of_most

SPARSE = 4  # a grid with more points for each different value may hide a coarser one
OFF_GRID = 1e-6  # steps; a larger distance from the grid is no rounding error
OFTEN = 8  # mean number of rows of a value from which values repeat
ENOUGH_IF_EXACT = 4  # fewest different values of a grid with few gaps, in full precision
ENOUGH_VALUES = 20  # fewest different values that show a grid which does not begin at zero
SINGLE = 2.0**-22  # the same in single precision
ARITHMETIC, SINGLE_ARITHMETIC = 2.0**-20, 2.0**-10  # steps by which scaling moved a value
COARSEST = 1 / 32  # steps; values rounded more coarsely do not show their grid
FEW_DIGITS = 12  # significant digits of a step that is written short
BINS, EVENLY = 16, 6  # of these parts of a rounding error, the least number that occur
WIDER = 4.0  # factor by which the span of values grows that determine the step
FIRST_SPAN = 8.0  # steps


@dataclass(frozen=True)
class Grid:
    """The numbers phase + k · step for whole k.

    Attributes:
        step: distance of neighbours.
        phase: the number of k = 0.
        decimals: number of decimals to which they are rounded; None if they have full precision.
        odd: the different values of the few rows off the grid.
    """

    step: float
    phase: float
    decimals: int | None
    odd: np.ndarray

    @override
    def __str__(self) -> str:
        start = f" from {self.phase:g}" if self.phase else ""
        return f"{'steps' if start else 'multiples'} of {self.step:g}{start}"


class AffineGrid(NamedTuple):
    """The numbers phase + k · step for whole k, of which the phase is the nearest to zero."""

    step: float
    phase: float


def grid_with_phase(known: np.ndarray, dtype: str, *, min_count: int) -> Grid | None:
    """The coarsest grid of at most ``MOST_STEPS`` steps on which known numbers (n,) lie.

    One row in a thousand may be off. Where values repeat, a grid of up to 2^20 steps is found if
    its step has no few decimals. ``dtype`` is the type of the column.
    """
    if not len(known):
        return None
    values, counts = np.unique(known, return_counts=True)
    width, written = float(values[-1] - values[0]), None
    found = grid_of_most(known, min_count=min_count)
    if found is not None:
        step, decimals, odd = found
        on = ~np.isin(values, odd)
        whole = np.round(values[on] / step).astype(np.int64)
        divisor, rest = shifted_divisor(whole, counts[on], min_count=min_count)
        phase, coarser = (float(np.round(step * k, decimals)) for k in (rest, divisor))
        written = Grid(step if divisor == 1 else coarser, phase, decimals, odd)
        if not 0 < width / written.step < MOST_STEPS:
            written = None
        elif width / written.step <= SPARSE * len(values):
            return written
    decimals = decimals_of(known, min_count=min_count)
    # Where values repeat, a finer grid still matters: the numbers are no density's.
    most = MOST_STEPS if len(known) < OFTEN * len(values) else FINE
    for on in (counts >= 1, ~_rarest(counts)):
        found = affine_grid(
            values[on], counts[on], most, decimals, single=is_single(dtype), min_count=min_count
        )
        if found is not None:
            steps = (values - found.phase) / found.step
            off = np.abs(steps - np.round(steps)) > off_grid(values, found.step, decimals, dtype)
            if are_few(off, counts):
                step, phase, written_in = *found, decimals
                if decimals is None and not is_single(dtype):
                    step, phase, written_in = _shortest(found, values[~off])
                return Grid(step, phase, written_in, values[off])
    return written


def _shortest(found: AffineGrid, values: np.ndarray) -> tuple[float, float, int | None]:
    """Step and phase in the fewest decimals that arithmetic may have moved to those found, and
    these decimals; None, and as they are, if there are none.

    Thousandths times a million are multiples of 1000, and not of 1000.0000000000002. Points of the
    grid are then written without noise, which some of the values (V,) have.
    """
    step, phase = found
    largest = float(np.abs(values).max())
    noise = 2 * ROUNDING * largest
    steps = max(1.0, float(np.abs(np.round((values - phase) / step)).max()))
    for digits in range(FEW_DIGITS):
        short = float(f"{step:.{digits}e}")
        if abs(short - step) * steps > noise:
            continue
        for decimals in range(MOST_DECIMALS + 1):
            if largest * 10.0**decimals >= 10.0**MOST_DIGITS:
                break
            rounded = float(np.round(phase, decimals))
            if float(np.round(short, decimals)) == short and abs(rounded - phase) <= noise:
                return short, rounded, decimals
        break
    return step, phase, None


def _rarest(counts: np.ndarray) -> np.ndarray:
    """Marks the rarest of different values (V,), which at most one row in a thousand has."""
    order = np.argsort(counts, kind="stable")
    rarest = np.zeros(len(counts), dtype=bool)
    rarest[order[counts[order].cumsum() <= FEW * counts.sum()]] = True
    return rarest


def affine_grid(
    values: np.ndarray,
    counts: np.ndarray,
    most_steps: float,
    decimals: int | None,
    *,
    single: bool = False,
    min_count: int,
) -> AffineGrid | None:
    """The coarsest grid that all values share, whatever its step and origin; None if there is none.

    At least 20 different values must lie on it, up to the rounding of their arithmetic and of the
    decimals in which they are written; or four in full precision, on a grid with hardly a gap.
    Leaving out fewer than ``min_count`` rows does not change it.

    Args:
        values: the different numbers (V,), ascending.
        counts: the number of rows of each.
        most_steps: most steps from the first value to the last.
        decimals: number of decimals in which the values are written; None if in full precision.
        single: whether the values had single precision.
        min_count: number of rows behind a stored number.

    >>> ages = np.arange(18.0, 90.0)
    >>> scores = (ages - ages.mean()) / ages.std()
    >>> found = affine_grid(scores, np.ones(72), 1e4, None, min_count=5)
    >>> round(float(found.step * ages.std()), 9)
    1.0
    """
    if len(values) < ENOUGH_IF_EXACT:
        return None
    precision = (SINGLE if single else ROUNDING) * float(np.abs(values).max())
    noise = max(precision, 0.0 if decimals is None else 0.5 * 10.0**-decimals)
    if len(values) < ENOUGH_VALUES:
        if noise > precision:
            return None
        most_steps = SPARSE * len(values)
    gaps, width = np.diff(values), float(values[-1] - values[0])
    least = max(width / most_steps, noise / COARSEST)
    if gaps.min() < least / 2:
        return None  # almost always of continuous numbers: the others need no look
    step = _common_divisor(gaps, least / 2, noise)
    if step is None:
        return None
    step, phase = _refined(values, step)
    steps = np.round((values - phase) / step)
    allowed = 2 * noise + (SINGLE_ARITHMETIC if single else ARITHMETIC) * step
    rests = phase + steps * step - values
    if step < least or (np.abs(rests) > allowed).any() or (np.diff(steps) == 0).any():
        return None
    # Multiples of .5 and of .5 less a cent are no grid: rounding errors are spread evenly.
    parts = len(np.unique(np.round(rests / noise * BINS / 2)))
    if noise > precision and parts < EVENLY:
        return None
    whole = (steps - steps[0]).astype(np.int64)
    divisor = int(np.gcd.reduce(whole))
    # A divisor of 1 would count as shared by all.
    if not is_shared_difference(2 * (whole // divisor), counts, min_count=min_count):
        return None
    phase, step = phase + float(steps[0]) * step, step * divisor
    phase -= round(phase / step) * step
    return AffineGrid(step, 0.0 if abs(phase) <= allowed else phase)


def shifted_divisor(integers: np.ndarray, counts: np.ndarray, *, min_count: int) -> tuple[int, int]:
    """The greatest common divisor of the differences of integers, and what it leaves of each.

    It is 1, and nothing is left, if fewer than 20 different integers show it, or if leaving out
    fewer than ``min_count`` rows changes it.

    Args:
        integers: different integers (V,), ascending, int64 or objects.
        counts: the number of rows of each.
        min_count: number of rows behind a stored number.

    >>> shifted_divisor(np.arange(-7, 93, 4), np.ones(25, dtype=int), min_count=5)
    (4, 1)
    """
    if len(integers) < ENOUGH_VALUES:
        return 1, 0
    since = integers - integers[0]
    divisor = math.gcd(*since.tolist())
    if divisor < 2 or not is_shared_difference(since, counts, min_count=min_count):
        return 1, 0
    return divisor, int(integers[0]) % divisor


def off_grid(numbers: np.ndarray, step: float, decimals: int | None, dtype: str) -> np.ndarray:
    """Steps (N,) by which the rounding of their arithmetic may move numbers off their grid."""
    single = is_single(dtype)
    moved = (SINGLE if single else ROUNDING) * np.abs(numbers / step)
    moved = moved + (SINGLE_ARITHMETIC if single else OFF_GRID)
    if decimals is None:
        return moved
    units = step * 10.0**decimals  # of the last decimal
    is_written = abs(units - round(units)) <= OFF_GRID * units
    return moved if is_written else moved + 1.0 / units  # the step is known up to half a decimal


def is_single(dtype: str) -> bool:
    """Whether a type, by its name in any container, has single precision."""
    return dtype.lower() in ("float32", "float")


def _common_divisor(gaps: np.ndarray, least: float, noise: float) -> float | None:
    """Euclid's greatest common divisor of numbers known up to noise; None if it is too small."""
    divisor = float(gaps.min())
    for gap in np.unique(gaps).tolist():
        other = gap
        while True:
            quotient = round(other / divisor)
            rest = abs(other - quotient * divisor)
            if rest <= min(2 * noise * (1 + quotient), divisor / 4):
                break
            if rest < least:
                return None
            other, divisor = divisor, rest
    return divisor


def _refined(values: np.ndarray, step: float) -> tuple[float, float]:
    """Step and phase by least squares, over ever more values around the middle one."""
    middle = float(values[len(values) // 2])
    since = values - middle
    reach, phase = FIRST_SPAN * step, 0.0
    while True:
        near = since[np.abs(since) <= reach]
        steps = np.round((near - phase) / step)
        if len(np.unique(steps)) > 1:
            apart = steps - steps.mean()
            step = float((apart * near).sum() / (apart**2).sum())
            phase = float((near - steps * step).mean())
        if len(near) == len(since):
            return step, middle + phase
        reach *= WIDER
