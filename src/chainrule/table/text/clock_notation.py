"""Times of day and elapsed times: how cells of text or of a frame become numbers, and back."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np

from chainrule.errors import SchemaError
from chainrule.table.values.cells import objects_of

MOST_DECIMALS = 6  # digits of a fraction of a second
HOURS_OF_DAY, HALF = 24, 12
MINUTE, HOUR = 60, 3600  # seconds
SECOND = np.timedelta64(1_000_000, "us")
CELLS = ("text", "times", "durations")
EXAMPLE = 7 * HOUR + 30 * MINUTE  # 07:30
CELL = re.compile(
    r"(?P<minus>-)?(?P<hours>[0-9]{1,7}):(?P<minutes>[0-5][0-9])"
    r"(?::(?P<seconds>[0-5][0-9])(?:\.(?P<fraction>[0-9]{1,9}))?)?"
    r"(?P<half>[ \u00a0\u202f]?[AaPp]\.?[Mm]\.?)?",
    re.ASCII,
)


@dataclass(frozen=True, kw_only=True)
class ClockNotation:
    """Times with a colon: ``07:30``, ``7:30 pm``, ``26:15:00``.

    Their numbers are minutes since midnight, or seconds if cells have seconds. Times of a day end
    before 24:00; elapsed times have no end, and may be negative.

    Attributes:
        has_seconds: whether cells have seconds. Then they are the unit, or else minutes are.
        decimals: number of digits of a fraction of a second.
        digits: least number of digits of hours, as most cells have it.
        is_elapsed: whether cells may have 24 hours or more, or a minus sign.
        half: how the first half of a day is written, as `` AM`` or ``a.m.``; "" for 24 hours.
        cells: what holds the times in the table: "text", or the "times" or "durations" of a frame.
    """

    has_seconds: bool = False
    decimals: int = 0
    digits: int = 2
    is_elapsed: bool = False
    half: str = ""
    cells: str = "text"

    def __post_init__(self) -> None:
        sound = (
            0 <= self.decimals <= (MOST_DECIMALS if self.has_seconds else 0)
            and 1 <= self.digits <= 2
            and (not self.half or re.fullmatch(r"[ \u00a0\u202f]?[Aa]\.?[Mm]\.?", self.half))
            and not (self.half and self.is_elapsed)
            and self.cells in CELLS
        )
        if not sound:
            raise SchemaError(f"{self!r} is no notation of times")

    @property
    def is_plain(self) -> bool:
        """Whether every program reads such times as numbers; none does."""
        return False

    @property
    def ends(self) -> tuple[int, int] | tuple[float, float] | None:
        """The first and the last time of a day; None for elapsed times."""
        if self.is_elapsed:
            return None
        units = HOURS_OF_DAY * HOUR // self.unit
        return (0.0, units - 10.0**-self.decimals) if self.decimals else (0, units - 1)

    @property
    def unit(self) -> int:
        """The seconds of the number 1."""
        return 1 if self.has_seconds else MINUTE

    def describe(self) -> str:
        """Describes the notation with an example, for a line of a schema.

        >>> ClockNotation(half=" AM", digits=1).describe()
        'times written 7:30 AM'
        """
        example = self.write(np.array([EXAMPLE // self.unit]))[0]
        return f"{'elapsed times' if self.is_elapsed else 'times'} written {example}"

    def parse(self, text: Any) -> Any:
        """Parses a polars series of text to integers or floats; null if a cell does not match."""
        import polars as pl

        different = text.alias("").unique()
        found = {cell: self._number(cell) for cell in different.drop_nulls().to_list()}
        has_fraction = any(isinstance(number, float) for number in found.values())
        dtype = pl.Float64 if has_fraction else pl.Int64
        if not found:
            return pl.Series(text.name, [None] * len(text), dtype=dtype)
        cells = pl.Series(list(found), dtype=pl.String)
        numbers = pl.Series(list(found.values()), dtype=dtype)
        return text.replace_strict(cells, numbers, default=None, return_dtype=dtype)

    def write(self, values: np.ndarray) -> list[str | None]:
        """Minutes or seconds (N,) as text, rounded to ``decimals``; None for NaN and None.

        >>> ClockNotation(has_seconds=True, is_elapsed=True).write(np.array([94500.0]))
        ['26:15:00']
        """
        known: dict[Any, str | None] = {}
        return [
            known[v] if v in known else known.setdefault(v, self._one(v)) for v in values.tolist()
        ]

    def read(self, cells: np.ndarray) -> np.ndarray:
        """Times and durations of a frame (N,) as minutes or seconds; other cells do not change.

        They are floats if all are times, or durations, or missing.
        """
        if cells.dtype.kind == "m":
            return cells.astype("timedelta64[us]") / SECOND / self.unit
        return objects_of([self._of_object(cell) for cell in cells])

    def number(self, cell: Any) -> float | None:
        """The minutes or seconds of text, of a time, or of a duration; None for other cells.

        >>> ClockNotation().number("07:30"), ClockNotation().number(datetime.time(7, 30))
        (450, 450.0)
        """
        if isinstance(cell, str):
            return self._number(cell.strip())
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
        """Minutes or seconds (N,) as objects of the kind that ``cells`` names; None for NaN.

        They are rounded to ``decimals``.
        """
        of = _as_time if (cells or self.cells) == "times" else _as_duration
        numbers = values.astype(np.float64).round(self.decimals).tolist()
        return objects_of([None if v != v else of(v * self.unit) for v in numbers])

    def to_json(self) -> dict[str, Any]:
        """A JSON object that ``notation_from_json`` reads."""
        return {"of": "times", **asdict(self)}

    @cached_property
    def _afternoon(self) -> str:
        return self.half.replace("a", "p").replace("A", "P")

    def _of_object(self, cell: Any) -> Any:
        seconds = seconds_of(cell)
        return cell if seconds is None else seconds / self.unit

    def _number(self, cell: str) -> float | None:
        """The minutes or seconds of a cell; None for other text."""
        found = CELL.fullmatch(cell)
        if found is None or bool(found["half"]) != bool(self.half):
            return None
        hours, seconds = int(found["hours"]), int(found["seconds"] or 0)
        fraction = (found["fraction"] or "").rstrip("0")
        if not self.has_seconds and (seconds or fraction):
            return None
        if not self.is_elapsed and (found["minus"] or hours >= HOURS_OF_DAY):
            return None
        if self.half:
            if not 1 <= hours <= HALF:
                return None
            hours = hours % HALF + (HALF if "p" in found["half"].lower() else 0)
        whole = hours * 60 + int(found["minutes"])
        if self.has_seconds:
            whole = whole * 60 + seconds
        number = float(f"{whole}.{fraction}") if fraction else whole
        return -number if found["minus"] else number

    def _one(self, value: Any) -> str | None:
        if value is None or value != value:
            return None
        ticks = round(abs(value) * 10**self.decimals)
        whole, fraction = divmod(ticks, 10**self.decimals)
        minutes, seconds = divmod(whole, 60) if self.has_seconds else (whole, 0)
        hours, minutes = divmod(minutes, 60)
        mark = ""
        if self.half:
            mark = self.half if hours < HALF else self._afternoon
            hours = (hours - 1) % HALF + 1
        tail = f":{seconds:02d}" if self.has_seconds else ""
        tail += f".{fraction:0{self.decimals}d}" if self.decimals else ""
        sign = "-" if value < 0 and ticks else ""
        return f"{sign}{hours:0{self.digits}d}:{minutes:02d}{tail}{mark}"


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


def clock_of_frame(cells: np.ndarray, weight: np.ndarray, min_count: int) -> ClockNotation | None:
    """The notation of the different known cells (n,) of a frame, if all are times, or durations.

    None also if durations are finer than microseconds. Seconds and their decimals count if at least
    ``min_count`` rows have them.
    """
    kinds = (datetime.time, (datetime.timedelta, np.timedelta64))
    if cells.dtype.kind == "m":
        coarse = cells.astype("timedelta64[us]")
        if (coarse != cells).any():
            return None
        cells = coarse.astype(object)
    known = cells.tolist() if cells.dtype.kind == "O" else []
    if not known or seconds_of(known[0]) is None:
        return None
    seconds = [seconds_of(cell) for cell in known]
    found = [k for k, kind in enumerate(kinds) if all(isinstance(cell, kind) for cell in known)]
    if not found or None in seconds:
        return None
    ticks = np.array([round(1e6 * second) for second in seconds if second is not None])
    digits = np.zeros(len(ticks), dtype=np.int64)  # 1 + decimals of cells with seconds
    for d in range(MOST_DECIMALS, -1, -1):
        unit = 60_000_000 if d == 0 else 10 ** (MOST_DECIMALS - d + 1)
        digits[(ticks % unit != 0) & (digits == 0)] = d + 1
    most = _shared(digits, weight, min_count)
    return ClockNotation(
        has_seconds=most > 0,
        decimals=max(most - 1, 0),
        is_elapsed=bool(found[0]),
        cells=CELLS[1 + found[0]],
    )


def _shared(counts: np.ndarray, weight: np.ndarray, min_count: int) -> int:
    """The largest count that at least ``min_count`` rows reach; a single row says nothing."""
    least = min(min_count, int(weight.sum()))
    return max((int(c) for c in np.unique(counts) if weight[counts >= c].sum() >= least), default=0)


def _as_time(seconds: float) -> datetime.time:
    return (datetime.datetime.min + _as_duration(seconds)).time()


def _as_duration(seconds: float) -> datetime.timedelta:
    return datetime.timedelta(microseconds=round(1e6 * seconds))


def clock_notation(
    cells: Sequence[str], weight: np.ndarray, min_count: int = 1
) -> ClockNotation | None:
    """The notation of different cells of text; None if one of them is no time, or they disagree.

    Cells disagree if some have seconds, or halves of a day, and others do not. They are elapsed
    times, and have decimals, if at least ``min_count`` rows show it.

    Args:
        cells: the different cells.
        weight: the number of rows of each.
        min_count: fewest rows that share what the notation says.

    >>> clock_notation(["7:30 am", "8:05 pm"], np.ones(2)).describe()
    'times written 7:30 am'
    """
    found = [CELL.fullmatch(cell) for cell in cells]
    if not found or not all(found):
        return None
    every = [each.groupdict() for each in found if each is not None]
    halves = {(each["half"] or "").replace("p", "a").replace("P", "A") for each in every}
    seconds = {each["seconds"] is not None for each in every}
    if len(halves) > 1 or len(seconds) > 1:
        return None
    (half,), (has_seconds,) = halves, seconds
    hours = np.array([int(each["hours"]) for each in every])
    beyond = np.array([bool(each["minus"]) for each in every]) | (hours >= HOURS_OF_DAY)
    if half and (beyond.any() or not ((hours >= 1) & (hours <= HALF)).all()):
        return None
    lengths = np.array([len(each["hours"]) for each in every])
    is_short = hours < 10
    bare, padded = (weight[is_short & (lengths == size)].sum() for size in (1, 2))
    fractions = np.array([len(each["fraction"] or "") for each in every])
    return ClockNotation(
        has_seconds=has_seconds,
        decimals=min(_shared(fractions, weight, min_count), MOST_DECIMALS),
        digits=1 if bare > padded else 2,
        is_elapsed=bool(_shared(beyond.astype(int), weight, min_count)),
        half=half,
    )
