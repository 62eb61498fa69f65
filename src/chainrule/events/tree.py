"""The tree of a question before it knows any column: comparisons, and how they are combined."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeAlias

OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}
MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}


@dataclass(frozen=True)
class Value:
    """A constant: a number, text, a truth value or a date."""

    value: Any


@dataclass(frozen=True)
class Sum:
    """A sum of columns, each with a factor, and a number.

    Attributes:
        factors: (column, factor) pairs, factors not 0.
        constant: the number.
    """

    factors: tuple[tuple[Hashable, Fraction], ...]
    constant: Fraction = Fraction(0)

    @classmethod
    def of(cls, factors: dict[Hashable, Fraction], constant: Fraction) -> Sum:
        """Returns the sum without columns whose factors cancel."""
        return cls(tuple((name, each) for name, each in factors.items() if each), constant)

    @property
    def name(self) -> Hashable | None:
        """The column, if the sum is a column alone."""
        alone = len(self.factors) == 1 and self.factors[0][1] == 1 and not self.constant
        return self.factors[0][0] if alone else None

    def plus(self, other: Sum, times: Fraction | int = 1) -> Sum:
        """Returns this sum plus another one, times a number."""
        factors = dict(self.factors)
        for name, each in other.factors:
            factors[name] = factors.get(name, Fraction(0)) + times * each
        return Sum.of(factors, self.constant + times * other.constant)

    def times(self, number: Fraction) -> Sum:
        """Returns this sum times a number."""
        return Sum(()).plus(self, number)


Side: TypeAlias = Sum | Value


@dataclass(frozen=True)
class Compared:
    """Two sides and one of < <= > >= == !=. It is false if a cell is missing."""

    left: Side
    sign: str
    right: Side


@dataclass(frozen=True)
class Among:
    """Whether a column's cell is one of some values, or none of them. False if it is missing."""

    name: Hashable
    values: tuple[Any, ...]
    is_negated: bool = False


@dataclass(frozen=True)
class Between:
    """Whether a column's cell lies from one value to another; None where there is no end."""

    name: Hashable
    low: Any
    high: Any


@dataclass(frozen=True)
class IsNull:
    """Whether a column's cell is missing, or is not."""

    name: Hashable
    is_negated: bool = False


@dataclass(frozen=True)
class IsTrue:
    """Whether a column of truth values is true, or is false. False if it is missing."""

    name: Hashable
    is_negated: bool = False


@dataclass(frozen=True)
class Negated:
    """Whether something does not hold."""

    of: Tree


@dataclass(frozen=True)
class Combined:
    """Whether all of some trees hold, or any of them.

    Attributes:
        trees: one or more.
        is_all: whether all must hold.
    """

    trees: tuple[Tree, ...]
    is_all: bool


Tree: TypeAlias = Compared | Among | Between | IsNull | IsTrue | Negated | Combined


def together(*trees: Tree) -> Tree:
    """Returns the tree that holds if all of these hold."""
    return trees[0] if len(trees) == 1 else Combined(trees, is_all=True)
