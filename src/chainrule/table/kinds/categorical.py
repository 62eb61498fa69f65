"""Categories: the index of each level with enough rows; rarer and never-seen levels share one more code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np

from chainrule.table.cells import Where, as_labels, label_of, objects_of
from chainrule.table.exact import integer_of, whole_array, within
from chainrule.table.kinds.masses import atom_codes as atom_codes
from chainrule.table.kinds.masses import is_mass as is_mass
from chainrule.table.kinds.masses import log_scale as log_scale
from chainrule.table.schema import Column, Level
from chainrule.table.types import encoded_labels, own_value
from chainrule.table.values import Encoded


def infer(
    name: str, values: np.ndarray, dtype: str, reason: str, *, min_count: int, categories: tuple[Encoded, ...] = ()
) -> Column | None:
    """The column these labels make: levels of at least ``min_count`` rows, the most frequent first, then as they appear.

    A column without such a level has no code, and is None. ``categories`` are those of the column's type, of which it keeps the
    listed ones and those without a row.
    """
    labels = as_labels(values)
    counts = Counter(label for label in labels if label is not None)
    listed = [label for label, count in counts.most_common() if count >= min_count]
    first: dict[str | None, int] = dict.fromkeys(listed, -1)
    for row, label in enumerate(labels):
        if first.get(label, 0) < 0:
            first[label] = row
    if not listed:
        return None
    levels = [values[first[label]] for label in listed]
    own, rows = encoded_labels(levels), sum(counts.values())
    return Column(
        name=name, kind="categorical", dtype=dtype, reason=reason, rows=rows,
        unlisted=len(counts) - len(listed), unlisted_rows=rows - sum(counts[label] for label in listed),
        levels=tuple(map(_plain, levels)), own_levels=own if any(isinstance(level, tuple) for level in own) else (),
        categories=public_categories(categories, counts, min_count),
    )  # fmt: skip


def public_categories(categories: tuple[Encoded, ...], counts: Mapping[str, int], least: int) -> tuple[Encoded, ...]:
    """Those of a type's labels that a file may hold: that no row has, or at least so many; not those of few rows.

    >>> public_categories(("low", "mid", "high"), {"low": 7, "mid": 1}, 5)
    ('low', 'high')
    """
    found = [(category, counts.get(label_of(own_value(category)), 0)) for category in categories]
    return tuple(category for category, count in found if not 0 < count < least)


def encode(column: Column, values: np.ndarray, where: Where, *, strict: bool = True) -> np.ndarray:
    """Codes (N,) float64, NaN where unknown; V for what is not listed: any value is a label."""
    labels = as_labels(values)
    code = {label_of(level): float(k) for k, level in enumerate(column.levels)}
    other = float(len(column.levels))
    if not any(isinstance(level, str) for level in column.levels):  # text may stand for numbers and booleans
        labels = [_as_number(label) for label in labels]
    found = (np.nan if label is None else code.get(label, other) for label in labels)
    return np.fromiter(found, dtype=np.float64, count=len(values))


def decode(column: Column, codes: np.ndarray) -> np.ndarray:
    """Values (N,): levels as the table had them, masked where it is none that is listed."""
    known, types = codes.astype(np.int64), {type(level) for level in column.levels}
    if column.own_levels:
        levels = objects_of(list(map(own_value, column.own_levels)))
    elif types == {int}:
        levels = within(whole_array(column.levels), column.dtype)
    else:
        levels = np.array(column.levels) if types in ({float}, {bool}) else objects_of(column.levels)
    unlisted = known >= len(levels)
    cells = levels[np.where(unlisted, 0, known)]
    return np.ma.masked_array(cells, unlisted) if unlisted.any() else cells


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
