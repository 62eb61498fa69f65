"""A zero in place of a number."""

from __future__ import annotations

from typing_extensions import override

from chainrule.mistakes.base import AbstractReplacement


class Zero(AbstractReplacement):
    """v = 0, whatever u was: q(0 | u) = 1."""

    name = "zero"
    holds = ("numbers",)
    rate = 0.003

    @override
    def sentence(self, found: str, suggested: str) -> str:
        return "a zero stands for an unknown number"
