"""What kinds over numbers share: the grid on which values lie, the values that occur by themselves, and the scale of the rest."""

from __future__ import annotations

import math
import warnings

import numpy as np

from chainrule.errors import SchemaError
from chainrule.table.cells import Where, shown
from chainrule.table.schema import MOST_ATOMS, Column

MOST_KNOTS = 17  # as many quantiles part a column, at most
NEAREST_KNOTS = 1e-5  # of their size, which float32 tells apart by far
MOST_DECIMALS = 9  # values written to more are taken to be continuous
MOST_STEPS = 20_000  # steps within the range, above which a grid is too fine to matter
LARGEST_EXACT = 2**53
FINE = 2.0**20  # codes beyond which float32, in which networks train, begins to lose integers
COARSE = 4096  # codes: origins are multiples of it, so that a file does not hold a value of the table
RANGE_PARTS = 16  # the range of codes is rounded outwards to this part of a standard deviation
NEIGHBOURS = 5  # different values on either side that an atom of a grid must stand out from
STANDS_OUT = 4.0  # how many times their mean count it has
HEAVY_ON_GRID, HEAVY = 0.05, 0.005  # least share of the known values that makes a value an atom
FEW = 0.001  # share of the known values that may lie off a grid and count as its nearest steps
FEW_DIFFERENT = 20  # different values on the grid for each one off it, at least
FINEST_POWER = 20  # halvings of a step that make a finer grid, not values off it
MOSTLY_ATOMS = 0.05  # share of the others, under which location and scale are those of all known values
ROUNDING = 2.0**-50  # of the number of steps from zero, what floating point may be off
OFF_GRID = 1e-6  # steps: what lies further off is no rounding of the last bit


def grid(numbers: np.ndarray) -> tuple[float, int] | None:
    """The largest step of which all known numbers are multiples, and to how many decimals they are written.

    None: they are written to more than 9 decimals, or too large to be told apart. A power of two as a factor of all
    numbers is one of the step, so that the codes stay.

    >>> grid(np.array([0.5, 2.0, 3.5]))
    (0.5, 1)
    """
    known = np.unique(numbers[~np.isnan(numbers)])
    for decimals in range(MOST_DECIMALS + 1):
        if bool((np.round(known, decimals) == known).all()):
            whole = np.round(known * 10.0**decimals)
            if np.abs(whole).max(initial=0) >= LARGEST_EXACT:
                return None
            divisor = int(np.gcd.reduce(whole.astype(np.int64))) or 1
            return divisor / 10**decimals, decimals
    return None


def grid_of_most(numbers: np.ndarray) -> tuple[float, int, np.ndarray] | None:
    """The grid of all known numbers but a few, and these, each once: a single odd value makes no column of whole numbers
    continuous.

    Few are one in a thousand, and different values no more than one for each 20 on the grid: in a column of zeros the rare other
    value is what matters. What lies off by powers of two alone makes a finer grid, so that a factor of 1024 changes no code.

    >>> step, decimals, odd = grid_of_most(np.append(np.arange(5000.0), 7.3))
    >>> step, decimals, odd.tolist()
    (1.0, 0, [7.3])
    """
    values, counts = np.unique(numbers[~np.isnan(numbers)], return_counts=True)
    with np.errstate(over="ignore"):  # the largest numbers then seem to lie on any grid, and ``grid`` finds none
        whole = values * 2.0**FINEST_POWER
        for decimals in range(MOST_DECIMALS + 1):
            off = np.round(whole, decimals) != whole
            if not off.any():
                break
            if counts[off].sum() <= FEW * counts.sum() and FEW_DIFFERENT * off.sum() <= (~off).sum():
                found = grid(values[~off])
                if found is not None:
                    return *found, values[off]
    found = grid(values)
    return None if found is None else (*found, values[:0])


