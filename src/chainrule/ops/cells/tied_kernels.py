"""Compiled loops over cells of tied columns: their log p and gradients, from those of the bases.

The formulas are those of ``conditionals.tied``, in float64 and for one row at a time, since few
rows have a range of several values. ``c`` is a thread's buffer; ``tied_records`` describes it.
"""

# pyright: reportArgumentType=false, reportAttributeAccessIssue=false
# pyright: reportIndexIssue=false, reportOperatorIssue=false
# numba types the functions below; they have no annotations.

from __future__ import annotations

import math

import numpy as np

from chainrule.ops.cells import records as cell_records
from chainrule.ops.cells.records import MONTH_DAYS, PER_POINT, WEEKDAYS
from chainrule.ops.cells.tied_records import (
    ATOMS,
    BASE_LEAST,
    BASE_MOST,
    BINS,
    BY_RHO,
    CALENDAR,
    CENTER,
    CENTRED,
    COLUMN,
    DAY_LEAST,
    DAY_MOST,
    DELTA,
    DUE,
    EDGES,
    FIRST_ATOM,
    HIGH,
    INSIDE,
    JOINT,
    JOINT_DELTA,
    JOINT_SCALE,
    KIND,
    LEAST,
    LEAST_SCALE,
    LEAST_WEIGHT,
    LOG_NORM,
    LOG_WEIGHT,
    LOGIT,
    LOW,
    MONTHS,
    MOST,
    OF_COMPONENTS,
    ORDERED,
    PER_COMPONENT,
    PER_DAY,
    PER_TIE,
    POINTS,
    PRIOR,
    SCALE,
    SHIFT,
    SIZE,
    SLOTS,
    SPREAD,
    START,
    TIES,
    USED,
    VALUE,
    WARP,
    WARP_A,
    WARP_B,
    WEEKDAY,
    WHOLE,
    WIDTH,
    WITHIN,
    WITHIN_DELTA,
    WITHIN_SCALE,
)
from chainrule.ops.compiled.kernels import COUNT, SEATED, TAKEN, arguments_of, claim, kernel
from chainrule.ops.compiled.strips import loops, read, write

ROWS_OF_TASK = 64
IMPOSSIBLE, LEAST_RANGE = -1e30, -20.0  # as in ``conditionals.tied``
LEAST_MASS = 1e-300  # of a calendar's range, as in ``AbstractConditional.log_between``
_LOG_2 = math.log(2)
_LOG, _SYMMETRIC, _LOGIT = cell_records.LOG, cell_records.SYMMETRIC_LOG, cell_records.LOGIT
_QUANTILES = cell_records.QUANTILES

_arguments = arguments_of(
    "f4[:,:,::1], f4[:,::1], f4[:,::1], i8[:,::1], f8[:,::1], f4[:,:,::1], f4[:,:,::1], b1, "
    "f8[:,::1]"
)


@loops
def _log_sigmoid(t):
    return min(t, 0.0) - math.log1p(math.exp(-abs(t)))


@loops
def _log_one_less_exp(u):
    """log(1 − e^−u) for u > 0."""
    if u < _LOG_2:
        return math.log(-math.expm1(-u))
    return math.log1p(-math.exp(-u))


@loops
def _through(x, numbers, at, count):
    """The image of an edge under a map through points; see ``leaves.warps.Quantiles``."""
    last = at + PER_POINT * (count - 1)
    if x >= numbers[last]:
        return numbers[last + 1] + numbers[last + 2] * (x - numbers[last])
    if x <= numbers[at]:
        return numbers[at + 1] + numbers[at + 2] * (x - numbers[at])
    here = at
    while numbers[here + PER_POINT] <= x:
        here += PER_POINT
    after = here + PER_POINT
    length, rise = numbers[after] - numbers[here], numbers[after + 1] - numbers[here + 1]
    t, slope, begin = (x - numbers[here]) / length, rise / length, numbers[here + 2]
    bent = slope + (begin + numbers[after + 2] - 2 * slope) * t * (1 - t)
    return numbers[here + 1] + rise * t * (slope * t + begin * (1 - t)) / bent


