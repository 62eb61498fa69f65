"""Dates and times as people write them: what a column's format is, how it parses and writes."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any, Self

import numpy as np

from chainrule.errors import SchemaError

LONGEST_FORMAT = 64
EXAMPLE = datetime.datetime(2024, 12, 31, 23, 59, 58)


@dataclass(frozen=True, kw_only=True)
class DateNotation:
    """Dates and times in a ``strftime`` format as chrono and polars take it: ``%d/%m/%Y %H:%M``.

    Directives without padding, such as ``%-d``, also read padded digits. Years of two digits are
    1969 to 2068.
    """

    format: str

    def __post_init__(self) -> None:
        if not 0 < len(self.format) <= LONGEST_FORMAT or not (
            self._is_week or (self._has_day and self._years)
        ):
            raise SchemaError(
                f"{self.format!r} is no format of dates with a day, a month and a year; write it "
                "as %d/%m/%Y or %d.%m.%Y %H:%M"
            )

    @classmethod
    def from_format(cls, text: str) -> Self:
        """The notation of a user's format, which may have Python's ``.%f`` for microseconds.

        Raises:
            SchemaError: dates written in this format cannot be parsed again.
        """
        notation = cls(format=text.replace(".%f", "%.f"))
        import polars as pl

        try:
            again = notation.parse(
                pl.Series(
                    notation.write(np.array([EXAMPLE], dtype="datetime64[us]")), dtype=pl.String
                )
            )
        except pl.exceptions.PolarsError as error:
            raise SchemaError(
                f"{text!r} is no format of dates: {str(error).splitlines()[0]}"
            ) from error
        if again.null_count() or again.dt.date().item() != EXAMPLE.date():
            raise SchemaError(
                f"{text!r}: dates in this format are not read again; write it as %d/%m/%Y or "
                "%d.%m.%Y %H:%M"
            )
        return notation

    @property
    def is_plain(self) -> bool:
        """Whether every program reads such dates without options, as those of ISO 8601."""
        return (
            re.fullmatch(r"%Y-%m-%d([T ]%H:%M(:%S(%\.f)?)?(Z|[+-]\d\d:\d\d)?)?", self._read)
            is not None
        )

    @property
    def has_time(self) -> bool:
        """Whether the format has hours."""
        return bool({"H", "I", "T", "R", "X", "c", "r", "k", "l"} & set(self._directives))

    def describe(self) -> str:
        """Describes the notation with an example, for a line of a schema.

        >>> DateNotation(format="%d/%m/%Y").describe()
        'dates written 31/12/2024'
        """
        return f"dates written {self.example}" + (
            " (years 1969 to 2068)" if "y" in self._directives else ""
        )

    @property
    def example(self) -> str:
        """The last evening of 2024 in this notation."""
        return str(self.write(np.array([EXAMPLE], dtype="datetime64[us]"))[0])

    def parse(self, text: Any) -> Any:
        """Parses a polars series of text to dates or times; null if a cell does not match."""
        import polars as pl

        text = text.alias("")  # methods take a name such as ^a$ for a pattern
        shaped = text.set(~text.str.contains(self._pattern).fill_null(False), None)
        found = shaped.str.to_datetime(self._read, strict=False, time_unit="us")
        return found if self.has_time else found.cast(pl.Date)

    def date(self, text: str) -> datetime.datetime | None:
        """One date from text; None if it does not match.

        >>> DateNotation(format="%d/%m/%Y").date("31/12/2024")
        datetime.datetime(2024, 12, 31, 0, 0)
        """
        import polars as pl

        return self.parse(pl.Series([text.strip()], dtype=pl.String)).cast(pl.Datetime("us")).item()

    def write(self, values: np.ndarray) -> list[str | None]:
        """Datetimes (N,) as text; None for NaT."""
        import polars as pl

        return pl.Series(values.astype("datetime64[us]")).dt.to_string(self.format).to_list()

    def reads_as(self, other: DateNotation) -> bool:
        """Whether both notations parse the same cells to the same dates."""
        return self._read == other._read

    def closest(self, text: Any) -> DateNotation:
        """This notation with the padding, names and fractions of most of these cells.

        The cells are a polars series.
        """
        values = self.parse(text)
        best, most = self, int((values.dt.to_string(self.format) == text).sum())
        for form in _variants(self._read):
            other = DateNotation(format=form)
            hits = int((values.dt.to_string(form) == text).sum())
            if hits > most and other._read == self._read:
                best, most = other, hits
        return best

    def to_json(self) -> dict[str, Any]:
        """A JSON object that ``notation_from_json`` reads."""
        return {"of": "dates", "format": self.format}

    @property
    def _directives(self) -> list[str]:
        return re.findall(r"%[-_0]?\.?\d?([A-Za-z])", self.format)

    @property
    def _is_week(self) -> bool:
        """Whether dates are a day in a numbered week of a year, as in ISO 8601: 2024-W05-3."""
        return {"G", "V", "u"} <= set(self._directives)

    @property
    def _has_day(self) -> bool:
        return bool({"d", "e", "j"} & set(self._directives))

    @property
    def _years(self) -> bool:
        return bool({"Y", "y", "G"} & set(self._directives)) and bool(
            {"m", "b", "B", "h", "j"} & set(self._directives)
        )

    @property
    def _read(self) -> str:
        """The format for parsing: with padding and long names, which also match the short forms."""
        found = re.sub(r"%[-_0]", "%", self.format)
        for written, read in (
            ("%b", "%B"),
            ("%h", "%B"),
            ("%a", "%A"),
            ("%P", "%p"),
            ("%.3f", "%.f"),
            ("%.6f", "%.f"),
        ):
            found = found.replace(written, read)
        return found

    @cached_property
    def _pattern(self) -> str:
        """A pattern of the cells.

        Chrono alone would take the 24 of 1/2/24 for a year of four digits.
        """
        pattern = ""
        for part in re.split(r"(%\.?[A-Za-z])", self._read):
            pattern += _DIRECTIVES.get(part, ".+?" if part.startswith("%") else re.escape(part))
        return f"^{pattern}$"


_ONE_OR_TWO = "[0-9]{1,2}"
_DIRECTIVES = {
    **dict.fromkeys(("%d", "%m", "%H", "%I"), _ONE_OR_TWO),
    **dict.fromkeys(("%M", "%S", "%y"), "[0-9]{2}"),
    **dict.fromkeys(("%Y", "%G"), "[0-9]{4}"),
    "%V": "[0-9]{2}",
    "%u": "[1-7]",
    "%.f": r"(?:\.[0-9]{1,9})?",
    "%p": "[AaPp][Mm]",
    "%B": "[A-Za-z]{3,9}",
    "%A": "[A-Za-z]{3,9}",
}
_WAYS = {
    "%d": ("%d", "%-d"),
    "%m": ("%m", "%-m"),
    "%H": ("%H", "%-H"),
    "%I": ("%I", "%-I"),
    "%B": ("%b", "%B"),
    "%A": ("%a", "%A"),
    "%p": ("%p", "%P"),
    "%.f": ("%.3f", "%.6f", "%.f"),
}


def _variants(read: str) -> list[str]:
    parts = re.split(r"(%\.?[A-Za-z])", read)
    return ["".join(each) for each in product(*(_WAYS.get(part, (part,)) for part in parts))]
