"""Integer columns: the code is the integer, or its multiple of a common step; every integer has a mass."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from chainrule.errors import SchemaError, whole_number
from chainrule.table.cells import Where, as_numbers, exact_numbers, numbers_if_any, shown
from chainrule.table.columns import fields
from chainrule.table.columns.base import Cells
from chainrule.table.columns.grid import atoms_of, exact, scaled
from chainrule.table.columns.numbers import FARTHEST, AbstractNumbers, whole_as_written, whole_type
from chainrule.table.exact import (
    LARGEST_EXACT,
    counted,
    differences,
    integers_of,
    is_large,
    on_line,
    type_range,
    within,
)
from chainrule.table.telling import rounded_divisor, shared_divisor

TELLING = 20  # different values before a common divisor is taken for the step of the column


@dataclass(frozen=True, kw_only=True)
class Integer(AbstractNumbers):
    """Whole numbers.

    Attributes:
        step: distance of the grid.
        atoms: values that occur by themselves.
        least, most: declared bounds, which take the tails; codes are the integers themselves then.
    """

    kind: ClassVar[str] = "integer"
    options: ClassVar[tuple[str, ...]] = ("least", "most")

    step: float
    atoms: tuple[float, ...] = ()
    least: int | None = None
    most: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_whole_steps()
        self.require_atoms(self.atoms)

    @classmethod
    def takes(cls, numbers: np.ndarray) -> bool:
        """Whether all known numbers are integers that float64 can tell apart."""
        return bool(takes_each(numbers).all()) and not is_large(numbers)

    @classmethod
    def infer(
        cls,
        name: str,
        numbers: np.ndarray,
        dtype: str,
        reason: str,
        *,
        min_count: int,
        least: int | None = None,
        most: int | None = None,
    ) -> Self:
        """The column that numbers make.

        Args:
            name: what it is called.
            numbers: its cells (N,), NaN where unknown, or its known integers, int64 or objects of
                any size.
            dtype: the type it has in its table.
            reason: why it is taken to be of this kind.
            min_count: how many rows a value must have to be an atom, and a number of the column to
                be made of them.
            least, most: declared bounds.

        Raises:
            SchemaError: a number that is no integer, or integers that lie too far apart for float64.
        """
        known = numbers if numbers.dtype.kind != "f" else _known_integers(name, numbers)
        bounded = least is not None or most is not None
        step = 1 if bounded else _step(known, min_count)
        if not resolves(known, step, min_count=min_count):
            raise SchemaError(
                f"column {name!r}: integers from {known.min()} to {known.max()} are more than float64 "
                f"can tell apart; pass kinds={{{name!r}: 'real'}} for numbers to 15 digits, "
                f"'categorical' for labels, or 'leave out'"
            )
        atoms = atoms_of(known, on_grid=True, min_count=min_count)
        is_atom = np.isin(known, np.array(atoms, dtype=known.dtype)) if atoms else np.zeros(len(known), dtype=bool)
        scale = scaled(name, known // step, is_atom, min_count=min_count, is_free=not bounded, least=min_count)
        return cls(
            name=name,
            dtype=dtype,
            reason=reason,
            step=exact(step),
            decimals=0,
            origin=exact(scale.pop("first") * step),
            atoms=atoms,
            least=least,
            most=most,
            rows=len(known),
            **scale,
        )

    @classmethod
    def checked_options(cls, options: Mapping[str, Any], said: str) -> dict[str, Any]:
        """Bounds that are whole numbers."""
        found = super().checked_options(options, said)
        for bound in cls.options:
            if found.get(bound) is not None:
                found[bound] = whole_number(found[bound], f"{said} {bound}", least=-(2**128))
        return found

    @classmethod
    def as_told(cls, cells: Cells, reason: str) -> Self:
        """The column of these integers, within the bounds that the user said."""
        name, values, where = cells.name, cells.values, cells.where
        numbers = as_numbers(name, values, where)
        large = integers_of(values[~np.isnan(numbers)]) if is_large(numbers) else None
        wrong = np.flatnonzero(~takes_each(numbers))
        if len(wrong):
            row = int(wrong[0])
            raise SchemaError(
                f"column {name!r}: value {numbers[row]:g} at {where(row)} is not an integer; pass kinds={{{name!r}: 'real'}}"
            )
        column = cls.infer(
            name,
            numbers if large is None else large,
            cells.dtype,
            reason,
            min_count=cells.min_count,
            least=cells.options.get("least"),
            most=cells.options.get("most"),
        )
        column.encode(values, where)  # refuses what lies beyond the declared bounds
        return column

    @property
    def bound_codes(self) -> tuple[float | None, float | None]:
        """The codes of the declared bounds."""
        origin, step = int(self.origin), int(self.step)
        least = None if self.least is None else -((origin - self.least) // step)
        most = None if self.most is None else (self.most - origin) // step
        return _within_float64(least), _within_float64(most)

    def encode(self, values: np.ndarray, where: Where, *, strict: bool = True) -> np.ndarray:
        """Codes (N,) of integers."""
        numbers = as_numbers(self.name, values, where) if strict else numbers_if_any(values)
        outside = np.zeros(len(numbers), dtype=bool)
        for wrong, rule in self._refused(numbers, values):
            outside |= wrong
            if strict and wrong.any():
                row = int(np.flatnonzero(wrong)[0])
                raise SchemaError(
                    f"column {self.name!r}: value {shown(values, row)} at {where(row)} "
                    f"{rule}: correct it, or leave the cell empty"
                )
        codes, between = counted(values, np.where(outside, np.nan, numbers), self.origin, self.step)
        self.warn_of_rounding(between, values, where)
        return np.where(outside, np.inf, codes)

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Values (N,): int64 where these are enough, or floats where the column's own dtype is of them."""
        if self.dtype.lower().startswith(("float", "double")):
            return self.from_grid(codes)
        return within(on_line(self.origin, self.step, codes), self.dtype)

    def atom_codes(self) -> tuple[float, ...]:
        """The codes of the atoms."""
        values = np.array(self.atoms, dtype=object)
        steps = differences(values, values.astype(np.float64), self.origin) / float(self.step)
        return tuple(np.round(steps).tolist())

    def given_back(self, codes: np.ndarray, cells: np.ndarray, where: Where) -> tuple[np.ndarray, np.ndarray] | None:
        """Integers that float64 does not hold, or that are counted from one such."""
        numbers = exact_numbers(self.name, cells, where)
        if numbers.dtype.kind != "O" and isinstance(self.origin, float):
            return None
        return np.ones(len(codes), dtype=bool), numbers

    @property
    def held(self) -> str:
        """Whole numbers, within declared bounds."""
        least = [] if self.least is None else [f"from {self.least} on"]
        most = [] if self.most is None else [f"up to {self.most}"]
        return " ".join(["whole numbers", *least, *most])

    def nearest(self, numbers: np.ndarray) -> np.ndarray:
        """The nearest integers (n,) within declared bounds."""
        least = -np.inf if self.least is None else self.least
        most = np.inf if self.most is None else self.most
        return np.clip(np.round(numbers), least, most)

    def as_written(self, values: np.ndarray, like: str) -> np.ndarray:
        """Integers as text, with a decimal where a known cell has one."""
        return whole_as_written(values, like)

    def polars_type(self) -> Any:
        """The type of integers that the column had, or floats."""
        return whole_type(self.dtype)

    def fields_to_json(self) -> dict[str, Any]:
        """The grid, the scale, the atoms and the bounds."""
        return {**self.scale_to_json(), "atoms": list(self.atoms), "least": self.least, "most": self.most}

    @classmethod
    def fields_from_json(cls, spec: Mapping[str, Any]) -> dict[str, Any]:
        """The grid, the scale, the atoms and the bounds."""
        return {
            **cls.scale_from_json(spec),
            "step": fields.number(spec["step"]),
            "atoms": fields.numbers(spec["atoms"]),
            "least": fields.optional(fields.whole, spec["least"]),
            "most": fields.optional(fields.whole, spec["most"]),
        }

    def _refused(self, numbers: np.ndarray, values: np.ndarray) -> Iterator[tuple[np.ndarray, str]]:
        """Which cells (N,) the column cannot hold, and why."""
        yield ~takes_each(numbers), "is not an integer, as all were when the model was fitted"
        if self.least is not None:
            yield differences(values, numbers, self.least) < 0, f"is below the declared bound {self.least}"
        if self.most is not None:
            yield differences(values, numbers, self.most) > 0, f"is above the declared bound {self.most}"
        with np.errstate(over="ignore"):
            far = np.abs(numbers / self.deviation) > FARTHEST
        yield far, "is too far from all others to have a likelihood"