@loops
def _image(x, warp, a, b):
    """The image of an edge under a warp; infinite at and beyond the warp's ends."""
    if warp == _SYMMETRIC:
        return math.copysign(math.log1p(abs(x - a) / b), x - a)
    if warp == _LOG:
        return -math.inf if x <= a else math.log((x - a) / b)
    if warp == _LOGIT:
        if x <= a or x >= b:
            return -math.inf if x <= a else math.inf
        return math.log((x - a) / (b - x))
    return x


@loops
def _edge(x, spec, numbers):
    """The standardised image of an edge, within the bounds."""
    if spec[WARP] == _QUANTILES:
        points = FIRST_ATOM + spec[ATOMS] + (spec[MONTHS] + 1 if spec[MONTHS] else 0)
        found = _through(x, numbers, points, spec[POINTS])
    else:
        found = _image(x, spec[WARP], numbers[WARP_A], numbers[WARP_B])
    found = (found - numbers[CENTER]) / numbers[SPREAD]
    return min(max(found, numbers[LOW]), numbers[HIGH])


@loops
def _below(t):
    """The parts of log σ(t) = min(t, 0) − log(1 + e), with e = e^−|t|, and its slope σ(−t)."""
    e = math.exp(-abs(t))
    return min(t, 0.0), 1 + e, (e if t >= 0 else 1.0) / (1 + e)


@loops
def _component(low, high, shift, scale, delta):
    """A component's log-mass between two ends, and its slopes by δ and by the scale."""
    unit = 1 / scale
    a, b = (low - shift) * unit, (high - shift) * unit
    if low == -math.inf and high == math.inf:
        return 0.0, 0.0, 0.0
    if low == -math.inf:
        logs, factor, slope = _below(b - delta)
        return logs - math.log(factor), -slope, -slope * b * unit
    if high == math.inf:
        logs, factor, slope = _below(delta - a)
        return logs - math.log(factor), slope, slope * a * unit
    upper, factor_b, slope_b = _below(b - delta)
    lower, factor_a, slope_a = _below(delta - a)
    width = (high - low) * unit
    inside = -math.expm1(-width)
    by_width = width * (1 - inside) / inside if inside > 0 else 1.0
    logs = upper + lower + math.log(inside / (factor_a * factor_b))
    return logs, slope_a - slope_b, (slope_a * a - slope_b * b - by_width) * unit


@loops
def _shares(c, first, count):
    """Turns numbers of the components into shares e^… / Σ e^…; returns the sum's logarithm."""
    best = -math.inf
    for k in range(count):
        best = max(best, c[first + PER_COMPONENT * k])
    if best == -math.inf:
        return best
    total = 0.0
    for k in range(count):
        e = math.exp(c[first + PER_COMPONENT * k] - best)
        c[first + PER_COMPONENT * k] = e
        total += e
    for k in range(count):
        c[first + PER_COMPONENT * k] /= total
    return best + math.log(total)


@loops
def _bind(params, at, N, spec, numbers, c):
    """Writes the components of a row, and the logarithm of their mass within the bounds."""
    K, shift, stretch = spec[SIZE], 0.0, 1.0
    if spec[CENTRED]:
        shift = np.float64(read(params, at + 3 * K * N))
        stretch = math.exp(np.float64(read(params, at + (3 * K + 1) * N)))
    c[SHIFT] = shift
    for k in range(K):
        of = OF_COMPONENTS + PER_COMPONENT * k
        logit = np.float64(read(params, at + k * N))
        delta = np.float64(read(params, at + (K + k) * N))
        rho = np.float64(read(params, at + (2 * K + k) * N))
        _, factor, slope = _below(-rho)
        scale = numbers[LEAST_SCALE] + stretch * (max(rho, 0.0) + math.log(factor))
        within, by_delta, by_scale = _component(numbers[LOW], numbers[HIGH], shift, scale, delta)
        c[of + LOGIT], c[of + DELTA], c[of + SCALE] = logit, delta, scale
        c[of + BY_RHO] = stretch * slope
        c[of + WITHIN] = logit + within
        c[of + WITHIN_DELTA], c[of + WITHIN_SCALE] = by_delta, by_scale
    c[LOG_NORM] = _shares(c, OF_COMPONENTS + WITHIN, K)


