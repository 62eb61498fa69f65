"""The common base of columns of numbers and dates: grid, scale and range of the codes."""

from __future__ import annotations

import math
import warnings
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
from typing_extensions import override

from chainrule.errors import SchemaError
from chainrule.leaves.warps import AbstractWarp, warp_from_json
from chainrule.table.columns import fields
from chainrule.table.columns.base import AbstractColumn, signed
from chainrule.table.columns.evident_bounds import between
from chainrule.table.columns.grid import MOST_ATOMS
from chainrule.table.frames.polars_types import integer_type
from chainrule.table.text.times import AbstractTimes
from chainrule.table.values.cells import Where, cells_as_text, numbers_if_any, objects_of, shown
from chainrule.table.values.exact_integers import LARGEST_EXACT

FAR_BOUND = 9.0  # standard deviations; no draw lies farther out
BINS = 512  # of the codes within the range, from whose masses a mean of values is computed
FARTHEST = 1e100  # standard deviations; likelihoods beyond overflow float64


@dataclass(frozen=True)
class Steps:
    """Cells of a column as codes, and which of them are on its grid; each is (N,).

    Attributes:
        codes: of the nearest grid points, NaN if unknown.
        outside: cells that the column cannot hold even so: other values, and those beyond bounds.
        between: other cells between grid points.
        off: those of them that are no other spelling of a grid point.
    """

    codes: np.ndarray
    outside: np.ndarray
    between: np.ndarray
    off: np.ndarray


