"""Candidates among pairs of columns: copies, offsets, ratios, and ratios that are rounded."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

import numpy as np

from chainrule.table.ties import words
from chainrule.table.ties.equations import Weighted
from chainrule.table.ties.linear import LinearTie
from chainrule.table.ties.sheet import DATE, MONTH, NUMBER, Sheet, Variable, medians

MOSTLY = 0.8  # least share of pairs of rows with the same slope
FEWEST = 20  # pairs of rows that show a slope
STEADY = 0.1  # largest spread of the ratios of rows, relative to their median
FEW_MORE = 0.003  # share of rows by which nearly as many are fewer
NEARLY = 0.9  # least share of sampled rows that a ratio explains
FEWEST_VALUES = 3  # different values of a column of numbers that takes part
MOST_DECIMALS = 4  # of a ratio
LARGEST_DENOMINATOR = 1000
ROUNDED, CUT = "rounded", "rounded down"
ERROR = 1e-9  # relative width by which rounding errors move the ends of an interval


def equations(sheet: Sheet) -> Iterator[LinearTie]:
    """Pairs of columns of which one code is a multiple of the other, plus a constant."""
    variables = [v for v in sheet.numbers(NUMBER, DATE, MONTH) if is_varied(sheet, v)]
    for at, first in enumerate(variables[:-1]):
        others = variables[at + 1 :]
        columns = [each.number for each in others]
        for other, (rise, run) in zip(
            others, _slopes(sheet.codes[:, first.number], sheet.codes[:, columns]), strict=True
        ):
            if rise:
                slope = Fraction(rise, run) * other.step / first.step
                tie = equation_of(sheet, first, other, slope)
                if tie is not None:
                    yield tie


def is_varied(sheet: Sheet, variable: Variable) -> bool:
    """Whether a column has enough different values."""
    return sheet.different[variable.number] >= FEWEST_VALUES


def _slopes(codes: np.ndarray, others: np.ndarray) -> list[tuple[int, int]]:
    """How many codes each other column (N, K) rises while a first one (N,) runs; 0 if unclear."""
    order = np.argsort(codes, kind="stable")
    order = order[: int((~np.isnan(codes)).sum())]
    half = len(order) // 2
    low, high = order[:half], order[len(order) - half :]
    apart = codes[high] != codes[low]
    low, high = low[apart], high[apart]
    none = [(0, 1)] * others.shape[1]
    if len(low) < FEWEST:
        return none
    runs, rises = codes[high] - codes[low], others[high] - others[low]
    slopes = rises / runs[:, None]
    known = (~np.isnan(slopes)).sum(axis=0)
    middle = medians(slopes)
    # Quotients of the same ratio are the same floats.
    same = (slopes == middle).sum(axis=0) >= np.maximum(MOSTLY * known, FEWEST)
    for k in np.flatnonzero(same).tolist():
        row = int(np.flatnonzero(slopes[:, k] == middle[k])[0])
        ratio = Fraction(int(rises[row, k]), int(runs[row]))
        none[k] = ratio.numerator, ratio.denominator
    return none


def equation_of(
    sheet: Sheet,
    first: Variable,
    other: Variable,
    slope: Fraction,
    rows: np.ndarray | None = None,
) -> LinearTie | None:
    """The tie other = slope · first + constant, whose constant most of these rows (N,) have."""
    found = Weighted.of((other, first), (1, -slope)).equation(sheet, rows)
    if found is None:
        return None
    tie, constant = found
    text = f"{other.name} = {words.times(slope, first.name)}"
    if first.measure != other.measure or (first.measure != NUMBER and slope != 1):
        text = f"{other.name} rises with {first.name}, step by step"
    elif first.measure == MONTH:
        text += words.plus(constant) + (" months" if constant else "")
    else:
        unit = first.unit if first.unit == other.unit else 0
        is_time = bool(unit) or first.measure == DATE
        text += words.plus(constant * (unit or 1), is_time=is_time)
    return replace(tie, text=text)


def ratios(sheet: Sheet) -> Iterator[LinearTie]:
    """Pairs of columns of numbers of which one is a multiple of the other, rounded to its step."""
    variables = [v for v in sheet.numbers(NUMBER) if is_varied(sheet, v)]
    columns = np.array([each.number for each in variables], dtype=np.int64)
    for base in variables:
        values = sheet.values[:, base.number]
        known = values[~np.isnan(values)]
        # Larger values have more precise ratios.
        rows = np.flatnonzero(np.abs(values) >= max(np.median(np.abs(known)), 1e-300))
        if len(rows) < FEWEST:
            continue
        quotients = np.sort(sheet.values[np.ix_(rows, columns)] / values[rows, None], axis=0)
        counts, at = (~np.isnan(quotients)).sum(axis=0), np.arange(len(columns))
        low, middle, high = (
            quotients[np.minimum((part * counts).astype(int), len(rows) - 1), at]
            for part in (0.1, 0.5, 0.9)
        )
        steady = (high - low <= STEADY * np.abs(middle)) & (middle != 0) & (counts >= FEWEST)
        for k in np.flatnonzero(steady).tolist():
            if variables[k] is not base:
                yield from _ratio(sheet, variables[k], base)


def _ratio(sheet: Sheet, column: Variable, base: Variable) -> Iterator[LinearTie]:
    """The short number that is the ratio in most rows: rounded, or rounded down."""
    step = float(column.step)
    values = sheet.values[:, [column.number, base.number]]
    numbers, bases = values[~np.isnan(values).any(axis=1) & (values[:, 1] != 0)].T
    found = []
    for low, high, how in ((-step / 2, step / 2, ROUNDED), (0.0, step, CUT)):
        ends = (numbers + low) / bases, (numbers + high) / bases
        regions = covered_most(np.minimum(*ends), np.maximum(*ends))
        for ratio in {short_number(*region) for region in regions}:
            tie = None if ratio is None else rounded(sheet, column, base, ratio, how)
            if tie is not None:
                found.append((float(np.nanmean(tie.holds(sheet.codes, sheet.known))), tie))
    if found:
        yield max(found, key=lambda each: each[0])[1]


def rounded(
    sheet: Sheet, column: Variable, base: Variable, ratio: Fraction, how: str = ROUNDED
) -> LinearTie | None:
    """The tie column = ratio · base, rounded, or rounded down, to the column's step."""
    text = f"{column.name} = {words.times(ratio, base.name)}, {how}"
    if how == CUT:
        rest = Weighted.of((base, column), (ratio, -1))
        return rest.within(sheet, Fraction(0), column.step, is_open=True, text=text)
    half = column.step / 2
    return Weighted.of((column, base), (1, -ratio)).within(sheet, -half, half, text=text)


