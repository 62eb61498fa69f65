"""Numbers as people write them: what a column's notation is, and how it parses and writes."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np

from chainrule.errors import SchemaError

SPACES = " \u00a0\u202f\u2009"  # plain, no-break, narrow no-break and thin spaces
GAP = f"[{SPACES}]*"
APOSTROPHES = "'\u2019"
MINUS = "-\u2212\u2013"  # hyphen, minus sign and en dash
MINUSES = "\\-\u2212\u2013"  # the same within the brackets of a pattern
# Signs of currencies beside amounts.
SIGNS = "$¢-¥֏؋৲৳৻૱௹฿៛₠-⃀꠸﷼﹩＄￠￡￥￦"
DECIMALS = (".", ",")
DASH = "--?|[\u2013\u2014]"  # a pattern of dashes that replace decimals, as in 12.– and 12,--
THOUSANDS = ("", ",", ".", *SPACES, *APOSTROPHES)
SIGNS_AT = ("front", "number", "end", "parentheses", "inside")
MOST_DECIMALS = 30
LONGEST_AFFIX = 40
DIGIT_FIRST = "[eE.,]?[0-9]"  # units such as m2 have digits, but do not look like more of a number


@dataclass(frozen=True, kw_only=True)
class NumberNotation:
    """Numbers as people write them: ``1.234,50 €``, ``$1,234.50``, ``(12.5)``, ``4.1%``.

    Attributes:
        decimal: the decimal mark, a point or a comma.
        thousands: the mark between thousands, or "". Spaces of any width are equivalent, and so are
            apostrophes.
        grouping: number of digits in groups after the first three: 3, or 2 as in 1,00,000.
        grouped_from: smallest number of digits before the decimal mark that are grouped.
        prefix, suffix: text around every number, with its space: a currency or a unit, which may
            be absent, or a percent sign, which may not.
        singular: what stands behind 1 instead of the suffix, as in 1 day and 2 days; "" if nothing
            else does. Both are read behind every number.
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
    singular: str = ""
    minus: str = "-"
    minus_at: str = "front"
    plus: bool = False
    least_decimals: int = 0
    most_decimals: int = 0
    exponent: bool = False
    dash: str = ""

    def __post_init__(self) -> None:
        affixes = (self.prefix, self.suffix, self.singular)
        sound = (
            self.decimal in DECIMALS
            and self.thousands in THOUSANDS
            and self.thousands != self.decimal
            and self.grouping in (2, 3)
            and self.grouped_from in (4, 5)
            and all(len(affix) <= LONGEST_AFFIX for affix in affixes)
            and not any(map(str.isdecimal, self.prefix))
            and not any(re.match(DIGIT_FIRST, affix.strip()) for affix in affixes)
            and (not self.singular or bool(self.suffix))
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

    @property
    def unit(self) -> str:
        """The text around numbers, without its space: a unit, a currency, or a percent sign."""
        return (self.prefix + self.suffix).strip()

    def is_other_unit(self, cell: str) -> bool:
        """Whether a cell that is not parsed has digits and a unit other than that of the numbers.

        >>> kilograms = NumberNotation(suffix=" kg")
        >>> kilograms.is_other_unit("12 lb"), kilograms.is_other_unit("1,2 kg")
        (True, False)
        """
        words = re.sub(r"[\d\W_]|(?<=\d)[eE](?=[-+\d])", "", cell)
        has_words = bool(words) or re.search(f"[{SIGNS}]", cell) is not None
        is_ours = any(part and part.strip() in cell for part in (self.prefix, self.suffix))
        return bool(self.unit) and has_words and not is_ours and bool(re.search(r"\d", cell))

    def describe(self) -> str:
        """Describes the notation with an example, for a line of a schema.

        >>> amounts = NumberNotation(decimal=",", thousands=".", most_decimals=2, suffix=" €")
        >>> amounts.describe()
        'numbers written 1.234,5 €'
        """
        whole = 12
        if self.thousands and self.grouping == 2:
            whole = 123456
        elif self.thousands:
            whole = 12345 if self.grouped_from > 4 else 1234
        number = whole + (0.5 if self.most_decimals and not self.dash else 0)
        signed = number if self.minus_at == "front" and self.minus == "-" else -number
        return (
            f"{'percent' if self.is_share else 'numbers'} written "
            f"{self.write(np.array([signed]))[0]}"
        )

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

        >>> dollars = NumberNotation(thousands=",", prefix="$", least_decimals=2, most_decimals=2)
        >>> dollars.write(np.array([-1234.5]))
        ['-$1,234.50']
        """
        known: dict[Any, str | None] = {}
        return [
            known[v] if v in known else known.setdefault(v, self._one(v)) for v in values.tolist()
        ]

    def to_json(self) -> dict[str, Any]:
        """A JSON object that ``notation_from_json`` reads."""
        spec = {"of": "numbers", **asdict(self)}
        return spec if self.singular else {k: v for k, v in spec.items() if k != "singular"}

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
        return self._affix((self.prefix,))

    @property
    def _after(self) -> str:
        return self._affix((self.suffix, self.singular))

    def _affix(self, affixes: tuple[str, ...]) -> str:
        """A pattern of one of several affixes, the longest first."""
        words = sorted({affix.strip() for affix in affixes} - {""}, key=len, reverse=True)
        pattern = "|".join(map(re.escape, words))
        return f"(?:{pattern}){'' if self.is_share else '?'}" if pattern else ""

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
        suffix = self.singular if self.singular and number == "1" else self.suffix
        if not below:
            sign = "+" if self.plus and value > 0 else ""
            front = self.prefix + sign if self.minus_at == "number" else sign + self.prefix
            return f"{front}{number}{suffix}"
        return {
            "front": f"{self.minus}{self.prefix}{number}{suffix}",
            "number": f"{self.prefix}{self.minus}{number}{suffix}",
            "end": f"{self.prefix}{number}{suffix}{self.minus}",
            "parentheses": f"({self.prefix}{number}{suffix})",
            "inside": f"{self.prefix}({number}){suffix}",
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


def numbers_of(plain: Any) -> Any:
    """Parses a polars series of plain text, such as 1234.5, to integers or else floats."""
    import polars as pl

    for dtype in (pl.Int64, pl.UInt64, pl.Int128):
        whole = plain.cast(dtype, strict=False)
        if whole.null_count() == plain.null_count():
            return whole
    return plain.cast(pl.Float64, strict=False)


def same_marks(mark: str) -> str:
    """A pattern of equivalent marks: spaces of any width, apostrophes of either shape."""
    for marks in (SPACES, APOSTROPHES):
        if mark in marks:
            return f"[{marks}]"
    return re.escape(mark)
