"""The tables of the benchmarks: their folder, the kinds of their columns, and their rows."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import polars as pl

# The kinds that a user of these tables would give: numbers that are labels, and two columns of
# whole numbers that have a value in between somewhere.
KINDS: dict[str, dict[str, str]] = {
    "adult": {},
    "bank_marketing": {},
    "beijing_pm25": {"PRES": "real", "TEMP": "real"},
    "online_shoppers": dict.fromkeys(
        ("OperatingSystems", "Browser", "Region", "TrafficType"), "categorical"
    ),
    "titanic": {},
}
# The column that a classifier predicts in the synthesis proof, and its positive value.
TARGETS = {
    "adult": ("income", ">50K"),
    "bank_marketing": ("y", "yes"),
    "beijing_pm25": ("cbwd", "cv"),
    "online_shoppers": ("Revenue", "TRUE"),
    "titanic": ("Survived", "1"),
}


def folder() -> Path:
    """The folder of the tables, CHAINRULE_DATA; without it, the program exits with code 2."""
    data = os.environ.get("CHAINRULE_DATA")
    if not data or not (Path(data) / "tabular").is_dir():
        print("CHAINRULE_DATA must name the folder that holds tabular/*.csv.gz", file=sys.stderr)
        raise SystemExit(2)
    return Path(data) / "tabular"


def whole_table(name: str) -> pl.DataFrame:
    """All rows of a table, in the file's order."""
    return pl.read_csv(folder() / f"{name}.csv.gz", infer_schema_length=None, null_values=[""])


def some_rows(name: str, rows: int, seed: int) -> pl.DataFrame:
    """At most so many rows, drawn and shuffled by the seed."""
    frame = whole_table(name)
    return frame.sample(min(rows, len(frame)), seed=seed, shuffle=True)
