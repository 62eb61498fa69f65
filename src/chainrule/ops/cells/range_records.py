"""Ties as the kernels read them: a few integers and floats for each."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

# The kinds of ties, and the fields of a record as the kernel reads it.
LINEAR, PRODUCT, FUNCTIONAL, QUOTIENT = range(4)
KIND, COLUMN, FIRST_TERM, TERMS, OWN, FIRST_END, OPEN_ENDS, FIRST_LEVEL, LEVELS = range(9)
LEAST, MOST, SLACK = range(3)
SCALE, OFFSET = range(2)  # of a term
UNKNOWN = -1  # a level of which a functional tie says nothing


@dataclass(frozen=True)
class RangeRecord:
    """A tie and the column to which it leaves a range, in numbers.

    Attributes:
        kind: one of the kinds above.
        column: the column whose range is computed.
        columns: the columns of the tie; a functional tie has source and target.
        scales: the coefficients of a weighted sum, or the scales of a product's or a quotient's
            columns.
        offsets: of a product's or a quotient's columns.
        least: of a weighted sum.
        most: of a weighted sum.
        slack: of a product or a quotient.
        ends: (column, least, most) of columns that leave a range if they alone are unknown.
        levels: of a functional tie.
    """

    kind: int
    column: int
    columns: tuple[int, ...]
    scales: tuple[int, ...] = ()
    offsets: tuple[int, ...] = ()
    least: float = -math.inf
    most: float = math.inf
    slack: float = 0.0
    ends: tuple[tuple[int, float, float], ...] = ()
    levels: tuple[int, ...] = ()


@dataclass(frozen=True)
class RangeRecords:
    """The records of all ranges, in the order of the results."""

    records: tuple[RangeRecord, ...]

    @cached_property
    def arrays(self) -> tuple[torch.Tensor, ...]:
        """Integers and floats of the ties; columns and floats of their terms and ends; levels."""
        spec, numbers, columns, terms, ends, levels = [], [], [], [], [], []
        for each in self.records:
            own = len(columns) + each.columns.index(each.column)
            counts = len(ends), len(each.ends), len(levels), len(each.levels)
            spec.append([each.kind, each.column, len(columns), len(each.columns), own, *counts])
            numbers.append([each.least, each.most, each.slack])
            nothing = (0,) * len(each.columns)
            columns += each.columns
            terms += zip(each.scales or nothing, each.offsets or nothing, strict=True)
            ends += each.ends
            levels += each.levels
        arrays = (
            np.array(spec, np.int64),
            np.array(numbers, np.float64),
            np.array(columns, np.int64),
            np.array(terms, np.float64),
            np.array([column for column, _, _ in ends], np.int64),
            np.array([pair for _, *pair in ends], np.float64).reshape(len(ends), 2),
            np.array(levels, np.float64),
        )
        return tuple(torch.from_numpy(array) for array in arrays)
