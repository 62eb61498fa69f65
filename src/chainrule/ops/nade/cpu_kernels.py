"""Compiled loops of NADE over float32 arrays: forward, backward, sampling, one step. ``cpu.py`` calls them.

A strip is LANES consecutive hidden units as one value, which LLVM keeps in vector registers; so that a loop over hidden
units reads like the formula and no result depends on what a compiler chose to vectorise. Sums run in one order whatever
the number of threads, of rows, or of other rows in the batch.

Everything that decides the machine code is in this one file, because numba's cache on disk looks at this file alone.
Derivation and costs: README.md beside.
"""

# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportIndexIssue=false, reportOperatorIssue=false
# The functions below are typed by numba, not by annotations.

from __future__ import annotations

import contextlib
import math
import operator
from typing import Any

import numpy as np
from llvmlite import ir
from numba import config, njit, types
from numba.core import cgutils, extending
from numba.core.extending import models, register_model, type_callable
from numba.extending import lower_builtin

LANES = 64  # hidden units of a strip: four 512-bit or eight 256-bit registers
HALF = LANES // 2  # of the sums of eight rows, which all stay in registers
ROWS = 4  # rows that walk the steps together, so that a row of V is loaded once for them

SIGMOID_ERROR = 5e-7  # bound of the relative error of ``_sigmoid`` within |a| <= 87 (4.1e-7 was the largest found)

if config.DISABLE_JIT:
    raise ImportError("numba compiles nothing: NUMBA_DISABLE_JIT is set")

intrinsic: Any = extending.intrinsic  # what it makes is called with other arguments than it is written with

_FLOAT, _INT = ir.FloatType(), ir.IntType(32)
_STRIP, _INTS = ir.VectorType(_FLOAT, LANES), ir.VectorType(_INT, LANES)


# A strip as a type of numba, and what can be done with it.


class StripType(types.Type):
    """Some floats in registers."""

    def __init__(self, lanes: int) -> None:
        super().__init__(name=f"strip{lanes}")
        self.lanes = lanes


strip, half_strip = StripType(LANES), StripType(HALF)


@register_model(StripType)
class _StripModel(models.PrimitiveModel):
    def __init__(self, dmm: Any, fe_type: Any) -> None:
        super().__init__(dmm, fe_type, ir.VectorType(_FLOAT, fe_type.lanes))


def _binary(operation: Any, emit: str) -> None:
    @type_callable(operation)
    def typed(context: Any) -> Any:
        def typer(a: Any, b: Any) -> Any:
            return strip if a is strip and b is strip else None

        return typer

    @lower_builtin(operation, strip, strip)
    def lowered(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return getattr(builder, emit)(*args)


for _operation, _emit in (
    (operator.add, "fadd"),
    (operator.sub, "fsub"),
    (operator.mul, "fmul"),
    (operator.truediv, "fdiv"),
):
    _binary(_operation, _emit)


def _constant(value: float) -> ir.Constant:
    return ir.Constant(_STRIP, [ir.Constant(_FLOAT, float(np.float32(value)))] * LANES)


def _address(context: Any, builder: Any, array_type: Any, array: Any, offset: Any, lanes: int = LANES) -> Any:
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [offset]), ir.VectorType(_FLOAT, lanes).as_pointer())


def _element(context: Any, builder: Any, array_type: Any, array: Any, offset: Any) -> Any:
    return builder.gep(context.make_array(array_type)(context, builder, array).data, [offset])


@intrinsic
def read(typingctx: Any, array: Any, offset: Any) -> Any:
    """The element at ``offset`` of a contiguous array of any shape, without the arithmetic that an index costs."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load(_element(context, builder, signature.args[0], args[0], args[1]))

    return array.dtype(array, types.intp), emit


@intrinsic
def write(typingctx: Any, array: Any, offset: Any, value: Any) -> Any:
    """Sets the element at ``offset``."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.store(args[2], _element(context, builder, signature.args[0], args[0], args[1]))
        return context.get_dummy_value()

    return types.void(array, types.intp, array.dtype), emit


