"""Types of columns as a schema stores them, and conversion of values to such types.

Needs no container.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from itertools import pairwise
from typing import Any

import numpy as np

from chainrule.table.values.cells import is_observed, label_of, objects_of
from chainrule.table.values.json_values import Encoded, decoded, encoded, zone_called, zone_of

# The range of 64-bit nanoseconds since 1970, less a day; and of calendars in any zone.
NS_RANGE = np.datetime64("1677-09-22"), np.datetime64("2262-04-10")
ZONED_RANGE = np.datetime64("0001-01-02"), np.datetime64("9999-12-30")
LARGE = 2.0**62  # int64 may not hold larger floats
EXACT = Context(prec=200)  # digits; no decimal type has more


@dataclass(frozen=True)
class Type:
    """The type of a column.

    Attributes:
        dtype: its name in the container, without labels.
        cells: the common type of the known cells in a column of objects: "Decimal(2)" with two
            decimals, "Decimal", "date", "datetime", "Timestamp" (the latter two with an optional
            zone, "datetime[Europe/Berlin]"), "float", "str" or "".
        categories: labels named by the type, encoded, in its order.
    """

    dtype: str
    cells: str = ""
    categories: tuple[Encoded, ...] = ()


def encoded_labels(labels: Iterable[Any]) -> tuple[Encoded, ...]:
    """Labels as JSON holds them; labels of other types become text."""
    return tuple(_encoded_or_text(label) for label in labels)


def own_value(value: Encoded) -> Any:
    """Decodes a value; gives its text if its type needs pandas, which is not installed."""
    try:
        return decoded(value)
    except ImportError:
        return " ".join(str(part) for part in value[1:]) if isinstance(value, tuple) else value


def _encoded_or_text(value: Any) -> Encoded:
    try:
        return encoded(value)
    except TypeError:
        return str(value)


# The type of objects


def cells_word(values: np.ndarray) -> str:
    """The common type of all known cells (N,) in an array of objects, as in ``Type.cells``."""
    if values.dtype.kind != "O":
        return ""
    known = values[is_observed(values)]
    types = set(map(type, known))
    if not types:
        return ""
    if all(issubclass(kind, Decimal) for kind in types):
        exponents = {value.as_tuple().exponent for value in known}
        exponent = exponents.pop()
        is_shared = not exponents and isinstance(exponent, int) and exponent <= 0
        return f"Decimal({-exponent})" if is_shared else "Decimal"
    if all(issubclass(kind, datetime.datetime) for kind in types):
        word = "Timestamp" if all(hasattr(kind, "nanosecond") for kind in types) else "datetime"
        zones = {zone_of(value) for value in known}
        if None in zones:
            return word
        return f"{word}[{zones.pop() if len(zones) == 1 else 'UTC'}]"
    if types == {datetime.date}:
        return "date"
    if all(issubclass(kind, float) for kind in types):
        return "float"
    return "str" if all(issubclass(kind, str) for kind in types) else ""


def as_cells(values: np.ndarray, word: str) -> np.ndarray:
    """Values (N,) as objects of the type that ``cells_word`` names; None if masked or unknown."""
    plain, missing = unmasked(values)
    if word.startswith("Decimal"):
        found = as_decimals(plain, int(word[8:-1]) if "(" in word else None)
    elif word == "float":
        found = [float(value) for value in plain.tolist()]
    elif word == "str":
        found = list(map(str, plain.tolist()))
    elif plain.dtype.kind == "M":
        found = _as_times(plain, word)
    else:
        found = plain.tolist()
    return objects_of(
        [None if gone else value for value, gone in zip(found, missing.tolist(), strict=True)]
    )


def _as_times(values: np.ndarray, word: str) -> list[Any]:
    name, _, zone = word.partition("[")
    if name == "date":
        return values.astype("datetime64[D]").tolist()
    if name not in ("datetime", "Timestamp"):
        return [_plain_time(value) for value in values]
    values = np.clip(values, *ZONED_RANGE) if zone else values
    times = values.astype("datetime64[us]").tolist()
    if zone:
        timezone = zone_called(zone.rstrip("]"))
        times = [
            None if t is None else t.replace(tzinfo=datetime.UTC).astimezone(timezone)
            for t in times
        ]
    if name == "Timestamp":
        import pandas as pd

        times = [None if t is None else pd.Timestamp(t) for t in times]
    return times


def _plain_time(value: np.datetime64) -> Any:
    if np.datetime_data(value.dtype)[0] == "ns":
        value = value.astype("datetime64[us]")
    return value.item()


# Values converted to types of numbers


def unmasked(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The values (N,) without their mask, and a mask of those that are masked or unknown."""
    plain = np.ma.getdata(values)
    missing = ~is_observed(plain)
    return plain, missing | np.ma.getmaskarray(values) if isinstance(
        values, np.ma.MaskedArray
    ) else missing


