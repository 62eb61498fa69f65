"""Compiled loops of NADE over float32 arrays, which ``cpu.py`` calls: forward, backward, sampling.

A strip is LANES consecutive hidden units. Every sum has one fixed sequence. It depends neither on
the number of threads nor on the other rows. README.md has the derivation and the costs.
"""

# pyright: reportArgumentType=false, reportAttributeAccessIssue=false
# pyright: reportIndexIssue=false, reportOperatorIssue=false
# numba types the functions below; they have no annotations.

from __future__ import annotations

import numpy as np

from chainrule.ops.compiled.kernels import COUNT, SEATED, TAKEN, arguments_of, claim, kernel
from chainrule.ops.compiled.strips import (
    HALF,
    LANES,
    ONE,
    ZERO,
    fma,
    half_of_zeros,
    inline,
    load,
    load_half,
    load_half_part,
    load_to,
    logarithm,
    loops,
    lowest,
    nonzero,
    prefetch,
    read,
    rectified,
    sigmoid,
    spread,
    store,
    store_to,
    total,
    totals4,
    totals8,
    where_positive,
    write,
)

ROWS = 4  # rows that go through the steps together, so that a row of V is loaded once for them

# Sums are kept in the unit that makes their activation cheapest. For the sigmoid this is
# t = −a log2 e, so that e^−a = 2^t.
_SIGMOID_UNIT = np.float32(-1.4426950408889634)


@inline
def _unit(relu):
    return ONE if relu else _SIGMOID_UNIT


@inline
def _activated(s, relu):
    """The hidden units, given their sums in this unit."""
    if relu:
        return rectified(s)
    return sigmoid(s)


# The loops. Arrays are contiguous float32. ``in_start`` and ``out_start`` (D + 1,) have the start
# of each step's inputs and outputs. Buffers of hidden units are padded to whole strips; a weight
# beyond H reads as zero.


@inline
def _begin(x, W, b, row, inputs, relu, a, h, at, H):
    """a = b + the first step's inputs times W, in the unit of the sums; h = act(a)."""
    unit = _unit(relu)
    for lane in range(0, H, LANES):
        s = load_to(b, 0, lane, H) * spread(unit)
        for i in range(inputs):
            if x[row, i] != 0:
                s = fma(spread(x[row, i] * unit), load_to(W, i * H, lane, H), s)
        store(a, at + lane, s)
        store(h, at + lane, _activated(s, relu))


@inline
def _add(x, W, row, start, stop, relu, a, h, at, H):
    """Adds a step's inputs to a and renews h."""
    inputs, unit = x.shape[1], _unit(relu)
    if stop == start + 1:
        value = spread(read(x, row * inputs + start) * unit)
        for lane in range(0, H, LANES):
            s = fma(value, load_to(W, start * H, lane, H), load(a, at + lane))
            store(a, at + lane, s)
            store(h, at + lane, _activated(s, relu))
        return
    for lane in range(0, H, LANES):
        s = load(a, at + lane)
        for i in range(start, stop):
            value = read(x, row * inputs + i)
            if value != 0:
                s = fma(spread(value * unit), load_to(W, i * H, lane, H), s)
        store(a, at + lane, s)
        store(h, at + lane, _activated(s, relu))


@inline
def _dot_half(V, p, h, at, H):
    """V_p · h, summed in the same sequence as in the three functions below."""
    sum0 = half_of_zeros()
    for lane in range(0, H, HALF):
        v = (
            load_half(V, p * H + lane)
            if H - lane >= HALF
            else load_half_part(V, p * H + lane, H - lane)
        )
        sum0 = fma(v, load_half(h, at + lane), sum0)
    return total(sum0)