def _loader(kind: StripType) -> Any:
    def load(typingctx: Any, array: Any, offset: Any) -> Any:
        """The strip at ``offset`` of a contiguous float32 array of any shape."""

        def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return builder.load(_address(context, builder, signature.args[0], args[0], args[1], kind.lanes), align=4)

        return kind(array, types.intp), emit

    return intrinsic(load)


def _part_loader(kind: StripType) -> Any:
    def load_part(typingctx: Any, array: Any, offset: Any, count: Any) -> Any:
        """The first ``count`` lanes of a strip, zeros in the others, whose memory is not touched."""

        def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            address = _address(context, builder, signature.args[0], args[0], args[1], kind.lanes)
            value, mask = ir.VectorType(_FLOAT, kind.lanes), ir.VectorType(ir.IntType(1), kind.lanes)
            function = ir.FunctionType(value, [value.as_pointer(), _INT, mask, value])
            function = cgutils.get_or_insert_function(builder.module, function, f"llvm.masked.load.v{kind.lanes}f32.p0")
            rest = ir.Constant(value, [ir.Constant(_FLOAT, 0.0)] * kind.lanes)
            return builder.call(function, [address, ir.Constant(_INT, 4), _first(builder, args[2], kind.lanes), rest])

        return kind(array, types.intp, types.intp), emit

    return intrinsic(load_part)


load, load_half = _loader(strip), _loader(half_strip)
load_part, load_half_part = _part_loader(strip), _part_loader(half_strip)


@intrinsic
def store(typingctx: Any, array: Any, offset: Any, value: Any) -> Any:
    """Writes a strip."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.store(args[2], _address(context, builder, signature.args[0], args[0], args[1]), align=4)
        return context.get_dummy_value()

    return types.void(array, types.intp, strip), emit


def _first(builder: Any, count: Any, lanes: int = LANES) -> Any:
    """The mask of the first ``count`` lanes."""
    kind = ir.VectorType(_INT, lanes)
    numbers = ir.Constant(kind, [ir.Constant(_INT, k) for k in range(lanes)])
    return builder.icmp_signed("<", numbers, _spread(builder, builder.trunc(count, _INT), kind))


def _spread(builder: Any, value: Any, kind: ir.VectorType) -> Any:
    nothing, zeros = ir.Constant(kind, ir.Undefined), ir.VectorType(_INT, kind.count)
    one = builder.insert_element(nothing, value, ir.Constant(_INT, 0))
    return builder.shuffle_vector(one, nothing, ir.Constant(zeros, [ir.Constant(_INT, 0)] * kind.count))


@intrinsic
def store_part(typingctx: Any, array: Any, offset: Any, value: Any, count: Any) -> Any:
    """Writes the first ``count`` lanes of a strip."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        address = _address(context, builder, signature.args[0], args[0], args[1])
        mask = ir.VectorType(ir.IntType(1), LANES)
        kind = ir.FunctionType(ir.VoidType(), [_STRIP, _STRIP.as_pointer(), _INT, mask])
        function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.masked.store.v{LANES}f32.p0")
        builder.call(function, [args[2], address, ir.Constant(_INT, 4), _first(builder, args[3])])
        return context.get_dummy_value()

    return types.void(array, types.intp, strip, types.intp), emit


@intrinsic
def spread(typingctx: Any, value: Any) -> Any:
    """A strip of one value."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _spread(builder, args[0], _STRIP)

    return strip(types.float32), emit


@intrinsic
def fms(typingctx: Any, a: Any, b: Any, c: Any) -> Any:
    """a·b − c, rounded once."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = ir.FunctionType(_STRIP, [_STRIP] * 3)
        function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.fma.v{LANES}f32")
        return builder.call(function, [args[0], args[1], builder.fneg(args[2])])

    return strip(strip, strip, strip), emit


@intrinsic
def fma(typingctx: Any, a: Any, b: Any, c: Any) -> Any:
    """a·b + c, rounded once, of strips or of half strips."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = ir.FunctionType(args[0].type, [args[0].type] * 3)
        name = f"llvm.fma.v{signature.return_type.lanes}f32"
        return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), args)

    return a(a, b, c), emit


@intrinsic
def half_of_zeros(typingctx: Any) -> Any:
    """Half a strip of zeros."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return ir.Constant(ir.VectorType(_FLOAT, HALF), [ir.Constant(_FLOAT, 0.0)] * HALF)

    return half_strip(), emit


