"""Categories: one code per level with enough rows; rare and unseen labels share one more code."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from typing_extensions import override

from chainrule.errors import SchemaError
from chainrule.table.columns.base import Cells
from chainrule.table.columns.fields import Level, levels, whole
from chainrule.table.columns.levels import AbstractLevels
from chainrule.table.values.cells import (
    Where,
    is_number,
    label_counts,
    label_of,
    labels_of_different,
    objects_of,
)
from chainrule.table.values.distinct import Distinct, distinct
from chainrule.table.values.exact_integers import integer_of, whole_array, within
from chainrule.table.values.json_values import Encoded, as_lists, as_tuples
from chainrule.table.values.types import encoded_labels, own_value


@dataclass(frozen=True, kw_only=True)
class Categorical(AbstractLevels):
    """Labels: text, numbers or other values that name things.

    Attributes:
        levels: ``levels[code]`` is the value of a code, the most frequent first.
        own_levels: the encoded levels as in the table, if one is not text, a number or a boolean.
        unlisted: number of labels too rare to be listed; they share one more code.
        unlisted_rows: number of training rows with an unlisted label.
    """

    kind: ClassVar[str] = "categorical"
    holds_labels: ClassVar[bool] = True

    own_levels: tuple[Encoded, ...] = ()
    unlisted: int = 0
    unlisted_rows: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        name = f"column {self.name!r}"
        if not 0 <= self.unlisted_rows <= self.rows:
            raise SchemaError(
                f"{name}: {self.rows} rows, {self.unlisted_rows} of them with labels that are not "
                "listed"
            )
        if not self.levels or self.unlisted < 0 or self.rows < 1:
            raise SchemaError(
                f"{name}: a categorical column needs at least one level, and a row that has it"
            )
        if self.own_levels and len(self.own_levels) != len(self.levels):
            raise SchemaError(
                f"{name}: {len(self.own_levels)} values of its own for {len(self.levels)} levels"
            )

    @classmethod
    def infer(
        cls,
        name: str,
        values: np.ndarray | Distinct,
        dtype: str,
        reason: str,
        *,
        min_count: int,
        categories: tuple[Encoded, ...] = (),
    ) -> Self | None:
        """Makes the column of these labels; None if no level has ``min_count`` rows.

        The most frequent level comes first; ties keep the order of appearance. The column keeps
        those ``categories`` of its type that are listed or have no row.
        """
        different = distinct(values)
        counts = label_counts(different)
        listed = [label for label, count in counts.most_common() if count >= min_count]
        if not listed:
            return None
        first: dict[str | None, Any] = {}
        for label, cell in zip(labels_of_different(different), different.cells, strict=True):
            first.setdefault(label, cell)
        found = [first[label] for label in listed]
        own, rows = encoded_labels(found), sum(counts.values())
        return cls(
            name=name,
            dtype=dtype,
            reason=reason,
            rows=rows,
            unlisted=len(counts) - len(listed),
            unlisted_rows=rows - sum(counts[label] for label in listed),
            levels=tuple(map(_plain, found)),
            own_levels=own if any(isinstance(level, tuple) for level in own) else (),
            categories=public_categories(categories, counts, min_count),
        )

    @classmethod
    @override
    def as_requested(cls, cells: Cells, reason: str) -> Self | str:
        """The column of these labels; it is left out if all of them are rare."""
        values = cells.different or Distinct(cells.values)
        column = cls.infer(
            cells.name,
            values,
            cells.dtype,
            with_count(reason, values, cells.min_count),
            min_count=cells.min_count,
            categories=cells.categories,
        )
        return column or f"no label has {cells.min_count} rows"

    @property
    @override
    def outside_share(self) -> float:
        """0: a category can hold any label."""
        return 0.0

    @property
    @override
    def reads_as_written(self) -> bool:
        """Whether a level is text. Otherwise levels are numbers, and 1 and 1.0 are the same."""
        return any(isinstance(level, str) for level in self.levels)

    @property
    @override
    def has_unlisted(self) -> bool:
        return self.unlisted > 0

    @override
    def is_unlisted(self, codes: np.ndarray) -> np.ndarray:
        return codes == len(self.levels)

    @override
    def encode(self, values: np.ndarray, where: Where, *, strict: bool = True) -> np.ndarray:
        """Every value is a label."""
        different = distinct(values)
        labels = labels_of_different(different)
        code = {label_of(level): float(k) for k, level in enumerate(self.levels)}
        other = float(len(self.levels))
        if not self.reads_as_written:  # text may stand for numbers and booleans
            labels = [_as_number(label) for label in labels]
        found = (np.nan if label is None else code.get(label, other) for label in labels)
        return np.fromiter(found, dtype=np.float64, count=len(labels))[different.codes]

    @override
    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Levels as the table had them; unlisted codes are masked."""
        known, types = codes.astype(np.int64), {type(level) for level in self.levels}
        if self.own_levels:
            values = objects_of(list(map(own_value, self.own_levels)))
        elif types == {int}:
            values = within(whole_array(self.levels), self.dtype)
        else:
            values = (
                np.array(self.levels) if types in ({float}, {bool}) else objects_of(self.levels)
            )
        unlisted = known >= len(values)
        cells = values[np.where(unlisted, 0, known)]
        return np.ma.masked_array(cells, unlisted) if unlisted.any() else cells

    @override
    def decode_named(self, codes: np.ndarray) -> np.ndarray:
        if self.own_levels or not self.has_text_levels:
            return self.decode(codes)
        return objects_of(self.code_names)[codes.astype(np.int64)]

    @property
    def has_text_levels(self) -> bool:
        """Whether all levels are text."""
        return all(isinstance(level, str) for level in self.levels)

    @override
    def restored_cells(
        self, codes: np.ndarray, cells: np.ndarray, where: Where
    ) -> tuple[np.ndarray, np.ndarray] | None:
        """Unlisted labels, as given."""
        return self.is_unlisted(codes), cells

    @override
    def log_multiplicity(self, codes: np.ndarray) -> np.ndarray:
        """log(unlisted + 1) at the unlisted code: the rare labels, and one for all unseen ones."""
        return np.where(self.is_unlisted(codes), math.log(self.unlisted + 1), 0)

    @property
    def other_name(self) -> str:
        """The name of unlisted labels: "(other)", with a star if a level has that name."""
        name, taken = "(other)", set(self.level_names)
        while name in taken:
            name += "*"
        return name

    @property
    @override
    def code_names(self) -> list[str]:
        """The levels as text, and a word for all other labels."""
        return [*self.level_names, self.other_name]

    @property
    @override
    def domain_as_text(self) -> str:
        return "labels"

    @property
    @override
    def is_read_as_number(self) -> bool:
        return all(is_number(level) for level in self.levels)

    @override
    def fields_to_json(self) -> dict[str, Any]:
        fields = {
            "levels": list(self.levels),
            "unlisted": self.unlisted,
            "unlisted_rows": self.unlisted_rows,
        }
        if self.own_levels:
            return {"own_levels": [as_lists(value) for value in self.own_levels], **fields}
        return fields

    @classmethod
    @override
    def fields_from_json(cls, spec: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "levels": levels(spec["levels"]),
            "own_levels": tuple(map(as_tuples, spec.get("own_levels", ()))),
            "unlisted": whole(spec["unlisted"]),
            "unlisted_rows": whole(spec["unlisted_rows"]),
        }


