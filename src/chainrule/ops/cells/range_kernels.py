"""The compiled form of ``networks.ties.Ranges``: what known cells leave to each tied column.

Each formula is that of ``table.ties``, in float64, to the bit.
"""

# pyright: reportArgumentType=false, reportAttributeAccessIssue=false
# pyright: reportIndexIssue=false, reportOperatorIssue=false
# numba types the functions below; they have no annotations.

from __future__ import annotations

import math

import numpy as np

from chainrule.ops.cells.range_records import (
    FIRST_END,
    FIRST_LEVEL,
    FIRST_TERM,
    KIND,
    LEAST,
    LEVELS,
    LINEAR,
    MOST,
    OFFSET,
    OPEN_ENDS,
    OWN,
    PRODUCT,
    QUOTIENT,
    SCALE,
    SLACK,
    TERMS,
    UNKNOWN,
)
from chainrule.ops.compiled.kernels import COUNT, SEATED, TAKEN, arguments_of, claim, kernel
from chainrule.ops.compiled.strips import loops

ROWS_OF_TASK = 256
_FAR = 2.0**39  # half of what stands for an infinite end

_arguments = arguments_of(
    "f8[:,::1], u1[:,::1], i8[:,::1], f8[:,::1], i8[::1], f8[:,::1], i8[::1], f8[:,::1], f8[::1], "
    "f8[:,::1]"
)


@loops
def _down(a, b):
    """The quotient of floats, b > 0, rounded downwards as numpy and torch round it."""
    if b == 1 and not math.isinf(a):  # the usual case, in which the remainder takes most time
        return np.floor(a)
    rest = np.fmod(a, b)
    found = (a - rest) / b
    if rest < 0:
        found -= 1.0
    if found == 0:
        return 0.0
    whole = np.floor(found)
    return whole + 1.0 if found - whole > 0.5 else whole


@loops
def _up(a, b):
    return -_down(-a, b)


@loops
def _end_of(column, tie, spec, end_columns):
    """The position of a column's ends; −1 if it has none."""
    first = spec[tie, FIRST_END]
    for i in range(first, first + spec[tie, OPEN_ENDS]):
        if end_columns[i] == column:
            return i
    return -1


@loops
def _linear(row, known, tie, spec, numbers, term_columns, terms, end_columns, ends, corner):
    """The ends of a weighted sum's range; bits of ``corner`` select the ends of unknown codes."""
    first, own, rest = spec[tie, FIRST_TERM], spec[tie, OWN], 0.0
    for i in range(first, first + spec[tie, TERMS]):
        column = term_columns[i]
        if i == own:
            continue
        if known[column]:
            code = row[column]
        else:
            code = ends[_end_of(column, tie, spec, end_columns), corner & 1]
            corner >>= 1
        rest += terms[i, SCALE] * code
    low, high, size = numbers[tie, LEAST], numbers[tie, MOST], terms[own, SCALE]
    if size < 0:
        low, high, rest, size = -high, -low, -rest, -size
    low = rest * 0 - math.inf if math.isinf(low) else _up(low - rest, size)
    high = rest * 0 + math.inf if math.isinf(high) else _down(high - rest, size)
    return low, high


@loops
def _product(row, tie, spec, numbers, term_columns, terms):
    """The ends of a factor's or of a product's range."""
    first, own, slack = spec[tie, FIRST_TERM], spec[tie, OWN], numbers[tie, SLACK]
    scale, offset = terms[own, SCALE], terms[own, OFFSET]
    a = row[term_columns[first]] * terms[first, SCALE] + terms[first, OFFSET]
    b = row[term_columns[first + 1]] * terms[first + 1, SCALE] + terms[first + 1, OFFSET]
    c = row[term_columns[first + 2]] * terms[first + 2, SCALE] + terms[first + 2, OFFSET]
    if own == first + 2:
        middle = a * b - offset
        return _up(middle - slack, scale), _down(middle + slack, scale)
    factor = b if own == first else a
    if factor == 0:
        return 1.0, 0.0
    if scale < 0:
        scale, offset, factor = -scale, -offset, -factor
    size, middle = (factor, c) if factor > 0 else (-factor, -c)
    low = _up(middle - slack - offset * size, size * scale)
    return low, _down(middle + slack - offset * size, size * scale)


@loops
def _quotient(row, tie, spec, numbers, term_columns, terms):
    """The ends of a dividend's, a divisor's or a quotient's range."""
    first, own, slack = spec[tie, FIRST_TERM], spec[tie, OWN], numbers[tie, SLACK]
    scale, offset = terms[own, SCALE], terms[own, OFFSET]
    a = row[term_columns[first]] * terms[first, SCALE] + terms[first, OFFSET]
    b = row[term_columns[first + 1]] * terms[first + 1, SCALE] + terms[first + 1, OFFSET]
    c = row[term_columns[first + 2]] * terms[first + 2, SCALE] + terms[first + 2, OFFSET]
    if own == first + 1:
        if (a < 0 and c >= slack) or (a > 0 and c <= -slack):
            low, high = _divisor(-a, c, slack, scale, -offset)
            return -high, -low
        return _divisor(a, c, slack, scale, offset)
    if b == 0:
        return 1.0, 0.0
    if own == first:
        middle, size = b * c, abs(b) * slack
        return _up(middle - size - offset, scale), _down(middle + size - offset, scale)
    if b < 0:
        a, b = -a, -b
    low = _up(a - b * (slack + offset), b * scale)
    return low, _down(a + b * (slack - offset), b * scale)


