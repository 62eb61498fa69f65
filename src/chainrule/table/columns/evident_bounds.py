"""Bounds that the numbers of a column show: zero, one, and ends where the density is still high."""

from __future__ import annotations

import math

import numpy as np

from chainrule.table.columns.affine_grid import OFF_GRID

FEWEST_ROWS = 40  # fewer show no bound
FEWEST_FOR_ENDS = 300  # fewer show no other end than 0 and 1: too often normal ones seem to
FAR_FROM_0 = 0.5  # least distance of an end from 0, in lengths of the outer part of the range
NEAR = 5  # the outermost rows, one in so many, show whether the density falls off at an end
LEAST_NEAR, MOST_NEAR = 20, 400  # number of these rows
ERRORS = 2.0  # standard errors by which their mean may exceed that of an even density
LEAST_SHARE = 0.5  # least largest value, of values from 0 to 1, for which 1 is a bound
# Of shares, a quantile is at least so high, in units of the largest one: others have a long tail.
HIGH, LEAST_HIGH = 0.95, 0.5
MOST_SHOWN = 10  # characters of a bound; a longer one is rounded
# An end has so large a share of the mean rows of so many integers before it.
ABRUPT, BEFORE = 0.4, 5
NICE = (1.0, 2.0, 5.0)  # ends are multiples of these times a power of ten
# Ends that many scales have: shares, marks, clocks, calendars, angles.
NATURAL = (1, 5, 10, 12, 20, 23, 24, 31, 50, 59, 60, 90, 100, 180, 359, 360, 365, 366)
LARGEST_MARK = 10  # whole numbers up to here are also natural ends of decimals, such as marks
# An atom at an end is a bound, such as a cap or a limit of detection, with so large a share of the
# rows. No other atom but zero may have more.
HEAVY_END = 0.01
# A field of so many digits is full at 99 or more, where rows pile up to so many times the mean rows
# of the integers before it.
LEAST_FIELD, PILE = 99, 2


def evident_bounds(numbers: np.ndarray, *, min_count: int) -> tuple[float | None, float | None]:
    """The bounds (least, most) that known numbers (n,) show; None where there is none.

    An end of the range is a bound if the density does not fall off there. It is rounded outwards,
    to a multiple of more than the distance of the ``min_count`` outermost rows, so that it is no
    row's value. Zero is a bound if all numbers lie on one side of it, and one is a bound of shares.

    >>> evident_bounds(np.linspace(3.713, 9.187, 500), min_count=5)
    (3.7, 9.2)
    """
    if len(numbers) < max(FEWEST_ROWS, 4 * min_count):
        return None, None
    ranked = np.sort(numbers)
    if ranked[0] == ranked[-1]:
        return None, None
    turned = upper_end(-ranked[::-1], min_count)
    least, most = None if turned is None else 0.0 - turned, upper_end(ranked, min_count)
    if least is None and ranked[0] >= 0:
        least = 0.0
    if most is None and ranked[-1] <= 0:
        most = 0.0
    is_high = ranked[int(HIGH * (len(ranked) - 1))] >= LEAST_HIGH * ranked[-1]
    if most is None and ranked[0] >= 0 and LEAST_SHARE < ranked[-1] <= 1 and is_high:
        most = 1.0
    return least, most


def between(least: float | str | None, most: float | str | None) -> str:
    """Bounds in words; "" if there is none.

    >>> between(18, 90), between(0.5, None)
    ('from 18 to 90', 'from 0.5 on')
    """
    low, high = (_in_words(end) if isinstance(end, float) else str(end) for end in (least, most))
    if least is not None:
        return f"from {low} on" if most is None else f"from {low} to {high}"
    return "" if most is None else f"up to {high}"


def _in_words(end: float) -> str:
    """A number as a person would write it."""
    exact = f"{end:.12g}"
    return exact if len(exact) <= MOST_SHOWN else f"{end:.6g}"


