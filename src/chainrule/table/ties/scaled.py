"""Ties of three columns whose numbers are scale · code + offset."""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

from typing_extensions import override

from chainrule.errors import SchemaError
from chainrule.table.ties.base import AbstractTie, are_whole


@dataclass(frozen=True)
class AbstractScaledTie(AbstractTie, ABC):
    """A relation of the numbers a, b and c of three columns, each scale · code + offset.

    Attributes:
        what: the kind of relation, in messages.
        signed: how many of the first scales may lie below zero.
        scales, offsets: integers, one each for a, b and c.
        slack: an integer, by which c may differ.
    """

    what: ClassVar[str]
    signed: ClassVar[int] = 0

    columns: tuple[int, ...]
    scales: tuple[int, ...]
    offsets: tuple[int, ...]
    slack: int = 0
    share: float = 1.0
    text: str = ""

    def __post_init__(self) -> None:
        self.require()
        if not len(self.columns) == len(self.scales) == len(self.offsets) == 3:
            raise SchemaError(f"tie {self.text!r}: {self.what} has three columns")
        is_scale = are_whole(self.scales) and 0 not in self.scales
        if not is_scale or min(self.scales[self.signed :]) < 0 or not are_whole(self.offsets):
            factors = ", or below it for factors" if self.signed else ""
            raise SchemaError(
                f"tie {self.text!r}: scales {self.scales} and offsets {self.offsets} are not "
                f"integers, scales above zero{factors}"
            )
        if not are_whole((self.slack,), least=0):
            raise SchemaError(f"tie {self.text!r}: slack {self.slack!r} is no integer from 0 on")

    @override
    def shifted(self, by: Mapping[int, int]) -> Self:
        parts = zip(self.columns, self.scales, self.offsets, strict=True)
        offsets = tuple(offset - scale * by.get(column, 0) for column, scale, offset in parts)
        return replace(self, offsets=offsets)

    def _numbers(self, codes: Mapping[int, Any]) -> dict[int, Any]:
        """The numbers of the columns that have codes."""
        return {
            k: codes[k] * scale + offset
            for k, scale, offset in zip(self.columns, self.scales, self.offsets, strict=True)
            if k in codes
        }
