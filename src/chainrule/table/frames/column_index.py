"""The column labels of a pandas frame, which may be numbers, tuples or times.

Everywhere else a column has a name, which is text and unique in its table.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.table.frames.pandas_types import CANNOT_HOLD, dtype_of
from chainrule.table.frames.pandas_types import type_of as type_of_pandas
from chainrule.table.values.json_values import Encoded, as_lists, as_tuples, encoded, key_of
from chainrule.table.values.types import Type, own_value

RANGE = "range"


@dataclass(frozen=True)
class ColumnIndex:
    """The index of a pandas frame's columns.

    Attributes:
        labels: pairs of a column's name and the frame's label for it, encoded, if they differ.
        types: the type of the index, or of each level of a MultiIndex.
        names: the names of the index or of its levels, encoded.
        multi: whether it is a MultiIndex.
        frequency: the pandas frequency of an index of equally spaced times.
    """

    labels: tuple[tuple[str, Encoded], ...]
    types: tuple[Type, ...]
    names: tuple[Encoded, ...] = (None,)
    multi: bool = False
    frequency: str = ""

    def label(self, name: str) -> Any:
        """The frame's label of the column of that name."""
        found = next((label for text, label in self.labels if text == name), name)
        return own_value(found)

    def to_json(self) -> dict[str, Any]:
        """A JSON object that ``from_json`` reads."""
        types = [
            {"dtype": t.dtype, "categories": [as_lists(c) for c in t.categories]}
            for t in self.types
        ]
        labels = {name: as_lists(label) for name, label in self.labels}
        spec = {
            "labels": labels,
            "types": types,
            "names": [as_lists(n) for n in self.names],
            "multi": self.multi,
        }
        return spec | ({"frequency": self.frequency} if self.frequency else {})

    @classmethod
    def from_json(cls, spec: Mapping[str, Any]) -> ColumnIndex:
        """Rebuilds the index that ``to_json`` described."""
        labels = tuple((str(name), as_tuples(label)) for name, label in spec["labels"].items())
        types = tuple(
            Type(str(t["dtype"]), "", tuple(map(as_tuples, t["categories"]))) for t in spec["types"]
        )
        names = tuple(map(as_tuples, spec["names"]))
        return cls(labels, types, names, bool(spec["multi"]), str(spec.get("frequency", "")))

    def of(self, names: Sequence[str]) -> Any:
        """The pandas index of columns with these names."""
        import pandas as pd

        label_of = dict(self.labels)
        labels = [own_value(label_of.get(name, name)) for name in names]
        titles = [own_value(name) for name in self.names]
        if not self.multi:
            return _at_equal_distances(_index(labels, self.types[0], titles[0]), self.frequency)
        parts = [
            label if isinstance(label, tuple) and len(label) == len(self.types) else None
            for label in labels
        ]
        if None in parts:  # a name that the frame did not have
            return pd.Index(labels, dtype=object, tupleize_cols=False)
        levels = [
            _index([part[k] for part in parts if part], kind, None)
            for k, kind in enumerate(self.types)
        ]
        return pd.MultiIndex.from_arrays(levels, names=titles)


def names_and_index(frame: Any) -> tuple[tuple[str, ...], ColumnIndex | None]:
    """The names of a pandas frame's columns, and its index if the names do not describe it fully.

    If two labels have the same text, as 1 and "1", the label of text keeps it. The name of the
    other one includes its type, "1 (int)".

    Raises:
        ValueError: a label appears twice; it is the error's argument.
    """
    import pandas as pd

    index = frame.columns
    labels = list(index)
    keys = [_encoded(label) for label in labels]
    seen: set[str] = set()
    for label, key in zip(labels, map(key_of, keys), strict=True):
        if key in seen:
            raise ValueError(label)
        seen.add(key)
    names = _texts(labels, keys)
    multi = isinstance(index, pd.MultiIndex)
    levels = [index.get_level_values(k) for k in range(index.nlevels)] if multi else [index]
    types = tuple(
        Type(RANGE) if isinstance(level, pd.RangeIndex) else _type_of(level) for level in levels
    )
    titles = tuple(_encoded(title) for title in index.names)
    differing = tuple(
        (name, label) for name, label in zip(names, keys, strict=True) if label != name
    )
    if (
        not multi
        and not differing
        and titles == (None,)
        and types == (Type(str(pd.Index(["a"]).dtype)),)
    ):
        return names, None
    frequency = getattr(index, "freqstr", None) or ""
    return names, ColumnIndex(
        differing, types, titles, multi, "" if isinstance(index, pd.PeriodIndex) else frequency
    )