def upper_end(ranked: np.ndarray, min_count: int) -> float | None:
    """The upper end of sorted numbers if their density does not fall off there, rounded outwards.

    The distances of the outermost rows from the largest number are compared with those of an even
    density, whose mean is half of the largest distance. In a tail that decays it is more.
    """
    count = min(max(len(ranked) // NEAR, LEAST_NEAR), MOST_NEAR)
    count = min(count, len(ranked) - 1)
    with np.errstate(over="ignore"):
        apart = ranked[-1] - ranked[-1 - count : -1]
    if not 0 < apart[0] < math.inf or len(ranked) < FEWEST_FOR_ENDS:
        return None
    if ranked[-1] <= 0 and -ranked[-1] < FAR_FROM_0 * apart[0]:
        return 0.0
    if apart[1:].mean() / apart[0] > 0.5 + ERRORS / math.sqrt(12 * (count - 1)):
        return None
    step = nice_above(float(ranked[-1] - ranked[-1 - max(min_count, 1)]) or float(apart[0]))
    return _multiple(math.ceil(float(ranked[-1]) / step), step)


def evident_steps(
    steps: np.ndarray,
    *,
    min_count: int,
    has_zero: bool = True,
    step: float = 1,
    phase: float = 0,
) -> tuple[int | None, int | None]:
    """The bounds (least, most) that known numbers (n,), phase + steps · step, show, in steps.

    As ``evident_bounds``, but an end that ``min_count`` rows have is a bound itself, since it is no
    single row's value. Unless ``has_zero``, zero is a number like others, and no end is natural.

    >>> evident_steps(np.repeat(np.arange(18, 91), 8), min_count=5)
    (18, 90)
    """
    if len(steps) < max(FEWEST_ROWS, 4 * min_count):
        return None, None
    ranked = np.sort(steps)
    if ranked[0] == ranked[-1]:
        return None, None
    least, most = None, upper_step(ranked, min_count, has_zero=has_zero)
    turned = upper_step(-ranked[::-1], min_count, has_zero=has_zero)
    if turned is not None:
        least = -_natural_step(-int(ranked[0]), turned, step, -phase) if has_zero else -turned
    if most is not None and has_zero:
        most = _natural_step(int(ranked[-1]), most, step, phase)
    if least is None and ranked[0] >= 0 and has_zero:
        least = 0
    if most is None and ranked[-1] <= 0 and has_zero:
        most = 0
    return least, most


def _natural_step(last: int, end: int, step: float, phase: float) -> int:
    """An upper end, in steps, that does not lie past a natural end of the numbers."""
    if end <= last:
        return end
    highest, rounded = (float(phase + each * step) for each in (last, end))
    whole = math.ceil(highest - OFF_GRID * step)
    is_mark = step < 1 and 0 < whole <= LARGEST_MARK
    natural = (min(natural_end(highest, rounded), whole if is_mark else rounded) - phase) / step
    near = round(natural)
    return near if last <= near < end and abs(natural - near) <= OFF_GRID else end


def upper_step(ranked: np.ndarray, min_count: int, *, has_zero: bool = True) -> int | None:
    """The upper end of sorted integers if their masses do not fall off there.

    It is rounded outwards if fewer than ``min_count`` rows have it. The masses of the outermost
    integers, which have a fifth of the rows, are compared with even ones. A last integer with
    nearly as many rows as those before it is an end, too, such as an age of 17 among workers.
    """
    if len(ranked) < FEWEST_FOR_ENDS:
        return None
    last = int(ranked[-1])
    if ends_abruptly(ranked, min_count):
        return last
    count = min(max(len(ranked) // NEAR, LEAST_NEAR), MOST_NEAR, len(ranked) - 1)
    first = int(np.searchsorted(ranked, ranked[-1 - count]))
    apart = (last - ranked[first:]) + 0.5  # the middle of an integer is half a step from its edge
    width = last - int(ranked[first]) + 1
    if apart.mean() / width > 0.5 + ERRORS / math.sqrt(12 * len(apart)):
        return None
    inner = int(ranked[max(len(ranked) - max(min_count, 1), 0)])
    if inner == last:
        return last
    if has_zero and last <= 0 and -last < FAR_FROM_0 * width:
        return 0
    size = round(nice_above(last - inner + 1))
    return (last // size + 1) * size


def ends_abruptly(ranked: np.ndarray, min_count: int) -> bool:
    """Whether the last integer has many rows, compared with the mean of the five before it."""
    last = int(ranked[-1])
    begin, end = np.searchsorted(ranked, [last - BEFORE, last]).tolist()
    rows = len(ranked) - end
    return rows >= 2 * max(min_count, 1) and rows >= ABRUPT * (end - begin) / BEFORE


def fills_its_field(
    ranked: np.ndarray, min_count: int, *, step: float = 1, phase: float = 0
) -> bool:
    """Whether sorted steps pile up at a last number of nines alone, such as 99 hours.

    More digits did not fit there, so larger numbers count as it. There are numbers shortly before,
    and fewer of them end in a nine: 999 among prices such as 499 and 799 is another price.

    >>> fills_its_field(np.append(np.arange(97), [99] * 8), 5)
    True
    """
    last = int(ranked[-1])
    number = phase + step * last
    if number < LEAST_FIELD or number != int(number) or set(str(int(number))) != {"9"}:
        return False
    begin, end = np.searchsorted(ranked, [last - BEFORE, last]).tolist()
    rows, before = len(ranked) - end, end - begin
    alike = np.searchsorted(ranked, [last - 10, last - 9]).tolist()  # the last ending in a nine
    usual = alike[1] - alike[0]
    return rows >= max(min_count, 2) and before > 0 and rows >= PILE * max(before / BEFORE, usual)


def natural_end(last: float, end: float) -> float:
    """The upper end of numbers up to ``last``, if it was rounded outwards beyond a natural one.

    A natural end, such as 100 of percentages, is no row's value: it is known without the table.

    >>> natural_end(100, 102), natural_end(358, 360), natural_end(90, 92), natural_end(91, 92)
    (100, 359, 90, 92)
    """
    return next((natural for natural in (-1, *NATURAL) if last <= natural < end), end)


def has_heavy_end(known: np.ndarray, atoms: np.ndarray, *, min_count: int) -> bool:
    """Whether known numbers (n,) end with an atom that no other one outweighs, such as a cap.

    The atom of zeros, and one at the other end, may be heavier.

    >>> has_heavy_end(np.minimum(np.arange(500), 450), np.array([450]), min_count=5)
    True
    """
    last = float(known.max())
    if last in (0, known.min()) or not (atoms == last).any():
        return False
    rows = int(np.count_nonzero(known == last))
    others = atoms[(atoms != 0) & (atoms != known.min())].tolist()
    heaviest = max(int(np.count_nonzero(known == each)) for each in others)
    return rows >= max(2 * min_count, HEAVY_END * len(known), heaviest)


def _multiple(count: int, step: float) -> float:
    """A multiple of a nice step, as a person would write it."""
    return float(f"{count * step:.12g}")


def nice_above(size: float) -> float:
    """The smallest of 1, 2 and 5 times a power of ten that is at least a positive size.

    >>> nice_above(0.03), nice_above(51.0)
    (0.05, 100.0)
    """
    power = 10.0 ** math.floor(math.log10(size))
    return next(part * power for part in (*NICE, 10.0) if part * power >= size * (1 - 1e-12))