@inline
def _dots_ahead(V, p, h, at, H):
    """Rows p … p + 3 of V times one h."""
    s0, s1, s2, s3 = half_of_zeros(), half_of_zeros(), half_of_zeros(), half_of_zeros()
    whole = H // HALF * HALF
    for lane in range(0, whole, HALF):
        here, v = load_half(h, at + lane), p * H + lane
        for ahead in range(4, 8):
            prefetch(V, v + ahead * H)
            prefetch(V, v + ahead * H + 16)
        s0 = fma(load_half(V, v), here, s0)
        s1 = fma(load_half(V, v + H), here, s1)
        s2 = fma(load_half(V, v + 2 * H), here, s2)
        s3 = fma(load_half(V, v + 3 * H), here, s3)
    if whole < H:
        here, v, left = load_half(h, at + whole), p * H + whole, H - whole
        s0 = fma(load_half_part(V, v, left), here, s0)
        s1 = fma(load_half_part(V, v + H, left), here, s1)
        s2 = fma(load_half_part(V, v + 2 * H, left), here, s2)
        s3 = fma(load_half_part(V, v + 3 * H, left), here, s3)
    return totals4(s0, s1, s2, s3)


@inline
def _dots4(packed, p, h, at, pitch):
    """Row p of packed output weights times the h of four rows."""
    s0, s1, s2, s3 = half_of_zeros(), half_of_zeros(), half_of_zeros(), half_of_zeros()
    for lane in range(0, pitch, HALF):
        v, here = load_half(packed, p * pitch + lane), at + lane
        s0 = fma(v, load_half(h, here), s0)
        s1 = fma(v, load_half(h, here + pitch), s1)
        s2 = fma(v, load_half(h, here + 2 * pitch), s2)
        s3 = fma(v, load_half(h, here + 3 * pitch), s3)
    return totals4(s0, s1, s2, s3)


@inline
def _dots8(packed, p, h, at, pitch):
    """Row p of packed output weights times the h of eight rows, by half strips in registers."""
    s0, s1, s2, s3 = half_of_zeros(), half_of_zeros(), half_of_zeros(), half_of_zeros()
    s4, s5, s6, s7 = half_of_zeros(), half_of_zeros(), half_of_zeros(), half_of_zeros()
    for lane in range(0, pitch, HALF):
        v, here = load_half(packed, p * pitch + lane), at + lane
        s0 = fma(v, load_half(h, here), s0)
        s1 = fma(v, load_half(h, here + pitch), s1)
        s2 = fma(v, load_half(h, here + 2 * pitch), s2)
        s3 = fma(v, load_half(h, here + 3 * pitch), s3)
        s4 = fma(v, load_half(h, here + 4 * pitch), s4)
        s5 = fma(v, load_half(h, here + 5 * pitch), s5)
        s6 = fma(v, load_half(h, here + 6 * pitch), s6)
        s7 = fma(v, load_half(h, here + 7 * pitch), s7)
    return totals8(s0, s1, s2, s3, s4, s5, s6, s7)


@inline
def _mark(x, row, rows, start, stop, step_of, s0, active):
    """Sets bit r of active[k − s0] if row + r has a non-zero input at step k in start … stop."""
    inputs = x.shape[1]
    for r in range(rows):
        for i in range(start, stop, LANES):
            bits = nonzero(load_to(x, (row + r) * inputs, i, stop))
            while bits != 0:
                place = read(step_of, i + lowest(bits)) - s0
                write(active, place, np.uint8(read(active, place) | 1 << r))
                bits &= bits - np.uint64(1)


@inline
def _first_outputs(first_hidden, V, c, outputs, h, out, H):
    """out[p] = c_p + V_p · first_hidden for the first step's outputs; h is a buffer."""
    for lane in range(0, H, LANES):
        store(h, lane, load_to(first_hidden, 0, lane, H))
    for p in range(outputs):
        write(out, p, read(c, p) + _dot_half(V, p, h, 0, H))


@inline
def _pack(V, start, stop, H, packed, pitch):
    """Rows start … stop of the output weights, in whole strips."""
    for p in range(start, stop):
        for lane in range(0, H, LANES):
            store(packed, (p - start) * pitch + lane, load_to(V, p * H, lane, H))