def covered_most(
    low: np.ndarray, high: np.ndarray, *, least_share: float = NEARLY
) -> list[tuple[float, float]]:
    """Where most of the intervals (n,) overlap, and where nearly as many do; empty if few do."""
    width = ERROR * np.abs(low)
    ends = np.concatenate([low - width, high + width])
    order = np.argsort(ends, kind="stable")
    depth = np.cumsum(np.where(order < len(low), 1, -1))
    most = int(depth.max(initial=0))
    if not len(low) or most < least_share * len(low):
        return []
    found = []
    for least in (most, most - max(2, FEW_MORE * len(low))):
        deep = np.flatnonzero(depth >= least)
        last = min(int(deep[-1]) + 1, len(order) - 1)
        found.append((float(ends[order[deep[0]]]), float(ends[order[last]])))
    return found


def short_number(low: float, high: float) -> Fraction | None:
    """A number between two others: of few decimals, or a fraction of small integers.

    >>> short_number(0.1899, 0.1901), short_number(0.33333, 0.33334)
    (Fraction(19, 100), Fraction(1, 3))
    """
    if not math.isfinite(low) or not math.isfinite(high):
        return None
    middle, found = (low + high) / 2, []
    for decimals in range(MOST_DECIMALS + 1):
        near = round(middle * 10**decimals)
        if low <= near / 10**decimals <= high:
            found.append(Fraction(near, 10**decimals))
            break
    bottoms = np.arange(1, LARGEST_DENOMINATOR + 1)
    tops = np.round(middle * bottoms)
    within = np.flatnonzero((low <= tops / bottoms) & (tops / bottoms <= high))
    if len(within):
        found.append(Fraction(int(tops[within[0]]), int(bottoms[within[0]])))
    found = [each for each in found if each]
    if not found:
        return None
    # A decimal number, unless a fraction is much simpler.
    return min(found, key=lambda each: min(len(str(float(each))), 1.5 * len(str(each))))
