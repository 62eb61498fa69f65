"""The rows that families are compared on: encoded and split once, the same for all families."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

from chainrule.datasets import Dataset
from chainrule.errors import ChainruleError, SchemaError, unknown_choice
from chainrule.model import columns_of
from chainrule.networks import Columns
from chainrule.rng import generator_from
from chainrule.table import Schema, Table, encode, infer_schema, read_table
from chainrule.training.batches import Rows
from chainrule.training.rows import encoded

VALID, TEST = 0.1, 0.2  # shares of a table without a split of its own
LEAST_ROWS, MOST_CLASSES = 30, 100


@dataclass(frozen=True)
class Data:
    """Codes of train, valid and test rows over the same columns, all complete.

    Attributes:
        name: the name that people read.
        schema: the columns of the table.
        unmodelled: columns that are not modelled, with the reason: ids, free text, and those that
            the user left out.
        columns: the columns that networks are built over.
        train, valid, test: rows (N, D), with what their nats gain by being in the table's units.
        image_shape: height and width, if a row is an image.
        labels: labels of train, valid and test rows, (N,) each, None for a row without one.
            Representations are judged by them, and they are not part of a row.
        left_out: number of rows that were left out because they have missing cells.
        unlabelled: number of rows without a label; representations are judged without them.
    """

    name: str
    schema: Schema
    columns: Columns
    train: Rows
    valid: Rows
    test: Rows
    image_shape: tuple[int, int] | None
    labels: tuple[np.ndarray, np.ndarray, np.ndarray] | None
    left_out: int = 0
    unlabelled: int = 0
    unmodelled: Mapping[str, str] = field(default_factory=dict)


def prepared(
    source: Table | Dataset,
    *,
    label: str | None = None,
    kinds: Mapping[str, Any] | None = None,
    seed: int = 0,
    components: int = 5,
) -> Data:
    """Returns the rows of a data set in its own split, or of a table in a random split.

    A random split has 70 % training, 10 % validation and 20 % test rows.

    Args:
        source: a data set, or a table of the user's.
        label: the column of a table whose values are the labels; it is removed from the rows.
        kinds: the kind of some columns by name, instead of the guess.
        seed: seed of a table's split.
        components: number of components of each mixture of a real column.

    Raises:
        SchemaError: the label is not a column or has too few classes, or there are too few complete
            rows.
    """
    if isinstance(source, Dataset):
        if label is not None:
            raise ChainruleError(
                f"--label {label}: is for tables; a data set has its own labels, or none"
            )
        tables = [
            _named(read_table(getattr(source, split), source=f"{source.name} ({split})"), source)
            for split in _SPLITS
        ]
        return _of_splits(
            source.name, tables, kinds, source.image_shape, source.labels, 0, components
        )
    kinds, labels = dict(kinds or {}), None
    if label is not None:
        if label not in source.names:
            raise SchemaError(
                f"{source.source}: --label {label}: {unknown_choice('column', label, source.names)}"
            )
        kinds[label] = "leave out"
        labels = _as_labels(source.labels(source.names.index(label)))
    schema, kept, left_out = _complete(source, kinds)
    if len(kept) < LEAST_ROWS:
        raise SchemaError(
            f"{source.source}: {len(kept)} complete rows of {len(source)}; families are compared "
            f"on at least {LEAST_ROWS}: fill the missing cells first, with chainrule impute"
        )
    order = kept[torch.randperm(len(kept), generator=generator_from(seed)).numpy()]
    test, valid = (max(1, round(share * len(order))) for share in (TEST, VALID))
    splits = [order[test + valid :], order[test : test + valid], order[:test]]
    split_labels = None
    if labels is not None:
        split_labels = (labels[splits[0]], labels[splits[1]], labels[splits[2]])
        _require_classes(source.source, str(label), split_labels)
    # Kinds follow from the whole table, so that all splits are read in the same way.
    # Levels, scales and atoms follow from the training rows.
    whole_kinds = {column.name: column.kind for column in schema.columns} | {
        out.name: "leave out" for out in schema.left_out
    }
    tables = [source.take(rows) for rows in splits]
    data = _of_splits(source.source, tables, whole_kinds, None, split_labels, left_out, components)
    return replace(
        data, unmodelled={out.name: out.reason for out in schema.left_out if out.name != label}
    )


def _as_labels(values: np.ndarray) -> np.ndarray:
    """Returns a column's cells as text, (N,) objects; None for unknown cells."""
    return np.array(
        [None if value is None or value != value else str(value) for value in values.tolist()],
        dtype=object,
    )


def _require_classes(source: str, label: str, splits: Sequence[np.ndarray]) -> None:
    """Raises SchemaError unless a linear classifier could learn these labels."""
    classes = {value for value in splits[0] if value is not None}
    if not 2 <= len(classes) <= MOST_CLASSES:
        raise SchemaError(
            f"{source}: --label {label}: the training rows have {len(classes)} different values; "
            f"name a column of 2 to {MOST_CLASSES} classes"
        )
    for labels in splits[1:]:
        if not any(value is not None for value in labels):
            raise SchemaError(
                f"{source}: --label {label}: no validation or test row has one; name another column"
            )


_SPLITS = ("train", "valid", "test")


def _named(table: Table, source: Dataset) -> Table:
    return table if source.columns is None else replace(table, names=source.columns, named=True)


def _of_splits(
    name: str,
    tables: Sequence[Table],
    kinds: Mapping[str, Any] | None,
    image_shape: tuple[int, int] | None,
    labels: tuple[np.ndarray, np.ndarray, np.ndarray] | None,
    left_out: int,
    components: int,
) -> Data:
    schema = infer_schema(tables[0], kinds=kinds)
    columns = columns_of(schema, components=components)
    train, valid, test = (
        encoded(table, schema, [np.arange(len(table))], strict=True)[0] for table in tables
    )
    unlabelled = (
        0 if labels is None else sum(sum(value is None for value in split) for split in labels)
    )
    return Data(
        name, schema, columns, train, valid, test, image_shape, labels, left_out, unlabelled
    )


def _complete(table: Table, kinds: Mapping[str, Any]) -> tuple[Schema, np.ndarray, int]:
    """Returns the table's schema, the indices of complete rows, and the number of others."""
    schema = infer_schema(table, kinds=kinds)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the schema has warned of columns that are left out
        is_complete = encode(table, schema, strict=True).observed.all(1)
    return schema, np.flatnonzero(is_complete), int((~is_complete).sum())
