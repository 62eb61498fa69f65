"""The rows that families are compared on: encoded once, split once, the same for all of them."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from chainrule.datasets import Dataset
from chainrule.errors import ChainruleError, SchemaError, unknown_choice
from chainrule.model import conditionals_of
from chainrule.networks import Columns
from chainrule.rng import generator_from
from chainrule.table import Schema, Table, encode, infer_schema, read_table
from chainrule.training.batches import Rows
from chainrule.training.rows import encoded

VALID, TEST = 0.1, 0.2  # shares of a table without a split of its own
LEAST_ROWS = 30


@dataclass(frozen=True)
class Data:
    """Codes of train, valid and test rows over the same columns, all complete.

    Attributes:
        name: as a person calls it.
        schema: the columns of the table.
        columns: what networks are made over.
        train, valid, test: rows (N, D), each with what it gains by being in the table's units.
        image_shape: height and width, where a row is an image.
        labels: of train, valid and test rows, (N,) each: what a representation is judged by, never part of a row.
        left_out: how many rows had holes, and are not there.
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


def prepared(source: Table | Dataset, *, label: str | None = None, seed: int = 0, components: int = 5) -> Data:
    """The rows of a data set in its own split, or of a table in one that the seed draws: 70, 10 and 20 per cent.

    Args:
        source: a data set, or a table of the user's.
        label: the column of a table whose values are the labels; it is taken out of the rows.
        seed: of a table's split.
        components: parts of each mixture of a real column.

    Raises:
        SchemaError: a label that is no column, or too few complete rows.
    """
    if isinstance(source, Dataset):
        if label is not None:
            raise ChainruleError(f"--label {label}: is for tables; a data set has its own labels, or none")
        tables = [
            _named(read_table(getattr(source, split), source=f"{source.name} ({split})"), source) for split in _SPLITS
        ]
        return _of_splits(source.name, tables, source.image_shape, source.labels, 0, components)
    kinds, labels = {}, None
    if label is not None:
        if label not in source.names:
            raise SchemaError(f"{source.source}: --label {label}: {unknown_choice('column', label, source.names)}")
        kinds = {label: "leave out"}
        labels = np.array([str(value) for value in source.labels(source.names.index(label)).tolist()], dtype=object)
    kept, left_out = _complete(source, kinds)
    if len(kept) < LEAST_ROWS:
        raise SchemaError(
            f"{source.source}: {len(kept)} complete rows of {len(source)}; families are compared on at least {LEAST_ROWS}: fill "
            f"the holes first, with chainrule impute"
        )
    order = kept[torch.randperm(len(kept), generator=generator_from(seed)).numpy()]
    test, valid = (max(1, round(share * len(order))) for share in (TEST, VALID))
    parts = [order[test + valid :], order[test : test + valid], order[:test]]
    of_parts = None if labels is None else (labels[parts[0]], labels[parts[1]], labels[parts[2]])
    tables = [source.take(part) for part in parts]
    return _of_splits(source.source, tables, None, of_parts, left_out, components, kinds)


_SPLITS = ("train", "valid", "test")


def _named(table: Table, source: Dataset) -> Table:
    return table if source.columns is None else replace(table, names=source.columns, named=True)


def _of_splits(
    name: str,
    tables: Sequence[Table],
    image_shape: tuple[int, int] | None,
    labels: tuple[np.ndarray, np.ndarray, np.ndarray] | None,
    left_out: int,
    components: int,
    kinds: Mapping[str, str] | None = None,
) -> Data:
    schema = infer_schema(tables[0], kinds=kinds)
    columns = Columns.of(conditionals_of(schema, components=components))
    train, valid, test = (encoded(table, schema, "nade", [np.arange(len(table))])[0] for table in tables)
    return Data(name, schema, columns, train, valid, test, image_shape, labels, left_out)


def _complete(table: Table, kinds: Mapping[str, str]) -> tuple[np.ndarray, int]:
    """The numbers of the rows without a hole in any column that is modelled, and how many others there are."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what is left out is said when the training rows are read
        schema = infer_schema(table, kinds=kinds)
        seen = encode(table, schema).observed.all(1)
    return np.flatnonzero(seen), int((~seen).sum())
