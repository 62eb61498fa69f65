"""Detects the notation of a column of text.

It must read all cells, and no other notation may read them differently.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from shlex import quote
from typing import Any

import numpy as np

from chainrule.errors import SchemaError
from chainrule.table.text.notation import (
    APOSTROPHES,
    DASH,
    GAP,
    MINUSES,
    MOST_DECIMALS,
    SPACES,
    DateNotation,
    Notation,
    NumberNotation,
    same_marks,
)
from chainrule.table.text.reading_options import ColumnReading

MOSTLY = 0.8  # least share of known cells in one notation that makes the others mistakes
MANY_DAYS = 28  # fewest different values up to 31 that show the days of a month
# So few different words among so many different numbers stand for missing cells.
FEW_WORDS, MANY_NUMBERS = 3, 20
LOOKED_AT = 200  # cells that decide whether a column is examined further
SAMPLES = 20  # cells whose shape decides which formats of dates are tried
STYLED = 100  # cells that decide the style of dates: padded or not, short names or long
# Fewest different unmarked numbers of up to three digits that make a mark one of thousands.
UNMARKED = 3

# Signs and codes of currencies beside amounts, without codes that are words (ALL, TOP, CUP).
SIGNS = "$¢-¥֏؋৲৳৻૱௹฿៛₠-⃀꠸﷼﹩＄￠￡￥￦"
CODES = re.findall(
    r"\w+",
    "USD EUR GBP JPY CNY CHF INR BRL RUB KRW MXN CAD AUD NZD SEK NOK DKK ISK PLN CZK HUF RON BGN TRY ZAR SGD HKD TWD THB IDR "
    "MYR PHP VND ILS AED SAR EGP NGN KES ARS CLP COP PEN UAH KZT PKR BDT LKR MAD TND QAR KWD GHS",
)
WORDS = (r"Rs\.?", r"kr\.?", "Kč", "zł", "Ft", "lei", r"лв\.?", r"руб\.?", r"р\.", r"S?Fr\.")
CURRENCY = "|".join([f"[A-Z]{{0,3}}[{SIGNS}]", *CODES, *WORDS])
SHAPE = (
    rf"^([+({MINUSES}])?{GAP}({CURRENCY}|[%‰])?({GAP})([+({MINUSES}])?{GAP}"
    rf"([0-9](?:[0-9.,{APOSTROPHES}{SPACES}]*[0-9])?(?:[.,](?:{DASH})|[.,]?(?:[eE][+-]?[0-9]+)?)|[.,][0-9]+(?:[eE][+-]?[0-9]+)?)"
    rf"(?:{GAP}([){MINUSES}]))?({GAP})({CURRENCY}|[%‰])?{GAP}([){MINUSES}])?$"
)
PARTS = ["front", "prefix", "before", "inner", "body", "after", "behind", "suffix", "end"]
CLOCK = re.compile(r"[0-9]{1,2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?(\s?[AaPp]\.?[Mm]\.?)?")


@dataclass(frozen=True)
class Found:
    """A notation that reads most cells of a column, and the cells that it does not read.

    A notation of None means plain numbers, except for the strays.
    """

    notation: Notation | None
    strays: tuple[str, ...] = ()


@dataclass(frozen=True)
class Doubt:
    """Why cells that look like numbers or dates are not read, and which option reads them.

    Attributes:
        reason: the explanation, with the option.
        readings: number of notations that read most cells, each differently.
    """

    reason: str
    readings: int = 0


def detect(
    name: str, text: Any, options: ColumnReading, *, min_count: int = 1
) -> Found | Doubt | None:
    """The notation of a column of text; None if it holds neither numbers nor dates.

    Args:
        name: the name of the column, for messages.
        text: a polars series of its cells, stripped of spaces, null if unknown.
        options: the user's options for its notation.
        min_count: fewest cells that share a fact in the reason, since models store reasons.

    Raises:
        SchemaError: a cell that is not in the date format given for this column.
    """
    import polars as pl

    known = text.rename("cell").drop_nulls()
    some = known.gather_every(max(1, len(known) // LOOKED_AT)).to_list()
    if not some or not (options or may_be_written(some)):
        return None
    counts = known.value_counts(sort=True)  # the most frequent cells come first
    cells, weight = counts.to_series(0), counts.to_series(1).to_numpy()
    if options.date_format is not None:
        dates = DateNotation.from_format(options.date_format)
        read = dates.parse(cells).is_not_null().to_numpy()
        if read.all():
            return Found(dates.closest(cells.head(STYLED)))
        if options.date_format_is_own:
            stray = cells.filter(pl.Series(~read)).item(0)
            raise SchemaError(
                f"column {name!r}: value {stray!r} is not a date in the format "
                f"{options.date_format!r}; correct it, leave the cell empty, or say another format"
            )
    numbers = _numbers(name, cells, weight, options, min_count)
    return numbers if numbers is not None else _dates(name, cells, weight, min_count)


def may_be_written(cells: Sequence[str]) -> bool:
    """Whether half of some cells look like numbers or dates in any notation.

    It recognises labels without polars.
    """
    return 2 * sum(map(_looks_written, cells)) >= len(cells)


def _looks_written(cell: str) -> bool:
    if not any(map(str.isdigit, cell)):
        return False
    shapes = (SHAPE, UNIT, CLOCK, MONTH, WEEK, OTHER_MONTH)
    return any(re.fullmatch(shape, cell) for shape in shapes) or bool(_formats(cell))


# Numbers


def _numbers(
    name: str, cells: Any, weight: np.ndarray, options: ColumnReading, min_count: int
) -> Found | Doubt | None:
    import polars as pl

    shape = _shapes(cells).with_columns(pl.Series("weight", weight))
    has_body = shape["body"].is_not_null().to_numpy()
    if not has_body.any():
        return _with_unit(cells, weight, min_count)
    affixes = (
        shape.filter(pl.Series(has_body)).group_by("prefix", "suffix").agg(pl.col("weight").sum())
    )
    affixes = affixes.sort("weight", "prefix", "suffix", descending=True)
    prefix, suffix = affixes.row(0)[:2]
    own = has_body & ((shape["prefix"] == prefix) & (shape["suffix"] == suffix)).to_numpy()
    if len(affixes) > 1 and weight[own].sum() < MOSTLY * weight.sum() <= weight[has_body].sum():
        return Doubt(_mixed(affixes, min_count))
    is_currency = bool((prefix + suffix).strip("%‰"))
    if is_currency:  # an amount without a sign has the same currency
        own |= has_body & ((shape["prefix"] == "") & (shape["suffix"] == "")).to_numpy()
    figures = _figures(shape["body"].filter(pl.Series(own)))
    counted = (
        pl.DataFrame({"f": figures, "w": weight[own]})
        .group_by("f", maintain_order=True)
        .agg(pl.col("w").sum())
    )
    readings = _that_read_most(_marks(options), counted["f"].to_list(), counted["w"].to_numpy())
    by_figure = pl.Series([each is not None for each in readings[0].plain])
    read = own.copy()
    read[own] = figures.replace_strict(counted["f"], by_figure, return_dtype=pl.Boolean).to_numpy()
    strays = tuple(cells.filter(pl.Series(~read)).head(FEW_WORDS + 1).to_list())
    bodies = shape["body"].filter(pl.Series(read))
    if weight[read].sum() < MOSTLY * weight.sum():
        few = len(strays) <= FEW_WORDS and bodies.n_unique() >= MANY_NUMBERS
        if few:
            return Doubt(_but_for(name, "numbers", cells, weight, read, min_count))
        both = _by_two_marks(options, counted["f"].to_list(), counted["w"].to_numpy())
        if both is None or both.min() < min_count or both.sum() < MOSTLY * weight.sum():
            return None
        return Doubt(
            "numbers of which some have a point for a decimal mark and others a comma, as in 1,234.50 and 1.234,50: write all of "
            "them in the same way"
        )
    styled = shape.filter(pl.Series(read))
    notations = [_style(each.marks, prefix, suffix, styled, min_count) for each in readings]
    notation = notations[0] if len(readings) == 1 else _by_evidence(readings, notations, bodies)
    if notation is None:
        return Doubt(_two_readings(name, readings, prefix, suffix), readings=2)
    return Found(None if notation.is_plain else notation, strays)


_Marks = tuple[str, str, int]  # decimal mark, thousands, grouping


@dataclass(frozen=True)
class _Reading:
    """The plain notation of each figure when its marks have these meanings.

    None if they do not read it.
    """

    marks: _Marks
    plain: tuple[str | None, ...]


def _shapes(cells: Any) -> Any:
    """Splits each cell that may be a number into sign, currency and digits, as a polars frame.

    Other cells have no body.
    """
    import polars as pl

    shape = cells.str.extract_groups(SHAPE).struct.unnest()
    shape.columns = PARTS
    shape = shape.with_columns(pl.col(part).fill_null("") for part in PARTS if part != "body")
    at_end = f"[.,]({DASH})$"
    dash = pl.col("body").str.extract(at_end, 1).fill_null("")
    shape = shape.with_columns(dash.alias("dash"), pl.col("body").str.replace(f"(?:{DASH})$", ""))
    signs = pl.concat_str("front", "inner", "after", "end")
    once = (signs.str.len_chars() <= 1) & ~signs.str.contains(r"[()]") | (signs == "()")
    return shape.with_columns(pl.when(once).then("body").alias("body"))


def _figures(bodies: Any) -> Any:
    """Numbers as written, a polars series, with 9 for each digit except a leading 0.

    Whether marks read a number depends on its figure only.
    """
    import polars as pl

    frame = pl.DataFrame({"body": bodies})
    nines = pl.col("body").str.replace_all("[0-9]", "9")
    led = (
        pl.when(pl.col("body").str.starts_with("0"))
        .then(pl.lit("0") + nines.str.slice(1))
        .otherwise(nines)
    )
    return frame.select(led.alias("figure")).to_series()


def _that_read_most(
    candidates: Sequence[_Marks], figures: Sequence[str], weight: np.ndarray
) -> list[_Reading]:
    """The different readings that read most figures, the simplest first."""
    found = [
        _Reading(marks, tuple(_plain(each, marks) for each in figures)) for marks in candidates
    ]
    counts = [int(weight[[each is not None for each in reading.plain]].sum()) for reading in found]
    best: dict[tuple[str | None, ...], _Reading] = {}
    for reading, count in zip(found, counts, strict=True):
        if count == max(counts):
            best.setdefault(reading.plain, reading)
    return list(best.values())


def _by_two_marks(
    options: ColumnReading, figures: Sequence[str], weight: np.ndarray
) -> np.ndarray | None:
    """How many cells only a decimal comma reads, and how many a point reads, (2,).

    None if a point reads all of them.
    """
    read = {
        mark: np.array(
            [
                any(_plain(each, marks) for marks in _marks(options) if marks[0] == mark)
                for each in figures
            ]
        )
        for mark in (".", ",")
    }
    only = weight[read[","] & ~read["."]].sum()
    return np.array([only, weight[read["."]].sum()]) if only else None


def _with_unit(cells: Any, weight: np.ndarray, min_count: int) -> Doubt | None:
    """The doubt about many different numbers that are followed by one word, such as kg."""
    units = cells.str.extract(UNIT, 1)
    most = units.drop_nulls().mode()
    if len(cells) < MANY_NUMBERS or len(most) != 1:
        return None
    if weight[(units == most[0]).fill_null(False).to_numpy()].sum() < max(
        MOSTLY * weight.sum(), min_count
    ):
        return None
    return Doubt(
        f"numbers with {most[0]!r} behind each, which are not read: write them without, and the unit into the name of the column"
    )


def _plain(figure: str, marks: _Marks) -> str | None:
    """A figure in the form 999.9, if these marks make it a number."""
    decimal, thousands, grouping = marks
    if (
        re.fullmatch(
            NumberNotation(decimal=decimal, thousands=thousands, grouping=grouping).body, figure
        )
        is None
    ):
        return None
    if thousands:
        figure = re.sub(same_marks(thousands), "", figure)
    return figure.replace(decimal, ".")


def _marks(options: ColumnReading) -> list[_Marks]:
    """The possible marks of a column, the simplest first."""
    wanted = next(
        (
            equivalent[0]
            for equivalent in (SPACES, APOSTROPHES)
            if options.thousands and options.thousands in equivalent
        ),
        options.thousands,
    )
    return [
        (decimal, thousands, grouping)
        for thousands in ("", ",", ".", " ", "'")
        for decimal in (".", ",")
        for grouping in ((3, 2) if thousands else (3,))
        if thousands != decimal
        and options.decimal in (None, decimal)
        and wanted in (None, thousands)
    ]


def _by_evidence(
    readings: Sequence[_Reading], notations: Sequence[NumberNotation], bodies: Any
) -> NumberNotation | None:
    """The intended one of several readings, if the cells show it.

    One mark before three digits everywhere may be a decimal mark or separate thousands. A point is
    a decimal mark in numbers that every program reads so. It also is in percent, which rarely reach
    thousands. If numbers below a thousand have no mark, the mark separates thousands: one decimal
    number in ten would end in a zero, and be shorter.
    """
    parted = [k for k, each in enumerate(readings) if each.marks[1]]
    decimal = [k for k, each in enumerate(readings) if not each.marks[1]]
    if len(parted) != 1 or len(decimal) != 1:
        return None
    as_points = notations[decimal[0]]
    if as_points.is_plain or (as_points.is_share and as_points.decimal == "."):
        return as_points
    unmarked = bodies.filter(bodies.str.contains("^[0-9]+$"))
    short = unmarked.filter((unmarked.str.len_chars() <= 3) & (unmarked != "0"))
    if short.n_unique() >= UNMARKED and unmarked.str.len_chars().max() <= 3:
        return notations[parted[0]]
    return None


def _style(marks: _Marks, prefix: str, suffix: str, shape: Any, min_count: int) -> NumberNotation:
    """The most frequent style of cells of this shape, which these marks read, as a notation."""
    decimal, thousands, grouping = marks
    weight = shape["weight"]
    body = shape["body"].str.replace("[eE].*$", "")
    whole = body.str.split(decimal).list.first() if decimal else body
    least, most = _decimals(body, decimal, shape, min_count)
    digits = whole.str.replace_all("[^0-9]", "").str.len_chars()
    is_grouped = whole.str.contains("[^0-9]")
    longest = int(digits.filter(~is_grouped).max() or 0)
    if thousands in (" ", "'") and is_grouped.any():
        used = whole.filter(is_grouped).str.replace_all("[0-9]", "").str.slice(0, 1)
        thousands = _commonest(used, weight.filter(is_grouped))
    if not is_grouped.any():
        thousands, grouping = "", 3
    # Four digits stand together where only longer numbers are grouped: 1234 beside 12.345.
    keeps_four = longest == 4 and thousands and int(digits.filter(is_grouped).min() or 0) > 4
    minus, minus_at, plus = _signs(shape, prefix)
    has_affix = (shape["prefix"] != "") | (shape["suffix"] != "")
    before, behind = (
        _commonest(shape[side].filter(has_affix), weight.filter(has_affix)) if affix else ""
        for side, affix in (("before", prefix), ("behind", suffix))
    )
    has_exponents = bool(shape["body"].str.contains("[eE]").any())
    dashes = shape.filter(shape["dash"] != "")
    return NumberNotation(
        decimal=decimal,
        thousands=thousands,
        grouping=grouping,
        grouped_from=5 if keeps_four else 4,
        prefix=prefix + before,
        suffix=behind + suffix,
        minus=minus,
        minus_at=minus_at,
        plus=plus,
        least_decimals=0 if has_exponents else min(least, most),
        most_decimals=most,
        exponent=has_exponents,
        dash=_commonest(dashes["dash"], dashes["weight"]) if len(dashes) else "",
    )


def _decimals(body: Any, decimal: str, shape: Any, min_count: int) -> tuple[int, int]:
    """The least and the most decimals that cells are written with."""
    fraction = body.str.split(decimal).list.get(1, null_on_oob=True).fill_null("")
    weight = shape["weight"]
    has_decimals = shape["dash"] == ""  # dashes replace the decimals of the others
    if has_decimals.any():
        fraction, weight = fraction.filter(has_decimals), weight.filter(has_decimals)
    lengths = fraction.str.len_chars()
    most = _shared(lengths, weight, min_count)
    if fraction.str.contains("[0-9]0$").any() or lengths.n_unique() == 1:  # zeros are kept
        return _commonest(lengths, weight), most
    return int((fraction == "0").any()), most  # programs write 12 as 12.0


def _signs(shape: Any, prefix: str) -> tuple[str, str, bool]:
    """The sign of negative cells, its place, and whether positive ones have a plus."""
    import polars as pl

    front, inner, after, end = (shape[place] for place in ("front", "inner", "after", "end"))
    signs = pl.DataFrame(
        {
            "sign": front + inner + after + end,
            "is_front": front != "",
            "is_inner": inner != "",
            "weight": shape["weight"],
        }
    )
    is_minus = pl.col("sign").str.contains(f"[({MINUSES}]")
    above = signs.filter(~is_minus & shape["body"].str.contains("[1-9]"))["sign"]
    plus = len(above) > 0 and bool((above == "+").all())
    below = signs.filter(is_minus)
    if not len(below):
        return "-", "front", plus
    minus = _commonest(below["sign"], below["weight"])
    is_front, is_inner = (
        bool(_commonest(below[place], below["weight"])) for place in ("is_front", "is_inner")
    )
    if minus == "()":
        return "-", "parentheses" if is_front else "inside", plus
    if is_front:
        return minus, "front", plus
    if is_inner:
        return minus, "number" if prefix else "front", plus
    return minus, "end", plus


def _commonest(values: Any, weight: Any) -> Any:
    import polars as pl

    counted = pl.DataFrame({"v": values, "w": weight}).group_by("v").agg(pl.col("w").sum())
    return counted.sort("w", "v", descending=True).item(0, 0)


def _shared(lengths: Any, weight: Any, min_count: int) -> int:
    """The largest number of decimals that at least ``min_count`` cells reach.

    The decimals of a single cell are not stored.
    """
    import polars as pl

    counted = pl.DataFrame({"n": lengths, "w": weight}).sort("n", descending=True)
    enough = counted["w"].cum_sum() >= min(min_count, int(counted["w"].sum()))
    return min(int(counted["n"].filter(enough).item(0)), MOST_DECIMALS)


def _mixed(affixes: Any, min_count: int) -> str:
    signs: dict[str, int] = {}
    for prefix, suffix, count in affixes.iter_rows():
        for sign in {prefix, suffix} - {""}:
            signs[sign] = signs.get(sign, 0) + count
    currencies = [sign for sign in signs if sign not in "%‰"]
    if len(currencies) > 1:
        named = [sign for sign in currencies if signs[sign] >= min_count]
        such = f", such as {_listed(named[:2])}," if len(named) > 1 else ","
        return (
            f"amounts in several currencies{such} which do not compare as numbers: convert them, or put the currency into a "
            f"column of its own"
        )
    return (
        f"numbers of which not all have {max(signs, key=signs.__getitem__)!r} at the same end: "
        f"write all of them in the same way"
    )


def _two_readings(name: str, readings: Sequence[_Reading], prefix: str, suffix: str) -> str:
    mark = next(each.marks[1] for each in readings if each.marks[1])
    flag = quote(f"{name}={mark}")
    return (
        f"numbers such as {prefix}1{mark}234{suffix}, 1234 where {mark!r} separates thousands or 1.234 "
        f"where it is the decimal mark: say which, by thousands={{{name!r}: {mark!r}}} or "
        f"decimal={{{name!r}: {mark!r}}} (--thousands {flag} or --decimal {flag})"
    )


def _but_for(
    name: str, what: str, cells: Any, weight: np.ndarray, read: np.ndarray, min_count: int
) -> str:
    """The reason for numbers or dates among which a few words stand for missing cells.

    It names words of at least ``min_count`` cells.
    """
    words = [
        cell
        for cell, count, own in zip(cells.to_list(), weight, read, strict=True)
        if count >= min_count and not own
    ]
    return (
        f"{what} but for {int(weight[~read].sum())} cells such as {_listed(words)}, which count as missing by "
        f"na_values={{{name!r}: {words!r}}} (--na-values {quote(name + '=' + ','.join(words))})"
    )


def _listed(words: Iterable[str]) -> str:
    return " and ".join(map(repr, words))


# Dates

# Two of its components could be a month.
DOUBTFUL = np.array(["2024-02-01T07:30"], dtype="datetime64[us]")
MEANINGS = {"d": "day", "m": "month", "B": "month", "b": "month", "Y": "year", "y": "year"}
TIME = re.compile(
    r"(.+?)(T|,? +|:)([0-9]{1,2}:[0-9]{2})(:[0-9]{2}(?:\.[0-9]+)?)?(?:( ?)([AaPp][Mm]))?"
    r"( ?(?:Z|UTC|GMT|[+-][0-9]{2}:?[0-9]{2}))?",
    re.ASCII,
)
NUMERIC = re.compile(r"([0-9]{1,4})([ /.-]|\. )([0-9]{1,2})(\2)([0-9]{1,4})", re.ASCII)
NAMED = (
    (
        re.compile(r"[0-9]{1,2}([ ./-]|\. |)[A-Za-z]{3,9}(,? ?|[./-])([0-9]{4}|[0-9]{2})"),
        "%d{0}%B{1}{year}",
    ),
    (re.compile(r"[A-Za-z]{3,9}([ -])[0-9]{1,2}(,? ?|-)([0-9]{4})"), "%B{0}%d{1}{year}"),
    (re.compile(r"([0-9]{4})([ /-])[A-Za-z]{3,9}\2[0-9]{1,2}"), "%Y{1}%B{1}%d"),
)
UNIT = r"^[+-]?[0-9][0-9.,]* ?([A-Za-zµμ°Ω][A-Za-zµμ°Ω0-9²³/·*^-]{0,9})$"
WEEK = re.compile(r"[0-9]{4}(-?)W[0-9]{2}(?:\1([1-7]))?", re.ASCII)
MONTH = re.compile(r"[0-9]{4}([-/.])(0[1-9]|1[0-2])|(0[1-9]|1[0-2])([-/.])[0-9]{4}", re.ASCII)
OTHER_MONTH = re.compile(r"[0-9]{1,2}(?:\.? |\.|-)([^\W\d_]{3,12})\.?(?: |-)[0-9]{4}")
OFFSET = re.compile(r"(?:Z|UTC|GMT|[+-][0-9]{2}:?[0-9]{2})$")
MOST_MONTHS = 24  # different words, short and long, that are names of months
WEEKDAY = re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*(,? )")


def _dates(name: str, cells: Any, weight: np.ndarray, min_count: int) -> Found | Doubt | None:
    import polars as pl

    samples = cells.head(SAMPLES).to_list()
    if all(CLOCK.fullmatch(cell) for cell in samples) and bool(
        cells.str.contains(f"^(?:{CLOCK.pattern})$").all()
    ):
        return Doubt(
            "times of day, such as 07:30, are not read: write a date before them, or the hours or minutes as a number"
        )
    if (part := _incomplete_dates(samples, cells)) is not None:
        return Doubt(part)
    tried = [
        DateNotation(format=each)
        for each in dict.fromkeys(each for cell in samples for each in _formats(cell))
    ]
    if not tried:
        return _other_months(cells)
    read = [notation.parse(cells).is_not_null().to_numpy() for notation in tried]
    counts = [int(weight[each].sum()) for each in read]
    best = read[counts.index(max(counts))]
    strays = tuple(cells.filter(pl.Series(~best)).head(FEW_WORDS + 1).to_list())
    if max(counts) < MOSTLY * weight.sum():
        few = len(strays) <= FEW_WORDS and best.sum() >= MANY_NUMBERS
        reason = _two_formats(weight, tried, read) or (
            _but_for(name, "dates", cells, weight, best, min_count) if few else None
        )
        return _other_months(cells) if reason is None else Doubt(reason)
    sequences: dict[str, DateNotation] = {}
    for notation, count, own in zip(tried, counts, read, strict=True):
        if count == max(counts):
            known = cells.filter(pl.Series(own))
            if not known.str.contains(r":[0-9]{2}\.[0-9]").any():
                notation = DateNotation(format=notation.format.replace("%.f", ""))
            sequences.setdefault(_sequence(notation), notation.closest(known.head(STYLED)))
    if len(sequences) > 1 and (place := _place_of_days(cells.filter(pl.Series(best)))) is not None:
        sequences = {
            way: notation
            for way, notation in sequences.items()
            if way.split("/").index("day") == place
        }
    chosen, *others = sequences.values()
    if others:
        forms = " or ".join(repr(other.format) for other in others)
        return Doubt(
            f"dates such as {chosen.write(DOUBTFUL)[0]}, {' or '.join(sequences)}: say which, by date_format={{{name!r}: "
            f"{chosen.format!r}}} or {forms} (--date-format {quote(name + '=' + chosen.format)})",
            readings=len(sequences),
        )
    return Found(chosen, strays)


def _incomplete_dates(samples: Sequence[str], cells: Any) -> str | None:
    """The reason for months or weeks without a day; None for other text."""
    whole = "write a day behind them, as {}, to have dates read; they are labels until then"
    if all(MONTH.fullmatch(cell) for cell in samples) and bool(
        cells.str.contains(f"^(?:{MONTH.pattern})$").all()
    ):
        return f"months without a day: {whole.format('2024-01-31')}"
    if all((found := WEEK.fullmatch(cell)) and not found[2] for cell in samples):
        return f"weeks without a day: {whole.format('2024-W05-3')}"
    return None


def _other_months(cells: Any) -> Doubt | None:
    """The doubt about dates with month names in another language."""
    words = [found[1].lower() for cell in cells.to_list() if (found := OTHER_MONTH.fullmatch(cell))]
    if len(words) < len(cells) or len(set(words)) > MOST_MONTHS:
        return None
    return Doubt(
        "dates whose months have names that are not English: write them as numbers, as 31.12.2024 or 2024-12-31"
    )


def _place_of_days(cells: Any) -> int | None:
    """The position of the day in dates of digits, if exactly one has nearly all values up to 31.

    Neither months nor years have these.
    """
    parts = [
        cells.str.extract(rf"^(?:[0-9]+[^0-9:]+){{{place}}}([0-9]+)").cast(int, strict=False)
        for place in range(3)
    ]
    days = [
        k
        for k, part in enumerate(parts)
        if part.n_unique() >= MANY_DAYS and (part.max() or 99) <= 31
    ]
    return days[0] if len(days) == 1 else None


def _two_formats(
    weight: np.ndarray, tried: Sequence[DateNotation], read: Sequence[np.ndarray]
) -> str | None:
    """The reason for dates of which no single format reads most, but two together do."""
    for k, first in enumerate(read):
        for j, second in enumerate(read[:k]):
            if weight[first | second].sum() >= MOSTLY * weight.sum():
                forms = [tried[n].format for n in (j, k)]
                if len({OFFSET.sub("", form) for form in forms}) == 1:
                    zones = " and ".join(
                        each[0].strip() if (each := OFFSET.search(form)) else "none"
                        for form in forms
                    )
                    return (
                        f"times at several offsets from UTC, such as {zones}, which are not read: write all times at one offset, "
                        f"as UTC"
                    )
                ways = " and ".join(
                    f"{_sequence(tried[n])} as in {tried[n].example}" for n in (j, k)
                )
                return (
                    f"dates written in two ways, {ways}, which are not read: write them all in one"
                )
    return None


def _sequence(notation: DateNotation) -> str:
    """The order of day, month and year in a notation."""
    return "/".join(
        MEANINGS[part] for part in re.findall(r"%-?([A-Za-z])", notation.format) if part in MEANINGS
    )


def _formats(cell: str) -> list[str]:
    """The formats that a cell may be in."""
    found = TIME.fullmatch(cell)
    if found is None:
        return _date_formats(cell)
    date, joint, _, seconds, gap, half, zone = found.groups()
    clock = (
        ("%I" if half else "%H")
        + ":%M"
        + (":%S%.f" if seconds else "")
        + (f"{gap}%p" if half else "")
        + (zone or "")
    )
    return [f"{each}{joint}{clock}" for each in _date_formats(date)]


def _date_formats(date: str) -> list[str]:
    if found := WEEKDAY.match(date):
        return [f"%A{found[2]}{each}" for each in _date_formats(date[found.end() :])]
    if (found := WEEK.fullmatch(date)) and found[2]:
        return [f"%G{found[1]}W%V{found[1]}%u"]
    if found := NUMERIC.fullmatch(date):
        first, mark, second, _, last = found.groups()
        if len(first) == 4 and len(last) <= 2:
            return [f"%Y{mark}%m{mark}%d"]
        if len(first) > 2 or len(last) not in (2, 4):
            return []
        year = "%Y" if len(last) == 4 else "%y"
        if year == "%y" and mark == "." and min(len(first), len(second)) < 2:
            return []  # 1.2.10 is a version, or the number of a chapter
        either = [f"%d{mark}%m{mark}{year}", f"%m{mark}%d{mark}{year}"]
        return either if year == "%Y" or len(first) < 2 else [*either, f"%y{mark}%m{mark}%d"]
    for pattern, form in NAMED:
        if found := pattern.fullmatch(date):
            groups = found.groups()
            return [form.format(*groups, year="%Y" if len(groups[-1]) == 4 else "%y")]
    return []