def names_of_mapping(keys: Sequence[Hashable]) -> tuple[tuple[str, ...], ColumnIndex | None]:
    """As ``names_and_index``, for the keys of a dict of columns."""
    labels = [_encoded(key) for key in keys]
    names = _texts(list(keys), labels)
    differing = tuple(
        (name, label) for name, label in zip(names, labels, strict=True) if label != name
    )
    return names, ColumnIndex(differing, (Type("object"),)) if differing else None


def find(label: Hashable, names: Sequence[str], index: ColumnIndex | None) -> str:
    """The name of the column that a label refers to, by equal label or by equal text.

    Other labels give their own text.
    """
    return matched([label], names, index)[0] or _text(label)


def matched(
    labels: Sequence[Any], names: Sequence[str], index: ColumnIndex | None
) -> list[str | None]:
    """As ``find``, for several labels; an equal label has priority over an equal text.

    None if a label matches no column, or one that is already matched.
    """
    key_by_name = {name: key_of(name) for name in names}
    key_by_name.update(
        (name, key_of(label))
        for name, label in (index.labels if index else ())
        if name in key_by_name
    )
    name_by_key = {key: name for name, key in key_by_name.items()}
    found = [name_by_key.get(key_of(_encoded(label))) for label in labels]
    taken = {name for name in found if name is not None}
    others = [
        (name, own_value(label))
        for name, label in (index.labels if index else ())
        if name in key_by_name
    ]
    for k, label in enumerate(labels):
        if found[k] is None:
            equal = next((name for name, other in others if _is_equal(label, other)), None)
            text = equal or _text(label)
            if text in key_by_name and text not in taken:
                found[k] = text
                taken.add(text)
    return found


def _is_equal(label: Any, other: Any) -> bool:
    if isinstance(label, str) != isinstance(other, str):
        return False
    try:
        return bool(label == other)
    except (TypeError, ValueError):
        return False


def _type_of(index: Any) -> Type:
    """The type of an index, with labels only if its type names them."""
    kind = type_of_pandas(index)
    return Type(kind.dtype, "", kind.categories)


def _index(labels: list[Any], kind: Type, title: Any) -> Any:
    import pandas as pd

    if kind.dtype == RANGE:
        if (steps := _steps(labels)) is not None:
            return pd.RangeIndex(steps.start, steps.stop, steps.step, name=title)
        kind = Type("int64")
    dtype = dtype_of(kind)
    if dtype is not None:
        try:
            return pd.Index(labels, dtype=dtype, name=title, tupleize_cols=False)
        except CANNOT_HOLD:
            pass
    return pd.Index(labels, dtype=object, name=title, tupleize_cols=False)


def _at_equal_distances(index: Any, frequency: str) -> Any:
    """The index with its frequency, if its times still have it."""
    if not frequency:
        return index
    try:
        return type(index)(index, freq=frequency)
    except CANNOT_HOLD:
        return index


def _steps(labels: list[Any]) -> range | None:
    """The range of ascending, equally spaced integers; None for other labels."""
    if not labels or not all(type(label) is int for label in labels):
        return None
    step = labels[1] - labels[0] if len(labels) > 1 else 1
    steps = range(labels[0], labels[-1] + 1, step) if step > 0 else None
    return steps if steps is not None and list(steps) == labels else None


def _encoded(label: Any) -> Encoded:
    """A label as JSON holds it, or else its text."""
    try:
        return encoded(label)
    except TypeError:
        return str(label)


def _text(label: Any) -> str:
    if isinstance(label, str):
        return str(label)
    if isinstance(label, tuple):
        parts = [repr(str(part)) if isinstance(part, str) else _text(part) for part in label]
        return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"
    return (
        str(label.item())
        if isinstance(label, np.generic) and label.dtype.kind not in "mM"
        else str(label)
    )


def _texts(labels: Sequence[Any], keys: Sequence[Encoded]) -> tuple[str, ...]:
    """A unique text for each label; labels of text do not change."""
    taken = {label for label in keys if isinstance(label, str)}
    found = []
    for label, key in zip(labels, keys, strict=True):
        if isinstance(key, str):
            found.append(key)
            continue
        text = _text(label)
        if text in taken:
            text = f"{text} ({type(label).__name__})"
        while text in taken:
            text += "*"
        taken.add(text)
        found.append(text)
    return tuple(found)
