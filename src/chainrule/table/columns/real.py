"""Real columns: continuous numbers with a density, or numbers on a grid with masses."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
from typing_extensions import override

from chainrule.errors import SchemaError
from chainrule.table.columns import fields
from chainrule.table.columns.affine_grid import OFF_GRID, grid_with_phase, is_single, off_grid
from chainrule.table.columns.base import Cells, Measure
from chainrule.table.columns.decimals import ROUNDING, decimals_of, rounded_within
from chainrule.table.columns.evident_bounds import evident_bounds, has_heavy_end
from chainrule.table.columns.grid import (
    MOSTLY_ATOMS,
    atoms_of,
    knots_of,
    others_of,
    range_of,
    scale_of,
    with_listed_values,
)
from chainrule.table.columns.grid_scale import scale_on_grid, shown_bounds
from chainrule.table.columns.numbers import (
    BINS,
    FARTHEST,
    AbstractNumbers,
    Steps,
    whole_as_written,
    whole_type,
)
from chainrule.table.columns.scale_choice import (
    LINEAR,
    WORDS,
    check_scale_option,
    chosen_warp,
    requested_warp,
)
from chainrule.table.values.cells import Where, as_numbers, exact_numbers, numbers_if_any, shown
from chainrule.table.values.exact_integers import (
    differences,
    integers_of,
    is_large,
    on_line,
    within,
)

WIDEN = 2.0**16  # factor of the distance from an end, until g is finite there
BESIDE = 1e-9  # width of the bin of an atom, in codes


@dataclass(frozen=True, kw_only=True)
class Real(AbstractNumbers):
    """Numbers, continuous or on a grid.

    Attributes:
        step: distance of neighbouring grid points; None if the numbers are continuous.
        atoms: values with a probability of their own, in the table's units.
        least, most: bounds of the values, declared or shown by the rows; None where there is none.
    """

    kind: ClassVar[str] = "real"
    options: ClassVar[tuple[str, ...]] = ("scale", "least", "most")

    step: float | None = None
    atoms: tuple[float, ...] = ()
    least: float | None = None
    most: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_atoms(self.atoms)
        least, most = self._bounds
        if math.isnan(least) or math.isnan(most) or least >= most:
            raise SchemaError(f"column {self.name!r}: no numbers lie from {least:g} to {most:g}")

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
        least: float | None = None,
        most: float | None = None,
    ) -> Self:
        """Makes the column of these numbers: on a grid if all but one in a thousand are.

        Continuous numbers get the scale on which a mixture describes them best.

        Args:
            name: the column's name.
            numbers: its cells (N,), NaN if unknown; or known integers of any size, int64 or
                objects, which are then continuous.
            dtype: its type in the table.
            reason: why this kind was chosen.
            min_count: number of rows that make an atom or a stored number.
            scale: the user's choice. Numbers on a grid are continuous on any but a linear one.
            least, most: bounds that the user declared. If there are none, the rows may show some.
        """
        if numbers.dtype.kind in "iO":
            return cls._whole_numbers(name, numbers, dtype, reason, min_count)
        known = numbers[~np.isnan(numbers)]
        if (found := grid_with_phase(known, dtype, min_count=min_count)) is not None:
            off = np.isin(known, found.odd)
            but = f" but for {np.count_nonzero(off)}" if len(found.odd) else ""
            column = cls(
                name=name,
                dtype=dtype,
                reason=f"{reason}, {found}{but}",
                step=found.step,
                decimals=found.decimals,
                least=least,
                most=most,
                rows=len(known),
            )
            return column._on_grid(known, found.phase, min_count, scale)
        bounds = least, most
        return cls._continuous(name, known, dtype, reason, min_count, scale, bounds)

    @classmethod
    @override
    def checked_options(cls, options: Mapping[str, Any], label: str) -> dict[str, Any]:
        """The scale must be one of the known ones, and the bounds finite numbers, or written."""
        found = super().checked_options(options, label)
        check_scale_option(found, label)
        for bound in ("least", "most"):
            value = found.get(bound)
            if value is None or fields.is_written(value):
                continue
            if isinstance(value, bool) or not isinstance(value, int | float | np.number):
                raise SchemaError(f"{label} {bound} = {value!r}: pass a number")
            if not fields.is_finite(float(value)):
                raise SchemaError(f"{label} {bound} = {value!r}: pass a finite number")
            found[bound] = float(value)
        return found

    @classmethod
    @override
    def as_requested(cls, cells: Cells, reason: str) -> Self:
        numbers = as_numbers(cells.name, cells.values, cells.where)
        large = integers_of(cells.values[~np.isnan(numbers)]) if is_large(numbers) else None
        known = numbers if large is None else large
        scale = cells.options.get("scale")
        if large is not None and scale not in (None, LINEAR):
            raise SchemaError(
                f"column {cells.name!r}: integers from 2^53 on have a linear scale; divide them, "
                "or leave the scale out"
            )
        column = cls.infer(
            cells.name,
            known,
            cells.dtype,
            reason,
            min_count=cells.min_count,
            scale=scale,
            least=cells.options.get("least"),
            most=cells.options.get("most"),
        )
        column.encode(cells.values, cells.where)  # refuses values beyond the declared bounds
        return column

    @classmethod
    def _continuous(
        cls,
        name: str,
        known: np.ndarray,
        dtype: str,
        reason: str,
        min_count: int,
        requested: str | None,
        bounds: tuple[float | None, float | None],
    ) -> Self:
        """Makes the column of known numbers (n,) on no grid."""
        decimals = decimals_of(known, min_count=min_count)
        step = 0.0 if decimals is None else 10.0**-decimals
        atoms = atoms_of(known, min_count=min_count, step=step)
        is_atom = np.isin(known, np.array(atoms))
        enough = max(min_count, math.floor(MOSTLY_ATOMS * len(known)) + 1)
        others = others_of(known, is_atom, least=enough)
        least, most = bounds
        mostly_atoms = is_atom.any() and len(others) == len(known)
        if least is None and most is None and not mostly_atoms:
            least, most = evident_bounds(others, min_count=min_count)
            least = None if least is None else min(least, float(known.min()))  # those of atoms
            most = None if most is None else max(most, float(known.max()))
            if has_heavy_end(-known, -np.array(atoms), min_count=min_count):
                least = float(known.min())
            if has_heavy_end(known, np.array(atoms), min_count=min_count):
                most = float(known.max())
        if requested is not None:
            warp = requested_warp(name, requested, others, *bounds, min_count=min_count)
        elif mostly_atoms:
            warp = None
        else:
            warp = chosen_warp(others, least, most, min_count=min_count)
        center, spread = scale_of(
            name, others if warp is None else warp.forward(others), min_count=min_count
        )
        column = cls(
            name=name,
            dtype=dtype,
            reason=reason,
            decimals=decimals_of(others, min_count=min_count, noise=ROUNDING),
            center=center,
            spread=spread,
            atoms=atoms,
            warp=warp,
            least=least,
            most=most,
            rows=len(known),
        )
        column = column._said(bounds != (None, None))
        codes = column._standard(known, known)
        return column._with_range(codes[np.isfinite(codes)], min_count)

    @classmethod
    def _whole_numbers(
        cls, name: str, known: np.ndarray, dtype: str, reason: str, min_count: int
    ) -> Self:
        """Makes the column of known integers of any size, which are decoded as integers."""
        atoms = atoms_of(known, min_count=min_count)
        is_atom = (
            np.isin(known, np.array(atoms, dtype=known.dtype))
            if atoms
            else np.zeros(len(known), dtype=bool)
        )
        # They count from one of them: float64 then holds the differences.
        first = int(known[0]) if len(known) else 0
        since = differences(known, known.astype(np.float64), first)
        enough = max(min_count, math.floor(MOSTLY_ATOMS * len(known)) + 1)
        center, spread = scale_of(
            name, others_of(since, is_atom, least=enough), min_count=min_count, first=first
        )
        column = cls(
            name=name,
            dtype=dtype,
            reason=reason,
            decimals=0,
            center=center,
            spread=spread,
            atoms=atoms,
            rows=len(known),
        )
        return column._with_range(column._standard(known, known.astype(np.float64)), min_count)

    def _with_range(self, codes: np.ndarray, min_count: int) -> Self:
        """Adds range and knots of known codes (n,) to a column; atoms that float32 merges go."""
        low, high = range_of(codes, 0.0, 1.0, min_count=min_count)
        column = replace(self, low=low, high=high, knots=knots_of(codes, window=min_count))
        _, apart = np.unique(np.array(column.atom_codes()).astype(np.float32), return_index=True)
        # Networks compute in float32, so atoms must differ there.
        return replace(column, atoms=tuple(self.atoms[k] for k in sorted(apart.tolist())))

    def _without_far_bounds(self) -> Self:
        """Drops bounds too far from the center to change a distribution."""
        ends = zip((self.least, self.most), self.are_bounds_far, strict=True)
        least, most = (None if far else end for end, far in ends)
        return replace(self, least=least, most=most)

    @property
    @override
    def bound_codes(self) -> tuple[float | None, float | None]:
        """The codes of the bounds; None where there is none within the scale."""
        found: list[float | None] = []
        for bound, outermost in ((self.least, math.ceil), (self.most, math.floor)):
            if bound is None:
                found.append(None)
            elif self.step is not None:
                steps = (bound - self.origin) / self.step
                near = round(steps)
                close = abs(steps - near) <= OFF_GRID
                found.append(float(near if close else outermost(steps)))
            else:
                code = float(self._standard(np.array([bound]), np.array([bound]))[0])
                found.append(code if math.isfinite(code) else None)
        return found[0], found[1]

    @property
    def _bounds(self) -> tuple[float, float]:
        """The bounds of the values; infinite where there is none."""
        least = -math.inf if self.least is None else self.least
        return least, math.inf if self.most is None else self.most

    def _on_grid(
        self, known: np.ndarray, phase: float, min_count: int, requested: str | None
    ) -> Self:
        """Adds origin, atoms, bounds and the scale of known numbers (n,).

        They are rounded to phase + k · step.
        """
        step = self.step or 1.0
        steps = np.round((known - phase) / step).astype(np.int64)
        of_atoms = atoms_of(steps, min_count=min_count)
        at_phase = replace(self, origin=phase)
        listed = with_listed_values(of_atoms, steps, min_count=min_count)
        atoms = at_phase.from_grid(np.array(listed))
        is_atom = np.isin(steps, np.array(of_atoms, dtype=np.int64))
        is_declared = (self.least, self.most) != (None, None)
        bounds = at_phase.bound_codes
        if not is_declared:
            bounds = shown_bounds(steps, is_atom, min_count=min_count, step=step, phase=phase)
        ends, found = scale_on_grid(
            self.name, steps, is_atom, bounds, min_count=min_count, requested=requested
        )
        least, most = (
            bound if end == code else float(at_phase.from_grid(np.array([float(end)]))[0])
            for bound, code, end in zip(
                (self.least, self.most), at_phase.bound_codes, ends, strict=True
            )
        )
        origin = float(found.pop("first") * step + phase)
        column = replace(
            self, atoms=tuple(atoms.tolist()), origin=origin, least=least, most=most, **found
        )
        return column._said(is_declared)

    def on_decimals(
        self,
        known: np.ndarray,
        *,
        min_count: int,
        scale: str | None = None,
        least: float | None = None,
        most: float | None = None,
    ) -> Self:
        """The column of the same continuous numbers (n,) on the grid of their decimals.

        The grid may have more steps than one that ``infer`` finds. Scale and bounds are those that
        the user asked for.
        """
        assert self.decimals is not None, "numbers have decimals"
        step = 10.0**-self.decimals
        reason = self.reason.removesuffix("".join(f", {word}" for word in self._scale_in_words))
        plain = replace(
            self,
            reason=f"{reason}, multiples of {step:g}",
            step=step,
            atoms=(),
            knots=(),
            warp=None,
            least=least,
            most=most,
            rows=len(known),
        )
        return plain._on_grid(known, 0.0, min_count, scale)

    def _said(self, is_declared: bool) -> Self:
        """Drops bounds that the rows show but that are far, and says scale and bounds."""
        column = self if is_declared else self._without_far_bounds()
        return replace(column, reason=", ".join([column.reason, *column._scale_in_words]))

    @property
    def _scale_in_words(self) -> list[str]:
        """The scale if it is not linear, and the bounds if there are some."""
        words = [] if self.warp is None else [WORDS[type(self.warp)]]
        if self.least is not None or self.most is not None:
            words.append(self.domain_as_text.removeprefix("numbers "))
        return words

    @override
    def on_steps(self, values: np.ndarray, where: Where, *, strict: bool = True) -> Steps:
        """Numbers between grid points count as the nearest, as if rounded to fewer decimals.

        Numbers that are infinite, or too far out to have a likelihood, are outside.
        """
        numbers = as_numbers(self.name, values, where) if strict else numbers_if_any(values)
        outside = self._is_outside(numbers)
        if strict and outside.any():
            row = int(np.flatnonzero(outside)[0])
            raise SchemaError(
                f"column {self.name!r}: value {shown(values, row)} at {where(row)} "
                f"{self._rule(numbers[row])}: correct it, or leave the cell empty"
            )
        numbers = np.where(outside, np.nan, numbers)
        between = off = np.zeros(len(numbers), dtype=bool)
        if self.step is None:
            codes = self._with_atoms(numbers, self._standard(values, numbers))
        else:
            steps = (numbers - self.origin) / self.step
            codes = np.round(steps)
            near = off_grid(numbers, self.step, self.decimals, self.dtype)
            between = np.abs(steps - codes) > near
        return Steps(codes, outside, between, off)

    @override
    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Float64 of the column's decimals; float32 if the column was; integers of its own type if
        all were whole.
        """
        if not self.is_continuous:
            values = self.from_grid(codes)
        elif self._holds_integers and self.warp is None:
            return self._whole(codes)
        else:
            values = np.clip(self._values(codes), *self._bounds)
            if self.decimals is not None:
                low, high = (-math.inf, math.inf) if self.warp is None else self._innermost
                least, most = self._bounds
                values = rounded_within(values, self.decimals, max(low, least), min(high, most))
            for value, code in zip(self.atoms, self.atom_codes(), strict=True):
                values = np.where(codes == code, value, values)
            if self._holds_integers:
                return within(on_line(0, 1, values), self.dtype)
        return values.astype(np.float32) if is_single(self.dtype) else values

    @property
    def _holds_integers(self) -> bool:
        """Whether continuous numbers are whole, in a type that is not one of floats."""
        return self.decimals == 0 and not self.dtype.lower().startswith(("float", "double"))

    def _values(self, codes: np.ndarray) -> np.ndarray:
        """The numbers (N,) of continuous codes, before they are rounded."""
        values = codes * self.spread + self.center
        return values if self.warp is None else self._unwarped(values)

    @override
    def atom_codes(self) -> tuple[float, ...]:
        if self.step is not None:
            return tuple(np.round((np.array(self.atoms) - self.origin) / self.step).tolist())
        values = np.array(self.atoms, dtype=object)
        codes = self._standard(values, values.astype(np.float64))
        # Atoms beyond the ends of the scale have codes beyond the range, one apart.
        apart = 1.0 + np.arange(len(codes))
        codes = np.where(codes == -np.inf, self.low - apart, codes)
        return tuple(np.where(codes == np.inf, self.high + apart, codes).tolist())

    @override
    def is_mass(self, codes: np.ndarray) -> np.ndarray:
        return np.full(len(codes), not self.is_continuous) | np.isin(codes, self.atom_codes())

    @override
    def log_scale(self, codes: np.ndarray) -> np.ndarray:
        """log g′(value) − log spread if the code has a density, else 0."""
        slope = -math.log(self.spread)
        if self.warp is not None and self.is_continuous:
            slope = slope + self.warp.log_slope(self._unwarped(codes * self.spread + self.center))
        return np.where(self.is_mass(codes), 0.0, slope)

    @override
    def range_excess(self, codes: np.ndarray) -> np.ndarray:
        """No atom is outside the range."""
        return np.where(np.isin(codes, self.atom_codes()), 0.0, super().range_excess(codes))

    @property
    @override
    def deviation(self) -> float:
        """Standard deviation of the values that are no atoms, or that of a linear map at the
        center of another scale.
        """
        if self.warp is None or not self.is_continuous:
            return super().deviation
        near = np.array([self.center - self.spread / 2, self.center + self.spread / 2])
        return max(float(np.diff(self._unwarped(near))[0]), np.finfo(np.float64).tiny)

    @override
    def nearest(self, numbers: np.ndarray) -> np.ndarray:
        """The nearest bounds or ends (n,) of the scale; the center if there is neither."""
        least, most = self._ends
        if math.isinf(least) and math.isinf(most):
            return super().nearest(numbers)
        return np.clip(numbers, least, most)

    @property
    def _ends(self) -> tuple[float, float]:
        """The bounds, or the ends of the scale within them."""
        low, high = -math.inf, math.inf
        if self.warp is not None and self.is_continuous:
            low, high = self.warp.low, self.warp.high
        return max(low, self._bounds[0]), min(high, self._bounds[1])

    @property
    @override
    def domain_as_text(self) -> str:
        low, high = self._ends
        if math.isinf(low) and math.isinf(high):
            return super().domain_as_text
        is_open = self.warp is not None and self.is_continuous and low == self.warp.low
        if is_open and math.isinf(high):
            return f"numbers above {low:g}"
        least, most = (None if math.isinf(end) else end for end in (low, high))
        return self.bounds_in_words("numbers", least, most)

    @override
    def mean_bins(self) -> tuple[np.ndarray, np.ndarray] | None:
        if self.warp is None or not self.is_continuous:
            return super().mean_bins()
        atoms = np.array(self.atom_codes(), dtype=np.float64)
        spaced = np.linspace(self.low, self.high, BINS + 1)
        ends = np.unique(np.concatenate([spaced, atoms, atoms - BESIDE]))
        inside = np.where(np.isin(ends[1:], atoms), ends[1:], (ends[:-1] + ends[1:]) / 2)
        values = self.decode(np.concatenate([ends[:1], inside, ends[-1:]]))
        return ends, values.astype(np.float64)

    @override
    def codes_of_means(self, means: np.ndarray) -> np.ndarray:
        if not self.is_continuous:
            return super().codes_of_means(means)
        codes = self._with_atoms(means, self._standard(means, means))
        return np.clip(codes, self.low - 1, self.high + 1)

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
        bounds = {"least": self.least, "most": self.most}
        known = {name: bound for name, bound in bounds.items() if bound is not None}
        return {**self.scale_to_json(), "atoms": list(self.atoms), **known}

    @classmethod
    @override
    def fields_from_json(cls, spec: Mapping[str, Any]) -> dict[str, Any]:
        return {
            **cls.scale_from_json(spec),
            "step": fields.optional(fields.number, spec["step"]),
            "atoms": fields.numbers(spec["atoms"]),
            "least": fields.optional(float, spec.get("least")),
            "most": fields.optional(float, spec.get("most")),
        }

    @override
    def _continuous_code(self, value: float) -> float:
        numbers = np.array([value])
        return float(self._standard(numbers, numbers)[0])

    def _standard(self, values: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """(g(value) − center) / spread, (N,) float64; infinite beyond the ends of the scale."""
        if self.warp is not None:
            return (self.warp.forward(numbers) - self.center) / self.spread
        return differences(values, numbers, self.center) / self.spread

    def _unwarped(self, warped: np.ndarray) -> np.ndarray:
        """The values (N,) whose g is given: float64's nearest numbers between the ends."""
        assert self.warp is not None, "the scale is not linear"
        return np.clip(self.warp.inverse(warped), *self._innermost)

    @cached_property
    def _innermost(self) -> tuple[float, float]:
        """The numbers nearest to the ends of the scale whose g float64 holds."""
        assert self.warp is not None, "the scale is not linear"
        found = []
        for end, inwards in ((self.warp.low, math.inf), (self.warp.high, -math.inf)):
            inner = float(np.nextafter(end, inwards))
            with np.errstate(all="ignore"):
                while math.isfinite(end) and not np.isfinite(self.warp.forward(np.array(inner))):
                    inner = end + (inner - end) * WIDEN
            found.append(inner)
        return found[0], found[1]

    def _with_atoms(self, numbers: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """Codes (N,) of numbers, with those of the atoms beyond the ends of the scale."""
        if self.warp is not None:
            for value, code in zip(self.atoms, self.atom_codes(), strict=True):
                codes = np.where(numbers == value, code, codes)
        return codes

    def _is_outside(self, numbers: np.ndarray) -> np.ndarray:
        """Marks the numbers (N,) that are infinite, too far out, or beyond bounds or scale."""
        least, most = self._bounds
        error = 0.0
        if self.step:
            error = self.step * off_grid(numbers, self.step, self.decimals, self.dtype)
        beyond = (numbers < least - error) | (numbers > most + error)
        if self.warp is None or not self.is_continuous:
            with np.errstate(over="ignore"):
                return beyond | (np.abs(numbers / self.deviation) > FARTHEST)
        codes = self._with_atoms(numbers, self._standard(numbers, numbers))
        return beyond | (np.abs(codes) > FARTHEST) | np.isinf(numbers)

    @override
    def is_beyond_bounds(self, cells: np.ndarray) -> np.ndarray:
        least, most = self._ends
        numbers = numbers_if_any(cells)
        return np.isfinite(numbers) & ((numbers <= least) | (numbers >= most))

    def _rule(self, number: float) -> str:
        """Says why the column cannot hold a number."""
        least, most = self._bounds
        if not least <= number <= most:
            return f"is not among the {self.domain_as_text}"
        warp = self.warp if self.is_continuous else None
        if warp is not None and not warp.low < number < warp.high:
            return f"is not among the {self.domain_as_text} that a {WORDS[type(warp)]} has"
        return "is too far from all others to have a likelihood"

    def _whole(self, codes: np.ndarray) -> np.ndarray:
        """Integers (N,) of standardised codes; atoms are restored exactly."""
        rest = float(self.center - int(self.center))
        values = on_line(int(self.center), 1, codes * self.spread + rest)
        for value, code in zip(self.atoms, self.atom_codes(), strict=True):
            if (codes == code).any():
                values = values if values.dtype.kind == "O" else values.astype(object)
                values[codes == code] = int(value)
        return within(values, self.dtype)
