"""Times with a colon: how cells of text or of a frame become numbers, and back."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
from typing_extensions import override

from chainrule.errors import SchemaError
from chainrule.table.text.times import (
    CELLS,
    HOUR,
    MINUTE,
    MOST_DECIMALS,
    AbstractTimes,
    seconds_of,
    shared,
)

HOURS_OF_DAY, HALF = 24, 12
EXAMPLE = 7 * HOUR + 30 * MINUTE  # 07:30
CELL = re.compile(
    r"(?P<minus>-)?(?:(?P<days>[0-9]{1,7})(?P<word> days?,? )\+?)?(?P<hours>[0-9]{1,7})"
    r"(?::(?P<minutes>[0-5][0-9])(?::(?P<seconds>[0-5][0-9])(?:\.(?P<fraction>[0-9]{1,9}))?)?)?"
    r"(?P<half>[ \u00a0\u202f]?[AaPp]\.?[Mm]\.?)?",
    re.ASCII,
)
OPTIONAL = ("whole_hours", "days", "day", "omits_days")  # files name them where they are used


@dataclass(frozen=True, kw_only=True)
class ClockNotation(AbstractTimes):
    """Times with a colon: ``07:30``, ``7:30 pm``, ``26:15:00``, ``0 days 14:06:43``; also ``7 pm``.

    Their numbers are minutes since midnight, or seconds if cells have seconds. Times of a day end
    before 24:00; elapsed times have no end, and may be negative.

    Attributes:
        has_seconds: whether cells have seconds. Then they are the unit, or else minutes are.
        digits: least number of digits of hours, as most cells have it.
        is_elapsed: whether cells may have 24 hours or more, or a minus sign.
        half: how the first half of a day is written, as `` AM`` or ``a.m.``; "" for 24 hours.
        whole_hours: whether whole hours have no minutes, as in 7 pm.
        days: what stands between days and hours, such as `` days ``; "" if hours count on.
        day: the same behind one day.
        omits_days: whether elapsed times of less than a day have no days.
    """

    has_seconds: bool = False
    digits: int = 2
    is_elapsed: bool = False
    half: str = ""
    whole_hours: bool = False
    days: str = ""
    day: str = ""
    omits_days: bool = False

    def __post_init__(self) -> None:
        sound = (
            0 <= self.decimals <= (MOST_DECIMALS if self.has_seconds else 0)
            and 1 <= self.digits <= 2
            and (not self.half or re.fullmatch(r"[ \u00a0\u202f]?[Aa]\.?[Mm]\.?", self.half))
            and not (self.half and self.is_elapsed)
            and not (self.whole_hours and not self.half)
            and all(re.fullmatch("| days?,? ", word) for word in (self.days, self.day))
            and not (self.days and not self.is_elapsed)
            and not ((self.day or self.omits_days) and not self.days)
            and self.cells in CELLS
        )
        if not sound:
            raise SchemaError(f"{self!r} is no notation of times")

    @property
    @override
    def ends(self) -> tuple[int, int] | tuple[float, float] | None:
        if self.is_elapsed:
            return None
        units = HOURS_OF_DAY * HOUR // self.unit
        return (0.0, units - 10.0**-self.decimals) if self.decimals else (0, units - 1)

    @property
    @override
    def unit(self) -> int:
        return 1 if self.has_seconds else MINUTE

    @override
    def describe(self) -> str:
        """Describes the notation with an example, for a line of a schema.

        >>> ClockNotation(half=" AM", digits=1).describe()
        'times written 7:30 AM'
        """
        example = self.text_of((7 * HOUR if self.whole_hours else EXAMPLE) // self.unit)
        return f"{'elapsed times' if self.is_elapsed else 'times'} written {example}"

    @override
    def to_json(self) -> dict[str, Any]:
        spec = {"of": "times", **asdict(self)}
        return {name: value for name, value in spec.items() if value or name not in OPTIONAL}

    @cached_property
    def _afternoon(self) -> str:
        return self.half.replace("a", "p").replace("A", "P")

    @override
    def number_of(self, cell: str) -> float | None:
        """The minutes or seconds of a cell.

        >>> ClockNotation().number("07:30"), ClockNotation().number(datetime.time(7, 30))
        (450, 450.0)
        """
        found = match(cell)
        if found is None or bool(found["half"]) != bool(self.half):
            return None
        if found["days"] is not None and not self.days:
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
        sign = -1 if found["minus"] else 1
        days, of_days = int(found["days"] or 0), 1
        if days or found["days"] is not None:  # -1 days +23:00 is an hour before midnight
            of_days, sign = sign, 1
        whole = (of_days * days * HOURS_OF_DAY + hours) * 60 + int(found["minutes"] or 0)
        if self.has_seconds:
            whole = whole * 60 + seconds
        if not fraction:
            return sign * whole
        return sign * (
            float(f"{whole}.{fraction}") if whole >= 0 else whole + float(f".{fraction}")
        )

    @override
    def text_of(self, value: float) -> str:
        """Minutes or seconds as text.

        >>> ClockNotation(has_seconds=True, is_elapsed=True).text_of(94500.0)
        '26:15:00'
        """
        ticks, day = round(value * 10**self.decimals), ""
        if self.days:
            days, ticks = divmod(ticks, HOURS_OF_DAY * HOUR // self.unit * 10**self.decimals)
            word = self.day if self.day and abs(days) == 1 else self.days
            plus = "+" if days < 0 and "," not in word else ""
            day = "" if not days and self.omits_days else f"{days}{word}{plus}"
        whole, fraction = divmod(abs(ticks), 10**self.decimals)
        minutes, seconds = divmod(whole, 60) if self.has_seconds else (whole, 0)
        hours, minutes = divmod(minutes, 60)
        mark = ""
        if self.half:
            mark = self.half if hours < HALF else self._afternoon
            hours = (hours - 1) % HALF + 1
        tail = "" if self.whole_hours and not minutes else f":{minutes:02d}"
        tail += f":{seconds:02d}" if self.has_seconds else ""
        tail += f".{fraction:0{self.decimals}d}" if self.decimals else ""
        sign = "-" if ticks < 0 else ""
        return f"{day}{sign}{hours:0{self.digits}d}{tail}{mark}"


def match(cell: str) -> re.Match[str] | None:
    """The parts of a cell; None if it is no time. Hours alone need am or pm."""
    found = CELL.fullmatch(cell)
    if found is None or (found["minutes"] is None and not found["half"]):
        return None
    has_day = found["days"] is not None
    return None if has_day and (found["half"] or int(found["hours"]) >= HOURS_OF_DAY) else found


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
    most = shared(digits, weight, min_count)
    return ClockNotation(
        has_seconds=most > 0,
        decimals=max(most - 1, 0),
        is_elapsed=bool(found[0]),
        cells=CELLS[1 + found[0]],
    )


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
    found = [match(cell) for cell in cells]
    if not found or not all(found):
        return None
    every = [each.groupdict() for each in found if each is not None]
    halves = {(each["half"] or "").replace("p", "a").replace("P", "A") for each in every}
    seconds = {each["seconds"] is not None for each in every}
    if len(halves) > 1 or len(seconds) > 1:
        return None
    (half,), (has_seconds,) = halves, seconds
    hours = np.array([int(each["hours"]) for each in every])
    has_days = np.array([each["days"] is not None for each in every])
    beyond = np.array([bool(each["minus"]) for each in every]) | (hours >= HOURS_OF_DAY) | has_days
    if half and (beyond.any() or not ((hours >= 1) & (hours <= HALF)).all()):
        return None
    lengths = np.array([len(each["hours"]) for each in every])
    is_short = hours < 10
    bare, padded = (weight[is_short & (lengths == size)].sum() for size in (1, 2))
    fractions = np.array([len(each["fraction"] or "") for each in every])
    is_whole = np.array([each["minutes"] is None for each in every])
    is_zero = np.array([each["minutes"] == "00" for each in every])
    return ClockNotation(
        has_seconds=has_seconds,
        decimals=min(shared(fractions, weight, min_count), MOST_DECIMALS),
        digits=1 if bare > padded else 2,
        is_elapsed=bool(shared(beyond.astype(int), weight, min_count)),
        half=half,
        whole_hours=bool(weight[is_whole].sum() > weight[is_zero].sum()),
        **_days(every, weight, min_count),
    )


def _days(
    every: Sequence[dict[str, str | None]], weight: np.ndarray, min_count: int
) -> dict[str, Any]:
    """How days stand before the hours, if at least ``min_count`` rows have some."""
    counts: dict[bool, dict[str, int]] = {False: {}, True: {}}  # by whether it is one day
    for each, rows in zip(every, weight.tolist(), strict=True):
        if each["days"] is not None and each["word"] is not None:
            words = counts[int(each["days"]) == 1]
            words[each["word"]] = words.get(each["word"], 0) + rows
    rows = sum(sum(words.values()) for words in counts.values())
    if rows < min(min_count, weight.sum()):
        return {}
    one, many = (max(words, key=words.__getitem__, default="") for words in
                 (counts[True], counts[False]))  # fmt: skip
    many = many or one.replace(" day ", " days ").replace(" day,", " days,")
    day = one if one != many and counts[True].get(one, 0) >= min_count else ""
    return {"days": many, "day": day, "omits_days": bool(rows < weight.sum())}
