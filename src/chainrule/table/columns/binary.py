"""Binary columns: booleans or 0/1, including constants. Code 0 is the more frequent value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from typing_extensions import override

from chainrule.errors import SchemaError
from chainrule.table.columns.base import Cells
from chainrule.table.columns.fields import levels, optional
from chainrule.table.columns.levels import AbstractLevels
from chainrule.table.values.cells import (
    Where,
    as_numbers,
    looks,
    numbers_if_any,
    objects_of,
    shown,
)

NUMBERS = {
    *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)),
    "float32",
    "float64",
}
CAPITALS = {"": str.lower, "upper": str.upper, "title": str.title}


@dataclass(frozen=True, kw_only=True)
class Binary(AbstractLevels):
    """Zeros and ones, or false and true.

    Attributes:
        levels: ``levels[code]`` is the value of a code; code 0 is the more frequent value.
        flag_of: the column whose missing cells this one marks.
        capitals: how a text file writes false and true: "upper", "title", or "" for small letters.

    Examples:
        >>> smoker = Binary(name="smoker", dtype="int64", levels=(1, 0))
        >>> smoker.encode(np.array([1, 0, 1]), lambda row: f"row {row}")
        array([0., 1., 0.])
    """

    kind: ClassVar[str] = "binary"

    flag_of: str | None = None
    capitals: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.levels not in ((0, 1), (1, 0)):
            raise SchemaError(
                f"column {self.name!r}: a binary column has the levels 0 and 1, not {self.levels}"
            )
        if self.capitals not in CAPITALS or (self.capitals and not self.is_boolean):
            raise SchemaError(f"column {self.name!r} has no words in capitals {self.capitals!r}")

    @classmethod
    def accepts(cls, numbers: np.ndarray) -> bool:
        """Whether all known numbers are 0 or 1."""
        return bool(((numbers == 0) | (numbers == 1) | np.isnan(numbers)).all())

    @classmethod
    def infer(
        cls,
        name: str,
        numbers: np.ndarray,
        dtype: str,
        reason: str,
        *,
        boolean: bool = False,
        flag_of: str | None = None,
        text: Any = None,
    ) -> Self:
        """Makes the column of these numbers, NaN if unknown.

        ``boolean`` takes them for false and true, which a text file writes as the polars series
        ``text`` does.
        """
        ones, zeros = int((numbers == 1).sum()), int((numbers == 0).sum())
        no, yes = (False, True) if boolean else (0, 1)
        levels = (yes, no) if ones > zeros else (no, yes)
        rows = 0 if flag_of is not None else ones + zeros
        return cls(
            name=name,
            dtype=dtype,
            reason=reason,
            levels=levels,
            rows=rows,
            flag_of=flag_of,
            capitals=_capitals(text) if boolean and text is not None else "",
        )

    @classmethod
    @override
    def as_requested(cls, cells: Cells, reason: str) -> Self:
        numbers = as_numbers(cells.name, cells.values, cells.where)
        if not cls.accepts(numbers):
            row = int(np.flatnonzero((numbers != 0) & (numbers != 1) & ~np.isnan(numbers))[0])
            raise SchemaError(
                f"column {cells.name!r}: value {numbers[row]:g} at {cells.where(row)} is not 0 or "
                "1, so it cannot be binary"
            )
        boolean = looks(cells.values) == "boolean"
        return cls.infer(cells.name, numbers, cells.dtype, reason, boolean=boolean, text=cells.text)

    @property
    def is_boolean(self) -> bool:
        """Whether the values are false and true."""
        return isinstance(self.levels[0], bool)

    @property
    @override
    def is_flag(self) -> bool:
        return self.flag_of is not None

    @property
    @override
    def outside_share(self) -> float:
        """1 / (rows + 1); 0 for a flag, whose cells are computed."""
        return 0.0 if self.is_flag else super().outside_share

    @override
    def encode(self, values: np.ndarray, where: Where, *, strict: bool = True) -> np.ndarray:
        """The bits, or their complements."""
        bits = numbers_if_any(values)
        wrong = ~((bits == 0) | (bits == 1) | np.isnan(bits))
        if strict and wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            raise SchemaError(
                f"column {self.name!r}: value {shown(values, row)} at {where(row)} is not 0 or 1 "
                "(or true/false), as all were when the model was fitted: correct it, or leave the "
                "cell empty"
            )
        return np.where(wrong, np.inf, bits if self.levels == (0, 1) else 1 - bits)

    @override
    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Booleans, or 0 and 1 in the column's dtype."""
        values = np.asarray(self.levels)[codes.astype(np.int64)]
        if self.is_boolean:
            return values
        dtype = self.dtype.lower()
        return values.astype(np.dtype(dtype) if dtype in NUMBERS else np.dtype("int64"))

    def flag_code(self, *, missing: bool) -> float:
        """The code of a flag for a missing cell, or for one that is present."""
        return float(self.levels.index(int(missing)))

    @property
    @override
    def code_scale(self) -> tuple[float, float]:
        """One half each: code 1 lies one spread above the center, code 0 one below."""
        return 0.5, 0.5

    @property
    @override
    def is_flipped(self) -> bool:
        """Whether 1 is the more frequent value."""
        return bool(self.levels[0])

    @property
    @override
    def domain_as_text(self) -> str:
        return "true and false" if self.is_boolean else "0 and 1"

    @override
    def in_text(self, values: np.ndarray) -> np.ndarray | None:
        if not self.capitals:
            return None
        words = objects_of([CAPITALS[self.capitals](str(level)) for level in (False, True)])
        found = words[np.ma.getdata(values).astype(np.int64)]
        is_masked = isinstance(values, np.ma.MaskedArray)
        return np.ma.masked_array(found, np.ma.getmaskarray(values)) if is_masked else found

    @override
    def as_written(self, values: np.ndarray, like: str) -> np.ndarray:
        """As other levels, but in the column's capitals if there is no known cell."""
        written = self.in_text(values) if not like and values.dtype.kind == "b" else None
        return super().as_written(values, like) if written is None else written

    @override
    def distance(self, cells: np.ndarray) -> np.ndarray:
        """Distance of numbers from the nearer bit; infinite for other cells."""
        numbers = numbers_if_any(cells)
        with np.errstate(invalid="ignore", over="ignore"):
            apart = np.abs(numbers - np.clip(np.round(numbers), 0, 1))
        return np.nan_to_num(apart, nan=np.inf, posinf=np.inf)

    @override
    def fields_to_json(self) -> dict[str, Any]:
        capitals = {"capitals": self.capitals} if self.capitals else {}
        return {"levels": list(self.levels), "flag_of": self.flag_of, **capitals}

    @classmethod
    @override
    def fields_from_json(cls, spec: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "levels": levels(spec["levels"]),
            "flag_of": optional(str, spec["flag_of"]),
            "capitals": str(spec.get("capitals", "")),
        }


def _capitals(text: Any) -> str:
    """The capitals of most cells of a polars series of text that holds false and true."""
    if not len(text := text.alias("").drop_nulls()):
        return ""
    counts = {
        name: int(text.is_in([style("true"), style("false")]).sum())
        for name, style in CAPITALS.items()
    }
    return max(counts, key=counts.__getitem__)