def as_integers(values: np.ndarray, least: int, most: int) -> np.ndarray:
    """The nearest integers (N,), clipped to ``least`` and ``most``.

    If any value is unknown or large they are objects, with None if unknown.
    """
    plain, missing = unmasked(values)
    if not missing.any() and plain.dtype.kind in "biuf":
        whole = np.round(plain) if plain.dtype.kind == "f" else plain
        if (
            plain.dtype.kind == "b"
            or not len(whole)
            or (least <= int(whole.min()) and int(whole.max()) <= most)
        ):
            large = plain.dtype.kind == "f" and len(whole) and np.abs(whole).max() >= LARGE
            return whole if plain.dtype.kind in "iu" else _as_whole(whole, large=bool(large))
    return objects_of(
        [
            None
            if gone
            else min(max(value if isinstance(value, int) else round(value), least), most)
            for value, gone in zip(plain.tolist(), missing.tolist(), strict=True)
        ]
    )


def _as_whole(values: np.ndarray, *, large: bool) -> np.ndarray:
    return (
        objects_of([int(value) for value in values.tolist()]) if large else values.astype(np.int64)
    )


def as_decimals(
    values: np.ndarray, scale: int | None, precision: int | None = None
) -> list[Decimal | None]:
    """Values (N,) as decimals with ``scale`` places, None if unknown.

    A scale of None keeps all places.
    """
    plain, missing = unmasked(values)
    unit = None if scale is None else Decimal(1).scaleb(-scale)
    most = None if precision is None or unit is None else (Decimal(10) ** precision - 1) * unit
    found: list[Decimal | None] = []
    for value, gone in zip(plain.tolist(), missing.tolist(), strict=True):
        if gone:
            found.append(None)
            continue
        one = (
            value
            if isinstance(value, Decimal)
            else Decimal(repr(value) if isinstance(value, float) else int(value))
        )
        one = one if unit is None else one.quantize(unit, ROUND_HALF_EVEN, EXACT)
        found.append(one if most is None else min(max(one, -most), most))
    return found


def within(values: np.ndarray, dtype: np.dtype[Any]) -> np.ndarray:
    """Numbers (N,) clipped to the range of a float type; NaN stays."""
    most = float(np.finfo(dtype).max)
    return np.clip(values.astype(np.float64), -most, most)


def as_times(values: np.ndarray, unit: str, zoned: bool) -> np.ndarray:
    """Datetimes (N,), in microseconds or coarser, clipped to the range of a type of that unit."""
    ends = NS_RANGE if unit == "ns" else ZONED_RANGE
    return np.clip(values, *ends) if unit == "ns" or zoned else values


def known_values(values: np.ndarray) -> list[Any]:
    """The values (N,) as a list, with None if masked or unknown."""
    plain, missing = unmasked(values)
    return [
        None if gone else value
        for value, gone in zip(plain.tolist(), missing.tolist(), strict=True)
    ]


# Categories


def with_new(categories: Sequence[Any], values: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    """Adds values that are new to the categories, and maps each value to its category.

    New ones are sorted in if the categories ascend, as numbers and intervals do; otherwise they are
    appended.

    >>> with_new([1.5, 2.0], ["2", 1.75, None])
    ([1.5, 1.75, 2.0], [2.0, 1.75, None])
    """
    by_label = {label_of(category): category for category in categories}
    new: dict[str, Any] = {}
    found = []
    for value in values:
        if value is None:
            found.append(None)
            continue
        label = label_of(value)
        found.append(by_label[label] if label in by_label else new.setdefault(label, value))
    whole = [*categories, *new.values()]
    return (sorted(whole) if new and _ascend(categories, whole) else whole), found


def _ascend(categories: Sequence[Any], whole: Sequence[Any]) -> bool:
    """Whether categories ascend and are comparable with all others."""
    try:
        sorted(whole)
        return len(categories) > 1 and all(a < b for a, b in pairwise(categories))
    except TypeError:
        return False
