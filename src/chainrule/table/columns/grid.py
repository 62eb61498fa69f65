"""The grid of a column's numbers, its atoms, and the scale of the other values."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule.errors import SchemaError
from chainrule.table.columns.disclosure import (
    gap_of_few,
    is_of_few,
    rounded_divisor,
    rounded_ends,
    rounded_scale,
    shared_divisor,
)
from chainrule.table.columns.heaping import are_heaped
from chainrule.table.values.exact_integers import LARGEST_EXACT, differences, is_large

INNER = 0.9  # least share of the rows from which a scale is computed
OUTERMOST = 1e9  # deviations of these rows; squares of much larger ones overflow float32
MOST_ATOMS = 128
MOST_KNOTS = 17
NEAREST_KNOTS = 1e-5  # least distance of knots, relative to their size; float32 resolves it
GAP = 1.0  # widest gap in a window that is ignored, in distances to the next quantile
MOST_DECIMALS = 9  # values with more decimals count as continuous
MOST_STEPS = 20_000  # most steps within the range; a finer grid does not matter
FINE = 2.0**20  # codes beyond which float32, in which networks train, begins to lose integers
LEAST_SPREAD = 1e-150  # the squares of smaller deviations underflow
COARSE = 4096  # origins are multiples of so many codes
NEIGHBOURS = 5  # different values on either side that an atom is compared with
STANDS_OUT = 4.0  # least count of an atom, in means of the grid points around it
MOST_ROUNDS = 8  # of looking for atoms beside those that are known already
BY_CHANCE = 0.01  # probability that chance alone makes any value of a column an atom
HEAVY = 0.002  # least share of the known values that makes a value an atom
FEW_VALUES = 32  # on a grid, each of at most so many different values is an atom
AMONG_OTHERS = 10  # rows of an atom among heaps, if a grid point beside it has rows, too
MOST_POINTS = 2**40  # of a grid on which heaps are looked for
FEW = 0.001  # most known values that may lie off a grid, as a share; they are rounded to it
SAMPLE = 64  # different values that are rounded first; most columns are off most grids
FEW_DIFFERENT = 20  # least number of different values, or rows of them, for each one off a grid
FACTORS = 2, 5, 3  # by which a step of most numbers may be larger
FINEST_POWER = 20  # a step may be halved so often for values between grid points
MOSTLY_ATOMS = 0.05  # least share of non-atoms that determine location and scale alone
FAR_OFF = 2.0**-26  # least spread / center for which the plain formulas of both are accurate


def grid(numbers: np.ndarray, *, min_count: int = 1) -> tuple[float, int] | None:
    """The largest step that divides all known numbers, and the number of their decimals.

    None if they have more than 9 decimals, or are too large for float64. A common factor of a power
    of two belongs to the step, so that it changes no code. A step shown by fewer than ``min_count``
    rows is rounded to one that discloses none of their values.

    >>> grid(np.array([0.5, 2.0, 3.5]))
    (0.5, 1)
    """
    known, counts = np.unique(numbers[~np.isnan(numbers)], return_counts=True)
    return _grid_of_different(known, counts, min_count)


def _grid_of_different(
    known: np.ndarray, counts: np.ndarray, min_count: int
) -> tuple[float, int] | None:
    """As ``grid``, for the different numbers (V,), ascending, and the number of rows of each."""
    for decimals in range(MOST_DECIMALS + 1):
        if not _off(known[:SAMPLE], decimals).any() and not _off(known, decimals).any():
            whole = np.round(known * 10.0**decimals)
            if np.abs(whole).max(initial=0) >= LARGEST_EXACT:
                return None
            divisor, is_shared = shared_divisor(whole.astype(np.int64), counts, min_count=min_count)
            if not is_shared:
                divisor = rounded_divisor(divisor, int(np.abs(whole).max()), decimals)
            return divisor / 10**decimals, decimals
    return None


def grid_of_most(
    numbers: np.ndarray, *, min_count: int = 1
) -> tuple[float, int, np.ndarray] | None:
    """The grid of all known numbers but a few, and each of the few: one stray value does not
    matter.

    At most one number in a thousand may be off the grid. There must be at least 20 different values
    on the grid for each one off it, or 20 rows of a value on the grid for each row of one off it:
    among many zeros the rare other value matters. A factor of 1024 changes no code: values that are
    off by powers of two are numbers on a finer grid, unless they are few.

    >>> step, decimals, odd = grid_of_most(np.append(np.arange(5000.0), 7.3))
    >>> step, decimals, odd.tolist()
    (1.0, 0, [7.3])
    """
    known = numbers[~np.isnan(numbers)]
    values, counts = np.unique(known, return_counts=True)
    # On overflow the largest numbers seem to lie on any grid, and ``grid`` finds none.
    with np.errstate(over="ignore"):
        whole = values * 2.0**FINEST_POWER
        for decimals in range(MOST_DECIMALS + 1):
            if counts[:SAMPLE][_off(whole[:SAMPLE], decimals)].sum() > FEW * len(known):
                continue  # so many are off that the others need not be rounded
            off = _off(whole, decimals)
            if not off.any():
                break
            if are_few(off, counts):
                found = _grid_of_different(values[~off], counts[~off], min_count)
                if found is not None:
                    return _coarser(*found, values, counts, min_count)
    found = _grid_of_different(values, counts, min_count)
    return None if found is None else _coarser(*found, values, counts, min_count)


def _coarser(
    step: float, decimals: int, values: np.ndarray, counts: np.ndarray, min_count: int
) -> tuple[float, int, np.ndarray]:
    """The grid of most numbers, given one of these decimals, and the numbers off it.

    Half a unit in four of 40,000 rows does not halve the step.
    """
    divisor, codes = round(step * 10.0**decimals), np.round(values * 10.0**decimals)
    off = first = _off(values, decimals) | (codes % divisor != 0)
    for factor in FACTORS:
        while True:
            rest = off | (codes % (factor * divisor) != 0)
            if rest.all() or not are_few(rest, counts):
                break
            off, divisor = rest, factor * divisor
    found = None
    if off.sum() > first.sum():
        found = _grid_of_different(values[~off], counts[~off], min_count)
    return (step, decimals, values[first]) if found is None else (*found, values[off])


def are_few(off: np.ndarray, counts: np.ndarray) -> bool:
    """Whether values off a grid, marked among different ones (V,), are few: rows and values."""
    if counts[off].sum() > FEW * counts.sum():
        return False
    if FEW_DIFFERENT * off.sum() <= (~off).sum():
        return True
    usual = np.median(counts[~off]) if (~off).sum() >= FEW_DIFFERENT else 0
    return bool(FEW_DIFFERENT * counts[off].mean() <= usual)


def _off(numbers: np.ndarray, decimals: int) -> np.ndarray:
    """Marks the numbers (N,) that have more decimals."""
    with np.errstate(over="ignore", invalid="ignore"):  # the largest numbers overflow to infinity
        return np.round(numbers, decimals) != numbers


def atoms_of(
    numbers: np.ndarray, *, min_count: int, step: float = 1.0, heavy: float = HEAVY
) -> tuple[float, ...]:
    """Atoms: the few values that repeat by themselves, such as zeros and caps.

    The most frequent first. An atom has one row in 500, and it stands out from its neighbours: it
    has four times the rows of the mean point of a grid around it, and more than chance would give
    any of the values.
    Points without rows count. Around a value are five different ones on either side, without the
    atoms among them: 35 hours stand out beside 40 that do so more.

    Args:
        numbers: the values (N,), NaN if unknown.
        min_count: fewest rows of an atom.
        heavy: least share of the rows of an atom.
        step: the step of the grid, or of the decimals in which continuous numbers are written; 0 in
            full precision, where every value that repeats stands out.
    """
    known = numbers if numbers.dtype.kind in "iuO" else numbers[~np.isnan(numbers)]
    values, counts = np.unique(known, return_counts=True)
    many = np.flatnonzero(counts >= max(min_count, 2, heavy * len(known)))
    is_atom = np.zeros(len(values), dtype=bool)
    for _ in range(MOST_ROUNDS):
        left = many[~is_atom[many]]
        around = _means_around(values, counts, left, is_atom, step)
        found = left[_stand_out(counts[left], around, len(values))]
        if not len(found):
            break
        is_atom[found] = True
    chosen = np.flatnonzero(is_atom)
    chosen = chosen[np.argsort(-counts[chosen], kind="stable")][:MOST_ATOMS]
    return tuple(exact(v) for v in values[chosen].tolist())


def with_listed_values(
    atoms: tuple[float, ...], numbers: np.ndarray, *, min_count: int, step: float = 1
) -> tuple[float, ...]:
    """Atoms, or all frequent values if known numbers (n,) on a grid have few different ones, or
    more that are heaped.

    Hours, grades and counts of rooms then have a probability each, which no smooth distribution
    has to reach. Among heaps, a value beside others needs more rows than one by itself.
    """
    values, counts = np.unique(numbers, return_counts=True)
    is_atom, least = np.isin(values, np.array(atoms)), np.full(len(values), max(min_count, 2))
    if len(values) > FEW_VALUES:
        if len(values) > MOST_ATOMS or values[-1] - values[0] > MOST_POINTS * step:
            return atoms
        points = np.array([round((v - values[0]) / step) for v in values.tolist()])
        if not are_heaped(points, counts, is_atom):
            return atoms
        is_alone = np.diff(points, prepend=-2) > 1
        is_alone &= np.diff(points, append=points[-1] + 2) > 1
        least = np.where(is_alone, least, np.maximum(least, AMONG_OTHERS))
    others = values[(counts >= least) & ~is_atom]
    return (*atoms, *(exact(v) for v in others.tolist()))


def scale_of(
    name: str, codes: np.ndarray, *, min_count: int, first: int = 0
) -> tuple[float, float]:
    """Mean and standard deviation of known codes.

    For constant codes, the size of a value is the scale.

    A factor of a power of two in all codes is one in both results. If fewer than ``min_count`` rows
    make most of the deviation, so many at either end do not count: they may be wrong cells. If few
    of the others make most of theirs, both are rounded so as to disclose none of their values (see
    ``disclosure``). ``first``, from which codes were counted, is added back to the mean.

    Raises:
        SchemaError: the codes are too large, or too close to each other.
    """
    if not len(codes):
        return 0.0, 1.0
    with np.errstate(over="ignore", invalid="ignore"):
        center, spread = float(codes.mean()), float(codes.std())
    if not (math.isfinite(center) and math.isfinite(spread)):
        raise SchemaError(
            f"column {name!r}: values up to {np.abs(codes).max():.3g} overflow; rescale the column"
        )
    if float(codes.min()) == float(codes.max()):  # rounding, not variation
        center = float(codes[0])
        spread = abs(float(first + center)) or 1.0
    elif spread <= FAR_OFF * abs(center):  # counts from one value, to avoid cancellation
        since = codes - codes[0]
        center, spread = float(codes[0] + since.mean()), float(since.std())
    if len(codes) < min_count:  # the location discloses them as well
        return rounded_scale(first + center, max(spread, abs(float(first + center))))
    if spread < LEAST_SPREAD:
        raise SchemaError(
            f"column {name!r}: values up to {np.abs(codes).max():.3g} underflow; rescale the column"
        )
    if is_of_few(codes, center, min_count=min_count):
        inner = without_few(codes, min_count=min_count)
        if len(inner) == len(codes):
            return rounded_scale(first + center, spread)
        center, spread = float(inner.mean()), float(inner.std())
    return (exact(first + round(center)) if first else center), spread


def without_few(codes: np.ndarray, *, min_count: int) -> np.ndarray:
    """Codes without fewer than ``min_count`` at either end, sorted, if these make most of the
    deviation and none of the others do. They may be wrong cells. Otherwise all codes.

    >>> float(without_few(np.array([*range(100), 1e6]), min_count=3).max())
    98.0
    """
    if not is_of_few(codes, float(codes.mean()), min_count=min_count):
        return codes
    inner = np.sort(codes)[min_count - 1 : len(codes) - min_count + 1]
    if len(inner) < INNER * len(codes) or inner[0] == inner[-1]:
        return codes
    if np.abs(codes - inner.mean()).max() > OUTERMOST * inner.std():
        return codes
    return codes if is_of_few(inner, float(inner.mean()), min_count=min_count) else inner


def others_of(codes: np.ndarray, is_atom: np.ndarray, *, least: float) -> np.ndarray:
    """The codes that are no atoms, or all codes if the former are fewer than ``least``.

    Location and scale are computed from the result.
    """
    others = codes[~is_atom]
    return others if len(others) >= max(least, 1) else codes


def range_of(
    codes: np.ndarray, center: float, spread: float, *, min_count: int
) -> tuple[float, float]:
    """The range of known codes, rounded outwards to hide the table's extremes.

    A few rows that make most of the deviation lie outside of it. For fewer codes than ``min_count``
    it is at least a spread on either side.
    """
    if not len(codes):
        return center, center
    codes = without_few(codes, min_count=min_count)
    least, most = rounded_ends(
        float((codes.min() - center) / spread), float((codes.max() - center) / spread)
    )
    if len(codes) < min_count:
        least, most = min(least, -1.0), max(most, 1.0)
    return center + spread * least, center + spread * most


def knots_of(codes: np.ndarray, *, window: int) -> tuple[float, ...]:
    """Codes that split the known ones into about equal shares, ascending.

    Empty if they are too few.

    Each knot is the mean of ``window`` neighbours in the sorted column, so it is no single row's
    value unless many share it. A window with a gap moves towards the middle, so that its mean does
    not disclose the few rows beyond the gap.

    >>> knots_of(np.arange(100.0), window=5)[:3]
    (2.0, 12.0, 21.0)
    """
    ranked = np.sort(codes)
    intervals = min(MOST_KNOTS - 1, len(ranked) // (2 * window))
    if intervals < 2:
        return ()
    starts = np.linspace(0, len(ranked) - window, intervals + 1).round().astype(int).tolist()
    middle = (len(ranked) - window) // 2
    means = []
    for number, start in enumerate(starts):
        inwards = 1 if start < middle or number == 0 else -1
        inner = window - 1 if inwards > 0 else 0  # the inner end of a window
        least = abs(float(ranked[starts[number + inwards] + inner] - ranked[start + inner])) * GAP
        reach = min(abs(start - middle), len(ranked) // intervals)
        tried = range(start, start + inwards * (1 + reach), inwards)
        free = next(
            (at for at in tried if not gap_of_few(ranked, at, window=window, least=least)), None
        )
        if free is not None:
            means.append(float(ranked[free : free + window].mean()))
    knots: list[float] = []
    for knot in sorted(set(means)):
        if not knots or knot - knots[-1] > NEAREST_KNOTS * max(abs(knot), abs(knots[-1])):
            knots.append(knot)
    return tuple(knots) if len(knots) > 2 else ()


def origin_of(codes: np.ndarray, center: float) -> int:
    """The code from which others count: 0, or near their center if float32 would merge them."""
    if not len(codes) or np.abs(codes).max() <= FINE:
        return 0
    return (round(center) + COARSE // 2) // COARSE * COARSE


def scaled(
    name: str,
    steps: np.ndarray,
    is_atom: np.ndarray,
    *,
    min_count: int,
    is_free: bool = True,
    least: float = 1,
) -> dict[str, Any]:
    """The scale of the codes of numbers on a grid: first, center, spread, low, high and knots.

    ``first`` is the step of code 0.

    Args:
        name: the name of the column.
        steps: the numbers as integer multiples of the step, (N,), int64 or objects.
        is_atom: marks the atoms among them.
        min_count: smallest number of rows behind a stored number.
        is_free: whether codes may count from a step other than 0.
        least: smallest number of non-atoms that determine the scale; with fewer, all do.
    """
    rough = steps.astype(np.float64)
    first = 0
    if (is_free or is_large(rough)) and len(steps) >= min_count:
        # The mean of large numbers is exact relative to one of them.
        begin = int(steps[len(steps) // 2]) if is_large(rough) else 0
        since = differences(steps, rough, begin) if begin else rough
        center = scale_of(
            name, others_of(since, is_atom, least=least), min_count=min_count, first=begin
        )[0]
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
    """A float if it is exact, else the integer itself."""
    return (
        int(number) if isinstance(number, int) and abs(number) >= LARGEST_EXACT else float(number)
    )


def _stand_out(counts: np.ndarray, around: np.ndarray, different: int) -> np.ndarray:
    """Whether counts (n,) are no chance among points with these means (n,).

    The probability of a Poisson count of at least c at mean m is at most e^(c − m) (m / c)^c
    (Chernoff's bound), for each of the different values.
    """
    mean = np.maximum(around, 1e-12)
    nats = counts * np.log(counts / mean) - (counts - mean)
    is_more = (counts > mean) & (nats >= math.log(different / BY_CHANCE))
    return is_more & (counts >= STANDS_OUT * around)


def _means_around(
    values: np.ndarray, counts: np.ndarray, at: np.ndarray, is_atom: np.ndarray, step: float
) -> np.ndarray:
    """The mean number of rows of the grid points around the values of some indices (n,).

    Atoms (V,) that are known already do not count as points.
    """
    if step == 0:
        return np.zeros(len(at))
    others = np.flatnonzero(~is_atom)
    if not len(others):
        return np.zeros(len(at))
    place = np.searchsorted(others, at)  # of the value itself among those that are no atoms
    first = others[np.maximum(place - NEIGHBOURS, 0)]
    last = others[np.minimum(place + NEIGHBOURS, len(others) - 1)]
    until, atoms = np.cumsum(np.where(is_atom, 0, counts)), np.cumsum(is_atom)
    rows = until[last] - until[first] + counts[first] - counts[at]
    between = atoms[last] - atoms[first]  # both ends are no atoms
    points = np.array([float(b - a) for a, b in zip(values[first], values[last], strict=True)])
    points = np.maximum(points / step - between, last - first - between)
    return rows / np.maximum(points, 1.0)
