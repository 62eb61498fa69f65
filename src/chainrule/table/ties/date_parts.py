"""Columns that a part of a date determines: its year, its month, its weekday."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction

import numpy as np

from chainrule.table.ties import words
from chainrule.table.ties.determined import LIKELY, confirmed_level, is_likely
from chainrule.table.ties.evidence import FEWEST_ROWS, confirmed
from chainrule.table.ties.functional import UNKNOWN, FunctionalTie
from chainrule.table.ties.sheet import DATE, LABEL, MONTH, NUMBER, Sheet, Variable, most_frequent

MOST_CODES = 2**15  # of dates whose parts are listed
BEYOND = 2  # times as many codes as the rows have are listed, since dates go on


def _days(dates: np.ndarray) -> np.ndarray:
    return dates.astype("datetime64[D]").astype(np.int64)


def _months(dates: np.ndarray) -> np.ndarray:
    return dates.astype("datetime64[M]").astype(np.int64)


def _week(dates: np.ndarray) -> np.ndarray:
    """The week of ISO 8601, which is that of its Thursday."""
    days = _days(dates)
    thursdays = (days - (days + 3) % 7 + 3).astype("datetime64[D]")
    return (thursdays - thursdays.astype("datetime64[Y]")).astype(np.int64) // 7 + 1


# From few different parts to many; weekdays count from Monday = 0.
PARTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "quarter": lambda dates: _months(dates) % 12 // 3 + 1,
    "weekday": lambda dates: (_days(dates) + 3) % 7,
    "month": lambda dates: _months(dates) % 12 + 1,
    "year": lambda dates: dates.astype("datetime64[Y]").astype(np.int64) + 1970,
    "hour": lambda dates: dates.astype("datetime64[h]").astype(np.int64) % 24,
    "day": lambda dates: _days(dates) - _days(dates.astype("datetime64[M]")) + 1,
    "week": _week,
    "day of the year": lambda dates: _days(dates) - _days(dates.astype("datetime64[Y]")) + 1,
    "year and month": _months,
}


def date_parts(sheet: Sheet, sample: Sheet, *, min_count: int) -> Iterator[FunctionalTie]:
    """Columns of labels or whole numbers that one part of a date determines in nearly all rows.

    Of several parts, it is the first of ``PARTS``. A number that is the part plus a constant goes
    on for dates of no row; of other columns, only parts of the rows are listed.

    Args:
        sheet: the rows.
        sample: some of them; pairs that are no tie there are not tried on all.
        min_count: number of rows of a part and its value.
    """
    targets = [each for each in sheet.variables if each.measure in (NUMBER, LABEL) and each.is_list]
    for source in sheet.numbers(DATE, MONTH):
        codes = sheet.codes[:, source.number]
        codes = codes[~np.isnan(codes)]
        is_whole = source.step.denominator == source.origin.denominator == 1  # seconds or months
        if source.has_zone or not is_whole or len(codes) < FEWEST_ROWS:
            continue
        if codes.min() < 0 or codes.max() >= MOST_CODES:
            continue
        left = [each for each in targets if _is_whole(sheet, each)]
        listed = _dates(source, np.arange(_listed_codes(int(codes.max()))))
        for name, part_of in PARTS.items():
            each = part_of(listed)
            if each.min() < 0 or len(np.unique(part_of(_dates(source, codes)))) < 2:
                continue
            found = list(_of_part(sheet, sample, source, left, each, name, min_count))
            left = [target for target in left if target.number not in {t.target for t in found}]
            yield from found


def _listed_codes(largest: int) -> int:
    """How many codes are listed: a power of two, so that it tells no row's date.

    >>> _listed_codes(700), _listed_codes(MOST_CODES)
    (2048, 32768)
    """
    return min(2 ** (BEYOND * largest).bit_length(), MOST_CODES)


def _is_whole(sheet: Sheet, variable: Variable) -> bool:
    """Whether a column has several codes, all from 0 on."""
    codes = sheet.codes[:, variable.number]
    different = sheet.different[variable.number]
    return bool(different > 1 and np.nanmin(codes) >= 0 and np.nanmax(codes) < MOST_CODES)


def _dates(source: Variable, codes: np.ndarray) -> np.ndarray:
    """The dates of codes (N,), in seconds or months."""
    ticks = codes.astype(np.int64) * int(source.step) + int(source.origin)
    return ticks.astype("datetime64[M]" if source.measure == MONTH else "datetime64[s]")


def _of_part(
    sheet: Sheet,
    sample: Sheet,
    source: Variable,
    targets: list[Variable],
    parts: np.ndarray,
    name: str,
    min_count: int,
) -> Iterator[FunctionalTie]:
    """The columns that parts determine; ``parts`` (S,) are those of the source's codes."""
    part = Variable(sheet.codes.shape[1], f"{name} of {source.name}", LABEL)
    whole, some = (_with_parts(each, source, part, parts) for each in (sheet, sample))
    for target in targets:
        constant = _constant(some, part, target)
        if constant is not None:
            codes = (parts + float(constant - target.origin)) / float(target.step)
            levels = np.where((codes >= 0) & (codes == np.round(codes)), codes, UNKNOWN)
            text = f"{target.name} = {part.name}{words.plus(constant)}"
            tie = confirmed(_tie(source, target, levels, text), sheet)
        else:
            tie = _of_levels(whole, some, source, part, target, parts, min_count)
        if tie is not None:
            yield tie


def _tie(source: Variable, target: Variable, levels: np.ndarray, text: str) -> FunctionalTie:
    found = tuple(levels.astype(np.int64).tolist())
    return FunctionalTie(source.number, target.number, found, text=text)


def _of_levels(
    sheet: Sheet,
    sample: Sheet,
    source: Variable,
    part: Variable,
    target: Variable,
    parts: np.ndarray,
    min_count: int,
) -> FunctionalTie | None:
    """The tie of a source whose part determines a target, level by level."""
    if not is_likely(sample, part, target):
        return None
    found = confirmed_level(sheet, part, target, min_count)
    if found is None:
        return None
    listed = parts < len(found.levels)
    levels = np.where(listed, np.array(found.levels)[np.where(listed, parts, 0)], UNKNOWN)
    tie = _tie(source, target, levels, f"{part.name} determines {target.name}")
    return replace(tie, share=found.share)


def _with_parts(sheet: Sheet, source: Variable, part: Variable, parts: np.ndarray) -> Sheet:
    """The sheet with a further column, of the parts of a column of dates."""
    codes = sheet.codes[:, source.number]
    found = np.full(len(codes), np.nan)
    known = ~np.isnan(codes)
    found[known] = parts[codes[known].astype(np.int64)]
    return replace(
        sheet, variables=(*sheet.variables, part), codes=np.column_stack([sheet.codes, found])
    )


def _constant(sheet: Sheet, part: Variable, target: Variable) -> Fraction | None:
    """What a column of numbers adds to a part in nearly all rows; None if there is no such."""
    if target.measure != NUMBER or target.step.denominator != 1 or target.origin.denominator != 1:
        return None
    apart = sheet.values[:, target.number] - sheet.codes[:, part.number]
    apart = apart[~np.isnan(apart)]
    usual = most_frequent(apart)
    return Fraction(int(usual)) if (apart == usual).sum() > LIKELY * len(apart) else None
