"""Candidates among triples of columns: sums, differences of dates, products and quotients."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from chainrule.table.ties import words
from chainrule.table.ties.equations import LARGEST, Weighted, common_unit, largest_code
from chainrule.table.ties.linear import LinearTie
from chainrule.table.ties.pairs import CUT, ROUNDED, is_varied
from chainrule.table.ties.product import ProductTie
from chainrule.table.ties.quotient import QuotientTie
from chainrule.table.ties.sheet import DATE, NUMBER, Sheet, Variable, medians

LOOKED_AT = 48  # rows, with an unusual value of one column, in which all triples are compared
FEWEST = 12  # of these rows with all three cells known
MOSTLY = 0.8  # least share of these rows that agree
REFERENCES = 2  # rows from which differences are taken, to find sums with a constant
LARGEST_SCALE = 10**9
FACTORS = (1, 100)  # of quotients: shares and percentages
PERIODS = (
    (7 * 86_400, "weeks"),
    (86_400, "days"),
    (3600, "hours"),
    (60, "minutes"),
    (1, "seconds"),
)
# Differences of dates less a column, in units: equal, cut off, rounded.
ENDS = ((Fraction(0), Fraction(1)), (Fraction(-1, 2), Fraction(1, 2)))


class Form(NamedTuple):
    """A product: first · (addend + sign · second) ÷ divisor."""

    divisor: int
    addend: int
    sign: int = 1

    def multiplied(self, is_second: bool) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
        """The product of one column with others, which are ``second`` or ``first``."""
        if is_second:
            return lambda one, others: one * (self.sign * others + self.addend) / self.divisor
        return lambda one, others: (self.sign * one + self.addend) * others / self.divisor

    def words(self, first: str, second: str) -> str:
        """The product of the two columns."""
        sign = "+" if self.sign > 0 else "−"
        factor = f"({self.addend} {sign} {second})" if self.addend else second
        return f"{first} × {factor}{f' ÷ {self.divisor}' if self.divisor > 1 else ''}"


# Plain products, percentages of a column, and sums of a column and a percentage or a share of it.
FORMS = Form(1, 0), Form(100, 0), Form(100, 100), Form(1, 1)
DISCOUNTS = Form(100, 100, -1), Form(1, 1, -1)  # a column less a percentage or a share of it
MOST_SHARES = 0.9  # least share of a column's numbers from 0 to 1, or to 100, if they are discounts


class Triple(NamedTuple):
    """Positions of three columns among those compared: the third is made of the first two."""

    first: int
    second: int
    third: int


def sums(sheet: Sheet, rng: np.random.Generator) -> Iterator[LinearTie]:
    """Triples of columns of numbers of which one is the sum of the others, plus a constant.

    One of them may have few values, such as the costs of two ways to ship.
    """
    variables = [v for v in sheet.numbers(NUMBER) if sheet.different[v.number] > 1]
    steps = np.array([float(each.step) for each in variables])
    found: dict[tuple[frozenset[int], int], tuple[Triple, int]] = {}
    for is_difference in (False, True):
        for sign in (1, -1) if is_difference else (1,):
            for triple in _agreeing(
                sheet, variables, _sum_of(sign), steps, 0.3, rng, is_difference=is_difference
            ):
                # The columns, and which of them has the other sign: none if all have the same.
                odd = triple.third if sign > 0 else -1
                found.setdefault((frozenset(triple), odd), (triple, sign))
    for triple, sign in found.values():
        columns = [variables[k] for k in (triple.third, triple.first, triple.second)]
        if sum(is_varied(sheet, each) for each in columns) < 2:
            continue
        equation = Weighted.of(columns, (1, -sign, -sign)).equation(sheet)
        if equation is not None:
            yield replace(equation[0], text=_sum_in_words(columns, sign, equation[1]))


def _sum_in_words(columns: Sequence[Variable], sign: int, constant: Fraction) -> str:
    total, *parts = (each.name for each in columns)
    if sign < 0:
        return f"{' + '.join([total, *parts])} = {words.number(constant)}"
    return f"{total} = {' + '.join(parts)}{words.plus(constant)}"


def _sum_of(sign: int) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    return lambda one, others: sign * (one + others)


def products(sheet: Sheet, rng: np.random.Generator) -> Iterator[ProductTie]:
    """Triples of columns of numbers of which one is the product of the others, rounded.

    A factor may be a percentage, or have few values; see ``FORMS``.
    """
    variables = [v for v in sheet.numbers(NUMBER) if sheet.different[v.number] > 1]
    steps = np.array([float(each.step) for each in variables])
    for form in FORMS:
        for is_second in (False, True) if form.addend else (True,):
            multiplied = form.multiplied(is_second)
            for triple in _agreeing(sheet, variables, multiplied, steps, 0.5 + 1e-6, rng):
                first, second, total = (variables[k] for k in triple)
                factors = (first, second) if is_second else (second, first)
                if sum(is_varied(sheet, each) for each in (*factors, total)) < 2:
                    continue
                tie = _product(sheet, *factors, total, form)
                if tie is not None:
                    yield tie


def discounts(sheet: Sheet, rng: np.random.Generator) -> Iterator[ProductTie]:
    """Triples of columns of numbers of which one is another less a percentage or share, rounded.

    Only columns of numbers from 0 to 100, or to 1, are percentages or shares here. Rows without a
    discount may be many, so those with one are compared.
    """
    variables = [v for v in sheet.numbers(NUMBER) if sheet.different[v.number] > 1]
    for form in DISCOUNTS:
        for share in variables:
            if not _lies_between(sheet, share, 0, form.addend):
                continue
            ordered = [share, *(v for v in variables if v is not share)]
            steps = np.array([float(each.step) for each in ordered])
            multiplied = form.multiplied(is_second=False)
            for triple in _agreeing(sheet, ordered, multiplied, steps, 0.5 + 1e-6, rng, firsts=1):
                first, total = (ordered[k] for k in triple[1:])
                if is_varied(sheet, first) and is_varied(sheet, total):
                    tie = _product(sheet, first, share, total, form)
                    if tie is not None:
                        yield tie


def _lies_between(sheet: Sheet, variable: Variable, least: float, most: float) -> bool:
    """Whether most numbers of a column lie between two ends."""
    values = sheet.values[:, variable.number]
    known = values[~np.isnan(values)]
    return bool(((least <= known) & (known <= most)).mean() >= MOST_SHARES)


def _product(
    sheet: Sheet, first: Variable, second: Variable, total: Variable, form: Form
) -> ProductTie | None:
    """The tie total = first · (addend ± second) ÷ divisor, with integers for the maps of codes."""
    columns, steps = (first, second, total), (first.step, form.sign * second.step, total.step)
    origins = first.origin, form.addend + form.sign * second.origin
    units = [
        common_unit([each.step, origin])
        for each, origin in zip((first, second), origins, strict=True)
    ]
    step = units[0] * units[1] / form.divisor  # of products
    unit = common_unit([total.step / 2, total.origin, step])
    parts = (units[0] / int(step / unit), units[1], unit)
    scales = tuple(int(each / part) for each, part in zip(steps, parts, strict=True))
    numbers = zip((*origins, total.origin), parts, strict=True)
    offsets = tuple(int(origin / part) for origin, part in numbers)
    sizes = [
        abs(scale) * largest_code(sheet, each.number) + abs(offset)
        for each, scale, offset in zip(columns, scales, offsets, strict=True)
    ]
    if max(*map(abs, scales), *map(abs, offsets)) > LARGEST_SCALE or sizes[0] * sizes[1] > LARGEST:
        return None
    # No product lies between the points of the total's grid if its step divides them.
    is_whole = step % total.step == 0 and total.origin % total.step == 0
    return ProductTie(
        tuple(each.number for each in columns),
        scales,
        offsets,
        0 if is_whole else int(total.step / 2 / unit),
        text=f"{total.name} = {form.words(first.name, second.name)}"
        f"{'' if is_whole else f', {ROUNDED}'}",
    )


def quotients(sheet: Sheet, rng: np.random.Generator) -> Iterator[QuotientTie]:
    """Triples of columns of numbers of which one is the quotient of the others, rounded.

    Some quotients are percentages.
    """
    variables = [v for v in sheet.numbers(NUMBER) if is_varied(sheet, v)]
    steps = np.array([float(each.step) for each in variables])
    for factor in FACTORS:
        for is_inverse in (False, True):  # the second column by the first
            divided = _quotient_of(factor, is_inverse)
            for triple in _agreeing(sheet, variables, divided, steps, 0.5 + 1e-6, rng):
                first, second, quotient = (variables[k] for k in triple)
                parts = (second, first) if is_inverse else (first, second)
                tie = _quotient(sheet, *parts, quotient, factor)
                if tie is not None:
                    yield tie


def _quotient_of(factor: int, is_inverse: bool) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    def divided(one: np.ndarray, others: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore", invalid="ignore"):
            return factor * others / one if is_inverse else factor * one / others

    return divided


def _quotient(
    sheet: Sheet, dividend: Variable, divisor: Variable, quotient: Variable, factor: int
) -> QuotientTie | None:
    """The tie quotient = factor · dividend ÷ divisor, with integers for the maps of the codes."""
    units = [common_unit([each.step, each.origin]) for each in (dividend, divisor)]
    unit = common_unit([quotient.step / 2, quotient.origin, factor * units[0] / units[1]])
    parts = (units[1] * unit / factor, units[1], unit)
    columns = dividend, divisor, quotient
    scales = tuple(int(each.step / part) for each, part in zip(columns, parts, strict=True))
    offsets = tuple(int(each.origin / part) for each, part in zip(columns, parts, strict=True))
    slack = int(quotient.step / 2 / unit)
    sizes = [
        scale * largest_code(sheet, each.number) + abs(offset)
        for each, scale, offset in zip(columns, scales, offsets, strict=True)
    ]
    largest = max(sizes[0], sizes[1] * (sizes[2] + slack))
    if max(*scales, *map(abs, offsets), slack) > LARGEST_SCALE or largest > LARGEST:
        return None
    numerator = dividend.name if factor == 1 else f"{factor} × {dividend.name}"
    return QuotientTie(
        tuple(each.number for each in columns),
        scales,
        offsets,
        slack,
        text=f"{quotient.name} = {numerator} ÷ {divisor.name}, {ROUNDED}",
    )


def _agreeing(
    sheet: Sheet,
    variables: Sequence[Variable],
    combined: Callable[[np.ndarray, np.ndarray], np.ndarray],
    steps: np.ndarray,
    tolerance: float,
    rng: np.random.Generator,
    *,
    is_difference: bool = False,
    firsts: int | None = None,
) -> Iterator[Triple]:
    """Triples whose third value is that of the first two in most of a few rows.

    Rows with an unusual value of the first column are compared: among many zeros, others agree by
    chance. If ``is_difference``, values are differences from those of one row.

    Args:
        sheet: the rows.
        variables: the columns.
        combined: from values (n, 1) and (n, K) the value (n, K) of the third column.
        steps: the steps (K,) of the columns.
        tolerance: largest deviation, in steps.
        rng: draws the rows.
        is_difference: whether values are compared with those of a row.
        firsts: how many columns are the first of a triple; None for all.
    """
    values = sheet.values[:, [each.number for each in variables]]  # (N, K)
    codes_of_all = sheet.codes[:, [each.number for each in variables]]
    usual = np.array([sheet.usual[each.number] for each in variables])
    finest, is_sum = np.minimum(steps[:, None], steps), tolerance < 0.5
    for i, first in enumerate(variables[:firsts]):
        codes = sheet.codes[:, first.number]
        rows = np.flatnonzero(~np.isnan(codes) & (codes != sheet.usual[first.number]))
        if len(rows) < FEWEST:
            continue
        rows = rng.permutation(rows)[: LOOKED_AT + REFERENCES]
        near = np.minimum(finest, steps[i])[i + 1 :] if is_sum else steps
        compared = [values[rows]]
        if is_difference:
            compared = [values[rows[REFERENCES:]] - values[row] for row in rows[:REFERENCES]]
        agree = np.zeros((len(variables) - i - 1, len(variables)), dtype=bool)
        for looked in compared:
            guess = combined(looked[:, [i]], looked[:, i + 1 :])[:, :, None]  # (n, J, 1)
            close = np.abs(guess - looked[:, None]) <= tolerance * near  # (n, J, K)
            known = ~np.isnan(looked)
            # Divisors of zero and unknown cells leave no guess.
            counted = known[:, i + 1 :] & np.isfinite(guess[:, :, 0])
            if not is_sum:  # zero times any number is zero, and any number divided by 1 the same
                counted = counted & (codes_of_all[rows, i + 1 :] != usual[i + 1 :])
                close &= counted[:, :, None]
            both = counted.T.astype(float) @ known  # (J, K)
            agree |= (close.sum(axis=0) >= MOSTLY * both) & (both >= FEWEST)
        for j, k in np.argwhere(agree).tolist():
            if k not in (i, j + i + 1):
                yield Triple(i, j + i + 1, k)


def date_differences(sheet: Sheet) -> Iterator[LinearTie]:
    """A column of numbers that counts the weeks, days … seconds between two dates."""
    dates = sheet.numbers(DATE)
    counts = [v for v in sheet.numbers(NUMBER) if is_varied(sheet, v)]
    columns = [each.number for each in counts]
    for at, first in enumerate(dates[:-1]):
        for second in dates[at + 1 :]:
            apart = sheet.values[:, second.number] - sheet.values[:, first.number]
            known = apart[~np.isnan(apart)]
            pair = (second, first) if len(known) and np.median(known) >= 0 else (first, second)
            apart = apart if pair[0] is second else -apart
            for seconds, unit in PERIODS:
                rest = apart[:, None] / seconds - sheet.values[:, columns]  # (N, K)
                counted = (~np.isnan(rest)).sum(axis=0)
                close = (np.abs(rest - medians(rest)) <= 1).sum(axis=0)
                enough = (close >= MOSTLY * counted) & (counted >= FEWEST)
                for k in np.flatnonzero(enough).tolist():
                    yield from _counted(sheet, pair, counts[k], seconds, unit)


def _counted(
    sheet: Sheet, dates: tuple[Variable, Variable], count: Variable, seconds: int, unit: str
) -> Iterator[LinearTie]:
    """The tie last − first = count · seconds: exact, rounded down or rounded to a step."""
    last, first = dates
    weighted = Weighted.of((last, first, count), (1, -1, -seconds))
    text = f"{last.name} − {first.name} = {count.name}"
    if (found := weighted.equation(sheet)) is not None:
        tie, constant = found
        yield replace(tie, text=f"{text}{words.plus(constant / seconds)} ({unit})")
    for (low, high), how in zip(ENDS, (CUT, ROUNDED), strict=True):
        size = count.step * seconds
        tie = weighted.within(
            sheet, low * size, high * size, is_open=how == CUT, text=f"{text} ({unit}, {how})"
        )
        if tie is not None:
            yield tie
