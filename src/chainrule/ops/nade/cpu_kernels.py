"""Compiled loops of NADE over float32 arrays, which ``cpu.py`` calls: forward, backward, sampling.

A strip is LANES consecutive hidden units as one value, which LLVM keeps in vector registers. So a
loop over hidden units reads like the formula, and no result depends on a compiler's vectorisation.
Every sum has one fixed sequence. It depends neither on the number of threads nor on the other rows.

This file has everything that decides the machine code, because numba's cache on disk looks at this
file alone. README.md has the derivation and the costs.
"""

# pyright: reportArgumentType=false, reportAttributeAccessIssue=false
# pyright: reportIndexIssue=false, reportOperatorIssue=false
# numba types the functions below; they have no annotations.

from __future__ import annotations

import operator
from functools import lru_cache
from typing import Any

import numpy as np
from llvmlite import ir
from numba import cfunc, config, njit, types
from numba.core import cgutils, extending, sigutils
from numba.core.extending import models, register_model, type_callable
from numba.core.registry import cpu_target
from numba.extending import lower_builtin
from numba.np import arrayobj

LANES = 64  # hidden units of a strip: four 512-bit or eight 256-bit registers
HALF = LANES // 2  # half a strip: the sums of eight rows then all stay in registers
ROWS = 4  # rows that go through the steps together, so that a row of V is loaded once for them

SIGMOID_ERROR = 3e-7  # bound of the relative error of ``_sigmoid`` within |t| <= 126

if config.DISABLE_JIT:
    raise ImportError("numba compiles nothing: NUMBA_DISABLE_JIT is set")

# The functions that it makes are called with other arguments than they are written with.
intrinsic: Any = extending.intrinsic

_FLOAT, _INT = ir.FloatType(), ir.IntType(32)
_STRIP, _INTS = ir.VectorType(_FLOAT, LANES), ir.VectorType(_INT, LANES)


# A strip as a type of numba, and its operations.


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


def _address(
    context: Any, builder: Any, array_type: Any, array: Any, offset: Any, lanes: int = LANES
) -> Any:
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [offset]), ir.VectorType(_FLOAT, lanes).as_pointer())


def _element(context: Any, builder: Any, array_type: Any, array: Any, offset: Any) -> Any:
    return builder.gep(context.make_array(array_type)(context, builder, array).data, [offset])


@intrinsic
def read(typingctx: Any, array: Any, offset: Any) -> Any:
    """The element at ``offset`` of a contiguous array of any shape, without index arithmetic."""

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
            return builder.load(
                _address(context, builder, signature.args[0], args[0], args[1], kind.lanes), align=4
            )

        return kind(array, types.intp), emit

    return intrinsic(load)


def _part_loader(kind: StripType) -> Any:
    def load_part(typingctx: Any, array: Any, offset: Any, count: Any) -> Any:
        """The first ``count`` lanes of a strip, zeros in the others; their memory is not read."""

        def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            address = _address(context, builder, signature.args[0], args[0], args[1], kind.lanes)
            value, mask = (
                ir.VectorType(_FLOAT, kind.lanes),
                ir.VectorType(ir.IntType(1), kind.lanes),
            )
            function = ir.FunctionType(value, [value.as_pointer(), _INT, mask, value])
            function = cgutils.get_or_insert_function(
                builder.module, function, f"llvm.masked.load.v{kind.lanes}f32.p0"
            )
            rest = ir.Constant(value, [ir.Constant(_FLOAT, 0.0)] * kind.lanes)
            return builder.call(
                function,
                [address, ir.Constant(_INT, 4), _first(builder, args[2], kind.lanes), rest],
            )

        return kind(array, types.intp, types.intp), emit

    return intrinsic(load_part)