def bounds_of(dtype: str) -> tuple[int | None, int | None]:
    """The bounds that a type of integers declares: those of 8 and 16 bits, and zero for types without sign."""
    bounds = type_range(dtype)
    if bounds is None:
        return None, None
    few = bounds[1] - bounds[0] < 2**16
    return (bounds[0] if few or bounds[0] == 0 else None), (bounds[1] if few else None)


def resolves(known: np.ndarray, step: int | None = None, *, min_count: int) -> bool:
    """Whether float64 can tell known integers apart, when they are counted from one among them in steps."""
    if not len(known) or max(abs(int(known.min())), abs(int(known.max()))) < LARGEST_EXACT:
        return True
    step = _step(known, min_count) if step is None else step
    return len(known) >= min_count and (int(known.max()) - int(known.min())) // step < LARGEST_EXACT // 2


def takes_each(numbers: np.ndarray) -> np.ndarray:
    """Which of the numbers (N,) are integers, or unknown."""
    return np.isnan(numbers) | ((numbers == np.round(numbers)) & np.isfinite(numbers))


def _known_integers(name: str, numbers: np.ndarray) -> np.ndarray:
    """The known numbers as int64.

    Raises:
        SchemaError: one is no integer, or too large to be exact.
    """
    wrong = np.flatnonzero(~takes_each(numbers))
    if len(wrong):
        raise SchemaError(f"column {name!r}: value {numbers[wrong[0]]:g} at row {wrong[0]} is not an integer")
    if is_large(numbers):
        raise SchemaError(
            f"column {name!r}: floats up to {np.nanmax(np.abs(numbers)):g} hold no exact integers from 2^53 on; pass "
            f"kinds={{{name!r}: 'real'}}, or make integers of them"
        )
    return numbers[~np.isnan(numbers)].astype(np.int64)


def _within_float64(code: int | None) -> float | None:
    """A code; beyond float64's integers the nearest of its numbers."""
    return code if code is None or abs(code) < LARGEST_EXACT else float(code)


def _step(known: np.ndarray, min_count: int) -> int:
    """The step of the column: that all integers are multiples of, where many values show it, or where they are too large else."""
    values, counts = np.unique(known, return_counts=True)
    large = len(known) > 0 and max(abs(int(values[0])), abs(int(values[-1]))) >= LARGEST_EXACT
    if len(values) < (2 if large else TELLING):
        return 1
    divisor, is_shared = shared_divisor(values, counts, min_count=min_count)
    return divisor if is_shared else rounded_divisor(divisor, max(abs(int(values[0])), abs(int(values[-1]))))