@loops
def _mass(low, high, K, c):
    """The mixture's log-mass between two standardised ends, before its slopes are added."""
    for k in range(K):
        of = OF_COMPONENTS + PER_COMPONENT * k
        logs, by_delta, by_scale = _component(low, high, c[SHIFT], c[of + SCALE], c[of + DELTA])
        c[of + JOINT], c[of + JOINT_DELTA] = c[of + LOGIT] + logs, by_delta
        c[of + JOINT_SCALE] = by_scale
    return _shares(c, OF_COMPONENTS + JOINT, K) - c[LOG_NORM]


@loops
def _add(factor, K, c, g):
    """Adds the slopes of the last ``_mass``, times a factor, to those at ``g``."""
    for k in range(K):
        of = OF_COMPONENTS + PER_COMPONENT * k
        share, within = c[of + JOINT], c[of + WITHIN]
        c[g + k] += factor * (share - within)
        by_delta = share * c[of + JOINT_DELTA] - within * c[of + WITHIN_DELTA]
        by_scale = share * c[of + JOINT_SCALE] - within * c[of + WITHIN_SCALE]
        c[g + K + k] += factor * by_delta
        c[g + 2 * K + k] += factor * by_scale * c[of + BY_RHO]


@loops
def _before(params, at, N, code, sign, spec, numbers, c, g, work, with_grads):
    """P(date < code) of a calendar; adds its slopes, times a sign, to those at ``g``."""
    if math.isinf(code):
        return 0.0 if code < 0 else 1.0
    K, slots = spec[SIZE], spec[SLOTS]
    day = np.floor(code / slots)
    slot = code - day * slots
    least, most = numbers[DAY_LEAST], numbers[DAY_MOST]
    if day < least or day > most:
        return 0.0 if day < least else 1.0
    begin, length, is_listed = _month(day, spec, numbers)
    found = 0.0
    if begin > least:
        edge = (begin - 0.5 - numbers[CENTER]) / numbers[SPREAD]
        found = math.exp(_mass(numbers[LOW], edge, K, c))
        if with_grads:
            _add(sign * found, K, c, g)
    if day == begin and slot == 0:
        return found
    weights = at + (3 * K) * N
    mass, total = _days(params, weights, N, begin, length, is_listed, spec, numbers, c, work)
    if total == 0:
        return found
    times = weights + (WEEKDAYS + MONTH_DAYS + 1) * N
    of_time = _time(params, times, N, slot, spec)
    of_days, own, reached = work + K * (MONTH_DAYS + EDGES), int(day - begin), 0.0
    for j in range(own + 1):
        at_day = of_days + PER_DAY * j
        share = c[at_day] * c[at_day + 1] / total
        reached += share if j < own else share * of_time
    if with_grads:
        _add_days(
            sign, mass, total, reached, of_time, own, begin, length, is_listed, spec, numbers, c,
            g, work,
        )  # fmt: skip
        at_day = of_days + PER_DAY * own
        _add_time(
            params, times, N, sign * mass * c[at_day] * c[at_day + 1] / total, slot, of_time,
            spec, c, g + 3 * K + WEEKDAYS + MONTH_DAYS + 1,
        )  # fmt: skip
    return found + mass * reached


@loops
def _month(day, spec, numbers):
    """The first day and the length of a day's month, and whether it is in the range."""
    first = FIRST_ATOM + spec[ATOMS]
    below, above = first, first + spec[MONTHS]
    if day < numbers[below] or day >= numbers[above]:
        return day, 1, False
    while above - below > 1:
        middle = (below + above) // 2
        if numbers[middle] <= day:
            below = middle
        else:
            above = middle
    return numbers[below], int(numbers[below + 1] - numbers[below]), True


