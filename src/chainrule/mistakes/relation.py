"""A cell that breaks a relation which other rows keep."""

from __future__ import annotations

from typing_extensions import override

from chainrule.mistakes.base import AbstractReplacement


class BrokenRelation(AbstractReplacement):
    """v breaks a relation of the table, such as gross = net + tax.

    q(v | u) is the column's share of v among the values that break it.
    """

    name = "broken relation"
    holds = ("numbers", "dates", "labels")
    rate = 0.005

    @override
    def sentence(self, found: str, suggested: str) -> str:
        return f"{found} breaks a relation that the other rows keep"
