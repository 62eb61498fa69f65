"""Exact integers of any size: their values, differences and types, which float64 would round."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

LARGEST_EXACT = 2**53  # float64 does not represent every larger integer
MOST_BITS = 1023  # larger integers overflow float64; they are labels, not numbers
_WHOLE = re.compile(r"[+-]?[0-9]+")
_TYPE = re.compile(r"(u?)int(8|16|32|64|128)\b")


def is_large(numbers: np.ndarray) -> bool:
    """Whether any of the numbers (N,), NaN if unknown, is too large for exact integers in
    float64."""
    with np.errstate(invalid="ignore"):
        return bool((np.abs(numbers) >= LARGEST_EXACT).any())


def integers_of(values: np.ndarray) -> np.ndarray | None:
    """The known values as exact integers; None if one is not an integer.

    The result is int64 if it holds them, else objects. Integers, and text or decimals that are
    integers, are exact at any size. Floats from 2^53 on are not exact integers.

    >>> integers_of(np.array([2**70, -1], dtype=object))
    array([1180591620717411303424, -1], dtype=object)
    """
    if values.dtype.kind in "iub":
        return _smallest(values)
    found = [integer_of(value) for value in values.tolist()]
    return None if any(value is None for value in found) else whole_array(found)


def integer_of(value: Any) -> int | None:
    """The exact integer of a known value; None if it is not one."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return int(value) if abs(value) < LARGEST_EXACT and value.is_integer() else None
    if isinstance(value, str):
        word = value.strip()
        if _WHOLE.fullmatch(word) and len(word) <= MOST_BITS // 3:
            return int(word)
        try:
            return integer_of(float(word))
        except ValueError:
            return None
    if type(value).__name__ == "Decimal":
        return int(value) if value.is_finite() and value == value.to_integral_value() else None
    return None


def whole_array(integers: Sequence[Any]) -> np.ndarray:
    """Integers as an array (N,): int64 or uint64 if all fit, else objects; never floats.

    >>> whole_array([2**63, 1]).dtype, whole_array([2**63, -1]).dtype
    (dtype('uint64'), dtype('O'))
    """
    least, most = min(integers, default=0), max(integers, default=0)
    for dtype in (np.int64, np.uint64):
        info = np.iinfo(dtype)
        if info.min <= least and most <= info.max:
            return np.array(integers, dtype=dtype)
    found = np.empty(len(integers), dtype=object)
    found[:] = integers
    return found


def differences(values: np.ndarray, numbers: np.ndarray, origin: float) -> np.ndarray:
    """value − origin, (N,) float64, NaN if unknown; the only rounding is of the result.

    Differences are computed in integers wherever float64 would lose one.

    Args:
        values: the cells.
        numbers: the same as float64, NaN if unknown.
        origin: the subtrahend, a float or an integer of any size.
    """
    whole = int(origin)
    if not (is_large(numbers) or abs(whole) >= LARGEST_EXACT):
        return numbers - origin
    rest = float(origin - whole)  # a float from 2^53 on has no fraction
    if values.dtype.kind == "i":
        least, most = int(values.min(initial=0)), int(values.max(initial=0))
        if max(abs(least - whole), abs(most - whole), abs(whole)) < 2**63:
            return (values.astype(np.int64) - whole).astype(np.float64) - rest
    if values.dtype.kind == "f" and abs(whole) < LARGEST_EXACT:
        return numbers - origin
    found = np.full(len(values), np.nan)
    for row in np.flatnonzero(~np.isnan(numbers)).tolist():
        number = float(numbers[row])
        integer = integer_of(values[row])
        if integer is None and number.is_integer():
            integer = int(number)
        found[row] = (
            number - float(origin) if integer is None else _as_float(integer - whole) - rest
        )
    return found


def counted(
    values: np.ndarray, numbers: np.ndarray, origin: float, step: float
) -> tuple[np.ndarray, np.ndarray]:
    """The rounded number of steps from the origin to each value, (N,) float64.

    Also marks values between steps.

    Args:
        values: the cells.
        numbers: the same as float64, NaN if unknown.
        origin, step: whole numbers, as floats or as integers of any size.
    """
    since = differences(values, numbers, origin)
    if not (is_large(numbers) or is_large(np.array([origin, step], dtype=np.float64))):
        codes = np.round(since / step)
        return codes, (codes * step != since) & ~np.isnan(since)
    codes, between = np.round(since / float(step)), np.zeros(len(since), dtype=bool)
    for row in np.flatnonzero(~np.isnan(since)).tolist():
        integer = integer_of(values[row])
        if integer is None and float(numbers[row]).is_integer():
            integer = int(numbers[row])
        if integer is None:
            between[row] = True
        elif step != 1:
            steps, rest = divmod(integer - int(origin), int(step))
            codes[row], between[row] = _as_float(steps + (2 * rest > step)), rest != 0
    return codes, between


def on_line(origin: float, step: float, codes: np.ndarray) -> np.ndarray:
    """The integers origin + code · step, (N,), for codes (N,) that are rounded first.

    The result is int64, uint64 or objects, and never overflows.
    """
    codes = np.round(np.nan_to_num(codes, posinf=1e300, neginf=-1e300))
    reach = abs(float(origin)) + float(np.abs(codes).max(initial=0.0)) * float(step)
    if reach < LARGEST_EXACT:
        return (float(origin) + codes * float(step)).astype(np.int64)
    if reach < 2**62:
        return int(origin) + codes.astype(np.int64) * int(step)
    return whole_array([int(origin) + int(code) * int(step) for code in codes.tolist()])


def within(integers: np.ndarray, dtype: str) -> np.ndarray:
    """Integers (N,) clipped to the range of an integer type; unchanged for other types.

    Those of an unsigned 64-bit type become uint64.
    """
    bounds = type_range(dtype)
    if bounds is None or not len(integers):
        return integers
    if int(integers.min()) < bounds[0] or int(integers.max()) > bounds[1]:
        integers = whole_array(
            [min(max(value, bounds[0]), bounds[1]) for value in integers.tolist()]
        )
    return integers.astype(np.uint64) if bounds == (0, 2**64 - 1) else integers


def type_range(dtype: str) -> tuple[int, int] | None:
    """The smallest and largest integer of a type, by its name in any container.

    None for other types.

    >>> type_range("UInt8"), type_range("int16[pyarrow]"), type_range("float64")
    ((0, 255), (-32768, 32767), None)
    """
    found = _TYPE.match(dtype.lower())
    if found is None:
        return None
    bits = int(found[2])
    return (0, 2**bits - 1) if found[1] else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def _as_float(integer: int) -> float:
    try:
        return float(integer)
    except OverflowError:
        return np.inf if integer > 0 else -np.inf


def _smallest(values: np.ndarray) -> np.ndarray:
    if values.dtype.kind != "u" or not len(values) or int(values.max()) < 2**63:
        return values.astype(np.int64)
    return values.astype(object)
