"""The maps of numbers to the scale of their mixture, for the kernels of cells.

``records.Warp`` has their numbers, and ``leaves.warps`` their formulas. Arguments named ``points``
and ``count`` are the place of the first point of a map through quantiles, and how many there are.
"""

# pyright: reportArgumentType=false, reportAttributeAccessIssue=false
# pyright: reportIndexIssue=false, reportOperatorIssue=false
# numba types the functions below; they have no annotations.

from __future__ import annotations

from chainrule.ops.cells.records import (
    CENTER,
    HAS_LEAST,
    HAS_MOST,
    LEAST,
    LOG,
    LOGIT,
    MOST,
    PER_POINT,
    QUANTILES,
    SPREAD,
    SYMMETRIC_LOG,
    WARP_A,
    WARP_B,
)
from chainrule.ops.compiled.strips import (
    ONE,
    ONE_HALF,
    ZERO,
    absolute,
    inline,
    larger,
    log_one_plus,
    logarithm,
    read,
    smaller,
    spread,
    where_less,
)


@inline
def _log_one_plus(e):
    """log(1 + e) for e >= 0."""
    return where_less(
        e, spread(ONE), log_one_plus(smaller(e, spread(ONE))), logarithm(spread(ONE) + e)
    )


@inline
def _bent(t, slope, begin, end):
    """What the map's rational function in an interval divides by, at a share t of its length."""
    return spread(slope) + spread(begin + end - slope - slope) * t * (spread(ONE) - t)


@inline
def _through(x, numbers, points, count):
    """The images of numbers under a map through quantiles."""
    zero, one = spread(ZERO), spread(ONE)
    first = spread(read(numbers, points))
    below = smaller(x - first, zero)
    found = spread(read(numbers, points + 1)) + spread(read(numbers, points + 2)) * below
    for j in range(count - 1):
        here, after = points + PER_POINT * j, points + PER_POINT * (j + 1)
        left, length = read(numbers, here), read(numbers, after) - read(numbers, here)
        rise = read(numbers, after + 1) - read(numbers, here + 1)
        slope, begin = rise / length, read(numbers, here + 2)
        t = smaller(larger((x - spread(left)) / spread(length), zero), one)
        bent = _bent(t, slope, begin, read(numbers, after + 2))
        part = t * (spread(slope) * t + spread(begin) * (one - t)) / bent
        inside = spread(read(numbers, here + 1)) + spread(rise) * part
        found = where_less(spread(left), x, inside, found)
    last = points + PER_POINT * (count - 1)
    above = spread(read(numbers, last + 1))
    above = above + spread(read(numbers, last + 2)) * (x - spread(read(numbers, last)))
    return where_less(spread(read(numbers, last)), x, above, found)


@inline
def _rise(low, high, numbers, points, count):
    """How far apart the images of two numbers are, as exact as their distance.

    In an interval, the difference of two values of the map is their distance times a sum of three
    terms above zero, so that nothing cancels.
    """
    zero, one = spread(ZERO), spread(ONE)
    first, last = spread(read(numbers, points)), points + PER_POINT * (count - 1)
    end = spread(read(numbers, last))
    found = spread(read(numbers, points + 2)) * (smaller(high, first) - smaller(low, first))
    found = found + spread(read(numbers, last + 2)) * (larger(high, end) - larger(low, end))
    for j in range(count - 1):
        here, after = points + PER_POINT * j, points + PER_POINT * (j + 1)
        left, right = spread(read(numbers, here)), spread(read(numbers, after))
        length = read(numbers, after) - read(numbers, here)
        slope = (read(numbers, after + 1) - read(numbers, here + 1)) / length
        begin, ending = read(numbers, here + 2), read(numbers, after + 2)
        s = smaller(larger((low - left) / spread(length), zero), one)
        t = smaller(larger((high - left) / spread(length), zero), one)
        shared = larger(smaller(high, right) - larger(low, left), zero)
        terms = spread(begin) * (one - s) * (one - t) + spread(ending) * s * t
        terms = terms + spread(slope) * (s * (one - t) + t * (one - s))
        bent = _bent(s, slope, begin, ending) * _bent(t, slope, begin, ending)
        found = found + shared * spread(slope * slope) * terms / bent
    return found


@inline
def image(x, warp, a, b, numbers, points, count):
    """The image of numbers within the ends of a warp; a and b are the warp's numbers."""
    if warp == QUANTILES:
        return _through(x, numbers, points, count)
    if warp == LOG:
        return logarithm((x - spread(a)) / spread(b))
    if warp == LOGIT:
        return logarithm((x - spread(a)) / (spread(b) - x))
    if warp == SYMMETRIC_LOG:
        away = x - spread(a)
        z = _log_one_plus(absolute(away) / spread(b))
        return where_less(away, spread(ZERO), spread(ZERO) - z, z)
    return x


@inline
def _step(x, warp, a, b, numbers, points, count):
    """How far apart the images of x − ½ and x + ½ are, both within the ends of the warp."""
    half = spread(ONE_HALF)
    if warp == QUANTILES:
        return _rise(x - half, x + half, numbers, points, count)
    if warp == LOG:
        return _log_one_plus(spread(ONE) / (x - half - spread(a)))
    if warp == LOGIT:
        below, above = x - half - spread(a), spread(b) - half - x
        return _log_one_plus(spread(ONE) / below) + _log_one_plus(spread(ONE) / above)
    if warp == SYMMETRIC_LOG:
        away = absolute(x - spread(a))
        nearer = away - half
        aside = _log_one_plus(spread(ONE) / (spread(b) + larger(nearer, spread(ZERO))))
        across = _log_one_plus((away + half) / spread(b))
        across = across + _log_one_plus(larger(spread(ZERO) - nearer, spread(ZERO)) / spread(b))
        return where_less(nearer, spread(ZERO), across, aside)
    return spread(ONE)


@inline
def edges(values, numbers, row, warp, bounds, points, count):
    """The images of a cell's edges and how far apart they are, all standardised.

    Two flags are 1 where the lower and the upper edge are infinite. The numbers then are finite,
    but mean nothing.
    """
    scale, center = spread(read(numbers, row + SPREAD)), spread(read(numbers, row + CENTER))
    a, b = read(numbers, row + WARP_A), read(numbers, row + WARP_B)
    x, half = values, spread(ONE_HALF)
    if bounds & HAS_LEAST:
        x = larger(x, spread(read(numbers, row + LEAST)))
    if bounds & HAS_MOST:
        x = smaller(x, spread(read(numbers, row + MOST)))
    first, last, inner = spread(ZERO), spread(ZERO), x
    if warp in (LOG, LOGIT):
        first = where_less(spread(a), x - half, spread(ZERO), spread(ONE))
        safe = spread(a) + spread(ONE) if warp == LOG else spread(ONE_HALF * (a + b))
        inner = where_less(spread(ZERO), first, safe, inner)
    if warp == LOGIT:
        last = where_less(x + half, spread(b), spread(ZERO), spread(ONE))
        inner = where_less(spread(ZERO), last, spread(ONE_HALF * (a + b)), inner)
    width = _step(inner, warp, a, b, numbers, points, count)
    upper, lower = x + half, x - half
    if warp in (LOG, LOGIT):
        lower = where_less(spread(ZERO), first, inner, lower)
    if warp == LOGIT:
        upper = where_less(spread(ZERO), last, inner, upper)
    upper = (image(upper, warp, a, b, numbers, points, count) - center) / scale
    lower = (image(lower, warp, a, b, numbers, points, count) - center) / scale
    return upper, lower, width / scale, first, last