@loops
def _weekday(begin, j, spec):
    return (int(begin) + j + spec[WEEKDAY]) % WEEKDAYS


@loops
def _days(params, weights, N, begin, length, is_listed, spec, numbers, c, work):
    """The mass of a month, and Σ mass e^(weight − largest weight) over its days.

    Writes each component's mass of each day and σ of each edge, and each day's mass and e^….
    """
    K, least, most = spec[SIZE], numbers[DAY_LEAST], numbers[DAY_MOST]
    of_edges, of_days = work + K * MONTH_DAYS, work + K * (MONTH_DAYS + EDGES)
    start = (begin - 0.5 - numbers[CENTER]) / numbers[SPREAD] - c[SHIFT]
    largest = -math.inf
    for j in range(length):
        weight, is_possible = 0.0, least <= begin + j and begin + j <= most
        if is_listed:
            weight = np.float64(read(params, weights + _weekday(begin, j, spec) * N))
            weight += np.float64(read(params, weights + (WEEKDAYS + j) * N))
            if j == length - 1:
                weight += np.float64(read(params, weights + (WEEKDAYS + MONTH_DAYS) * N))
        c[of_days + PER_DAY * j] = 0.0
        c[of_days + PER_DAY * j + 1] = weight if is_possible else -math.inf
        if is_possible:
            largest = max(largest, weight)
    for k in range(K):
        of = OF_COMPONENTS + PER_COMPONENT * k
        scale, delta = c[of + SCALE], c[of + DELTA]
        inner = _log_one_less_exp(1 / (numbers[SPREAD] * scale)) + c[of + LOGIT] - c[LOG_NORM]
        above = 0.0
        for j in range(length + 1):
            z = (start + j / numbers[SPREAD]) / scale - delta
            below = _log_sigmoid(z)
            c[of_edges + EDGES * k + j] = math.exp(below)
            if j:
                mass = math.exp(inner + below + above)
                c[work + MONTH_DAYS * k + j - 1] = mass
                c[of_days + PER_DAY * (j - 1)] += mass
            above = below - z
    mass = total = 0.0
    for j in range(length):
        at = of_days + PER_DAY * j
        if c[at + 1] == -math.inf:  # beyond the bounds
            c[at] = 0.0
        c[at + 1] = math.exp(c[at + 1] - largest)
        mass += c[at]
        total += c[at] * c[at + 1]
    return mass, total


@loops
def _add_days(
    sign, mass, total, reached, of_time, own, begin, length, is_listed, spec, numbers, c, g, work
):
    """Adds the slopes of mass · reached, times a sign."""
    K = spec[SIZE]
    of_edges, of_days = work + K * MONTH_DAYS, work + K * (MONTH_DAYS + EDGES)
    start = (begin - 0.5 - numbers[CENTER]) / numbers[SPREAD] - c[SHIFT]
    weights, whole = g + 3 * K, 0.0
    for j in range(length):
        at = of_days + PER_DAY * j
        counted = 1.0 if j < own else (of_time if j == own else 0.0)
        slope = mass * (counted - reached) * c[at + 1] / total
        if is_listed:
            by_weight = sign * slope * c[at]
            c[weights + _weekday(begin, j, spec)] += by_weight
            c[weights + WEEKDAYS + j] += by_weight
            if j == length - 1:
                c[weights + WEEKDAYS + MONTH_DAYS] += by_weight
        c[at + 2] = sign * (reached + slope) if c[at] > 0 else 0.0
        whole += c[at + 2] * c[at]
    for k in range(K):
        of, edges = OF_COMPONENTS + PER_COMPONENT * k, of_edges + EDGES * k
        scale, width = c[of + SCALE], 1 / (numbers[SPREAD] * c[of + SCALE])
        inner = width / math.expm1(width)
        by_logit = by_delta = by_scale = 0.0
        for j in range(length):
            due = c[of_days + PER_DAY * j + 2] * c[work + MONTH_DAYS * k + j]
            below, above = c[edges + j], 1 - c[edges + j + 1]
            low = start + j / numbers[SPREAD]
            high = low + 1 / numbers[SPREAD]
            by_logit += due
            by_delta += due * (below - above)
            by_scale += due * ((below * low - above * high) / scale - inner)
        within = whole * c[of + WITHIN]
        c[g + k] += by_logit - within
        c[g + K + k] += by_delta - within * c[of + WITHIN_DELTA]
        by_scale = by_scale / scale - within * c[of + WITHIN_SCALE]
        c[g + 2 * K + k] += by_scale * c[of + BY_RHO]


