"""What kinds over numbers share: the grid on which values lie, the values that occur by themselves, and the scale of the rest."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from chainrule.errors import SchemaError
from chainrule.table.cells import Where, shown
from chainrule.table.exact import LARGEST_EXACT, differences, is_large
from chainrule.table.schema import MOST_ATOMS, Column
from chainrule.table.telling import (
    gap_of_few,
    is_of_few,
    rounded_divisor,
    rounded_ends,
    rounded_scale,
    shared_divisor,
)

FARTHEST = 1e100  # standard deviations: beyond, likelihoods are no numbers in float64
MOST_KNOTS = 17  # as many quantiles part a column, at most
NEAREST_KNOTS = 1e-5  # of their size, which float32 tells apart by far
GAP = 1.0  # of the distance to the next quantile, up to which a gap within a window is none
MOST_DECIMALS = 9  # values written to more are taken to be continuous
MOST_STEPS = 20_000  # steps within the range, above which a grid is too fine to matter
FINE = 2.0**20  # codes beyond which float32, in which networks train, begins to lose integers
COARSE = 4096  # codes: origins are multiples of it
NEIGHBOURS = 5  # different values on either side that an atom of a grid must stand out from
STANDS_OUT = 4.0  # how many times their mean count it has
HEAVY_ON_GRID, HEAVY = 0.05, 0.005  # least share of the known values that makes a value an atom
FEW = 0.001  # share of the known values that may lie off a grid and count as its nearest steps
FEW_DIFFERENT = 20  # different values on the grid for each one off it, at least
FINEST_POWER = 20  # halvings of a step that make a finer grid, not values off it
MOSTLY_ATOMS = 0.05  # share of the others, under which location and scale are those of all known values
ROUNDING = 2.0**-50  # of the number of steps from zero, what floating point may be off
FAR_OFF = 2.0**-26  # spread over center, below which mean and deviation are computed from a value of the column
OFF_GRID = 1e-6  # steps: what lies further off is no rounding of the last bit


def grid(numbers: np.ndarray, *, min_count: int = 1) -> tuple[float, int] | None:
    """The largest step of which all known numbers are multiples, and to how many decimals they are written.

    None: they are written to more than 9 decimals, or too large to be told apart. A power of two as a factor of all
    numbers is one of the step, so that the codes stay. A step that fewer than ``min_count`` rows make is rounded to one that
    shows none of their values.

    >>> grid(np.array([0.5, 2.0, 3.5]))
    (0.5, 1)
    """
    known, counts = np.unique(numbers[~np.isnan(numbers)], return_counts=True)
    for decimals in range(MOST_DECIMALS + 1):
        if bool((np.round(known, decimals) == known).all()):
            whole = np.round(known * 10.0**decimals)
            if np.abs(whole).max(initial=0) >= LARGEST_EXACT:
                return None
            divisor, is_shared = shared_divisor(whole.astype(np.int64), counts, min_count=min_count)
            if not is_shared:
                divisor = rounded_divisor(divisor, int(np.abs(whole).max()), decimals)
            return divisor / 10**decimals, decimals
    return None


def grid_of_most(numbers: np.ndarray, *, min_count: int = 1) -> tuple[float, int, np.ndarray] | None:
    """The grid of all known numbers but a few, and these, each once: a single odd value makes no column of whole numbers
    continuous.

    Few are one in a thousand, and different values no more than one for each 20 on the grid: in a column of zeros the rare other
    value is what matters. What lies off by powers of two alone makes a finer grid, so that a factor of 1024 changes no code.

    >>> step, decimals, odd = grid_of_most(np.append(np.arange(5000.0), 7.3))
    >>> step, decimals, odd.tolist()
    (1.0, 0, [7.3])
    """
    known = numbers[~np.isnan(numbers)]
    values, counts = np.unique(known, return_counts=True)
    with np.errstate(over="ignore"):  # the largest numbers then seem to lie on any grid, and ``grid`` finds none
        whole = values * 2.0**FINEST_POWER
        for decimals in range(MOST_DECIMALS + 1):
            off = np.round(whole, decimals) != whole
            if not off.any():
                break
            if counts[off].sum() <= FEW * counts.sum() and FEW_DIFFERENT * off.sum() <= (~off).sum():
                found = grid(known[~np.isin(known, values[off])], min_count=min_count)
                if found is not None:
                    return *found, values[off]
    found = grid(known, min_count=min_count)
    return None if found is None else (*found, values[:0])


def atoms_of(numbers: np.ndarray, *, on_grid: bool, min_count: int) -> tuple[float, ...]:
    """The few values that occur by themselves, such as zeros and caps, the heaviest first.

    Of continuous numbers, values of more than one row in 200; on a grid, where values repeat anyhow, of more than a
    twentieth, and four times as many as the values around them.
    """
    known = numbers if numbers.dtype.kind in "iuO" else numbers[~np.isnan(numbers)]
    values, counts = np.unique(known, return_counts=True)
    least = max(min_count, 2, (HEAVY_ON_GRID if on_grid else HEAVY) * len(known))
    heavy = counts >= least
    if on_grid:
        around = np.array([_mean_around(counts, k) for k in np.flatnonzero(heavy).tolist()])
        heavy[heavy] = counts[heavy] >= STANDS_OUT * around
    chosen = np.flatnonzero(heavy)
    chosen = chosen[np.argsort(-counts[chosen], kind="stable")][:MOST_ATOMS]
    return tuple(exact(v) for v in values[chosen].tolist())


def scale_of(name: str, codes: np.ndarray, *, min_count: int, first: int = 0) -> tuple[float, float]:
    """Mean and standard deviation of known codes; where they do not vary, the size of a value is the scale.

    A power of two as a factor of all codes is one of both. Where fewer than ``min_count`` rows make most of the deviation, both
    are rounded until they tell none of their values (see ``telling``). ``first`` is what codes were counted from, and is put back
    to the mean.

    Raises:
        SchemaError: they are too large for that.
    """
    if not len(codes):
        return 0.0, 1.0
    with np.errstate(over="ignore", invalid="ignore"):
        center, spread = float(codes.mean()), float(codes.std())
    if not (math.isfinite(center) and math.isfinite(spread)):
        raise SchemaError(f"column {name!r}: values up to {np.abs(codes).max():.3g} overflow; rescale the column")
    if float(codes.min()) == float(codes.max()):  # rounding, not variation
        center = float(codes[0])
        spread = abs(float(first + center)) or 1.0
    elif spread <= FAR_OFF * abs(center):  # counted from a value, so that nothing is lost to the offset
        since = codes - codes[0]
        center, spread = float(codes[0] + since.mean()), float(since.std())
    if len(codes) < min_count:  # of whom the location tells, too
        return rounded_scale(first + center, max(spread, abs(float(first + center))))
    if is_of_few(codes, center, min_count=min_count):
        return rounded_scale(first + center, spread)
    return (exact(first + round(center)) if first else center), spread


def others_of(codes: np.ndarray, is_atom: np.ndarray, *, least: float) -> np.ndarray:
    """The codes that are no atoms, if there are so many, else all: those of which scale and location are made."""
    others = codes[~is_atom]
    return others if len(others) >= max(least, 1) else codes


def range_of(codes: np.ndarray, center: float, spread: float, *, min_count: int) -> tuple[float, float]:
    """The range of known codes, rounded outwards, so that a file does not hold the extremes of its table; of fewer codes than
    ``min_count`` a spread on either side."""
    if not len(codes):
        return center, center
    least, most = rounded_ends(float((codes.min() - center) / spread), float((codes.max() - center) / spread))
    if len(codes) < min_count:
        least, most = min(least, -1.0), max(most, 1.0)
    return center + spread * least, center + spread * most


def knots_of(codes: np.ndarray, *, window: int) -> tuple[float, ...]:
    """Codes that part the known ones into about equal shares, ascending, none where there are too few.

    Each is the mean of ``window`` neighbours in the sorted column, so that it is no row's own value, unless many share it. A
    window that a gap parts moves towards the middle, so that its mean does not tell of the few that lie beyond.

    >>> knots_of(np.arange(100.0), window=5)[:3]
    (2.0, 12.0, 21.0)
    """
    ranked = np.sort(codes)
    parts = min(MOST_KNOTS - 1, len(ranked) // (2 * window))
    if parts < 2:
        return ()
    starts = np.linspace(0, len(ranked) - window, parts + 1).round().astype(int).tolist()
    middle = (len(ranked) - window) // 2
    means = []
    for number, start in enumerate(starts):
        inwards = 1 if start < middle or number == 0 else -1
        inner = window - 1 if inwards > 0 else 0  # where a window ends that is told from those farther out
        least = abs(float(ranked[starts[number + inwards] + inner] - ranked[start + inner])) * GAP
        tried = range(start, start + inwards * (1 + min(abs(start - middle), len(ranked) // parts)), inwards)
        free = next((at for at in tried if not gap_of_few(ranked, at, window=window, least=least)), None)
        if free is not None:
            means.append(float(ranked[free : free + window].mean()))
    knots: list[float] = []
    for knot in sorted(set(means)):
        if not knots or knot - knots[-1] > NEAREST_KNOTS * max(abs(knot), abs(knots[-1])):
            knots.append(knot)
    return tuple(knots) if len(knots) > 2 else ()


def on_grid(column: Column, numbers: np.ndarray) -> np.ndarray:
    """Codes (N,): the nearest integer number of steps, NaN where unknown."""
    return np.round((numbers - column.origin) / (column.step or 1.0))


def onto_grid(column: Column, numbers: np.ndarray, values: np.ndarray, where: Where) -> np.ndarray:
    """Codes (N,); numbers between the steps are rounded, with a warning that shows the first cell of them."""
    steps = (numbers - column.origin) / (column.step or 1.0)
    codes = np.round(steps)
    near = OFF_GRID + ROUNDING * np.abs(numbers / (column.step or 1.0))
    return rounded(column, codes, np.abs(steps - codes) > near, values, where)


def rounded(column: Column, codes: np.ndarray, between: np.ndarray, values: np.ndarray, where: Where) -> np.ndarray:
    """The codes (N,), with a warning that shows the first of the cells that lie ``between`` (N,) the steps of the grid."""
    rows = np.flatnonzero(between)
    if len(rows):
        row = int(rows[0])
        warnings.warn(
            f"column {column.name!r}: {len(rows)} value(s), such as {shown(values, row)} at {where(row)}, lie between the steps "
            f"of {column.step:g} {column.unit}".rstrip()
            + " found when the model was fitted; they count as the nearest",
            stacklevel=3,
        )
    return codes


def origin_of(codes: np.ndarray, center: float) -> int:
    """The code to count others from: 0, or about their center where they are so large that float32 could not tell them apart."""
    if not len(codes) or np.abs(codes).max() <= FINE:
        return 0
    return (round(center) + COARSE // 2) // COARSE * COARSE


def from_grid(column: Column, codes: np.ndarray) -> np.ndarray:
    """Numbers (N,) from codes, written to the column's decimals."""
    values = column.origin + np.round(codes) * (column.step or 1.0)
    return values if column.decimals is None else np.round(values, column.decimals)