def atoms_of(numbers: np.ndarray, *, on_grid: bool, min_count: int) -> tuple[float, ...]:
    """The few values that occur by themselves, such as zeros and caps, the heaviest first.

    Of continuous numbers, values of more than one row in 200; on a grid, where values repeat anyhow, of more than a
    twentieth, and four times as many as the values around them.
    """
    known = numbers[~np.isnan(numbers)]
    values, counts = np.unique(known, return_counts=True)
    least = max(min_count, 2, (HEAVY_ON_GRID if on_grid else HEAVY) * len(known))
    heavy = counts >= least
    if on_grid:
        around = np.array([_mean_around(counts, k) for k in np.flatnonzero(heavy).tolist()])
        heavy[heavy] = counts[heavy] >= STANDS_OUT * around
    chosen = np.flatnonzero(heavy)
    chosen = chosen[np.argsort(-counts[chosen], kind="stable")][:MOST_ATOMS]
    return tuple(float(v) for v in values[chosen])


def scale_of(name: str, codes: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation of known codes; where they do not vary, the size of a value is the scale.

    A power of two as a factor of all codes is one of both.

    Raises:
        SchemaError: they are too large for that.
    """
    if not len(codes):
        return 0.0, 1.0
    center, spread = float(codes.mean()), float(codes.std())
    if not (math.isfinite(center) and math.isfinite(spread)):
        raise SchemaError(f"column {name!r}: values up to {np.abs(codes).max():.3g} overflow; rescale the column")
    if spread <= 1e-12 * abs(center):  # rounding, not variation
        spread = abs(center) or 1.0
    return center, spread


def range_of(codes: np.ndarray, center: float, spread: float) -> tuple[float, float]:
    """The range of known codes, rounded outwards, so that a file does not hold the extremes of its table."""
    if not len(codes):
        return center, center
    standard = (codes - center) / spread * RANGE_PARTS
    ends = math.floor(float(standard.min())), math.ceil(float(standard.max()))
    low, high = (center + spread * (end / RANGE_PARTS) for end in ends)
    return low, high


def knots_of(codes: np.ndarray, *, window: int) -> tuple[float, ...]:
    """Codes that part the known ones into about equal shares, ascending, none where there are too few.

    Each is the mean of ``window`` neighbours in the sorted column, so that it is no row's own value, unless many share it.

    >>> knots_of(np.arange(100.0), window=5)[:3]
    (2.0, 12.0, 21.0)
    """
    ranked = np.sort(codes)
    parts = min(MOST_KNOTS - 1, len(ranked) // (2 * window))
    if parts < 2:
        return ()
    starts = np.linspace(0, len(ranked) - window, parts + 1).round().astype(int)
    means = ranked[starts[:, None] + np.arange(window)].mean(1)
    knots: list[float] = []
    for knot in np.unique(means).tolist():
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
    rows = np.flatnonzero(np.abs(steps - codes) > near)
    if len(rows):
        row = int(rows[0])
        warnings.warn(
            f"column {column.name!r}: {len(rows)} value(s), such as {shown(values, row)} at {where(row)}, lie between the steps "
            f"of {column.step:g} {column.unit}".rstrip()
            + " found when the model was fitted; they count as the nearest",
            stacklevel=2,
        )
    return codes


def origin_of(codes: np.ndarray) -> float:
    """The code to count others from: 0, or the median where codes are so large that float32 could not tell them apart."""
    if not len(codes) or np.abs(codes).max() <= FINE:
        return 0.0
    return float(np.round(np.median(codes) / COARSE)) * COARSE  # not the median: that may be a row's own value


def from_grid(column: Column, codes: np.ndarray) -> np.ndarray:
    """Numbers (N,) from codes, written to the column's decimals."""
    values = column.origin + np.round(codes) * (column.step or 1.0)
    return values if column.decimals is None else np.round(values, column.decimals)


def _mean_around(counts: np.ndarray, k: int) -> float:
    around = np.concatenate([counts[max(0, k - NEIGHBOURS) : k], counts[k + 1 : k + 1 + NEIGHBOURS]])
    return float(around.mean()) if len(around) else 0.0
