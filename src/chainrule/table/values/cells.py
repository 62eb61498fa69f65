"""Cells of any table as numbers, labels or dates: the first step for every kind of column."""

from __future__ import annotations

import datetime
import numbers
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule.errors import SchemaError
from chainrule.table.values.distinct import Distinct, distinct, values_of
from chainrule.table.values.exact_integers import integer_of, is_large
from chainrule.table.values.reserved_words import BOOLEANS, UNKNOWN

Where = Callable[[int], str]  # names a row in messages
FINER = ("ns", "ps", "fs", "as")
MOST_YEARS = 200_000  # from 1970; int64 can count their microseconds
COMPLEX = "complex numbers; pass their real and imaginary parts as columns of their own"
NONE = np.array(None)
FLOATS = (float, np.floating, bool, np.bool_, type(None))  # types that float64 holds
COMPARED = {type(None), float, str, bytes, bool, int, datetime.date, datetime.datetime}
MISSING_TYPES = ("NAType", "NaTType")  # of pd.NA and pd.NaT, without an import of pandas


def is_observed(values: np.ndarray) -> np.ndarray:
    """Marks the values (N,) that are not missing: no NaN, None, pd.NA or NaT."""
    if values.dtype.kind == "f":
        return ~np.isnan(values)
    if values.dtype.kind in "mM":
        return ~np.isnat(values)
    if values.dtype.kind == "O":
        return _is_observed_object(values)
    return np.ones(len(values), dtype=bool)


def _is_observed_object(values: np.ndarray) -> np.ndarray:
    """As ``is_observed``, for objects (N,): by their types where these decide."""
    kinds = set(map(type, values))
    if not any(map(_may_be_missing, kinds)):
        return np.ones(len(values), dtype=bool)
    if kinds <= COMPARED:
        found = np.not_equal(values, NONE)
        return found & np.equal(values, values) if float in kinds else found
    return ~np.fromiter(map(_is_missing, values), dtype=bool, count=len(values))


def _may_be_missing(kind: type) -> bool:
    """Whether a value of this type may be missing, as in ``_is_missing``."""
    may_be = (type(None), float, np.floating, np.datetime64, np.timedelta64)
    return issubclass(kind, may_be) or kind.__name__ in MISSING_TYPES


def looks(values: np.ndarray | Distinct) -> str:
    """The common type of the observed values (N,).

    One of "empty" (none is observed), "boolean", "number", "complex", "datetime", "duration",
    "nested" and "label".
    """
    cells = values_of(values)
    kind, observed = cells.dtype.kind, is_observed(cells)
    if not observed.any():
        return "empty"
    if kind in "biufmM":
        return {"b": "boolean", "m": "duration", "M": "datetime"}.get(kind, "number")
    types = set(map(type, cells[observed]))
    if any(issubclass(each, list | dict | set | np.ndarray) for each in types):
        return "nested"
    if kind in "US" and all(
        is_number(str(value)) or str(value).strip().lower() in UNKNOWN
        for value in distinct(values).cells
    ):
        return "number"  # arrays of text can hold numbers only as text
    for word, bases in (
        ("boolean", (bool, np.bool_)),
        ("number", (numbers.Number, np.number, np.bool_)),
        ("datetime", (datetime.date, np.datetime64)),
        ("duration", (datetime.timedelta, np.timedelta64)),
    ):
        if all(issubclass(each, bases) for each in types):
            return "complex" if word == "number" and any(map(_is_complex, types)) else word
    return "label"


def as_numbers(name: str, values: np.ndarray, where: Where) -> np.ndarray:
    """Converts values to numbers, NaN if unknown, (N,) float64.

    Text may be a number, true or false.

    Raises:
        SchemaError: a value that is no finite number, nor true, false or a word for a missing cell.
    """
    found = numbers_if_any(values)
    wrong = np.flatnonzero(np.isinf(found))
    if len(wrong):
        row = int(wrong[0])
        raise SchemaError(
            f"column {name!r}: value {shown(values, row)} at {where(row)} is not a finite number; "
            f"correct it, leave the cell empty, or fit with kinds={{{name!r}: 'categorical'}}"
        )
    return found


def exact_numbers(name: str, values: np.ndarray, where: Where) -> np.ndarray:
    """As ``as_numbers``, but exact for large integers.

    If float64 would round one, the result is objects (N,): integers unchanged, other numbers
    floats.
    """
    found = as_numbers(name, values, where)
    if not is_large(found) or values.dtype.kind == "f":
        return found
    return objects_of(
        [
            n if (whole := integer_of(v)) is None else whole
            for v, n in zip(values, found, strict=True)
        ]
    )


