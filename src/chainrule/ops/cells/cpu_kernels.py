"""Compiled loops over cells, which ``cpu.py`` calls: log p of each cell, and its gradients.

A strip is LANES consecutive rows of one column, and arrays have rows last. So no result depends on
another row, and each formula below is that of ``conditionals``, once for all rows of a strip.
"""

# pyright: reportArgumentType=false, reportAttributeAccessIssue=false
# pyright: reportIndexIssue=false, reportOperatorIssue=false
# numba types the functions below; they have no annotations.

from __future__ import annotations

import math

import numpy as np

from chainrule.ops.cells.records import (
    ATOMS,
    BEGIN,
    BERNOULLI,
    BEST,
    BIN,
    BINS,
    BOUNDS,
    CALENDAR,
    CAP,
    CATEGORICAL,
    CENTER,
    CENTRED,
    COLUMN,
    COMPONENTS,
    DAYS_PER_COMPONENT,
    DISCRETIZED,
    EQUALS,
    FIRST_ATOM,
    FIRST_WEEKDAY,
    FLAG,
    FROM,
    GAUSSIAN,
    HAS_HIGH,
    HAS_LEAST,
    HAS_LOW,
    HAS_MOST,
    HIGH,
    KIND,
    LAPLACE,
    LAST,
    LEARNED,
    LEAST,
    LEAST_SCALE,
    LOGISTIC,
    LOGIT,
    LOW,
    MASS,
    MONTH_DAYS,
    MONTHS,
    MOST,
    OF_DATES,
    ONE_HOT,
    OWN,
    PER_COMPONENT,
    PERIODIC,
    PICKED,
    PIECE_COLUMN,
    PIECE_KIND,
    PIECE_START,
    PIECE_WIDTH,
    PIECEWISE,
    POINTS,
    RARE,
    RARE_NATS,
    ROTATED,
    SIZE,
    SLOTS,
    SPREAD,
    STANDARDISED,
    START,
    SUM,
    TRUNCATED,
    UNTIL,
    WARP,
    WARPED,
    WEEKDAY,
    WEEKDAYS,
)
from chainrule.ops.cells.warp_kernels import edges, image
from chainrule.ops.compiled.kernels import COUNT, SEATED, TAKEN, arguments_of, claim, kernel
from chainrule.ops.compiled.strips import (
    LANES,
    ONE,
    ONE_HALF,
    ZERO,
    absolute,
    exponential,
    fma,
    inline,
    larger,
    load,
    load_to,
    log_one_plus,
    logarithm,
    loops,
    nearest,
    read,
    smaller,
    spread,
    store,
    store_to,
    where_equal,
    where_less,
    write,
)

# sin(2π t) = t Σ_i SINE[i] t^2i: the Taylor series, whose error within [−¼, ¼] is below 6e-8
SINE = tuple(
    np.float32((-1) ** i * (2 * math.pi) ** (2 * i + 1) / math.factorial(2 * i + 1))
    for i in range(6)
)
QUARTER = np.float32(0.25)

# F(−y) (1 + y) / f(y) = Σ_i MILLS[i] u^i with u = (y − 3) / (y + 3): a Chebyshev interpolation
MILLS_POINT = np.float32(3)
MILLS = tuple(
    np.float32(c)
    for c in (
        1.21836126,
        -0.241956651,
        -0.0411904491,
        0.113207966,
        -0.0569617525,
        0.00291784992,
        0.00748653989,
        -0.000915902376,
        -0.00118815864,
        8.96748898e-05,
        0.000149693471,
    )
)


_TINY = np.float32(1e-30)  # a normal number, in the place of shares that are not read
_1_24, _2_24 = np.float32(1 / 24), np.float32(2 / 24)
_1_1920, _4_1920 = np.float32(1 / 1920), np.float32(4 / 1920)
_MINUS_INFINITY = np.float32(-math.inf)
_INFINITY = np.float32(math.inf)
_LOG_2 = np.float32(math.log(2))
_HALF_LOG_2_PI = np.float32(0.5 * math.log(2 * math.pi))


@inline
def _one_less_exp(w):
    """1 − e^−w for w > 0, by a series for small w."""
    p = spread(np.float32(-1 / 40320)) * w + spread(np.float32(1 / 5040))
    p = p * w - spread(np.float32(1 / 720))
    p = p * w + spread(np.float32(1 / 120))
    p = p * w - spread(np.float32(1 / 24))
    p = p * w + spread(np.float32(1 / 6))
    p = p * w - spread(ONE_HALF)
    p = (p * w + spread(ONE)) * w
    return where_less(w, spread(ONE_HALF), p, spread(ONE) - exponential(spread(ZERO) - w))


@inline
def _times(w, value):
    """w · value; 0 where w is 0, whatever the value."""
    return where_equal(w, spread(ZERO), spread(ZERO), w * value)


@inline
def _log_sigmoid(t):
    """log σ(t) and σ(−t), its slope."""
    e = exponential(spread(ZERO) - absolute(t))
    share = spread(ONE) / (spread(ONE) + e)
    slope = where_less(spread(ZERO), t, e * share, share)
    return smaller(t, spread(ZERO)) - log_one_plus(e), slope


@inline
def _bernoulli(params, x, weight, grads, p, d, lane, N, with_grads):
    sign = spread(np.float32(2)) * load_to(x, d, lane, N) - spread(ONE)
    logs, slope = _log_sigmoid(sign * load_to(params, p, lane, N))
    if with_grads:
        w = load_to(weight, d, lane, N)
        store_to(grads, p, lane, N, _times(w, spread(ZERO) - sign * slope))
    return logs


@inline
def _pick(params, x, buffer, p, d, lane, N, size, unlisted):
    """Writes the logit of each row's code; −inf for no code, +inf for the unlisted one."""
    store(buffer, PICKED * LANES, spread(_MINUS_INFINITY))
    for n in range(min(LANES, N - lane)):
        value = read(x, d + lane + n)
        if value >= 0 and value <= size:
            code = np.int64(value)
            if np.float32(code) == value:
                if code < size:
                    write(buffer, PICKED * LANES + n, read(params, p + code * N + lane + n))
                elif unlisted:
                    write(buffer, PICKED * LANES + n, _INFINITY)


