"""Detects the format of dates: which one reads them, and that no other reads them differently."""

from __future__ import annotations

import re
from collections.abc import Sequence
from shlex import quote
from typing import Any

import numpy as np

from chainrule.table.text.date_notation import DateNotation
from chainrule.table.text.findings import FEW_WORDS, MANY_NUMBERS, MOSTLY, Doubt, Found, but_for

MANY_DAYS = 28  # fewest different values up to 31 that show the days of a month
SAMPLES = 20  # cells whose shape decides which formats of dates are tried
STYLED = 100  # cells that decide the style of dates: padded or not, short names or long
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
WEEK = re.compile(r"[0-9]{4}(-?)W[0-9]{2}(?:\1([1-7]))?", re.ASCII)
MONTH = re.compile(r"[0-9]{4}([-/.])(0[1-9]|1[0-2])|(0[1-9]|1[0-2])([-/.])[0-9]{4}", re.ASCII)
OTHER_MONTH = re.compile(r"[0-9]{1,2}(?:\.? |\.|-)([^\W\d_]{3,12})\.?(?: |-)[0-9]{4}")
OFFSET = re.compile(r"(?:Z|UTC|GMT|[+-][0-9]{2}:?[0-9]{2})$")
MOST_MONTHS = 24  # different words, short and long, that are names of months
WEEKDAY = re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*(,? )")


def may_be_date(cell: str) -> bool:
    """Whether a cell looks like a date or a part of one."""
    shapes = (MONTH, WEEK, OTHER_MONTH)
    return any(shape.fullmatch(cell) for shape in shapes) or bool(_formats(cell))


def detect_dates(name: str, cells: Any, weight: np.ndarray, min_count: int) -> Found | Doubt | None:
    """The format of a column's dates; None if it holds none. See ``detect``.

    Args:
        name: the name of the column, for messages.
        cells: a polars series of its different cells, the most frequent first.
        weight: the number of rows with each of these cells.
        min_count: fewest rows that share a fact in the reason of a doubt.
    """
    import polars as pl

    samples = cells.head(SAMPLES).to_list()
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
            but_for(name, "dates", cells, weight, best, min_count) if few else None
        )
        return _other_months(cells) if reason is None else Doubt(reason)
    sequences: dict[str, DateNotation] = {}
    for notation, count, is_read in zip(tried, counts, read, strict=True):
        if count == max(counts):
            known = cells.filter(pl.Series(is_read))
            if not known.str.contains(r":[0-9]{2}\.[0-9]").any():
                notation = DateNotation(format=notation.format.replace("%.f", ""))
            sequences.setdefault(_sequence(notation), notation.closest(known.head(STYLED)))
    if (
        len(sequences) > 1
        and (position := _position_of_days(cells.filter(pl.Series(best)))) is not None
    ):
        sequences = {
            order: notation
            for order, notation in sequences.items()
            if order.split("/").index("day") == position
        }
    chosen, *others = sequences.values()
    if others:
        forms = " or ".join(repr(other.format) for other in others)
        return Doubt(
            f"dates such as {chosen.write(DOUBTFUL)[0]}, {' or '.join(sequences)}: say which, by "
            f"date_format={{{name!r}: {chosen.format!r}}} or {forms} (--date-format "
            f"{quote(name + '=' + chosen.format)})",
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
        "dates whose months have names that are not English: write them as numbers, as 31.12.2024 "
        "or 2024-12-31"
    )


def _position_of_days(cells: Any) -> int | None:
    """The position of the day in dates of digits, if exactly one has nearly all values up to 31.

    Neither months nor years have these.
    """
    parts = [
        cells.str.extract(rf"^(?:[0-9]+[^0-9:]+){{{position}}}([0-9]+)").cast(int, strict=False)
        for position in range(3)
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
                        f"times at several offsets from UTC, such as {zones}, which are not read: "
                        "write all times at one offset, as UTC"
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
