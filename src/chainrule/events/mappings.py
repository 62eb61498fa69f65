"""Events as dicts: {"age": (60, None), "sex": {"Female", "Male"}, "children": 2}."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

import numpy as np

from chainrule.errors import SchemaError
from chainrule.events.tree import Among, Between, Tree, together


def tree_of(cells: Mapping[Hashable, Any]) -> Tree:
    """Returns the tree of a dict: all of its conditions hold.

    A set, list or array holds the values that a cell may have. A tuple of two is an interval with
    both ends, None where there is none. Any other value is the only one.

    Raises:
        SchemaError: an empty dict, or a value that is no condition.
    """
    if not cells:
        raise SchemaError("an event without a condition; pass {'age': (60, None)}, for example")
    return together(*(_of(name, value) for name, value in cells.items()))


def has_conditions(cells: Mapping[Hashable, Any]) -> bool:
    """Whether a dict holds sets or intervals, not only one value for each column."""
    return any(
        isinstance(value, AbstractSet | list | tuple | range | np.ndarray)
        for value in cells.values()
    )


def _of(name: Hashable, value: Any) -> Tree:
    if isinstance(value, tuple):
        if len(value) != 2 or value == (None, None):
            raise SchemaError(
                f"{name!r}: {value!r} is no interval; pass (60, 70) or (60, None) for an interval, "
                "and a set for several values"
            )
        return Between(name, *value)
    if isinstance(value, AbstractSet | list | range | np.ndarray):
        values = value.tolist() if isinstance(value, np.ndarray) else list(value)
        if not values:
            raise SchemaError(f"{name!r}: an empty set of values; pass at least one")
        return Among(name, tuple(values))
    if value is None or (isinstance(value, float) and np.isnan(value)):
        raise SchemaError(
            f"{name!r}: None is no value; leave the column out, or ask in words: {name} is null"
        )
    return Among(name, (value,))
