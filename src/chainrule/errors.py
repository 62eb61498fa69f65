"""The errors chainrule raises on purpose, as one tree.

ChainruleError (a ValueError)
├── SchemaError     a table does not fit the columns a model was made for
├── ShapeError      a tensor or array has the wrong shape, dtype or range
├── FormatError     a file is not what it should be: truncated, edited, foreign, too large
├── BackendError    an implementation cannot serve this call
└── EvidenceError   a question that this network cannot answer exactly

Each message names the thing, the value, the rule and the remedy.
"""

from __future__ import annotations

import difflib
import operator
import unicodedata
from collections.abc import Iterable
from typing import Any

HIDDEN = (
    "Cc",
    "Cf",
    "Cs",
    "Zl",
    "Zp",
)  # Unicode's categories of what moves the cursor, turns the text or ends the line
JOINERS = "\u200c\u200d"  # which scripts and emoji are written with


def printable(text: str) -> str:
    """Text as a person may be shown it on a terminal: characters that control it stand as their escapes.

    >>> print(printable("age\\x1b[2J\\u202e\\nnext"))
    age\\x1b[2J\\u202e\\nnext
    """
    if text.isprintable():
        return text
    hidden = {c for c in set(text) if unicodedata.category(c) in HIDDEN and c not in JOINERS}
    return text.translate({ord(c): c.encode("unicode_escape").decode() for c in hidden})


class ChainruleError(ValueError):
    """Any misuse that chainrule can explain."""

    def __str__(self) -> str:
        return printable(super().__str__())


class SchemaError(ChainruleError):
    """A table does not fit the columns a model was made for."""


class ShapeError(ChainruleError):
    """A tensor, array or number has the wrong shape, dtype or range."""


class FormatError(ChainruleError):
    """A file is not what it should be."""


class BackendError(ChainruleError):
    """An implementation cannot serve this call."""


class EvidenceError(ChainruleError):
    """A question that this network cannot answer exactly."""


def unknown_choice(what: str, got: object, choices: Iterable[str]) -> str:
    """A sentence for a wrong choice: what was given, what there is, and the nearest.

    >>> unknown_choice("activation", "sigmoit", ["relu", "sigmoid"])
    "activation 'sigmoit' is unknown; choose one of 'relu', 'sigmoid' (nearest: 'sigmoid')"
    """
    known = sorted(choices)
    near = difflib.get_close_matches(str(got), known, n=1)
    hint = f" (nearest: {near[0]!r})" if near else ""
    return f"{what} {got!r} is unknown; choose one of {', '.join(map(repr, known))}{hint}"


def whole_number(value: Any, name: str, *, least: int, what: str = "a whole number") -> int:
    """The value as an int if it is an integer (of Python or numpy, no bool) of at least ``least``.

    >>> whole_number(3, "epochs", least=1)
    3
    """
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, bool) or number < least:
        raise ShapeError(f"{name} = {value!r}: pass {what}, at least {least}")
    return number