@inline
def _drop_picked(x, weight, grads, p, d, lane, N, size):
    """Subtracts the weight from the gradient of each row's code."""
    for n in range(min(LANES, N - lane)):
        value = read(x, d + lane + n)
        if value >= 0 and value < size:
            at = p + np.int64(value) * N + lane + n
            write(grads, at, read(grads, at) - read(weight, d + lane + n))


@inline
def _log_sum(params, grads, p, lane, N, size, with_grads):
    """The largest of some logits and Σ e^(logit − largest); writes the terms if ``with_grads``."""
    most = load_to(params, p, lane, N)
    for v in range(1, size):
        most = larger(load_to(params, p + v * N, lane, N), most)
    total = spread(ZERO)
    for v in range(size):
        e = exponential(load_to(params, p + v * N, lane, N) - most)
        total = total + e
        if with_grads:
            store_to(grads, p + v * N, lane, N, e)
    return most, total


@inline
def _scale(grads, p, lane, N, size, factor):
    for v in range(size):
        e = load_to(grads, p + v * N, lane, N)
        store_to(grads, p + v * N, lane, N, e * factor)


@inline
def _categorical(params, x, weight, grads, buffer, p, d, lane, N, size, with_grads):
    _pick(params, x, buffer, p, d, lane, N, size, False)
    most, total = _log_sum(params, grads, p, lane, N, size, with_grads)
    if with_grads:
        _scale(grads, p, lane, N, size, load_to(weight, d, lane, N) / total)
        _drop_picked(x, weight, grads, p, d, lane, N, size)
    return load(buffer, PICKED * LANES) - most - logarithm(total)


@inline
def _with_unlisted(
    params, x, weight, grads, buffer, numbers, row, p, d, lane, N, size, rare, with_grads
):
    """The softmax over the listed codes and the unlisted one, whose logit is capped."""
    _pick(params, x, buffer, p, d, lane, N, size, True)
    most, total = _log_sum(params, grads, p, lane, N, size, with_grads)
    listed = most + logarithm(total)
    least = load_to(params, p, lane, N)
    for v in range(1, size):
        least = smaller(load_to(params, p + v * N, lane, N), least)
    cap = least + spread(read(numbers, row + CAP))
    if rare == LEARNED:
        free = load_to(params, p + size * N, lane, N)
    else:
        free = listed - spread(read(numbers, row + RARE_NATS))
    last = smaller(free, cap)
    high, low = larger(listed, last), smaller(listed, last)
    log_total = high + log_one_plus(exponential(low - high))
    share = exponential(last - log_total)  # the probability of the unlisted code
    picked = load(buffer, PICKED * LANES)
    rest = last - spread(read(numbers, row + RARE_NATS)) if rare == LEARNED else last
    logs = where_equal(picked, spread(_INFINITY), rest, picked) - log_total
    if with_grads:
        w = load_to(weight, d, lane, N)
        slope = share - where_equal(picked, spread(_INFINITY), spread(ONE), spread(ZERO))
        to_free = where_less(free, cap, spread(ONE), spread(ZERO))
        to_free = where_equal(free, cap, spread(ONE_HALF), to_free)
        ties = spread(ZERO)
        for v in range(size):
            logit = load_to(params, p + v * N, lane, N)
            ties = ties + where_equal(logit, least, spread(ONE), spread(ZERO))
        at_least = w * slope * (spread(ONE) - to_free) / ties
        if rare == LEARNED:
            store_to(grads, p + size * N, lane, N, w * slope * to_free)
            factor = w * (spread(ONE) - share) / total
        else:
            factor = w * (spread(ONE) - share + slope * to_free) / total
        for v in range(size):
            logit = load_to(params, p + v * N, lane, N)
            e = load_to(grads, p + v * N, lane, N) * factor
            extra = where_equal(logit, least, at_least, spread(ZERO))
            store_to(grads, p + v * N, lane, N, e + extra)
        _drop_picked(x, weight, grads, p, d, lane, N, size)
    return logs


@inline
def _logistic_between(b, a, width):
    """log(F(b) − F(a)) of a logistic density, and its slopes by b, by a and by log width."""
    upper, slope_b = _log_sigmoid(b)
    lower, slope_a = _log_sigmoid(spread(ZERO) - a)
    inside = _one_less_exp(width)
    slope_w = width * (spread(ONE) - inside) / inside
    return upper + lower + logarithm(inside), slope_b, spread(ZERO) - slope_a, slope_w


@inline
def _cell(b, a, width, first, last):
    """The same for a cell, of which flags say that an edge is infinite."""
    zero, one = spread(ZERO), spread(ONE)
    upper, slope_b = _log_sigmoid(b)
    lower, slope_a = _log_sigmoid(zero - a)
    inside = _one_less_exp(width)
    is_end = first + last
    between = where_less(zero, is_end, zero, logarithm(inside))
    slope_w = where_less(zero, is_end, zero, width * (one - inside) / inside)
    upper, slope_b = where_less(zero, last, zero, upper), where_less(zero, last, zero, slope_b)
    lower, slope_a = where_less(zero, first, zero, lower), where_less(zero, first, zero, slope_a)
    return upper + lower + between, slope_b, zero - slope_a, slope_w


@inline
def _laplace_between(b, a, width):
    """log(F(b) − F(a)) of a Laplace density, with its slopes."""
    zero, one = spread(ZERO), spread(ONE)
    inside = _one_less_exp(width)
    tail = smaller(b, zero - a) - spread(_LOG_2) + logarithm(inside)
    slope_w = width * (one - inside) / inside
    low, high = smaller(a, zero), larger(b, zero)
    of_low, of_high = exponential(low), exponential(zero - high)
    share = _one_less_exp(zero - low) + _one_less_exp(high)  # twice the mass across 0
    share = larger(share, spread(_TINY))
    is_across = where_less(a, zero, where_less(zero, b, one, zero), zero)
    logs = where_less(zero, is_across, logarithm(share) - spread(_LOG_2), tail)
    slope_b = where_less(zero, is_across, of_high / share, where_less(b + a, zero, one, zero))
    slope_a = where_less(b + a, zero, zero, spread(-ONE))
    slope_a = where_less(zero, is_across, zero - of_low / share, slope_a)
    return logs, slope_b, slope_a, where_less(zero, is_across, zero, slope_w)


