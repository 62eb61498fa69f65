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
    BERNOULLI,
    BOUNDS,
    CAP,
    CATEGORICAL,
    CENTER,
    COLUMN,
    COMPONENTS,
    DISCRETIZED,
    EQUALS,
    FIRST_ATOM,
    FLAG,
    GAUSSIAN,
    HAS_LEAST,
    HAS_MOST,
    KIND,
    LEARNED,
    LEAST,
    LEAST_SCALE,
    LOGISTIC,
    MOST,
    ONE_HOT,
    PER_COMPONENT,
    PERIODIC,
    PICKED,
    PIECE_COLUMN,
    PIECE_KIND,
    PIECE_START,
    PIECE_WIDTH,
    PIECEWISE,
    RARE,
    RARE_NATS,
    SIZE,
    SPREAD,
    STANDARDISED,
    START,
)
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
def _integer(b, a, width, values, numbers, row, bounds):
    """log(F(b) − F(a)) of a logistic component, and its slopes by b, by a and by log width."""
    upper, slope_b = _log_sigmoid(b)
    lower, slope_a = _log_sigmoid(spread(ZERO) - a)
    inside = _one_less_exp(width)
    between = logarithm(inside)
    slope_w = width * (spread(ONE) - inside) / inside
    slope_a = spread(ZERO) - slope_a
    logs = upper + lower + between
    if bounds & HAS_LEAST:
        least = spread(read(numbers, row + LEAST))
        logs = where_equal(values, least, upper, logs)
        slope_a = where_equal(values, least, spread(ZERO), slope_a)
        slope_w = where_equal(values, least, spread(ZERO), slope_w)
    if bounds & HAS_MOST:
        most = spread(read(numbers, row + MOST))
        logs = where_equal(values, most, lower, logs)
        slope_b = where_equal(values, most, spread(ZERO), slope_b)
        slope_w = where_equal(values, most, spread(ZERO), slope_w)
    if bounds == HAS_LEAST + HAS_MOST and read(numbers, row + LEAST) == read(numbers, row + MOST):
        only = spread(read(numbers, row + LEAST))
        logs = where_equal(values, only, spread(ZERO), logs)
        slope_b = where_equal(values, only, spread(ZERO), slope_b)
    return logs, slope_b, slope_a, slope_w


@inline
def _components(params, x, buffer, numbers, row, p, d, lane, N, K, kind, bounds):
    """log p of a mixture of K components; the buffer keeps what its gradients need."""
    values = load_to(x, d, lane, N)
    width = spread(read(numbers, row + SPREAD))
    shifted = values - spread(read(numbers, row + CENTER))
    most = load_to(params, p, lane, N)
    for k in range(1, K):
        most = larger(load_to(params, p + k * N, lane, N), most)
    total, best = spread(ZERO), spread(_MINUS_INFINITY)
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
        scale = scale + spread(read(numbers, row + LEAST_SCALE))
        by_rho = where_less(spread(ZERO), rho, share, small * share) / scale  # ∂ log scale / ∂ ρ
        if kind == DISCRETIZED:
            unit = spread(ONE) / (width * scale)
            upper = (shifted + spread(ONE_HALF)) * unit - delta
            lower = upper - unit
            logs, slope_b, slope_a, slope_w = _integer(
                upper, lower, unit, values, numbers, row, bounds
            )
            slope = slope_b + slope_a
            by_scale = spread(ZERO) - slope_b * (upper + delta)
            by_scale = by_scale - slope_a * (lower + delta) - slope_w
        else:
            z = shifted / (width * scale)
            t = z - delta
            if kind == GAUSSIAN:
                logs = spread(-ONE_HALF) * t * t - spread(_HALF_LOG_2_PI)
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
            logs = where_less(values, spread(read(numbers, row + LEAST)), minus, logs)
        if bounds & HAS_MOST:
            logs = where_less(spread(read(numbers, row + MOST)), values, minus, logs)
    return logs, log_joint, total


@inline
def _component_grads(grads, buffer, p, lane, N, K, w, log_joint, total):
    """The gradients of −log p of a mixture, each times w."""
    for k in range(K):
        at = (COMPONENTS + PER_COMPONENT * k) * LANES
        share = exponential(load(buffer, at + LANES) - log_joint)
        prior = load(buffer, at) / total
        store_to(grads, p + k * N, lane, N, _times(w, prior - share))
        share = spread(ZERO) - share
        store_to(grads, p + (K + k) * N, lane, N, _times(w, share * load(buffer, at + 2 * LANES)))
        store_to(
            grads, p + (2 * K + k) * N, lane, N, _times(w, share * load(buffer, at + 3 * LANES))
        )


@inline
def _numbers(
    params,
    x,
    weight,
    grads,
    buffer,
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
    with_grads,
):
    """log p of a number: a mixture, with or without atoms."""
    base = p + (atoms + 1) * N if atoms else p
    logs, log_joint, total = _components(
        params, x, buffer, numbers, row, base, d, lane, N, K, kind, bounds
    )
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
        if kind == DISCRETIZED:
            high, low = larger(atom, other), smaller(atom, other)
            both = high + log_one_plus(exponential(low - high))
            logs = where_less(spread(_MINUS_INFINITY), atom, both, other)
        else:
            logs = where_less(spread(_MINUS_INFINITY), atom, atom, other)
        if with_grads:
            # The share of log p that is due to the mixture; it is 0 at an atom of a density.
            rest = where_less(spread(_MINUS_INFINITY), atom, spread(ZERO), spread(ONE))
            if kind == DISCRETIZED:
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
    if with_grads:
        _component_grads(grads, buffer, base, lane, N, K, w, log_joint, total)
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
    rare, bounds = records[record, RARE], records[record, BOUNDS]
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
            params, x, weight, grads, buffer, numbers, row, p, d, lane, N, size, kind, atoms,
            bounds, with_grads,
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
