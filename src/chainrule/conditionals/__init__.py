"""Distributions of one column given its parameters."""

from __future__ import annotations

from collections.abc import Mapping

from chainrule.conditionals.base import AbstractConditional, Distribution
from chainrule.conditionals.bernoulli import Bernoulli
from chainrule.errors import FormatError, unknown_choice

__all__ = ["KINDS", "AbstractConditional", "Bernoulli", "Distribution", "conditional_from_json"]

KINDS: dict[str, type[AbstractConditional]] = {"Bernoulli": Bernoulli}


def conditional_from_json(spec: Mapping[str, object]) -> AbstractConditional:
    """The conditional that ``to_json`` described.

    >>> conditional_from_json({"kind": "Bernoulli"})
    Bernoulli()
    """
    options = dict(spec)
    kind = options.pop("kind", None)
    if kind not in KINDS:
        raise FormatError(unknown_choice("conditional", kind, KINDS))
    try:
        return KINDS[str(kind)](**options)  # type: ignore[arg-type]
    except TypeError as error:
        raise FormatError(f"conditional {kind!r} does not take the options {sorted(options)}") from error
