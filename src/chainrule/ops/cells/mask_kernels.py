"""The compiled forms of ``networks.training_masks``: the masks of a batch in one call."""

# pyright: reportArgumentType=false, reportAttributeAccessIssue=false
# pyright: reportIndexIssue=false, reportOperatorIssue=false
# numba types the functions below; they have no annotations.

from __future__ import annotations

import numpy as np

from chainrule.ops.compiled.kernels import COUNT, SEATED, TAKEN, arguments_of, claim, kernel
from chainrule.ops.compiled.strips import (
    LANES,
    ZERO,
    load_to,
    loops,
    spread,
    store_to,
    where_less,
)

TINY = 1e-300
_ONE, _HALF = np.float32(1), np.float32(0.5)

_arguments = arguments_of(
    "f4[:,::1], f4[:,::1], f8[:,::1], f8, f4[:,::1], f4[:,::1], f4[:,::1], f8[:,::1]"
)


@loops
def _count(observed, m):
    """The number of observed cells of each row, to m (N,)."""
    D, N = observed.shape
    for lane in range(0, N, LANES):
        found = spread(ZERO)
        for d in range(D):
            found = found + load_to(observed, d * N, lane, N)
        store_to(m, 0, lane, N, found)


@loops
def _weigh(m, shares, most_raised, tables):
    """c(k) for each k, and W(m) for each m, both before scaling; returns the scale."""
    D, N = shares.shape[1], len(m)
    times, weights, totals = tables[0], tables[1], tables[2]
    for j in range(D + 1):
        times[j] = totals[j] = 0.0
    for n in range(N):
        times[int(m[n])] += 1
    for k in range(D):
        reached = 0.0
        for j in range(D + 1):
            if times[j]:
                reached += times[j] * shares[j, k]
        weights[k] = 1.0 / max(reached / N, 1.0 / most_raised)
    cells, weighed = 0.0, 0.0
    for j in range(D + 1):
        if times[j]:
            for k in range(j):
                totals[j] += shares[j, k] * weights[k]
            cells += times[j] * j
            weighed += times[j] * totals[j]
    return cells / max(weighed, TINY)


@loops
def _number(u, m, shares, tables):
    """How many of m cells are given, for a uniform u."""
    if len(shares) == 0:
        return max(0, min(m - 1, int(u * m)))
    least, reached = u * tables[2, m], 0.0
    for k in range(m):
        reached += shares[m, k] * tables[1, k]
        if least < reached:
            return k
    return max(0, m - 1)


@loops
def _choose(uniforms, observed, count, given, start, rows, is_opposite):
    """Chooses ``count`` of the observed cells of rows from ``start``; or gives all but those.

    A cell is chosen with probability (cells still to choose) / (observed cells still to come).
    """
    D, N = observed.shape
    width = uniforms.shape[1]
    for lane in range(0, rows, LANES):
        wanted, coming = load_to(count, start, lane, rows), spread(ZERO)
        for d in range(D):
            coming = coming + load_to(observed, d * N + start, lane, rows)
        for d in range(D):
            here = load_to(observed, d * N + start, lane, rows)
            u = load_to(uniforms, (d + 1) * width, lane, rows)
            chosen = where_less(u * coming, wanted, here, spread(ZERO))
            store_to(given, d * N + start, lane, rows, here - chosen if is_opposite else chosen)
            wanted, coming = wanted - chosen, coming - here


@loops
def _masks(uniforms, observed, shares, most_raised, given, weights, rows, tables):
    """See ``cpu.masks``."""
    (D, N), half = observed.shape, uniforms.shape[1]
    m, count, factor = rows[0], rows[1], rows[2]
    _count(observed, m)
    scale = 1.0
    if len(shares):
        scale = _weigh(m, shares, most_raised, tables)
    for n in range(N):
        of_row, is_opposite = int(m[n]), n >= half
        u = np.float64(uniforms[0, n - half if is_opposite else n])
        k = _number(1.0 - u if is_opposite else u, of_row, shares, tables)
        total = tables[2, of_row] * scale if len(shares) else np.float64(of_row)
        factor[n] = total / max(of_row - k, 1)
        count[n] = of_row - k if is_opposite else k
    _choose(uniforms, observed, count, given, 0, half, False)
    _choose(uniforms, observed, count, given, half, N - half, True)
    for d in range(D):
        for lane in range(0, N, LANES):
            asked = load_to(observed, d * N, lane, N) - load_to(given, d * N, lane, N)
            store_to(weights, d * N, lane, N, asked * load_to(factor, 0, lane, N))


_order_arguments = arguments_of("f4[:,::1], f4[:,::1], i8[::1], f8, f4[:,::1], f4[:,::1]")


@loops
def _masks_in_order(uniforms, observed, order, share, given, weights):
    """See ``cpu.masks_in_order``."""
    (D, N), half = observed.shape, uniforms.shape[1]
    width, limit = np.float32(D), np.float32(share)
    for n in range(N):
        is_opposite = n >= half
        of = n - half if is_opposite else n
        if not uniforms[0, of] < limit:
            continue
        u = _ONE - uniforms[1, of] if is_opposite else uniforms[1, of]
        number = min(int(u * width), D - 1)
        each = _ONE / (width - np.float32(number))
        for i in range(D):
            d = order[i]
            here = observed[d, n]
            given[d, n] = here if i < number else ZERO
            of_next = here if i == number else ZERO
            later = ZERO if i < number else here
            weights[d, n] = width * _HALF * (of_next + later * each)


@kernel
def masks_in_order(words):
    """The only task: a batch's rows in the order of a network."""
    _, number = claim(words, SEATED), claim(words, TAKEN)
    while number < words[COUNT]:
        _masks_in_order(*_order_arguments(words))
        number = claim(words, TAKEN)


@kernel
def masks(words):
    """The only task: a batch's masks."""
    _, number = claim(words, SEATED), claim(words, TAKEN)
    while number < words[COUNT]:
        _masks(*_arguments(words))
        number = claim(words, TAKEN)
