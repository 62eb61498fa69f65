"""The user's options for reading a table: marks, date formats, words for missing cells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from chainrule.errors import SchemaError, unknown_choice
from chainrule.table.text.date_notation import DateNotation
from chainrule.table.text.notation import Notation
from chainrule.table.text.number_notation import DECIMALS, THOUSANDS, NumberNotation
from chainrule.table.text.times import AbstractTimes
from chainrule.table.values.reserved_words import UNKNOWN

OPTIONS = ("decimal", "thousands", "date_format")
ByColumn = Mapping[str | None, str]  # None is the key for all columns that are not named


@dataclass(frozen=True)
class ColumnReading:
    """The options for one column; None means not given."""

    decimal: str | None = None
    thousands: str | None = None
    date_format: str | None = None
    date_format_is_own: bool = False  # given for this column, not for all
    marks_are_own: bool = False

    def __bool__(self) -> bool:
        return (self.decimal, self.thousands, self.date_format) != (None, None, None)


@dataclass(frozen=True)
class MissingWords:
    """Words that stand for missing cells in text, in lower case; any case matches.

    Attributes:
        everywhere: the words for all columns; None for the usual ones, ``words.UNKNOWN``.
        columns: additional words by column name; the only ones if the empty word is among them.
    """

    everywhere: frozenset[str] | None = None
    columns: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return self.everywhere is not None or bool(self.columns)

    def of(self, name: str) -> frozenset[str]:
        """The words of a column."""
        usual = UNKNOWN if self.everywhere is None else self.everywhere
        words = self.columns.get(name, frozenset())
        return words if "" in words else words | usual

    @classmethod
    def from_options(cls, na_values: Any) -> MissingWords:
        """The user's words: one, several, or by column; see ``read_table``."""
        if na_values is None:
            return cls()
        by_column = na_values if isinstance(na_values, Mapping) else {None: na_values}
        columns = {
            str(name): _words(words) for name, words in by_column.items() if name is not None
        }
        everywhere = _words(by_column[None]) if None in by_column else None
        return cls(
            everywhere if everywhere is None or "" in everywhere else everywhere | UNKNOWN, columns
        )

    def to_json(self) -> dict[str, Any]:
        """A JSON object that ``from_json`` reads."""
        columns = {name: sorted(words) for name, words in self.columns.items()}
        return {
            "everywhere": None if self.everywhere is None else sorted(self.everywhere),
            "columns": columns,
        }

    @classmethod
    def from_json(cls, spec: Mapping[str, Any]) -> MissingWords:
        """Rebuilds the words that ``to_json`` described."""
        columns = {str(name): frozenset(map(str, words)) for name, words in spec["columns"].items()}
        return cls(
            None if spec["everywhere"] is None else frozenset(map(str, spec["everywhere"])), columns
        )


USUAL_WORDS = MissingWords()


@dataclass(frozen=True)
class Reading:
    """The user's options for reading a table.

    Attributes:
        decimal, thousands: marks of numbers, by column; None is the key for all other columns.
        date_format: formats of dates, with the same keys.
        missing: words for missing cells.
    """

    decimal: ByColumn = field(default_factory=dict)
    thousands: ByColumn = field(default_factory=dict)
    date_format: ByColumn = field(default_factory=dict)
    missing: MissingWords = USUAL_WORDS

    @classmethod
    def from_options(
        cls,
        *,
        decimal: Any = None,
        thousands: Any = None,
        date_format: Any = None,
        na_values: Any = None,
    ) -> Reading:
        """The options as ``read_table`` takes them.

        Raises:
            SchemaError: an unknown mark, the same mark for both uses, or a format that is none of
                dates.
        """
        reading = cls(
            _by_column(decimal),
            _by_column(thousands),
            _by_column(date_format),
            MissingWords.from_options(na_values),
        )
        for option, marks, choices in (
            ("decimal", reading.decimal, DECIMALS),
            ("thousands", reading.thousands, THOUSANDS),
        ):
            for mark in marks.values():
                if mark not in choices:
                    raise SchemaError(unknown_choice(option, mark, choices))
        for name in {None, *reading.decimal, *reading.thousands}:
            options = reading.of(name)
            if options.decimal is not None and options.decimal == options.thousands:
                raise SchemaError(
                    f"decimal and thousands are both {options.decimal!r}; they have to differ"
                )
        for form in reading.date_format.values():
            DateNotation.from_format(form)
        return reading

    def of(self, name: str | None) -> ColumnReading:
        """The options for a column."""
        decimal, thousands, form = (
            options.get(name, options.get(None))
            for options in (self.decimal, self.thousands, self.date_format)
        )
        return ColumnReading(
            decimal,
            thousands,
            form,
            name in self.date_format,
            name in self.decimal or name in self.thousands,
        )

    def over(self, fitted: Reading) -> Reading:
        """These options, or those of the fitted table if none were given.

        The fitted table's words for missing cells apply unless other words were given.
        """
        if self == DEFAULT_READING:
            return fitted
        return self if self.missing else replace(self, missing=fitted.missing)

    def to_json(self) -> dict[str, Any]:
        """A JSON object that ``from_json`` reads."""
        marks = {
            option: [list(each) for each in getattr(self, option).items()] for option in OPTIONS
        }
        return {**marks, "missing": self.missing.to_json()}

    @classmethod
    def from_json(cls, spec: Mapping[str, Any]) -> Reading:
        """Rebuilds the options that ``to_json`` described."""
        decimal, thousands, forms = (
            {None if name is None else str(name): str(value) for name, value in spec[option]}
            for option in OPTIONS
        )
        reading = cls.from_options(decimal=decimal, thousands=thousands, date_format=forms)
        return replace(reading, missing=MissingWords.from_json(spec["missing"]))

    def require_names(self, names: Sequence[str], source: str) -> None:
        """Raises SchemaError for options of a column that the table does not have."""
        for option, options in (
            ("decimal", self.decimal),
            ("thousands", self.thousands),
            ("date_format", self.date_format),
            ("na_values", self.missing.columns),
        ):
            for name in options:
                if name is not None and name not in names:
                    raise SchemaError(
                        f"{source}: {option}: {unknown_choice('column', name, names)}"
                    )

    def notation(
        self, name: str, fitted: Notation | None, before: Reading, *, dates: bool
    ) -> Notation | None:
        """The notation of a column in a table that the model is asked about.

        Args:
            name: the name of the column.
            fitted: its notation in the fitted table, which applies unless options say otherwise.
            before: the options for the fitted table.
            dates: whether the column holds dates; otherwise it holds numbers.
        """
        options = self.of(name)
        if options == before.of(name) or isinstance(fitted, AbstractTimes):
            return fitted
        if dates:
            if options.date_format is None:
                return fitted
            return DateNotation.from_format(options.date_format)
        if options.decimal is None and options.thousands is None:
            return fitted
        notation = fitted if isinstance(fitted, NumberNotation) else NumberNotation(most_decimals=9)
        decimal = options.decimal or ("," if options.thousands == "." else ".")
        thousands = options.thousands
        if thousands is None:
            thousands = "." if decimal == "," else ","
        return replace(notation, decimal=decimal, thousands=thousands)


def _by_column(options: Any) -> ByColumn:
    if options is None:
        return {}
    return (
        {n if n is None else str(n): str(v) for n, v in options.items()}
        if isinstance(options, Mapping)
        else {None: str(options)}
    )


def _words(options: Any) -> frozenset[str]:
    words = options if isinstance(options, Iterable) and not isinstance(options, str) else [options]
    return frozenset(str(word).strip().lower() for word in words)


DEFAULT_READING = Reading()