@loops
def _log_sum_of(params, at, N, count):
    """The logarithm of Σ e^… of some parameters."""
    best, total = -math.inf, 0.0
    for i in range(count):
        best = max(best, np.float64(read(params, at + i * N)))
    for i in range(count):
        total += math.exp(np.float64(read(params, at + i * N)) - best)
    return best + math.log(total)


@loops
def _time(params, times, N, slot, spec):
    """P(time of day < slot)."""
    bins = spec[BINS]
    if bins == 1:
        return slot / spec[SLOTS]
    per_bin, found = spec[SLOTS] // bins, 0.0
    which = int(slot // per_bin)
    log_sum = _log_sum_of(params, times, N, bins)
    for i in range(which + 1):
        p = math.exp(np.float64(read(params, times + i * N)) - log_sum)
        found += p if i < which else p * (slot - which * per_bin) / per_bin
    return found


@loops
def _add_time(params, times, N, factor, slot, of_time, spec, c, g):
    """Adds the slopes of ``_time``, times a factor."""
    bins = spec[BINS]
    if bins == 1:
        return
    per_bin = spec[SLOTS] // bins
    which = int(slot // per_bin)
    log_sum = _log_sum_of(params, times, N, bins)
    for i in range(bins):
        p = math.exp(np.float64(read(params, times + i * N)) - log_sum)
        counted = 1.0 if i < which else 0.0
        if i == which:
            counted = (slot - which * per_bin) / per_bin
        c[g + i] += factor * p * (counted - of_time)


@loops
def _of_base(params, at, N, low, high, spec, numbers, c, g, work, with_grads):
    """The log-mass of a range, without atoms; adds its slopes to those at ``g``."""
    K = spec[SIZE]
    if spec[KIND] == WHOLE:
        return 0.0
    if spec[KIND] == CALENDAR:
        mass = _before(params, at, N, high + 1, 1.0, spec, numbers, c, g, work, with_grads)
        mass -= _before(params, at, N, low, -1.0, spec, numbers, c, g, work, with_grads)
        mass = max(mass, LEAST_MASS)
        if with_grads:
            for i in range(spec[WIDTH] - (spec[ATOMS] + 1 if spec[ATOMS] else 0)):
                c[g + i] /= mass
        return math.log(mass)
    first, last = _edge(low - 0.5, spec, numbers), _edge(high + 0.5, spec, numbers)
    log_mass = _mass(first, last, K, c)
    if with_grads:
        _add(1.0, K, c, g)
    return log_mass


@loops
def _log_between(params, at, N, low, high, spec, numbers, c, g, work, with_grads):
    """The log-mass of a range, and its slopes to the numbers at ``g``."""
    atoms, width = spec[ATOMS], spec[WIDTH]
    if with_grads:
        for i in range(width):
            c[g + i] = 0.0
    if not atoms:
        return _of_base(params, at, N, low, high, spec, numbers, c, g, work, with_grads)
    base, inner = atoms + 1, -math.inf
    log_sum = _log_sum_of(params, at, N, base)
    if low <= numbers[BASE_MOST] and high >= numbers[BASE_LEAST]:
        inner = _of_base(
            params, at + base * N, N, low, high, spec, numbers, c, g + base, work, with_grads
        )
        inner += np.float64(read(params, at + atoms * N)) - log_sum
    best = inner
    for a in range(atoms):
        value = numbers[FIRST_ATOM + a]
        if low <= value and value <= high:
            best = max(best, np.float64(read(params, at + a * N)) - log_sum)
    if best == -math.inf:
        return best
    total = math.exp(inner - best)
    for a in range(atoms):
        value = numbers[FIRST_ATOM + a]
        if low <= value and value <= high:
            total += math.exp(np.float64(read(params, at + a * N)) - log_sum - best)
    found = best + math.log(total)
    if with_grads:
        for a in range(atoms):
            value, p = numbers[FIRST_ATOM + a], np.float64(read(params, at + a * N)) - log_sum
            is_in = low <= value and value <= high
            c[g + a] = (math.exp(p - found) if is_in else 0.0) - math.exp(p)
        share = math.exp(inner - found)
        c[g + atoms] = share - math.exp(np.float64(read(params, at + atoms * N)) - log_sum)
        for i in range(base, width):
            c[g + i] *= share
    return found


@loops
def _weigh(params, p, N, value, base, spec, numbers, c, of_ties, with_grads):
    """Writes for each tie whether its range is used and has the value, and its log p and slopes.

    The base's own log p is ``base``. An entry of −inf stands for no probability.
    """
    T, K = spec[TIES], spec[SIZE]
    step, is_bound = PER_TIE + spec[WIDTH], False
    start, work = p + (3 * T + 1) * N, of_ties + T * (PER_TIE + spec[WIDTH])
    for t in range(T):
        of = of_ties + t * step
        low = np.ceil(np.float64(read(params, p + (T + 1 + t) * N)))
        high = np.floor(np.float64(read(params, p + (2 * T + 1 + t) * N)))
        low = numbers[LEAST] if low < numbers[LEAST] else low
        high = numbers[MOST] if high > numbers[MOST] else high
        is_used, is_inside, found = low == high, low <= value and value <= high, 0.0
        if spec[ORDERED] and low < high:
            if K and not is_bound:
                at = start + (spec[ATOMS] + 1 if spec[ATOMS] else 0) * N
                _bind(params, at, N, spec, numbers, c)
                is_bound = True
            between = _log_between(
                params, start, N, low, high, spec, numbers, c, of + PER_TIE, work,
                with_grads and is_inside,
            )  # fmt: skip
            is_used, found = between > LEAST_RANGE, max(base - between, IMPOSSIBLE)
        c[of + USED] = 0.0 if not is_used else (1.0 if low == high else 2.0)
        c[of + INSIDE] = 1.0 if is_used and is_inside else 0.0
        c[of + VALUE] = found
        c[of + LOG_WEIGHT] = np.float64(read(params, p + t * N))


@loops
def _settle(last, least, T, step, c, of_ties):
    """Turns the logits of the ties in use into log-weights, from the base's logit ``last``.

    Returns the base's log-weight, and its share of the weight above the least one.
    """
    top = last
    for t in range(T):
        of = of_ties + t * step
        if c[of + USED] and not c[of + LOG_WEIGHT] <= top:
            top = c[of + LOG_WEIGHT]
    total = math.exp(last - top)
    for t in range(T):
        of = of_ties + t * step
        if c[of + USED]:
            total += math.exp(c[of + LOG_WEIGHT] - top)
    norm = top + math.log(total)
    for t in range(T):
        of = of_ties + t * step
        if c[of + USED]:
            log_p = c[of + LOG_WEIGHT] - norm
            c[of + PRIOR], c[of + LOG_WEIGHT] = math.exp(log_p), log_p + math.log1p(-least)
    p = math.exp(last - norm)
    if least > 0:
        return math.log((1 - least) * p + least), p
    return last - norm, p


@loops
def _cell(params, p, N, value, own, weight, spec, numbers, grads, c, with_grads):
    """log p of a cell, from the base's; changes the base's gradients to the cell's."""
    T, width, least = spec[TIES], spec[WIDTH], numbers[LEAST_WEIGHT]
    of_ties, step = OF_COMPONENTS + PER_COMPONENT * spec[SIZE], PER_TIE + width
    base = IMPOSSIBLE if own < IMPOSSIBLE else own
    is_asked = with_grads and weight != 0
    _weigh(params, p, N, value, base, spec, numbers, c, of_ties, is_asked)
    log_base, p_base = _settle(np.float64(read(params, p + T * N)), least, T, step, c, of_ties)
    # The sum over the base and the ties that have the value.
    whole = best = log_base + base
    for t in range(T):
        of = of_ties + t * step
        if c[of + INSIDE]:
            best = max(best, c[of + LOG_WEIGHT] + c[of + VALUE])
    total = math.exp(whole - best)
    for t in range(T):
        of = of_ties + t * step
        if c[of + INSIDE]:
            total += math.exp(c[of + LOG_WEIGHT] + c[of + VALUE] - best)
    found = best + math.log(total)
    is_possible = not found < IMPOSSIBLE / 2
    if not with_grads:
        return found if is_possible else -math.inf
    start = p + (3 * T + 1) * N
    for i in range(3 * T + 1):
        write(grads, p + i * N, np.float32(0))
    if weight == 0 or not is_possible:
        for i in range(width):
            write(grads, start + i * N, np.float32(0))
        return found if is_possible else -math.inf
    share = math.exp(whole - found)
    slope = share  # of log p by log p_0, which may be too small for a float
    if least > 0:
        slope *= (1 - least) * p_base / math.exp(log_base)
    counted = slope
    for t in range(T):
        of = of_ties + t * step
        c[of + DUE] = 0.0
        if c[of + INSIDE]:
            c[of + DUE] = math.exp(c[of + LOG_WEIGHT] + c[of + VALUE] - found)
            counted += c[of + DUE]
            share += c[of + DUE] if c[of + USED] == 2 else 0.0
    write(grads, p + T * N, np.float32(weight * (counted * p_base - slope)))
    for t in range(T):
        of = of_ties + t * step
        if c[of + USED]:
            by_logit = counted * c[of + PRIOR] - c[of + DUE]
            write(grads, p + t * N, np.float32(weight * by_logit))
    _share_out(start, N, 0.0 if own < IMPOSSIBLE else share, weight, T, width, grads, c, of_ties)
    return found


@loops
def _share_out(start, N, share, weight, T, width, grads, c, of_ties):
    """Multiplies the base's gradients by its share, and adds those of the ranges' log-masses."""
    for i in range(width):
        at = start + i * N
        found = 0.0 if share == 0 else share * np.float64(read(grads, at))
        for t in range(T):
            of = of_ties + t * (PER_TIE + width)
            if c[of + USED] == 2 and c[of + INSIDE]:
                found += weight * c[of + DUE] * c[of + PER_TIE + i]
        write(grads, at, np.float32(found))


@loops
def _tied(number, seat, params, x, weight, records, numbers, logs, grads, with_grads, buffer_of):
    """One column of one member for ROWS_OF_TASK rows."""
    (_, P, N), D = params.shape, len(records)
    parts = (N + ROWS_OF_TASK - 1) // ROWS_OF_TASK
    start, left = number % parts * ROWS_OF_TASK, number // parts
    spec, of_column, member = records[left % D], numbers[left % D], left // D
    d = spec[COLUMN] * N
    p, out = (member * P + spec[START]) * N, (member * x.shape[0] + spec[COLUMN]) * N
    for n in range(start, min(start + ROWS_OF_TASK, N)):
        value, own = np.float64(read(x, d + n)), np.float64(read(logs, out + n))
        due = np.float64(read(weight, d + n)) if with_grads else 0.0
        found = _cell(
            params, p + n, N, value, own, due, spec, of_column, grads, buffer_of[seat], with_grads
        )
        write(logs, out + n, np.float32(found))


@kernel
def tied(words):
    """The tasks of ``_tied``."""
    seat, number = claim(words, SEATED), claim(words, TAKEN)
    while number < words[COUNT]:
        _tied(number, seat, *_arguments(words))
        number = claim(words, TAKEN)
