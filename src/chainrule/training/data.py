"""The data of a fit: a table read, split and encoded."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from chainrule.arguments import DEFAULT_TIES, MIN_COUNT
from chainrule.baselines import IndependentColumns
from chainrule.errors import printable
from chainrule.model import Model, columns_of
from chainrule.networks import Columns
from chainrule.scratch import ScratchFolder
from chainrule.table import (
    Reading,
    Schema,
    Table,
    beyond_bounds,
    describe_missing,
    read_table,
    read_table_lazily,
    with_broken_bounds,
)
from chainrule.training.batches import Rows
from chainrule.training.calibration import HeldOut
from chainrule.training.config import FitConfig
from chainrule.training.groups import Groups, schema_beside
from chainrule.training.initial_rows import complete_rows, other_rows, without_rare_values
from chainrule.training.linear import with_linear_relations
from chainrule.training.rows import checked_weight, encoded, split

MOST_SHOWN = 60  # tables with more columns are summarised, others get a line for each column


@dataclass(frozen=True)
class TrainingData:
    """A table as a fit needs it.

    Attributes:
        schema: the columns of the table.
        columns: the columns of a network over it.
        train: the training rows.
        valid: the validation rows.
        valid_table: the validation rows as a table; of a fixed order, those within all bounds.
        calibration_rows: validation rows at full precision, for the calibration.
        filled: codes (n, D) of evenly spaced training rows, with missing cells filled.
        initial: codes (n, D) from which a network's first parameters are computed.
        independent: independent columns, fitted to the training rows.
        groups: the groups of the table's rows, which no split divides; None without groups.
        folder: the folder of memory-mapped rows; None if the rows are in memory.
    """

    schema: Schema
    columns: Columns
    train: Rows
    valid: Rows
    valid_table: Table
    calibration_rows: HeldOut
    filled: torch.Tensor
    initial: torch.Tensor
    independent: IndependentColumns
    groups: Groups | None = None
    folder: ScratchFolder | None = None

    def independent_model(self) -> Model:
        """The independent columns as a model: it follows no ties."""
        return Model(replace(self.schema, ties=()), self.independent)


def training_data(
    table: Any,
    valid: Any,
    config: FitConfig,
    *,
    kinds: Mapping[str, Any] | Schema | None = None,
    missing: str = "unknown",
    ties: str | Sequence[str | tuple[str, str]] = DEFAULT_TIES,
    strict: bool = False,
    min_count: int = MIN_COUNT,
    sample_weight: Any = None,
    groups: Any = None,
    learns_from_missing: bool,
    generator: torch.Generator,
    progress: bool = False,
) -> TrainingData:
    """Reads and encodes a table; without ``valid``, the generator draws validation rows from it.

    Args:
        table: as for ``fit``.
        valid: validation rows, or None.
        config: the conditional of real columns, and the share of rows to hold out.
        kinds: the kind of some columns.
        missing: "unknown" or "informative".
        ties: as for ``fit``.
        strict: raise if columns would be left out.
        min_count: how many rows make a level, an atom or a number of a model file.
        sample_weight: how much each row of the table counts.
        groups: the name of a column or a key for each row; rows of one group stay together.
        learns_from_missing: whether missing cells are allowed in training rows.
        generator: draws the rows to hold out.
        progress: print the assumed kinds of the columns to stderr.
    """
    reading = kinds.reading if isinstance(kinds, Schema) else None
    rows, folder, weight, together = _counted(table, reading, sample_weight, groups)
    schema = schema_beside(
        together, rows, kinds=kinds, min_count=min_count, strict=strict, missing=missing, ties=ties
    )
    if progress:
        print(
            "\n".join([_assumptions(schema), *describe_missing(rows.missing, schema)]),
            file=sys.stderr,
        )
    own, beyond = None, {}
    if valid is not None:
        own = read_table(valid, source="the validation table", reading=schema.reading)
        if together is not None:
            together.require_others(own)
        beyond = beyond_bounds(own, schema)
        schema = with_broken_bounds(schema, own, beyond)
    fraction = None if own is not None else config.valid_fraction
    splits = split(len(rows), fraction, generator, together)
    kept = HeldOut(splits[-1], len(schema.columns))
    x, *held = encoded(
        rows, schema, splits, weight=weight, also=kept.keep,
        learns_from_missing=learns_from_missing,
        folder=None if folder is None else folder.path,
    )  # fmt: skip
    if own is None:
        x_valid, valid_table = held[0], rows.take(splits[1])
    else:
        valid_table = own
        if beyond and not learns_from_missing:
            # A fixed order needs complete rows, also to compare epochs by.
            broken = np.unique(np.concatenate(list(beyond.values())))
            valid_table, beyond = own.take(np.setdiff1d(np.arange(len(own)), broken)), {}
        every = np.arange(len(valid_table))
        kept = HeldOut(every, len(schema.columns))
        x_valid = encoded(
            valid_table, schema, [every], also=kept.keep, learns_from_missing=learns_from_missing,
            beyond=beyond,
        )[0]  # fmt: skip
    filled, observed = complete_rows(x)
    initial = without_rare_values(filled, observed, schema, min_count=min_count, weight=x.weight)
    mixtures: dict[str, Any] = {
        "conditional": config.conditional,
        "components": config.components,
        "others": other_rows(filled, observed, schema, len(x)),
    }
    columns = columns_of(schema, **mixtures)
    independent = IndependentColumns(columns_of(schema, **mixtures, tied=False))
    independent.initialize_from(filled)
    columns = with_linear_relations(
        columns, schema, filled, observed, min_count=min_count, weight=x.weight
    )
    return TrainingData(
        schema, columns, x, x_valid, valid_table, kept, filled, initial, independent, together,
        folder,
    )  # fmt: skip


def _counted(
    table: Any, reading: Reading | None, sample_weight: Any, groups: Any
) -> tuple[Table, ScratchFolder | None, np.ndarray | None, Groups | None]:
    """The rows that count, the folder for their codes if there are many, weights and groups."""
    rows = read_table_lazily(table, reading=reading)
    # The folder is removed with the last reference to the rows.
    folder = None if rows.rows is None else ScratchFolder()
    weight, together = checked_weight(sample_weight, len(rows)), Groups.of(groups, rows)
    if weight is None:
        return rows, folder, None, together
    some = np.flatnonzero(weight)  # rows of weight zero are not read
    together = None if together is None else together.take(some)
    return rows.take(some), folder, weight[some], together


def _assumptions(schema: Schema) -> str:
    """The assumed kinds: a line for each column, or for many columns the number of each kind."""
    if len(schema.columns) + len(schema.left_out) <= MOST_SHOWN:
        return str(schema)
    kinds = Counter(column.kind for column in schema.columns)
    lines = [f"{', '.join(f'{count} {kind}' for kind, count in kinds.items())} columns"]
    lines += [
        printable(f"left out: {out.name} ({out.reason})") for out in schema.left_out[:MOST_SHOWN]
    ]
    if (more := len(schema.left_out) - MOST_SHOWN) > 0:
        lines.append(f"and {more} more left out")
    lines += (ties := schema.ties_as_text)[:MOST_SHOWN]
    if (more := len(ties) - MOST_SHOWN) > 0:
        lines.append(f"and {more} more ties")
    return "\n".join(lines)
