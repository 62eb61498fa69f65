"""Finds the ties of a table: candidates from a sample of rows, confirmed on all of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import combinations

import numpy as np

from chainrule.table.ties.base import AbstractTie, AnyTie
from chainrule.table.ties.date_parts import date_parts
from chainrule.table.ties.determined import determined
from chainrule.table.ties.evidence import FEWEST_ROWS, LEAST_GAIN, LEAST_SHARE, confirmed
from chainrule.table.ties.functional import FunctionalTie
from chainrule.table.ties.in_part import in_part
from chainrule.table.ties.linear import LinearTie
from chainrule.table.ties.orders import LEAST_GAIN as GAIN_OF_ORDERS
from chainrule.table.ties.orders import has_edge, orders
from chainrule.table.ties.pairs import equations, ratios
from chainrule.table.ties.product import ProductTie
from chainrule.table.ties.quotient import QuotientTie
from chainrule.table.ties.sheet import Sheet, Variable
from chainrule.table.ties.triples import date_differences, discounts, products, quotients, sums

SAMPLE = 2000  # rows in which candidates are sought
FEWER = 500  # rows for ratios and orders
LOOSE_SHARE, LOOSE_GAIN = 0.93, 0.6  # what a sample must show of a tie that is tried on all rows
PERFECT = 0.995  # least share of an equation whose one column stands for the other in the search
MOST_COPIES = 6  # columns, equal up to constants and factors, of which each pair is tied
NEARLY_AS_MANY = 0.01  # share of rows by which a narrower tie may hold in fewer rows
BETTER = 0.005  # a sum that holds in so many more rows replaces an equation of two of its columns


def find(sheet: Sheet, *, min_count: int) -> tuple[AbstractTie, ...]:
    """The ties between the columns, none of which others imply, but for pairs of a few copies.

    Ties hold in at least 95 % of the rows with all of their cells known, and in far more rows than
    if one of their columns were permuted. Copies and ratios may hold in a tenth of the rows.
    The result depends on the rows alone.

    Args:
        sheet: columns and rows.
        min_count: number of rows behind each value of a level.
    """
    rng = np.random.default_rng(0)
    sample, kept = sheet.sample(SAMPLE, rng), Kept()
    fewest = max(FEWEST_ROWS, 2 * min_count)  # a constant of a tie belongs to half of these rows

    def confirmed(candidates: Iterable[AnyTie], gain: float = LEAST_GAIN) -> Iterator[AnyTie]:
        return _confirmed(candidates, sample, sheet, gain=gain, fewest=fewest)

    candidates = list(equations(sample))
    pairs = list(confirmed(_spanning(candidates, sample)))
    inner = _representatives(sheet, pairs)
    few = sample.of(inner)
    kept.add_equations([*pairs, *confirmed([*date_differences(few), *sums(few, rng)])])
    kept.add_copies(confirmed(kept.between_copies(candidates)))
    kept.add_ratios(confirmed(ratios(few.sample(FEWER, rng))), sheet)
    of_triples = [*products(few, rng), *quotients(few, rng.spawn(1)[0])]
    of_triples += discounts(few, rng.spawn(1)[0])
    kept.add_triples(_narrowest_of_each(confirmed(of_triples), few))
    found = confirmed(orders(few.sample(FEWER, rng), rng), gain=GAIN_OF_ORDERS)
    kept.add_orders((tie for tie in found if has_edge(tie, sheet)), sheet)
    of_levels = determined(sheet.of(inner), few, min_count=min_count, skip=kept.joined)
    of_dates = date_parts(sheet.of(inner), few, min_count=min_count)
    kept.add_determined([*of_levels, *of_dates], sheet)
    some = few.sample(FEWER, rng)
    kept.others += in_part(sheet.of(inner), some, fewest=fewest, skip=kept.computed)
    return kept.ties


def _confirmed(
    candidates: Iterable[AnyTie], sample: Sheet, sheet: Sheet, *, gain: float, fewest: int
) -> Iterator[AnyTie]:
    """The candidates that hold in the sample and in all rows, with their shares."""
    for tie in candidates:
        loose = min(LOOSE_GAIN, gain - 0.1)
        if confirmed(tie, sample, least_share=LOOSE_SHARE, least_gain=loose) is None:
            continue
        found = confirmed(tie, sheet, least_share=LEAST_SHARE, least_gain=gain, fewest=fewest)
        if found is not None:
            yield found


def _follows(order: LinearTie, tie: AbstractTie, sheet: Sheet) -> bool:
    """Whether an order follows from a tie with a third column and that column's ends.

    Of gross = net + tax, net <= gross follows if tax is never negative. Of net = quantity · price,
    price <= net follows if quantities are at least 1.
    """
    third = set(tie.columns) - set(order.columns)
    if len(third) != 1 or len(tie.columns) != 3:
        return False
    if isinstance(tie, ProductTie):
        return _is_factor(order, tie, sheet) or _is_smaller_product(order, tie, sheet)
    if isinstance(tie, QuotientTie):
        return _is_smaller_quotient(order, tie, sheet)
    return isinstance(tie, LinearTie) and tie.is_equation and _is_part(order, tie, sheet)


def _is_factor(order: LinearTie, product: ProductTie, sheet: Sheet) -> bool:
    """Whether the smaller column is multiplied by at least 1, which gives the larger one."""
    high, low = order.columns
    if high != product.columns[2]:
        return False
    (other,) = set(product.columns) - {high, low}
    variables = {each.number: each for each in sheet.variables}
    at = {k: product.columns.index(k) for k in (high, low, other)}
    units = {k: variables[k].step / product.scales[at[k]] for k in (high, low)}
    if variables[low].origin != units[low] * product.offsets[at[low]]:
        return False  # something is added to it first
    codes = sheet.codes[:, other] * product.scales[at[other]] + product.offsets[at[other]]
    least = float(units[high] / units[low]) * np.nanmin(codes)
    return bool(np.nanmin(sheet.values[:, low]) >= 0 and least >= 1)


def _is_smaller_product(order: LinearTie, product: ProductTie, sheet: Sheet) -> bool:
    """Whether the larger column is multiplied by at most 1, which gives the smaller one.

    It lies on the grid of the product, so that rounding makes no product larger.
    """
    high, low = order.columns
    if low != product.columns[2]:
        return False
    variables = {each.number: each for each in sheet.variables}
    scales = dict(zip(product.columns, product.scales, strict=True))
    offsets = dict(zip(product.columns, product.offsets, strict=True))
    unit = {k: variables[k].step / scales[k] for k in (high, low)}
    if variables[high].origin != unit[high] * offsets[high]:
        return False  # something is added to it first
    (other,) = set(product.columns) - {high, low}
    factors = sheet.codes[:, other] * scales[other] + offsets[other]
    apart = variables[high].origin - variables[low].origin
    if variables[high].step % variables[low].step or apart % variables[low].step:
        return False
    most = unit[low] / unit[high] * int(np.nanmax(factors))
    return bool(np.nanmin(sheet.values[:, high]) >= 0 and most <= 1)


def _is_smaller_quotient(order: LinearTie, tie: QuotientTie, sheet: Sheet) -> bool:
    """Whether the larger column is divided by numbers of at least 1, which give the smaller one.

    It lies on the grid of the quotient, so that rounding makes no quotient larger.
    """
    if order.columns != (tie.columns[0], tie.columns[2]):
        return False
    variables = {each.number: each for each in sheet.variables}
    a, b, c = (variables[k] for k in tie.columns)
    units = [each.step / scale for each, scale in zip((a, b, c), tie.scales, strict=True)]
    factor = units[1] * units[2] / units[0]  # c = factor · a ÷ b
    if a.step % c.step or (a.origin - c.origin) % c.step:
        return False
    divisors = sheet.values[:, b.number]
    least = divisors[np.abs(divisors) > 0].min()  # of a divisor of zero the tie says nothing
    return bool(np.nanmin(sheet.values[:, a.number]) >= 0 and least >= factor)


def _is_part(order: LinearTie, equation: LinearTie, sheet: Sheet) -> bool:
    """Whether the difference of the two columns is the third, which never has the other sign."""
    weight = dict(zip(equation.columns, equation.coefficients, strict=True))
    factors = {
        Fraction(w, weight[k]) for k, w in zip(order.columns, order.coefficients, strict=True)
    }
    (column,) = set(equation.columns) - set(order.columns)
    codes = sheet.codes[:, column]
    if len(factors) != 1 or np.isnan(codes).all():
        return False
    factor = float(factors.pop())
    ends = [
        factor * (equation.least - weight[column] * end)
        for end in (np.nanmin(codes), np.nanmax(codes))
    ]
    return bool(order.least <= min(ends) and max(ends) <= order.most)


def _spanning(candidates: Iterable[LinearTie], sample: Sheet) -> list[LinearTie]:
    """The equations of pairs without those that others imply, which hold in all sampled rows."""
    shares = [(float(np.nanmean(tie.holds(sample.codes, sample.known))), tie) for tie in candidates]
    groups, found = Groups(), list[LinearTie]()
    for share, tie in sorted(shares, key=lambda each: -each[0]):
        if groups.joined(*tie.columns):
            continue
        if share >= PERFECT:
            groups.join(*tie.columns)
        found.append(tie)
    return found


def _representatives(sheet: Sheet, pairs: Iterable[AbstractTie]) -> list[Variable]:
    """The columns without those that stand in a nearly perfect equation with an earlier one."""
    groups = Groups()
    for tie in pairs:
        if tie.share >= PERFECT:
            groups.join(*tie.columns)
    found: dict[int, Variable] = {}
    for variable in sheet.variables:
        found.setdefault(groups.of(variable.number), variable)
    return list(found.values())


def _best_of_each(ties: Iterable[AnyTie]) -> list[AnyTie]:
    """The tie with the largest share for each set of columns."""
    found: dict[frozenset[int], AnyTie] = {}
    for tie in sorted(ties, key=lambda each: -each.share):
        found.setdefault(frozenset(tie.columns), tie)
    return list(found.values())


def _narrowest_of_each(ties: Iterable[AnyTie], sheet: Sheet) -> list[AnyTie]:
    """The tie that leaves the fewest values open for each set of columns.

    It holds in nearly as many rows as any other. If hits are tries × rate, rounded, then many rates
    have the same hits. That the rate is hits ÷ tries, rounded, says more.
    """
    found: dict[frozenset[int], list[AnyTie]] = {}
    for tie in ties:
        found.setdefault(frozenset(tie.columns), []).append(tie)
    kept = []
    for some in found.values():
        if len(some) > 1:
            unbroken = [_unbroken(tie, sheet) for tie in some]
            least = max(unbroken) - NEARLY_AS_MANY
            some = [tie for tie, share in zip(some, unbroken, strict=True) if share >= least]
        kept.append(min(some, key=lambda tie: _width(tie, sheet)) if len(some) > 1 else some[0])
    return sorted(kept, key=lambda tie: -tie.share)


def _unbroken(tie: AbstractTie, sheet: Sheet) -> float:
    """The share of the rows with all cells known that do not break a tie.

    Where a divisor is zero, a product of it holds, and a quotient says nothing.
    """
    said = ~np.isnan(tie.holds(sheet.codes, sheet.known))
    known = sheet.known[:, list(tie.columns)].all(axis=1)
    return 1 - (1 - tie.share) * float(said.sum() / known.sum())


def _width(tie: AbstractTie, sheet: Sheet) -> float:
    """The mean logarithm of the number of values that a tie leaves to each of its columns."""
    widths = []
    for column in tie.columns:
        low, high = tie.interval(column, sheet.codes, sheet.known)
        counts = (high - low + 1)[(low <= high) & np.isfinite(high - low)]
        widths.append(float(np.log(counts).mean()) if len(counts) else np.inf)
    return round(sum(widths), 2)


class Groups:
    """Columns in groups; joining two columns joins their groups."""

    def __init__(self) -> None:
        self._above: dict[int, int] = {}

    def of(self, column: int) -> int:
        """The first column of the group."""
        while column in self._above:
            column = self._above[column]
        return column

    def joined(self, one: int, other: int) -> bool:
        """Whether both are in one group."""
        return self.of(one) == self.of(other)

    def join(self, one: int, other: int) -> None:
        """Joins the groups of both."""
        first, last = sorted((self.of(one), self.of(other)))
        if first != last:
            self._above[last] = first


@dataclass
class Kept:
    """The ties that are kept, in the order in which they were added."""

    equations: list[AbstractTie] = field(default_factory=list)
    others: list[AbstractTie] = field(default_factory=list)
    _rows: dict[int, dict[int, Fraction]] = field(default_factory=dict)
    _groups: Groups = field(default_factory=Groups)

    @property
    def ties(self) -> tuple[AbstractTie, ...]:
        """All ties."""
        return (*self.equations, *self.others)

    def joined(self, one: int, other: int) -> bool:
        """Whether equations or ratios of pairs connect two columns."""
        return self._groups.joined(one, other)

    def computed(self, one: int, other: int) -> bool:
        """Whether an equation or a ratio connects two columns, one of three columns has both, or
        one of them is determined by another column.
        """
        if self.joined(one, other):
            return True
        return any(
            tie.target in (one, other)
            if isinstance(tie, FunctionalTie)
            else len(tie.columns) > 2 and {one, other} <= set(tie.columns)
            for tie in self.ties
        )

    def add_triples(self, ties: Iterable[AbstractTie]) -> None:
        """Adds products and quotients, without products that follow from a sum and a product.

        If gross = net + tax and tax = net × percent ÷ 100, then gross is a product as well.
        """
        sums = [frozenset(tie.columns) for tie in self.equations if len(tie.columns) == 3]
        for tie in ties:
            if not (isinstance(tie, ProductTie) and self._has_part(tie, sums)):
                self.others.append(tie)

    def _has_part(self, tie: ProductTie, sums: Sequence[frozenset[int]]) -> bool:
        """Whether a sum has a factor of the product, the product, and another of its factors."""
        *factors, product = tie.columns
        return any(
            set(other.columns[:2]) == set(factors) and {factor, product, other.columns[2]} in sums
            for other in self.others
            if isinstance(other, ProductTie)
            for factor in factors
        )

    def add_equations(self, ties: Collection[LinearTie]) -> None:
        """Adds equations that do not follow from better ones, those with larger shares first."""
        exact = [tie for tie in ties if tie.is_equation]
        rounded = _best_of_each(tie for tie in ties if not tie.is_equation)
        for tie in sorted(exact, key=lambda each: (-round(each.share, 3), len(each.columns))):
            columns = set(tie.columns)
            replaced = any(
                columns < set(better.columns) and better.share > tie.share + BETTER
                for better in self.equations
            )
            if not replaced and self._is_new(tie):
                self.equations.append(tie)
                if len(tie.columns) == 2:
                    self._groups.join(*tie.columns)
        known = {frozenset(tie.columns) for tie in self.equations}
        self.equations += [tie for tie in rounded if frozenset(tie.columns) not in known]

    def between_copies(self, ties: Iterable[LinearTie]) -> list[LinearTie]:
        """The equations of two columns that follow from others of one small group.

        Any column of such a group that is known computes the others. Without these ties, an unknown
        column between two copies would keep the one from the other.
        """
        pairs = [set(tie.columns) for tie in self.equations if len(tie.columns) == 2]
        members: dict[int, set[int]] = {}
        for column in set().union(*pairs):
            members.setdefault(self._groups.of(column), set()).add(column)
        small = [group for group in members.values() if 2 < len(group) <= MOST_COPIES]
        wanted = {frozenset(pair) for group in small for pair in combinations(group, 2)}
        wanted -= set(map(frozenset, pairs))
        return [tie for tie in ties if frozenset(tie.columns) in wanted]

    def add_copies(self, ties: Iterable[LinearTie]) -> None:
        """Adds equations that follow from others."""
        self.equations += ties

    def _is_new(self, tie: LinearTie) -> bool:
        """Whether the equation is no sum of multiples of those that were added before."""
        rest = {k: Fraction(w) for k, w in zip(tie.columns, tie.coefficients, strict=True)}
        while rest:
            column = min(rest)
            row = self._rows.get(column)
            if row is None:
                self._rows[column] = {k: w / rest[column] for k, w in rest.items()}
                return True
            factor = rest[column]
            for k, w in row.items():
                rest[k] = rest.get(k, Fraction(0)) - factor * w
            rest = {k: w for k, w in rest.items() if w}
        return False

    def add_ratios(self, ties: Iterable[LinearTie], sheet: Sheet) -> None:
        """Adds rounded ratios of columns that no others connect, those with larger shares first.

        Among equal shares, smaller integers and then shorter words come first, whatever the
        columns' names. Of two columns, the tie is kept that leaves fewer values open: inches to two
        decimals follow from centimeters to one, while a centimeter leaves four of them open.
        """
        name_length = {each.number: len(each.name) for each in sheet.variables}

        def order(tie: LinearTie) -> tuple[float, int, int]:
            names = sum(name_length[column] for column in tie.columns)
            return -round(tie.share, 3), max(map(abs, tie.coefficients)), len(tie.text) - names

        narrowest: dict[frozenset[int], LinearTie] = {}
        for tie in sorted(ties, key=lambda each: (-round(each.share, 3), _open(each), order(each))):
            narrowest.setdefault(frozenset(tie.columns), tie)
        for tie in sorted(narrowest.values(), key=order):
            if not self._groups.joined(*tie.columns):
                self._groups.join(*tie.columns)
                self.equations.append(tie)

    def add_orders(self, ties: Iterable[LinearTie], sheet: Sheet) -> None:
        """Adds orders of columns that no equation connects, without those that others imply."""
        found = [tie for tie in ties if not self._groups.joined(*tie.columns)]
        found = without_detours({(tie.columns[1], tie.columns[0]): tie for tie in found})
        known = self.ties
        self.others += [
            tie for tie in found if not any(_follows(tie, each, sheet) for each in known)
        ]

    def add_determined(self, ties: Iterable[FunctionalTie], sheet: Sheet) -> None:
        """Adds columns that others determine, without those that others imply.

        Two columns that determine each other have a tie in each direction, both with one text.
        """
        name = {each.number: each.name for each in sheet.variables}
        found = without_detours({(tie.source, tie.target): tie for tie in ties})
        directions = {(tie.source, tie.target) for tie in found}
        for tie in found:
            if (tie.target, tie.source) in directions:
                first, last = sorted((tie.source, tie.target))
                text = f"{name[first]} and {name[last]} determine each other"
                tie = replace(tie, text=text)
            self.others.append(tie)


def _open(tie: LinearTie) -> float:
    """How many values of one column a rounded ratio leaves open at most, by the other."""
    return round(max((tie.most - tie.least) / min(map(abs, tie.coefficients)), 1.0), 2)


def without_detours(ties: dict[tuple[int, int], AnyTie]) -> list[AnyTie]:
    """The ties (start, end), without those whose end others reach from their start.

    Of columns that all reach each other, those with the first column stay.

    >>> without_detours({(0, 1): "a", (0, 2): "b", (1, 2): "c"})
    ['a', 'c']
    """
    after: dict[int, set[int]] = {}
    for start, end in ties:
        after.setdefault(start, set()).add(end)
    for start, end in sorted(ties, key=min, reverse=True):
        after[start].remove(end)
        if not _reaches(after, start, end):
            after[start].add(end)
    return [tie for (start, end), tie in ties.items() if end in after[start]]


def _reaches(after: dict[int, set[int]], start: int, end: int) -> bool:
    """Whether steps from each column to those after it lead from one column to another."""
    seen, left = {start}, [start]
    while left and end not in seen:
        new = after.get(left.pop(), set()) - seen
        seen |= new
        left += new
    return end in seen
