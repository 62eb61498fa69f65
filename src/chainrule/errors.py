"""The errors that chainrule raises on purpose, as one tree.

ChainruleError (a ValueError)
├── SchemaError     a table does not fit the columns of a model
├── ShapeError      a tensor or array has the wrong shape, dtype or range
├── FormatError     a file is truncated, edited, foreign or too large
├── BackendError    an implementation cannot serve this call
└── EvidenceError   a network cannot answer this question exactly

Each message names the thing, the value, the rule and the remedy.
"""

from __future__ import annotations

import difflib
import operator
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from numbers import Real
from typing import Any

from typing_extensions import override

# Unicode categories of characters that move the cursor, reverse the text or end the line.
HIDDEN = ("Cc", "Cf", "Cs", "Zl", "Zp")
LONGEST_NAME = 24  # characters of a column's name
JOINERS = "\u200c\u200d"  # some scripts and emoji need these


def printable(text: str) -> str:
    """Text that is safe to show on a terminal: control characters are replaced by their escapes.

    >>> print(printable("age\\x1b[2J\\u202e\\nnext"))
    age\\x1b[2J\\u202e\\nnext
    """
    if text.isprintable():
        return text
    hidden = {c for c in set(text) if unicodedata.category(c) in HIDDEN and c not in JOINERS}
    return text.translate({ord(c): c.encode("unicode_escape").decode() for c in hidden})


def printable_lines(text: str) -> str:
    """Returns lines of text with control characters other than their ends as escapes.

    >>> print(printable_lines("a\\x1b[2J\\nb"))
    a\\x1b[2J
    b
    """
    return "\n".join(map(printable, text.split("\n")))


class ChainruleError(ValueError):
    """A misuse that chainrule can explain: it names the thing, the value, the rule and the remedy.

    All errors below are of this kind, and so are errors of Python's own kind ``ValueError``.

    Examples:
        >>> import chainrule as cr
        >>> try:
        ...     cr.FitConfig(conditional="gausian")
        ... except cr.ChainruleError as error:
        ...     print(error)
        conditional 'gausian' is unknown; choose one of ... (nearest: 'gaussian')
    """

    @override
    def __str__(self) -> str:
        return printable(super().__str__())


class SchemaError(ChainruleError):
    """A table does not fit the columns of a model."""


class ShapeError(ChainruleError):
    """A tensor, array or number has the wrong shape, dtype or range."""


class FormatError(ChainruleError):
    """A file is not what it should be."""


class BackendError(ChainruleError):
    """An implementation cannot serve this call."""


class EvidenceError(ChainruleError):
    """A network cannot answer this question exactly; the message says what would serve.

    Examples:
        >>> import chainrule as cr
        >>> net = cr.NADE(3, hidden_size=2, generator=torch.Generator().manual_seed(0))
        >>> x, last = torch.zeros(1, 3), torch.tensor([[False, False, True]])
        >>> net.log_prob(x, observed=last)
        Traceback (most recent call last):
        chainrule.errors.EvidenceError: ...
    """


def short_name(name: str) -> str:
    """Returns a column's name in at most 24 characters, without control characters.

    >>> short_name("capital gains of the last year")
    'capital gains of the la…'
    """
    shown = printable(name)
    return shown if len(shown) <= LONGEST_NAME else f"{shown[: LONGEST_NAME - 1]}…"


def unknown_choice(what: str, got: object, choices: Iterable[str]) -> str:
    """A message for a wrong choice: the given one, all known ones, and the nearest.

    >>> unknown_choice("activation", "sigmoit", ["relu", "sigmoid"])
    "activation 'sigmoit' is unknown; choose one of 'relu', 'sigmoid' (nearest: 'sigmoid')"
    """
    known = sorted(choices)
    near = nearest(str(got), known)
    hint = f" (nearest: {near!r})" if near is not None else ""
    return f"{what} {got!r} is unknown; choose one of {', '.join(map(repr, known))}{hint}"


def nearest(got: str, choices: Iterable[str]) -> str | None:
    """The choice most similar to the given one, ignoring case; None if none is similar.

    >>> nearest("BERLIN", ["Paris", "Berlin"])
    'Berlin'
    """
    folded: dict[str, str] = {}
    for choice in choices:
        folded.setdefault(choice.casefold(), choice)
    near = difflib.get_close_matches(got.casefold(), folded, n=1)
    return folded[near[0]] if near else None


def whole_number(value: Any, name: str, *, least: int, what: str = "a whole number") -> int:
    """The value as an int if it is an integer (of Python or numpy, not bool) of at least ``least``.

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


def seed_number(value: Any) -> int:
    """The value as an int if it can seed a generator.

    >>> seed_number(7)
    7
    """
    what = "None or an integer below 2**63"
    seed = whole_number(value, "seed", least=0, what=what)
    if seed >= 2**63:
        raise ShapeError(f"seed = {seed}: pass {what}")
    return seed


def sizes(value: Any, name: str) -> tuple[int, ...]:
    """The sizes of hidden layers as a tuple; there must be a layer, and each must have a unit.

    >>> sizes([500, 200], "hidden_sizes")
    (500, 200)
    """
    if not isinstance(value, Sequence) or isinstance(value, str) or not len(value):
        raise ShapeError(
            f"{name} = {value!r}: pass a list with the size of each hidden layer, at least one"
        )
    return tuple(
        whole_number(size, name, least=1, what="whole numbers of hidden units") for size in value
    )


def choice(value: Any, name: str, choices: Iterable[str]) -> str:
    """The value if it is one of the choices.

    >>> choice("relu", "activation", ["relu", "sigmoid"])
    'relu'
    """
    if value not in (known := list(choices)):
        raise ShapeError(unknown_choice(name, value, known))
    return value


def share(value: Any, name: str, *, of: str) -> float:
    """The value as a float if it is at least 0 and below 1.

    >>> share(0.5, "dropout", of="hidden units")
    0.5
    """
    return _number(
        value, name, lambda number: 0 <= number < 1, f"a share of {of}, at least 0 and below 1"
    )


def fraction(value: Any, name: str) -> float:
    """The value as a float if it is above 0 and below 1.

    >>> fraction(0.1, "valid_fraction")
    0.1
    """
    return _number(value, name, lambda number: 0 < number < 1, "a number between 0 and 1")


def positive(value: Any, name: str, *, what: str = "a number") -> float:
    """The value as a float if it is finite and above zero.

    >>> positive(3, "time_limit_s", what="a number of seconds")
    3.0
    """
    return _number(value, name, lambda number: 0 < number < float("inf"), f"{what} above zero")


def not_negative(value: Any, name: str) -> float:
    """The value as a float if it is finite and at least zero.

    >>> not_negative(0, "weight_decay")
    0.0
    """
    return _number(value, name, lambda number: 0 <= number < float("inf"), "a number, zero or more")


def _number(value: Any, name: str, is_allowed: Callable[[float], bool], what: str) -> float:
    if not isinstance(value, Real) or not is_allowed(float(value)):
        raise ShapeError(f"{name} = {value!r}: pass {what}")
    return float(value)
