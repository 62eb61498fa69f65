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
from collections.abc import Iterable


class ChainruleError(ValueError):
    """Any misuse that chainrule can explain."""


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
