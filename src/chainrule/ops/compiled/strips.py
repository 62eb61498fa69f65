"""Strips: LANES floats in vector registers, as a type of numba with its arithmetic.

A loop over strips reads like the formula, and no result depends on a compiler's vectorisation.
``kernels.py`` hashes this file into the names of cached machine code.
"""

# pyright: reportArgumentType=false, reportAttributeAccessIssue=false
# pyright: reportIndexIssue=false, reportOperatorIssue=false
# numba types the functions below; they have no annotations.

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from llvmlite import ir
from numba import config, njit, types
from numba.core import cgutils, extending
from numba.core.extending import models, register_model, type_callable
from numba.core.registry import cpu_target
from numba.extending import lower_builtin

LANES = 64  # floats of a strip: four 512-bit or eight 256-bit registers
HALF = LANES // 2  # half a strip: the sums of eight rows then all stay in registers

SIGMOID_ERROR = 3e-7  # bound of the relative error of ``sigmoid`` within |t| <= 126

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


def _comparison(sign: str) -> Any:
    def where(typingctx: Any, a: Any, b: Any, yes: Any, no: Any) -> Any:
        def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return builder.select(builder.fcmp_ordered(sign, args[0], args[1]), args[2], args[3])

        return strip(strip, strip, strip, strip), emit

    where.__doc__ = f"``yes`` where a {sign} b, ``no`` elsewhere and where a or b is NaN."
    return intrinsic(where)


where_less, where_equal = _comparison("<"), _comparison("==")


def _of_each(name: str, meaning: str) -> Any:
    def of_each(typingctx: Any, a: Any) -> Any:
        def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            kind, full = ir.FunctionType(_STRIP, [_STRIP]), f"llvm.{name}.v{LANES}f32"
            return builder.call(cgutils.get_or_insert_function(builder.module, kind, full), args)

        return strip(strip), emit

    of_each.__doc__ = meaning
    return intrinsic(of_each)


absolute = _of_each("fabs", "|a|.")
nearest = _of_each("rint", "The nearest integers; halves go to the even one.")


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
OPTIONS: dict[str, Any] = {"error_model": "numpy", "_nrt": False}
inline: Any = njit(forceinline=True, **OPTIONS)
loops: Any = njit(**OPTIONS)


MAGIC = np.float32(1.5 * 2**23)  # adding and subtracting it rounds to an integer
LN_2 = np.float32(0.6931471805599453)
# 2^f = 1 + f (P0 + …) within 9.2e-8 for |f| <= ½: minimax relative error, by linear programming
P_EXP = tuple(
    np.float32(p) for p in (0.693146978, 0.240222421, 0.0555073377, 0.0096715129, 0.00132647221)
)
ONE, ONE_HALF, ZERO = np.float32(1), np.float32(0.5), np.float32(0)
MOST = np.float32(126)  # 2^126 and its inverse are normal float32 numbers


LEAST_EXPONENT = np.float32(-150)  # e^-150 is 0 in float32
LOG2_E = tuple(np.float32(part) for part in (1.44269502, 1.92596299e-08))  # log2 e in two parts


@inline
def exponential(x):
    """e^x within 2e-7 of its value for x >= -87; at most e^-87 below, also for −inf."""
    if SCALES:
        x = where_less(x, spread(LEAST_EXPONENT), spread(LEAST_EXPONENT), x)  # NaN stays
    else:
        x = clamp(x, np.float32(-87), np.float32(87))
    n = fma(x, spread(LOG2_E[0]), spread(MAGIC)) - spread(MAGIC)
    f = fma(x, spread(LOG2_E[1]), fma(x, spread(LOG2_E[0]), spread(ZERO) - n))
    p = fma(f, spread(P_EXP[4]), spread(P_EXP[3]))
    p = fma(f, p, spread(P_EXP[2]))
    p = fma(f, p, spread(P_EXP[1]))
    p = fma(f, p, spread(P_EXP[0]))
    return times_power_of_two(fma(f, p, spread(ONE)), n)


@inline
def sigmoid(t):
    """1 / (1 + 2^t)."""
    if not SCALES:
        t = clamp(t, -MOST, MOST)
    n = t + spread(MAGIC) - spread(MAGIC)
    f = t - n
    p = fma(f, spread(P_EXP[4]), spread(P_EXP[3]))
    p = fma(f, p, spread(P_EXP[2]))
    p = fma(f, p, spread(P_EXP[1]))
    p = fma(f, p, spread(P_EXP[0]))
    return spread(ONE) / (spread(ONE) + times_power_of_two(fma(f, p, spread(ONE)), n))


# log(1 + f) = f − f²/2 + f³ (Q0 + …) within 3.2e-8 for √½ <= 1 + f <= √2, by the same method
Q_LOG = tuple(
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


@inline
def logarithm(a):
    """log a, for normal a > 0."""
    n, m = power_of_two(a)
    f = m - spread(ONE)
    q = fma(f, spread(Q_LOG[6]), spread(Q_LOG[5]))
    q = fma(f, q, spread(Q_LOG[4]))
    q = fma(f, q, spread(Q_LOG[3]))
    q = fma(f, q, spread(Q_LOG[2]))
    q = fma(f, q, spread(Q_LOG[1]))
    q = fma(f, q, spread(Q_LOG[0]))
    return fma(n, spread(LN_2), fma(f * f, fma(f, q, spread(-ONE_HALF)), f))


@inline
def log_one_plus(e):
    """log(1 + e) for e within [0, 1], accurate for small e."""
    u = spread(ONE) + e
    return logarithm(u) + (e - (u - spread(ONE))) / u


@inline
def larger(a, b):
    """The larger of a and b; b where either is NaN."""
    return where_less(b, a, a, b)


@inline
def smaller(a, b):
    """The smaller of a and b; b where either is NaN."""
    return where_less(a, b, a, b)


@inline
def load_to(array, at, lane, size):
    """The strip at ``at + lane`` of a vector of ``size`` floats at ``at``; zeros beyond its end."""
    if size - lane >= LANES:
        return load(array, at + lane)
    return load_part(array, at + lane, size - lane)


@inline
def store_to(array, at, lane, size, value):
    """Writes the strip at ``at + lane`` of such a vector, up to its end."""
    if size - lane >= LANES:
        store(array, at + lane, value)
    else:
        store_part(array, at + lane, value, size - lane)