def _select(context: Any, builder: Any, sign: str, a: Any, bound: Any) -> Any:
    # A comparison with NaN is false, so that NaN stays: wrong weights must be seen, not clamped into range.
    return builder.select(builder.fcmp_ordered(sign, a, bound), bound, a)


@intrinsic
def clamp(typingctx: Any, a: Any, low: Any, high: Any) -> Any:
    """a within [low, high], NaN where a is NaN."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        low, high = (_spread(builder, bound, _STRIP) for bound in args[1:])
        return _select(context, builder, ">", _select(context, builder, "<", args[0], low), high)

    return strip(strip, types.float32, types.float32), emit


@intrinsic
def where_positive(typingctx: Any, test: Any, value: Any) -> Any:
    """The value where ``test`` is above zero, zero elsewhere."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.select(builder.fcmp_ordered(">", args[0], _constant(0)), args[1], _constant(0))

    return strip(strip, strip), emit


@intrinsic
def rectified(typingctx: Any, a: Any) -> Any:
    """max(a, 0), NaN where a is NaN."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _select(context, builder, "<", args[0], _constant(0))

    return strip(strip), emit


@intrinsic
def times_power_of_two(typingctx: Any, value: Any, shifted: Any) -> Any:
    """value · 2^n, where ``shifted`` = n + 1.5·2^23 holds n in its low bits."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        shift = ir.Constant(_INTS, [ir.Constant(_INT, 23)] * LANES)
        exponent = builder.shl(builder.bitcast(args[1], _INTS), shift)
        return builder.bitcast(builder.add(builder.bitcast(args[0], _INTS), exponent), _STRIP)

    return strip(strip, strip), emit


