"""Integer columns: codes count the steps of a grid of integers. Every integer has a mass."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
from typing_extensions import override

from chainrule.errors import SchemaError, whole_number
from chainrule.table.columns import fields
from chainrule.table.columns.affine_grid import ENOUGH_VALUES, shifted_divisor
from chainrule.table.columns.base import Cells
from chainrule.table.columns.disclosure import (
    rounded_divisor,
    shared_divisor,
)
from chainrule.table.columns.evident_bounds import between
from chainrule.table.columns.grid import atoms_of, exact, with_listed_values
from chainrule.table.columns.grid_scale import scale_on_grid, shown_bounds
from chainrule.table.columns.numbers import (
    FARTHEST,
    AbstractNumbers,
    Steps,
    whole_as_written,
    whole_type,
)
from chainrule.table.columns.scale_choice import WORDS, check_scale_option
from chainrule.table.text.times import AbstractTimes
from chainrule.table.values.cells import Where, as_numbers, exact_numbers, numbers_if_any, shown
from chainrule.table.values.exact_integers import (
    LARGEST_EXACT,
    counted,
    differences,
    integers_of,
    is_large,
    on_line,
    type_range,
    within,
)


@dataclass(frozen=True, kw_only=True)
class Integer(AbstractNumbers):
    """Whole numbers.

    Attributes:
        step: distance of neighbouring grid points.
        atoms: values with a probability of their own.
        least, most: bounds of the values, declared, shown by the rows, or those of the type; None
            where there is none.
    """

    kind: ClassVar[str] = "integer"
    options: ClassVar[tuple[str, ...]] = ("scale", "least", "most")

    step: float
    atoms: tuple[float, ...] = ()
    least: int | None = None
    most: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_whole_steps()
        self.require_atoms(self.atoms)
        least, most = self.bound_codes
        if least is not None and most is not None and least > most:
            raise SchemaError(
                f"column {self.name!r}: none of its whole numbers lies from {self.least} to "
                f"{self.most}"
            )

    @classmethod
    def accepts(cls, numbers: np.ndarray) -> bool:
        """Whether all known numbers are integers that float64 represents exactly."""
        return bool(are_integers(numbers).all()) and not is_large(numbers)

    @classmethod
    def infer(
        cls,
        name: str,
        numbers: np.ndarray,
        dtype: str,
        reason: str,
        *,
        min_count: int,
        scale: str | None = None,
        least: int | None = None,
        most: int | None = None,
    ) -> Self:
        """Makes the column of these numbers, on the scale on which masses describe them best.

        Args:
            name: the column's name.
            numbers: its cells (N,), NaN if unknown; or its known integers, int64 or objects of any
                size.
            dtype: its type in the table.
            reason: why this kind was chosen.
            min_count: number of rows that make an atom or a stored number.
            scale: the user's choice, or None.
            least, most: bounds that the user declared. If there are none, the rows may show some,
                within those of the type.

        Raises:
            SchemaError: a number that is no integer, or integers too far apart for float64.
        """
        known = numbers if numbers.dtype.kind != "f" else _known_integers(name, numbers)
        step, phase = _step(known, min_count)
        if not resolves(known, step, min_count=min_count):
            raise SchemaError(
                f"column {name!r}: integers from {known.min()} to {known.max()} are more than "
                f"float64 can distinguish; pass kinds={{{name!r}: 'real'}} for numbers to 15 "
                "digits, 'categorical' for labels, or 'leave out'"
            )
        steps = (known - phase) // step
        bounds = _steps_of((least, most), phase, step)
        atoms = atoms_of(known, min_count=min_count, step=step)
        is_atom = _is_among(known, atoms)
        if least is None and most is None:
            bounds = shown_bounds(steps, is_atom, min_count=min_count, step=step, phase=phase)
        of_type = _steps_of(bounds_of(dtype), phase, step)
        bounds = _filled(_within(bounds, of_type), of_type)
        ends, found = scale_on_grid(
            name, steps, is_atom, bounds, min_count=min_count, requested=scale
        )
        column = cls(
            name=name,
            dtype=dtype,
            reason=reason,
            step=exact(step),
            decimals=0,
            origin=exact(phase + found.pop("first") * step),
            atoms=with_listed_values(atoms, known, min_count=min_count, step=step),
            least=None if ends[0] is None else phase + ends[0] * step,
            most=None if ends[1] is None else phase + ends[1] * step,
            rows=len(known),
            **found,
        )
        return column._with_bounds(least, most)

    def _with_bounds(self, least: int | None, most: int | None) -> Self:
        """The column with declared bounds. If there are none, the others stay, unless they are too
        far to change a distribution. Scale and bounds are said.
        """
        is_declared = least is not None or most is not None
        if not is_declared:
            ends = zip((self.least, self.most), self.are_bounds_far, strict=True)
            near = [None if far else end for end, far in ends]
            bounds = _filled((near[0], near[1]), bounds_of(self.dtype))
        else:
            bounds = _filled((least, most), (self.least, self.most))
        words = [] if self.warp is None else [WORDS[type(self.warp)]]
        if bounds != (None, None) and (is_declared or bounds != bounds_of(self.dtype)):
            words.append(between(*bounds))
        reason = ", ".join([self.reason, *words])
        return replace(self, least=bounds[0], most=bounds[1], reason=reason)

    @classmethod
    @override
    def checked_options(cls, options: Mapping[str, Any], label: str) -> dict[str, Any]:
        """The scale must be one of the known ones, and the bounds whole numbers, or written."""
        found = super().checked_options(options, label)
        check_scale_option(found, label)
        for bound in ("least", "most"):
            if found.get(bound) is not None and not fields.is_written(found[bound]):
                found[bound] = whole_number(found[bound], f"{label} {bound}", least=-(2**128))
        return found

    @classmethod
    @override
    def as_requested(cls, cells: Cells, reason: str) -> Self:
        """The column of these integers, within the user's bounds."""
        name, values, where = cells.name, cells.values, cells.where
        numbers = as_numbers(name, values, where)
        large = integers_of(values[~np.isnan(numbers)]) if is_large(numbers) else None
        wrong = np.flatnonzero(~are_integers(numbers))
        if len(wrong):
            row = int(wrong[0])
            raise SchemaError(
                f"column {name!r}: value {numbers[row]:g} at {where(row)} is not an integer; pass "
                f"kinds={{{name!r}: 'real'}}"
            )
        column = cls.infer(
            name,
            numbers if large is None else large,
            cells.dtype,
            reason,
            min_count=cells.min_count,
            scale=cells.options.get("scale"),
            least=cells.options.get("least"),
            most=cells.options.get("most"),
        )
        column = replace(column, notation=cells.notation)
        column.encode(values, where)  # refuses values beyond the declared bounds
        return column

    @property
    @override
    def bound_codes(self) -> tuple[float | None, float | None]:
        """The codes of the outermost grid points within the bounds."""
        least, most = _steps_of((self.least, self.most), int(self.origin), int(self.step))
        return _within_float64(least), _within_float64(most)

    @override
    def on_steps(self, values: np.ndarray, where: Where, *, strict: bool = True) -> Steps:
        numbers = as_numbers(self.name, values, where) if strict else numbers_if_any(values)
        outside = np.zeros(len(numbers), dtype=bool)
        for wrong, rule in self._refused(numbers, values):
            outside |= wrong
            if strict and wrong.any():
                row = int(np.flatnonzero(wrong)[0])
                raise SchemaError(
                    f"column {self.name!r}: value "
                    f"{self._as_time(numbers[row]) or shown(values, row)} at {where(row)} "
                    f"{rule}: correct it, or leave the cell empty"
                )
        numbers = np.where(outside, np.nan, numbers)
        codes, off = counted(values, numbers, self.origin, self.step)
        return Steps(codes, outside, off, off)

    @override
    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Int64 if it holds the values, larger integers otherwise.

        Floats if the column's dtype is float.
        """
        if self.dtype.lower().startswith(("float", "double")):
            return self.from_grid(codes)
        return within(on_line(self.origin, self.step, codes), self.dtype)

    @override
    def atom_codes(self) -> tuple[float, ...]:
        values = np.array(self.atoms, dtype=object)
        steps = differences(values, values.astype(np.float64), self.origin) / float(self.step)
        return tuple(np.round(steps).tolist())

    @override
    def restored_cells(
        self, codes: np.ndarray, cells: np.ndarray, where: Where
    ) -> tuple[np.ndarray, np.ndarray] | None:
        """All integers, if float64 cannot hold one of them or the origin."""
        numbers = exact_numbers(self.name, cells, where)
        if numbers.dtype.kind != "O" and isinstance(self.origin, float):
            return None
        return np.ones(len(codes), dtype=bool), numbers

    @property
    @override
    def domain_as_text(self) -> str:
        found = self.bounds_in_words("whole numbers", self.least, self.most)
        return found if self.step == 1 else f"{found}, {self._steps_as_text}"

    @property
    def _steps_as_text(self) -> str:
        phase = int(self.origin) % int(self.step)
        return f"in steps of {self.step_as_text}" + (f" from {phase}" if phase else "")

    @override
    def nearest(self, numbers: np.ndarray) -> np.ndarray:
        """The nearest integers (n,) within the bounds."""
        least = -np.inf if self.least is None else self.least
        most = np.inf if self.most is None else self.most
        return np.clip(np.round(numbers), least, most)

    @override
    def as_written(self, values: np.ndarray, like: str) -> np.ndarray:
        return whole_as_written(values, like)

    @override
    def polars_type(self) -> Any:
        return whole_type(self.dtype)

    @override
    def fields_to_json(self) -> dict[str, Any]:
        return {
            **self.scale_to_json(),
            "atoms": list(self.atoms),
            "least": self.least,
            "most": self.most,
        }

    @classmethod
    @override
    def fields_from_json(cls, spec: Mapping[str, Any]) -> dict[str, Any]:
        return {
            **cls.scale_from_json(spec),
            "step": fields.number(spec["step"]),
            "atoms": fields.numbers(spec["atoms"]),
            "least": fields.optional(fields.whole, spec["least"]),
            "most": fields.optional(fields.whole, spec["most"]),
        }

    @override
    def is_beyond_bounds(self, cells: np.ndarray) -> np.ndarray:
        numbers = numbers_if_any(cells)
        is_whole = are_integers(numbers) & np.isfinite(numbers)
        beyond = [wrong for wrong, _ in self._beyond_bounds(numbers, cells)]
        return is_whole & np.logical_or.reduce([np.zeros(len(cells), dtype=bool), *beyond])

    def _beyond_bounds(
        self, numbers: np.ndarray, values: np.ndarray
    ) -> Iterator[tuple[np.ndarray, str]]:
        """Marks cells (N,) below and above a bound, with the reason."""
        if self.least is not None:
            yield (
                differences(values, numbers, self.least) < 0,
                f"is below the bound {self._as_time(self.least) or self.least}",
            )
        if self.most is not None:
            yield (
                differences(values, numbers, self.most) > 0,
                f"is above the bound {self._as_time(self.most) or self.most}",
            )

    def _as_time(self, value: float) -> str:
        """A value as a column of times writes it; "" in other columns, and for unknown values."""
        if not isinstance(self.notation, AbstractTimes) or not np.isfinite(value):
            return ""
        return self.notation.text_of(value)

    def _refused(self, numbers: np.ndarray, values: np.ndarray) -> Iterator[tuple[np.ndarray, str]]:
        """Marks cells (N,) that the column cannot hold, with the reason."""
        yield ~are_integers(numbers), "is not an integer, as all were when the model was fitted"
        yield from self._beyond_bounds(numbers, values)
        with np.errstate(over="ignore"):
            far = np.abs(numbers / self.deviation) > FARTHEST
        yield far, "is too far from all others to have a likelihood"


def bounds_of(dtype: str) -> tuple[int | None, int | None]:
    """The bounds that an integer type declares, or None.

    Types of 8 and 16 bits declare both bounds, and unsigned types declare zero.
    """
    bounds = type_range(dtype)
    if bounds is None:
        return None, None
    few = bounds[1] - bounds[0] < 2**16
    return (bounds[0] if few or bounds[0] == 0 else None), (bounds[1] if few else None)


def resolves(known: np.ndarray, step: int | None = None, *, min_count: int) -> bool:
    """Whether float64 can represent known integers as multiples of a step from one of them."""
    if not len(known) or max(abs(int(known.min())), abs(int(known.max()))) < LARGEST_EXACT:
        return True
    step = _step(known, min_count)[0] if step is None else step
    return (
        len(known) >= min_count
        and (int(known.max()) - int(known.min())) // step < LARGEST_EXACT // 2
    )


def are_integers(numbers: np.ndarray) -> np.ndarray:
    """Marks the numbers (N,) that are integers or unknown."""
    return np.isnan(numbers) | ((numbers == np.round(numbers)) & np.isfinite(numbers))


def _known_integers(name: str, numbers: np.ndarray) -> np.ndarray:
    """The known numbers as int64.

    Raises:
        SchemaError: a number that is no integer, or too large to be exact.
    """
    wrong = np.flatnonzero(~are_integers(numbers))
    if len(wrong):
        raise SchemaError(
            f"column {name!r}: value {numbers[wrong[0]]:g} at row {wrong[0]} is not an integer"
        )
    if is_large(numbers):
        raise SchemaError(
            f"column {name!r}: floats up to {np.nanmax(np.abs(numbers)):g} hold no exact integers "
            f"from 2^53 on; pass kinds={{{name!r}: 'real'}}, or make integers of them"
        )
    return numbers[~np.isnan(numbers)].astype(np.int64)


def _within_float64(code: int | None) -> float | None:
    """A code, rounded to float64 if it is beyond float64's exact integers."""
    return code if code is None or abs(code) < LARGEST_EXACT else float(code)


