"""Columns that another one determines: a city has one country."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from typing_extensions import override

from chainrule.errors import SchemaError
from chainrule.table.ties.base import AbstractTie, are_whole, as_int64, like

UNKNOWN = -1  # in place of the target's code


@dataclass(frozen=True)
class FunctionalTie(AbstractTie):
    """The target's code for each code of the source, of a finite list.

    Attributes:
        source: the number of the column that determines the other.
        target: the number of the other.
        levels: the target's code for the source's codes 0, 1, …; -1 where it is unknown.

    Examples:
        >>> import numpy as np
        >>> country = FunctionalTie(0, 1, (4, 4, -1))
        >>> country.interval(1, np.array([[1.0, 0.0]]), np.array([[True, False]]))
        (array([4.]), array([4.]))
    """

    source: int
    target: int
    levels: tuple[int, ...]
    share: float = 1.0
    text: str = ""

    def __post_init__(self) -> None:
        self.require()
        if not are_whole(self.levels, least=UNKNOWN) or not self.levels:
            raise SchemaError(f"tie {self.text!r}: levels {self.levels!r} are not codes")

    @property
    @override
    def columns(self) -> tuple[int, ...]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Source and target."""
        return self.source, self.target

    @property
    @override
    def is_exact(self) -> bool:
        return True

    @property
    @override
    def targets(self) -> tuple[int, ...]:
        return (self.target,)

    @override
    def shifted(self, by: Mapping[int, int]) -> Self:
        if by.get(self.source, 0) or by.get(self.target, 0):
            raise SchemaError(f"tie {self.text!r}: codes of levels have no other origin")
        return self

    @override
    def _interval(self, column: int, codes: dict[int, Any]) -> tuple[Any, Any, Any]:
        if column == self.source:
            code = codes[self.target]
            return code * 0 + 1.0, code * 0, code != code
        code = codes[self.source]
        listed = (code >= 0) & (code < len(self.levels)) & (code == code // 1)  # (N,)
        code[~listed] = 0.0
        found = like(self.levels, code)[as_int64(code)]
        return found, found + 0.0, listed & (found != UNKNOWN)
