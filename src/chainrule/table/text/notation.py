"""Notations of a column of text, which parse its numbers or dates and write values."""

from __future__ import annotations

import datetime
import re
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import product
from typing import Any, Self

import numpy as np

from chainrule.errors import FormatError, SchemaError
from chainrule.table.frames.build import cells_of
from chainrule.table.frames.fork_safety import require_polars
from chainrule.table.values.cells import is_unknown

SPACES = " \u00a0\u202f\u2009"  # plain, no-break, narrow no-break and thin spaces
GAP = f"[{SPACES}]*"
APOSTROPHES = "'\u2019"
MINUS = "-\u2212\u2013"  # hyphen, minus sign and en dash
MINUSES = "\\-\u2212\u2013"  # the same within the brackets of a pattern
DECIMALS = (".", ",")
DASH = "--?|[\u2013\u2014]"  # a pattern of dashes that replace decimals, as in 12.– and 12,--
THOUSANDS = ("", ",", ".", *SPACES, *APOSTROPHES)
SIGNS_AT = ("front", "number", "end", "parentheses", "inside")
MOST_DECIMALS = 30
LONGEST_AFFIX = 12
LONGEST_FORMAT = 64
EXAMPLE = datetime.datetime(2024, 12, 31, 23, 59, 58)


@dataclass(frozen=True, kw_only=True)
class NumberNotation:
    """Numbers as people write them: ``1.234,50 €``, ``$1,234.50``, ``(12.5)``, ``4.1%``.

    Attributes:
        decimal: the decimal mark, a point or a comma.
        thousands: the mark between thousands, or "". Spaces of any width are equivalent, and so are
            apostrophes.
        grouping: number of digits in groups after the first three: 3, or 2 as in 1,00,000.
        grouped_from: smallest number of digits before the decimal mark that are grouped.
        prefix, suffix: text around every number, with its space: a currency, which may be absent,
            or a percent sign, which may not.
        minus: the sign of numbers below zero.
        minus_at: its position: "front" (before the prefix), "number" (after it) or "end"; or
            parentheses: "parentheses" around everything, "inside" within prefix and suffix.
        plus: whether numbers above zero have a sign.
        least_decimals, most_decimals: number of digits after the decimal mark.
        exponent: whether numbers may have an exponent, as in 1,5E-7; numbers are then written in
            full.
        dash: replaces the decimals of whole numbers, as in 12.–; "" for none.
    """

    decimal: str = "."
    thousands: str = ""
    grouping: int = 3
    grouped_from: int = 4
    prefix: str = ""
    suffix: str = ""
    minus: str = "-"
    minus_at: str = "front"
    plus: bool = False
    least_decimals: int = 0
    most_decimals: int = 0
    exponent: bool = False
    dash: str = ""

    def __post_init__(self) -> None:
        affixes = (self.prefix, self.suffix)
        sound = (
            self.decimal in DECIMALS
            and self.thousands in THOUSANDS
            and self.thousands != self.decimal
            and self.grouping in (2, 3)
            and self.grouped_from in (4, 5)
            and all(
                len(affix) <= LONGEST_AFFIX and not any(c.isdigit() for c in affix)
                for affix in affixes
            )
            and len(self.minus) == 1
            and self.minus in MINUS
            and self.minus_at in SIGNS_AT
            and 0 <= self.least_decimals <= self.most_decimals <= MOST_DECIMALS
            and (not self.dash or re.fullmatch(DASH, self.dash) is not None)
        )
        if not sound:
            raise SchemaError(f"{self!r} is no notation of numbers")

    @property
    def is_plain(self) -> bool:
        """Whether every program reads such numbers without options."""
        marks = (self.decimal == "." or not self.most_decimals) and not (
            self.thousands or self.dash
        )
        return (
            marks
            and not (self.prefix or self.suffix or self.plus)
            and (self.minus, self.minus_at) == ("-", "front")
        )

    @property
    def is_share(self) -> bool:
        """Whether every number has a percent or per mille sign."""
        return any(sign in self.prefix + self.suffix for sign in "%‰")

    def describe(self) -> str:
        """Describes the notation with an example, for a line of a schema.

        >>> NumberNotation(decimal=",", thousands=".", least_decimals=2, most_decimals=2, suffix=" €").describe()
        'numbers written 1.234,50 €'
        """
        whole = (
            12
            if not self.thousands
            else 123456
            if self.grouping == 2
            else 12345
            if self.grouped_from > 4
            else 1234
        )
        number = whole + (0.5 if self.most_decimals and not self.dash else 0)
        signed = number if self.minus_at == "front" and self.minus == "-" else -number
        return f"{'percent' if self.is_share else 'numbers'} written {self.write(np.array([signed]))[0]}"

    def parse(self, text: Any) -> Any:
        """Parses a polars series of text to integers or floats; null if a cell does not match."""
        import polars as pl

        frame = text.rename("text").to_frame()
        signed, enclosed = frame.select(
            pl.col("text").str.extract_groups(self._signed).alias("signed"),
            pl.coalesce(*(pl.col("text").str.extract(p, 1) for p in self._enclosed)).alias(
                "enclosed"
            ),
        ).get_columns()
        parts = signed.struct.unnest().rename(dict(zip(signed.struct.fields, _PARTS, strict=True)))
        signs = pl.concat_str(_PARTS[:2] + _PARTS[3:], ignore_nulls=True)
        once = signs.str.len_chars() <= 1
        body = pl.when(once).then("body").otherwise(None)
        found = parts.with_columns(enclosed.alias("enclosed")).select(
            pl.coalesce(body, "enclosed").alias("body"),
            (pl.col("enclosed").is_not_null() | signs.str.contains(f"[{MINUSES}]")).alias("below"),
        )
        plain = pl.col("body")
        if self.thousands:
            plain = plain.str.replace_all(same_marks(self.thousands), "")
        if self.dash:
            plain = plain.str.replace(f"(?:{DASH})$", "")
        plain = plain.str.replace(self.decimal, ".", literal=True).str.strip_suffix(".")
        plain = pl.when(plain.str.starts_with(".")).then(pl.lit("0") + plain).otherwise(plain)
        plain = pl.when("below").then(pl.lit("-") + plain).otherwise(plain)
        return numbers_of(found.select(plain.alias("plain")).to_series()).alias(text.name)

    def write(self, values: np.ndarray) -> list[str | None]:
        """Numbers (N,) as text, rounded to ``most_decimals``; None for NaN and None.

        >>> NumberNotation(thousands=",", prefix="$", least_decimals=2, most_decimals=2).write(np.array([-1234.5]))
        ['-$1,234.50']
        """
        known: dict[Any, str | None] = {}
        return [
            known[v] if v in known else known.setdefault(v, self._one(v)) for v in values.tolist()
        ]

    def to_json(self) -> dict[str, Any]:
        """A JSON object that ``notation_from_json`` reads."""
        return {"of": "numbers", **asdict(self)}

    @cached_property
    def body(self) -> str:
        """A pattern for the digits and marks of one number, valid in Python and in polars."""
        mark = re.escape(self.decimal)
        fraction = f"(?:{mark}(?:{DASH}|[0-9]*))?" if self.dash else f"(?:{mark}[0-9]*)?"
        plain = f"(?:(?:0|[1-9][0-9]*){fraction}|{mark}[0-9]+)(?:[eE][+-]?[0-9]+)?"
        if self.thousands:
            group = same_marks(self.thousands)
            lead = f"[1-9][0-9]?(?:{group}[0-9]{{2}})*"
            if self.grouping == 3:
                lead = f"[1-9][0-9]{{0,2}}(?:{group}[0-9]{{3}})*"
            plain += f"|{lead}{group}[0-9]{{3}}{fraction}"
        return plain

    @cached_property
    def _signed(self) -> str:
        sign, end, gap = f"([+{MINUSES}])?", f"([{MINUSES}])?", GAP
        parts = (sign, self._before, sign, f"({self.body})", end, self._after, end)
        return f"^{gap.join(part for part in parts if part)}$"

    @cached_property
    def _enclosed(self) -> tuple[str, str]:
        before, after, body = self._before, self._after, self.body
        inside = rf"^\({GAP}{before}{GAP}({body}){GAP}{after}{GAP}\)$"
        return inside, rf"^{before}{GAP}\({GAP}({body}){GAP}\){GAP}{after}$"

    @property
    def _before(self) -> str:
        return self._affix(self.prefix)

    @property
    def _after(self) -> str:
        return self._affix(self.suffix)

    def _affix(self, affix: str) -> str:
        pattern = re.escape(affix.strip())
        return f"(?:{pattern})?" if pattern and not self.is_share else pattern

    def _one(self, value: Any) -> str | None:
        if value is None or value != value:
            return None
        if isinstance(value, int):
            digits, fraction, tail = str(abs(value)), "", ""
        else:
            short = np.format_float_positional(
                abs(value), precision=None if self.exponent else self.most_decimals, trim="-"
            )
            tail = ""
            if self.exponent and not 1e-4 <= abs(value) < 1e16 and value:
                short, _, tail = repr(abs(value)).partition("e")
                tail = f"E{int(tail or 0):+03d}"
            digits, _, fraction = short.partition(".")
        fraction = "" if tail and fraction == "0" else fraction
        fraction = fraction if tail else fraction.ljust(self.least_decimals, "0")
        below = value < 0 and any(digit not in "0" for digit in digits + fraction)
        if self.dash and not tail and not fraction.strip("0"):
            fraction = self.dash
        number = self._grouped(digits) + (self.decimal + fraction if fraction else "") + tail
        if not below:
            sign = "+" if self.plus and value > 0 else ""
            return (
                f"{self.prefix}{sign}{number}{self.suffix}"
                if self.minus_at == "number"
                else f"{sign}{self.prefix}{number}{self.suffix}"
            )
        return {
            "front": f"{self.minus}{self.prefix}{number}{self.suffix}",
            "number": f"{self.prefix}{self.minus}{number}{self.suffix}",
            "end": f"{self.prefix}{number}{self.suffix}{self.minus}",
            "parentheses": f"({self.prefix}{number}{self.suffix})",
            "inside": f"{self.prefix}({number}){self.suffix}",
        }[self.minus_at]

    def _grouped(self, digits: str) -> str:
        if not self.thousands or len(digits) < self.grouped_from:
            return digits
        lead, last = digits[:-3], digits[-3:]
        groups = [
            lead[max(0, end - self.grouping) : end] for end in range(len(lead), 0, -self.grouping)
        ]
        return self.thousands.join([*reversed(groups), last])


