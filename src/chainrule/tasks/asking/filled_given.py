"""Missing cells drawn given the known cells of their row and an event.

Rows in which the event does not hold are drawn again, which is exact. Rows in which it never holds
draw some paths within the event's boxes, and keep one of them by their weights.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from chainrule.errors import ChainruleError
from chainrule.events import Box, Event, boxes_of, conjunction, holds
from chainrule.rng import one_each, uniforms
from chainrule.tasks.asking.drawn_given import CANDIDATES, listed_labels, selected
from chainrule.tasks.asking.pool import CodedRows
from chainrule.tasks.asking.walks import Component, Draws, cells_of, components_of, walk
from chainrule.tasks.outside import completed

if TYPE_CHECKING:
    from chainrule.tasks.answer import Batch

REDRAWS = 20


def completed_given(batch: Batch, event: Event) -> np.ndarray:
    """Returns codes (n, D) with the missing cells drawn, given an event.

    Raises:
        ChainruleError: a row in which the event cannot hold, or hardly ever does.
    """
    assert batch.draws is not None
    found = batch.codes.values.copy()
    again = np.arange(len(batch))
    for _ in range(REDRAWS):
        some = batch.take(again)
        assert some.draws is not None
        drawn = completed(some.network, some.x, some.observed, some.outside, some.draws)
        found[again] = drawn.cpu().numpy()
        again = again[~_holds(batch, event, found[again], again)]
        if not len(again):
            return found
    found[again] = _by_paths(batch.take(again), event)
    return found


def _holds(batch: Batch, event: Event, codes: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Marks the rows in which an event holds; a cell outside its column is in no region."""
    coded = CodedRows.of(batch.model.schema, codes)
    outside = batch.codes.outside[rows]
    for column in np.flatnonzero(outside.any(0)).tolist():
        missing = coded.missing(column)
        gone = outside[:, column] if missing is None else missing | outside[:, column]
        coded.set_missing(column, gone)
    return holds(event, coded)


def _by_paths(batch: Batch, event: Event) -> np.ndarray:
    """Returns codes (n, D) of paths within the event's boxes that begin with the known cells."""
    schema = batch.model.schema
    components, _ = components_of(batch.model, batch.network)
    boxes = boxes_of(event, frozenset(schema.flags))
    if not boxes or len(components) > 1 or batch.codes.outside.any():
        raise ChainruleError(_improbable(batch))
    (component,), (n, width) = components, batch.codes.values.shape
    assert batch.draws is not None
    each = max(1, CANDIDATES // len(boxes))
    uniform = uniforms(n, each * width, batch.draws).numpy().reshape(-1, width)
    known = tuple(part.repeat(each, axis=0) for part in (batch.codes.values, batch.codes.observed))
    logs, codes = [], []
    for box in boxes:
        drawn, weights = _paths(component, box, uniform, (known[0], known[1]))
        logs.append(weights.reshape(n, each))
        codes.append(drawn.reshape(n, each, width))
    found, weights = np.concatenate(codes, axis=1), np.concatenate(logs, axis=1)
    wanted = conjunction(event, listed_labels(schema, rare=False))
    inside = holds(wanted, CodedRows.of(schema, found.reshape(-1, width)))
    weights = np.where(inside.reshape(weights.shape), weights, -np.inf)
    try:
        chosen = selected(weights, one_each(n, batch.draws).numpy())
    except ChainruleError as error:
        raise ChainruleError(_improbable(batch)) from error
    return found[np.arange(n), chosen]


def _paths(
    component: Component,
    box: Box,
    uniform: np.ndarray,
    known: tuple[np.ndarray, np.ndarray],
) -> tuple[np.ndarray, np.ndarray]:
    regions = cells_of(component.schema, box)
    draws = Draws(component.schema, uniform, {column: [part] for column, part in regions.items()})
    return walk(component, len(uniform), len(component.order), draws, known), draws.log_weight


def _improbable(batch: Batch) -> str:
    first = batch.model.schema.columns
    row = batch.codes.take(slice(0, 1))
    cells = ", ".join(
        f"{first[k].name} = {first[k].as_text(first[k].decode(row.values[:, k]))[0]}"
        for k in np.flatnonzero(row.observed[0])[:4].tolist()
        if not first[k].is_flag
    )
    return (
        f"given: the event hardly ever holds in {len(batch)} row(s), such as the one with {cells}; "
        "leave these rows out, or widen the event"
    )