def numbers_if_any(values: np.ndarray) -> np.ndarray:
    """As ``as_numbers``, with infinity for values that are no finite number."""
    if values.dtype.kind == "f" and values.dtype.itemsize < 8:
        # A float32 of 0.1 becomes 0.1, not its binary value, so that grids and atoms are found.
        different, which = np.unique(values, return_inverse=True)
        return different.astype(str).astype(np.float64)[which]
    if values.dtype.kind in "biuf":
        return values.astype(np.float64)
    if values.dtype.kind == "O" and all(
        issubclass(kind, FLOATS) for kind in set(map(type, values))
    ):
        return values.astype(np.float64)
    different = distinct(values)
    numbers = np.array(list(map(_number, different.items)), dtype=np.float64)
    return numbers[different.codes]


def objects_of(values: Sequence[Any]) -> np.ndarray:
    """Converts values of any type, lists among them, to an array (N,) of objects."""
    found = np.empty(len(values), dtype=object)
    for k, value in enumerate(values):  # one by one: numpy would split lists
        found[k] = value
    return found


def as_labels(values: np.ndarray | Distinct) -> list[str | None]:
    """The name of each value, None if unknown: 1, 1.0 and "1" share one.

    True and "True" share another.
    """
    different = distinct(values)
    return objects_of(labels_of_different(different))[different.codes].tolist()


def labels_of_different(values: Distinct) -> list[str | None]:
    """The name of each different cell (V,) of a column, as in ``as_labels``."""
    return [None if _is_missing(value) else label_of(value) for value in values.items]


def label_counts(values: np.ndarray | Distinct) -> Counter[str]:
    """The number of rows of each label, in order of appearance."""
    different = distinct(values)
    counts: Counter[str] = Counter()
    for label, count in zip(labels_of_different(different), different.counts.tolist(), strict=True):
        if label is not None:
            counts[label] += count
    return counts


def label_of(value: Any) -> str:
    """The name of one known value."""
    if isinstance(value, str):
        return value
    if isinstance(value, np.datetime64) and np.datetime_data(value.dtype)[0] in FINER:
        value = value.astype("datetime64[us]")  # Python's dates are no finer
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value)


