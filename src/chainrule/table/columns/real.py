"""Real columns: continuous numbers with a density, or numbers on a grid with masses."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
from typing_extensions import override

from chainrule.errors import SchemaError
from chainrule.table.columns import fields
from chainrule.table.columns.base import Cells, Measure
from chainrule.table.columns.grid import (
    MOST_STEPS,
    MOSTLY_ATOMS,
    atoms_of,
    grid_of_most,
    knots_of,
    others_of,
    range_of,
    scale_of,
    scaled,
)
from chainrule.table.columns.numbers import FARTHEST, AbstractNumbers, whole_as_written, whole_type
from chainrule.table.values.cells import Where, as_numbers, exact_numbers, numbers_if_any, shown
from chainrule.table.values.exact_integers import (
    differences,
    integers_of,
    is_large,
    on_line,
    within,
)

ROUNDING = 2.0**-50  # relative error of the number of steps from zero
OFF_GRID = 1e-6  # steps; a larger distance from the grid is no rounding error


@dataclass(frozen=True, kw_only=True)
class Real(AbstractNumbers):
    """Numbers, continuous or on a grid.

    Attributes:
        step: distance of neighbouring grid points; None if the numbers are continuous.
        atoms: values with a probability of their own, in the table's units.
    """

    kind: ClassVar[str] = "real"

    step: float | None = None
    atoms: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_atoms(self.atoms)

    @classmethod
    def infer(
        cls, name: str, numbers: np.ndarray, dtype: str, reason: str, *, min_count: int
    ) -> Self:
        """Makes the column of these numbers: on a grid if all but one in a thousand are.

        Args:
            name: the column's name.
            numbers: its cells (N,), NaN if unknown; or known integers of any size, int64 or
                objects, which are then continuous.
            dtype: its type in the table.
            reason: why this kind was chosen.
            min_count: number of rows that make an atom or a stored number.
        """
        if numbers.dtype.kind in "iO":
            return cls._continuous(name, numbers, dtype, reason, min_count)
        known = numbers[~np.isnan(numbers)]
        found = grid_of_most(known, min_count=min_count)
        if found is not None and len(known):
            step, decimals, odd = found
            if 0 < (known.max() - known.min()) / step < MOST_STEPS:
                off = np.isin(known, odd)
                but = f" but for {np.count_nonzero(off)}" if len(odd) else ""
                nearest = np.round(np.round(known / step) * step, decimals)
                column = cls(
                    name=name,
                    dtype=dtype,
                    reason=f"{reason}, multiples of {step:g}{but}",
                    step=step,
                    decimals=decimals,
                    rows=len(known),
                )
                return column._scaled(np.where(off, nearest, known), min_count)
        return cls._continuous(name, known, dtype, reason, min_count)

    @classmethod
    @override
    def as_requested(cls, cells: Cells, reason: str) -> Self:
        numbers = as_numbers(cells.name, cells.values, cells.where)
        large = integers_of(cells.values[~np.isnan(numbers)]) if is_large(numbers) else None
        known = numbers if large is None else large
        return cls.infer(cells.name, known, cells.dtype, reason, min_count=cells.min_count)

    @classmethod
    def _continuous(
        cls, name: str, known: np.ndarray, dtype: str, reason: str, min_count: int
    ) -> Self:
        """Makes the column of known numbers on no grid; integers are decoded as integers."""
        whole = known.dtype.kind in "iO"
        atoms = atoms_of(known, on_grid=False, min_count=min_count)
        is_atom = (
            np.isin(known, np.array(atoms, dtype=known.dtype))
            if atoms
            else np.zeros(len(known), dtype=bool)
        )
        # Whole numbers count from one of them: float64 then holds the differences.
        first = int(known[0]) if whole and len(known) else 0
        since = differences(known, known.astype(np.float64), first) if whole else known
        enough = max(min_count, math.floor(MOSTLY_ATOMS * len(known)) + 1)
        center, spread = scale_of(
            name, others_of(since, is_atom, least=enough), min_count=min_count, first=first
        )
        column = cls(
            name=name,
            dtype=dtype,
            reason=reason,
            decimals=0 if whole else None,
            center=center,
            spread=spread,
            atoms=atoms,
            rows=len(known),
        )
        _, apart = np.unique(np.array(column.atom_codes()).astype(np.float32), return_index=True)
        # Networks compute in float32, so atoms must differ there.
        atoms = tuple(atoms[k] for k in sorted(apart.tolist()))
        codes = column._standard(known, known.astype(np.float64))
        low, high = range_of(codes, 0.0, 1.0, min_count=min_count)
        return replace(
            column, atoms=atoms, low=low, high=high, knots=knots_of(codes, window=min_count)
        )

    def _scaled(self, known: np.ndarray, min_count: int) -> Self:
        """Adds the atoms and the scale of known numbers (n,) to a column on a grid."""
        step = self.step or 1.0
        atoms = atoms_of(known, on_grid=True, min_count=min_count)
        steps, is_atom = np.round(known / step).astype(np.int64), np.isin(known, atoms)
        scale = scaled(self.name, steps, is_atom, min_count=min_count, least=min_count)
        return replace(self, atoms=atoms, origin=float(scale.pop("first") * step), **scale)

    @override
    def encode(self, values: np.ndarray, where: Where, *, strict: bool = True) -> np.ndarray:
        """Numbers between grid points are rounded, with a warning.

        Numbers that are infinite, or too far out to have a likelihood, count as outside.
        """
        numbers = as_numbers(self.name, values, where) if strict else numbers_if_any(values)
        with np.errstate(over="ignore"):
            outside = np.abs(numbers / self.deviation) > FARTHEST
        if strict and outside.any():
            row = int(np.flatnonzero(outside)[0])
            raise SchemaError(
                f"column {self.name!r}: value {shown(values, row)} at {where(row)} is too far from "
                "all others to have a likelihood: correct it, or leave the cell empty"
            )
        numbers = np.where(outside, np.nan, numbers)
        if self.step is None:
            codes = self._standard(values, numbers)
        else:
            steps = (numbers - self.origin) / self.step
            codes = np.round(steps)
            near = OFF_GRID + ROUNDING * np.abs(numbers / self.step)
            self.warn_of_rounding(np.abs(steps - codes) > near, values, where)
        return np.where(outside, np.inf, codes)

    @override
    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Float64; float32 if the column was; integers of its own type if all were whole."""
        if not self.is_continuous:
            values = self.from_grid(codes)
        elif self.decimals == 0:
            return self._whole(codes)
        else:
            values = codes * self.spread + self.center
            for value, code in zip(self.atoms, self.atom_codes(), strict=True):
                values = np.where(codes == code, value, values)
        return values.astype(np.float32) if self.dtype.lower() in ("float32", "float") else values

    @override
    def atom_codes(self) -> tuple[float, ...]:
        if self.step is not None:
            return tuple(np.round((np.array(self.atoms) - self.origin) / self.step).tolist())
        values = np.array(self.atoms, dtype=object)
        return tuple(self._standard(values, values.astype(np.float64)).tolist())

    @override
    def is_mass(self, codes: np.ndarray) -> np.ndarray:
        return np.full(len(codes), not self.is_continuous) | np.isin(codes, self.atom_codes())

    @override
    def log_scale(self, codes: np.ndarray) -> np.ndarray:
        """−log spread if the code has a density, else 0."""
        return np.where(self.is_mass(codes), 0.0, -math.log(self.spread))

    @property
    @override
    def measure(self) -> Measure:
        return Measure(self.step, self.origin, frozenset(self.atoms))

    @override
    def restored_cells(
        self, codes: np.ndarray, cells: np.ndarray, where: Where
    ) -> tuple[np.ndarray, np.ndarray]:
        """All numbers: codes represent them up to rounding."""
        return np.ones(len(codes), dtype=bool), exact_numbers(self.name, cells, where)

    @override
    def as_written(self, values: np.ndarray, like: str) -> np.ndarray:
        """Integers have a decimal if a known cell has one."""
        return (
            whole_as_written(values, like)
            if values.dtype.kind in "iuO"
            else super().as_written(values, like)
        )

    @override
    def polars_type(self) -> Any:
        """Floats, or the integer type of a column of whole numbers."""
        import polars as pl

        return whole_type(self.dtype) if self.decimals == 0 else pl.Float64

    @override
    def fields_to_json(self) -> dict[str, Any]:
        return {**self.scale_to_json(), "atoms": list(self.atoms)}

    @classmethod
    @override
    def fields_from_json(cls, spec: Mapping[str, Any]) -> dict[str, Any]:
        return {
            **cls.scale_from_json(spec),
            "step": fields.optional(fields.number, spec["step"]),
            "atoms": fields.numbers(spec["atoms"]),
        }

    def _standard(self, values: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """(value − center) / spread, (N,) float64."""
        return differences(values, numbers, self.center) / self.spread

    def _whole(self, codes: np.ndarray) -> np.ndarray:
        """Integers (N,) of standardised codes; atoms are restored exactly."""
        rest = float(self.center - int(self.center))
        values = on_line(int(self.center), 1, codes * self.spread + rest)
        for value, code in zip(self.atoms, self.atom_codes(), strict=True):
            if (codes == code).any():
                values = values if values.dtype.kind == "O" else values.astype(object)
                values[codes == code] = int(value)
        return within(values, self.dtype)
