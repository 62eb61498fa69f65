"""An event as boxes that do not overlap: each a region for some columns, all of them at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from chainrule.events.event import (
    AllOf,
    Always,
    AnyOf,
    Cell,
    Event,
    Missing,
    Not,
    Relation,
    columns_in,
    conjunction,
    disjunction,
    is_conjunction,
    leaves_of,
    negation,
)
from chainrule.events.regions import Region, partition

MOST_BOXES = 64


@dataclass(frozen=True)
class _Flag:
    """Whether a cell is missing, in a box that says nothing of its value."""

    is_missing: bool


MISSING: Final = _Flag(True)
PRESENT: Final = _Flag(False)
Part: TypeAlias = "Region | _Flag"
Box: TypeAlias = Mapping[int, Part]
"""For some columns, a region in which the cell lies, or ``MISSING``, or ``PRESENT``."""


def boxes_of(event: Event, may_miss: Collection[int], most: int = MOST_BOXES) -> list[Box] | None:
    """Returns disjoint boxes whose union is the event; None if there are too many.

    There are none for an event between columns.

    Args:
        event: the event.
        may_miss: the columns whose cells may be missing.
        most: the largest number of boxes.
    """
    if is_conjunction(event):
        return _of_cells([leaf for leaf in leaves_of(event) if isinstance(leaf, Cell)])
    if any(isinstance(leaf, Relation) for leaf in leaves_of(event)):
        return None
    found: list[Box] = []
    waiting: list[tuple[Event, dict[int, Part]]] = [(_simple(event, {}), {})]
    while waiting:
        rest, box = waiting.pop()
        if isinstance(rest, Always):
            if rest.holds:
                found.append(box)
        else:
            waiting += [
                (left, box if part is None else {**box, column: part})
                for column, part, left in _divided(rest, may_miss)
            ]
        if len(found) + len(waiting) > most:
            return None
    return found


def _of_cells(cells: Sequence[Cell]) -> list[Box]:
    """The box in which all cells lie in their regions; none if there is no such cell."""
    box: dict[int, Region] = {}
    for cell in cells:
        known = box.get(cell.column)
        box[cell.column] = cell.region if known is None else known.common(cell.region)
    return [] if any(region.is_empty for region in box.values()) else [box]


def _divided(event: Event, may_miss: Collection[int]) -> list[tuple[int, Part | None, Event]]:
    """Divides an event by the cell of its first column: what it then still asks.

    The part is None if the column changes nothing.
    """
    column = min(columns_in(event))
    leaves = [leaf for leaf in leaves_of(event) if column in columns_in(leaf)]
    cells = [leaf for leaf in leaves if isinstance(leaf, Cell)]
    pieces: dict[Event, Region] = {}
    if not cells:
        return [
            (column, flag, _simple(event, {Missing(column): flag.is_missing}))
            for flag in (PRESENT, MISSING)
        ]
    for piece, truth in partition([cell.region for cell in cells]):
        known: dict[Event, bool] = {Missing(column): False}
        known.update(zip(cells, truth, strict=True))
        left = _simple(event, known)
        pieces[left] = pieces[left].united(piece) if left in pieces else piece
    if column not in may_miss:
        if len(pieces) == 1:
            return [(column, None, left) for left in pieces]
        return [(column, piece, left) for left, piece in pieces.items()]
    nothing: dict[Event, bool] = {Missing(column): True, **dict.fromkeys(cells, False)}
    return [
        *((column, piece, left) for left, piece in pieces.items()),
        (column, MISSING, _simple(event, nothing)),
    ]


def _simple(event: Event, known: Mapping[Event, bool]) -> Event:
    """Returns the event with known parts replaced by what they are."""
    if isinstance(event, Cell | Missing):
        if event in known:
            return Always(known[event])
        if isinstance(event, Cell) and event.region.is_empty:
            return Always(False)
        return event
    if isinstance(event, Not):
        return negation(_simple(event.of, known))
    if isinstance(event, AllOf):
        return conjunction(*(_simple(each, known) for each in event.of))
    if isinstance(event, AnyOf):
        return disjunction(*(_simple(each, known) for each in event.of))
    return event
