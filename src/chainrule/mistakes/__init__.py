"""Usual mistakes in the cells of a table: each says which values it could have been made from."""

from __future__ import annotations

from chainrule.mistakes.base import (
    AbstractMistake,
    AbstractRandom,
    AbstractReplacement,
    AbstractUndo,
    Form,
)
from chainrule.mistakes.copied import AnotherLevel, AnotherRow, NoneOfThese, RowAbove
from chainrule.mistakes.dates import DayMonth, YearOff
from chainrule.mistakes.decimal_point import DecimalPoint
from chainrule.mistakes.digits import DigitDoubled, DigitDropped, DigitsTransposed
from chainrule.mistakes.exchanged import Exchanged
from chainrule.mistakes.misspelt import Misspelt
from chainrule.mistakes.offset import Offset
from chainrule.mistakes.relation import BrokenRelation
from chainrule.mistakes.sign import Sign
from chainrule.mistakes.unit import Unit
from chainrule.mistakes.zero import Zero

# A kind of mistake is a class with an entry here; the engine and the law tests read this list.
MISTAKES: tuple[AbstractMistake, ...] = (
    DecimalPoint(),
    Sign(),
    Zero(),
    DigitsTransposed(),
    DigitDropped(),
    DigitDoubled(),
    Unit(),
    Offset(),
    AnotherRow(),
    RowAbove(),
    DayMonth(),
    YearOff(),
    Misspelt(),
    AnotherLevel(),
    BrokenRelation(),
    Exchanged(),
    NoneOfThese(),
)

__all__ = [
    "MISTAKES",
    "AbstractMistake",
    "AbstractRandom",
    "AbstractReplacement",
    "AbstractUndo",
    "AnotherLevel",
    "AnotherRow",
    "BrokenRelation",
    "DayMonth",
    "DecimalPoint",
    "DigitDoubled",
    "DigitDropped",
    "DigitsTransposed",
    "Exchanged",
    "Form",
    "Misspelt",
    "NoneOfThese",
    "Offset",
    "RowAbove",
    "Sign",
    "Unit",
    "YearOff",
    "Zero",
]
