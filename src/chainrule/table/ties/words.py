"""Ties in words, by the names of their columns."""

from __future__ import annotations

from fractions import Fraction

MOST_DECIMALS = 6  # of a factor that is written as a decimal number
LARGEST_DENOMINATOR = 1000
UNITS = (
    (86_400, "day"),
    (3600, "hour"),
    (60, "minute"),
    (1, "second"),
)


def number(value: Fraction) -> str:
    """A number as a person would write it.

    >>> number(Fraction(19, 100)), number(Fraction(1, 3)), number(Fraction(30))
    ('0.19', '1/3', '30')
    """
    if value * 10**MOST_DECIMALS == int(value * 10**MOST_DECIMALS):
        text = f"{float(value):.{MOST_DECIMALS}f}".rstrip("0").rstrip(".")
        return str(int(value)) if value == int(value) else text
    if value.denominator <= LARGEST_DENOMINATOR:
        return f"{value.numerator}/{value.denominator}"
    return f"{float(value):.6g}"


def duration(seconds: Fraction) -> str:
    """A time as a number of its largest unit that divides it.

    >>> duration(Fraction(2592000)), duration(Fraction(5400))
    ('30 days', '90 minutes')
    """
    size, unit = next((each for each in UNITS if seconds % each[0] == 0), UNITS[-1])
    count = number(seconds / size)
    return f"{count} {unit}" if count == "1" else f"{count} {unit}s"


def plus(constant: Fraction, *, is_time: bool = False) -> str:
    """A constant that is added; "" if it is zero.

    >>> plus(Fraction(-5)), plus(Fraction(0))
    (' − 5', '')
    """
    if not constant:
        return ""
    size = abs(constant)
    return f" {'−' if constant < 0 else '+'} {duration(size) if is_time else number(size)}"


def times(factor: Fraction, name: str) -> str:
    """A multiple of a column, as a percentage if that is short.

    >>> times(Fraction(19, 100), "net"), times(Fraction(100), "euros"), times(Fraction(1), "a")
    ('19 % of net', '100 × euros', 'a')
    """
    if factor == 1:
        return name
    if factor == -1:
        return f"−{name}"
    percent = factor * 100
    if 0 < factor < 1 and percent * 100 == int(percent * 100):
        return f"{number(percent)} % of {name}"
    return f"{number(factor)} × {name}"


def share(value: float) -> str:
    """The share of the rows in which a tie holds; never rounded to all of them.

    >>> share(1.0), share(0.9715), share(0.99999)
    ('in all rows', 'in 97.1 % of rows', 'in 99.9 % of rows')
    """
    if value == 1:
        return "in all rows"
    return f"in {int(value * 1000) / 10:g} % of rows"