_forward_arguments = arguments_of(
    "f4[:,::1], f4[:,::1], f4[::1], f4[::1], f4[:,::1], f4[::1], "
    "i8[::1], i8[::1], i8[::1], i8[::1], b1, f4[:,::1], "
    "f4[:,:,::1], f4[:,:,::1], f4[:,:,::1], f4[:,::1], u1[:,::1]"
)


@loops
def _forward(
    number, seat, x, W, b, first_hidden, V, c, in_start, out_start, blocks, step_of, relu, y,
    a_of, h_of, packed_of, first_of, active_of,
):  # fmt: skip
    """Writes y (N, P) of a task's rows, as many as ``a`` holds.

    ``blocks`` divide the steps after the first into runs whose output weights fit ``packed``. Each
    thread has buffers: a and h (rows of a task, pitch), packed (outputs of a block, pitch), first
    (outputs of the first step,), active (steps of a block,).
    """
    a, h, packed, first, active = (
        a_of[seat],
        h_of[seat],
        packed_of[seat],
        first_of[seat],
        active_of[seat],
    )
    steps, H, P, pitch = len(in_start) - 1, W.shape[1], len(V), a.shape[1]
    top = number * len(a)
    rows = min(len(a), len(x) - top)
    _first_outputs(first_hidden, V, c, out_start[1], h, first, H)
    for r in range(rows):
        for p in range(out_start[1]):
            y[top + r, p] = first[p]
        _begin(x, W, b, top + r, in_start[1], relu, a, h, r * pitch, H)
    for block in range(len(blocks) - 1):
        p0 = out_start[blocks[block]]
        if rows >= ROWS:
            _pack(V, p0, out_start[blocks[block + 1]], H, packed, pitch)
        done = 0
        while done < rows:
            row, at = top + done, done * pitch
            left = rows - done
            together = 2 * ROWS if left >= 2 * ROWS else ROWS if left >= ROWS else 1
            s0, s1 = blocks[block], blocks[block + 1]
            active[: s1 - s0] = 0
            _mark(x, row, together, in_start[s0], in_start[s1], step_of, s0, active)
            for k in range(s0, s1):
                for p in range(read(out_start, k), read(out_start, k + 1)):
                    bias, to = read(c, p), row * P + p
                    if together == 2 * ROWS:
                        t0, t1, t2, t3, t4, t5, t6, t7 = _dots8(packed, p - p0, h, at, pitch)
                        write(y, to, bias + t0)
                        write(y, to + P, bias + t1)
                        write(y, to + 2 * P, bias + t2)
                        write(y, to + 3 * P, bias + t3)
                        write(y, to + 4 * P, bias + t4)
                        write(y, to + 5 * P, bias + t5)
                        write(y, to + 6 * P, bias + t6)
                        write(y, to + 7 * P, bias + t7)
                    elif together == ROWS:
                        t0, t1, t2, t3 = _dots4(packed, p - p0, h, at, pitch)
                        write(y, to, bias + t0)
                        write(y, to + P, bias + t1)
                        write(y, to + 2 * P, bias + t2)
                        write(y, to + 3 * P, bias + t3)
                    else:
                        write(y, to, bias + _dot_half(V, p, h, at, H))
                bits = np.int64(read(active, k - s0))
                if k < steps - 1 and bits != 0:
                    for r in range(together):
                        if bits >> r & 1:
                            _add(
                                x,
                                W,
                                row + r,
                                in_start[k],
                                in_start[k + 1],
                                relu,
                                a,
                                h,
                                at + r * pitch,
                                H,
                            )
            done += together


@kernel
def forward(words):
    """The tasks of ``_forward``."""
    seat, number = claim(words, SEATED), claim(words, TAKEN)
    while number < words[COUNT]:
        _forward(number, seat, *_forward_arguments(words))
        number = claim(words, TAKEN)