def public_categories(
    categories: tuple[Encoded, ...], counts: Mapping[str, int], least: int
) -> tuple[Encoded, ...]:
    """Labels of a type that a file may hold: no row has them, or at least ``least`` rows.

    >>> public_categories(("low", "mid", "high"), {"low": 7, "mid": 1}, 5)
    ('low', 'high')
    """
    found = [(category, counts.get(label_of(own_value(category)), 0)) for category in categories]
    return tuple(category for category, count in found if not 0 < count < least)


def with_count(reason: str, values: np.ndarray | Distinct, least: int) -> str:
    """Appends to the reason how many different labels cells (N,) have, and how many are rare.

    Rare labels have fewer than ``least`` rows.
    """
    counts = label_counts(values)
    rare = [count for count in counts.values() if count < least]
    share = f"{len(rare)} rare ({sum(rare) / counts.total():.1%} of the cells) of " if rare else ""
    return f"{reason}, {share}{len(counts)} different"


def _plain(value: object) -> Level:
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, str | int | float | bool):
        return value
    return str(value) if (whole := integer_of(value)) is None else whole


def _as_number(label: str | None) -> str | None:
    if label is None or label in ("True", "False"):
        return label
    if (whole := integer_of(label)) is not None:
        return label_of(whole)
    try:
        return label_of(float(label))
    except ValueError:
        word = label.strip().lower()
        return word.capitalize() if word in ("true", "false") else label
