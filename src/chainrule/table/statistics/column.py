"""What all rows of one column show, in bounded memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from chainrule.table.statistics.labels import Labels
from chainrule.table.statistics.weighted import Weighted
from chainrule.table.table import Table
from chainrule.table.values.cells import as_numbers, is_observed

HASHED = (str, bytes, bool, float, int, type(None))


@dataclass(frozen=True)
class ColumnStatistics:
    """What all rows of a column show.

    Attributes:
        rows: number of rows seen.
        known: number of rows whose cell is not missing.
        numbers: the different numbers or dates; None for columns of objects.
        labels: the different cells of a column that holds text, as written; else None.
    """

    rows: int
    known: int
    numbers: Weighted | None = None
    labels: Labels | None = None

    @classmethod
    def of(cls, table: Table, position: int) -> Self:
        """The statistics of a column of a table.

        Raises:
            SchemaError: an infinite number.
        """
        values = table.columns[position]
        observed = is_observed(values)
        rows, known = len(values), int(observed.sum())
        if values.dtype.kind in "biufM":
            if values.dtype.kind == "f" and np.isinf(values).any():
                as_numbers(table.names[position], values, table.where)  # names the row
            return cls(rows, known, Weighted.of(values if known == rows else values[observed]))
        kinds = set(map(type, values)) if values.dtype.kind == "O" else {str}
        if str not in kinds or not all(issubclass(kind, HASHED) for kind in kinds):
            return cls(rows, known)
        return cls(rows, known, None, Labels.of(table.labels(position), table.first_row))

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """The statistics of several parts of a column, in the order of their rows."""
        rows, known = sum(part.rows for part in parts), sum(part.known for part in parts)
        some = [part for part in parts if part.known]
        numbers = [part.numbers for part in some if part.numbers is not None]
        labels = [part.labels for part in some if part.labels is not None]
        if some and len(numbers) == len(some):
            return cls(rows, known, Weighted.joined(numbers))
        if some and len(labels) == len(some):
            return cls(rows, known, None, Labels.joined(labels))
        return cls(rows, known)