def _is_among(known: np.ndarray, atoms: tuple[float, ...]) -> np.ndarray:
    """Marks the known integers (n,) that are atoms."""
    if not atoms:
        return np.zeros(len(known), dtype=bool)
    return np.isin(known, np.array(atoms, dtype=known.dtype))


def _filled(
    bounds: tuple[int | None, int | None], others: tuple[int | None, int | None]
) -> tuple[int | None, int | None]:
    """Bounds, with others where there is none."""
    least, most = (other if end is None else end for end, other in zip(bounds, others, strict=True))
    return least, most


def _within(
    bounds: tuple[int | None, int | None], outer: tuple[int | None, int | None]
) -> tuple[int | None, int | None]:
    """Bounds moved to outer ones, where both are there."""
    least, most = (
        end if end is None or other is None else choose(end, other)
        for end, other, choose in zip(bounds, outer, (max, min), strict=True)
    )
    return least, most


def _steps_of(
    bounds: tuple[int | None, int | None], origin: int, step: int
) -> tuple[int | None, int | None]:
    """The outermost steps from the origin that lie within the bounds."""
    least, most = bounds
    first = None if least is None else -((origin - least) // step)
    return first, None if most is None else (most - origin) // step


def _step(known: np.ndarray, min_count: int) -> tuple[int, int]:
    """The greatest common divisor of the integers' differences, and what it leaves of each.

    If too few rows show it, it is that of the integers, which leaves nothing; and 1 if too few
    values show that. Integers too large for float64 need only two values.
    """
    values, counts = np.unique(known, return_counts=True)
    large = len(known) > 0 and max(abs(int(values[0])), abs(int(values[-1]))) >= LARGEST_EXACT
    if len(values) < (2 if large else ENOUGH_VALUES):
        return 1, 0
    step, phase = shifted_divisor(values, counts, min_count=min_count)
    if step > 1:
        return step, phase
    divisor, is_shared = shared_divisor(values, counts, min_count=min_count)
    if is_shared:
        return divisor, 0
    return rounded_divisor(divisor, max(abs(int(values[0])), abs(int(values[-1])))), 0
