"""Wall time: what the clocks of a zone show, and the instants of which they show it."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from chainrule.table.values.json_values import zone_called

FIRST_YEAR, LAST_YEAR = 1900, 2100  # a zone's offsets at the ends hold beyond these years
APART_S = 7 * 86_400  # an offset that holds for a shorter time may be missed
ZONE = re.compile(
    r"datetime64\[\w+, (.+)\]|timestamp\[\w+, tz=(.+)\]|"
    r"Datetime\(time_unit='\w+', time_zone='([^']*)'\)|(?:datetime|Timestamp)\[(.+)\]"
)


@dataclass(frozen=True)
class Offsets:
    """The offsets of a zone from UTC: piece i has offset ``seconds[i]`` up to ``ends[i]``.

    Attributes:
        ends: the instants at which clocks are changed, seconds since 1970 in UTC, (P − 1,).
        seconds: wall time less UTC, (P,).
    """

    ends: np.ndarray
    seconds: np.ndarray

    def to_wall(self, ticks: np.ndarray, per_second: int) -> np.ndarray:
        """Wall times (N,) of instants (N,), both int64 ticks since 1970."""
        piece = np.searchsorted(self.ends * per_second, ticks, side="right")
        return ticks + self.seconds[piece] * per_second

    def to_utc(self, ticks: np.ndarray, per_second: int) -> np.ndarray:
        """The first instants (N,) at which clocks show wall times (N,) or, if none do, a later one.

        A wall time that clocks skip is moved on by as much as they are.
        """
        ends = self.ends * per_second
        seconds = self.seconds * per_second
        # The first piece whose own clocks have not shown the wall time yet when it ends.
        piece = np.searchsorted(np.maximum.accumulate(ends + seconds[:-1]), ticks, side="right")
        if not len(ends):
            return ticks - seconds[0]
        before = np.maximum(piece - 1, 0)
        skipped = (piece > 0) & (ticks < ends[before] + seconds[piece])
        return ticks - seconds[np.where(skipped, before, piece)]


def zone_in(dtype: str) -> str:
    """The zone in the name of a column's type, in any container; "" if there is none.

    >>> zone_in("datetime64[ns, Europe/Berlin]"), zone_in("datetime64[ns]")
    ('Europe/Berlin', '')
    """
    found = ZONE.fullmatch(dtype)
    return next((group for group in found.groups() if group), "") if found else ""


@lru_cache(maxsize=64)
def offsets_of(zone: str) -> Offsets | None:
    """The offsets of a zone; None if its clocks show UTC, or this machine does not know it."""
    try:
        clock = zone_called(zone)
    except (LookupError, ValueError, OSError):
        return None
    first, last = (
        int(datetime.datetime(year, 1, 1, tzinfo=datetime.UTC).timestamp())
        for year in (FIRST_YEAR, LAST_YEAR)
    )
    ends, seconds = [], [_offset(clock, first)]
    for left in range(first, last, APART_S):
        right = left + APART_S
        while _offset(clock, right) != seconds[-1]:  # several changes may lie in between
            low, high = left, right
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (
                    (middle, high) if _offset(clock, middle) == seconds[-1] else (low, middle)
                )
            ends.append(high)
            seconds.append(_offset(clock, high))
            left = high
    if not any(seconds):
        return None
    return Offsets(np.array(ends, dtype=np.int64), np.array(seconds, dtype=np.int64))


def _offset(clock: Any, second: int) -> int:
    """The offset in seconds at an instant."""
    at = datetime.datetime.fromtimestamp(second, datetime.UTC).astimezone(clock)
    offset = at.utcoffset()
    return 0 if offset is None else int(offset.total_seconds())
