"""A question of any form as an event over the columns of a schema."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from chainrule.errors import SchemaError, nearest, printable
from chainrule.events import mappings, polars_expressions, words
from chainrule.events.comparisons import among, compared, number_of, shifted_date, whole
from chainrule.events.event import (
    Cell,
    Event,
    Missing,
    Relation,
    conjunction,
    disjunction,
    negation,
)
from chainrule.events.tree import (
    MIRRORED,
    Among,
    Between,
    Combined,
    Compared,
    IsNull,
    IsTrue,
    Negated,
    Side,
    Sum,
    Tree,
    Value,
)
from chainrule.table import AbstractColumn, Schema

ONLY_CONSTANTS = (
    "event: a comparison without a column; write the names of columns without quotes, or in "
    "backquotes"
)


def event_of(schema: Schema, question: Any) -> Event:
    """Returns the event that a question describes.

    Args:
        schema: the columns.
        question: words such as "age > 60 and sex == 'Female'", a polars expression, or a dict of
            sets, intervals (low, high) and values.

    Raises:
        SchemaError: an unknown column or label, a comparison that the column's kind does not allow,
            or words that are not in the grammar. The message says what is nearest.

    Examples:
        >>> from chainrule.table import Binary
        >>> schema = Schema((Binary(name="smoker", levels=(0, 1), dtype="bool"),))
        >>> event_of(schema, "smoker") == event_of(schema, {"smoker": {1}})
        True
    """
    return events_of(schema, [question])[0]


def events_of(schema: Schema, questions: Sequence[Any]) -> list[Event]:
    """Returns the event of each question; equal comparisons are understood once.

    Args:
        schema: the columns.
        questions: as for ``event_of``, which says the errors.
    """
    binder = _Binder(schema)
    return [binder.event(_tree_of(question)) for question in questions]


def _tree_of(question: Any) -> Tree:
    if isinstance(question, str):
        return words.tree_of(question)
    if isinstance(question, Mapping):
        return mappings.tree_of(question)
    if polars_expressions.is_expression(question):
        return polars_expressions.tree_of(question)
    raise SchemaError(
        f"an event is words, a polars expression or a dict, not {type(question).__name__}: pass "
        "\"age > 60 and sex == 'Female'\", for example"
    )


def is_words(given: Any) -> bool:
    """Whether given cells are an event: words, an expression, or a dict with a set or interval."""
    if isinstance(given, Mapping):
        return mappings.has_conditions(given)
    return isinstance(given, str) or polars_expressions.is_expression(given)


class _Binder:
    """Turns trees into events over a schema's columns."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self._cells: dict[Hashable, Cell] = {}

    def _cell(self, number: int, sign: str, value: Any) -> Cell:
        """Returns the event that a column's value is < <= > >= == or != a constant."""
        key = number, sign, type(value), value
        if key not in self._cells:
            self._cells[key] = Cell(number, compared(self._column(number), sign, value))
        return self._cells[key]

    def event(self, tree: Tree) -> Event:
        """Returns the event of a tree."""
        match tree:
            case Combined(trees, is_all):
                parts = map(self.event, trees)
                return conjunction(*parts) if is_all else disjunction(*parts)
            case Negated(of):
                return negation(self.event(of))
            case IsNull(name, is_negated):
                return self._null(self._number(name), is_negated)
            case IsTrue(name, is_negated):
                return self._truth(self._number(name), is_negated)
            case Among(name, values, is_negated):
                number = self._number(name)
                if len(values) == 1:
                    return self._cell(number, "!=" if is_negated else "==", values[0])
                region = among(self._column(number), values)
                return Cell(number, region.outside() if is_negated else region)
            case Between(name, low, high):
                number, ends = self._number(name), ((">=", low), ("<=", high))
                return conjunction(
                    *(self._cell(number, sign, end) for sign, end in ends if end is not None)
                )
            case Compared(left, sign, right):
                return self._compared(left, sign, right)
        raise TypeError(f"{tree!r} is no tree of an event")

    def _number(self, name: Hashable) -> int:
        """Returns the number of a column; the nearest names are in the error."""
        try:
            number = self.schema.number(name)
        except SchemaError as error:
            raise SchemaError(self._unknown(name, error)) from error
        if self.schema.columns[number].is_flag:
            raise SchemaError(self._unknown(name, None))
        return number

    def _unknown(self, name: Hashable, error: SchemaError | None) -> str:
        columns = [column.name for column in self.schema.columns_without_flags]
        if any(out.name == name for out in self.schema.left_out) and error is not None:
            return f"event: {error}"
        near = nearest(str(name), columns)
        hint = f" (nearest: {near!r})" if near is not None else ""
        having = [column.name for column in self.schema.columns if str(name) in column.level_names]
        quoted = [each for each in columns if not each.isidentifier()]
        quoted = [each for each in quoted if str(name) in re.split(r"\W+", each)]
        if quoted:
            hint = f"; a name with other characters stands in backquotes: `{printable(quoted[0])}`"
        if having:
            hint = f"; a label stands in quotes: {having[0]} == {str(name)!r}"
        shown = ", ".join(map(repr, map(printable, columns[:12])))
        more = f" and {len(columns) - 12} more" if len(columns) > 12 else ""
        return f"event: no column {str(name)!r} among {shown}{more}{hint}"

    def _column(self, number: int) -> AbstractColumn:
        return self.schema.columns[number]

    def _null(self, number: int, is_negated: bool) -> Event:
        if number not in self.schema.flags:
            raise SchemaError(
                f"column {self._column(number).name!r}: the model does not know which cells are "
                "missing, since none were or the fit took them as unknown; fit with "
                "missing='informative' to ask"
            )
        return Cell(number, whole(self._column(number))) if is_negated else Missing(number)

    def _truth(self, number: int, is_negated: bool) -> Event:
        column = self._column(number)
        if column.kind != "binary":
            raise SchemaError(
                f"column {column.name!r} alone is no event, since its values are "
                f"{column.domain_as_text}; compare it, as in {column.name} == …"
            )
        return self._cell(number, "!=" if is_negated else "==", Fraction(1))

    def _compared(self, left: Side, sign: str, right: Side) -> Event:
        if isinstance(left, Value):
            left, sign, right = right, MIRRORED[sign], left
        if isinstance(left, Value) or (not left.factors and isinstance(right, Value)):
            raise SchemaError(ONLY_CONSTANTS)
        if isinstance(right, Value):
            return self._with_value(left, sign, right.value)
        total = left.plus(right, -1)
        if not total.factors:
            raise SchemaError(ONLY_CONSTANTS)
        if len(total.factors) > 1:
            return self._relation(total, sign)
        name, factor = next(iter(total.factors))
        number = self._number(name)
        value = -total.constant / factor
        sign = sign if factor > 0 else MIRRORED[sign]
        return self._cell(number, sign, value)

    def _with_value(self, left: Sum, sign: str, value: Any) -> Event:
        if len(left.factors) != 1 or left.factors[0][1] != 1:
            raise SchemaError(f"event: a single column can be compared with {value!r}, no sum")
        name = left.factors[0][0]
        number = self._number(name)
        column = self._column(number)
        if left.constant and column.holds_dates:  # as in: checkin + 7 > '2024-12-31'
            value = shifted_date(value, column, -left.constant)
        elif left.constant:  # as in: opens + 90 > '18:00'
            number_there = number_of(column, value)
            if not isinstance(number_there, Fraction):
                raise SchemaError(f"event: {name} plus a number cannot be compared with {value!r}")
            value = number_there - left.constant
        return self._cell(number, sign, value)

    def _relation(self, total: Sum, sign: str) -> Event:
        """Returns the event that a sum over several columns has a relation to zero."""
        numbers = [(self._number(name), float(factor)) for name, factor in total.factors]
        columns = [self._column(number) for number, _ in numbers]
        places = tuple(number for number, _ in numbers)
        text = [column for column in columns if _is_text(column)]
        if text:
            is_pair = len(columns) == 2 and not total.constant and sign in ("==", "!=")
            if len(text) < len(columns) or not is_pair:
                raise SchemaError(
                    f"event: column {text[0].name!r} holds labels, which can only be compared with "
                    "labels, by == or !="
                )
            return Relation((), 0.0, sign, places)
        return Relation(tuple(numbers), float(total.constant), sign, places)


def _is_text(column: AbstractColumn) -> bool:
    """Whether a column has levels that are not all numbers or truth values."""
    levels = getattr(column, "levels", ())
    return any(not isinstance(level, int | float) for level in levels)
