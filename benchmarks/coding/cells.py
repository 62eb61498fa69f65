"""The cells of one column: as written, as numbers that decisions single out, and as codes."""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

import numpy as np
import torch
from typing_extensions import override

from benchmarks.coding.coder import LARGEST, Coder, DamagedError, texts, whole_numbers
from chainrule.conditionals import Distribution
from chainrule.table import AbstractColumn, AbstractNumbers
from chainrule.tasks.asking.walks import level_masses, log_masses

DECIMAL = re.compile(r"-?[0-9]+(?:\.([0-9]+))?")
MOST_DECIMALS = 15


@dataclass(frozen=True)
class Decimals:
    """Numbers as text with decimals.

    Attributes:
        count: how many decimals.
        zeros: "" if all are written, "z" if zeros at the end are not, "p" if they are not but for
            one, as in 3.0.
    """

    count: int
    zeros: str

    @classmethod
    def of(cls, style: str) -> Decimals | None:
        """Returns the decimals of a style, such as .2 or .2z; None if it is no such style."""
        found = re.fullmatch(r"\.([0-9]{1,2})([zp]?)", style)
        return None if found is None else cls(int(found[1]), found[2])

    @staticmethod
    def styles(fields: np.ndarray) -> list[str]:
        """Returns the styles with the decimals that most fields (n,) have, or that any has.

        They are at most ``MOST_DECIMALS``.
        """
        found = (DECIMAL.fullmatch(field) for field in fields)
        counts = Counter(len(each[1] or "") for each in found if each is not None)
        counts = Counter({k: times for k, times in counts.items() if k <= MOST_DECIMALS} or {0: 1})
        usual, most = counts.most_common(1)[0][0], max(counts)
        return [f".{usual}", f".{most}z", f".{most}p"]

    @property
    def scale(self) -> float:
        """How many units of the last decimal are one."""
        return 10.0**self.count

    def write(self, numbers: np.ndarray) -> np.ndarray:
        """Returns the text (n,) of whole multiples (n,) of the unit.

        >>> [Decimals(2, zeros).write(np.array([150.0]))[0] for zeros in ("", "z", "p")]
        ['1.50', '1.5', '1.5']
        """
        found = np.empty(len(numbers), dtype=object)
        for row, number in enumerate(numbers.tolist()):
            text = f"{Decimal(int(number)).scaleb(-self.count):f}"
            if self.zeros and "." in text:
                text = text.rstrip("0").rstrip(".")
            found[row] = text + (".0" if self.zeros == "p" and "." not in text else "")
        return found

    def read(self, fields: np.ndarray) -> np.ndarray:
        """Returns the whole multiples (n,) of the unit that text (n,) is; NaN if it is none."""
        found = np.full(len(fields), np.nan)
        for row, field in enumerate(fields):
            if DECIMAL.fullmatch(field):
                number = Decimal(field).scaleb(self.count)
                if abs(number) < LARGEST and number == int(number):
                    found[row] = int(number)
        return found


