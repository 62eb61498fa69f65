"""Published mean test log-likelihoods in nats, from published.csv; higher is better.

``kind`` is exact, a bound or an estimate. ``checked`` is the verification of a figure: seen in the
paper, seen in a paper that cites it, computed from logs or data, or from memory alone.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

PATH = Path(__file__).parent / "published.csv"


@dataclass(frozen=True)
class Published:
    """One published figure."""

    data: str
    model: str
    nats: float
    kind: str
    checked: str
    source: str


def published(data: str | None = None) -> list[Published]:
    """All figures, or those of one data set."""
    with PATH.open(encoding="utf-8", newline="") as file:
        rows = [Published(**{**row, "nats": float(row["nats"])}) for row in csv.DictReader(file)]  # type: ignore[arg-type]
    return [row for row in rows if data is None or row.data == data]


def best(data: str) -> Published | None:
    """The best exact figure of a data set; bounds and importance estimates do not count."""
    return max(
        (row for row in published(data) if row.kind == "exact"),
        key=lambda row: row.nats,
        default=None,
    )
