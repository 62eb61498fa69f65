"""The rows of each table and what a person who knows it says of its numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from benchmarks.tables.data import KINDS, some_rows, whole_table
from benchmarks.tables.masses.cells import Cells, cells_of

ROWS = 10_000
SMALL = "small"  # a made table, for tests
# Row numbers and free text, which no density models.
LEFT_OUT: dict[str, tuple[str, ...]] = {
    "beijing_pm25": ("No",),
    "titanic": ("PassengerId", "Name", "Ticket", "Cabin"),
}
Bounds = dict[str, tuple[float | None, float | None]]
_FROM_0 = (0.0, None)
# The least and the largest possible number of a column; None if there is no evident bound.
BOUNDS: dict[str, Bounds] = {
    "adult": {
        "age": (17.0, 90.0),
        "fnlwgt": _FROM_0,
        "education-num": (1.0, 16.0),
        "capital-gain": (0.0, 99999.0),
        "capital-loss": _FROM_0,
        "hours-per-week": (1.0, 99.0),
    },
    "bank_marketing": {
        "age": _FROM_0,
        "balance": (None, None),
        "day": (1.0, 31.0),
        "duration": _FROM_0,
        "campaign": (1.0, None),
        "pdays": (-1.0, None),
        "previous": _FROM_0,
    },
    "beijing_pm25": {
        "year": (2010.0, 2014.0),
        "month": (1.0, 12.0),
        "day": (1.0, 31.0),
        "hour": (0.0, 23.0),
        "pm2.5": _FROM_0,
        "DEWP": (None, None),
        "TEMP": (None, None),
        "PRES": _FROM_0,
        "Iws": _FROM_0,
        "Is": _FROM_0,
        "Ir": _FROM_0,
    },
    "online_shoppers": {
        **dict.fromkeys(
            (
                "Administrative",
                "Administrative_Duration",
                "Informational",
                "Informational_Duration",
                "ProductRelated",
                "ProductRelated_Duration",
                "PageValues",
            ),
            _FROM_0,
        ),
        "BounceRates": (0.0, 0.2),
        "ExitRates": (0.0, 0.2),
        "SpecialDay": (0.0, 1.0),
    },
    "titanic": {
        "Pclass": (1.0, 3.0),
        "Age": _FROM_0,
        "SibSp": _FROM_0,
        "Parch": _FROM_0,
        "Fare": _FROM_0,
    },
    SMALL: {"share": (0.0, 1.0), "amount": _FROM_0, "count": _FROM_0},
}


@dataclass(frozen=True)
class Task:
    """One table's rows for one seed.

    Attributes:
        name: the table.
        kinds: the kinds of some columns.
        parts: training, validation and test rows.
        cells: the measure.
    """

    name: str
    kinds: dict[str, str]
    parts: tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]
    cells: Cells

    @property
    def values(self) -> list[np.ndarray]:
        """The values (N, D) of the parts."""
        return [self.cells.values(part) for part in self.parts]


def task(name: str, seed: int) -> Task:
    """70, 10 and 20 % of at most 10,000 rows, as in proof 1, and the measure of the table."""
    whole = small_table() if name == SMALL else whole_table(name)
    out = LEFT_OUT.get(name, ())
    frame = small_table(seed) if name == SMALL else some_rows(name, ROWS, seed)
    frame = frame.drop(out)
    first, second = round(0.7 * len(frame)), round(0.8 * len(frame))
    parts = frame[:first], frame[first:second], frame[second:]
    kinds = KINDS.get(name, {})
    return Task(name, kinds, parts, cells_of(whole, parts[0], kinds, out))


def small_table(seed: int = 0, rows: int = 300) -> pl.DataFrame:
    """Labels, counts, amounts with two decimals and many zeros, and shares of full precision."""
    rng = np.random.default_rng(seed)
    label = rng.choice(["a", "b", "c"], rows, p=[0.5, 0.3, 0.2])
    size = 1.0 + 2.0 * (label == "a")
    amount = np.where(rng.random(rows) < 0.3, 0, np.round(rng.lognormal(size), 2))
    count = rng.poisson(2 * size)
    share = rng.beta(2 * size, 3)
    frame = pl.DataFrame({"label": label, "count": count, "amount": amount, "share": share})
    holes = rng.random(rows) < 0.1
    return frame.with_columns(
        pl.when(pl.Series(holes)).then(None).otherwise(pl.col("amount")).alias("amount")
    )