_PARTS = ["front", "before", "body", "after", "end"]


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
                f"{self.format!r} is no format of dates with a day, a month and a year; write it as %d/%m/%Y or %d.%m.%Y %H:%M"
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
                f"{text!r}: dates in this format are not read again; write it as %d/%m/%Y or %d.%m.%Y %H:%M"
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

Notation = NumberNotation | DateNotation


def notation_from_json(spec: Mapping[str, Any]) -> Notation:
    """Rebuilds the notation that ``to_json`` described.

    Raises:
        FormatError: the object describes none.
    """
    try:
        if spec["of"] == "dates":
            return DateNotation.from_format(str(spec["format"]))
        if spec["of"] == "numbers":
            return NumberNotation(**{name: value for name, value in spec.items() if name != "of"})
    except (TypeError, SchemaError, KeyError) as error:
        raise FormatError(f"a notation is not one this version wrote: {error}") from error
    raise FormatError(f"a notation of {spec['of']!r}; there are those of numbers and dates")


def numbers_of(plain: Any) -> Any:
    """Parses a polars series of plain text, such as 1234.5, to integers or else floats."""
    import polars as pl

    for dtype in (pl.Int64, pl.UInt64, pl.Int128):
        whole = plain.cast(dtype, strict=False)
        if whole.null_count() == plain.null_count():
            return whole
    return plain.cast(pl.Float64, strict=False)