def as_ticks(
    name: str, values: np.ndarray, unit: str, where: Where, *, strict: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """Dates and times as units since 1970: whole units (N,) int64, and the rest (N,) float64.

    The rest is a share of a unit, NaN if the date is unknown. ISO text is accepted.

    Raises:
        SchemaError: if ``strict``, a value that is no date or too far from today. Otherwise its
            rest is infinite.
    """
    if strict:
        dates, wrong = as_datetimes(name, values, where), np.zeros(len(values), dtype=bool)
    else:
        dates, wrong = datetimes_if_any(values)
    if np.datetime_data(dates.dtype)[0] in FINER:
        dates = dates.astype("datetime64[us]")  # the finest supported resolution
    if strict:
        require_countable(name, dates, values, where)
    wrong = wrong | ~_are_countable(dates)
    unknown = np.isnat(dates)
    whole = dates.astype(f"datetime64[{unit}]")
    rest = np.asarray((dates - whole) / np.timedelta64(1, unit), dtype=np.float64)
    rest = np.where(unknown, np.nan, rest)
    return np.where(unknown, 0, whole.astype(np.int64)), np.where(wrong, np.inf, rest)


def require_countable(name: str, dates: np.ndarray, values: np.ndarray, where: Where) -> None:
    """Raises SchemaError for the first of the dates (N,) too large for int64 microseconds."""
    if len(rows := np.flatnonzero(~_are_countable(dates))):
        row = int(rows[0])
        raise SchemaError(
            f"column {name!r}: value {shown(values, row)} at {where(row)} is more than "
            f"{MOST_YEARS:,} years from today; correct it, or leave the cell empty"
        )


def _are_countable(dates: np.ndarray) -> np.ndarray:
    years = dates.astype("datetime64[Y]").astype(np.int64)
    return np.isnat(dates) | (np.abs(years) <= MOST_YEARS)


def as_datetimes(name: str, values: np.ndarray, where: Where) -> np.ndarray:
    """Converts values to numpy datetimes, NaT if unknown.

    Raises:
        SchemaError: a value that is no date.
    """
    found, wrong = datetimes_if_any(values)
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise SchemaError(
            f"column {name!r}: value {shown(values, row)} at {where(row)} is not a date or time; "
            "write it as 2024-12-31 or 2024-12-31T23:59:59, or leave the cell empty"
        )
    return found


def datetimes_if_any(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """As ``as_datetimes``, with NaT for values that are no date; also marks these (N,)."""
    if values.dtype.kind == "M":
        return values, np.zeros(len(values), dtype=bool)
    different = distinct(values)
    if (plain := _plain_datetimes(different.cells)) is not None:
        return plain[different.codes], np.zeros(len(values), dtype=bool)
    found = np.empty(len(different.cells), dtype="datetime64[us]")
    wrong = np.zeros(len(found), dtype=bool)
    for number, value in enumerate(different.items):
        try:
            found[number] = _datetime(value)
        except (ValueError, TypeError, OverflowError):
            found[number], wrong[number] = np.datetime64("NaT", "us"), True
    return found[different.codes], wrong[different.codes]


def _plain_datetimes(values: np.ndarray) -> np.ndarray | None:
    """Python's dates and times (N,) as numpy datetimes; None if there are other cells or zones."""
    if values.dtype.kind != "O":
        return None
    kinds, cells = set(map(type, values)), values.tolist()
    if not kinds <= {datetime.date, datetime.datetime, type(None)}:
        return None
    if datetime.datetime in kinds and any(
        isinstance(cell, datetime.datetime) and cell.tzinfo is not None for cell in cells
    ):
        return None
    return np.array(cells, dtype="datetime64[us]")


def is_number(value: Any) -> bool:
    """Whether a known value is a finite number, or text that is one.

    Booleans, words for missing cells and digits such as 01007 are not.
    """
    if isinstance(value, str):
        word = value.strip().lower()
        if word in BOOLEANS or word in UNKNOWN or (word[:1] == "0" and word[1:2].isdigit()):
            return False
    return not isinstance(value, bool) and bool(np.isfinite(_number(value)))


def shown(values: np.ndarray, row: int) -> str:
    """A cell as messages show it."""
    if isinstance(values[row], np.datetime64):
        return (
            str(values[row].astype("datetime64[us]"))
            .replace("T", " ")
            .removesuffix(".000000")
            .removesuffix(" 00:00:00")
        )
    value = values[row]
    if isinstance(value, np.timedelta64):
        value = value.astype("timedelta64[us]")  # Python's durations are no finer
    value = value.item() if isinstance(value, np.generic) else value
    return str(value) if isinstance(value, datetime.time | datetime.timedelta) else repr(value)


def _is_missing(value: Any) -> bool:
    if value is None or type(value).__name__ in MISSING_TYPES:
        return True
    if isinstance(value, float | np.floating):
        return bool(value != value)
    return isinstance(value, np.datetime64 | np.timedelta64) and bool(np.isnat(value))


def _is_complex(kind: type) -> bool:
    return issubclass(kind, complex | np.complexfloating)


def _number(value: Any) -> float:
    if _is_missing(value):
        return np.nan
    if _is_complex(type(value)):  # numpy would take the real part
        return np.inf
    if not isinstance(value, str):
        try:
            return float(value)
        except (TypeError, ValueError, OverflowError):
            return np.inf
    word = value.strip().lower()
    if word in UNKNOWN:
        return np.nan
    if word in BOOLEANS:
        return BOOLEANS[word]
    try:
        return float(word)
    except ValueError:
        return np.inf


def _datetime(value: Any) -> np.datetime64:
    if _is_missing(value) or (isinstance(value, str) and value.strip().lower() in UNKNOWN):
        return np.datetime64("NaT", "us")
    if isinstance(value, str):
        value = datetime.datetime.fromisoformat(value.strip())
    if isinstance(value, datetime.datetime) and value.tzinfo is not None:
        value = value.astimezone(datetime.UTC).replace(tzinfo=None)
    if not isinstance(value, datetime.date | np.datetime64):
        raise TypeError(type(value).__name__)
    return (
        value.astype("datetime64[us]")
        if isinstance(value, np.datetime64)
        else np.datetime64(value, "us")
    )


def cells_as_text(values: np.ndarray) -> list[str]:
    """Values (N,) as text for a person: numbers have five digits."""
    if values.dtype.kind == "f":
        return [f"{value:.5g}" for value in values.tolist()]
    return [str(value) for value in values]
