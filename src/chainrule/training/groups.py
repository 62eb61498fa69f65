"""Rows that belong together, such as those of one customer: each group is on one side of a split.

A model that has read some rows of a customer expects the others. So validation rows that share
groups with training rows make a likelihood look better than that of new customers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import numpy as np
import torch

from chainrule.errors import SchemaError, ShapeError, unknown_choice
from chainrule.table import Schema, Table, infer_schema
from chainrule.table.frames.cells import cells_of
from chainrule.table.frames.column_index import find
from chainrule.table.values.cells import as_labels, is_observed, objects_of

LEAST_GROUPS = 2  # of a fit: one to hold out, one to train on
REASON = "names the groups of rows"


@dataclass(frozen=True)
class Groups:
    """The group of each row.

    Attributes:
        of_rows: the number of each row's group, int64 (N,).
        column: the name of the column with the groups' keys; None if they came as an array.
        keys: the key of each row, (N,).
    """

    of_rows: np.ndarray
    column: str | None
    keys: np.ndarray

    @classmethod
    def of(cls, groups: Any, table: Table) -> Groups | None:
        """The groups of a table's rows; None for None.

        Args:
            groups: the name of a column, or a key for each row.
            table: the table; only the column of that name is read.

        Raises:
            SchemaError: an unknown column; a row without a key.
            ShapeError: another number of keys than rows; keys that are no values.
        """
        if groups is None or isinstance(groups, Groups):
            return groups
        if _is_name(groups, table):
            column = find(groups, table.names, table.index)
            if column not in table.names:
                raise SchemaError(
                    f"{table.source}: groups: {unknown_choice('column', column, table.names)}"
                )
            position = table.names.index(column)
            keys, known = table.labels(position), is_observed(table.columns[position])
            found = f"{table.source}: column {column!r} of the groups is empty"
        else:
            column, keys = None, _keys(groups)
            if keys.shape != (len(table),):
                raise ShapeError(
                    f"groups has shape {keys.shape}; the table has {len(table)} rows: pass "
                    f"({len(table)},) keys, or the name of a column"
                )
            known, found = is_observed(keys), "groups: there is no key"
        if not known.all():
            row, more = int(np.flatnonzero(~known)[0]), int((~known).sum()) - 1
            others = f", and in {more} other row(s)" if more else ""
            raise SchemaError(
                f"{found} at {table.where(row)}{others}; give each row a key, or drop these rows"
            )
        return cls(_numbered(keys), column, keys)

    def __len__(self) -> int:
        return int(self.of_rows.max(initial=-1)) + 1

    def take(self, rows: np.ndarray) -> Groups:
        """Selects rows by number or mask; their groups get the numbers 0, 1, …."""
        of_rows = np.unique(self.of_rows[rows], return_inverse=True)[1]
        return replace(self, of_rows=of_rows.reshape(-1), keys=self.keys[rows])

    def to_json(self) -> dict[str, Any]:
        """What a record of a fit says of the groups: never their keys."""
        return {"column": self.column, "number": len(self)}

    def split(self, fraction: float, generator: torch.Generator) -> list[np.ndarray]:
        """Row numbers for training and for validation, in random order.

        Groups come in random order. One is held out if that brings the number of held rows nearer
        to the fraction. If no group does, the smallest is held out.

        Raises:
            SchemaError: fewer than two groups.
        """
        if len(self) < LEAST_GROUPS:
            raise SchemaError(
                f"groups: all {len(self.of_rows)} rows are of one group, so that none can be held "
                "out for validation; pass a column with at least two groups, or leave groups out"
            )
        sizes, wanted = np.bincount(self.of_rows), fraction * len(self.of_rows)
        order = torch.randperm(len(self), generator=generator).numpy()
        is_held, rows = np.zeros(len(self), dtype=bool), 0
        for group, size in zip(order[:-1].tolist(), sizes[order[:-1]].tolist(), strict=True):
            if abs(rows + size - wanted) < abs(rows - wanted):
                is_held[group], rows = True, rows + size
        if not rows:
            is_held[order[sizes[order].argmin()]] = True
        shuffled = torch.randperm(len(self.of_rows), generator=generator).numpy()
        held = is_held[self.of_rows[shuffled]]
        return [shuffled[~held], shuffled[held]]

    def folds(
        self, number: int, rng: np.random.Generator, weight: np.ndarray | None = None
    ) -> np.ndarray:
        """The fold (N,) of each row, of so many.

        Groups are dealt by size, so that folds differ by at most the rows of one group. Rows of
        weight zero do not count.
        """
        sizes = np.bincount(self.of_rows, weights=None if weight is None else weight > 0)
        order = rng.permutation(len(self))
        order = order[np.argsort(-sizes[order], kind="stable")]
        fold = np.empty(len(self), dtype=np.int64)
        fold[order] = np.arange(len(self)) % number
        return fold[self.of_rows]

    def require_others(self, valid: Table) -> None:
        """Raises SchemaError if rows of a validation table belong to groups of the training rows.

        Its groups are known if a column names them.
        """
        if self.column is None:
            raise SchemaError(
                "groups: an array has no keys for the rows of valid; pass the name of a column of "
                "both tables, or leave groups out"
            )
        theirs = Groups.of(self.column, valid)
        assert theirs is not None, "the column has a name"
        own = set(as_labels(self.keys))  # a file may hold keys as text, and a frame as numbers
        for row, key in enumerate(as_labels(theirs.keys)):
            if key in own:
                raise SchemaError(
                    f"{valid.source}: the group of {valid.where(row)} in column {self.column!r} "
                    "also has training rows; drop its rows from one of both, or leave valid out"
                )


def schema_beside(
    groups: Groups | None,
    table: Table,
    *,
    kinds: Mapping[str, Any] | Schema | None = None,
    min_count: int,
    strict: bool = False,
    missing: str,
    ties: str | Sequence[str | tuple[str, str]],
) -> Schema:
    """The schema of a table, as ``infer_schema`` has it, without the column of the groups.

    It is modelled if ``kinds`` has its kind.
    """
    left_out = None
    if groups is not None and groups.column is not None and not isinstance(kinds, Schema):
        named = [find(label, table.names, table.index) for label in kinds or ()]
        if groups.column not in named:
            left_out, kinds = groups.column, {**(kinds or {}), groups.column: "leave out"}
    schema = infer_schema(
        table, kinds=kinds, min_count=min_count, strict=strict, missing=missing, ties=ties
    )
    if left_out is None:
        return schema
    outs = schema.left_out
    return replace(
        schema,
        left_out=tuple(replace(o, reason=REASON) if o.name == left_out else o for o in outs),
    )


def _is_name(groups: Any, table: Table) -> bool:
    """Whether this is the name of a column; a tuple is one only if a column has it."""
    if isinstance(groups, tuple):
        return find(groups, table.names, table.index) in table.names
    return isinstance(groups, str) or not (
        isinstance(groups, Iterable) or hasattr(groups, "__array__")
    )


def _keys(groups: Any) -> np.ndarray:
    """The keys of an array, a series or a list, as an array."""
    import narwhals as nw

    series = nw.from_native(groups, series_only=True, pass_through=True)
    if isinstance(series, nw.Series):
        return cells_of(series)
    if isinstance(groups, np.ma.MaskedArray):
        return objects_of(groups.tolist())
    return np.asarray(groups) if hasattr(groups, "__array__") else objects_of(list(groups))


def _numbered(keys: np.ndarray) -> np.ndarray:
    """A number (N,) for each key, the same for equal keys."""
    if keys.dtype.kind != "O":
        return np.unique(keys, return_inverse=True)[1].reshape(-1)
    number: defaultdict[Hashable, int] = defaultdict(count().__next__)
    try:
        return np.fromiter(map(number.__getitem__, keys.tolist()), np.int64, count=len(keys))
    except TypeError as error:
        raise ShapeError(f"groups: a key is no single value: {error}; pass text or numbers") from (
            error
        )