@loops
def _divisor(a, c, slack, scale, offset):
    """The codes of a divisor b > 0 with b · (c − slack) <= a <= b · (c + slack)."""
    low, high = _at_least(a, c + slack, scale, offset)
    other_low, other_high = _at_least(-a, slack - c, scale, offset)
    low = _larger(_larger(_up(a * 0 + 1 - offset, scale), low), other_low)
    return low, -_larger(-high, -other_high)


@loops
def _at_least(number, side, scale, offset):
    """The codes of a divisor b > 0 with number <= b · side."""
    if side == 0:
        return -math.inf, -math.inf if number > 0 else math.inf
    size = abs(side)
    if side < 0:
        return -math.inf, -_up(number + offset * size, size * scale)
    return _up(number - offset * size, size * scale), math.inf


@loops
def _larger(a, b):
    """The larger one; NaN if one of them is NaN."""
    return a if a > b or a != a else b


@loops
def _functional(row, tie, spec, term_columns, levels):
    """The one code that the source's leaves to the target."""
    first = spec[tie, FIRST_TERM]
    if spec[tie, OWN] == first:  # the target says nothing of the source
        return 1.0, 0.0
    code = row[term_columns[first]]
    if not (code >= 0 and code < spec[tie, LEVELS] and code == np.floor(code)):
        return 1.0, 0.0
    found = levels[spec[tie, FIRST_LEVEL] + int(code)]
    return (1.0, 0.0) if found == UNKNOWN else (found, found)


@loops
def _missing(row, known, tie, spec, term_columns, end_columns):
    """The number of other columns that are not known; −1 if the others say nothing."""
    first, count = spec[tie, FIRST_TERM], 0
    for i in range(first, first + spec[tie, TERMS]):
        column = term_columns[i]
        if i != spec[tie, OWN]:
            if known[column]:
                if row[column] != row[column]:  # NaN
                    return -1
            elif _end_of(column, tie, spec, end_columns) < 0:
                return -1
            else:
                count += 1
    return count


@loops
def _open(row, known, tie, spec, numbers, term_columns, terms, end_columns, ends, missing):
    """The range that a weighted sum leaves if unknown columns lie between their ends."""
    lowest, highest = math.inf, -math.inf
    for corner in range(1 << missing):
        low, high = _linear(
            row, known, tie, spec, numbers, term_columns, terms, end_columns, ends, corner
        )
        if not low <= high:
            return 1.0, 0.0
        lowest, highest = min(lowest, low), max(highest, high)
    if missing and lowest < -_FAR:
        lowest = -math.inf
    if missing and highest > _FAR:
        highest = math.inf
    return lowest, highest


@loops
def _range(row, known, tie, spec, numbers, term_columns, terms, end_columns, ends, levels):
    """The ends of one range; 1 and 0 if it is empty."""
    missing = _missing(row, known, tie, spec, term_columns, end_columns)
    kind, low, high = spec[tie, KIND], 1.0, 0.0
    if missing >= 0 and kind == LINEAR:
        low, high = _open(
            row, known, tie, spec, numbers, term_columns, terms, end_columns, ends, missing
        )
    elif missing == 0 and kind == PRODUCT:
        low, high = _product(row, tie, spec, numbers, term_columns, terms)
    elif missing == 0 and kind == QUOTIENT:
        low, high = _quotient(row, tie, spec, numbers, term_columns, terms)
    elif missing == 0:
        low, high = _functional(row, tie, spec, term_columns, levels)
    return (low + 0.0, high + 0.0) if low <= high else (1.0, 0.0)  # without −0


@loops
def _ranges(number, x, known, spec, numbers, term_columns, terms, end_columns, ends, levels, out):
    """The ends of all ranges of some rows."""
    start = number * ROWS_OF_TASK
    for n in range(start, min(start + ROWS_OF_TASK, len(x))):
        for tie in range(len(spec)):
            out[n, 2 * tie], out[n, 2 * tie + 1] = _range(
                x[n], known[n], tie, spec, numbers, term_columns, terms, end_columns, ends, levels
            )


@kernel
def ranges(words):
    """The tasks of ``_ranges``."""
    _, number = claim(words, SEATED), claim(words, TAKEN)
    while number < words[COUNT]:
        _ranges(number, *_arguments(words))
        number = claim(words, TAKEN)
