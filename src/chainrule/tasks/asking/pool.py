"""A pool of rows drawn from a model: the measure by which most events are answered.

The pool of a model is always the same. So an event that implies another one is never more probable,
an event and its negation have probabilities that sum to one, and a repeated question has the same
answer.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from chainrule.arguments import POOL_ROWS
from chainrule.events import Event, holds
from chainrule.model import Model
from chainrule.networks import AbstractNetwork
from chainrule.progress import progress_bar
from chainrule.rng import RowGenerator
from chainrule.table import Schema
from chainrule.tasks.asking.walks import (
    Component,
    Draws,
    components_of,
    missing_in,
    network_of,
    walk,
)

AT_ONCE = 10_000  # rows drawn at a time, which bounds the memory
MOST_KEPT = 4_000  # answers to single comparisons that a pool keeps, of 25 kB each
SEED, PURPOSE = 0, 2  # draws for tables have other purposes
MICROSECONDS_A_DAY = 86_400 * 10**6


@dataclass
class CodedRows:
    """Rows of codes, to which ``holds`` asks events.

    Attributes:
        schema: the columns.
        by_column: the codes (N,) of each column.
        weights: each row's weight (N,), or None if all are equal.
    """

    schema: Schema
    by_column: list[np.ndarray]
    weights: np.ndarray | None = None
    _kept: dict[Event, np.ndarray] = field(default_factory=dict)

    @classmethod
    def of(cls, schema: Schema, codes: np.ndarray, weights: np.ndarray | None = None) -> CodedRows:
        """Returns rows of codes (N, D)."""
        return cls(schema, [np.ascontiguousarray(column) for column in codes.T], weights)

    def __len__(self) -> int:
        return len(self.by_column[0])

    def codes(self, column: int) -> np.ndarray:
        """The codes (N,) of a column."""
        return self.by_column[column]

    def missing(self, column: int) -> np.ndarray | None:
        """Marks the missing cells (N,) of a column; None if none can be missing."""
        return self._missing.get(column)

    def set_missing(self, column: int, missing: np.ndarray) -> None:
        """Marks cells (N,) of a column as missing."""
        self._missing[column] = missing

    @cached_property
    def _missing(self) -> dict[int, np.ndarray]:
        if not self.schema.flags:
            return {}
        return missing_in(self.schema, np.stack(self.by_column, axis=1))

    def numbers(self, column: int) -> np.ndarray:
        """The values (N,) of a column as float64, dates in days; NaN where there is no number."""
        if column not in self._numbers:
            self._numbers[column] = values_as_numbers(self.schema, column, self.codes(column))
        return self._numbers[column]

    @cached_property
    def _numbers(self) -> dict[int, np.ndarray]:
        return {}

    def labels(self, column: int) -> np.ndarray:
        """The labels (N,) of a column; None where one has no name."""
        spec = self.schema.columns[column]
        names = np.array([*spec.level_names, None, None], dtype=object)
        return names[self.codes(column).astype(np.int64)]

    def known(self, event: Event) -> np.ndarray | None:
        """The kept answer (N,) to an event."""
        found = self._kept.get(event)
        return None if found is None else np.unpackbits(found, count=len(self)).view(bool)

    def keep(self, event: Event, found: np.ndarray) -> None:
        """Keeps the answer (N,) to an event as bits."""
        if len(self._kept) >= MOST_KEPT:
            self._kept.pop(next(iter(self._kept)))
        self._kept[event] = np.packbits(found)

    def hits(self, event: Event) -> int:
        """In how many rows an event holds."""
        return int(np.count_nonzero(holds(event, self)))

    def take(self, rows: np.ndarray) -> np.ndarray:
        """The codes (n, D) of some rows."""
        return np.stack([column[rows] for column in self.by_column], axis=1)


def values_as_numbers(schema: Schema, column: int, codes: np.ndarray) -> np.ndarray:
    """Returns the values (N,) of codes as float64, dates in days since 1970."""
    spec = schema.columns[column]
    if spec.has_levels:
        levels = [float(level) for level in getattr(spec, "levels", ())]
        return np.array([*levels, np.nan, np.nan])[codes.astype(np.int64)]
    values = spec.decode(codes)
    if spec.holds_dates:
        return values.astype("datetime64[us]").astype(np.int64) / MICROSECONDS_A_DAY
    return np.asarray(values, dtype=np.float64)


_POOLS: WeakKeyDictionary[AbstractNetwork, dict[Any, CodedRows]] = WeakKeyDictionary()


def pool_of(model: Model, draws: int = POOL_ROWS) -> CodedRows:
    """Returns the pool of a model, which is drawn when it is first asked for."""
    pools = _POOLS.setdefault(model.network, {})
    key = draws, model.schema.names
    if key not in pools:
        pools[key] = CodedRows.of(model.schema, drawn(model, draws))
    return pools[key]


def drawn(model: Model, rows: int, *, seed: int = SEED, first_row: int = 0) -> np.ndarray:
    """Draws codes (rows, D) from a model; a row depends on the seed and its number alone.

    Unlisted labels are drawn with their probability, also those that no training row had.
    """
    network = network_of(model)
    components, weight = components_of(model, network)
    found, width = [], len(model.schema.columns)
    with progress_bar("drawing rows to ask", rows) as advance:
        for start in range(0, rows, AT_ONCE):
            stop = min(start + AT_ONCE, rows)
            source = RowGenerator.numbered(
                seed, first_row + start, first_row + stop, purpose=PURPOSE
            )
            found.append(mixed(components, weight, source.uniforms(width + 1)))
            advance(stop - start)
    return np.concatenate(found) if found else np.zeros((0, width))


def mixed(components: list[Component], weight: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """Draws codes (n, D) from a mixture by uniforms (n, D + 1), the last of which selects."""
    chosen = chosen_component(weight, uniform[:, -1])
    codes = np.zeros((len(uniform), uniform.shape[1] - 1))
    for number, component in enumerate(components):
        rows = np.flatnonzero(chosen == number)
        if len(rows):
            draws = Draws(component.schema, uniform[rows, :-1])
            codes[rows] = walk(component, len(rows), codes.shape[1], draws)
    return codes


def chosen_component(weight: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """The component (n,) that each uniform (n,) selects by the weights (M,)."""
    return (uniform[:, None] >= weight.cumsum()[:-1]).sum(1)