@inline
def _laplace_below(b):
    """log F(b) of a Laplace density, and its slope."""
    small = spread(ONE_HALF) * exponential(spread(ZERO) - absolute(b))
    rest = spread(ONE) - small
    logs = where_less(b, spread(ZERO), b - spread(_LOG_2), logarithm(rest))
    return logs, where_less(b, spread(ZERO), spread(ONE), small / rest)


@inline
def _mills(y):
    """F(−y) / f(y) of a Gaussian, for y >= 0, within 2.1e-7 of its value."""
    u = (y - spread(MILLS_POINT)) / (y + spread(MILLS_POINT))
    p = fma(u, spread(MILLS[10]), spread(MILLS[9]))
    p = fma(u, p, spread(MILLS[8]))
    p = fma(u, p, spread(MILLS[7]))
    p = fma(u, p, spread(MILLS[6]))
    p = fma(u, p, spread(MILLS[5]))
    p = fma(u, p, spread(MILLS[4]))
    p = fma(u, p, spread(MILLS[3]))
    p = fma(u, p, spread(MILLS[2]))
    p = fma(u, p, spread(MILLS[1]))
    p = fma(u, p, spread(MILLS[0]))
    return p / (y + spread(ONE))


@inline
def _gaussian_density(z):
    """log f(z)."""
    return spread(-ONE_HALF) * z * z - spread(_HALF_LOG_2_PI)


@inline
def _gaussian_below(b):
    """log F(b) of a Gaussian, and its slope."""
    ratio, log_density = _mills(absolute(b)), _gaussian_density(b)
    beyond = exponential(log_density) * ratio  # the mass beyond |b|
    rest = spread(ONE) - beyond
    logs = where_less(spread(ZERO), b, logarithm(rest), log_density + logarithm(ratio))
    slope = where_less(spread(ZERO), b, exponential(log_density) / rest, spread(ONE) / ratio)
    return logs, slope


@inline
def _gaussian_between(b, a, width):
    """log(F(b) − F(a)) of a Gaussian, with its slopes, as ``between.gaussian_log_between``."""
    zero, one, half = spread(ZERO), spread(ONE), spread(ONE_HALF)
    middle = half * (a + b)
    flip = where_less(zero, middle, one, zero)
    low, high = where_less(zero, flip, zero - b, a), where_less(zero, flip, zero - a, b)
    steep = width * absolute(middle)
    narrow = where_less(width, half, where_less(steep, half, one, zero), zero)
    # A series around the middle.
    m, w = where_less(zero, narrow, middle, zero), where_less(zero, narrow, width, half)
    m2, w2 = m * m, w * w
    fourth = (m2 * m2 - spread(np.float32(6)) * m2 + spread(np.float32(3))) * w2
    series = w2 * ((m2 - one) * spread(_1_24) + fourth * spread(_1_1920))
    by_m = spread(np.float32(4)) * (m2 - spread(np.float32(3))) * m * w2
    by_m = w2 * (spread(np.float32(2)) * m * spread(_1_24) + by_m * spread(_1_1920))
    by_w = w2 * ((m2 - one) * spread(_2_24) + fourth * spread(_4_1920))  # by log w
    inner = one + series
    logs_n = _gaussian_density(m) + logarithm(w * inner)
    slope_n = half * (by_m / inner - m)  # by either end
    slope_w = where_less(zero, narrow, one + by_w / inner, zero)
    # Ends on either side of 0, or f(high) times a difference of Mills ratios.
    of_low, of_high = _mills(absolute(low)), _mills(absolute(high))
    at_low, at_high = _gaussian_density(low), _gaussian_density(high)
    f_low, f_high = exponential(at_low), exponential(at_high)
    across = where_less(zero, high, one, zero)
    share = larger(one - f_low * of_low - f_high * of_high, spread(_TINY))
    fall = exponential(zero - steep)
    rest = larger(of_high - of_low * fall, spread(_TINY))
    logs = where_less(zero, across, logarithm(share), at_high + logarithm(rest))
    slope_high = where_less(zero, across, f_high / share, one / rest)
    slope_low = zero - where_less(zero, across, f_low / share, fall / rest)
    slope_b = where_less(zero, flip, zero - slope_low, slope_high)
    slope_a = where_less(zero, flip, zero - slope_high, slope_low)
    logs = where_less(zero, narrow, logs_n, logs)
    slope_b = where_less(zero, narrow, slope_n, slope_b)
    slope_a = where_less(zero, narrow, slope_n, slope_a)
    return logs, slope_b, slope_a, slope_w


@inline
def _below(b, kind):
    """log F(b) of a component's density, and its slope."""
    if kind == GAUSSIAN:
        return _gaussian_below(b)
    if kind == LAPLACE:
        return _laplace_below(b)
    return _log_sigmoid(b)


@inline
def _inside(numbers, row, shift, delta, scale, kind, bounds):
    """The log-mass of a component within the bounds, and its slopes by δ and by log scale."""
    unit, zero = spread(ONE) / scale, spread(ZERO)
    low, high = read(numbers, row + LOW), read(numbers, row + HIGH)
    if bounds & TRUNCATED == HAS_HIGH:
        at = (spread(high) - shift) * unit
        logs, slope = _below(at - delta, kind)
        return logs, zero - slope, zero - slope * at
    if bounds & TRUNCATED == HAS_LOW:
        at = (spread(low) - shift) * unit
        logs, slope = _below(delta - at, kind)
        return logs, slope, slope * at
    at_low, at_high = (spread(low) - shift) * unit, (spread(high) - shift) * unit
    width = spread(high - low) * unit
    a, b = at_low - delta, at_high - delta
    if kind == GAUSSIAN:
        logs, slope_b, slope_a, slope_w = _gaussian_between(b, a, width)
    elif kind == LAPLACE:
        logs, slope_b, slope_a, slope_w = _laplace_between(b, a, width)
    else:
        logs, slope_b, slope_a, slope_w = _logistic_between(b, a, width)
    by_scale = zero - slope_b * at_high - slope_a * at_low - slope_w
    return logs, zero - slope_b - slope_a, by_scale


