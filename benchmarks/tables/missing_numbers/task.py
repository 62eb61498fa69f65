"""A sample of a table, with and without holes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

import chainrule as cr
from benchmarks.tables.coded import Coded, coded
from benchmarks.tables.data import KINDS, some_rows
from benchmarks.tables.imputation import with_holes
from benchmarks.tables.masses.tables import LEFT_OUT
from benchmarks.tables.missing_numbers.holes import holes

ROWS = 5_000  # so that all methods, tables, mechanisms and seeds take a day on two cores


@dataclass(frozen=True)
class Task:
    """What all methods get, and what their fills are compared with.

    Attributes:
        name: the table.
        seed: of the sample, the holes and the methods.
        whole: the sample without holes.
        schema: its columns.
        holes: the mask (N, D) of the removed cells.
    """

    name: str
    seed: int
    whole: pl.DataFrame
    schema: cr.Schema
    holes: np.ndarray

    @cached_property
    def given(self) -> pl.DataFrame:
        """The sample with holes."""
        return with_holes(self.whole, self.schema, self.holes)

    @cached_property
    def truth(self) -> Coded:
        """The sample without holes, numbers in its standard deviations."""
        return self.coded(self.whole)

    def coded(self, frame: pl.DataFrame) -> Coded:
        """A table in the units and with the level numbers of ``truth``."""
        return coded(frame, self.schema, like=self.whole)


def task(name: str, mechanism: str, seed: int, rows: int = ROWS) -> Task:
    """At most so many rows of a table, drawn by the seed, and the cells to remove."""
    whole = some_rows(name, rows, seed).drop(LEFT_OUT.get(name, ()))
    schema = cr.infer_schema(whole, kinds=KINDS[name])
    values = coded(whole, schema).values
    return Task(name, seed, whole, schema, holes(values, mechanism, seed))
