"""The common base of columns whose values are a finite list of levels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from typing_extensions import override

from chainrule.table.columns.base import AbstractColumn
from chainrule.table.columns.fields import Level
from chainrule.table.frames.polars_types import integer_type
from chainrule.table.values.cells import label_of, objects_of


@dataclass(frozen=True, kw_only=True)
class AbstractLevels(AbstractColumn):
    """A column of levels.

    Attributes:
        levels: ``levels[code]`` is the value of a code.
    """

    has_levels: ClassVar[bool] = True

    levels: tuple[Level, ...]

    @property
    @override
    def level_names(self) -> list[str]:
        return [label_of(level) for level in self.levels]

    @override
    def wrong_codes(self, codes: np.ndarray) -> tuple[np.ndarray, str]:
        """All but 0, 1, … up to the last code."""
        last = len(self.code_names) - 1
        return ~np.isin(codes, np.arange(last + 1)), f"is none of 0 … {last}"

    @override
    def points(self, most: int) -> np.ndarray:
        """All codes."""
        return np.arange(len(self.code_names), dtype=np.float64)

    @override
    def as_written(self, values: np.ndarray, like: str) -> np.ndarray:
        """Levels as text; booleans take the capitals of a known cell."""
        if values.dtype.kind != "b":
            return super().as_written(values, like)
        style = str.upper if like.isupper() else str.title if like.istitle() else str.lower
        return objects_of([style(str(value)) for value in values.tolist()])

    @override
    def polars_type(self) -> Any:
        """The type of the levels if they share one; otherwise floats."""
        import polars as pl

        kinds = {type(level) for level in self.levels}
        if kinds == {int}:
            return integer_type(self.dtype) or pl.Int64
        return {str: pl.String, bool: pl.Boolean}.get(
            kinds.pop() if len(kinds) == 1 else float, pl.Float64
        )