_prepare_arguments = arguments_of(
    "f4[:,::1], f4[:,::1], i8[::1], b1, i4[:,::1], i4[::1], f4[:,::1], i8"
)


@loops
def _prepare(number, x, dy, in_start, every, slots, counts, sums, share):
    """Writes shared data of all strips in the backward pass, for ``share`` groups of ROWS rows.

    ``slots`` (N, I) are the non-zero inputs of a row (all, if ``every``), in step order; the first
    ``counts`` (N,) are set. The last step's inputs are left out, since no step reads them. ``sums``
    (groups, P) are sums of dy over the rows of a group.
    """
    used, inputs, P = in_start[len(in_start) - 2], x.shape[1], dy.shape[1]
    for g in range(number * share, min(len(sums), (number + 1) * share)):
        rows, row = min(ROWS, len(x) - g * ROWS), g * ROWS
        for p in range(0, P, LANES):
            total = load_to(dy, row * P, p, P)
            for r in range(row + 1, row + rows):
                total = total + load_to(dy, r * P, p, P)
            store_to(sums, g * P, p, P, total)
        for r in range(row, row + rows):
            at, count = r * inputs, 0
            for i in range(0, used, LANES):
                bits = nonzero(load_to(x, at, i, used))
                if every:
                    bits = ~np.uint64(0) >> np.uint64(LANES - min(LANES, used - i))
                while bits != 0:
                    write(slots, at + count, np.int32(i + lowest(bits)))
                    count += 1
                    bits &= bits - np.uint64(1)
            counts[r] = count


@kernel
def prepare(words):
    """The tasks of ``_prepare``."""
    number = claim(words, TAKEN)
    while number < words[COUNT]:
        _prepare(number, *_prepare_arguments(words))
        number = claim(words, TAKEN)


@inline
def _passed_on(gradient, h, da, relu):
    """da plus the gradient of h times the slope of the activation, given h."""
    if relu:
        return da + where_positive(h, gradient)
    return fma(gradient * h, spread(ONE) - h, da)


@inline
def _step_before(step_of, slots, at, e):
    """The step of the row's event before the e-th, or −1."""
    if e > 0:
        return np.int64(read(step_of, read(slots, at + e - 1)))
    return np.int64(-1)


@inline
def _close(dh, r, place, at, k, strip_of):
    """Ends row r's run of steps at the inputs of step k: adds its dh to da, and da to these inputs.

    Returns the step at which the previous run ends.
    """
    x, step_of, slots, marks, W, dW, dx, share, need_x, _, carried, kept, relu = strip_of
    SA = carried.shape[1] * LANES
    da = _passed_on(dh, load(kept, place), load(carried, SA + r * LANES), relu)
    store(carried, SA + r * LANES, da)
    e = read(marks, r)
    k_next = k
    while k_next == k:
        e -= 1
        _gather(x, at, read(slots, at + e), da, W, dW, dx, share, need_x)
        k_next = _step_before(step_of, slots, at, e)
    write(marks, r, e)
    return k_next


@inline
def _gather(x, at, i, da, W, dW, dx, share, need_x):
    """Gradients of input i and of its weights, given da, the gradient of sums that include it."""
    store(dW, i * LANES, fma(spread(read(x, at + i)), da, load(dW, i * LANES)))
    if need_x:
        write(dx, share + at + i, total(load(W, i * LANES) * da))