@dataclass(frozen=True, kw_only=True)
class AbstractNumbers(AbstractColumn):
    """A column of numbers or dates.

    On a grid the code is the integer (value − origin) / step, and each code has a mass. Continuous
    numbers have the code (value − center) / spread and a density.

    Attributes:
        step: distance of neighbouring grid points, in the table's units; None if continuous.
        decimals: number of decimals in which values are written; without a step, those of all
            rows but a few, to which codes are decoded. None in full precision.
        origin: the value of code 0 on the grid. Origin, step, center and atoms are integers if
            float64 would round them.
        center, spread: mean and standard deviation of the values that are no atoms: of codes on a
            grid, else of values. They are rounded if they would disclose the values of few rows.
        low, high: range of the training rows' codes, rounded outwards to half a standard deviation
            or more coarsely.
        knots: codes that split the training rows into about equal shares, ascending; each is a mean
            of several rows.
        warp: the map g of the column's scale, None if it is linear: of codes on a grid, of values
            if they are continuous. Center and spread are then those of g.
    """

    step: float | None
    decimals: int | None = None
    origin: float = 0.0
    center: float = 0.0
    spread: float = 1.0
    low: float = 0.0
    high: float = 0.0
    knots: tuple[float, ...] = ()
    warp: AbstractWarp | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        name = f"column {self.name!r}"
        numbers = (self.center, self.spread, self.low, self.high, self.origin, *self.knots)
        if not all(map(fields.is_finite, numbers)) or self.spread <= 0 or self.low > self.high:
            raise SchemaError(
                f"{name}: center {self.center}, spread {self.spread} and range {self.low} to "
                f"{self.high} are not those of a {self.kind} column"
            )
        if self.step is not None and not (fields.is_finite(self.step) and self.step > 0):
            raise SchemaError(f"{name}: step {self.step} is not above zero")
        if self.decimals is not None and not 0 <= self.decimals <= 30:
            raise SchemaError(f"{name}: {self.decimals} decimals")
        if len(self.knots) == 1 or any(a >= b for a, b in pairwise(self.knots)):
            raise SchemaError(f"{name}: knots {self.knots} are not two or more that ascend")

    @abstractmethod
    def on_steps(self, values: np.ndarray, where: Where, *, strict: bool = True) -> Steps:
        """The codes of cells (N,), and which of them lie on the grid.

        Raises:
            SchemaError: if ``strict``, a value that the column cannot hold. A value between steps
                is none.
        """

    @override
    def encode(self, values: np.ndarray, where: Where, *, strict: bool = True) -> np.ndarray:
        """Cells off the grid are outside; if ``strict``, they count as the nearest step.

        A warning says which cells count so. Some cells of a fitted table may, see ``grid_of_most``.
        """
        found = self.on_steps(values, where, strict=strict)
        outside = found.outside if strict else found.outside | found.off
        self.warn_of_rounding(found.between & ~outside, values, where)
        return np.where(outside, np.inf, found.codes)

    @override
    def nearest_codes(self, values: np.ndarray, where: Where) -> np.ndarray:
        found = self.on_steps(values, where, strict=False)
        return np.where(found.outside, np.inf, found.codes)

    @property
    @override
    def is_continuous(self) -> bool:
        """Whether the numbers lie on no grid, and have densities."""
        return self.step is None

    @property
    def deviation(self) -> float:
        """Standard deviation of the values that are no atoms, in the table's units."""
        return (self.spread if self.is_continuous else self.code_scale[1]) * (self.step or 1.0)

    @property
    @override
    def code_scale(self) -> tuple[float, float]:
        """Mean and standard deviation of the codes; on a grid whose scale is not linear, the code
        at the mean of g and the deviation of a linear map there.
        """
        if self.is_continuous:
            return 0.0, 1.0
        if self.warp is None:
            return float(self.center), self.spread
        half = self.spread / 2
        low, at, high = self.warp.inverse(self.center + np.array([-half, 0.0, half])).tolist()
        return at, max(high - low, 1.0)

    @property
    def bound_codes(self) -> tuple[float | None, float | None]:
        """The codes of the bounds; None where there is none within the scale."""
        return None, None

    @property
    def are_bounds_far(self) -> tuple[bool, bool]:
        """Whether each bound is too far from the center to change a distribution, or none.

        On a grid, a bound where the scale ends is not.
        """
        center, spread, ends = 0.0, 1.0, (-math.inf, math.inf)
        if not self.is_continuous:
            center, spread = self.center, self.spread
            ends = ends if self.warp is None else (self.warp.low, self.warp.high)
        far = []
        for code, end, sign in zip(self.bound_codes, ends, (-1, 1), strict=True):
            at = sign * math.inf if code is None else self.on_scale(np.array([float(code)]))[0]
            far.append(math.isinf(end) and bool(sign * (at - center) / spread > FAR_BOUND))
        return far[0], far[1]

    def within_bounds(self, codes: np.ndarray) -> np.ndarray:
        """Codes (N,) moved to the bounds."""
        least, most = self.bound_codes
        if least is None and most is None:
            return codes
        return np.clip(codes, -np.inf if least is None else least, np.inf if most is None else most)

    @override
    def on_scale(self, codes: np.ndarray) -> np.ndarray:
        if self.warp is None or self.is_continuous:
            return codes
        return self.warp.forward(codes)

    @property
    @override
    def typical_codes(self) -> tuple[float, float]:
        if self.warp is None or self.is_continuous:
            return super().typical_codes
        ends = self.center + np.array([-self.spread, self.spread])
        low, high = np.round(self.warp.inverse(ends)).tolist()
        return low, high

    @override
    def range_excess(self, codes: np.ndarray) -> np.ndarray:
        width = (self.high - self.low) or self.code_scale[1]
        return np.maximum(np.maximum(self.low - codes, codes - self.high), 0) / width

    @property
    def range_as_text(self) -> str:
        """The training rows' range, rounded outwards, as text."""
        ends = self.within_bounds(np.array([self.low, self.high]))
        low, high = cells_as_text(self.decode(ends))
        return f"{low} … {high}"

    @override
    def mean_values(self, codes: np.ndarray) -> np.ndarray:
        """Values between grid points, of the column's decimals, if its type holds them.

        Means of whole numbers have a fraction in a type of floats, and are whole in others.
        """
        is_exact = isinstance(self.origin, int)  # integers that float64 does not hold
        if self.step is None or "int" in self.dtype.lower() or is_exact:
            return self.decode(codes)
        values = self.origin + codes * self.step
        return np.round(values, self.decimals) if self.decimals else values

    @override
    def mean_bins(self) -> tuple[np.ndarray, np.ndarray] | None:
        """On a grid whose scale is not linear, bins of codes that are even on the scale.

        Masses far beyond the range, which a logarithm makes possible, would decide the mean alone.
        """
        if self.warp is None or self.is_continuous:
            return None
        inside = math.ceil(self.warp.low + 0.5) if self.warp.low > -math.inf else -math.inf
        upto = math.floor(self.warp.high - 0.5) if self.warp.high < math.inf else math.inf
        outer = self.within_bounds(np.clip(np.round([self.low, self.high]), inside, upto))
        first, last = self.warp.forward(outer).tolist()
        spaced = self.warp.inverse(np.linspace(first, last, BINS + 1))
        atoms = np.array(self.atom_codes(), dtype=np.float64)
        ends = np.unique(np.concatenate([outer, np.round(spaced), atoms - 1, atoms]))
        return ends, np.concatenate([ends[:1], (ends[:-1] + 1 + ends[1:]) / 2, ends[-1:]])

    def codes_around(self, value: Fraction) -> tuple[float, float]:
        """The last code whose value is at most a number, and the first whose value is at least it.

        They are equal if the number is the value of a code. Infinite where there is no such code.
        """
        if self.is_continuous:
            code = self._continuous_code(float(value))
            return code, code
        steps = (value - Fraction(self.origin)) / Fraction(self.step or 1)
        if abs(steps) > LARGEST_EXACT:
            end = math.inf if steps > 0 else -math.inf
            return end, end
        near = round(steps)
        tried = [near - 1, near, near + 1]
        values = [self._exact_value(code) for code in tried]
        below = max(code for code, each in zip(tried, values, strict=True) if each <= value)
        above = min(code for code, each in zip(tried, values, strict=True) if each >= value)
        return float(below), float(above)

    def _exact_value(self, code: int) -> Fraction:
        """The value of a code on a grid, as it is written."""
        if self.decimals is None or isinstance(self.origin, int):
            return Fraction(self.origin) + code * Fraction(self.step or 1)
        return Fraction(repr(float(self.from_grid(np.array([float(code)]))[0])))

    def _continuous_code(self, value: float) -> float:
        """The code of a number without a grid; infinite beyond the ends of the scale.

        Columns that may have none override it; others are never asked.
        """
        raise NotImplementedError

    def from_grid(self, codes: np.ndarray) -> np.ndarray:
        """Numbers (N,) of codes on a grid, rounded to the column's decimals."""
        values = self.origin + np.round(codes) * (self.step or 1.0)
        return values if self.decimals is None else np.round(values, self.decimals)

    @override
    def wrong_codes(self, codes: np.ndarray) -> tuple[np.ndarray, str]:
        """On a grid, codes that are not whole; otherwise, codes that are not finite."""
        if self.is_continuous:
            return super().wrong_codes(codes)
        return ~(np.isfinite(codes) & (codes == np.round(codes))), "is not a whole number"

    @override
    def points(self, most: int) -> np.ndarray:
        """The atoms, and codes evenly spaced over the training rows' range, ascending."""
        spaced = self.within_bounds(np.linspace(self.low, self.high, most))
        if not self.is_continuous:
            spaced = np.unique(np.round(spaced))
        return np.unique(np.concatenate([np.array(self.atom_codes(), dtype=np.float64), spaced]))

    @property
    @override
    def domain_as_text(self) -> str:
        return "finite numbers"

    def bounds_in_words(self, what: str, least: float | None, most: float | None) -> str:
        """Values of a kind and their bounds, in words; of a column of times, as it writes them."""
        if not isinstance(self.notation, AbstractTimes):
            return f"{what} {between(least, most)}".rstrip()
        ends = self.notation.write(np.array([least, most], dtype=object))
        return f"{self.notation.describe()} {between(*ends)}".rstrip()

    def nearest(self, numbers: np.ndarray) -> np.ndarray:
        """The values (n,) from which distances of other numbers are measured.

        By default the center.
        """
        return np.full(len(numbers), float(self.origin + self.center * (self.step or 1.0)))

    @override
    def distance(self, cells: np.ndarray) -> np.ndarray:
        """Distance of numbers from ``nearest``, in spreads; infinite for other cells."""
        numbers = numbers_if_any(cells)
        with np.errstate(invalid="ignore", over="ignore"):
            apart = np.abs(numbers - self.nearest(numbers)) / self.deviation
        return np.nan_to_num(apart, nan=np.inf, posinf=np.inf)

    def scale_to_json(self) -> dict[str, Any]:
        """The fields that all columns of numbers share, as JSON."""
        return {
            "step": self.step,
            "decimals": self.decimals,
            "origin": self.origin,
            "center": self.center,
            "spread": self.spread,
            "low": self.low,
            "high": self.high,
            "knots": list(self.knots),
            **({} if self.warp is None else {"warp": self.warp.to_json()}),
        }

    @staticmethod
    def scale_from_json(spec: Mapping[str, Any]) -> dict[str, Any]:
        """The constructor arguments that ``scale_to_json`` wrote, without the step."""
        return {
            "decimals": fields.optional(fields.whole, spec["decimals"]),
            "origin": fields.number(spec["origin"]),
            "center": fields.number(spec["center"]),
            "spread": float(spec["spread"]),
            "low": float(spec["low"]),
            "high": float(spec["high"]),
            "knots": fields.numbers(spec["knots"]),
            "warp": fields.optional(warp_from_json, spec.get("warp")),
        }

    def require_whole_steps(self) -> None:
        """Raises SchemaError unless origin and step are integers."""
        if not all(float(part).is_integer() for part in (self.step or 1, self.origin)):
            raise SchemaError(
                f"column {self.name!r}: a {self.kind} column counts whole steps of {self.step} "
                f"from {self.origin}"
            )

    def require_atoms(self, atoms: tuple[float, ...]) -> None:
        """Raises SchemaError unless the atoms are few, finite and different."""
        if not all(map(fields.is_finite, atoms)):
            raise SchemaError(f"column {self.name!r}: atoms {atoms} are not finite")
        if len(atoms) > MOST_ATOMS or len(set(atoms)) < len(atoms):
            raise SchemaError(
                f"column {self.name!r}: atoms are at most {MOST_ATOMS} different values"
            )

    @property
    def step_as_text(self) -> str:
        """The step of the grid as text."""
        return f"{self.step:g}"

    def warn_of_rounding(self, between: np.ndarray, values: np.ndarray, where: Where) -> None:
        """Warns of cells ``between`` (N,) grid points, and shows the first one."""
        rows = np.flatnonzero(between)
        if len(rows):
            row = int(rows[0])
            warnings.warn(
                f"column {self.name!r}: {len(rows)} value(s), such as {shown(values, row)} at "
                f"{where(row)}, lie between the steps of {self.step_as_text} found when the model "
                "was fitted; they count as the nearest",
                stacklevel=3,
            )


def whole_as_written(values: np.ndarray, like: str) -> np.ndarray:
    """Whole numbers (N,) as text, with a decimal or a plus if a known cell has one.

    >>> whole_as_written(np.array([3.0]), "17.0").tolist()
    ['3.0']
    """
    decimal = ".0" if "." in like else ""
    return objects_of(
        [signed(f"{round(value)}{decimal}", value, like) for value in values.tolist()]
    )


def whole_type(dtype: str) -> Any:
    """The polars type of a column of whole numbers: its own integer type, or floats."""
    import polars as pl

    return integer_type(dtype) or (pl.String if dtype == "String" else pl.Float64)