@inline
def _components(
    params, x, buffer, numbers, row, p, d, lane, N, K, kind, bounds, warp, points, count, centred
):
    """log p of a mixture of K components; the buffer keeps what its gradients need."""
    values = load_to(x, d, lane, N)
    width = spread(read(numbers, row + SPREAD))
    shifted = values - spread(read(numbers, row + CENTER))
    most = load_to(params, p, lane, N)
    for k in range(1, K):
        most = larger(load_to(params, p + k * N, lane, N), most)
    total, best = spread(ZERO), spread(_MINUS_INFINITY)
    best_inside = spread(_MINUS_INFINITY)
    if warp:
        high, low, step, first, last = edges(values, numbers, row, warp, bounds, points, count)
    else:
        high, low, step, first, last = values, values, values, values, values  # not read
    of_shift = (COMPONENTS + PER_COMPONENT * K) * LANES
    if centred:
        shift = load_to(params, p + 3 * K * N, lane, N)
        high, low, shifted = high - shift, low - shift, shifted - width * shift
        store(buffer, of_shift, shift)
        stretch = exponential(load_to(params, p + (3 * K + 1) * N, lane, N))
        store(buffer, of_shift + LANES, stretch)
    for k in range(K):
        at = (COMPONENTS + PER_COMPONENT * k) * LANES
        logit = load_to(params, p + k * N, lane, N)
        delta = load_to(params, p + (K + k) * N, lane, N)
        rho = load_to(params, p + (2 * K + k) * N, lane, N)
        e = exponential(logit - most)
        total = total + e
        store(buffer, at, e)
        small = exponential(spread(ZERO) - absolute(rho))
        share = spread(ONE) / (spread(ONE) + small)
        scale = larger(rho, spread(ZERO)) + log_one_plus(small)
        if centred:
            scale = scale * load(buffer, of_shift + LANES)
        scale = scale + spread(read(numbers, row + LEAST_SCALE))
        by_rho = where_less(spread(ZERO), rho, share, small * share) / scale  # ∂ log scale / ∂ ρ
        if centred:
            by_rho = by_rho * load(buffer, of_shift + LANES)
        if kind == DISCRETIZED:
            if warp:
                unit = spread(ONE) / scale
                upper, lower = high * unit - delta, low * unit - delta
                logs, slope_b, slope_a, slope_w = _cell(upper, lower, step * unit, first, last)
            else:
                unit = spread(ONE) / (width * scale)
                upper = (shifted + spread(ONE_HALF)) * unit - delta
                lower = upper - unit
                logs, slope_b, slope_a, slope_w = _logistic_between(upper, lower, unit)
            slope = slope_b + slope_a
            by_scale = spread(ZERO) - slope_b * (upper + delta)
            by_scale = by_scale - slope_a * (lower + delta) - slope_w
        else:
            z = shifted / (width * scale)
            t = z - delta
            if kind == GAUSSIAN:
                logs = _gaussian_density(t)
                slope = spread(ZERO) - t
            elif kind == LOGISTIC:
                upper, slope_b = _log_sigmoid(t)
                lower, slope_a = _log_sigmoid(spread(ZERO) - t)
                logs, slope = upper + lower, slope_b - slope_a
            else:
                logs = spread(ZERO) - absolute(t) - spread(_LOG_2)
                slope = where_less(t, spread(ZERO), spread(ONE), spread(-ONE))
                slope = where_equal(t, spread(ZERO), spread(ZERO), slope)
            logs = logs - logarithm(scale)
            by_scale = spread(ZERO) - slope * z - spread(ONE)
        joint = logit + logs
        best = larger(joint, best)
        store(buffer, at + LANES, joint)
        store(buffer, at + 2 * LANES, spread(ZERO) - slope)
        store(buffer, at + 3 * LANES, by_scale * by_rho)
        if bounds & TRUNCATED:
            shift = load(buffer, of_shift) if centred else spread(ZERO)
            inside, by_delta, by_scale = _inside(numbers, row, shift, delta, scale, kind, bounds)
            inside = logit + inside
            best_inside = larger(inside, best_inside)
            store(buffer, at, inside)
            store(buffer, at + 4 * LANES, by_delta)
            store(buffer, at + 5 * LANES, by_scale * by_rho)
    if bounds & TRUNCATED:
        total = spread(ZERO)
        for k in range(K):
            at = (COMPONENTS + PER_COMPONENT * k) * LANES
            e = exponential(load(buffer, at) - best_inside)
            store(buffer, at, e)
            total = total + e
        most = best_inside
    sum_joint = spread(ZERO)
    for k in range(K):
        at = (COMPONENTS + PER_COMPONENT * k + 1) * LANES
        sum_joint = sum_joint + exponential(load(buffer, at) - best)
    log_joint = best + logarithm(sum_joint)
    logs = log_joint - most - logarithm(total)
    if kind != DISCRETIZED:
        logs = logs - logarithm(width)
    else:
        minus = spread(_MINUS_INFINITY)
        logs = where_equal(values, nearest(values), logs, minus)
    if bounds & HAS_LEAST:
        minus = spread(_MINUS_INFINITY)
        logs = where_less(values, spread(read(numbers, row + LEAST)), minus, logs)
    if bounds & HAS_MOST:
        minus = spread(_MINUS_INFINITY)
        logs = where_less(spread(read(numbers, row + MOST)), values, minus, logs)
    return logs, log_joint, total


@inline
def _component_grads(grads, buffer, p, lane, N, K, w, log_joint, total, bounds, centred):
    """The gradients of −log p of a mixture, each times w."""
    for k in range(K):
        at = (COMPONENTS + PER_COMPONENT * k) * LANES
        share = exponential(load(buffer, at + LANES) - log_joint)
        prior = load(buffer, at) / total
        store_to(grads, p + k * N, lane, N, _times(w, prior - share))
        share = spread(ZERO) - share
        by_delta, by_rho = (
            share * load(buffer, at + 2 * LANES),
            share * load(buffer, at + 3 * LANES),
        )
        if bounds & TRUNCATED:
            by_delta = by_delta + prior * load(buffer, at + 4 * LANES)
            by_rho = by_rho + prior * load(buffer, at + 5 * LANES)
        store_to(grads, p + (K + k) * N, lane, N, _times(w, by_delta))
        store_to(grads, p + (2 * K + k) * N, lane, N, _times(w, by_rho))
    if centred:  # evidence: no gradient
        store_to(grads, p + 3 * K * N, lane, N, spread(ZERO))
        store_to(grads, p + (3 * K + 1) * N, lane, N, spread(ZERO))