@inline
def _rebuild(r, place, at, block, s0, s1, strip_of):
    """Writes row r's hidden states of a block to ``kept``; returns the place of the last run's.

    The last run may continue in the next block. Its state is then that block's first state, which
    is carried over, not computed again.
    """
    x, step_of, slots, marks, W, _, _, _, _, anchors, carried, kept, relu = strip_of
    blocks, unit = anchors.shape[1], _unit(relu)
    stop = read(marks, r)
    e = stop
    while e > 0 and read(step_of, read(slots, at + e - 1)) >= s0:
        e -= 1
    above = load(carried, r * LANES)
    open_run = block < blocks - 1 and _step_before(step_of, slots, at, stop) < s1 - 1
    first = place
    s = load(anchors, (r * blocks + block) * LANES)
    k = read(step_of, read(slots, at + e)) if e < stop else s1
    while k < s1 - 1:
        store(kept, place, _activated(s, relu))
        place += LANES
        k_now = k
        while k == k_now:
            i = read(slots, at + e)
            s = fma(spread(read(x, at + i) * unit), load(W, i * LANES), s)
            e += 1
            k = read(step_of, read(slots, at + e)) if e < stop else s1
    if open_run:
        store(kept, place, above)
    else:
        store(kept, place, _activated(s, relu))
        if block < blocks - 1:
            place += LANES
            store(kept, place, above)
    store(carried, r * LANES, load(kept, first))
    return place


_backward_arguments = arguments_of(
    "f4[:,::1], f4[:,::1], f4[::1], f4[:,::1], "
    "i8[::1], i8[::1], i8[::1], i8[::1], i4[:,::1], i4[::1], f4[:,::1], "
    "b1, b1, f4[:,:,::1], f4[:,:,::1], f4[:,::1], f4[:,:,::1], i8, i8, "
    "f4[:,:,::1], f4[:,:,::1], f4[:,:,::1], f4[:,:,::1], "
    "f4[:,:,:,::1], f4[:,:,:,::1], f4[:,:,:,::1], i8[:,::1]"
)


