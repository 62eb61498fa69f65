"""Two cells of a row, each with the other's value."""

from __future__ import annotations

from typing_extensions import override

from chainrule.mistakes.base import AbstractReplacement


class Exchanged(AbstractReplacement):
    """The values of two columns of numbers were exchanged in a row.

    It concerns a pair of cells: q(v, w | w, v) = 1.
    """

    name = "columns exchanged"
    holds = ("numbers",)
    rate = 0.0002

    @override
    def sentence(self, found: str, suggested: str) -> str:
        return f"{found} and {suggested} stand in each other's column"
