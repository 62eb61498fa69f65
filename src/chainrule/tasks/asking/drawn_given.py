"""Rows drawn given an event: those of the pool first, then paths within the event.

A row depends on the seed and its number alone. As many rows as fulfil the event in the pool are
taken from there, in an order that the seed shuffles. Each further row draws some paths within the
event's boxes, and keeps one of them by their weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from chainrule.arguments import POOL_ROWS
from chainrule.errors import ChainruleError
from chainrule.events import Cell, Event, Levels, boxes_of, conjunction, holds, negation
from chainrule.model import Model
from chainrule.rng import RowGenerator, Source, of_rows, one_each, uniforms
from chainrule.table import Schema
from chainrule.tasks.asking.measure import Measure
from chainrule.tasks.asking.paths import paths_of
from chainrule.tasks.asking.pool import CodedRows

CANDIDATES = 64  # paths of which a row keeps one
AT_ONCE = 2**14  # paths drawn at a time
SHUFFLE = 3  # a purpose of its own: the pool's rows are shuffled independently of all draws
IMPOSSIBLE = "given: the condition has no probability by the model; widen it"


@dataclass(frozen=True)
class GivenEvent:
    """Draws rows of codes given an event.

    Attributes:
        model: the fitted model.
        event: what holds in every row.
        listed: the event that all labels are listed ones, in the columns where they must be.
        shuffle: the seed that shuffles the pool's rows.
        draws: how many rows the pool has.
    """

    model: Model
    event: Event
    listed: Event
    shuffle: int
    draws: int = POOL_ROWS

    def codes(self, first: int, n: int, source: Source) -> np.ndarray:
        """Returns codes (n, D) of rows from a number on, whose generator is ``source``."""
        own = np.arange(first, first + n)
        from_pool = own < len(self._hits)
        found = np.zeros((n, len(self.model.schema.columns)))
        found[from_pool] = self._measure.pool.take(self._hits[own[from_pool]])
        rest = np.flatnonzero(~from_pool)
        if len(rest):
            found[rest] = self._by_paths(of_rows(source, rest), len(rest))
        return found

    @cached_property
    def _measure(self) -> Measure:
        return Measure(self.model, self.draws)

    @cached_property
    def _hits(self) -> np.ndarray:
        """The rows of the pool that fulfil the event, in an order of the seed."""
        hits = np.flatnonzero(holds(conjunction(self.event, self.listed), self._measure.pool))
        keys = RowGenerator.numbered(self.shuffle, 0, len(hits), purpose=SHUFFLE).uniforms(1)
        return hits[np.argsort(keys[:, 0], kind="stable")]

    def _by_paths(self, source: Source, n: int) -> np.ndarray:
        """Codes (n, D) of rows that each keep one of some paths."""
        boxes = boxes_of(self.event, frozenset(self.model.schema.flags))
        if boxes is None:
            raise ChainruleError(
                f"given: {len(self._hits):,} of {self.draws:,} draws fulfil it, and between "
                "columns no others are tried; draw fewer rows, or widen the condition"
            )
        if not boxes:
            raise ChainruleError(IMPOSSIBLE)
        components, weight = self._measure.components
        width, each = len(self.model.schema.columns), max(1, CANDIDATES // len(boxes))
        found, at_once = np.zeros((n, width)), max(1, AT_ONCE // (each * len(boxes)))
        for start in range(0, n, at_once):
            rows = np.arange(start, min(start + at_once, n))
            some, shape = of_rows(source, rows), (len(rows), each)
            uniform = uniforms(len(rows), each * (width + 1), some).numpy().reshape(-1, width + 1)
            paths = paths_of(components, weight, boxes, uniform, width)
            logs = np.concatenate([path.log_weight.reshape(shape) for path in paths], axis=1)
            codes = np.concatenate([path.codes.reshape(*shape, width) for path in paths], axis=1)
            coded = CodedRows.of(self.model.schema, codes.reshape(-1, width))
            logs = np.where(holds(self.listed, coded).reshape(logs.shape), logs, -np.inf)
            chosen = selected(logs, one_each(len(rows), some).numpy())
            found[rows] = codes[np.arange(len(rows)), chosen]
        return found


def selected(logs: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """The number (n,) that each uniform (n,) selects by weights whose logarithms are (n, C)."""
    most = logs.max(1, keepdims=True)
    if not np.isfinite(most).all():
        raise ChainruleError(IMPOSSIBLE)
    ends = np.exp(logs - most).cumsum(1)
    return (uniform[:, None] * ends[:, -1:] >= ends[:, :-1]).sum(1)


def listed_labels(schema: Schema, *, rare: bool) -> Event:
    """Returns the event that all labels are listed ones.

    With ``rare``, columns whose training rows had rare labels may have them.
    """
    found: list[Event] = []
    for number, column in enumerate(schema.columns):
        extra = len(column.code_names) - len(column.level_names)
        if extra and not (column.has_unlisted and rare):
            others = Levels((False,) * len(column.level_names) + (True,) * extra)
            found.append(negation(Cell(number, others)))  # a missing cell has no label
    return conjunction(*found)