@loops
def _backward(
    number, seat, x, W, b, V,
    in_start, out_start, blocks, step_of, slots, counts, dy, relu, need_x,
    dx, dW_of, db_of, dV_of,
    wide, part_groups, Ws_of, Vs_of, dWs_of, dVs_of, anchors_of, carried_of, kept_of, marks_of,
):  # fmt: skip
    """Gradients of ``wide`` hidden units, strip by strip, from ``part_groups`` groups of rows.

    dy has whole groups of rows, zero beyond N. dW (splits, I, H), db (splits, H) and dV (splits, P,
    H) are written in these strips only; dx (strips, N, I) gets each strip's share. Each thread has
    buffers:

    - Ws, dWs (I, LANES) and Vs, dVs (P, LANES): the strip of the weights and of their gradients;
    - anchors (rows, blocks, LANES): a at the start of each block;
    - carried (3, rows, LANES): the open run's h, and the gradients of a and of h, between blocks;
    - kept (ROWS, steps of a block + 1, LANES): hidden states;
    - marks (rows,): inputs still to be visited.
    """
    some, part = number // len(dW_of), number % len(dW_of)
    dW, db, dV = dW_of[part], db_of[part], dV_of[part]
    Ws, Vs, dWs, dVs = Ws_of[seat], Vs_of[seat], dWs_of[seat], dVs_of[seat]
    anchors, carried, kept, marks = (
        anchors_of[seat],
        carried_of[seat],
        kept_of[seat],
        marks_of[seat],
    )
    first_lane, last_lane = some * wide, min(W.shape[1], (some + 1) * wide)
    begin, end = part * part_groups * ROWS, min(len(x), (part + 1) * part_groups * ROWS)
    H, size, pieces, depth = W.shape[1], anchors.shape[0], len(blocks) - 1, kept.shape[1]
    steps, inputs, P = len(in_start) - 1, W.shape[0], len(V)
    used, SA, SH, unit = in_start[steps - 1], size * LANES, 2 * size * LANES, _unit(relu)
    for lane in range(first_lane, last_lane, LANES):
        share = lane // LANES * len(x) * inputs  # the start of this strip's share of dx
        strip_of = (
            x,
            step_of,
            slots,
            marks,
            Ws,
            dWs,
            dx,
            share,
            need_x,
            anchors,
            carried,
            kept,
            relu,
        )
        for i in range(used):
            store(Ws, i * LANES, load_to(W, i * H, lane, H))
            store(dWs, i * LANES, spread(ZERO))
        for p in range(out_start[1], P):
            store(Vs, p * LANES, load_to(V, p * H, lane, H))
            store(dVs, p * LANES, spread(ZERO))
        bias, dbias = load_to(b, 0, lane, H) * spread(unit), spread(ZERO)
        for top in range(begin, end, size):
            rows = min(size, end - top)
            for r in range(rows):  # the sums of the forward pass, without hidden states
                s, at, e, count = bias, (top + r) * inputs, 0, counts[top + r]
                for block in range(pieces):
                    while e < count and read(step_of, read(slots, at + e)) < blocks[block]:
                        i = read(slots, at + e)
                        s = fma(spread(read(x, at + i) * unit), load(Ws, i * LANES), s)
                        e += 1
                    store(anchors, (r * pieces + block) * LANES, s)
                marks[r] = count
                store(carried, SA + r * LANES, spread(ZERO))
                store(carried, SH + r * LANES, spread(ZERO))
            for block in range(pieces - 1, -1, -1):
                s0, s1 = blocks[block], blocks[block + 1]
                for r in range(0, rows, ROWS):
                    group, at = min(ROWS, rows - r), (top + r) * inputs
                    at1, at2, at3 = at + inputs, at + 2 * inputs, at + 3 * inputs
                    h0, next0 = np.int64(0), _step_before(step_of, slots, at, marks[r])
                    h1, h2, h3 = h0, h0, h0  # the runs' states; an absent row has dy = 0
                    next1 = next2 = next3 = np.int64(-1)
                    h0 = _rebuild(r, h0, at, block, s0, s1, strip_of)
                    if group > 1:
                        next1 = _step_before(step_of, slots, at1, marks[r + 1])
                        h1 = _rebuild(r + 1, depth * LANES, at1, block, s0, s1, strip_of)
                    if group > 2:
                        next2 = _step_before(step_of, slots, at2, marks[r + 2])
                        h2 = _rebuild(r + 2, 2 * depth * LANES, at2, block, s0, s1, strip_of)
                    if group > 3:
                        next3 = _step_before(step_of, slots, at3, marks[r + 3])
                        h3 = _rebuild(r + 3, 3 * depth * LANES, at3, block, s0, s1, strip_of)
                    dh0, dh1 = load(carried, SH + r * LANES), load(carried, SH + (r + 1) * LANES)
                    dh2, dh3 = (
                        load(carried, SH + (r + 2) * LANES),
                        load(carried, SH + (r + 3) * LANES),
                    )
                    for k in range(s1 - 1, s0 - 1, -1):
                        if k == next0:
                            next0 = _close(dh0, r, h0, at, k, strip_of)
                            dh0 = spread(ZERO)
                            h0 -= LANES
                        if k == next1:
                            next1 = _close(dh1, r + 1, h1, at1, k, strip_of)
                            dh1 = spread(ZERO)
                            h1 -= LANES
                        if k == next2:
                            next2 = _close(dh2, r + 2, h2, at2, k, strip_of)
                            dh2 = spread(ZERO)
                            h2 -= LANES
                        if k == next3:
                            next3 = _close(dh3, r + 3, h3, at3, k, strip_of)
                            dh3 = spread(ZERO)
                            h3 -= LANES
                        for p in range(read(out_start, k), read(out_start, k + 1)):
                            of = (top + r) * P + p
                            g0, g1 = spread(read(dy, of)), spread(read(dy, of + P))
                            g2, g3 = spread(read(dy, of + 2 * P)), spread(read(dy, of + 3 * P))
                            v, dv = load(Vs, p * LANES), load(dVs, p * LANES)
                            dh0, dh1, dh2, dh3 = (
                                fma(g0, v, dh0),
                                fma(g1, v, dh1),
                                fma(g2, v, dh2),
                                fma(g3, v, dh3),
                            )
                            dv = fma(g1, load(kept, h1), fma(g0, load(kept, h0), dv))
                            store(
                                dVs, p * LANES, fma(g3, load(kept, h3), fma(g2, load(kept, h2), dv))
                            )
                    store(carried, SH + r * LANES, dh0)
                    store(carried, SH + (r + 1) * LANES, dh1)
                    store(carried, SH + (r + 2) * LANES, dh2)
                    store(carried, SH + (r + 3) * LANES, dh3)
            for r in range(rows):
                h, da, dh = (
                    load(carried, r * LANES),
                    load(carried, SA + r * LANES),
                    load(carried, SH + r * LANES),
                )
                da = _passed_on(dh, h, da, relu)
                dbias = dbias + da
                at = (top + r) * inputs
                for e in range(marks[r]):
                    _gather(x, at, read(slots, at + e), da, Ws, dWs, dx, share, need_x)
        for i in range(used):
            store_to(dW, i * H, lane, H, load(dWs, i * LANES))
        for p in range(out_start[1], P):
            store_to(dV, p * H, lane, H, load(dVs, p * LANES))
        store_to(db, 0, lane, H, dbias)


