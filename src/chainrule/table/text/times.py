"""What notations of times share: numbers of minutes or other units, text, and cells of frames."""

from __future__ import annotations

import datetime
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.table.values.cells import objects_of

MOST_DECIMALS = 6  # digits of a fraction of a second
MINUTE, HOUR = 60, 3600  # seconds
SECOND = np.timedelta64(1_000_000, "us")
CELLS = ("text", "times", "durations")


@dataclass(frozen=True, kw_only=True)
class AbstractTimes(ABC):
    """How times of day or durations are written; their numbers count a unit.

    Attributes:
        decimals: number of digits of a fraction of the unit.
        cells: what holds the times in the table: "text", or the "times" or "durations" of a frame.
    """

    decimals: int = 0
    cells: str = "text"

    @property
    @abstractmethod
    def unit(self) -> int:
        """The seconds of the number 1."""

    @property
    def is_plain(self) -> bool:
        """Whether every program reads such times as numbers; none does."""
        return False

    @property
    def ends(self) -> tuple[int, int] | tuple[float, float] | None:
        """The first and the last time of a day; None for durations."""
        return None

    @abstractmethod
    def describe(self) -> str:
        """Describes the notation with an example, for a line of a schema."""

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """A JSON object that ``notation_from_json`` reads."""

    @abstractmethod
    def number_of(self, cell: str) -> float | None:
        """The number of a cell of text without spaces around it; None for other text."""

    @abstractmethod
    def text_of(self, value: float) -> str:
        """A number as text, rounded to ``decimals``."""

    def parse(self, text: Any) -> Any:
        """Parses a polars series of text to integers or floats; null if a cell does not match."""
        import polars as pl

        different = text.alias("").unique()
        found = {cell: self.number_of(cell) for cell in different.drop_nulls().to_list()}
        has_fraction = any(isinstance(number, float) for number in found.values())
        dtype = pl.Float64 if has_fraction else pl.Int64
        if not found:
            return pl.Series(text.name, [None] * len(text), dtype=dtype)
        cells = pl.Series(list(found), dtype=pl.String)
        numbers = pl.Series(list(found.values()), dtype=dtype)
        return text.replace_strict(cells, numbers, default=None, return_dtype=dtype)

    def write(self, values: np.ndarray) -> list[str | None]:
        """Numbers (N,) as text, rounded to ``decimals``; None for NaN and None."""
        known: dict[Any, str | None] = {}
        return [
            known[v] if v in known else known.setdefault(v, self._written(v))
            for v in values.tolist()
        ]

    def read(self, cells: np.ndarray) -> np.ndarray:
        """Times and durations of a frame (N,) as numbers; other cells do not change.

        They are floats if all are times, or durations, or missing.
        """
        if cells.dtype.kind == "m":
            return cells.astype("timedelta64[us]") / SECOND / self.unit
        return objects_of([self._of_object(cell) for cell in cells])

    def number(self, cell: Any) -> float | None:
        """The number of text, of a time, or of a duration; None for other cells."""
        if isinstance(cell, str):
            return self.number_of(cell.strip())
        found = self._of_object(cell)
        return None if found is cell else found

    def kind_of(self, cell: Any) -> str:
        """What holds a cell: "text", "times" or "durations"; by default the column's own."""
        if isinstance(cell, str):
            return "text"
        if isinstance(cell, datetime.time):
            return "times"
        is_duration = isinstance(cell, datetime.timedelta | np.timedelta64)
        return "durations" if is_duration else self.cells

    def objects(self, values: np.ndarray, cells: str = "") -> np.ndarray:
        """Numbers (N,) as objects of the kind that ``cells`` names; None for NaN.

        They are rounded to ``decimals``.
        """
        of = _as_time if (cells or self.cells) == "times" else _as_duration
        numbers = values.astype(np.float64).round(self.decimals).tolist()
        return objects_of([None if v != v else of(v * self.unit) for v in numbers])

    def _of_object(self, cell: Any) -> Any:
        seconds = seconds_of(cell)
        return cell if seconds is None else seconds / self.unit

    def _written(self, value: Any) -> str | None:
        return None if value is None or value != value else self.text_of(value)


def seconds_of(cell: Any) -> float | None:
    """The seconds of a time without a zone, or of a duration; None for other cells.

    >>> seconds_of(datetime.time(7, 30)), seconds_of(datetime.timedelta(minutes=1))
    (27000.0, 60.0)
    """
    if isinstance(cell, datetime.time) and cell.tzinfo is None:
        whole = (cell.hour * 60 + cell.minute) * 60 + cell.second
        return whole + cell.microsecond / 1e6
    if isinstance(cell, np.timedelta64):
        return None if np.isnat(cell) else float(cell / SECOND)
    if isinstance(cell, datetime.timedelta):
        return cell.total_seconds()
    return None


def shared(counts: np.ndarray, weight: np.ndarray, min_count: int) -> int:
    """The largest count that at least ``min_count`` rows reach; a single row says nothing."""
    least = min(min_count, int(weight.sum()))
    return max((int(c) for c in np.unique(counts) if weight[counts >= c].sum() >= least), default=0)


def _as_time(seconds: float) -> datetime.time:
    return (datetime.datetime.min + _as_duration(seconds)).time()


def _as_duration(seconds: float) -> datetime.timedelta:
    return datetime.timedelta(microseconds=round(1e6 * seconds))