def _halved(builder: Any, a: Any, b: Any, width: int, groups: int) -> Any:
    """Each group of ``width`` lanes folded in half: the groups of a, then those of b, half as wide."""
    low = [g * width + k for g in range(groups) for k in range(width // 2)]
    indices = low + [groups * width + k for k in low] if b is not None else low
    other = b if b is not None else ir.Constant(a.type, ir.Undefined)

    def pick(by: int) -> Any:
        mask = ir.Constant(ir.VectorType(_INT, len(indices)), [ir.Constant(_INT, k + by) for k in indices])
        return builder.shuffle_vector(a, other, mask)

    return builder.fadd(pick(0), pick(width // 2))


def _totals(builder: Any, strips: list[Any]) -> Any:
    """The sums of the lanes of some strips, as a short vector; every sum by the same tree of halves."""
    width = strips[0].type.count
    while width > 16:
        strips = [_halved(builder, s, None, width, 1) for s in strips]
        width //= 2
    groups = 1
    while len(strips) > 1:
        strips = [_halved(builder, a, b, width, groups) for a, b in zip(strips[::2], strips[1::2], strict=True)]
        width, groups = width // 2, groups * 2
    while width > 1:
        strips = [_halved(builder, strips[0], None, width, groups)]
        width //= 2
    return strips[0]


@intrinsic
def total(typingctx: Any, a: Any) -> Any:
    """The sum of the lanes of a strip or of half a strip."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.extract_element(_totals(builder, list(args)), ir.Constant(_INT, 0))

    return types.float32(a), emit


def _emit_totals(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    sums = _totals(builder, list(args))
    parts = [builder.extract_element(sums, ir.Constant(_INT, k)) for k in range(len(args))]
    return context.make_tuple(builder, signature.return_type, parts)


@intrinsic
def totals4(typingctx: Any, a: Any, b: Any, c: Any, d: Any) -> Any:
    """The sums of four strips, each the same to the bit as ``total`` gives."""
    return types.UniTuple(types.float32, 4)(a, b, c, d), _emit_totals


@intrinsic
def totals8(typingctx: Any, a: Any, b: Any, c: Any, d: Any, e: Any, f: Any, g: Any, h: Any) -> Any:
    """The sums of eight strips, each the same to the bit as ``total`` gives."""
    return types.UniTuple(types.float32, 8)(a, b, c, d, e, f, g, h), _emit_totals


# Without reference counts (_nrt): each inlined call would count its arrays up and down, for more than its arithmetic costs.
_OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "_nrt": False}
_inline: Any = njit(forceinline=True, **_OPTIONS)


def _kernel(signature: str) -> Any:
    """Compiles on first use, for these argument types only, and keeps the machine code on disk where that can be."""

    def decorate(function: Any) -> Any:
        dispatcher: Any = njit(**_OPTIONS)(function)
        dispatcher.chainrule_signature = signature
        with contextlib.suppress(RuntimeError):  # no folder to write to: every process compiles for itself
            dispatcher.enable_caching()
        return dispatcher

    return decorate


_MAGIC = np.float32(1.5 * 2**23)  # adding it rounds to an integer, which then stands in the low bits
_LOG2_E = np.float32(1.4426950408889634)
_LN_2 = np.float32(0.6931471805599453)
# e^r = 1 + r + r² (P0 + …) within 1.1e-7 for |r| <= ln 2 / 2: minimax in relative error, by linear programming
_P0, _P1, _P2, _P3 = (np.float32(p) for p in (0.499992311, 0.166671157, 0.0418903306, 0.008312501))
_ONE, _ZERO = np.float32(1), np.float32(0)
_LEAST, _MOST = np.float32(-87), np.float32(87)  # where e^a and its inverse are ordinary float32 numbers


@_inline
def _sigmoid(a):
    a = clamp(a, _LEAST, _MOST)
    shifted = fma(a, spread(-_LOG2_E), spread(_MAGIC))
    n = shifted - spread(_MAGIC)
    r = fma(n, spread(_LN_2), a)  # −a = n ln 2 − r
    p = fma(r, spread(-_P3), spread(_P2))
    p = fms(r, p, spread(_P1))
    p = fms(r, p, spread(-_P0))
    p = fms(r * r, p, r)  # e^−r − 1
    e = times_power_of_two(p + spread(_ONE), shifted)  # e^−a
    return spread(_ONE) / (spread(_ONE) + e)


@_inline
def _activated(a, relu):
    if relu:
        return rectified(a)
    return _sigmoid(a)


# The loops. Arrays are contiguous float32; ``in_start`` and ``out_start`` (D + 1,) say which inputs and outputs are a
# step's. Buffers of hidden units are padded to whole strips; a weight beyond H reads as zero.


@_inline
def _weights(array, at, lane, H):
    if H - lane >= LANES:
        return load(array, at + lane)
    return load_part(array, at + lane, H - lane)


@_inline
def _put(array, at, lane, H, value):
    if H - lane >= LANES:
        store(array, at + lane, value)
    else:
        store_part(array, at + lane, value, H - lane)


@_inline
def _begin(x, W, b, row, inputs, relu, a, h, at, H):
    """a = b + the first step's inputs times W; h = act(a)."""
    for lane in range(0, H, LANES):
        s = _weights(b, 0, lane, H)
        for i in range(inputs):
            if x[row, i] != 0:
                s = fma(spread(x[row, i]), _weights(W, i * H, lane, H), s)
        store(a, at + lane, s)
        store(h, at + lane, _activated(s, relu))


@_inline
def _add(x, W, row, start, stop, relu, a, h, at, H):
    """Adds a step's inputs to a and renews h."""
    inputs = x.shape[1]
    if stop == start + 1:
        value = spread(read(x, row * inputs + start))
        for lane in range(0, H, LANES):
            s = fma(value, _weights(W, start * H, lane, H), load(a, at + lane))
            store(a, at + lane, s)
            store(h, at + lane, _activated(s, relu))
        return
    for lane in range(0, H, LANES):
        s = load(a, at + lane)
        for i in range(start, stop):
            value = read(x, row * inputs + i)
            if value != 0:
                s = fma(spread(value), _weights(W, i * H, lane, H), s)
        store(a, at + lane, s)
        store(h, at + lane, _activated(s, relu))


@_inline
def _dot(V, p, h, at, H):
    """V_p · h."""
    sum0 = spread(_ZERO)
    for lane in range(0, H, LANES):
        sum0 = fma(_weights(V, p * H, lane, H), load(h, at + lane), sum0)
    return total(sum0)


@_inline
def _dots_unpacked(V, p, h, pitch, H):
    """V_p · h for ROWS rows, whose h lie side by side."""
    sum0, sum1, sum2, sum3 = spread(_ZERO), spread(_ZERO), spread(_ZERO), spread(_ZERO)
    for lane in range(0, H, LANES):
        v = _weights(V, p * H, lane, H)
        sum0 = fma(v, load(h, lane), sum0)
        sum1 = fma(v, load(h, lane + pitch), sum1)
        sum2 = fma(v, load(h, lane + 2 * pitch), sum2)
        sum3 = fma(v, load(h, lane + 3 * pitch), sum3)
    return totals4(sum0, sum1, sum2, sum3)


@_inline
def _dot_half(V, p, h, at, H):
    """V_p · h, summed in the sequence of the two functions below, to the bit."""
    sum0 = half_of_zeros()
    for lane in range(0, H, HALF):
        v = load_half(V, p * H + lane) if H - lane >= HALF else load_half_part(V, p * H + lane, H - lane)
        sum0 = fma(v, load_half(h, at + lane), sum0)
    return total(sum0)


@_inline
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


@_inline
def _dots8(packed, p, h, at, pitch):
    """Row p of packed output weights times the h of eight rows: half strips, so that all the sums stay in registers."""
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


@_inline
def _mark(x, row, rows, in_start, s0, s1, active):
    """active[k − s0]: bit r is set where row + r has a non-zero input at step k."""
    for k in range(s0, s1):
        bits = 0
        for r in range(rows):
            at = (row + r) * x.shape[1]
            for i in range(read(in_start, k), read(in_start, k + 1)):
                bits |= (read(x, at + i) != 0) << r
        write(active, k - s0, np.uint8(bits))


@_kernel(
    "void(f4[:,::1], f4[:,::1], f4[::1], f4[::1], f4[:,::1], f4[::1], i8[::1], i8[::1], i8[::1], b1, f4[:,::1], i8, i8, "
    "f4[:,::1], f4[:,::1], f4[:,::1], u1[::1])"
)
def forward(
    x, W, b, first, V, c, in_start, out_start, blocks, relu, y, begin, end, a, h, packed, active
):  # fmt: skip
    """Writes y (N, P) of rows begin … end.

    ``first`` (P_0,) are the first step's outputs; ``blocks`` cut the other steps into runs whose output weights fit
    ``packed`` (outputs of a block, pitch). Buffers: a and h (rows at a time, pitch), active (steps of a block,).
    """
    steps, H, P, pitch = len(in_start) - 1, W.shape[1], len(V), a.shape[1]
    for top in range(begin, end, len(a)):
        rows = min(len(a), end - top)
        for r in range(rows):
            for p in range(out_start[1]):
                y[top + r, p] = first[p]
            _begin(x, W, b, top + r, in_start[1], relu, a, h, r * pitch, H)
        for block in range(len(blocks) - 1):
            p0 = out_start[blocks[block]]
            if rows >= ROWS:
                for p in range(p0, out_start[blocks[block + 1]]):
                    for lane in range(0, H, LANES):
                        store(packed, (p - p0) * pitch + lane, _weights(V, p * H, lane, H))
            done = 0
            while done < rows:
                row, at = top + done, done * pitch
                left = rows - done
                together = 2 * ROWS if left >= 2 * ROWS else ROWS if left >= ROWS else 1
                _mark(x, row, together, in_start, blocks[block], blocks[block + 1], active)
                for k in range(blocks[block], blocks[block + 1]):
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
                    bits = np.int64(read(active, k - blocks[block]))
                    if k < steps - 1 and bits != 0:
                        for r in range(together):
                            if bits >> r & 1:
                                _add(x, W, row + r, in_start[k], in_start[k + 1], relu, a, h, at + r * pitch, H)
                done += together


@_kernel("void(f4[:,::1], f4[:,::1], i8[::1], b1, i4[:,::1], i4[::1], f4[:,:,::1], f4[:,::1], i8, i8)")
def prepare(x, dy, in_start, every, slots, counts, grouped, sums, begin, end):
    """What all strips of hidden units need to know for the backward pass, for groups begin … end of ROWS rows.

    ``slots`` (N, I): the non-zero inputs of a row (all, if ``every``), in step order; the first ``counts`` (N,) are set.
    The last step's inputs are nobody's. ``grouped`` (groups, P, ROWS): dy with a group's rows side by side; zero where
    there is no row. ``sums`` (groups, P): dy summed over a group's rows.
    """
    used, inputs, P = in_start[len(in_start) - 2], x.shape[1], grouped.shape[1]
    for g in range(begin, end):
        rows, row = min(ROWS, len(x) - g * ROWS), g * ROWS * P
        for p in range(P):
            at, zero = (g * P + p) * ROWS, _ZERO
            v0 = read(dy, row + p)
            v1 = read(dy, row + P + p) if rows > 1 else zero
            v2 = read(dy, row + 2 * P + p) if rows > 2 else zero
            v3 = read(dy, row + 3 * P + p) if rows > 3 else zero
            write(grouped, at, v0)
            write(grouped, at + 1, v1)
            write(grouped, at + 2, v2)
            write(grouped, at + 3, v3)
            write(sums, g * P + p, (v0 + v1) + (v2 + v3))
        for r in range(g * ROWS, g * ROWS + rows):
            at, count = r * inputs, 0
            for i in range(used):
                write(slots, at + count, np.int32(i))
                count += (read(x, at + i) != 0) | every
            counts[r] = count


@_inline
def _passed_on(gradient, h, da, relu):
    """da and the gradient of h times the slope of the activation, which h itself tells."""
    if relu:
        return da + where_positive(h, gradient)
    return fma(gradient * h, spread(_ONE) - h, da)


@_inline
def _step_before(step_of, slots, at, e):
    """The step of the row's event before the e-th, −1 where there is none."""
    if e > 0:
        return np.int64(read(step_of, read(slots, at + e - 1)))
    return np.int64(-1)


@_inline
def _close(dh, r, place, at, k, strip_of):
    """Ends row r's run of steps at the inputs of step k: passes its dh on to da, and da to these inputs.

    Returns the step at which the run before it ends.
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


@_inline
def _gather(x, at, i, da, W, dW, dx, share, need_x):
    """Gradients of input i and of its weights, given da, the gradient of all sums that hold it."""
    store(dW, i * LANES, fma(spread(read(x, at + i)), da, load(dW, i * LANES)))
    if need_x:
        write(dx, share + at + i, total(load(W, i * LANES) * da))


@_inline
def _rebuild(r, place, at, block, s0, s1, strip_of):
    """Writes row r's hidden states in a block to ``kept``, one after the other; returns the place of the last run's.

    The last run may go on in the next block: its state is that block's first, which is carried, not computed again.
    """
    x, step_of, slots, marks, W, _, _, _, _, anchors, carried, kept, relu = strip_of
    blocks = anchors.shape[1]
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
            s = fma(spread(read(x, at + i)), load(W, i * LANES), s)
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


@_kernel(
    "void(f4[:,::1], f4[:,::1], f4[::1], f4[:,::1], i8[::1], i8[::1], i8[::1], i8[::1], i4[:,::1], i4[::1], f4[:,:,::1], "
    "b1, b1, f4[:,:,::1], f4[:,::1], f4[::1], f4[:,::1], i8, i8, i8, i8, f4[:,::1], f4[:,::1], f4[:,::1], f4[:,::1], "
    "f4[:,:,::1], f4[:,:,::1], f4[:,:,::1], i8[::1])"
)
def backward(
    x, W, b, V,
    in_start, out_start, blocks, step_of, slots, counts, grouped, relu, need_x,
    dx, dW, db, dV,
    first_lane, last_lane, begin, end, Ws, Vs, dWs, dVs, anchors, carried, kept, marks,
):  # fmt: skip
    """Gradients of the hidden units ``first_lane`` … last_lane, one strip after the other, from the groups begin … end of rows.

    dW (I, H), db (H,) and dV (P, H) are written in these strips only; dx (strips, N, I) gets each strip's share. Buffers: Ws, dWs
    (I, LANES) and Vs, dVs (P, LANES), the strip of the weights and of their gradients; anchors (rows, blocks, LANES), a
    at the start of each block; carried (3, rows, LANES), from block to block the open run's h, the gradients of a and
    of h; kept (ROWS, steps of a block + 1, LANES), hidden states; marks (rows,), inputs not yet walked past.
    """
    H, size, pieces, depth = W.shape[1], anchors.shape[0], len(blocks) - 1, kept.shape[1]
    steps, inputs, P = len(in_start) - 1, W.shape[0], len(V)
    used, SA, SH = in_start[steps - 1], size * LANES, 2 * size * LANES
    for lane in range(first_lane, last_lane, LANES):
        share = lane // LANES * len(x) * inputs  # where this strip's part of dx begins
        strip_of = (x, step_of, slots, marks, Ws, dWs, dx, share, need_x, anchors, carried, kept, relu)
        for i in range(used):
            store(Ws, i * LANES, _weights(W, i * H, lane, H))
            store(dWs, i * LANES, spread(_ZERO))
        for p in range(out_start[1], P):
            store(Vs, p * LANES, _weights(V, p * H, lane, H))
            store(dVs, p * LANES, spread(_ZERO))
        bias, dbias = _weights(b, 0, lane, H), spread(_ZERO)
        for top in range(begin * ROWS, min(end * ROWS, len(x)), size):
            rows = min(size, end * ROWS - top, len(x) - top)
            for r in range(rows):  # the forward pass's own sums, without a hidden state
                s, at, e, count = bias, (top + r) * inputs, 0, counts[top + r]
                for block in range(pieces):
                    while e < count and read(step_of, read(slots, at + e)) < blocks[block]:
                        i = read(slots, at + e)
                        s = fma(spread(read(x, at + i)), load(Ws, i * LANES), s)
                        e += 1
                    store(anchors, (r * pieces + block) * LANES, s)
                marks[r] = count
                store(carried, SA + r * LANES, spread(_ZERO))
                store(carried, SH + r * LANES, spread(_ZERO))
            for block in range(pieces - 1, -1, -1):
                s0, s1 = blocks[block], blocks[block + 1]
                for r in range(0, rows, ROWS):
                    group, at = min(ROWS, rows - r), (top + r) * inputs
                    at1, at2, at3 = at + inputs, at + 2 * inputs, at + 3 * inputs
                    h0, next0 = np.int64(0), _step_before(step_of, slots, at, marks[r])
                    h1, h2, h3 = h0, h0, h0  # where the run's hidden state is kept; a row that is not there has dy = 0
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
                    dh2, dh3 = load(carried, SH + (r + 2) * LANES), load(carried, SH + (r + 3) * LANES)
                    for k in range(s1 - 1, s0 - 1, -1):
                        if k == next0:
                            next0 = _close(dh0, r, h0, at, k, strip_of)
                            dh0 = spread(_ZERO)
                            h0 -= LANES
                        if k == next1:
                            next1 = _close(dh1, r + 1, h1, at1, k, strip_of)
                            dh1 = spread(_ZERO)
                            h1 -= LANES
                        if k == next2:
                            next2 = _close(dh2, r + 2, h2, at2, k, strip_of)
                            dh2 = spread(_ZERO)
                            h2 -= LANES
                        if k == next3:
                            next3 = _close(dh3, r + 3, h3, at3, k, strip_of)
                            dh3 = spread(_ZERO)
                            h3 -= LANES
                        for p in range(read(out_start, k), read(out_start, k + 1)):
                            of = ((top + r) // ROWS * P + p) * ROWS
                            g0, g1 = spread(read(grouped, of)), spread(read(grouped, of + 1))
                            g2, g3 = spread(read(grouped, of + 2)), spread(read(grouped, of + 3))
                            v, dv = load(Vs, p * LANES), load(dVs, p * LANES)
                            dh0, dh1, dh2, dh3 = fma(g0, v, dh0), fma(g1, v, dh1), fma(g2, v, dh2), fma(g3, v, dh3)
                            dv = fma(g1, load(kept, h1), fma(g0, load(kept, h0), dv))
                            store(dVs, p * LANES, fma(g3, load(kept, h3), fma(g2, load(kept, h2), dv)))
                    store(carried, SH + r * LANES, dh0)
                    store(carried, SH + (r + 1) * LANES, dh1)
                    store(carried, SH + (r + 2) * LANES, dh2)
                    store(carried, SH + (r + 3) * LANES, dh3)
            for r in range(rows):
                h, da, dh = load(carried, r * LANES), load(carried, SA + r * LANES), load(carried, SH + r * LANES)
                da = _passed_on(dh, h, da, relu)
                dbias = dbias + da
                at = (top + r) * inputs
                for e in range(marks[r]):
                    _gather(x, at, read(slots, at + e), da, Ws, dWs, dx, share, need_x)
        for i in range(used):
            _put(dW, i * H, lane, H, load(dWs, i * LANES))
        for p in range(out_start[1], P):
            _put(dV, p * H, lane, H, load(dVs, p * LANES))
        _put(db, 0, lane, H, dbias)


@_kernel(
    "void(f8[:,::1], f4[:,::1], f4[::1], f4, f4[:,::1], f4[::1], b1[:,::1], f8, b1, f4[:,::1], i8, i8, f4[:,::1], f4[:,::1])"
)
def sample(uniforms, W, b, first, V, c, observed, coldness, relu, x, begin, end, a, h):
    """Draws the cells of x (N, D) that are not observed, rows begin … end, column by column.

    ``first`` is the first step's logit; ``coldness``, 1 / temperature, multiplies every logit. One input and one output a
    step: Bernoulli columns.
    """
    steps, H, pitch = W.shape[0], W.shape[1], a.shape[1]
    row = begin
    while row < end:
        together = ROWS if end - row >= ROWS else 1
        for k in range(steps):
            t0 = t1 = t2 = t3 = first
            if k > 0:
                if together == ROWS:
                    t0, t1, t2, t3 = _dots_unpacked(V, k, h, pitch, H)
                    t1 += c[k]
                    t2 += c[k]
                    t3 += c[k]
                else:
                    t0 = _dot(V, k, h, 0, H)
                t0 += c[k]
            _draw(uniforms, observed, coldness, x, row, k, t0)
            if together == ROWS:
                _draw(uniforms, observed, coldness, x, row + 1, k, t1)
                _draw(uniforms, observed, coldness, x, row + 2, k, t2)
                _draw(uniforms, observed, coldness, x, row + 3, k, t3)
            if k == 0:
                for r in range(together):
                    _begin(x, W, b, row + r, 1, relu, a, h, r * pitch, H)
            elif k < steps - 1:
                for r in range(together):
                    if x[row + r, k] != 0:
                        _add(x, W, row + r, k, k + 1, relu, a, h, r * pitch, H)
        row += together


@_inline
def _draw(uniforms, observed, coldness, x, row, k, logit):
    if not observed[row, k]:
        at = row * x.shape[1] + k
        e = math.exp(np.float32(-logit * coldness))
        write(x, at, np.float32(read(uniforms, at) * (1.0 + e) < 1.0))  # u < 1 / (1 + e), without the division


@_kernel("void(f4[:,::1], f4[:,::1], f4[:,::1], f4[:,::1], f4[:,::1], f4[::1], b1, f4[:,::1], i8, i8)")
def advance(a, h, x, W, V, c, relu, y, begin, end):
    """One step for rows begin … end: a += x W, h renewed where x is non-zero, y = c + V h."""
    H = W.shape[1]
    for row in range(begin, end):
        changed = False
        for i in range(x.shape[1]):
            changed |= x[row, i] != 0
        if changed:
            for lane in range(0, H, LANES):
                s = _weights(a, row * H, lane, H)
                for i in range(x.shape[1]):
                    if x[row, i] != 0:
                        s = fma(spread(x[row, i]), _weights(W, i * H, lane, H), s)
                _put(a, row * H, lane, H, s)
                _put(h, row * H, lane, H, _activated(s, relu))
        for p in range(len(V)):
            t = spread(_ZERO)
            for lane in range(0, H, LANES):
                t = fma(_weights(V, p * H, lane, H), _weights(h, row * H, lane, H), t)
            y[row, p] = c[p] + total(t)