@kernel
def backward(words):
    """The tasks of ``_backward``."""
    seat, number = claim(words, SEATED), claim(words, TAKEN)
    while number < words[COUNT]:
        _backward(number, seat, *_backward_arguments(words))
        number = claim(words, TAKEN)


_sample_arguments = arguments_of(
    "f8[:,::1], f4[:,::1], f4[::1], f4[::1], f4[:,::1], f4[::1], u1[:,::1], f8, b1, f4[:,::1], "
    "f4[:,:,::1], f4[:,:,::1], f4[:,:,::1], f4[:,:,::1], f4[:,::1]"
)


@loops
def _sample(
    number, seat, uniforms, W, b, first_hidden, V, c, observed, temperature, relu, x,
    a_of, h_of, packed_of, thresholds_of, logits_of,
):  # fmt: skip
    """Draws the unobserved cells of x (N, D) for a task's rows, column by column.

    A cell is 1 if its uniform is below σ(logit / temperature). Columns are Bernoulli, with one
    input and one output a step. ``observed`` is (N, D), or empty for none. Each thread has buffers:
    a and h (rows of a task, pitch), packed (steps of a block, pitch), thresholds (2 ROWS, steps of
    a block in whole strips), logits (2 ROWS,).
    """
    a, h, packed, thresholds, logits = (
        a_of[seat],
        h_of[seat],
        packed_of[seat],
        thresholds_of[seat],
        logits_of[seat],
    )
    steps, H, pitch, wide = W.shape[0], W.shape[1], a.shape[1], thresholds.shape[1]
    top = number * len(a)
    rows = min(len(a), len(x) - top)
    _first_outputs(first_hidden, V, c, 1, h, logits, H)
    first = read(logits, 0)
    for r in range(rows):
        _thresholds(uniforms, top + r, 0, 1, temperature, thresholds, 0)
        _draw(thresholds, 0, observed, x, (top + r) * steps, first)
        _begin(x, W, b, top + r, 1, relu, a, h, r * pitch, H)
    for s0 in range(1, steps, len(packed)):
        s1 = min(steps, s0 + len(packed))
        if rows >= ROWS:
            _pack(V, s0, s1, H, packed, pitch)
        done = 0
        while done < rows:
            row, at, left = top + done, done * pitch, rows - done
            together = 2 * ROWS if left >= 2 * ROWS else ROWS if left >= ROWS else 1
            for r in range(together):
                _thresholds(uniforms, row + r, s0, s1, temperature, thresholds, r * wide)
            k = s0
            while together > 1 and k < s1:
                if together == ROWS:
                    logits[0], logits[1], logits[2], logits[3] = _dots4(
                        packed, k - s0, h, at, pitch
                    )
                else:
                    t0, t1, t2, t3, t4, t5, t6, t7 = _dots8(packed, k - s0, h, at, pitch)
                    logits[0], logits[1], logits[2], logits[3] = t0, t1, t2, t3
                    logits[4], logits[5], logits[6], logits[7] = t4, t5, t6, t7
                for r in range(together):
                    logit, place = read(logits, r) + read(c, k), r * wide + k - s0
                    drawn = _draw(thresholds, place, observed, x, (row + r) * steps + k, logit)
                    if drawn != 0 and k < steps - 1:
                        _add(x, W, row + r, k, k + 1, relu, a, h, at + r * pitch, H)
                k += 1
            while k < s1:  # a single row: zeros leave the logits of later steps valid
                ahead = ROWS if s1 - k >= ROWS else 1
                if ahead == ROWS:
                    logits[0], logits[1], logits[2], logits[3] = _dots_ahead(V, k, h, at, H)
                else:
                    logits[0] = _dot_half(V, k, h, at, H)
                stop, drawn, r = k + ahead, ZERO, 0
                while k < stop and drawn == 0:
                    drawn = _draw(
                        thresholds,
                        k - s0,
                        observed,
                        x,
                        row * steps + k,
                        read(logits, r) + read(c, k),
                    )
                    r += 1
                    k += 1
                if drawn != 0 and k < steps:
                    _add(x, W, row, k - 1, k, relu, a, h, at, H)
            done += together


