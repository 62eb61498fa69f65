"""Detects the notation of numbers: which marks read all of them, and no others differently."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from shlex import quote
from typing import Any

import numpy as np

from chainrule.table.text.findings import (
    FEW_WORDS,
    MANY_NUMBERS,
    MOSTLY,
    Doubt,
    Found,
    but_for,
    listed,
)
from chainrule.table.text.number_notation import (
    APOSTROPHES,
    DASH,
    GAP,
    MINUSES,
    SIGNS,
    SPACES,
    NumberNotation,
    same_marks,
)
from chainrule.table.text.number_style import Marks, style_of
from chainrule.table.text.reading_options import ColumnReading

# Fewest different unmarked numbers of up to three digits that make a mark one of thousands.
UNMARKED = 3

# Codes of currencies beside amounts, without codes that are words (ALL, TOP, CUP).
CODES = re.findall(
    r"\w+",
    "USD EUR GBP JPY CNY CHF INR BRL RUB KRW MXN CAD AUD NZD SEK NOK DKK ISK PLN CZK HUF RON BGN "
    "TRY ZAR SGD HKD TWD THB IDR MYR PHP VND ILS AED SAR EGP NGN KES ARS CLP COP PEN UAH KZT PKR "
    "BDT LKR MAD TND QAR KWD GHS",
)
WORDS = (r"Rs\.?", r"kr\.?", "Kč", "zł", "Ft", "lei", r"лв\.?", r"руб\.?", r"р\.", r"S?Fr\.")
CURRENCY = "|".join([f"[A-Z]{{0,3}}[{SIGNS}]", *CODES, *WORDS])
SHAPE = (
    rf"^([+({MINUSES}])?{GAP}({CURRENCY}|[%‰])?({GAP})([+({MINUSES}])?{GAP}"
    rf"([0-9](?:[0-9.,{APOSTROPHES}{SPACES}]*[0-9])?(?:[.,](?:{DASH})|[.,]?(?:[eE][+-]?[0-9]+)?)|[.,][0-9]+(?:[eE][+-]?[0-9]+)?)"
    rf"(?:{GAP}([){MINUSES}]))?({GAP})({CURRENCY}|[%‰])?{GAP}([){MINUSES}])?$"
)
PARTS = ["front", "prefix", "before", "inner", "body", "after", "behind", "suffix", "end"]


def may_be_amount(cell: str) -> bool:
    """Whether a cell looks like a number in some notation, without a unit."""
    return re.fullmatch(SHAPE, cell) is not None


def detect_numbers(
    name: str, cells: Any, weight: np.ndarray, options: ColumnReading, min_count: int
) -> Found | Doubt | None:
    """The notation of a column's numbers; None if it holds none. See ``detect``.

    Args:
        name: the name of the column, for messages.
        cells: a polars series of its different cells, the most frequent first.
        weight: the number of rows with each of these cells.
        options: the user's options for the column.
        min_count: fewest rows that share a fact in the reason of a doubt.
    """
    import polars as pl

    shape = _shapes(cells).with_columns(pl.Series("weight", weight))
    has_body = shape["body"].is_not_null().to_numpy()
    if not has_body.any():
        return None
    affixes = (
        shape.filter(pl.Series(has_body)).group_by("prefix", "suffix").agg(pl.col("weight").sum())
    )
    affixes = affixes.sort("weight", "prefix", "suffix", descending=True)
    prefix, suffix = affixes.row(0)[:2]
    is_comparable = (
        has_body & ((shape["prefix"] == prefix) & (shape["suffix"] == suffix)).to_numpy()
    )
    if (
        len(affixes) > 1
        and weight[is_comparable].sum() < MOSTLY * weight.sum() <= weight[has_body].sum()
    ):
        return Doubt(_mixed(affixes, min_count))
    is_currency = bool((prefix + suffix).strip("%‰"))
    if is_currency:  # an amount without a sign has the same currency
        is_comparable |= has_body & ((shape["prefix"] == "") & (shape["suffix"] == "")).to_numpy()
    figures = _figures(shape["body"].filter(pl.Series(is_comparable)))
    counted = (
        pl.DataFrame({"f": figures, "w": weight[is_comparable]})
        .group_by("f", maintain_order=True)
        .agg(pl.col("w").sum())
    )
    readings = _that_read_most(_marks(options), counted["f"].to_list(), counted["w"].to_numpy())
    by_figure = pl.Series([each is not None for each in readings[0].plain])
    read = is_comparable.copy()
    read[is_comparable] = figures.replace_strict(
        counted["f"], by_figure, return_dtype=pl.Boolean
    ).to_numpy()
    strays = tuple(cells.filter(pl.Series(~read)).head(FEW_WORDS + 1).to_list())
    bodies = shape["body"].filter(pl.Series(read))
    if weight[read].sum() < MOSTLY * weight.sum():
        few = len(strays) <= FEW_WORDS and bodies.n_unique() >= MANY_NUMBERS
        if few:
            return Doubt(but_for(name, "numbers", cells, weight, read, min_count))
        both = _by_two_marks(options, counted["f"].to_list(), counted["w"].to_numpy())
        if both is None or both.min() < min_count or both.sum() < MOSTLY * weight.sum():
            return None
        return Doubt(
            "numbers of which some have a point for a decimal mark and others a comma, as in "
            "1,234.50 and 1.234,50: write all of them in the same way"
        )
    styled = shape.filter(pl.Series(read))
    notations = [style_of(each.marks, prefix, suffix, styled, min_count) for each in readings]
    notation = notations[0] if len(readings) == 1 else _by_evidence(readings, notations, bodies)
    if notation is None:
        return Doubt(_two_readings(name, readings, prefix, suffix), readings=2)
    return Found(notation, strays)


@dataclass(frozen=True)
class _ByMarks:
    """The plain notation of each figure when its marks have these meanings.

    None if they do not read it.
    """

    marks: Marks
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
    candidates: Sequence[Marks], figures: Sequence[str], weight: np.ndarray
) -> list[_ByMarks]:
    """The different readings that read most figures, the simplest first."""
    found = [
        _ByMarks(marks, tuple(_plain(each, marks) for each in figures)) for marks in candidates
    ]
    counts = [int(weight[[each is not None for each in reading.plain]].sum()) for reading in found]
    best: dict[tuple[str | None, ...], _ByMarks] = {}
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


def _plain(figure: str, marks: Marks) -> str | None:
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


def _marks(options: ColumnReading) -> list[Marks]:
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
    readings: Sequence[_ByMarks], notations: Sequence[NumberNotation], bodies: Any
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


def _mixed(affixes: Any, min_count: int) -> str:
    signs: dict[str, int] = {}
    for prefix, suffix, count in affixes.iter_rows():
        for sign in {prefix, suffix} - {""}:
            signs[sign] = signs.get(sign, 0) + count
    currencies = [sign for sign in signs if sign not in "%‰"]
    if len(currencies) > 1:
        named = [sign for sign in currencies if signs[sign] >= min_count]
        such = f", such as {listed(named[:2])}," if len(named) > 1 else ","
        return (
            f"amounts in several currencies{such} which do not compare as numbers: convert them, "
            "or put the currency into a column of its own"
        )
    return (
        f"numbers of which not all have {max(signs, key=signs.__getitem__)!r} at the same end: "
        f"write all of them in the same way"
    )


def _two_readings(name: str, readings: Sequence[_ByMarks], prefix: str, suffix: str) -> str:
    mark = next(each.marks[1] for each in readings if each.marks[1])
    flag = quote(f"{name}={mark}")
    return (
        f"numbers such as {prefix}1{mark}234{suffix}, 1234 where {mark!r} separates thousands or "
        f"1.234 where it is the decimal mark: say which, by thousands={{{name!r}: {mark!r}}} or "
        f"decimal={{{name!r}: {mark!r}}} (--thousands {flag} or --decimal {flag})"
    )