@loops
def _find_months(params, x, buffer, records, record, numbers, row, p, d, lane, N, months, bounds):
    """Writes what the strips of dates hold: month, day, time of day, and weights of weekdays.

    A date outside the months is a month of its own.

    Args:
        p: the offset of the first weight.
        months: the offset of the first day of the first month.
    """
    count, slots = records[record, MONTHS], records[record, SLOTS]
    per_bin, weekday = slots // records[record, BINS], records[record, WEEKDAY]
    low, high = read(numbers, months), read(numbers, months + count)
    at = (COMPONENTS + (PER_COMPONENT + DAYS_PER_COMPONENT) * records[record, SIZE]) * LANES
    for n in range(LANES):
        value = np.float64(read(x, d + lane + n)) if lane + n < N else 0.0
        if bounds & HAS_LEAST:
            value = max(value, np.float64(read(numbers, row + LEAST)))
        if bounds & HAS_MOST:
            value = min(value, np.float64(read(numbers, row + MOST)))
        day = np.floor(value / slots)
        begin, end, first = day, day + 1.0, 0
        if low <= day and day < high:
            below, above = 0, count
            while above - below > 1:
                middle = (below + above) // 2
                if read(numbers, months + middle) <= day:
                    below = middle
                else:
                    above = middle
            begin = np.float64(read(numbers, months + below))
            end = np.float64(read(numbers, months + below + 1))
            first = (np.int64(begin) + weekday) % WEEKDAYS
        start, until = 0.0, end - begin
        if bounds & HAS_LEAST:
            start = max(np.floor(np.float64(read(numbers, row + LEAST)) / slots) - begin, start)
        if bounds & HAS_MOST:
            until = min(np.floor(np.float64(read(numbers, row + MOST)) / slots) + 1 - begin, until)
        lane_at = at + n
        write(buffer, lane_at + BEGIN * LANES, np.float32(begin))
        write(buffer, lane_at + OWN * LANES, np.float32(day - begin))
        write(buffer, lane_at + LAST * LANES, np.float32(end - begin - 1))
        write(buffer, lane_at + FROM * LANES, np.float32(start))
        write(buffer, lane_at + UNTIL * LANES, np.float32(until))
        write(buffer, lane_at + BIN * LANES, np.float32((value - day * slots) // per_bin))
        write(buffer, lane_at + FIRST_WEEKDAY * LANES, np.float32(first))
        for i in range(WEEKDAYS):
            weight = np.float32(0)
            if lane + n < N:
                weight = read(params, p + (first + i) % WEEKDAYS * N + lane + n)
            write(buffer, lane_at + (ROTATED + i) * LANES, weight)


@inline
def _day_components(params, buffer, numbers, row, p, lane, N, K, bounds):
    """Writes each component's log-masses of the days of the months; returns the logits' log-sum.

    A mass is that of a cell, F(b) − F(a) = σ(b) σ(−a) (1 − e^(a − b)). The strips hold its
    logarithm but for the factors 1 / (1 + e^−|b|) and 1 / (1 + e^−|a|), and σ(−z) of each edge z.
    """
    zero, one = spread(ZERO), spread(ONE)
    of_dates = (COMPONENTS + (PER_COMPONENT + DAYS_PER_COMPONENT) * K) * LANES
    of_days, of_parts = of_dates + OF_DATES * LANES, (COMPONENTS + PER_COMPONENT * K) * LANES
    start = load(buffer, of_dates + BEGIN * LANES) - spread(read(numbers, row + CENTER))
    start = start - spread(ONE_HALF)
    width = spread(read(numbers, row + SPREAD))
    largest = spread(_MINUS_INFINITY)
    for j in range(MONTH_DAYS):
        store(buffer, of_days + (BEST + j) * LANES, spread(_MINUS_INFINITY))
    for k in range(K):
        at = (COMPONENTS + PER_COMPONENT * k) * LANES
        of_part = of_parts + DAYS_PER_COMPONENT * k * LANES
        logit = load_to(params, p + k * N, lane, N)
        delta = load_to(params, p + (K + k) * N, lane, N)
        rho = load_to(params, p + (2 * K + k) * N, lane, N)
        small = exponential(zero - absolute(rho))
        share = one / (one + small)
        scale = larger(rho, zero) + log_one_plus(small)
        scale = scale + spread(read(numbers, row + LEAST_SCALE))
        by_rho = where_less(zero, rho, share, small * share) / scale  # ∂ log scale / ∂ ρ
        unit = one / (width * scale)
        inside = _one_less_exp(unit)
        joint = logit + logarithm(inside)
        store(buffer, at + LANES, unit)
        store(buffer, at + 2 * LANES, unit * (one - inside) / inside)
        store(buffer, at + 3 * LANES, by_rho)
        z, beyond = start * unit - delta, zero
        for j in range(MONTH_DAYS + 1):
            z = (start + spread(np.float32(j))) * unit - delta
            e = exponential(zero - absolute(z))
            share = one / (one + e)
            store(buffer, of_part + (MONTH_DAYS + j) * LANES, where_less(zero, z, e * share, share))
            if j > 0:
                logs = joint - larger(zero - z, zero) - beyond
                store(buffer, of_part + (j - 1) * LANES, logs)
                best = of_days + (BEST + j - 1) * LANES
                store(buffer, best, larger(load(buffer, best), logs))
            beyond = larger(z, zero)
        prior = logit
        if bounds & TRUNCATED:
            mass, by_delta, by_scale = _inside(
                numbers, row, zero, delta, scale, DISCRETIZED, bounds
            )
            prior = logit + mass
            store(buffer, at + 4 * LANES, by_delta)
            store(buffer, at + 5 * LANES, by_scale * by_rho)
        store(buffer, at, prior)
        largest = larger(largest, prior)
    total = zero
    for k in range(K):
        at = (COMPONENTS + PER_COMPONENT * k) * LANES
        e = exponential(load(buffer, at) - largest)
        store(buffer, at, e)
        total = total + e
    return largest + logarithm(total), total


@inline
def _day_logits(params, buffer, p, lane, N, K):
    """Writes log m and log m + w of the days of the months, −inf outside; returns the largest."""
    zero, one, minus = spread(ZERO), spread(ONE), spread(_MINUS_INFINITY)
    of_dates = (COMPONENTS + (PER_COMPONENT + DAYS_PER_COMPONENT) * K) * LANES
    of_days, of_parts = of_dates + OF_DATES * LANES, (COMPONENTS + PER_COMPONENT * K) * LANES
    start, until = (load(buffer, of_dates + FROM * LANES), load(buffer, of_dates + UNTIL * LANES))
    last = load(buffer, of_dates + LAST * LANES)
    of_last = load_to(params, p + (WEEKDAYS + MONTH_DAYS) * N, lane, N)
    top, top_logit = minus, minus
    for j in range(MONTH_DAYS):
        day, at = spread(np.float32(j)), of_days + j * LANES
        best, total = load(buffer, at + BEST * LANES), zero
        for k in range(K):
            of_part = of_parts + (DAYS_PER_COMPONENT * k + j) * LANES
            low = load(buffer, of_part + MONTH_DAYS * LANES)
            high = load(buffer, of_part + (MONTH_DAYS + 1) * LANES)
            e = exponential(load(buffer, of_part) - best)
            e = e * larger(low, one - low) * larger(high, one - high)
            store(buffer, of_part, e)
            total = total + e
        mass = best + logarithm(total)
        mass = where_less(day, start, minus, where_less(day, until, mass, minus))
        weight = load(buffer, of_dates + (ROTATED + j % WEEKDAYS) * LANES)
        weight = weight + load_to(params, p + (WEEKDAYS + j) * N, lane, N)
        logit = mass + weight + where_equal(day, last, of_last, zero)
        store(buffer, at + SUM * LANES, total)
        store(buffer, at + MASS * LANES, mass)
        store(buffer, at + LOGIT * LANES, logit)
        top, top_logit = larger(top, mass), larger(top_logit, logit)
    return top, top_logit


@inline
def _calendar(
    params, x, buffer, records, record, numbers, row, p, d, lane, N, K, bounds, with_grads
):
    """log p(day) of a calendar whose mixture's parameters lie at p; as ``_components``."""
    zero, one, minus = spread(ZERO), spread(ONE), spread(_MINUS_INFINITY)
    months, weights = row + FIRST_ATOM + records[record, ATOMS], p + 3 * K * N
    _find_months(
        params, x, buffer, records, record, numbers, row, weights, d, lane, N, months, bounds
    )
    log_total, total = _day_components(params, buffer, numbers, row, p, lane, N, K, bounds)
    top, top_logit = _day_logits(params, buffer, weights, lane, N, K)
    of_dates = (COMPONENTS + (PER_COMPONENT + DAYS_PER_COMPONENT) * K) * LANES
    of_days = of_dates + OF_DATES * LANES
    own, own_logit = load(buffer, of_dates + OWN * LANES), minus
    sum_mass, sum_logit = zero, zero
    for j in range(MONTH_DAYS):
        at = of_days + j * LANES
        logit = load(buffer, at + LOGIT * LANES)
        own_logit = where_equal(own, spread(np.float32(j)), logit, own_logit)
        sum_mass = sum_mass + exponential(load(buffer, at + MASS * LANES) - top)
        sum_logit = sum_logit + exponential(logit - top_logit)
    log_mass, log_logit = top + logarithm(sum_mass), top_logit + logarithm(sum_logit)
    if with_grads:
        for j in range(MONTH_DAYS):
            at = of_days + j * LANES
            slope = exponential(load(buffer, at + LOGIT * LANES) - log_logit)
            slope = slope - where_equal(own, spread(np.float32(j)), one, zero)
            store(buffer, at + LOGIT * LANES, slope)
            share = exponential(load(buffer, at + MASS * LANES) - log_mass) - slope
            store(buffer, at + MASS * LANES, share / load(buffer, at + SUM * LANES))
        _sum_of_days(buffer, numbers, row, K)
    values, logs = load_to(x, d, lane, N), own_logit - log_logit + log_mass - log_total
    logs = where_equal(values, nearest(values), logs, minus)
    if bounds & HAS_LEAST:
        logs = where_less(values, spread(read(numbers, row + LEAST)), minus, logs)
    if bounds & HAS_MOST:
        logs = where_less(spread(read(numbers, row + MOST)), values, minus, logs)
    return logs, total


@inline
def _sum_of_days(buffer, numbers, row, K):
    """Writes each component's slopes of log p by its logit, by δ and by ρ; priors are left out."""
    zero, one = spread(ZERO), spread(ONE)
    of_dates = (COMPONENTS + (PER_COMPONENT + DAYS_PER_COMPONENT) * K) * LANES
    of_days, of_parts = of_dates + OF_DATES * LANES, (COMPONENTS + PER_COMPONENT * K) * LANES
    start = load(buffer, of_dates + BEGIN * LANES) - spread(read(numbers, row + CENTER))
    start = start - spread(ONE_HALF)
    for k in range(K):
        at = (COMPONENTS + PER_COMPONENT * k) * LANES
        of_part = of_parts + DAYS_PER_COMPONENT * k * LANES
        by_logit, by_delta, by_scale = zero, zero, zero
        low = load(buffer, of_part + MONTH_DAYS * LANES)
        for j in range(MONTH_DAYS):
            high = load(buffer, of_part + (MONTH_DAYS + j + 1) * LANES)
            share = load(buffer, of_part + j * LANES)
            share = share * load(buffer, of_days + (MASS + j) * LANES)
            rest, edge = one - low, start + spread(np.float32(j))
            by_logit = by_logit + share
            by_delta = by_delta + share * (rest - high)
            by_scale = by_scale + share * (rest * edge - high * (edge + one))
            low = high
        unit, of_width = load(buffer, at + LANES), load(buffer, at + 2 * LANES)
        by_rho = load(buffer, at + 3 * LANES)
        store(buffer, at + LANES, by_logit)
        store(buffer, at + 2 * LANES, by_delta)
        store(buffer, at + 3 * LANES, (by_scale * unit - by_logit * of_width) * by_rho)


@inline
def _calendar_grads(grads, buffer, p, lane, N, K, w, total, bounds):
    """The gradients of −log p(day) of a calendar, each times w."""
    zero = spread(ZERO)
    of_dates = (COMPONENTS + (PER_COMPONENT + DAYS_PER_COMPONENT) * K) * LANES
    of_days = of_dates + OF_DATES * LANES
    for k in range(K):
        at = (COMPONENTS + PER_COMPONENT * k) * LANES
        prior = load(buffer, at) / total
        by_delta, by_rho = zero - load(buffer, at + 2 * LANES), zero - load(buffer, at + 3 * LANES)
        if bounds & TRUNCATED:
            by_delta = by_delta + prior * load(buffer, at + 4 * LANES)
            by_rho = by_rho + prior * load(buffer, at + 5 * LANES)
        store_to(grads, p + k * N, lane, N, _times(w, prior - load(buffer, at + LANES)))
        store_to(grads, p + (K + k) * N, lane, N, _times(w, by_delta))
        store_to(grads, p + (2 * K + k) * N, lane, N, _times(w, by_rho))
    weights = p + 3 * K * N
    last, of_last = load(buffer, of_dates + LAST * LANES), zero
    for i in range(WEEKDAYS):
        store(buffer, of_dates + (ROTATED + i) * LANES, zero)
    for j in range(MONTH_DAYS):
        slope = _times(w, load(buffer, of_days + (LOGIT + j) * LANES))
        of_last = of_last + where_equal(last, spread(np.float32(j)), slope, zero)
        at = of_dates + (ROTATED + j % WEEKDAYS) * LANES
        store(buffer, at, load(buffer, at) + slope)
        store_to(grads, weights + (WEEKDAYS + j) * N, lane, N, slope)
    store_to(grads, weights + (WEEKDAYS + MONTH_DAYS) * N, lane, N, of_last)
    for n in range(min(LANES, N - lane)):
        first = np.int64(read(buffer, of_dates + FIRST_WEEKDAY * LANES + n))
        for i in range(WEEKDAYS):
            slope = read(buffer, of_dates + (ROTATED + i) * LANES + n)
            write(grads, weights + (first + i) % WEEKDAYS * N + lane + n, slope)


@inline
def _times_of_day(params, grads, buffer, records, record, p, lane, N, with_grads):
    """log p(time | day), and Σ e^(logit − largest) of the parts of a day; writes the terms."""
    bins = records[record, BINS]
    even = np.float32(math.log(records[record, SLOTS] // bins))
    if bins == 1:
        return spread(ZERO) - spread(even), spread(ONE)
    size = records[record, SIZE]
    of_bin = (COMPONENTS + (PER_COMPONENT + DAYS_PER_COMPONENT) * size + BIN) * LANES
    store(buffer, PICKED * LANES, spread(_MINUS_INFINITY))
    for n in range(min(LANES, N - lane)):
        which = np.int64(read(buffer, of_bin + n))
        write(buffer, PICKED * LANES + n, read(params, p + which * N + lane + n))
    most, total = _log_sum(params, grads, p, lane, N, bins, with_grads)
    return load(buffer, PICKED * LANES) - most - logarithm(total) - spread(even), total


@inline
def _time_grads(grads, buffer, records, record, p, lane, N, w, total):
    """The gradients of −log p(time | day), each times w."""
    bins, size = records[record, BINS], records[record, SIZE]
    of_bin = (COMPONENTS + (PER_COMPONENT + DAYS_PER_COMPONENT) * size + BIN) * LANES
    _scale(grads, p, lane, N, bins, w / total)
    store(buffer, PICKED * LANES, w)
    for n in range(min(LANES, N - lane)):
        at = p + np.int64(read(buffer, of_bin + n)) * N + lane + n
        write(grads, at, read(grads, at) - read(buffer, PICKED * LANES + n))


@inline
def _numbers(
    params,
    x,
    weight,
    grads,
    buffer,
    records,
    record,
    numbers,
    row,
    p,
    d,
    lane,
    N,
    K,
    kind,
    atoms,
    bounds,
    warp,
    with_grads,
):
    """log p of a number: a mixture, with or without atoms."""
    base = p + (atoms + 1) * N if atoms else p
    times = base + (3 * K + WEEKDAYS + MONTH_DAYS + 1) * N
    centred = records[record, CENTRED]
    if kind == CALENDAR:
        logs, total = _calendar(
            params, x, buffer, records, record, numbers, row, base, d, lane, N, K, bounds,
            with_grads,
        )  # fmt: skip
        of_time, total_of_times = _times_of_day(
            params, grads, buffer, records, record, times, lane, N, with_grads
        )
        logs, log_joint = logs + of_time, of_time  # the latter is not read
    else:
        logs, log_joint, total = _components(
            params, x, buffer, numbers, row, base, d, lane, N, K, kind, bounds, warp,
            row + FIRST_ATOM + atoms, records[record, POINTS], centred,
        )  # fmt: skip
        total_of_times = total  # not read
    is_discrete = kind in (DISCRETIZED, CALENDAR)
    w = load_to(weight, d, lane, N)
    if atoms:
        most, sum_logits = _log_sum(params, grads, p, lane, N, atoms + 1, with_grads)
        log_sum = most + logarithm(sum_logits)
        values = load_to(x, d, lane, N)
        atom = spread(_MINUS_INFINITY)
        for a in range(atoms):
            log_a = load_to(params, p + a * N, lane, N) - log_sum
            here = where_equal(values, spread(read(numbers, row + FIRST_ATOM + a)), log_a, atom)
            atom = larger(here, atom)
        other = load_to(params, p + atoms * N, lane, N) - log_sum + logs
        if is_discrete:
            high, low = larger(atom, other), smaller(atom, other)
            both = high + log_one_plus(exponential(low - high))
            logs = where_less(spread(_MINUS_INFINITY), atom, both, other)
        else:
            logs = where_less(spread(_MINUS_INFINITY), atom, atom, other)
        if with_grads:
            # The share of log p that is due to the mixture; it is 0 at an atom of a density.
            rest = where_less(spread(_MINUS_INFINITY), atom, spread(ZERO), spread(ONE))
            if is_discrete:
                both = exponential(other - logs)
                rest = where_less(spread(_MINUS_INFINITY), atom, both, spread(ONE))
            _scale(grads, p, lane, N, atoms + 1, w / sum_logits)
            ties = spread(ZERO)  # two atoms may be equal in float32; the likelier one counts
            for a in range(atoms):
                log_a = load_to(params, p + a * N, lane, N) - log_sum
                value = spread(read(numbers, row + FIRST_ATOM + a))
                same = where_equal(log_a, atom, spread(ONE), spread(ZERO))
                ties = ties + where_equal(values, value, same, spread(ZERO))
            due = w * (spread(ONE) - rest) / larger(ties, spread(ONE))
            for a in range(atoms):
                at = p + a * N
                log_a = load_to(params, at, lane, N) - log_sum
                value = spread(read(numbers, row + FIRST_ATOM + a))
                here = where_equal(values, value, due, spread(ZERO))
                here = where_equal(log_a, atom, here, spread(ZERO))
                store_to(grads, at, lane, N, load_to(grads, at, lane, N) - here)
            at = p + atoms * N
            store_to(grads, at, lane, N, load_to(grads, at, lane, N) - w * rest)
            w = w * rest
    if with_grads and kind == CALENDAR:
        _calendar_grads(grads, buffer, base, lane, N, K, w, total, bounds)
        if records[record, BINS] > 1:
            _time_grads(grads, buffer, records, record, times, lane, N, w, total_of_times)
    elif with_grads:
        _component_grads(grads, buffer, base, lane, N, K, w, log_joint, total, bounds, centred)
    return logs


_cells_arguments = arguments_of(
    "f4[:,:,::1], f4[:,::1], f4[:,::1], i8[:,::1], f4[:,::1], f4[:,:,::1], f4[:,:,::1], b1, "
    "f4[:,::1]"
)


@loops
def _cells(number, seat, params, x, weight, records, numbers, logs, grads, with_grads, buffer_of):
    """One column of one member for a strip of rows."""
    (_, P, N), D = params.shape, len(records)
    strips = (N + LANES - 1) // LANES
    lane, left = number % strips * LANES, number // strips
    record, member = left % D, left // D
    kind, column = records[record, KIND], records[record, COLUMN]
    size, atoms = records[record, SIZE], records[record, ATOMS]
    rare, bounds, warp = records[record, RARE], records[record, BOUNDS], records[record, WARP]
    p = (member * P + records[record, START]) * N
    d, row, buffer = column * N, record * numbers.shape[1], buffer_of[seat]
    if kind == BERNOULLI:
        found = _bernoulli(params, x, weight, grads, p, d, lane, N, with_grads)
    elif kind == CATEGORICAL:
        if rare:
            found = _with_unlisted(
                params, x, weight, grads, buffer, numbers, row, p, d, lane, N, size, rare,
                with_grads,
            )  # fmt: skip
        else:
            found = _categorical(params, x, weight, grads, buffer, p, d, lane, N, size, with_grads)
    else:
        found = _numbers(
            params, x, weight, grads, buffer, records, record, numbers, row, p, d, lane, N, size,
            kind, atoms, bounds, warp, with_grads,
        )  # fmt: skip
    store_to(logs, (member * x.shape[0] + column) * N, lane, N, found)


@kernel
def cells(words):
    """The tasks of ``_cells``."""
    seat, number = claim(words, SEATED), claim(words, TAKEN)
    while number < words[COUNT]:
        _cells(number, seat, *_cells_arguments(words))
        number = claim(words, TAKEN)


_inputs_arguments = arguments_of("f4[:,::1], f4[:,::1], i8[:,::1], f4[:,::1], f4[:,::1]")


@inline
def _turns(x, period, rest):
    """The phase of x in turns, within [−½, ½]; the period is a sum of two floats."""
    n = spread(ZERO) - nearest(x / spread(period))
    turns = fma(n, spread(rest), fma(n, spread(period), x)) / spread(period)
    return turns - nearest(turns)  # n itself is rounded if x is many periods


@inline
def _sine(turns):
    """sin(2π turns) for turns within [−½, ½], within 3e-7."""
    # sin(π − a) = sin(a) brings the angle into [−¼, ¼] turns.
    half = where_less(spread(ZERO), turns, spread(ONE_HALF), spread(-ONE_HALF))
    t = where_less(spread(QUARTER), absolute(turns), half - turns, turns)
    s = t * t
    p = spread(SINE[5])
    p = fma(s, p, spread(SINE[4]))
    p = fma(s, p, spread(SINE[3]))
    p = fma(s, p, spread(SINE[2]))
    p = fma(s, p, spread(SINE[1]))
    return t * fma(s, p, spread(SINE[0]))


@loops
def _inputs(number, seat, x, given, pieces, numbers, out):
    """All inputs of a strip of rows, piece by piece; zeros in unknown cells."""
    N, lane = x.shape[1], number * LANES
    for piece in range(len(pieces)):
        kind, width = pieces[piece, PIECE_KIND], pieces[piece, PIECE_WIDTH]
        d, row = pieces[piece, PIECE_COLUMN] * N, piece * numbers.shape[1]
        at, is_given = pieces[piece, PIECE_START] * N, load_to(given, d, lane, N)
        values = load_to(x, d, lane, N)
        for i in range(width):
            first = spread(read(numbers, row + i + (i if kind == PIECEWISE else 0)))
            if kind == ONE_HOT:
                code = spread(np.float32(i))
                found = where_equal(values, code, spread(ONE), spread(ZERO))
            elif kind == FLAG:
                found = where_less(values, first, spread(ONE), spread(ZERO))
            elif kind == EQUALS:
                found = where_equal(values, first, spread(ONE), spread(ZERO))
            elif kind == STANDARDISED:
                found = smaller(
                    larger(values, spread(read(numbers, row + 2))), spread(read(numbers, row + 3))
                )
                found = (found - first) / spread(read(numbers, row + 1))
            elif kind == WARPED:
                found = smaller(
                    larger(values, spread(read(numbers, row + 2))), spread(read(numbers, row + 3))
                )
                warp, count = np.int64(read(numbers, row + 4)), np.int64(read(numbers, row + 7))
                a, b = read(numbers, row + 5), read(numbers, row + 6)
                found = image(found, warp, a, b, numbers, row + 8, count)
                found = (found - first) / spread(read(numbers, row + 1))
            elif kind == PIECEWISE:
                found = (values - first) / spread(read(numbers, row + 2 * i + 1))
                found = smaller(larger(found, spread(ZERO)), spread(ONE))
            elif kind == PERIODIC:
                count = width // 2
                j = i % count
                turns = _turns(values, read(numbers, row + j), read(numbers, row + count + j))
                if i >= count:
                    turns = turns + spread(QUARTER)
                    turns = turns - nearest(turns)
                found = _sine(turns)
            else:
                found = values
            found = where_less(spread(ZERO), is_given, found, spread(ZERO))
            store_to(out, at + i * N, lane, N, found)


@kernel
def inputs(words):
    """The tasks of ``_inputs``."""
    seat, number = claim(words, SEATED), claim(words, TAKEN)
    while number < words[COUNT]:
        _inputs(number, seat, *_inputs_arguments(words))
        number = claim(words, TAKEN)