@intrinsic
def prefetch(typingctx: Any, array: Any, offset: Any) -> Any:
    """Prefetches the cache line at ``offset``, which may lie beyond the array."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer, integer = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [pointer, integer, integer, integer])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        place = builder.bitcast(
            _element(context, builder, signature.args[0], args[0], args[1]), pointer
        )
        builder.call(function, [place, *(integer(n) for n in (0, 3, 1))])
        return context.get_dummy_value()

    return types.void(array, types.intp), emit


load, load_half = _loader(strip), _loader(half_strip)
load_part, load_half_part = _part_loader(strip), _part_loader(half_strip)


@intrinsic
def store(typingctx: Any, array: Any, offset: Any, value: Any) -> Any:
    """Writes a strip."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.store(
            args[2], _address(context, builder, signature.args[0], args[0], args[1]), align=4
        )
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
    return builder.shuffle_vector(
        one, nothing, ir.Constant(zeros, [ir.Constant(_INT, 0)] * kind.count)
    )


@intrinsic
def store_part(typingctx: Any, array: Any, offset: Any, value: Any, count: Any) -> Any:
    """Writes the first ``count`` lanes of a strip."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        address = _address(context, builder, signature.args[0], args[0], args[1])
        mask = ir.VectorType(ir.IntType(1), LANES)
        kind = ir.FunctionType(ir.VoidType(), [_STRIP, _STRIP.as_pointer(), _INT, mask])
        function = cgutils.get_or_insert_function(
            builder.module, kind, f"llvm.masked.store.v{LANES}f32.p0"
        )
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
    # A comparison with NaN is false, so NaN stays: broken weights must be visible, not clamped.
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
        return builder.select(
            builder.fcmp_ordered(">", args[0], _constant(0)), args[1], _constant(0)
        )

    return strip(strip, strip), emit


@intrinsic
def rectified(typingctx: Any, a: Any) -> Any:
    """max(a, 0), NaN where a is NaN."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _select(context, builder, "<", args[0], _constant(0))

    return strip(strip), emit


# Whether there is an instruction for a · 2^n. numba's settings decide, which may be less than the
# processor has.
SCALES = "+avx512f" in cpu_target.target_context.codegen().magic_tuple()[2]


@intrinsic
def times_power_of_two(typingctx: Any, a: Any, n: Any) -> Any:
    """a · 2^n for integers n; unless SCALES, a · 2^n and 2^n must be normal numbers."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        if not SCALES:
            shift = ir.Constant(_INTS, [ir.Constant(_INT, 23)] * LANES)
            exponent = builder.shl(builder.fptosi(args[1], _INTS), shift)
            return builder.bitcast(builder.add(builder.bitcast(args[0], _INTS), exponent), _STRIP)
        part, mask = ir.VectorType(_FLOAT, 16), ir.IntType(16)
        kind = ir.FunctionType(part, [part, part, part, mask, _INT])
        scale = cgutils.get_or_insert_function(
            builder.module, kind, "llvm.x86.avx512.mask.scalef.ps.512"
        )
        rest = (
            ir.Constant(part, ir.Undefined),
            ir.Constant(mask, -1),
            ir.Constant(_INT, 4),
        )  # 4: default rounding
        parts = []
        for start in range(0, LANES, 16):
            lanes = ir.Constant(
                ir.VectorType(_INT, 16), [ir.Constant(_INT, start + k) for k in range(16)]
            )
            parts.append(
                builder.call(scale, [*(builder.shuffle_vector(v, v, lanes) for v in args), *rest])
            )
        while len(parts) > 1:
            width = 2 * parts[0].type.count
            lanes = ir.Constant(
                ir.VectorType(_INT, width), [ir.Constant(_INT, k) for k in range(width)]
            )
            parts = [
                builder.shuffle_vector(v, w, lanes)
                for v, w in zip(parts[::2], parts[1::2], strict=True)
            ]
        return parts[0]

    return strip(strip, strip), emit


@intrinsic
def power_of_two(typingctx: Any, a: Any) -> Any:
    """(n, m) with a = 2^n m and m within [√½, √2), for normal a > 0."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        shift, root = (ir.Constant(_INTS, [ir.Constant(_INT, k)] * LANES) for k in (23, 0x3F3504F3))
        bits = builder.bitcast(args[0], _INTS)
        n = builder.ashr(builder.sub(bits, root), shift)
        m = builder.bitcast(builder.sub(bits, builder.shl(n, shift)), _STRIP)
        return context.make_tuple(builder, signature.return_type, [builder.sitofp(n, _STRIP), m])

    return types.UniTuple(strip, 2)(strip), emit


