"""Events as polars expressions, such as (pl.col("age") > 60) & pl.col("income").is_in([">50K"]).

Polars serialises an expression as a tree of JSON; this module translates the nodes that it knows.
As in polars, a comparison with a missing cell holds neither plainly nor negated.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any

from chainrule.errors import SchemaError
from chainrule.events.tree import (
    OPPOSITE,
    Among,
    Combined,
    Compared,
    IsNull,
    IsTrue,
    Side,
    Sum,
    Tree,
    Value,
)

SIGNS = {"Lt": "<", "LtEq": "<=", "Gt": ">", "GtEq": ">=", "Eq": "==", "NotEq": "!="}
BOTH = {"And": True, "LogicalAnd": True, "Or": False, "LogicalOr": False}
PER_SECOND = {"Milliseconds": 10**3, "Microseconds": 10**6, "Nanoseconds": 10**9}
ENDS = {"Both": (">=", "<="), "Left": (">=", "<"), "Right": (">", "<="), "None": (">", "<")}
KNOWN = (
    "comparisons of columns, numbers, labels and dates, +, -, *, /, is_in, is_between, is_null, "
    "is_not_null, &, | and ~ are understood; ask in words, or for its parts"
)


def is_expression(question: Any) -> bool:
    """Whether a question is an expression of polars."""
    of = type(question)
    return of.__name__ == "Expr" and of.__module__.startswith("polars")


def tree_of(expression: Any) -> Tree:
    """Returns the tree of an expression.

    Raises:
        SchemaError: a part of the expression that is not understood; the message shows it.
    """
    try:
        parsed = json.loads(expression.meta.serialize(format="json"))
    except Exception as error:
        raise SchemaError(f"event: {expression} cannot be read: {KNOWN}") from error
    return _event(parsed, is_negated=False)


def _refused(node: Any) -> SchemaError:
    text = json.dumps(node)
    return SchemaError(
        f"event: the polars expression {text if len(text) <= 80 else text[:77] + '…'} is not "
        f"understood: {KNOWN}"
    )


def _event(node: Any, is_negated: bool) -> Tree:
    """Returns the tree of an expression of truth values, or of its negation."""
    match node:
        case {"Alias": [inner, *_]}:
            return _event(inner, is_negated)
        case {"BinaryExpr": {"left": left, "op": op, "right": right}}:
            if op in BOTH:
                parts = (_event(left, is_negated), _event(right, is_negated))
                return Combined(parts, is_all=BOTH[op] != is_negated)
            if op in SIGNS:
                sign = OPPOSITE[SIGNS[op]] if is_negated else SIGNS[op]
                return Compared(_side(left), sign, _side(right))
        case {"Column": str(name)}:
            return IsTrue(name, is_negated)
        case {"Function": {"input": inputs, "function": {"Boolean": function}}}:
            return _function(node, inputs, function, is_negated)
    raise _refused(node)


def _function(node: Any, inputs: list[Any], function: Any, is_negated: bool) -> Tree:
    match function, inputs:
        case "Not", [inner]:
            return _event(inner, not is_negated)
        case "IsNull" | "IsNotNull", [inner]:
            return IsNull(_name(inner), (function == "IsNotNull") != is_negated)
        case {"IsIn": _}, [inner, values]:
            return Among(_name(inner), _list(values), is_negated)
        case {"IsBetween": {"closed": closed}}, [inner, low, high] if closed in ENDS:
            ends = zip(ENDS[closed], (low, high), strict=True)
            parts = tuple(
                Compared(_side(inner), OPPOSITE[sign] if is_negated else sign, _side(end))
                for sign, end in ends
            )
            return Combined(parts, is_all=not is_negated)
        case "AllHorizontal" | "AnyHorizontal", [_, *_]:
            parts = tuple(_event(each, is_negated) for each in inputs)
            return Combined(parts, is_all=(function == "AllHorizontal") != is_negated)
    raise _refused(node)


def _name(node: Any) -> str:
    match node:
        case {"Column": str(name)}:
            return name
        case {"Alias": [inner, *_]}:
            return _name(inner)
    raise _refused(node)


def _side(node: Any) -> Side:
    match node:
        case {"Alias": [inner, *_]}:
            return _side(inner)
        case {"Column": str(name)}:
            return Sum(((name, Fraction(1)),))
        case {"Literal": literal}:
            return _literal(literal)
        case {"Cast": {"expr": inner, "dtype": {"Literal": "Date"}}}:
            side = _side(inner)
            if isinstance(side, Value) and isinstance(side.value, datetime):
                return Value(side.value.date())
        case {"Function": {"input": [inner], "function": "Negate"}}:
            return _sum(inner).times(Fraction(-1))
        case {"BinaryExpr": {"left": left, "op": "Plus" | "Minus" as op, "right": right}}:
            return _sum(left).plus(_sum(right), 1 if op == "Plus" else -1)
        case {"BinaryExpr": {"left": left, "op": "Multiply", "right": right}}:
            one, other = _sum(left), _sum(right)
            if not other.factors:
                return one.times(other.constant)
            if not one.factors:
                return other.times(one.constant)
        case {"BinaryExpr": {"left": left, "op": "TrueDivide", "right": right}}:
            divisor = _sum(right)
            if not divisor.factors and divisor.constant:
                return _sum(left).times(1 / divisor.constant)
    raise _refused(node)


def _sum(node: Any) -> Sum:
    """Returns columns and numbers; a duration counts as a number of days."""
    side = _side(node)
    if isinstance(side, Value) and isinstance(side.value, timedelta):
        return Sum((), Fraction(side.value // timedelta(microseconds=1), 86_400 * 10**6))
    if isinstance(side, Sum):
        return side
    raise _refused(node)


def _literal(literal: Any) -> Side:
    match literal:
        case {"Dyn": {"Int": int(value)}}:
            return Sum((), Fraction(value))
        case {"Dyn": {"Float": float(value) | int(value)}}:
            return Sum((), Fraction(repr(value)))
        case {"Scalar": scalar} if isinstance(scalar, Mapping) and len(scalar) == 1:
            ((kind, value),) = scalar.items()
            match kind, value:
                case "String", str(text):
                    return Value(text)
                case "Boolean", bool(truth):
                    return Value(truth)
                case "Date", int(days):
                    return Value(date(1970, 1, 1) + timedelta(days=days))
                case "Datetime", [int(count), str(unit), zone]:
                    return Value(_moment(count, unit, zone))
                case "Duration", [int(count), str(unit)]:
                    return Value(timedelta(microseconds=count * 10**6 // PER_SECOND[unit]))
                case _, int(number) | float(number) if kind.startswith(("Int", "UInt", "Float")):
                    return Sum((), Fraction(repr(number)))
    raise _refused({"Literal": literal})


def _moment(count: int, unit: str, zone: str | None) -> datetime:
    """Returns the date of a count of units since 1970 in UTC, by the clocks of a zone."""
    from zoneinfo import ZoneInfo

    since = timedelta(microseconds=count * 10**6 // PER_SECOND[unit])
    moment = datetime(1970, 1, 1, tzinfo=UTC) + since
    return moment.replace(tzinfo=None) if zone is None else moment.astimezone(ZoneInfo(zone))


def _list(node: Any) -> tuple[Any, ...]:
    """Returns the values of a literal list or series, which polars keeps as an Arrow stream."""
    import polars as pl

    match node:
        case {"Literal": {"Scalar": {"List": list(stream)}} | {"Series": list(stream)}}:
            values = pl.read_ipc_stream(io.BytesIO(bytes(stream))).to_series(0)
            if values.dtype == pl.List:
                values = values.explode()
            if len(values) and not values.null_count():
                return tuple(values.to_list())
    raise _refused(node)
