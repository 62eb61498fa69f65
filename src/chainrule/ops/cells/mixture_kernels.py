"""Masses of mixtures between edges, and their densities, in float64.

The arithmetic is additions, multiplications, divisions and ``fma``. Each is rounded as IEEE 754
says, so a result depends on no other row, whatever the compiler makes of the loop.
"""

# pyright: reportArgumentType=false, reportAttributeAccessIssue=false
# pyright: reportIndexIssue=false, reportOperatorIssue=false
# numba types the functions below; they have no annotations.

from __future__ import annotations

import math
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils

from chainrule.ops.compiled.kernels import COUNT, SEATED, TAKEN, arguments_of, claim, kernel
from chainrule.ops.compiled.strips import inline, intrinsic, loops, read, write

ROWS_OF_TASK = 64

_MAGIC = 1.5 * 2**52  # adding and subtracting it rounds to an integer
_MOST = 708.0  # e^708 and its inverse are normal float64 numbers
_LOG2_E = 1 / math.log(2)
# log 2 in two parts; n times the first is exact for |n| <= 1,024
_LN_2 = 0.693147180369123816490, 1.90821492927058770002e-10
# e^r − 1 = r + r²/2! + …; the rest is below 1e-17 r for |r| <= ½ log 2
_TAYLOR = tuple(1 / math.factorial(power) for power in range(14))

# Densities of unit scale; each is symmetric around 0.
GAUSSIAN, LOGISTIC, LAPLACE = range(3)
_GAUSSIAN_PEAK = 1 / math.sqrt(2 * math.pi)

_of_masses = arguments_of("f8[:,::1], " * 7 + "f8[:,::1]")
_of_densities = arguments_of("f8[:,::1], " * 4 + "i8, f8[:,::1]")


@intrinsic
def _fma(typingctx: Any, a: Any, b: Any, c: Any) -> Any:
    """a·b + c, rounded once."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = ir.FunctionType(args[0].type, [args[0].type] * 3)
        return builder.call(
            cgutils.get_or_insert_function(builder.module, kind, "llvm.fma.f64"), args
        )

    return types.float64(types.float64, types.float64, types.float64), emit


@intrinsic
def _two_to_the(typingctx: Any, shifted: Any) -> Any:
    """2^n of n + _MAGIC, whose lowest bits are those of the integer n; |n| <= 1,022."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        word = ir.IntType(64)
        exponent = builder.shl(builder.bitcast(args[0], word), ir.Constant(word, 52))
        one = ir.Constant(word, int(np.float64(1).view(np.int64)))
        return builder.bitcast(builder.add(exponent, one), ir.DoubleType())

    return types.float64(types.float64), emit


@inline
def _power(x):
    """(s, p) with e^x = s (1 + p), s a power of two, for x within ±_MOST; NaN stays."""
    x = x if x < _MOST else (_MOST if x >= _MOST else x)
    x = x if x > -_MOST else (-_MOST if x <= -_MOST else x)
    shifted = _fma(x, _LOG2_E, _MAGIC)
    n = shifted - _MAGIC
    r = _fma(n, -_LN_2[1], _fma(n, -_LN_2[0], x))
    p = _fma(r, _TAYLOR[13], _TAYLOR[12])
    p = _fma(r, p, _TAYLOR[11])
    p = _fma(r, p, _TAYLOR[10])
    p = _fma(r, p, _TAYLOR[9])
    p = _fma(r, p, _TAYLOR[8])
    p = _fma(r, p, _TAYLOR[7])
    p = _fma(r, p, _TAYLOR[6])
    p = _fma(r, p, _TAYLOR[5])
    p = _fma(r, p, _TAYLOR[4])
    p = _fma(r, p, _TAYLOR[3])
    p = _fma(r, p, _TAYLOR[2])
    return _two_to_the(shifted), _fma(r * r, p, r)


@inline
def _set_shares(shares, width, weight, rate, at, component, count):
    """Writes w (1 − e^(a − b)) of one component, for ``count`` rows, from the widths b − a."""
    for n in range(count):
        s, p = _power(-read(width, at + n) * read(rate, component + n))
        write(shares, component + n, read(weight, component + n) * ((1.0 - s) - s * p))


@inline
def _add_masses(sums, shares, upper, lower, location, rate, at, component, count):
    """Adds w (F(b) − F(a)) of one component to ``count`` rows.

    It is w (1 − e^(a − b)) σ(b) σ(−a), whose factors neither cancel nor overflow.
    """
    for n in range(count):
        by, mu = read(rate, component + n), read(location, component + n)
        s, p = _power((mu - read(upper, at + n)) * by)
        above = 1.0 + _fma(s, p, s)
        s, p = _power((read(lower, at + n) - mu) * by)
        below = 1.0 + _fma(s, p, s)
        mass = read(shares, component + n) / (above * below)
        write(sums, at + n, read(sums, at + n) + mass)


@loops
def _logistic_masses(number, upper, lower, width, weight, location, rate, shares, sums):
    """ROWS_OF_TASK rows, in arrays whose rows are last."""
    (Q, N), K, start = sums.shape, len(weight), number * ROWS_OF_TASK
    count = min(ROWS_OF_TASK, N - start)
    for q in range(Q):
        at = q * N + start
        for n in range(count):
            write(sums, at + n, 0.0)
        for k in range(K):
            component = k * N + start
            if q < len(width):  # a single width is that of all values
                _set_shares(shares, width, weight, rate, at, component, count)
            _add_masses(sums, shares, upper, lower, location, rate, at, component, count)


@kernel
def logistic_masses(words):
    """The tasks of ``_logistic_masses``."""
    claim(words, SEATED)
    number = claim(words, TAKEN)
    while number < words[COUNT]:
        _logistic_masses(number, *_of_masses(words))
        number = claim(words, TAKEN)


@inline
def _add_densities(sums, values, weight, location, rate, kind, at, component, count):
    """Adds w f(z) of one component to ``count`` rows; a constant ``kind`` leaves one branch."""
    for n in range(count):
        z = (read(values, at + n) - read(location, component + n)) * read(rate, component + n)
        s, p = _power(-0.5 * z * z if kind == GAUSSIAN else -abs(z))
        e = _fma(s, p, s)
        density = read(weight, component + n) * e
        if kind == GAUSSIAN:
            density *= _GAUSSIAN_PEAK
        elif kind == LOGISTIC:
            density /= (1.0 + e) * (1.0 + e)
        else:
            density *= 0.5
        write(sums, at + n, read(sums, at + n) + density)


@loops
def _densities(number, values, weight, location, rate, kind, sums):
    """ROWS_OF_TASK rows, in arrays whose rows are last; weights are divided by the scales."""
    (Q, N), K, start = sums.shape, len(weight), number * ROWS_OF_TASK
    count = min(ROWS_OF_TASK, N - start)
    for q in range(Q):
        at = q * N + start
        for n in range(count):
            write(sums, at + n, 0.0)
        for k in range(K):
            component = k * N + start
            arrays = sums, values, weight, location, rate
            if kind == GAUSSIAN:
                _add_densities(*arrays, GAUSSIAN, at, component, count)
            elif kind == LOGISTIC:
                _add_densities(*arrays, LOGISTIC, at, component, count)
            else:
                _add_densities(*arrays, LAPLACE, at, component, count)


@kernel
def densities(words):
    """The tasks of ``_densities``."""
    claim(words, SEATED)
    number = claim(words, TAKEN)
    while number < words[COUNT]:
        _densities(number, *_of_densities(words))
        number = claim(words, TAKEN)
