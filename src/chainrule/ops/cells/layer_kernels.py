"""Compiled loops over hidden units, which ``cpu.py`` calls: activations, dropout and their slopes.

Arrays have rows of the table last: (units, N).
"""

# pyright: reportArgumentType=false, reportAttributeAccessIssue=false
# pyright: reportIndexIssue=false, reportOperatorIssue=false
# numba types the functions below; they have no annotations.

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir

from chainrule.ops.cells.dropout import FACTORS, SHIFTS
from chainrule.ops.compiled.kernels import COUNT, SEATED, TAKEN, arguments_of, claim, kernel
from chainrule.ops.compiled.strips import (
    LANES,
    ONE,
    ZERO,
    exponential,
    intrinsic,
    load_to,
    loops,
    read,
    rectified,
    spread,
    store_to,
    strip,
    total,
    types,
    where_equal,
    write,
)

RELU, SIGMOID = 0, 1  # the kinds of activations
UNITS_OF_TASK = 16

_INT = ir.IntType(32)
_INTS = ir.VectorType(_INT, LANES)
_STRIP = ir.VectorType(ir.FloatType(), LANES)


@intrinsic
def _kept(typingctx: Any, first: Any, low: Any, high: Any, bound: Any) -> Any:
    """1 where the random integer of first, first + 1, … is at least ``bound``, 0 elsewhere."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        def same(value: Any) -> Any:
            one = builder.insert_element(
                ir.Constant(_INTS, ir.Undefined), builder.trunc(value, _INT), ir.Constant(_INT, 0)
            )
            return builder.shuffle_vector(
                one, one, ir.Constant(_INTS, [ir.Constant(_INT, 0)] * LANES)
            )

        def constant(value: int) -> Any:
            return ir.Constant(_INTS, [ir.Constant(_INT, value)] * LANES)

        lanes = ir.Constant(_INTS, [ir.Constant(_INT, k) for k in range(LANES)])
        bits = builder.add(same(args[0]), lanes)
        for word in args[1:3]:
            bits = builder.xor(bits, same(word))
            for shift, factor in zip(SHIFTS, FACTORS, strict=False):
                bits = builder.mul(
                    builder.xor(bits, builder.lshr(bits, constant(shift))), constant(factor)
                )
            bits = builder.xor(bits, builder.lshr(bits, constant(SHIFTS[-1])))
        return builder.uitofp(builder.icmp_unsigned(">=", bits, same(args[3])), _STRIP)

    return strip(types.int64, types.int64, types.int64, types.int64), emit


_activated_arguments = arguments_of("f4[:,::1], f4[::1], i8, f8, i8, i8, i8, i8, i8")


@loops
def _activated(number, seat, units, bias, kind, scale, low, high, bound, first, rows):
    """act(units + bias) in place, then dropout, of UNITS_OF_TASK units.

    The first unit of the first row has the number ``first``, the next unit ``first + rows``.
    """
    N = units.shape[1]
    start = number * UNITS_OF_TASK
    for unit in range(start, min(start + UNITS_OF_TASK, len(units))):
        shift, at = spread(read(bias, unit)), unit * N
        for lane in range(0, N, LANES):
            found = load_to(units, at, lane, N) + shift
            if kind == RELU:
                found = rectified(found)
            else:
                found = spread(ONE) / (spread(ONE) + exponential(spread(ZERO) - found))
            if bound:
                kept = _kept(first + unit * rows + lane, low, high, bound)
                found = found * kept * spread(np.float32(scale))
            store_to(units, at, lane, N, found)


@kernel
def activated(words):
    """The tasks of ``_activated``."""
    seat, number = claim(words, SEATED), claim(words, TAKEN)
    while number < words[COUNT]:
        _activated(number, seat, *_activated_arguments(words))
        number = claim(words, TAKEN)


_slopes_arguments = arguments_of("f4[:,::1], f4[:,::1], f4[::1], i8, f8, f4[::1]")


@loops
def _slopes(number, seat, grads, units, factor, kind, scale, sums):
    """grads · factor · act'(…) in place, and its sum over the rows, of UNITS_OF_TASK units."""
    N = units.shape[1]
    start = number * UNITS_OF_TASK
    for unit in range(start, min(start + UNITS_OF_TASK, len(units))):
        at, sum_of_unit = unit * N, spread(ZERO)
        for lane in range(0, N, LANES):
            h = load_to(units, at, lane, N)
            found = (
                load_to(grads, at, lane, N)
                * load_to(factor, 0, lane, N)
                * spread(np.float32(scale))
            )
            if kind != RELU:
                before = h / spread(np.float32(scale))  # before dropout
                found = found * before * (spread(ONE) - before)
            # A unit that was dropped, or is not active, is zero.
            found = where_equal(h, spread(ZERO), spread(ZERO), found)
            store_to(grads, at, lane, N, found)
            sum_of_unit = sum_of_unit + found
        write(sums, unit, total(sum_of_unit))


@kernel
def slopes(words):
    """The tasks of ``_slopes``."""
    seat, number = claim(words, SEATED), claim(words, TAKEN)
    while number < words[COUNT]:
        _slopes(number, seat, *_slopes_arguments(words))
        number = claim(words, TAKEN)
