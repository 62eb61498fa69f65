"""Comparisons of a column with values, as regions of its codes."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from chainrule.errors import SchemaError, nearest, printable
from chainrule.events.regions import Intervals, Levels, Region, after, before
from chainrule.table import AbstractColumn, AbstractLevels, AbstractNumbers, Binary, Datetime
from chainrule.table.text.date_notation import DateNotation
from chainrule.table.text.notation import number_written
from chainrule.table.text.number_notation import NumberNotation
from chainrule.table.text.times import AbstractTimes
from chainrule.table.values.cells import label_of, objects_of

SHOWN_LABELS = 8


def compared(column: AbstractColumn, sign: str, value: Any) -> Region:
    """Returns the codes whose value is < <= > >= == or != a constant.

    Args:
        column: the column.
        sign: the comparison.
        value: a number (exact numbers as fractions), text, truth value or date.

    Raises:
        SchemaError: a value of another type than the column's, an unknown label, an order among
            labels, or a single value of a density.
    """
    if isinstance(column, AbstractLevels):
        return _of_levels(column, sign, value)
    assert isinstance(column, AbstractNumbers)
    value = number_of(column, value)
    below, above = _codes_around(column, value)
    return _of_ends(column, sign, below, above, value)


def among(column: AbstractColumn, values: Sequence[Any]) -> Region:
    """Returns the codes of some values; the errors are those of ``compared``."""
    region = compared(column, "==", values[0])
    if isinstance(region, Intervals):
        each = [end for value in values for end in _single(column, value).ends]
        return Intervals.of(each, region.is_grid)
    for value in values[1:]:
        region = region.united(compared(column, "==", value))
    return region


def _single(column: AbstractColumn, value: Any) -> Intervals:
    region = compared(column, "==", value)
    assert isinstance(region, Intervals)
    return region


def whole(column: AbstractColumn) -> Region:
    """Returns all codes of a column."""
    if isinstance(column, AbstractLevels):
        return Levels((True,) * len(column.code_names))
    return Intervals(((-math.inf, math.inf),), not column.is_continuous)


def shifted_date(value: Any, column: AbstractColumn, days: Fraction) -> dt.datetime:
    """Returns a date that is so many days later."""
    return _moment(column, value) + dt.timedelta(microseconds=round(days * 86_400 * 10**6))


def _of_levels(column: AbstractLevels, sign: str, value: Any) -> Levels:
    if sign in ("==", "!="):
        inside = [False] * len(column.code_names)
        code = _code_of(column, value)
        if code is not None:
            inside[code] = True
        found = Levels(tuple(inside))
        return found if sign == "==" else found.outside()
    number = _number(value)
    if number is None or not all(_is_number(level) for level in column.levels):
        raise SchemaError(
            f"column {column.name!r}: its values are labels, which have no order, so {sign} "
            f"{_shown(value)} means nothing; write {column.name} in [{_labels(column)}]"
        )
    signs = {
        "<": lambda level: level < number,
        "<=": lambda level: level <= number,
        ">": lambda level: level > number,
        ">=": lambda level: level >= number,
    }
    inside = [bool(signs[sign](Fraction(level))) for level in column.levels]  # type: ignore[arg-type]
    return Levels((*inside, *(False for _ in column.code_names[len(inside) :])))


def _code_of(column: AbstractLevels, value: Any) -> int | None:
    """Returns the code of a level; None for a number that no 0-1 column has."""
    names = column.code_names
    if isinstance(value, str) and len(names) > len(column.levels) and value == names[-1]:
        return len(column.levels)
    plain = _plain(value)
    if isinstance(plain, str) and isinstance(column, Binary) and column.is_boolean:
        plain = {"false": False, "true": True}.get(plain.strip().lower(), plain)
    is_text, has_text = isinstance(plain, str), any(isinstance(each, str) for each in column.levels)
    if is_text != has_text and not (is_text and _holds_other_labels(column)):
        raise _wrong_type(column, value)
    code = column.encode(objects_of([plain]), lambda row: "the event", strict=False)[0]
    if np.isfinite(code) and code < len(column.levels):
        return int(code)
    raise SchemaError(_unknown_label(column, plain))


def _holds_other_labels(column: AbstractLevels) -> bool:
    """Whether levels are neither text, nor numbers, nor truth values, such as dates as labels."""
    return not all(isinstance(level, str | int | float | bool) for level in column.levels)


def _wrong_type(column: AbstractLevels, value: Any) -> SchemaError:
    holds_text = any(isinstance(level, str) for level in column.levels)
    remedy = "write labels in quotes" if holds_text else "write its values without quotes"
    return SchemaError(
        f"column {column.name!r}: {_shown(value)} is none of its values {_labels(column)}; {remedy}"
    )


def _unknown_label(column: AbstractLevels, value: Any) -> str:
    near = nearest(label_of(value) or "", column.level_names)
    hint = f" (nearest: {near!r})" if near is not None else ""
    message = f"column {column.name!r}: label {_shown(value)} is not among {_labels(column)}{hint}"
    if column.has_unlisted:
        other = column.code_names[-1]
        message += f"; all labels too rare to be listed are asked for by {other!r}"
    return message


def _labels(column: AbstractLevels) -> str:
    names = [repr(printable(str(level))) if isinstance(level, str) else str(level)
             for level in column.levels]  # fmt: skip
    more = len(names) - SHOWN_LABELS
    return ", ".join(names[:SHOWN_LABELS]) + (f" and {more} more" if more > 0 else "")


def _of_ends(
    column: AbstractNumbers, sign: str, below: float, above: float, value: Any
) -> Intervals:
    """Returns the region of a comparison with a value between two codes.

    Args:
        column: the column.
        sign: the comparison.
        below: the last code whose value is at most the constant.
        above: the first code whose value is at least the constant.
        value: the constant.
    """
    is_grid, inf = not column.is_continuous, math.inf
    if sign in ("==", "!=") and not is_grid and not any(_is_atom(column, value)):
        raise SchemaError(
            f"column {column.name!r} has a density: {_shown(value)} alone has no probability; "
            f"ask for a range, such as {_shown(value)} <= {column.name} < …"
        )
    ends = {
        "<": (-inf, below if below < above else before(below, is_grid)),
        "<=": (-inf, below),
        ">": (above if below < above else after(above, is_grid), inf),
        ">=": (above, inf),
        "==": (above, below),
        "!=": (above, below),
    }[sign]
    found = Intervals.of([ends], is_grid)
    if not is_grid:
        found = _with_atoms(column, "==" if sign == "!=" else sign, found, value)
    return found.outside() if sign == "!=" else found


def _is_atom(column: AbstractNumbers, value: Any) -> list[bool]:
    return [Fraction(atom) == _number(value) for atom in getattr(column, "atoms", ())]


def _with_atoms(column: AbstractNumbers, sign: str, found: Intervals, value: Any) -> Intervals:
    """Returns the region with just those atoms that the comparison holds for.

    An atom at the end of a scale has a code that is not where its value is.
    """
    number = _number(value)
    assert number is not None
    for atom, code in zip(getattr(column, "atoms", ()), column.atom_codes(), strict=True):
        is_in = {
            "<": atom < number,
            "<=": atom <= number,
            ">": atom > number,
            ">=": atom >= number,
            "==": atom == number,
        }[sign]
        point = Intervals(((code, code),), False)
        if is_in:
            found = found.united(point)
        elif found.contains(np.array([code]))[0]:
            found = found.outside().united(point).outside()
    return found


def _codes_around(column: AbstractNumbers, value: Any) -> tuple[float, float]:
    """Returns the last code up to a constant, and the first from it on."""
    if isinstance(column, Datetime):
        return column.dates_around(_moment(column, value))
    number = _number(value)
    if number is None:
        digits = f"; write {value} without quotes" if _is_numeral(value) else ""
        raise SchemaError(
            f"column {column.name!r} holds {column.domain_as_text}, and {_shown(value)} is not a "
            f"number{digits}"
        )
    return column.codes_around(number)


def number_of(column: AbstractColumn, value: Any) -> Any:
    """Returns the number of a constant that is written as the column's cells; others do not change.

    Raises:
        SchemaError: text that the column's notation does not parse.
    """
    notation = column.notation
    if not isinstance(notation, AbstractTimes | NumberNotation):
        return value
    number = number_written(notation, value)
    if number is not None:
        return _number(number)
    if isinstance(value, str):
        remedy = "write it so, or as a number without quotes"
        if isinstance(notation, NumberNotation) and notation.is_other_unit(value):
            remedy = f"convert it to {notation.unit!r}"
        elif isinstance(notation, AbstractTimes):
            remedy = "write it so"
        raise SchemaError(
            f"column {column.name!r} holds {notation.describe()}, and {_shown(value)} is none; "
            f"{remedy}"
        )
    return value


def _moment(column: AbstractColumn, value: Any) -> dt.datetime:
    """Returns a date with its time, midnight if it has none.

    Text is a date in the column's notation, or else one of ISO 8601.

    Raises:
        SchemaError: it is no date.
    """
    if isinstance(value, np.datetime64):
        value = value.astype("datetime64[us]").item()
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        value = dt.datetime(value.year, value.month, value.day)
    if isinstance(value, str) and isinstance(column.notation, DateNotation):
        value = column.notation.date(value) or value
    if isinstance(value, str):
        try:
            value = dt.datetime.fromisoformat(value.strip())
        except ValueError as error:
            raise SchemaError(_no_date(column, value)) from error
    if not isinstance(value, dt.datetime):
        raise SchemaError(_no_date(column, value))
    return value


def _no_date(column: AbstractColumn, value: Any) -> str:
    notation = column.notation
    like = f", or like {notation.example!r}" if isinstance(notation, DateNotation) else ""
    return (
        f"column {column.name!r} holds dates, and {_shown(value)} is none; write it in quotes as "
        f"'2024-12-31' or '2024-12-31 18:00'{like}"
    )


def _number(value: Any) -> Fraction | None:
    """Returns a finite number exactly, decimals as they are written; None for other values."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, Fraction):
        return value
    if isinstance(value, int):
        return Fraction(value)
    if isinstance(value, float) and math.isfinite(value):
        return Fraction(repr(value))
    return None


def _is_number(level: Any) -> bool:
    return isinstance(level, int | float)


def _plain(value: Any) -> Any:
    """Returns a constant as a cell of a table would have it."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, Fraction):
        return int(value) if value.denominator == 1 else float(value)
    return value


def _is_numeral(value: Any) -> bool:
    try:
        return isinstance(value, str) and math.isfinite(float(value))
    except ValueError:
        return False


def _shown(value: Any) -> str:
    plain = _plain(value)
    return repr(printable(plain)) if isinstance(plain, str) else str(plain)
