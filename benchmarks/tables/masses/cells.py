"""The sets of the measure: labels, and the rounding cells of numbers; see the package."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

MOST_DECIMALS = 6
ODD = 1e-3  # the share of known values that may have more decimals than the column
FULL_PRECISION = 1e-6  # width of a cell, in standard deviations, if decimals never end
RELATIVE = 1e-12  # rounding error of a decimal number, as a share of it


@dataclass(frozen=True)
class Cells:
    """The sets of one table.

    Attributes:
        names: the columns, in the table's order.
        labels: the labels of the training rows as text, sorted; () for a column of numbers.
        widths: 2 h of numbers, and of dates in microseconds; 0 for labels.
        are_dates: which columns hold dates.
    """

    names: tuple[str, ...]
    labels: tuple[tuple[str, ...], ...]
    widths: tuple[float, ...]
    are_dates: tuple[bool, ...]

    @property
    def is_label(self) -> np.ndarray:
        """The mask (D,) of the columns of labels."""
        return np.array(self.widths) == 0

    def values(self, frame: pl.DataFrame) -> np.ndarray:
        """(N, D): numbers as they are, labels by their place, and NaN where unknown.

        Dates are microseconds since 1970. The place after the last label is that of all labels
        that no training row has.
        """
        found = np.full((len(frame), len(self.names)), np.nan)
        for k, name in enumerate(self.names):
            if self.widths[k]:
                found[:, k] = as_numbers(frame[name]).to_numpy()
            else:
                place = {label: number for number, label in enumerate(self.labels[k])}
                cells = frame[name].cast(pl.String).to_list()
                new = len(place)
                found[:, k] = [np.nan if v is None else place.get(v, new) for v in cells]
        return found

    def numbers(self, values: np.ndarray) -> np.ndarray:
        """The numbers (N, D) of the sets: places of labels, and multiples of 2 h that are nearest
        to numbers."""
        return np.where(self.is_label, values, np.round(values / self._divisors))

    @property
    def _divisors(self) -> np.ndarray:
        return np.where(self.is_label, 1.0, np.array(self.widths))


def cells_of(
    whole: pl.DataFrame, train: pl.DataFrame, kinds: Mapping[str, str], left_out: tuple[str, ...]
) -> Cells:
    """The sets of a table.

    Args:
        whole: all its rows; the decimals of its numbers are counted.
        train: the training rows; their labels are listed.
        kinds: the kinds of some columns, as ``chainrule.fit`` takes them.
        left_out: columns that no density models.
    """
    names = [name for name in whole.columns if name not in left_out]
    labels, widths, are_dates = [], [], []
    for name in names:
        series = whole[name]
        is_date = series.dtype.is_temporal()
        is_number = series.dtype.is_numeric() and kinds.get(name) not in ("categorical", "binary")
        is_label = not (is_date or is_number)
        known = train[name].drop_nulls().cast(pl.String).unique().sort() if is_label else []
        labels.append(tuple(known))
        numbers = None if is_label else as_numbers(series.drop_nulls()).to_numpy()
        width = date_width_of if is_date else width_of
        widths.append(0.0 if numbers is None else width(numbers))
        are_dates.append(is_date)
    return Cells(tuple(names), tuple(labels), tuple(widths), tuple(are_dates))


def as_numbers(series: pl.Series) -> pl.Series:
    """Numbers, or dates as microseconds since 1970, in float64; null where unknown."""
    if series.dtype.is_temporal():
        series = series.cast(pl.Datetime("us")).cast(pl.Int64)
    return series.cast(pl.Float64)


def date_width_of(known: np.ndarray) -> float:
    """The coarsest of day, hour, minute, second and microsecond in which dates (n,) are written.

    >>> date_width_of(np.array([0.0, 3.6e9])) / 3.6e9
    1.0
    """
    for seconds in (86_400, 3_600, 60, 1):
        if np.mean(known % (1e6 * seconds) != 0) <= ODD:
            return 1e6 * seconds
    return 1.0


def width_of(known: np.ndarray) -> float:
    """The unit of the last decimal of a column's known numbers (n,).

    >>> width_of(np.array([0.25, 0.5, 3.0])), width_of(np.array([20.0, 35.0]))
    (0.01, 1.0)
    """
    known = known.astype(np.float64)
    for decimals in range(MOST_DECIMALS + 1):
        away = np.abs(known - np.round(known, decimals))
        if np.mean(away > RELATIVE * np.maximum(np.abs(known), 1e-3)) <= ODD:
            return 10.0**-decimals
    return FULL_PRECISION * float(known.std())