class NotRead:
    """A cell of text that its column's notation does not parse; messages show its text."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return repr(self.text)

    def __str__(self) -> str:
        return self.text


def read_cells(notation: Notation, cells: np.ndarray, unknown: Collection[str]) -> np.ndarray:
    """Parses the cells (N,) of a column of text to numbers or dates; other cells do not change.

    Args:
        notation: the notation of the column.
        cells: text, or other cells of frames: numbers, dates, None.
        unknown: words in lower case for missing cells.

    Returns:
        (N,) numbers or datetimes; objects if there are other cells, with a ``NotRead`` for text
            that the notation does not parse.
    """
    import narwhals as nw
    import polars as pl

    if cells.dtype.kind in "biufmM":
        return cells
    require_polars()
    is_text = np.fromiter((isinstance(cell, str) for cell in cells), dtype=bool, count=len(cells))
    text = pl.Series(
        [
            cell if known else None
            for cell, known in zip(cells.tolist(), is_text.tolist(), strict=True)
        ],
        dtype=pl.String,
    )
    text = text.str.strip_chars()
    missing = text.str.to_lowercase().is_in(list(unknown)).fill_null(False).to_numpy()
    parsed = notation.parse(text)
    wrong = is_text & ~missing & parsed.is_null().to_numpy()
    if not wrong.any() and not (~is_unknown(cells) & ~is_text).any():
        return cells_of(nw.from_native(parsed, series_only=True))
    rows = zip(cells.tolist(), parsed.to_list(), is_text.tolist(), wrong.tolist(), strict=True)
    values = [NotRead(cell) if bad else value if text else cell for cell, value, text, bad in rows]
    found = np.empty(len(values), dtype=object)
    found[:] = values
    return found


def require_read(name: str, notation: Notation, cells: np.ndarray, where: Any) -> None:
    """Raises SchemaError for the first cell (N,) that its column's notation does not parse."""
    if cells.dtype.kind != "O":
        return
    for row, cell in enumerate(cells):
        if isinstance(cell, NotRead):
            options = (
                ["date_format"] if isinstance(notation, DateNotation) else ["decimal", "thousands"]
            )
            flags = ", ".join("--" + option.replace("_", "-") for option in options)
            raise SchemaError(
                f"column {name!r}: value {cell!r} at {where(row)} is not among {notation.describe()}, as all were when the model "
                f"was fitted: correct it, leave the cell empty, or say how this table is written, by {' and '.join(options)} of "
                f"read_table ({flags})"
            )


def written(notation: Notation, values: np.ndarray) -> np.ndarray:
    """Numbers or datetimes (N,) as text objects; the mask is kept."""
    mask = np.ma.getmaskarray(values) if isinstance(values, np.ma.MaskedArray) else None
    found = np.empty(len(values), dtype=object)
    found[:] = notation.write(np.ma.getdata(values))
    return found if mask is None else np.ma.masked_array(found, mask)


def same_marks(mark: str) -> str:
    """A pattern of equivalent marks: spaces of any width, apostrophes of either shape."""
    for marks in (SPACES, APOSTROPHES):
        if mark in marks:
            return f"[{marks}]"
    return re.escape(mark)


def _variants(read: str) -> list[str]:
    parts = re.split(r"(%\.?[A-Za-z])", read)
    return ["".join(each) for each in product(*(_WAYS.get(part, (part,)) for part in parts))]
