"""What the page is about: a model and a table, and what several sections ask of them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from chainrule.missing import is_flag
from chainrule.model import Model
from chainrule.review.cells import polars_frame
from chainrule.table import Codes, Table, column_positions, encode, read_table
from chainrule.table.values.cells import is_observed

MOST_ROWS = 5_000  # of the table, on which figures are measured
MOST_NAMED = 3  # at the top of the page
MOST_LEFT = 8  # columns that are named as not modelled


@dataclass(frozen=True)
class Asked:
    """What the page is about.

    Attributes:
        model: schema and network.
        table: all rows.
        training: the density's training record.
        seed: of what is drawn.
        new: rows that are compared with the table; None if there are none.
    """

    model: Model
    table: Table
    training: Mapping[str, Any]
    seed: int
    new: Any = None

    @cached_property
    def some(self) -> Table:
        """At most 5,000 rows, drawn by the seed, in their order."""
        if len(self.table) <= MOST_ROWS:
            return self.table
        generator = np.random.default_rng(self.seed)
        return self.table.take(np.sort(generator.choice(len(self.table), MOST_ROWS, replace=False)))

    @cached_property
    def codes(self) -> Codes:
        """The codes of all rows."""
        with unseen():
            return encode(self.table, self.model.schema, warn=False)

    @cached_property
    def missing(self) -> np.ndarray:
        """Which cells of the model's columns are missing, bool (N, D); none of flags."""
        return ~self.codes.observed_or_outside & ~is_flag(self.model.schema)

    @property
    def cells(self) -> int:
        """The number of cells of the model's columns."""
        return len(self.table) * len(self.shown)

    @property
    def known_cells(self) -> int:
        """The number of those that are not missing."""
        return self.cells - int(self.missing.sum())

    @property
    def shown(self) -> list[Any]:
        """The names of the model's columns that are no flags."""
        return [column.name for column in self.model.schema.columns_without_flags]

    @property
    def any_evidence(self) -> bool:
        """Whether any cells may be unknown; without it, questions about single cells have none."""
        return self.model.any_evidence

    @cached_property
    def unmodelled(self) -> dict[str, tuple[int, str]]:
        """The table's columns that the model leaves out, with missing cells and the reason."""
        at, found = column_positions(self.table, self.model.schema), {}
        for out in self.model.schema.left_out:
            if (position := at.get(out.name)) is not None:
                missing = ~is_observed(self.table.columns[position])
                found[str(self.table.labels_of_columns[position])] = int(missing.sum()), out.reason
        return found

    def missing_by_column(self) -> list[tuple[str, int, str | None]]:
        """Each column of the table or the model with its missing cells, most first.

        The third value is the reason why the model leaves a column out; None if it does not.
        """
        counts, number = self.missing.sum(0), self.model.schema.number
        found = [(str(name), int(counts[number(name)]), None) for name in self.shown]
        found += [(name, *each) for name, each in self.unmodelled.items()]
        return sorted(found, key=lambda each: -each[1])


def facts(asked: Asked) -> str:
    """One line: how many rows and columns, and which of these the model leaves out."""
    out = list(asked.unmodelled)
    said = f"{len(asked.table):,} rows, {len(asked.shown) + len(out)} columns"
    if out:
        verb = "is" if len(out) == 1 else "are"
        more = f" and {len(out) - MOST_LEFT} more" if len(out) > MOST_LEFT else ""
        said += f", of which {len(out)} {verb} not modelled ({', '.join(out[:MOST_LEFT])}{more})"
    return f"{said}. Rows count from 0."


def as_polars(frame: Any) -> Any:
    """An answer of any kind as a polars frame."""
    return polars_frame(read_table(frame))


@contextmanager
def unseen() -> Iterator[None]:
    """Hides warnings about single cells, which the page shows itself."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        yield
