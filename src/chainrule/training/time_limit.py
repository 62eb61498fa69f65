"""The time limit of a fit, from its call to its return."""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass, field

RECORD_SHARE = 0.1  # the share of the limit that is kept for the record of the fit
LEAST_S = 0.001  # of a fit for which no time is left


@dataclass(frozen=True)
class TimeLimit:
    """A number of seconds, or None for no limit, and when they began.

    Reading and encoding the table come first, then training. The end is kept for the record: the
    nats of validation rows, the spread between orders and the calibration.
    """

    seconds: float | None
    began: float = field(default_factory=lambda: time.perf_counter())

    @property
    def of_record(self) -> float | None:
        """Seconds for the record."""
        return None if self.seconds is None else RECORD_SHARE * self.seconds

    def of_next(self, fits: int) -> float | None:
        """Seconds for the next of so many fits, which share what is left of the limit."""
        if self.seconds is None:
            return None
        used = time.perf_counter() - self.began
        return max((self.seconds - used) / fits, LEAST_S)

    def of_training(self) -> float | None:
        """Seconds for training, when the table has been read.

        Warns if none are left. Nothing is trained then, and columns are independent.
        """
        if self.seconds is None or self.of_record is None:
            return None
        used = time.perf_counter() - self.began
        if (left := self.seconds - self.of_record - used) > 0:
            return left
        warnings.warn(
            f"time_limit_s = {self.seconds:g}: reading the table took {used:.1f} s, so nothing was "
            "trained and all columns are independent; pass a longer limit or fewer rows",
            stacklevel=3,
        )
        return 0.0