@inline
def _thresholds(uniforms, row, start, stop, temperature, out, at):
    """The logits above which the cells start … stop of a row are 1: y > t · log(u / (1 − u)).

    That is u < σ(y / t). Logarithms of a block together cost less than one exponential after
    another. A uniform of 0 counts as 1e-37.
    """
    for k in range(start, stop):
        u = max(read(uniforms, row * uniforms.shape[1] + k), 1e-37)
        write(out, at + k - start, np.float32(u / (1.0 - u)))
    for lane in range(at, at + stop - start, LANES):
        store(out, lane, logarithm(load(out, lane)) * spread(np.float32(temperature)))


@inline
def _draw(thresholds, place, observed, x, at, logit):
    if len(observed) == 0 or read(observed, at) == 0:
        write(x, at, np.float32(logit > read(thresholds, place)))
    return read(x, at)


@kernel
def sample(words):
    """The tasks of ``_sample``."""
    seat, number = claim(words, SEATED), claim(words, TAKEN)
    while number < words[COUNT]:
        _sample(number, seat, *_sample_arguments(words))
        number = claim(words, TAKEN)


_advance_arguments = arguments_of(
    "f4[:,::1], f4[:,::1], f4[:,::1], f4[:,::1], f4[:,::1], f4[::1], b1, f4[:,::1], i8"
)


@loops
def _advance(number, a, h, x, W, V, c, relu, y, size):
    """One step for ``size`` rows: a += x W, a new h for rows with a non-zero x, y = c + V h."""
    H = W.shape[1]
    for row in range(number * size, min(len(x), (number + 1) * size)):
        changed = False
        for i in range(x.shape[1]):
            changed |= x[row, i] != 0
        if changed:
            for lane in range(0, H, LANES):
                s = load_to(a, row * H, lane, H)
                for i in range(x.shape[1]):
                    if x[row, i] != 0:
                        s = fma(spread(x[row, i]), load_to(W, i * H, lane, H), s)
                store_to(a, row * H, lane, H, s)
                store_to(h, row * H, lane, H, _activated(s * spread(_unit(relu)), relu))
        for p in range(len(V)):
            t = spread(ZERO)
            for lane in range(0, H, LANES):
                t = fma(load_to(V, p * H, lane, H), load_to(h, row * H, lane, H), t)
            y[row, p] = c[p] + total(t)


@kernel
def advance(words):
    """The tasks of ``_advance``."""
    number = claim(words, TAKEN)
    while number < words[COUNT]:
        _advance(number, *_advance_arguments(words))
        number = claim(words, TAKEN)
