"""Values that belong elsewhere: of another row, of the row above, or from anywhere."""

from __future__ import annotations

from typing_extensions import override

from chainrule.mistakes.base import AbstractReplacement


class AnotherRow(AbstractReplacement):
    """v is the column's value in a random row: q(v | u) is the share of v."""

    name = "value of another row"
    holds = ("numbers", "dates")
    rate = 0.003

    @override
    def sentence(self, found: str, suggested: str) -> str:
        return f"{found} is usual in the column, but not in this row"


class AnotherLevel(AbstractReplacement):
    """v is another of L labels: q(v | u) is the mean of the share of v and 1 / (L − 1).

    The rate is that of two wrong labels in a hundred. A table shows few of them: most stand where
    they are as plausible as the right label, so that the rate that it shows is too low.
    """

    name = "another level"
    holds = ("labels",)
    rate = 0.02

    @override
    def sentence(self, found: str, suggested: str) -> str:
        return f"{found} stands where the row suggests {suggested}"


class RowAbove(AbstractReplacement):
    """v is the value of the row above: q(v | u) = 1 there."""

    name = "value of the row above"
    holds = ("numbers", "dates", "labels")
    rate = 0.0005

    @override
    def sentence(self, found: str, suggested: str) -> str:
        return f"{found} is the value of the row above"


class NoneOfThese(AbstractReplacement):
    """v comes from a wide distribution around the column's values."""

    name = "none of these"
    holds = ("numbers", "dates", "labels")
    rate = 0.001

    @override
    def sentence(self, found: str, suggested: str) -> str:
        return f"{found} does not fit the rest of the row"
