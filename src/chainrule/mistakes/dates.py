"""Mistakes in dates: day and month exchanged, a wrong year."""

from __future__ import annotations

import numpy as np
from typing_extensions import override

from chainrule.mistakes.base import AbstractUndo, Form

YEARS = {1: 0.4, -1: 0.4, 100: 0.1, -100: 0.1}  # v − u, and how often it occurs
NO_DATE = np.datetime64("NaT", "D")


class DayMonth(AbstractUndo):
    """Day and month of u change places."""

    name = "day and month exchanged"
    holds = ("dates",)
    rate = 0.002

    @override
    def sentence(self, found: str, suggested: str) -> str:
        return f"day and month of {suggested} were exchanged"

    @override
    def originals(self, values: np.ndarray, form: Form) -> tuple[np.ndarray, np.ndarray]:
        year, month, day, rest = _parts(values)
        swapped = _date(year, day, month, rest, values.dtype)
        same = (day == month) | (day > 12)
        return np.where(same, _none(values), swapped)[:, None], np.zeros((len(values), 1))

    @override
    def results(self, value: object, form: Form) -> dict[object, float]:
        return _as_results(*self.originals(np.array([value]), form))


class YearOff(AbstractUndo):
    """The year of u is one or a hundred too large or too small."""

    name = "year"
    holds = ("dates",)
    rate = 0.001

    @override
    def sentence(self, found: str, suggested: str) -> str:
        return f"the year of {suggested} was changed"

    @override
    def originals(self, values: np.ndarray, form: Form) -> tuple[np.ndarray, np.ndarray]:
        year, month, day, rest = _parts(values)
        found = [_date(year - by, month, day, rest, values.dtype) for by in YEARS]
        shares = np.log(list(YEARS.values()))
        return np.stack(found, axis=1), np.broadcast_to(shares, (len(values), len(YEARS)))

    @override
    def results(self, value: object, form: Form) -> dict[object, float]:
        return _as_results(*self.originals(np.array([value]), form))


def _as_results(values: np.ndarray, log_share: np.ndarray) -> dict[object, float]:
    """Results from originals, of mistakes that are as likely as their inverse."""
    pairs = zip(values[0], np.exp(log_share[0]).tolist(), strict=True)
    return {value: share for value, share in pairs if not np.isnat(value)}


def _none(values: np.ndarray) -> np.ndarray:
    return np.full(len(values), np.datetime64("NaT"), dtype=values.dtype)


def _parts(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Years, months from 1, days from 1, and the time of day of dates (n,)."""
    days = values.astype("datetime64[D]")
    months = days.astype("datetime64[M]")
    years = months.astype("datetime64[Y]")
    month = (months - years.astype("datetime64[M]")).astype(np.int64) + 1
    day = (days - months.astype("datetime64[D]")).astype(np.int64) + 1
    return years.astype(np.int64) + 1970, month, day, values - days.astype(values.dtype)


def _date(
    year: np.ndarray, month: np.ndarray, day: np.ndarray, rest: np.ndarray, dtype: np.dtype
) -> np.ndarray:
    """Dates (n,) of the type; NaT where there is no such day."""
    months = ((year - 1970) * 12 + np.clip(month, 1, 12) - 1).astype("datetime64[M]")
    days = months.astype("datetime64[D]") + (day - 1).astype("timedelta64[D]")
    exists = (days.astype("datetime64[M]") == months) & (month >= 1) & (month <= 12)
    found = days.astype(dtype) + rest
    return np.where(exists, found, np.datetime64("NaT"))
