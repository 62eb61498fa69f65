"""What a fit trains on: a table read, split and encoded."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from chainrule.baselines import IndependentColumns
from chainrule.errors import printable
from chainrule.model import columns_of
from chainrule.networks import Columns
from chainrule.scratch import ScratchFolder
from chainrule.table import MIN_COUNT, Schema, Table, describe_missing, infer_schema, read_table, read_table_lazily
from chainrule.training.batches import Rows
from chainrule.training.calibration import HeldOut
from chainrule.training.config import FitConfig
from chainrule.training.initial_rows import complete_rows, without_rare_values
from chainrule.training.rows import checked_weight, encoded, split

MOST_SHOWN = 60  # columns that are shown a line each


@dataclass(frozen=True)
class TrainingData:
    """A table as a fit needs it.

    Attributes:
        schema: the columns.
        columns: what networks are made over.
        train: the rows to train on.
        valid: the validation rows.
        valid_table: the validation rows as a table.
        calibration_rows: validation rows, at full precision, of which the calibration is made.
        filled: codes (n, D) of training rows, spread evenly over them, in which missing cells are filled.
        initial: codes (n, D) of which a network's first parameters are computed.
        independent: independent columns of the training rows.
        folder: where the rows are memory-mapped, if they are.
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
    folder: ScratchFolder | None = None


def training_data(
    table: Any,
    valid: Any,
    config: FitConfig,
    *,
    kinds: Mapping[str, Any] | Schema | None = None,
    missing: str = "unknown",
    strict: bool = False,
    min_count: int = MIN_COUNT,
    sample_weight: Any = None,
    learns_from_missing: bool,
    generator: torch.Generator,
    show: bool = False,
) -> TrainingData:
    """A table read and encoded, with validation rows of their own or a share that the generator draws.

    Args:
        table: as ``fit`` takes it, and so are ``valid``, ``kinds``, ``missing``, ``strict``, ``min_count`` and ``sample_weight``.
        valid: validation rows, or None.
        config: what real columns are modelled by, and the share held out.
        kinds: the kind of some columns.
        missing: "unknown" or "informative".
        strict: raise where columns would be left out.
        min_count: how many rows make a level, an atom and each number of a model file.
        sample_weight: how much each row of the table counts.
        learns_from_missing: whether rows with missing cells are trained on; else they are refused.
        generator: what the share held out is drawn by.
        show: print on stderr what is assumed of the columns.
    """
    rows = read_table_lazily(table, reading=kinds.reading if isinstance(kinds, Schema) else None)
    folder = None if rows.rows is None else ScratchFolder()  # gone when nobody has the rows any more
    weight = checked_weight(sample_weight, len(rows))
    if weight is not None:  # rows that do not count are not there
        rows, weight = rows.take(np.flatnonzero(weight)), weight[weight > 0]
    schema = infer_schema(rows, kinds=kinds, min_count=min_count, strict=strict, missing=missing)
    if show:
        print("\n".join([_assumptions(schema), *describe_missing(rows.missing, schema)]), file=sys.stderr)
    every = np.arange(len(rows))
    parts = [every] if valid is not None else split(every, config.valid_fraction, generator)
    kept = HeldOut(parts[-1], len(schema.columns))
    x, *held = encoded(
        rows, schema, parts, weight=weight, also=kept.keep, learns_from_missing=learns_from_missing,
        folder=None if folder is None else folder.path,
    )  # fmt: skip
    if valid is None:
        x_valid, valid_table = held[0], rows.take(parts[1])
    else:
        valid_table = read_table(valid, source="the validation table", reading=schema.reading)
        every = np.arange(len(valid_table))
        kept = HeldOut(every, len(schema.columns))
        x_valid = encoded(valid_table, schema, [every], also=kept.keep, learns_from_missing=learns_from_missing)[0]
    filled, known = complete_rows(x)
    initial = without_rare_values(filled, known, schema, min_count=min_count, weight=x.weight)
    columns = columns_of(schema, conditional=config.conditional, components=config.components)
    independent = IndependentColumns(columns)
    independent.initialize_from(filled)
    return TrainingData(schema, columns, x, x_valid, valid_table, kept, filled, initial, independent, folder)


def _assumptions(schema: Schema) -> str:
    """What is assumed of the columns: a line for each; of many how many there are of each kind, and what is left out."""
    if len(schema.columns) + len(schema.left_out) <= MOST_SHOWN:
        return str(schema)
    kinds = Counter(column.kind for column in schema.columns)
    lines = [f"{', '.join(f'{count} {kind}' for kind, count in kinds.items())} columns"]
    lines += [printable(f"left out: {out.name} ({out.reason})") for out in schema.left_out[:MOST_SHOWN]]
    if (more := len(schema.left_out) - MOST_SHOWN) > 0:
        lines.append(f"and {more} more left out")
    return "\n".join(lines)
