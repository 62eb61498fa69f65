"""The rows of benchmarks/results/likelihood.csv, one for each experiment, effort and seed.

A row also has the trials of the search on validation rows.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

from benchmarks.record import RESULTS
from chainrule.atomic import write_bytes

PATH = RESULTS / "likelihood.csv"
FIELDS: tuple[str, ...] = (
    "experiment", "data", "network", "effort", "seed", "epochs", "parameters",
    "train_nats", "valid_nats", "test_nats", "test_standard_error", "independent_test_nats",
    "seconds", "second_path", "threads", "commit", "date", "chainrule", "torch", "python",
    "machine", "config", "trials",
)  # fmt: skip
NUMBERS = {
    "seed": int, "epochs": int, "parameters": int, "threads": int,
    "train_nats": float, "valid_nats": float, "test_nats": float,
    "test_standard_error": float, "independent_test_nats": float, "seconds": float,
}  # fmt: skip


def read(path: Path = PATH) -> list[dict[str, Any]]:
    """All rows, with numbers as numbers."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [
            {k: NUMBERS[k](v) if k in NUMBERS else v for k, v in row.items()}
            for row in csv.DictReader(file)
        ]


def add(row: dict[str, Any], path: Path = PATH) -> None:
    """Appends a row, or replaces the row with its key; the file is complete at all times."""
    kept = [each for each in read(path) if key_of(each) != key_of(row)]
    text = io.StringIO()
    writer = csv.DictWriter(text, FIELDS, lineterminator="\n")
    writer.writeheader()
    writer.writerows([*kept, row])
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, text.getvalue().encode())


def key_of(row: dict[str, Any]) -> tuple[str, str, int]:
    """The key of a row: experiment, effort and seed."""
    return row["experiment"], row["effort"], int(row["seed"])
