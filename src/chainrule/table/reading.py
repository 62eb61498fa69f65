"""What the user says of how a table is written: marks of numbers, the format of dates, words for missing cells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from chainrule.errors import SchemaError, unknown_choice
from chainrule.table.notation import DECIMALS, THOUSANDS, DateNotation, Notation, NumberNotation
from chainrule.table.words import UNKNOWN

OPTIONS = ("decimal", "thousands", "date_format")
ByColumn = Mapping[str | None, str]  # under None what holds for all columns that are not named


@dataclass(frozen=True)
class Said:
    """What was said of one column: None where nothing was."""

    decimal: str | None = None
    thousands: str | None = None
    date_format: str | None = None
    date_format_is_own: bool = False  # said of this column, not of all
    marks_are_own: bool = False

    def __bool__(self) -> bool:
        return (self.decimal, self.thousands, self.date_format) != (None, None, None)


@dataclass(frozen=True)
class MissingWords:
    """The words that stand for a missing cell in text, in lower case; they count in any case.

    Attributes:
        everywhere: those of all columns; None: the usual ones, ``words.UNKNOWN``.
        columns: further ones of some columns by name; or all there are, where the empty word is among them.
    """

    everywhere: frozenset[str] | None = None
    columns: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return self.everywhere is not None or bool(self.columns)

    def of(self, name: str) -> frozenset[str]:
        """The words of a column."""
        usual = UNKNOWN if self.everywhere is None else self.everywhere
        own = self.columns.get(name, frozenset())
        return own if "" in own else own | usual

    @classmethod
    def told(cls, na_values: Any) -> MissingWords:
        """The words that a person named: one, several, or by column; see ``read_table``."""
        if na_values is None:
            return cls()
        by_column = na_values if isinstance(na_values, Mapping) else {None: na_values}
        columns = {str(name): _words(words) for name, words in by_column.items() if name is not None}
        everywhere = _words(by_column[None]) if None in by_column else None
        return cls(everywhere if everywhere is None or "" in everywhere else everywhere | UNKNOWN, columns)

    def to_json(self) -> dict[str, Any]:
        """A JSON object that ``from_json`` reads."""
        columns = {name: sorted(words) for name, words in self.columns.items()}
        return {"everywhere": None if self.everywhere is None else sorted(self.everywhere), "columns": columns}

    @classmethod
    def from_json(cls, spec: Mapping[str, Any]) -> MissingWords:
        """The words that ``to_json`` described."""
        columns = {str(name): frozenset(map(str, words)) for name, words in spec["columns"].items()}
        return cls(None if spec["everywhere"] is None else frozenset(map(str, spec["everywhere"])), columns)


USUAL_WORDS = MissingWords()


@dataclass(frozen=True)
class Reading:
    """How a table is to be read, as far as it was said.

    Attributes:
        decimal, thousands: marks of numbers, by column; under None those of all others.
        date_format: formats of dates, likewise.
        missing: words that stand for a missing cell.
    """

    decimal: ByColumn = field(default_factory=dict)
    thousands: ByColumn = field(default_factory=dict)
    date_format: ByColumn = field(default_factory=dict)
    missing: MissingWords = USUAL_WORDS

    @classmethod
    def told(
        cls, *, decimal: Any = None, thousands: Any = None, date_format: Any = None, na_values: Any = None
    ) -> Reading:
        """What a person said, as ``read_table`` takes it.

        Raises:
            SchemaError: a mark that is none, the same mark for both, or a format that is none of dates.
        """
        told = cls(_by_column(decimal), _by_column(thousands), _by_column(date_format), MissingWords.told(na_values))
        for option, marks, choices in (("decimal", told.decimal, DECIMALS), ("thousands", told.thousands, THOUSANDS)):
            for mark in marks.values():
                if mark not in choices:
                    raise SchemaError(unknown_choice(option, mark, choices))
        for name in {None, *told.decimal, *told.thousands}:
            said = told.of(name)
            if said.decimal is not None and said.decimal == said.thousands:
                raise SchemaError(f"decimal and thousands are both {said.decimal!r}; they have to differ")
        for form in told.date_format.values():
            DateNotation.told(form)
        return told

    def of(self, name: str | None) -> Said:
        """What was said of a column."""
        decimal, thousands, form = (
            said.get(name, said.get(None)) for said in (self.decimal, self.thousands, self.date_format)
        )
        return Said(decimal, thousands, form, name in self.date_format, name in self.decimal or name in self.thousands)

    def over(self, fitted: Reading) -> Reading:
        """This, or if nothing was said what was said of the fitted table, whose words for missing cells hold where none were."""
        if self == NOTHING_SAID:
            return fitted
        return self if self.missing else replace(self, missing=fitted.missing)

    def to_json(self) -> dict[str, Any]:
        """A JSON object that ``from_json`` reads."""
        marks = {option: [list(each) for each in getattr(self, option).items()] for option in OPTIONS}
        return {**marks, "missing": self.missing.to_json()}

    @classmethod
    def from_json(cls, spec: Mapping[str, Any]) -> Reading:
        """What ``to_json`` described."""
        decimal, thousands, forms = (
            {None if name is None else str(name): str(value) for name, value in spec[option]} for option in OPTIONS
        )
        told = cls.told(decimal=decimal, thousands=thousands, date_format=forms)
        return replace(told, missing=MissingWords.from_json(spec["missing"]))

    def require_names(self, names: Sequence[str], source: str) -> None:
        """Raises SchemaError where something was said of a column that the table does not have."""
        for option, said in (
            ("decimal", self.decimal),
            ("thousands", self.thousands),
            ("date_format", self.date_format),
            ("na_values", self.missing.columns),
        ):
            for name in said:
                if name is not None and name not in names:
                    raise SchemaError(f"{source}: {option}: {unknown_choice('column', name, names)}")

    def notation(self, name: str, fitted: Notation | None, before: Reading, *, dates: bool) -> Notation | None:
        """The notation of a column of a table to be asked.

        Args:
            name: of the column.
            fitted: its notation in the fitted table, which holds where nothing else is said of this one.
            before: what was said of the fitted table.
            dates: whether the column holds dates, or else numbers.
        """
        said = self.of(name)
        if said == before.of(name):
            return fitted
        if dates:
            return fitted if said.date_format is None else DateNotation.told(said.date_format)
        if said.decimal is None and said.thousands is None:
            return fitted
        own = fitted if isinstance(fitted, NumberNotation) else NumberNotation(most_decimals=9)
        decimal = said.decimal or ("," if said.thousands == "." else ".")
        thousands = said.thousands if said.thousands is not None else ("." if decimal == "," else ",")
        return replace(own, decimal=decimal, thousands=thousands)


def _by_column(said: Any) -> ByColumn:
    if said is None:
        return {}
    return (
        {n if n is None else str(n): str(v) for n, v in said.items()}
        if isinstance(said, Mapping)
        else {None: str(said)}
    )


def _words(said: Any) -> frozenset[str]:
    words = said if isinstance(said, Iterable) and not isinstance(said, str) else [said]
    return frozenset(str(word).strip().lower() for word in words)


NOTHING_SAID = Reading()
