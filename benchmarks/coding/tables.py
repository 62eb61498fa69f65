"""The tables that are coded: rows to fit, and held-out rows as CSV."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from benchmarks.coding.file import as_csv
from benchmarks.likelihood.binarized_mnist import CONFIG
from benchmarks.tables.data import KINDS, folder
from chainrule import datasets

SEED = 0
# The published splits are those of chainrule.datasets. Rows of the other tables are shuffled by the
# seed: 70 % train, 10 % validate, and 20 % are held out.
SPLITS = {"plants": "plants", "binarized digits": "binarized-mnist"}
TABLES = ("adult", "bank_marketing", *SPLITS)


@dataclass(frozen=True)
class Task:
    """A table's rows, and how a density is fitted to them.

    Attributes:
        name: the table.
        train, valid: rows that the fit reads, frames of text or of bits.
        held_out: the rows that are coded, a frame of text.
        options: of the fit.
        is_binary: whether all columns are bits.
    """

    name: str
    train: pl.DataFrame
    valid: pl.DataFrame
    held_out: pl.DataFrame
    options: dict[str, Any] = field(default_factory=dict)
    is_binary: bool = False


def task(name: str) -> Task:
    """Returns a table of ``TABLES``."""
    return _published(name) if name in SPLITS else _shuffled(name)


def csv_of(frame: pl.DataFrame) -> bytes:
    """Returns a frame of text or bits as CSV; empty fields are missing cells."""
    text = frame.cast(pl.String).fill_null("")
    return as_csv(text.columns, [column.to_list() for column in text])


def _shuffled(name: str) -> Task:
    path = folder() / f"{name}.csv.gz"
    whole = pl.read_csv(path, infer_schema=False).sample(fraction=1, seed=SEED, shuffle=True)
    first, second = round(0.7 * len(whole)), round(0.8 * len(whole))
    options = {"kinds": KINDS[name], "missing": "informative"}
    return Task(name, whole[:first], whole[first:second], whole[second:], options)


def _published(name: str) -> Task:
    data = datasets.load(SPLITS[name])
    train, valid, test = (_bits(rows) for rows in (data.train, data.valid, data.test))
    options: dict[str, Any] = {"network": "nade"}
    if name == "binarized digits":
        options["config"] = CONFIG
    return Task(name, train, valid, test.cast(pl.String), options, is_binary=True)


def _bits(rows: np.ndarray) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=[f"x{k}" for k in range(rows.shape[1])])