class AbstractCells(ABC):
    """How the cells of a column are decided.

    A cell that is written as the column writes its values is a number here: a level's, a code, or
    a multiple of a unit. Any other cell is NaN, and its text is written in bytes.

    Attributes:
        column: the column.
        style: a word that says how values are written, from ``style_of``.
    """

    def __init__(self, column: AbstractColumn, style: str) -> None:
        self.column, self.style = column, style

    @classmethod
    def styles(cls, column: AbstractColumn, fields: np.ndarray) -> list[str]:
        """Returns words, one of which says how fields (n,) are written; the usual one first."""
        known = (field for field in fields if field)
        return ["", next(known, "")]

    @abstractmethod
    def fields_of(self, numbers: np.ndarray) -> np.ndarray:
        """Returns the text of numbers (n,), objects (n,)."""

    @abstractmethod
    def numbers_of(self, fields: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """Returns the numbers (n,) of fields (n,) with these codes, before ``fields_of`` is asked
        whether they are written so; NaN where there is none."""

    def codes_of(self, numbers: np.ndarray) -> np.ndarray:
        """Returns the codes (n,) of numbers (n,), as networks read them."""
        return numbers

    @property
    def escape_code(self) -> float:
        """The code of an escaped cell; NaN if other cells do not depend on it."""
        return math.nan

    @abstractmethod
    def decide(self, coder: Coder, distribution: Distribution, numbers: np.ndarray) -> np.ndarray:
        """Returns the numbers (n,) of cells with these distributions, NaN of escaped cells.

        A decoder does not read ``numbers``.
        """

    @abstractmethod
    def log_mass(self, distribution: Distribution, numbers: np.ndarray) -> np.ndarray:
        """Returns the log-masses (n,) of numbers (n,), in nats; of the escape where NaN.

        They come from the density's own functions, not from those that ``decide`` calls.
        """

    def written(self, fields: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """Returns the numbers (n,) of fields (n,); NaN where they are not written as the column
        writes them, and where they are empty."""
        numbers = self.numbers_of(fields, codes)
        known = np.flatnonzero(~np.isnan(numbers) & (fields != ""))
        same = self.fields_of(numbers[known]) == fields[known]
        found = np.full(len(fields), np.nan)
        found[known[same]] = numbers[known[same]]
        return found

    def cells(
        self,
        coder: Coder,
        distribution: Distribution,
        numbers: np.ndarray,
        words: Sequence[str],
    ) -> tuple[np.ndarray, list[str]]:
        """Returns the numbers (n,) and the texts (n,) of cells; "" where there is a number."""
        found = self.decide(coder, distribution, numbers)
        lost = np.flatnonzero(np.isnan(found)).tolist()
        read = [""] * len(found)
        for row, word in zip(lost, texts(coder, [words[row] for row in lost]), strict=True):
            read[row] = word
        return found, read


class LevelCells(AbstractCells):
    """Levels. The last decision stands for an escape: an unlisted label, or what no bit can be."""

    @override
    def fields_of(self, numbers: np.ndarray) -> np.ndarray:
        levels = np.arange(len(self.column.level_names), dtype=np.float64)
        values = np.ma.getdata(self.column.decode(levels))
        return self.column.as_written(values, self.style)[numbers.astype(np.int64)]

    @override
    def numbers_of(self, fields: np.ndarray, codes: np.ndarray) -> np.ndarray:
        listed = np.isfinite(codes) & (codes < len(self.column.level_names))
        return np.where(listed, codes, np.nan)

    @property
    def _lists_all(self) -> bool:
        """Whether every label has a code, the last one if it is not listed."""
        return len(self.column.code_names) > len(self.column.level_names)

    @property
    @override
    def escape_code(self) -> float:
        return float(len(self.column.level_names)) if self._lists_all else math.nan

    def _masses(self, distribution: Distribution) -> np.ndarray:
        """Returns the probabilities (n, V + 1) of levels and of the escape; (n, V) without it."""
        p, share = level_masses(distribution), self.column.outside_share
        if self._lists_all or not share:
            return p
        return np.concatenate([p * (1 - share), np.full((len(p), 1), share)], axis=1)

    @override
    def decide(self, coder: Coder, distribution: Distribution, numbers: np.ndarray) -> np.ndarray:
        p, levels = self._masses(distribution), len(self.column.level_names)
        found = coder.take(p, np.where(np.isnan(numbers), levels, numbers).astype(np.int64))
        return np.where(found < levels, found, np.nan)

    @override
    def log_mass(self, distribution: Distribution, numbers: np.ndarray) -> np.ndarray:
        escaped, share = np.isnan(numbers), self.column.outside_share
        if not self._lists_all:
            known = _log_prob(distribution, np.where(escaped, 0.0, numbers)) + math.log1p(-share)
            return np.where(escaped, math.log(share) if share else -math.inf, known)
        codes = np.where(escaped, self.escape_code, numbers)
        return _log_prob(distribution, codes) + self.column.log_multiplicity(codes)


class AbstractNumberCells(AbstractCells):
    """Numbers or dates: first whether the column can hold the cell, then which one it is."""

    @abstractmethod
    def log_between(
        self, distribution: Distribution, low: np.ndarray, high: np.ndarray
    ) -> np.ndarray:
        """Returns log P(low <= number <= high), (n,); −∞ where there is nothing."""

    @abstractmethod
    def scale(self, distribution: Distribution) -> tuple[tuple[float, float], float, float]:
        """Returns the least and the largest number, the center of the numbers and their spread."""

    @override
    def decide(self, coder: Coder, distribution: Distribution, numbers: np.ndarray) -> np.ndarray:
        share = self.column.outside_share
        p = np.tile([1 - share, share], (len(distribution.params), 1))
        held = np.flatnonzero(coder.take(p, np.isnan(numbers).astype(np.int64)) == 0)
        found, some = np.full(len(p), np.nan), distribution.take(held)
        found[held] = whole_numbers(
            coder,
            lambda rows, low, high: self.log_between(some.take(rows), low, high),
            numbers[held],
            *self.scale(distribution),
        )
        return found

    @override
    def log_mass(self, distribution: Distribution, numbers: np.ndarray) -> np.ndarray:
        escaped, share = np.isnan(numbers), self.column.outside_share
        found = np.full(len(numbers), math.log(share))
        held = np.flatnonzero(~escaped)
        found[held] = self.log_mass_of(distribution.take(held), numbers[held])
        found[held] += math.log1p(-share)
        return found

    @abstractmethod
    def log_mass_of(self, distribution: Distribution, numbers: np.ndarray) -> np.ndarray:
        """Returns the log-masses (n,) of numbers (n,)."""


class GridCells(AbstractNumberCells):
    """Numbers or dates on a grid: their codes are whole, and have masses.

    The style is that of decimals, or a known cell for ``as_written`` of the column.
    """

    column: AbstractNumbers

    @override
    @classmethod
    def styles(cls, column: AbstractColumn, fields: np.ndarray) -> list[str]:
        usual = super().styles(column, fields)
        return usual if column.holds_dates else [*usual, *Decimals.styles(fields)]

    @override
    def fields_of(self, numbers: np.ndarray) -> np.ndarray:
        values = self.column.decode(numbers)
        if (notation := self.column.notation) is not None:
            return np.array([*map(str, notation.write(values)), None], dtype=object)[:-1]
        decimals = Decimals.of(self.style)
        if decimals is not None and values.dtype.kind == "f":
            return decimals.write(np.round(values * decimals.scale))
        return self.column.as_written(values, self.style)

    @override
    def numbers_of(self, fields: np.ndarray, codes: np.ndarray) -> np.ndarray:
        return np.where(np.abs(codes) < LARGEST, codes, np.nan)

    @override
    def log_between(
        self, distribution: Distribution, low: np.ndarray, high: np.ndarray
    ) -> np.ndarray:
        logs = distribution.log_between(*(_like(distribution, end) for end in (low, high)))
        return logs.double().cpu().numpy()

    @override
    def scale(self, distribution: Distribution) -> tuple[tuple[float, float], float, float]:
        low, high = distribution.conditional.limits
        return (np.ceil(low), np.floor(high)), *self.column.code_scale

    @override
    def log_mass_of(self, distribution: Distribution, numbers: np.ndarray) -> np.ndarray:
        return _log_prob(distribution, numbers)


class DecimalCells(AbstractNumberCells):
    """Numbers without a grid, as multiples of the unit of the last decimal of the table.

    The style is that of decimals.
    """

    column: AbstractNumbers

    def __init__(self, column: AbstractColumn, style: str) -> None:
        super().__init__(column, style)
        decimals = Decimals.of(style)
        if decimals is None:
            raise DamagedError(f"column {column.name!r}: {style!r} is no style of decimals")
        self.decimals = decimals

    @override
    @classmethod
    def styles(cls, column: AbstractColumn, fields: np.ndarray) -> list[str]:
        return Decimals.styles(fields)

    @override
    def fields_of(self, numbers: np.ndarray) -> np.ndarray:
        return self.decimals.write(numbers)

    @override
    def numbers_of(self, fields: np.ndarray, codes: np.ndarray) -> np.ndarray:
        found = self.decimals.read(np.where(np.isfinite(codes), fields, ""))
        inside = np.isfinite(self.codes_of(np.nan_to_num(found)))
        return np.where(inside, found, np.nan)

    def _values(self, numbers: np.ndarray) -> np.ndarray:
        return numbers / self.decimals.scale

    @override
    def codes_of(self, numbers: np.ndarray) -> np.ndarray:
        return self._encoded(self._values(numbers))

    def _encoded(self, values: np.ndarray) -> np.ndarray:
        """Returns the codes (n,) of values; infinite where the column cannot hold them."""
        return self.column.encode(values, lambda row: f"row {row}", strict=False)

    def _ends(self, values: np.ndarray) -> np.ndarray:
        """Returns codes (n,) of values, on the same side where the column cannot hold them."""
        finite = np.isfinite(values)
        safe = np.where(finite, values, 0.0)
        codes = self._encoded(safe)
        beyond = np.where(safe > self.column.nearest(safe), np.inf, -np.inf)
        codes = np.where(np.isinf(codes), beyond, codes)
        return np.where(finite, codes, values)

    @cached_property
    def _apart(self) -> tuple[np.ndarray, np.ndarray]:
        """Values and codes (A,) of atoms beyond the ends of the scale, whose codes are in no order
        with those of other values."""
        values = np.array(getattr(self.column, "atoms", ()), dtype=np.float64)
        warp = self.column.warp
        apart = np.zeros(len(values), dtype=bool)
        if warp is not None and len(values):
            apart = ~np.isfinite(warp.forward(values))
        return values[apart], np.array(self.column.atom_codes(), dtype=np.float64)[apart]

    @override
    def log_between(
        self, distribution: Distribution, low: np.ndarray, high: np.ndarray
    ) -> np.ndarray:
        ends = self._values(low - 0.5), self._values(high + 0.5)
        first, last = (self._ends(end) for end in ends)
        is_empty = first >= last
        values, codes = self._apart
        # Atoms apart are left out by their codes, and added by their values.
        cuts = np.sort(codes)
        starts = np.maximum(first[:, None], np.append(-np.inf, np.nextafter(cuts, np.inf)))
        stops = np.minimum(last[:, None], np.append(np.nextafter(cuts, -np.inf), np.inf))
        starts[is_empty] = np.inf
        logs = [log_masses(distribution, starts, stops)]
        for value, code in zip(values, codes, strict=True):
            is_inside = (ends[0] < value) & (value < ends[1])
            atom = _log_prob(distribution, np.full(len(low), code))
            logs.append(np.where(is_inside, atom, -np.inf)[:, None])
        return np.logaddexp.reduce(np.concatenate(logs, axis=1), axis=1)

    @override
    def scale(self, distribution: Distribution) -> tuple[tuple[float, float], float, float]:
        middle = float(self.column.decode(np.zeros(1))[0])
        scale = self.decimals.scale
        return (-np.inf, np.inf), middle * scale, self.column.deviation * scale

    @override
    def log_mass_of(self, distribution: Distribution, numbers: np.ndarray) -> np.ndarray:
        return self.log_between(distribution, numbers, numbers)


def kind_of(column: AbstractColumn) -> type[AbstractCells]:
    """Returns how the cells of a column are decided."""
    if column.has_levels:
        return LevelCells
    return DecimalCells if column.is_continuous else GridCells


def _log_prob(distribution: Distribution, codes: np.ndarray) -> np.ndarray:
    return distribution.log_prob(_like(distribution, codes)).double().cpu().numpy()


def _like(distribution: Distribution, values: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float64)).to(distribution.params)