def scaled(
    name: str, steps: np.ndarray, is_atom: np.ndarray, *, min_count: int, is_free: bool = True, least: float = 1
) -> dict[str, Any]:
    """Where integers, the known numbers' steps on a grid, are counted from, and the scale of the codes: ``first`` (the step of
    code 0), center, spread, low, high and knots.

    Args:
        name: of the column.
        steps: integers (N,), int64 or objects.
        is_atom: which of them are atoms.
        min_count: how many rows a number of the file is made of, at least.
        is_free: whether the count may begin elsewhere than at 0.
        least: how many steps that are no atoms make the scale; fewer leave it to all.
    """
    rough = steps.astype(np.float64)
    first = 0
    if (is_free or is_large(rough)) and len(steps) >= min_count:
        begin = int(steps[len(steps) // 2]) if is_large(rough) else 0  # from where the mean is exact
        since = differences(steps, rough, begin) if begin else rough
        center = scale_of(name, others_of(since, is_atom, least=least), min_count=min_count, first=begin)[0]
        first = origin_of(rough, center)
    codes = rough if first == 0 else differences(steps, rough, first)
    center, spread = scale_of(name, others_of(codes, is_atom, least=least), min_count=min_count)
    low, high = range_of(codes, center, spread, min_count=min_count)
    return {
        "first": first,
        "center": center,
        "spread": spread,
        "low": low,
        "high": high,
        "knots": knots_of(codes, window=min_count),
    }


def exact(number: float) -> float:
    """A float where it is exact, else the integer itself."""
    return int(number) if isinstance(number, int) and abs(number) >= LARGEST_EXACT else float(number)


def _mean_around(counts: np.ndarray, k: int) -> float:
    around = np.concatenate([counts[max(0, k - NEIGHBOURS) : k], counts[k + 1 : k + 1 + NEIGHBOURS]])
    return float(around.mean()) if len(around) else 0.0