@intrinsic
def nonzero(typingctx: Any, a: Any) -> Any:
    """64 bits: bit k is set where lane k is not zero, or is NaN."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(
            builder.fcmp_unordered("!=", args[0], _constant(0)), ir.IntType(LANES)
        )

    return types.uint64(strip), emit


@intrinsic
def lowest(typingctx: Any, bits: Any) -> Any:
    """The number of the lowest bit that is set; the bits are not all zero."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.uint64), emit


def _halved(builder: Any, a: Any, b: Any, width: int, groups: int) -> Any:
    """Each group of ``width`` lanes added in halves: the groups of a, then those of b."""
    low = [g * width + k for g in range(groups) for k in range(width // 2)]
    indices = low + [groups * width + k for k in low] if b is not None else low
    other = b if b is not None else ir.Constant(a.type, ir.Undefined)

    def pick(by: int) -> Any:
        mask = ir.Constant(
            ir.VectorType(_INT, len(indices)), [ir.Constant(_INT, k + by) for k in indices]
        )
        return builder.shuffle_vector(a, other, mask)

    return builder.fadd(pick(0), pick(width // 2))


def _totals(builder: Any, strips: list[Any]) -> Any:
    """The sums of the lanes of some strips, as a short vector, all by the same tree of halves."""
    width = strips[0].type.count
    while width > 16:
        strips = [_halved(builder, s, None, width, 1) for s in strips]
        width //= 2
    groups = 1
    while len(strips) > 1:
        strips = [
            _halved(builder, a, b, width, groups)
            for a, b in zip(strips[::2], strips[1::2], strict=True)
        ]
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
    """The sums of four strips, each equal to ``total`` to the bit."""
    return types.UniTuple(types.float32, 4)(a, b, c, d), _emit_totals


@intrinsic
def totals8(typingctx: Any, a: Any, b: Any, c: Any, d: Any, e: Any, f: Any, g: Any, h: Any) -> Any:
    """The sums of eight strips, each equal to ``total`` to the bit."""
    return types.UniTuple(types.float32, 8)(a, b, c, d, e, f, g, h), _emit_totals


# _nrt: no reference counts. Counting the arrays of each inlined call would cost more than its
# arithmetic.
_OPTIONS: dict[str, Any] = {"error_model": "numpy", "_nrt": False}
_inline: Any = njit(forceinline=True, **_OPTIONS)
_loops: Any = njit(**_OPTIONS)


# Tasks. A kernel is a compiled function of one address, which points to the caller's words: the
# number of tasks taken, of threads taking part and of all tasks, then the arguments. Any number of
# threads may call it at once. Each takes tasks until none is left, and no Python runs meanwhile.

TAKEN, SEATED, COUNT, ARGUMENTS = range(4)
_WORDS = types.CPointer(types.int64)


@intrinsic
def claim(typingctx: Any, words: Any, index: Any) -> Any:
    """words[index]++ as one atomic operation: no two threads get the same number."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        one = ir.Constant(ir.IntType(64), 1)
        return builder.atomic_rmw("add", builder.gep(args[0], [args[1]]), one, "monotonic")

    return types.int64(words, types.intp), emit


def _arguments(kinds: str) -> Any:
    """A function that makes a kernel's arguments from its words.

    An array has its address and shape there, a float64 its bits.
    """
    wanted = sigutils.normalize_signature(f"void({kinds})")[0]

    def arguments(typingctx: Any, words: Any) -> Any:
        def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            place, found = ARGUMENTS, []

            def word() -> Any:
                nonlocal place
                place += 1
                return builder.load(builder.gep(args[0], [ir.Constant(ir.IntType(64), place - 1)]))

            for kind in wanted:
                if kind == types.float64:
                    found.append(builder.bitcast(word(), ir.DoubleType()))
                    continue
                if not isinstance(kind, types.Array):
                    found.append(context.cast(builder, word(), types.int64, kind))
                    continue
                array = context.make_array(kind)(context, builder)
                data = builder.inttoptr(word(), context.get_data_type(kind.dtype).as_pointer())
                size = context.get_constant(
                    types.intp, context.get_abi_sizeof(context.get_data_type(kind.dtype))
                )
                shape, strides = [word() for _ in range(kind.ndim)], [size]
                for length in reversed(shape[1:]):
                    strides.insert(0, builder.mul(strides[0], length))
                arrayobj.populate_array(array, data, shape, strides, size, meminfo=None)
                found.append(array._getvalue())
            return context.make_tuple(builder, signature.return_type, found)

        return types.Tuple(wanted)(words), emit

    return intrinsic(arguments)


def _kernel(function: Any) -> Any:
    """A function that compiles the kernel on its first call, and caches it on disk if possible."""

    @lru_cache(maxsize=1)
    def compiled() -> Any:
        try:
            return cfunc(types.void(_WORDS), cache=True, **_OPTIONS)(function)
        except (RuntimeError, OSError):  # no folder, or no space: every process compiles
            return cfunc(types.void(_WORDS), **_OPTIONS)(function)

    return compiled


_MAGIC = np.float32(1.5 * 2**23)  # adding and subtracting it rounds to an integer
_LN_2 = np.float32(0.6931471805599453)
# 2^f = 1 + f (P0 + …) within 9.2e-8 for |f| <= ½: minimax relative error, by linear programming
_P = tuple(
    np.float32(p) for p in (0.693146978, 0.240222421, 0.0555073377, 0.0096715129, 0.00132647221)
)
_ONE, _HALF, _ZERO = np.float32(1), np.float32(0.5), np.float32(0)
_MOST = np.float32(126)  # 2^126 and its inverse are normal float32 numbers

# Sums are kept in the unit that makes their activation cheapest. For the sigmoid this is
# t = −a log2 e, so that e^−a = 2^t.
_SIGMOID_UNIT = np.float32(-1.4426950408889634)


@_inline
def _unit(relu):
    return _ONE if relu else _SIGMOID_UNIT


@_inline
def _sigmoid(t):
    """1 / (1 + 2^t)."""
    if not SCALES:
        t = clamp(t, -_MOST, _MOST)
    n = t + spread(_MAGIC) - spread(_MAGIC)
    f = t - n
    p = fma(f, spread(_P[4]), spread(_P[3]))
    p = fma(f, p, spread(_P[2]))
    p = fma(f, p, spread(_P[1]))
    p = fma(f, p, spread(_P[0]))
    return spread(_ONE) / (spread(_ONE) + times_power_of_two(fma(f, p, spread(_ONE)), n))


# log(1 + f) = f − f²/2 + f³ (Q0 + …) within 3.2e-8 for √½ <= 1 + f <= √2, by the same method
_Q = tuple(
    np.float32(q)
    for q in (
        0.333339107,
        -0.25001337,
        0.19963064,
        -0.165775845,
        0.149147655,
        -0.142674892,
        0.0870044651,
    )
)


@_inline
def _logarithm(a):
    n, m = power_of_two(a)
    f = m - spread(_ONE)
    q = fma(f, spread(_Q[6]), spread(_Q[5]))
    q = fma(f, q, spread(_Q[4]))
    q = fma(f, q, spread(_Q[3]))
    q = fma(f, q, spread(_Q[2]))
    q = fma(f, q, spread(_Q[1]))
    q = fma(f, q, spread(_Q[0]))
    return fma(n, spread(_LN_2), fma(f * f, fma(f, q, spread(-_HALF)), f))


@_inline
def _activated(s, relu):
    """The hidden units, given their sums in this unit."""
    if relu:
        return rectified(s)
    return _sigmoid(s)


# The loops. Arrays are contiguous float32. ``in_start`` and ``out_start`` (D + 1,) have the start
# of each step's inputs and outputs. Buffers of hidden units are padded to whole strips; a weight
# beyond H reads as zero.


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
    """a = b + the first step's inputs times W, in the unit of the sums; h = act(a)."""
    unit = _unit(relu)
    for lane in range(0, H, LANES):
        s = _weights(b, 0, lane, H) * spread(unit)
        for i in range(inputs):
            if x[row, i] != 0:
                s = fma(spread(x[row, i] * unit), _weights(W, i * H, lane, H), s)
        store(a, at + lane, s)
        store(h, at + lane, _activated(s, relu))


@_inline
def _add(x, W, row, start, stop, relu, a, h, at, H):
    """Adds a step's inputs to a and renews h."""
    inputs, unit = x.shape[1], _unit(relu)
    if stop == start + 1:
        value = spread(read(x, row * inputs + start) * unit)
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
                s = fma(spread(value * unit), _weights(W, i * H, lane, H), s)
        store(a, at + lane, s)
        store(h, at + lane, _activated(s, relu))


@_inline
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


@_inline
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


@_inline
def _mark(x, row, rows, start, stop, step_of, s0, active):
    """Sets bit r of active[k − s0] if row + r has a non-zero input at step k in start … stop."""
    inputs = x.shape[1]
    for r in range(rows):
        for i in range(start, stop, LANES):
            bits = nonzero(_weights(x, (row + r) * inputs, i, stop))
            while bits != 0:
                place = read(step_of, i + lowest(bits)) - s0
                write(active, place, np.uint8(read(active, place) | 1 << r))
                bits &= bits - np.uint64(1)


@_inline
def _first_outputs(first_hidden, V, c, outputs, h, out, H):
    """out[p] = c_p + V_p · first_hidden for the first step's outputs; h is a buffer."""
    for lane in range(0, H, LANES):
        store(h, lane, _weights(first_hidden, 0, lane, H))
    for p in range(outputs):
        write(out, p, read(c, p) + _dot_half(V, p, h, 0, H))


@_inline
def _pack(V, start, stop, H, packed, pitch):
    """Rows start … stop of the output weights, in whole strips."""
    for p in range(start, stop):
        for lane in range(0, H, LANES):
            store(packed, (p - start) * pitch + lane, _weights(V, p * H, lane, H))


_forward_arguments = _arguments(
    "f4[:,::1], f4[:,::1], f4[::1], f4[::1], f4[:,::1], f4[::1], i8[::1], i8[::1], i8[::1], i8[::1], b1, f4[:,::1], "
    "f4[:,:,::1], f4[:,:,::1], f4[:,:,::1], f4[:,::1], u1[:,::1]"
)


@_loops
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


@_kernel
def forward(words):
    """The tasks of ``_forward``."""
    seat, number = claim(words, SEATED), claim(words, TAKEN)
    while number < words[COUNT]:
        _forward(number, seat, *_forward_arguments(words))
        number = claim(words, TAKEN)


_prepare_arguments = _arguments(
    "f4[:,::1], f4[:,::1], i8[::1], b1, i4[:,::1], i4[::1], f4[:,::1], i8"
)


@_loops
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
            total = _weights(dy, row * P, p, P)
            for r in range(row + 1, row + rows):
                total = total + _weights(dy, r * P, p, P)
            _put(sums, g * P, p, P, total)
        for r in range(row, row + rows):
            at, count = r * inputs, 0
            for i in range(0, used, LANES):
                bits = nonzero(_weights(x, at, i, used))
                if every:
                    bits = ~np.uint64(0) >> np.uint64(LANES - min(LANES, used - i))
                while bits != 0:
                    write(slots, at + count, np.int32(i + lowest(bits)))
                    count += 1
                    bits &= bits - np.uint64(1)
            counts[r] = count


@_kernel
def prepare(words):
    """The tasks of ``_prepare``."""
    number = claim(words, TAKEN)
    while number < words[COUNT]:
        _prepare(number, *_prepare_arguments(words))
        number = claim(words, TAKEN)


@_inline
def _passed_on(gradient, h, da, relu):
    """da plus the gradient of h times the slope of the activation, given h."""
    if relu:
        return da + where_positive(h, gradient)
    return fma(gradient * h, spread(_ONE) - h, da)


@_inline
def _step_before(step_of, slots, at, e):
    """The step of the row's event before the e-th, or −1."""
    if e > 0:
        return np.int64(read(step_of, read(slots, at + e - 1)))
    return np.int64(-1)


@_inline
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


@_inline
def _gather(x, at, i, da, W, dW, dx, share, need_x):
    """Gradients of input i and of its weights, given da, the gradient of sums that include it."""
    store(dW, i * LANES, fma(spread(read(x, at + i)), da, load(dW, i * LANES)))
    if need_x:
        write(dx, share + at + i, total(load(W, i * LANES) * da))


@_inline
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


_backward_arguments = _arguments(
    "f4[:,::1], f4[:,::1], f4[::1], f4[:,::1], i8[::1], i8[::1], i8[::1], i8[::1], i4[:,::1], i4[::1], f4[:,::1], "
    "b1, b1, f4[:,:,::1], f4[:,:,::1], f4[:,::1], f4[:,:,::1], i8, i8, f4[:,:,::1], f4[:,:,::1], f4[:,:,::1], f4[:,:,::1], "
    "f4[:,:,:,::1], f4[:,:,:,::1], f4[:,:,:,::1], i8[:,::1]"
)


@_loops
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
            store(Ws, i * LANES, _weights(W, i * H, lane, H))
            store(dWs, i * LANES, spread(_ZERO))
        for p in range(out_start[1], P):
            store(Vs, p * LANES, _weights(V, p * H, lane, H))
            store(dVs, p * LANES, spread(_ZERO))
        bias, dbias = _weights(b, 0, lane, H) * spread(unit), spread(_ZERO)
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
                store(carried, SA + r * LANES, spread(_ZERO))
                store(carried, SH + r * LANES, spread(_ZERO))
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
            _put(dW, i * H, lane, H, load(dWs, i * LANES))
        for p in range(out_start[1], P):
            _put(dV, p * H, lane, H, load(dVs, p * LANES))
        _put(db, 0, lane, H, dbias)


@_kernel
def backward(words):
    """The tasks of ``_backward``."""
    seat, number = claim(words, SEATED), claim(words, TAKEN)
    while number < words[COUNT]:
        _backward(number, seat, *_backward_arguments(words))
        number = claim(words, TAKEN)


_sample_arguments = _arguments(
    "f8[:,::1], f4[:,::1], f4[::1], f4[::1], f4[:,::1], f4[::1], u1[:,::1], f8, b1, f4[:,::1], "
    "f4[:,:,::1], f4[:,:,::1], f4[:,:,::1], f4[:,:,::1], f4[:,::1]"
)


@_loops
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
                stop, drawn, r = k + ahead, _ZERO, 0
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


@_inline
def _thresholds(uniforms, row, start, stop, temperature, out, at):
    """The logits above which the cells start … stop of a row are 1: y > t · log(u / (1 − u)).

    That is u < σ(y / t). Logarithms of a block together cost less than one exponential after
    another. A uniform of 0 counts as 1e-37.
    """
    for k in range(start, stop):
        u = max(read(uniforms, row * uniforms.shape[1] + k), 1e-37)
        write(out, at + k - start, np.float32(u / (1.0 - u)))
    for lane in range(at, at + stop - start, LANES):
        store(out, lane, _logarithm(load(out, lane)) * spread(np.float32(temperature)))


@_inline
def _draw(thresholds, place, observed, x, at, logit):
    if len(observed) == 0 or read(observed, at) == 0:
        write(x, at, np.float32(logit > read(thresholds, place)))
    return read(x, at)


@_kernel
def sample(words):
    """The tasks of ``_sample``."""
    seat, number = claim(words, SEATED), claim(words, TAKEN)
    while number < words[COUNT]:
        _sample(number, seat, *_sample_arguments(words))
        number = claim(words, TAKEN)


_advance_arguments = _arguments(
    "f4[:,::1], f4[:,::1], f4[:,::1], f4[:,::1], f4[:,::1], f4[::1], b1, f4[:,::1], i8"
)


@_loops
def _advance(number, a, h, x, W, V, c, relu, y, size):
    """One step for ``size`` rows: a += x W, a new h for rows with a non-zero x, y = c + V h."""
    H = W.shape[1]
    for row in range(number * size, min(len(x), (number + 1) * size)):
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
                _put(h, row * H, lane, H, _activated(s * spread(_unit(relu)), relu))
        for p in range(len(V)):
            t = spread(_ZERO)
            for lane in range(0, H, LANES):
                t = fma(_weights(V, p * H, lane, H), _weights(h, row * H, lane, H), t)
            y[row, p] = c[p] + total(t)


@_kernel
def advance(words):
    """The tasks of ``_advance``."""
    number = claim(words, TAKEN)
    while number < words[COUNT]:
        _advance(number, *_advance_arguments(words))
        number = claim(words, TAKEN)
